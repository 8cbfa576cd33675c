"""Events pushed over HTTP: one, a batch of them, or one in binary mode with its attributes in `ce-` headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote

from lineside.connector import Batch, SourceMessage, Unreadable
from lineside.errors import BadRequest
from lineside.plant.exact_json import read_json
from lineside_ingest.open_records.envelope import CONTENT_TYPE, message
from lineside_ingest.open_records.files import array_of_events

BATCH_TYPE = "application/cloudevents-batch+json"


def messages_from_push(
    source: str, body: bytes, content_type: str, *, received_at: datetime, headers: Mapping[str, str] | None = None
) -> Batch:
    """The events of one request to the door of `source`; an event that names another source is unreadable.

    Raises BadRequest where the request holds no events at all.
    """

    def read(content: bytes, origin: str) -> SourceMessage | Unreadable:
        return message(content, origin=origin, received_at=received_at, default_source=source, only_source=source)

    kind = content_type.partition(";")[0].strip().lower()
    attributes = {k.lower()[3:]: unquote(v) for k, v in (headers or {}).items() if k.lower().startswith("ce-")}
    if "specversion" in attributes and kind in {"application/json", ""}:
        item = read(_structured(attributes, body), "push")
    elif kind in {CONTENT_TYPE, "application/json", BATCH_TYPE}:
        if not body.strip():
            raise BadRequest("the request's body is empty; send one CloudEvent as JSON, or a list of them")
        if kind == BATCH_TYPE or (kind == "application/json" and body.lstrip()[:1] == b"["):
            return array_of_events(body, "push", read)
        item = read(body, "push")
    else:
        raise BadRequest(f"content type {content_type!r} is none of {CONTENT_TYPE}, {BATCH_TYPE}, application/json")
    return Batch(messages=[item]) if isinstance(item, SourceMessage) else Batch(unreadable=[item])


def _structured(attributes: Mapping[str, str], body: bytes) -> bytes:
    """The one way in which an event is kept, whatever mode it came in."""
    try:
        read_json(body.decode())
    except ValueError as error:
        raise BadRequest(f"the body is not the event's data as JSON: {error}") from error
    head = json.dumps(dict(sorted(attributes.items())), ensure_ascii=False).encode()
    return head[:-1] + b', "data": ' + body.strip() + b"}"
