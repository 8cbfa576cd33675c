"""The loop that runs connectors, on a real store: confirm after commit, pause after a refusal, none stops another."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from lineside.connector import Batch, Check, Checkpoint, SourceMessage
from lineside.errors import SourceRefused, SourceUnavailable, StoreUnavailable, UnreadableMessage
from lineside.memory import Memory, Outcome
from lineside.memory.feed_state import FeedState as State
from lineside.memory.feeds import feeds_of, resume_source
from lineside.memory.intake import catch_up
from lineside.memory.supervising import Intake, Reading
from lineside.plant.records import Note, Provenance, Record

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
Step = Batch | Exception


class Script:
    """A source that says what a test wrote down: `script` holds, for each capture, its batches or errors in order.

    A number n in a batch's checkpoint is the position after message n; without a script it goes on from there.
    """

    def __init__(self, source: str, *script: Sequence[Step], total: int = 0) -> None:
        self.source = source
        self.script = list(script)
        self.total = total
        self.asked: list[Checkpoint | None] = []
        self.confirmed: list[Checkpoint] = []
        self.on_confirm: Callable[[], None] = lambda: None

    async def check(self) -> Sequence[Check]:
        return []

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        self.asked.append(checkpoint)
        if self.script:
            for step in self.script.pop(0):
                if isinstance(step, Exception):
                    raise step
                yield step
            return
        done = checkpoint.get("n") if checkpoint else 0
        assert isinstance(done, int)
        for number in range(done, self.total):
            yield said(self.source, number)
        yield Batch()

    async def confirm(self, checkpoint: Checkpoint) -> None:
        self.confirmed.append(checkpoint)
        self.on_confirm()

    def translate(self, message: SourceMessage) -> Sequence[Record]:
        text = json.loads(message.content)["text"]
        if text == "poison":
            raise UnreadableMessage("poison")
        own = Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=NOW,
            reported_at=NOW,
            recorded_at=message.received_at,
        )
        return [Note(provenance=own, text=text)]


def said(source: str, number: int, text: str = "") -> Batch:
    content = json.dumps({"text": text or f"note {number}"}).encode()
    message = SourceMessage(source=source, source_id=f"n-{number}", content=content, received_at=NOW)
    return Batch(messages=[message], checkpoint={"n": number + 1})


class Pauses:
    """A sleep that only writes down how long; after `most` pauses of all sources it ends the run."""

    def __init__(self, most: int) -> None:
        self.taken: list[float] = []
        self.most = most
        self.over = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        if len(self.taken) >= self.most:
            self.over.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)


@pytest.fixture
def memory(remembered: Callable[..., Memory]) -> Memory:
    return remembered()


def intake(memory: Any, *scripts: Script, pauses: Pauses, **more: Any) -> Intake:
    readings = {script.source: Reading(connector=script) for script in scripts}
    return Intake(memory, readings, sleep=pauses, spread=lambda: 1.0, **more)


async def run_until(loop: Intake, over: asyncio.Event) -> None:
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(20):
        await over.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def noted(memory: Memory, source: str) -> list[str]:
    return [note.text for note in memory.view(as_of=NOW).notes() if note.provenance.source == source]


async def test_what_is_captured_is_kept_and_confirmed_only_after_the_commit(memory: Memory) -> None:
    script = Script("logbook", total=3)
    kept_when_confirmed: list[object] = []
    script.on_confirm = lambda: kept_when_confirmed.append((memory.checkpoint("logbook") or {})["n"])
    pauses = Pauses(2)
    loop = intake(memory, script, pauses=pauses)
    await run_until(loop, pauses.over)
    assert sorted(noted(memory, "logbook")) == ["note 0", "note 1", "note 2"]
    assert kept_when_confirmed == [1, 2, 3]
    assert script.asked == [None, {"n": 3}]
    assert pauses.taken == [60.0, 60.0]
    [status] = loop.status()
    assert (status.state, status.total.received, status.last_contact) == (State.LIVE, 3, NOW)


async def test_an_unavailable_source_is_tried_again_with_growing_pauses_and_keeps_its_place(memory: Memory) -> None:
    gone = SourceUnavailable("no answer")
    script = Script("logbook", [said("logbook", 0), gone], [gone], [gone], total=2)
    pauses = Pauses(4)
    loop = intake(memory, script, pauses=pauses)
    await run_until(loop, pauses.over)
    assert pauses.taken == [1.0, 2.0, 4.0, 60.0]
    assert script.asked == [None, {"n": 1}, {"n": 1}, {"n": 1}]
    assert sorted(noted(memory, "logbook")) == ["note 0", "note 1"]
    assert loop.status()[0].failures == 0


async def test_a_pause_that_the_source_asked_for_is_kept(memory: Memory) -> None:
    script = Script("erp", [SourceUnavailable("slow down", retry_after_s=17.0)])
    pauses = Pauses(2)
    await run_until(intake(memory, script, pauses=pauses), pauses.over)
    assert pauses.taken == [17.0, 60.0]


async def test_pauses_never_grow_beyond_five_minutes(memory: Memory) -> None:
    script = Script("erp", *([SourceUnavailable("gone")] for _ in range(12)))
    pauses = Pauses(12)
    await run_until(intake(memory, script, pauses=pauses), pauses.over)
    assert max(pauses.taken) == 300.0


async def test_a_refused_source_is_left_alone_until_somebody_resumes_it(memory: Memory) -> None:
    refused = Script("erp", [SourceRefused("wrong password")], total=1)
    other = Script("logbook", total=1)
    pauses = Pauses(3)
    loop = intake(memory, refused, other, pauses=pauses)
    await run_until(loop, pauses.over)
    assert len(refused.asked) == 1
    paused = feeds_of(memory)
    assert (paused["erp"].state, paused["erp"].reason) == (State.PAUSED, "wrong password")
    assert paused["logbook"].state is State.LIVE
    assert noted(memory, "logbook") == ["note 0"]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - the store has no event to wait for
            await asyncio.sleep(0.01)


async def test_a_refused_source_is_not_asked_again_after_a_restart(memory: Memory) -> None:
    pauses = Pauses(2)
    await run_until(intake(memory, Script("erp", [SourceRefused("no")]), Script("mes"), pauses=pauses), pauses.over)
    again, pauses = Script("erp", total=1), Pauses(2)
    await run_until(intake(memory, again, Script("mes"), pauses=pauses), pauses.over)
    assert again.asked == []
    assert resume_source(memory, "erp")
    pauses = Pauses(1)
    await run_until(intake(memory, again, pauses=pauses), pauses.over)
    assert noted(memory, "erp") == ["note 0"]


async def test_only_the_source_that_somebody_resumes_is_read_again(memory: Memory) -> None:
    erp, mes = Script("erp", [SourceRefused("wrong password")], total=1), Script("mes", [SourceRefused("no")], total=1)
    pauses = Pauses(1)
    running = asyncio.create_task(intake(memory, erp, mes, pauses=pauses, lease_s=1.0).run())
    await until(lambda: [each.state for each in feeds_of(memory).values()] == [State.PAUSED, State.PAUSED])
    assert resume_source(memory, "erp")
    async with asyncio.timeout(20):
        await pauses.over.wait()
    running.cancel()
    await asyncio.wait([running])
    assert (noted(memory, "erp"), len(mes.asked)) == (["note 0"], 1)


async def test_a_connector_that_breaks_is_paused_and_the_others_go_on(memory: Memory) -> None:
    broken, other = Script("plc", [KeyError("bug")]), Script("logbook", total=1)
    pauses = Pauses(2)
    loop = intake(memory, broken, other, pauses=pauses)
    await run_until(loop, pauses.over)
    states = {status.source: (status.state, status.reason) for status in loop.status()}
    assert states["plc"] == (State.FAILED, "the connector broke: KeyError: 'bug'")
    assert noted(memory, "logbook") == ["note 0"]


async def test_poison_is_a_dead_letter_and_the_stream_goes_on(memory: Memory) -> None:
    script = Script("logbook", [said("logbook", 0, "poison"), said("logbook", 1)], total=2)
    pauses = Pauses(1)
    loop = intake(memory, script, pauses=pauses)
    await run_until(loop, pauses.over)
    assert noted(memory, "logbook") == ["note 1"]
    assert [letter.reason for letter in memory.dead_letters()] == ["poison"]
    assert loop.status()[0].total.dead_lettered == 1


class FullDisk:
    """A store that can't be written the first times that something was read."""

    def __init__(self, memory: Memory, failures: int) -> None:
        self.memory = memory
        self.failures = failures

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)

    def remember(self, batch: Batch, **more: Any) -> Outcome:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the disk is full")
        return self.memory.remember(batch, **more)


async def test_while_our_store_is_down_nothing_is_confirmed_and_nothing_is_lost(memory: Memory) -> None:
    script = Script("logbook", total=2)
    pauses = Pauses(3)
    loop = intake(FullDisk(memory, 2), script, pauses=pauses)
    await run_until(loop, pauses.over)
    assert script.confirmed == [{"n": 1}, {"n": 2}]
    assert sorted(noted(memory, "logbook")) == ["note 0", "note 1"]
    assert pauses.taken == [1.0, 2.0, 60.0]
    assert memory.dead_letters() == []


async def test_killed_between_commit_and_confirm_nothing_is_doubled(memory: Memory) -> None:
    script = Script("logbook", total=2)

    def die() -> None:
        raise asyncio.CancelledError

    script.on_confirm = die
    with pytest.raises(asyncio.CancelledError):
        await catch_up(memory, script)
    script.on_confirm = lambda: None
    outcome = await catch_up(memory, script)
    assert (outcome.received, outcome.recorded) == (1, 1)
    assert sorted(noted(memory, "logbook")) == ["note 0", "note 1"]


async def test_delivered_twice_is_recorded_once(memory: Memory) -> None:
    script = Script("logbook", [said("logbook", 0), said("logbook", 0)])
    outcome = await catch_up(memory, script)
    assert (outcome.received, outcome.recorded, outcome.known) == (2, 1, 1)


async def test_catching_up_with_a_stream_ends_when_it_is_quiet(memory: Memory) -> None:
    script = Script("plc", [said("plc", 0), Batch(), said("plc", 1)])
    assert (await catch_up(memory, script)).received == 1
