"""Key figures: each with what stands above and below the line, of exactly the time that was worked."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.errors import SetupError
from lineside.interpretation.kpi import kpis
from lineside.interpretation.kpi_compare import compared
from lineside.interpretation.kpi_words import definitions, parse
from lineside.interpretation.reading import Kind
from lineside.interpretation.time_model import PARTS, cells
from lineside.plant.windows import Window

LINE = "giesserei-nord/formerei/linie-a"
OTHER = "giesserei-nord/formerei/linie-b"
FORMER = f"{LINE}/former"
NOW = "2026-03-03T14:30:00+01:00"


def at(clock, day="03"):
    return f"2026-03-{day}T{clock}:00+01:00"


def early(day=3, hours=(6, 14)):
    start, end = (datetime(2026, 3, day, hour - 1, tzinfo=UTC) for hour in hours)
    return Window(start=start, end=end, label="früh")


@pytest.fixture
def worked(scribe):
    """Early shift: 45 min jam, 30 min changeover, 300 good and 12 rejects of 60 an hour."""
    scribe.event("leitstand", at("06:00"), "started", equipment=LINE, job_order="FA-9")
    scribe.report("leitstand", at("06:00"), f"equipment:{LINE}", target_rate=60, good_count=0, reject_count=0)
    scribe.event("leitstand", at("07:00"), "stop", equipment=FORMER, reason="Klemmer")
    scribe.event("leitstand", at("07:45"), "start", equipment=FORMER)
    scribe.event("leitstand", at("09:00"), "changeover_start", equipment=LINE)
    scribe.event("leitstand", at("09:30"), "changeover_end", equipment=LINE)
    scribe.report("leitstand", at("14:00"), f"equipment:{LINE}", good_count=300, reject_count=12)
    return scribe


def values(reading):
    return {k["kpi"]: k["value"] for k in reading.data["kpis"]}


def near(value):
    return pytest.approx(value, abs=1e-5)


def test_oee_is_the_product_of_its_factors_and_each_tells_both_sides_of_its_fraction(remembered, worked, foundry):
    reading = kpis(remembered(worked.events, foundry, NOW).view(), equipment=LINE, window=early())

    found = values(reading)
    assert found["availability"] == near(6.75 / 8)
    assert found["effectiveness"] == near(312 / (60 * 6.75))
    assert found["quality_ratio"] == near(300 / 312)
    assert found["oee"] == near(300 / 480)
    availability = next(k for k in reading.data["kpis"] if k["kpi"] == "availability")
    assert (availability["numerator"]["value"], availability["denominator"]["value"]) == (6.75, 8)
    assert "62.5 %" in reading.verdict
    assert any("6.75 h production time / 8.00 h planned busy time" in f.text for f in reading.findings)
    assert not any(m.startswith("OEE") for m in reading.missing)


def test_every_figure_of_the_pack_can_be_asked_for(remembered, worked, foundry):
    found = values(
        kpis(remembered(worked.events, foundry, NOW).view(), equipment=LINE, window=early(), measures=[*definitions()])
    )

    assert found["technical_efficiency"] == near(6.75 / 7.5)
    assert found["setup_ratio"] == near(0.5 / 7.25)
    assert found["scrap_ratio"] == near(12 / 312)
    assert (found["mtbf"], found["mttr"]) == (near(6.75 * 3600), near(45 * 60))
    assert found["throughput_rate"] * 3600 == pytest.approx(312 / 8, abs=0.01)
    assert found["allocation_efficiency"] == 1
    assert found["utilization_efficiency"] == near(6.75 / 8)


def test_a_wait_for_material_is_delay_but_no_own_stop(remembered, worked, foundry):
    worked.event("leitstand", at("10:00"), "stop", equipment=FORMER, reason="Wartet auf Material")
    worked.event("leitstand", at("10:15"), "start", equipment=FORMER)

    found = values(
        kpis(
            remembered(worked.events, foundry, NOW).view(),
            equipment=LINE,
            window=early(),
            measures=["technical_efficiency", "mttr"],
        )
    )

    assert found["technical_efficiency"] == near(6.5 / 7.5)
    assert found["mttr"] == near(45 * 60)


def test_without_a_target_there_is_no_oee_and_the_answer_says_what_lacks(remembered, scribe, foundry):
    scribe.report("leitstand", at("06:00"), f"equipment:{LINE}", good_count=0, reject_count=0, state="running")
    scribe.report("leitstand", at("14:00"), f"equipment:{LINE}", good_count=300, reject_count=12)

    reading = kpis(remembered(scribe.events, foundry, NOW).view(), equipment=LINE, window=early())

    assert values(reading)["oee"] is None
    assert "OEE" in reading.verdict
    assert "cannot be computed" in reading.verdict
    assert any("target rate" in m for m in reading.missing)


def test_a_line_of_which_nothing_is_heard_has_no_figures_instead_of_perfect_ones(remembered, worked, foundry):
    reading = kpis(remembered(worked.events, foundry, NOW).view(), equipment=OTHER, window=early())

    assert "No key figure" in reading.verdict
    assert reading.missing


def test_time_between_two_job_orders_is_not_allocated(remembered, worked, foundry):
    worked.event("leitstand", at("11:00"), "completed", equipment=LINE, job_order="FA-9")
    worked.event("leitstand", at("12:00"), "started", equipment=LINE, job_order="FA-10")

    (cell,) = cells(remembered(worked.events, foundry, NOW).view(), LINE, early())

    assert cell.parts["not allocated"] == 3600
    assert cell.elements["AUBT"] == 7 * 3600


def test_a_target_that_was_first_reported_later_makes_the_figure_a_guess(remembered, scribe, foundry):
    scribe.event("leitstand", at("06:00"), "started", equipment=LINE, job_order="FA-9")
    scribe.event("leitstand", at("14:00"), "production", equipment=LINE, job_order="FA-9", quantity=360, unit="ea")
    scribe.event("leitstand", at("14:00"), "scrap", equipment=LINE, job_order="FA-9", quantity=0, unit="ea")
    scribe.report("leitstand", at("14:10"), f"equipment:{LINE}", target_rate=60)

    reading = kpis(remembered(scribe.events, foundry, NOW).view(), equipment=LINE, window=early())

    assert values(reading)["oee"] == near(0.75)
    guessed = [f for f in reading.findings if f.kind is Kind.GUESSED]
    assert any("first reported at 2026-03-03 14:10" in f.text for f in guessed)


def test_quantities_in_different_units_are_not_summed(remembered, scribe, foundry):
    for line, unit in ((LINE, "ea"), (OTHER, "kg")):
        scribe.event("leitstand", at("06:00"), "started", equipment=line, job_order=f"FA-{unit}")
        for kind, amount in (("production", 100), ("scrap", 5)):
            scribe.event("leitstand", at("13:59"), kind, equipment=line, quantity=amount, unit=unit)

    reading = kpis(remembered(scribe.events, foundry, NOW).view(), window=early(), measures=["quality_ratio"])

    assert values(reading)["quality_ratio"] is None
    assert any("ea and kg" in m for m in reading.missing)


def test_shifts_are_set_side_by_side_and_too_few_of_them_speak_against(remembered, new_scribe, foundry):
    scribe = new_scribe()
    total = 0
    for day in ("02", "03"):
        for clock, made in (("06:00", 0), ("14:00", 400), ("22:00", 300)):
            total += made
            scribe.report("leitstand", at(clock, day), f"equipment:{LINE}", target_rate=60, good_count=total,
                          reject_count=0, state="running")  # fmt: skip
    window = Window(start=early(2).start, end=early(3, (6, 22)).end, label="two days")

    reading = kpis(remembered(scribe.events, foundry, at("22:00")).view(), equipment=LINE, window=window, by="shift")

    groups = {g["group"]: g["kpis"][0]["value"] for g in reading.data["groups"]}
    assert groups["früh"] == near(400 / 480)
    assert groups["spät"] == near(300 / 480)
    assert "früh did best" in reading.verdict
    assert any("so few shifts" in f.text for f in reading.against)


def test_two_windows_of_one_line_tell_by_how_much_they_differ(remembered, worked, foundry):
    worked.report("leitstand", at("22:00"), f"equipment:{LINE}", good_count=700, reject_count=20)
    view = remembered(worked.events, foundry, at("22:30")).view()
    late = Window(start=early().end, end=early(3, (14, 22)).end, label="spät")
    two = [kpis(view, equipment=LINE, window=window, measures=["oee"]) for window in (early(), late)]

    found = compared(two)

    assert found.verdict == "OEE: früh 62.5 %, spät 83.3 %: früh is worse by 20.8 points."
    assert compared(two[:1]) is None
    assert compared([two[0], two[0]]) is None


def test_what_is_reported_later_changes_no_figure_before(remembered, worked, foundry):
    worked.event("leitstand", at("08:10"), "stop", told=at("15:00"), equipment=FORMER, reason="Nachtrag")
    worked.event("leitstand", at("08:20"), "start", told=at("15:00"), equipment=FORMER)
    memory = remembered(worked.events, foundry, at("15:30"))

    before = kpis(memory.view(as_of=datetime.fromisoformat(NOW)), equipment=LINE, window=early())
    after = kpis(memory.view(), equipment=LINE, window=early())

    assert values(before)["availability"] == near(6.75 / 8)
    assert values(after)["availability"] == near((6.75 - 1 / 6) / 8)


def test_a_corrected_count_and_a_record_of_another_line_change_only_what_they_are_about(
    remembered, new_scribe, worked, foundry
):
    wrong = worked.report("leitstand", at("13:00"), f"equipment:{LINE}", good_count=900, reject_count=11)
    right = {"entity": f"equipment:{LINE}", "properties": {"good_count": 260, "reject_count": 11}}
    worked.correct("leitstand", at("14:10"), wrong, right)
    worked.event("leitstand", at("10:00"), "stop", equipment=OTHER, reason="Klemmer")
    shuffled = list(reversed(worked.events))

    found = [
        kpis(remembered(e, foundry, NOW).view(), equipment=LINE, window=early()) for e in (worked.events, shuffled)
    ]

    assert values(found[0])["oee"] == near(300 / 480)
    assert values(found[0]) == values(found[1])


def test_a_source_that_fell_silent_leaves_the_rest_of_the_shift_unheard(remembered, worked, foundry):
    (cell,) = cells(
        remembered(worked.events, foundry, at("22:00", "04")).view(),
        LINE,
        Window(start=early().end, end=early().end + timedelta(hours=8)),
    )

    assert cell.parts["unheard"] == 8 * 3600
    assert not cell.elements


@settings(max_examples=6)
@given(
    night=st.sampled_from(["2026-03-28", "2026-10-24"]),
    signs=st.lists(
        st.tuples(
            st.integers(0, 60 * 40),
            st.sampled_from(["stop", "start", "changeover_start", "changeover_end", "started", "completed", "slow"]),
            st.sampled_from([LINE, FORMER]),
        ),
        max_size=14,
    ),
)
def test_shifts_tile_the_window_and_parts_tile_each_shift_on_nights_when_the_clocks_change(
    remembered, new_scribe, foundry, *, night, signs
):
    scribe = new_scribe()
    start = datetime.fromisoformat(f"{night}T05:00:00+00:00")
    for minute, kind, place in signs:
        moment = (start + timedelta(minutes=minute)).isoformat()
        scribe.event("leitstand", moment, kind, equipment=place, job_order="FA-1")
    for hour in (-2, 40):
        scribe.report("leitstand", (start + timedelta(hours=hour)).isoformat(), f"equipment:{LINE}", state="running")
    window = Window(start=start, end=start + timedelta(hours=40))
    view = remembered(scribe.events, foundry, (start + timedelta(hours=41)).isoformat()).view()

    found = cells(view, LINE, window)

    assert sum(c.window.seconds for c in found) == view.calendar.worked_s(window.start, window.end) == window.seconds
    assert all(one.window.end == other.window.start for one, other in pairwise(found))
    for cell in found:
        assert set(cell.parts) == set(PARTS)
        assert sum(cell.parts.values()) == near(cell.window.seconds)
        assert cell.elements["PBT"] + cell.parts["unheard"] == near(cell.window.seconds)
    lengths = {c.window.seconds / 3600 for c in found if c.shift == "nacht"}
    assert lengths & {7, 9}


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ('[kpi.x]\nname = "x"\nunit = "%"\nnumerator = ["APT"]\ndenominator = ["NOPE"]', "NOPE"),
        ('[kpi.x]\nname = "x"\nunit = "furlong"\nnumerator = ["APT"]\ndenominator = ["APT"]', "unit"),
        ('[kpi.x]\nname = "x"\nunit = "%"\nfactors = ["y"]', "y"),
        ('[kpi.x]\nname = "x"\nunit = "%"', "numerator"),
        ('[kpi.x]\nname = "x"\nunit = "%"\nnumerators = ["APT"]', "numerators"),
    ],
)
def test_a_pack_that_makes_a_figure_of_what_is_unknown_is_refused_when_loaded(broken, why):
    with pytest.raises(SetupError, match=why):
        parse("site/kpis.toml", tomllib.loads(f'version = "1"\n[elements]\nAPT = "production time"\n{broken}'))
