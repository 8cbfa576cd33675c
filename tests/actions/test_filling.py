"""Requests are filled in with what was approved, exactly, or not at all."""

from datetime import date, datetime, time, timedelta, timezone
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.actions.action import same
from lineside.actions.executors.filling import Unfilled, days_only, fill, fill_path
from lineside.actions.executors.wall_clock import wall_clock

EVENING = "2026-11-20T23:30:15-03:00"


def test_a_hole_alone_keeps_its_kind_and_is_left_out_without_a_value() -> None:
    template = {"n": "{quantity#}", "due": "{due:date}", "list": ["{id.2#}", "{id.1}"], "{id.1}": "x", "fixed": 3}
    said = {"quantity": "2.5", "id": "PO/7"}
    assert fill(template, said) == {"n": 2.5, "list": [7, "PO"], "PO": "x", "fixed": 3}


def test_a_moment_is_told_by_the_clock_that_it_is_written_in() -> None:
    said = {"until": EVENING}
    assert fill("{until:date} {until:time}", said) == "2026-11-20 23:30:15"
    assert fill(["{until:year}", "{until:hour}"], said) == [2026, 23]
    assert fill("/Date({until:day_ms})/", said) == "/Date(1795132800000)/"
    assert wall_clock("/Date(1795132800000)/", "PT23H30M15S") == "2026-11-20T23:30:15"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{condition}", {}),
        ("{condition.2#}", {"condition": "17"}),
        ("v{condition.2}", {"condition": "17"}),
        ("{id.2#}", {"id": "PO/seven"}),
        ("{due:date}", {"due": "soon"}),
    ],
)
def test_what_can_not_be_filled_in_is_not_sent(template: str, said: dict[str, str]) -> None:
    with pytest.raises(Unfilled):
        fill({"a": template}, said)


@given(st.text(min_size=1))
def test_no_id_gets_out_of_its_place_in_a_path(id_: str) -> None:
    text = id_.encode("utf-8", "replace").decode()
    path = fill_path("/rows('{id}')?x=1", {"id": text})
    assert path.startswith("/rows('")
    assert path.endswith("')?x=1")
    inner = path[len("/rows('") : -len("')?x=1")]
    assert not set(inner) & set("/?#&' ")
    assert unquote(inner) == text.replace("'", "''")


def test_a_day_alone_is_known_for_one() -> None:
    assert days_only({"d": "{due:date}", "e": "{until:day_ms} {until:hour}", "f": "{eta:date} {eta}"}) == ["due"]


@given(st.dates(date(1, 1, 2), date(9998, 12, 30)), st.times(), st.integers(-14, 14))
def test_a_wall_clock_is_the_same_moment_as_with_its_zone_and_no_other(day: date, hour: time, hours: int) -> None:
    at = datetime.combine(day, hour.replace(microsecond=0))
    zoned = at.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert same(at.isoformat(), zoned.isoformat())
    assert not same((at + timedelta(seconds=1)).isoformat(), zoned.isoformat())
    shown = wall_clock({"year": at.year, "month": at.month, "day": at.day}, at.time().isoformat())
    assert shown is not None
    assert same(shown, zoned.isoformat())


@pytest.mark.parametrize("day", ["/Date(99999999999999999)/", "31.12.2026", {"year": 2026}, 20261231, "", None])
def test_what_is_no_day_is_not_guessed_at(day: object) -> None:
    assert wall_clock(day, None) is None  # type: ignore[arg-type]
