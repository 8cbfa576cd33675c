"""What began and ended between two looks is found as if somebody had looked all the time."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.cases.conftest import DAIRY, DAY, at, instant

from lineside.cases import State
from lineside.memory.contacts import keep_contact
from lineside.memory.freshness import OURS
from lineside.memory.moments import stored

TOLD_EVERY_HALF_HOUR = DAIRY.replace('kind = "wms"', 'kind = "wms", cadence_s = 1800')


def of(dairy, case_class):
    return [c for c in dairy.cases.list() if c.case_class == case_class and c.state is not State.WITHDRAWN]


def told(dairy, case_class):
    return {(str(c.subject), c.key, c.began, c.ended) for c in of(dairy, case_class)}


def figure(dairy, source, clock, amount, *, day=DAY, place="H1"):
    scope = {"wawi": "book", "lager": "on_hand"}[source]
    value = {"value": amount, "unit": "ea"}
    dairy.scribe.report(source, at(clock, day), f"inventory:DECKEL@{place}", scope=scope, quantity=value)


def speaks(dairy, *clocks):
    """The warehouse tells of something at these times, and is heard at once."""
    for clock in clocks:
        dairy.scribe.report("lager", at(clock), "lot:M-1", location=f"H{clock}")
        dairy.now[0] = instant(clock)
        dairy.tell()


def contacts(dairy, source, begin, end, *, every_s=600):
    moment, last = instant(begin), instant(end)
    while moment <= last:
        with dairy.memory.write() as connection:
            keep_contact(connection, source, stored(moment), within_s=1800)
        moment += timedelta(seconds=every_s)


def test_figures_that_differed_and_agree_again_before_anyone_looked_are_a_case_that_is_over(works):
    dairy = works()
    figure(dairy, "wawi", "06:00", 840)
    figure(dairy, "lager", "06:00", 840)
    figure(dairy, "lager", "07:00", 812)
    figure(dairy, "wawi", "10:30", 812)
    dairy.run("12:00")

    (case,) = of(dairy, "stock_difference")
    assert (case.began, case.ended, case.state) == (instant("07:00"), instant("10:30"), State.CLOSED)
    assert case.title == "DECKEL: wawi 840 ea, lager 812 ea"


def test_what_one_system_tells_a_little_later_than_the_other_is_none(works):
    dairy = works()
    for hour, amount in ((6, 840), (7, 812), (8, 790), (9, 640)):
        figure(dairy, "lager", f"{hour:02}:00", amount)
        figure(dairy, "wawi", f"{hour:02}:40", amount)
    dairy.run("12:00")

    assert dairy.cases.list() == []


def test_a_difference_that_stands_since_long_before_the_window_began_when_it_did(works):
    dairy = works()
    figure(dairy, "wawi", "06:00", 840, day="2026-01-20")
    figure(dairy, "lager", "06:00", 840, day="2026-01-20")
    figure(dairy, "lager", "09:00", 812, day="2026-01-21")
    figure(dairy, "wawi", "07:00", 840)
    dairy.run("09:00")

    (case,) = of(dairy, "stock_difference")
    assert (case.began, case.is_open) == (instant("09:00", "2026-01-21"), True)


def test_two_places_that_took_each_others_goods_are_told_each_while_their_sum_agrees(works):
    dairy = works()
    for place, books, found in (("H1", 100, 80), ("H2", 50, 70)):
        figure(dairy, "wawi", "06:00", books, place=place)
        figure(dairy, "lager", "06:00", found, place=place)
        figure(dairy, "wawi", "11:00", found, place=place)
    dairy.run("12:00")

    assert {(str(c.subject), c.ended) for c in of(dairy, "stock_difference")} == {
        ("inventory:DECKEL@H1", instant("11:00")), ("inventory:DECKEL@H2", instant("11:00")),
    }  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    figures=st.lists(
        st.tuples(st.sampled_from(["wawi", "lager"]), st.integers(0, 40), st.sampled_from([840, 812, 700])),
        min_size=2, max_size=10, unique_by=lambda row: row[:2],
    ),
    issues=st.lists(st.tuples(st.sampled_from(["wawi", "lager"]), st.integers(0, 40)), max_size=4, unique=True),
    looks=st.sets(st.integers(0, 47), max_size=5),
)  # fmt: skip
def test_looking_often_or_once_finds_the_same_stock_differences(works, figures, issues, looks):
    """Times are quarters of an hour from six o'clock on."""
    often, once = works(), works()
    rows = [(quarter, source, amount) for source, quarter, amount in figures]
    rows += [(quarter, source, None) for source, quarter in issues]
    begin = instant("06:00")
    for quarter in range(48):
        for _, source, amount in sorted((row for row in rows if row[0] == quarter), key=str):
            clock = f"{6 + quarter // 4:02}:{quarter % 4 * 15:02}"
            for dairy in (often, once):
                if amount is not None:
                    figure(dairy, source, clock, amount)
                else:
                    dairy.scribe.event(source, at(clock), "goods_issue", material="DECKEL", quantity=28, unit="ea")
        if quarter in looks:
            often.run(begin + timedelta(minutes=15 * quarter))
    for dairy in (often, once):
        dairy.run(begin + timedelta(hours=12))

    assert told(often, "stock_difference") == told(once, "stock_difference")


def test_a_source_that_was_silent_between_two_looks_is_a_case_that_is_over(works):
    dairy = works(TOLD_EVERY_HALF_HOUR)
    speaks(dairy, "06:00", "06:30", "07:00", "11:15", "11:45")
    dairy.run("12:00")

    (case,) = of(dairy, "silent_feed")
    assert (case.began, case.ended, case.state) == (instant("09:00"), instant("11:15"), State.CLOSED)
    assert case.owner == "lager-1"


def test_a_silence_that_was_noticed_lasted_as_its_records_show_and_not_as_it_was_noticed(works):
    dairy = works(TOLD_EVERY_HALF_HOUR)
    speaks(dairy, "06:00")
    dairy.scribe.event("lineside", at("09:05"), "feed_stopped", interface="lager", reason="silent")
    dairy.run("09:10")
    (case,) = of(dairy, "silent_feed")
    assert (case.began, case.ended) == (instant("08:00"), None)
    speaks(dairy, "11:15")
    dairy.scribe.event("lineside", at("11:20"), "feed_started", interface="lager")
    dairy.run("12:00")

    assert [(c.number, c.began, c.ended) for c in of(dairy, "silent_feed")] == [
        (case.number, instant("08:00"), instant("11:15"))
    ]


def test_a_source_that_was_reached_though_it_had_nothing_to_say_was_not_silent(works):
    dairy = works(TOLD_EVERY_HALF_HOUR)
    speaks(dairy, "06:00")
    contacts(dairy, "lager", "06:05", "11:05")
    speaks(dairy, "11:15")
    dairy.run("12:00")

    assert of(dairy, "silent_feed") == []


def test_a_source_that_could_not_be_reached_for_a_while_was_silent_from_its_last_answer_on(works):
    dairy = works(TOLD_EVERY_HALF_HOUR)
    speaks(dairy, "06:00")
    contacts(dairy, "lager", "06:10", "07:00")
    contacts(dairy, "lager", "11:00", "12:00")
    dairy.run("12:00")

    assert [(c.began, c.ended) for c in of(dairy, "silent_feed")] == [(instant("09:00"), instant("11:00"))]


def test_while_nobody_watched_no_source_is_said_to_have_been_silent(works):
    dairy = works(TOLD_EVERY_HALF_HOUR)
    speaks(dairy, "06:00")
    for source in ("lager", OURS):
        contacts(dairy, source, "06:00", "07:00")
        contacts(dairy, source, "11:00", "12:00")
    dairy.run("12:00")

    assert of(dairy, "silent_feed") == []


def test_what_was_silent_before_anybody_began_to_reach_it_is_not_told(works):
    dairy = works(TOLD_EVERY_HALF_HOUR)
    speaks(dairy, "06:00", "10:00", "11:00")
    contacts(dairy, "lager", "11:00", "12:00")
    dairy.run("12:00")

    assert of(dairy, "silent_feed") == []


def test_the_past_of_a_source_that_is_read_in_all_at_once_holds_no_silence(works):
    dairy = works(TOLD_EVERY_HALF_HOUR)
    for clock in ("06:00", "10:00", "11:45"):
        dairy.scribe.report("lager", at(clock), "lot:M-1", location=f"H{clock}")
    dairy.run("12:00")

    assert of(dairy, "silent_feed") == []


@pytest.mark.parametrize("cadence", [True, False])
@settings(
    phases=(Phase.generate,),
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    spoken=st.sets(st.integers(0, 95), min_size=1, max_size=30),
    reached=st.lists(st.tuples(st.integers(0, 95), st.integers(0, 12)), max_size=3),
    looks=st.sets(st.integers(0, 95), max_size=5),
)
def test_looking_often_or_once_finds_the_same_silences(works, cadence, spoken, reached, looks):
    """Times are quarters of an hour from six o'clock on, of a source with and without a declared cadence."""
    plant = TOLD_EVERY_HALF_HOUR if cadence else DAIRY
    often, once = works(plant), works(plant)
    answers = {first + more for first, length in reached for more in range(length)}
    begin = instant("06:00")
    for quarter in range(96):
        moment = begin + timedelta(minutes=15 * quarter)
        for dairy in (often, once):
            dairy.now[0] = moment
            if quarter in spoken:
                dairy.scribe.report("lager", moment.isoformat(), "lot:M-1", location=f"H{quarter}")
                dairy.tell()
            if quarter in answers:
                with dairy.memory.write() as connection:
                    keep_contact(connection, "lager", stored(moment), within_s=1800)
        if quarter in looks and quarter >= min(answers, default=0):
            often.run(moment)
    for dairy in (often, once):
        dairy.run(begin + timedelta(hours=24))

    assert told(often, "silent_feed") == told(once, "silent_feed")
