"""Shares and rhythms of feeds that moved: fields that come or go, mixes of states, streams that stop or change pace.

What could be chance isn't told: all that was compared counts in the correction. Reports come in bunches, so a test over
single ones is not enough: silences are held against the longest before, mixes and paces also against whole days.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import NormalDist, median

from lineside.interpretation import shared_states
from lineside.interpretation.chance import holm
from lineside.interpretation.feed_look import CITED, DAY, OWN, Changed, Columns, Seen, Span, What, entities, ids
from lineside.memory.columns import Happened, Said

_BY_DAYS = 0.05
_MOST = 0.95


def fields(
    columns: Columns, reports: Mapping[tuple[str, str], Mapping[str, datetime]], span: Span, earlier: Seen
) -> Iterator[Changed]:
    """Properties that a source's reports on a kind bore and bear no more, or bear as they never did."""
    sure = span.rules.sure
    tried: list[tuple[float, Changed]] = []
    times = {key: sorted(mine.values()) for key, mine in reports.items()}
    for (source, kind, _), said in columns.items():
        every = times[source, kind]
        bearing = sorted({s.record_id: s.at for s in said}.values())
        before, after = bisect_left(every, bearing[0]), len(every) - bisect_right(every, bearing[-1])
        if bearing[-1] >= span.start - DAY and len(bearing) >= sure.least_before and after >= sure.least_after:
            gone = every[-after]
            share = len(bearing) / max(1, len(every) - after)
            runs = [bisect_left(every, b) - bisect_left(every, a) for a, b in pairwise(bearing)]
            longest = max((b - a for a, b in pairwise(bearing)), default=timedelta())
            far = after > sure.gap_factor * max(runs, default=1) and (
                every[-1] - bearing[-1] > sure.gap_factor * longest or share == 1
            )
            if far and gone >= span.start:
                told = _change(What.VANISHED, said, gone, was=f"in {share:.0%} of the reports", now="in none")
                tried.append((_none(share, after), told))
        since, borne = bearing[0], len(every) - before
        if since >= span.start and before >= sure.least_before and len(bearing) >= sure.least_after:
            share = len(bearing) / borne
            told = _change(What.APPEARED, said, since, was="in none", now=f"in {share:.0%} of the reports")
            tried.append((_none(share, before), told))
    for change in _sure(tried, sure.chance):
        if change.what is What.VANISHED or not earlier(change.source, change.kind, change.about, span.first):
            yield change


def _sure(tried: Sequence[tuple[float, Changed]], chance: float) -> Iterator[Changed]:
    """Those that stay unlikely after the correction for all that was tried."""
    for corrected, (_, change) in zip(holm([p for p, _ in tried]), tried, strict=True):
        if corrected <= chance:
            yield replace(change, chance=corrected)


def _none(share: float, count: int) -> float:
    """The chance that none of so many bears what that share bears."""
    return (1 - share) ** count if share < 1 else 0.0


def _change(what: What, said: Sequence[Said], since: datetime, *, was: str, now: str) -> Changed:
    one = said[0]
    shown = said[-CITED:] if what is What.VANISHED else said[:CITED]
    return Changed(
        what=what,
        source=one.source,
        kind=one.kind,
        about=one.property,
        was=was,
        now=now,
        since=since,
        cites=ids(shown),
        entities=entities(shown),
    )


def mixes(columns: Columns, span: Span) -> Iterator[Changed]:
    """States whose share among new things moved: by things, exactly, and by days as well; one for each property.

    All are looked at when they are equally old: of the young ones many have not come as far as the others, and that is
    no change.
    """
    sure = span.rules.sure
    tried: list[tuple[float, Changed]] = []
    for (source, kind, name), said in columns.items():
        if not shared_states.has_states(kind, name):
            continue
        days: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        settled = _at_one_age(said, span)
        for each, began in settled:
            days[(began - span.start) // DAY][_state(each)].add(each.entity)
        later = [d for d in sorted(days) if d >= 0]
        best = (1.0, 0, "", "", "", 0.0)
        compared = 0
        for state in sorted({state for by in days.values() for state in by}):
            for since in later:
                compared += 1
                chance, was, now, share = _moved(days, state, since, sure.least_before, sure.least_share_moved)
                if chance < best[0]:
                    best = (chance, since, was, now, state, share)
        if not best[2]:
            continue
        day = span.start + best[1] * DAY
        after = [(s, began) for s, began in settled if began >= day]
        # What shows the change is what became more: the state itself, or all others where that became less.
        rose = sum(_state(s) == best[4] for s, _ in after) / len(after) > best[5]
        shown = [(s, began) for s, began in after if (_state(s) == best[4]) is rose] or after
        told = [s for s, _ in shown]
        change = Changed(
            what=What.MIX,
            source=source,
            kind=kind,
            about=name,
            was=f"{best[4]} {best[2]}",
            now=best[3],
            since=min(began for _, began in shown),
            cites=ids(told[-CITED:]),
            entities=entities(told),
        )
        tried.append((min(1.0, best[0] * compared), change))
    yield from _sure(tried, sure.chance)


def _at_one_age(said: Sequence[Said], span: Span) -> list[tuple[Said, datetime]]:
    """What was said last of each thing by the age at which most stand as they stay, and since when it is spoken of."""
    things: dict[str, list[Said]] = defaultdict(list)
    for each in said:
        things[each.entity].append(each)
    ages = []
    for mine in things.values():
        settled = next(i for i, s in enumerate(mine) if all(_state(later) == _state(mine[-1]) for later in mine[i:]))
        if mine[0].at < span.start:
            ages.append(mine[settled].at - mine[0].at)
    if not ages:
        return []
    age = sorted(ages)[int(len(ages) * _MOST)]
    return [
        (max((s for s in mine if s.at <= mine[0].at + age), key=lambda s: s.at), mine[0].at)
        for mine in things.values()
        if mine[0].at + age <= span.end and mine[0].at > span.first + DAY
    ]


def _moved(
    days: Mapping[int, Mapping[str, set[str]]], state: str, since: int, least: int, least_moved: float
) -> tuple[float, str, str, float]:
    """The chance of the state's shares before and from that day on, both in words, and the one before; 1 where nothing
    moved."""
    old: dict[bool, set[str]] = {True: set(), False: set()}
    new: dict[bool, set[str]] = {True: set(), False: set()}
    shares: tuple[list[float], list[float]] = ([], [])
    for day, by in days.items():
        every = set().union(*by.values())
        side = new if day >= since else old
        side[True] |= by.get(state, set())
        side[False] |= every
        shares[day >= since].append(len(by.get(state, ())) / len(every))
    was, of_old, now, of_new = len(old[True]), len(old[False]), len(new[True]), len(new[False])
    if of_old < least or of_new < least // 2 or abs(now / of_new - was / of_old) < least_moved:
        return 1.0, "", "", 0.0
    # Things of one day are alike; so the days must differ too, not only the things.
    if _ranks(*shares) > _BY_DAYS:
        return 1.0, "", "", 0.0
    return fisher(was, of_old, now, of_new), f"for {was} of {of_old}", f"for {now} of {of_new}", was / of_old


def _state(each: Said) -> str:
    return shared_states.state_of(each.kind, each.property, each.value) or str(each.value)


def fisher(was: int, of_old: int, now: int, of_new: int) -> float:
    """The two-sided chance that two shares differ so much without a difference; exact, after Fisher."""
    hits, total = was + now, of_old + of_new

    def at(k: int) -> float:
        return math.exp(_choose(of_old, k) + _choose(of_new, hits - k) - _choose(total, hits))

    seen = at(was)
    return min(
        1.0, sum(p for k in range(max(0, hits - of_new), min(hits, of_old) + 1) if (p := at(k)) <= seen * 1.0001)
    )


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _ranks(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sided chance that days of one kind rank so far from the others (Mann and Whitney, with ties)."""
    if not one or not other:
        return 1.0
    everything = sorted((*one, *other))
    place = {v: (bisect_left(everything, v) + bisect_right(everything, v) + 1) / 2 for v in set(everything)}
    n, m = len(one), len(other)
    total = n + m
    ties = sum(t**3 - t for v in place if (t := everything.count(v)) > 1)
    spread = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    if spread == 0:
        return 1.0
    apart = max(0.0, abs(sum(place[v] for v in one) - n * (total + 1) / 2) - 0.5)
    return 2 * (1 - NormalDist().cdf(apart / spread))


def cadences(
    reports: Mapping[tuple[str, str], Mapping[str, datetime]], happened: Sequence[Happened], span: Span
) -> Iterator[Changed]:
    """Streams that stopped while their source speaks on, and streams that became denser or thinner day by day."""
    streams: dict[tuple[str, str, str], dict[str, datetime]] = {(s, k, ""): dict(m) for (s, k), m in reports.items()}
    for each in happened:
        streams.setdefault((each.source, "event", each.kind), {})[each.record_id] = each.at
    spoke: dict[str, datetime] = {}
    for (source, _, _), mine in streams.items():
        spoke[source] = max(spoke.get(source, span.first), *mine.values())
    sure, tried = span.rules.sure, list[tuple[float, Changed]]()
    for (source, kind, about), mine in streams.items():
        names = sorted(mine, key=lambda i: (mine[i], i))
        when = [mine[i] for i in names]
        if len(when) < sure.least_before:
            continue
        longest = max(b - a for a, b in pairwise(when))
        silent = spoke[source] - when[-1]
        stopped = Changed(
            what=What.STOPPED, source=source, kind=kind, about=about, was=f"at most {_hours(longest)} apart",
            now=f"none for {_hours(silent)}", since=when[-1], cites=tuple(names[-CITED:]),
        )  # fmt: skip
        if when[-1] >= span.start - DAY and silent > sure.gap_factor * longest and longest > timedelta():
            yield stopped
            continue
        counts = dict.fromkeys(range((when[0] - span.end) // DAY + 1, 0), 0)  # whole days, counted back from the end
        for t in when:
            if (day := (t - span.end) // DAY) in counts:
                counts[day] += 1
        first = -((span.end - span.start) // DAY)
        old, new = [counts[d] for d in counts if d < first], [counts[d] for d in counts if d >= first]
        tried.append(_pace_changed(old, new, span, stopped) or (1.0, stopped))
    yield from _sure(tried, sure.chance)


def _pace_changed(old: Sequence[int], new: Sequence[int], span: Span, stream: Changed) -> tuple[float, Changed] | None:
    """The change from the first new day on from which every day lies beyond all days before, and its chance: that of
    so many days being the outermost; None where there is no such day."""
    least_days, factor = span.rules.sure.least_days, span.rules.sure.cadence_factor
    for i in range(len(new) - max(1, least_days // 2) + 1):
        before, after = [*old, *new[:i]], new[i:]
        if len(before) < least_days or median(before) < OWN:
            continue
        if max(after) * factor <= min(before) or min(after) >= factor * max(before):
            told = replace(
                stream, what=What.CADENCE, was=f"about {median(before):g} a day", now=f"about {median(after):g} a day",
                since=span.end - len(after) * DAY,
            )  # fmt: skip
            return 2 / math.comb(len(before) + len(after), len(after)), told
    return None


def _hours(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} h"
