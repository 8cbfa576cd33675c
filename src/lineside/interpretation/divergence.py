"""Why sources differ on a state, a date or a revision, by records, and whose word to use for what meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation.conflict import Conflict, conflict_finding, conflicts_of
from lineside.interpretation.facts import Facts, moment, owner_of, recency, told
from lineside.interpretation.purposes import WORDS, Purpose
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.reconciliation_policy import policy
from lineside.interpretation.wording import listed, said
from lineside.memory import SourceState, Statement
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Json, Quality
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

LATE, IN_FLIGHT, NOT_FOLLOWED = "late data", "change in flight", "change not taken over"
_NAMED_IN_ATTRIBUTES = ("sales_order_line", "engineering_change", "purchase_order_line", "maintenance_order")
_BEFORE = timedelta(days=31)  # how long before the older word an event may lie that explains it
ZONE, DAY_ONLY, UNEXPLAINED = "time zone slip", "date without a time", "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """One conflict, what explains it, and the word to use for each purpose. cause: `unexplained` where no record does;
    kind: guessed where only the two values speak for the cause."""

    conflict: Conflict
    cause: str
    text: str
    kind: Kind
    cites: tuple[str, ...]
    use: Mapping[Purpose, Statement]

    @property
    def behind(self) -> Statement:
        """The word that must change where the one to go by is right."""
        return self.conflict.to_change()


def names_compared() -> tuple[str, ...]:
    """The properties whose divergence the pack has a policy on."""
    return tuple(dict.fromkeys((*policy().go_by, *policy().changes)))


def divergences(facts: Facts, entities: Iterable[Entity], names: Sequence[str]) -> list[Divergence]:
    """Where sources can't both be right on these properties of these things, each explained as far as records go."""
    things = list(entities)
    facts.fetch(things)
    found = [c for thing in things for name in names for c in conflicts_of(facts, thing, name)]
    if not found:
        return []
    disputed = sorted({c.entity for c in found})
    history: dict[tuple[Entity, str], list[Statement]] = defaultdict(list)
    for statement in facts.view.statements(entities=disputed, properties=sorted({c.property for c in found})):
        if statement.occurred_at <= facts.view.as_of and statement.quality is not Quality.BAD:
            history[statement.entity, statement.property].append(statement)
    kinds = sorted({kind for c in found for kind in policy().changes.get(c.property, ())})
    changes: dict[Entity, list[Event]] = defaultdict(list)
    since = min(c.older.occurred_at for c in found) - _BEFORE
    within = Window(start=since, end=facts.view.as_of + timedelta(microseconds=1))
    for event in facts.view.events(kinds=kinds, within=within) if kinds else ():
        for thing in _about(event):
            changes[thing].append(event)
    return [
        _explained(facts, c, history[c.entity, c.property], [e for t in _near(c.entity) for e in changes.get(t, ())])
        for c in found
    ]


def divergence_findings(facts: Facts, found: Divergence) -> tuple[Finding, ...]:
    """What both say, why they differ, and which to use for what."""
    c = found.conflict
    used: dict[str, list[Purpose]] = defaultdict(list)
    for purpose, statement in found.use.items():
        used[statement.source].append(purpose)
    words = {s.source: s for s in found.use.values()}
    uses = "; ".join(
        f"for {listed([WORDS[p] for p in purposes])} use {told(words[source], facts.view)} ({source})"
        for source, purposes in used.items()
    )
    data: dict[str, Json] = {
        "property": c.property,
        "cause": found.cause,
        "use": {p.value: s.source for p, s in found.use.items()},
    }
    name = c.property.replace("_", " ")
    return (
        conflict_finding(facts, c),
        Finding(
            text=f"{c.entity.id}, {name}: {found.cause}. {found.text}", kind=found.kind, cites=found.cites, data=data
        ),
        Finding(
            text=f"{c.entity.id}, {name}: {uses}.",
            kind=Kind.DERIVED,
            cites=tuple(dict.fromkeys(s.record_id for s in found.use.values())),
            data=data,
        ),
    )


def divergence_step(found: Divergence) -> str:
    """What a person could do."""
    c, name = found.conflict, found.conflict.property.replace("_", " ")
    who = (c.owner.owner or f"the owner of {c.owner.name}") if c.owner else "the people who keep both systems"
    if found.cause in (LATE, IN_FLIGHT):
        return f"Wait for {found.behind.source} to follow, or ask {who} to set {name} of {c.entity.id} right there."
    return f"Ask {who} to set {name} of {c.entity.id} right; until then go by {c.go_by.source}."


def _explained(facts: Facts, c: Conflict, history: Sequence[Statement], events: Sequence[Event]) -> Divergence:
    cause, text, kind, cites = (
        _by_event(facts, c, events)
        or _by_history(facts, c, history)
        or _by_silence(facts, c)
        or _by_clock(facts, c)
        or (UNEXPLAINED, "No record says why.", Kind.DERIVED, (c.newer.record_id, c.older.record_id))
    )
    return Divergence(conflict=c, cause=cause, text=text, kind=kind, cites=cites, use=_uses(facts, c))


_Why = tuple[str, str, Kind, tuple[str, ...]]


def _by_event(facts: Facts, c: Conflict, events: Sequence[Event]) -> _Why | None:
    """The latest event that tells of the change: one side has followed it, the other has not."""
    allowed = policy().changes.get(c.property, ())
    for event in sorted(events, key=lambda e: e.provenance.occurred_at, reverse=True):
        if event.kind not in allowed:
            continue
        happened, target = event.provenance.occurred_at, event.attributes.get("to") or event.attributes.get("revision")
        if target is not None:
            followed = [s for s in (c.newer, c.older) if _equal(s.value, target)]
        else:
            followed = [c.newer] if c.older.occurred_at < happened <= c.newer.occurred_at else []
        if len(followed) != 1:
            continue
        behind = c.older if followed[0] is c.newer else c.newer
        cause = IN_FLIGHT if behind.occurred_at < happened else NOT_FOLLOWED
        when = clock(behind.occurred_at, facts.plant, relative_to=facts.view.as_of)
        tail = f"is of {when}, before it" if cause == IN_FLIGHT else f"was said again at {when} without it"
        moved = clock(happened, facts.plant, relative_to=facts.view.as_of)
        text = f"{followed[0].source} has what was told at {moved}: {said(event)}; {behind.source}'s word {tail}."
        cites = (event.provenance.record_id, followed[0].record_id, behind.record_id)
        return cause, text, Kind.DERIVED, cites
    return None


def _by_history(facts: Facts, c: Conflict, history: Sequence[Statement]) -> _Why | None:
    """One source said before what the other says still."""
    for ahead, behind in ((c.newer, c.older), (c.older, c.newer)):
        own = sorted((s for s in history if (s.source, s.scope) == (ahead.source, ahead.scope)), key=recency)
        before = next((s for s in own if s.occurred_at < ahead.occurred_at and _equal(s.value, behind.value)), None)
        if before is None:
            continue
        first = min((s for s in own if s.occurred_at > before.occurred_at), key=lambda s: s.occurred_at, default=ahead)
        cause = LATE if behind.occurred_at < first.occurred_at else NOT_FOLLOWED
        changed, old = (clock(s.occurred_at, facts.plant, relative_to=facts.view.as_of) for s in (first, behind))
        text = (
            f"{ahead.source} changed it from {told(before, facts.view)} to {told(ahead, facts.view)} at {changed}; "
            f"{behind.source} still says the former, as of {old}."
        )
        return cause, text, Kind.DERIVED, tuple(dict.fromkeys((before.record_id, ahead.record_id, behind.record_id)))
    return None


def _by_silence(facts: Facts, c: Conflict) -> _Why | None:
    health = next((h for h in facts.health if h.source == c.older.source), None)
    if health is None or health.state is SourceState.LIVE or health.last_heard is None:
        return None
    if health.last_heard >= c.newer.occurred_at:
        return None
    age = duration((facts.view.as_of - health.last_heard).total_seconds())
    text = f"{c.older.source} is {health.state!s}, last heard {age} ago, before {c.newer.source} said its word."
    return LATE, text, Kind.DERIVED, (c.older.record_id, c.newer.record_id)


def _by_clock(facts: Facts, c: Conflict) -> _Why | None:
    """Two times that differ by the plant's own offset, or of which one is only a day."""
    one, other = moment(c.newer.value), moment(c.older.value)
    if one is None or other is None:
        return None
    cites = (c.newer.record_id, c.older.record_id)
    local = [t.astimezone(facts.plant.time_zone) for t in (one, other)]
    offsets = {abs(offset) for t in local if (offset := t.utcoffset())}
    if abs(one - other) in offsets:
        text = f"They differ by {duration(abs(one - other).total_seconds())}, the plant's own offset from UTC."
        return ZONE, text, Kind.GUESSED, cites
    for mine, theirs in ((c.newer, c.older), (c.older, c.newer)):
        only, whole = (moment(s.value) for s in (mine, theirs))
        if only and whole and _midnight(only, facts) and _same_day(only, whole, facts):
            return (
                DAY_ONLY,
                f"{mine.source} keeps the day alone, {theirs.source} the time of that day.",
                Kind.GUESSED,
                cites,
            )
    return None


def _uses(facts: Facts, c: Conflict) -> dict[Purpose, Statement]:
    """The declared owner's word for every purpose, else that of the kind of source that serves the purpose."""
    both = (c.newer, c.older)
    owner = owner_of(facts.plant, c.entity.kind, c.property, c.newer.scope)
    kinds = policy().go_by.get(c.property, {})
    found = {}
    for purpose in Purpose:
        owned = next((s for s in both if owner and s.source == owner.name), None)
        serving = [
            s
            for kind in (() if c.strict() else kinds.get(purpose.value, ()))
            for s in both
            if facts.plant.source(s.source).kind == kind
        ]
        found[purpose] = owned or next(iter(serving), c.go_by)
    return found


def _about(event: Event) -> list[Entity]:
    named = [
        Entity(kind, value)
        for kind in ("job_order", "lot", "sales_order", "shipment", "material", "hold", "equipment")
        if (value := getattr(event, kind))
    ]
    others = ((kind, event.attributes.get(kind)) for kind in _NAMED_IN_ATTRIBUTES)
    return [*named, *(Entity(kind, name.strip()) for kind, name in others if isinstance(name, str) and name.strip())]


def _near(entity: Entity) -> tuple[Entity, ...]:
    return (entity, entity.parent) if entity.parent else (entity,)


def _equal(one: Json, other: Json) -> bool:
    mine, theirs = moment(one), moment(other)
    if mine and theirs:
        return mine == theirs
    return str(one).strip().casefold() == str(other).strip().casefold()


def _midnight(when: datetime, facts: Facts) -> bool:
    local = when.astimezone(facts.plant.time_zone)
    return (local.hour, local.minute) in ((0, 0), (23, 59))


def _same_day(one: datetime, other: datetime, facts: Facts) -> bool:
    mine, theirs = (t.astimezone(facts.plant.time_zone).date() for t in (one, other))
    return mine == theirs
