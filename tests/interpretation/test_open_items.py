"""A handover's open items are those that reading everything tells, whatever arrived and whichever stretch is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.open_items import items
from lineside.memory import View

DAY = datetime(2026, 11, 2, tzinfo=UTC)
EVER = timedelta(days=400)
WORDS = {
    "hold": ["active", "aktiv", "released", "freigegeben", "", 3, True, None],
    "job_order": ["blocked", "gesperrt", "running", "fertig", "x" * 120],
    "maintenance_order": ["requested", "läuft", "erledigt", "closed", {"value": 1, "unit": "h"}],
}


def on(day: int) -> datetime:
    return DAY + timedelta(days=day)


def told(view: View, start: int, end: int) -> set[tuple[Any, ...]]:
    return {(i.key, i.what, i.opened, i.closed, i.records) for i in items(view, on(start), on(end))}


def plain(view: View, start: int, end: int) -> set[tuple[Any, ...]]:
    """The same, out of all that was ever open: no such stretch is left out for being over."""
    ever = items(view, on(start) - EVER, on(end))
    return {(i.key, i.what, i.opened, i.closed, i.records) for i in ever if i.closed is None or i.closed > on(start)}


@settings(max_examples=25)
@given(data=st.data())
def test_what_reaches_into_a_stretch_is_found_without_reading_all_that_ever_was(data, remembered, feed):
    events: list[dict[str, Any]] = []
    for number in range(data.draw(st.integers(4, 12))):
        source, day, late = (
            data.draw(st.sampled_from("12")),
            data.draw(st.integers(0, 9)),
            data.draw(st.sampled_from([0, 0, 0, -2, 3])),
        )
        kind = data.draw(st.sampled_from(sorted(WORDS)))
        said = {"status": data.draw(st.sampled_from(WORDS[kind])), "equipment": "northfield/hall/roller-1"}
        of, report = "report", {"entity": f"{kind}:{data.draw(st.just('a'))}", "properties": said}
        if number and data.draw(st.integers(0, 4)) == 0:
            of = "deletion"
            report = {"of": f"{source}-{data.draw(st.integers(0, number - 1))}", "reason": "wrong sheet"}
        events.append({
            "id": f"{source}-{number}", "source": f"mill-{source}", "type": f"lineside.{of}", "data": report,
            "time": on(day).isoformat(), "reportedat": on(day + late).isoformat(),
        })  # fmt: skip
    memory = remembered()
    for each in data.draw(st.permutations(events)):
        feed(memory, [each])

    view = memory.view(as_of=on(data.draw(st.integers(3, 14))) + timedelta(hours=1))
    for start in range(0, 11, 2):
        for end in (start, start + 1, start + 3):
            assert told(view, start, end) == plain(view, start, end)
