"""The memory: one place to remember into, to look from, and to recall out of."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from lineside.connector import Batch, Checkpoint
from lineside.errors import StoreError, UnreadableMessage
from lineside.memory import alerts, leases, letters, tables
from lineside.memory.accounts import SourceAccount, source_accounts
from lineside.memory.alerts import Alert
from lineside.memory.database import Database
from lineside.memory.embedder import Embedder
from lineside.memory.index import VectorIndex
from lineside.memory.letters import DeadLetter
from lineside.memory.moments import stored
from lineside.memory.reader import EVERYTHING, Reader
from lineside.memory.recall import Filters, Recollection, recall
from lineside.memory.remember import Outcome, Remembering, Translate
from lineside.memory.schema import migrate_to_head, require_head
from lineside.memory.versions import overtaken
from lineside.memory.view import View
from lineside.plant.entities import Entity
from lineside.plant.plant import Plant
from lineside.plant.records import RecordType
from lineside.plant.windows import Window


class Memory:
    """What the plant remembers, in SQLite or PostgreSQL. Safe to use from several threads and processes."""

    def __init__(
        self,
        database: Database,
        *,
        plant: Plant,
        clock: Callable[[], datetime],
        index_dir: Path | None = None,
        model_dir: Path | None = None,
    ) -> None:
        self.database = database
        self.plant = plant
        self.clock = clock
        self.index = VectorIndex(index_dir, database, Embedder(model_dir)) if index_dir else None

    @staticmethod
    def open(
        url: str,
        *,
        index_dir: Path | None,
        plant: Plant,
        clock: Callable[[], datetime],
        model_dir: Path | None = None,
        migrate: bool = False,
    ) -> Memory:
        """The memory at `url`. Raises SchemaBehind where its schema is another than this program's.

        migrate: bring the schema up to date first, an empty database included.
        """
        database = Database(url)
        try:
            if migrate:
                migrate_to_head(database)
            require_head(database)
        except StoreError:
            database.close()
            raise
        return Memory(database, plant=plant, clock=clock, index_dir=index_dir, model_dir=model_dir)

    @property
    def engine(self) -> Engine:
        return self.database.engine

    def read(self) -> AbstractContextManager[Connection]:
        return self.database.read()

    def write(self) -> AbstractContextManager[Connection]:
        """One transaction of the only writer; committed at the end."""
        return self.database.write()

    def remember(
        self,
        batch: Batch,
        *,
        source: str,
        stream: str = "",
        translate: Translate,
        mapping: str = "",
        holder: str | None = None,
    ) -> Outcome:
        """Every item of the batch is recorded, was known, is a dead letter, held or ignored; with its log line, its
        troubles and the checkpoint in one transaction. mapping: which version of the source's mapping translates.

        holder: who reads the source; without its lease nothing is kept. Idempotent. Raises StoreUnavailable or
        SourceTaken, and then nothing was kept.
        """
        now = stored(self.clock())
        with self.write() as connection:
            if holder is not None:
                leases.require(connection, source, holder)
            work = Remembering(connection, plant=self.plant, now=now, translate=translate, mapping=mapping)
            outcome = work.keep(batch, source=source, stream=stream)
            turns = [
                turn for gap in work.new_gaps for turn in alerts.tell_gap(connection, source, gap, self.plant, now=now)
            ]
            if batch.troubles is not None:
                turns += alerts.settle_troubles(connection, source, batch.troubles, now=now)
            alerts.publish(connection, turns, self.plant, now=now)
        alerts.log_turns(turns)
        return outcome

    def settle_alerts(self, source: str, kinds: Collection[str], named: alerts.Named) -> None:
        """Of these kinds exactly those that are named, as (stream, kind) to the reason, are open for the source."""
        now = stored(self.clock())
        with self.write() as connection:
            turns = alerts.settle(connection, source, kinds, named, now=now)
            alerts.publish(connection, turns, self.plant, now=now)
        alerts.log_turns(turns)

    def alerts(self, source: str | None = None, *, only_open: bool = True, limit: int = 100) -> list[Alert]:
        """What a person should know about the sources; by default what is still so, oldest first, else newest first."""
        with self.read() as connection:
            if only_open:
                return alerts.open_alerts(connection, source)
            return alerts.alerts_of(connection, source, limit=limit)

    def dead_letters(self, *, source: str | None = None, status: str | None = letters.OPEN) -> list[DeadLetter]:
        """By default those that are still open, oldest first; status None: all that ever were."""
        with self.read() as connection:
            return letters.listed(connection, source=source, status=status)

    def dead_letter(self, letter_id: int) -> DeadLetter:
        """Raises NotFound."""
        with self.read() as connection:
            return letters.found(connection, letter_id)

    def retry_dead_letter(self, letter_id: int, translate: Translate) -> DeadLetter:
        """Its records are kept and it is recovered; it is replaced where a newer version of the same thing is known; or
        it is open still, with the new reason and one more attempt. Raises NotFound, and BadRequest where it is closed
        or has no id of its own."""
        now = stored(self.clock())
        with self.write() as connection:
            letter = letters.open_one(connection, letter_id)
            tried = {"attempts": letter.attempts + 1, "last_at": now}
            if overtaken(connection, letter):
                because = "a newer version of it is known"
                return letters.change(connection, letter_id, **tried, status=letters.REPLACED, closed_because=because)
            try:
                aside = Remembering(connection, plant=self.plant, now=now, translate=translate).retry(letter.message)
            except UnreadableMessage as error:
                return letters.change(connection, letter_id, **tried, reason=letters.storable(error.message))
            ignored = letters.storable(aside.reason) if aside else None
            return letters.change(connection, letter_id, **tried, status=letters.RECOVERED, closed_because=ignored)

    def discard_dead_letter(self, letter_id: int, *, reason: str, by: str) -> DeadLetter:
        """It is closed for good; its bytes stay, with who and why."""
        now = stored(self.clock())
        with self.write() as connection:
            letters.open_one(connection, letter_id)
            closed = {"status": letters.DISCARDED, "closed_by": by, "closed_because": reason, "last_at": now}
            return letters.change(connection, letter_id, **closed)

    def sources_seen(self) -> list[SourceAccount]:
        """What every source sent and what became of it, by name."""
        with self.read() as connection:
            return source_accounts(connection)

    def checkpoint(self, source: str, stream: str = "") -> Checkpoint | None:
        """Where reading the source goes on; None where it was never read."""
        marks = tables.checkpoints
        with self.read() as connection:
            found = connection.scalar(
                select(marks.c.position).where(marks.c.source == source, marks.c.stream == stream)
            )
        if found is None:
            return None
        position: Checkpoint = json.loads(found)
        return position

    def view(self, *, as_of: datetime | None = None, reader: Reader = EVERYTHING) -> View:
        """What was known at `as_of`, by default now."""
        return View(plant=self.plant, as_of=as_of or self.clock(), reader=reader, read=self.read)

    def recall(
        self,
        question: str,
        *,
        view: View,
        at: str | None = None,
        within: Window | None = None,
        entities: Sequence[Entity] = (),
        types: Sequence[RecordType | str] = (),
        limit: int = 12,
    ) -> Recollection:
        """The evidence that the view holds for a question, best first; none where nothing is related.

        at: an equipment path, what lies below it included. at, within and types must hold; entities are preferred.
        """
        filters = Filters(at=at, within=within, entities=entities, types=types)
        with self.read() as connection:
            return recall(connection, question, view=view, filters=filters, index=self.index, limit=limit)

    def index_pending(self, *, most: int | None = None) -> int:
        """Every passage has its vector, or about `most` more have; how many are new. Raises IndexBehind where the index
        is broken."""
        return self.index.catch_up(most=most) if self.index else 0

    def index_lag(self) -> int:
        """How many passages can as yet be found by their words only."""
        return self.index.lag() if self.index else 0

    def close(self) -> None:
        if self.index:
            self.index.close()
        self.database.close()
