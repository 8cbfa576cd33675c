"""Sources that went silent: by what the watchdog told, and by what was last heard of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.memory import Freshness, SourceState
from lineside.memory.freshness import OURS, SILENT_AFTER
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Record
from lineside.plant.windows import Window

_WHILE_LOOKING = timedelta(minutes=2)


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """Each stop of a feed that its events tell, and each source that is silent now."""
    told = _by_events(look, of)
    standing = {e.subject for e in told if e.ended is None}
    silent = [f for f in look.view.freshness() if f.state is SourceState.SILENT and f.source != OURS]
    if silent:
        # Only the last contact with a source is kept: one made since the look began hides those before it.
        soon = replace(look.view, as_of=look.view.as_of + _WHILE_LOOKING, kept={})
        dumb = {f.source for f in soon.freshness([f.source for f in silent]) if f.state is SourceState.SILENT}
        silent = [f for f in silent if f.source in dumb]
    return [*told, *(e for f in silent if (e := _by_silence(look, of, f)) and e.subject not in standing)]


def _by_events(look: Look, of: CaseClass) -> list[Episode]:
    standing: dict[str, Event] = {}
    found = []
    for event in look.events("feed_stopped", "feed_started"):
        name = str(event.attributes.get("interface") or event.attributes.get("source") or event.provenance.source)
        if event.kind == "feed_stopped":
            standing.setdefault(name, event)
        elif name in standing:
            found.append(_told(look, of, name, standing.pop(name), event))
    return [*found, *(_told(look, of, name, event, None) for name, event in standing.items())]


def _told(look: Look, of: CaseClass, name: str, stopped: Event, started: Event | None) -> Episode:
    reason = str(stopped.attributes.get("reason") or stopped.text or "")
    return Episode(
        case_class=of.key,
        subject=Entity("interface", name),
        title=f"{name} brings nothing" + (f": {reason.replace('_', ' ')}" if reason else ""),
        began=stopped.provenance.occurred_at,
        ended=started.provenance.occurred_at if started else None,
        opened_by=(stopped.provenance.record_id,),
        closed_by=(started.provenance.record_id,) if started else (),
        reason=reason,
        touches=frozenset({Entity("interface", name)}),
        owner=look.view.plant.source(name).owner,
    )


def _by_silence(look: Look, of: CaseClass, feed: Freshness) -> Episode | None:
    if feed.last_heard is None:
        return None  # what was never heard has not gone silent
    began = feed.last_heard + timedelta(seconds=SILENT_AFTER * (feed.cadence_s or 0.0)) + of.seconds("after_s")
    if not look.overlaps(began, None):
        return None
    return Episode(
        case_class=of.key,
        subject=Entity("interface", feed.source),
        title=f"{feed.source} is silent",
        began=began,
        ended=None,
        opened_by=last_heard(look, feed),
        touches=frozenset({Entity("interface", feed.source)}),
        owner=look.view.plant.source(feed.source).owner,
    )


def last_heard(look: Look, feed: Freshness) -> tuple[str, ...]:
    """The newest record of the source by the time it was last heard."""
    if feed.last_heard is None:
        return ()
    near = Window(start=feed.last_heard - timedelta(hours=1), end=feed.last_heard + timedelta(seconds=1))
    heard = [(s.reported_at, s.record_id) for s in look.view.statements(within=near) if s.source == feed.source]
    records: list[Record] = [
        *look.view.events(within=near),
        *look.view.notes(within=near),
        *look.view.decisions(within=near),
    ]
    heard += [(r.provenance.reported_at, r.provenance.record_id) for r in records if r.provenance.source == feed.source]
    return (max(heard)[1],) if heard else ()
