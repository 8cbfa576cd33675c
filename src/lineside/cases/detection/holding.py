"""Material that quality holds: each hold is one episode, from its placing to its release by the datum's owner."""

from __future__ import annotations

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation.holds import Hold, holds
from lineside.plant.entities import Entity


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """The holds that bound anything at some time of the stretch."""
    found = []
    for hold in holds(look.facts):
        ended = None if hold.active else max(w.at for w in hold.words)
        if look.overlaps(hold.since, ended):
            found.append(_episode(look, of, hold))
    return found


def _episode(look: Look, of: CaseClass, hold: Hold) -> Episode:
    subject = hold.subject or Entity("hold", hold.id)
    ended = None if hold.active else max(w.at for w in hold.words)
    freed = tuple(w.record_id for w in hold.words if w.state == "released")
    jobs = [job for job, _ in look.facts.linked(subject, "job_order")] if subject.kind == "lot" else []
    lines = look.lines_of([subject, *jobs])
    material = look.facts.best(subject, "material")
    things = {subject, Entity("hold", hold.id), *jobs, *lines, *(line.parent for line in lines if line.parent)}
    things |= {Entity("material", material.text)} if material else set()
    about = subject.id if hold.subject else "something that it does not name"
    return Episode(
        case_class=of.key,
        subject=subject,
        title=f"Hold {hold.id} on {about}" + (f": {hold.reason}" if hold.reason else ""),
        began=hold.since,
        ended=ended,
        opened_by=tuple(c for c in hold.cites if c not in freed) or hold.cites,
        closed_by=freed if ended else (),
        evidence=(material.record_id,) if material else (),
        lane=f"hold:{hold.id}",
        reason=hold.reason,
        touches=frozenset(things),
        owner=hold.owner,
        data={"hold": hold.id},
    )
