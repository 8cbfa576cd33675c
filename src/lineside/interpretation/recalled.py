"""What people were told before and is no longer so: a record behind it was corrected, deleted or overtaken since."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lineside.interpretation import shared_states
from lineside.interpretation.decision_words import Recalling, decision_words
from lineside.interpretation.facts import moment, spoken
from lineside.interpretation.facts import told as shown
from lineside.interpretation.force import supersedes
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.wording import at, bounded, counted, listed, rid, said, short
from lineside.memory import Statement, View
from lineside.plant.entities import Entity
from lineside.plant.records import Correction, Decision, Deletion, Event, Json, Record, Report
from lineside.plant.windows import Window

_NOUNS = {"answer": "an answer", "handover": "a handover", "proposal": "a proposal", "approval": "an approval"}
_INSTANT = timedelta(microseconds=1)


class How(StrEnum):
    """What became of a record that somebody relied on."""

    CORRECTED = "corrected"
    DELETED = "deleted"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that somebody was told, or decided on. kind: answer, handover, proposal or approval. place: where it
    is kept. question: what it was about. claims: each sentence, empty where only its records are kept, with the ids of
    those. settled: what came of it is meant to change what it rested on, so that only what is taken back counts."""

    kind: str
    place: str
    question: str
    as_of: datetime
    claims: tuple[tuple[str, tuple[str, ...]], ...]
    verdict: str = ""
    settled: bool = False

    @property
    def cites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for _, cites in self.claims for c in cites))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one record. now: what is so instead, in words. cause: the record that changed it, which the reader
    may read; None where only its effect is seen. since: when that was reported."""

    record: str
    how: How
    was: str
    now: str
    cause: str | None
    since: datetime
    claims: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """One thing told that rests on what changed. stands: whether its verdict is still the same; None where that was
    not computed again, and it must be asked again."""

    told: Told
    changes: tuple[Change, ...]
    stands: bool | None = None
    verdict_now: str = ""

    @property
    def key(self) -> str:
        """The same as long as nothing else becomes of it."""
        return f"{self.told.place} " + " ".join(sorted(c.cause or c.record for c in self.changes))


def recalls(view: View, told: Sequence[Told]) -> list[Recall]:
    """Those of what was told whose records changed after it, by the view's `as_of`; the newest told first.

    Only changes that the view's reader may read are told; a record that this reader could never read changes nothing.
    """
    known = [each for each in told if each.as_of < view.as_of]
    if not known:
        return []
    standing = view.records(sorted({c for each in known for c in each.cites}))
    overtaking = _Overtaking(view, list(standing.values()), first=min(each.as_of for each in known))
    taking_back = _TakingBack(view, first=min(each.as_of for each in known))
    found = []
    for each in known:
        changes = [*taking_back.of(each, standing), *overtaking.of(each, standing)]
        if changes:
            found.append(Recall(told=each, changes=tuple(sorted(changes, key=lambda c: (c.since, c.record)))))
    return sorted(found, key=lambda r: (-r.told.as_of.timestamp(), r.told.place))


def recalled(view: View, told: Sequence[Told], found: Sequence[Recall]) -> Reading:
    """What changed of what the reader was told, one finding each: the old claim, the new fact, whether it stands."""
    days = decision_words().recalling.horizon.days
    if not told:
        return Reading(
            verdict=f"Nothing that you were told in the last {days} days is kept in a conversation of yours.",
            missing=("An earlier answer in a conversation of yours.",),
        )
    total = counted(len(told), "earlier answer")
    if not found:
        standing = view.records(sorted({c for each in told for c in each.cites}))
        verdict = f"Nothing that you were told changed: no record behind your {total} of the last {days} days was "
        verdict += "corrected, deleted or overtaken."
        findings = (Finding(text=verdict, kind=Kind.DERIVED, cites=bounded(standing)),) if standing else ()
        return Reading(verdict=verdict, findings=findings, data={"recalled": []})
    told_of = tuple(finding(view, each) for each in found)
    verb = "rests" if len(found) == 1 else "rest"
    verdict = f"{len(found)} of the {total} of the last {days} days {verb} on what changed since: "
    verdict += listed([f'"{short(r.told.question, 70)}" ({_hows(r)})' for r in found], limit=4)
    data: list[Json] = [{"place": r.told.place, "kind": r.told.kind, "stands": r.stands} for r in found]
    again = [r for r in found if r.stands is not True and r.told.question]
    return Reading(
        verdict=verdict + ".",
        findings=told_of,
        next_steps=tuple(f'Ask again: "{short(r.told.question, 90)}"' for r in again[:3]),
        data={"recalled": data},
    )


def finding(view: View, each: Recall) -> Finding:
    """What somebody was told, what became of the records behind it, and whether it still stands."""
    cites = tuple(dict.fromkeys(c.cause for c in each.changes if c.cause)) or (each.changes[0].record,)
    return Finding(
        text=sentence(view, each),
        kind=Kind.DERIVED,
        cites=cites,
        data={"place": each.told.place, "kind": each.told.kind, "how": [str(c.how) for c in each.changes]},
    )


def sentence(view: View, each: Recall) -> str:
    """The recall in words, times on the plant's clock."""
    told = each.told
    when = clock(told.as_of, view.plant, relative_to=view.as_of)
    about = f' to "{short(told.question, 90)}"' if told.question else ""
    text = f"{_NOUNS.get(told.kind, 'an answer').capitalize()} of {when}{about} rests on what changed since"
    for change in each.changes[:3]:
        since = clock(change.since, view.plant, relative_to=view.as_of)
        claim = f'; it said "{short(change.claims[0], 140)}"' if change.claims else f"; it relied on {change.was}"
        text += f"{claim}, {change.how} at {since}: {change.now}"
    if len(each.changes) > 3:
        text += f"; and {len(each.changes) - 3} more"
    if each.stands is True:
        text += "; its verdict is still the same"
    elif each.stands is False:
        text += f'; its verdict would now be: "{short(each.verdict_now, 160)}"'
    else:
        text += "; whether its verdict stands must be asked again"
    return text + "."


def _hows(each: Recall) -> str:
    return ", ".join(dict.fromkeys(str(c.how) for c in each.changes))


class _TakingBack:
    """The corrections and deletions since a moment, and what each did."""

    def __init__(self, view: View, *, first: datetime) -> None:
        self.view = view
        self.made = view.corrections(within=Window(start=first, end=view.as_of + _INSTANT))

    def of(self, told: Told, standing: Mapping[str, Record]) -> Iterator[Change]:
        gone = [c for c in told.cites if c not in standing]
        if not gone or not self.made:
            return
        before = replace(self.view, as_of=told.as_of, kept={}).records(gone)
        for record_id, old in before.items():
            claims = tuple(text for text, cites in told.claims if text and record_id in cites)
            word = self._last(old)
            if word is None:
                continue
            new = self.view.replacement(word) if isinstance(word, Correction) else None
            how = How.DELETED if isinstance(word, Deletion) or new is None else How.CORRECTED
            reason = f" ({short(word.reason, 100)})" if word.reason else ""
            now = f"now {short(said(new), 200)}" if new is not None else f"{word.provenance.source} took it back"
            now += reason
            yield Change(
                record=record_id, how=how, was=short(said(old), 160), now=now, cause=rid(word),
                since=word.provenance.reported_at, claims=claims,
            )  # fmt: skip

    def _last(self, old: Record) -> Correction | Deletion | None:
        """The last word of the chain that took the record back."""
        ids, last = {old.provenance.source_id}, None
        for word in self.made:
            target = word.corrects if isinstance(word, Correction) else word.of
            if word.provenance.source == old.provenance.source and target in ids:
                ids.add(word.provenance.source_id)
                last = word
        return last


class _Overtaking:
    """What newer statements, events and decisions say in the place of records that still stand."""

    def __init__(self, view: View, cited: Sequence[Record], *, first: datetime) -> None:
        self.view, self.rules = view, decision_words().recalling
        reports = [r for r in cited if isinstance(r, Report)]
        self.latest: dict[tuple[Entity, str, str, str | None], Statement] = {
            (s.entity, s.property, s.source, s.scope): s
            for s in (view.said(entities=sorted({r.entity for r in reports})) if reports else ())
        }
        events = [e for e in cited if isinstance(e, Event) and e.kind in self.rules.endings]
        kinds = sorted({k for e in events for k in self.rules.endings[e.kind]})
        span = Window(start=min((at(e) for e in events), default=first), end=view.as_of + _INSTANT)
        self.ending = view.events(kinds=kinds, within=span) if events else []
        decided = any(isinstance(d, Decision) for d in cited)
        self.decisions = [d for d in view.decisions() if d.provenance.reported_at > first] if decided else []

    def of(self, told: Told, standing: Mapping[str, Record]) -> Iterator[Change]:
        for record_id in () if told.settled else told.cites:
            old = standing.get(record_id)
            claims = tuple(text for text, cites in told.claims if text and record_id in cites)
            newer = None
            match old:
                case Report():
                    newer = self._statement(old, told, claims)
                case Event():
                    newer = self._event(old, told)
                case Decision():
                    newer = self._decision(old, told)
            if old is not None and newer is not None:
                cause, now, since = newer
                yield Change(
                    record=record_id, how=How.OVERTAKEN, was=short(said(old), 160), now=now, cause=cause, since=since,
                    claims=claims,
                )  # fmt: skip

    def _statement(self, old: Report, told: Told, claims: Sequence[str]) -> tuple[str, str, datetime] | None:
        for name, value in old.properties.items():
            newest = self.latest.get((old.entity, name, old.provenance.source, old.scope))
            if newest is None or newest.record_id == rid(old) or newest.reported_at <= told.as_of:
                continue
            if newest.occurred_at < at(old) or not _changes(self.rules, newest, value):
                continue
            if not claims or any(self._names(text, newest, value, told.as_of) for text in claims):
                now = f"{old.entity.id} {name.replace('_', ' ')}, {spoken(newest, self.view)}"
                return newest.record_id, now, newest.reported_at
        return None

    def _names(self, claim: str, newest: Statement, value: Json, as_of: datetime) -> bool:
        """Whether the claim speaks of the property: by its name, its value, or the state that the value means."""
        text = claim.casefold()
        then = shown(replace(newest, value=value), replace(self.view, as_of=as_of))
        state = shared_states.state_of(newest.entity.kind, newest.property, value)
        spelled = {newest.property.replace("_", " "), then, state or ""}
        if when := moment(value):
            spelled.add(clock(when, self.view.plant, day=False))
            spelled.add(f"{when.astimezone(self.view.plant.time_zone):%H:%M}")
        return any(
            word and re.search(rf"(?<!\w){re.escape(word.casefold().replace('_', ' '))}(?!\w)", text.replace("_", " "))
            for word in spelled
        )

    def _event(self, old: Event, told: Told) -> tuple[str, str, datetime] | None:
        endings = self.rules.endings.get(old.kind, ())
        mine = {e for e in old.entities() if e.kind not in ("equipment", "material")}
        for event in self.ending:
            news = event.provenance.reported_at > told.as_of and at(event) >= at(old) and rid(event) != rid(old)
            if event.kind in endings and news and mine & set(event.entities()):
                return rid(event), short(said(event), 200), event.provenance.reported_at
        return None

    def _decision(self, old: Decision, told: Told) -> tuple[str, str, datetime] | None:
        for later in self.decisions:
            if later.provenance.reported_at > told.as_of and at(later) > at(old) and supersedes(later, old):
                return rid(later), f"superseded by {short(said(later), 200)}", later.provenance.reported_at
        return None


def _changes(rules: Recalling, newest: Statement, before: Json) -> bool:
    """Whether the newer value means something else: another state, word, date or list; a figure only where agreed."""
    kind, name, after = newest.entity.kind, newest.property, newest.value
    if after == before or f"{kind}.{name}" in rules.running:
        return False
    states = [shared_states.state_of(kind, name, value) for value in (before, after)]
    if None not in states:
        return states[0] != states[1]
    amounts = [_figure(value) for value in (before, after)]
    if any(amounts):
        return f"{kind}.{name}" in rules.agreed
    if isinstance(before, str) and isinstance(after, str):
        times = moment(before), moment(after)
        if times[0] and times[1]:
            return times[0] != times[1]
        return " ".join(before.casefold().split()) != " ".join(after.casefold().split())
    return True


def _figure(value: Json) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool)) or (
        isinstance(value, dict) and "value" in value
    )
