"""Which unit limits its line: the one the others wait for, not the one that stops most often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.interpretation.bottleneck import active_periods, bottleneck
from lineside.interpretation.reading import Kind
from lineside.interpretation.stops import Interval, Loss
from lineside.plant.windows import Window

PRESS = "harrow/tablets/press-2"
FEEDER, TURRET, COATER = (f"{PRESS}/{unit}" for unit in ("feeder", "turret", "coater"))
START = datetime(2026, 3, 3, 6, tzinfo=UTC)


def at(clock):
    return f"2026-03-03T{clock}:00+00:00"


def wait(unit, start, end):
    return Interval(
        loss=Loss.IDLE, equipment=unit, start=START + timedelta(minutes=start), end=START + timedelta(minutes=end),
        records=(f"{unit}-{start}",),
    )  # fmt: skip


@pytest.fixture
def turret_limits(scribe):
    """The turret never waits; the feeder is blocked and the coater starves every hour; the feeder also jams."""
    for hour in (6, 7, 8, 9):
        scribe.report("plc", at(f"{hour:02d}:00"), f"equipment:{TURRET}", state="running")
        for unit, word, start, end in ((FEEDER, "idle", "20", "35"), (COATER, "starved", "30", "50")):
            scribe.report("plc", at(f"{hour:02d}:{start}"), f"equipment:{unit}", state=word)
            scribe.report("plc", at(f"{hour:02d}:{end}"), f"equipment:{unit}", state="running")
    scribe.event("plc", at("07:40"), "stop", equipment=FEEDER, reason="jam")
    scribe.event("plc", at("07:48"), "start", equipment=FEEDER)
    return scribe


def test_the_unit_that_never_waits_limits_the_line_though_another_one_stops(remembered, turret_limits, press_house):
    reading = bottleneck(remembered(turret_limits.events, press_house, at("10:00")).view(), equipment=PRESS)

    assert (reading.data["bottleneck"], reading.data["by"]) == (TURRET, "active periods")
    assert "turret" in reading.verdict
    assert any("feeder" in f.text and "costs more" in f.text for f in reading.against)


def test_without_waits_the_longest_stopping_unit_is_only_a_guess(remembered, scribe, press_house):
    for start, end, unit in (("07:00", "07:30", FEEDER), ("08:00", "08:10", TURRET)):
        scribe.event("plc", at(start), "stop", equipment=unit, reason="jam")
        scribe.event("plc", at(end), "start", equipment=unit)

    reading = bottleneck(remembered(scribe.events, press_house, at("10:00")).view(), equipment=PRESS)

    assert (reading.data["bottleneck"], reading.data["by"]) == (FEEDER, "own stops")
    assert any(f.kind is Kind.GUESSED for f in reading.findings)
    assert any("starved" in m for m in reading.missing)


def test_a_line_whose_units_say_nothing_has_no_bottleneck(remembered, scribe, press_house):
    scribe.report("plc", at("07:00"), f"equipment:{PRESS}", state="running")

    reading = bottleneck(remembered(scribe.events, press_house, at("10:00")).view(), equipment=PRESS)

    assert "cannot be told" in reading.verdict
    assert "bottleneck" not in reading.data


def test_the_whole_plant_is_told_line_by_line(remembered, turret_limits, press_house):
    reading = bottleneck(remembered(turret_limits.events, press_house, at("10:00")).view())

    assert reading.data["lines"][PRESS]["bottleneck"] == TURRET


@given(
    st.dictionaries(
        st.sampled_from([FEEDER, TURRET, COATER]),
        st.lists(st.tuples(st.integers(-30, 200), st.integers(1, 80)), max_size=6),
        max_size=3,
    )
)
def test_shares_sum_to_one_and_a_unit_that_always_waits_never_limits(told):
    window = Window(start=START, end=START + timedelta(minutes=180))
    waits = {unit: [wait(unit, a, a + b) for a, b in spans] for unit, spans in told.items()}

    shares = active_periods(waits, window)

    if shares:
        assert sum(s.limits for s in shares) == pytest.approx(1)
        assert all(0 <= s.waited <= 1 + 1e-9 for s in shares)
        assert all(s.limits == 0 for s in shares if s.waited > 1 - 1e-9)
        # Nobody who never waited leads less than one who did.
        never = [s.limits for s in shares if s.waited < 1e-9]
        assert not never or max(never) >= max(s.limits for s in shares) - 1e-9
