"""What the tests of all connectors share: draining a source as the runtime does, without a store."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lineside.connector import Checkpoint, Connector, Gap, Gone, SourceMessage, Trouble, Unreadable
from lineside.plant.records import Record

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@dataclass
class Read:
    messages: list[SourceMessage] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)

    @property
    def checkpoint(self) -> Checkpoint | None:
        return self.checkpoints[-1] if self.checkpoints else None

    @property
    def ids(self) -> list[str]:
        return [message.source_id for message in self.messages]

    def records(self, connector: Connector) -> list[Record]:
        return [record for message in self.messages for record in connector.translate(message)]


async def drain(connector: Connector, checkpoint: Checkpoint | None = None, *, into: Read | None = None) -> Read:
    """Everything until the source is quiet. Checkpoints pass through JSON, as they do in the store."""
    read = Read() if into is None else into
    async with aclosing(connector.capture(checkpoint)) as batches:  # type: ignore[type-var]
        async for batch in batches:
            read.messages += batch.messages
            read.unreadable += batch.unreadable
            read.gaps += batch.gaps
            read.gone += batch.gone
            read.troubles += batch.troubles or ()
            if batch.checkpoint is not None:
                read.checkpoints.append(json.loads(json.dumps(batch.checkpoint)))
            if batch.empty:
                break
    return read


def keys(messages: Sequence[SourceMessage]) -> list[str]:
    """The rows' keys, without stream and version."""
    return [message.source_id.partition("/")[2].partition("@")[0] for message in messages]
