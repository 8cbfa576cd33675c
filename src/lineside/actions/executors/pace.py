"""When each node was last written, kept over restarts: without that a rate would be forgotten with the process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from lineside.memory.database import only_process


class Pace:
    """The last write of each node. path: a file that this object alone writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other process, and nobody else in this one, writes meanwhile. Raises StoreUnavailable."""
        with only_process(self._path.with_suffix(".lock")):
            yield

    def elapsed_s(self, node: str, now: datetime) -> float | None:
        """Seconds since the node was last written, or tried; None: never. Raises OSError, ValueError."""
        at = self._kept().get(node)
        return None if at is None else (now - datetime.fromisoformat(at)).total_seconds()

    def keep(self, node: str, now: datetime) -> None:
        """On disk before this returns. Raises OSError, ValueError."""
        draft = self._path.with_suffix(".new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({**self._kept(), node: now.isoformat()}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def _kept(self) -> dict[str, str]:
        if not self._path.exists():
            return {}
        found = json.loads(self._path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{self._path} does not hold when nodes were written")
        return {str(node): str(at) for node, at in found.items()}
