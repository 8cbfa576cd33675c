"""The job orders that are not done: what is left of each, how fast it goes, and in which sequence they wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.paces import Pace, Paces
from lineside.interpretation.planning_rules import PlanningRules, planning_rules
from lineside.interpretation.progress import Counted, Progress
from lineside.interpretation.reading import Kind
from lineside.interpretation.standing_still import SettingUp, Standing
from lineside.memory import Statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.windows import Window

_OVER = ("complete", "closed")
_SHIFT_H = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """A job order that is not done. left: of `quantity`, in `unit`. said: the records that tell of it."""

    id: str
    line: str
    material: str
    quantity: float
    left: float
    unit: str
    begun: bool
    pace: Pace | None
    counted: Counted | None
    planned_start: datetime | None
    planned_end: datetime | None
    sequence: float | None
    cites: tuple[str, ...]
    sources: frozenset[str]

    @property
    def entity(self) -> Entity:
        return Entity(EntityKind.JOB_ORDER, self.id)


class OpenJobs:
    """Reads job orders, each with what is left of it and its pace. missing: what could not be read, in words."""

    def __init__(
        self, facts: Facts, paces: Paces, running: Mapping[Entity, str], stands: Mapping[str, Standing]
    ) -> None:
        self.facts, self.paces, self.rules, self.running, self.stands = facts, paces, planning_rules(), running, stands
        self.progress = Progress(facts, {job: (line, _unit(facts, job)) for job, line in running.items()})
        self.missing: list[str] = []

    def job(self, entity: Entity, line: str) -> OpenJob | None:
        """None where its material or quantity isn't said."""
        facts, begun = self.facts, entity in self.running
        said = {
            name: facts.best(entity, name)
            for name in ("material", "quantity", "status", "equipment", "sequence", "planned_start", "planned_end")
        }
        wanted, what = said["quantity"], said["material"]
        if wanted is None or wanted.quantity is None or what is None:
            self.missing.append(f"The quantity and material of {entity.id}: without them it can't be planned.")
            return None
        unit, quantity = wanted.quantity.unit, float(wanted.quantity.value)
        counted = next(iter(self.progress.counts(entity)), None) if begun else None
        plan = _Plan(
            quantity=quantity, unit=unit, start=_moment(facts, entity, "planned_start"),
            end=_moment(facts, entity, "planned_end"), said=said["planned_end"],
        )  # fmt: skip
        pace = self.progress.pace(entity, what.text, self.paces) if begun else self.paces.measured(line, what.text)
        if pace is None or pace.unit != unit:
            pace = self._implied(line, plan)
        if pace is None:
            name = facts.plant.called(line)
            self.missing.append(f"A rate for {what.text} on {name}: {entity.id} has no end, nor what follows.")
        left = quantity - (counted.good if counted else 0.0)
        if counted is not None and pace is not None:
            left -= pace.per_h * self._run_since(counted.at, line) / 3600
        place = said["sequence"].quantity if said["sequence"] else None
        used = [s for s in said.values() if s]
        return OpenJob(
            id=entity.id, line=line, material=what.text, quantity=quantity, left=max(0.0, left), unit=unit, begun=begun,
            pace=pace, counted=counted, planned_start=plan.start, planned_end=plan.end,
            sequence=float(place.value) if place else None,
            cites=tuple(dict.fromkeys((*(s.record_id for s in used), *((counted.record,) if counted else ())))),
            sources=frozenset((*(s.source for s in used), *((counted.source,) if counted else ()))),
        )  # fmt: skip

    def _run_since(self, counted: datetime, line: str) -> float:
        """The seconds that the line is taken to have run since its last count."""
        now, stop = self.facts.view.as_of, self.stands.get(line)
        since = max(counted, now - timedelta(minutes=self.rules["pace.longest_silence_minutes"]))
        until = min(now, stop.since) if stop else now
        return self.facts.view.calendar.worked_s(since, until) if since < until else 0.0

    def _implied(self, line: str, plan: _Plan) -> Pace | None:
        """What the plan or the line's target implies, where nothing was measured."""
        spread, calendar = self.rules["pace.spread_pct"] / 100, self.facts.view.calendar
        if plan.start and plan.end and plan.said and plan.start < plan.end:
            hours = calendar.worked_s(plan.start, plan.end) / 3600
            if hours > 0:
                how = "as its planned start and end have it; nothing of it was measured"
                return Pace(
                    per_h=plan.quantity / hours, unit=plan.unit, spread=2 * spread, typical_h=hours, how=how,
                    kind=Kind.GUESSED, cites=(plan.said.record_id,),
                )  # fmt: skip
        target = self.facts.best(Entity(EntityKind.EQUIPMENT, line), "target_rate")
        if target is None or target.quantity is None or target.quantity.value <= 0:
            return None
        return Pace(
            per_h=float(target.quantity.value) * (1 - spread), unit=plan.unit, spread=2 * spread, typical_h=_SHIFT_H,
            how="a little below the line's target; nothing of it was measured", kind=Kind.GUESSED,
            cites=(target.record_id,),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    quantity: float
    unit: str
    start: datetime | None
    end: datetime | None
    said: Statement | None


def open_job_orders(facts: Facts, rules: PlanningRules, missing: list[str]) -> list[Entity]:
    """The job orders that are neither done nor forgotten: of the others nothing was said for `pace.history_days`."""
    view = facts.view
    since = view.as_of - timedelta(days=rules["pace.history_days"])
    recent = Window(start=since, end=view.as_of + timedelta(microseconds=1))
    last: dict[Entity, dict[str, Statement]] = {}
    for said in view.statements(kind=EntityKind.JOB_ORDER, properties=("status", "quantity"), within=recent):
        words = last.setdefault(said.entity, {})
        if said.property == "status":
            words[said.source] = said  # oldest first, so that the last one stands
    going = [entity for entity, words in last.items() if not words or not all(map(_done, words.values()))]
    facts.fetch(going)
    known = [entity for entity in going if not _over(facts, entity)]
    bare = {entity for entity in known if not facts.words(entity, "status")}
    stale = facts.view.as_of - timedelta(days=rules["work.stale_days"])
    found, forgotten = [], []
    for entity in sorted(known):
        told = facts.about(entity)
        if not told or facts.best(entity, "actual_end") or (entity in bare and not facts.best(entity, "quantity")):
            continue
        end = _moment(facts, entity, "planned_end")
        heard = max(s.occurred_at for s in told)
        if heard < stale and (end is None or end < stale):
            forgotten.append(entity.id)
        else:
            found.append(entity)
    if forgotten:
        shown = ", ".join(forgotten[:5]) + (f" and {len(forgotten) - 5} more" if len(forgotten) > 5 else "")
        missing.append(f"Whether {shown} will still be made: open on paper, and nothing was heard for long; left out.")
    return found


def _done(said: Statement) -> bool:
    return shared_states.state_of(EntityKind.JOB_ORDER, "status", said.value) in _OVER


def _over(facts: Facts, job: Entity) -> bool:
    words = facts.words(job, "status")
    if any(facts.state(job, "status") in _OVER for _ in words[:1]):
        return True
    best = facts.best(job, "status")
    return best is not None and shared_states.meaning("order_status", best.value) == "cancelled"


def running_of(facts: Facts, placed: Mapping[Entity, str], setting: Mapping[str, SettingUp]) -> dict[Entity, str]:
    """Those that run or are being set up, each with its line."""
    found = {}
    for entity, line in placed.items():
        on_it = facts.best(Entity(EntityKind.EQUIPMENT, line), "job_order")
        set_up = setting.get(line)
        if (
            facts.state(entity, "status") == "in_progress"
            or (on_it is not None and on_it.text == entity.id)
            or (set_up is not None and set_up.job == entity.id)
            or facts.best(entity, "actual_start") is not None
        ):
            found[entity] = line
    return found


def in_sequence(jobs: Iterable[OpenJob]) -> list[OpenJob]:
    """What runs first; then by the sequence where all have one, else by the planned start."""
    waiting = list(jobs)
    ranked = all(job.sequence is not None for job in waiting if not job.begun)

    def place(job: OpenJob) -> tuple[bool, float, float, str]:
        start = job.planned_start.timestamp() if job.planned_start else float("inf")
        by_number = job.sequence if ranked and job.sequence is not None and not job.begun else 0.0
        return (not job.begun, by_number, start, job.id)

    return sorted(waiting, key=place)


def _unit(facts: Facts, job: Entity) -> str:
    said = facts.best(job, "quantity")
    return said.quantity.unit if said and said.quantity else ""


def _moment(facts: Facts, entity: Entity, name: str) -> datetime | None:
    said = facts.best(entity, name)
    return aware(facts, said.value) if said else None


def aware(facts: Facts, value: object) -> datetime | None:
    """The time in a value; a bare date is the end of that day at the plant."""
    found = moment(value) if isinstance(value, str) else None
    if found is None and isinstance(value, str):
        try:
            day = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        bare = len(value.strip()) <= 10
        return (day + timedelta(days=1) if bare else day).replace(tzinfo=facts.plant.time_zone)
    return found
