"""Runs the engine and people's moves in a process of its own, which is killed at one side of a commit, or before one
of its transitions."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from lineside.cases import Cases, Moves, ledger, run
from lineside.memory import Memory
from lineside.plant.plant_file import parse_plant


class Points:
    """Counts what is passed, and dies at the armed one."""

    def __init__(self, armed: int, told: int) -> None:
        self.passed, self.armed, self.told = 0, armed, told

    def reach(self) -> None:
        self.passed += 1
        os.write(self.told, b".")
        if self.passed == self.armed:
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(url: str, plant: str, start: datetime, armed: int = 0) -> tuple[int, int]:
    """The points that a forked process passed, and the signal that ended it; 0 where it came to its end."""
    into, out_of = os.pipe()[::-1]
    child = os.fork()
    if child == 0:
        try:
            walk(url, plant, start, Points(armed, into))
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out_of, "rb") as passed:
        count = len(passed.read())
    _, ended = os.waitpid(child, 0)
    return count, ended


def walk(url: str, plant: str, start: datetime, points: Points) -> None:
    now = [start]
    memory = Memory.open(url, index_dir=None, plant=parse_plant(plant), clock=lambda: now[0])
    write, add = memory.write, ledger.add

    @contextmanager
    def watched() -> Iterator[Any]:
        points.reach()
        with write() as connection:
            yield connection
            points.reach()
        points.reach()

    def added(*args: Any) -> None:
        points.reach()
        add(*args)

    memory.write, ledger.add = watched, added  # type: ignore[method-assign]
    person = memory.plant.person("meister-1")
    assert person is not None
    for hours in (1, 3, 4):
        now[0] = start + timedelta(hours=hours)
        run(memory)
        waiting = [c for c in Cases(memory).list(only_open=True) if c.state in ("new", "reopened")]
        for case in waiting[:1]:
            Moves(memory, person).acknowledge(case.number)
