"""What was tried against something that repeats, by whom, and how long it then stayed away."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import zip_longest

from lineside.interpretation.chance import median
from lineside.interpretation.occurrences import Occurrence
from lineside.interpretation.reading import Finding, Kind
from lineside.interpretation.wording import alike, at, counted, listed, rid, short, text_of, words
from lineside.memory import View
from lineside.memory.moments import moment
from lineside.memory.picked import acted, noted
from lineside.plant.equipment import within, work_center
from lineside.plant.records import Event, Json, Note, Record
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

_EVENTS = (
    "maintenance_started", "maintenance_finished", "parameter_change", "restart_check", "disposition", "start",
    "hold_released", "stop",
)  # fmt: skip
# Attributes in which systems write what was done, besides the text.
_ACTION_FIELDS = ("action", "fix", "remedy", "measure", "resolution", "countermeasure", "massnahme", "maßnahme")
# Stems of what hands do, English and German. Where any text has one, the texts without tell no remedy.
_HANDS = re.compile(
    r"\b(?:re-?)?(?:clean|replac|chang|adjust|set\b|reset|tighten|loosen|swap|lower|rais|increas|reduc|slow|fix|repair|"
    r"lubric|greas|oil|align|taught|teach|calibrat|switch|restart|purg|drain|refill|bypass|install|mount|fitt|remov|tapp|"
    r"wip|blew|blow|ground|flush|sharpen|shim|taped|unjam|clear|open|turn)\w*|"
    r"\b(?:ge|aus|ein|ab|an|nach|um|ver|zur(?:ü|ue)ck|hoch|runter)*(?:reinig|tausch|wechsel|ersetz|stell|justier|gesetz|zog|"
    r"zieh|l(?:ö|oe)s|schmier|reparier|senk|erh(?:ö|oe)h|reduzier|richt|kalibrier|sp(?:ü|ue)l|bau|klopf|schliff|schleif|"
    r"puste|blas|putz|wisch|dreh|fett)\w*",
    re.IGNORECASE,
)
_BARE = ("start", "stop")  # tell what was done in a field of their own, if at all
_AFTER = timedelta(hours=4)
_INSTANT = timedelta(microseconds=1)
_SAME = 0.34  # this share of words in common makes two texts one remedy


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing tried on one occurrence. away_s: until the same came again, or None: it has not, since `end`."""

    text: str
    record: str
    occurrence: Occurrence
    crew: str | None
    end: datetime
    away_s: float | None
    following: str | None


@dataclass(frozen=True, slots=True)
class Fix:
    """The trials whose words are alike. name: the shortest of their texts."""

    name: str
    trials: tuple[Trial, ...]


def fixes(view: View, cases: Sequence[Occurrence]) -> list[Fix]:
    """What was tried on the cases of one kind, alike things together, the most frequent first. cases: oldest first."""
    if not cases:
        return []
    trials: list[Trial] = []
    told = _records(view, cases)
    for position, case in enumerate(cases):
        following = cases[position + 1] if position + 1 < len(cases) else None
        trials += _tried(view, case, following, told)
    if any(_HANDS.search(t.text) for t in trials):
        trials = [t for t in trials if _HANDS.search(t.text)]
    own = frozenset().union(*(c.words for c in cases))
    groups: list[tuple[frozenset[str], list[Trial]]] = []
    for trial in trials:
        core = words(trial.text) - own or words(trial.text)
        for index, (known, members) in enumerate(groups):
            if alike(core, known) >= _SAME:
                members.append(trial)
                groups[index] = (known & core or known, members)
                break
        else:
            groups.append((core, [trial]))
    found = [Fix(min((t.text for t in members), key=lambda t: (len(t), t)), tuple(members)) for _, members in groups]
    return sorted(found, key=lambda f: (-len({t.occurrence.records for t in f.trials}), f.name))


def outcome(fix: Fix, view: View) -> Finding:
    """How often the fix was tried, by which crews, and how long the same then stayed away."""
    cases = {t.occurrence.records: t for t in fix.trials}
    crews = sorted({t.crew for t in fix.trials if t.crew})
    away = [t.away_s for t in cases.values() if t.away_s is not None]
    open_ends = [t for t in cases.values() if t.away_s is None]
    parts = []
    if away:
        middle = duration(median(away))
        parts.append(f"came back after {middle}" if len(away) == 1 else f"came back after a median of {middle}")
    if open_ends:
        quiet = duration(max((view.as_of - t.end).total_seconds() for t in open_ends))
        parts.append(f"has not come back for {quiet}" if not away else f"once not yet, for {quiet}")
    who = f" by {listed(crews)}" if crews else ""
    text = f'"{short(fix.name, 160)}" was tried {counted(len(cases), "time")}{who}; the same {" and ".join(parts)}.'
    cites = [i for t in fix.trials for i in (t.record, t.occurrence.records[0], t.following) if i]
    data: dict[str, Json] = {
        "fix": fix.name,
        "times": len(cases),
        "crews": list(crews),
        "median_away_s": median(away) if away else None,
        "not_back": len(open_ends),
    }
    return Finding(text=text, kind=Kind.DERIVED, cites=tuple(dict.fromkeys(cites)), data=data)


def worked_best(found: Sequence[Fix], view: View) -> Fix | None:
    """The fix after which the same stayed away longest, where there are two to compare; None otherwise."""
    if len(found) < 2:
        return None

    def away(fix: Fix) -> float:
        return median([t.away_s if t.away_s is not None else (view.as_of - t.end).total_seconds() for t in fix.trials])

    ranked = sorted(found, key=lambda f: (-away(f), f.name))
    return ranked[0] if away(ranked[0]) > away(ranked[1]) else None


def _until(view: View, case: Occurrence, following: Occurrence | None) -> datetime:
    """How long after the case what is done is done about it."""
    end = case.end or view.as_of
    until = min(t for t in (end + _AFTER, following.start if following else None, view.as_of) if t is not None)
    return max(until, case.start)


def _tried(view: View, case: Occurrence, following: Occurrence | None, told: Sequence[Record]) -> list[Trial]:
    end = case.end or view.as_of
    first = bisect_left(told, case.start, key=at)
    near = told[first : bisect_right(told, _until(view, case, following), key=at)]
    done = [(record, text) for record in near if _concerns(record, case) and (text := _done(record))]
    slot = view.calendar.at(case.start) if done else None
    away = (following.start - end).total_seconds() if following else None
    next_record = following.records[0] if following else None
    return [
        Trial(text, rid(record), case, slot.crew if slot else None, end, away, next_record) for record, text in done
    ]


def _records(view: View, cases: Sequence[Occurrence]) -> list[Record]:
    """What was done and written at the cases' place and line from when one began until it could no longer be about it,
    oldest first."""
    ends = [_until(view, case, next_one) for case, next_one in zip_longest(cases, cases[1:])]
    starts = [case.start for case in cases]
    span = Window(start=starts[0], end=max(ends) + _INSTANT)

    def after_one(when: datetime) -> bool:
        last = bisect_right(starts, when) - 1
        return last >= 0 and when <= max(ends[last], starts[last])

    place, line = cases[0].equipment, work_center(cases[0].equipment)
    doing = acted(view, _EVENTS, (place, line), span, bare=_BARE, fields=_ACTION_FIELDS) if place else []
    written = [row for row in noted(view, span) if _of_line(row.equipment, line)]
    wanted = [row.id for row in (*doing, *written) if after_one(moment(row.occurred_at))]
    return sorted(view.records(wanted).values(), key=lambda r: (at(r), rid(r)))


def _concerns(record: Record, case: Occurrence) -> bool:
    if isinstance(record, Event):
        return _at_case(record, case)
    if not isinstance(record, Note):
        return False
    line = work_center(case.equipment)
    told = _words(f"{case.label} {case.text}") & _words(record.text)
    return _of_line(record.equipment, line) and (bool(told) or record.equipment == case.equipment != line)


def _of_line(place: str | None, line: str) -> bool:
    return place is None or within(place, line) or within(line, place)


def _at_case(event: Event, case: Occurrence) -> bool:
    if event.kind == "stop":
        return rid(event) in case.records
    return event.equipment is not None and (
        within(event.equipment, case.equipment) or within(case.equipment, event.equipment)
    )


_words = lru_cache(maxsize=10_000)(words)


def _done(record: Record) -> str:
    match record:
        case Note():
            return record.text
        case Event():
            fields = [str(v) for n, v in record.attributes.items() if n.lower() in _ACTION_FIELDS and v]
            if fields or record.kind == "stop":
                return "; ".join(fields)
            if record.kind == "parameter_change":
                return text_of(record)
            return record.text or (str(record.attributes.get("code") or "") if record.kind != "start" else "")
        case _:
            return ""
