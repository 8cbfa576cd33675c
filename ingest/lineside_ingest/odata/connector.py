"""The connector of OData and REST interfaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from lineside.connector import Batch, Check, Checkpoint, Options, SourceMessage, Translated, Unreadable
from lineside.connector.http import HTTP_OPTIONS, Session, read_http
from lineside.connector.rows import NOTATION_OPTIONS, Versions, read_notation, read_stream
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.odata.query import CHANGED_TYPES, PROTOCOLS, Collection, found_rows, next_link

_OPTIONS = {"protocol", "error_field", "collections", *HTTP_OPTIONS, *NOTATION_OPTIONS}
_COLLECTION_OPTIONS = {
    "path", "name", "key", "changed_field", "changed_type", "overlap_s", "page_size", "immutable", "params", "rows",
    "since_param", "offset_param", "limit_param", "mapping",
}  # fmt: skip


class OData:
    """Polls collections of an OData 4, OData 2 or REST service. See README.md."""

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
        self._protocol = read.text("protocol", "odata4", choices=PROTOCOLS)
        self._http = read_http(read, source=source, error_field=read.text("error_field", "error"))
        self._collections = [self._collection(each) for each in read.tables("collections", known=_COLLECTION_OPTIONS)]
        self._by_name = {each.stream.name: each for each in self._collections}
        if not self._collections:
            raise read.bad("collections", "is missing: a list of what to read")
        if len(self._by_name) < len(self._collections):
            raise read.bad("collections", "has two of the same name; give each its own name")

    async def check(self) -> Sequence[Check]:
        checks = []
        async with self._http.session() as session:
            for collection in self._collections:
                name = f"read {collection.stream.name}"
                try:
                    rows, _ = await self._page(session, collection, collection.path, collection.query(None, 0))
                except SourceError as error:
                    checks.append(Check(name=name, ok=False, detail=error.message, fix="mend url, credentials or path"))
                else:
                    wanted = {*collection.stream.key, *filter(None, [collection.changed_field])}
                    lacking = sorted(wanted - rows[0].keys()) if rows else []
                    detail = f"no field {', '.join(lacking)}" if lacking else f"{len(rows)} rows on the first page"
                    fix = "mend key and changed_field" if lacking else ""
                    checks.append(Check(name=name, ok=not lacking, detail=detail, fix=fix))
        return checks

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the collections show since `checkpoint`. One that fails does not keep the others from being read."""
        states = (checkpoint or {}).get("collections")
        after: dict[str, Json] = dict(states) if isinstance(states, dict) else {}
        broken: list[SourceUnavailable | SourceRefused] = []
        async with self._http.session() as session:
            for collection in self._collections:
                name = collection.stream.name
                try:
                    async for batch, state in self._read(session, collection, after.get(name)):
                        after[name] = state
                        if batch.messages or batch.unreadable:
                            position: Checkpoint = {"collections": dict(after)}
                            yield Batch(messages=batch.messages, unreadable=batch.unreadable, checkpoint=position)
                except SourceRefused as error:
                    broken.append(error)
                    if error.fields.get("status") == 401:  # every other collection would count as one more failed login
                        break
                except SourceUnavailable as error:
                    broken.append(error)
                    if error.retry_after_s is not None:  # it asked for quiet
                        break
        if broken:
            raise next((each for each in broken if isinstance(each, SourceRefused)), broken[0])
        yield Batch(checkpoint={"collections": dict(after)})

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: a polled service wants no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        collection = self._by_name.get(message.stream)
        if collection is None:
            raise UnreadableMessage(f"there is no collection {message.stream!r} in the settings any more")
        return collection.stream.records(message)

    def _collection(self, options: Options) -> Collection:
        path = options.text("path")
        stream = read_stream(
            options,
            source=self.source,
            name=options.text("name", path),
            mapping=options.raw("mapping"),
            notation=self._notation,
        )
        since_param = options.text("since_param", "")
        changed_field = options.text("changed_field", "")
        if since_param and not changed_field:
            raise options.bad("since_param", "needs changed_field, whose value it takes")
        return Collection(
            stream=stream,
            protocol=self._protocol,
            path=path.lstrip("/"),
            changed_field=changed_field,
            changed_type=options.text("changed_type", "offset", choices=CHANGED_TYPES),
            overlap_s=options.number("overlap_s", 300.0),
            page_size=int(options.number("page_size", 500, at_least=1)),
            params={str(name): str(value) for name, value in options.table("params").items()},
            rows=options.text("rows", ""),
            since_param=since_param,
            offset_param=options.text("offset_param", ""),
            limit_param=options.text("limit_param", ""),
        )

    async def _read(self, session: Session, collection: Collection, before: Json) -> AsyncIterator[tuple[Batch, Json]]:
        """A batch per page. The next page starts at the last row's mark, not at an offset: rows that change while we
        read move to the end, and an offset would then step over others."""
        reading = _Reading(collection, before, self._clock)
        since = None if reading.mark is None else collection.behind(reading.mark)
        skip, link = 0, None
        while True:
            asked = None if link else collection.query(since, skip)
            rows, following = await self._page(session, collection, link or collection.path, asked)
            batch, last = reading.take(rows)
            yield batch, reading.state()
            full = last is None or len(rows) >= collection.page_size  # what a server held back comes after its mark
            if following and following != link:
                link = following
            elif following or not rows or not collection.pages or not full:
                return
            elif collection.protocol != "rest" and last is not None and last != since:
                since, skip = last, 0
            else:
                skip += len(rows)

    async def _page(
        self, session: Session, collection: Collection, path: str, params: dict[str, str] | None
    ) -> tuple[list[dict[str, Json]], str | None]:
        answer = await session.get(path, params)
        rows = found_rows(collection, answer.json)
        if rows is None:
            raise SourceRefused(f"{self.source}: {collection.path} answers without a list of rows; set `rows`")
        return rows, next_link(collection, answer.json) or answer.link


class _Reading:
    """One collection while it is read: the mark, and what stands in the overlap and is known already."""

    def __init__(self, collection: Collection, before: Json, clock: Callable[[], datetime]) -> None:
        state = before if isinstance(before, dict) else {}
        mark, known = state.get("mark"), state.get("seen")
        self.mark = mark if isinstance(mark, str) else None
        self._collection = collection
        self._seen = {key: str(at) for key, at in known.items()} if isinstance(known, dict) else {}
        self._versions = Versions(state.get("versions"))
        self._clock = clock

    def take(self, rows: Sequence[dict[str, Json]]) -> tuple[Batch, str | None]:
        """(what is new among the rows, the last row's mark)."""
        messages: list[SourceMessage] = []
        unreadable: list[Unreadable] = []
        last = None
        for row in rows:
            changed = self._collection.changed(row)
            last = changed or last
            item = self._item(row, changed)
            if changed is not None:
                self.mark = self._collection.later(self.mark, self._collection.not_after(changed, self._clock()))
            if isinstance(item, Unreadable):
                unreadable.append(item)
            elif item is not None and item.source_id not in self._seen:
                messages.append(item)
                if changed is not None:
                    self._seen[item.source_id] = changed
        return Batch(messages=messages, unreadable=unreadable), last

    def state(self) -> Json:
        low = None if self.mark is None else self._collection.behind(self.mark)
        near: dict[str, Json] = {
            each: at for each, at in self._seen.items() if low is None or self._collection.reaches(at, low)
        }
        return {"mark": self.mark, "seen": near, "versions": self._versions.kept()}

    def _item(self, row: dict[str, Json], changed: str | None) -> SourceMessage | Unreadable | None:
        stream = self._collection.stream
        if not stream.concerns(row):
            return None
        version = changed
        if version is None:
            try:
                version = self._versions.next(stream.key_of(row), row)
            except UnreadableMessage:
                version = ""
            if version is None:
                return None
        return stream.message(
            row,
            version=version,
            received_at=self._clock(),
            reported_at=self._collection.moment(changed),
            origin=self._collection.path,
        )
