"""The HTTP interface to packs: which are installed, which count, and who goes by them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from lineside.packs.installing import listed
from lineside.serve.api import FAULTS, Here, Reading

router = APIRouter(prefix="/api/v1", responses=FAULTS)


@router.get("/packs")
def packs(lineside: Here, caller: Reading) -> list[dict[str, Any]]:
    """Every installed version of every pack; in force: it counts from the next start on. running: it counts now."""
    del caller  # whoever may read here may know by which rules
    own = (*lineside.plant.packs_by_site.values(), lineside.plant.packs)
    running = {(layer.name, layer.version) for packs in own for layer in packs.layers}
    return [
        {**row, "running": row["name"] == "core" or (row["name"], row["version"]) in running}
        for row in listed(lineside.home, lineside.plant)
    ]
