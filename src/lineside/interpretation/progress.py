"""How far a running job order is, and how fast it runs: by the count that was heard last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation.facts import Facts, moment
from lineside.interpretation.paces import Pace, Paces, blended
from lineside.interpretation.planning_rules import planning_rules
from lineside.interpretation.reading import Kind
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity
from lineside.plant.records import Event, quantity
from lineside.plant.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """So much of a job order was good at a moment, by a record."""

    at: datetime
    good: float
    record: str
    source: str


class Progress:
    """The counts of the job orders that run, read at once. running: each with its line and the unit of its quantity."""

    def __init__(self, facts: Facts, running: Mapping[Entity, tuple[str, str]]) -> None:
        self.facts, self.rules, self._running = facts, planning_rules(), running
        self._bookings: dict[str, list[Event]] = defaultdict(list)
        began = [at for job in running if (at := self.began(job))]
        if began:
            window = Window(start=min(began), end=facts.view.as_of + timedelta(microseconds=1))
            for event in facts.view.events(kinds=("production",), within=window):
                if event.job_order:
                    self._bookings[event.job_order].append(event)
        slow = facts.view.events(kinds=("slow", "slow_end", "completed"), within=window) if began else []
        self._slow: dict[str, Event] = {}
        for event in slow:
            place = event.equipment or ""
            if event.kind == "slow":
                self._slow[place] = event
            else:
                self._slow.pop(place, None)

    def began(self, job: Entity) -> datetime | None:
        said = self.facts.best(job, "actual_start")
        return moment(said.value) if said else None

    def counts(self, job: Entity) -> list[Counted]:
        """Every word on how much of it was good, the latest first."""
        line, unit = self._running[job]
        found = [
            Counted(at=said.occurred_at, good=value, record=said.record_id, source=said.source)
            for said in self.facts.words(job, "quantity_good")
            if (value := self._value(said.quantity, unit, job)) is not None
        ]
        place = Entity(EntityKind.EQUIPMENT, line)
        named = {said.source for said in self.facts.words(place, "job_order") if said.text == job.id}
        found += [
            Counted(at=said.occurred_at, good=value, record=said.record_id, source=said.source)
            for said in self.facts.words(place, "good_count")
            if said.source in named and (value := self._value(said.quantity, unit, job)) is not None
        ]
        for source in {event.provenance.source for event in self._bookings.get(job.id, ())}:
            if marks := self.booked(job, source):
                found.append(marks[-1])
        return sorted(found, key=lambda c: (c.at, c.good, c.record), reverse=True)

    def booked(self, job: Entity, source: str) -> list[Counted]:
        """The running total of a source's bookings."""
        total, marks = 0.0, []
        for event in self._bookings.get(job.id, ()):
            if event.provenance.source == source:
                amount = quantity(event.attributes.get("quantity"), str(event.attributes.get("unit") or ""))
                total += self._value(amount, self._running[job][1], job) or 0.0
                where = event.provenance
                marks.append(Counted(at=where.occurred_at, good=total, record=where.record_id, source=source))
        return marks

    def pace(self, job: Entity, material: str, paces: Paces) -> Pace | None:
        """How fast it goes on: as it ran so far and as such job orders run; where it runs slow, as it ran of late."""
        line, unit = self._running[job]
        history = paces.measured(line, material)
        if history is not None and history.unit != unit:
            history = None
        own, hours = self._own(job, unit)
        if slow := self._slow.get(line):
            recent = self._recent(job, unit, slow.provenance.occurred_at, slow.provenance.record_id)
            if recent is not None:
                return recent
        if own is None:
            return history
        if history is None:
            return own
        return blended(((history, history.typical_h), (own, hours)))

    def _own(self, job: Entity, unit: str) -> tuple[Pace | None, float]:
        began, counts = self.began(job), self.counts(job)
        if began is None or not counts:
            return None, 0.0
        return self._between(Counted(at=began, good=0.0, record=counts[0].record, source=""), counts[0], unit, "")

    def _recent(self, job: Entity, unit: str, since: datetime, record: str) -> Pace | None:
        """Its pace since it is called slow, of that the latest stretch."""
        latest = self.facts.view.as_of - timedelta(minutes=self.rules["pace.recent_minutes"])
        for source in sorted({event.provenance.source for event in self._bookings.get(job.id, ())}):
            marks = self.booked(job, source)
            inside = [mark for mark in marks if mark.at >= max(since, latest)]
            if len(inside) >= 2 and (pace := self._between(inside[0], inside[-1], unit, record)[0]):
                return pace
        return None

    def _between(self, one: Counted, other: Counted, unit: str, slow: str) -> tuple[Pace | None, float]:
        seconds = self.facts.view.calendar.worked_s(one.at, other.at) if other.at > one.at else 0.0
        if seconds < self.rules["pace.least_run_minutes"] * 60 or other.good <= one.good:
            return None, 0.0
        hours = seconds / 3600
        cites = tuple(dict.fromkeys(filter(None, (one.record, other.record, slow))))
        pace = Pace(
            per_h=(other.good - one.good) / hours,
            unit=unit,
            spread=self.rules["pace.spread_pct"] / 100,
            typical_h=hours,
            how="as it has run since it is slow" if slow else "as it ran so far",
            kind=Kind.DERIVED,
            cites=cites,
        )
        return pace, hours

    def _value(self, amount: Quantity | None, unit: str, job: Entity) -> float | None:
        if amount is None:
            return None
        if not amount.unit or not unit:
            return float(amount.value)
        said = self.facts.best(job, "material")
        converted = amount.to(unit, self.facts.factors(said.text) if said else None)
        return None if converted is None else float(converted.value)
