"""The connector of OData and REST interfaces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from time import monotonic
from typing import Any

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
    Gone,
    Listed,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
    Unreadable,
)
from lineside.connector.http import Session, at, read_http
from lineside.connector.refusals import Refusals
from lineside.connector.rows import read_notation
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant import row_values
from lineside.plant.records import Json
from lineside_ingest.odata.asking import Asking
from lineside_ingest.odata.presets import PRESETS, with_preset
from lineside_ingest.odata.query import PROTOCOLS, Collection
from lineside_ingest.odata.reading import Reading
from lineside_ingest.odata.settings import COLLECTION_OPTIONS, OPTIONS, read_collection

KEYS_AT_ONCE = 20


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
        own = Options(source, options, known=OPTIONS)
        own.text("preset", "", choices=("", *PRESETS))
        own.texts("use")
        try:
            read = Options(source, with_preset(options), known=OPTIONS)
        except ValueError as error:
            raise own.bad("use", str(error)) from error
        notation = read_notation(read, time_zone)
        protocol = read.text("protocol", "odata4", choices=PROTOCOLS)
        self._http = read_http(read, source=source, error_field=read.text("error_field", "error"))
        self._epoch = (read.text("epoch_path", ""), read.text("epoch_field", ""))
        shared = {str(name): str(value) for name, value in read.table("params").items()}
        self._collections = [
            read_collection(each, source=source, protocol=protocol, notation=notation, params=shared)
            for each in read.tables("collections", known=COLLECTION_OPTIONS)
        ]
        self._by_name = {each.name: each for each in self._collections}
        if not self._collections:
            raise read.bad("collections", "is missing: a list of what to read")
        if len(self._by_name) < len(self._collections):
            raise read.bad("collections", "has two of the same name; give each its own name")
        self._collections.sort(key=lambda each: not each.gone_key)  # what is gone first: it may be back by now
        self._asking = Asking(source, clock=monotonic)
        self._refusals = Refusals()

    async def check(self) -> Sequence[Check]:
        checks = []
        async with self._http.session() as session:
            for each in self._collections:
                name = f"read {each.name}"
                try:
                    collection = await self._asking.known(session, each)
                    page = await self._asking.first(session, collection)
                except SourceError as error:
                    checks.append(Check(name=name, ok=False, detail=error.message, fix="mend url, credentials or path"))
                    if error.fields.get("status") == 401:  # every other collection would be one more failed login
                        break
                else:
                    wrong = [*_wrong(collection, page.rows[0] if page.rows else None)]
                    detail = "; ".join(wrong) or f"{len(page.rows)} rows on the first page"
                    fix = "mend key, changed_field, expand and mapping" if wrong else ""
                    checks.append(Check(name=name, ok=not wrong, detail=detail, fix=fix))
        return checks

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the collections show since `checkpoint`. One that fails does not keep the others from being read."""
        troubles: list[Trouble] = []
        down: list[SourceUnavailable] = []
        async with self._http.session() as session:
            epoch, after = await self._since(session, checkpoint or {}, troubles)
            for collection in self._collections:
                name = collection.name
                if self._refusals.lately(name):
                    continue
                try:
                    async for batch, state in self._read(session, collection, after.get(name), troubles):
                        after[name] = state
                        if not batch.empty:
                            yield Batch(
                                messages=batch.messages, unreadable=batch.unreadable, gone=batch.gone,
                                checkpoint={"epoch": epoch, "collections": dict(after)},
                            )  # fmt: skip
                except SourceRefused as error:
                    self._refusals.note(name, error)
                except SourceUnavailable as error:
                    asks_for_quiet = error.retry_after_s is not None
                    if asks_for_quiet or not error.fields.keys() & {"status", "slow", "too_much"}:
                        raise  # the whole host is away
                    down.append(error)
                    troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=error.message, stream=name))
        self._refusals.raise_where_nothing_was_read(len(self._collections), down)
        troubles += self._refusals.troubles()
        yield Batch(checkpoint={"epoch": epoch, "collections": dict(after)}, troubles=troubles)

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: a polled service wants no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        collection = self._by_name.get(message.stream)
        if collection is None:
            raise UnreadableMessage(f"there is no collection {message.stream!r} in the settings any more")
        return collection.stream.records(message)

    async def listing(self) -> AsyncIterator[Listed]:
        """The keys of each collection that can be listed; one that is refused is left out."""
        async with self._http.session() as session:
            for each in self._collections:
                if not each.listed or self._refusals.lately(each.name):
                    continue
                try:
                    collection = await self._asking.known(session, each)
                    keys = {key async for key in self._asking.keys(session, collection)}
                except SourceRefused as error:
                    if error.fields.get("status") == 401:
                        raise
                    continue
                yield Listed(stream=each.name, keys=frozenset(keys))

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        """Those rows as they are now. Of a plain REST service only where `one` says where a thing stands."""
        async with self._http.session() as session:
            collection = await self._asking.known(session, self._by_name[stream])
            if collection.each or (collection.protocol == "rest" and not collection.one):
                return Batch()
            rows: list[dict[str, Json]] = []
            for start in range(0, len(keys), KEYS_AT_ONCE):
                rows += await self._asking.those(session, collection, keys[start : start + KEYS_AT_ONCE])
        found = {}
        for row in rows:
            changed = collection.changed(row)
            item = collection.stream.message(
                row,
                version=changed or "1",
                received_at=self._clock(),
                reported_at=collection.moment(changed),
                origin=collection.path,
            )
            found[item.key if isinstance(item, SourceMessage) else ""] = item
        return Batch(
            messages=[each for each in found.values() if isinstance(each, SourceMessage)],
            unreadable=[each for each in found.values() if isinstance(each, Unreadable)],
            gone=[Gone(stream=stream, key=key) for key in keys if key not in found],
        )

    async def _since(
        self, session: Session, checkpoint: Checkpoint, troubles: list[Trouble]
    ) -> tuple[str, dict[str, Json]]:
        """(which database this is, where each collection goes on): another database is read from its start."""
        states = checkpoint.get("collections")
        after: dict[str, Json] = dict(states) if isinstance(states, dict) else {}
        path, field = self._epoch
        if not path:
            return "", after
        now = row_values.text(at((await session.get(path)).json, field))
        before = checkpoint.get("epoch")
        if not now:
            raise SourceRefused(f"{self.source}: {path} has nothing at {field!r}; mend epoch_path and epoch_field")
        if not before or before == now:
            return now, after
        reason = f"it is another database: {field} was {before} and is {now}; everything is read anew"
        troubles.append(Trouble(kind=TroubleKind.EPOCH, reason=reason, passing=True))
        kept = {name: {"versions": state.get("versions")} for name, state in after.items() if isinstance(state, dict)}
        return now, {**kept}

    async def _read(
        self, session: Session, configured: Collection, before: Json, troubles: list[Trouble]
    ) -> AsyncIterator[tuple[Batch, Json]]:
        """A batch per page, each with the state after it. A refusal may come from an outdated idea of the schema."""
        while True:
            fresh = not self._asking.remembers(configured)
            collection = await self._asking.known(session, configured)
            reading = Reading(collection, before, self._clock, frozenset(self._by_name))
            try:
                async for batch in self._asking.changes(session, collection, reading, troubles):
                    before = reading.state()
                    yield batch, before
            except SourceRefused as error:
                if fresh or error.fields.get("status") == 401 or not configured.metadata:
                    raise
                self._asking.forget(configured)
            else:
                break
        yield Batch(), reading.state()
        if reading.drift:
            reason = f"{'; '.join(reading.drift)}: mend its mapping"
            troubles.append(Trouble(kind=TroubleKind.DRIFT, reason=reason, stream=collection.name))


def _wrong(collection: Collection, row: Mapping[str, Json] | None) -> Iterator[str]:
    """What the settings ask for and the service does not have."""
    entity = collection.entity
    absent = collection.absent
    if entity is None and row is not None:
        wanted = {*collection.stream.key, *collection.changed_fields}
        fixed = {*collection.stream.lacking(row)} if collection.stream.fixed and not collection.each else set()
        absent = sorted((wanted | fixed) - row.keys()) if not collection.whole else []
    if absent:
        yield f"no field {', '.join(absent)}"
    if entity is None:
        return
    for name in collection.changed_fields:
        if name in entity.properties and not entity.properties[name].filterable:
            yield f"{name} can't be filtered by: leave changed_field out, or name another"
    expanded = {part for each in collection.expand for part in each.split("/")}
    for name in collection.columns:
        if name in entity.navigation and name not in expanded:
            yield f"{name} is another entity: name it in expand"
    for name in collection.expand:
        if name.partition("/")[0] not in entity.navigation:
            yield f"nothing to expand at {name}"
