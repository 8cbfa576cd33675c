"""Things put in order by one property of theirs: what expires first, the biggest order, the oldest hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from lineside.interpretation.deadlines import deadline
from lineside.interpretation.facts import Facts, moment, plain_id, told
from lineside.interpretation.holds import holds
from lineside.interpretation.left_out import left_out
from lineside.interpretation.links import lines_of
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.settled import settled
from lineside.interpretation.wording import bounded, counted, late_sources, listed
from lineside.memory import Statement, View
from lineside.memory.happenings import words_from
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within
from lineside.plant.quantities import Quantity
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

DUE = {
    "purchase_order_line": "eta", "shipment": "planned_departure", "sales_order": "promised_at",
    "sales_order_line": "promised_at", "job_order": "planned_end", "maintenance_order": "due_at",
    "inspection": "due_at",
}  # fmt: skip
AGE = "age"
_SHOWN = 5
_NAMED = 6
_STANDING = {"lot": "quality_status", "inventory": "quality_status", "inspection": "result", "equipment": "state"}
_OVER = {
    "job_order": ("complete", "closed", "cancelled"),
    "operation": ("complete", "closed", "cancelled"),
    "sales_order": ("shipped", "cancelled"),
    "sales_order_line": ("shipped", "cancelled"),
    "shipment": ("departed", "delivered", "cancelled"),
    "purchase_order_line": ("complete", "cancelled"),
    "maintenance_order": ("complete", "closed", "cancelled"),
    "inspection": ("passed", "failed"),
    "hold": ("released",),
    "document": ("issued",),
}
_PLURALS = {"inventory": "stock positions", "equipment": "pieces of equipment"}
_CALLED = {"expires_at": "shelf life (expires at)", AGE: "the first word of it on record", "due": "its due time"}
_CONSUMED = ("lot", "handling_unit", "inventory")  # of which nothing may be left
_BESIDE = ("material", "quantity", "customer", "supplier", "lot", "equipment", "subject", "description", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """One thing with its value: a time, an amount, or neither where it can't be compared. shown: as people read it."""

    entity: Entity
    name: str
    shown: str
    records: tuple[str, ...]
    sources: tuple[str, ...]
    when: datetime | None = None
    amount: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counts:
    """What was looked through. over: left out, since they are done with; bare: have no such value on record."""

    whole: int
    over: int
    bare: tuple[Entity, ...]
    strange: tuple[Entity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """Which of the things are compared."""

    where: Mapping[str, str]
    equipment: str | None
    every: bool


def ranking(
    view: View,
    kinds: Sequence[str],
    by: str,
    *,
    highest: bool = False,
    every: bool = False,
    where: Mapping[str, str] | None = None,
    equipment: str | None = None,
    window: Window | None = None,
) -> Reading:
    """The things of the kinds in the order of a property by its governing words, the first few with their records.

    by: a property; `due` for each kind's own due time; `age` for the first word on record, of a hold its beginning.
    highest: the greatest or latest first. every: those that are over too. where: properties that must be equal, in any
    case. window: only times in it. What is over long since is left out, unless its time is still to come, or the window
    lies as far back.
    """
    long_ago = window is not None and window.start < view.as_of - settled().after
    facts = Facts(view, whole=every or long_ago)
    placed, counts = list[_Placed](), list[_Counts]()
    chosen = _Chosen(where=where or {}, equipment=equipment, every=every)
    for kind in kinds:
        found, count = _of_kind(facts, kind, DUE.get(kind, "due_at") if by == "due" else by, chosen)
        placed += found
        counts.append(count)
    if window is not None:
        placed = [each for each in placed if each.when is not None and each.when in window]
    noun, called = _noun(kinds, where or {}), _CALLED.get(by, _spaced(by))
    if by == AGE and set(kinds) == {EntityKind.HOLD}:
        called = "how long it binds"
    seen = sum(each.whole for each in counts)
    gone = tuple(left_out(facts, kinds))
    missing = (*_missing(counts, noun, called), *gone)
    if not placed:
        return _nothing(view, counts, (noun, called), window, missing, gone=gone)
    timed = placed[0].when is not None
    ahead, past = _ordered(view, placed, highest=highest)
    in_order = [*ahead, *past] if not timed or highest or by == AGE else [*past, *ahead]
    verdict = _verdict(view, ahead, past, noun, called, highest=highest, span=_span(view, window))
    over = sum(each.over for each in counts)
    compared = f"{counted(len(placed), 'thing')} compared by {called}" + (f", of {seen}" if seen != len(placed) else "")
    compared += f"; {counted(over, 'more', 'more')} left out as over" if over else ""
    head = Finding(
        text=compared[:1].upper() + compared[1:] + ".",
        kind=Kind.DERIVED,
        cites=bounded(dict.fromkeys(r for each in in_order for r in each.records)),
        data={"compared": len(placed), "over": over},
    )
    shown = [*past[-2:], *ahead][:_SHOWN] if past and ahead and by != AGE else in_order[:_SHOWN]
    return Reading(
        verdict=verdict,
        findings=(*(_row(facts, each) for each in shown), head),
        missing=(*missing, *late_sources(view, {s for each in shown for s in each.sources})),
        window=window,
        data={"order": [str(each.entity) for each in in_order], "by": by, "compared": len(placed)},
    )


def _of_kind(facts: Facts, kind: str, name: str, chosen: _Chosen) -> tuple[list[_Placed], _Counts]:
    where, equipment, every = chosen.where, chosen.equipment, chosen.every
    standing = _STANDING.get(kind, "status")
    facts.load(kind, standing, *([] if name == AGE else [name]), *where, *_BESIDE, "sales_order_line", "job_order")
    known = sorted({*facts.live(kind), *_to_come(facts, kind, name)})
    everything = [e for e in known if all(_is(facts, e, n, v) for n, v in where.items())]
    if equipment is not None:
        everything = [e for e in everything if _there(facts, e, equipment)]
    ended = _ended(facts) if kind == EntityKind.HOLD else set()
    over = ended or {e for e in everything if facts.state(e, standing) in _OVER.get(kind, ())}
    over = {e for e in everything if e in over or (kind in _CONSUMED and _used_up(facts, e))}
    left = [e for e in everything if every or e not in over]
    values = _ages(facts, kind, left, standing) if name == AGE else _values(facts, kind, left, name)
    strange = tuple(e for e in left if e in values and values[e].when is None and values[e].amount is None)
    comparable = [values[e] for e in left if e in values and e not in strange]
    bare = tuple(e for e in left if e not in values)
    whole = len(everything)
    return comparable, _Counts(whole=whole, over=0 if every else len(over), bare=bare, strange=strange)


def _to_come(facts: Facts, kind: str, name: str) -> list[Entity]:
    """What is left out as over long since, and whose time is still to come all the same: a lot may yet expire."""
    if name not in _TIMES or facts.leaves_out(kind) is None:
        return []
    day_before = facts.view.as_of - timedelta(days=1)  # whatever the zone that a source writes its times in
    live = set(facts.live(kind))
    ahead = [e for e in words_from(facts.view, kind, name, f"{day_before:%Y-%m-%d}") if e not in live]
    facts.fetch(ahead)
    return [e for e in ahead if facts.about(e)]


def _used_up(facts: Facts, entity: Entity) -> bool:
    said = facts.best(entity, "quantity")
    return said is not None and said.quantity is not None and said.quantity.value <= 0


def _ended(facts: Facts) -> set[Entity]:
    """The holds that bind nothing any more, by reports and events alike."""
    return {Entity(EntityKind.HOLD, hold.id) for hold in holds(facts) if not hold.active}


def _values(facts: Facts, kind: str, things: Sequence[Entity], name: str) -> dict[Entity, _Placed]:
    found = {e: _placed(facts, e, name, said) for e in things if (said := facts.best(e, name)) is not None}
    if kind == EntityKind.SALES_ORDER and len(found) < len(things):
        facts.load(EntityKind.SALES_ORDER_LINE, name, "sales_order", "material")
        for order in things:
            if order not in found and (whole := _of_lines(facts, order, name)) is not None:
                found[order] = whole
    return found


def _of_lines(facts: Facts, order: Entity, name: str) -> _Placed | None:
    """The sum of the lines' amounts, or the first of their times, for an order that says neither itself."""
    lines = [
        _placed(facts, line, name, said)
        for line in lines_of(facts, order)
        if (said := facts.best(line, name)) is not None
    ]
    records = tuple(dict.fromkeys(r for line in lines for r in line.records))
    sources = tuple(dict.fromkeys(s for line in lines for s in line.sources))
    if times := [line for line in lines if line.when is not None]:
        first = min(times, key=lambda line: line.when or facts.view.as_of)
        return _Placed(entity=order, name=name, shown=first.shown, records=records, sources=sources, when=first.when)
    amounts = [line.amount for line in lines if line.amount is not None]
    if not amounts or len({amount.unit for amount in amounts}) > 1:
        return None
    total = Quantity(sum((amount.value for amount in amounts), Decimal(0)), amounts[0].unit)
    return _Placed(entity=order, name=name, shown=str(total), records=records, sources=sources, amount=total)


def _ages(facts: Facts, kind: str, things: Sequence[Entity], standing: str) -> dict[Entity, _Placed]:
    """Since when each is known: a hold since it was placed, other things since the first word on how they stand."""
    if kind == EntityKind.HOLD:
        begun = {hold.id: hold for hold in holds(facts)}
        return {
            e: _since(facts, e, begun[e.id].since, begun[e.id].cites, tuple(w.source for w in begun[e.id].words))
            for e in things
            if e.id in begun
        }
    wanted = set(things)
    first: dict[Entity, Statement] = {}
    for names in ((standing,), ()):
        if wanted - set(first):
            for said in facts.view.statements(entities=sorted(wanted - set(first)), properties=names):
                if said.occurred_at <= facts.view.as_of:
                    known = first.get(said.entity)
                    if known is None or said.occurred_at < known.occurred_at:
                        first[said.entity] = said
    return {e: _since(facts, e, s.occurred_at, (s.record_id,), (s.source,)) for e, s in first.items()}


def _since(facts: Facts, entity: Entity, when: datetime, records: tuple[str, ...], sources: tuple[str, ...]) -> _Placed:
    shown = clock(when, facts.plant, relative_to=facts.view.as_of)
    return _Placed(entity=entity, name=AGE, shown=shown, records=records, sources=sources, when=when)


def _placed(facts: Facts, entity: Entity, name: str, said: Statement) -> _Placed:
    when = moment(said.value)
    if when is None and name in _TIMES:
        when = deadline(said.text, said_at=said.occurred_at, view=facts.view)
    return _Placed(
        entity=entity,
        name=name,
        shown=told(said, facts.view),
        records=(said.record_id,),
        sources=(said.source,),
        when=when,
        amount=None if when is not None else _amount(facts, entity, said),
    )


_TIMES = frozenset(("expires_at", "due_at", "eta", "promised_at", "planned_start", "planned_end", "planned_departure",
                    "actual_start", "actual_end", "effective_at", "as_counted_at"))  # fmt: skip


def _amount(facts: Facts, entity: Entity, said: Statement) -> Quantity | None:
    """The figure in the smallest unit that the material's packaging knows, so that drums and litres compare."""
    amount = said.quantity
    material = facts.best(entity, "material")
    if amount is None or material is None or not (packed := facts.factors(material.text)):
        return amount
    factor = packed.get(amount.unit)
    return amount if factor is None else amount.to(factor.unit, packed) or amount


def _ordered(view: View, placed: Sequence[_Placed], *, highest: bool) -> tuple[list[_Placed], list[_Placed]]:
    """Those ahead and those past, each in order; amounts are all ahead, the unit of most of them first."""
    timed = [each for each in placed if each.when is not None]
    if timed:
        moments = {each.entity: each.when for each in timed if each.when is not None}
        in_order = sorted(timed, key=lambda e: (moments[e.entity].timestamp(), e.entity), reverse=highest)
        if highest or timed[0].name in ("actual_start", "actual_end", "as_counted_at"):
            return in_order, []
        if timed[0].name == AGE:
            return in_order, []
        return [e for e in in_order if moments[e.entity] >= view.as_of], [
            e for e in in_order if moments[e.entity] < view.as_of
        ]
    units = Counter(each.amount.unit for each in placed if each.amount)
    first = {unit: place for place, (unit, _) in enumerate(units.most_common())}
    by_unit: dict[str, list[_Placed]] = defaultdict(list)
    for each in placed:
        if each.amount is not None:
            goal = next((u for u in first if each.amount.to(u) is not None), each.amount.unit)
            by_unit[goal].append(each)
    rows: list[_Placed] = []
    for unit in sorted(by_unit, key=lambda u: first[u]):
        rows += sorted(by_unit[unit], key=lambda e: (_in_unit(e, unit) * (-1 if highest else 1), e.entity))
    return rows, []


def _in_unit(each: _Placed, unit: str) -> Decimal:
    converted = each.amount.to(unit) if each.amount else None
    return converted.value if converted else Decimal(0)


def _verdict(
    view: View, ahead: Sequence[_Placed], past: Sequence[_Placed], noun: str, called: str, *, highest: bool, span: str
) -> str:
    rows = ahead or past
    first, alike = rows[0], [each for each in rows[1:] if _same(each, rows[0])]
    word = _word(first, highest=highest) if ahead else "is past it the longest"
    several = len({each.entity.kind for each in rows}) > 1
    names = listed([_named(each, several=several) for each in (first, *alike)], limit=_NAMED)
    if alike:
        word = {"is": "are", "has": "have"}[word.split()[0]] + word[word.index(" ") :] + " alike"
    text = f"Of the {noun} on record{span}, {names} {word}, by {called}: {first.shown}{_distance(view, first)}"
    rest = [each for each in rows[1 : 3 + len(alike)] if each not in alike][:2]
    if rest:
        text += f"; then {listed([f'{_named(each, several=several)} ({each.shown})' for each in rest])}"
    units = {each.amount.unit for each in ahead if each.amount}
    if len(units) > 1:
        text += f"; figures in {listed(sorted(u or 'no unit' for u in units))} are not compared with one another"
    if ahead and past:
        late = listed([f"{_named(each, several=several)} ({each.shown})" for each in past[:3]])
        more = f" and {len(past) - 3} more" if len(past) > 3 else ""
        text += f". Past it already: {late}{more}"
    return text + "."


def _named(each: _Placed, *, several: bool) -> str:
    return f"{_spaced(each.entity.kind)} {each.entity.id}" if several else each.entity.id


def _same(each: _Placed, other: _Placed) -> bool:
    if each.when is not None:
        return each.when == other.when
    return each.amount is not None and each.amount == other.amount


def _word(each: _Placed, *, highest: bool) -> str:
    if each.name == AGE:
        return "is the newest" if highest else "is the oldest"
    if each.when is not None:
        return "is the last" if highest else "is first"
    return "has the most" if highest else "has the least"


def _distance(view: View, each: _Placed) -> str:
    if each.when is None:
        return ""
    seconds = (each.when - view.as_of).total_seconds()
    return f", in {duration(seconds)}" if seconds > 0 else f", {duration(-seconds)} ago"


def _row(facts: Facts, each: _Placed) -> Finding:
    beside = [(n, said) for n in _BESIDE if n != each.name and (said := facts.best(each.entity, n)) is not None][:3]
    own = each.entity.id + (
        f" ({listed([f'{_spaced(n)} {told(s, facts.view)}' for n, s in beside])})" if beside else ""
    )
    name = _spaced(each.name)
    if each.name == AGE:
        name = "since" if each.entity.kind == EntityKind.HOLD else "on record since"
    sources = listed(list(dict.fromkeys(each.sources)))
    return Finding(
        text=f"{own}: {name} {each.shown}{_distance(facts.view, each)}, says {sources}.",
        kind=Kind.DERIVED if len(each.records) > 1 or each.when is not None else Kind.FACT,
        cites=tuple(dict.fromkeys((*each.records, *(s.record_id for _, s in beside)))),
        data={"entity": str(each.entity), "by": each.name, "value": each.shown},
    )


def _nothing(
    view: View, counts: Sequence[_Counts], words: tuple[str, str], window: Window | None, missing: tuple[str, ...],
    *, gone: tuple[str, ...],
) -> Reading:  # fmt: skip
    noun, called = words
    whole, over = sum(each.whole for each in counts), sum(each.over for each in counts)
    if not whole:
        return Reading(verdict=f"No {noun} are on record.", missing=(f"Records of {noun}.", *gone), window=window)
    bare = sum(len(each.bare) for each in counts)
    if over and over == whole:
        verdict = f"None of the {whole} {noun} on record is open."
    elif window is not None and bare < whole - over:
        verdict = f"None of the {noun} on record has its {called}{_span(view, window)}."
    else:
        verdict = f"Not known: none of the {whole - over} {noun} on record has a value for {called}."
        missing = (f"A report of {called} on any of the {noun}.", *gone)
    return Reading(verdict=verdict, missing=missing, window=window, data={"compared": 0})


def _missing(counts: Sequence[_Counts], noun: str, called: str) -> tuple[str, ...]:
    found = []
    bare = [e.id for each in counts for e in each.bare]
    strange = [e.id for each in counts for e in each.strange]
    if bare:
        found.append(f"The {called} of {len(bare)} of the {noun}: {listed(bare)}.")
    if strange:
        found.append(f"A comparable {called} of {listed(strange)}.")
    return tuple(found)


def _noun(kinds: Iterable[str], where: Mapping[str, str]) -> str:
    plain = [_PLURALS.get(kind, f"{kind.replace('_', ' ')}s") for kind in kinds]
    tail = f" with {listed([f'{_spaced(n)} {v}' for n, v in where.items()])}" if where else ""
    return (" and ".join(plain) if len(plain) < 3 else "things") + tail


def _span(view: View, window: Window | None) -> str:
    if window is None:
        return ""
    return f" from {clock(window.start, view.plant)} to {clock(window.end, view.plant)}"


def _is(facts: Facts, entity: Entity, name: str, wanted: str) -> bool:
    for each in (entity, entity.parent):
        if each is not None and (said := facts.best(each, name)) is not None:
            value: Json = said.value
            return (plain_id(value, name) or said.text).casefold() == wanted.casefold()
    return False


def _there(facts: Facts, entity: Entity, equipment: str) -> bool:
    if entity.kind == EntityKind.EQUIPMENT:
        return within(entity.id, equipment)
    orders = [entity, *(order for order, _ in facts.linked(entity, "job_order"))]
    return any(within(place.id, equipment) for order in orders for place, _ in facts.linked(order, "equipment"))


def _spaced(name: str) -> str:
    return name.replace("_", " ")
