"""Where reading a view stopped, and how far back the next read starts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TypeAlias

from lineside.plant.records import Json

Position: TypeAlias = "datetime | date | Decimal | str"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How far behind its mark a view is read again: seconds for times, a difference for numbers."""

    seconds: float
    number: Decimal

    def behind(self, position: Position, now: datetime, zone: tzinfo) -> Position:
        """The lower bound of the next read. A text that is no time has no distance: it is read again from itself.

        Local times that a clock change brings a second time lie behind the mark, as far as the clocks were put back.
        """
        match position:
            case datetime():
                return position - timedelta(seconds=self.seconds) - _put_back(position, now, zone)
            case date():
                return position - timedelta(days=1 + self.seconds // 86400)
            case Decimal():
                return position - self.number
            case str():
                style = _style(position)
                if style is None:
                    return position
                moment = datetime.fromisoformat(position)
                low = moment - timedelta(seconds=self.seconds) - _put_back(moment, now, zone)
                return _written(low, *style)


def position_of(value: object) -> Position:
    """A cursor column's value. Raises ValueError where it can't be ordered."""
    if isinstance(value, datetime | date | Decimal | str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    raise ValueError(f"a cursor column must hold times, numbers or texts, not {type(value).__name__}")


def not_after(position: Position, now: datetime, zone: tzinfo) -> Position:
    """The position, but never later than now: one row dated in the future must not hide all that come after it."""
    match position:
        case datetime():
            return min(position, now if position.tzinfo else now.astimezone(zone).replace(tzinfo=None))
        case date():
            return min(position, now.astimezone(zone).date())
        case Decimal():
            return position
        case str():
            style = _style(position)
            if style is None:
                return position
            aware = datetime.fromisoformat(position).tzinfo is not None
            local = now.astimezone(zone)
            return min(position, _written(local if aware else local.replace(tzinfo=None), *style))


def reaches(position: Position, bound: Position | None) -> bool:
    """Whether `position` is at `bound` or behind it; both are of one kind."""
    return bound is None or not position < bound  # type: ignore[operator]


def to_json(position: Position) -> Json:
    match position:
        case datetime():
            return {"datetime": position.isoformat()}
        case date():
            return {"date": position.isoformat()}
        case Decimal():
            return {"number": str(position)}
        case str():
            return {"text": position}


def from_json(value: Json) -> Position | None:
    match value:
        case {"datetime": str(text)}:
            return datetime.fromisoformat(text)
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"number": str(text)}:
            return Decimal(text)
        case {"text": str(text)}:
            return text
    return None


def _put_back(mark: datetime, now: datetime, zone: tzinfo) -> timedelta:
    if mark.tzinfo is not None:
        return timedelta()
    then, here = mark.replace(tzinfo=zone).utcoffset(), now.astimezone(zone).utcoffset()
    return max(timedelta(), (then or timedelta()) - (here or timedelta()))


def _style(text: str) -> tuple[str, str] | None:
    """(separator, timespec) in which a time is written as text; None where it is not a time that sorts as text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    for separator in ("T", " "):
        for timespec in ("seconds", "milliseconds", "microseconds", "minutes"):
            if _written(moment, separator, timespec) == text:
                return separator, timespec
    return None


def _written(moment: datetime, separator: str, timespec: str) -> str:
    return moment.isoformat(separator, timespec)
