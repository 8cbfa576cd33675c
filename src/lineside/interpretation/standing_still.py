"""Which lines stand or are being set up now, and how long such a thing takes: what a schedule starts from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from lineside.interpretation.facts import Facts
from lineside.interpretation.planning_rules import planning_rules
from lineside.interpretation.stops import Interval, Loss, from_events
from lineside.interpretation.wording import bounded
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A line that stands. until: when it runs again if this stop is like those before it; None: no such stop is known,
    or it has lasted longer than they did."""

    line: str
    since: datetime
    why: str
    until: datetime | None
    times: int
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingUp:
    """A changeover that runs."""

    line: str
    job: str | None
    since: datetime
    record: str


def standing(facts: Facts, lines: Iterable[str]) -> tuple[dict[str, Standing], dict[str, SettingUp]]:
    """The lines that stand, and those that are being set up, as known now."""
    view, wanted = facts.view, set(lines)
    since = view.as_of - timedelta(days=planning_rules()["work.stop_history_days"])
    within_window = Window(start=since, end=view.as_of + timedelta(microseconds=1))
    kinds = ("stop", "start", "changeover_start", "changeover_end")
    losses = from_events(view.events(kinds=kinds, within=within_window))
    stops: dict[str, list[Interval]] = defaultdict(list)
    setting: dict[str, SettingUp] = {}
    for loss in losses:
        line = work_center(loss.equipment)
        if loss.loss is Loss.STOP:
            stops[line].append(loss)
        elif loss.loss is Loss.CHANGEOVER and loss.end is None and line in wanted:
            setting[line] = SettingUp(line=line, job=loss.job_order, since=loss.start, record=loss.records[0])
    found = {line: state for line in wanted if (state := _standing(facts, line, stops[line]))}
    return found, setting


def _standing(facts: Facts, line: str, stops: list[Interval]) -> Standing | None:
    now, state = facts.view.as_of, _state(facts, line)
    running = state is not None and facts.state(state.entity, "state") == "running"
    for stop in reversed(stops):
        if stop.end is None and not (running and state and state.occurred_at > stop.start):
            return _like_before(line, stop.why, stop.start, now=now, stops=stops, cites=stop.records)
    if state is not None and facts.state(state.entity, "state") in ("stopped", "maintenance"):
        reason = facts.best(state.entity, "reason")
        why = reason.text if reason and reason.occurred_at == state.occurred_at else ""
        return _like_before(line, why, state.occurred_at, now=now, stops=stops, cites=(state.record_id,))
    return None


def _like_before(
    line: str, why: str, since: datetime, *, now: datetime, stops: list[Interval], cites: tuple[str, ...]
) -> Standing:
    over = [s for s in stops if s.end is not None and s.why == why and s.certain_end]
    lasted = [s.seconds(now) for s in over]
    until = since + timedelta(seconds=median(lasted)) if lasted else None
    told = bounded(dict.fromkeys((*cites, *(r for s in over[-3:] for r in s.records))))
    return Standing(
        line=line, since=since, why=why, until=until if until and until > now else None, times=len(over), cites=told
    )


def _state(facts: Facts, line: str) -> Statement | None:
    """The latest word on the line's own state; where it has none, on that of what lies below it."""
    facts.load(EntityKind.EQUIPMENT, "state", "reason")
    own = facts.best(Entity(EntityKind.EQUIPMENT, line), "state")
    if own is not None:
        return own
    below = [e for e in facts.having(EntityKind.EQUIPMENT, "state") if within(e.id, line)]
    said = [s for e in below if (s := facts.best(e, "state"))]
    return max(said, key=lambda s: s.occurred_at, default=None)
