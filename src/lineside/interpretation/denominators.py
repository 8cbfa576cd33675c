"""What cases are counted against, in words: running hours, inspected lots, units made, changeovers, shipped orders."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.interpretation.pattern_rules import pattern_rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Denominator:
    """noun: as in "12 % of the running hours"; short: as in "4 per 100 running h". each: it is made of single things
    of which every one either had the case or not, however often: then the exact test is that of drawing. hit: what
    those that had it are called, where that isn't the case itself."""

    name: str
    noun: str
    short: str
    each: bool = False
    hit: str = ""

    @property
    def per(self) -> float:
        return pattern_rules().per.get(self.name, 100)

    @property
    def test(self) -> str:
        return "Fisher's exact test" if self.each else "exact binomial test"

    def rate(self, cases: float, amount: float) -> str:
        """`4.26 per 100 running h`; says so where there is none of it."""
        if not amount:
            return f"no {self.noun} known"
        return f"{self.per * cases / amount:.2f} per {self.per:g} {self.short}"


RUNNING = Denominator(name="running_hours", noun="running hours", short="running h")
LOTS = Denominator(name="lots", noun="inspected lots", short="inspected lots", each=True)
UNITS = Denominator(name="units", noun="good units made", short="good units")
CHANGEOVERS = Denominator(name="changeovers", noun="changeovers", short="changeovers", each=True)
ORDERS = Denominator(name="orders", noun="order lines shipped", short="order lines shipped", each=True)
# One job's run on a line, above the usual rate or not: the rejects of one run have one cause.
RUNS = Denominator(name="runs", noun="runs of one job on a line", short="runs", each=True, hit="above the usual rate")
DENOMINATORS = {d.name: d for d in (RUNNING, LOTS, UNITS, CHANGEOVERS, ORDERS)}
