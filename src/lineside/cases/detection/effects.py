"""Approved actions whose effect never came back: each from the word that it is missing to the word how that ended."""

from __future__ import annotations

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.memory.freshness import OURS
from lineside.plant.entities import Entity
from lineside.plant.records import Event


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """One episode for each proposal that needed, or needs, a person."""
    missing: dict[str, Event] = {}
    settled: dict[str, Event] = {}
    for event in look.view.events(kinds=("effect_missing", "effect_settled")):
        if event.provenance.source != OURS:
            continue  # nobody else can know
        named = str(event.attributes.get("proposal", ""))
        (missing if event.kind == "effect_missing" else settled).setdefault(named, event)
    return [_episode(look, of, event, settled.get(named)) for named, event in missing.items()]


def _episode(look: Look, of: CaseClass, event: Event, settled: Event | None) -> Episode:
    said = {name: str(value) for name, value in event.attributes.items()}
    subject = Entity.parse(said["subject"])
    jobs = [job for job, _ in look.facts.linked(subject, "job_order")] if subject.kind == "lot" else []
    return Episode(
        case_class=of.key,
        subject=subject,
        title=f"{said['action']} ({said['proposal']}), {subject.id}: {said['reason']}",
        began=event.provenance.occurred_at,
        ended=settled.provenance.occurred_at if settled else None,
        opened_by=(event.provenance.record_id,),
        closed_by=(settled.provenance.record_id,) if settled else (),
        lane=said["proposal"],
        reason=said["reason"],
        touches=frozenset({subject, *jobs, *look.lines_of([subject, *jobs])}),
        owner=said["by"],
        place=subject.id if subject.kind == "equipment" else "",
        data={"proposal": said["proposal"]},
    )
