"""The figures as an answer: each with how many it rests on, what waits still, and some of the exceptions behind it."""

from __future__ import annotations

from datetime import timedelta

from lineside.cases.kpis.asked import Asked
from lineside.cases.kpis.figures import Figure, figures
from lineside.cases.kpis.taking import Taken
from lineside.interpretation.reading import Cite, Finding, Kind, PlantFact, Reading, clock
from lineside.interpretation.wording import counted
from lineside.memory import View
from lineside.plant.records import Json
from lineside.plant.timeline import duration
from lineside.plant.windows import Window

BACK = timedelta(days=7)
_SHOWN = 12
_CITED = 6
_OF = {"approved": "proposal", "lots_disposed": "disposition", "started": "job order"}


def week_to(view: View) -> Window:
    """The last seven days, which figures are told for where no time is named."""
    return Window(start=view.as_of - BACK, end=view.as_of, label="the last 7 days")


def telling(taken: Taken, asked: Asked, view: View) -> Reading:
    """The figures in words, the ones that can be told first."""
    found = figures(taken, asked)
    known = [each for each in found if each.value is not None]
    when = asked.window.label or asked.window.shift or "that time"
    until = min(asked.window.end, view.as_of)
    span = f"{clock(asked.window.start, view.plant)} to {clock(until, view.plant)}"
    told = known or found
    head = told[0]
    lead = f"{_group(head)}{head.kpi.name}"
    verdict = f"{lead[:1].upper()}{lead[1:]}, {_at(head, view, when)}: {_said(head)}."
    return Reading(
        verdict=verdict,
        findings=tuple(_finding(taken, view, each, span) for each in told[:_SHOWN]),
        missing=tuple(dict.fromkeys(_lacking(each, when) for each in found if each.value is None)),
        window=asked.window,
        data={"figures": [_data(each) for each in found]},
    )


def _at(figure: Figure, view: View, when: str) -> str:
    """When it is told of: what stands is told at a moment."""
    end = min(figure.window.end, view.as_of)
    return f"at {clock(end, view.plant)}" if figure.kpi.stands else when


def _finding(taken: Taken, view: View, figure: Figure, span: str) -> Finding:
    text = f"{_group(figure)}{figure.kpi.name}, {_at(figure, view, span)}: {_said(figure)}"
    if figure.ages:
        text += f"; by age: {', '.join(f'{n} {name}' for name, n in figure.ages.items() if n)}"
    if figure.waiting and not figure.kpi.stands:
        text += f"; {figure.waiting} had waited for it and wait still"
    if figure.kpi.estimate:
        text += "; an estimate, by the pack's rates"
    return Finding(
        text=f"{text[:1].upper()}{text[1:]}.",
        kind=Kind.DERIVED,
        cites=_cites(taken, view, figure, text),
        data=_data(figure),
    )


def _said(figure: Figure) -> str:
    noun = _OF.get(figure.kpi.denominator, "exception")
    if figure.value is None:
        return figure.missing or f"none, as no {noun} counts for it"
    of = counted(figure.denominator, noun)
    match figure.kpi.unit:
        case "duration":
            told = f"median {_lasting(figure.median)}, nine in ten within {_lasting(figure.p90)}"
            return f"{told}, longest {_lasting(figure.longest)}, over {of}"
        case "%":
            return f"{100 * figure.value:.1f} %, {figure.numerator:.0f} of {of}"
        case "total":
            return f"{duration(figure.value * 60)}, over {of}"
        case "money":
            return f"{figure.value:,.2f} {figure.currency}, over {of}"
        case _:
            return f"{figure.value:.1f}, {figure.numerator:.0f} to {of}"


def _lasting(seconds: float | None) -> str:
    return duration(seconds or 0.0)


def _lacking(figure: Figure, when: str) -> str:
    if figure.missing:
        return f"{figure.kpi.title}: {figure.missing}."
    return f"{_group(figure)}{figure.kpi.name}: none counted in {when}, {figure.waiting} waiting."


def _group(figure: Figure) -> str:
    return f"{', '.join(value.replace('_', ' ') for value in figure.group.values())}: " if figure.group else ""


def _cites(taken: Taken, view: View, figure: Figure, text: str) -> tuple[Cite, ...]:
    """The definition with the figures, and the records that opened some of the exceptions behind them."""
    fact = PlantFact(f"case_kpis.{figure.kpi.key}", f"{taken.pack.basis(figure.kpi)}; {text}")
    behind = set(figure.refs[: _CITED // 2] + figure.refs[-_CITED // 2 :])
    records = [record for case in taken.cases if case.id in behind for record in case.opened_records[:1]]
    records += [record for each in taken.proposals if each.id in behind for record in each.records[:1]]
    records += [ref for ref in behind if not ref.startswith(("EXC-", "P-"))]
    return (fact, *view.records(records))


def _data(figure: Figure) -> dict[str, Json]:
    return {
        "kpi": figure.kpi.key,
        "group": dict(figure.group),
        "value": figure.value,
        "median_s": figure.median,
        "p90_s": figure.p90,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "waiting": figure.waiting,
        "behind": list(figure.refs),
    }
