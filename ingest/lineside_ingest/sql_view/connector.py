"""The connector of SQL views."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
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
from lineside.plant.records import Json
from lineside_ingest.sql_view.cursor import Overlap
from lineside_ingest.sql_view.database import Database, Session
from lineside_ingest.sql_view.reading import Reading, View

_VIEW_OPTIONS = {
    "table", "sql", "name", "key", "cursor", "overlap_s", "overlap", "page_size", "immutable", "whole", "mapping",
}  # fmt: skip
ASKED_AGAIN = timedelta(hours=1)  # after a view was refused
SKEW_S = 60.0


class SqlView:
    """Reads tables, views and queries of any database that SQLAlchemy knows. See README.md."""

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
        read = Options(source, options, known={"url", "views", "timeout_s", *NOTATION_OPTIONS})
        self._notation = read_notation(read, time_zone)
        timeout_s = read.number("timeout_s", 60.0, at_least=0.1)
        self._database = Database(read.text("url"), source=source, timeout_s=timeout_s)
        self._views = [self._view(each) for each in read.tables("views", known=_VIEW_OPTIONS)]
        self._by_name = {view.stream.name: view for view in self._views}
        self._refused: dict[str, tuple[datetime, SourceRefused]] = {}
        if not self._views:
            raise read.bad("views", "is missing: a list of tables or queries to read")
        if len(self._by_name) < len(self._views):
            raise read.bad("views", "has two views of the same name; give each its own name")

    async def check(self) -> Sequence[Check]:
        return await asyncio.to_thread(self._checks)

    def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the views show since `checkpoint`. One that can't be read does not keep the others from being read."""
        return from_thread(self._read(checkpoint))

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: a database wants no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        view = self._by_name.get(message.stream)
        if view is None:
            raise UnreadableMessage(f"there is no view {message.stream!r} in the settings any more")
        return view.stream.records(message)

    async def listing(self) -> AsyncIterator[Listed]:
        """The keys of every view that shows everything; of one that is refused, nothing."""
        for view in self._views:
            if view.whole and (listed := await asyncio.to_thread(self._listed, view)) is not None:
                yield listed

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        """The rows with these keys as they are now; the view is read once for them."""
        return await asyncio.to_thread(self._resolved, self._by_name[stream], frozenset(keys))

    def _view(self, options: Options) -> View:
        table, sql = (options.text(name, "") for name in ("table", "sql"))
        if bool(table) == bool(sql):
            raise options.bad("table", "or sql: exactly one of them is needed")
        name = options.text("name", table)
        if not name:
            raise options.bad("name", "is missing: what to call the query's rows")
        stream = read_stream(
            options, source=self.source, name=name, mapping=options.raw("mapping"), notation=self._notation
        )
        return View(
            stream=replace(stream, fixed=True),
            table=table,
            sql=sql,
            cursor=options.texts("cursor"),
            overlap=Overlap(
                seconds=options.number("overlap_s", 300.0), number=Decimal(str(options.number("overlap", 1000)))
            ),
            page_size=int(options.number("page_size", 1000, at_least=1)),
            whole=options.flag("whole", default=bool(table) and not stream.immutable),
        )

    def _checks(self) -> list[Check]:
        try:
            with self._database.opened() as session:
                checks = [self._check(view, session) for view in self._views]
                now = _now(session)
        except SourceError as error:
            return [Check(name="connect", ok=False, detail=error.message, fix="mend the url, the login or the network")]
        if (skew := self._skew(now)) is not None:
            checks.append(Check(name="clock", ok=False, detail=skew.reason, fix="set its clock, or clock_offset_s"))
        return checks

    def _check(self, view: View, session: Session) -> Check:
        name = f"read {view.stream.name}"
        try:
            with session.reading():
                found = session.columns(view.probe())
        except SourceError as error:
            return Check(name=name, ok=False, detail=error.message, fix="mend the grant, the view or its options")
        if lacking := view.stream.lacking(dict.fromkeys(found, "")):
            detail = f"no column {', '.join(lacking)}"
            return Check(name=name, ok=False, detail=detail, fix="mend the mapping: names are case-sensitive")
        return Check(name=name, ok=True, detail=f"readable, {len(found)} columns")

    def _read(self, checkpoint: Checkpoint | None) -> Generator[Batch, None, None]:
        before = dict(checkpoint or {})
        kept = before.get("views")
        with self._database.opened() as session:
            now, identity = _now(session) or self._clock(), _identity(session)
            anew = bool(before.get("identity")) and bool(identity) and before["identity"] != identity
            after: dict[str, Json] = dict(kept) if isinstance(kept, dict) and not anew else {}
            troubles = [each for each in (self._skew(now), self._anew(anew)) if each is not None]
            failed: dict[str, SourceUnavailable | SourceRefused] = {}
            for view in self._views:
                name, state = view.stream.name, after.get(view.stream.name)
                if (refused := self._still_refused(name)) is not None:
                    failed[name] = refused
                    continue
                reading = Reading(
                    view=view,
                    session=session,
                    now=now,
                    clock=self._clock,
                    state=state if isinstance(state, dict) else {},
                )
                try:
                    for batch in reading.batches():
                        after[name] = dict(reading.state)
                        yield replace(batch, checkpoint={"identity": identity, "views": dict(after)})
                    after[name] = dict(reading.state)
                except SourceRefused as error:
                    self._refused[name] = (self._clock(), error)
                    failed[name] = error
                except SourceUnavailable as error:
                    failed[name] = error
                troubles += reading.troubles
        if len(failed) == len(self._views):
            self._refused.clear()  # the whole source is paused: who resumes it wants it asked
            raise min(failed.values(), key=lambda error: isinstance(error, SourceRefused))
        troubles += [_trouble(name, error) for name, error in failed.items()]
        yield Batch(checkpoint={"identity": identity, "views": after}, troubles=tuple(troubles))

    def _still_refused(self, name: str) -> SourceRefused | None:
        at, error = self._refused.get(name, (None, None))
        if at is not None and self._clock() - at < ASKED_AGAIN:
            return error
        self._refused.pop(name, None)
        return None

    def _listed(self, view: View) -> Listed | None:
        with self._database.opened() as session:
            try:
                return Listed(stream=view.stream.name, keys=view.keys(session))
            except SourceRefused:  # reading the view says so
                return None

    def _resolved(self, view: View, keys: frozenset[str]) -> Batch:
        with self._database.opened() as session:
            now = _now(session) or self._clock()
            return Reading(view=view, session=session, now=now, clock=self._clock).those(keys)

    def _skew(self, now: datetime | None) -> Trouble | None:
        ahead = 0.0 if now is None else (now - self._clock()).total_seconds()
        if abs(ahead) <= SKEW_S:
            return None
        told = f"its clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours"
        return Trouble(kind=TroubleKind.SKEW, reason=told)

    def _anew(self, anew: bool) -> Trouble | None:  # noqa: FBT001
        reason = "another database stands there, so it was read anew"
        return Trouble(kind=TroubleKind.EPOCH, reason=reason, passing=True) if anew else None


def _now(session: Session) -> datetime | None:
    with session.reading():
        return session.clock()


def _identity(session: Session) -> str:
    try:
        with session.reading():
            return session.identity()
    except SourceRefused:  # an account that may not see it; the views' own marks are compared all the same
        return ""


def _trouble(name: str, error: SourceUnavailable | SourceRefused) -> Trouble:
    kind = TroubleKind.REFUSED if isinstance(error, SourceRefused) else TroubleKind.UNAVAILABLE
    return Trouble(kind=kind, reason=error.message, stream=name)
