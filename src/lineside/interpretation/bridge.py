"""From one figure to another, every step named by its records, and the rest that no record explains.

What may become a step, in this order:
1. places that only one of the figures covers;
2. each movement since the two last agreed or both took over one count (else within LOOKBACK) that one figure holds
   and the other doesn't by the rules in `holding`;
3. blocked stock, where exactly one of the figures leaves it out; stock at the line, where only the books count it;
4. what lies between two operations of a job order, where the figures are those operations' counts;
5. marked as guessed: the one thing on record whose quantity is exactly the rest, else a unit's or packaging factor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeAlias

from lineside.interpretation.facts import Facts
from lineside.interpretation.guesses import between_operations, guess, unit_ratio
from lineside.interpretation.holding import Holding, Share, Why
from lineside.interpretation.movements import Movement, Posting, held, movements, title
from lineside.interpretation.past import Past
from lineside.interpretation.reading import Kind, clock
from lineside.interpretation.steps import DOUBLE, PACKAGING, UNIT, Bridge, Step
from lineside.interpretation.stock import Figure, Part, Restricted, Stock, comparable, restricted
from lineside.interpretation.timeline import last_agreement, totals
from lineside.plant.entities import EntityKind
from lineside.plant.quantities import plain

LOOKBACK = timedelta(days=3)
_TWICE = timedelta(minutes=15)  # one source's two equal postings within this time may be one movement, typed twice
_UNPOSTED = {
    "goods_issue": "unposted issue",
    "goods_receipt": "unposted receipt",
    "production": "production not received",
    "scrap": "unposted scrap",
    "consumption": "unposted issue",
    "transfer": "movement in flight",
    "staged": "movement in flight",
    "count": "count on one side only",
}
_WITHIN = {"transfer": "movement in flight", "staged": "stock at the line"}
_PHYSICAL = ("physical", "available")
Group: TypeAlias = tuple[str, str]  # a source and a kind of movement that it never posts


def bridge(past: Past, stock: Stock, start: Figure, end: Figure) -> Bridge:
    """The way from `start` to `end`."""
    facts = past.facts
    one, other, only_one, only_other = comparable(start, end)
    steps = [_place_step(p, start, end, -1) for p in only_one]
    steps += [_place_step(p, end, start, 1) for p in only_other]
    oldest = min(min(p.at for p in f.parts) for f in (one, other))
    told = [totals(past, f) for f in (one, other)]
    bad = restricted(facts, stock, past.holds)
    # Where one leaves out what is blocked, equal figures were no agreement but a chance.
    alike = not bad or (one.covers == "available") == (other.covers == "available")
    settled = last_agreement(*told) if alike else None
    since = settled or oldest - LOOKBACK
    moves, habits, missing = movements(past, stock, min(since, oldest - LOOKBACK))
    counted = [max(p.at for ps in m.postings.values() for p in ps) for m in moves if _both_start_from(m, one, other)]
    if counted and max(counted) > since:
        since = settled = max(counted)
    sides = [Holding(past, stock, f, moves, habits, history=h) for f, h in zip((one, other), told, strict=True)]
    look = _Look(facts, stock, *sides)

    def complete(chosen: Sequence[Movement], turned: Collection[Group] = ()) -> Bridge:
        found = [*steps, *look.steps(chosen, turned)]
        found += _scope_steps(stock, one, other, bad, found)
        return Bridge(
            start=start, end=end, steps=tuple(found), since=since, agreed=settled is not None, missing=tuple(missing)
        )

    found = _settle(look, [m for m in moves if m.first.at > since], complete)
    if found.rest == found.difference and not found.steps and stock.about.kind == EntityKind.JOB_ORDER:
        between = between_operations(facts, start, end, stock.about)
        found = replace(found, steps=(between,)) if between else found
    if found.rest and (more := guess(facts, stock, found, bad, moves)):
        return replace(found, steps=(*found.steps, more))
    return found


def _settle(
    look: _Look, moves: Sequence[Movement], complete: Callable[[Sequence[Movement], Collection[Group]], Bridge]
) -> Bridge:
    """What the two sources recorded themselves; more only where the rest tells for it.

    A third source's movement is taken where it makes the rest smaller. What rests on rule 6 of `holding` alone is
    turned where that, for one source and kind of movement, leaves no rest. Where a bridge closes, the records in it
    explain it: their steps are derived, unless something was turned for it.
    """
    chosen = [m for m in moves if not look.by_neither(m)]
    found = complete(chosen, ())
    for move in (m for m in moves if look.by_neither(m)):
        wider = [m for m in moves if m in chosen or m is move]
        if abs((wide := complete(wider, ())).rest) < abs(found.rest):
            chosen, found = wider, wide
    if not found.rest:
        return replace(found, steps=tuple(map(_sure, found.steps)))
    closing = [turn for each in sorted(look.thin(moves)) if not (turn := complete(chosen, (each,))).rest]
    return closing[0] if len(closing) == 1 else found


def _sure(step: Step) -> Step:
    return step if step.by_a_third or step.name == DOUBLE else replace(step, kind=Kind.DERIVED)


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison: which movements the two figures hold."""

    facts: Facts
    stock: Stock
    one: Holding
    two: Holding

    def steps(self, moves: Iterable[Movement], turned: Collection[Group] = ()) -> list[Step]:
        """turned: what rule 6 of `holding` decides is taken the other way for these."""
        found, shared = list[Step](), list[Movement]()
        for move in moves:
            mine = self._share(move, self.one, self.two, turned)
            theirs = self._share(move, self.two, self.one, turned)
            if mine.value == theirs.value:
                shared += [] if self.by_neither(move) else [move]
            elif twin := next((m for m in reversed(shared) if _typed_twice(m, move)), None):
                found.append(self._typed_twice(twin, move, theirs.value - mine.value))
            else:
                found.append(self._step(move, theirs.value - mine.value, mine, theirs))
            for side, sign in ((self.one, -1), (self.two, 1)):
                again = [p for p in move.doubled.get(side.figure.source, ()) if held(p, side.figure)]
                if extra := sum((side.worth(p) for p in again), Decimal(0)):
                    found.append(self._double(move, side.figure, again, sign * extra))
        return found

    def thin(self, moves: Iterable[Movement]) -> set[Group]:
        """The decisions that rest on rule 6 alone."""
        return {
            (side.figure.source, move.first.kind)
            for move in moves
            for side, other in ((self.one, self.two), (self.two, self.one))
            if not side.share(move, other.figure).sure
        }

    def by_neither(self, move: Movement) -> bool:
        """Whether only a third source recorded it."""
        return not {self.one.figure.source, self.two.figure.source} & move.postings.keys()

    def _share(self, move: Movement, side: Holding, other: Holding, turned: Collection[Group]) -> Share:
        share = side.share(move, other.figure)
        if share.sure or (side.figure.source, move.first.kind) not in turned:
            return share
        return side.other_way(move, other.figure, share)

    def _step(self, move: Movement, value: Decimal, mine: Share, theirs: Share) -> Step:
        kind = move.first.kind
        sides = ((self.one.figure, mine), (self.two.figure, theirs))
        lacking = next(((figure, share) for figure, share in sides if share.why.lacks), None)
        told = self._tell(move)
        if lacking is None:
            return self._both(move, value, told)
        figure, share = lacking
        when = clock(figure.at, self.facts.plant, relative_to=self.facts.view.as_of)
        name, tail = {
            Why.CUT_OFF: ("cut-off", f"{figure.source}'s figure of {when} is older"),
            Why.LATE: ("late data", f"{figure.source} told of it only after its figure of {when}"),
            Why.UNPOSTED: (_UNPOSTED[kind], f"{figure.source} has no posting of it"),
            Why.UNFED: (
                _UNPOSTED[kind],
                f"{figure.source} has no posting of it and "
                + ("its figure did not change by it" if share.sure else "sends no such movements at all"),
            ),
        }[share.why]
        told_by_figure = share.sure and share.why is not Why.UNPOSTED
        thin = any(s.why in (Why.UNFED, Why.TAKEN) and not s.sure for s in (mine, theirs))
        return Step(
            name=name,
            value=value,
            text=f"{told}; {tail}.",
            kind=Kind.GUESSED if thin else Kind.DERIVED,
            cites=(*move.cites, *figure.cites) if told_by_figure else move.cites,
            books_lack=figure is self.one.figure,
            by_a_third=self.by_neither(move),
            at_fault=figure.source,
            where=where_of(move),
        )

    def _both(self, move: Movement, value: Decimal, told: str) -> Step:
        amounts = {s: sum((p.value for p in ps), Decimal(0)) for s, ps in move.postings.items()}
        if len(set(amounts.values())) == 1:
            text = f"{told}; one of the two figures covers both of its places, or neither."
            return Step(
                name=_WITHIN.get(move.first.kind, "another scope"),
                value=value,
                text=text,
                kind=Kind.DERIVED,
                cites=move.cites,
            )
        low, high = min(amounts.values()), max(amounts.values())
        factor = next(
            (q.value for q in self.facts.factors(self.stock.material).values() if low * q.value == high), None
        )
        each = ", ".join(f"{s} with {plain(v)} {self.stock.unit}".rstrip() for s, v in sorted(amounts.items()))
        name, tail, what = "posted with different quantities", "", title(move)
        if factor:
            name, tail = PACKAGING, f"; they differ by the packaging factor {plain(factor)}"
        elif (ratio := unit_ratio(low, high)) or _one_number(move):
            by = f"by the factor {plain(ratio)}" if ratio else "by their unit alone"
            name, tail = UNIT, f"; they differ {by}"
        return Step(
            name=name,
            value=value,
            text=f"{what[:1].upper()}{what[1:]} is posted by {each}{tail}.",
            kind=Kind.DERIVED,
            cites=move.cites,
            where=where_of(move),
        )

    def _double(self, move: Movement, figure: Figure, again: Sequence[Posting], value: Decimal) -> Step:
        return Step(
            name=DOUBLE,
            value=value,
            text=f"{figure.source} has {title(move)} {len(again) + 1} times.",
            kind=Kind.DERIVED,
            cites=(*(p.record_id for p in move.postings[figure.source]), *(p.record_id for p in again)),
            books_lack=figure is self.one.figure,
            at_fault=figure.source,
            where=where_of(move),
        )

    def _typed_twice(self, once: Movement, again: Movement, value: Decimal) -> Step:
        """A movement that one source has, right after an equal one that both have."""
        source = again.first.source
        first, second = (clock(m.first.at, self.facts.plant, relative_to=self.facts.view.as_of) for m in (once, again))
        amount = f"{plain(again.first.value)} {self.stock.unit}".rstrip()
        text = (
            f"{source} has {amount} twice, as {title(once)} at {first} and as {title(again)} at {second}; "
            f"the other system has it once."
        )
        return Step(
            name=DOUBLE,
            value=value,
            text=text,
            kind=Kind.GUESSED,
            cites=tuple(dict.fromkeys((*once.cites, *again.cites))),
            books_lack=source == self.one.figure.source,
            at_fault=source,
            where=where_of(again),
        )

    def _tell(self, move: Movement) -> str:
        first = move.first
        verb = "counted" if first.kind == "count" else first.kind.replace("_", " ") + " of"
        way = f" from {first.start}" if first.start else ""
        way += f" to {first.end}" if first.end else ""
        lot = f", lot {first.lot}" if first.lot else ""
        when = clock(first.at, self.facts.plant, relative_to=self.facts.view.as_of)
        who = " and ".join(sorted(move.postings))
        document = f" (document {move.document})" if move.document else ""
        amount = f"{plain(first.value)} {self.stock.unit}".rstrip()
        return f"{who} recorded: {verb} {amount}{way}{lot} at {when}{document}"


def where_of(move: Movement) -> str:
    """The equipment that a movement names, else the place that it goes to or comes from; empty where it names none."""
    told = [p for source in sorted(move.postings) for p in move.postings[source]]
    return next((p.equipment for p in told if p.equipment), None) or move.first.end or move.first.start


def _both_start_from(move: Movement, one: Figure, other: Figure) -> bool:
    """Whether it is a count of the whole that both figures took over alike: what differed before is gone with it."""
    sides = [(move.postings.get(figure.source, ()), figure) for figure in (one, other)]
    postings = [p for found, _ in sides for p in found]
    return (
        all(found and all(p.kind == "count" and held(p, figure) for p in found) for found, figure in sides)
        and len({p.value for p in postings}) == 1
        and not any(p.start or p.end or p.lot for p in postings)
    )


def _typed_twice(once: Movement, again: Movement) -> bool:
    """Whether one source alone has `again`, equal to what it has of `once` and shortly after it."""
    if len(again.postings) != 1 or again.first.source not in once.postings or again.first.kind == "count":
        return False
    one, other = once.postings[again.first.source][0], again.first
    same = (one.kind, one.value, one.lot, one.start, one.end, one.item) == (
        other.kind, other.value, other.lot, other.start, other.end, other.item,
    )  # fmt: skip
    return same and other.at - one.at <= _TWICE


def _one_number(move: Movement) -> bool:
    """Whether its sources write one number in different units."""
    written = {p.written for ps in move.postings.values() for p in ps}
    return len({w.value for w in written}) == 1 and len({w.unit for w in written if w.unit}) > 1


def _place_step(part: Part, covers: Figure, lacks: Figure, sign: int) -> Step:
    return Step(
        name="another place",
        value=sign * part.value,
        text=f"{covers.source} counts {plain(part.value)} {covers.unit}".rstrip()
        + f" at {part.location}, of which {lacks.source} says nothing.",
        kind=Kind.DERIVED,
        cites=(part.statement.record_id,),
        at_fault=lacks.source,
        where=part.location,
    )


def _scope_steps(
    stock: Stock, start: Figure, end: Figure, bad: Sequence[Restricted], steps: Sequence[Step]
) -> list[Step]:
    found = list[Step]()
    free = [f.covers == "available" for f in (start, end)]
    if free[0] != free[1] and all(f.covers in ("books", *_PHYSICAL) for f in (start, end)):
        sign = -1 if free[1] else 1
        leaves_out = end if free[1] else start
        for item in bad:
            text = f"{item.subject.id}: {item.why}; {leaves_out.source}'s {leaves_out.scope or 'figure'} leaves it out."
            name = "blocked stock" if item.state == "blocked" else "stock in inspection"
            found.append(Step(name=name, value=sign * item.value, text=text, kind=Kind.DERIVED, cites=item.cites))
    pair = {start.covers: start, end.covers: end}
    physical = next((pair[c] for c in _PHYSICAL if c in pair), None)
    if (books := pair.get("books")) and physical is not None:
        at_line = [f for f in stock.parts if f.covers == "line_side" and f.source != books.source]
        newest = max(at_line, key=lambda f: (f.at, f.source), default=None)
        if newest is not None:
            sign = -1 if start is books else 1
            moved = sum((abs(s.value) for s in steps if s.name in _WITHIN.values()), Decimal(0))
            # The books can't count more at the line than they have beyond the store.
            left = min(newest.value - moved, books.value - physical.value)
            if left > 0:
                text = (
                    f"{newest.source} says {newest.amount} ({newest.scope}); the books count it, "
                    f"{physical.source}'s {physical.scope or 'figure'} doesn't."
                )
                found.append(
                    Step(name="stock at the line", value=sign * left, text=text, kind=Kind.DERIVED, cites=newest.cites)
                )
    return found
