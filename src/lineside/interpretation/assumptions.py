"""Whether what a decision rests on still holds, since when, and by which record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from lineside.interpretation import shared_states
from lineside.interpretation.deadlines import deadline, expiry
from lineside.interpretation.decision_words import decision_words
from lineside.interpretation.facts import Facts, owner_of
from lineside.interpretation.holds import holds
from lineside.interpretation.lateness import telling_sources
from lineside.interpretation.predicates import HELD, Predicate, about, predicates, worded
from lineside.interpretation.reading import clock
from lineside.interpretation.wording import listed, shown
from lineside.memory import Statement, View
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity, number

_NUMBER = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*([\w%°\[\]]*)")


class Holding(StrEnum):
    """Whether an assumption is still true."""

    HOLDS = "holds"
    BROKEN = "broken"
    CONTESTED = "contested"  # sources differ on it, and none of them owns it
    UNKNOWN = "unknown"  # the records hold no figure for it
    UNCHECKABLE = "not checkable by records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One assumption, whether it holds, and the records that say so. found: what they say, in words."""

    text: str
    holding: Holding
    found: str = ""
    records: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How an assumption stood from a moment on. record: which one made it so; None where time alone did, or where it
    stood so when it was written."""

    since: datetime
    holding: Holding
    record: str | None = None


def check(text: str, *, said_at: datetime, view: View) -> Check:
    """Whether the assumption holds at the view's `as_of`; of several things in one text all must."""
    stated = predicates(text, view)
    if stated is None:
        return _dated(text, said_at=said_at, view=view)
    checks = [evaluate(each, worded(text), said_at=said_at, view=view) for each in stated]
    if len(checks) == 1:
        return checks[0]
    return Check(
        text=worded(text),
        holding=_together([c.holding for c in checks]),
        found="; ".join(dict.fromkeys(c.found for c in checks if c.found)),
        records=tuple(dict.fromkeys(r for c in checks for r in c.records)),
        sources=tuple(dict.fromkeys(s for c in checks for s in c.sources)),
    )


def evaluate(predicate: Predicate, text: str, *, said_at: datetime, view: View) -> Check:
    """The predicate against the newest word of each source; the owner of the datum decides between them."""
    if predicate.name == HELD:
        return _held(predicate, text, view)
    statements = _chosen(predicate, about(predicate.entity, view))
    if not statements:
        missing = f"{predicate.entity.id} has no {predicate.name} on record"
        # Who tells this of other things may tell it of this one, too: their silence is to be told.
        silent = tuple(sorted(telling_sources(view, predicate.entity, (predicate.name,))))
        return Check(text=text, holding=Holding.UNKNOWN, found=missing, sources=silent)
    status = [s for s in view.said(entity=predicate.entity) if s.property == "status"]
    holding = _judged(predicate, statements, status, said_at=said_at, now=view.as_of, view=view)
    told = []
    for source, group in _by_source(statements).items():
        newest = max(group, key=lambda s: s.occurred_at)
        figure = _figure(group) if len(group) > 1 else shown(newest.value)
        told.append(f"{source} says {predicate.name} {figure} ({_when(newest.occurred_at, view)})")
    used = statements
    if limit := _passed(predicate, statements, status, said_at=said_at, now=view.as_of, view=view):
        told.append(f"{_when(limit, view)} has passed and {status[0].source} says status {status[0].text}")
        used = [*statements, *status]
    return Check(
        text=text,
        holding=holding,
        found="; ".join(told),
        records=tuple(dict.fromkeys(s.record_id for s in used)),
        sources=tuple(dict.fromkeys(s.source for s in used)),
    )


def course(text: str, *, said_at: datetime, view: View) -> list[Span]:
    """How the assumption stood from when it was written to the view's `as_of`, oldest first, as the plant's own times
    have it; empty where the records can't check it."""
    stated = predicates(text, view)
    if stated is None:
        end = expiry(text, said_at=said_at, view=view)
        if end is None:
            return []
        over = [Span(since=end, holding=Holding.BROKEN)] if view.as_of >= end else []
        return [Span(since=said_at, holding=Holding.HOLDS), *over]
    courses = [_course(each, said_at=said_at, view=view) for each in stated]
    if len(courses) == 1:
        return courses[0]
    turns = sorted({span.since for each in courses for span in each})
    spans: list[Span] = []
    for moment in turns:
        now = [next((s for s in reversed(each) if s.since <= moment), None) for each in courses]
        holding = _together([s.holding if s else Holding.UNKNOWN for s in now])
        record = next((s.record for s in now if s and s.since == moment and s.record), None)
        if not spans or spans[-1].holding is not holding:
            spans.append(Span(since=moment, holding=holding, record=record))
    return spans


def _course(predicate: Predicate, *, said_at: datetime, view: View) -> list[Span]:
    if predicate.name == HELD:
        return _held_course(predicate, said_at=said_at, view=view)
    there = {s.entity for s in about(predicate.entity, view)} | {predicate.entity}
    history = view.statements(entities=sorted(there), properties=(predicate.name, "status"))
    history = [s for s in history if s.occurred_at <= view.as_of]
    turns: dict[datetime, str | None] = {said_at: None}
    for said in _chosen(predicate, history):
        if said.occurred_at > said_at:
            turns[said.occurred_at] = said.record_id
    limit = _limit(predicate, said_at=said_at, view=view)
    if limit is not None and said_at < limit <= view.as_of and predicate.name in decision_words().expected:
        turns.setdefault(limit, None)
    spans: list[Span] = []
    latest: dict[tuple[str, Entity, str, str | None], Statement] = {}
    left = iter([*history, None])
    coming = next(left)
    for moment in sorted(turns):
        while coming is not None and coming.occurred_at <= moment:
            latest[coming.source, coming.entity, coming.property, coming.scope] = coming
            coming = next(left)
        status = [s for s in latest.values() if s.property == "status" and s.entity == predicate.entity]
        said_now = _chosen(predicate, list(latest.values()))
        holding = (
            _judged(predicate, said_now, status, said_at=said_at, now=moment, view=view)
            if said_now
            else Holding.UNKNOWN
        )
        if not spans or spans[-1].holding is not holding:
            spans.append(Span(since=moment, holding=holding, record=turns[moment]))
    return spans


def _dated(text: str, *, said_at: datetime, view: View) -> Check:
    end = expiry(text, said_at=said_at, view=view)
    if end is None:
        return Check(text=worded(text), holding=Holding.UNCHECKABLE)
    over = view.as_of >= end
    found = f"that {'ended' if over else 'ends'} at {clock(end, view.plant)}"
    return Check(text=worded(text), holding=Holding.BROKEN if over else Holding.HOLDS, found=found)


def _held(predicate: Predicate, text: str, view: View) -> Check:
    active = [h for h in holds(Facts(view)) if h.active and h.subject == predicate.entity]
    if predicate.source:
        active = [h for h in active if any(w.source == predicate.source for w in h.words)]
    if active:
        found = f"{listed([h.id for h in active])} on {predicate.entity.id} is active"
        cites = tuple(c for h in active for c in h.cites)
        sources = tuple(dict.fromkeys(w.source for h in active for w in h.words))
        return Check(text=text, holding=Holding.BROKEN, found=found, records=cites, sources=sources)
    said = view.said(entity=predicate.entity)
    if not said and not view.knows(predicate.entity):
        return Check(text=text, holding=Holding.UNKNOWN, found=f"nothing is on record of {predicate.entity.id}")
    found = f"no active hold on {predicate.entity.id} is on record"
    return Check(
        text=text, holding=Holding.HOLDS, found=found, records=tuple(dict.fromkeys(s.record_id for s in said))[:3]
    )


def _held_course(predicate: Predicate, *, said_at: datetime, view: View) -> list[Span]:
    active = [h for h in holds(Facts(view)) if h.active and h.subject == predicate.entity]
    if not active:
        return [Span(since=said_at, holding=Holding.HOLDS)]
    first = min(active, key=lambda h: h.since)
    if first.since <= said_at:
        return [Span(since=said_at, holding=Holding.BROKEN, record=first.cites[0])]
    since = Span(since=first.since, holding=Holding.BROKEN, record=first.cites[0])
    return [Span(since=said_at, holding=Holding.HOLDS), since]


def _together(parts: Sequence[Holding]) -> Holding:
    """All must hold: what is broken breaks the whole, else what is open leaves it open."""
    worst = (Holding.BROKEN, Holding.CONTESTED, Holding.UNCHECKABLE, Holding.UNKNOWN, Holding.HOLDS)
    return min(parts, key=worst.index)


def _judged(
    predicate: Predicate,
    statements: Sequence[Statement],
    status: Sequence[Statement],
    *,
    said_at: datetime,
    now: datetime,
    view: View,
) -> Holding:
    if _passed(predicate, statements, status, said_at=said_at, now=now, view=view):
        return Holding.BROKEN
    verdicts = {}
    for source, group in _by_source(statements).items():
        outcome = _compare(predicate, group, said_at=said_at, view=view)
        if outcome is not None:
            verdicts[source] = outcome
    owner = owner_of(view.plant, predicate.entity.kind, predicate.name, predicate.scope)
    if owner is not None and owner.name in verdicts:
        return Holding.HOLDS if verdicts[owner.name] else Holding.BROKEN
    if not verdicts:
        return Holding.UNKNOWN
    if len(set(verdicts.values())) > 1:
        return Holding.CONTESTED
    return Holding.HOLDS if all(verdicts.values()) else Holding.BROKEN


def _passed(
    predicate: Predicate,
    statements: Sequence[Statement],
    status: Sequence[Statement],
    *,
    said_at: datetime,
    now: datetime,
    view: View,
) -> datetime | None:
    """The limit of an expected date, where it passed before the thing was over; None otherwise."""
    words = decision_words()
    if predicate.name not in words.expected or predicate.comparison not in ("<=", "<") or not status:
        return None
    limit = _limit(predicate, said_at=said_at, view=view)
    if limit is None or now < limit or not statements:
        return None
    states = {shared_states.state_of(s.entity.kind, "status", s.value) or s.text.casefold() for s in status}
    return None if states & words.over else limit


def _limit(predicate: Predicate, *, said_at: datetime, view: View) -> datetime | None:
    return deadline(predicate.value, said_at=said_at, view=view) if predicate.name.endswith(_TIMES) else None


_TIMES = ("eta", "_at", "_start", "_end", "_departure")


def _chosen(predicate: Predicate, statements: Sequence[Statement]) -> list[Statement]:
    found = [s for s in statements if s.property == predicate.name]
    if predicate.scope is not None:
        found = [s for s in found if s.scope == predicate.scope]
    if predicate.source is not None:
        found = [s for s in found if s.source.casefold() == predicate.source.casefold()]
    return found


def _by_source(statements: Sequence[Statement]) -> dict[str, list[Statement]]:
    groups: dict[str, list[Statement]] = {}
    for said in statements:
        groups.setdefault(said.source, []).append(said)
    return groups


def _when(moment: datetime, view: View) -> str:
    return clock(moment, view.plant, relative_to=view.as_of)


def _figure(group: Sequence[Statement]) -> str:
    total = _total(group)
    return str(total) if total is not None else ", ".join(sorted({s.text for s in group}))


def _total(group: Sequence[Statement]) -> Quantity | None:
    amounts = [s.quantity for s in group]
    first = amounts[0]
    if first is None:
        return None
    total = Decimal(0)
    for amount in amounts:
        converted = amount.to(first.unit) if amount is not None else None
        if converted is None:
            return None
        total += converted.value
    return Quantity(total, first.unit)


def _compare(predicate: Predicate, group: Sequence[Statement], *, said_at: datetime, view: View) -> bool | None:
    """None where the two cannot be compared."""
    newest = max(group, key=lambda s: (s.occurred_at, s.reported_at, s.record_id))
    value, sign = predicate.value, predicate.comparison
    if predicate.name.endswith(_TIMES) or _looks_dated(value):
        limit = deadline(value, said_at=said_at, view=view)
        mine = deadline(newest.text, said_at=said_at, view=view)
        if limit is None or mine is None:
            return None
        if sign == "=":
            day = timedelta(days=1)
            return limit - day <= mine <= limit if not re.search(r"\d:\d\d", value) else mine == limit
        return _ordered(mine.astimezone(UTC), limit.astimezone(UTC), sign)
    amount = _NUMBER.fullmatch(value.strip())
    if amount and (total := _total(group)) is not None:
        wanted = number(amount.group(1).replace(",", "."))
        if wanted is None:
            return None
        unit = amount.group(2) or total.unit
        mine_there = total.to(unit) if total.unit else Quantity(total.value, unit)
        return None if mine_there is None else _ordered(mine_there.value, wanted, sign)
    kind, name = newest.entity.kind, predicate.name
    wanted_state = shared_states.state_of(kind, name, value) or value.strip().casefold()
    mine_state = shared_states.state_of(kind, name, newest.value) or newest.text.strip().casefold()
    if sign in ("=", "!="):
        return (mine_state == wanted_state) == (sign == "=")
    return None


def _ordered(mine: datetime | Decimal, limit: datetime | Decimal, sign: str) -> bool:
    left, right = (v.timestamp() if isinstance(v, datetime) else v for v in (mine, limit))
    match sign:
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case ">":
            return left > right
        case "!=":
            return left != right
        case _:
            return left == right


def _looks_dated(value: str) -> bool:
    return bool(
        re.match(r"(?:on |am |the )?(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\s?\d{1,2}\.|\d{1,2}:\d{2})", value, re.IGNORECASE)
    )
