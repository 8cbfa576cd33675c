"""The figures on exceptions as the faces show them: what is asked for, as data, as CSV and as text for people."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lineside.actions.governed import governed
from lineside.app import Lineside
from lineside.cases import case_pack
from lineside.cases.kpis import Asked, Definition, Figure, KpiPack, figures, kpi_pack, take
from lineside.errors import BadRequest
from lineside.interpretation.pack_files import follow
from lineside.memory import Reader
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window
from lineside.serve.handover_rows import place_for
from lineside.serve.moments import parse_moment

BACK = timedelta(days=7)
NONE = "none"
_COLUMNS = (
    "kpi", "class", "area", "shift", "site", "day", "week", "each-shift", "from", "to", "value", "unit", "currency",
    "median_s", "p90_s", "mean_s", "longest_s", "numerator", "denominator", "waiting", "estimate", "behind", "missing",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The figures, by which definitions, and as of when they were known."""

    pack: KpiPack
    window: Window
    as_of: datetime
    figures: Sequence[Figure]


def asked_for(
    lineside: Lineside,
    *,
    since: str | None = None,
    until: str | None = None,
    by: Iterable[str] = (),
    kpis: Iterable[str] = (),
    of: str | None = None,
    place: str | None = None,
    at: str | None = None,
) -> tuple[Asked, datetime | None]:
    """What is asked for in words, and as of when; by default the last seven days, as of now. by, kpis: each may hold
    several with commas. Raises BadRequest."""
    follow(lineside.plant)
    moment = parse_moment(at, lineside.plant) if at else None
    now = moment or lineside.clock()
    end = parse_moment(until, lineside.plant) if until else now
    start = parse_moment(since, lineside.plant) if since else end - BACK
    if end <= start:
        raise BadRequest(f"the time ends before it begins: {start.isoformat()} to {end.isoformat()}")
    if of and of not in case_pack().classes:
        raise BadRequest(f"there is no class {of!r}; there are: {', '.join(case_pack().classes)}", key=of)
    asked = Asked(
        window=Window(start=start, end=end),
        by=_several(by),
        kpis=_several(kpis),
        case_class=of or None,
        place=place_for(lineside, place),
    )
    return asked, moment


def told(lineside: Lineside, reader: Reader, asked: Asked, at: datetime | None = None) -> Told:
    """The figures for that reader, as they would have been told at `at`, by default now."""
    memory = lineside.memory
    taken = take(
        memory, asked.window, reader=reader, as_of=at, proposals=governed(memory, reader=reader, as_of=at)
    )  # fmt: skip
    return Told(pack=taken.pack, window=asked.window, as_of=taken.as_of, figures=figures(taken, asked))


def document(lineside: Lineside, found: Told) -> dict[str, Json]:
    """Everything as data: the definitions, and each figure with what is behind it. Times of day on the plant's clock,
    durations in seconds, null where nothing was counted below the line."""
    zone = lineside.plant.time_zone
    return {
        "as_of": found.as_of.astimezone(zone).isoformat(),
        "from": found.window.start.astimezone(zone).isoformat(),
        "to": found.window.end.astimezone(zone).isoformat(),
        "definitions": [definition(found.pack, each) for each in found.pack.definitions.values()],
        "version": found.pack.version,
        "figures": [row(lineside, each) for each in found.figures],
    }


def definition(pack: KpiPack, of: Definition) -> dict[str, Json]:
    """What a figure is made of, in the pack's words."""
    return {
        "kpi": of.key,
        "name": of.name,
        "unit": of.unit,
        "numerator": pack.elements[of.numerator],
        "denominator": pack.elements[of.denominator],
        "estimate": of.estimate,
        "lower_is_better": of.lower_is_better or of.unit == "duration",
    }


def row(lineside: Lineside, figure: Figure) -> dict[str, Json]:
    """One figure as data. behind: the exceptions, proposals or records below its line; above: those above it."""
    zone = lineside.plant.time_zone
    found: dict[str, Json] = {
        "kpi": figure.kpi.key,
        "name": figure.kpi.name,
        "group": dict(figure.group),
        "from": figure.window.start.astimezone(zone).isoformat(),
        "to": figure.window.end.astimezone(zone).isoformat(),
        "value": figure.value,
        "unit": "s" if figure.kpi.unit == "duration" else figure.kpi.unit,
        "currency": figure.currency or None,
        "median_s": figure.median,
        "p90_s": figure.p90,
        "mean_s": figure.mean,
        "longest_s": figure.longest,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "waiting": figure.waiting,
        "ages": dict(figure.ages),
        "estimate": figure.kpi.estimate,
        "behind": list(figure.refs),
        "above": list(figure.above),
        "missing": figure.missing or None,
    }
    return found


def csv_text(lineside: Lineside, found: Told) -> str:
    """The figures as CSV with a header; what is behind one in one cell, with spaces between."""
    made = io.StringIO(newline="")
    writer = csv.DictWriter(made, _COLUMNS, extrasaction="ignore", lineterminator="\r\n")
    writer.writeheader()
    for each in found.figures:
        data = row(lineside, each)
        group = {name: _safe(value) for name, value in each.group.items()}
        writer.writerow({**data, **group, "behind": " ".join(each.refs)})
    return made.getvalue()


def table(found: Told, by: Sequence[str]) -> tuple[tuple[str, ...], list[list[str]]]:
    """The header and the rows for a terminal."""
    header = ("figure", *by, "value", "p90", "longest", "of", "waiting")
    rows = [
        [
            f"{each.kpi.name}{' (estimate)' if each.kpi.estimate else ''}",
            *(each.group[name] for name in by),
            shown(each),
            lasting(each.p90),
            lasting(each.longest),
            str(each.denominator),
            str(each.waiting or "-"),
        ]
        for each in found.figures
    ]
    return header, rows


def shown(figure: Figure) -> str:
    """The value as people read it; none where nothing was counted, and why where a rate lacks."""
    if figure.value is None:
        return figure.missing or NONE
    match figure.kpi.unit:
        case "duration":
            return duration(figure.value)
        case "%":
            return f"{100 * figure.value:.1f} %"
        case "total":
            return duration(figure.value * 60)
        case "money":
            return f"{figure.value:,.2f} {figure.currency}"
        case _:
            return f"{figure.value:.1f}"


def lasting(seconds: float | None) -> str:
    """A duration as people read it."""
    return "-" if seconds is None else duration(seconds)


def definitions_now(lineside: Lineside) -> KpiPack:
    """The definitions in force at the plant."""
    follow(lineside.plant)
    return kpi_pack()


def _several(given: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for each in given for part in each.split(",") if part.strip()))


def _safe(text: str) -> str:
    """A spreadsheet takes no name of a place for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
