"""The steps of a way from one figure to another, and the rest that none of them explains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lineside.interpretation.reading import Finding, Kind
from lineside.interpretation.stock import Figure
from lineside.plant.quantities import plain
from lineside.plant.records import Json

DOUBLE, IN_PROCESS, PACKAGING, UNIT = "double posting", "work in process", "packaging slip", "unit slip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A signed quantity on the way from one figure to the other. books_lack: whether a posting is owed by `start`.

    by_a_third: whether neither of the two sources recorded it. at_fault: the source that lacks it or has it wrongly,
    where one does; where: the equipment or place that it names, where it names one.
    """

    name: str
    value: Decimal
    text: str
    kind: Kind
    cites: tuple[str, ...]
    books_lack: bool = False
    by_a_third: bool = False
    at_fault: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """start + steps + rest == end, exactly. since: where the look at movements began; agreed: whether the two figures
    were equal then."""

    start: Figure
    end: Figure
    steps: tuple[Step, ...]
    since: datetime
    agreed: bool
    missing: tuple[str, ...]

    @property
    def difference(self) -> Decimal:
        return self.end.value - self.start.value

    @property
    def rest(self) -> Decimal:
        return self.difference - sum((s.value for s in self.steps), Decimal(0))


def signed(value: Decimal, unit: str) -> str:
    """`-28 ea`, `+5 ea`."""
    return f"{'+' if value > 0 else ''}{plain(value)} {unit}".rstrip()


def in_one_line(found: Bridge) -> str:
    """`erp 840 ea to wms 812 ea: -28 ea unposted issue; rest 0`."""
    sums: dict[str, Decimal] = {}
    for step in found.steps:
        name = step.name + (" (a guess)" if step.kind is Kind.GUESSED else "")
        sums[name] = sums.get(name, Decimal(0)) + step.value
    steps = ", ".join(f"{signed(value, found.start.unit)} {name}" for name, value in sums.items())
    rest = f"rest {signed(found.rest, found.start.unit)}" if found.rest else "rest 0"
    return f"{found.start.source} {found.start.amount} to {found.end.source} {found.end.amount}: " + "; ".join(
        filter(None, (steps, rest))
    )


def bridge_findings(found: Bridge) -> tuple[Finding, ...]:
    """The bridge's own sentence, then one for each step."""
    unit, start, end = found.start.unit, found.start, found.end
    explained = found.difference - found.rest
    sure = sum((s.value for s in found.steps if s.kind is not Kind.GUESSED), Decimal(0))
    guessed = explained - sure
    head = (
        f"From {start.source} {start.amount} to {end.source} {end.amount}: {signed(found.difference, unit)}; "
        f"{signed(sure, unit)} is explained by records"
        + (f", {signed(guessed, unit)} by a guess" if guessed else "")
        + f", {signed(found.rest, unit)} is unexplained."
    )
    data: dict[str, Json] = {
        "from": plain(start.value),
        "to": plain(end.value),
        "difference": plain(found.difference),
        "rest": plain(found.rest),
        "unit": unit,
        "since": found.since.isoformat(),
        "agreed_then": found.agreed,
    }
    return (Finding(text=head, kind=Kind.DERIVED, cites=cites_of(found), data=data), *_step_findings(found, unit))


def cites_of(found: Bridge) -> tuple[str, ...]:
    """The records of both figures and of every step."""
    return tuple(dict.fromkeys((*found.start.cites, *found.end.cites, *(c for s in found.steps for c in s.cites))))


def _step_findings(found: Bridge, unit: str) -> Iterator[Finding]:
    for step in found.steps:
        yield Finding(
            text=f"{signed(step.value, unit)}: {step.name}. {step.text}",
            kind=step.kind,
            cites=step.cites,
            data={"step": step.name, "value": plain(step.value), "unit": unit},
        )
