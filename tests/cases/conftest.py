"""An invented dairy with two shifts and people of every right, and a ledger whose clock the tests turn."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import message_of, translate
from tests.interpretation.conftest import Scribe

from lineside.cases import Cases, Moves, Run, run
from lineside.connector import Batch
from lineside.memory import Memory
from lineside.plant.plant_file import parse_plant

DAIRY = """
site = "molkerei-sued"
name = "Molkerei Süd"
time_zone = "Europe/Berlin"
sources = [
  { name = "leitstand", kind = "mes", owner = "edv-1" },
  { name = "labor", kind = "qms", owner = "qs-1", owns = ["hold.status", "lot.quality_status"] },
  { name = "wawi", kind = "erp", owner = "plan-1" },
  { name = "lager", kind = "wms", owner = "lager-1" },
]

[[equipment]]
id = "molkerei-sued/abfuellung/linie-2"
name = "Linie 2"
[[equipment]]
id = "molkerei-sued/abfuellung/linie-2/becherfueller"
name = "Becherfüller 2"
[[equipment]]
id = "molkerei-sued/abfuellung/linie-5"
name = "Linie 5"

[[shifts]]
name = "früh"
start = "06:00"
end = "14:00"
[[shifts]]
name = "spät"
start = "14:00"
end = "22:00"

[[roster]]
week = "2026-W10"
"früh" = "gruppe-1"
"spät" = "gruppe-2"

[[people]]
id = "meister-1"
roles = ["Schichtleiter"]
sites = ["molkerei-sued"]
crew = "gruppe-1"
[[people]]
id = "meister-2"
roles = ["Schichtleiter"]
sites = ["molkerei-sued"]
crew = "gruppe-2"
[[people]]
id = "schlosser-1"
roles = ["Instandhaltung"]
sites = ["molkerei-sued"]
[[people]]
id = "qs-1"
roles = ["Qualitätssicherung"]
sites = ["molkerei-sued"]
[[people]]
id = "lager-1"
roles = ["Lager"]
sites = ["molkerei-sued"]
[[people]]
id = "plan-1"
roles = ["Planung"]
sites = ["molkerei-sued"]
[[people]]
id = "gast"
roles = ["guest"]
sites = ["molkerei-sued"]
[[people]]
id = "fremd"
roles = ["Schichtleiter"]
sites = ["molkerei-nord"]

[[customers]]
id = "K-7"
documents = ["analysenzertifikat"]
"""
LINE, FILLER = "molkerei-sued/abfuellung/linie-2", "molkerei-sued/abfuellung/linie-2/becherfueller"
DAY = "2026-03-03"  # a Tuesday of 2026-W10


def at(clock: str, day: str = DAY) -> str:
    """The wall-clock time of a winter day at the plant."""
    return f"{day}T{clock}:00+01:00"


def instant(clock: str, day: str = DAY) -> datetime:
    return datetime.fromisoformat(at(clock, day))


@dataclass
class Works:
    """A memory, its scribe, and a clock that goes where a test puts it."""

    memory: Memory
    now: list[datetime]
    scribe: Scribe = field(default_factory=Scribe)
    told: int = 0

    def tell(self) -> None:
        """What the scribe wrote since the last time is in the memory."""
        fresh, self.told = self.scribe.events[self.told :], len(self.scribe.events)
        self.keep(fresh)

    def keep(self, events: Sequence[dict[str, Any]]) -> None:
        messages = [message_of(event, received_at=self.now[0]) for event in events]
        if messages:
            assert self.memory.remember(Batch(messages=messages), source="tests", translate=translate).dead == ()

    def run(self, clock: str | datetime | None = None, day: str = DAY) -> Run:
        """A run at that time, with all that was written."""
        self.tell()
        if clock is not None:
            self.now[0] = instant(clock, day) if isinstance(clock, str) else clock
        return run(self.memory)

    @property
    def cases(self) -> Cases:
        return Cases(self.memory)

    def moves(self, person: str) -> Moves:
        known = self.memory.plant.person(person)
        assert known is not None
        return Moves(self.memory, known)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with an empty memory, to be copied: making its tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "lineside.db"
    plant = parse_plant(DAIRY)
    Memory.open(f"sqlite:///{path}", index_dir=None, plant=plant, clock=lambda: instant("06:00"), migrate=True).close()
    return path


@pytest.fixture
def works(empty_store: Path, tmp_path: Path) -> Iterator[Callable[..., Works]]:
    """Makes dairies with nothing in their memory."""
    made, numbers = list[Works](), count()

    def build(plant: str = DAIRY, now: str = "06:00") -> Works:
        path = tmp_path / f"works-{next(numbers)}.db"
        shutil.copy(empty_store, path)
        clock = [instant(now)]
        memory = Memory.open(
            f"sqlite:///{path}", index_dir=None, plant=parse_plant(plant), clock=lambda: clock[0]
        )  # fmt: skip
        made.append(Works(memory, clock))
        return made[-1]

    yield build
    for each in made:
        each.memory.close()


def settled(cases: Cases, *, owners: bool = True) -> set[tuple[object, ...]]:
    """What a plant would say of its exceptions, whatever their numbers: those that are not withdrawn.

    owners: whose they are too; by what was known meanwhile a case may have passed on that was over before.
    """
    found = [c for c in cases.list() if c.state.value != "withdrawn"]
    ids = {c.number: c.key for c in cases.list()}
    told = {
        (c.case_class, str(c.subject), c.began, c.ended, c.is_open, owners and c.owner, c.contained_at, c.resolved_at,
         c.closed_at, ids.get(c.caused_by or 0))
        for c in found
    }  # fmt: skip
    assert len(told) == len(found)
    return told


LATER = timedelta(hours=1)
