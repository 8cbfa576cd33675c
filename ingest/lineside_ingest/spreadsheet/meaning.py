"""What cells say where only their column tells: dates as people write them, percent, durations. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from lineside.errors import UnreadableMessage
from lineside.plant import row_values
from lineside.plant.mapping import RowMapping, uses
from lineside.plant.records import Json
from lineside.plant.row_values import Notation
from lineside_ingest.spreadsheet.sheets import as_json

ORDERS = {"dmy": ("day", "month", "year"), "mdy": ("month", "day", "year"), "ymd": ("year", "month", "day")}
_DATE = re.compile(
    r"(?:[^\W\d]{2,10}\.?,?\s+)?(\d{1,4})\s?[./-]\s?(\d{1,2})\s?[./-]\s?(\d{1,4})(?:[,T ]+(\d.*))?", re.DOTALL
)
_CLOCK = re.compile(r"(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2}))?\s*([ap]\.?m\.?|Uhr|h)?", re.IGNORECASE)
_SERIAL = re.compile(r"[1-9]\d{4}(\.\d+)?", re.ASCII)
_DURATION = re.compile(r"(-?)(\d{1,6}):([0-5]\d)(?::([0-5]\d)(\.\d+)?)?", re.ASCII)
_PERCENT = re.compile(r"(.*\d.*?)\s*%", re.DOTALL)
_SECONDS = {"d": 86400, "h": 3600, "min": 60, "s": 1}
_PIVOT = 70  # two digits of a year: 1970 to 2069


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the mapping takes each column for. times: also parts of them. numbers: with the fixed unit, or empty.
    decisive: without a value of theirs the row says something else, or nothing."""

    times: frozenset[str]
    numbers: Mapping[str, str]
    decisive: frozenset[str]
    order: str = ""
    serials: bool = True

    def cell(self, column: str, value: Json, *, later_days: int = 0) -> Json:
        """The cell as it was meant: in a column of times a serial number is its date, a text of the order its ISO.

        later_days: how much later than usual the days of its file begin to count.
        """
        if column not in self.times or value is None or isinstance(value, bool | dict | list):
            return value
        if isinstance(value, str):
            if self.serials and _SERIAL.fullmatch(value.strip()):
                return _of_serial(float(value) + later_days)
            return (_dated(value.strip(), ORDERS[self.order]) or value) if self.order else value
        return _of_serial(float(value) + later_days) if self.serials and 1 <= value < 2_958_466 else value

    def plain(self, row: Mapping[str, Json], notation: Notation) -> dict[str, Json]:
        """The row as a mapping reads it: an error is no value, a percentage its fraction, a duration in its unit.

        Raises UnreadableMessage where an error, or a formula without a value, stands where the row can't do without.
        """
        found = dict(row)
        for name, value in row.items():
            if isinstance(value, dict):
                if name in self.decisive:
                    raise UnreadableMessage(f"{name} holds {_told(value)}", field=name)
                found[name] = None
            elif isinstance(value, str) and name in self.numbers:
                found[name] = self._amount(name, value.strip(), notation)
        return found

    def _amount(self, name: str, written: str, notation: Notation) -> Json:
        if parts := _PERCENT.fullmatch(written):
            try:
                return float(Decimal(str(row_values.number(parts[1], notation))) / 100)
            except ValueError:
                return written  # the mapping says what is wrong with it
        if parts := _DURATION.fullmatch(written):
            per = _SECONDS.get(self.numbers[name])
            if per is None:
                raise UnreadableMessage(
                    f"{name} holds the duration {written}: its unit must be d, h, min or s", field=name
                )
            seconds = Decimal(int(parts[2]) * 3600 + int(parts[3]) * 60 + int(parts[4] or 0)) + Decimal(parts[5] or 0)
            return float((-seconds if parts[1] else seconds) / per)
        return written


def read_meaning(mappings: Sequence[RowMapping], key: Sequence[str], *, order: str, serials: bool) -> Meaning:
    """What the mappings take each column for."""
    found = [use for mapping in mappings for use in uses(mapping)]
    specs = [spec for mapping in mappings for spec in _specs(mapping.fields)]
    numbers = {
        spec["field"]: unit if isinstance(unit := spec.get("unit", ""), str) else ""
        for spec in specs
        if spec.get("type") == "number" or "unit" in spec
    }
    told = {spec["field"] for spec in specs if "default" in spec}
    return Meaning(
        times=frozenset(use.column for use in found if use.type == "time"),
        numbers=numbers,
        decisive=frozenset(key) | {use.column for use in found if use.role != "value"} | told,
        order=order,
        serials=serials,
    )


def _specs(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The tables of a mapping that read one column."""
    for spec in fields.values():
        if isinstance(spec, Mapping):
            if isinstance(spec.get("field"), str):
                yield spec
            else:
                yield from _specs(spec)


def _told(value: Mapping[str, Json]) -> str:
    if "formula" in value:
        formula = value["formula"]
        return f"a formula without a stored value ({formula}): open the file in a spreadsheet program and save it"
    return f"the error {value.get('error')}"


def _of_serial(serial: float) -> Json:
    from openpyxl.utils.datetime import from_excel

    return as_json(from_excel(serial))


def _dated(written: str, order: Sequence[str]) -> str | None:
    """The text as ISO; None where it is no date or time of day of this order."""
    parts = _DATE.fullmatch(written)
    if parts is None:
        clock = _clock(written)
        return clock.isoformat() if clock else None
    year_first = len(parts[1]) == 4
    named = dict(zip(ORDERS["ymd"] if year_first else order, map(int, parts.group(1, 2, 3)), strict=True))
    if named["year"] < 100:
        named["year"] += 1900 if named["year"] >= _PIVOT else 2000
    clock = _clock(parts[4].strip()) if parts[4] else time.min
    try:
        day = datetime(**named)  # type: ignore[arg-type]  # noqa: DTZ001 - its zone is the mapping's
    except ValueError:
        return None
    if clock is None:
        return None
    moment = day + timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
    return moment.isoformat() if parts[4] else day.date().isoformat()


def _clock(written: str) -> time | None:
    parts = _CLOCK.fullmatch(written)
    if parts is None or not (parts[2] or parts[4]):
        return None
    hour, half = int(parts[1]), (parts[4] or "").lower().replace(".", "")
    if half in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, int(parts[2] or 0), int(parts[3] or 0))
    except ValueError:
        return None
