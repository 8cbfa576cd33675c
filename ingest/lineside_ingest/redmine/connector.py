"""The connector of Redmine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
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
)
from lineside.connector.http import Session, read_http
from lineside.connector.refusals import Refusals
from lineside.connector.rows import RowStream, read_notation
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.exact_json import read_json
from lineside.plant.mapping import read_mapping
from lineside.plant.row_values import Notation
from lineside_ingest.redmine.asking import AT_ONCE, Asking, number
from lineside_ingest.redmine.meaning import preset, read_meaning
from lineside_ingest.redmine.scan import Reading, State, WentBack, read_state, recognised, scan
from lineside_ingest.redmine.tickets import STREAMS

_OPTIONS = {
    "url", "api_key", "projects", "kinds", "about", "started", "use", "streams", "private_issues", "private_notes",
    "overlap_s", "page_size", "time_zone", "headers", "timeout_s",
}  # fmt: skip
_HTTP = {"url", "headers", "timeout_s"}


class Redmine:
    """Polls the tickets of a Redmine. See README.md."""

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
        http = Options(source, {name: value for name, value in options.items() if name in _HTTP}, known=_HTTP)
        self._http = read_http(http, source=source, error_field="", headers={"X-Redmine-API-Key": read.text("api_key")})
        self._places = read.texts("projects") or ("",)
        self._meaning = read_meaning(read, source=source)
        self._streams = _streams(read, source=source, notation=read_notation(read, time_zone))
        self._use = read.texts("use") or STREAMS
        if unknown := [each for each in self._use if each not in STREAMS]:
            raise read.bad("use", f"names {unknown[0]!r}; there are: {', '.join(STREAMS)}")
        self._private_issues = read.flag("private_issues")
        self._private_notes = read.flag("private_notes")
        self._overlap_s = read.number("overlap_s", 300.0)
        self._page_size = min(AT_ONCE, int(read.number("page_size", 50, at_least=1)))
        self._refusals = Refusals()
        self._epoch = 0

    async def check(self) -> Sequence[Check]:
        fix = "mend url or api_key; the key stands on the user's page My account"
        checks = []
        async with self._http.session() as session:
            asking = Asking(session, source=self.source)
            try:
                user = await asking.signed_in()
            except SourceError as error:
                return [Check(name="sign in", ok=False, detail=error.message, fix=fix)]
            rights = ", an administrator, who sees everything: better one of its own" if user["admin"] else ""
            checks.append(Check(name="sign in", ok=True, detail=f"as {user['login']}{rights}"))
            for place in self._places:
                name = f"read {place or 'all projects'}"
                try:
                    found = len((await asking.page(place, size=self._page_size)).rows)
                except SourceError as error:
                    fix = "give the user a role in the project that may view tickets, or leave it out of projects"
                    checks.append(Check(name=name, ok=False, detail=error.message, fix=fix))
                else:
                    fix = "" if found else "the user sees no ticket: give it a role that may view tickets"
                    detail = f"{found} tickets on the first page"
                    checks.append(Check(name=name, ok=bool(found), detail=detail, fix=fix))
        return checks

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What changed since `checkpoint`. A project that fails does not keep the others from being read."""
        state = read_state(checkpoint or {})
        troubles: list[Trouble] = []
        async with self._http.session() as session:
            reading = self._reading(session)
            await reading.asking.signed_in()
            anew = await recognised(reading, state)
            while True:
                self._epoch = state.epoch
                if anew:
                    troubles.append(Trouble(kind=TroubleKind.EPOCH, reason=anew, passing=True))
                try:
                    async for batch in self._read(reading, state, troubles):
                        yield batch
                    break
                except WentBack as went:
                    state.anew(self._places)
                    anew = f"{went}; everything is read anew"
        yield Batch(checkpoint=state.kept(), troubles=troubles)

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: a polled service wants no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        stream = self._streams.get(message.stream)
        if stream is None:
            raise UnreadableMessage(f"there is no stream {message.stream!r}")
        try:
            row = read_json(message.content.decode())
        except ValueError as error:
            raise UnreadableMessage(str(error)) from error
        if not isinstance(row, dict):
            raise UnreadableMessage("the message is no ticket")
        seen = json.dumps(self._meaning.seen(message.stream, row), ensure_ascii=False)
        return stream.records(replace(message, content=seen.encode()))

    async def listing(self) -> AsyncIterator[Listed]:
        """The ids of all tickets, for each stream: every ticket has something in each."""
        ids: set[str] = set()
        async with self._http.session() as session:
            reading = self._reading(session)
            await reading.asking.signed_in()
            for place in self._places:
                try:
                    ids |= {str(number(row)) async for row in reading.asking.every(place) if reading.ours(row)}
                except SourceRefused as error:
                    if error.fields.get("status") == 401:
                        raise
                    return  # what a project has that we may not see now is not gone
            await reading.asking.signed_in()  # without the key Redmine would have listed what is public
        for name in self._use:
            yield Listed(stream=name, keys=frozenset(ids))

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        """What the stream says of those tickets now."""
        messages: list[SourceMessage] = []
        gone = []
        async with self._http.session() as session:
            reading = self._reading(session)
            await reading.asking.signed_in()
            for key in keys:
                ticket = await reading.asking.ticket(int(key)) if key.isascii() and key.isdecimal() else None
                if ticket is None or not reading.ours(ticket):
                    gone.append(Gone(stream=stream, key=key))
                else:
                    messages += [each for each in await reading.told(ticket, self._epoch) if each.stream == stream]
            await reading.asking.signed_in()
        return Batch(messages=messages, gone=gone)

    def _reading(self, session: Session) -> Reading:
        return Reading(
            asking=Asking(session, source=self.source),
            source=self.source,
            url=self._http.url,
            places=self._places,
            use=self._use,
            now=self._clock,
            private_issues=self._private_issues,
            private_notes=self._private_notes,
            overlap_s=self._overlap_s,
            page_size=self._page_size,
        )

    async def _read(self, reading: Reading, state: State, troubles: list[Trouble]) -> AsyncIterator[Batch]:
        down: list[SourceUnavailable] = []
        for place in self._places:
            if self._refusals.lately(place):
                continue
            try:
                async for batch in scan(reading, place, state):
                    if not batch.empty:
                        yield batch
            except SourceRefused as error:
                self._refusals.note(place, error)
            except SourceUnavailable as error:
                if error.retry_after_s is not None or "status" not in error.fields:
                    raise  # the whole host is away, or asks for quiet
                down.append(error)
                troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=error.message, stream=place))
        self._refusals.raise_where_nothing_was_read(len(self._places), down)
        troubles += self._refusals.troubles()
        if reading.ahead:
            reason = "tickets are stamped ahead of our clock: one of the two clocks is wrong"
            troubles.append(Trouble(kind=TroubleKind.SKEW, reason=reason))


def _streams(options: Options, *, source: str, notation: Notation) -> dict[str, RowStream]:
    """Each stream by the plant's mapping, else by the shipped one. Raises BadSettings."""
    mappings = {each["name"]: read_mapping(each["mapping"]) for each in preset()["streams"]}
    for own in options.tables("streams", known={"name", "mapping"}):
        name = own.text("name", choices=STREAMS)
        try:
            mappings[name] = read_mapping(own.raw("mapping"))
        except ValueError as error:
            raise own.bad("mapping", str(error)) from error
    return {
        name: RowStream(source=source, name=name, key=(), mappings=found, notation=notation)
        for name, found in mappings.items()
    }
