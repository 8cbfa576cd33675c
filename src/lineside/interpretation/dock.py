"""The docks: which trucks wait, when each stands where, and what of that the records leave open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import combinations

from lineside.interpretation.facts import Facts
from lineside.interpretation.links import lines_on
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.stock import related
from lineside.interpretation.trucks import Truck, truck
from lineside.plant.windows import Window


def waiting_trucks(facts: Facts) -> list[Truck]:
    """The shipments that haven't left and aren't cancelled."""
    facts.load("shipment", "planned_departure", "dock", "status", "lines", "eta", "carrier")
    named = {e for name in ("planned_departure", "lines", "status") for e in facts.having("shipment", name)}
    return [each for each in (truck(facts, e) for e in sorted(named)) if not each.gone and not each.cancelled]


def trucks_in(facts: Facts, window: Window) -> list[Truck]:
    """Those that leave in the window, and those that should have left and are not said to be gone."""
    now = facts.view.as_of
    since = now - timedelta(days=1)
    return [
        each
        for each in waiting_trucks(facts)
        if each.departure and (each.departure in window or since < each.departure <= now)
    ]


def dock_findings(facts: Facts, trucks: Sequence[Truck]) -> Iterator[Finding]:
    """What the trucks themselves will surprise the dock with."""
    now, plant = facts.view.as_of, facts.plant
    for each in trucks:
        name = each.shipment.id
        when = clock(each.departure, plant, relative_to=now) if each.departure else "no time"
        if each.departure and each.departure <= now:
            text = f"{name} was to leave at {when}; no record says that it has left."
            yield Finding(text=text, kind=Kind.DERIVED, cites=each.cites, data={"shipment": name, "what": "overdue"})
        elif not lines_on(facts, each.shipment):
            text = f"{name} leaves at {when}, and no record says what it carries."
            yield Finding(text=text, kind=Kind.DERIVED, cites=each.cites, data={"shipment": name, "what": "no lines"})
        if each.departure and each.departure > now and not each.dock:
            text = f"{name} leaves at {when}, and no dock is on record."
            yield Finding(text=text, kind=Kind.DERIVED, cites=each.cites, data={"shipment": name, "what": "no dock"})
    for one, other in combinations([t for t in trucks if t.dock and t.departure and t.departure > now], 2):
        if related(one.dock, other.dock) and overlap(one, other):
            cites = tuple(dict.fromkeys((*one.cites, *other.cites)))
            text = f"{one.shipment.id} and {other.shipment.id} need {one.dock} at the same time."
            data = {"shipment": one.shipment.id, "what": "dock taken"}
            yield Finding(text=text, kind=Kind.DERIVED, cites=cites, data=data)


def overlap(one: Truck, other: Truck) -> bool:
    """Whether both stand at their dock at one time; without an arrival a truck comes as early as the policy says."""
    stays = [stay(each) for each in (one, other)]
    if stays[0] is None or stays[1] is None:
        return False
    return stays[0].start < stays[1].end and stays[1].start < stays[0].end


def stay(each: Truck, *, later: timedelta = timedelta()) -> Window | None:
    """When the truck is at its dock, all of it `later`; None where no departure is on record."""
    if each.departure is None:
        return None
    keeps = timedelta(minutes=shipping_policy().dock.occupied_min)
    comes = each.arrival or each.departure - keeps
    return Window(start=min(comes, each.departure) + later, end=each.departure + later)
