"""What every connector must do. Inherit `Conformance` in a test module and give it a `bench` fixture."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import aclosing
from importlib.resources import files

import pytest

from lineside.connector import Batch, Connector, installed, load
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.memory.reconciling import reconcile
from lineside.plant.records import Record, Report

from .reading import drain

LONGEST_S = 30  # no wait on a bench is longer
DRIVERS = ("asyncua", "httpx", "sqlalchemy", "python_calamine", "openpyxl")


MODES = {
    "reordered": "say_shuffled",
    "late": "say_late",
    "gap": "lose",
    "epoch": "begin_anew",
    "schema": "rename_field",
    "refused": "refused",
    "throttled": "throttled",
    "slow": "slow",
    "dropped": "cut",
    "hushed": "hush",
    "skewed": "say_ahead",
    "deleted": "delete",
}


class Bench:
    """A real source on the bench. What it says about the number n is a report whose property `n` is n.

    lacks: the modes of failure (see MODES) that a source of this kind can't have, each with the reason; the README's
    table of failures says the same. Every other mode has its method.
    """

    name: str
    lacks: Mapping[str, str] = {}

    def connector(self) -> Connector:
        """A fresh connector, as after a restart."""
        raise NotImplementedError

    async def say(self, *numbers: int) -> None:
        """From now on the source has these items too."""
        raise NotImplementedError

    async def say_poison(self) -> None:
        """From now on the source has one item that can't be read."""
        raise NotImplementedError

    def unavailable(self) -> Connector:
        """A connector whose source does not answer."""
        raise NotImplementedError

    # One method for each mode of failure that the bench does not lack:

    async def say_shuffled(self, *numbers: int) -> None:
        """The source tells these in another order than it made them."""
        raise NotImplementedError

    async def say_late(self, number: int) -> None:
        """The source shows an item only now that it stamps earlier than what was read before."""
        raise NotImplementedError

    async def lose(self, number: int) -> None:
        """While nobody listens the source says something that it can't tell again."""
        raise NotImplementedError

    async def begin_anew(self) -> None:
        """The source is made anew: its positions count from the start, and what it had it has still or not."""
        raise NotImplementedError

    async def rename_field(self, number: int) -> None:
        """The source calls the value otherwise from now on, and has another item."""
        raise NotImplementedError

    def refused(self) -> Connector:
        """A connector that the source refuses."""
        raise NotImplementedError

    def throttled(self) -> Connector:
        """A connector whose source asks it to wait for at least seven seconds."""
        raise NotImplementedError

    def slow(self) -> Connector:
        """A connector whose source takes longer to answer than the connector waits."""
        raise NotImplementedError

    async def cut(self) -> None:
        """The connection breaks in the middle of the next read, or right after its first batch."""
        raise NotImplementedError

    async def hush(self, connector: Connector) -> None:
        """The connector's session stands, but nothing comes any more, no sign of life either."""
        raise NotImplementedError

    async def say_ahead(self, number: int) -> None:
        """The source has an item that it stamps a year ahead."""
        raise NotImplementedError

    async def delete(self, number: int) -> None:
        """The source has that item no longer."""
        raise NotImplementedError

    def numbers(self, records: list[Record]) -> list[int]:
        """The n of each report, in order. A source that makes no reports says otherwise."""
        values = [record.properties["n"] for record in records if isinstance(record, Report)]
        return sorted(int(str(value)) for value in values)

    def recorded(self, memory: Memory) -> list[int]:
        """The n of everything that a memory holds."""
        return sorted(int(statement.text) for statement in memory.view().statements(properties=("n",)))


class Conformance:
    """The suite itself."""

    def test_its_manifest_names_its_settings_and_the_readme_explains_each(self, bench: Bench) -> None:
        manifest = installed()[bench.name]
        with pytest.raises(BadSettings) as refused:
            load(bench.name)("x", {"no such option": 1}, time_zone=__import__("datetime").UTC)
        known = refused.value.message.rpartition("there are: ")[2].split(", ")
        assert set(manifest.settings) == set(known)
        assert set(manifest.secrets) <= set(manifest.settings)
        readme = files(f"lineside_ingest.{bench.name}").joinpath("README.md").read_text("utf-8")
        assert [name for name in known if not re.search(rf"`{name}`", readme)] == []
        assert manifest.name == bench.name
        assert manifest.mode in {"poll", "stream", "push"}
        assert manifest.guarantee in {"at_most_once", "at_least_once"}
        assert manifest.deletes in {"tombstone", "audit_log", "listing", "never"}
        assert manifest.proven_against

    def test_its_manifest_is_read_without_its_driver(self, bench: Bench) -> None:
        code = (
            "import sys; from lineside.connector import installed, load;"
            f"installed(); load({bench.name!r});"
            f"print([name for name in {DRIVERS!r} if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    async def test_the_same_message_gives_the_same_records(self, bench: Bench) -> None:
        await bench.say(1, 2)
        read = await drain(bench.connector())
        once = [record for each in read.messages for record in bench.connector().translate(each)]
        again = [record for each in read.messages for record in bench.connector().translate(each)]
        assert once == again
        assert all(record.provenance.recorded_at == read.messages[0].received_at for record in once[:1])
        assert {record.provenance.source for record in once} == {bench.connector().source}

    async def test_a_restart_from_the_checkpoint_loses_and_doubles_nothing(self, bench: Bench) -> None:
        await bench.say(1)
        first = await drain(bench.connector())
        await bench.say(2, 3)
        second = await drain(bench.connector(), first.checkpoint)
        third = await drain(bench.connector(), second.checkpoint)
        assert bench.numbers(first.records(bench.connector())) == [1]
        assert bench.numbers(second.records(bench.connector())) == [2, 3]
        assert third.messages == []

    async def test_what_is_delivered_twice_is_recorded_once(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        memory, connector = remembered(now="2027-01-01T00:00:00Z"), bench.connector()
        await bench.say(1)
        read = await drain(connector)
        outcomes = [
            memory.remember(Batch(messages=read.messages), source=connector.source, translate=connector.translate)
            for _ in range(2)
        ]
        assert [(outcome.recorded, outcome.known) for outcome in outcomes] == [(1, 0), (0, 1)]
        assert bench.recorded(memory) == [1]

    async def test_one_item_that_cant_be_read_is_a_dead_letter_and_the_others_come(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        memory = remembered(now="2027-01-01T00:00:00Z")
        await bench.say(1)
        await bench.say_poison()
        await catch_up(memory, bench.connector())
        await bench.say(2)
        await catch_up(memory, bench.connector())
        assert bench.recorded(memory) == [1, 2]
        [letter] = memory.dead_letters()
        assert letter.reason

    async def test_killed_between_commit_and_confirm_nothing_is_lost_or_doubled(
        self, bench: Bench, remembered: Callable[..., Memory], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        memory, dying = remembered(now="2027-01-01T00:00:00Z"), bench.connector()

        async def die(_: object) -> None:
            raise KeyboardInterrupt

        await bench.say(1)
        monkeypatch.setattr(dying, "confirm", die)
        with pytest.raises(KeyboardInterrupt):
            await catch_up(memory, dying)
        await bench.say(2)
        await catch_up(memory, bench.connector())
        assert bench.recorded(memory) == [1, 2]

    def test_every_mode_of_failure_is_on_the_bench_or_explained(self, bench: Bench) -> None:
        readme = files(f"lineside_ingest.{bench.name}").joinpath("README.md").read_text("utf-8")
        assert set(bench.lacks) <= set(MODES)
        for mode, method in MODES.items():
            own = getattr(type(bench), method) is not getattr(Bench, method)
            assert own != (mode in bench.lacks), mode
            assert re.search(rf"^\| {mode} \|", readme, re.MULTILINE), f"the table of failures lacks {mode}"
        assert all(reason.strip() for reason in bench.lacks.values())

    async def test_a_source_that_does_not_answer_is_tried_again(self, bench: Bench) -> None:
        with pytest.raises(SourceUnavailable):
            await drain(bench.unavailable())
        assert not all(check.ok for check in await bench.unavailable().check())

    async def test_refused_credentials_are_told_from_a_source_that_does_not_answer(self, bench: Bench) -> None:
        if "refused" not in bench.lacks:
            with pytest.raises(SourceRefused):
                await drain(bench.refused())
            assert not all(check.ok for check in await bench.refused().check())

    async def test_a_source_that_asks_for_quiet_is_given_it(self, bench: Bench) -> None:
        if "throttled" not in bench.lacks:
            with pytest.raises(SourceUnavailable) as asked:
                await drain(bench.throttled())
            assert (asked.value.retry_after_s or 0) >= 7

    async def test_a_slow_source_is_told_from_one_that_refuses(self, bench: Bench) -> None:
        if "slow" not in bench.lacks:
            async with asyncio.timeout(LONGEST_S):
                with pytest.raises(SourceUnavailable):
                    await drain(bench.slow())

    async def test_what_comes_in_another_order_comes_once(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        if "reordered" not in bench.lacks:
            memory = remembered(now="2027-01-01T00:00:00Z")
            await bench.say_shuffled(3, 1, 2)
            await catch_up(memory, bench.connector())
            await catch_up(memory, bench.connector())
            assert bench.recorded(memory) == [1, 2, 3]

    async def test_what_is_shown_late_is_not_missed(self, bench: Bench, remembered: Callable[..., Memory]) -> None:
        if "late" not in bench.lacks:
            memory = remembered(now="2027-01-01T00:00:00Z")
            await bench.say(5)
            await catch_up(memory, bench.connector())
            await bench.say_late(1)
            await catch_up(memory, bench.connector())
            assert bench.recorded(memory) == [1, 5]

    async def test_what_nobody_can_tell_any_more_is_a_gap(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        if "gap" not in bench.lacks:
            memory = remembered(now="2027-01-01T00:00:00Z")
            await bench.say(1)
            await catch_up(memory, bench.connector())
            assert memory.view().gaps() == []
            await bench.lose(2)
            await bench.say(3)
            await catch_up(memory, bench.connector())
            assert bench.recorded(memory) == [1, 3]
            assert [gap.source for gap in memory.view().gaps()][:1] == [bench.connector().source]

    async def test_a_source_made_anew_is_read_anew(self, bench: Bench, remembered: Callable[..., Memory]) -> None:
        if "epoch" not in bench.lacks:
            memory = remembered(now="2027-01-01T00:00:00Z")
            await bench.say(1, 2, 3)
            await catch_up(memory, bench.connector())
            await bench.begin_anew()
            await bench.say(4)
            await catch_up(memory, bench.connector())
            assert bench.recorded(memory) == [1, 2, 3, 4]

    async def test_a_renamed_field_is_noticed_and_nothing_of_it_is_lost(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        if "schema" not in bench.lacks:
            memory = remembered(now="2027-01-01T00:00:00Z")
            await bench.say(1)
            await catch_up(memory, bench.connector())
            await bench.rename_field(2)
            outcome = await catch_up(memory, bench.connector())
            assert bench.recorded(memory) == [1]
            assert outcome.held + outcome.dead_lettered >= 1

    async def test_a_connection_that_breaks_loses_and_doubles_nothing(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        if "dropped" not in bench.lacks:
            memory, connector = remembered(now="2027-01-01T00:00:00Z"), bench.connector()
            await bench.say(1, 2, 3)
            await bench.cut()
            with pytest.raises(SourceUnavailable):
                await catch_up(memory, connector)
            await catch_up(memory, bench.connector())
            assert bench.recorded(memory) == [1, 2, 3]

    async def test_a_session_that_stands_but_says_nothing_is_not_taken_for_a_live_one(self, bench: Bench) -> None:
        if "hushed" not in bench.lacks:
            connector = bench.connector()
            async with asyncio.timeout(LONGEST_S), aclosing(connector.capture(None)) as batches:  # type: ignore[type-var]
                await anext(batches)
                await bench.hush(connector)
                with pytest.raises(SourceUnavailable):
                    async for _ in batches:
                        pass

    async def test_one_stamp_in_the_future_hides_nothing_that_comes_after_it(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        if "skewed" not in bench.lacks:
            memory = remembered(now="2028-01-01T00:00:00Z")
            await bench.say_ahead(1)
            await catch_up(memory, bench.connector())
            await bench.say(2)
            await catch_up(memory, bench.connector())
            assert bench.recorded(memory) == [1, 2]

    async def test_what_is_deleted_at_the_source_stands_no_longer(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        connector = bench.connector()
        assert ("deleted" in bench.lacks) == (installed()[bench.name].deletes == "never")
        if "deleted" not in bench.lacks:
            memory = remembered(now="2027-01-01T00:00:00Z")
            await bench.say(1, 2)
            await catch_up(memory, connector)
            await bench.delete(1)
            await catch_up(memory, bench.connector())
            await reconcile(memory, bench.connector())
            assert bench.recorded(memory) == [2]
