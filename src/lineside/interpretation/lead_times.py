"""How long a step took in the plant's own past: what a forecast of an open gate rests on. Never more than a guess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from statistics import median

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, pointed_at
from lineside.interpretation.gates import document_kind
from lineside.interpretation.links import lines_of
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.trucks import truck, trucks_of
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.timeline import duration

_CITED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """The median and the longest of past cases. cites: the newest of them."""

    median: timedelta
    longest: timedelta
    cases: int
    cites: tuple[str, ...]

    def after(self, start: datetime, now: datetime) -> datetime | None:
        """When what began at `start` is over, not before `now`; None where it already takes longer than ever."""
        return None if start + self.longest < now else max(now, start + self.median)

    @property
    def told(self) -> str:
        return f"the median of the last {self.cases} cases is {duration(self.median.total_seconds())}"


class LeadTimes:
    """The leads that one reading needs, each read once."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._papers: dict[str, tuple[Lead | None, bool]] = {}

    @cached_property
    def inspection(self) -> Lead | None:
        """From an inspection's first word to its result; None where the past has too few."""
        self.facts.load("inspection", "result")
        done = [
            (said.occurred_at, entity)
            for entity in self.facts.having("inspection", "result")
            if (said := self.facts.best(entity, "result"))
            and self.facts.state(entity, "result") in ("passed", "failed")
        ]
        newest = [entity for _, entity in sorted(done, key=lambda pair: (pair[0], pair[1]), reverse=True)[: _cases()]]
        spans = list[tuple[timedelta, str]]()
        for words in self._history(newest, ("result",)).values():
            states = [shared_states.state_of("inspection", "result", s.value) for s in words]
            end = next((s for s, state in zip(words, states, strict=True) if state in ("passed", "failed")), None)
            if end is not None and states[0] == "pending" and end.occurred_at > words[0].occurred_at:
                spans.append((end.occurred_at - words[0].occurred_at, end.record_id))
        return _lead(spans)

    @cached_property
    def release(self) -> Lead | None:
        """From a job order's end to its lot being free for use; None where the past has too few."""
        self.facts.load("lot", "quality_status", "job_order")
        free = [
            (said.occurred_at, lot)
            for lot in self.facts.having("lot", "quality_status")
            if self.facts.state(lot, "quality_status") == "unrestricted"
            and (said := self.facts.best(lot, "quality_status"))
        ]
        newest = sorted(free, key=lambda pair: (pair[0], pair[1]), reverse=True)[: _cases()]
        jobs = {lot: job for _, lot in newest for job, _ in self.facts.linked(lot, "job_order")[:1]}
        past = self._history(jobs.values(), ("status",))
        ends = {job: next((s for s in words if _over(s)), None) for job, words in past.items()}
        spans = list[tuple[timedelta, str]]()
        for lot, words in self._history(jobs, ("quality_status",)).items():
            end = ends.get(jobs[lot])
            freed = next((s for s in reversed(words) if _free(s)), None)
            if end is not None and freed is not None and freed.occurred_at > end.occurred_at:
                spans.append((freed.occurred_at - end.occurred_at, freed.record_id))
        return _lead(spans)

    def paper(self, kind: str) -> tuple[Lead | None, bool]:
        """How long before a departure a document of this kind was issued; or, where such documents are about lots, how
        long after the lot's release. The second tells which: true for after the release."""
        if kind not in self._papers:
            self._papers[kind] = self._paper(kind)
        return self._papers[kind]

    def _paper(self, kind: str) -> tuple[Lead | None, bool]:
        facts = self.facts
        facts.load("document", "status", "subject", "type", "kind")
        issued = [
            (said.occurred_at, said.record_id, next(pointed_at(subject.value, "subject"), ""))
            for document in facts.having("document", "status")
            if document_kind(facts, document).casefold() == kind.casefold()
            and facts.state(document, "status") == "issued"
            and (said := facts.best(document, "status"))
            and (subject := facts.best(document, "subject"))
        ]
        newest = [(at, record, Entity.parse(about)) for at, record, about in sorted(issued)[-_cases() :] if about]
        after_release, before = list[tuple[timedelta, str]](), list[tuple[timedelta, str]]()
        facts.load("lot", "quality_status")
        for at, record, about in newest:
            if about.kind == "lot":
                said = facts.best(about, "quality_status")
                if said and _free(said) and at > said.occurred_at:
                    after_release.append((at - said.occurred_at, record))
                continue
            lines = lines_of(facts, about) if about.kind == "sales_order" else [about]
            trucks = (
                [truck(facts, about)] if about.kind == "shipment" else [t for x in lines for t in trucks_of(facts, x)]
            )
            before += [(t.departure - at, record) for t in trucks[:1] if t.gone and t.departure and t.departure > at]
        return (_lead(after_release), True) if after_release else (_lead(before), False)

    def _history(self, entities: Iterable[Entity], names: tuple[str, ...]) -> dict[Entity, list[Statement]]:
        wanted = sorted(set(entities))
        found: dict[Entity, list[Statement]] = defaultdict(list)
        for said in self.facts.view.statements(entities=wanted, properties=names) if wanted else ():
            if said.occurred_at <= self.facts.view.as_of:
                found[said.entity].append(said)
        return found


def _over(said: Statement) -> bool:
    return shared_states.state_of("job_order", "status", said.value) in ("complete", "closed")


def _free(said: Statement) -> bool:
    return shared_states.state_of("lot", "quality_status", said.value) == "unrestricted"


def _cases() -> int:
    return shipping_policy().forecast.cases


def _lead(spans: list[tuple[timedelta, str]]) -> Lead | None:
    if len(spans) < shipping_policy().forecast.least_cases:
        return None
    middle = median(span.total_seconds() for span, _ in spans)
    nearest = sorted(spans, key=lambda span: (abs(span[0].total_seconds() - middle), span[1]))
    return Lead(
        median=timedelta(seconds=middle),
        longest=max(span for span, _ in spans),
        cases=len(spans),
        cites=tuple(record for _, record in nearest[:_CITED]),
    )
