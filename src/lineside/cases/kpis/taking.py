"""What figures are counted from: cases, moves, decisions, proposals and events, for one reader as of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lineside.cases import ledger
from lineside.cases.case import MOVED, OPENED, OWNED, RECORDS, Case
from lineside.cases.classes import State
from lineside.cases.kpis.definitions import EVENTS, KpiPack, kpi_pack
from lineside.cases.kpis.governed import Governed
from lineside.cases.listing import Cases
from lineside.interpretation.pack_files import follow
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.memory import EVERYTHING, Memory, Reader
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.records import Decision, Event
from lineside.plant.windows import Window

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """as_of: nothing later is known. cases: that stood at some time of the window and were not withdrawn. touched: the
    numbers of those that a person moved; reopened: of those that were. decided: when and by what record or proposal
    each was first decided on. events: by what they count as."""

    pack: KpiPack
    calendar: ShiftCalendar
    window: Window
    as_of: datetime
    cases: Sequence[Case] = ()
    touched: frozenset[int] = frozenset()
    reopened: frozenset[int] = frozenset()
    decided: Mapping[int, tuple[datetime, str]] = field(default_factory=dict)
    proposals: Sequence[Governed] = ()
    events: Mapping[str, Sequence[Event]] = field(default_factory=dict)


def take(
    memory: Memory,
    window: Window,
    *,
    reader: Reader = EVERYTHING,
    as_of: datetime | None = None,
    proposals: Sequence[Governed] = (),
) -> Taken:
    """All that figures over the window are counted from. proposals: those that the reader may see, as of then."""
    follow(memory.plant)
    pack, now = kpi_pack(), as_of or memory.clock()
    listed = Cases(memory, reader=reader, as_of=as_of)
    # What has closed earlier since then, by a correction, stood in the window as it was told then.
    current = as_of is None or as_of >= memory.clock()
    found = [
        case
        for case in listed.list(window=window if current else None)
        if case.state is not State.WITHDRAWN and case.within(window.start, window.end)
    ]
    moves = {n: [t for t in told if t.kind in (OPENED, MOVED, OWNED)] for n, told in listed.histories(found).items()}
    asked = [p for p in proposals if p.asked_at < window.end and (p.over_at is None or p.over_at >= window.start)]
    view = memory.view(as_of=now, reader=reader)
    kinds = {kind: name for name in EVENTS if name != "rework" for kind in pack.events[name]}
    events: dict[str, list[Event]] = {}
    for event in view.events(kinds=tuple(kinds), within=window) if kinds else ():
        if name := _counts_as(kinds[event.kind], event):
            events.setdefault(name, []).append(event)
    since = min((case.began for case in found), default=None)
    decisions: Sequence[Decision] = ()
    if since is not None and since < window.end:
        decisions = view.decisions(within=Window(start=since, end=window.end))
    with memory.read() as connection:
        evidence = ledger.evidence(connection, [case.number for case in found], as_of=as_of) if found else {}
    return Taken(
        pack=pack,
        calendar=ShiftCalendar(memory.plant),
        window=window,
        as_of=now,
        cases=tuple(found),
        touched=frozenset(n for n, told in moves.items() if any(t.by != RECORDS for t in told)),
        reopened=frozenset(n for n, told in moves.items() if any(t.move == "reopen" for t in told)),
        decided=_decided(found, evidence, decisions, [p for p in proposals if p.approved_at]),
        proposals=tuple(asked),
        events=events,
    )


def _counts_as(name: str, event: Event) -> str:
    """What an event of a kind counts as: only one that raises a priority is an expedite; nothing where it lowers it."""
    if name == "expedited_by_kind":
        return "expedited"
    if name != "expedited":
        return name
    before, after = (str(event.attributes.get(key) or "").strip() for key in ("from", "to"))
    was, now = (shipping_policy().rank.priority(each) for each in (before, after))
    if not before or not after or (was == now and before.casefold() != after.casefold()):
        return "priority_untold"  # words that no file ranks tell no direction
    return "expedited" if now < was else ""


def _decided(
    cases: Sequence[Case],
    evidence: Mapping[int, Mapping[str, str]],
    decisions: Sequence[Decision],
    approved: Sequence[Governed],
) -> dict[int, tuple[datetime, str]]:
    """The first of each case's decisions and approvals since it began: one that names the case or its subject while it
    stood, or that shares a record with it."""
    by_record: dict[str, list[int]] = {}
    by_name: dict[str, list[Case]] = {}
    for case in cases:
        for record in evidence.get(case.number, ()):
            by_record.setdefault(record, []).append(case.number)
        for name in (case.id, case.subject.id, str(case.subject)):
            by_name.setdefault(name.casefold(), []).append(case)
    began = {case.number: case.began for case in cases}
    found: dict[int, tuple[datetime, str]] = {}

    def tell(at: datetime, what: str, names: set[str], records: Sequence[str]) -> None:
        numbers = {n for record in records for n in by_record.get(record, ())}
        for name in names:
            numbers |= {
                c.number
                for c in by_name.get(name.casefold(), ())
                if c.closed_at is None or at <= c.closed_at or name.casefold() == c.id.casefold()
            }
        for number in numbers:
            if at >= began[number] and (number not in found or (at, what) < found[number]):
                found[number] = (at, what)

    for decision in decisions:
        names = {str(entity) for entity in decision.entities()} | ({decision.case} if decision.case else set())
        said = decision.provenance
        tell(said.occurred_at, said.record_id, names, (said.record_id,))
    for each in approved:
        if each.approved_at is not None:
            tell(each.approved_at, each.id, {str(each.entity)}, each.records)
    return found
