"""What people do to a case: open one by hand, acknowledge, assign, contain, resolve, withdraw, reopen and note it.

Each with the right that the packs and the plant file give; none closes a case: only the records do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from lineside.cases import ledger
from lineside.cases.case import MOVED, NOTED, OWNED, RECORDS, Case, Transition, kept, moved
from lineside.cases.classes import CaseClass, CasePack, Move, Severity, State, case_pack
from lineside.cases.listing import Cases, number_of
from lineside.cases.owners import answering, may_move, owner_at
from lineside.errors import BadRequest, NotPermitted
from lineside.interpretation.pack_files import follow
from lineside.interpretation.safety import concerns_safety
from lineside.memory import Memory, Reader
from lineside.memory.letters import storable
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.entities import Entity
from lineside.plant.plant import Person
from lineside.plant.records import Json

REPORTED = "reported"
"""The class of what no detector knows."""
_LONGEST = 2000  # letters of a reason
_KINDS = {"assign": OWNED, "note": NOTED}  # what the others do is a move between states


class Moves:
    """The moves of one person of the plant file. Each raises NotFound, NotPermitted, BadRequest where the case's state
    or a lacking reason forbids it, and ProposalStale where somebody else was first."""

    def __init__(self, memory: Memory, person: Person) -> None:
        self.memory, self.person = memory, person
        self.reader = Reader(person)
        follow(memory.plant)

    def acknowledge(self, case: str | int, *, why: str = "") -> Case:
        """Somebody has seen it and takes care of it."""
        return self._move("acknowledge", case, why=why, fields=lambda _, now: {"acknowledged_at": kept(now)})

    def assign(self, case: str | int, to: str, *, why: str = "") -> Case:
        """It is that person's from now on, until the shift that has the role changes."""
        known = self.memory.plant.person(to)
        if known is None or (known.sites and self.memory.plant.site not in known.sites):
            raise BadRequest(f"{to!r} is nobody that the plant file names at {self.memory.plant.site}", to=to)

        def owned(_: Case, now: datetime) -> dict[str, Json]:
            return {"owner": known.id, "owner_since": kept(now)}

        return self._move("assign", case, why=why or f"assigned to {known.id}", fields=owned)

    def contain(self, case: str | int, *, why: str, cites: Sequence[str] = ()) -> Case:
        """It does no further harm, the person says."""

        def held(_: Case, now: datetime) -> dict[str, Json]:
            return {"contained_at": kept(now), "contained_by": self.person.id}

        return self._move("contain", case, why=why, cites=cites, fields=held)

    def resolve(self, case: str | int, *, why: str, cites: Sequence[str] = ()) -> Case:
        """It is dealt with, the person says; it closes when the records prove what its class asks. cites: records that
        say what came of it, which is what proves it for a case that no record opened."""

        def solved(before: Case, now: datetime) -> dict[str, Json]:
            told: dict[str, Json] = {"resolved_at": kept(now)}
            if before.contained_at is None:
                told |= {"contained_at": kept(now), "contained_by": self.person.id}
            return told

        return self._move("resolve", case, why=why, cites=cites, fields=solved, then=self._close_by_outcome)

    def withdraw(self, case: str | int, *, why: str) -> Case:
        """It was a false one; it stays visible with the reason, and the same disturbance opens no other."""
        return self._move("withdraw", case, why=why)

    def reopen(self, case: str | int, *, why: str) -> Case:
        """It is not over, the person says."""

        def anew(_: Case, now: datetime) -> dict[str, Json]:
            empty = dict.fromkeys(("acknowledged_at", "contained_at", "resolved_at", "closed_at", "escalated_at"))
            return {**empty, "clock_from": kept(now), "level": 0}

        return self._move("reopen", case, why=why, fields=anew)

    def note(self, case: str | int, *, why: str, cites: Sequence[str] = ()) -> Case:
        """The person's words stand in its story; nothing else changes."""
        return self._move("note", case, why=why, cites=cites)

    def may(self, case: Case) -> tuple[str, ...]:
        """The names of the moves that this person may do to the case as it stands."""
        pack, plant = case_pack(), self.memory.plant
        of = pack.classes[case.case_class]
        return tuple(
            move.name
            for move in pack.moves.values()
            if case.state in move.sources
            and "person" in move.by
            and may_move(pack, of, plant, self.person, owner=case.owner, may=move.may)
        )

    def open(
        self, *, title: str, subject: str = "", place: str = "", case_class: str = REPORTED, cites: Sequence[str] = ()
    ) -> Case:
        """A new case, by hand. subject: as kind:id, by default the place, else the site."""
        pack = case_pack()
        of = pack.classes.get(case_class)
        if of is None:
            raise BadRequest(f"there is no class {case_class!r}; there are: {', '.join(pack.classes)}", key=case_class)
        why, now, plant = _said(title, "title"), self.memory.clock(), self.memory.plant
        about = _entity(subject) if subject else Entity("equipment", place or plant.site)
        self._permitted(pack, of, pack.moves["open"], owner=None)
        seen = self._cited(cites)
        owner = owner_at(pack, ShiftCalendar(plant), answering(of), now)
        with self.memory.write() as connection:
            same = [
                c
                for c in ledger.standing(connection, now)
                if c.is_open and c.case_class == case_class and c.subject == about
                and (case_class != REPORTED or c.title == why)
            ]  # fmt: skip
            if same:
                raise BadRequest(f"{same[0].id} stands for that already", case=same[0].number)
            number = ledger.next_number(connection)
            case = Case(
                number=number,
                key=f"{case_class} {about} {self.person.id} {number}",
                case_class=case_class,
                title=why,
                subject=about,
                place=place or (about.id if about.kind == "equipment" else ""),
                state=State.NEW,
                severity=Severity.CRITICAL if concerns_safety(why) else Severity.MEDIUM,
                role=owner.role,
                owner=owner.person,
                owner_since=now,
                began=now,
                ended=None,
                opened_at=now,
                opened_by=self.person.id,
                clock_from=now,
                settled_by=self.person.id,
                pack=pack.version,
                version=1,
            )
            ledger.add(connection, case, ledger.opening(case, at=now, by=self.person.id, why=why, cites=seen))
            ledger.assemble(connection, number, {ledger.BESIDE: seen}, now)
        return case

    def _move(
        self,
        name: str,
        case: str | int,
        *,
        why: str = "",
        cites: Sequence[str] = (),
        fields: Callable[[Case, datetime], dict[str, Json]] = lambda _, __: {},
        then: Callable[[Connection, Case, Sequence[str], datetime], Case] | None = None,
    ) -> Case:
        number = number_of(case)
        Cases(self.memory, reader=self.reader).show(number)
        pack, now = case_pack(), self.memory.clock()
        move = pack.moves[name]
        said = _said(why, "reason") if "why" in move.needs else storable(why.strip()[:_LONGEST])
        seen = self._cited(cites)
        with self.memory.write() as connection:
            before = ledger.one(connection, number)
            self._permitted(pack, pack.classes[before.case_class], move, owner=before.owner)
            if before.state not in move.sources:
                raise BadRequest(f"{before.id} is {before.state}: that can't be done to it", state=str(before.state))
            transition = Transition(
                case=number,
                number=before.version + 1,
                kind=_KINDS.get(name, MOVED),
                move=name,
                before=before.state,
                after=move.to or before.state,
                at=now,
                plant_at=now,
                by=self.person.id,
                why=said,
                cites=seen,
                changes=fields(before, now),
            )
            after = moved(before, transition)
            ledger.add(connection, after, transition)
            ledger.assemble(connection, number, {ledger.BESIDE: seen}, now)
            return then(connection, after, seen, now) if then else after

    def _close_by_outcome(self, connection: Connection, case: Case, cites: Sequence[str], now: datetime) -> Case:
        """A case that no record opened closes with a record of what came of it, newer than the case."""
        of = case_pack().classes[case.case_class]
        by_hand = case.opened_by != RECORDS and not case.opened_records
        told = self.memory.view(reader=self.reader).records(cites)
        later = [r for r, record in told.items() if record.provenance.occurred_at >= case.began]
        if not (by_hand or "outcome_cited" in of.closed) or not later:
            return case
        changes: dict[str, Json] = {"closed_at": kept(now), "ended": kept(case.ended or now)}
        transition = Transition(
            case=case.number,
            number=case.version + 1,
            kind=MOVED,
            move="close",
            before=case.state,
            after=State.CLOSED,
            at=now,
            plant_at=now,
            by=RECORDS,
            why="what came of it is on record",
            cites=tuple(later),
            changes=changes,
        )
        after = moved(case, transition)
        ledger.add(connection, after, transition)
        return after

    def _permitted(self, pack: CasePack, of: CaseClass, move: Move, *, owner: str | None) -> None:
        if "person" not in move.by or not may_move(
            pack, of, self.memory.plant, self.person, owner=owner, may=move.may
        ):  # fmt: skip
            roles = ", ".join(dict.fromkeys((*of.owner, *of.escalates)))
            raise NotPermitted(
                f"{self.person.id} may not {move.name} a case of {of.name.casefold()}; that is for: {roles}",
                person=self.person.id,
            )

    def _cited(self, cites: Sequence[str]) -> tuple[str, ...]:
        """Those records, which the person must be able to read. Raises BadRequest."""
        there = self.memory.view(reader=self.reader).records(cites) if cites else {}
        if lacking := [each for each in cites if each not in there]:
            raise BadRequest(f"there is no record {lacking[0]!r}", record=lacking[0])
        return tuple(there)


def _said(text: str, what: str) -> str:
    words = storable(" ".join(text.split())[:_LONGEST])
    if not words:
        raise BadRequest(f"give a {what} in words", lacking=what)
    return words


def _entity(text: str) -> Entity:
    try:
        return Entity.parse(text)
    except ValueError as error:
        raise BadRequest(str(error), subject=text) from error
