"""Who is hit when a carrier slips: the lines on its trucks and their promises, the dock, the trucks after it, and the
ways out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation.assessment import LineReadiness, assess, read_ahead
from lineside.interpretation.dock import stay, waiting_trucks
from lineside.interpretation.facts import Facts, moment, spoken
from lineside.interpretation.holds import holds
from lineside.interpretation.last_moments import promise
from lineside.interpretation.lead_times import LeadTimes
from lineside.interpretation.links import lines_on
from lineside.interpretation.outlook import Outlook, outlook, penalty, priority
from lineside.interpretation.reading import Cite, Finding, Kind, Reading, clock
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.stock import related
from lineside.interpretation.supply import expires
from lineside.interpretation.trucks import Truck, cut_off_fact, timetable
from lineside.interpretation.wording import listed
from lineside.memory import Statement, View
from lineside.plant.entities import Entity
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_NEXT = timedelta(days=1)  # a slip is of the trips that come next, not of next week's
_WAYS = 3
_ALIKE = timedelta(minutes=15)  # people round


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One line on a truck that slips. then: when it would arrive, or leave where no arrival is on record."""

    truck: Truck
    line: LineReadiness
    then: datetime
    promised: Statement | None

    @property
    def over(self) -> timedelta | None:
        promised = moment(self.promised.value) if self.promised else None
        return None if promised is None else self.then - promised

    @property
    def late(self) -> bool:
        return self.over is not None and self.over > timedelta()


def hit_by_carrier(
    view: View, *, delay_s: float, shipment: Entity | None = None, carrier: str | None = None
) -> Reading:
    """The lines on a carrier's (or one shipment's) next trucks, which promises the delay breaks, whom it meets at the
    dock, and what else could take the goods."""
    facts = Facts(view)
    waiting = waiting_trucks(facts)
    slipped = _slipped(facts, waiting, shipment, carrier)
    loads, missing = _loads(facts, slipped, timedelta(seconds=delay_s))
    whom, slip = shipment.id if shipment else carrier or "every carrier", duration(delay_s)
    if not loads:
        text = f"No waiting shipment of {whom} with lines is on record."
        return Reading(verdict=text, missing=(*missing, f"The shipments of {whom}."))
    late = [load for load in loads if load.late]
    others = [t for t in waiting if t not in slipped]
    knocks = tuple(_knock_on(facts, slipped, others, timedelta(seconds=delay_s)))
    ways = [way for load in late for way in _ways_out(facts, load, others, slipped)]
    gains = tuple(_gains(facts, loads, timedelta(seconds=delay_s)))
    names = list(dict.fromkeys(load.line.line.id for load in late))
    docks = list(dict.fromkeys(str(k.data["shipment"]) for k in knocks))
    text = (
        f"{slip} of delay of {whom} makes {len(late)} of {len(loads)} lines late: {', '.join(names)}"
        if late
        else f"{slip} of delay of {whom} touches {len(loads)} lines and breaks no promise on record"
    )
    return Reading(
        verdict=f"{text}; it meets {listed(docks)} at the dock." if docks else f"{text}.",
        findings=(*(_told(facts, load) for load in loads), *knocks, *_shelf_life(facts, loads), *gains, *ways),
        missing=tuple(missing),
        next_steps=tuple(_steps(late, ways, knocks)),
        data={
            "late": [*names],
            "lines": list(dict.fromkeys(load.line.line.id for load in loads)),
            "dock": [*docks],
            "delay_s": delay_s,
        },
    )


def _slipped(facts: Facts, waiting: Sequence[Truck], shipment: Entity | None, carrier: str | None) -> list[Truck]:
    """The trucks meant: the shipment's, or the carrier's of the next day; where it has none, its next one."""
    if shipment is not None:
        return [t for t in waiting if t.shipment == shipment]
    now = facts.view.as_of
    mine = [t for t in waiting if carrier is None or t.carrier.casefold() == carrier.casefold()]
    times = {t.shipment: at for t in mine if (at := t.departure or t.due)}
    soon = [t for t in mine if t.shipment not in times or abs(times[t.shipment] - now) <= _NEXT]
    if any(t.shipment in times for t in soon):
        return soon
    ahead = sorted((at, t.shipment) for t in mine if (at := times.get(t.shipment)) and at > now)
    return [t for t in mine if t in soon or (ahead and t.shipment == ahead[0][1])]


def _loads(facts: Facts, slipped: Sequence[Truck], delay: timedelta) -> tuple[list[Load], list[str]]:
    rows, missing, known_slips = list[tuple[Truck, Entity, datetime]](), list[str](), _told_slips(facts)
    for each in slipped:
        at = each.due or each.departure
        if at is None:
            missing.append(f"Neither an ETA nor a departure of {each.shipment.id} is on record.")
            continue
        already = each.due is not None and _same(known_slips.get(each.shipment), each.due, delay)
        rows += [(each, line, at if already else at + delay) for line in lines_on(facts, each.shipment)]
    read_ahead(facts, [line for _, line, _ in rows])
    known = holds(facts)
    loads = [
        Load(
            truck=each,
            line=assess(facts, known, line, on=each.shipment),
            then=then,
            promised=promise(facts, line),
        )
        for each, line, then in rows
    ]

    def order(load: Load) -> tuple[object, ...]:
        line = load.line.line
        return (not load.late, -penalty(facts, line)[0], priority(facts, line)[0], -(load.over or timedelta()), line)

    return sorted(loads, key=order), missing


def _told_slips(facts: Facts) -> dict[Entity, tuple[datetime, datetime]]:
    """The last change of each shipment's ETA within a day: from when, to when."""
    now = facts.view.as_of
    lately = Window(start=now - _NEXT, end=now + timedelta(microseconds=1))
    found: dict[Entity, tuple[datetime, datetime]] = {}
    for event in facts.view.events(kinds=("eta_changed",), within=lately):
        was, then = (moment(event.attributes.get(side)) for side in ("from", "to"))
        if event.shipment and was and then:
            found[Entity("shipment", event.shipment)] = (was, then)
    return found


def _same(told: tuple[datetime, datetime] | None, due: datetime, delay: timedelta) -> bool:
    """Whether the ETA holds the asked slip already: it was moved by as much, to what it is now."""
    return told is not None and told[1] == due and abs(told[1] - told[0] - delay) <= _ALIKE


def _told(facts: Facts, load: Load) -> Finding:
    plant, now, line = facts.plant, facts.view.as_of, load.line.line
    what = "arrive" if load.truck.due else "leave"
    head = f"{line.id} on {load.truck.shipment.id} would {what} at {clock(load.then, plant, relative_to=now)}"
    cites: list[Cite] = [*load.truck.cites]
    promised = moment(load.promised.value) if load.promised else None
    if promised is None or load.over is None or load.promised is None:
        tail = "no promise is on record"
    else:
        seconds = load.over.total_seconds()
        side = f"{duration(seconds)} late" if load.late else f"in time, {duration(-seconds)} to spare"
        tail = f"promised for {clock(promised, plant, relative_to=now)}, {side}"
        cites.append(load.promised.record_id)
    worth, said = penalty(facts, line)
    if said is not None and worth and load.late:
        tail += f"; penalty {spoken(said, facts.view)}"
        cites.append(said.record_id)
    carrier = facts.best(load.truck.shipment, "carrier")
    cites += [carrier.record_id] if carrier else []
    return Finding(
        text=f"{head}; {tail}.",
        kind=Kind.DERIVED,
        cites=tuple(dict.fromkeys(cites)),
        data={
            "line": line.id,
            "shipment": load.truck.shipment.id,
            "late": load.late,
            "new": load.then.isoformat(),
            "promised": promised.isoformat() if promised else None,
        },
    )


def _knock_on(facts: Facts, slipped: Sequence[Truck], others: Sequence[Truck], delay: timedelta) -> Iterator[Finding]:
    """The trucks that would find the dock taken, as long as it would be, and what that does to their lines."""
    plant, now = facts.plant, facts.view.as_of
    for one in slipped:
        before, after = stay(one), stay(one, later=delay)
        if after is None or before is None or not one.dock:
            continue
        for other in others:
            theirs = stay(other)
            if theirs is None or not other.dock or not related(one.dock, other.dock):
                continue
            if not (after.start < theirs.end and theirs.start < after.end):
                continue
            waits = after.end - theirs.start if after.start <= theirs.start else timedelta()
            text = (
                f"{one.shipment.id} would stand at {one.dock} from {clock(after.start, plant, relative_to=now)} to "
                f"{clock(after.end, plant, relative_to=now)}, and {other.shipment.id} is to be there from "
                f"{clock(theirs.start, plant, relative_to=now)} to {clock(theirs.end, plant, relative_to=now)}"
            )
            broken = list[str]()
            cites = [*one.cites, *other.cites]
            for line in lines_on(facts, other.shipment):
                said = promise(facts, line)
                promised = moment(said.value) if said else None
                leaves = other.due or other.departure
                if said and promised and leaves and leaves + waits > promised:
                    broken.append(line.id)
                    cites.append(said.record_id)
            if waits:
                text += f"; if it waits, it leaves {duration(waits.total_seconds())} later"
                text += f" and {listed(broken)} would be late" if broken else ", which breaks no promise on record"
            yield Finding(
                text=f"{text}.",
                kind=Kind.DERIVED,
                cites=tuple(dict.fromkeys(cites)),
                data={"shipment": other.shipment.id, "waits_s": waits.total_seconds(), "late": [*broken]},
            )


def _ways_out(facts: Facts, load: Load, others: Sequence[Truck], slipped: Sequence[Truck]) -> Iterator[Finding]:
    """Other departures that would keep the promise: of shipments, then of the timetable."""
    promised = moment(load.promised.value) if load.promised else None
    if promised is None or load.promised is None:
        return
    plant, now, line = facts.plant, facts.view.as_of, load.line.line
    found = list[tuple[datetime, datetime, str, tuple[Cite, ...]]]()
    for other in others:
        last = other.cut_off or other.departure
        arrives = other.due or other.departure
        if other.departure and last and arrives and last > now and arrives <= promised:
            found.append((other.departure, last, f"{other.shipment.id} ({other.carrier or '?'})", other.cites))
    taken = {t.departure for t in (*others, *slipped) if t.departure}
    for leaves, last, cut in timetable(facts, now, days=shipping_policy().dock.ahead_days):
        if last > now and leaves <= promised and leaves not in taken:
            found.append((leaves, last, f"the timetable's departure from {cut.dock}", (cut_off_fact(cut),)))
    for leaves, last, name, cites in sorted(found, key=lambda row: (row[0], row[2]))[:_WAYS]:
        yield Finding(
            text=f"{line.id} could leave with {name} at {clock(leaves, plant, relative_to=now)}, cut-off "
            f"{clock(last, plant, relative_to=now)}, before its promise; whether it has room is not on record.",
            kind=Kind.DERIVED,
            cites=tuple(dict.fromkeys((*cites, load.promised.record_id))),
            data={"line": line.id, "leaves": leaves.isoformat(), "way_out": True},
        )


def _shelf_life(facts: Facts, loads: Sequence[Load]) -> Iterator[Finding]:
    """The lots that would expire before they arrive."""
    for load in loads:
        for lot in load.line.question.supply.lots:
            end = expires(facts, lot)
            if end and facts.view.as_of < end[0] < load.then:
                when = clock(end[0], facts.plant, relative_to=facts.view.as_of)
                yield Finding(
                    text=f"{lot.id} for {load.line.line.id} expires at {when}, before it would be there.",
                    kind=Kind.DERIVED,
                    cites=tuple(dict.fromkeys((end[1].record_id, *load.truck.cites))),
                    data={"lot": lot.id, "line": load.line.line.id},
                )


def _gains(facts: Facts, loads: Sequence[Load], delay: timedelta) -> Iterator[Finding]:
    """The lines that would miss the truck as planned and make the late one."""
    past = facts.once(LeadTimes)
    for load in loads:
        seen: Outlook | None = outlook(facts, load.line, (), past)
        if seen is None or seen.ready_at is None:
            continue
        last = load.truck.cut_off or load.truck.departure
        if last is not None and last < seen.ready_at <= last + delay:
            when = clock(seen.ready_at, facts.plant, relative_to=facts.view.as_of)
            cites = [*load.truck.cites, *(c for found in load.line.soonest.values() for c in found.cites)]
            yield Finding(
                text=f"{load.line.line.id} is not ready before {when}: it would miss {load.truck.shipment.id} as "
                "planned and make it if the cut-off moves along.",
                kind=Kind.GUESSED if seen.guessed else Kind.DERIVED,
                cites=tuple(dict.fromkeys(cites)),
                data={"line": load.line.line.id, "gains": True},
            )


def _steps(late: Sequence[Load], ways: Sequence[Finding], knocks: Sequence[Finding]) -> Iterator[str]:
    possible = {str(way.data["line"]) for way in ways}
    for name in dict.fromkeys(load.line.line.id for load in late):
        if name in possible:
            yield f"Decide whether {name} moves to another departure."
        else:
            yield f"Tell the customer of {name}: no departure on record keeps its promise."
    for knock in knocks:
        yield f"Agree with the dock when {knock.data['shipment']} is loaded."
