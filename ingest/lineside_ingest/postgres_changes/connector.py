"""The connector of PostgreSQL's changes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
    Gap,
    Listed,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
)
from lineside.connector.rows import NOTATION_OPTIONS, read_notation, read_stream
from lineside.connector.threads import from_thread
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside_ingest.postgres_changes.checks import checks
from lineside_ingest.postgres_changes.following import MOST, Following, Place, Table
from lineside_ingest.postgres_changes.server import Server, Session, quoted
from lineside_ingest.postgres_changes.setting_up import ready
from lineside_ingest.postgres_changes.standing import Slot, Standing, look
from lineside_ingest.postgres_changes.troubles import troubles_of
from lineside_ingest.postgres_changes.whole import Whole, fetched
from lineside_ingest.postgres_changes.wire import lsn_text

_TABLE_OPTIONS = {"table", "name", "key", "version", "immutable", "whole", "mapping"}
_OPTIONS = {
    "url", "password", "slot", "publication", "create", "tables", "timeout_s", "max_retained_mb", *NOTATION_OPTIONS,
}  # fmt: skip
_SLOT_NAME = re.compile(r"[a-z0-9_]{1,63}")
_PEEK = (
    "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, %s::pg_lsn, NULL,"
    " 'proto_version', '1', 'publication_names', %s)"
)
_ADVANCE = (
    "SELECT pg_replication_slot_advance(slot_name, %s::pg_lsn) FROM pg_replication_slots"
    " WHERE slot_name = %s AND confirmed_flush_lsn < %s::pg_lsn"
)
STEP = 256 << 20  # bytes of the log that are decoded at a time: so much the server may have to keep for the answer
ASKED_AGAIN = timedelta(hours=1)  # after a table was refused


class PostgresChanges:
    """Follows the tables of one PostgreSQL database by a logical replication slot. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        self._clock = clock
        read = Options(source, options, known=_OPTIONS)
        self._notation = read_notation(read, time_zone)
        timeout_s = read.number("timeout_s", 300.0, at_least=0.1)
        self._server = Server(read.text("url"), read.text("password", ""), source=source, timeout_s=timeout_s)
        self._slot = read.text("slot", "lineside")
        self._publication = read.text("publication", "lineside")
        self._create = read.flag("create")
        self._max_retained_mb = read.number("max_retained_mb", 1024.0)
        tables = [self._table(each) for each in read.tables("tables", known=_TABLE_OPTIONS)]
        self._tables = {table.name: table for table in tables}
        self._by_stream = {table.stream.name: table for table in tables}
        self._refused: dict[str, tuple[datetime, SourceRefused]] = {}
        self._confirmed: str = ""
        if not _SLOT_NAME.fullmatch(self._slot):
            raise read.bad("slot", "must be of lower-case letters, digits and underscores, 63 at most")
        if not tables:
            raise read.bad("tables", "is missing: a list of tables to follow")
        if len(self._tables) < len(tables) or len(self._by_stream) < len(tables):
            raise read.bad("tables", "names a table twice, or two by one name")

    async def check(self) -> Sequence[Check]:
        return await asyncio.to_thread(self._checks)

    def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """Each table whole the first time, then what was committed since, in the order of the commits."""
        return from_thread(self._read(checkpoint))

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """The slot moves up to what was told whole; the server need not keep the log before that any longer."""
        lsn = str(checkpoint["lsn"])
        if lsn != self._confirmed:
            await asyncio.to_thread(self._advance, lsn)
            self._confirmed = lsn

    def translate(self, message: SourceMessage) -> Translated:
        table = self._by_stream.get(message.stream)
        if table is None:
            raise UnreadableMessage(f"there is no table {message.stream!r} in the settings any more")
        return table.stream.records(message)

    async def listing(self) -> AsyncIterator[Listed]:
        """The keys of every table that is published and shows everything; of one that is refused, nothing."""
        for table in self._tables.values():
            if table.whole and (listed := await asyncio.to_thread(self._listed, table)) is not None:
                yield listed

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        """The rows with these keys as they are now."""
        return await asyncio.to_thread(self._resolved, self._by_stream[stream], frozenset(keys))

    def _table(self, options: Options) -> Table:
        name = options.text("table")
        in_schema = name if "." in name else f"public.{name}"
        stream = read_stream(
            options,
            source=self.source,
            name=options.text("name", name),
            mapping=options.raw("mapping"),
            notation=self._notation,
        )
        return Table(
            name=in_schema,
            stream=replace(stream, fixed=True),
            version=options.text("version", ""),
            whole=options.flag("whole", default=not stream.immutable),
        )

    def _look(self, session: Session) -> Standing:
        return look(session, slot=self._slot, publication=self._publication, tables=list(self._tables))

    def _checks(self) -> list[Check]:
        try:
            with self._server.opened() as session:
                return checks(
                    session,
                    self._look(session),
                    tables=self._tables.values(),
                    slot=self._slot,
                    publication=self._publication,
                    now=self._clock(),
                    max_retained_mb=self._max_retained_mb,
                )
        except SourceError as error:
            return [Check(name="connect", ok=False, detail=error.message, fix="mend the url, the login or the network")]

    def _read(self, checkpoint: Checkpoint | None) -> Generator[Batch, None, None]:
        with self._server.opened() as session:
            standing, slot = ready(
                session,
                self._look(session),
                look=lambda: self._look(session),
                source=self.source,
                slot=self._slot,
                publication=self._publication,
                tables=list(self._tables),
                create=self._create,
            )
            place, lost = self._place(checkpoint, standing, slot)
            if lost is not None:
                yield Batch(gaps=[lost], checkpoint=place.checkpoint())
            failed = yield from self._read_whole(session, standing, place)
            following = Following(
                place=place,
                tables=self._tables,
                value=session.value,
                fetch=lambda table, types, row, names: fetched(session, table, types, row, names),
                clock=self._clock,
            )
            yield from self._follow(session, standing, following)
        told = troubles_of(
            standing, slot, tables=self._tables.values(), now=self._clock(), max_retained_mb=self._max_retained_mb
        )
        if lost is not None:
            reason = f"{lost.reason}, so the tables were read anew"
            told.append(Trouble(kind=TroubleKind.EPOCH, reason=reason, passing=True))
        told += following.passing
        told += [_trouble(name, error) for name, error in failed.items()]
        yield Batch(checkpoint=place.checkpoint(), troubles=tuple(told))

    def _place(self, checkpoint: Checkpoint | None, standing: Standing, slot: Slot) -> tuple[Place, Gap | None]:
        """Where to go on; and what was lost, where going on is not possible and everything is read anew."""
        fresh = Place(
            identity=standing.identity,
            publication=standing.publication or 0,
            lsn=slot.confirmed,
            at=self._clock().isoformat(),
        )
        if checkpoint is None:
            return fresh, None
        place = Place.of(checkpoint)
        if place.identity != standing.identity:
            reason = "another database stands there, or it was restored"
        elif place.publication != standing.publication:
            reason = f"the publication {self._publication} was made anew"
        elif place.lsn < slot.confirmed:
            reason = f"the slot {self._slot} was made anew or moved by somebody else"
        else:
            return place, None
        return fresh, Gap(since=min(datetime.fromisoformat(place.at), standing.now), until=standing.now, reason=reason)

    def _read_whole(
        self, session: Session, standing: Standing, place: Place
    ) -> Generator[Batch, None, dict[str, SourceUnavailable | SourceRefused]]:
        """Every table that can be read is followed; why the others are not."""
        failed: dict[str, SourceUnavailable | SourceRefused] = {}
        for table in self._tables.values():
            name, found = table.stream.name, standing.tables.get(table.name)
            followed = place.tables.get(name)
            if found is None or not found.published:
                place.tables.pop(name, None)  # what changes meanwhile is not told, so it is read whole when it is back
                told = "is not there" if found is None else f"is not in the publication {self._publication}"
                failed[name] = SourceRefused(f"{table.name} {told}")
                continue
            if followed is not None and followed.oid == found.oid:
                continue
            if (refused := self._still_refused(name)) is not None:
                failed[name] = refused
                continue
            try:
                yield from Whole(table=table, found=found, session=session, clock=self._clock).batches(place)
            except SourceRefused as error:
                self._refused[name] = (self._clock(), error)
                failed[name] = error
            except SourceUnavailable as error:
                if session.lost:
                    raise
                failed[name] = error
        if len(failed) == len(self._tables):
            self._refused.clear()  # the whole source is paused: who resumes it wants it asked
            raise min(failed.values(), key=lambda error: isinstance(error, SourceRefused))
        return failed

    def _follow(self, session: Session, standing: Standing, following: Following) -> Generator[Batch, None, None]:
        """Everything that was committed up to now, a stretch of the log at a time."""
        place, began = following.place, self._clock().isoformat()
        while place.lsn < standing.written:
            upto = min(place.lsn + STEP, standing.written)
            with session.transaction():
                messages = session.streamed(_PEEK, self._slot, lsn_text(upto), quoted(self._publication), size=MOST)
                yield from following.batches(each for some in messages for each in some)
            place.lsn, place.within = max(place.lsn, upto), None
        place.at = began

    def _advance(self, lsn: str) -> None:
        with self._server.opened() as session:
            session.asked(_ADVANCE, lsn, self._slot, lsn)

    def _still_refused(self, name: str) -> SourceRefused | None:
        at, error = self._refused.get(name, (None, None))
        if at is not None and self._clock() - at < ASKED_AGAIN:
            return error
        self._refused.pop(name, None)
        return None

    def _listed(self, table: Table) -> Listed | None:
        with self._server.opened() as session:
            found = self._look(session).tables.get(table.name)
            if found is None or not found.published or not found.readable:  # reading the table says so
                return None
            whole = Whole(table=table, found=found, session=session, clock=self._clock)
            return Listed(stream=table.stream.name, keys=whole.keys())

    def _resolved(self, table: Table, keys: frozenset[str]) -> Batch:
        with self._server.opened() as session:
            found = self._look(session).tables.get(table.name)
            if found is None:
                raise SourceRefused(f"source {self.source}: {table.name} is not there")
            return Whole(table=table, found=found, session=session, clock=self._clock).those(keys)


def _trouble(name: str, error: SourceUnavailable | SourceRefused) -> Trouble:
    kind = TroubleKind.REFUSED if isinstance(error, SourceRefused) else TroubleKind.UNAVAILABLE
    return Trouble(kind=kind, reason=error.message, stream=name)
