"""The one word for a feed, and what is wrong with it: pure functions of signals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.memory.feed_state import STOPPED, Concern, FeedState, Signals, concerns_of, state_of
from lineside.memory.signals import Habit
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.plant import Plant, ShiftPattern

WELL = Signals(
    reading=FeedState.LIVE,
    in_that_state_s=9000.0,
    since_life_s=10.0,
    worked_since_life_s=10.0,
    life_patience_s=900.0,
    since_record_s=60.0,
    worked_since_record_s=60.0,
    record_patience_s=1800.0,
    lag_s=2.0,
    judged=200,
)
SAID = (
    FeedState.STARTING,
    FeedState.LIVE,
    FeedState.RETRYING,
    FeedState.PAUSED,
    FeedState.FAILED,
    FeedState.STORE_DOWN,
)
seconds = st.floats(0, 1e7)
signals = st.builds(
    Signals,
    reading=st.sampled_from([*SAID, None]),
    reason=st.text(max_size=5),
    in_that_state_s=seconds,
    since_life_s=st.none() | seconds,
    worked_since_life_s=st.none() | seconds,
    life_patience_s=seconds,
    since_record_s=st.none() | seconds,
    worked_since_record_s=st.none() | seconds,
    record_patience_s=st.none() | seconds,
    missed_hour=st.booleans(),
    off=st.booleans(),
    lag_s=st.none() | st.floats(-1e6, 1e6),
    usual_lag_s=seconds,
    ahead_s=seconds,
    dead=st.integers(0, 200),
    judged=st.integers(0, 200),
    open_letters=st.integers(0, 1000),
    troubles=st.integers(0, 3),
)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, FeedState.LIVE),
        ({"reading": FeedState.STARTING}, FeedState.STARTING),
        ({"off": True, "since_record_s": 7200.0}, FeedState.QUIET),
        ({"off": True, "since_record_s": 60.0}, FeedState.LIVE),
        ({"worked_since_life_s": 901.0}, FeedState.SILENT),
        ({"worked_since_record_s": 1801.0}, FeedState.SILENT),
        ({"worked_since_record_s": 1801.0, "record_patience_s": None}, FeedState.LIVE),
        ({"missed_hour": True}, FeedState.SILENT),
        ({"lag_s": 3601.0}, FeedState.LAGGING),
        ({"lag_s": 3601.0, "usual_lag_s": 3000.0}, FeedState.LIVE),
        ({"dead": 101}, FeedState.DEGRADED),
        ({"dead": 19, "judged": 19}, FeedState.LIVE),
        ({"open_letters": 100}, FeedState.DEGRADED),
        ({"ahead_s": 121.0}, FeedState.DEGRADED),
        ({"troubles": 1}, FeedState.DEGRADED),
        ({"reading": FeedState.PAUSED}, FeedState.PAUSED),
        ({"reading": FeedState.FAILED}, FeedState.FAILED),
        ({"reading": FeedState.RETRYING}, FeedState.RETRYING),
        ({"reading": FeedState.STORE_DOWN}, FeedState.STORE_DOWN),
        ({"reading": None, "worked_since_life_s": None}, FeedState.SILENT),
    ],
)
def test_each_signal_alone_makes_its_state(change, state):
    assert state_of(replace(WELL, **change)) is state


def test_an_outage_is_alerted_to_after_minutes_and_silence_behind_it_is_not_told_twice():
    down = replace(WELL, reading=FeedState.RETRYING, worked_since_life_s=1e6, missed_hour=True)
    assert set(concerns_of(replace(down, in_that_state_s=299.0))) == set()
    assert set(concerns_of(replace(down, in_that_state_s=301.0))) == {Concern.UNREACHABLE}


@given(signals)
def test_what_keeps_a_source_from_being_read_is_told_whatever_else_is_wrong(given):
    state = state_of(given)
    if given.reading in (FeedState.PAUSED, FeedState.FAILED, FeedState.RETRYING, FeedState.STORE_DOWN):
        assert state is given.reading
    else:
        assert state not in (FeedState.PAUSED, FeedState.FAILED, FeedState.RETRYING, FeedState.STORE_DOWN)


@given(signals)
def test_a_feed_is_called_live_or_quiet_only_if_nothing_is_wrong_with_it(given):
    if state_of(given) in (FeedState.LIVE, FeedState.QUIET):
        assert concerns_of(given) == {}
        assert given.troubles == 0


@given(signals, seconds)
def test_a_silent_feed_does_not_recover_by_staying_silent(given, longer):
    if state_of(given) is FeedState.SILENT:
        passed = {
            name: value + longer
            for name in ("in_that_state_s", "since_life_s", "worked_since_life_s", "since_record_s")
            if (value := getattr(given, name)) is not None
        }
        record = given.worked_since_record_s
        later = replace(given, **passed, worked_since_record_s=None if record is None else record + longer)
        assert state_of(later) is FeedState.SILENT


@given(signals)
def test_at_most_one_reason_is_told_why_nothing_comes(given):
    assert len(STOPPED & set(concerns_of(given))) <= 1


DAYS = Plant(
    site="n",
    time_zone=ZoneInfo("Europe/Berlin"),
    holidays=frozenset({date(2026, 11, 25)}),
    shifts=(ShiftPattern(name="day", start=time(6), end=time(22), days=(1, 2, 3, 4, 5)),),
)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def test_silence_counts_in_the_hours_that_the_plant_works():
    calendar = ShiftCalendar(DAYS)
    assert calendar.worked_s(at(20, 20), at(23, 7)) == 3 * 3600  # Friday evening to Monday morning
    assert calendar.worked_s(at(24, 22), at(26, 6)) == 0  # over a holiday
    assert [calendar.works_at(at(*each)) for each in ((20, 12), (21, 12), (25, 12))] == [True, False, False]


def test_shifts_that_overlap_count_once_and_a_plant_without_shifts_works_but_on_holidays():
    both = replace(DAYS, shifts=(*DAYS.shifts, ShiftPattern(name="late", start=time(14), end=time(23))))
    assert ShiftCalendar(both).worked_s(at(23, 0), at(24, 0)) == 17 * 3600
    assert ShiftCalendar(replace(DAYS, shifts=())).worked_s(at(24, 0), at(27, 0)) == 2 * 24 * 3600


def hours(*days: int, of: range) -> frozenset[int]:
    return frozenset(int(at(day, hour).timestamp()) // 3600 for day in days for hour in of)


def test_an_hour_in_which_it_spoke_every_week_and_not_now_is_missed():
    calendar = ShiftCalendar(replace(DAYS, shifts=()))
    fridays = Habit(
        hours=hours(20 - 7, 20 - 14, of=range(8, 12)) | frozenset(each - 24 * 21 for each in hours(20, of=range(8, 12)))
    )
    assert fridays.missed(at(19, 23), at(20, 9) + timedelta(minutes=5), calendar)
    assert not fridays.missed(at(19, 23), at(20, 8) + timedelta(minutes=59), calendar), "the hour is not over yet"
    assert not fridays.missed(at(20, 11), at(20, 18), calendar), "afternoons are always still"
    assert fridays.missed(at(19, 23), at(20, 18), calendar), "and what was missed in the morning stays missed"


def test_two_weeks_are_no_habit_and_holidays_do_not_count():
    calendar = ShiftCalendar(DAYS)
    assert Habit(hours=hours(13, 6, of=range(8, 12))).usual(min(hours(20, of=range(8, 9))), calendar) is None
    wednesdays = Habit(hours=hours(18, 11, 4, of=range(8, 12)))
    assert not wednesdays.missed(at(24, 23), at(25, 18), calendar)
