"""Orders that may not leave since the customer's credit is blocked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from lineside.cases.classes import CaseClass
from lineside.cases.detection.leaving import gone
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation import shared_states
from lineside.interpretation.links import lines_of
from lineside.memory import Statement
from lineside.plant.entities import Entity

_KINDS = ("sales_order", "sales_order_line")


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """Each order or line from the word that blocks it to the word that frees it, or until it is no longer there."""
    found = []
    for kind in _KINDS:
        histories = {t: _of_owner(look, history) for t, history in look.history(kind, "credit").items()}
        blocked = [t for t, history in histories.items() if any(_state(s) == "blocked" for s in history)]
        ends = gone(look, blocked)
        for thing in sorted(blocked):
            for opened, freed in _stretches(histories[thing]):
                end = (freed.occurred_at, freed.record_id) if freed else None
                left = ends.get(thing)
                end = left if left and (end is None or left < end) else end
                if end is None or end[0] > opened.occurred_at:
                    found.append(_episode(look, of, thing, opened, end))
    return found


def _of_owner(look: Look, history: Sequence[Statement]) -> Sequence[Statement]:
    """What the datum's owner says of it, where that speaks of it at all."""
    owner = look.facts.owner(history[0].entity.kind, "credit") if history else None
    own = [s for s in history if owner and s.source == owner.name]
    return own or history


def _state(said: Statement) -> str | None:
    return shared_states.state_of(said.entity.kind, "credit", said.value)


def _stretches(history: Sequence[Statement]) -> Iterator[tuple[Statement, Statement | None]]:
    opened: Statement | None = None
    for said in history:
        if _state(said) == "blocked":
            opened = opened or said
        elif opened is not None:
            yield opened, said
            opened = None
    if opened is not None:
        yield opened, None


def _episode(look: Look, of: CaseClass, thing: Entity, opened: Statement, end: tuple[datetime, str] | None) -> Episode:
    lines = lines_of(look.facts, thing) if thing.kind == "sales_order" else [thing]
    jobs = {s.entity for line in lines for s in look.facts.pointing("job_order", "sales_order_line", line)}
    dues = [due for each in (thing, *lines) if (due := look.time(each, "promised_at"))]
    return Episode(
        case_class=of.key,
        subject=thing,
        title=f"{thing.id} may not leave: credit is blocked",
        began=opened.occurred_at,
        ended=end[0] if end else None,
        opened_by=(opened.record_id,),
        closed_by=(end[1],) if end else (),
        touches=frozenset({thing, *lines, *jobs, *({thing.parent} if thing.parent else ())}),
        due=min(dues, default=None),
    )
