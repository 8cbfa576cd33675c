"""Where an installation lives. Light, since every command asks."""

from __future__ import annotations

import os
from pathlib import Path


def home_folder(chosen: Path | None = None, *, otherwise: str = "lineside-data") -> Path:
    """The choice, LINESIDE_HOME, or the folder `otherwise` below the current one."""
    return (chosen or Path(os.environ.get("LINESIDE_HOME") or otherwise)).expanduser().absolute()
