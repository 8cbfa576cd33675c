"""What a database's values are in JSON, for every connector that reads one."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from lineside.plant.records import Json
from lineside.plant.row_values import Notation, number

_PLAIN = Notation(time_zone=UTC)


def as_json(value: object) -> Json:
    """A column's value without loss: decimals exact, times in ISO, bytes in base64, what is no number as text."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return number(str(value), _PLAIN) if value.is_finite() and abs(value.adjusted()) <= 300 else str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
        case bytes() | memoryview() | bytearray():
            return base64.b64encode(bytes(value)).decode()
        case dict():
            return {str(key): as_json(each) for key, each in value.items()}
        case list() | tuple() | set():
            return [as_json(each) for each in value]
    return str(value)


def load_exactly(connection: Any) -> None:  # psycopg's
    """From now on psycopg gives times that Python has not, such as infinity, as the texts that they are, and JSON's
    numbers as they stand."""
    from psycopg import DataError
    from psycopg.adapt import Buffer
    from psycopg.types import datetime as times
    from psycopg.types.json import set_json_loads

    def tolerant(known: type[Any]) -> type[Any]:
        class Tolerant(known):  # type: ignore[misc]
            def load(self, data: Buffer) -> object:
                try:
                    return super().load(data)
                except DataError:
                    return bytes(data).decode()

        return Tolerant

    for name, known in (
        ("date", times.DateLoader),
        ("timestamp", times.TimestampLoader),
        ("timestamptz", times.TimestamptzLoader),
    ):
        connection.adapters.register_loader(name, tolerant(known))
    set_json_loads(_exact, connection)


def _exact(text: str | bytes) -> Json:
    return as_json(json.loads(text, parse_float=Decimal))
