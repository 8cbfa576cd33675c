"""How well exceptions are worked, on a page: each figure with its trend, and what is behind it one click away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from lineside.actions.governed import governed
from lineside.cases.kpis import Asked, Figure, figures, take
from lineside.cases.kpis.asked import BY, DAY, EACH_SHIFT, TILES, WEEK
from lineside.errors import BadRequest
from lineside.plant.equipment import Level, level
from lineside.serve.api import Here, Reading
from lineside.serve.case_rows import reading
from lineside.serve.kpi_rows import asked_for, definition, lasting, shown
from lineside.serve.moments import parse_moment
from lineside.serve.pages.showing import show

_BEHIND = 60
_WIDE, _TALL = 300.0, 56.0
_SPANS = {"1": "the last day", "7": "the last 7 days", "28": "the last 28 days", "91": "the last 91 days"}
_STEPS = {DAY: "by day", WEEK: "by week", EACH_SHIFT: "by shift"}
_Words = Annotated[str, Query(max_length=2000)]

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One stretch of a trend, as it is drawn. text: its name and value."""

    x: float
    y: float
    width: float
    height: float
    text: str
    none: bool


@router.get("/kpis")
def kpis_page(
    request: Request,
    lineside: Here,
    caller: Reading,
    days: _Words = "7",
    step: _Words = DAY,
    beside: _Words = "",
    of: _Words = "",
    place: _Words = "",
    at: _Words = "",
) -> Response:
    """The figures of the last days for the reader, in all and set side by side, with their trends."""
    if days not in _SPANS or step not in _STEPS or beside not in ("", *BY[:4]):
        raise BadRequest(
            f"choose days of {', '.join(_SPANS)}, a step of {', '.join(TILES)} and one of {', '.join(BY[:4])}"
        )
    end = parse_moment(at, lineside.plant) if at else lineside.clock()
    asked, moment = asked_for(
        lineside, since=(end - timedelta(days=int(days))).isoformat(), until=end.isoformat(), of=of, place=place, at=at
    )
    reader = lineside.reader(caller.person)
    found = reading(lineside, reader, moment)
    taken = take(
        lineside.memory, asked.window, reader=reader, as_of=moment,
        proposals=governed(lineside.memory, reader=reader, as_of=moment),
    )  # fmt: skip
    trends: dict[str, list[Figure]] = {}
    for figure in figures(taken, replace(asked, by=(step,))):
        trends.setdefault(figure.kpi.key, []).append(figure)
    groups: dict[str, list[Figure]] = {}
    for figure in figures(taken, replace(asked, by=(beside,))) if beside else ():
        groups.setdefault(figure.kpi.key, []).append(figure)
    titles = {case.id: case.title for case in taken.cases}
    rows = [
        {
            "figure": figure,
            "definition": definition(taken.pack, figure.kpi),
            "shown": shown(figure),
            "p90": lasting(figure.p90),
            "longest": lasting(figure.longest),
            "bars": _bars(trends[figure.kpi.key]),
            "groups": [(each.group[beside], shown(each), each.denominator) for each in groups.get(figure.kpi.key, ())],
            "behind": [(ref, *_link(ref, titles)) for ref in figure.refs[:-_BEHIND - 1:-1]],
            "more": max(0, len(figure.refs) - _BEHIND),
        }
        for figure in figures(taken, asked)
    ]  # fmt: skip
    chosen = {"days": days, "step": step, "beside": beside, "of": of, "place": place, "at": at}
    return show(
        request,
        "kpis.html",
        rows=rows,
        window=asked.window,
        chosen=chosen,
        spans=_SPANS,
        steps=_STEPS,
        sides=BY[:4],
        classes=[(key, each.name) for key, each in found.pack.classes.items()],
        places=[(e.id, e.name or e.id) for e in lineside.plant.equipment if level(e.id) is Level.WORK_CENTER],
        data=_data(asked, step, beside, moment),
    )


def _data(asked: Asked, step: str, beside: str, moment: datetime | None) -> str:
    """The address of the same figures as CSV, by the step shown."""
    told: dict[str, Any] = {"since": asked.window.start.isoformat(), "until": asked.window.end.isoformat()}
    told["by"] = f"{beside},{step}" if beside else step
    told |= {"class": asked.case_class} if asked.case_class else {}
    told |= {"place": asked.place} if asked.place else {}
    told |= {"at": moment.isoformat()} if moment else {}
    return f"/api/v1/kpi?{urlencode({**told, 'format': 'csv'})}"


def _link(ref: str, titles: dict[str, str]) -> tuple[str, str]:
    """Where the thing behind a figure is shown, and what it is called."""
    if ref in titles:
        return f"/cases/{ref}", titles[ref]
    return (f"/proposals/{ref}", "proposal") if ref.startswith("P-") else (f"/records/{ref}", "record")


def _bars(trend: Sequence[Figure]) -> list[Bar]:
    """The trend drawn from the left; a stretch in which nothing was counted has a foot and no bar."""
    most = max((each.value or 0.0 for each in trend), default=0.0) or 1.0
    wide = _WIDE / max(len(trend), 1)
    found = []
    for place, each in enumerate(trend):
        tall = max(2.0, (_TALL - 2) * each.value / most) if each.value is not None else 1.0
        text = f"{next(iter(each.group.values()))}: {shown(each)}, of {each.denominator}"
        found.append(
            Bar(
                x=round(place * wide, 2), y=round(_TALL - tall, 2), width=round(wide * 0.8, 2), height=round(tall, 2),
                text=text, none=each.value is None,
            )
        )  # fmt: skip
    return found
