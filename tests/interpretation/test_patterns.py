"""What repeats, whether it could be chance, and which fix held."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.interpretation.chance import at_least, holm
from lineside.interpretation.patterns import patterns
from lineside.interpretation.similar_cases import similar
from lineside.plant.windows import Window

FEEDER = "harrow/tablets/press-2/feeder"
NOW = "2026-03-13T22:00:00+00:00"


def stopped(scribe, day, clock, reason, *, minutes=20, equipment=FEEDER):
    start = datetime.fromisoformat(f"2026-03-{day:02d}T{clock}:00+00:00")
    scribe.event("mes", start.isoformat(), "stop", equipment=equipment, reason=reason)
    end = start + timedelta(minutes=minutes)
    scribe.event("mes", end.isoformat(), "start", equipment=equipment)
    return end


@pytest.fixture
def bridging(scribe):
    """Powder bridging comes on late shifts (crew jade, then amber); tapping holds hours, a new liner holds days."""
    scribe.event("mes", "2026-03-02T06:00:00+00:00", "started", equipment="harrow/tablets/press-2", job_order="B-1")
    for day, action in (
        (2, "tapped the hopper"), (3, "tapped hopper again"), (4, "tapped the hopper"), (5, "fitted a new liner"),
        (9, "hopper tapped"), (10, "liner replaced, new one fitted"), (12, "tapped the hopper"),
    ):  # fmt: skip
        end = stopped(scribe, day, "17:00", "powder bridging")
        scribe.note("log", (end + timedelta(minutes=5)).isoformat(), f"Bridging: {action}", equipment=FEEDER)
    stopped(scribe, 3, "09:00", "punch worn", equipment="harrow/tablets/press-5")
    return scribe


def test_a_stop_that_gathers_on_one_shift_beyond_chance_is_told_with_its_denominator(remembered, bridging, press_house):
    reading = patterns(remembered(bridging.events, press_house, NOW).view())

    group = reading.data["groups"][0]
    assert (group["label"], group["count"], group["minutes"]) == ("powder bridging", 7, 140)
    lead = next(f for f in reading.findings if f.data.get("dimension") == "shift")
    assert (lead.data["level"], lead.data["hits"], lead.data["trials"]) == ("late", 7, 7)
    assert lead.data["p"] < 0.05
    assert "per 100 running h" in reading.findings[0].text
    assert len(reading.data["groups"]) == 1


def test_the_fix_that_held_longest_is_compared_with_the_others(remembered, bridging, press_house):
    reading = patterns(remembered(bridging.events, press_house, NOW).view(), equipment=FEEDER)

    tried = {f.data["fix"]: f.data for f in reading.findings if "fix" in f.data}
    liner = next(data for fix, data in tried.items() if "liner" in fix)
    tapped = next(data for fix, data in tried.items() if "tapped" in fix)
    assert liner["median_away_s"] > tapped["median_away_s"]
    assert (liner["times"], tapped["times"]) == (2, 5)
    assert "liner" in reading.next_steps[0]
    assert "it stayed away longest after" in reading.verdict


def test_stops_spread_evenly_are_not_called_a_pattern_of_a_shift(remembered, scribe, press_house):
    for day in range(2, 10):
        stopped(scribe, day, "09:00" if day % 2 else "17:00", "punch worn")

    reading = patterns(remembered(scribe.events, press_house, NOW).view())

    assert "with no shift, crew or material beyond chance" in reading.verdict
    assert any("stands out beyond chance" in f.text for f in reading.findings)


def test_a_window_is_compared_with_the_time_before_it(remembered, scribe, press_house):
    stopped(scribe, 2, "09:00", "punch worn")
    for hour in (7, 9, 11, 13, 15):
        stopped(scribe, 13, f"{hour:02d}:00", "punch worn")
    view = remembered(scribe.events, press_house, NOW).view()
    window = Window(start=datetime.fromisoformat("2026-03-13T06:00:00+00:00"), end=view.as_of)

    reading = patterns(view, window)

    before = next(f for f in reading.findings if "before" in f.data)
    assert before.data["before"] == 1
    assert before.data["p"] < 0.05
    assert "more often than before" in before.text


def test_nothing_that_repeats_is_said(remembered, scribe, foundry):
    stopped(scribe, 3, "09:00", "Kernbruch", equipment="giesserei-nord/formerei/linie-a")

    reading = patterns(remembered(scribe.events, foundry, NOW).view())

    assert reading.verdict.startswith("Nothing repeats")
    assert "Kernbruch" in reading.findings[0].text


def test_a_similar_case_is_found_by_its_words_with_what_was_done(remembered, bridging, press_house):
    view = remembered(bridging.events, press_house, NOW).view()

    reading, unknown = similar(view, "powder is bridging in the feeder again"), similar(view, "server room flooded")

    assert reading.verdict.startswith('Yes: stop "powder bridging"')
    assert "7 times" in reading.verdict
    assert "liner" in reading.verdict
    assert unknown.findings == ()
    assert unknown.verdict.startswith("No record of anything like")


@given(st.integers(0, 30), st.integers(1, 30), st.floats(0.01, 0.99))
def test_the_tail_is_the_exact_binomial(hits, trials, share):
    expected = sum(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(hits, trials + 1))

    assert at_least(hits, trials, share) == pytest.approx(min(1.0, expected), rel=1e-6, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_a_correction_never_makes_chance_less_likely_and_keeps_the_order(chances):
    corrected = holm(chances)

    assert all(c >= p for c, p in zip(corrected, chances, strict=True))
    order = sorted(range(len(chances)), key=chances.__getitem__)
    assert [corrected[i] for i in order] == sorted(corrected)
