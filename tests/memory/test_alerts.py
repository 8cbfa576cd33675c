"""What is wrong with a source is told once when it opens and once when it is over, by whoever looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from lineside.agent.compose import Findings, compose
from lineside.connector import Batch, Check, Checkpoint, Gap, SourceMessage, Trouble, TroubleKind
from lineside.errors import SourceUnavailable, UnreadableMessage
from lineside.interpretation.open_items import items
from lineside.interpretation.sources import trust
from lineside.interpretation.wording import unheard
from lineside.memory import Memory, SourceState
from lineside.memory.feed_state import FeedState
from lineside.memory.feeds import feeds_of, pause_source, resume_source, say
from lineside.memory.supervising import Intake, Reading
from lineside.memory.watchdog import Watchdog, heartbeat
from lineside.plant.plant_file import parse_plant
from lineside.plant.records import Note, Provenance, Record
from lineside.plant.windows import Window

MONDAY = datetime(2026, 11, 16, 8, 0, tzinfo=UTC)
PLANT = """
site = "northfield"
time_zone = "UTC"
[[shifts]]
name = "day"
start = "06:00"
end = "22:00"
days = [1, 2, 3, 4, 5]
[[sources]]
name = "hr"
readers = ["hr"]
"""


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(store_url, open_memory, clock) -> Memory:
    opened = open_memory(store_url, plant=PLANT)
    opened.clock = clock
    return opened


def translate(message: SourceMessage) -> Sequence[Record]:
    text = json.loads(message.content)
    if text == "poison":
        raise UnreadableMessage("poison")
    said = message.reported_at or message.received_at
    own = Provenance(
        source=message.source,
        source_id=message.source_id,
        occurred_at=said,
        reported_at=said,
        recorded_at=message.received_at,
    )
    return [Note(provenance=own, text=text)]


def message(source: str, number: object, at: datetime, *, text: str = "x", said: datetime | None = None):
    content = json.dumps(text).encode()
    return SourceMessage(
        source=source, source_id=f"n-{number}", content=content, received_at=at, reported_at=said or at
    )


def hear(memory: Memory, source: str, *messages: SourceMessage, **more) -> None:
    memory.remember(Batch(messages=messages, **more), source=source, translate=translate)


def told(memory: Memory, source: str | None = None) -> list[tuple[str, str, bool]]:
    """Every alert that ever was, oldest first: what of, of which stream, and whether it is open."""
    found = memory.alerts(source, only_open=False)
    return [(each.kind, each.stream, each.closed_at is None) for each in reversed(found)]


def interface_events(memory: Memory) -> list[tuple[str, object]]:
    return [
        (each.kind, each.attributes["interface"])
        for each in memory.view().events(kinds=("feed_stopped", "feed_started", "schema_changed"))
    ]


def test_a_trouble_opens_once_and_closes_once_and_a_passing_one_is_over_at_once(memory):
    refused = Trouble(kind=TroubleKind.REFUSED, reason="403", stream="lots")
    hear(memory, "erp", troubles=[refused])
    hear(memory, "erp", troubles=[refused, Trouble(kind=TroubleKind.EPOCH, reason="new database", passing=True)])
    hear(memory, "erp")
    assert told(memory) == [("refused", "lots", True), ("epoch", "", False)]
    hear(memory, "erp", troubles=[])
    hear(memory, "erp", troubles=[])
    assert told(memory) == [("refused", "lots", False), ("epoch", "", False)]
    hear(memory, "erp", troubles=[refused])
    assert told(memory)[2:] == [("refused", "lots", True)]


def test_drift_is_an_event_that_the_assistant_can_tell_of_but_not_that_of_a_source_only_some_may_read(memory):
    drift = Trouble(kind=TroubleKind.DRIFT, reason="qty is a text now", stream="lots")
    hear(memory, "erp", troubles=[drift])
    hear(memory, "hr", troubles=[drift])
    assert interface_events(memory) == [("schema_changed", "erp")]
    [event] = memory.view().events(kinds=("schema_changed",))
    assert event.provenance.source == "lineside"
    assert "qty is a text now" in event.text
    assert [each.source for each in memory.view().freshness() if each.source == "lineside"] == []


def test_a_gap_is_told_once_however_often_it_is_reported(memory, clock):
    gap = Gap(since=clock.now - timedelta(hours=2), until=clock.now - timedelta(hours=1), reason="queue overflow")
    hear(memory, "plc", gaps=[gap])
    hear(memory, "plc", gaps=[gap])
    assert told(memory) == [("gap", "", False)]


def test_several_watchdogs_and_a_restarted_one_tell_of_a_silence_once(memory, clock, store_url, open_memory):
    other = open_memory(store_url, plant=PLANT)
    other.clock = clock
    dogs = [Watchdog(memory, {"erp": 60.0}), Watchdog(other, {"erp": 60.0})]
    say(memory, "erp", FeedState.LIVE)
    hear(memory, "erp")
    turns = [dog.look() for dog in dogs]
    clock.move(minutes=16)
    turns += [dog.look() for dog in (*dogs, Watchdog(memory, {"erp": 60.0}))]
    assert [len(each) for each in turns] == [0, 0, 1, 0, 0]
    assert told(memory) == [("silent", "", True)]
    assert interface_events(memory) == [("feed_stopped", "erp")]
    assert [each for each in items(memory.view(), MONDAY, clock.now + timedelta(seconds=1)) if "erp" in str(each)]
    clock.move(minutes=1)
    hear(memory, "erp")
    assert [len(dog.look()) for dog in dogs] == [1, 0]
    assert told(memory) == [("silent", "", False)]
    assert interface_events(memory) == [("feed_stopped", "erp"), ("feed_started", "erp")]


def test_a_night_and_a_sunday_are_quiet_and_a_monday_morning_is_no_alarm(memory, clock):
    dog = Watchdog(memory, {"erp": 60.0})
    clock.move(days=4, hours=13, minutes=55)  # Friday 21:55
    say(memory, "erp", FeedState.LIVE)
    hear(memory, "erp")
    for hours in (1, 24, 24, 7):
        clock.move(hours=hours)
        assert dog.look() == []
    clock.move(minutes=16)  # Monday 06:11, after five minutes of Friday
    assert [turn.alert.kind for turn in dog.look()] == ["silent"]


def test_a_source_that_is_paused_or_refused_is_told_of_as_that_until_it_is_live_again(memory, clock):
    dog = Watchdog(memory, {"erp": 60.0})
    say(memory, "erp", FeedState.LIVE)
    hear(memory, "erp")
    pause_source(memory, "erp", by="ops-1", reason="they migrate")
    clock.move(hours=3)
    dog.look()
    assert told(memory) == [("paused", "", True)]
    assert [each.reason for each in memory.alerts()] == ["they migrate"]
    assert resume_source(memory, "erp")
    clock.move(minutes=1)
    assert dog.look() == [], "to be tried again is not to be well"
    say(memory, "erp", FeedState.LIVE)
    hear(memory, "erp")
    dog.look()
    assert told(memory) == [("paused", "", False)]
    assert interface_events(memory) == [("feed_stopped", "erp"), ("feed_started", "erp")]
    assert not resume_source(memory, "erp")


def test_a_source_that_does_not_answer_after_a_restart_either_was_away_all_the_time(memory, clock):
    say(memory, "erp", FeedState.LIVE)
    hear(memory, "erp")
    say(memory, "erp", FeedState.RETRYING, "no route")
    clock.move(minutes=6)
    Watchdog(memory, {"erp": 60.0}).look()
    for state, reason in ((FeedState.STARTING, ""), (FeedState.RETRYING, "no route")):
        clock.move(minutes=1)
        say(memory, "erp", state, reason)
        assert Watchdog(memory, {"erp": 60.0}).look() == []
    clock.move(minutes=1)
    say(memory, "erp", FeedState.LIVE)
    hear(memory, "erp")
    Watchdog(memory, {"erp": 60.0}).look()
    assert told(memory) == [("unreachable", "", False)]
    assert interface_events(memory) == [("feed_stopped", "erp"), ("feed_started", "erp")]


def test_a_feed_that_stops_for_one_reason_after_the_other_has_stopped_once(memory, clock):
    dog = Watchdog(memory, {"erp": 60.0})
    say(memory, "erp", FeedState.RETRYING, "no route")
    clock.move(minutes=6)
    dog.look()
    pause_source(memory, "erp", by="ops-1")
    dog.look()
    assert told(memory) == [("unreachable", "", False), ("paused", "", True)]
    assert interface_events(memory) == [("feed_stopped", "erp")]


def test_too_many_dead_letters_degrade_a_source_that_goes_on_and_mending_them_is_the_recovery(memory, clock):
    dog = Watchdog(memory, {"erp": 60.0})
    say(memory, "erp", FeedState.LIVE)
    hear(memory, "erp", *(message("erp", n, clock.now) for n in range(9)))
    hear(memory, "erp", *(message("erp", n, clock.now, text="poison") for n in range(9, 20)))
    dog.look()
    assert told(memory) == [("error_rate", "", True)]
    hear(memory, "erp", *(message("erp", n, clock.now, text="poison") for n in range(9, 20)))
    for letter in memory.dead_letters()[:1]:
        memory.discard_dead_letter(letter.id, reason="junk", by="ops-1")
    dog.look()
    assert told(memory) == [("error_rate", "", False)]


def test_a_clock_that_runs_ahead_and_news_that_are_long_over_are_told_of(memory, clock):
    dog = Watchdog(memory, {"plc": None, "erp": None})
    for source, off in (("plc", timedelta(minutes=3)), ("erp", timedelta(hours=-2))):
        say(memory, source, FeedState.LIVE)
        hear(memory, source, *(message(source, n, clock.now, said=clock.now + off) for n in range(3)))
    dog.look()
    assert [(each.source, each.kind) for each in memory.alerts()] == [("erp", "lagging"), ("plc", "clock_skew")]


def test_one_stamp_in_the_future_among_many_is_no_skewed_clock(memory, clock):
    say(memory, "plc", FeedState.LIVE)
    ahead = message("plc", "x", clock.now, said=clock.now + timedelta(days=365))
    hear(memory, "plc", ahead, *(message("plc", n, clock.now) for n in range(3)))
    assert Watchdog(memory, {"plc": None}).look() == []


def test_a_source_that_answers_but_says_nothing_when_it_always_did_is_told_of(memory, clock):
    start = clock.now
    for week in (4, 3, 2, 1):
        for hour in range(4):
            at = start - timedelta(weeks=week) + timedelta(hours=hour, minutes=5)
            clock.now = at
            hear(memory, "mes", message("mes", f"{week}-{hour}", at))
    dog = Watchdog(memory, {"mes": 60.0})
    clock.now = start
    say(memory, "mes", FeedState.LIVE)
    found = []
    for _ in range(6):
        hear(memory, "mes")
        found.append([turn.alert.kind for turn in dog.look()])
        clock.move(minutes=15)
    assert found == [[], [], [], [], ["no_records"], []]


def test_the_watchdogs_own_silence_shows_in_answers_and_can_be_asked_for(memory, clock):
    assert heartbeat(memory) is None
    Watchdog(memory, {}).look()
    assert heartbeat(memory) == clock.now
    [own] = memory.view().freshness(["lineside"])
    assert own.state is SourceState.LIVE
    clock.move(minutes=5)
    [own] = memory.view().freshness(["lineside"])
    assert own.state is SourceState.SILENT
    assert "lineside (silent" in trust(memory.view()).verdict
    assert memory.view(as_of=clock.now - timedelta(days=1)).freshness(["lineside"]) == []


class Unplugged:
    """A source of which the cable can be pulled; what it says meanwhile it keeps, or not."""

    def __init__(self, clock: Clock, *, keeps: bool) -> None:
        self.source = "plc"
        self.clock = clock
        self.keeps = keeps
        self.plugged = True
        self.said: list[datetime] = []
        self.lost_since: datetime | None = None

    def speak(self) -> None:
        if self.plugged or self.keeps:
            self.said.append(self.clock.now)
        elif self.lost_since is None:
            self.lost_since = self.clock.now

    async def check(self) -> Sequence[Check]:
        return []

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        if not self.plugged:
            raise SourceUnavailable("the cable is out")
        done = int(str(checkpoint["n"])) if checkpoint else 0
        gaps = []
        if self.lost_since is not None:
            gaps.append(Gap(since=self.lost_since, until=self.clock.now, reason="it has no history"))
            self.lost_since = None
        for number in range(done, len(self.said)):
            note = message("plc", number, self.clock.now, said=self.said[number])
            yield Batch(messages=[note], checkpoint={"n": number + 1})
        yield Batch(gaps=gaps) if gaps else Batch()

    async def confirm(self, checkpoint: Checkpoint) -> None:
        del checkpoint

    def translate(self, message: SourceMessage) -> Sequence[Record]:
        return translate(message)


@pytest.mark.parametrize("keeps", [True, False])
async def test_unplugged_for_an_hour_leaves_no_hole_that_could_be_filled_and_tells_of_the_one_that_could_not(
    memory, clock, keeps
):
    source, round_over, go_on = Unplugged(clock, keeps=keeps), asyncio.Event(), asyncio.Event()

    async def sleep(_: float) -> None:
        round_over.set()
        await go_on.wait()
        go_on.clear()

    async def read() -> None:
        go_on.set()
        async with asyncio.timeout(20):
            await round_over.wait()
        round_over.clear()

    dog = Watchdog(memory, {"plc": 60.0})
    running = asyncio.create_task(Intake(memory, {"plc": Reading(connector=source)}, sleep=sleep).run())
    turns = []
    async with asyncio.timeout(20):
        await round_over.wait()
    round_over.clear()
    for minute in range(100):
        clock.move(minutes=1)
        source.plugged = not 20 <= minute < 80
        source.speak()
        await read()
        turns += await asyncio.to_thread(dog.look)
    running.cancel()
    await asyncio.wait([running])

    assert [(turn.alert.kind, turn.opened) for turn in turns] == [("unreachable", True), ("unreachable", False)]
    assert interface_events(memory) == [("feed_stopped", "plc"), ("feed_started", "plc")]
    view = memory.view()
    hour = Window(start=MONDAY + timedelta(minutes=21), end=MONDAY + timedelta(minutes=81))
    later = Window(start=MONDAY + timedelta(minutes=90), end=clock.now)
    heard = {note.provenance.occurred_at for note in view.notes()}
    if keeps:
        assert heard == {MONDAY + timedelta(minutes=each) for each in range(1, 101)}
        assert (view.gaps(), unheard(view, ["plc"], hour)) == ([], ())
    else:
        assert len(heard) == 40
        [gap] = view.gaps()
        assert (gap.since, gap.until) == (hour.start, hour.end)
    for window, touched in ((hour, not keeps), (later, False)):
        [fresh] = view.freshness(["plc"], within=window)
        assert (fresh.gap, fresh.state) == (touched, SourceState.LATE if touched else SourceState.LIVE)
        answer = compose(_findings(view, window), view=view, answerer="embedded")
        assert any("may have spoken unheard" in each for each in answer.missing) is touched
        states = {each.source: each.state for each in answer.freshness}
        assert states["plc"] == ("late" if touched else "live")
    assert feeds_of(memory)["plc"].state is FeedState.LIVE


def _findings(view, window: Window) -> Findings:
    from lineside.agent.grounding import Draft
    from lineside.interpretation.reading import Kind

    note = view.notes()[0]
    return Findings(
        drafts=(Draft(text=note.text, kind=Kind.FACT, cites=(note.provenance.record_id,)),),
        verdict="x",
        window=window,
    )


def test_that_nothing_is_on_record_of_a_time_in_which_nobody_was_heard_is_said_with_the_gap(memory, clock):
    gap = Gap(since=clock.now - timedelta(hours=2), until=clock.now - timedelta(hours=1), reason="lost")
    hear(memory, "plc", gaps=[gap])
    for window, touched in (
        (Window(start=gap.since, end=clock.now), True),
        (Window(start=gap.until, end=clock.now), False),
        (None, False),
    ):
        nothing = Findings(verdict="Nothing changed.", drafts=(), window=window)
        answer = compose(nothing, view=memory.view(), answerer="embedded")
        assert any("plc may have spoken unheard" in each for each in answer.missing) is touched


def test_a_gap_that_lasts_is_shown_as_far_as_it_went_by_then(memory, clock):
    gap = Gap(since=clock.now - timedelta(hours=2), until=clock.now, reason="lost")
    hear(memory, "plc", gaps=[gap])
    [seen] = memory.view(as_of=clock.now - timedelta(hours=1)).gaps()
    assert (seen.since, seen.until) == (gap.since, clock.now - timedelta(hours=1))
    assert memory.view(as_of=clock.now - timedelta(hours=3)).gaps() == []


def test_a_source_that_only_began_to_speak_is_not_called_late_after_an_hour(memory, clock):
    for minute in range(12):
        clock.now = MONDAY + timedelta(minutes=minute)
        hear(memory, "new", message("new", minute, clock.now))
    clock.move(hours=5)
    assert [each.state for each in memory.view().freshness(["new"])] == [SourceState.LIVE]


def test_a_plant_file_cadence_is_watched_without_a_connector(memory, clock):
    memory.plant = parse_plant('site = "n"\ntime_zone = "UTC"\n[[sources]]\nname = "wms"\ncadence_s = 600\n')
    hear(memory, "wms", message("wms", 1, clock.now))
    dog = Watchdog(memory, {})
    clock.move(minutes=39)
    assert dog.look() == []
    clock.move(minutes=2)
    assert [turn.alert.kind for turn in dog.look()] == ["silent"]


@pytest.mark.parametrize(("cadence", "found"), [("cadence_s = 3600", ["silent"]), ("", [])])
def test_that_a_file_can_be_read_is_no_sign_of_life_where_the_plant_file_says_how_often_it_is_written(
    memory, clock, cadence, found
):
    memory.plant = parse_plant(f'site = "n"\ntime_zone = "UTC"\n[[sources]]\nname = "sheet"\n{cadence}\n')
    hear(memory, "sheet", message("sheet", 1, clock.now))
    dog = Watchdog(memory, {"sheet": 30.0})
    turns = []
    for _ in range(26):
        clock.move(minutes=10)
        hear(memory, "sheet", alive=False)
        turns += [turn.alert.kind for turn in dog.look()]
    assert turns == found


def test_the_past_that_a_source_is_first_read_with_does_not_make_it_a_lagging_one(memory, clock):
    dog = Watchdog(memory, {"erp": None})
    say(memory, "erp", FeedState.STARTING)
    hear(memory, "erp", *(message("erp", n, clock.now, said=clock.now - timedelta(hours=9)) for n in range(5)))
    dog.look()
    clock.now += timedelta(seconds=1)
    say(memory, "erp", FeedState.LIVE)
    dog.look()
    assert told(memory) == []
    clock.now += timedelta(minutes=1)
    hear(memory, "erp", *(message("erp", n, clock.now, said=clock.now - timedelta(hours=9)) for n in range(5, 8)))
    dog.look()
    assert told(memory) == [("lagging", "", True)]
