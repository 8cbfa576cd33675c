"""Why a line is behind: the gap sums exactly, its chain has times, and what speaks against it is shown."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.pace import pace
from lineside.interpretation.reading import Kind

LINE = "giesserei-nord/formerei/linie-a"
FORMER = f"{LINE}/former"
PRESS = "harrow/tablets/press-2"
NOW = "2026-03-03T10:00:00+01:00"


def at(clock, day="03"):
    return f"2026-03-{day}T{clock}:00+01:00"


@pytest.fixture
def behind(scribe):
    """From 06:00 to 10:00, 60 per h due: 45 min without sand after a late pick, 30 min at half speed, 5 rejects."""
    scribe.report("leitstand", at("05:00"), f"equipment:{LINE}", target_rate=60, job_order="FA-881")
    scribe.report("sap", at("05:00"), "job_order:FA-881", material="GUSS-12", quantity={"value": 400, "unit": "ea"})
    scribe.report("leitstand", at("06:00"), f"equipment:{LINE}", good_count=0, reject_count=0)
    scribe.event(
        "lager", at("06:40"), "pick_late", material="SAND-F2", job_order="FA-881", text="Sand SAND-F2 kommt später"
    )
    scribe.report("leitstand", at("07:00"), f"equipment:{LINE}", good_count=60, reject_count=0)
    scribe.event("leitstand", at("07:00"), "stop", equipment=FORMER, job_order="FA-881", reason="Formsand fehlt")
    scribe.event("leitstand", at("07:45"), "start", equipment=FORMER)
    scribe.report("leitstand", at("07:45"), f"equipment:{LINE}", good_count=60, reject_count=0)
    scribe.event("leitstand", at("09:00"), "slow", equipment=LINE, reason="Sand zu feucht")
    scribe.report("leitstand", at("09:00"), f"equipment:{LINE}", good_count=130, reject_count=5)
    scribe.event("leitstand", at("09:30"), "slow_end", equipment=LINE)
    scribe.report("leitstand", at("09:30"), f"equipment:{LINE}", good_count=145, reject_count=5)
    scribe.report("leitstand", at("10:00"), f"equipment:{LINE}", good_count=175, reject_count=5)
    scribe.note("schichtbuch", at("07:20"), "Linie A läuft normal", equipment=LINE, author="kurz")
    scribe.note("schichtbuch", at("07:50"), "Former stand wegen Sand, Lager hat zu spät geliefert", equipment=FORMER)
    scribe.event("sap", at("08:00"), "resequenced", job_order="FA-881", equipment=LINE, by="planer-2")
    return scribe


def parts(reading):
    return {p["name"]: (p["units"], p["minutes"]) for p in reading.data["parts"]}


def test_the_gap_is_split_by_cause_and_sums_exactly(remembered, behind, foundry):
    reading = pace(remembered(behind.events, foundry, NOW).view(), LINE)

    assert (reading.data["made"], reading.data["target"], reading.data["gap"]) == (175, 240, 65)
    assert parts(reading) == {
        "waiting for material: Formsand fehlt": (45, 45),
        "slow running": (15, 15),
        "rejects": (5, 5),
        "unexplained": (0, 0),
    }
    assert "Linie A is behind by 65 units" in reading.verdict
    assert reading.window.shift == "früh 2026-03-03"


def test_the_chain_begins_with_the_late_pick_and_that_link_is_guessed(remembered, behind, foundry):
    view = remembered(behind.events, foundry, NOW).view()

    reading = pace(view, LINE)

    assert "it probably began with pick late" in reading.verdict
    guesses = [f for f in reading.findings if f.kind is Kind.GUESSED and "led to" in f.text]
    assert "06:40 CET" in guesses[0].text
    assert "FA-881" in guesses[0].text
    assert {r.kind for r in view.records(guesses[0].cites).values()} == {"pick_late", "stop"}


def test_the_chain_goes_back_over_a_changed_setting_to_the_alarm_and_past_what_was_over(
    remembered, scribe, press_house
):
    def clock(time):
        return f"2026-03-03T{time}:00+00:00"

    for time, made in (("06:00", 0), ("08:00", 2000), ("10:00", 3000)):
        scribe.report("scada", clock(time), f"equipment:{PRESS}", good_count=made, target_rate=1000)
    scribe.event("wms", clock("06:10"), "pick_late", equipment=PRESS, job_order="B-1", material="M-1")
    scribe.event("wms", clock("06:30"), "staged", equipment=PRESS, job_order="B-1", material="M-1")
    scribe.event("qms", clock("06:50"), "scrap", equipment=PRESS, job_order="B-1", reason="start-up")
    scribe.event("scada", clock("07:50"), "alarm", equipment=f"{PRESS}/turret", reason="bearing hot", code="T-4")
    scribe.event(
        "mes", clock("07:58"), "parameter_change", equipment=f"{PRESS}/turret", reason="bearing", from_=60, to=30
    )
    scribe.event("mes", clock("08:00"), "slow", equipment=PRESS, job_order="B-1", from_=60, to=30)

    reading = pace(remembered(scribe.events, press_house, clock("10:00")).view(), PRESS)

    assert parts(reading)["slow running"] == (1000, 60)
    assert "it probably began with alarm at harrow/tablets/press-2/turret" in reading.verdict
    chain = [f.text for f in reading.findings if "led to" in f.text]
    assert [("alarm" in t, "parameter change" in t) for t in chain] == [(True, True), (False, True)]


def test_a_line_that_starves_leads_back_over_the_line_that_feeds_it_to_that_lines_alarm(remembered, scribe, foundry):
    core_shop = "giesserei-nord/kernmacherei/kern-1"
    scribe.report("sap", at("05:00"), "job_order:K-3", material="KERN-9", equipment=core_shop)
    scribe.report("sap", at("05:00"), "job_order:FA-881", material="GUSS-12",
                  components=[{"material": "KERN-9", "quantity": 100}])  # fmt: skip
    scribe.report("leitstand", at("05:30"), f"equipment:{LINE}", target_rate=60, good_count=0, job_order="FA-881")
    scribe.event("sps", at("07:02"), "alarm", equipment=core_shop, reason="Gasdruck niedrig", code="G-2")
    scribe.event("sps", at("07:05"), "stop", equipment=core_shop, reason="Gasdruck")
    scribe.event("leitstand", at("07:40"), "stop", equipment=FORMER, job_order="FA-881", reason="wartet auf Material")
    scribe.event("leitstand", at("09:10"), "start", equipment=FORMER)
    scribe.event("sps", at("08:50"), "start", equipment=core_shop)
    for clock, made in (("06:00", 0), ("07:40", 100), ("09:10", 100), ("10:00", 150)):
        scribe.report("leitstand", at(clock), f"equipment:{LINE}", good_count=made)

    reading = pace(remembered(scribe.events, foundry, NOW).view(), LINE)

    assert parts(reading)["waiting for material: wartet auf Material"] == (90, 90)
    assert f"it probably began with alarm at {core_shop} at 07:02 CET" in reading.verdict
    guesses = [f.text for f in reading.findings if "led to" in f.text]
    assert "its line makes KERN-9, which was waited for" in guesses[1]


def test_the_chain_of_a_changeover_that_waited_is_told_beside_that_of_the_weightiest_loss(remembered, behind, foundry):
    behind.event("lager", at("05:50"), "pick_late", material="FORM-7", job_order="FA-881", text="Modell FORM-7 fehlt")
    behind.event("leitstand", at("06:10"), "changeover_start", equipment=LINE, job_order="FA-881")
    behind.event("leitstand", at("06:30"), "changeover_end", equipment=LINE)

    reading = pace(remembered(behind.events, foundry, NOW).view(), LINE)

    assert "pick late" in reading.verdict
    assert any("changeover start at 06:10" in f.text and "led to" in f.text for f in reading.findings)


def test_a_persons_cause_is_claimed_and_who_acted_is_named(remembered, behind, foundry):
    reading = pace(remembered(behind.events, foundry, NOW).view(), LINE)

    claimed = [f.text for f in reading.findings if f.kind is Kind.CLAIMED]
    assert any("zu spät geliefert" in t for t in claimed)
    assert any("resequenced" in f.text and "planer-2" in f.text for f in reading.findings)


def test_a_note_that_says_running_during_a_stop_speaks_against(remembered, behind, foundry):
    reading = pace(remembered(behind.events, foundry, NOW).view(), LINE)

    assert [f.text for f in reading.against if "läuft normal" in f.text]
    assert not any("stand wegen Sand" in f.text for f in reading.against)


def test_the_forecast_says_its_assumption_and_is_guessed(remembered, behind, foundry):
    reading = pace(remembered(behind.events, foundry, NOW).view(), LINE)

    forecast = next(f for f in reading.findings if "at_recent_rate" in f.data)
    # 175 made, 45 in the last hour, four hours left.
    assert (forecast.data["at_recent_rate"], forecast.data["at_target"], forecast.data["due"]) == (355, 415, 480)
    assert forecast.kind is Kind.GUESSED


def test_the_forecast_tells_the_end_without_and_with_the_fix_as_ranges_with_their_basis(remembered, scribe, foundry):
    total = 0
    scribe.report("leitstand", "2026-03-02T06:00:00+01:00", f"equipment:{LINE}", good_count=0, target_rate=60)
    for hour in range(6, 22):
        total += 58 if hour % 2 else 46
        scribe.report("leitstand", f"2026-03-02T{hour + 1:02d}:00:00+01:00", f"equipment:{LINE}", good_count=total)
    scribe.event("leitstand", at("07:00"), "slow", equipment=LINE, reason="Lager heiß")
    for clock, made in (("06:00", 0), ("07:00", 50), ("08:00", 70), ("09:00", 92), ("10:00", 112)):
        scribe.report("leitstand", at(clock), f"equipment:{LINE}", good_count=total + made)

    reading = pace(remembered(scribe.events, foundry, NOW).view(), LINE)

    ended = next(f for f in reading.findings if "at_usual_rate" in f.data)
    # Four hours are left: 20 an hour as now, 52 as usual.
    assert (ended.data["at_recent_rate"], ended.data["at_usual_rate"]) == (112 + 80, 112 + 208)
    assert ended.data["recent"][0] < 192 < ended.data["recent"][1] < ended.data["usual"][0] < 320
    assert "if the slow (Lager heiß) ended now" in ended.text
    assert "16 hours" in ended.text
    assert (ended.kind, ended.data["reaches"]) == (Kind.GUESSED, False)


def test_a_job_order_that_will_miss_its_promise_at_the_recent_rate_says_so(remembered, behind, foundry):
    behind.report("sap", at("05:00"), "job_order:FA-881", sales_order_line="4711/10")
    behind.report("sap", at("05:00"), "sales_order_line:4711/10", promised_at=at("12:00"))
    behind.report("leitstand", at("09:30"), "job_order:FA-881", quantity_good=145)

    reading = pace(remembered(behind.events, foundry, NOW).view(), LINE)

    job = next(f for f in reading.findings if "FA-881 lacks" in f.text)
    # 30 were made since the job order said 145.
    assert job.data["left"] == 225
    assert "4711/10 is promised for 12:00 CET, which the recent rate misses" in job.text


def test_a_line_that_is_on_target_is_not_called_behind(remembered, scribe, press_house):
    for clock, made in (("06:00", 0), ("07:00", 1000), ("08:00", 2010)):
        scribe.report("scada", f"2026-03-03T{clock}:00Z", f"equipment:{PRESS}", good_count=made, target_rate=1000)

    reading = pace(remembered(scribe.events, press_house, "2026-03-03T08:00:00+00:00").view(), PRESS)

    assert reading.verdict.startswith("Press 2 is not behind: 2010 made of 2000 due")
    assert reading.data["behind"] is False


def test_without_target_and_count_the_reading_says_what_is_missing(remembered, scribe, press_house):
    scribe.event("scada", "2026-03-03T07:00:00Z", "stop", equipment=PRESS, reason="tablet weight low")
    scribe.event("scada", "2026-03-03T07:30:00Z", "start", equipment=PRESS)

    reading = pace(remembered(scribe.events, press_house, "2026-03-03T08:00:00+00:00").view(), PRESS)

    assert "cannot be computed" in reading.verdict
    assert "30 min" in reading.verdict
    assert any("target_rate" in m for m in reading.missing)
    assert any("good_count" in m for m in reading.missing)


def test_planned_job_orders_give_the_target_and_bookings_the_count(remembered, scribe, press_house):
    scribe.report(
        "erp", "2026-03-03T05:00:00Z", "job_order:B-100", equipment=PRESS, quantity={"value": 800, "unit": "ea"},
        planned_start="2026-03-03T06:00:00Z", planned_end="2026-03-03T14:00:00Z",
    )  # fmt: skip
    for hour in (7, 8):
        scribe.event(
            "mes",
            f"2026-03-03T0{hour}:00:00Z",
            "production",
            equipment=PRESS,
            job_order="B-100",
            quantity=60,
            unit="ea",
        )

    reading = pace(remembered(scribe.events, press_house, "2026-03-03T08:00:00+00:00").view(), PRESS)

    assert (reading.data["target"], reading.data["made"]) == (200, 120)


def test_a_counter_that_starts_anew_with_the_next_job_order_loses_no_unit(remembered, scribe, press_house):
    readings = [("06:00", 5000), ("07:00", 5400), ("07:10", 40), ("08:00", 300)]
    for clock, made in readings:
        scribe.report("scada", f"2026-03-03T{clock}:00Z", f"equipment:{PRESS}", good_count=made, target_rate=400)

    reading = pace(remembered(scribe.events, press_house, "2026-03-03T08:00:00+00:00").view(), PRESS)

    assert reading.data["made"] == 400 + 300


def test_a_feed_that_went_quiet_cuts_the_window_and_is_named(remembered, scribe, foundry):
    for clock, made in (("06:00", 0), ("07:00", 60)):
        scribe.report("leitstand", at(clock), f"equipment:{LINE}", good_count=made, target_rate=60)

    reading = pace(remembered(scribe.events, foundry, at("13:00")).view(), LINE)

    assert (reading.data["target"], reading.data["made"]) == (60, 60)
    assert any(m.startswith("leitstand is silent") for m in reading.missing)
    assert any("07:00" in m for m in reading.missing)


def test_a_second_counter_that_differs_speaks_against(remembered, behind, foundry):
    behind.report("waage", at("06:00"), f"equipment:{LINE}", good_count=0)
    behind.report("waage", at("10:00"), f"equipment:{LINE}", good_count=150)

    reading = pace(remembered(behind.events, foundry, NOW).view(), LINE)

    assert reading.data["made"] == 175
    assert any("waage counts 150" in f.text for f in reading.against)


def test_what_is_reported_later_changes_nothing_before(remembered, behind, foundry):
    behind.event("leitstand", at("08:10"), "stop", told=at("11:00"), equipment=FORMER, reason="Nachtrag")
    memory = remembered(behind.events, foundry, at("11:30"))

    reading = pace(memory.view(as_of=memory.clock().fromisoformat(NOW)), LINE)

    assert "stop: Nachtrag" not in parts(reading)
    assert "Nachtrag" in str(pace(memory.view(), LINE).data)


@settings(max_examples=5)
@given(
    stops=st.lists(st.tuples(st.integers(0, 230), st.integers(1, 90), st.sampled_from(["a", "b", ""])), max_size=6),
    counts=st.lists(st.integers(0, 90), min_size=2, max_size=5),
    seed=st.integers(0, 99),
)
def test_the_parts_always_sum_to_the_gap_whatever_order_the_records_arrive_in(
    remembered, new_scribe, press_house, *, stops, counts, seed
):
    scribe, total = new_scribe(), 0
    for number, made in enumerate(counts):
        total += made
        moment = f"2026-03-03T{6 + number:02d}:00:00Z"
        scribe.report("scada", moment, f"equipment:{PRESS}", good_count=total, reject_count=number, target_rate=75)
    for start, length, reason in stops:
        for kind, minute in (("stop", start), ("start", start + length)):
            moment = f"2026-03-03T{6 + minute // 60:02d}:{minute % 60:02d}:00Z"
            scribe.event("scada", moment, kind, equipment=f"{PRESS}/feeder", reason=reason)
    random.Random(seed).shuffle(scribe.events)

    reading = pace(remembered(scribe.events, press_house, "2026-03-03T13:00:00+00:00").view(), PRESS)

    assert sum(u for u, _ in parts(reading).values()) == reading.data["gap"]
    assert sum(u for u, _ in reading.data["split"].values()) == reading.data["gap"]
    assert sum(m for _, m in reading.data["split"].values()) == sum(m for _, m in parts(reading).values())
    ordered = sorted(scribe.events, key=lambda e: (e["time"], e["id"]))
    assert pace(remembered(ordered, press_house, "2026-03-03T13:00:00+00:00").view(), PRESS) == reading


def test_slow_running_without_a_rate_is_measured_by_the_counts_around_it(remembered, scribe, foundry):
    scribe.report("leitstand", at("06:00"), f"equipment:{LINE}", target_rate=60, rate=60, good_count=0, reject_count=0)
    scribe.report("leitstand", at("08:00"), f"equipment:{LINE}", good_count=120)
    scribe.event("leitstand", at("08:30"), "slow", equipment=LINE, reason="Ersatzsand")
    scribe.report("leitstand", at("09:00"), f"equipment:{LINE}", good_count=165)
    scribe.report("leitstand", at("10:00"), f"equipment:{LINE}", good_count=193, reject_count=2)
    reading = pace(remembered(scribe.events, foundry, NOW).view(), LINE)
    lost = parts(reading)
    # 15 short in the hour that holds the first half hour of it, then 30 less what was rejected.
    assert 43 <= lost["slow running"][0] <= 46
    assert abs(lost["unexplained"][0]) <= 2
    assert sum(units for units, _ in lost.values()) == reading.data["gap"]


def test_a_state_in_the_plants_own_language_is_a_stop(remembered, scribe, foundry):
    scribe.report("leitstand", at("06:00"), f"equipment:{LINE}", target_rate=60, good_count=0, state="läuft")
    scribe.report("leitstand", at("08:00"), f"equipment:{LINE}", good_count=120, state="Stillstand", reason="Kern lose")
    scribe.report("leitstand", at("08:30"), f"equipment:{LINE}", good_count=120, state="läuft")
    scribe.report("leitstand", at("10:00"), f"equipment:{LINE}", good_count=210)
    lost = parts(pace(remembered(scribe.events, foundry, NOW).view(), LINE))
    assert lost["stop: Kern lose"] == (30, 30)


def test_a_target_first_reported_late_holds_since_the_job_order_began_and_the_finding_says_so(
    remembered, scribe, foundry
):
    scribe.event("leitstand", at("07:26"), "started", equipment=LINE, job_order="FA-882")
    scribe.report("leitstand", at("09:54"), f"equipment:{LINE}", good_count=1200)
    scribe.report("leitstand", at("09:56"), f"equipment:{LINE}", target_rate=810)

    view = remembered(scribe.events, foundry, NOW).view()
    reading = pace(view, LINE)

    assert (reading.data["made"], reading.data["target"], reading.data["gap"]) == (1200, 1998, 798)
    assert sum(p["units"] for p in reading.data["parts"]) == 798
    assert "target of 810 per hour, first reported at 09:56 CET" in reading.findings[0].text
    assert "started" in {getattr(r, "kind", "") for r in view.records(reading.findings[0].cites).values()}


def test_a_target_first_reported_late_says_nothing_of_a_job_order_that_has_a_plan(remembered, scribe, foundry):
    scribe.event("leitstand", at("07:00"), "started", equipment=LINE, job_order="FA-882")
    scribe.report(
        "sap", at("05:00"), "job_order:FA-882", equipment=LINE, quantity=300, planned_start=at("07:00"),
        planned_end=at("10:00"),
    )  # fmt: skip
    scribe.report("leitstand", at("09:00"), f"equipment:{LINE}", target_rate=120, good_count=200)
    scribe.report("leitstand", at("10:00"), f"equipment:{LINE}", good_count=290)

    reading = pace(remembered(scribe.events, foundry, NOW).view(), LINE)

    assert (reading.data["made"], reading.data["target"]) == (90, 120)
