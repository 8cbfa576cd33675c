"""Cut-offs on the plant's clock, in the nights in which it is changed too."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.interpretation.facts import Facts
from lineside.interpretation.trucks import last_moment, timetable
from lineside.plant.plant import CutOff

ZONES = [ZoneInfo(name) for name in ("Europe/Berlin", "America/Chicago", "Australia/Melbourne", "Asia/Kolkata")]
NIGHTS = [datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 29), (10, 25), (3, 8), (11, 1), (4, 5), (6, 1))]
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))


@given(zone=st.sampled_from(ZONES), day=st.sampled_from(NIGHTS), minutes=st.integers(0, 48 * 60), cut=CLOCKS)
def test_a_cut_off_never_lies_after_its_departure_nor_a_day_before(zone, day, minutes, cut):
    leaves = day - timedelta(hours=12) + timedelta(minutes=minutes)
    local = leaves.astimezone(zone)
    rule = CutOff(dock="d", departure=local.time(), cut_off=cut)
    last = last_moment(rule, leaves, zone)
    assert timedelta() <= leaves - last <= timedelta(hours=25)
    shown = last.astimezone(zone)
    told = (shown.hour, shown.minute) == (cut.hour, cut.minute)
    skipped = datetime.combine(shown.date(), cut, zone).astimezone(UTC).astimezone(zone).time() != cut
    assert told or skipped


@pytest.mark.parametrize(
    ("leaves", "cut", "minutes"),
    [
        ("2026-03-29T03:10:00+02:00", time(2, 25), 45),  # the clock never shows 02:25 in this night
        ("2026-10-25T02:40:00+02:00", time(2, 10), 30),
        ("2026-10-25T02:40:00+01:00", time(2, 10), 30),  # the second time that the clock shows both
        ("2026-10-25T00:30:00+02:00", time(23, 45), 45),
    ],
)
def test_the_night_in_which_the_clock_is_changed_moves_no_cut_off(leaves, cut, minutes):
    departure = datetime.fromisoformat(leaves)
    rule = CutOff(dock="d", departure=departure.time(), cut_off=cut)
    assert departure - last_moment(rule, departure, ZoneInfo("Europe/Berlin")) == timedelta(minutes=minutes)


PORT = """
site = "hafen"
time_zone = "Europe/Berlin"
holidays = ["2026-03-31"]
[[cut_offs]]
dock = "hafen/rampe/tor-1"
departure = "02:30"
cut_off = "02:00"
[[cut_offs]]
dock = "hafen/rampe/tor-2"
departure = "18:00"
cut_off = "17:30"
days = [1, 2, 3, 4, 5]
"""


def test_the_timetable_leaves_once_a_day_on_its_days_and_not_on_a_holiday(remembered):
    view = remembered([], PORT, "2026-03-27T12:00:00+01:00").view()
    rows = timetable(Facts(view), view.as_of, days=5)
    assert [leaves for leaves, _, _ in rows] == sorted(leaves for leaves, _, _ in rows)
    assert all(view.as_of < leaves and last <= leaves for leaves, last, _ in rows)
    zone = ZoneInfo("Europe/Berlin")
    evenings = [leaves.astimezone(zone).date().day for leaves, _, cut in rows if cut.dock.endswith("tor-2")]
    assert evenings == [27, 30, 1]
    nights = [leaves.astimezone(zone).date().day for leaves, _, cut in rows if cut.dock.endswith("tor-1")]
    assert nights == [28, 29, 30, 1]
