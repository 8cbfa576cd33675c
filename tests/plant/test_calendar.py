import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plants import awkward, bare, bottler, foundry, mill

from lineside.plant.calendar import ShiftCalendar
from lineside.plant.timeline import days, instant

PLANTS = {"bottler": bottler, "foundry": foundry, "mill": mill, "awkward": awkward}
EVERY = pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
# Both clock changes of 2026 in each of the plants' zones.
CHANGES = (
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 4, 5),
    date(2026, 10, 4),
)
MOMENTS = st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001


def local(plant, *parts):
    return datetime(*parts, tzinfo=plant.time_zone)


def test_a_night_is_nine_hours_in_autumn_and_seven_in_spring():
    calendar = ShiftCalendar(foundry)
    autumn, spring = calendar.slot("Nacht", date(2026, 10, 24)), calendar.slot("Nacht", date(2026, 3, 28))
    assert autumn.end - autumn.start == timedelta(hours=9)
    assert spring.end - spring.start == timedelta(hours=7)


def test_a_shift_belongs_to_the_day_and_iso_week_it_starts_on():
    calendar = ShiftCalendar(bottler)
    sunday_night = calendar.at(local(bottler, 2026, 11, 2, 3))  # Monday, 03:00
    assert (sunday_night.label, sunday_night.crew) == ("night 2026-11-01", "crew-c")
    assert calendar.at(local(bottler, 2026, 11, 2, 23)).crew is None


def test_no_shift_starts_on_a_holiday_but_the_one_before_is_worked_to_its_end():
    calendar = ShiftCalendar(bottler)
    assert calendar.at(local(bottler, 2026, 11, 26, 5, 59)).label == "night 2026-11-25"
    assert calendar.at(local(bottler, 2026, 11, 26, 6)) is None
    assert calendar.previous(local(bottler, 2026, 11, 26, 12)).label == "night 2026-11-25"
    assert calendar.following(local(bottler, 2026, 11, 26, 12)).label == "day 2026-11-27"


def test_previous_reaches_over_a_free_night():
    calendar = ShiftCalendar(bottler)
    assert calendar.previous(local(bottler, 2026, 11, 21, 7)).label == "evening 2026-11-20"  # no Friday night


def test_a_plant_without_shifts_has_none():
    calendar = ShiftCalendar(bare)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    assert calendar.at(now) is calendar.previous(now) is calendar.following(now) is None
    assert calendar.between(now, now + timedelta(days=3)) == []


@EVERY
@pytest.mark.parametrize("day", CHANGES, ids=str)
def test_every_minute_around_a_clock_change_belongs_to_one_shift_at_most(plant, day):
    calendar = ShiftCalendar(plant)
    start, end = days(day - timedelta(days=1), day + timedelta(days=2), plant.time_zone)
    slots = calendar.between(start, end)
    while start < end:
        inside = [slot for slot in slots if start in slot]
        assert inside == ([calendar.at(start)] if calendar.at(start) else [])
        start += timedelta(minutes=1)


@EVERY
@given(start=MOMENTS, length=st.timedeltas(timedelta(0), timedelta(days=12)))
def test_slots_never_overlap_and_only_touch_what_was_asked(plant, start, length):
    slots = ShiftCalendar(plant).between(start, start + length)
    assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(slots))
    assert all(slot.start < start + length and start < slot.end for slot in slots)


@pytest.mark.parametrize("plant", [foundry, mill], ids=["foundry", "mill"])
@given(start=MOMENTS)
def test_shifts_round_the_clock_tile_the_time(plant, start):
    slots = ShiftCalendar(plant).between(start, start + timedelta(days=4))
    assert all(earlier.end == later.start for earlier, later in itertools.pairwise(slots))
    assert start in slots[0]


@EVERY
@given(moment=MOMENTS)
def test_previous_and_following_are_neighbours(plant, moment):
    calendar = ShiftCalendar(plant)
    running = calendar.at(moment)
    previous, following = calendar.previous(moment), calendar.following(moment)
    assert previous.end <= (running.start if running else moment)
    assert following.start >= (running.end if running else moment)
    assert calendar.following(previous.start) == (running or following)
    assert calendar.between(previous.end, following.start) == ([running] if running else [])


@EVERY
@given(day=st.dates(date(2026, 1, 1), date(2026, 12, 31)), one=st.times(), other=st.times())
def test_a_later_time_on_the_wall_is_never_an_earlier_instant(plant, day, one, other):
    first, second = sorted((one, other))
    assert instant(day, first, plant.time_zone) <= instant(day, second, plant.time_zone)
