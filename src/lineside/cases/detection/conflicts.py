"""Two systems that can't both be right about the standing of one thing, for longer than one may be behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation import shared_states
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.records import Quality

PROPERTIES = ("status", "quality_status", "result", "credit")
_KINDS = (
    "job_order", "operation", "lot", "sales_order", "sales_order_line", "shipment", "hold", "inspection", "document",
    "purchase_order_line", "maintenance_order", "engineering_change", "inventory",
)  # fmt: skip


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """Each stretch in which the newest words of two sources contradict one another, by their shared meanings."""
    found = []
    for kind in _KINDS:
        names = [name for name in PROPERTIES if shared_states.has_states(kind, name)]
        fresh = look.view.statements(kind=kind, properties=names, within=look.span) if names else []
        things = _told_twice(look, fresh, names) if fresh else {}
        for (thing, name), history in things.items():
            found += _of_thing(look, of, thing, name, history)
    return found


def _told_twice(
    look: Look, fresh: Sequence[Statement], names: Sequence[str]
) -> dict[tuple[Entity, str], list[Statement]]:
    """The whole history of what more than one source speaks of."""
    first = fresh[0].source
    others = any(s.source != first for s in fresh)
    said = look.facts.view.said(kind=fresh[0].entity.kind, properties=names)
    sources: dict[tuple[Entity, str], set[str]] = {}
    for each in said:
        sources.setdefault((each.entity, each.property), set()).add(each.source)
    touched = {(s.entity, s.property) for s in fresh}
    twice = [pair for pair in touched if len(sources.get(pair, ())) > 1] if others or said else []
    whole: dict[tuple[Entity, str], list[Statement]] = {}
    for thing, history in look.history_of({thing for thing, _ in twice}, *names).items():
        for each in history:
            if (thing, each.property) in touched and each.quality is not Quality.BAD:
                whole.setdefault((thing, each.property), []).append(each)
    return whole


def _of_thing(look: Look, of: CaseClass, thing: Entity, name: str, history: Sequence[Statement]) -> list[Episode]:
    words: dict[str, Statement] = {}
    found, opening = list[Episode](), None
    for said in history:
        words[said.source] = said
        pair = _pair(thing, name, list(words.values()))
        if opening is None and pair is not None:
            opening = (said.occurred_at, pair)
        elif opening is not None and pair is None:
            found += _stretch(look, of, thing, name, opening=opening, closing=said)
            opening = None
    if opening is not None:
        found += _stretch(look, of, thing, name, opening=opening, closing=None)
    return found


def _pair(thing: Entity, name: str, words: Sequence[Statement]) -> tuple[Statement, Statement] | None:
    for one, other in combinations(words, 2):
        mine, theirs = (shared_states.state_of(thing.kind, name, s.value) for s in (one, other))
        if mine and theirs and mine != theirs and shared_states.contradict(thing.kind, name, mine, theirs):
            return one, other
    return None


def _stretch(
    look: Look, of: CaseClass, thing: Entity, name: str, *, opening: tuple[datetime, tuple[Statement, Statement]],
    closing: Statement | None,
) -> list[Episode]:  # fmt: skip
    since, (one, other) = opening
    began, ended = since + of.seconds("after_s"), closing.occurred_at if closing else None
    if began > look.view.as_of or (ended is not None and ended <= began) or not look.overlaps(began, ended):
        return []
    older, newer = sorted((one, other), key=lambda s: (s.occurred_at, s.record_id))
    told = f"{older.source} says {older.text}, {newer.source} says {newer.text}"
    return [
        Episode(
            case_class=of.key,
            subject=thing,
            title=f"{thing.id}, {name.replace('_', ' ')}: {told}",
            began=began,
            ended=ended,
            opened_by=(newer.record_id, older.record_id),
            closed_by=(closing.record_id,) if closing else (),
            lane=f"{thing} {name}",
            touches=frozenset({thing, *look.lines_of([thing])}),
            data={"property": name},
        )
    ]
