"""What each figure on exceptions is made of and called, as the packs' case_kpis.toml says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lineside.cases.classes import case_pack
from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong

FILE = "case_kpis.toml"
UNITS = ("duration", "%", "per 100", "total", "money")
COUNTS_OF: Mapping[str, str] = {
    "age": "open", "acknowledge_time": "acknowledged", "contain_time": "contained", "open_time": "closed",
    "decide_time": "decided", "approve_time": "approved", "effort_saved": "rated_untouched", "cost": "rated_contained",
}  # fmt: skip
"""What is measured, to what is counted of it: a figure of the one has the other below its line."""
COUNTS = (
    *dict.fromkeys(COUNTS_OF.values()), "closed_untouched", "closed_again", "lots_disposed", "lots_reworked", "started",
    "expedited", "priority_untold",
)  # fmt: skip
ELEMENTS = (*COUNTS_OF, *COUNTS)
EVENTS = ("expedited", "expedited_by_kind", "started", "disposed", "rework")
_TOP = ("version", "elements", "kpi", "events", "ages", "rates")
_KEYS = ("name", "numerator", "denominator", "unit", "estimate", "lower_is_better", "words")
_RATES = ("currency", "cost_per_hour", "minutes_saved")
_MEASURED_IN: Mapping[str, str] = {"effort_saved": "total", "cost": "money"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """numerator, denominator: elements. unit: a duration is told as median and p90, a total and money as sums."""

    key: str
    name: str
    numerator: str
    denominator: str
    unit: str
    estimate: bool = False
    lower_is_better: bool = False
    words: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.name[:1].upper() + self.name[1:]

    @property
    def stands(self) -> bool:
        """Whether it tells how things stand at the end of a window: then its counts don't add up over windows."""
        return self.denominator == "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiPack:
    """Everything that the files say. events: kinds of events by what they count as, and the results that mean rework.
    cost_per_hour: money by class; minutes_saved: minutes by class. ages: where one age ends and the next begins."""

    version: str
    elements: Mapping[str, str]
    definitions: Mapping[str, Definition]
    events: Mapping[str, frozenset[str]]
    ages: tuple[timedelta, ...]
    currency: str
    cost_per_hour: Mapping[str, float]
    minutes_saved: Mapping[str, float]

    def basis(self, of: Definition) -> str:
        """The figure's definition in a sentence."""
        over, under = self.elements[of.numerator], self.elements[of.denominator]
        return f"{of.name}: {over}; over: {under}"


@of_packs
def kpi_pack() -> KpiPack:
    """What the packs in force say. Raises BadSettings with file and key."""
    return load(FILE, parse)


def parse(where: str, data: Mapping[str, Any]) -> KpiPack:
    """The content of a case_kpis.toml. Raises BadSettings with the key that is wrong and what is allowed."""
    _only(where, "", data, _TOP)
    named = table(where, "elements", data.get("elements", {}))
    _only(where, "elements.", named, ELEMENTS)
    elements = {key: text(where, f"elements.{key}", named.get(key)) for key in ELEMENTS}
    told = table(where, "kpi", data.get("kpi", {}))
    events = table(where, "events", data.get("events", {}))
    _only(where, "events.", events, EVENTS)
    rates = table(where, "rates", data.get("rates", {}))
    _only(where, "rates.", rates, _RATES)
    currency = rates.get("currency", "")
    if not isinstance(currency, str):
        raise wrong(where, "rates.currency", "must be a text")
    cost = _rates(where, "cost_per_hour", rates)
    if cost and not currency:
        raise wrong(where, "rates.currency", "is missing: rates.cost_per_hour gives money")
    return KpiPack(
        version=text(where, "version", data.get("version")),
        elements=elements,
        definitions={key: _definition(where, key, table(where, f"kpi.{key}", given)) for key, given in told.items()},
        events={
            name: frozenset(each.casefold() for each in texts(where, f"events.{name}", events.get(name, [])))
            for name in EVENTS
        },
        ages=_ages(where, table(where, "ages", data.get("ages", {}))),
        currency=currency,
        cost_per_hour=cost,
        minutes_saved=_rates(where, "minutes_saved", rates),
    )


def _definition(where: str, key: str, told: Mapping[str, Any]) -> Definition:
    at = f"kpi.{key}"
    _only(where, f"{at}.", told, _KEYS)
    numerator = text(where, f"{at}.numerator", told.get("numerator"), ELEMENTS)
    denominator = text(where, f"{at}.denominator", told.get("denominator"), COUNTS)
    unit = text(where, f"{at}.unit", told.get("unit"), UNITS)
    measured = COUNTS_OF.get(numerator)
    if measured and denominator != measured:
        raise wrong(where, f"{at}.denominator", f"must be what {numerator} is measured of", [measured])
    fitting = [_MEASURED_IN.get(numerator, "duration")] if measured else ["%", "per 100"]
    if unit not in fitting:
        raise wrong(where, f"{at}.unit", f"does not fit {numerator}", fitting)
    for name in ("estimate", "lower_is_better"):
        if not isinstance(told.get(name, False), bool):
            raise wrong(where, f"{at}.{name}", "must be true or false")
    return Definition(
        key=key,
        name=text(where, f"{at}.name", told.get("name")),
        numerator=numerator,
        denominator=denominator,
        unit=unit,
        estimate=told.get("estimate", False),
        lower_is_better=told.get("lower_is_better", False),
        words=texts(where, f"{at}.words", told.get("words", [])),
    )


def _ages(where: str, told: Mapping[str, Any]) -> tuple[timedelta, ...]:
    _only(where, "ages.", told, ("hours",))
    hours = told.get("hours", [])
    fit = isinstance(hours, list) and all(_number(each) and each > 0 for each in hours)
    if not fit or sorted(set(hours)) != hours:
        raise wrong(where, "ages.hours", "must be a list of hours, each greater than the one before")
    return tuple(timedelta(hours=each) for each in hours)


def _rates(where: str, name: str, rates: Mapping[str, Any]) -> Mapping[str, float]:
    found = table(where, f"rates.{name}", rates.get(name, {}))
    for key, value in found.items():
        if key not in (known := case_pack().classes):
            raise wrong(where, f"rates.{name}.{key}", "is no class of exceptions", known)
        if not _number(value) or value < 0:
            raise wrong(where, f"rates.{name}.{key}", "must be a number that is not negative")
    return {key: float(value) for key, value in found.items()}


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _only(where: str, at: str, told: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in told:
        if key not in allowed:
            raise wrong(where, f"{at}{key}", "is not a key here", allowed)
