"""WMS and MES as SQLite databases in WAL mode, each with views that show only what has been said by now."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lineside.plant.records import Json
from lineside.simulator.facts import Fact, text_of
from lineside.simulator.tables import TABLES, Table, find, row_of


class Database:
    """The database of one source. It is built anew at each start; readers keep their place by `changed_at`."""

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self._source = source
        self._tables = [table for table in TABLES if table.source == source]
        for old in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            old.unlink(missing_ok=True)
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA journal_mode = WAL")
        for table in self._tables:
            columns = [*_row_columns(table)]
            kept = _kept(table)
            listed = ", ".join(f'"{column}"' for column in columns)
            self._connection.execute(f'CREATE TABLE "{kept}" ({listed})')
            shown = f'SELECT {listed} FROM "{kept}"'  # noqa: S608 - our own names
            self._connection.execute(f'CREATE VIEW "{table.name}" AS {shown}')
        self._connection.commit()

    def take(self, facts: Sequence[Fact]) -> None:
        """The source's facts among `facts` can be read from now on; one transaction."""
        with self._connection:
            for fact in facts:
                table = find(fact.source, fact.type, fact.data)
                if fact.source != self._source or table is None:
                    continue
                row = row_of(
                    table, fact.id.partition("/")[2], fact.data, text_of(fact.occurred_at), text_of(fact.reported_at)
                )
                slots = ", ".join("?" * len(row))
                self._connection.execute(
                    f'INSERT INTO "{_kept(table)}" VALUES ({slots})',  # noqa: S608 - our own names
                    [_cell(value) for value in row.values()],
                )

    def close(self) -> None:
        self._connection.close()


def _row_columns(table: Table) -> list[str]:
    empty: dict[str, Json] = {"entity": "x:x", "properties": {}} if table.entity else {"kind": "x"}
    return list(row_of(table, "", empty, "", ""))


def _kept(table: Table) -> str:
    return table.name.replace("v_", "log_", 1)


def _cell(value: Json) -> str | int | float | None:
    if isinstance(value, bool):
        return int(value)
    return json.dumps(value) if isinstance(value, list | dict) else value


def said_between(facts: Sequence[Fact], after: datetime | None, until: datetime) -> list[Fact]:
    """Those said after `after` (None: from the beginning) and by `until`."""
    return [fact for fact in facts if (after is None or fact.said_at > after) and fact.said_at <= until]
