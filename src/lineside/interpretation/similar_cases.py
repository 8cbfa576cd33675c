"""Past cases like the one asked about, by what happened: place, reason, material, what went before and after."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from math import log

from lineside.interpretation.case_words import single, what
from lineside.interpretation.cases_of import cases_of
from lineside.interpretation.fixes import Fix, fixes, outcome, worked_best
from lineside.interpretation.occurrences import Occurrence, occurrences
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.wording import alike, at, counted, listed, rid, short, text_of, words
from lineside.memory import View
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
    known = occurrences(view)
    if of is not None and isinstance(subject, str):
        mine = cases_of(view, known, of)
        fits = {c.records: score for score, c in _by_words((*known, *mine), _without(subject, of))}
        meant = max(enumerate(mine), key=lambda each: (fits.get(each[1].records, 0.0), each[0]), default=None)
        others_fit = max(fits.values(), default=0.0) >= _FITS
        if meant is not None and (meant[1].records in fits or not others_fit):
            return similar(view, meant[1], limit=limit)
        if not others_fit:
            return _nothing_of(view, of)
    text = subject if isinstance(subject, str) else _text(subject)
    scored = _by_words(known, text)
    own = _own(known, subject, [c for _, c in scored])
    past = known if own is None else [c for c in known if c.start < own.start and not _one_incident(view, own, c)]
    if own is not None:
        scored = _by_words(past, text)
    if own is None and not isinstance(subject, str):
        scored = [(s, c) for s, c in scored if _identifier(subject) not in c.records]
    traits = _Traits(view, [c for _, c in scored] + ([own] if own else []))
    ranked = _ranked(scored, traits, own)
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
    findings += [_told(traits, c, own, words(text)) for c in close]
    findings += [outcome(fix, view) for fix in tried[:4]]
    findings += [_told(traits, c, own, words(text)) for c in others]
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
    """What went along with each case, read once for all of them."""

    def __init__(self, view: View, cases: Sequence[Occurrence]) -> None:
        self.view = view
        self._lines: dict[str, list[Event]] = {}
        if cases:
            span = Window(
                start=min(c.start for c in cases) - _BEFORE_S,
                end=max((c.end or view.as_of) for c in cases) + _AFTER_S + timedelta(microseconds=1),
            )
            for event in view.events(kinds=(*_AROUND, *_AFTER), within=span):
                if event.equipment and at(event) <= view.as_of:
                    self._lines.setdefault(work_center(event.equipment), []).append(event)
        for events in self._lines.values():
            events.sort(key=lambda e: (at(e), rid(e)))
        self._known: dict[tuple[str, ...], dict[str, frozenset[str]]] = {}

    def of(self, case: Occurrence) -> dict[str, frozenset[str]]:
        """By the trait's name what the case has of it."""
        if case.records not in self._known:
            unit = case.equipment.removeprefix(work_center(case.equipment)).strip("/")
            place = {case.equipment, work_center(case.equipment), *([f"a {unit}"] if unit else [])}
            lasted = case.seconds(self.view.as_of)
            traits = {
                "reason": frozenset({" ".join(case.label.lower().split())} - {""}),
                "place": frozenset(place - {""}),
                "material": frozenset({case.material} if case.material else ()),
                "before": self._near(case, _AROUND, before=True),
                "after": self._near(case, _AFTER, before=False),
                "lasted": frozenset({_lasting(lasted)} if lasted else ()),
            }
            self._known[case.records] = traits
        return self._known[case.records]

    def _near(self, case: Occurrence, kinds: Sequence[str], *, before: bool) -> frozenset[str]:
        events = self._lines.get(work_center(case.equipment), [])
        end = case.end or self.view.as_of
        since, until = (case.start - _BEFORE_S, case.start) if before else (case.start, end + _AFTER_S)
        first = bisect_left(events, since, key=at)
        return frozenset(
            _event_name(e)
            for e in events[first : bisect_left(events, until + timedelta(microseconds=1), key=at)]
            if e.kind in kinds and rid(e) not in case.records
        )


def _by_words(known: Sequence[Occurrence], text: str) -> list[tuple[float, Occurrence]]:
    """Each case that shares words with the text, with the part of what the text could share at most."""
    asked = words(text)
    frequency = Counter(w for c in known for w in c.words)
    most = _weight(asked & frozenset(frequency), frequency, len(known))
    found = [(_weight(asked & c.words, frequency, len(known)) / most, c) for c in known] if most else []
    return sorted(((s, c) for s, c in found if s > 0), key=lambda s: (-s[0], s[1].key, s[1].start))


def _ranked(scored: Sequence[tuple[float, Occurrence]], traits: _Traits, own: Occurrence | None) -> list[Occurrence]:
    close = [(score, c) for score, c in scored if score >= _FITS]
    if own is None:
        return [c for _, c in sorted(close, key=lambda s: (-s[0], s[1].key, -s[1].start.timestamp()))]
    mine = traits.of(own)
    most = 2.0 + sum(_WEIGHTS[name] for name, values in mine.items() if values)
    told = [(2.0 * score + _likeness(mine, traits.of(c)), c) for score, c in scored]
    near = [(likeness / most, c) for likeness, c in told if likeness >= 0.4 * most]
    return [c for _, c in sorted(near, key=lambda s: (-round(s[0], 6), s[1].key != own.key, -s[1].start.timestamp()))]


def _likeness(one: dict[str, frozenset[str]], other: dict[str, frozenset[str]]) -> float:
    return sum(_WEIGHTS[name] * alike(values, other[name]) for name, values in one.items())


def _own(
    known: Sequence[Occurrence], subject: str | Event | Occurrence, fitting: Sequence[Occurrence]
) -> Occurrence | None:
    """The case that is asked about, where the records hold it."""
    if isinstance(subject, Occurrence):
        return subject
    if isinstance(subject, Event):
        return next((c for c in known if rid(subject) in c.records), None)
    best = fitting[0].key if fitting else None
    lasting = [c for c in known if c.end is None and c.key == best]
    return max(lasting, key=lambda c: c.start, default=None)


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


def _event_name(event: Event) -> str:
    label = next((str(v) for n in ("code", "reason", "parameter") if (v := event.attributes.get(n))), "")
    return f"{event.kind.replace('_', ' ')} {label}".strip()


def _lasting(seconds: float) -> str:
    for limit in _LASTING:
        if seconds < limit:
            return f"under {duration(limit)}"
    return f"{duration(_LASTING[-1])} or more"


def _text(subject: Event | Occurrence) -> str:
    return text_of(subject) if isinstance(subject, Event) else f"{subject.kind} {subject.label} {subject.text}"


def _identifier(subject: Event | Occurrence) -> str:
    return rid(subject) if isinstance(subject, Event) else subject.records[0]


def _weight(shared: frozenset[str], frequency: Counter[str], total: int) -> float:
    return sum(log(1 + total / frequency[w]) for w in shared)
