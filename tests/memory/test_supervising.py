"""Feeds that hang, block, are paused, lose their lease or list other things than were kept: the others go on."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from lineside.connector import Aside, Batch, Check, Checkpoint, Gone, Listed, SourceMessage
from lineside.errors import SourceUnavailable, UnreadableMessage
from lineside.memory import Memory, tables
from lineside.memory.feed_state import FeedState
from lineside.memory.feeds import feeds_of, pause_source, resume_source
from lineside.memory.intake import Progress, catch_up
from lineside.memory.letters import OPEN, RECOVERED, REPLACED
from lineside.memory.mending import Mended, refetch_letter, refetch_letters, retry_letters
from lineside.memory.message_log import latencies, log_lines
from lineside.memory.reconciling import reconcile
from lineside.memory.supervising import Intake, Reading
from lineside.plant.records import Note, Provenance, Record

NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


class Things:
    """A source with things by their key, each in a version; a version is a message. It lists and resolves them."""

    def __init__(self, source: str, **things: str) -> None:
        self.source = source
        self.things = {key: (1, text) for key, text in things.items()}
        self.readable: Callable[[str], bool] = lambda text: "poison" not in text
        self.ignored: Callable[[str], bool] = lambda _: False
        self.listings = 0
        self.listing_fails = False
        self.paused = asyncio.Event()
        self.reads = 0

    def change(self, key: str, text: str) -> None:
        self.things[key] = (self.things[key][0] + 1, text)

    def message(self, key: str) -> SourceMessage:
        version, text = self.things[key]
        return SourceMessage(
            source=self.source,
            source_id=f"{key}@{version}",
            content=json.dumps(text).encode(),
            received_at=NOW,
            reported_at=datetime(2026, 11, 21, 10, version, tzinfo=UTC),
            stream="things",
            key=key,
        )

    async def check(self) -> Sequence[Check]:
        return []

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        self.reads += 1
        if checkpoint is None:
            for number, key in enumerate(self.things):
                yield Batch(messages=[self.message(key)], checkpoint={"n": number})
        yield Batch()

    async def confirm(self, checkpoint: Checkpoint) -> None:
        del checkpoint

    def translate(self, message: SourceMessage) -> Sequence[Record] | Aside:
        text = json.loads(message.content)
        if not self.readable(text):
            raise UnreadableMessage("poison")
        if self.ignored(text):
            return Aside(reason="no mapping wants it")
        own = Provenance(
            source=message.source,
            source_id=message.source_id,
            occurred_at=NOW,
            reported_at=message.reported_at or NOW,
            recorded_at=message.received_at,
        )
        return [Note(provenance=own, text=text)]

    async def listing(self) -> AsyncIterator[Listed]:
        self.listings += 1
        if self.listing_fails:
            raise SourceUnavailable("no lists today")
        yield Listed(stream="things", keys=frozenset(self.things))

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        return Batch(
            messages=[self.message(key) for key in keys if key in self.things],
            gone=[Gone(stream=stream, key=key) for key in keys if key not in self.things],
        )


class Hung(Things):
    """One whose reading never brings anything and never ends; blocking: not even its thread comes back."""

    def __init__(self, source: str, *, blocking: bool = False) -> None:
        super().__init__(source)
        self.blocking = blocking
        self.free = threading.Event()

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        self.reads += 1
        if self.blocking and self.reads == 1:
            self.free.wait(60)
        else:
            await asyncio.Event().wait()
        yield Batch()


@pytest.fixture
def memory(store_url, open_memory) -> Memory:
    return open_memory(store_url, now=NOW)


@pytest.fixture
async def run():
    """Runs an intake in the background until the test ends."""
    running = []

    def started(memory: Memory, *things: Things, **more) -> Intake:
        readings = {each.source: Reading(connector=each, poll_s=0.02, **more) for each in things}
        intake = Intake(memory, readings, lease_s=0.6)
        running.append(asyncio.create_task(intake.run()))
        return intake

    yield started
    for task in running:
        task.cancel()
        await asyncio.wait([task])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(true):  # noqa: ASYNC110 - the store has no event to wait for
            await asyncio.sleep(0.02)


def notes(memory: Memory, source: str) -> list[str]:
    return sorted(note.text for note in memory.view(as_of=NOW).notes() if note.provenance.source == source)


@pytest.mark.parametrize("blocking", [False, True])
async def test_a_connector_that_hangs_or_blocks_its_thread_holds_up_no_other(memory, run, monkeypatch, blocking):
    monkeypatch.setattr("lineside.memory.apart.LET_GO_S", 0.2)
    hung, well = Hung("plc", blocking=blocking), Things("erp", a="one")
    run(memory, hung, well)
    await until(lambda: well.reads > 2 and hung.reads == 1)
    assert notes(memory, "erp") == ["one"]
    await asyncio.to_thread(pause_source, memory, "plc", by="ops-1")
    await asyncio.to_thread(resume_source, memory, "plc")  # it is begun anew, however soon that comes
    await until(lambda: hung.reads == 2)
    hung.free.set()


async def test_a_person_pauses_a_source_while_it_is_read_and_a_restart_leaves_it_so(memory, run):
    erp = Things("erp", a="one")
    intake = run(memory, erp)
    await until(lambda: erp.reads > 1)
    await asyncio.to_thread(pause_source, memory, "erp", by="ops-1", reason="they migrate")
    await until(lambda: intake.status()[0].state is FeedState.PAUSED)
    before = erp.reads
    other, again = Things("mes", a="one"), Things("erp", a="one")
    run(memory, other, again)
    await until(lambda: other.reads > 5)
    assert (erp.reads, again.reads) == (before, 0)
    feed = feeds_of(memory)["erp"]
    assert (feed.state, feed.paused_by, feed.reason) == (FeedState.PAUSED, "ops-1", "they migrate")


async def test_two_runs_never_read_one_source_and_the_second_takes_over_what_the_first_loses(memory, run):
    first, second = Things("erp", a="one"), Things("erp", a="one")
    run(memory, first)
    await until(lambda: first.reads > 0)
    run(memory, second)
    await until(lambda: first.reads > 10)
    assert second.reads == 0

    def steal() -> None:
        with memory.write() as connection:
            connection.execute(update(tables.leases).values(holder="nobody", until=1))

    await asyncio.to_thread(steal)
    alone = False
    for _ in range(20):  # the one that lost it may read on until it looks again
        before = [first.reads, second.reads]
        enough = sum(before) + 5
        await until(lambda enough=enough: first.reads + second.reads > enough)
        alone = (first.reads > before[0]) != (second.reads > before[1])
        if alone:
            break
    assert alone


async def test_what_is_listed_is_compared_once_a_day_over_restarts_and_what_differs_is_mended(memory, run):
    erp = Things("erp", a="one", b="two")
    run(memory, erp, reconcile_s=86_400.0)
    await until(lambda: erp.listings == 1 and feeds_of(memory)["erp"].reconciled_at is not None)
    reads = erp.reads
    await until(lambda: erp.reads > reads + 3)
    again = Things("mes", a="one")
    run(memory, again, reconcile_s=0.0)
    await until(lambda: again.reads > 2)
    assert (erp.listings, again.listings) == (1, 0)


async def test_what_was_taken_back_and_is_back_unchanged_stands_again_however_often(memory):
    erp = Things("erp", a="one", b="two")
    await catch_up(memory, erp)
    for _ in range(2):
        was = erp.things.pop("a")
        [taken] = await reconcile(memory, erp)
        assert (taken.gone, [note.text for note in memory.view().notes()]) == (1, ["two"])
        erp.things["a"] = was
        [brought] = await reconcile(memory, erp)
        assert (brought.fetched, sorted(note.text for note in memory.view().notes())) == (1, ["one", "two"])
        [quiet] = await reconcile(memory, erp)
        assert (quiet.fetched, quiet.gone) == (0, 0)
    erp.things.pop("b")
    await reconcile(memory, erp)
    erp.things["b"] = (2, "changed while it was away")
    [brought] = await reconcile(memory, erp)
    read = memory.remember(Batch(messages=[erp.message("b")]), source="erp", translate=erp.translate)
    assert (brought.fetched, read.known) == (1, 1)


async def test_a_listing_that_fails_is_told_of_and_stops_no_reading(memory, run):
    erp = Things("erp", a="one")
    erp.listing_fails = True
    run(memory, erp, reconcile_s=86_400.0)
    await until(lambda: erp.reads > 4)
    assert erp.listings == 1
    assert [(each.kind, each.reason) for each in memory.alerts()] == [
        ("unreconciled", "what it has could not be listed: no lists today")
    ]


async def test_a_backfill_tells_how_far_it_got_and_goes_on_where_it_was_ended(memory):
    erp = Things("erp", a="one", b="poison", c="three")
    seen: list[Progress] = []

    def stop_after_two(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await catch_up(memory, erp, progress=stop_after_two)
    assert [(each.outcome.received, each.outcome.dead_lettered) for each in seen] == [(1, 0), (2, 1)]
    assert {each.reached for each in seen} == {datetime(2026, 11, 21, 10, 1, tzinfo=UTC)}
    assert memory.checkpoint("erp") == {"n": 1}
    await catch_up(memory, erp)


async def test_a_replay_does_not_overtake_a_newer_version_and_the_others_are_recovered(memory):
    erp = Things("erp", a="poison a", b="poison b", c="poison c")
    await catch_up(memory, erp)
    erp.change("a", "mended at its source")
    memory.remember(Batch(messages=[erp.message("a")]), source="erp", translate=erp.translate)
    erp.readable = lambda text: text != "poison c"
    erp.ignored = lambda text: text == "poison b"
    assert retry_letters(memory, "erp", erp.translate) == Mended(recovered=1, replaced=1, still_open=1)
    assert [each.status for each in memory.dead_letters(status=None)] == [REPLACED, RECOVERED, OPEN]
    assert notes(memory, "erp") == ["mended at its source"]
    erp.readable = lambda _: True
    assert retry_letters(memory, "erp", erp.translate) == Mended(recovered=1)
    [account] = memory.sources_seen()
    assert (account.received, account.recorded, account.ignored, account.dead_lettered) == (4, 2, 1, 1)


async def test_a_thing_that_is_gone_is_not_brought_back_by_a_replay(memory):
    erp = Things("erp", a="poison")
    await catch_up(memory, erp)
    memory.remember(Batch(messages=[_renamed(erp.message("a"), "a@0", "fine")]), source="erp", translate=erp.translate)
    gone = Gone(stream="things", key="a", at=NOW)
    memory.remember(Batch(gone=[gone]), source="erp", translate=erp.translate)
    erp.readable = lambda _: True
    assert retry_letters(memory, "erp", erp.translate) == Mended(replaced=1)
    assert notes(memory, "erp") == []


def _renamed(message: SourceMessage, source_id: str, text: str) -> SourceMessage:
    return SourceMessage(
        source=message.source,
        source_id=source_id,
        content=json.dumps(text).encode(),
        received_at=message.received_at,
        reported_at=datetime(2026, 11, 21, 9, tzinfo=UTC),
        stream=message.stream,
        key=message.key,
    )


async def test_a_dead_letter_is_fetched_once_more_from_its_source(memory):
    erp = Things("erp", a="poison a", b="poison b", c="poison c", d="poison d")
    await catch_up(memory, erp)
    erp.change("a", "fine")
    erp.change("b", "poison still")
    del erp.things["c"]
    first, second, third, fourth = memory.dead_letters()
    assert (await refetch_letter(memory, erp, first.id)).status == REPLACED
    assert (await refetch_letter(memory, erp, second.id)).status == REPLACED
    assert (await refetch_letter(memory, erp, third.id)).status == REPLACED
    same = await refetch_letter(memory, erp, fourth.id)
    assert (same.status, same.attempts) == (OPEN, 2)
    assert [each.source_id for each in memory.dead_letters()] == ["d@1", "b@2"]
    assert notes(memory, "erp") == ["fine"]
    erp.readable = lambda _: True
    assert await refetch_letters(memory, erp) == Mended(recovered=2)
    assert notes(memory, "erp") == ["fine", "poison d", "poison still"]


async def test_the_log_tells_what_became_of_every_message_and_how_long_it_took(memory):
    erp = Things("erp", a="one", b="poison", c="three")
    await catch_up(memory, erp)
    await catch_up(memory, Things("mes", a="one"))
    assert [line.source_id for line in log_lines(memory, source="erp")] == ["c@1", "b@1", "a@1"]
    [dead] = log_lines(memory, outcome="dead_lettered")
    assert (dead.source_id, dead.reason, dead.size) == ("b@1", "poison", len(b'"poison"'))
    assert log_lines(memory, since=NOW.replace(hour=19)) == []
    assert len(log_lines(memory, limit=2)) == 2
    with memory.write() as connection:
        for number, line in enumerate(reversed(log_lines(memory, source="erp"))):
            own = update(tables.message_log).where(tables.message_log.c.id == line.id)
            connection.execute(own.values(latency_us=100 * (number + 1)))
    found = {each.source: each for each in latencies(memory, since=NOW.replace(hour=0))}
    assert list(found) == ["erp", "mes"]
    assert (found["erp"].messages, found["erp"].p50_us, found["erp"].p95_us, found["erp"].p99_us) == (3, 200, 300, 300)
