"""Which of several figures is right, for what: one usable figure per purpose, and the difference record by record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from lineside.interpretation import state as states
from lineside.interpretation.apart import apart
from lineside.interpretation.bridge import bridge
from lineside.interpretation.conflict import conflicts_on
from lineside.interpretation.differences import differing
from lineside.interpretation.facts import Facts, doubts, moment, owner_of, recency
from lineside.interpretation.movements import effect, movements
from lineside.interpretation.past import Past
from lineside.interpretation.purposes import WORDS, Purpose
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.steps import Bridge, bridge_findings
from lineside.interpretation.stock import Figure, Restricted, Stock, restricted, stock_of
from lineside.memory import View
from lineside.plant.entities import Entity
from lineside.plant.quantities import plain
from lineside.plant.records import Json
from lineside.plant.timeline import duration

_OLD_COUNT_S = 30 * 86400.0


# Which coverage serves which purpose best; None is a scope whose words aren't known.
_PREFERENCE: dict[Purpose, tuple[str | None, ...]] = {
    Purpose.SHIP: ("physical", "available", None, "books"),
    Purpose.PROMISE: ("physical", "available", None, "books"),
    Purpose.PLAN: ("physical", "available", None, "books"),
    Purpose.POST: ("books", None, "physical", "available"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """The figure to use for one purpose, and how it came about: in full, and in a few words."""

    purpose: Purpose
    value: Decimal
    figure: Figure
    text: str
    briefly: tuple[str, ...]
    cites: tuple[str, ...]


def reconcile(
    view: View,
    entity: Entity,
    purpose: str | None = None,
    location: str | None = None,
    *,
    past: Past | None = None,
) -> Reading:
    """The figures on the entity side by side, the bridges between them, and which to use for the purpose (or each).

    Where nothing states a quantity, the words are compared as `state` does. purpose: promise, plan, ship, post. past:
    what a reading of several things has read already.
    """
    past = past or Past(Facts(view))
    facts = past.facts
    stock = stock_of(facts, entity, location)
    if not (stock.whole or stock.parts):
        return _without_figures(view, entity, stock)
    figures = stock.whole or stock.parts
    parts = [part.statement for figure in figures for part in figure.parts]
    past.read({part.entity for part in parts}, sorted({part.property for part in parts}))
    bridges = [bridge(past, stock, a, b) for a, b in pairwise(figures) if a.value != b.value]
    wanted = [Purpose(purpose)] if purpose in set(Purpose) else list(Purpose)
    usable = [u for p in wanted if (u := usable_for(past, stock, p)) is not None]
    said = [p.statement for f in (*stock.whole, *stock.parts) for p in f.parts]
    against = (*doubts(facts, said), *_old_counts(facts, figures))
    findings = (
        *(_figure_finding(facts, f) for f in (*stock.whole, *stock.parts)),
        *(finding for b in bridges for finding in bridge_findings(b)),
        *(_usable_finding(stock, u) for u in usable),
        *_other_conflicts(facts, entity),
    )
    missing = (*stock.missing, *(m for b in bridges for m in b.missing), *_gaps(entity, figures, bridges))
    return Reading(
        verdict=_verdict(stock, figures, usable, bridges),
        findings=findings,
        against=against,
        missing=tuple(dict.fromkeys(missing)),
        next_steps=tuple(dict.fromkeys(_steps(entity, figures, bridges, against))),
        data=_data(stock, figures, bridges, usable),
    )


def _without_figures(view: View, entity: Entity, stock: Stock) -> Reading:
    """What is said of it beside quantities, and why sources differ on it."""
    other, differing_words = states.state(view, entity), apart(view, entity)
    known = {f.text for f in other.findings}
    apart_too = bool(differing_words.findings)
    more = tuple(f for f in differing_words.findings if f.text not in known)
    gaps = (*stock.missing, f"No source states a quantity of {entity.id}.")
    return Reading(
        verdict=differing_words.verdict if apart_too else other.verdict,
        findings=(*more, *other.findings),
        against=tuple({f.text: f for f in (*other.against, *differing_words.against)}.values()),
        missing=tuple(dict.fromkeys((*gaps, *other.missing, *(differing_words.missing if apart_too else ())))),
        next_steps=tuple(dict.fromkeys((*differing_words.next_steps, *other.next_steps))),
        data={**other.data, **(differing_words.data if apart_too else {})},
    )


def stock_conflicts(facts: Facts) -> Iterator[tuple[Stock, Decimal]]:
    """The stocks on which whole figures differ, with by how much at most."""
    for stock in differing(facts)[0]:
        values = [f.value for f in stock.whole]
        yield stock, max(values) - min(values)


def usable_for(past: Past, stock: Stock, purpose: Purpose) -> Usable | None:
    """The figure to use for the purpose; None where no figure is stated."""
    facts = past.facts
    figure = _choose(facts, stock, purpose)
    if figure is None:
        return None
    value, cites, words = (
        figure.value,
        list(figure.cites),
        [f"{figure.source} {figure.amount} ({_scope(facts, figure)})"],
    )
    briefly = list[str]()
    if purpose is Purpose.POST:
        extra, more, why = _owed(past, stock, figure)
        briefly += [f"{_signed(extra)} still to post"] if extra else []
        value, cites, words = value + extra, [*cites, *more], [*words, *why]
    else:
        moved, more = _since(past, stock, figure)
        if moved:
            value, cites = value + moved, [*cites, *more]
            briefly.append(f"{_signed(moved)} moved since")
            words.append(
                f"{'plus' if moved > 0 else 'less'} {plain(abs(moved))} {stock.unit} moved since".replace("  ", " ")
            )
        if figure.covers != "available":
            kept = [
                r for r in restricted(facts, stock, past.holds) if purpose is not Purpose.PLAN or r.state == "blocked"
            ]
            value, cites = value - _total(kept), [*cites, *(c for r in kept for c in r.cites)]
            briefly += [f"less {plain(_total(kept))} not free ({_list([r.subject.id for r in kept])})"] if kept else []
            words += [
                f"less {plain(r.value)} {stock.unit}".rstrip() + f" {r.state} ({r.subject.id}: {r.why})" for r in kept
            ]
        if purpose is Purpose.PLAN:
            for part in (f for f in stock.parts if f.covers == "in_transit"):
                value, cites = value + part.value, [*cites, *part.cites]
                briefly.append(f"plus {plain(part.value)} in transit")
                words.append(f"plus {part.amount} in transit by {part.source}")
    return Usable(
        purpose=purpose,
        value=max(value, Decimal(0)),
        figure=figure,
        text=", ".join(words),
        briefly=tuple(briefly),
        cites=tuple(dict.fromkeys(cites)),
    )


def _choose(facts: Facts, stock: Stock, purpose: Purpose) -> Figure | None:
    """The coverage that serves the purpose, then the declared owner's figure of its scope, then the newest.

    On-hand and available stock both tell of what is there, so between the two the owner's comes first.
    """
    order = _PREFERENCE[purpose]
    fitting = [f for f in stock.whole if f.covers in order] or list(stock.whole or stock.parts)

    def rank(figure: Figure) -> tuple[int, bool, int, float, str]:
        place = order.index(figure.covers) if figure.covers in order else len(order)
        there = figure.covers in ("physical", "available") and purpose is not Purpose.POST
        return 0 if there else place, not _owned(facts, figure), place, -figure.at.timestamp(), figure.source

    return min(fitting, key=rank, default=None)


def _owned(facts: Facts, figure: Figure) -> bool:
    statement = figure.parts[0].statement
    owner = owner_of(facts.plant, statement.entity.kind, statement.property, figure.scope)
    return owner is not None and owner.name == figure.source


def _since(past: Past, stock: Stock, figure: Figure) -> tuple[Decimal, tuple[str, ...]]:
    """What others saw move after the figure was stated."""
    found, cites = Decimal(0), list[str]()
    for move in movements(past, stock, figure.at)[0]:
        if move.first.at <= figure.at:
            continue
        seen = move.postings.get(figure.source) or move.postings[min(move.postings)]
        worth = sum((effect(p, figure, stock) for p in seen), Decimal(0))
        if worth:
            found, cites = found + worth, [*cites, *move.cites]
    return found, tuple(cites)


def _owed(past: Past, stock: Stock, books: Figure) -> tuple[Decimal, tuple[str, ...], list[str]]:
    """What the books still have to post, by the records that the physical side has."""
    physical = _choose(past.facts, stock, Purpose.SHIP)
    if physical is None or physical is books:
        return Decimal(0), (), []
    steps = [s for s in bridge(past, stock, books, physical).steps if s.books_lack]
    words = [
        f"{'plus' if s.value > 0 else 'less'} {plain(abs(s.value))} {stock.unit}".rstrip() + f" {s.name}" for s in steps
    ]
    return sum((s.value for s in steps), Decimal(0)), tuple(c for s in steps for c in s.cites), words


def _verdict(stock: Stock, figures: Sequence[Figure], usable: Sequence[Usable], bridges: Sequence[Bridge]) -> str:
    name = stock.about.id
    if len({f.source for f in figures}) == 1 and len(figures) == 1:
        head = f"Only {figures[0].source} states a quantity of {name}"
    elif not bridges:
        head = f"{_list([f.source for f in figures])} agree on {figures[0].amount} of {name}"
    else:
        head = ""
    groups: dict[Decimal, list[Usable]] = {}
    for item in usable:
        groups.setdefault(item.value, []).append(item)
    parts = [
        f"for {_list([WORDS[u.purpose] for u in items])} use {plain(value)} {stock.unit}".rstrip()
        + f" ({_list([_short(u) for u in items])})"
        for value, items in groups.items()
    ]
    rest = [
        f"{plain(abs(b.rest))} {stock.unit}".rstrip() + f" between {b.start.source} and {b.end.source}"
        for b in bridges
        if b.rest
    ]
    tail = [f"{_list(rest)} {'is' if len(rest) == 1 else 'are'} unexplained"] if rest else []
    text = "; ".join(filter(None, (*parts, head, *tail)))
    return text[:1].upper() + text[1:] + "." if text else f"No source states a quantity of {name}."


def _short(usable: Usable) -> str:
    """Whose figure it is, and what changed it."""
    return ", ".join((f"{usable.figure.source} {plain(usable.figure.value)}", *usable.briefly))


def _signed(value: Decimal) -> str:
    return f"{'plus' if value > 0 else 'less'} {plain(abs(value))}"


def _figure_finding(facts: Facts, figure: Figure) -> Finding:
    things = dict.fromkeys(p.statement.entity.id for p in figure.parts)
    about = next(iter(things)) if len(things) == 1 else f"{len(figure.parts)} positions"
    if len(figure.parts) > len(things) == 1:
        about += f", the sum of {len(figure.parts)} {figure.scope}s"
    stated = ""
    original = figure.parts[0].statement.quantity
    if len(figure.parts) == 1 and original is not None and original.unit not in ("", figure.unit):
        stated = f", stated as {original}"
    return Finding(
        text=f"{figure.source} says {figure.amount} ({_scope(facts, figure)}{stated}) for {about}.",
        kind=Kind.FACT if len(figure.parts) == 1 and not stated else Kind.DERIVED,
        cites=figure.cites,
        data={"source": figure.source, "scope": figure.scope, "value": plain(figure.value), "unit": figure.unit},
    )


def _usable_finding(stock: Stock, usable: Usable) -> Finding:
    value = f"{plain(usable.value)} {stock.unit}".rstrip()
    return Finding(
        text=f"For {WORDS[usable.purpose]}: {value}, from {usable.text}.",
        kind=Kind.DERIVED,
        cites=usable.cites,
        data={"purpose": usable.purpose.value, "value": plain(usable.value), "unit": stock.unit},
    )


def _other_conflicts(facts: Facts, entity: Entity) -> tuple[Finding, ...]:
    names = sorted({s.property for s in facts.about(entity)} - {"quantity", "quantity_good"})
    return tuple(f for name in names for f in conflicts_on(facts, entity, name))


def _old_counts(facts: Facts, figures: Sequence[Figure]) -> tuple[Finding, ...]:
    found = []
    for entity in sorted({p.statement.entity for f in figures for p in f.parts}):
        said = facts.best(entity, "as_counted_at")
        when = None if said is None else moment(said.value)
        if said is None or when is None:
            continue
        age = (facts.view.as_of - when).total_seconds()
        if age > _OLD_COUNT_S:
            shown = clock(when, facts.plant, relative_to=facts.view.as_of)
            text = f"{entity.id} was last counted at {shown}, {duration(age)} ago."
            found.append(Finding(text=text, kind=Kind.DERIVED, cites=(said.record_id,)))
    return tuple(found)


def _gaps(entity: Entity, figures: Sequence[Figure], bridges: Sequence[Bridge]) -> Iterator[str]:
    for b in bridges:
        if b.rest:
            yield (
                f"No record explains {plain(abs(b.rest))} {b.start.unit}".rstrip()
                + f" between {b.start.source} and {b.end.source}."
            )
    unknown = sorted({f"{f.source}'s {f.scope}" for f in figures if f.scope and f.covers is None})
    if unknown and bridges:
        yield f"What these scopes cover is not known: {', '.join(unknown)}."
    if len(figures) == 1:
        yield f"A second source's figure for {entity.id}."


def _steps(
    entity: Entity, figures: Sequence[Figure], bridges: Sequence[Bridge], against: Sequence[Finding]
) -> Iterator[str]:
    for b in bridges:
        for step in b.steps:
            if step.name.startswith(("unposted", "production not", "double")) and step.books_lack:
                yield f"Have {b.start.source} set right: {step.name}. {step.text}"
    if any(b.rest for b in bridges):
        yield f"Count {entity.id}: the records don't explain the whole difference."
    elif any(s.kind is Kind.GUESSED for b in bridges for s in b.steps):
        yield f"Count {entity.id}: a step of the difference is a guess."
    elif against:
        yield f"Count {entity.id}, or wait for the late source: the figures rest on thin evidence."
    elif not figures:
        yield f"Count {entity.id}."


def _data(
    stock: Stock, figures: Sequence[Figure], bridges: Sequence[Bridge], usable: Sequence[Usable]
) -> dict[str, Json]:
    return {
        "entity": str(stock.about),
        "unit": stock.unit,
        "figures": [{"source": f.source, "scope": f.scope, "value": plain(f.value)} for f in figures],
        "bridges": [
            {
                "from": b.start.source,
                "to": b.end.source,
                "difference": plain(b.difference),
                "steps": [{"name": s.name, "value": plain(s.value)} for s in b.steps],
                "rest": plain(b.rest),
            }
            for b in bridges
        ],
        "usable": {u.purpose.value: plain(u.value) for u in usable},
    }


def _total(items: Sequence[Restricted]) -> Decimal:
    return sum((r.value for r in items), Decimal(0))


def _scope(facts: Facts, figure: Figure) -> str:
    newest = min((p.statement for p in figure.parts), key=recency)
    when = clock(newest.occurred_at, facts.plant, relative_to=facts.view.as_of)
    return f"{figure.scope}, {when}" if figure.scope else when


def _list(words: Sequence[str]) -> str:
    unique = list(dict.fromkeys(words))
    return unique[0] if len(unique) == 1 else f"{', '.join(unique[:-1])} and {unique[-1]}"
