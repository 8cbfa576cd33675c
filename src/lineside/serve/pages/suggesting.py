"""Questions that suit who asks, about what this plant's own records tell; nothing here knows any plant."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta

from lineside.app import Lineside
from lineside.memory import View
from lineside.plant.entities import EntityKind
from lineside.plant.plant import Person
from lineside.plant.windows import Window

SHOWN = 4
_LATELY = timedelta(days=14)


def suggested(lineside: Lineside, person: Person | None) -> list[str]:
    """At most a handful of questions, those of the person's role first."""
    view = lineside.memory.view(reader=lineside.reader(person))
    roles = re.findall(r"[^\W_]+", " ".join(person.roles).casefold()) if person else []
    chosen = [idea for stems, ideas in _FOR.items() if any(word.startswith(stems) for word in roles) for idea in ideas]
    found: list[str] = []
    for idea in dict.fromkeys((*chosen, *_EVERYBODY)):
        if len(found) < SHOWN and (question := next(idea(view), None)) is not None:
            found.append(question)
    return found


def _now(view: View) -> Iterator[str]:
    del view
    yield "What is happening right now?"


def _handover(view: View) -> Iterator[str]:
    last = view.calendar.previous(view.as_of)
    if last is not None:
        yield f"Give me the handover for the {last.name} shift of {last.day.isoformat()}."


def _changed(view: View) -> Iterator[str]:
    slot = view.calendar.at(view.as_of)
    if slot is not None:
        yield f"What changed since {slot.start.astimezone(view.plant.time_zone):%H:%M}?"


def _behind(view: View) -> Iterator[str]:
    for event in view.events(kinds=("slow", "stop"), newest_first=True, limit=20):
        if event.equipment:
            yield f"Why is {_line(view, event.equipment)} falling behind?"


def _again(view: View) -> Iterator[str]:
    window = Window(start=view.as_of - _LATELY, end=view.as_of)
    stops = [stop for stop in view.events(kinds=("stop",), within=window) if stop.equipment]
    reasons = Counter(
        (str(stop.attributes["reason"]), _line(view, str(stop.equipment)))
        for stop in stops
        if stop.attributes.get("reason")
    )
    for (reason, line), _ in reasons.most_common(1):
        yield f"Has {reason.replace('_', ' ')} on {line} happened before; what worked?"


def _figures(view: View) -> Iterator[str]:
    told: dict[str, dict[str, str]] = defaultdict(dict)
    for said in view.said(kind=EntityKind.INVENTORY, properties=("quantity",)):
        told[said.entity.id][said.source] = said.text
    for place, figures in sorted(told.items()):
        if len(set(figures.values())) > 1:
            one, other = sorted(figures)[:2]
            yield f"Why do {one} and {other} show different stock for {place.partition('@')[0]}?"


def _shippable(view: View) -> Iterator[str]:
    planned = view.said(kind=EntityKind.SHIPMENT, properties=("planned_departure",))
    to_come = sorted((said.text, said.entity.id) for said in planned if said.text > view.as_of.isoformat())
    for _, shipment in to_come:
        yield f"Is {shipment} really shippable?"
    for line in view.entities(EntityKind.SALES_ORDER)[-1:]:
        yield f"Is {line.id} really shippable?"


def _truck(view: View) -> Iterator[str]:
    local = view.as_of.astimezone(view.plant.time_zone)
    today = [cut for cut in view.plant.cut_offs if local.isoweekday() in cut.days and cut.departure > local.time()]
    for cut in sorted(today, key=lambda cut: cut.departure):
        yield f"What can leave on the {cut.departure:%H:%M} truck?"


def _complete(view: View) -> Iterator[str]:
    if view.entities(EntityKind.SALES_ORDER) or view.entities(EntityKind.SALES_ORDER_LINE):
        yield "Which orders look complete but are not?"


def _holds(view: View) -> Iterator[str]:
    if view.entities(EntityKind.HOLD):
        yield "Which lots are on hold, and why?"


def _decided(view: View) -> Iterator[str]:
    for decision in view.decisions(newest_first=True, limit=10):
        if len(decision.question) <= 90:
            yield f"What did we decide about this, and why: {decision.question}"


def _feeds(view: View) -> Iterator[str]:
    del view
    yield "Which feeds can I not trust today?"


def _line(view: View, path: str) -> str:
    """The line that the equipment belongs to, as people call it."""
    return view.plant.called("/".join(path.split("/")[:3]))


Idea = Callable[[View], Iterator[str]]

_FOR: dict[tuple[str, ...], tuple[Idea, ...]] = {
    ("super", "shift", "schicht", "foreman", "meister"): (_handover, _now, _behind, _again),
    ("plan", "dispo", "schedul"): (_figures, _complete, _shippable, _changed),
    ("ship", "warehouse", "logist", "lager", "versand"): (_truck, _shippable, _complete, _figures),
    ("quality", "qualität", "qa"): (_holds, _complete, _decided, _again),
    ("maint", "instand", "technic", "wartung"): (_again, _behind, _decided, _now),
    ("sales", "vertrieb", "customer"): (_shippable, _complete, _truck),
    ("admin", "it", "data"): (_feeds, _figures, _changed),
}
_EVERYBODY: tuple[Idea, ...] = (_now, _handover, _behind, _figures, _complete, _feeds)
