"""Moments as the store keeps them: whole microseconds since 1970 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@overload
def stored(moment: datetime) -> int: ...
@overload
def stored(moment: None) -> None: ...
def stored(moment: datetime | None) -> int | None:
    """The exact integer of an aware moment. Raises ValueError on a naive one."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a time zone: {moment.isoformat()}")
    return (moment - _EPOCH) // _MICROSECOND


@overload
def moment(value: int) -> datetime: ...
@overload
def moment(value: None) -> None: ...
def moment(value: int | None) -> datetime | None:
    """The moment back from its integer, aware, in UTC."""
    return None if value is None else _EPOCH + timedelta(microseconds=value)
