"""Which feeds can be trusted: last heard, cadence, state, gaps, what each owns and who owns it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.wording import at, counted, listed, rid, said, shown
from lineside.memory import Freshness, View
from lineside.plant.entities import EntityKind
from lineside.plant.records import Record
from lineside.plant.timeline import duration
from lineside.plant.windows import Window


def trust(view: View, *, dead_letters: Sequence[str] = ()) -> Reading:
    """Every feed with its health, the unhealthy first, and the answers that rest on it.

    dead_letters: the sources of the messages that could not be read, one name for each message.
    """
    feeds = sorted(view.freshness(), key=lambda f: (_RANK[str(f.state)], f.source))
    if not feeds:
        return Reading(
            verdict="No source has spoken yet, and the plant file names none.",
            missing=("Records of any source, or [[sources]] in the plant file.",),
        )
    findings = [_health(view, f) for f in feeds]
    against = [*_gaps(view), *_interface_events(view)]
    doubtful = [f for f in feeds if str(f.state) != "live"]
    missing = []
    missing += [
        f"{counted(dead_letters.count(source), 'message')} of {source}: unreadable, in the dead letters."
        for source in sorted(set(dead_letters))
    ]
    for feed in doubtful:
        owned = view.plant.source(feed.source).owns
        if owned:
            missing.append(f"Current {listed(list(owned))}: they belong to {feed.source}.")
    if doubtful:
        told = [f"{f.source} ({f.state}{_since(view, f)})" for f in doubtful]
        verdict = f"{counted(len(doubtful), 'feed')} of {len(feeds)} cannot be trusted now: {listed(told, limit=8)}"
    else:
        verdict = f"All {len(feeds)} feeds are live" if len(feeds) > 1 else f"{feeds[0].source}, the only feed, is live"
    gaps = view.gaps()
    if gaps:
        verdict += f"; {counted(len(gaps), 'gap')} on record, in {listed(sorted({g.source for g in gaps}))}"
    return Reading(
        verdict=verdict + ".",
        findings=tuple(findings),
        against=tuple(against),
        missing=tuple(missing),
        next_steps=tuple(_steps(view, doubtful)),
        data={"feeds": [{"source": f.source, "state": str(f.state), "cadence_s": f.cadence_s} for f in feeds]},
    )


_RANK = {"silent": 0, "late": 1, "live": 2}


def _health(view: View, feed: Freshness) -> Finding:
    card = view.plant.source(feed.source)
    parts = [f"{feed.source} is {feed.state}"]
    if feed.last_heard is not None:
        ago = duration((view.as_of - feed.last_heard).total_seconds())
        parts.append(f"last heard at {clock(feed.last_heard, view.plant)}, {ago} ago")
    else:
        parts.append("never heard")
    if feed.cadence_s:
        parts.append(f"{'expected' if feed.declared else 'usually'} every {duration(feed.cadence_s)}")
    if card.owns:
        parts.append(f"it owns {listed(list(card.owns))}")
    if card.owner:
        parts.append(f"owner {card.owner}")
    cites: list[Cite] = [PlantFact(f"sources.{feed.source}", card_words(view, feed.source))]
    cites += _last_records(view, feed)
    data = {"source": feed.source, "state": str(feed.state), "owner": card.owner}
    return Finding(text=", ".join(parts) + ".", kind=Kind.DERIVED, cites=tuple(cites), data=data)


def card_words(view: View, source: str) -> str:
    """What the plant file says of a source, quotable."""
    card = view.plant.source(source)
    if card not in view.plant.sources:
        return f"the plant file does not name {source}"
    words = [f"source {card.name}"]
    words += [f"{n} {v}" for n, v in (("kind", card.kind), ("owner", card.owner)) if v]
    if card.cadence_s:
        words.append(f"cadence {shown(card.cadence_s)} s")
    if card.owns:
        words.append(f"owns {listed(list(card.owns), limit=20)}")
    return ", ".join(words)


def _last_records(view: View, feed: Freshness) -> list[str]:
    """A newest record by which the source was heard, where one lies near that moment."""
    if feed.last_heard is None:
        return []
    near = Window(start=feed.last_heard - timedelta(hours=1), end=feed.last_heard + timedelta(seconds=1))
    heard: list[tuple[datetime, str]] = [
        (s.reported_at, s.record_id) for s in view.statements(within=near) if s.source == feed.source
    ]
    records: list[Record] = [*view.events(within=near), *view.notes(within=near), *view.decisions(within=near)]
    heard += [(r.provenance.reported_at, rid(r)) for r in records if r.provenance.source == feed.source]
    return [max(heard)[1]] if heard else []


def _gaps(view: View) -> list[Finding]:
    found = []
    for gap in view.gaps():
        stretch = f"from {clock(gap.since, view.plant)} to {clock(gap.until, view.plant)}"
        text = f"{gap.source} may have spoken unheard {stretch}: {gap.reason}."
        found.append(Finding(text=text, kind=Kind.FACT, cites=(PlantFact(f"sources.{gap.source}", text),)))
    return found


def _interface_events(view: View) -> list[Finding]:
    """Feeds that stopped and did not start again, and changed schemas, as their own events tell."""
    running: dict[str, bool] = {}
    found = {}
    for event in view.events(kinds=("feed_started", "feed_stopped", "schema_changed")):
        name = str(
            event.attributes.get(EntityKind.INTERFACE) or event.attributes.get("source") or event.provenance.source
        )
        if event.kind == "schema_changed":
            found[f"{name} {rid(event)}"] = event
        else:
            running[name] = event.kind == "feed_started"
            found[name] = event
    return [
        Finding(text=f"{said(e)} at {clock(at(e), view.plant)}.", kind=Kind.FACT, cites=(rid(e),))
        for name, e in found.items()
        if not running.get(name, False)
    ]


def _since(view: View, feed: Freshness) -> str:
    return f" since {clock(feed.last_heard, view.plant)}" if feed.last_heard else ", never heard"


def _steps(view: View, doubtful: Sequence[Freshness]) -> list[str]:
    steps = []
    for feed in doubtful:
        owner = view.plant.source(feed.source).owner
        steps.append(f"Ask {owner or 'the owner'} why {feed.source} is {feed.state}.")
    return steps
