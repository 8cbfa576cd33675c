"""The one place that wires an installation together: home, plant, memory, ledger, answerer."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lineside.errors import BadPlantFile, BadSettings, NotFound, NotPermitted
from lineside.plant.mapping_file import MappingFile, SourceMapping, merged, read_mapping_file, source_mapping
from lineside.plant.plant import Person, Plant, SourceCard
from lineside.plant.plant_file import parse_plant
from lineside.settings import Settings, database_url, load_settings

if TYPE_CHECKING:
    from lineside.actions import Ledger
    from lineside.actions.executors import Target
    from lineside.actions.exporting import Export
    from lineside.agent.answer import Answerer
    from lineside.connector import Connector, Manifest
    from lineside.memory import Memory, Reader
    from lineside.memory.supervising import Reading

_OBJECTS = 50_000
Clock = Callable[[], datetime]
MAPPINGS = "mappings"  # the folder of mapping files in the home


def collect_seldom() -> None:
    """This process looks for unreachable cycles after many new objects, not after the interpreter's 700.

    A reading makes tens of thousands of small objects that all live until it answers: looking through them again and
    again took a quarter of its time.
    """
    gc.set_threshold(_OBJECTS, *gc.get_threshold()[1:])


@dataclass
class Lineside:
    """One installation. Parts are opened when they are first used, so that a small command stays quick."""

    home: Path
    settings: Settings
    plant: Plant
    clock: Clock
    mapping_files: Mapping[str, MappingFile] = field(default_factory=dict)

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
        from lineside.actions.executors.configured import configured

        return self.ledger_over(configured(self.settings.targets.items(), self.home))

    def ledger_over(self, targets: Iterable[Target]) -> Ledger:
        """The ledger with these targets; with Writers, as the executor has them, what is approved is carried out."""
        from lineside.actions import KEY_FILE, Ledger, load_policy, signing_key

        key = signing_key(self.home / KEY_FILE)
        return Ledger(self.memory, load_policy(self.home, self.plant.packs), self.clock, key, targets=targets)

    @cached_property
    def audit_export(self) -> Export | None:
        """What carries the audit ledger's heads away; None where no place is set. Raises BadSettings."""
        from lineside.actions.exporting import Export, checked_place

        audit = self.settings.audit
        if not audit.export:
            return None
        return Export(checked_place(audit.export), audit.token.get_secret_value(), time.monotonic)

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
        """Each configured source's connector and its pause between polls in seconds; its mapping file counts."""
        return {source.name: (self.connector(source.name)[0], source.poll_s) for source in self.settings.sources}

    def connector(self, source: str, file: MappingFile | None = None) -> tuple[Connector, SourceMapping]:
        """The configured source's connector with the mapping that it reads by: the one in `file`, else in its mapping
        file, else in lineside.toml. Raises BadSettings where they don't fit, NotFound where it is not configured."""
        from lineside import connector

        found = next((each for each in self.settings.sources if each.name == source), None)
        if found is None:
            there = ", ".join(each.name for each in self.settings.sources) or "none"
            raise NotFound(f"{source!r} is not a source of lineside.toml; there are: {there}", source=source)
        file = file or self.mapping_files.get(source)
        factory, manifest = connector.load(found.connector), self._manifests[found.connector]
        options = found.options
        if file is not None:
            options = merged(options, file, streams=manifest.streams, settings=manifest.settings)
        try:
            made = factory(source, options, time_zone=self.plant.time_zone, clock=self.clock)
        except BadSettings as error:
            if file is None:
                raise
            raise BadSettings(f"{error.message} (with {file.where})", **error.fields) from error
        return made, source_mapping(source, options, streams=manifest.streams, file=file)

    def mapping(self, source: str) -> SourceMapping:
        """The mapping in force; its `version` is remembered with each message. Of a source that is not configured, an
        empty one."""
        known = any(each.name == source for each in self.settings.sources)
        return self.connector(source)[1] if known else SourceMapping(source=source)

    def readings(self) -> Mapping[str, Reading]:
        """How each configured source is read."""
        from lineside.memory.supervising import Reading

        found = {}
        for source in self.settings.sources:
            connector, mapping = self.connector(source.name)
            found[source.name] = Reading(
                connector=connector,
                poll_s=source.poll_s,
                reconcile_s=source.reconcile_s,
                life_s=self.life_s(source.name),
                mapping=mapping,
            )
        return found

    def life_s(self, source: str) -> float | None:
        """How often the source gives a sign of life at least: one that is asked again and again answers each time. None
        where nothing is known, or no connector reads it."""
        polled = {each.name: each.poll_s for each in self.settings.sources}
        return polled[source] if source in polled and self._mode(source) == "poll" else None

    def streams(self, source: str) -> bool:
        """Whether the configured source tells on for ever, instead of having an end that reading reaches."""
        return self._mode(source) == "stream"

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

    def _mode(self, source: str) -> str:
        named = {each.name: each.connector for each in self.settings.sources}
        return self._manifests[named[source]].mode

    @cached_property
    def _manifests(self) -> Mapping[str, Manifest]:
        """Those of every connector: read once, since pages ask for each source's mode again and again."""
        from lineside import connector

        return connector.installed()

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


def open_lineside(home: Path, *, with_packs: bool = True) -> Lineside:
    """The installation at `home`. Raises SetupError, mostly BadPlantFile or BadSettings, with what to mend.

    with_packs: its records are read by the packs that its plant file names, else by the core pack alone.
    """
    path = home / "plant.toml"
    if not path.is_file():
        raise BadPlantFile(
            f"{home} has no plant.toml; write one with: lineside --home {home} init --site SITE --time-zone ZONE",
            path=str(path),
        )
    settings = load_settings(home)
    _log_to_stderr(settings.log_level)
    files = load_mapping_files(home, {source.name for source in settings.sources})
    plant = _with_owners(read_plant(home), files)
    if with_packs and (plant.pack or plant.site_packs):
        from lineside.packs import shelf

        plant = shelf.opened(home, plant)
    return Lineside(home=home, settings=settings, plant=plant, clock=plant_clock(settings), mapping_files=files)


def open_draft(home: Path, draft: str) -> Lineside:
    """An installation at `home` as it would be with the draft of a lineside.toml; nothing is written there.

    Its memory is not for use. Raises BadPlantFile or BadSettings with what to mend.
    """
    settings = load_settings(home, draft)
    _log_to_stderr(settings.log_level)
    names = {source.name for source in settings.sources}
    there = {path.stem: path for path in sorted((home / MAPPINGS).glob("*.toml"))}
    files = {name: load_mapping_file(path) for name, path in there.items() if name in names}
    plant = read_plant(home) if (home / "plant.toml").is_file() else parse_plant('site = "draft"\ntime_zone = "UTC"\n')
    return Lineside(home=home, settings=settings, plant=plant, clock=plant_clock(settings), mapping_files=files)


def load_mapping_files(home: Path, sources: Collection[str]) -> dict[str, MappingFile]:
    """The mapping file of each source that has one, by source. Raises BadSettings with what to mend."""
    found = {}
    for path in sorted((home / MAPPINGS).glob("*.toml")):
        if path.stem not in sources:
            there = ", ".join(sorted(sources)) or "none"
            raise BadSettings(f"{path} is for no source of lineside.toml; there are: {there}", path=str(path))
        found[path.stem] = load_mapping_file(path)
    return found


def load_mapping_file(path: Path) -> MappingFile:
    """The mapping file at `path`. Raises BadSettings with what to mend."""
    try:
        return read_mapping_file(path.read_text(encoding="utf-8"), where=str(path))
    except UnicodeDecodeError as error:
        raise BadSettings(f"{path} is not UTF-8 text: {error}", path=str(path)) from error
    except OSError as error:
        raise BadSettings(f"{path} can't be read: {error.strerror}", path=str(path)) from error


def read_plant(home: Path) -> Plant:
    """What plant.toml says, its packs not yet opened. Raises BadPlantFile."""
    path = home / "plant.toml"
    try:
        return parse_plant(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadPlantFile(f"{path} is not UTF-8 text: {error}", path=str(path)) from error


def _with_owners(plant: Plant, files: Mapping[str, MappingFile]) -> Plant:
    """What a mapping file says its source owns counts where the plant file says nothing of it."""
    cards = {card.name: card for card in plant.sources}
    for source, file in files.items():
        card = cards.get(source, SourceCard(name=source))
        if file.owns and not card.owns:
            cards[source] = replace(card, owns=file.owns)
    return replace(plant, sources=tuple(cards.values()))


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
