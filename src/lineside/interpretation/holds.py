"""The holds in the plant: reports and events folded into one story each, and which of them bind a thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.interpretation import shared_states
from lineside.interpretation.facts import Facts, owner_of, plain_id, pointed_at
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.settled import settled
from lineside.memory.happenings import newest_events, unended
from lineside.plant.entities import Entity
from lineside.plant.records import Event
from lineside.plant.windows import Window

_NEWEST = 20  # events that one hold is told by
_THINGS = ("lot", "job_order", "shipment", "sales_order")
_SUBJECTS = (*_THINGS, "equipment", "material")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one source last said of a hold's status. state: active, released, or None for an unknown word."""

    source: str
    state: str | None
    said: str
    at: datetime
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold. An active word binds until the datum's owner says released; words: newest of each source."""

    id: str
    subject: Entity | None
    reason: str
    owner: str | None
    active: bool
    since: datetime
    words: tuple[Word, ...]
    cites: tuple[str, ...]

    @property
    def disputed(self) -> bool:
        return len({word.state for word in self.words}) > 1


@dataclass(slots=True)
class _Draft:
    subject: Entity | None = None
    reason: str = ""
    owner: str | None = None
    since: datetime | None = None
    words: dict[str, Word] | None = None
    cites: dict[str, None] | None = None

    def hear(self, word: Word) -> None:
        self.words = self.words or {}
        known = self.words.get(word.source)
        if known is None or (known.at, known.record_id) <= (word.at, word.record_id):
            self.words[word.source] = word
        self.cite(word.record_id)

    def cite(self, record_id: str) -> None:
        self.cites = {**(self.cites or {}), record_id: None}

    def starts(self, when: datetime) -> None:
        self.since = when if self.since is None else min(self.since, when)


def holds(facts: Facts) -> list[Hold]:
    """Every hold that is not over long since, the oldest first."""
    return facts.once(_holds)


def _holds(facts: Facts) -> list[Hold]:
    drafts: dict[str, _Draft] = defaultdict(_Draft)
    known = facts.live("hold")
    for statement in sorted(facts.view.said(entities=known), key=lambda s: (s.occurred_at, s.record_id)):
        draft = drafts[statement.entity.id]
        draft.cite(statement.record_id)
        draft.starts(statement.occurred_at)
        if statement.property == "subject":
            target = next(pointed_at(statement.value, "subject"), None)
            draft.subject = Entity.parse(target) if target else draft.subject
        elif statement.property == "reason":
            draft.reason = statement.text
        elif statement.property == "owner":
            draft.owner = statement.text
        elif statement.property == "status":
            state = shared_states.state_of("hold", "status", statement.value)
            draft.hear(_word(statement.source, state, statement.text, statement.occurred_at, statement.record_id))
    for event in sorted(_events(facts, known), key=lambda e: (e.provenance.occurred_at, e.provenance.record_id)):
        for name in _named(event, drafts):
            _hear_event(drafts[name], event)
    found = [_finish(facts, name, draft) for name, draft in drafts.items() if draft.words or draft.subject]
    return sorted(found, key=lambda h: (h.since, h.id))


def _events(facts: Facts, known: Iterable[Entity]) -> Collection[Event]:
    """Those of late, those about the holds that stand, and what was placed before and never released."""
    view, kinds = facts.view, ("hold_placed", "hold_released")
    if facts.whole:
        return view.events(kinds=kinds)
    since = view.as_of - settled().after
    found = view.events(kinds=kinds, within=Window(start=since, end=view.as_of + timedelta(microseconds=1)))
    found += unended(view, "hold_placed", ["hold_released"], called="hold", about=_THINGS, before=since)
    for events in newest_events(view, kinds, list(known), each=_NEWEST).values():
        found += events
    return {event.provenance.record_id: event for event in found}.values()


def binding(known: Iterable[Hold], things: Iterable[Entity]) -> list[Hold]:
    """The active ones among the holds whose subject is one of the things."""
    wanted = set(things)
    return [hold for hold in known if hold.active and hold.subject in wanted]


def hold_finding(facts: Facts, hold: Hold) -> Finding:
    """The hold in one sentence."""
    plant, now = facts.plant, facts.view.as_of
    words = "; ".join(f"{w.source} says {w.said}" for w in hold.words)
    state = "active" if hold.active else "released"
    return Finding(
        text=f"Hold {hold.id} on {hold.subject.id if hold.subject else 'an unnamed thing'} is {state} since "
        f"{clock(hold.since if hold.active else max(w.at for w in hold.words), plant, relative_to=now)}"
        + (f": {hold.reason}" if hold.reason else "")
        + (f"; owner {hold.owner}" if hold.owner else "; no owner is on record")
        + (f" ({words})" if hold.disputed else "")
        + ".",
        kind=Kind.DERIVED if hold.disputed else Kind.FACT,
        cites=hold.cites,
        data={
            "hold": hold.id,
            "subject": str(hold.subject) if hold.subject else None,
            "active": hold.active,
            "owner": hold.owner,
            "since": hold.since.isoformat(),
        },
    )


def _named(event: Event, drafts: dict[str, _Draft]) -> list[str]:
    named = event.hold or plain_id(event.attributes.get("hold"), "hold")
    if named:
        return [named]
    subject = _subject(event)
    if event.kind == "hold_placed":
        return [f"on {subject.id}"] if subject else []
    # A release that names no hold lifts what the same source placed on the same thing.
    source = event.provenance.source
    return [n for n, d in drafts.items() if subject and d.subject == subject and source in (d.words or {})]


def _hear_event(draft: _Draft, event: Event) -> None:
    when, placed = event.provenance.occurred_at, event.kind == "hold_placed"
    draft.hear(
        _word(
            event.provenance.source,
            "active" if placed else "released",
            "placed" if placed else "released",
            when,
            event.provenance.record_id,
        )
    )
    if draft.subject is None:
        draft.subject = _subject(event)
    if placed:
        draft.starts(when)
        draft.reason = draft.reason or str(event.attributes.get("reason") or event.text or "")
        owner = event.attributes.get("owner") or event.attributes.get("by")
        draft.owner = draft.owner or (str(owner) if owner else None)


def _subject(event: Event) -> Entity | None:
    if isinstance(text := event.attributes.get("subject"), str) and (found := next(pointed_at(text, "subject"), None)):
        return Entity.parse(found)
    return next((Entity(name, value) for name in _SUBJECTS if (value := getattr(event, name))), None)


def _word(source: str, state: str | None, said: str, at: datetime, record_id: str) -> Word:
    return Word(source=source, state=state, said=said, at=at, record_id=record_id)


def _finish(facts: Facts, name: str, draft: _Draft) -> Hold:
    words = tuple(sorted((draft.words or {}).values(), key=lambda w: (-w.at.timestamp(), w.source)))
    card = owner_of(facts.plant, "hold", "status")
    owned = next((w for w in words if card and w.source == card.name), None)
    deciding = (owned,) if owned else words
    # What a hold's word means isn't guessed: only a plain release frees.
    active = not words or any(w.state != "released" for w in deciding)
    return Hold(
        id=name,
        subject=draft.subject,
        reason=draft.reason,
        owner=draft.owner,
        active=active,
        since=draft.since or min(w.at for w in words),
        words=words,
        cites=tuple(draft.cites or ()),
    )
