"""Everything but quantities on which sources differ: states, dates and revisions, of one thing or the whole plant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from lineside.interpretation.divergence import (
    UNEXPLAINED,
    Divergence,
    divergence_findings,
    divergence_step,
    divergences,
    names_compared,
)
from lineside.interpretation.facts import Facts, doubts, moment, plain_id, told
from lineside.interpretation.left_out import COMPARED, left_out
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.wording import bounded, counted, listed
from lineside.memory import Statement, View
from lineside.plant.entities import ENTITY_KINDS, Entity, EntityKind

_SHOWN = 8
_JOB_OVER = ("complete", "closed", "cancelled")


def apart(view: View, entity: Entity | None = None, properties: Sequence[str] = ()) -> Reading:
    """Where sources differ on a state, a date or a revision: why, by records, and which to use for which purpose.

    entity: of one thing and its lines or order; None for the whole plant. properties: only these.
    """
    facts = Facts(view)
    names = tuple(properties) or names_compared()
    things = _things(facts, names) if entity is None else _whole(facts, entity)
    found = sorted(divergences(facts, things, names), key=_rank)
    old = list(_old_revisions(facts, entity)) if "revision" in names else []
    over = () if entity else tuple(left_out(facts, COMPARED))
    if not found and not old:
        what = "the plant" if entity is None else entity.id
        return Reading(
            verdict=f"No two sources differ on a state, a date or a revision of {what}.",
            missing=("A second source on anything that only one speaks of.", *over),
            data={"differences": 0},
        )
    shown = [f for each in found[:_SHOWN] for f in divergence_findings(facts, each)]
    causes = tuple(_causes(found)) if len(found) > 1 else ()
    return Reading(
        verdict=_verdict(facts, found, old),
        findings=(*causes, *shown, *old, *_rest(found[_SHOWN:])),
        against=doubts(facts, [s for each in found for s in (each.conflict.newer, each.conflict.older)]),
        missing=tuple(
            f"Why {each.conflict.newer.source} and {each.conflict.older.source} differ on "
            f"{_spaced(each.conflict.property)} of {each.conflict.entity.id}."
            for each in found[:_SHOWN]
            if each.cause == UNEXPLAINED
        )
        + over,
        next_steps=tuple(dict.fromkeys(divergence_step(each) for each in found))[:_SHOWN],
        data={
            "differences": len(found) + len(old),
            "rows": [
                {
                    "entity": str(each.conflict.entity),
                    "property": each.conflict.property,
                    "cause": each.cause,
                    "go_by": each.conflict.go_by.source,
                    "use": {p.value: s.source for p, s in each.use.items()},
                }
                for each in found
            ],
        },
    )


def _things(facts: Facts, names: Sequence[str]) -> list[Entity]:
    """Everything, but for what is over long since, of which more than one source states one of these properties."""
    found = set[Entity]()
    for kind in ENTITY_KINDS:
        facts.load(kind, *names)
        for name in names:
            things = facts.having(kind, name)
            found |= {each for each in things if len({said.source for said in facts.words(each, name)}) > 1}
    return sorted(found)


def _whole(facts: Facts, entity: Entity) -> list[Entity]:
    below: list[Entity] = []
    if entity.kind == EntityKind.SALES_ORDER:
        below = [e for e in facts.view.parts([entity], EntityKind.SALES_ORDER_LINE) if e.parent == entity]
    return [entity, *([entity.parent] if entity.parent else []), *below]


def _rank(found: Divergence) -> tuple[bool, bool, str, str]:
    c = found.conflict
    return not c.strict(), found.cause != UNEXPLAINED, str(c.entity), c.property


def _old_revisions(facts: Facts, entity: Entity | None) -> Iterator[Finding]:
    """The open job orders that are made to another revision than the one in effect."""
    facts.load(EntityKind.JOB_ORDER, "revision", "material", "status", "actual_start", "planned_start")
    effective = _effective(facts)
    for order in facts.having(EntityKind.JOB_ORDER, "revision"):
        made, own = facts.best(order, "material"), facts.best(order, "revision")
        material = plain_id(made.value, "material") if made else None
        if made is None or own is None or material not in effective or facts.state(order, "status") in _JOB_OVER:
            continue
        said, since = effective[material]
        if entity is not None and entity not in (order, Entity(EntityKind.MATERIAL, material), since.entity):
            continue
        if own.text.strip().casefold() == said.text.strip().casefold():
            continue
        begun = facts.best(order, "actual_start") or facts.best(order, "planned_start")
        start, valid = (moment(begun.value) if begun else None), moment(since.value)
        when = clock(valid, facts.plant, relative_to=facts.view.as_of) if valid else "a time that no record tells"
        if start and valid and start < valid:
            why = f"it began before {said.text} took effect at {when}: a change in flight"
        elif start and valid:
            why = f"{said.text} took effect at {when}, before it began: the change has not reached it"
        else:
            why = f"{said.text} is in effect since {when}"
        cites = [own.record_id, made.record_id, said.record_id, since.record_id, *([begun.record_id] if begun else [])]
        yield Finding(
            text=f"{order.id} is made to revision {told(own, facts.view)} of {material}, {said.source} says "
            f"{said.text}; {why}.",
            kind=Kind.DERIVED,
            cites=tuple(dict.fromkeys(cites)),
            data={"job_order": order.id, "revision": own.text, "effective": said.text},
        )


def _effective(facts: Facts) -> dict[str, tuple[Statement, Statement]]:
    """The revision of each material that is in effect by now, and what says since when."""
    facts.load(EntityKind.ENGINEERING_CHANGE, "material", "revision", "effective_at", "status")
    found: dict[str, tuple[Statement, Statement]] = {}
    for change in facts.having(EntityKind.ENGINEERING_CHANGE, "revision"):
        revision, about = facts.best(change, "revision"), facts.best(change, "material")
        since = facts.best(change, "effective_at")
        valid = moment(since.value) if since else None
        effective = facts.state(change, "status") == "effective" or (valid is not None and valid <= facts.view.as_of)
        material = plain_id(about.value, "material") if about else None
        if revision is None or material is None or not effective or (valid and valid > facts.view.as_of):
            continue
        told_since = since or revision
        known = found.get(material)
        if known is None or _when(known[1]) <= _when(told_since):
            found[material] = (revision, told_since)
    return found


def _when(said: Statement) -> float:
    return (moment(said.value) or said.occurred_at).timestamp()


def _causes(found: Sequence[Divergence]) -> Iterator[Finding]:
    """How many differences have one cause, and whose word is mostly the one behind."""
    groups: dict[str, list[Divergence]] = defaultdict(list)
    for each in found:
        groups[each.cause].append(each)
    for cause, mine in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        behind, times = Counter(each.behind.source for each in mine).most_common(1)[0]
        share = f", {times} of them with {behind} behind" if times * 2 > len(mine) and cause != UNEXPLAINED else ""
        yield Finding(
            text=f"{len(mine)} of {counted(len(found), 'difference')}: {cause}{share}.",
            kind=Kind.DERIVED,
            cites=bounded(dict.fromkeys(c for each in mine for c in each.cites[:2])),
            data={"cause": cause, "count": len(mine), "of": len(found)},
        )


def _verdict(facts: Facts, found: Sequence[Divergence], old: Sequence[Finding]) -> str:
    if not found:
        return (
            old[0].text
            if len(old) == 1
            else f"{counted(len(old), 'job order')} are made to an old revision: {old[0].text}"
        )
    first = found[0]
    c = first.conflict
    sources = {s.source for s in first.use.values()}
    name = _spaced(c.property)
    if len(sources) == 1:
        use = f"go by {c.go_by.source if c.go_by.source in sources else next(iter(sources))}"
        word = next(iter(first.use.values()))
        use += f", {told(word, facts.view)}"
    else:
        use = "; ".join(f"to {p.value} go by {s.source}, {told(s, facts.view)}" for p, s in first.use.items())
    head = f"{c.entity.id}, {name}: {use}; {c.newer.source} and {c.older.source} differ: {first.cause}"
    more = len(found) + len(old) - 1
    return f"{head}. {counted(more, 'more difference')}." if more else f"{head}."


def _rest(found: Sequence[Divergence]) -> Iterator[Finding]:
    if found:
        cites = bounded(dict.fromkeys(each.conflict.newer.record_id for each in found))
        names = listed([each.conflict.entity.id for each in found])
        yield Finding(text=f"And {len(found)} more: {names}.", kind=Kind.DERIVED, cites=cites)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
