"""The one place that wires an installation together: home, plant, memory, ledger, answerer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.errors import BadPlantFile, NotPermitted
from lineside.plant.plant import Person, Plant
from lineside.plant.plant_file import parse_plant
from lineside.settings import Settings, database_url, load_settings

if TYPE_CHECKING:
    from lineside.actions import Ledger
    from lineside.agent.answer import Answerer
    from lineside.connector import Connector
    from lineside.memory import Memory, Reader

Clock = Callable[[], datetime]


@dataclass
class Lineside:
    """One installation. Parts are opened when they are first used, so that a small command stays quick."""

    home: Path
    settings: Settings
    plant: Plant
    clock: Clock

    @cached_property
    def memory(self) -> Memory:
        """The plant's memory. Raises SchemaBehind where the database needs `lineside migrate`."""
        return self._open_memory(migrate=not (self.home / "lineside.db").exists())

    def migrate(self) -> None:
        """The database's schema is this program's afterwards; repeating it changes nothing."""
        self._open_memory(migrate=True).close()

    @cached_property
    def ledger(self) -> Ledger:
        """The life of proposals, and the audit behind it."""
        from lineside.actions import KEY_FILE, Ledger, load_policy, signing_key
        from lineside.actions.executors.qms import QmsHolds

        targets = [
            QmsHolds(
                target.url,
                target.token.get_secret_value(),
                source=target.source or name,
                read_url=target.read_url,
                timeout_s=target.timeout_s,
            )
            for name, target in self.settings.targets.items()
        ]
        key = signing_key(self.home / KEY_FILE)
        return Ledger(self.memory, load_policy(self.home), self.clock, key, targets=targets)

    @cached_property
    def answerer(self) -> Answerer:
        """Whoever answers: the model where one is configured, with the embedded answerer behind it."""
        from lineside.agent.embedded import EmbeddedAnswerer

        embedded = EmbeddedAnswerer(memory=self.memory, ledger=self.ledger)
        if not self.settings.model.base_url:
            return embedded
        from lineside.agent.model import ModelAnswerer, ModelProfile

        model = self.settings.model
        profile = ModelProfile(
            base_url=model.base_url,
            name=model.name,
            api_key=model.api_key.get_secret_value(),
            timeout_s=model.timeout_s,
            max_turns=model.max_turns,
            max_tokens=model.max_tokens,
        )
        return ModelAnswerer(profile, memory=self.memory, ledger=self.ledger, fallback=embedded)

    def connectors(self) -> Mapping[str, tuple[Connector, float]]:
        """Each configured source's connector and its pause between polls in seconds."""
        from lineside import connector

        return {
            source.name: (
                connector.load(source.connector)(
                    source.name, source.options, time_zone=self.plant.time_zone, clock=self.clock
                ),
                source.poll_s,
            )
            for source in self.settings.sources
        }

    def streams(self, source: str) -> bool:
        """Whether the configured source tells on for ever, instead of having an end that reading reaches."""
        from lineside import connector

        named = {each.name: each.connector for each in self.settings.sources}
        return connector.installed()[named[source]].mode == "stream"

    def person(self, person_id: str) -> Person:
        """The person of that id at this site. Raises NotPermitted for anybody else."""
        person = self.plant.person(person_id)
        if person is None or (person.sites and self.plant.site not in person.sites):
            raise NotPermitted(
                f"{person_id!r} is not somebody the plant file lets ask at {self.plant.site}", person=person_id
            )
        return person

    def reader(self, person: Person | None) -> Reader:
        """What that person may read; None is the plant's own operator, who holds the home folder."""
        from lineside.memory import EVERYTHING, Reader

        return EVERYTHING if person is None else Reader(person)

    def close(self) -> None:
        """Connections are given back."""
        if "memory" in self.__dict__:
            self.memory.close()

    def _open_memory(self, *, migrate: bool) -> Memory:
        from lineside.memory import Memory

        return Memory.open(
            database_url(self.settings, self.home),
            index_dir=self.home / "index",
            plant=self.plant,
            clock=self.clock,
            model_dir=self.settings.embedding.folder,
            migrate=migrate,
        )


def open_lineside(home: Path) -> Lineside:
    """The installation at `home`. Raises BadPlantFile or BadSettings with what to mend."""
    path = home / "plant.toml"
    if not path.is_file():
        raise BadPlantFile(
            f"{home} has no plant.toml; write one with: lineside --home {home} init --site SITE --time-zone ZONE",
            path=str(path),
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadPlantFile(f"{path} is not UTF-8 text: {error}", path=str(path)) from error
    settings = load_settings(home)
    _log_to_stderr(settings.log_level)
    return Lineside(home=home, settings=settings, plant=parse_plant(text), clock=plant_clock(settings))


def _log_to_stderr(level: str) -> None:
    """Standard output belongs to the commands: a log line there would break the JSON of `--json`."""
    import logging
    import sys

    import structlog

    logging.getLogger("asyncua").setLevel(logging.ERROR)  # its warnings are about what connectors report themselves
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def plant_clock(settings: Settings) -> Clock:
    """Now at the plant, in UTC: this machine's clock, shifted where a demonstration lives at another time."""
    offset = timedelta(seconds=settings.clock_offset_s)
    return lambda: datetime.now(UTC) + offset
