"""Which feeds changed without notice, and which interfaces left the floor behind."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.interpretation.feed_drift import feed_changes
from lineside.interpretation.feed_look import What
from lineside.interpretation.feed_rates import fisher
from lineside.interpretation.sentinel import sentinel
from lineside.interpretation.sentinel_rules import parse_rules, sentinel_rules
from lineside.memory.columns import Happened, Said

NOW = datetime.fromisoformat("2026-03-20T12:00:00+01:00")
START = NOW - timedelta(days=7)
CHANGED = NOW - timedelta(days=2)


def usual(words=("frei", "frei", "frei", "gesperrt")):
    """Three weeks of one laboratory: a lot every two hours, weighed in kg, each with a place."""
    said = []
    for i in range(21 * 12):
        at, lot = NOW - timedelta(hours=2 * (21 * 12 - i), minutes=i * 7 % 50), f"CH-{i}"
        word = words[i % len(words)]
        for name, value in (
            ("quality_status", word),
            ("location", "Halle 2"),
            ("quantity", {"value": 400 + i % 40, "unit": "kg"}),
        ):
            said.append(Said(f"r{i}", "labor", "lot", lot, name, "", value, at))
    return said


def found(said, happened=(), now=NOW, earlier=()):
    return feed_changes(
        said,
        happened,
        start=now - timedelta(days=7),
        end=now,
        rules=sentinel_rules(),
        earlier=lambda *_: earlier,
    )


def since_then(said, change):
    return [change(each) if each.at >= CHANGED else each for each in said]


def test_a_feed_that_stays_as_it_was_changes_in_nothing():
    assert found(usual()) == []


def test_a_code_that_no_list_knows_is_told_with_what_was_said_before():
    said = since_then(usual(), lambda s: s._replace(value="F9") if s.value == "frei" else s)

    (only,) = found(said)

    assert (only.what, only.about, only.now, only.was) == (What.UNKNOWN_CODE, "quality_status", "F9", "frei, gesperrt")
    assert CHANGED <= only.since < CHANGED + timedelta(hours=5)


def test_a_code_that_was_there_long_ago_is_no_news():
    said = since_then(usual(), lambda s: s._replace(value="F9") if s.value == "frei" else s)

    assert [c.what for c in found(said, earlier=("F9",)) if c.what is What.UNKNOWN_CODE] == []


def test_another_word_for_a_known_state_is_told_as_such():
    said = since_then(usual(), lambda s: s._replace(value="freigegeben") if s.value == "frei" else s)

    assert [(c.what, c.was, c.now) for c in found(said)] == [(What.RENAMED_CODE, "frei", "freigegeben")]


def test_a_field_that_vanished_and_one_that_came_are_told():
    said = since_then(usual(), lambda s: s._replace(property="ort") if s.property == "location" else s)

    assert {(c.what, c.about) for c in found(said)} == {(What.VANISHED, "location"), (What.APPEARED, "ort")}


def test_things_that_are_told_in_another_unit_are_named():
    said = [
        Said(f"r{i}", "wawi", "inventory", f"MEHL-{i % 4}@1", "quantity", "buch", {"value": 50, "unit": unit}, at)
        for i in range(21 * 4)
        for at in [NOW - timedelta(hours=6 * (21 * 4 - i))]
        for unit in ["kg" if at < CHANGED or i % 4 else "t"]
    ]

    (only,) = [c for c in found(said) if c.what is What.UNIT]

    assert (only.was, only.now, only.entities) == ("kg", "t", ("inventory:MEHL-0@1",))


def test_numbers_that_jump_by_a_factor_between_units_are_a_suspicion():
    said = since_then(
        usual(),
        lambda s: s._replace(value={"value": s.value["value"] * 1000, "unit": "kg"}) if s.property == "quantity" else s,
    )

    (only,) = found(said)

    assert only.what is What.SIZE
    assert "1000 times larger" in only.now
    assert CHANGED <= only.since < CHANGED + timedelta(hours=5)


def test_a_moved_mix_is_told_once_and_chance_is_corrected_for():
    said = since_then(usual(), lambda s: s._replace(value="gesperrt") if s.value == "frei" else s)

    (only,) = found(said)

    assert only.what is What.MIX
    assert only.chance is not None
    assert only.chance < sentinel_rules().sure.chance


def test_chance_alone_moves_a_mix_no_oftener_than_it_may():
    usually, told = usual(), 0
    for seed in range(100):
        draw = random.Random(seed)
        said = [
            s._replace(value=draw.choice(["frei", "frei", "gesperrt"])) if s.property == "quality_status" else s
            for s in usually
        ]
        told += any(c.what in (What.MIX, What.CADENCE) for c in found(said))
    assert told <= 3  # of a hundred at a chance of 1 %: four or more would be one case in fifty


def test_young_things_that_have_not_come_as_far_yet_are_no_other_mix():
    said = []
    for i in range(21 * 12):
        at = NOW - timedelta(hours=2 * (21 * 12 - i))
        for word, hours in (("prüfung", 0), ("frei", 30)):
            if (when := at + timedelta(hours=hours)) < NOW:
                said.append(Said(f"r{i}-{word}", "labor", "lot", f"CH-{i}", "quality_status", "", word, when))
    said.sort(key=lambda s: s.at)

    assert found(said) == []


def test_a_stream_that_stops_while_its_source_speaks_on_is_told():
    happened = [Happened(f"e{i}", "labor", "sample", NOW - timedelta(hours=3 * i)) for i in range(160)]
    happened = sorted((h for h in happened if h.at < CHANGED), key=lambda h: h.at)

    assert [(c.what, c.kind, c.about) for c in found(usual(), happened)] == [(What.STOPPED, "event", "sample")]


def test_a_stream_that_becomes_much_denser_is_told():
    happened = [Happened(f"e{i}", "labor", "sample", NOW - timedelta(hours=4 * i, minutes=3)) for i in range(120)]
    happened += [
        Happened(f"x{i}", "labor", "sample", NOW - timedelta(minutes=30 * i, seconds=1)) for i in range(48 * 4)
    ]

    told = found(usual(), sorted(happened, key=lambda h: h.at))

    assert [(c.what, c.about, c.since) for c in told] == [(What.CADENCE, "sample", NOW - timedelta(days=4))]


@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_what_other_sources_say_changes_nothing_of_what_is_found(draw):
    said = since_then(usual(), lambda s: s._replace(value="F9") if s.value == "frei" else s)
    strange = {"source": "wawi", "kind": "sales_order_line", "property": "status", "value": "offen"}
    other = [s._replace(record_id=f"o{s.record_id}", **strange) for s in draw.sample(usual(), 30)]

    both = found(sorted((*said, *other), key=lambda s: s.at))

    assert [c for c in both if c.source == "labor"] == found(said)


def test_fisher_is_exact():
    assert fisher(3, 4, 1, 4) == pytest.approx(34 / 70)


def test_wrong_rules_are_refused_with_their_key():
    with pytest.raises(BadSettings, match=r"sure\.chance"):
        parse_rules("site/sentinel.toml", tomllib.loads(_rules().replace("chance = 0.01", "chance = 3")))


def _rules():
    return resources.files("lineside.packs").joinpath("core/sentinel.toml").read_text("utf-8")


DAY = "2026-03-19T{}:00+01:00"
LINE = "giesserei-nord/formerei/linie-a"


def job(scribe, number, planned, sequence):
    scribe.report(
        "sap", DAY.format("05:00"), f"job_order:{number}", equipment=LINE, material="SAND", status="geplant",
        planned_start=DAY.format(planned), sequence=sequence,
    )  # fmt: skip


@pytest.fixture
def floor(scribe):
    job(scribe, "FA-1", "08:00", 10)
    job(scribe, "FA-2", "10:00", 20)
    scribe.report(
        "leitstand", DAY.format("08:10"), "job_order:FA-2", status="gestartet", actual_start=DAY.format("08:10")
    )
    return scribe


def told(reading, what):
    return [f for f in reading.findings if f.data.get("what") == what]


def test_a_start_out_of_the_planned_sequence_is_told_until_the_planner_hears_of_it(remembered, floor, foundry):
    memory = remembered(floor.events, foundry, NOW)

    (only,) = told(sentinel(memory.view()), "sequence")

    assert only.data["entities"] == ["job_order:FA-2", "job_order:FA-1"]
    assert (only.data["source"], only.data["ahead"]) == ("sap", "leitstand")
    assert told(sentinel(memory.view(as_of=datetime.fromisoformat(DAY.format("08:00")))), "sequence") == []
    floor.report("sap", DAY.format("09:00"), "job_order:FA-1", planned_start=DAY.format("14:00"), sequence=30)
    assert told(sentinel(remembered(floor.events, foundry, NOW).view()), "sequence") == []


def test_a_run_that_began_before_its_revision_took_effect_is_told(remembered, floor, foundry):
    floor.report("leitstand", DAY.format("08:10"), "job_order:FA-2", revision="B")
    floor.report("plm", DAY.format("07:00"), "engineering_change:AE-1", material="SAND", revision="C",
                 effective_at=DAY.format("09:00"), status="approved")  # fmt: skip
    floor.report("sap", DAY.format("07:00"), "interface:PLM-MES", **{"from": "plm", "to": "leitstand"}, owner="it-2")

    reading = sentinel(remembered(floor.events, foundry, NOW).view())

    (only,) = told(reading, "revision")
    assert "in the middle of its run" in only.text
    assert any(step.startswith("Ask it-2, who owns interface PLM-MES") for step in reading.next_steps)


def test_a_split_that_one_system_never_heard_of_is_told(remembered, scribe, foundry):
    lines = [{"sales_order_line": "AB-1/10", "quantity": {"value": 90, "unit": "ea"}}]
    scribe.report("sap", DAY.format("05:00"), "shipment:SE-1", lines=lines, status="geplant")
    scribe.report("lvs", DAY.format("05:00"), "shipment:SE-1", lines=lines, status="geplant")
    scribe.event("lvs", DAY.format("07:00"), "split", shipment="SE-1", to="SE-2")

    (only,) = told(sentinel(remembered(scribe.events, foundry, NOW).view()), "split")

    assert (only.data["source"], only.data["ahead"]) == ("sap", "lvs")


def test_lots_that_are_inspected_for_more_than_before_are_told(remembered, scribe, foundry):
    for i in range(9):
        at = (NOW - timedelta(hours=20 * (9 - i))).isoformat()
        scribe.report("qs", at, f"lot:CH-{i}", material="GUSS")
        for name in ("Härte", *(("Riss",) if i >= 6 else ())):
            scribe.report("qs", at, f"inspection:P-{i}-{name}", lot=f"CH-{i}", characteristic=name, result="offen")

    (only,) = told(sentinel(remembered(scribe.events, foundry, NOW).view()), "inspection scope")

    assert "inspected for Riss too" in only.text
    assert only.data["entities"] == ["lot:CH-6", "lot:CH-7", "lot:CH-8"]


def test_the_order_of_arrival_changes_nothing(remembered, floor, foundry):
    one = sentinel(remembered(floor.events, foundry, NOW).view())
    other = sentinel(remembered(floor.events[::-1], foundry, NOW).view())

    assert replace(other, findings=()) == replace(one, findings=())
    assert [f.text for f in one.findings] == [f.text for f in other.findings]
