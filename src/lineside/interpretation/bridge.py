"""From one figure to another, every step named by its records, and the rest that no record explains.

What may become a step, in this order; nothing is chosen for making the rest small:
1. places that only one of the figures covers;
2. each movement since the two last agreed (else within LOOKBACK) that one figure holds and the other doesn't;
3. blocked stock, where exactly one of the figures leaves it out; stock at the line, where only the books count it;
4. marked as guessed: the one record whose quantity is exactly the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from lineside.interpretation.facts import Facts
from lineside.interpretation.movements import Movement, Posting, effect, family, held, movements
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.stock import Figure, Part, Restricted, Stock, comparable, restricted
from lineside.memory import Statement
from lineside.plant.entities import Entity
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A signed quantity on the way from one figure to the other. books_lack: whether a posting is owed by `start`."""

    name: str
    value: Decimal
    text: str
    kind: Kind
    cites: tuple[str, ...]
    books_lack: bool = False


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
    settled = _last_agreement(facts, one, other)
    oldest = min(min(p.at for p in f.parts) for f in (one, other))
    since = settled or oldest - LOOKBACK
    moves, missing = movements(facts, stock, min(since, oldest - LOOKBACK))
    postings_by = _habits(moves)
    look = _Look(facts, stock, one, other, postings_by, tuple(moves))
    steps += look.steps([m for m in moves if m.first.at > since])
    bad = restricted(facts, stock)
    steps += _scope_steps(stock, one, other, bad, steps)
    found = Bridge(
        start=start, end=end, steps=tuple(steps), since=since, agreed=settled is not None, missing=tuple(missing)
    )
    if found.rest and (guess := _guess(facts, stock, found, bad, moves)):
        return Bridge(
            start=start, end=end, steps=(*steps, guess), since=since, agreed=found.agreed, missing=found.missing
        )
    return found


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
    start: Figure
    end: Figure
    habits: dict[tuple[str, tuple[str, ...]], datetime]
    moves: tuple[Movement, ...]

    def steps(self, moves: Iterable[Movement]) -> list[Step]:
        shown = {f.source: _changes(self.facts, f) for f in (self.start, self.end)}
        found = list[Step]()
        for move in moves:
            mine, why_mine = self._holds(move, self.start, self.end, shown)
            theirs, why_theirs = self._holds(move, self.end, self.start, shown)
            if mine != theirs:
                found.append(self._step(move, theirs - mine, why_mine, why_theirs))
            for figure, sign in ((self.start, -1), (self.end, 1)):
                again = [p for p in move.doubled.get(figure.source, ()) if held(p, figure)]
                if extra := sum((self._worth(p, figure) for p in again), Decimal(0)):
                    found.append(self._double(move, figure, again, sign * extra))
        return found

    def _worth(self, posting: Posting, figure: Figure) -> Decimal:
        if posting.kind != "count":
            return effect(posting, figure, self.stock)
        if posting.source != figure.source:
            return Decimal(0)
        timeline = [(at, total) for at, total in _timeline(self.facts, figure) if at <= posting.at]
        if not timeline or timeline[-1][0] == posting.at:
            timeline = timeline[:-1]
        if not timeline:
            return Decimal(0)
        before_at, before = timeline[-1]
        between = (
            effect(p, figure, self.stock)
            for m in self.moves
            for p in m.postings.get(figure.source, ())
            if before_at < p.at < posting.at and p.kind != "count"
        )
        return posting.value - before - sum(between, Decimal(0))

    def _holds(
        self, move: Movement, figure: Figure, other: Figure, shown: dict[str, list[tuple[datetime, Decimal]]]
    ) -> tuple[Decimal, str]:
        """What the figure holds of the movement, and why: held, cut-off, late, unposted, unfed, shown or taken."""
        if own := move.postings.get(figure.source):
            value = sum((self._worth(p, figure) for p in own if held(p, figure)), Decimal(0))
            if all(held(p, figure) for p in own):
                return value, "held"
            return value, "cut-off" if any(p.at > figure.at for p in own) else "late"
        told_by = other.source if other.source in move.postings else min(move.postings)
        seen = move.postings[told_by]
        value = sum((self._worth(p, figure) for p in seen), Decimal(0))
        if not value and move.first.kind != "count":
            return value, "held"  # it moves within what the figure covers, or outside: nothing is lacking
        if any(p.at > figure.at for p in seen):
            return Decimal(0), "cut-off"
        if since := self.habits.get((figure.source, family(seen[0].kind))):
            # What moved before its postings begin may stand in its figure: that isn't held against it.
            return (Decimal(0), "unposted") if seen[0].at >= since else (value, "taken")
        # A source that sends no movements of this kind still shows them when its figure changes by their quantity.
        match = next((c for c in shown[figure.source] if value and c[1] == value and c[0] >= seen[0].at), None)
        if match is not None:
            shown[figure.source].remove(match)
            return value, "shown"
        if other.source in move.postings or figure.covers not in _PHYSICAL:
            return Decimal(0), "unfed"
        return value, "taken"

    def _step(self, move: Movement, value: Decimal, mine: str, theirs: str) -> Step:
        kind = move.first.kind
        lacking = next(
            ((f, why) for f, why in ((self.start, mine), (self.end, theirs)) if why not in ("held", "shown", "taken")),
            None,
        )
        told = self._tell(move)
        if lacking is None:
            return self._both(move, value, told)
        figure, why = lacking
        when = clock(figure.at, self.facts.plant, relative_to=self.facts.view.as_of)
        name, tail = {
            "cut-off": ("cut-off", f"{figure.source}'s figure of {when} is older"),
            "late": ("late data", f"{figure.source} told of it only after its figure of {when}"),
            "unposted": (_UNPOSTED[kind], f"{figure.source} has no posting of it"),
            "unfed": (_UNPOSTED[kind], f"{figure.source} shows no posting of it, and sends no such movements at all"),
        }[why]
        sure = why != "unfed" and "taken" not in (mine, theirs)
        return Step(
            name=name,
            value=value,
            text=f"{told}; {tail}.",
            kind=Kind.DERIVED if sure else Kind.GUESSED,
            cites=move.cites if why not in {"cut-off", "late"} else (*move.cites, *figure.cites),
            books_lack=figure is self.start,
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
            books_lack=figure is self.start,
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


def _habits(moves: Iterable[Movement]) -> dict[tuple[str, tuple[str, ...]], datetime]:
    """Since when each source is known to post each family of movements."""
    found: dict[tuple[str, tuple[str, ...]], datetime] = {}
    for posting in (p for move in moves for postings in move.postings.values() for p in postings):
        key = posting.source, family(posting.kind)
        found[key] = min(posting.at, found.get(key, posting.at))
    return found


def _timeline(facts: Facts, figure: Figure) -> list[tuple[datetime, Decimal]]:
    """The figure's total at each time that its source stated a part of it, oldest first."""
    return [(at, total) for at, _, total in _history(facts, figure)]


def _history(facts: Facts, figure: Figure) -> list[tuple[datetime, datetime, Decimal]]:
    """(when, the oldest statement then in force, the total), once every part has been stated."""
    said = list[tuple[Part, Statement]]()
    for part in figure.parts:
        now = part.statement
        history = facts.view.statements(entity=now.entity, properties=(now.property,))
        said += [
            (part, s)
            for s in history
            if (s.source, s.scope) == (figure.source, figure.scope) and s.occurred_at <= facts.view.as_of
        ]
    latest: dict[Entity, tuple[datetime, Decimal]] = {}
    found = list[tuple[datetime, datetime, Decimal]]()
    factors = facts.factors(figure.parts[0].statement.entity.id.partition("@")[0])
    for _, statement in sorted(said, key=lambda pair: (pair[1].occurred_at, pair[1].reported_at)):
        amount = statement.quantity
        value = None if amount is None else amount.to(figure.unit, factors) if amount.unit else amount
        if value is None:
            continue
        latest[statement.entity] = (statement.occurred_at, value.value)
        if len(latest) == len(figure.parts):
            total = sum((v for _, v in latest.values()), Decimal(0))
            found.append((statement.occurred_at, min(at for at, _ in latest.values()), total))
    return found


def _changes(facts: Facts, figure: Figure) -> list[tuple[datetime, Decimal]]:
    """By how much the figure changed, and when its source first said so."""
    timeline = _timeline(facts, figure)
    return [(at, total - before) for (_, before), (at, total) in pairwise(timeline) if total != before]


def _last_agreement(facts: Facts, one: Figure, other: Figure) -> datetime | None:
    """Since when at the latest the two figures were equal: the older of the two statements that agreed."""
    points = [(at, 0, oldest, total) for at, oldest, total in _history(facts, one)]
    points += [(at, 1, oldest, total) for at, oldest, total in _history(facts, other)]
    now: dict[int, tuple[datetime, Decimal]] = {}
    agreed = None
    for _, side, oldest, total in sorted(points, key=lambda p: (p[0], p[1])):
        now[side] = (oldest, total)
        if len(now) == 2 and now[0][1] == now[1][1]:
            agreed = min(now[0][0], now[1][0])
    return agreed
