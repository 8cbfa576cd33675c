"""The figures on exceptions once more, from the simulator's truth alone and by other code than the product's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from lineside.cases.kpis import Asked, figures, take
from lineside.memory import Memory
from lineside.plant.windows import Window
from lineside.simulator.simulation import Simulation

# Nobody knows when two figures began to differ, so no truth has the length of that.
UNTIMED = "stock_difference"


def assert_figures_equal_the_truth(memory: Memory, simulation: Simulation) -> None:
    """Over the last week and its days: how many stood, closed and were contained of each class, and for how long."""
    now, zone = simulation.now, memory.plant.time_zone
    window = Window(start=now - timedelta(days=7), end=now)
    planted = lives(simulation)
    taken = take(memory, window)

    by_class = told(taken, Asked(window=window, by=("class",)))
    for name in {each.case_class for each in planted}:
        mine = [each for each in planted if each.case_class == name]
        closed = [(each.closed - each.began) for each in mine if each.closed and each.closed >= window.start]
        standing = [now - each.began for each in mine if each.closed is None]
        assert summed(by_class.get(("time_open", name))) == of(closed), name
        assert summed(by_class.get(("aging", name))) == of(standing), name
        # What besides its end contains an excursion, the truth doesn't tell.
        if name != "excursion":
            held = [each.contained - each.began for each in mine if each.contained and each.contained >= window.start]
            assert summed(by_class.get(("time_to_containment", name))) == of(held), name

    over = [each for each in planted if each.closed and each.closed >= window.start]
    by_day = told(taken, Asked(window=window, by=("class", "day"), kpis=("time_open",)))
    days = defaultdict(list)
    for each in over:
        days[each.case_class, each.closed.astimezone(zone).date().isoformat()].append(each.closed - each.began)
    ours = {key[1:]: summed(figure) for key, figure in by_day.items() if figure.denominator and key[1] != UNTIMED}
    assert ours == {key: of(lasted) for key, lasted in days.items()}

    stops = told(taken, Asked(window=window, by=("area",), kpis=("time_open",), case_class="downtime"))
    areas = defaultdict(list)
    for each in over:
        if each.case_class == "downtime":
            areas["/".join(each.subject.split("/")[:2])].append(each.closed - each.began)
    assert {key[1]: summed(figure) for key, figure in stops.items()} == {a: of(each) for a, each in areas.items()}


@dataclass(frozen=True)
class Life:
    case_class: str
    subject: str
    began: datetime
    contained: datetime | None
    closed: datetime | None


def lives(simulation: Simulation) -> list[Life]:
    """When each planted disturbance began, was contained and done with. A stop that was repaired before it was over is
    contained with the repair, and done with when its machine was checked after it."""
    works = defaultdict(list)
    for record in simulation.open_records():
        data = record["data"]
        if data.get("kind") == "maintenance_started":
            works[data["equipment"]].append(moment(record["time"]))
    found = []
    for each in simulation.truth()["disturbances"]:
        if each["class"] == UNTIMED:
            continue
        began, over, subject = (
            moment(each["from"]),
            each["to"] and moment(each["to"]),
            each["subject"].partition(":")[2],
        )
        contained, closed = over, each["done"] and moment(each["done"])
        if each["class"] == "downtime":
            repairs = [at for at in works[subject] if began <= at <= (over or simulation.now)]
            # One that began with its repair was not contained by that.
            contained = min((at for at in (over, *repairs) if at and at > began), default=None)
        found.append(Life(each["class"], subject, began, contained, closed))
    return found


def told(taken: Any, asked: Asked) -> dict[tuple[str, ...], Any]:
    return {(f.kpi.key, *f.group.values()): f for f in figures(taken, asked)}


def summed(figure: Any) -> tuple[int, float, float | None, float | None]:
    if figure is None:
        return (0, 0.0, None, None)
    assert len(figure.refs) == figure.denominator
    return (figure.denominator, figure.numerator, figure.median, figure.p90)


def of(times: Sequence[timedelta]) -> tuple[int, float, float | None, float | None]:
    """The same of plain times, by other means: quantiles of the standard library, and counting."""
    lasted = [each.total_seconds() for each in times]
    if not lasted:
        return (0, 0.0, None, None)
    middle = quantiles(lasted, n=2, method="inclusive")[0] if len(lasted) > 1 else lasted[0]
    ninety = min(x for x in lasted if 10 * sum(y <= x for y in lasted) >= 9 * len(lasted))
    return (len(lasted), sum(lasted), middle, ninety)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
