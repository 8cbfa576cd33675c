"""The days of an export as messages, under the ids that the Web API gives them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any

from lineside.connector import Batch, SourceMessage, Unreadable
from lineside.connector.http import Session
from lineside.errors import SourceRefused, UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.slack_channels.export import Export
from lineside_ingest.slack_channels.message import (
    Channel,
    ids_in,
    message_of,
    removed,
    replaced,
    ts_of,
    unreadable,
    version_of,
)
from lineside_ingest.slack_channels.people import Workspace
from lineside_ingest.slack_channels.wire import read

_AT_ONCE = 500
_HEAD = 1 << 16  # what is kept of a day that can't be read


async def read_export(
    export: Export,
    wanted: Sequence[str],
    before: Json,
    *,
    source: str,
    workspace: Workspace,
    session: Session | None,
    clock: Callable[[], datetime],
) -> AsyncIterator[tuple[Batch, Json]]:
    """(what a day holds, where the reading of the export stands then). One that was read to its end is left alone.

    Raises SourceUnavailable, or SourceRefused where it is no export or holds none of the channels.
    """
    stamp = await asyncio.to_thread(export.stamp)
    known = before if isinstance(before, dict) and before.get("stamp") == stamp else {}
    if known.get("whole"):
        return
    there = await asyncio.to_thread(export.channels)
    workspace.learn(await asyncio.to_thread(export.people), there)
    chosen = [each for each in there if each.id in wanted or each.name in wanted]
    if not chosen:
        raise SourceRefused(f"{export.path} holds none of the channels {', '.join(wanted)}", status=403)
    done = known.get("done")
    reached: dict[str, Json] = dict(done) if isinstance(done, dict) else {}
    for channel in chosen:
        for day in await asyncio.to_thread(export.days, channel):
            if day <= str(reached.get(channel.id) or ""):
                continue
            shown = workspace.shown(channel)
            items = await _items(export, day, shown, source=source, workspace=workspace, session=session, now=clock())
            for start in range(0, len(items), _AT_ONCE):
                yield _batch(items[start : start + _AT_ONCE]), {"stamp": stamp, "done": dict(reached)}
            reached[channel.id] = day
    yield Batch(), {"stamp": stamp, "whole": True}


async def _items(
    export: Export,
    day: str,
    channel: Channel,
    *,
    source: str,
    workspace: Workspace,
    session: Session | None,
    now: datetime,
) -> list[SourceMessage | Unreadable]:
    origin, content = f"{export.path.name}, {day}", day.encode()
    try:
        content = await asyncio.to_thread(export.content, day)
        raws = read(content)
    except (UnreadableMessage, ValueError) as error:
        return [Unreadable(content=content[:_HEAD], reason=str(error), origin=origin)]
    if not isinstance(raws, list):
        return [Unreadable(content=content[:_HEAD], reason="the day is no list of messages", origin=origin)]
    mentioned = {each for raw in raws if isinstance(raw, dict) for each in ids_in(raw)}
    names = await workspace.names(session, mentioned)
    found: list[SourceMessage | Unreadable] = []
    for place, raw in enumerate(raws):
        origin = f"{export.path.name}, {day}, {place + 1}"
        try:
            if not isinstance(raw, dict):
                raise UnreadableMessage("it is no object")
            ts, version = ts_of(raw), version_of(raw)
            if removed(raw):
                continue
            own = {each: names[each] for each in ids_in(raw) if each in names}
            places: dict[str, Any] = {"source": source, "channel": channel, "origin": origin, "received_at": now}
            if version:
                found.append(replaced(ts, "", by=version, **places))
            found.append(message_of(raw, names=own, **places))
        except UnreadableMessage as error:
            found.append(unreadable(raw, error.message, origin))
    return found


def _batch(items: Sequence[SourceMessage | Unreadable]) -> Batch:
    return Batch(
        messages=[each for each in items if isinstance(each, SourceMessage)],
        unreadable=[each for each in items if isinstance(each, Unreadable)],
    )
