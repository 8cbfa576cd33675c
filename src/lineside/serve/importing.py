"""Files of open records, brought in once each, with progress on a terminal."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from lineside import connector
from lineside.app import Lineside


@dataclass(slots=True)
class Imported:
    """What became of one file. received = recorded + known + dead_lettered; dead: (file:line, reason) of each."""

    file: str
    received: int = 0
    recorded: int = 0
    known: int = 0
    dead: list[tuple[str, str]] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return (
            f"{self.file}: received {self.received}, recorded {self.recorded}, already known {self.known}, "
            f"dead-lettered {len(self.dead)}"
        )

    def to_json(self) -> dict[str, object]:
        return {
            "file": self.file,
            "received": self.received,
            "recorded": self.recorded,
            "known": self.known,
            "dead_lettered": len(self.dead),
            "dead_letters": [{"origin": origin, "reason": reason} for origin, reason in self.dead],
        }


def import_file(lineside: Lineside, path: Path, *, quiet: bool = False) -> Imported:
    """Every readable line of `path` is recorded once, every other one is a dead letter with its line number."""
    return asyncio.run(_import(lineside, path, quiet=quiet or not sys.stderr.isatty()))


async def _import(lineside: Lineside, path: Path, *, quiet: bool) -> Imported:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    reader = connector.load("open_records")(
        "import", {"path": str(path), "finished": True}, time_zone=lineside.plant.time_zone, clock=lineside.clock
    )
    imported = Imported(file=path.name)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, transient=True, disable=quiet) as progress:
        task = progress.add_task(path.name, total=None)
        async for batch in reader.capture(None):
            # An import leaves no place to go on from: reading a file again is how one makes sure.
            outcome = lineside.memory.remember(
                replace(batch, checkpoint=None), source="import", translate=reader.translate
            )
            imported.received += outcome.received
            imported.recorded += outcome.recorded
            imported.known += outcome.known
            imported.dead.extend((letter.origin, letter.reason) for letter in outcome.dead)
            progress.update(task, description=imported.summary)
    imported.dead.sort(key=lambda letter: (len(letter[0]), letter[0]))  # as in the file: line 9 before line 10
    return imported
