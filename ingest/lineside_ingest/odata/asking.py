"""How a collection's rows are fetched: page by page, smaller pages where they are too large, no row stepped over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from urllib.parse import urljoin

from lineside.connector import Batch, Trouble, TroubleKind
from lineside.connector.http import Session, at
from lineside.connector.rows import split
from lineside.errors import SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.odata.query import Collection, Page, read_page
from lineside_ingest.odata.reading import Reading, Row
from lineside_ingest.odata.schema import Schema, read_metadata

SCHEMA_S = 3600.0
SMALLEST_SLOW_PAGE = 20
BEGINNINGS = 3
TRACK_CHANGES = {"Prefer": "odata.track-changes"}


class Asking:
    """What was learnt of the service is remembered: its schema for an hour, and how large its pages may be."""

    def __init__(self, source: str, *, clock: Callable[[], float]) -> None:
        self._source = source
        self._clock = clock
        self._schemas: dict[str, tuple[float, Schema]] = {}
        self._slow: dict[str, int] = {}

    def remembers(self, collection: Collection) -> bool:
        """Whether the collection's schema is known from an earlier read."""
        return collection.metadata in self._schemas

    def forget(self, collection: Collection) -> None:
        self._schemas.pop(collection.metadata, None)

    async def known(self, session: Session, collection: Collection) -> Collection:
        """The collection with what $metadata says of it; a service that shows none is read as it comes."""
        if not collection.metadata:
            return collection.known(None)
        found = self._schemas.get(collection.metadata)
        if found is None or self._clock() - found[0] > SCHEMA_S:
            found = (self._clock(), await self._metadata(session, collection))
            self._schemas[collection.metadata] = found
        return collection.known(found[1].of(collection.path.rpartition("/")[2], collection.each))

    async def page(
        self,
        session: Session,
        collection: Collection,
        ask: Callable[[int], Mapping[str, str]],
        *,
        link: str | None = None,
        reading: Reading | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """One page: where `link` leads, else what `ask` says for a size; where that is too much, a smaller one."""
        while True:
            size = self._size(collection, reading)
            path = urljoin(collection.path, link) if link else collection.path
            try:
                answer = await session.get(path, None if link else ask(size), headers=headers)
            except SourceUnavailable as error:
                if error.fields.get("too_much") and not link and size > 1 and reading is not None:
                    reading.most = size // 2
                    continue
                if error.fields.get("too_much") and not link:
                    raise SourceRefused(f"{error.message}, though one row was asked for", status=413) from error
                if error.fields.get("slow"):
                    self._slow[collection.name] = max(min(size, SMALLEST_SLOW_PAGE), size // 2)
                raise
            page = read_page(collection, answer.json, answer.link)
            if page is None:
                raise SourceRefused(f"{self._source}: {collection.path} answers without a list of rows; set `rows`")
            return page

    async def first(self, session: Session, collection: Collection) -> Page:
        """The first page of everything."""
        return await self.page(session, collection, lambda size: collection.query(None, 0, size))

    async def changes(
        self, session: Session, collection: Collection, reading: Reading, troubles: list[Trouble]
    ) -> AsyncIterator[Batch]:
        """A batch for each page of what changed since the reading's mark, or since its delta link."""
        pages = self._deltas(session, collection, reading, troubles) if collection.delta else None
        if pages is None:
            pages = self._marked(session, collection, reading)
        async for page in pages:
            news = reading.news(page.rows)
            whole = [(row, await self._at(session, collection, row) if collection.whole else row) for row in news]
            yield reading.take(page.rows, [(row, one) for row, one in whole if one is not None], page.removed)
        if collection.name in self._slow:
            self._slow[collection.name] *= 2

    async def keys(self, session: Session, collection: Collection) -> AsyncIterator[str]:
        """Every key that the collection has."""
        async for page in self._skipped(session, collection, collection.keys, None):
            for row in page.rows:
                try:
                    yield collection.stream.key_of(row)
                except UnreadableMessage:  # it is a dead letter when it is read
                    continue

    async def those(self, session: Session, collection: Collection, keys: Sequence[str]) -> list[Row]:
        """The rows with these keys that the service has; a key of another number of parts is nobody's."""
        keys = [key for key in keys if len(split(key, len(collection.stream.key))) == len(collection.stream.key)]
        if not keys:
            return []
        if collection.protocol == "rest":
            names = collection.stream.key
            heads = [dict(zip(names, split(key, len(names)), strict=True)) for key in keys]
            found = [await self._at(session, collection, {**head}) for head in heads]
            return [row for row in found if row is not None]
        return list((await self.page(session, collection, lambda _: collection.those(keys))).rows)

    async def _marked(self, session: Session, collection: Collection, reading: Reading) -> AsyncIterator[Page]:
        """The next page starts at the last row's mark, not at an offset: rows that change while we read move to the
        end, and an offset would then step over others."""
        if not collection.by_mark:
            since = reading.since
            asked = lambda skip, size: collection.query(since, skip, size)  # noqa: E731
            async for page in self._skipped(session, collection, asked, reading):
                yield page
            return
        since, skip = reading.since, 0
        links: set[str] = set()
        link = None
        while True:
            ask = lambda size, since=since, skip=skip: collection.query(since, skip, size)  # noqa: E731
            page = await self.page(session, collection, ask, link=link, reading=reading)
            yield page
            last = next((each for row in reversed(page.rows) if (each := collection.changed(row)) is not None), None)
            full = last is None or len(page.rows) >= self._size(collection, reading)
            link = page.following
            if link is not None:
                if link in links:
                    return
                links.add(link)
            elif not page.rows or not full:  # what a server held back comes after its mark
                return
            elif last is not None and last != since:
                since, skip = last, 0
            else:
                skip += len(page.rows)

    async def _skipped(
        self,
        session: Session,
        collection: Collection,
        asked: Callable[[int, int], Mapping[str, str]],
        reading: Reading | None,
    ) -> AsyncIterator[Page]:
        """Pages by offset, each beginning with the last row of the one before: else rows moved meanwhile, and all is
        read from the start."""
        steady = collection.protocol != "rest" or collection.ordered
        for _ in range(BEGINNINGS):
            skip, before, link = 0, None, None
            links: set[str] = set()
            while True:
                back = 1 if steady and skip and link is None else 0
                ask = lambda size, skip=skip - back, more=back: asked(skip, size + more)  # noqa: E731
                page = await self.page(session, collection, ask, link=link, reading=reading)
                keys = [tuple(row.get(name) for name in collection.order_key) for row in page.rows]
                if back and (not keys or keys[0] != before):
                    break
                yield Page(rows=page.rows[back:], removed=page.removed)
                link = page.following
                if link is not None and link not in links:
                    links.add(link)
                elif link is not None or len(page.rows) <= back or not collection.pages:
                    return
                skip += len(page.rows) - back
                before = keys[-1]
        raise SourceUnavailable(
            f"{self._source}: {collection.path} changes too fast to be read page by page", slow=True
        )

    async def _deltas(
        self, session: Session, collection: Collection, reading: Reading, troubles: list[Trouble]
    ) -> AsyncIterator[Page]:
        """What a delta link shows; where the service has forgotten it, everything, and a link for the next time."""
        link, first = reading.delta, reading.delta is None
        while True:
            try:
                page = await self.page(
                    session, collection, lambda _: collection.first_delta(), link=link, headers=TRACK_CHANGES
                )
            except SourceRefused as error:
                if first or error.fields.get("status") not in {400, 404, 410}:
                    raise
                reason = "it no longer knows what changed since the last read; everything is read again"
                troubles.append(Trouble(kind=TroubleKind.EPOCH, reason=reason, stream=collection.name, passing=True))
                link, first, reading.delta = None, True, None
                continue
            reading.delta = page.delta or reading.delta
            yield page
            if page.following is None or page.following == link:
                return
            link, first = page.following, True

    async def _metadata(self, session: Session, collection: Collection) -> Schema:
        params = {name: value for name, value in collection.params.items() if not name.startswith("$")}
        try:
            return read_metadata(await session.text(collection.metadata, params, accept="application/xml"))
        except SourceRefused as error:
            if error.fields.get("status") == 401:
                raise
        except SourceUnavailable as error:
            if not error.fields.get("too_much"):
                raise
        except ValueError:
            pass
        return Schema(sets={}, types={})

    async def _at(self, session: Session, collection: Collection, head: Row) -> Row | None:
        path = collection.path_of(head)
        try:
            answer = await session.get(path)
        except SourceRefused as error:
            if error.fields.get("status") in {404, 410}:
                return None
            raise
        found: Json = at(answer.json, collection.one_at) if collection.one_at else answer.json
        if not isinstance(found, dict):
            raise SourceRefused(f"{self._source}: {path} holds no object; set `one_at`")
        return found

    def _size(self, collection: Collection, reading: Reading | None) -> int:
        most = reading.most if reading is not None else collection.page_size
        return max(1, min(collection.page_size, most, self._slow.get(collection.name, collection.page_size)))
