"""Interfaces that run and no longer match the floor: a system that kept its old word when something else was done.

Looked for are: another sequence than planned, an event that another system did not follow (resequenced, split,
reprioritised), a job order that runs on to an old revision, and lots inspected for more or for less than before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, moment, plain_id, told
from lineside.interpretation.reading import clock
from lineside.interpretation.sentinel_rules import SentinelRules
from lineside.interpretation.wording import at, listed, rid
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Event, Json
from lineside.plant.windows import Window

# What an event of one system changes, as other systems state it.
_FOLLOWS: Mapping[str, tuple[str, ...]] = {
    "resequenced": ("sequence", "planned_start"),
    "split": ("lines", "quantity"),
    "priority_changed": ("priority",),
    "promise_changed": ("promised_at",),
}
_OVER = ("complete", "closed", "cancelled", "shipped", "departed", "delivered")
_LONG_RUN = timedelta(days=31)
_NAMED_IN_ATTRIBUTES = ("sales_order_line", "purchase_order_line", "handling_unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """behind: the system that kept its word; ahead: the one that tells what was done; None where it is one system."""

    what: str
    text: str
    since: datetime
    behind: str
    ahead: str | None
    property: str
    entities: tuple[Entity, ...]
    cites: tuple[str, ...]


def mismatches(facts: Facts, *, since: datetime, rules: SentinelRules) -> list[Mismatch]:
    """All that began from `since` on, the latest first; what the systems have agreed on by now is none."""
    span = Window(start=since, end=facts.view.as_of + timedelta(microseconds=1))
    found = [
        *_sequences(facts, span, timedelta(minutes=rules.floor.start_slack_minutes)),
        *_not_followed(facts, span),
        *_old_revisions(facts, span),
        *_scopes(facts, span, rules),
    ]
    return sorted(found, key=lambda m: (-m.since.timestamp(), m.what, m.entities))


@dataclass(frozen=True, slots=True)
class _Start:
    job: Entity
    line: str
    when: datetime
    source: str
    record_id: str


def _sequences(facts: Facts, span: Window, slack: timedelta) -> Iterator[Mismatch]:
    """A job order that started although a planning system has another before it on the line, and never heard of it."""
    facts.load(EntityKind.JOB_ORDER, "equipment", "sequence", "planned_start", "actual_start", "status")
    starts = _starts(facts, Window(start=span.start - _LONG_RUN, end=span.end))
    placed: dict[str, list[Entity]] = defaultdict(list)
    for job in facts.having(EntityKind.JOB_ORDER, "planned_start"):
        line = facts.best(job, "equipment")
        if line is not None and job not in starts and not _states(facts, job) & {*_OVER, "in_progress"}:
            placed[line.text].append(job)
    for start in sorted(starts.values(), key=lambda s: (s.when, s.job)):
        if not span.start <= start.when < span.end or _states(facts, start.job) & {*_OVER}:
            continue
        for mine in facts.words(start.job, "planned_start"):
            passed = []
            for other in placed.get(start.line, ()):
                word = next((w for w in facts.words(other, "planned_start") if w.source == mine.source), None)
                if word is None or mine.source == start.source or not _before(facts, word, mine, slack):
                    continue
                # What it planned anew since the start, it planned in knowledge of it.
                if max(mine.reported_at, word.reported_at) <= start.when and (_planned(word) or span.end) >= span.start:
                    passed.append((other, word))
            if passed:
                others = [job.id for job, _ in passed]
                yield Mismatch(
                    what="sequence",
                    text=f"{start.job.id} started on {facts.plant.called(start.line)} at {_clock(facts, start.when)}, "
                    f"says {start.source}, while {mine.source} still has {listed(others)} before it",
                    since=start.when,
                    behind=mine.source,
                    ahead=start.source,
                    property="job_order.planned_start",
                    entities=(start.job, *(job for job, _ in passed)),
                    cites=(start.record_id, mine.record_id, *(w.record_id for _, w in passed[:6])),
                )


def _before(facts: Facts, other: Statement, mine: Statement, slack: timedelta) -> bool:
    """Whether the source has `other` before `job`: by planned start, and by sequence where it numbers both."""
    one, two = _planned(other), _planned(mine)
    if one is None or two is None or two - one <= slack:
        return False
    numbers = []
    for each in (other.entity, mine.entity):
        said = next((w for w in facts.words(each, "sequence") if w.source == mine.source), None)
        numbers.append(said.value if said is not None else None)
    first, second = numbers
    return not (isinstance(first, int | float) and isinstance(second, int | float)) or first < second


def _planned(word: Statement) -> datetime | None:
    return moment(word.value)


def _starts(facts: Facts, back: Window) -> dict[Entity, _Start]:
    """When each job order started on which line, as reports or events tell."""
    found: dict[Entity, _Start] = {}
    for event in facts.view.events(kinds=("started",), within=back):
        if event.job_order and event.equipment:
            job = Entity(EntityKind.JOB_ORDER, event.job_order)
            found.setdefault(job, _Start(job, event.equipment, at(event), event.provenance.source, rid(event)))
    for job in facts.having(EntityKind.JOB_ORDER, "actual_start"):
        word, line = facts.best(job, "actual_start"), facts.best(job, "equipment")
        when = moment(word.value) if word else None
        if job not in found and word and when and line:
            found[job] = _Start(job, line.text, when, word.source, word.record_id)
    return found


def _not_followed(facts: Facts, span: Window) -> Iterator[Mismatch]:
    """What one system did, and another that states the same never took over."""
    events = facts.view.events(kinds=tuple(_FOLLOWS), within=span)
    latest: dict[tuple[str, Entity], Event] = {}
    for event in events:
        for entity in _about(event):
            latest[event.kind, entity] = event
    facts.fetch({entity for _, entity in latest})
    for (kind, entity), event in latest.items():
        ours = event.provenance.source
        words = [w for name in _FOLLOWS[kind] for w in facts.words(entity, name)]
        behind: dict[str, Statement] = {}
        for word in words:
            old = word.source != ours and word.occurred_at < at(event) and word.reported_at < at(event)
            if old and not _same(word.value, event.attributes.get("to")):
                behind.setdefault(word.source, word)
        if _states(facts, entity) & {*_OVER}:
            continue
        for source, word in sorted(behind.items()):
            if any(w.source == source and w.occurred_at >= at(event) for w in words):
                continue
            yield Mismatch(
                what=kind.replace("_", " "),
                text=f"{ours} tells that {entity.id} was {_DONE[kind]} at {_clock(facts, at(event))}, while {source} "
                f"still says {word.property.replace('_', ' ')} {told(word, facts.view)} of "
                f"{_clock(facts, word.occurred_at)}",
                since=at(event),
                behind=source,
                ahead=ours,
                property=f"{entity.kind}.{word.property}",
                entities=(entity,),
                cites=(rid(event), word.record_id),
            )


_DONE = {
    "resequenced": "resequenced", "split": "split", "priority_changed": "given another priority",
    "promise_changed": "promised for another time",
}  # fmt: skip


def _about(event: Event) -> list[Entity]:
    named = [e for e in event.entities() if e.kind not in (EntityKind.EQUIPMENT, EntityKind.MATERIAL)]
    beside = ((name, plain_id(event.attributes.get(name), name)) for name in _NAMED_IN_ATTRIBUTES)
    return list(dict.fromkeys((*named, *(Entity(name, found) for name, found in beside if found))))


def _same(one: Json, other: Json) -> bool:
    if other is None:
        return False
    times = moment(one), moment(other)
    return times[0] == times[1] if times[0] and times[1] else str(one).casefold() == str(other).casefold()


def _old_revisions(facts: Facts, span: Window) -> Iterator[Mismatch]:
    """Job orders that run, or ran in that time, to another revision than the one that was in effect meanwhile."""
    facts.load(EntityKind.JOB_ORDER, "revision", "material", "status", "actual_start", "actual_end")
    effective = _effective(facts)
    for job in facts.having(EntityKind.JOB_ORDER, "revision"):
        own, made = facts.best(job, "revision"), facts.best(job, "material")
        material = plain_id(made.value, "material") if made else None
        if own is None or material not in effective or not _ran(facts, job, span):
            continue
        word, since = effective[material]
        if own.text.strip().casefold() == word.text.strip().casefold():
            continue
        begun, ended = facts.best(job, "actual_start"), facts.best(job, "actual_end")
        start, end = moment(begun.value) if begun else None, moment(ended.value) if ended else None
        if end is not None and end <= since:
            continue
        when = "in the middle of its run" if start and start < since else "before it began"
        yield Mismatch(
            what="revision",
            text=f"{job.id} {'ran' if end else 'runs'} to revision {told(own, facts.view)} of {material}, says "
            f"{own.source}, while {word.source} has {word.text} in effect since {_clock(facts, since)}, {when}",
            since=max(since, start) if start else since,
            behind=own.source,
            ahead=word.source if word.source != own.source else None,
            property="job_order.revision",
            entities=(job, Entity(EntityKind.MATERIAL, material)),
            cites=(own.record_id, word.record_id, *([begun.record_id] if begun else [])),
        )


def _ran(facts: Facts, job: Entity, span: Window) -> bool:
    """Whether it runs, or ended in that time; one that hasn't begun can still be set right."""
    ended = facts.best(job, "actual_end")
    end = moment(ended.value) if ended else None
    if end is not None:
        return end >= span.start
    states = _states(facts, job)
    return not states & {*_OVER} and ("in_progress" in states or facts.best(job, "actual_start") is not None)


def _states(facts: Facts, thing: Entity) -> set[str]:
    """The shared states that any source has it in."""
    words = facts.words(thing, "status")
    return {state for w in words if (state := shared_states.state_of(thing.kind, "status", w.value))}


def _effective(facts: Facts) -> dict[str, tuple[Statement, datetime]]:
    """The revision of each material that is in effect, and since when."""
    facts.load(EntityKind.ENGINEERING_CHANGE, "material", "revision", "effective_at", "status")
    found: dict[str, tuple[Statement, datetime]] = {}
    for change in facts.having(EntityKind.ENGINEERING_CHANGE, "revision"):
        revision, about = facts.best(change, "revision"), facts.best(change, "material")
        said = facts.best(change, "effective_at")
        since = moment(said.value) if said else None
        material = plain_id(about.value, "material") if about else None
        state = facts.best(change, "status")
        if since is None and state is not None and facts.state(change, "status") == "effective":
            since = state.occurred_at
        if revision is None or material is None or since is None or since > facts.view.as_of:
            continue
        if material not in found or found[material][1] <= since:
            found[material] = (revision, since)
    return found


def _scopes(facts: Facts, span: Window, rules: SentinelRules) -> Iterator[Mismatch]:
    """Characteristics that a material's last lots are all inspected for, and those before never; or the reverse."""
    back = Window(start=span.start - timedelta(days=rules.look.before_days), end=span.end)
    named = facts.view.statements(kind=EntityKind.INSPECTION, properties=("lot", "characteristic"), within=back)
    of_lot = {s.entity: plain_id(s.value, "lot") for s in named if s.property == "lot"}
    lots: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for word in named:
        if word.property == "characteristic" and (lot := of_lot.get(word.entity)):
            lots[word.source, lot].append(word)
    facts.load(EntityKind.LOT, "material")
    groups: dict[tuple[str, str], list[tuple[datetime, str, dict[str, Statement]]]] = defaultdict(list)
    for (source, lot), words in lots.items():
        made = facts.best(Entity(EntityKind.LOT, lot), "material")
        wanted = {w.text.strip().casefold(): w for w in words}
        groups[source, made.text if made else ""].append((min(w.occurred_at for w in words), lot, wanted))
    for (source, material), inspected in sorted(groups.items()):
        inspected.sort(key=lambda each: each[:2])
        for name in sorted({c for _, _, wanted in inspected for c in wanted}):
            bits = [name in wanted for _, _, wanted in inspected]
            last = next((i for i in range(len(bits) - 1, -1, -1) if bits[i] != bits[-1]), -1) + 1
            if len(bits) - last < rules.floor.lots_after or last < rules.floor.lots_before:
                continue
            if bits[-1] in bits[:last] or inspected[last][0] < span.start:
                continue
            yield _scope(facts, source, material, name, inspected[last - 2 :], wider=bits[-1])


def _scope(
    facts: Facts, source: str, material: str, name: str, near: Sequence[tuple[datetime, str, dict[str, Statement]]],
    *, wider: bool,
) -> Mismatch:  # fmt: skip
    """near: the last two lots as they were inspected before, then those since."""
    since, first, _ = near[2]
    words = [next(iter(wanted.values())) for _, _, wanted in near]
    shown = [wanted[name] for _, _, wanted in near if name in wanted]
    called = shown[0].text if shown else name
    verb = f"are inspected for {called} too" if wider else f"are no longer inspected for {called}"
    return Mismatch(
        what="inspection scope",
        text=f"Lots of {material or 'all materials'} {verb} since {first} at {_clock(facts, since)}, says {source}; "
        f"{len(near) - 2} lots so far, and {'none' if wider else 'every one'} before",
        since=since,
        behind=source,
        ahead=None,
        property="inspection.characteristic",
        entities=tuple(Entity(EntityKind.LOT, lot) for _, lot, _ in near[2:]),
        cites=tuple(dict.fromkeys(w.record_id for w in (words[1], *shown[:2], *words[2:4]))),
    )


def _clock(facts: Facts, when: datetime) -> str:
    return clock(when, facts.plant, relative_to=facts.view.as_of)
