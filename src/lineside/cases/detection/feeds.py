"""Sources that went silent: by what the watchdog told, and by when each was heard and reached.

A source is silent from the moment on at which it has been quiet for longer than it ever is, and until it speaks or is
reached again. Where connectors reach it, only what they met tells of silence: from before they began nothing is told,
nor of a time in which nobody watched, nor of a past that came in all at once. So whenever one looks, the same silences
are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.memory.contacts import Quiet, Reached, heard_before, last_words, quiet, reached
from lineside.memory.feed_state import Concern
from lineside.memory.freshness import OURS, SILENT_AFTER, patience_s
from lineside.plant.entities import Entity
from lineside.plant.records import Event

_SHORTEST_S = 3600.0  # no shorter silence is one, where no cadence is declared


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """Each stop of a feed that its events tell, and each silence of a source beside those.

    Where an event tells of the silence itself, as noticed when somebody watched, it lasted as the records show.
    """
    told, found = _by_events(look, of), list[Episode]()
    for silence in _silences(look, of):
        met = [each for each in told if each.subject == silence.subject and _meet(silence, each)]
        if all(each.reason == Concern.SILENT for each in met):
            told = [each for each in told if each not in met]
            noticed = tuple(record for each in met for record in each.records)
            found.append(replace(silence, evidence=(*silence.evidence, *noticed)))
    return [*told, *found]


def _meet(one: Episode, other: Episode) -> bool:
    return (other.ended is None or one.began <= other.ended) and (one.ended is None or other.began <= one.ended)


def _by_events(look: Look, of: CaseClass) -> list[Episode]:
    standing: dict[str, Event] = {}
    found = []
    for event in look.view.events(kinds=("feed_stopped", "feed_started")):
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


def _silences(look: Look, of: CaseClass) -> Iterator[Episode]:
    view = look.view
    contacts = reached(view)
    unwatched = [Reached(before.until, after.since) for before, after in pairwise(contacts.pop(OURS, ()))]
    for source in sorted({*view.sources(), *(card.name for card in view.plant.sources)} - {OURS}):
        declared_s = view.plant.source(source).cadence_s
        shortest_s = SILENT_AFTER * declared_s if declared_s else _SHORTEST_S
        met = contacts.get(source, [])
        for stretch in quiet(view, source, look.window.start, longer_than_s=shortest_s):
            patience = timedelta(seconds=patience_s(heard_before(view, source, stretch.since), declared_s))
            if stretch.until and stretch.kept_for <= patience:
                continue  # told all at once afterwards: nobody knows whether it was reached meanwhile
            # From before it was reached first, nobody knows whether it would have been.
            known = replace(stretch, since=max(stretch.since, met[0].since)) if met else stretch
            for since, until in _left(known, [*met, *unwatched]):
                ended = until if until and until <= view.as_of else None
                began = since + patience + of.seconds("after_s")
                if began <= (ended or view.as_of) and look.overlaps(began, ended):
                    words = last_words(view, source, stretch.since)
                    # What begins when it was last reached has no record of its own: the same one may open another.
                    opened_by = words if since == stretch.since else ()
                    yield _silence(look, of, source, began=began, ended=ended, opened_by=opened_by, evidence=words)


def _left(stretch: Quiet, met: Iterable[Reached]) -> Iterator[tuple[datetime, datetime | None]]:
    """What is left of a quiet stretch without those in which the source was reached, or could not be."""
    since = stretch.since
    for one in sorted(met, key=lambda each: each.since):
        if stretch.until is not None and one.since >= stretch.until:
            break
        if one.since > since:
            yield since, one.since
        since = max(since, one.until)
    if stretch.until is None or since < stretch.until:
        yield since, stretch.until


def _silence(
    look: Look, of: CaseClass, source: str, *, began: datetime, ended: datetime | None, opened_by: tuple[str, ...],
    evidence: tuple[str, ...],
) -> Episode:  # fmt: skip
    return Episode(
        case_class=of.key,
        subject=Entity("interface", source),
        title=f"{source} is silent",
        began=began,
        ended=ended,
        opened_by=opened_by,
        evidence=evidence,
        closed_by=last_words(look.view, source, ended) if ended else (),
        touches=frozenset({Entity("interface", source)}),
        owner=look.view.plant.source(source).owner,
    )
