"""Exact counts, sums, durations, averages and extremes over events, losses, entities and reported figures."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Any

from lineside.interpretation import shared_states
from lineside.interpretation.facts import moment as moment_in
from lineside.interpretation.facts import owner_of, recency
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.running import Running, running_on
from lineside.interpretation.stops import Loss, intervals, tile
from lineside.interpretation.subject_words import grouped, many
from lineside.interpretation.wording import at, counted, late_sources, listed, rid, shown
from lineside.memory import Statement, View
from lineside.memory.telling import told_now, unspoken, words_now
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.quantities import Quantity
from lineside.plant.records import SUBJECTS, Decision, Event, Json, Note, quantity
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_CITED = 20
_TOP = 12
_EVENTS_OF = {"changeover": ("changeover_start",), "downtime": ("stop", "changeover_start")}
_OVER = ("complete", "closed", "delivered", "departed", "cancelled", "released")
_LATE = ("status", "actual_end")
_DUE = {"job_order": "planned_end", "sales_order": "promised_at", "sales_order_line": "promised_at",
        "purchase_order_line": "eta", "maintenance_order": "due_at", "inspection": "due_at",
        "shipment": "planned_departure"}  # fmt: skip


class Measure(StrEnum):
    """What is computed over the rows."""

    COUNT = "count"
    SUM = "sum"
    DURATION = "duration"
    AVERAGE = "average"
    MAXIMUM = "maximum"
    MINIMUM = "minimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing counted: its traits by name, its figure if it has one, the time it is about, and its records."""

    traits: Mapping[str, str]
    records: tuple[str, ...]
    amount: Quantity | None = None
    seconds: float | None = None
    source: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The rows that share a trait, and their figure."""

    name: str
    rows: tuple[Row, ...]
    figure: str
    rank: Decimal = field(default=Decimal(0))


def tally(
    view: View,
    subject: str,
    *,
    measure: Measure = Measure.COUNT,
    group_by: str | None = None,
    window: Window | None = None,
    equipment: str | None = None,
    where: Mapping[str, str] | None = None,
    late: bool = False,
) -> Reading:
    """The figure over everything of the subject, in all and for each group, the greatest first.

    subject: an event kind; `stop`, `slow`, `changeover`, `maintenance`, `idle` or `downtime` (all that stand still);
    an entity kind; `note` or `decision`; `kind.property` for the reported figures. group_by: reason, equipment, line,
    shift, crew, day, material, source, or any attribute or property. where: traits that must be equal, in any case, or
    mean the same state. late: only entities past their due time and not over.
    """
    asked = {*(where or {}), *((group_by,) if group_by else ()), *((*_LATE, _due(subject)) if late else ())}
    plain = asked if measure is Measure.COUNT else None
    rows = list(_rows(view, subject, window=window, equipment=equipment, asked=plain))
    chosen = [r for r in rows if all(_matches(r, subject, n, v) for n, v in (where or {}).items())]
    if late:
        chosen = [r for r in chosen if _is_late(view, subject, r)]
    called = _called(subject, where or {}, late=late)
    span = _span_words(view, window)
    if not chosen:
        before, late_words = ((), ()) if rows else _last_before(view, subject, window)
        whole = f" (of {len(rows)} {many(subject)} in all)" if rows else ""
        return Reading(
            verdict=f"No {called}{span}{whole}.",
            findings=_none_of(rows, subject, called, span) or before,
            missing=() if rows else late_words if before else (f"Records of {many(subject)}{span}.",),
            window=window,
            data={"count": 0, "of": len(rows)},
        )
    groups = _grouped(chosen, group_by, measure)
    total = _figure(chosen, measure)
    extreme = measure in (Measure.MAXIMUM, Measure.MINIMUM)
    shown = replace(total, figure=total.figure + _when_and_where(view, total.rows)) if extreme else total
    findings = [_finding(f"{_head(measure, called)}{span}: {shown.figure}", chosen, measure, shown)]
    if group_by is not None:
        findings += [_finding(f"{grouped(group_by)} {g.name}: {g.figure}", g.rows, measure, g) for g in groups[:_TOP]]
    verdict = f"{_head(measure, called)}{span}: {shown.figure}"
    if group_by is not None and groups:
        verdict += f"; by {grouped(group_by)}: {listed([f'{g.name} {g.figure}' for g in groups[:4]])}"
        if len(groups) > 4:
            verdict += f" and {counted(len(groups) - 4, 'more group')}"
    elif subject in set(EntityKind) and len(chosen) <= 10:
        verdict += f" ({listed(sorted(r.traits['id'] for r in chosen), limit=10)})"
    missing = list(late_sources(view, {r.source for r in chosen}))
    if group_by is not None and (without := sum(group_by not in r.traits for r in chosen)):
        missing.append(f"The {grouped(group_by)} of {counted(without, 'record')}.")
    if measure not in (Measure.COUNT, Measure.DURATION) and (
        bare := sum(r.amount is None and r.seconds is None for r in chosen)
    ):
        missing.append(f"A figure in {counted(bare, 'record')}.")
    return Reading(
        verdict=verdict + ".",
        findings=tuple(findings),
        missing=tuple(missing),
        window=window,
        data={
            "count": len(chosen),
            "of": len(rows),
            "figure": total.figure,
            "groups": [{"name": g.name, "count": len(g.rows), "figure": g.figure} for g in groups],
        },
    )


def _when_and_where(view: View, rows: Sequence[Row]) -> str:
    """`, at 08:10 CEST (Folienriss, at Schneider 2)`: when an extreme was, and what it was of."""
    row = next((r for r in rows if r.at is not None), None)
    if row is None or row.at is None:
        return ""
    place = row.traits.get("equipment")
    about = [t for t in (row.traits.get("reason"), f"at {view.plant.called(place)}" if place else None) if t]
    more = f", and {counted(len(rows) - 1, 'more time')}" if len(rows) > 1 else ""
    detail = f" ({', '.join(about)}{more})" if about or more else ""
    return f", at {clock(row.at, view.plant, relative_to=view.as_of)}{detail}"


def _last_before(view: View, subject: str, window: Window | None) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Zero is an answer where a source tells of such events: the last one before, how recently the source spoke, and
    whether it may have missed some."""
    kinds = _EVENTS_OF.get(subject, (subject,))
    last = view.events(kinds=kinds, newest_first=True, limit=1) if window is not None else []
    if not last or window is None or at(last[0]) >= window.start:
        return (), ()
    source = last[0].provenance.source
    newest = [*view.events(within=Window(start=window.start, end=view.as_of), newest_first=True), *last]
    heard = next(e for e in newest if e.provenance.source == source)
    text = (
        f"The last {subject.replace('_', ' ')} on record was at {clock(at(last[0]), view.plant)}; "
        f"{source} last recorded something at {clock(at(heard), view.plant)}."
    )
    cites = tuple(dict.fromkeys((rid(last[0]), rid(heard))))
    found = Finding(text=text, kind=Kind.DERIVED, cites=cites, data={"count": 0})
    return (found,), late_sources(view, (source,))


def _rows(
    view: View, subject: str, *, window: Window | None, equipment: str | None, asked: Collection[str] | None
) -> Iterator[Row]:
    running = running_on(view)
    kind, dot, name = subject.partition(".")
    if subject == "downtime" or subject in set(Loss):
        yield from _losses(view, subject, window, equipment, running)
    elif dot:
        for said in view.statements(kind=kind, properties=(name,), within=window):
            if equipment is None or within(said.entity.id, equipment):
                traits = {"id": said.entity.id, "scope": said.scope or "", **_timed(view, said.occurred_at)}
                if kind == EntityKind.EQUIPMENT:
                    traits |= _placed(said.entity.id)
                traits |= {"source": said.source, name: said.text}
                yield Row(
                    traits=_clean(traits),
                    records=(said.record_id,),
                    amount=said.quantity,
                    source=said.source,
                    at=said.occurred_at,
                )
    elif subject == "note":
        for note in view.notes(equipment=equipment, within=window):
            yield _of_record(
                view, note, {"author": note.author or "", "channel": note.channel or "", **_placed(note.equipment)}
            )
    elif subject == "decision":
        for decision in view.decisions(equipment=equipment, within=window):
            yield _of_record(view, decision, {"decided_by": decision.decided_by or "", "case": decision.case or ""})
    elif subject in set(EntityKind) or view.entities(subject):
        yield from _entities(view, subject, window, equipment, asked)
    else:
        kinds = () if subject == "event" else (subject,)
        for event in view.events(kinds=kinds, equipment=equipment, within=window):
            if at(event) <= view.as_of:
                yield _of_event(view, event, running)


def _losses(
    view: View,
    subject: str,
    window: Window | None,
    equipment: str | None,
    running: Running,
) -> Iterator[Row]:
    """Each loss once, clipped to the window; several at one line at the same time share it without double counting."""
    found = [i for i in intervals(view, equipment, window) if i.start <= view.as_of]
    wanted = [i for i in found if i.loss == subject or (subject == "downtime" and i.loss is not Loss.SLOW)]
    if not wanted:
        return
    span = window or Window(start=min(i.start for i in wanted), end=view.as_of)
    span = Window(start=span.start, end=max(span.start, min(span.end, view.as_of)))
    seconds: dict[tuple[str, ...], float] = {}
    for line in {work_center(i.equipment) for i in wanted}:
        for piece in tile([i for i in found if work_center(i.equipment) == line], span):
            if piece.interval is not None:
                key = piece.interval.records
                seconds[key] = seconds.get(key, 0.0) + piece.seconds
    for loss in wanted:
        traits = {"kind": str(loss.loss), "reason": loss.why, "code": loss.code, "source": loss.source}
        traits |= _placed(loss.equipment) | _timed(view, max(loss.start, span.start))
        traits["material"] = loss.material or running.at(loss.equipment, loss.start) or ""
        traits |= {"job_order": loss.job_order or "", "lot": loss.lot or ""}
        yield Row(
            traits=_clean(traits),
            records=loss.records,
            seconds=seconds.get(loss.records, 0.0),
            source=loss.source,
            at=loss.start,
        )


def _of_event(view: View, event: Event, running: Running) -> Row:
    traits = {n: str(v) for n in SUBJECTS if (v := getattr(event, n))}
    traits |= {name: shown(value) for name, value in event.attributes.items() if not isinstance(value, dict | list)}
    if event.equipment:
        traits |= _placed(event.equipment)
        traits.setdefault("material", running.at(event.equipment, at(event)) or "")
    traits["kind"] = event.kind
    traits.setdefault("reason", str(event.attributes.get("code") or event.text))
    figure = "counted" if event.kind == "count" and "counted" in event.attributes else "quantity"
    amount = quantity(event.attributes.get(figure), str(event.attributes.get("unit") or ""))
    return _of_record(view, event, traits, amount)


def _of_record(
    view: View, record: Event | Note | Decision, traits: Mapping[str, str], amount: Quantity | None = None
) -> Row:
    source = record.provenance.source
    whole = {**_timed(view, at(record)), **traits, "source": source}
    return Row(traits=_clean(whole), records=(rid(record),), amount=amount, source=source, at=at(record))


def _entities(
    view: View, kind: str, window: Window | None, equipment: str | None, asked: Collection[str] | None
) -> Iterator[Row]:
    """asked: the only properties whose values are wanted; None for all, as they were said."""
    if asked is not None and window is None and equipment is None:
        yield from _counted(view, kind, asked)
        return
    words: dict[Entity, list[Statement]] = {}
    for statement in view.said(kind=kind):
        words.setdefault(statement.entity, []).append(statement)
    for entity in view.entities(kind):
        told = sorted(words.get(entity, ()), key=recency)
        if window is not None and not any(s.occurred_at in window for s in told):
            continue
        best: dict[str, Statement] = {}
        for name in dict.fromkeys(s.property for s in told):
            owner = owner_of(view.plant, kind, name)
            own = [s for s in told if s.property == name]
            best[name] = next((s for s in own if owner and s.source == owner.name), own[0])
        if equipment is not None and not any(within(p, equipment) for p in _places(entity, best)):
            continue
        traits = {name: said.text for name, said in best.items()}
        traits["id"] = entity.id
        amount = best["quantity"].quantity if "quantity" in best else None
        records = tuple(dict.fromkeys(s.record_id for s in best.values())) or tuple(
            rid(r) for r in view.mentions(entity, limit=1)
        )
        source = next((s.source for s in best.values()), "")
        if records:
            yield Row(traits=_clean({"source": source, **traits}), records=records, amount=amount, source=source)


def _counted(view: View, kind: str, asked: Collection[str]) -> Iterator[Row]:
    """Everything of the kind from columns, with no more than these properties."""
    texts = {word[:4]: word.text for word in words_now(view, kind, sorted(asked))} if asked else {}
    told: dict[str, dict[str, tuple[Any, ...]]] = {}
    owners: dict[str, str] = {}
    for entity, words in groupby(told_now(view, kind), key=itemgetter(0)):
        best = told[entity] = {}
        for word in words:
            _, name, source, *_ = word
            if name not in owners:
                owner = owner_of(view.plant, kind, name)
                owners[name] = owner.name if owner else ""
            held = best.get(name)
            if held is None or source == owners[name] != held[2]:
                best[name] = word
    for entity in sorted({*told, *unspoken(view, kind, told)}):
        best = told.get(entity, {})
        traits = {name: texts.get(tuple(best[name][:4]), "") for name in asked if name in best}
        records = tuple({word[6]: None for word in best.values()}) or tuple(
            rid(r) for r in view.mentions(Entity(kind, entity), limit=1)
        )
        source = next((word[2] for word in best.values()), "")
        if records:
            yield Row(traits=_clean({"source": source, **traits, "id": entity}), records=records, source=source)


def _places(entity: Entity, best: Mapping[str, Statement]) -> Iterator[str]:
    if entity.kind == EntityKind.EQUIPMENT:
        yield entity.id
    for name in ("equipment", "location", "dock"):
        if name in best:
            yield best[name].text


def _placed(path: str | None) -> dict[str, str]:
    return {"equipment": path, "line": work_center(path)} if path else {}


def _timed(view: View, moment: datetime) -> dict[str, str]:
    local, slot = moment.astimezone(view.plant.time_zone), view.calendar.at(moment)
    day = slot.day if slot else local.date()
    return {
        "day": day.isoformat(),
        "week": f"{day.isocalendar().year}-W{day.isocalendar().week:02d}",
        "month": day.isoformat()[:7],
        "weekday": day.strftime("%A"),
        "hour": local.strftime("%H:00"),
        "shift": slot.name if slot else "",
        "crew": (slot.crew or "") if slot else "",
    }


def _clean(traits: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in traits.items() if value}


def _matches(row: Row, subject: str, name: str, wanted: str) -> bool:
    value = row.traits.get(name)
    if value is None:
        return False
    mine = shared_states.state_of(subject, name, value)
    if mine is not None and mine == shared_states.state_of(subject, name, wanted):
        return True
    if name in ("equipment", "line"):
        return within(value, wanted)
    return value.casefold() == wanted.casefold()


def _due(subject: str) -> str:
    return _DUE.get(subject, "due_at")


def _is_late(view: View, subject: str, row: Row) -> bool:
    due = moment_in(row.traits.get(_due(subject)))
    state = shared_states.state_of(subject, "status", row.traits.get("status", "")) or row.traits.get("status", "")
    return due is not None and due < view.as_of and state not in _OVER and "actual_end" not in row.traits


def _grouped(rows: Sequence[Row], group_by: str | None, measure: Measure) -> list[Group]:
    if group_by is None:
        return []
    members: dict[str, list[Row]] = {}
    spellings: dict[str, str] = {}
    for row in rows:
        if (value := row.traits.get(group_by)) is not None:
            members.setdefault(value.casefold(), []).append(row)
            spellings.setdefault(value.casefold(), value)
    groups = []
    for key, inside in members.items():
        figure = _figure(inside, measure)
        groups.append(Group(name=spellings[key], rows=figure.rows, figure=figure.figure, rank=figure.rank))
    return sorted(groups, key=lambda g: (-g.rank, g.name))


def _figure(rows: Sequence[Row], measure: Measure) -> Group:
    """The figure of the rows; amounts of units that cannot be converted into one another stand side by side."""
    match measure:
        case Measure.COUNT:
            return Group(name="", rows=tuple(rows), figure=str(len(rows)), rank=Decimal(len(rows)))
        case Measure.DURATION:
            seconds = sum(r.seconds or 0.0 for r in rows)
            figure = f"{duration(seconds)} ({counted(len(rows), 'time')})"
            return Group(name="", rows=tuple(rows), figure=figure, rank=Decimal(str(seconds)))
        case Measure.SUM | Measure.AVERAGE | Measure.MAXIMUM | Measure.MINIMUM:
            pass
    by_unit: dict[str, list[tuple[Decimal, Row]]] = {}
    for row in rows:
        if row.amount is None:
            continue
        goal = next((u for u in by_unit if row.amount.to(u) is not None), row.amount.unit)
        converted = row.amount.to(goal) or row.amount
        by_unit.setdefault(goal, []).append((converted.value, row))
    figures: list[tuple[Decimal, str, tuple[Row, ...]]] = []
    for unit, pairs in by_unit.items():
        values = [v for v, _ in pairs]
        value, used = _computed(values, measure), tuple(r for _, r in pairs)
        if measure in (Measure.MAXIMUM, Measure.MINIMUM):
            used = tuple(r for v, r in pairs if v == value)
        figures.append((value, str(Quantity(value, unit)), used))
    if not figures:
        return _lasting(rows, measure)
    figures.sort(key=lambda f: (-len(f[2]), f[1]))
    return Group(
        name="",
        rows=tuple(r for *_, used in figures for r in used),
        figure=" and ".join(f[1] for f in figures),
        rank=figures[0][0],
    )


def _lasting(rows: Sequence[Row], measure: Measure) -> Group:
    """The longest, shortest or mean duration, where what is counted has a length and no other figure."""
    lasted = [(Decimal(str(row.seconds)), row) for row in rows if row.seconds is not None]
    if not lasted or measure is Measure.SUM:
        return Group(name="", rows=tuple(rows), figure="no figure recorded")
    value = _computed([seconds for seconds, _ in lasted], measure)
    extreme = measure in (Measure.MAXIMUM, Measure.MINIMUM)
    used = tuple(row for seconds, row in lasted if not extreme or seconds == value)
    return Group(name="", rows=used, figure=duration(float(value)), rank=value)


def _computed(values: Sequence[Decimal], measure: Measure) -> Decimal:
    if measure is Measure.MAXIMUM:
        return max(values)
    if measure is Measure.MINIMUM:
        return min(values)
    total = sum(values, Decimal(0))
    return total if measure is Measure.SUM else round(total / len(values), 2)


def _finding(text: str, rows: Sequence[Row], measure: Measure, group: Group) -> Finding:
    ids = tuple(dict.fromkeys(i for r in (group.rows or rows) for i in r.records))
    if len(ids) > _CITED:
        text += f" (the first {_CITED} of {len(ids)} records are cited)"
    data: dict[str, Json] = {"count": len(rows), "measure": str(measure), "figure": group.figure}
    return Finding(text=text[:1].upper() + text[1:] + ".", kind=Kind.DERIVED, cites=ids[:_CITED], data=data)


def _none_of(rows: Sequence[Row], subject: str, called: str, span: str) -> tuple[Finding, ...]:
    ids = tuple(dict.fromkeys(r.records[0] for r in rows))
    if not ids:
        return ()
    more = f" (the first {_CITED} are cited)" if len(ids) > _CITED else ""
    text = f"Of {counted(len(rows), subject.replace('_', ' '))}{span} none is {called}{more}."
    return (Finding(text=text, kind=Kind.DERIVED, cites=ids[:_CITED]),)


def _head(measure: Measure, called: str) -> str:
    words = {
        Measure.COUNT: "Count of",
        Measure.SUM: "Sum over",
        Measure.DURATION: "Time of",
        Measure.AVERAGE: "Average over",
        Measure.MAXIMUM: "Highest over",
        Measure.MINIMUM: "Lowest over",
    }
    return f"{words[measure]} {called}"


def _called(subject: str, where: Mapping[str, str], *, late: bool) -> str:
    conditions = [f"{n.replace('_', ' ')} {v}" for n, v in where.items()]
    tail = f" with {listed(conditions)}" if conditions else ""
    return f"{'late ' if late else ''}{many(subject)}{tail}"


def _span_words(view: View, window: Window | None) -> str:
    if window is None:
        return ""
    start, end = clock(window.start, view.plant), clock(window.end, view.plant, relative_to=window.start)
    return f" from {start} to {end}"
