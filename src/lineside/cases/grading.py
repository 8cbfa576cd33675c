"""How grave a case is: by the orders, the times and the people that it endangers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lineside.cases.classes import CaseClass, Grade, Severity
from lineside.cases.episode import Episode
from lineside.cases.look import Look, related
from lineside.interpretation.reading import clock
from lineside.interpretation.safety import concerns_safety
from lineside.interpretation.wording import counted

_BEARERS = ("sales_order_line", "job_order", "lot")
_OVER = ("shipped", "cancelled", "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """orders: open ones that hang on it. soonest: the first time that it endangers. whose: the order line
    that is promised for then; empty where that time is its own. safety: what people wrote."""

    orders: int
    soonest: datetime | None
    whose: str
    safety: bool


def severity(look: Look, of: CaseClass, episode: Episode) -> tuple[Severity, str]:
    """The level of the first rule of the class that fits, and why; low where none does."""
    danger = danger_of(look, episode)
    for grade in of.severity:
        if (why := _fits(look, grade, episode, danger)) is not None:
            return grade.level, why
    return Severity.LOW, "it endangers nothing on record"


def danger_of(look: Look, episode: Episode) -> Danger:
    """What hangs on the episode by the records: the open order lines that its job orders and lots are for, and when the
    first of them, or the episode itself, is due."""
    facts = look.facts
    lines = look.lines_of(e for kind in _BEARERS for e in sorted(episode.touches) if e.kind == kind)
    facts.fetch([e for line in lines for e in (line, line.parent) if e])
    waiting = [line for line in lines if facts.state(line, "status") not in _OVER]
    dues = [
        (due, line.id) for line in waiting for e in (line, line.parent) if e and (due := look.time(e, "promised_at"))
    ]
    dues += [(episode.due, "")] if episode.due else []
    ahead = [each for each in dues if each[0] >= look.view.as_of]
    soonest, whose = min(ahead or dues, default=(None, ""))
    return Danger(
        orders=len(waiting), soonest=soonest, whose=whose, safety=_safety(look, episode)
    )  # fmt: skip


def _safety(look: Look, episode: Episode) -> bool:
    """Whether the reason, or a note about the place meanwhile, speaks of safety."""
    if not episode.place:
        return False  # a leak of a seal that quality found is no hazard at a machine
    if concerns_safety(episode.reason):
        return True
    until = episode.ended or look.view.as_of
    return any(
        concerns_safety(note.text)
        for note in look.view.notes(within=look.span)
        if related(note.equipment or "", episode.place) and episode.began <= note.provenance.occurred_at <= until
    )


def _fits(look: Look, grade: Grade, episode: Episode, danger: Danger) -> str | None:
    lasted = (episode.ended or look.view.as_of) - episode.began
    why = []
    if grade.safety:
        if not danger.safety:
            return None
        why.append("it concerns safety")
    if grade.orders is not None:
        if danger.orders < grade.orders:
            return None
        why += (
            [f"{counted(danger.orders, 'open order')} hang{'s' if danger.orders == 1 else ''} on it"]
            if grade.orders
            else []
        )
    if grade.due_within is not None:
        if danger.soonest is None or danger.soonest - look.view.as_of > grade.due_within:
            return None
        at = clock(danger.soonest, look.view.plant, relative_to=look.view.as_of)
        why.append(f"{danger.whose} is promised for {at}" if danger.whose else f"it matters by {at}")
    if grade.lasts is not None:
        if lasted < grade.lasts:
            return None
        why.append(f"it has lasted {int(lasted.total_seconds() // 60)} min")
    return " and ".join(why) or "so its class says"
