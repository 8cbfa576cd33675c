"""What every connector must do. Inherit `Conformance` in a test module and give it a `bench` fixture."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from typing import Protocol

import pytest

from lineside.connector import Batch, Connector, installed, load
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.plant.records import Record, Report

from .reading import drain

DRIVERS = ("asyncua", "httpx", "sqlalchemy", "python_calamine", "openpyxl")


class Bench(Protocol):
    """A real source on the bench. What it says about the number n is a report whose property `n` is n."""

    name: str

    def connector(self) -> Connector:
        """A fresh connector, as after a restart."""
        ...

    async def say(self, *numbers: int) -> None:
        """From now on the source has these items too."""
        ...

    async def say_poison(self) -> None:
        """From now on the source has one item that can't be read."""
        ...

    def refused(self) -> Connector | None:
        """A connector that the source refuses; None where a source of this kind refuses nobody."""
        ...

    def unavailable(self) -> Connector:
        """A connector whose source does not answer."""
        ...


def numbers(records: list[Record]) -> list[int]:
    """The n of each report, in order."""
    values = [record.properties["n"] for record in records if isinstance(record, Report)]
    return sorted(int(str(value)) for value in values)


def recorded(memory: Memory) -> list[int]:
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
        assert numbers(first.records(bench.connector())) == [1]
        assert numbers(second.records(bench.connector())) == [2, 3]
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
        assert recorded(memory) == [1]

    async def test_one_item_that_cant_be_read_is_a_dead_letter_and_the_others_come(
        self, bench: Bench, remembered: Callable[..., Memory]
    ) -> None:
        memory = remembered(now="2027-01-01T00:00:00Z")
        await bench.say(1)
        await bench.say_poison()
        await catch_up(memory, bench.connector())
        await bench.say(2)
        await catch_up(memory, bench.connector())
        assert recorded(memory) == [1, 2]
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
        assert recorded(memory) == [1, 2]

    async def test_refused_credentials_are_told_from_a_source_that_does_not_answer(self, bench: Bench) -> None:
        with pytest.raises(SourceUnavailable):
            await drain(bench.unavailable())
        assert not all(check.ok for check in await bench.unavailable().check())
        if (connector := bench.refused()) is not None:
            with pytest.raises(SourceRefused):
                await drain(connector)
            assert not all(check.ok for check in await connector.check())
