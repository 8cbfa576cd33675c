"""Whether a count could be chance: exact tail probabilities, and their correction for many comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, log1p


def at_least(hits: int, trials: int, share: float) -> float:
    """The probability of `hits` or more among `trials` that each hit with probability `share`; exact binomial."""
    if hits <= 0 or share >= 1:
        return 1.0
    if share <= 0 or hits > trials:
        return 0.0
    terms = [
        exp(lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1) + k * log(share) + (trials - k) * log1p(-share))
        for k in range(hits, trials + 1)
    ]
    return min(1.0, sum(sorted(terms)))


def holm(chances: Sequence[float]) -> list[float]:
    """The same probabilities after Holm's correction, in the given order; none is below its own."""
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    corrected, highest = [0.0] * len(chances), 0.0
    for position, index in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - position) * chances[index]))
        corrected[index] = highest
    return corrected


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(ranked) % 2 else (ranked[half - 1] + ranked[half]) / 2
