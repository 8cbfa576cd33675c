"""Whether a count could be chance: exact tail probabilities, and their correction for many comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import exp, lgamma, log, log1p


def at_least(hits: int, trials: int, share: float) -> float:
    """The probability of `hits` or more among `trials` that each hit with probability `share`; exact binomial."""
    if hits <= 0 or share >= 1:
        return 1.0
    if share <= 0 or hits > trials:
        return 0.0
    return min(1.0, sum(sorted(_from(hits, trials, share))))


def at_least_in_strata(strata: Sequence[tuple[int, float]], hits: int) -> float:
    """The probability of `hits` or more in all, over strata of (trials, share) that hit independently; exact."""
    return at_least_of([binomial(trials, share) for trials, share in strata], hits)


def binomial(trials: int, share: float) -> list[float]:
    """The probability of each number of hits, from none up, among `trials` that each hit with probability `share`."""
    return _from(0, trials, share)


def at_least_of(strata: Sequence[Sequence[float]], hits: int) -> float:
    """The probability of `hits` or more in all, over independent strata that each give the probability of each number
    of hits from none up; exact."""
    ways = [1.0]
    for own in strata:
        after = [0.0] * (len(ways) + len(own) - 1)
        for already, before in enumerate(ways):
            for k, chance in enumerate(own):
                after[already + k] += before * chance
        ways = after
    return min(1.0, sum(sorted(ways[max(0, hits) :])))


def at_least_drawn(hits: int, marked: int, drawn: int, total: int) -> float:
    """The probability of `hits` or more marked ones among `drawn` out of `total`; exact (Fisher's, one-sided)."""
    if hits <= max(0, marked + drawn - total):
        return 1.0
    return min(1.0, sum(sorted(ways_drawn(marked, drawn, total)[hits:])))


@lru_cache(maxsize=20_000)
def ways_drawn(marked: int, drawn: int, total: int) -> tuple[float, ...]:
    """The probability of each number of marked ones, from none up, among `drawn` out of `total`; hypergeometric."""
    least = max(0, marked + drawn - total)
    whole = _ways(total, drawn)
    return tuple(
        0.0 if k < least else exp(_ways(marked, k) + _ways(total - marked, drawn - k) - whole)
        for k in range(min(marked, drawn) + 1)
    )


def holm(chances: Sequence[float]) -> list[float]:
    """The same probabilities after Holm's correction, in the given order; none is below its own."""
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    corrected, highest = [0.0] * len(chances), 0.0
    for position, index in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - position) * chances[index]))
        corrected[index] = highest
    return corrected


def false_discovery(chances: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """The same probabilities after Benjamini and Hochberg's correction, in the given order.

    Taking all that end below q for real leaves a share of at most q false among them. weights: how much each comparison
    is expected to tell, in any unit, fixed before the data were looked at (Genovese, Roeder and Wasserman).
    """
    number = len(chances)
    if not number:
        return []
    given = weights or [1.0] * number
    mean = sum(given) / number
    scaled = [min(1.0, chance * mean / weight) for chance, weight in zip(chances, given, strict=True)]
    order = sorted(range(number), key=lambda i: -scaled[i])
    corrected, lowest = [0.0] * number, 1.0
    for position, index in enumerate(order):
        lowest = min(lowest, scaled[index] * number / (number - position))
        corrected[index] = lowest
    return corrected


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2


def _from(hits: int, trials: int, share: float) -> list[float]:
    """The probability of each number of hits from these up."""
    if share <= 0 or share >= 1:
        return [1.0 if k == (trials if share >= 1 else 0) else 0.0 for k in range(hits, trials + 1)]
    on, off, whole = log(share), log1p(-share), _factorial(trials)
    return [
        exp(whole - _factorial(k) - _factorial(trials - k) + k * on + (trials - k) * off)
        for k in range(hits, trials + 1)
    ]


def _ways(of: int, chosen: int) -> float:
    """The logarithm of the number of ways to choose so many out of all."""
    return _factorial(of) - _factorial(chosen) - _factorial(of - chosen)


@lru_cache(maxsize=20_000)
def _factorial(number: int) -> float:
    """Its logarithm."""
    return lgamma(number + 1)
