"""From one figure to another, every step named by its records, and the rest that no record explains.

What may become a step, in this order:
1. places that only one of the figures covers;
2. each movement since the two last agreed (else within LOOKBACK) that one figure holds and the other doesn't
   by the rules in `holding`;
3. blocked stock, where exactly one of the figures leaves it out; stock at the line, where only the books count it;
4. marked as guessed: the one record whose quantity is exactly the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeAlias

from lineside.interpretation.facts import Facts
from lineside.interpretation.holding import Holding, Share, Why
from lineside.interpretation.movements import Movement, Posting, held, movements
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.stock import Figure, Part, Restricted, Stock, comparable, restricted
from lineside.interpretation.timeline import last_agreement, totals
from lineside.plant.quantities import plain
from lineside.plant.records import Json

LOOKBACK = timedelta(days=3)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A signed quantity on the way from one figure to the other. books_lack: whether a posting is owed by `start`.
    by_a_third: whether neither of the two sources recorded it."""

    name: str
    value: Decimal
    text: str
    kind: Kind
    cites: tuple[str, ...]
    books_lack: bool = False
    by_a_third: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """start + steps + rest == end, exactly. since: where the look at movements began; agreed: whether the two figures
    were equal then."""

    start: Figure
    end: Figure
    steps: tuple[Step, ...]
    since: datetime
    agreed: bool
    missing: tuple[str, ...]

    @property
    def difference(self) -> Decimal:
        return self.end.value - self.start.value

    @property
    def rest(self) -> Decimal:
        return self.difference - sum((s.value for s in self.steps), Decimal(0))


def bridge(facts: Facts, stock: Stock, start: Figure, end: Figure) -> Bridge:
    """The way from `start` to `end`."""
    one, other, only_one, only_other = comparable(start, end)
    steps = [_place_step(p, start, end, -1) for p in only_one]
    steps += [_place_step(p, end, start, 1) for p in only_other]
    oldest = min(min(p.at for p in f.parts) for f in (one, other))
    settled = last_agreement(totals(facts, one), totals(facts, other))
    since = settled or oldest - LOOKBACK
    moves, habits, missing = movements(facts, stock, min(since, oldest - LOOKBACK))
    look = _Look(facts, stock, *(Holding(facts, stock, f, moves, habits) for f in (one, other)))
    bad = restricted(facts, stock)

    def complete(chosen: Sequence[Movement], turned: Collection[Group] = ()) -> Bridge:
        found = [*steps, *look.steps(chosen, turned)]
        found += _scope_steps(stock, one, other, bad, found)
        return Bridge(
            start=start, end=end, steps=tuple(found), since=since, agreed=settled is not None, missing=tuple(missing)
        )

    found = _settle(look, [m for m in moves if m.first.at > since], complete)
    if found.rest and (guess := _guess(facts, stock, found, bad, moves)):
        return replace(found, steps=(*found.steps, guess))
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
        if abs((more := complete(wider, ())).rest) < abs(found.rest):
            chosen, found = wider, more
    if not found.rest:
        return replace(found, steps=tuple(s if s.by_a_third else replace(s, kind=Kind.DERIVED) for s in found.steps))
    closing = [turn for each in sorted(look.thin(moves)) if not (turn := complete(chosen, (each,))).rest]
    return closing[0] if len(closing) == 1 else found


def signed(value: Decimal, unit: str) -> str:
    """`-28 ea`, `+5 ea`."""
    return f"{'+' if value > 0 else ''}{plain(value)} {unit}".rstrip()


def bridge_findings(found: Bridge) -> tuple[Finding, ...]:
    """The bridge's own sentence, then one for each step."""
    unit, start, end = found.start.unit, found.start, found.end
    explained = found.difference - found.rest
    sure = sum((s.value for s in found.steps if s.kind is not Kind.GUESSED), Decimal(0))
    guessed = explained - sure
    head = (
        f"From {start.source} {start.amount} to {end.source} {end.amount}: {signed(found.difference, unit)}; "
        f"{signed(sure, unit)} is explained by records"
        + (f", {signed(guessed, unit)} by a guess" if guessed else "")
        + f", {signed(found.rest, unit)} is unexplained."
    )
    cites = tuple(dict.fromkeys((*start.cites, *end.cites, *(c for s in found.steps for c in s.cites))))
    data: dict[str, Json] = {
        "from": plain(start.value),
        "to": plain(end.value),
        "difference": plain(found.difference),
        "rest": plain(found.rest),
        "unit": unit,
        "since": found.since.isoformat(),
        "agreed_then": found.agreed,
    }
    return (
        Finding(text=head, kind=Kind.DERIVED, cites=cites, data=data),
        *(
            Finding(
                text=f"{signed(step.value, unit)}: {step.name}. {step.text}",
                kind=step.kind,
                cites=step.cites,
                data={"step": step.name, "value": plain(step.value), "unit": unit},
            )
            for step in found.steps
        ),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """One comparison: which movements the two figures hold."""

    facts: Facts
    stock: Stock
    one: Holding
    two: Holding

    def steps(self, moves: Iterable[Movement], turned: Collection[Group] = ()) -> list[Step]:
        """turned: what rule 6 of `holding` decides is taken the other way for these."""
        found = list[Step]()
        for move in moves:
            mine = self._share(move, self.one, self.two, turned)
            theirs = self._share(move, self.two, self.one, turned)
            if mine.value != theirs.value:
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
        name = "packaging slip" if factor else "posted with different quantities"
        tail = f"; they differ by the packaging factor {plain(factor)}" if factor else ""
        return Step(
            name=name,
            value=value,
            text=f"{_title(move)} is posted by {each}{tail}.",
            kind=Kind.DERIVED,
            cites=move.cites,
        )

    def _double(self, move: Movement, figure: Figure, again: Sequence[Posting], value: Decimal) -> Step:
        return Step(
            name="double posting",
            value=value,
            text=f"{figure.source} has {_title(move)} {len(again) + 1} times.",
            kind=Kind.DERIVED,
            cites=(*(p.record_id for p in move.postings[figure.source]), *(p.record_id for p in again)),
            books_lack=figure is self.one.figure,
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


def _title(move: Movement) -> str:
    return f"document {move.document}" if move.document else f"the {move.first.kind.replace('_', ' ')}"


def _place_step(part: Part, covers: Figure, lacks: Figure, sign: int) -> Step:
    return Step(
        name="another place",
        value=sign * part.value,
        text=f"{covers.source} counts {plain(part.value)} {covers.unit}".rstrip()
        + f" at {part.location}, of which {lacks.source} says nothing.",
        kind=Kind.DERIVED,
        cites=(part.statement.record_id,),
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


def _guess(
    facts: Facts, stock: Stock, found: Bridge, bad: Sequence[Restricted], moves: Sequence[Movement]
) -> Step | None:
    """The one record whose quantity is exactly the rest; none where several are, or none is."""
    used = {c for s in found.steps for c in s.cites}
    candidates = [
        (item.state + " stock", item.value, f"{item.subject.id} ({item.why})", item.cites)
        for item in bad
        if not used & set(item.cites)
    ]
    candidates += [
        (f"{f.scope or f.covers} stock", f.value, f"{f.source}'s {f.amount} {f.scope or ''}".rstrip(), f.cites)
        for f in stock.parts
        if not used & set(f.cites)
    ]
    candidates += [
        ("movement in flight", m.first.value, f"{_title(m)}, recorded by {' and '.join(sorted(m.postings))},", m.cites)
        for m in moves
        if m.first.kind in _WITHIN and m.first.at > found.since and not used & set(m.cites)
    ]
    exact = [c for c in candidates if c[1] == abs(found.rest)]
    if len(exact) == 1:
        name, _, what, cites = exact[0]
        text = f"The rest equals {what} exactly; no record says which of the two figures leaves it out."
        return Step(name=name, value=found.rest, text=text, kind=Kind.GUESSED, cites=cites)
    if not found.steps:
        low, high = sorted((found.start.value, found.end.value))
        for name, (factor, said) in sorted(facts.factor_statements(stock.material).items()):
            if low > 0 and low * factor.value == high:
                text = f"One figure is exactly {plain(factor.value)} times the other, which is what one {name} holds."
                return Step(
                    name="packaging slip",
                    value=found.rest,
                    text=text,
                    kind=Kind.GUESSED,
                    cites=(*found.start.cites, *found.end.cites, said.record_id),
                )
    return None
