"""Where cases gather more than what they are counted against explains, corrected for all that was compared, and what
goes along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

from lineside.interpretation.chance import at_least, at_least_drawn, at_least_of, binomial, false_discovery, ways_drawn
from lineside.interpretation.denominators import RUNNING, Denominator
from lineside.interpretation.occurrences import Occurrence
from lineside.interpretation.pattern_rules import pattern_rules
from lineside.interpretation.running_hours import Exposure, Piece, weight_of
from lineside.interpretation.wording import counted, listed

_EDGES = {"first": "the first hour of the shift", "last": "the last hour of the shift", "middle": "mid-shift"}
_FRESH = {"soon": "the time right after a changeover", "later": "the time long after a changeover"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confounder:
    """Another level that goes along with the one compared. share: of what there is of the compared level.

    apart: whether both occur apart often enough to be told apart; chance: of the excess within equal levels of the
    other dimension, where they are; there, elsewhere: the rate on the level and off it, both at the level's own mix of
    those.
    """

    dimension: str
    level: str
    share: float
    apart: bool
    chance: float = 1.0
    there: float = 0.0
    elsewhere: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The cases on one level of a dimension against the rest. hits of trials; amount of the whole, counted in `of`.

    tested: where cases come in bursts the test counts shifts with at least one instead, on the level and in all.
    raw, chance: the probability of as many or more by chance, before and after correction for all the comparisons.
    """

    dimension: str
    level: str
    hits: int
    trials: int
    amount: float
    whole: float
    raw: float
    of: Denominator = RUNNING
    chance: float = 1.0
    comparisons: int = 0
    clear: int = 0
    tested: tuple[int, int] | None = None
    confounders: tuple[Confounder, ...] = ()

    @property
    def share(self) -> float:
        return self.amount / self.whole if self.whole else 0.0

    @property
    def there(self) -> float:
        """The rate on the level, per so many as the denominator is told for."""
        return self.of.per * self.hits / self.amount if self.amount else 0.0

    @property
    def elsewhere(self) -> float:
        """The rate off the level."""
        rest = self.whole - self.amount
        return self.of.per * (self.trials - self.hits) / rest if rest > 0 else 0.0

    @property
    def test(self) -> str:
        return RUNNING.test if self.tested else self.of.test

    @property
    def more(self) -> bool:
        return self.there > self.elsewhere

    @property
    def strong(self) -> bool:
        return self.chance < pattern_rules()["false_discovery_rate"]


Placed = Sequence[tuple[Occurrence, Piece]]


def placed(cases: Sequence[Occurrence], hours: Exposure) -> list[tuple[Occurrence, Piece]]:
    """Each case with the piece that it is of, those of none left out; of single things each one's first case alone."""
    found = [(case, piece) for case in cases if (piece := hours.place(case)) is not None]
    return found if not hours.of.each else list({id(piece): (case, piece) for case, piece in reversed(found)}.values())


def compared(
    groups: Sequence[tuple[Placed, Exposure, Sequence[str]]], *, level: str | None = None
) -> list[list[Comparison]]:
    """For each group every comparison made, the least likely chance first; corrected over all groups together.

    A group: its cases, the hours they fell in, and the dimensions to go along; with none along all of two levels or
    more. level: only this one, with the rest. What could not stand out even if every case were on it is not compared.
    """
    rules = pattern_rules()
    rate = rules["false_discovery_rate"]
    found: list[list[Comparison]] = []
    for cases, hours, dimensions in groups:
        own: list[Comparison] = []
        for dimension, levels in hours.by.items():
            if len(levels) < 2 or (dimensions and not _wanted(dimension, dimensions)):
                continue
            on = [(piece.levels[dimension], piece) for _, piece in cases if piece.levels.get(dimension) in levels]
            turns = _bursts(on, hours)
            total = sum(levels.values())
            hits, trials = Counter(level for level, _ in on), len(on)
            tested = Counter(level for level, _ in turns) if turns is not None else hits
            tries = len(turns) if turns is not None else trials
            for own_level, worked in levels.items():
                if level not in (None, own_level):
                    continue
                drawn = hours.of.each and turns is None
                most = min(tries, round(worked)) if drawn else tries
                if _tail(most, tries, worked, total, drawn=drawn) > rate:
                    continue
                counted_as = (tested[own_level], tries) if turns is not None else None
                raw = _tail(tested[own_level], tries, worked, total, drawn=drawn)
                own.append(
                    Comparison(
                        dimension=dimension, level=own_level, hits=hits[own_level], trials=trials, amount=worked,
                        whole=total, of=hours.of, raw=raw, tested=counted_as,
                    )
                )  # fmt: skip
        found.append(own)
    flat = [c for own in found for c in own]
    chances = false_discovery([c.raw for c in flat], [weight_of(c.dimension, rules) for c in flat])
    clear = sum(chance < rate for chance in chances)
    after = iter(chances)
    return [
        sorted(
            (replace(c, chance=next(after), comparisons=len(flat), clear=clear) for c in own),
            key=lambda c: (c.chance, c.raw, -c.hits, c.dimension, c.level),
        )
        for own in found
    ]


def confounded(lead: Comparison, cases: Placed, hours: Exposure) -> Comparison:
    """The comparison with what goes along with its level, and whether it stands within equal levels of that."""
    rules = pattern_rules()
    expected = lead.trials * lead.share
    excess = lead.hits - expected
    named: list[Confounder] = []
    for dimension in hours.by:
        if dimension == lead.dimension or excess <= 0:
            continue
        jointly = hours.jointly(lead.dimension, dimension)
        of_other: dict[str, float] = {}
        for (_, other), worked in jointly.items():
            of_other[other] = of_other.get(other, 0.0) + worked
        mine = {other: worked for (own, other), worked in jointly.items() if own == lead.level}
        if not sum(mine.values()):
            continue
        inside = Counter(p.levels.get(dimension) for _, p in cases if p.levels.get(lead.dimension) == lead.level)
        main = max(sorted(mine), key=lambda other: (inside[other], mine[other]))
        strata: list[Sequence[float]] = []
        hits, trials, there_h, usual, would = 0, 0, 0.0, 0.0, 0.0
        for other, worked in of_other.items():
            on = [
                piece for _, piece in cases if piece.levels.get(dimension) == other and lead.dimension in piece.levels
            ]
            share = mine.get(other, 0.0) / worked if worked else 0.0
            would += len(on) * share
            if not 1 - rules["inseparable_share"] < share < rules["inseparable_share"]:
                continue
            hit = sum(piece.levels[lead.dimension] == lead.level for piece in on)
            drawn = hours.of.each
            strata.append(ways_drawn(len(on), round(mine[other]), round(worked)) if drawn else binomial(len(on), share))
            trials += len(on)
            hits += hit
            there_h += mine[other]
            usual += (len(on) - hit) / (worked - mine[other]) * mine[other]
        if would - expected < rules["confounder_explains"] * excess:
            continue
        apart = bool(strata) and trials > 0
        named.append(
            Confounder(
                dimension=dimension, level=main, share=mine[main] / sum(mine.values()), apart=apart,
                chance=at_least_of(strata, hits) if apart else 1.0,
                there=hours.of.per * hits / there_h if there_h else 0.0,
                elsewhere=hours.of.per * usual / there_h if there_h else 0.0,
            )
        )  # fmt: skip
    named.sort(key=lambda c: (c.apart, -c.share, c.dimension))
    return replace(lead, confounders=tuple(named))


def spoken(dimension: str, level: str) -> str:
    """`crew jade`, `Mondays`, `the first hour of the shift`."""
    match dimension:
        case "weekday":
            return level
        case "hour_of_shift":
            return _EDGES[level]
        case "after_changeover":
            return _FRESH[level]
        case _:
            return level if level.casefold().startswith(dimension) else f"{dimension} {level}"


def in_words(lead: Comparison) -> str:
    """How often on the level against elsewhere, and whether that may be chance."""
    burst = (
        f" They come in bursts, so shifts with at least one were compared ({lead.tested[0]} of {lead.tested[1]})."
        if lead.tested
        else ""
    )
    of, rest = lead.of, lead.whole - lead.amount
    return (
        f"{spoken(lead.dimension, lead.level)}: {lead.hits} of {lead.trials}{f' {of.hit}' if of.hit else ''}, "
        f"with {100 * lead.share:.0f} % of the {of.noun}; {lead.there:.2f} per {of.per:g} {of.short} there "
        f"({lead.hits} in {round(lead.amount)}), {lead.elsewhere:.2f} elsewhere "
        f"({lead.trials - lead.hits} in {round(rest)}); {odds(lead)}.{burst}"
    )


def odds(lead: Comparison) -> str:
    """Whether it may be chance: `still clear after correction for 24 comparisons (corrected p = 0.003)`."""
    if not lead.more:
        return "no more than elsewhere"
    figures = f"{lead.test}, p = {lead.raw:.2g}, corrected p = {lead.chance:.2g}"
    if lead.comparisons == 1:
        clear = "more than chance explains" if lead.strong else "may be chance"
        return f"{clear} (the only comparison, {lead.test}, p = {lead.raw:.2g})"
    if lead.strong:
        made = f"{lead.clear} of {counted(lead.comparisons, 'comparison')} {'is' if lead.clear == 1 else 'are'}"
        return f"{made} still clear after correction, this among them ({figures})"
    return f"may be chance after correction for {counted(lead.comparisons, 'comparison')} ({figures})"


def beside(lead: Comparison) -> str:
    """What goes along with the level and can or cannot be told apart from it; empty where nothing does."""
    mixed = inseparable(lead)
    sentences = []
    own = spoken(lead.dimension, lead.level)
    if mixed:
        sentences.append(f"{own[:1].upper()}{own[1:]} and {listed(mixed)} go together and cannot be told apart.")
    limit = pattern_rules()["false_discovery_rate"]
    for other in lead.confounders:
        if not other.apart:
            if not _together(other):
                name = other.dimension.replace("_", " ")
                sentences.append(f"No {name} there occurs elsewhere too, so its part in it cannot be told.")
            continue
        along = f"It goes along with {spoken(other.dimension, other.level)}"
        equal = other.dimension.replace("_", " ")
        per = f"per {lead.of.per:g} {lead.of.short}"
        rates = f"within equal {equal} it is {other.there:.2f} {per} against {other.elsewhere:.2f}"
        verdict = "and stands" if other.chance < limit else "which may be chance"
        sentences.append(f"{along}; {rates}, {verdict} (p = {other.chance:.2g}).")
    return " ".join(sentences)


def inseparable(lead: Comparison) -> list[str]:
    """What always goes along with the level, and it with that."""
    return [spoken(c.dimension, c.level) for c in lead.confounders if not c.apart and _together(c)]


def _together(other: Confounder) -> bool:
    return other.share >= pattern_rules()["inseparable_share"]


def _bursts(on: Sequence[tuple[str, Piece]], hours: Exposure) -> list[tuple[str, Piece]] | None:
    """One case for each shift and level, where they fall on far fewer shifts than chance would spread them over."""
    turns = {piece.turn for _, piece in on}
    if len(on) < 2 or not hours.total:
        return None
    if hours.of.each:
        whole = round(hours.total)
        spread = sum(1 - ways_drawn(len(on), round(n), whole)[0] for n in hours.turns.values())
    else:
        spread = sum(1 - exp(-len(on) * worked / hours.total) for worked in hours.turns.values())
    if spread < pattern_rules()["burst_factor"] * len(turns):
        return None
    return list({(level, piece.turn): (level, piece) for level, piece in on}.values())


def _tail(hits: int, trials: int, amount: float, whole: float, *, drawn: bool) -> float:
    """The probability of as many hits or more by chance, where each falls by share, or all were drawn of the whole."""
    return (
        at_least_drawn(hits, trials, round(amount), round(whole)) if drawn else at_least(hits, trials, amount / whole)
    )


def _wanted(dimension: str, dimensions: Sequence[str]) -> bool:
    return dimension in dimensions or ("supplier" in dimensions and dimension.startswith("supplier "))
