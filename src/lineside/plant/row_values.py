"""Values as business systems write them in rows: numbers with commas, times without zones. Pure.

Every function raises ValueError with a reason for people.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation

from lineside.plant.quantities import plain
from lineside.plant.records import Json

_ODATA_DATE = re.compile(r"/Date\((-?\d+)([+-]\d+)?\)/", re.ASCII)
_ODATA_TIME = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?", re.ASCII)
_COMPACT = re.compile(r"\d{8}(?:[ T]?\d{4}(?:\d{2})?)?", re.ASCII)
_POINT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+)?(,\d+)?([eE][+-]?\d+)?", re.ASCII)
_SHORT_HOUR = re.compile(r"(?<=\d)[ T](?=\d:)", re.ASCII)  # as Frappe writes a time of day: 9:05:00
_SPACES = str.maketrans("", "", "  \u00a0\u202f'’")


@dataclass(frozen=True, slots=True)
class Moment:
    """An aware time. certain: False where a clock change makes the local time exist twice, or not at all."""

    at: datetime
    certain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """How a source writes. time_zone: of times without an offset. time_format: strptime's, for times of its own."""

    time_zone: tzinfo
    decimal_comma: bool = False
    time_format: str | None = None


def text(value: Json) -> str:
    """The value as a person would write it: `123` for 123.0, the date of an OData time. Empty for none."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return plain(Decimal(repr(value)))
        case str():
            return _readable(value.strip())
        case _:
            return str(value)


def number(value: Json, notation: Notation) -> int | float | str:
    """The number in a cell, exactly: an int, a float that equals it, or its plain decimal text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r} is not a number")
    exact = Decimal(repr(value)) if isinstance(value, float) else _decimal(str(value), notation)
    if not exact.is_finite() or abs(exact.adjusted()) > 300:
        raise ValueError(f"{str(value)[:40]!r} is not a finite number")
    if exact == exact.to_integral_value():
        return int(exact)
    near = float(exact)
    return near if Decimal(repr(near)) == exact else plain(exact)


def moment(value: Json, notation: Notation) -> Moment:
    """The time in a cell; where it has no offset, in the notation's time zone. A bare date is its midnight."""
    written = text(value) if not isinstance(value, str) else value.strip()
    if (found := _ODATA_DATE.fullmatch(written)) and found[2]:
        return Moment(_epoch(int(found[1])))
    local = _local(_readable(written), notation)
    if local.tzinfo is not None:
        return Moment(local.astimezone(UTC))
    here = local.replace(tzinfo=notation.time_zone)
    certain = here.utcoffset() == here.replace(fold=1).utcoffset()
    return Moment(here.astimezone(UTC), certain)


def _local(written: str, notation: Notation) -> datetime:
    try:
        if notation.time_format:
            return datetime.strptime(written, notation.time_format)  # noqa: DTZ007 - the caller puts it in its zone
        if _COMPACT.fullmatch(written):
            digits = re.sub(r"\D", "", written).ljust(14, "0")
            return datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007
        return datetime.fromisoformat(_SHORT_HOUR.sub(r"\g<0>0", written))
    except ValueError as error:
        wanted = (
            f"as {notation.time_format!r} says" if notation.time_format else "as in 2026-05-04 14:30; set time_format"
        )
        raise ValueError(f"{written[:60]!r} is not a time, {wanted}") from error


def _decimal(written: str, notation: Notation) -> Decimal:
    bare = written.translate(_SPACES)
    if bare.endswith("-"):  # how SAP prints a negative quantity
        bare = "-" + bare[:-1]
    shape, thousands, point = (_COMMA, ".", ",") if notation.decimal_comma else (_POINT, ",", ".")
    if not shape.fullmatch(bare) or not any(letter.isdigit() for letter in bare):
        hint = "" if notation.decimal_comma or "," not in bare else "; a decimal comma needs decimal_comma = true"
        raise ValueError(f"{written[:40]!r} is not a number{hint}")
    try:
        return Decimal(bare.replace(thousands, "").replace(point, "."))
    except InvalidOperation as error:
        raise ValueError(f"{written[:40]!r} is not a number") from error


def _readable(written: str) -> str:
    """OData's JSON spellings as ISO: the wall clock of /Date(ms)/, the time of day of PT14H30M00S."""
    if written.startswith("/Date(") and (found := _ODATA_DATE.fullmatch(written)):
        when = _epoch(int(found[1])).astimezone(timezone(timedelta(minutes=int(found[2] or 0))))
        if found[2]:
            return when.isoformat()
        wall = when.replace(tzinfo=None)
        return wall.date().isoformat() if wall.time() == wall.min.time() else wall.isoformat()
    if written.startswith("PT") and (found := _ODATA_TIME.fullmatch(written)) and len(written) > 2:
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    return written


def _epoch(milliseconds: int) -> datetime:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise ValueError(f"/Date({milliseconds})/ is not a time that exists") from error
