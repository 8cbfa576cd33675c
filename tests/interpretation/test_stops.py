"""Stops out of events and states: nothing lost at the edges, nothing counted twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.stops import (
    Interval,
    Loss,
    from_events,
    from_states,
    intervals,
    join,
    running_seconds,
    signs_of_life,
    tile,
)
from lineside.memory import Statement
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Provenance, Quality
from lineside.plant.windows import Window

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
PRESS = "harrow/tablets/press-2"


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def event(kind, at, *, equipment=PRESS, source="mes", **attributes):
    provenance = Provenance(
        source=source,
        source_id=f"{kind}-{equipment}-{at}-{attributes.get('reason', '')}",
        occurred_at=minute(at),
        reported_at=minute(at),
        recorded_at=minute(at),
    )
    return Event(provenance=provenance, kind=kind, equipment=equipment, attributes=attributes)


def state(value, at, *, name="state", source="plc"):
    return Statement(
        record_id=f"{source}-{name}-{at}",
        source=source,
        source_id=f"{name}-{at}",
        entity=Entity("equipment", PRESS),
        property=name,
        value=value,
        unit="",
        scope=None,
        occurred_at=minute(at),
        reported_at=minute(at),
        quality=Quality.GOOD,
    )


def spans(found):
    return [((i.start - START).total_seconds() / 60, i.end and (i.end - START).total_seconds() / 60) for i in found]


def test_a_stop_ends_with_its_start_and_keeps_reason_and_code():
    found = from_events([event("start", 14), event("stop", 5, reason="punch worn", code="P-7")])

    assert spans(found) == [(5, 14)]
    assert (found[0].loss, found[0].reason, found[0].code) == (Loss.STOP, "punch worn", "P-7")
    assert len(found[0].records) == 2


def test_a_stop_without_a_start_is_still_open():
    assert spans(from_events([event("stop", 5)])) == [(5, None)]


def test_a_start_without_a_stop_tells_nothing():
    assert from_events([event("start", 5)]) == []


def test_two_sources_that_tell_one_stop_make_one():
    found = from_events(
        [
            event("stop", 5, reason="punch worn"),
            event("stop", 6, source="scada", reason="E42"),
            event("start", 14),
            event("start", 15, source="scada"),
        ]
    )

    assert spans(found) == [(5, 14)]
    assert found[0].also == ("E42",)


def test_a_line_that_stops_with_its_unit_is_one_stop_at_the_unit():
    unit = f"{PRESS}/feeder"
    told = from_events(
        [
            event("stop", 5, equipment=unit, reason="bridging"), event("start", 14, equipment=unit),
            event("stop", 6), event("start", 15),
            event("stop", 60), event("start", 70),
        ]
    )  # fmt: skip

    found = join(told, from_states([state("stopped", 5.5), state("running", 14.5)]))

    assert [(i.equipment, i.reason) for i in found] == [(unit, "bridging"), (PRESS, "")]
    assert spans(found) == [(5, 14), (60, 70)]


def test_another_reason_of_the_same_source_is_another_stop_from_then_on():
    found = from_events([event("stop", 5, reason="jam"), event("stop", 9, reason="no powder"), event("start", 20)])

    assert [(i.reason, *span) for i, span in zip(found, spans(found), strict=True)] == [
        ("jam", 5, 9),
        ("no powder", 9, 20),
    ]


def test_a_lost_start_does_not_stretch_the_stop_to_the_next_one():
    events = [event("stop", 5, reason="jam"), event("stop", 300, reason="jam"), event("start", 310)]

    found = from_events(events, {PRESS: [minute(12)]})

    assert spans(found) == [(5, 12), (300, 310)]
    assert [i.certain_end for i in found] == [False, True]


def test_a_stop_and_start_of_one_instant_leave_nothing_open():
    assert from_events([event("stop", 5), event("start", 5)]) == []


def test_a_stop_for_changeover_is_a_changeover_in_both_languages():
    found = from_events(
        [
            event("stop", 1, reason="Umrüsten auf 20 mg"),
            event("start", 2),
            event("stop", 3, reason="change-over"),
            event("start", 4),
        ]
    )

    assert [i.loss for i in found] == [Loss.CHANGEOVER, Loss.CHANGEOVER]


def test_states_tell_the_stops_that_no_event_tells():
    states = [
        state("running", 0), state("stopped", 10), state("stopped", 12), state("powder bridge", 10, name="reason"),
        state("running", 20), state("idle", 40), state("running", 45),
    ]  # fmt: skip

    found = from_states(states)

    assert spans(found) == [(10, 20), (40, 45)]
    assert [(i.loss, i.reason) for i in found] == [(Loss.STOP, "powder bridge"), (Loss.IDLE, "")]


def test_a_state_that_repeats_an_events_stop_adds_nothing():
    told = from_events([event("stop", 10), event("start", 20)])
    seen = from_states([state("stopped", 10.5), state("running", 20.5)])

    assert spans(join(told, seen)) == [(10, 20)]


def test_a_state_that_goes_on_after_the_events_stop_keeps_its_own_part():
    told = from_events([event("stop", 10), event("start", 20)])
    seen = from_states([state("stopped", 9.5), state("running", 60)])

    assert spans(join(told, seen)) == [(10, 20), (20, 60)]


def test_a_nameless_stop_within_a_changeover_belongs_to_the_changeover():
    found = from_events(
        [event("changeover_start", 10), event("stop", 11), event("start", 39), event("changeover_end", 40)]
    )

    slices = tile(found, Window(start=minute(0), end=minute(60)))

    assert [(s.interval and s.interval.loss, s.seconds / 60) for s in slices] == [
        (None, 10),
        (Loss.CHANGEOVER, 30),
        (None, 20),
    ]


places = st.sampled_from([PRESS, f"{PRESS}/feeder", f"{PRESS}/turret"])


@st.composite
def losses(draw):
    start = draw(st.integers(-100, 700))
    length = draw(st.one_of(st.none(), st.integers(1, 400)))
    number = draw(st.integers(0, 10_000))
    return Interval(
        loss=draw(st.sampled_from(Loss)),
        equipment=draw(places),
        start=minute(start),
        end=None if length is None else minute(start + length),
        reason=draw(st.sampled_from(["", "jam", "no powder"])),
        records=(f"r-{number}",),
    )


@given(st.lists(losses(), max_size=12), st.integers(1, 600))
def test_slices_tile_the_window_and_lose_no_instant_that_any_loss_covers(found, length):
    window = Window(start=minute(0), end=minute(length))

    slices = tile(found, window)

    assert slices[0].start == window.start
    assert slices[-1].end == window.end
    assert all(left.end == right.start for left, right in pairwise(slices))
    assert sum(s.seconds for s in slices) == window.seconds
    for piece in slices:
        middle = piece.start + (piece.end - piece.start) / 2
        covering = [i for i in found if i.start <= middle and (i.end is None or middle < i.end)]
        assert (piece.interval in covering) if covering else (piece.interval is None)
    lost = sum(s.seconds for s in slices if s.interval is not None and s.interval.loss is not Loss.SLOW)
    assert running_seconds(slices) + lost == window.seconds


@given(st.lists(st.tuples(st.sampled_from(["stop", "start"]), st.integers(0, 200), places), max_size=30), st.randoms())
def test_the_order_of_arrival_changes_no_interval_and_intervals_of_one_place_never_overlap(signs, shuffled):
    events = [event(kind, at, equipment=place) for kind, at, place in signs]
    other = list(events)
    shuffled.shuffle(other)

    found = from_events(events)

    assert spans(found) == spans(from_events(other))
    for place in {i.equipment for i in found}:
        own = [i for i in found if i.equipment == place]
        assert all(left.end is not None and left.end <= right.start for left, right in pairwise(own))


TOLD = st.tuples(
    st.sampled_from(["stop", "start", "slow", "slow_end", "changeover_start", "changeover_end"]),
    st.sampled_from([PRESS, f"{PRESS}/feeder", f"{PRESS}/punch", "elsewhere/tablets/press-2"]),
    st.sampled_from(["mes", "plc"]),
    st.integers(0, 60),
    st.sampled_from([{}, {"reason": "punch worn"}, {"code": 7}, {"reason": "change over to B"}]),
    st.sampled_from(["", "tool out"]),
)
SEEN = st.tuples(st.sampled_from(["running", "stopped", "idle"]), st.sampled_from(["", "/feeder"]), st.integers(0, 60))


@settings(max_examples=40)
@given(told=st.lists(TOLD, max_size=12), seen=st.lists(SEEN, max_size=5))
def test_losses_read_in_columns_are_those_of_whole_events(told, seen, remembered):
    records = [
        {"id": f"e-{n}", "source": source, "type": "lineside.event", "time": minute(at).isoformat(),
         "data": {"kind": kind, "equipment": place, "text": text, "attributes": said, "job_order": f"J-{n % 3}"}}
        for n, (kind, place, source, at, said, text) in enumerate(told)
    ]  # fmt: skip
    records += [
        {"id": f"s-{n}", "source": "plc", "type": "lineside.report", "time": minute(at).isoformat(),
         "data": {"entity": f"equipment:{PRESS}{unit}", "properties": {"state": word}}}
        for n, (word, unit, at) in enumerate(seen)
    ]  # fmt: skip
    view = remembered(records, plant='site = "harrow"\ntime_zone = "Europe/London"\n').view(as_of=minute(50))
    states = view.statements(kind="equipment", properties=("state", "reason"))
    events = [e for e in view.events() if not view.plant.elsewhere(e.equipment)]
    states = [s for s in states if s.occurred_at <= view.as_of]

    plainly = join(from_events(events, signs_of_life(states)), from_states(states))

    assert intervals(view) == plainly
