"""Past cases like the one asked about, by what happened: place, reason, material, what went before and after."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import TypeAlias

from lineside.interpretation.case_words import single, what
from lineside.interpretation.cases_of import cases_of, cases_with
from lineside.interpretation.census import Census, Rarity
from lineside.interpretation.fixes import Fix, fixes, outcome, worked_best
from lineside.interpretation.occurrences import Occurrence, plainly
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.running import running_on
from lineside.interpretation.wording import alike, counted, listed, rid, short, text_of, words
from lineside.memory import View
from lineside.memory.moments import moment
from lineside.memory.picked import picked
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Event
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_AROUND = (
    "alarm",
    "excursion",
    "parameter_change",
    "changeover_end",
    "pick_late",
    "maintenance_finished",
    "feed_stopped",
)
_AFTER = ("scrap", "nonconformity", "hold_placed", "complaint", "promise_changed", "maintenance_requested")
_FITS = 0.4  # of what a text could share with a case at most
_BEFORE_S, _AFTER_S = timedelta(hours=1), timedelta(hours=4)
_INSTANT = timedelta(microseconds=1)
_FEW = 24  # around so many cases each is looked at by itself
_NAMES = ("attributes.code", "attributes.reason", "attributes.parameter")
_Nearby: TypeAlias = tuple[datetime, str, str, str]
"""When, the record, the kind of event and what it is called."""
_INCIDENT = timedelta(minutes=30)  # what begins this soon after another on one line is of the same incident
_LASTING = (300, 1800, 7200)  # a short stop, a stop, a long one, an outage


# What each trait that two cases share says for their likeness, besides the words.
_WEIGHTS = {"reason": 4.0, "place": 2.0, "material": 1.0, "before": 2.0, "after": 1.5, "lasted": 1.0}


def similar(view: View, subject: str | Event | Occurrence, *, of: Entity | None = None, limit: int = 5) -> Reading:
    """Whether what is asked about has happened before, the cases most alike, why, what differed and what was tried.

    A text is matched by its words; where a case that it fits still lasts, that case is what is asked about. of: a thing
    whose case is asked about, of several the one that the text fits, else what lasts or was last; a text that fits
    other cases but none of the thing's speaks for itself. The incident that a case is part of is no precedent of it.
    """
    return _similar(Census(view), subject, of, limit)


def _similar(census: Census, subject: str | Event | Occurrence, of: Entity | None, limit: int) -> Reading:
    view = census.view
    if of is not None and isinstance(subject, str):
        mine = cases_of(view, of)
        rarity = census.rarity(_without(subject, of))
        fits = {c.records: score for c in mine if (score := rarity.of(c.words)) > 0}
        meant = max(enumerate(mine), key=lambda each: (fits.get(each[1].records, 0.0), each[0]), default=None)
        others_fit = any(score >= _FITS for score in (*fits.values(), *(s for s, _ in rarity.called()[:1])))
        if meant is not None and (meant[1].records in fits or not others_fit):
            return _similar(census, meant[1], None, limit)
        if not others_fit:
            return _nothing_of(view, of)
    text = subject if isinstance(subject, str) else _text(subject)
    rarity = census.rarity(text)
    own = _own(census, subject, rarity)
    traits = _Traits(view)
    if own is not None:
        ranked = _like(census, own, rarity, traits, limit)
    else:
        but = "" if isinstance(subject, str) else _identifier(subject)
        ranked = _fitting(census, rarity, limit, but)
    if not ranked:
        return Reading(
            verdict=f'No record of anything like "{short(text, 120)}" before '
            f"{clock(own.start if own else view.as_of, view.plant)}.",
            missing=("An earlier stop, alarm or quality event that shares its words or what went along with it.",),
        )
    best = ranked[0].key
    same = sorted((c for c in ranked if c.key == best), key=lambda c: c.start)
    others = [c for c in ranked if c.key != best][: max(0, limit - 1)]
    tried = fixes(view, same) if own is None or own.key != best else _on_past(fixes(view, [*same, own]), own)
    findings: list[Finding] = []
    if own is not None:
        findings.append(_asked(view, own))
    close = [c for c in ranked if c.key == best][:limit]
    traits.look_at([*close, *others, *([own] if own else [])])
    findings += [_told(traits, c, own, rarity.asked) for c in close]
    findings += [outcome(fix, view) for fix in tried[:4]]
    findings += [_told(traits, c, own, rarity.asked) for c in others]
    last = same[-1]
    verdict = (
        f"Yes: {what(last)} happened {counted(len(same), 'time')}, last at {clock(last.start, view.plant)}"
        if len(same) > 1
        else f"Yes, once: {what(last)} at {clock(last.start, view.plant)}"
    )
    if own is not None:
        verdict += f", before the one at {clock(own.start, view.plant)}"
    if held := worked_best(tried, view) or (tried[0] if len(tried) == 1 else None):
        verdict += f'; {"longest away after" if len(tried) > 1 else "then done:"} "{short(held.name, 120)}"'
    missing = () if tried else ("What was done then: no note, maintenance or parameter change follows it.",)
    return Reading(verdict=verdict + ".", findings=tuple(findings), missing=missing)


def _without(text: str, thing: Entity) -> str:
    """The text without the thing's own name, which says nothing of what happened to it."""
    own = words(f"{thing.kind.replace('_', ' ')} {thing.id} {thing.id.replace('/', ' ')}")
    return " ".join(sorted(words(text) - own))


def _nothing_of(view: View, thing: Entity) -> Reading:
    called = view.plant.called(thing.id) if thing.kind == EntityKind.EQUIPMENT else str(thing).replace(":", " ", 1)
    what_lacks = "lasts or happened lately" if thing.kind == EntityKind.EQUIPMENT else "that can repeat is on record"
    verdict = f"Nothing {what_lacks} on {called}, so there is nothing to compare with earlier cases."
    return Reading(verdict=verdict, missing=(f"A stop, an alarm or a quality event of {called}.",))


class _Traits:
    """What went along with cases, read at once for those that are looked at."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._lines: dict[str, list[_Nearby]] = {}
        self._times: dict[str, list[datetime]] = {}
        self._known: dict[tuple[str, ...], dict[str, frozenset[str]]] = {}
        self._seen: list[Window] = []
        self._ran = running_on(view).at

    def look_at(self, cases: Sequence[Occurrence]) -> None:
        """What happened around these cases is read; around few only there, else from the first to the last."""
        now = self.view.as_of
        around = [Window(start=c.start - _BEFORE_S, end=(c.end or now) + _AFTER_S + _INSTANT) for c in cases]
        missing = [w for w in around if not any(s.start <= w.start and w.end <= s.end for s in self._seen)]
        if len(missing) > _FEW:
            missing = [Window(start=min(w.start for w in missing), end=max(w.end for w in missing))]
        found: dict[str, set[_Nearby]] = {}
        for window in missing:
            for record, kind, _, place, when, _, said in picked(self.view, (*_AROUND, *_AFTER), _NAMES, within=window):
                if place and (at := moment(when)) <= now:
                    found.setdefault(work_center(place), set()).add((at, record, kind, _event_name(kind, said)))
        for line, events in found.items():
            self._lines[line] = sorted(events.union(self._lines.get(line, ())))
            self._times[line] = [at for at, _, _, _ in self._lines[line]]
        self._seen += missing

    def of(self, case: Occurrence) -> dict[str, frozenset[str]]:
        """By the trait's name what the case has of it."""
        if case.records not in self._known:
            lasted = case.seconds(self.view.as_of)
            traits = {
                **_called_at(case.label, case.equipment),
                "material": frozenset({self._material(case)} - {""}),
                "before": self._near(case, _AROUND, before=True),
                "after": self._near(case, _AFTER, before=False),
                "lasted": frozenset({_lasting(lasted)} if lasted else ()),
            }
            self._known[case.records] = traits
        return self._known[case.records]

    def _near(self, case: Occurrence, kinds: Sequence[str], *, before: bool) -> frozenset[str]:
        line = work_center(case.equipment)
        events, times = self._lines.get(line, ()), self._times.get(line, ())
        end = case.end or self.view.as_of
        since, until = (case.start - _BEFORE_S, case.start) if before else (case.start, end + _AFTER_S)
        near = events[bisect_left(times, since) : bisect_right(times, until)]
        return frozenset(name for _, record, kind, name in near if kind in kinds and record not in case.records)

    def _material(self, case: Occurrence) -> str:
        return case.material or (self._ran(case.equipment, case.start) if "/" in case.equipment else "") or ""


def _fitting(census: Census, rarity: Rarity, limit: int, but: str) -> list[Occurrence]:
    """The cases that the text fits, the best first: all of the first sort, and at least `limit` others if there are."""
    found: dict[tuple[str, ...], tuple[float, Occurrence]] = {}
    first: tuple[str, str, str] | None = None
    others = 0  # that none can come before which is not read yet
    for score, one in rarity.called():
        if score < _FITS or (one.key != first and others >= limit):
            break
        called_so = 0
        for case in census.cases(one):
            if (fits := rarity.of(case.words)) >= _FITS and but not in case.records:
                found[case.records] = (fits, case)
                called_so += case.key == one.key and case.text == one.text
        if called_so and first is None:
            first = one.key
        others += called_so if one.key != first else 0
    ranked = sorted(found.values(), key=lambda s: (-s[0], s[1].key, -s[1].start.timestamp()))
    return [case for _, case in ranked]


def _like(census: Census, own: Occurrence, rarity: Rarity, traits: _Traits, limit: int) -> list[Occurrence]:
    """The cases before it and of another incident that are most like it, in words and in what went along: all of the
    first sort, and at least `limit` others if there are."""
    traits.look_at([own])
    mine = traits.of(own)
    most = 2.0 + sum(_WEIGHTS[name] for name, values in mine.items() if values)
    circumstances = sum(_WEIGHTS[name] for name in ("material", "before", "after", "lasted") if mine[name])
    bounds = []
    for score, one in rarity.called():
        same = {name: values for name, values in _called_at(one.label, one.equipment).items() if name in _WEIGHTS}
        own_part = sum(_WEIGHTS[name] * alike(mine[name], values) for name, values in same.items())
        bounds.append((2.0 * score + own_part + circumstances, one))
    found = set[tuple[str, ...]]()
    ranked: list[tuple[tuple[float, bool, float], float, Occurrence]] = []
    for bound, one in sorted(bounds, key=lambda each: (-each[0], each[1].key, each[1].text)):
        if bound < 0.4 * most:
            break
        if ranked and one.key != ranked[0][2].key:
            others = [likeness for _, likeness, case in ranked if case.key != ranked[0][2].key]
            if len(others) >= limit and others[limit - 1] > bound:
                break
        past = [
            c for c in census.cases(one)
            if c.records not in found and c.start < own.start and not _one_incident(census.view, own, c)
            and rarity.of(c.words) > 0
        ]  # fmt: skip
        traits.look_at(past)
        for case in {c.records: c for c in past}.values():
            found.add(case.records)
            likeness = (2.0 * rarity.of(case.words) + _likeness(mine, traits.of(case))) / most
            if likeness >= 0.4:
                ranked.append(((-round(likeness, 6), case.key != own.key, -case.start.timestamp()), likeness, case))
        ranked.sort(key=itemgetter(0))
    return [case for _, _, case in ranked]


@lru_cache(maxsize=10_000)
def _called_at(label: str, equipment: str) -> Mapping[str, frozenset[str]]:
    """What a case is called and where it was, as traits."""
    unit = equipment.removeprefix(work_center(equipment)).strip("/")
    place = {equipment, work_center(equipment), *([f"a {unit}"] if unit else [])}
    return {"reason": frozenset({plainly(label)} - {""}), "place": frozenset(place - {""})}


def _likeness(one: dict[str, frozenset[str]], other: dict[str, frozenset[str]]) -> float:
    return sum(_WEIGHTS[name] * alike(values, other[name]) for name, values in one.items())


def _own(census: Census, subject: str | Event | Occurrence, rarity: Rarity) -> Occurrence | None:
    """The case that is asked about, where the records hold it."""
    if isinstance(subject, Occurrence):
        return subject
    if isinstance(subject, Event):
        return next((c for c in cases_with(census.view, [subject]) if rid(subject) in c.records), None)
    for _, best in rarity.called():
        if known := [c for c in census.cases(best) if c.key == best.key and rarity.of(c.words) > 0]:
            return max((c for c in known if c.end is None), key=lambda c: c.start, default=None)
    return None


def _on_past(tried: Sequence[Fix], own: Occurrence) -> list[Fix]:
    """What was tried on the cases before; that the same came again since counts, what is tried on it now does not."""
    past = [Fix(fix.name, tuple(t for t in fix.trials if t.occurrence is not own)) for fix in tried]
    return [fix for fix in past if fix.trials]


def _one_incident(view: View, own: Occurrence, other: Occurrence) -> bool:
    """Whether both are of one incident: on one line, overlapping or one soon after the other."""
    if other.records == own.records or set(other.records) & set(own.records):
        return True
    line, there = work_center(own.equipment), work_center(other.equipment)
    if not (within(line, there) or within(there, line)):
        return False
    return (other.end or view.as_of) + _INCIDENT > own.start


def _told(traits: _Traits, case: Occurrence, own: Occurrence | None, asked: frozenset[str]) -> Finding:
    """The case, with what it has in common with the one asked about and what differed."""
    found = single(traits.view, case)
    theirs = traits.of(case)
    if own is None:
        went = [f"{name} it: {listed(sorted(theirs[name]))}" for name in ("before", "after") if theirs[name]]
        more = f" {'; '.join(went).capitalize()}." if went else ""
        common = sorted(asked & case.words)
        alike_in = f" Alike in its words: {listed(common)}." if common else ""
        return Finding(text=found.text + alike_in + more, kind=Kind.DERIVED, cites=found.cites)
    mine = traits.of(own)
    same, differs = [], []
    for name in _WEIGHTS:
        shared, other = mine[name] & theirs[name], theirs[name] - mine[name]
        if shared:
            same.append(_trait(name, shared))
        if name == "place" and own.equipment in theirs[name]:
            continue
        if mine[name] - theirs[name] or other:
            differs.append(
                f"{_trait(name, other or frozenset({'nothing'}))} instead of {_values(name, mine[name] - theirs[name])}"
            )
    text = f"{found.text} Alike: {'; '.join(same) or 'its words alone'}."
    if differs:
        text += f" Different: {'; '.join(differs)}."
    cites = tuple(dict.fromkeys((*found.cites, own.records[0])))
    return Finding(
        text=text, kind=Kind.DERIVED, cites=cites,
        data={"alike": [n for n in _WEIGHTS if mine[n] & theirs[n]], "at": case.start.isoformat()},
    )  # fmt: skip


def _asked(view: View, own: Occurrence) -> Finding:
    found = single(view, own)
    return Finding(text=f"Asked about: {found.text[:1].lower()}{found.text[1:]}", kind=found.kind, cites=found.cites)


def _trait(name: str, values: frozenset[str]) -> str:
    told = {"before": "before it ", "after": "after it ", "lasted": "lasted ", "place": "at "}.get(name, f"{name} ")
    return told + _values(name, values)


def _values(name: str, values: frozenset[str]) -> str:
    # The nearest place says it all: a unit's line goes without saying.
    chosen = sorted(values, key=lambda v: (-v.count("/"), v))[:1] if name == "place" else sorted(values)
    return listed(chosen) if chosen else "nothing"


@lru_cache(maxsize=10_000)
def _event_name(kind: str, said: str) -> str:
    label = next((str(value) for value in json.loads(said) if value), "")
    return f"{kind.replace('_', ' ')} {label}".strip()


def _lasting(seconds: float) -> str:
    for limit in _LASTING:
        if seconds < limit:
            return f"under {duration(limit)}"
    return f"{duration(_LASTING[-1])} or more"


def _text(subject: Event | Occurrence) -> str:
    return text_of(subject) if isinstance(subject, Event) else f"{subject.kind} {subject.label} {subject.text}"


def _identifier(subject: Event | Occurrence) -> str:
    return rid(subject) if isinstance(subject, Event) else subject.records[0]
