"""The port that an ingestor fills. A connector only reads its source; it is handed no database.

The runtime (`lineside.memory.intake`) keeps what `capture` yields, its log line, dead letters and the checkpoint in one
transaction, and calls `confirm` only after the commit. `translate` is pure: the same message always gives the same
records, so a mended mapping can be replayed over the past.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import StrEnum
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from lineside.connector.options import Options
from lineside.errors import SetupError
from lineside.plant.records import Json, Record

__all__ = [
    "Aside",
    "Batch",
    "Check",
    "Checkpoint",
    "Connector",
    "ConnectorFactory",
    "Gap",
    "Gone",
    "Listed",
    "Lists",
    "Manifest",
    "Options",
    "Receiver",
    "Resolves",
    "SourceMessage",
    "Translated",
    "Trouble",
    "TroubleKind",
    "Unreadable",
    "Verifies",
    "installed",
    "load",
]

ENTRY_POINT_GROUP = "lineside.connectors"

Checkpoint = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMessage:
    """One message as it came, kept verbatim once per (source, source_id, digest).

    source_id: the source's own id, with its version where the source has one, so that a changed row is a new message.
    key: what it is about at the source, without a version; empty where nothing can be listed or fetched by it.
    origin: where a person finds it again, as in `shift.jsonl:17`. received_at: aware, our clock.
    """

    source: str
    source_id: str
    content: bytes
    received_at: datetime
    content_type: str = "application/json"
    stream: str = ""
    key: str = ""
    origin: str = ""
    occurred_at: datetime | None = None
    reported_at: datetime | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An item that could not even become a message with an id; it goes to the dead letters as it is."""

    content: bytes
    reason: str
    origin: str = ""
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch in which the source may have spoken unheard. Half-open, aware."""

    since: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A thing that the source no longer has: all that it ever said of it is taken back from `at` on (aware; by default
    when we learnt of it). key: as in its messages."""

    stream: str
    key: str
    at: datetime | None = None
    reason: str = "it is no longer at the source"


class TroubleKind(StrEnum):
    """What can be wrong with a part of a source while the rest goes on."""

    REFUSED = "refused"  # one stream's rights; asked again at most once an hour
    UNAVAILABLE = "unavailable"  # one stream does not answer; tried again with every read
    DRIFT = "drift"  # fields, codes or units are other than they were
    SKEW = "skew"  # its clock is off
    EPOCH = "epoch"  # it began anew, so it was read anew
    RETAINED = "retained"  # it keeps more for us than it should, or will not keep it much longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that the source's owner should know, while everything else goes on. stream: where; empty for all.

    passing: it is over as soon as it is told.
    """

    kind: TroubleKind
    reason: str
    stream: str = ""
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one read brought. checkpoint: where to go on once this is committed; None leaves it. An empty batch says
    that the source is alive and that everything it had until now was read.

    troubles: all that is wrong with parts of the source now; what is not named is well again. None says nothing of it.
    alive: False where a read shows nothing of whoever writes there, as of a file: where the plant file says how often
    it is written, an empty batch is no sign of life then.
    """

    messages: Sequence[SourceMessage] = ()
    unreadable: Sequence[Unreadable] = ()
    gone: Sequence[Gone] = ()
    gaps: Sequence[Gap] = ()
    troubles: Sequence[Trouble] | None = None
    checkpoint: Checkpoint | None = None
    alive: bool = True

    @property
    def empty(self) -> bool:
        """Whether it brought nothing but a sign of life."""
        return not (self.messages or self.unreadable or self.gone or self.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A message that makes no record, on purpose: a rule ignores it; or it is held until somebody has looked at what
    changed at its source. It stays kept and can be replayed."""

    reason: str
    held: bool = False


Translated: TypeAlias = Sequence[Record] | Aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The outcome of trying one capability, without side effects. fix: what to do where it is not ok."""

    name: str
    ok: bool
    detail: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """manifest.toml: what a connector declares. settings: option name to what it means. guarantee: at_most_once or
    at_least_once. deletes: how removals at the source show (tombstone, audit_log, listing, never). streams: the option
    that lists its streams, each with a `mapping`; `.` where the options are themselves those of the only stream."""

    name: str
    title: str
    system_kinds: tuple[str, ...]
    protocol: str
    mode: str  # "poll": capture ends when it is up to date; "stream": capture goes on until cancelled; "push"
    guarantee: str
    deletes: str
    proven_against: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    streams: str = ""
    extra: str = ""


class Connector(Protocol):
    """A configured ingestor. Built as `Connector(source, options, time_zone=, clock=)`; else BadSettings."""

    source: str

    async def check(self) -> Sequence[Check]: ...

    def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """Everything after `checkpoint`, in batches. Raises SourceUnavailable or SourceRefused."""
        ...

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """The batch with this checkpoint is committed: acknowledge upstream where the source wants that."""
        ...

    def translate(self, message: SourceMessage) -> Translated:
        """The records in a message, at least one, or why it makes none; their `recorded_at` is its `received_at`. Pure.

        Raises UnreadableMessage with the reason.
        """
        ...


@runtime_checkable
class Receiver(Protocol):
    """A connector that its source can push to."""

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Batch:
        """What one HTTP request brought. headers: names in any case. Raises BadRequest for a request that is none."""
        ...


@runtime_checkable
class Verifies(Receiver, Protocol):
    """A receiver whose senders may prove themselves to it, by a signature or a token of their own."""

    @property
    def verifies(self) -> bool:
        """Whether `receive` raises NotPermitted for whoever is not its sender; else a token of ours is needed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Everything that a stream has now. keys: as in its messages."""

    stream: str
    keys: frozenset[str]


@runtime_checkable
class Lists(Protocol):
    """A connector that can list what its source has, without reading it all: what was missed and what is gone show."""

    def listing(self) -> AsyncIterator[Listed]:
        """Each stream that can be listed. Raises SourceUnavailable or SourceRefused."""
        ...


@runtime_checkable
class Resolves(Protocol):
    """A connector that can fetch single things once more."""

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        """Those of the things that the source has, as they are now; those that it has not are `gone`."""
        ...


class ConnectorFactory(Protocol):
    """clock: ours, aware; what a message's `received_at` is read from."""

    def __call__(
        self, source: str, options: Mapping[str, Any], *, time_zone: tzinfo, clock: Callable[[], datetime]
    ) -> Connector: ...


def installed() -> dict[str, Manifest]:
    """The manifests of every installed connector by name, read without importing any of them: one that is broken, or
    whose driver is missing, hides no other."""
    found = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        spec = find_spec(point.value.partition(":")[0])
        for folder in (spec.submodule_search_locations or []) if spec else []:
            text = Path(folder).joinpath("manifest.toml").read_text(encoding="utf-8")
            found[point.name] = _manifest(tomllib.loads(text))
    return dict(sorted(found.items()))


def load(name: str) -> ConnectorFactory:
    """The connector class of that name. Raises SetupError where none is installed."""
    for point in entry_points(group=ENTRY_POINT_GROUP, name=name):
        factory: ConnectorFactory = point.load()
        return factory
    raise SetupError(f"no connector {name!r} is installed; there are: {', '.join(installed())}", connector=name)


def _manifest(data: Mapping[str, Any]) -> Manifest:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return Manifest(**fields)
