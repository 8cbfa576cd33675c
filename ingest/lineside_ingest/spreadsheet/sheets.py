"""What every kind of file is read as: sheets whose lines come one by one, so that none is held whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TypeAlias

from lineside.plant.records import Json

# What Excel, in English and German, and LibreOffice write where a formula has no result.
ERROR = re.compile(
    r"#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|NV|BEZUG!|WERT!|ZAHL!|ÜBERLAUF!)|Err:5\d\d"
)

Merged: TypeAlias = tuple[int, int, int, int]  # first row and column, last row and column, counted from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row's filled cells by column, both counted from 0. A cell that holds an error or a formula without a value is
    an object that tells it: {"error": "#N/A"}, {"formula": "=A1"}.

    width: of a csv file, how many cells were written. cut: it is the last one, and no line break ends it.
    """

    place: int
    cells: Mapping[int, Json]
    hidden: bool = False
    struck: bool = False
    width: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """lines: from the first on, each time anew; raises SourceUnavailable or SourceRefused where the file is broken.
    comments: by row and column. name: empty where the file has one sheet only. later_days: how much later than usual
    its days begin to count."""

    name: str
    lines: Callable[[], Iterator[Line]]
    merged: Sequence[Merged] = ()
    comments: Mapping[tuple[int, int], str] = field(default_factory=dict)
    later_days: int = 0


def as_json(cell: object) -> Json:
    """A cell's value: whole numbers without a fraction, times in ISO, midnight as a date, a duration as 36:30:00."""
    match cell:
        case None | "":
            return None
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return int(cell)
        case str():
            return (
                {"error": cell.strip()} if cell.lstrip()[:1] in ("#", "E") and ERROR.fullmatch(cell.strip()) else cell
            )
        case bool() | int() | float():
            return cell
        case datetime() if cell.time() == time.min:
            return cell.date().isoformat()
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return _duration(cell)
    return str(cell)


def _duration(span: timedelta) -> str:
    seconds, micros = divmod(abs(span) // timedelta(microseconds=1), 1_000_000)
    told = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return ("-" if span < timedelta(0) else "") + told + (f".{micros:06d}".rstrip("0") if micros else "")
