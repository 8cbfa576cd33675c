"""The connector of webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from fnmatch import fnmatchcase
from typing import Any

from lineside.connector import (
    Aside,
    Batch,
    Check,
    Checkpoint,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
    Unreadable,
)
from lineside.connector.rows import NOTATION_OPTIONS, RowStream, joined, read_notation, read_stream
from lineside.errors import BadRequest
from lineside.plant import row_values
from lineside.plant.mapping import value_of
from lineside.plant.row_values import Notation
from lineside_ingest.webhook import deliveries
from lineside_ingest.webhook.deliveries import Delivered
from lineside_ingest.webhook.signature import SIGNATURE_OPTIONS, read_signing

_OPTIONS = {
    "streams", "stream_header", "stream_field", "headers", "largest_kb", *SIGNATURE_OPTIONS, *NOTATION_OPTIONS,
}  # fmt: skip
_STREAM_OPTIONS = {"name", "matches", "id", "fixed", "mapping"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One kind of delivery. matches: patterns of what the kind is called. own_id: the columns that name it."""

    rows: RowStream
    matches: tuple[str, ...]
    own_id: tuple[str, ...]


class Webhook:
    """Takes what is posted to `POST /api/v1/ingest/<source>`. See README.md."""

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
        self._signing = read_signing(read)
        self._largest = int(read.number("largest_kb", 1024, at_least=1)) * 1024
        self._stream_header = read.text("stream_header", "").lower()
        self._stream_field = read.text("stream_field", "")
        if self._stream_header and self._stream_field:
            raise read.bad("stream_field", "or stream_header: not both")
        named = [each.lower() for each in read.texts("headers")]
        self._headers = tuple(dict.fromkeys([*named, *([self._stream_header] if self._stream_header else [])]))
        for wrong in (self._signing.header, self._signing.token_header):
            if wrong and wrong.lower() in self._headers:
                raise read.bad("headers", f"must not keep {wrong}: it is the sender's proof")
        notation = read_notation(read, time_zone)
        tables = read.tables("streams", known=_STREAM_OPTIONS)
        self._streams = {stream.rows.name: stream for stream in (self._stream(each, notation) for each in tables)}
        if not tables:
            raise read.bad("streams", "is missing: a list of tables, each with a mapping")
        if len(self._streams) < len(tables):
            raise read.bad("streams", "has two streams of the same name; give each its own name")
        if len(tables) > 1 and not (self._stream_header or self._stream_field):
            raise read.bad("streams", "are several: stream_header or stream_field must tell them apart")

    @property
    def verifies(self) -> bool:
        """Whether its senders prove themselves to it, so that they need no token of ours."""
        return self._signing.required

    async def check(self) -> Sequence[Check]:
        how = "by its sender's signature" if self._signing.keys else "by its sender's token"
        detail = f"waits for POST /api/v1/ingest/{self.source}, known {how}"
        if not self.verifies:
            detail = f"waits for POST /api/v1/ingest/{self.source} with a token: lineside token --source {self.source}"
        return [Check(name="push", ok=True, detail=detail)]

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """Nothing: a webhook comes by itself."""
        del checkpoint
        return
        yield Batch()

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: the sender's answer is sent after the commit."""

    def receive(self, body: bytes, headers: Mapping[str, str]) -> Batch:
        """What one request brought. Raises NotPermitted where it isn't the sender's, BadRequest where it is too large:
        nothing of such a request is kept."""
        if len(body) > self._largest:
            raise BadRequest(f"the request is larger than {self._largest // 1024} KB")
        plain = {name.lower(): value for name, value in headers.items()}
        now = self._clock()
        ahead = self._signing.verify(body, plain, now)
        delivery = plain.get(self._signing.id_header.lower(), "") if self._signing.id_header else ""
        kept = {name: plain[name] for name in self._headers if name in plain}
        found = deliveries.rows_of(body, plain, kept=kept, delivery=delivery)
        items = [self._item(each, kept, now) for each in found]
        return Batch(
            messages=[each for each in items if isinstance(each, SourceMessage)],
            unreadable=[each for each in items if isinstance(each, Unreadable)],
            troubles=self._skew(ahead),
        )

    def translate(self, message: SourceMessage) -> Translated:
        stream = self._streams.get(message.stream)
        if stream is None:
            return Aside(reason=f"no stream of the settings takes {message.stream or 'such deliveries'}")
        return stream.rows.records(message)

    def _stream(self, options: Options, notation: Notation) -> Stream:
        name = options.text("name", self.source)
        rows = read_stream(
            options, source=self.source, name=name, mapping=options.raw("mapping"), notation=notation, key_needed=False
        )
        return Stream(
            rows=replace(rows, fixed=options.flag("fixed")),
            matches=options.texts("matches") or (name,),
            own_id=options.texts("id"),
        )

    def _item(self, each: Delivered, kept: Mapping[str, str], now: datetime) -> SourceMessage | Unreadable:
        origin = each.id or "push"
        if each.unreadable:
            return Unreadable(content=each.content, reason=each.unreadable, origin=origin)
        kind, stream = self._kind(each, kept)
        own = deliveries.named(each.row, stream.own_id) if stream else []
        if stream and not all(own):
            empty = ", ".join(column for column, part in zip(stream.own_id, own, strict=True) if not part)
            return Unreadable(content=each.content, reason=f"its id is empty: {empty}", origin=origin)
        occurred_at = _time(each)
        name = joined(own) if own else each.id or f"~{deliveries.digest(each.content)}"
        return SourceMessage(
            source=self.source,
            source_id=f"{stream.rows.name}/{name}" if stream else name,
            content=each.content,
            received_at=now,
            stream=stream.rows.name if stream else kind,
            origin=origin,
            occurred_at=occurred_at,
            reported_at=occurred_at,
        )

    def _kind(self, each: Delivered, kept: Mapping[str, str]) -> tuple[str, Stream | None]:
        """(what the sender calls this kind of delivery, the stream that takes it)."""
        if not (self._stream_header or self._stream_field):
            return "", next(iter(self._streams.values()))
        field = value_of(each.row, self._stream_field) if self._stream_field else None
        kind = kept.get(self._stream_header, "") if self._stream_header else row_values.text(field)
        for stream in self._streams.values():
            if any(fnmatchcase(kind, pattern) for pattern in stream.matches):
                return kind, stream
        return kind, None

    def _skew(self, ahead: float | None) -> Sequence[Trouble] | None:
        if ahead is None or abs(ahead) < self._signing.tolerance_s / 2:
            return None
        reason = f"the sender's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} ours"
        fix = f"past {self._signing.tolerance_s:.0f} s its requests are refused"
        return (Trouble(kind=TroubleKind.SKEW, reason=f"{reason}; {fix}", passing=True),)


def _time(each: Delivered) -> datetime | None:
    """When a CloudEvent says that it happened; None where it says nothing that can be read."""
    written = each.row.get("ce.time")
    try:
        found = datetime.fromisoformat(written) if isinstance(written, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
