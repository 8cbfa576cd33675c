"""What a server kept of the time that nobody listened, page by page. Imports asyncua: import it late."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from lineside_ingest.opcua.session import Session

_PAGE = 1000
_NODES_AT_ONCE = 10  # a page of each in one answer
_NEVER = datetime(1970, 1, 2, tzinfo=UTC)
_CAN_READ, _HAS_EVENTS = 1 << 2, 1 << 2  # HistoryRead, in AccessLevel and in EventNotifier


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a node's values, oldest first. whole: whether the server still has what was before them."""

    place: int
    values: Sequence[Any]
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Unkept:
    """A node of which the server keeps no history, or none of that time."""

    place: int


async def values(
    session: Session, nodes: Sequence[Any], since: Sequence[datetime], until: datetime
) -> AsyncIterator[Page | Unkept]:
    """Of each node, by its place in `nodes`, what the server kept from its `since` on."""
    access = await session.read(nodes, ua.AttributeIds.AccessLevel)
    kept = []
    for place, level in enumerate(access):
        if level.Value is not None and isinstance(level.Value.Value, int) and level.Value.Value & _CAN_READ:
            kept.append(place)
        else:  # some servers answer anyway, with nothing
            yield Unkept(place)
    session.sizes["MaxNodesPerHistoryReadData"] = min(session.sizes["MaxNodesPerHistoryReadData"], _NODES_AT_ONCE)
    for start in range(0, len(kept), _NODES_AT_ONCE):
        async for found in _some(session, nodes, since, until, kept[start : start + _NODES_AT_ONCE]):
            yield found


async def _some(
    session: Session, nodes: Sequence[Any], since: Sequence[datetime], until: datetime, places: Sequence[int]
) -> AsyncIterator[Page | Unkept]:
    since = list(since)
    points: dict[int, bytes | None] = dict.fromkeys(places)
    seen: set[int] = set()
    while points:
        asked = list(points)
        earliest = min(since[place] for place in asked)
        results = await _read(session, [(nodes[place], points[place]) for place in asked], earliest, until, pages=_PAGE)
        for place, result in zip(asked, results, strict=True):
            point, before = result.ContinuationPoint, points.pop(place)
            found = [each for each in _data(result) if _time(each) >= since[place]]
            if found or place in seen:
                whole = place in seen or _time(found[0]) <= since[place] or await _reaches(
                    session, nodes[place], since[place])  # fmt: skip
                yield Page(place, found, whole)
                seen.add(place)
            elif not point and not (
                result.StatusCode.is_good() and await _reaches(session, nodes[place], since[place])
            ):
                yield Unkept(place)
            if point and point != before:  # one that does not move would be asked for ever
                points[place] = point
            elif not point and len(found) >= _PAGE and _time(found[-1]) > since[place]:
                since[place] = _time(found[-1])  # some servers keep to the page and forget to say that there is more
                points[place] = None


async def _reaches(session: Session, node: Any, back_to: datetime) -> bool:
    """Whether the server still has a value from then or before: if so, nothing after it was thrown away."""
    [result] = await _read(session, [(node, None)], back_to, _NEVER, pages=1)
    if point := result.ContinuationPoint:  # servers keep only so many open
        await _read(session, [(node, point)], back_to, _NEVER, pages=1, release=True)
    return bool(_data(result))


async def _read(
    session: Session,
    asked: Sequence[tuple[Any, bytes | None]],
    start: datetime,
    end: datetime,
    *,
    pages: int,
    release: bool = False,
) -> list[Any]:
    async def call(part: Sequence[tuple[Any, bytes | None]]) -> Sequence[Any]:
        details = ua.ReadRawModifiedDetails(
            IsReadModified=False, StartTime=start, EndTime=end, NumValuesPerNode=pages, ReturnBounds=False
        )
        parameters = ua.HistoryReadParameters(
            HistoryReadDetails=details,
            TimestampsToReturn=ua.TimestampsToReturn.Both,
            ReleaseContinuationPoints=release,  # the library's own default asks for nothing but this
            NodesToRead=[ua.HistoryReadValueId(NodeId=node, ContinuationPoint=point) for node, point in part],
        )
        try:
            results: Sequence[Any] = await session.wire.history_read(parameters)
        except ua.UaStatusCodeError as error:
            if type(error).__name__ in ("BadHistoryOperationUnsupported", "BadServiceUnsupported", "BadNotSupported"):
                return [ua.HistoryReadResult(StatusCode=ua.StatusCode(error.code)) for _ in part]
            raise
        return results

    return await session.in_parts("MaxNodesPerHistoryReadData", asked, call)


async def events(session: Session, notifier: Any, since: datetime, until: datetime, chosen: Any) -> list[Any] | None:
    """The fields of each event that the server kept, oldest first; None where it keeps none."""
    [level] = await session.read([notifier], ua.AttributeIds.EventNotifier)
    if level.Value is None or not isinstance(level.Value.Value, int) or not level.Value.Value & _HAS_EVENTS:
        return None
    details = ua.ReadEventDetails(NumValuesPerNode=0, StartTime=since, EndTime=until, Filter=chosen)
    found: list[Any] = []
    point = None
    while True:
        parameters = ua.HistoryReadParameters(
            HistoryReadDetails=details,
            TimestampsToReturn=ua.TimestampsToReturn.Both,
            ReleaseContinuationPoints=False,
            NodesToRead=[ua.HistoryReadValueId(NodeId=notifier, ContinuationPoint=point)],
        )
        try:
            [result] = await session.wire.history_read(parameters)
        except ua.UaStatusCodeError:
            return None
        if not result.StatusCode.is_good():
            return None
        found += [each.EventFields for each in getattr(result.HistoryData, "Events", None) or []]
        if not result.ContinuationPoint or result.ContinuationPoint == point:
            return found
        point = result.ContinuationPoint


def _data(result: Any) -> list[Any]:
    return list(getattr(result.HistoryData, "DataValues", None) or []) if result.StatusCode.is_good() else []


def _time(data: Any) -> datetime:
    at: datetime | None = data.SourceTimestamp or data.ServerTimestamp
    if at is None:
        return _NEVER
    return at if at.tzinfo else at.replace(tzinfo=UTC)
