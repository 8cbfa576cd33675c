"""What changed in the look of the feeds, record by record: fields, codes, units, sizes, mixes and cadence. Pure.

A source changes without notice; what it sends still arrives and is still read, only not as it was meant. Each change is
told with when it began and the records that show how it was and how it is. What could be chance isn't told: all that
was compared counts in the correction.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from statistics import fmean
from typing import TypeVar

from lineside.interpretation import shared_states
from lineside.interpretation.feed_look import OWN, Changed, Columns, Seen, Span, What, entities, ids
from lineside.interpretation.feed_rates import cadences, fields, mixes
from lineside.interpretation.sentinel_rules import SentinelRules
from lineside.interpretation.wording import shown
from lineside.memory.columns import Happened, Said
from lineside.plant.records import quantity
from lineside.plant.vocabulary import PROPERTIES

_Each = TypeVar("_Each")


def feed_changes(
    said: Sequence[Said], happened: Sequence[Happened], *, start: datetime, end: datetime, rules: SentinelRules,
    earlier: Seen,
) -> list[Changed]:  # fmt: skip
    """Every change that began between `start` and `end`, the gravest and the latest first."""
    said, happened = [s for s in said if s.at < end], [h for h in happened if h.at < end]
    if not said and not happened:
        return []
    first = min([s.at for s in said[:1]] + [h.at for h in happened[:1]])
    span = Span(first, start, end, rules)
    columns: dict[tuple[str, str, str], list[Said]] = defaultdict(list)
    reports: dict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)
    for each in said:
        columns[each.source, each.kind, each.property].append(each)
        reports[each.source, each.kind][each.record_id] = each.at
    found = [
        *_codes(columns, span, earlier),
        *_units(columns, span),
        *_sizes(columns, span),
        *fields(columns, reports, span, earlier),
        *mixes(columns, span),
        *cadences(reports, happened, span),
    ]
    told = {(c.source, c.kind, c.about) for c in found if c.what in (What.UNKNOWN_CODE, What.RENAMED_CODE)}
    found = [c for c in found if c.what is not What.MIX or (c.source, c.kind, c.about) not in told]
    order = list(What)
    return sorted(found, key=lambda c: (order.index(c.what), -c.since.timestamp(), c.source, c.kind, c.about, c.now))


def _codes(columns: Columns, span: Span, earlier: Seen) -> Iterator[Changed]:
    for (source, kind, name), said in columns.items():
        if not shared_states.has_states(kind, name):
            continue
        by_word: dict[str, list[Said]] = defaultdict(list)
        for each in said:
            if isinstance(each.value, str | int) and not isinstance(each.value, bool):
                by_word[_plain(str(each.value))].append(each)
        for uses in by_word.values():
            began, word = uses[0], str(uses[0].value)
            state = shared_states.state_of(kind, name, word)
            if began.at < span.start:
                continue
            before = [s for s in said if s.at < began.at]
            same = [s for s in before if state and shared_states.state_of(kind, name, s.value) == state]
            if state is not None and len(same) < span.rules.sure.least_before // 2:
                continue  # a state that it never spoke of: the floor's change, not the feed's
            if any(_plain(str(v)) == _plain(word) for v in earlier(source, kind, name, span.first)):
                continue
            yield Changed(
                what=What.UNKNOWN_CODE if state is None else What.RENAMED_CODE,
                source=source,
                kind=kind,
                about=name,
                was=str(same[-1].value) if same else _words(before),
                now=word,
                since=began.at,
                cites=(*ids((same or before)[-1:]), *ids(uses)),
                entities=entities(uses),
            )


def _units(columns: Columns, span: Span) -> Iterator[Changed]:
    for (source, kind, name), every in columns.items():
        said = [s for s in every if _has_unit(s)]
        jumps: dict[tuple[str, str], list[tuple[Said, Said]]] = defaultdict(list)
        for mine in _by(said, lambda s: (s.entity, s.scope)):
            spoken = [(s, amount.unit) for s in mine if (amount := quantity(s.value)) is not None]
            change = next((i for i in range(1, len(spoken)) if spoken[i][1] != spoken[i - 1][1]), None)
            if change is None or spoken[change][0].at < span.start:
                continue
            after = {unit for _, unit in spoken[change:]}
            if len(after) == 1:  # not a thing that is told now in one unit, now in another
                jumps[spoken[change - 1][1], spoken[change][1]].append((spoken[change - 1][0], spoken[change][0]))
        for (was, now), pairs in sorted(jumps.items()):
            last = sorted(pairs, key=lambda pair: pair[1].at)
            yield Changed(
                what=What.UNIT,
                source=source,
                kind=kind,
                about=name,
                was=was,
                now=now,
                since=last[0][1].at,
                cites=(*ids([last[0][0]]), *ids([after for _, after in last])),
                entities=entities([after for _, after in last]),
            )


def _sizes(columns: Columns, span: Span) -> Iterator[Changed]:
    least = span.rules.size.least
    for (source, kind, name), said in columns.items():
        numbers = [(s, n) for s in said if (n := _number(s))]
        for mine in _by(numbers, lambda each: (each[0].scope, _unit(each[0]))):
            sized = _against_their_own([(s, math.log10(abs(n))) for s, n in mine], span.start, least)
            cut = bisect_left([s.at for s, _ in sized], span.start)
            logs = [n for _, n in sized]
            found: list[tuple[float, int, float]] = []
            for i in range(max(least, cut), len(sized) - least + 1, max(1, len(sized) // 50)):
                before, after = logs[max(0, i - 200) : i], logs[i : i + 200]
                shift = fmean(after) - fmean(before)
                spread = max(_spread(before), _spread(after))
                if factor := _factor(abs(shift), spread, min(len(before), len(after)), span.rules.size.factors):
                    found.append((shift, i, factor))
            if found:
                shift, i, factor = max(found, key=lambda each: (abs(each[0]), -each[1]))
                # The cut lies where the numbers jump most, not only where the steps of the search fall.
                step = max(1, len(sized) // 50)
                near = range(max(1, i - step), min(len(sized), i + step + 1))
                i = max(near, key=lambda k: ((logs[k] - logs[k - 1]) * shift, -k))
                side = "larger" if shift > 0 else "smaller"
                yield Changed(
                    what=What.SIZE,
                    source=source,
                    kind=kind,
                    about=name,
                    was=shown(sized[i - 1][0].value),
                    now=f"{shown(sized[i][0].value)}, about {factor:g} times {side}",
                    since=sized[i][0].at,
                    cites=(*ids([sized[i - 1][0]]), *ids([s for s, _ in sized[i:]])),
                    entities=entities([s for s, _ in sized[i:]]),
                )


def _against_their_own(
    sized: Sequence[tuple[Said, float]], start: datetime, least: int
) -> Sequence[tuple[Said, float]]:
    """The numbers against what each thing's own were before, where enough things had some: lines run at other rates."""
    own: dict[str, list[float]] = defaultdict(list)
    for each, size in sized:
        if each.at < start:
            own[each.entity].append(size)
    usual = {entity: fmean(sizes) for entity, sizes in own.items() if len(sizes) >= OWN}
    centred = [(each, size - usual[each.entity]) for each, size in sized if each.entity in usual]
    after = sum(1 for each, _ in centred if each.at >= start)
    return centred if after >= least and len(centred) - after >= least else sized


def _spread(values: Sequence[float]) -> float:
    middle = fmean(values)
    return math.sqrt(fmean((v - middle) ** 2 for v in values))


def _factor(shift: float, spread: float, count: int, factors: Sequence[float]) -> float:
    """The factor between two units by which the numbers jumped; 0 where they did not, or lie too wide to tell."""
    if shift <= 2 * spread:
        return 0.0
    unsure = 0.03 + 3 * spread * math.sqrt(2 / count)
    nearest = min(factors, key=lambda each: abs(math.log10(each) - shift))
    return nearest if abs(math.log10(nearest) - shift) <= unsure else 0.0


def _by(said: Sequence[_Each], key: Callable[[_Each], object]) -> list[list[_Each]]:
    groups: dict[object, list[_Each]] = defaultdict(list)
    for each in said:
        groups[key(each)].append(each)
    return list(groups.values())


def _plain(word: str) -> str:
    return " ".join(word.casefold().split())


def _words(said: Sequence[Said]) -> str:
    return ", ".join(sorted({str(s.value) for s in said})[:4])


def _has_unit(said: Said) -> bool:
    return isinstance(said.value, dict) and isinstance(said.value.get("unit"), str)


def _unit(said: Said) -> str:
    amount = quantity(said.value) if _has_unit(said) else None
    return amount.unit if amount else ""


def _number(said: Said) -> float | None:
    """The number in a property that the vocabulary doesn't count up, and that is no time."""
    if said.property in ("sequence", "priority", "good_count", "reject_count", "quantity_good", "quantity_scrap"):
        return None
    if said.kind in PROPERTIES and said.property not in PROPERTIES[said.kind] and isinstance(said.value, str):
        return None
    value = said.value.get("value") if isinstance(said.value, dict) else said.value
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value else None
