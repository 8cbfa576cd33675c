"""Reading the ledger of cases: which stood when, and the whole story of each, as of any moment and for any reader."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

from lineside.cases import ledger
from lineside.cases.case import Case, Transition
from lineside.cases.classes import CasePack, State, case_pack
from lineside.cases.tables import case_transitions, cases
from lineside.errors import BadRequest, NotFound
from lineside.interpretation.pack_files import follow
from lineside.memory import EVERYTHING, Memory, Reader, View
from lineside.memory.moments import stored
from lineside.plant.equipment import within
from lineside.plant.windows import Window

_INSTANT = timedelta(microseconds=1)


class Cases:
    """The cases that a reader may see: those of whose opening records they may read at least one.

    What was written after `as_of` (by default nothing is left out) is not seen.
    """

    def __init__(self, memory: Memory, *, reader: Reader = EVERYTHING, as_of: datetime | None = None) -> None:
        self.memory, self.reader, self.as_of = memory, reader, as_of
        follow(memory.plant)

    @property
    def pack(self) -> CasePack:
        """The classes in force."""
        return case_pack()

    def list(
        self,
        *,
        states: Collection[State] = (),
        only_open: bool = False,
        place: str | None = None,
        classes: Collection[str] = (),
        window: Window | None = None,
        owner: str | None = None,
        subject: str | None = None,
    ) -> Sequence[Case]:
        """The cases as they stood, the gravest open ones first, then the oldest. place: what lies below it included.
        window: those that stood at some time of it, from the disturbance to the closing. subject: as kind:id."""
        query = select(cases.c.number)
        if only_open and self.as_of is None:
            query = query.where(cases.c.is_open == 1)
        if classes:
            query = query.where(cases.c.case_class.in_(list(classes)))
        if self.as_of is not None:
            query = query.where(cases.c.opened_at <= stored(self.as_of))
        if window is not None:
            query = query.where(cases.c.began < stored(window.end))
            over = cases.c.over_at
            query = query.where((over.is_(None)) | (over >= stored(window.start)))
        with self.memory.read() as connection:
            found = ledger.load(connection, connection.scalars(query).all(), as_of=self.as_of)
        kept = [
            c
            for c in found
            if (not states or c.state in states)
            and (not only_open or c.is_open)
            and (place is None or within(c.place, place))
            and (window is None or c.within(window.start, window.end))
            and (owner is None or owner in (c.owner, c.role))
            and (subject is None or str(c.subject) == subject)
        ]
        return sorted(self._readable(kept), key=lambda c: (not c.is_open, -c.severity, c.began, c.number))

    def show(self, case: str | int) -> Case:
        """The case of that number, as 17 or EXC-17. Raises NotFound; so does one that the reader may not see."""
        number = number_of(case)
        with self.memory.read() as connection:
            found = ledger.load(connection, [number], as_of=self.as_of)
        if not found or not self._readable(found):
            raise NotFound(f"there is no exception EXC-{number}", case=number)
        return found[0]

    def of(self, numbers: Collection[int]) -> Sequence[Case]:
        """Those of these numbers that the reader may see, by number."""
        return self._readable(self._load(sorted(numbers)))

    def stamp(self) -> str:
        """Another one whenever any case was opened or moved."""
        asked = select(func.count(), func.coalesce(func.sum(cases.c.version), 0))
        with self.memory.read() as connection:
            return ".".join(str(n) for n in connection.execute(asked).one())

    def history(self, case: str | int) -> Sequence[Transition]:
        """Everything that happened to it, oldest first. Raises NotFound."""
        number = self.show(case).number
        with self.memory.read() as connection:
            return ledger.transitions(connection, [number], as_of=self.as_of)[number]

    def histories(self, found: Sequence[Case]) -> dict[int, Sequence[Transition]]:
        """The same for many that were listed, read at once, by their numbers."""
        with self.memory.read() as connection:
            return dict(ledger.transitions(connection, [c.number for c in found], as_of=self.as_of))

    def evidence(self, case: str | int) -> dict[str, str]:
        """The ids of its records that the reader may see, to their part: opened, closed or beside. Raises NotFound."""
        number = self.show(case).number
        with self.memory.read() as connection:
            found = ledger.evidence(connection, [number], as_of=self.as_of)[number]
        return {record: found[record] for record in self.view().records(found)}

    def changed(self, window: Window) -> Sequence[Transition]:
        """What was written of cases in that time, in its order."""
        query = select(case_transitions.c.case_number).where(
            case_transitions.c.at >= stored(window.start), case_transitions.c.at < stored(window.end)
        )
        with self.memory.read() as connection:
            numbers = sorted(set(connection.scalars(query).all()))
            told = ledger.transitions(connection, numbers, as_of=self.as_of)
        seen = {c.number for c in self._readable(self._load(numbers))}
        rows = [t for number, each in told.items() if number in seen for t in each if t.at in window]
        return sorted(rows, key=lambda t: (t.at, t.case, t.number))

    def _load(self, numbers: Sequence[int]) -> Sequence[Case]:
        with self.memory.read() as connection:
            return ledger.load(connection, numbers, as_of=self.as_of)

    def _readable(self, found: Sequence[Case]) -> Sequence[Case]:
        if self.reader.person is None:
            return found
        there = self.view().records({r for c in found for r in c.opened_records[:3]})
        person = self.reader.person
        here = bool(person.sites) and self.memory.plant.site in person.sites
        return [
            c
            for c in found
            if any(r in there for r in c.opened_records[:3]) or (here and not c.opened_records)
        ]  # fmt: skip

    def view(self) -> View:
        """The records as the reader may see them at that moment."""
        return self.memory.view(as_of=self.as_of, reader=self.reader)


def number_of(case: str | int) -> int:
    """The number in 17, `17` or `EXC-17`. Raises BadRequest."""
    text = str(case).strip().upper().removeprefix("EXC-")
    if not text.isdecimal():
        raise BadRequest(f"{case!r} names no exception; write it as EXC-17", case=str(case))
    return int(text)
