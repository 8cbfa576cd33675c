"""Equipment that stood: what events and states tell of one stop, at a line and at its unit, is one episode."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look, related
from lineside.interpretation.stops import Interval, Loss, intervals
from lineside.plant.entities import Entity
from lineside.plant.equipment import work_center
from lineside.plant.windows import Window


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """The stops in the stretch that last as long as the class asks, the standing one included."""
    wanted = {Loss(each) for each in of.opens.get("losses", ("stop",))}
    found = [i for i in intervals(look.view, None, look.window) if i.loss in wanted and i.start <= look.view.as_of]
    least = of.seconds("after_s")
    kept = [
        group for group in _together(found) if (_end(group) or look.view.as_of) - min(i.start for i in group) >= least
    ]
    return [_episode(look, of, group) for group in kept]


def _together(found: Iterable[Interval]) -> list[list[Interval]]:
    """The intervals that tell of one stop: of a place and what lies in it, at the same time, for no two reasons."""
    lines: dict[str, list[list[Interval]]] = {}
    for each in sorted(found, key=lambda i: (i.start, i.equipment, i.records)):
        groups = lines.setdefault(work_center(each.equipment), [])
        group = next((g for g in reversed(groups) if any(_one_stop(i, each) for i in g)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return [group for groups in lines.values() for group in groups]


def _one_stop(one: Interval, other: Interval) -> bool:
    if not related(one.equipment, other.equipment):
        return False
    apart = (one.end is not None and one.end <= other.start) or (other.end is not None and other.end <= one.start)
    return not apart and (_why(one) == _why(other) or not _why(one) or not _why(other) or one.source != other.source)


def _why(interval: Interval) -> str:
    return " ".join(interval.why.casefold().split())


def _end(group: list[Interval]) -> datetime | None:
    return None if any(i.end is None for i in group) else max(i.end for i in group if i.end)


def _episode(look: Look, of: CaseClass, group: list[Interval]) -> Episode:
    deepest = max(group, key=lambda i: (i.equipment.count("/"), bool(i.why), -i.start.timestamp()))
    told = next((i for i in group if i.why), deepest)
    began = min(i.start for i in group)
    ended = _end(group)
    opened = tuple(dict.fromkeys(i.records[0] for i in group if i.records))
    rest = tuple(dict.fromkeys(r for i in group for r in i.records if r not in opened))
    job = next((Entity("job_order", i.job_order) for i in group if i.job_order), None)
    job = job or look.job_at(deepest.equipment, began)
    touches = {Entity("equipment", deepest.equipment), Entity("equipment", work_center(deepest.equipment))}
    touches |= {Entity("lot", i.lot) for i in group if i.lot} | ({job} if job else set())
    reason = told.why
    name = look.view.plant.called(deepest.equipment)
    return Episode(
        case_class=of.key,
        subject=Entity("equipment", deepest.equipment),
        title=f"{name} stands still" + (f": {reason}" if reason else ""),
        began=began,
        ended=ended,
        opened_by=opened,
        closed_by=_closing(look, group, ended) if ended is not None else (),
        evidence=rest,
        place=deepest.equipment,
        lane=f"{deepest.equipment} {_why(told)}",
        reason=reason,
        touches=frozenset(touches),
    )


def _closing(look: Look, group: list[Interval], ended: datetime) -> tuple[str, ...]:
    """The records that tell its end: its own, else what was said of the place at that moment, which shows it alive."""
    last = max(group, key=lambda i: i.end or i.start)
    if last.certain_end and len(last.records) > 1:
        return (last.records[-1],)
    place, then = last.equipment, Window(start=ended, end=ended + timedelta(microseconds=1))
    said = look.view.statements(kind="equipment", properties=("state",), within=then)
    found = [s.record_id for s in said if related(s.entity.id, place)]
    found += [e.provenance.record_id for e in look.view.events(within=then) if related(e.equipment or "", place)]
    return tuple(dict.fromkeys(found)) or last.records[-1:]
