"""What the ledger must say of a disturbance, transition by transition, as far as it does not say so yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from lineside.cases import ledger
from lineside.cases.case import (
    ESCALATED,
    GRADED,
    LINKED,
    MOVED,
    OWNED,
    RECORDS,
    RETOLD,
    Case,
    Transition,
    case_id,
    kept,
    moved,
)
from lineside.cases.classes import CaseClass, CasePack, Severity, State
from lineside.cases.criteria import Proof, Proven
from lineside.cases.episode import Episode
from lineside.cases.following import Cause
from lineside.cases.look import Look
from lineside.cases.owners import Owner, answering, next_to_hear, owner_at, turns
from lineside.interpretation.wording import bounded
from lineside.plant.records import Json

_REACHED = {state: place for place, state in enumerate(State)}
_UNSEEN = (State.NEW, State.REOPENED)


@dataclass
class Teller:
    """Writes what a look tells into the ledger, inside one transaction. cases: as they stand by now."""

    connection: Connection
    look: Look
    pack: CasePack
    cases: dict[int, Case] = field(default_factory=dict)
    opened: list[int] = field(default_factory=list)
    changed: dict[int, None] = field(default_factory=dict)
    closed: list[int] = field(default_factory=list)
    withdrawn: list[int] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.look.view.as_of

    def tell(self, episode: Episode, case: Case | None, *, proofs: Proven, grade: tuple[Severity, str] | None) -> Case:
        """The ledger says of the episode what the records prove; the case as it stands then.

        A case that a person withdrew as false stays so.
        """
        if case is not None:
            self.cases[case.number] = case
        if case is None:
            case = self._open(episode, grade)
        elif case.state is State.WITHDRAWN:
            if case.settled_by != RECORDS:
                return case
            case = self._retell(case, episode, proofs)
            case = self._reopen(case, episode.began, "the records tell of it again", episode)
        else:
            began = self._resumed(case, episode)
            case = self._retell(case, episode, proofs, resumed=began is not None)
            if began is not None:
                case = self._reopen(case, began, "it began again, or was not over", episode)
        case = self._pass_on(case, episode, until=proofs.over.at if proofs.over else self.now)
        case = self._reach(case, proofs)
        if grade is not None and case.is_open and grade[0] is not case.severity:
            changes: dict[str, Json] = {"severity": int(grade[0]), "severity_why": grade[1]}
            case = self._write(case, GRADED, at=self.now, why=grade[1], changes=changes)
        parts = {
            ledger.OPENED: episode.opened_by,
            ledger.CLOSED: tuple(dict.fromkeys((*episode.closed_by, *(proofs.closed.cites if proofs.closed else ())))),
            ledger.BESIDE: episode.evidence,
        }
        if ledger.assemble(self.connection, case.number, parts, self.now):
            self.changed[case.number] = None
        return case

    def withdraw(self, case: Case, why: str) -> None:
        """It was none, or is another: it stays in the ledger as withdrawn."""
        case = self.cases.get(case.number, case)
        if case.state is not State.WITHDRAWN:
            self._write(case, MOVED, move="withdraw", after=State.WITHDRAWN, at=self.now, why=why)
            self.withdrawn.append(case.number)

    def link(self, effect: int, cause: int, told: Cause) -> None:
        """The effect is said to follow from the cause."""
        case = self.cases[effect]
        if cause not in (case.caused_by, effect) and case.state is not State.WITHDRAWN:
            why = f"follows from {case_id(cause)}: {told.why}"
            self._write(case, LINKED, at=self.now, why=why, cites=told.cites, changes={"caused_by": cause})

    def keep_clock(self, case: Case) -> None:
        """Whoever should hear of it by now, since its time to be acknowledged or contained ran out, is told, each
        once."""
        case = self.cases.get(case.number, case)
        of = self.pack.classes[case.case_class]
        for due, what in _dues(of, case):
            if due > self.now or case.level >= len(of.escalates):
                return
            if case.escalated_at is not None and due <= case.escalated_at:
                continue
            to, level = next_to_hear(self.pack, self.look.view.calendar, of, case.level, due)
            told = to.person or to.role
            changes: dict[str, Json] = {"level": level, "escalated_at": kept(due), "escalated_to": told}
            hears = (
                f"{told} is told" if to.person else f"nobody has the role {told.replace('_', ' ')}, so nobody is told"
            )
            case = self._write(case, ESCALATED, at=due, why=f"not {what} in time: {hears}", changes=changes)

    def _open(self, episode: Episode, grade: tuple[Severity, str] | None) -> Case:
        of = self.pack.classes[episode.case_class]
        owner = self._owner(of, episode)
        case = Case(
            number=ledger.next_number(self.connection),
            key=episode.key,
            case_class=episode.case_class,
            title=episode.title,
            subject=episode.subject,
            place=episode.place,
            state=State.NEW,
            severity=grade[0] if grade else Severity.LOW,
            severity_why=grade[1] if grade else "",
            role=owner.role,
            owner=owner.person,
            owner_since=episode.began,
            began=episode.began,
            ended=episode.ended,
            opened_at=self.now,
            opened_by=RECORDS,
            clock_from=self.now,
            due=episode.due,
            reason=episode.reason,
            pack=self.pack.version,
            opened_records=episode.opened_by,
            version=1,
        )
        first = ledger.opening(case, at=self.now, by=RECORDS, why=episode.title, cites=bounded(episode.opened_by))
        ledger.add(self.connection, case, first)
        self.cases[case.number] = case
        self.opened.append(case.number)
        return case

    def _owner(self, of: CaseClass, episode: Episode) -> Owner:
        named = self.look.view.plant.person(episode.owner) if episode.owner else None
        by_role = owner_at(self.pack, self.look.view.calendar, answering(of), episode.began)
        return Owner(next(iter(named.roles), by_role.role), named.id) if named else by_role

    def _pass_on(self, case: Case, episode: Episode, *, until: datetime) -> Case:
        """Who has the role in the next shift has the case; one whom the records name keeps it."""
        if episode.owner and self.look.view.plant.person(episode.owner):
            return case
        of = self.pack.classes[case.case_class]
        for at, owner in turns(self.pack, self.look.view.calendar, answering(of), case.began, until):
            if at > case.owner_since and owner.person != case.owner:
                changes: dict[str, Json] = {"owner": owner.person, "role": owner.role, "owner_since": kept(at)}
                why = f"the shift ended: {owner.person or owner.role} has it now"
                case = self._write(case, OWNED, move="assign", at=at, why=why, changes=changes)
        return case

    def _resumed(self, case: Case, episode: Episode) -> datetime | None:
        """When a case that the records had settled went on; None where it did not."""
        if case.ended is None or (case.state is State.RESOLVED and case.settled_by != RECORDS):
            return None
        later = [start for start in episode.starts if start > case.ended]
        if later:
            return later[0]
        return case.ended if episode.ended is None else None

    def _retell(self, case: Case, episode: Episode, proofs: Proven, *, resumed: bool = False) -> Case:
        """The case's own words are those of the records as they are now."""
        wanted: dict[str, Json] = {
            "key": episode.key,
            "title": episode.title,
            "subject": str(episode.subject),
            "place": episode.place,
            "began": kept(episode.began),
            "ended": kept(episode.ended),
            "due": kept(episode.due),
            "reason": episode.reason,
            "opened_records": list(episode.opened_by),
        }
        if not resumed and case.state is State.CLOSED and proofs.closed and proofs.over:
            wanted |= {"resolved_at": kept(proofs.over.at), "closed_at": kept(proofs.closed.at)}
        if not resumed and case.contained_at and case.contained_by == RECORDS and proofs.contained:
            wanted["contained_at"] = kept(proofs.contained.at)
        stands: dict[str, Json] = {
            "key": case.key,
            "title": case.title,
            "subject": str(case.subject),
            "place": case.place,
            "began": kept(case.began),
            "ended": kept(case.ended),
            "due": kept(case.due),
            "reason": case.reason,
            "opened_records": list(case.opened_records),
            "contained_at": kept(case.contained_at),
            "resolved_at": kept(case.resolved_at),
            "closed_at": kept(case.closed_at),
        }
        changes = {name: value for name, value in wanted.items() if stands[name] != value}
        if not changes or (set(changes) == {"ended"} and case.ended is None):
            return case  # its end is told with what that proves
        return self._write(case, RETOLD, at=self.now, why="what the records tell of it changed", changes=changes)

    def _reopen(self, case: Case, at: datetime, why: str, episode: Episode) -> Case:
        if case.state in (State.RESOLVED, State.CLOSED, State.WITHDRAWN):
            empty: dict[str, Json] = {
                "contained_at": None,
                "resolved_at": None,
                "closed_at": None,
                "acknowledged_at": None,
                "contained_by": RECORDS,
            }
            changes: dict[str, Json] = {**empty, "clock_from": kept(self.now), "level": 0, "escalated_at": None}
            case = self._write(
                case, MOVED, move="reopen", after=State.REOPENED, at=at, why=why, cites=bounded(episode.opened_by),
                changes=changes,
            )  # fmt: skip
        return case

    def _reach(self, case: Case, proofs: Proven) -> Case:
        """Contained, resolved and closed, as far as the records prove it; what falls together is one transition."""
        steps: list[tuple[str, State, str, Proof | None]] = [
            ("contain", State.CONTAINED, "contained_at", proofs.contained),
            ("resolve", State.RESOLVED, "resolved_at", proofs.over),
            ("close", State.CLOSED, "closed_at", proofs.closed),
        ]
        proven = [(move, state, name, proof) for move, state, name, proof in steps if proof]
        over: dict[str, Json] = {"ended": kept(proofs.over.at)} if proofs.over and case.ended is None else {}
        changes = dict(over)
        for place, (move, state, name, proof) in enumerate(proven):
            if getattr(case, name) is None:
                changes[name] = kept(proof.at)
            if _REACHED[case.state] >= _REACHED[state]:
                continue
            following = proven[place + 1] if place + 1 < len(proven) else None
            if following is not None and following[3].at <= proof.at:
                continue
            if state is State.CONTAINED:
                changes.pop("ended", None)
            why = {"contain": "contained, as records show", "resolve": "over, as records show"}.get(move, "")
            why = why or "all its closure criteria are proven by records"
            case = self._write(
                case, MOVED, move=move, after=state, at=proof.at, why=why, cites=bounded(proof.cites), changes=changes
            )
            changes = dict(over) if case.ended is None else {}
            if state is State.CLOSED:
                self.closed.append(case.number)
        if over and case.ended is None:
            case = self._write(case, RETOLD, at=self.now, why="it is over, as records show", changes=over)
        return case

    def _write(
        self, case: Case, kind: str, *, at: datetime, why: str, move: str = "", after: State | None = None,
        cites: Sequence[str] = (), changes: Mapping[str, Json] | None = None,
    ) -> Case:  # fmt: skip
        transition = Transition(
            case=case.number,
            number=case.version + 1,
            kind=kind,
            move=move,
            before=case.state,
            after=after or case.state,
            at=self.now,
            plant_at=at,
            by=RECORDS,
            why=why,
            cites=tuple(cites),
            changes=dict(changes or {}),
        )
        after_it = moved(case, transition)
        ledger.add(self.connection, after_it, transition)
        self.cases[case.number] = after_it
        self.changed[case.number] = None
        return after_it


def _dues(of: CaseClass, case: Case) -> list[tuple[datetime, str]]:
    """When somebody else should hear of the case as it stands, and what was not done by then; the soonest first."""
    found = []
    if case.state in _UNSEEN:
        found.append((case.clock_from + of.acknowledge, "acknowledged"))
    if case.state in (*_UNSEEN, State.ACKNOWLEDGED) and of.contain:
        found += [(case.clock_from + of.contain * n, "contained") for n in range(1, len(of.escalates) + 1)]
    return sorted(found)
