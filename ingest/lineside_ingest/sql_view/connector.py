"""The connector of SQL views."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from lineside.connector import Batch, Check, Checkpoint, Options, SourceMessage, Translated, Unreadable
from lineside.connector.rows import NOTATION_OPTIONS, RowStream, Versions, read_notation, read_stream
from lineside.connector.threads import from_thread
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json
from lineside.plant.row_values import moment
from lineside_ingest.sql_view.cursor import Overlap, Position, from_json, not_after, position_of, to_json
from lineside_ingest.sql_view.database import Database, as_json, from_clause, rows

_VIEW_OPTIONS = {
    "table", "sql", "name", "key", "cursor", "overlap_s", "overlap", "page_size", "immutable", "mapping",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One configured view and how it is read."""

    stream: RowStream
    table: str
    sql: str
    cursor: tuple[str, ...]
    overlap: Overlap
    page_size: int


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
        read = Options(source, options, known={"url", "views", *NOTATION_OPTIONS})
        self._notation = read_notation(read, time_zone)
        self._database = Database(read.text("url"), source=source)
        self._views = [self._view(each) for each in read.tables("views", known=_VIEW_OPTIONS)]
        self._by_name = {view.stream.name: view for view in self._views}
        if not self._views:
            raise read.bad("views", "is missing: a list of tables or queries to read")
        if len(self._by_name) < len(self._views):
            raise read.bad("views", "has two views of the same name; give each its own name")

    async def check(self) -> Sequence[Check]:
        return await asyncio.to_thread(lambda: [self._check(view) for view in self._views])

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
            stream=stream,
            table=table,
            sql=sql,
            cursor=options.texts("cursor"),
            overlap=Overlap(
                seconds=options.number("overlap_s", 300.0), number=Decimal(str(options.number("overlap", 0.0)))
            ),
            page_size=int(options.number("page_size", 1000, at_least=1)),
        )

    def _check(self, view: View) -> Check:
        name = f"read {view.stream.name}"
        try:
            with self._database.reading() as connection:
                selected, cursor = from_clause(view.table, view.sql, view.cursor)
                with closing(rows(connection, selected, cursor=cursor, low=None, size=1)) as found:
                    first = next(found, None)
        except SourceError as error:
            return Check(name=name, ok=False, detail=error.message, fix="mend the url, the grant or the view")
        wanted = {*view.stream.key, *(column for each in view.stream.mappings for column in each.columns())}
        lacking = sorted(each for each in wanted if first and each.partition(".")[0] not in first[0])
        if lacking:
            detail = f"no column {', '.join(lacking)}"
            return Check(name=name, ok=False, detail=detail, fix="mend the mapping: names are case-sensitive")
        return Check(name=name, ok=True, detail="readable" if first else "readable, no rows yet")

    def _read(self, checkpoint: Checkpoint | None) -> Generator[Batch, None, None]:
        views = (checkpoint or {}).get("views")
        after: dict[str, Json] = dict(views) if isinstance(views, dict) else {}
        broken: list[SourceUnavailable | SourceRefused] = []
        for view in self._views:
            try:
                for batch, state in self._read_view(view, after.get(view.stream.name)):
                    after[view.stream.name] = state
                    yield Batch(messages=batch.messages, unreadable=batch.unreadable, checkpoint={"views": dict(after)})
            except (SourceUnavailable, SourceRefused) as error:
                broken.append(error)
        if broken:
            raise broken[0]
        yield Batch(checkpoint={"views": dict(after)})

    def _read_view(self, view: View, before: Json) -> Iterator[tuple[Batch, Json]]:
        """Batches of one view in one snapshot. What stands in the overlap and is known is not sent again."""
        state = before if isinstance(before, dict) else {}
        mark = from_json(state.get("position"))
        known = state.get("seen")
        seen = {str(key): from_json(value) for key, value in known.items()} if isinstance(known, dict) else {}
        versions = Versions(state.get("versions"))
        fresh: list[SourceMessage] = []
        unreadable: list[Unreadable] = []

        def taken() -> tuple[Batch, Json]:
            low = view.overlap.behind(mark) if mark is not None else None
            near = {each: to_json(at) for each, at in seen.items() if at is not None and _reaches(at, low)}
            position = None if mark is None else to_json(mark)
            batch = Batch(messages=tuple(fresh), unreadable=tuple(unreadable))
            fresh.clear()
            unreadable.clear()
            return batch, {"position": position, "seen": near, "versions": versions.kept()}

        low = view.overlap.behind(mark) if mark is not None else None
        with self._database.reading() as connection:
            selected, cursor = from_clause(view.table, view.sql, view.cursor)
            for values, raw_mark in rows(connection, selected, cursor=cursor, low=low, size=view.page_size):
                at = None if raw_mark is None else self._position(raw_mark, view)
                item = self._item(view, {str(key): as_json(value) for key, value in values.items()}, at, versions)
                if at is not None:
                    capped = not_after(at, self._clock(), self._notation.time_zone)
                    mark = capped if mark is None or _reaches(capped, mark) else mark
                if isinstance(item, Unreadable):
                    unreadable.append(item)
                elif item is not None and item.source_id not in seen:
                    seen[item.source_id] = at
                    fresh.append(item)
                if len(fresh) + len(unreadable) >= view.page_size:
                    yield taken()
        if fresh or unreadable:
            yield taken()

    def _item(
        self, view: View, row: dict[str, Json], at: Position | None, versions: Versions
    ) -> SourceMessage | Unreadable | None:
        if not view.stream.concerns(row):
            return None
        received_at = self._clock()
        if at is not None:
            written = at.isoformat() if not isinstance(at, str | Decimal) else str(at)
            return view.stream.message(
                row, version=written, received_at=received_at, reported_at=self._reported(at), origin=view.stream.name
            )
        try:
            version = versions.next(view.stream.key_of(row), row)
        except UnreadableMessage:
            version = ""
        if version is None:
            return None
        return view.stream.message(row, version=version, received_at=received_at, origin=view.stream.name)

    def _position(self, raw: object, view: View) -> Position:
        try:
            return position_of(raw)
        except ValueError as error:
            raise SourceRefused(f"source {self.source}: view {view.stream.name}: {error}") from error

    def _reported(self, at: Position) -> datetime | None:
        if isinstance(at, Decimal):
            return None
        try:
            return moment(at if isinstance(at, str) else at.isoformat(), self._notation).at
        except ValueError:  # a text cursor need not be a time
            return None


def _reaches(position: Position, bound: Position | None) -> bool:
    """Whether `position` is at `bound` or behind it; both come from one column, so they are of one kind."""
    try:
        return bound is None or not position < bound  # type: ignore[operator]
    except TypeError as error:
        raise SourceRefused(f"the cursor holds values that can't be ordered: {position!r} and {bound!r}") from error
