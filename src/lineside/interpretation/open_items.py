"""What is open and since when: losses, holds, maintenance, alarms, late picks, blocked orders; each thing once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from lineside.interpretation import shared_states
from lineside.interpretation.stops import Interval, Loss, intervals
from lineside.interpretation.wording import at, counted, rid, said
from lineside.memory import Statement, View
from lineside.memory.picked import picked
from lineside.memory.telling import is_whole, words_now
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.records import Event, Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_OVER = frozenset({"complete", "closed", "cancelled", "done", "finished", "released", "issued", "passed"})
# An event that begins something, and those that end it where they share a subject.
_ENDINGS = {
    "alarm": ("alarm_cleared",),
    "nonconformity": ("disposition", "hold_released"),
    "pick_late": ("staged",),
    "maintenance_requested": ("maintenance_finished",),
    "maintenance_started": ("maintenance_finished",),
    "excursion": (),
    "complaint": (),
    "feed_stopped": ("feed_started",),
    "effect_missing": ("effect_settled",),
}
_PASSING = (
    "promise_changed", "eta_changed", "cancelled", "resequenced", "priority_changed", "parameter_change",
    "change_effective", "departed", "split",
)  # fmt: skip
_WORK = ("maintenance_requested", "maintenance_started")
_SAME_MOMENT = timedelta(minutes=1)  # two systems rarely write of one thing in the same second
_CITED = 6
_INSTANT = timedelta(microseconds=1)
_FORGOTTEN = timedelta(days=3)  # something that no record can close is not carried on for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing for a handover. what: in words, without its times. closed: None while open. words: what people wrote
    of it. passing: it happened, and leaves nothing open. kind: of its entity or event; about: what it
    concerns.
    """

    key: str
    what: str
    opened: datetime
    closed: datetime | None
    records: tuple[str, ...]
    words: str = ""
    equipment: str | None = None
    passing: bool = False
    kind: str = ""
    about: tuple[str, ...] = ()

    @property
    def bounds(self) -> tuple[str, ...]:
        """The records to cite: all of a few, else those that bound it."""
        return self.records if len(self.records) <= _CITED else (*self.records[:2], *self.records[-2:])

    def open_at(self, moment: datetime) -> bool:
        return self.opened < moment and (self.closed is None or self.closed > moment) and not self.passing


def items(view: View, start: datetime, end: datetime, equipment: str | None = None) -> list[Item]:
    """Everything that was open at some time from start to end, or happened then; oldest first, each key once."""
    found = [
        *_losses(view, start, end, equipment),
        *_by_state(view, Window(start=start, end=end), equipment),
        *_by_events(view, start, end, equipment),
    ]
    kept: dict[str, Item] = {}
    for item in sorted(found, key=lambda i: (i.opened, i.key)):
        if equipment is None and view.plant.elsewhere(item.equipment):
            continue
        if item.opened < end and (item.closed is None or item.closed > start):
            kept.setdefault(item.key, item)
    return list(_once(kept))


def _once(found: Mapping[str, Item]) -> Iterator[Item]:
    """Each thing by the item that says most of it: a nonconformity by the hold that it led to, work on equipment by its
    maintenance order, else by the request for it."""
    told = dict(found)
    parts = [key for key, item in found.items() if item.kind in ("nonconformity", *_WORK)]
    for key in parts:
        whole = next((k for k, other in told.items() if k != key and _tells(other, told[key])), None)
        if whole is not None:
            part, item = told.pop(key), told[whole]
            records = tuple(dict.fromkeys((*item.records, *part.records)))
            told[whole] = replace(item, records=records, words=f"{item.words} {part.words}".strip())
    yield from told.values()


def _tells(whole: Item, part: Item) -> bool:
    """Whether the one item tells the other one too."""
    if part.kind == "nonconformity" and whole.kind == EntityKind.HOLD:
        during = part.opened <= whole.opened and (part.closed is None or whole.opened <= part.closed)
        return during and not set(part.about).isdisjoint(whole.about)
    if part.equipment is None or part.equipment != whole.equipment:
        return False
    if part.kind in _WORK and whole.kind == EntityKind.MAINTENANCE_ORDER:
        return _at_once(part.opened, whole.opened) or _at_once(part.closed, whole.closed)
    if (whole.kind, part.kind) == _WORK:
        return whole.opened <= part.opened and whole.closed == part.closed
    return False


def _at_once(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= _SAME_MOMENT


def _losses(view: View, start: datetime, end: datetime, equipment: str | None) -> Iterator[Item]:
    window = Window(start=start, end=end)
    found = [i for i in intervals(view, equipment, window) if i.loss is not Loss.IDLE]
    groups: dict[tuple[str, str, str], list[Interval]] = {}
    for interval in found:
        if interval.end is not None and interval.end <= start:
            continue
        # What ended in the shift is told once for each reason and place; what stands open, or crossed, by itself.
        if interval.start >= start and interval.end is not None and interval.end <= end:
            groups.setdefault((str(interval.loss), interval.equipment, interval.why.casefold()), []).append(interval)
        else:
            key = f"{interval.loss} {interval.equipment} {interval.records[0]}"
            yield _loss_item([interval], end, key)
    for (loss, place, why), members in groups.items():
        # Not by its first record: one that comes in late may be earlier, and it is the same item still.
        yield _loss_item(members, end, f"{loss} {place} {why}")


def _loss_item(members: Sequence[Interval], end: datetime, key: str) -> Item:
    first, last = members[0], members[-1]
    name = f"{first.loss}{f' ({first.why})' if first.why else ''} at {first.equipment}"
    spent = duration(sum(i.seconds(end) for i in members))
    often = f"{counted(len(members), 'time')}, " if len(members) > 1 else ""
    return Item(
        key=key,
        what=f"{name}: {often}{spent}",
        opened=first.start,
        closed=last.end,
        records=tuple(r for i in members for r in i.records),
        words=" ".join(f"{i.reason} {i.text}" for i in members),
        equipment=first.equipment,
    )


def _by_state(view: View, window: Window, equipment: str | None) -> Iterator[Item]:
    """Holds while active, maintenance orders while not over, job orders while blocked: an item for each stretch that
    reaches into the window."""
    yield from _stretches(view, EntityKind.HOLD, lambda s: s == "active", window, equipment)
    yield from _stretches(view, EntityKind.MAINTENANCE_ORDER, lambda s: s not in _OVER, window, equipment)
    yield from _stretches(view, EntityKind.JOB_ORDER, lambda s: s == "blocked", window, equipment)
    told = {each.entity for each in words_now(view, EntityKind.HOLD, ("status",))}
    placed: dict[str, Event] = {}
    rows = picked(
        view, ("hold_placed", "hold_released"), ("hold", "attributes.hold"), equipment=equipment, ordered=True
    )
    named = ((record, json.loads(holds)) for record, _, _, _, _, _, holds in rows)
    holds = {record: str(own or other or record) for record, (own, other) in named}
    untold = view.records(record for record, hold in holds.items() if hold not in told)
    for record, event in untold.items():
        if not isinstance(event, Event):
            continue
        hold = holds[record]
        if event.kind == "hold_placed":
            placed.setdefault(hold, event)
        elif hold in placed:
            yield _hold_item(placed.pop(hold), hold, event)
    for hold, event in placed.items():
        yield _hold_item(event, hold, None)


def _hold_item(event: Event, hold: str, end: Event | None) -> Item:
    return Item(
        key=f"hold:{hold}",
        what=said(event),
        opened=at(event),
        closed=at(end) if end else None,
        records=(rid(event), *((rid(end),) if end else ())),
        words=event.text,
        equipment=event.equipment,
        kind=EntityKind.HOLD,
        about=tuple(str(e) for e in event.entities() if e.kind not in (EntityKind.EQUIPMENT, EntityKind.HOLD)),
    )


def _stretches(
    view: View, kind: EntityKind, is_open: Callable[[str], bool], window: Window, equipment: str | None
) -> Iterator[Item]:
    def is_over(word: str) -> bool:
        return is_whole(word) and not is_open(_state(kind, word, word))

    # What is over since before the window, and was not spoken of since, has no stretch that reaches into it.
    things = view.unsettled(kind, "status", is_over, min(window.start, view.as_of))
    histories: dict[Entity, list[Statement]] = {}
    for statement in view.statements(entities=things, properties=("status",)):
        histories.setdefault(statement.entity, []).append(statement)
    opened: dict[Entity, list[tuple[Statement, Statement | None]]] = {}
    for entity, history in histories.items():
        current: Statement | None = None
        for statement in history:
            opens = is_open(_state(kind, statement.value, statement.text))
            if opens and current is None:
                current = statement
            elif not opens and current is not None:
                if statement.occurred_at > window.start and current.occurred_at < window.end:
                    opened.setdefault(entity, []).append((current, statement))
                current = None
        if current is not None and current.occurred_at < window.end:
            opened.setdefault(entity, []).append((current, None))
    told: dict[Entity, dict[str, Statement]] = {entity: {} for entity in opened}
    for statement in view.said(entities=list(opened)):
        told[statement.entity][statement.property] = statement
    for entity, stretches in opened.items():
        details = told[entity]
        place = details["equipment"].text if "equipment" in details else None
        if equipment is not None and not (place and within(place, equipment)):
            continue
        for opening, closing in stretches:
            yield _state_item(entity, opening, closing, details, place)


def _state(kind: EntityKind, value: Json, text: str) -> str:
    return shared_states.state_of(kind, "status", value) or text.strip().casefold()


def _state_item(
    entity: Entity, opening: Statement, closing: Statement | None, details: dict[str, Statement], place: str | None
) -> Item:
    shown = [details[n] for n in ("subject", "equipment", "description", "reason", "owner") if n in details]
    about = "; ".join(f"{s.property} {s.text}" for s in shown)
    records = (opening.record_id, *(s.record_id for s in shown), *((closing.record_id,) if closing else ()))
    return Item(
        key=f"{entity} {opening.record_id}",
        what=f"{entity.kind.replace('_', ' ')} {entity.id} {opening.text}{f' ({about})' if about else ''}",
        opened=opening.occurred_at,
        closed=closing.occurred_at if closing else None,
        records=tuple(dict.fromkeys(records)),
        words=about,
        equipment=place,
        kind=entity.kind,
        about=(details["subject"].text,) if "subject" in details else (),
    )


def _by_events(view: View, start: datetime, end: datetime, equipment: str | None) -> Iterator[Item]:
    endings = {k for kinds in _ENDINGS.values() for k in kinds}
    until = min(end, view.as_of + _INSTANT)
    lately = Window(start=min(start - _FORGOTTEN, until), end=until)
    events = view.events(kinds=(*_ENDINGS, *endings, *_PASSING), equipment=equipment, within=lately)
    grouped: dict[str, list[tuple[Event, Event | None]]] = {}
    for position, event in enumerate(events):
        if event.kind in _ENDINGS:
            closing = _ending(event, events[position + 1 :])
            if at(event) >= start or (closing is None or at(closing) > start):
                grouped.setdefault(_key(event), []).append((event, closing))
        elif event.kind in _PASSING and at(event) >= start:
            yield Item(
                key=f"event {rid(event)}", what=said(event), opened=at(event), closed=None, records=(rid(event),),
                words=event.text, equipment=event.equipment, passing=True,
            )  # fmt: skip
    for key, pairs in grouped.items():
        first, last = pairs[0], pairs[-1]
        often = f"{counted(len(pairs), 'time')}: " if len(pairs) > 1 else ""
        yield Item(
            key=key,
            what=f"{often}{said(first[0])}",
            opened=at(first[0]),
            closed=at(last[1]) if last[1] else None,
            records=tuple(dict.fromkeys(rid(e) for p in pairs for e in p if e is not None)),
            words=" ".join(p[0].text for p in pairs),
            equipment=first[0].equipment,
            kind=first[0].kind,
            about=tuple(str(e) for e in first[0].entities() if e.kind != EntityKind.EQUIPMENT),
        )


def _ending(opening: Event, later: Sequence[Event]) -> Event | None:
    """The first that ends it; of several that end it at one moment always the same, however late each was told."""
    ends = (e for e in later if e.kind in _ENDINGS[opening.kind] and _same(opening, e))
    first = next(ends, None)
    return min((first, *takewhile(lambda e: at(e) == at(first), ends)), key=rid) if first else None


def _key(event: Event) -> str:
    label = (
        event.attributes.get("code") or event.attributes.get("reason") or event.attributes.get("characteristic") or ""
    )
    subjects = sorted(str(e) for e in event.entities())
    return f"{event.kind} {label} {' '.join(subjects)}"


def _same(opening: Event, closing: Event) -> bool:
    codes = opening.attributes.get("code"), closing.attributes.get("code")
    if all(codes) and codes[0] != codes[1]:
        return False
    mine, theirs = set(opening.entities()), set(closing.entities())
    things = {e for e in mine if e.kind != EntityKind.EQUIPMENT} & {e for e in theirs if e.kind != EntityKind.EQUIPMENT}
    same_place = opening.equipment is not None and opening.equipment == closing.equipment
    return bool(things) or (same_place and opening.kind not in ("nonconformity", "pick_late"))
