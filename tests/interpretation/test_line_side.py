"""Material at the line: what is required, staged, usable, free, on its way, late, and what may stand in."""

from __future__ import annotations

import random
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.staging import lacking_material
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

NOW = "2026-02-10T13:00:00+00:00"
PRESS = """
site = "harrow"
time_zone = "Europe/London"
[[people]]
id = "p-9"
name = "Ida Moss"
roles = ["quality"]
sites = ["harrow"]
[[people]]
id = "p-8"
name = "Far Away"
roles = ["quality"]
sites = ["elsewhere"]
[[sources]]
name = "yard"
kind = "wms"
owner = "store"
"""


def at(clock: str, day: int = 10) -> str:
    return f"2026-02-{day:02d}T{clock}:00+00:00"


START, END = at("14:00"), at("22:00")


def kg(value: float) -> dict[str, object]:
    return {"value": value, "unit": "kg"}


def job(scribe, name, rows, *, starts=START, ends=END, status="planned", place="harrow/tablets/press-2"):
    components = [
        {"material": material, "quantity": kg(need), **({} if staged is None else {"staged": kg(staged)})}
        for material, need, staged in rows
    ]
    scribe.report(
        "ax", at("08:00"), f"job_order:{name}", status=status, planned_start=starts, planned_end=ends,
        equipment=place, components=components,
    )  # fmt: skip


def needs(reading):
    return {(n["job_order"], n["material"]): n for n in reading.data["needs"]}


def buckets(reading, name, material):
    return {key: int(float(value)) for key, value in needs(reading)[name, material]["buckets"].items() if value != "0"}


@pytest.fixture
def lactose(scribe):
    """100 kg needed, 40 staged; 30 lie in the store, of which a lot of 10 is blocked; 20 more come before the start."""
    job(scribe, "J1", [("LAC", 100, 40), ("MGS", 5, 5)])
    scribe.report("yard", at("12:00"), "inventory:LAC@ST/1", scope="on hand", quantity=kg(30))
    scribe.report("yard", at("12:00"), "lot:B1", material="LAC", quantity=kg(10), quality_status="blocked")
    scribe.report(
        "ax", at("09:00"), "purchase_order_line:P1/1", material="LAC", quantity=kg(20), eta=at("13:40"), status="open"
    )
    return scribe


def test_what_lacks_is_told_by_where_it_is(remembered, lactose):
    reading = lacking_material(remembered(lactose.events, PRESS, NOW).view())
    assert reading.data["lacking"] == ["J1"]
    assert buckets(reading, "J1", "LAC") == {"staged": 40, "free": 20, "incoming": 20, "short": 20}
    texts = " ".join(f.text for f in reading.findings)
    assert "J1 lacks LAC: 40 kg of 100 kg staged" in texts
    assert "Lot B1 of LAC can't be used" in texts
    assert any("Find 20 kg of LAC" in step for step in reading.next_steps)
    lactose.report("ax", at("10:00"), "purchase_order_line:P1/1", quantity=kg(60))
    enough = lacking_material(remembered(lactose.events, PRESS, NOW).view())
    assert datetime.fromisoformat(needs(enough)["J1", "LAC"]["earliest"]) == datetime.fromisoformat(at("13:40"))


def test_a_delivery_that_comes_after_the_start_or_is_overdue_covers_nothing(remembered, lactose):
    for eta in (at("14:30"), at("11:00")):
        lactose.report("ax", at("10:00"), "purchase_order_line:P1/1", eta=eta)
        assert buckets(lacking_material(remembered(lactose.events, PRESS, NOW).view()), "J1", "LAC")["short"] == 40


def test_an_earlier_job_takes_the_stock_first(remembered, lactose):
    job(lactose, "J0", [("LAC", 15, 0)], starts=at("13:30"), place="harrow/tablets/press-5")
    view = remembered(lactose.events, PRESS, NOW).view()
    reading = lacking_material(view)
    assert buckets(reading, "J0", "LAC") == {"free": 15}
    assert buckets(reading, "J1", "LAC")["free"] == 5
    alone = lacking_material(view, equipment="harrow/tablets/press-2")
    assert list(needs(alone)) == [("J1", "LAC"), ("J1", "MGS")]
    assert needs(alone)["J1", "LAC"] == needs(reading)["J1", "LAC"]


def test_the_window_and_the_job_asked_for_choose(remembered, lactose):
    job(lactose, "J9", [("LAC", 10, 0)], starts=at("14:00", 12))
    view = remembered(lactose.events, PRESS, NOW).view()
    shift = Window(start=view.as_of, end=datetime.fromisoformat(at("22:00")))
    assert lacking_material(view, shift).data["lacking"] == ["J1"]
    assert lacking_material(view, job=Entity("job_order", "J9")).data["lacking"] == ["J9"]


def test_a_late_pick_is_told_until_something_is_staged(remembered, lactose):
    lactose.event("yard", at("12:30"), "pick_late", job_order="J1", material="LAC", reason="forklift down")
    told = lacking_material(remembered(lactose.events, PRESS, NOW).view())
    picks = [f.text for f in told.findings if f.data.get("late_pick")]
    assert picks[0].endswith("(forklift down); nothing was staged since.")
    lactose.event("yard", at("12:50"), "staged", job_order="J1", material="LAC", quantity=90, unit="kg")
    after = lacking_material(remembered(lactose.events, PRESS, NOW).view())
    assert not [f for f in after.findings if f.data.get("late_pick")]
    assert buckets(after, "J1", "LAC")["staged"] == 90


def test_one_staging_told_by_two_systems_came_once(remembered, lactose):
    for source in ("yard", "tracker"):
        lactose.event(source, at("12:50"), "staged", job_order="J1", material="LAC", quantity=60, unit="kg")
    assert buckets(lacking_material(remembered(lactose.events, PRESS, NOW).view()), "J1", "LAC")["staged"] == 60


def test_what_is_staged_and_blocked_is_no_material(remembered, scribe):
    job(scribe, "J1", [("LAC", 100, None)])
    scribe.event("yard", at("12:00"), "staged", job_order="J1", material="LAC", lot="B7", quantity=100, unit="kg")
    scribe.report("lab", at("12:30"), "lot:B7", material="LAC", quality_status="quarantine")
    reading = lacking_material(remembered(scribe.events, PRESS, NOW).view())
    assert buckets(reading, "J1", "LAC") == {"held": 100}
    assert reading.data["lacking"] == ["J1"]


def test_a_lot_that_expires_before_the_job_ends_is_told(remembered, lactose):
    lactose.report("yard", at("12:00"), "lot:B2", material="LAC", quantity=kg(5), expires_at=at("20:00"))
    texts = [f.text for f in lacking_material(remembered(lactose.events, PRESS, NOW).view()).findings]
    assert any("Lot B2 of LAC can't be used: expires before the job order ends" in text for text in texts)


def test_where_nobody_says_what_is_staged_it_is_not_taken_as_there(remembered, scribe):
    job(scribe, "J1", [("LAC", 100, None)])
    reading = lacking_material(remembered(scribe.events, PRESS, NOW).view())
    assert (reading.data["lacking"], reading.data["not_known"]) == ([], ["J1"])
    assert not any("everything that it needs is staged" in f.text for f in reading.findings)
    assert any("LAC" in m for m in reading.missing)


def test_a_substitute_comes_with_its_stock_and_whose_consent_it_needs(remembered, lactose):
    lactose.report("ax", at("08:00"), "material:LAC", substitutes=["LAC-2"])
    lactose.report("yard", at("12:00"), "inventory:LAC-2@ST/2", scope="on hand", quantity=kg(200))
    lactose.decide("mail", at("09:00"), "Which sugar while LAC is short?", "LAC-2 only for uncoated", decided_by="p-9")
    found = [
        f for f in lacking_material(remembered(lactose.events, PRESS, NOW).view()).findings if "substitute" in f.data
    ]
    assert (found[0].data["verdict"], found[0].data["free"]) == ("approval", "200")
    assert "Ida Moss" in found[0].text
    assert "Far Away" not in found[0].text
    assert "LAC-2 only for uncoated" in found[1].text


def test_a_correction_and_an_as_of_in_the_past_are_heard(remembered, lactose):
    wrong = lactose.event("yard", at("12:10"), "staged", job_order="J1", material="LAC", quantity=100, unit="kg")
    lactose.delete("yard", at("12:40"), wrong)
    memory = remembered(lactose.events, PRESS, NOW)
    assert lacking_material(memory.view()).data["lacking"] == ["J1"]
    assert lacking_material(memory.view(as_of=datetime.fromisoformat(at("12:20")))).data["lacking"] == []


def test_arrival_order_and_foreign_records_change_nothing(remembered, lactose):
    expected = lacking_material(remembered(lactose.events, PRESS, NOW).view())
    job(lactose, "JX", [("OTHER", 7, 7)], status="closed")
    lactose.report("yard", at("12:00"), "inventory:OTHER@ST/1", scope="on hand", quantity=kg(3))
    lactose.event("yard", at("12:00"), "staged", job_order="JX", material="OTHER", quantity=7, unit="kg")
    for seed in range(3):
        shuffled = random.Random(seed).sample(lactose.events, len(lactose.events))
        assert lacking_material(remembered(shuffled, PRESS, NOW).view()) == expected


AMOUNT = st.integers(0, 120)


@settings(max_examples=15)
@given(
    jobs=st.lists(
        st.tuples(st.integers(1, 120), st.one_of(st.none(), AMOUNT), AMOUNT, st.integers(0, 30)), min_size=1, max_size=5
    ),
    store=AMOUNT,
    blocked=AMOUNT,
    bought=st.lists(st.tuples(AMOUNT, st.integers(-5, 30)), max_size=3),
)
def test_the_buckets_sum_to_what_is_required_and_nothing_is_given_out_twice(
    remembered, new_scribe, *, jobs, store, blocked, bought
):
    scribe = new_scribe()
    now = datetime.fromisoformat(NOW).timestamp()

    def later(hours: int) -> str:
        return datetime.fromtimestamp(now + 3600 * hours, tz=datetime.fromisoformat(NOW).tzinfo).isoformat()

    for number, (need, staged, brought, hours) in enumerate(jobs):
        job(scribe, f"J{number}", [("LAC", need, staged)], starts=later(hours), ends=later(hours + 4))
        if brought:
            scribe.event(
                "yard", at("12:00"), "staged", job_order=f"J{number}", material="LAC", quantity=brought, unit="kg"
            )
    scribe.report("yard", at("12:00"), "inventory:LAC@ST/1", scope="on hand", quantity=kg(store))
    scribe.report("yard", at("12:00"), "lot:B1", material="LAC", quantity=kg(blocked), quality_status="blocked")
    for number, (amount, hours) in enumerate(bought):
        scribe.report(
            "ax", at("09:00"), f"purchase_order_line:P{number}/1", material="LAC", quantity=kg(amount),
            eta=later(hours), status="open",
        )  # fmt: skip
    told = lacking_material(remembered(scribe.events, PRESS, NOW).view()).data["needs"]
    parts = [{name: Decimal(value) for name, value in need["buckets"].items()} for need in told]
    assert all(value >= 0 for part in parts for value in part.values())
    assert [sum(part.values()) for part in parts] == [Decimal(need["required"]) for need in told]
    assert sum(part["free"] for part in parts) <= max(0, store - blocked)
    assert sum(part["incoming"] for part in parts) <= sum(amount for amount, hours in bought if hours > 0)
