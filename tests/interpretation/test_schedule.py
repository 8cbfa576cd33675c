"""A schedule: nothing overlaps, nobody works in closed time, no piece is lost, and no search makes it dearer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.interpretation.planning_rules import parse_rules, planning_rules
from lineside.interpretation.resequence import Trial, best_sequence, insertions, moved
from lineside.interpretation.schedule import Job, Promise, Shop, cost, dispatch
from lineside.interpretation.work_time import WorkTime
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.plant_file import parse_plant

START = datetime(2026, 3, 27, 5, 0, tzinfo=UTC)  # a Friday; the clocks go forward that weekend
TWO_SHIFTS = parse_plant(
    """
site = "spinnerei"
time_zone = "Europe/Berlin"
holidays = ["2026-03-30"]
[[shifts]]
name = "früh"
start = "06:00"
end = "14:00"
days = [1, 2, 3, 4, 5]
[[shifts]]
name = "nacht"
start = "22:00"
end = "06:00"
days = [1, 2, 3, 4, 5, 6]
"""
)
ALWAYS = parse_plant('site = "werk"\ntime_zone = "Europe/Berlin"\n')
LINES = ("spinnerei/saal/ring-1", "spinnerei/saal/ring-2")
RULES = planning_rules()


def worktime(plant, *closed):
    return WorkTime(ShiftCalendar(plant), START, closed)


@st.composite
def shops(draw, most=5, plant=TWO_SHIFTS):
    """Two lines with a few job orders of three materials, paces, changeovers and promises."""
    orders, paces = {}, {}
    for number, line in enumerate(LINES):
        jobs = []
        for index in range(draw(st.integers(0, most))):
            name = f"S{number}-{index}"
            after = draw(st.one_of(st.none(), st.integers(0, 90)))
            jobs.append(
                Job(
                    id=name,
                    line=line,
                    material=draw(st.sampled_from("abc")),
                    left=float(draw(st.integers(0, 400))),
                    begun=index == 0 and draw(st.booleans()),
                    not_before=None if after is None else START + timedelta(hours=after),
                )
            )
            paces[line, name] = float(draw(st.integers(5, 90)))
        orders[line] = tuple(jobs)
    names = [job.id for jobs in orders.values() for job in jobs]
    promises = [
        Promise(id=f"P{i}", due=START + timedelta(hours=draw(st.integers(1, 150))), jobs=tuple(sorted(chosen)),
                weight=draw(st.sampled_from((1.0, 2.0, 4.0))))
        for i, chosen in enumerate(draw(st.lists(st.sets(st.sampled_from(names), min_size=1, max_size=2), max_size=4)))
    ] if names else []  # fmt: skip
    pairs = {(line, a, b): 60.0 * draw(st.integers(0, 90)) for line in LINES for a in "abc" for b in "abc" if a != b}
    time = worktime(plant)
    return Shop(
        orders=orders, time=dict.fromkeys(LINES, time), per_h=paces, changeover_s=pairs,
        on_line=dict.fromkeys(LINES, "a"), promises=tuple(promises),
    )  # fmt: skip


def priced(shop):
    return cost(
        shop, dispatch(shop), late_minute=RULES["price.late_minute"], changeover_minute=RULES["price.changeover_minute"]
    )


@settings(max_examples=60)
@given(shop=shops())
def test_on_one_line_one_thing_is_done_at_a_time_in_sequence_and_nothing_gets_lost(shop):
    schedule = dispatch(shop)

    assert schedule.unplanned == ()
    for line, jobs in shop.orders.items():
        done = [schedule.operations[job.id] for job in jobs]
        assert all(a.end <= b.start for a, b in pairwise(done))
        assert all(o.start <= o.runs <= o.end for o in done)
        assert sum(o.made for o in done) == sum(job.left for job in jobs)
        for operation in done:
            if operation.job.not_before is not None:
                assert operation.start >= operation.job.not_before
            worked = shop.time[line].place(operation.end) - shop.time[line].place(operation.start)
            need = operation.changeover_s + operation.made / shop.per_h[line, operation.job.id] * 3600
            assert worked == pytest.approx(need, abs=3)


@settings(max_examples=40)
@given(shop=shops())
def test_nothing_starts_or_ends_while_the_plant_does_not_work(shop):
    calendar = ShiftCalendar(TWO_SHIFTS)
    for operation in dispatch(shop).operations.values():
        assert calendar.works_at(operation.start)
        if operation.end > operation.start:
            assert calendar.works_at(operation.end - timedelta(seconds=1))


@settings(max_examples=40)
@given(shop=shops(plant=ALWAYS))
def test_without_shifts_the_end_is_plain_arithmetic(shop):
    schedule = dispatch(shop)
    for line, jobs in shop.orders.items():
        at, before = START, "a"
        for job in jobs:
            at = max(at, job.not_before or at)
            if not job.begun and before != job.material:
                at += timedelta(seconds=shop.changeover_s[line, before, job.material])
            at += timedelta(hours=job.left / shop.per_h[line, job.id])
            before = job.material
            assert abs((schedule.operations[job.id].end - at).total_seconds()) <= 1


@settings(max_examples=40)
@given(shop=shops(), first=st.integers(0, 60), more=st.integers(0, 60))
def test_the_longer_a_line_is_down_the_later_its_job_orders_end_and_no_other_line_s(shop, first, more):
    ends = []
    for hours in (0, first, first + more):
        time = worktime(TWO_SHIFTS, (START, START + timedelta(hours=hours)))
        ends.append(dispatch(replace(shop, time={**shop.time, LINES[0]: time})).operations)
    for job in ends[0]:
        assert ends[0][job].end <= ends[1][job].end <= ends[2][job].end
        if ends[0][job].job.line == LINES[1]:
            assert ends[0][job].end == ends[2][job].end


@settings(max_examples=40)
@given(shop=shops(), down=st.tuples(st.integers(0, 80), st.integers(1, 30)))
def test_nothing_runs_while_the_line_is_down(shop, down):
    closed = (START + timedelta(hours=down[0]), START + timedelta(hours=down[0] + down[1]))
    time = worktime(TWO_SHIFTS, closed)
    for operation in dispatch(replace(shop, time=dict.fromkeys(LINES, time))).operations.values():
        worked = sum((b - a).total_seconds() for a, b in time.stretches(operation.start, operation.end))
        assert not any(a < closed[1] and closed[0] < b for a, b in time.stretches(operation.start, operation.end))
        assert worked == pytest.approx(time.place(operation.end) - time.place(operation.start), abs=3)


@settings(max_examples=30)
@given(shop=shops())
def test_the_chosen_sequence_is_the_cheapest_of_all_and_keeps_what_runs_first(shop):
    line = LINES[0]
    best, proven = best_sequence(Trial.of(shop, line, RULES, dispatch(shop)), RULES)

    begun = tuple(job for job in shop.orders[line] if job.begun)
    waiting = tuple(job for job in shop.orders[line] if not job.begun)
    chosen = priced(shop.with_orders(line, best))
    every = min(priced(shop.with_orders(line, (*begun, *order))) for order in permutations(waiting))
    assert proven
    assert best[: len(begun)] == begun
    assert chosen == pytest.approx(every, abs=0.1)
    assert chosen <= priced(shop) + 0.1


@settings(max_examples=10)
@given(shop=shops(most=14))
def test_where_not_every_sequence_can_be_tried_the_chosen_one_is_never_dearer_than_the_present(shop):
    for line in LINES:
        best, _ = best_sequence(Trial.of(shop, line, RULES, dispatch(shop)), RULES)

        assert sorted(job.id for job in best) == sorted(job.id for job in shop.orders[line])
        assert priced(shop.with_orders(line, best)) <= priced(shop) + 0.1


@settings(max_examples=30)
@given(shop=shops(), size=st.integers(1, 300))
def test_a_job_order_put_in_delays_what_comes_after_it_and_nothing_before_it(shop, size):
    rush, line = Job(id="new", line=LINES[0], material="b", left=float(size)), LINES[0]
    shop = replace(shop, per_h={**shop.per_h, (line, "new"): 40.0})
    for place, other in insertions(shop, line, rush):
        before, after = dispatch(shop).operations, dispatch(other).operations
        for index, job in enumerate(shop.orders[line]):
            if index < place:
                assert after[job.id].end == before[job.id].end
        assert all(after[job.id].end == before[job.id].end for job in shop.orders[LINES[1]])
        assert not other.orders[line][place + 1 :] or not other.orders[line][place + 1].begun


def test_every_move_of_one_job_order_is_tried():
    jobs = [Job(id=name, line="l", material="a", left=1.0) for name in "xyz"]

    found = {tuple(job.id for job in order) for order in moved(jobs)}

    assert found == {("y", "x", "z"), ("y", "z", "x"), ("x", "z", "y"), ("z", "x", "y")}


def test_work_across_the_night_in_which_the_clocks_go_forward_and_a_holiday():
    time = worktime(TWO_SHIFTS)
    # Friday 06:00-14:00 and 22:00-06:00, Saturday night 22:00-06:00 with seven hours, Monday is a holiday.
    assert time.place(datetime(2026, 3, 29, 22, tzinfo=UTC)) == (8 + 8 + 7) * 3600
    assert time.moment(23 * 3600) == datetime(2026, 3, 29, 4, tzinfo=UTC)
    assert time.moment(23 * 3600, opens=True) == datetime(2026, 3, 31, 4, tzinfo=UTC)
    assert time.moment(24 * 3600).astimezone(ZoneInfo("Europe/Berlin")).date() == date(2026, 3, 31)


def test_a_plant_that_never_works_again_gives_no_end():
    shut = parse_plant(
        'site = "w"\ntime_zone = "UTC"\n[[shifts]]\nname = "s"\nstart = "06:00"\nend = "07:00"\ndays = [1]\n'
    )
    time = worktime(shut, (START, START + timedelta(days=500)))
    job = Job(id="x", line="l", material="a", left=5.0)

    schedule = dispatch(Shop(orders={"l": (job,)}, time={"l": time}, per_h={("l", "x"): 1.0}))

    assert schedule.operations == {}
    assert schedule.unplanned == ("x",)


def test_behind_a_job_order_without_a_pace_nothing_is_planned():
    jobs = tuple(Job(id=name, line="l", material="a", left=5.0) for name in "xyz")
    shop = Shop(orders={"l": jobs}, time={"l": worktime(ALWAYS)}, per_h={("l", "x"): 1.0, ("l", "z"): 1.0})

    assert dispatch(shop).unplanned == ("y", "z")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"pace": {}}, "pace.history_days"),
        ({"surprise": 1}, "surprise"),
        ({"weights": {"high": 2}}, "weights.default"),
        ({"weights": {"default": -1}}, "weights.default"),
        ({"rights": {"resequence_job_order": [], "accept_rush_order": ["a"], "change_promise": ["a"]}},
         "rights.resequence_job_order"),
        ({"version": 1}, "version"),
    ],
)  # fmt: skip
def test_rules_that_are_wrong_are_refused_by_their_key(change, key):
    import tomllib
    from importlib import resources

    data = tomllib.loads(resources.files("lineside.packs").joinpath("core/planning.toml").read_text("utf-8"))
    with pytest.raises(BadSettings, match=key.replace(".", r"\.")):
        parse_rules("site/planning.toml", data | change)
