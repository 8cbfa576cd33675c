"""What goes along with a line at a moment is what its hours, cut into pieces, say of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.running_hours import LineHours
from lineside.interpretation.stops import intervals
from lineside.plant.windows import Window

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PRESS = "harrow/tablets/press-2"
MINUTES = st.integers(0, 20 * 24 * 60)
KINDS = ("stop", "start", "changeover_start", "changeover_end", "started", "consumption")


def happened(number: int, kind: str, ago: int) -> dict[str, object]:
    told: dict[str, object] = {"kind": kind, "equipment": PRESS, "attributes": {"die": f"D-{number % 3}"}}
    told |= {"job_order": f"J-{number % 4}"} if kind == "started" else {}
    told |= {"lot": f"R-{number % 3}", "material": "starch"} if kind == "consumption" else {}
    when = (NOW - timedelta(minutes=ago)).isoformat()
    return {"id": f"e-{number}", "source": "mes", "type": "lineside.event", "time": when, "data": told}


@settings(max_examples=40)
@given(data=st.data())
def test_a_moment_of_a_line_needs_no_pieces(data, remembered, press_house):
    long_ago = (NOW - timedelta(days=40)).isoformat()
    events = [
        {
            "id": f"r-{name}", "source": "mes", "type": "lineside.report", "time": long_ago,
            "data": {"entity": name, "properties": properties},
        }
        for name, properties in (
            *((f"job_order:J-{n}", {"material": f"M-{n % 2}"}) for n in range(4)),
            *((f"lot:R-{n}", {"supplier": f"S-{n}"}) for n in range(3)),
        )
    ]  # fmt: skip
    told = data.draw(st.lists(st.tuples(st.sampled_from(KINDS), MINUTES), max_size=12))
    events += [happened(number, *each) for number, each in enumerate(told)]
    view = remembered(events, press_house).view(as_of=NOW)
    window = Window(start=NOW - timedelta(days=15), end=NOW)
    hours = LineHours(view, window, intervals(view, None, window))
    for ago in data.draw(st.lists(MINUTES, min_size=1, max_size=8)):
        moment = NOW - timedelta(minutes=ago)
        piece, along = hours.of(PRESS).at(PRESS, moment), hours.along(PRESS, moment)
        assert (piece is None) == (along is None)
        if piece is not None and along is not None:
            levels = {name: level for name, level in piece.levels.items() if name != "after_changeover"}
            assert (levels, piece.turn, piece.line) == (along.levels, along.turn, along.line)
