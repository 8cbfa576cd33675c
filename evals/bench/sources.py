"""How fast each kind of source is read into the memory, as a share of a bare bulk insert of the same rows, and whether
it takes more memory the more it reads."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from evals.bench.kinds import ROWS, lacking

_QUICK_ROWS = 2_000
_ALSO_ON_POSTGRESQL = "open_records"
_HEAD = (
    f"{'source':22}{'into':12}{'records':>9}{'seconds':>9}{'rec/s':>8}{'rec/cpu s':>11}{'bare rec/s':>12}{'share':>8}"
    f"{'peak MB':>9}{'20-100% MB':>12}{'load':>6}"
)


def measure(wanted: Sequence[str], rows: int | None, *, quick: bool) -> Iterator[dict[str, Any]]:
    """The figures of one kind after the other; one of them also into a memory on PostgreSQL."""
    print(_HEAD, flush=True)
    for kind in wanted:
        if program := lacking(kind):
            print(f"{kind:22}left out: {program} is not installed", flush=True)
            continue
        count = rows or (_QUICK_ROWS if quick else ROWS[kind])
        for store in ("sqlite", "postgresql") if kind == _ALSO_ON_POSTGRESQL else ("sqlite",):
            yield _loaded(kind, count, store)


def shown(each: dict[str, Any]) -> dict[str, Any]:
    """The same figures, printed as a line."""
    dead = f"  {each['dead']} dead letters" if each["dead"] else ""
    print(
        f"{each['kind']:22}{each['store']:12}{each['records']:>9}{each['seconds']:>9}{each['records_per_s']:>8}"
        f"{each['records_per_cpu_s']:>11}{each['bare_records_per_s']:>12}{each['share_of_bare_pct']:>7}%{each['rss_peak_mb']:>9}"
        f"{each['rss_growth_mb']:>12}{each['load_average']:>6}{dead}",
        flush=True,
    )
    return each


def _loaded(kind: str, rows: int, store: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "evals.bench.loading", kind, str(rows), store]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - our own module
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures
