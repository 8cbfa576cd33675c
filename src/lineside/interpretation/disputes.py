"""What is in dispute: two sources that can't both be right, or a thing that one source frees while a hold binds it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lineside.interpretation import shared_states
from lineside.interpretation.conflict import Conflict, conflict_finding, conflicts_of, governing
from lineside.interpretation.facts import Facts, owner_of, spoken
from lineside.interpretation.holds import Hold, holds
from lineside.interpretation.links import touched_by
from lineside.interpretation.reading import Finding, Kind
from lineside.interpretation.stakes import Stakes, stakes
from lineside.memory import Statement
from lineside.plant.entities import ENTITY_KINDS, Entity, EntityKind

_STANDING = ("status", "state", "quality_status", "result", "credit", "revision")
_MOST = 200  # blocked lots whose orders are looked up


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """One thing on which sources contradict one another, or that one source frees while a hold binds it."""

    entity: Entity
    findings: tuple[Finding, ...]
    steps: tuple[str, ...]
    strict: bool
    stakes: Stakes

    def rank(self) -> tuple[bool, bool, float, int, Entity]:
        """What endangers open orders comes first, what stops something before the rest, then the soonest."""
        soonest = self.stakes.soonest
        time = soonest.timestamp() if soonest else float("inf")
        return (not self.stakes.orders, not self.strict, time, -len(self.stakes.orders), self.entity)


def disputes(facts: Facts, only: Entity | None = None) -> list[Disputed]:
    """Everything in dispute that is not over long since, or this one thing if it is."""
    by_thing: dict[Entity, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for statement in facts.about(only) if only else _standing(facts):
        if statement.property in _STANDING:
            by_thing[statement.entity][statement.property].add(statement.source)
    active = [hold for hold in holds(facts) if hold.active and hold.subject]
    bound = [] if only and only.kind != EntityKind.LOT else _bound(facts, active, only)
    holding, blocked = dict[Entity, list[Hold]](), dict[Entity, list[_Bound]]()
    for hold in active:
        if hold.subject:
            holding.setdefault(hold.subject, []).append(hold)
    for each in bound:
        blocked.setdefault(each.lot, []).append(each)
    found = list[Disputed]()
    for entity in sorted({*by_thing, *blocked}):
        pairs = [
            c
            for name, sources in sorted(by_thing[entity].items())
            if len(sources) > 1
            for c in conflicts_of(facts, entity, name)
        ]
        freed = [
            (hold, word)
            for hold in holding.get(entity, ())
            for name in sorted(by_thing[entity])
            for word in facts.words(entity, name)
            if shared_states.frees(entity.kind, name, shared_states.state_of(entity.kind, name, word.value))
        ]
        above = blocked.get(entity, [])
        if not pairs and not freed and not above:
            continue
        found.append(
            Disputed(
                entity=entity,
                findings=(
                    *(_freed(facts, *each) for each in freed),
                    *(_upwards(facts, each) for each in above),
                    *(conflict_finding(facts, c) for c in pairs),
                ),
                steps=(
                    *(_lift(facts, *each) for each in freed),
                    *dict.fromkeys(_decide(facts, each) for each in above),
                    *(way_out(c) for c in pairs),
                ),
                strict=bool(freed or above) or any(c.strict() for c in pairs),
                stakes=stakes(facts, entity),
            )
        )
    return found


def _standing(facts: Facts) -> Iterator[Statement]:
    """What is said of how things stand."""
    for kind in sorted(ENTITY_KINDS):
        facts.load(kind, *_STANDING)
        for name in _STANDING:
            for entity in facts.having(kind, name):
                yield from facts.words(entity, name)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A blocked lot, and a word that lets go on what it is for."""

    lot: Entity
    hold: Hold | None
    block: Statement | None
    word: Statement


def _bound(facts: Facts, active: Sequence[Hold], only: Entity | None) -> list[_Bound]:
    """The orders and shipments that some source lets go on although a lot of theirs is held or blocked."""
    if only is None:
        facts.load("lot", "quality_status")
    blocks: dict[Entity, tuple[Hold | None, Statement | None]] = {}
    for lot in [only] if only else facts.having("lot", "quality_status"):
        word = governing(facts, lot, facts.words(lot, "quality_status"))
        if word is not None and shared_states.state_of("lot", "quality_status", word.value) == "blocked":
            blocks[lot] = (None, word)
    for hold in active:
        if hold.subject and hold.subject.kind == EntityKind.LOT and (only is None or hold.subject == only):
            blocks[hold.subject] = (hold, blocks.get(hold.subject, (None, None))[1])
    found = []
    hanging = touched_by(facts, list(blocks)[:_MOST])
    for lot, links in hanging.items():
        held, block = blocks[lot]
        for thing in dict.fromkeys(link.entity for link in links):
            if thing.kind not in (EntityKind.SALES_ORDER_LINE, EntityKind.SHIPMENT):
                continue
            said = governing(facts, thing, facts.words(thing, "status"))
            means = said and shared_states.state_of(thing.kind, "status", said.value)
            if said is not None and means and shared_states.frees(thing.kind, "status", means):
                found.append(_Bound(lot, held, block, said))
    return found


def _upwards(facts: Facts, each: _Bound) -> Finding:
    if each.hold is not None:
        why = f"hold {each.hold.id} is active on it" + (f" ({each.hold.reason})" if each.hold.reason else "")
    else:
        why = spoken(each.block, facts.view) if each.block else "it is blocked"
    cites = (*(each.hold.cites if each.hold else ()), *((each.block.record_id,) if each.block else ()))
    return Finding(
        text=f"{each.word.entity.id}, status: {spoken(each.word, facts.view)}, but its lot {each.lot.id} is blocked: "
        f"{why}; what is blocked can't leave, whatever an order's status says.",
        kind=Kind.DERIVED,
        cites=(each.word.record_id, *cites),
        data={
            "property": "status",
            "words": {each.word.source: each.word.text, "lot": each.lot.id},
            "go_by": f"hold {each.hold.id}" if each.hold else each.block.source if each.block else "",
        },
    )


def _decide(facts: Facts, each: _Bound) -> str:
    """Who frees the lot or keeps the order from leaving."""
    card = owner_of(facts.plant, "hold", "status") or owner_of(facts.plant, "lot", "quality_status")
    named = each.hold.owner if each.hold else None
    who = named or (card.owner or card.name if card else None) or (each.block.source if each.block else "its owner")
    what = f"hold {each.hold.id}" if each.hold else "its quality status"
    other = facts.plant.source(each.word.source).owner or f"the owner of {each.word.source}"
    return (
        f"Ask {who} to decide on {each.lot.id} ({what}), and {other} to keep {each.word.entity.id} from leaving in "
        f"{each.word.source} until then."
    )


def way_out(conflict: Conflict) -> str:
    """Who must change what where, and what to go by until then."""
    name, wrong, right = conflict.property.replace("_", " "), conflict.to_change(), conflict.go_by
    both = f"{right.source} says {right.text}"
    if conflict.owner is not None and right.source == conflict.owner.name:
        who = conflict.owner.owner or f"the owner of {conflict.owner.name}"
        return (
            f"Ask {who}, who owns {name} of {conflict.entity.id} in {right.source}, whether {right.text} still holds: "
            f"then {wrong.source} must be set to it, else {right.source} changed; until then go by {right.source}."
        )
    return (
        f"Ask the people who keep {right.source} and {wrong.source} which {name} of {conflict.entity.id} holds, and "
        f"name its owner in the plant file (owns); until then go by {right.source}, since {both}."
    )


def _freed(facts: Facts, hold: Hold, word: Statement) -> Finding:
    name = word.property.replace("_", " ")
    return Finding(
        text=f"{word.entity.id}, {name}: {spoken(word, facts.view)}, but hold {hold.id} is active"
        + (f" ({hold.reason})" if hold.reason else "")
        + "; an active hold binds until it is released.",
        kind=Kind.DERIVED,
        cites=(word.record_id, *hold.cites),
        data={
            "property": word.property,
            "words": {word.source: word.text, **{w.source: w.said for w in hold.words if w.source != word.source}},
            "go_by": f"hold {hold.id}",
        },
    )


def _lift(facts: Facts, hold: Hold, word: Statement) -> str:
    card = owner_of(facts.plant, "hold", "status")
    kept = hold.owner or (card.owner if card else None) or "whoever placed it"
    other = facts.plant.source(word.source).owner or f"the owner of {word.source}"
    return (
        f"Ask {kept} whether hold {hold.id} on {word.entity.id} stands: if so, {other} must block it in "
        f"{word.source} too, else it must be released; until then it is blocked."
    )
