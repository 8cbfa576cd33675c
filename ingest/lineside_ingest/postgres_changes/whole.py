"""A table read whole, in one state of the database that is known, so that its changes can be told from then on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lineside.connector import Batch, SourceMessage, Unreadable
from lineside.errors import SourceRefused, UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.postgres_changes.following import MOST, Followed, Place, Row, Table
from lineside_ingest.postgres_changes.server import Session, in_full, quoted
from lineside_ingest.postgres_changes.standing import Found
from lineside_ingest.postgres_changes.wire import lsn_of

_STATE = """
SELECT pg_current_snapshot()::text AS snapshot, clock_timestamp() AS now,
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END::text AS written
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One table as it is now."""

    table: Table
    found: Found
    session: Session
    clock: Callable[[], datetime]

    def batches(self, place: Place) -> Generator[Batch, None, None]:
        """Its rows; it is followed from `place` when all were told. Raises SourceRefused where its key is not there."""
        if missing := [name for name in self.table.stream.key if name not in self.found.columns]:
            raise SourceRefused(f"{self.table.name} has no key column {', '.join(missing)}: mend key, or the table")
        with self.session.transaction(one_state=True):
            [state] = self.session.asked(_STATE)
            for rows in self._rows(self.found.columns):
                items = [self._message(xid, row, state["now"]) for xid, row in rows]
                yield replace(_batch(items), checkpoint=place.checkpoint())
        place.tables[self.table.stream.name] = Followed(
            oid=self.found.oid,
            columns=dict(self.found.columns),
            snapshot=state["snapshot"],
            until=lsn_of(state["written"]),
        )

    def keys(self) -> frozenset[str]:
        """The keys of all its rows; rows without one are left out."""
        key = self.table.stream.key
        found = set()
        with self.session.transaction(one_state=True):
            for rows in self._rows({name: self.found.columns[name] for name in key if name in self.found.columns}):
                for _, row in rows:
                    try:
                        found.add(self.table.stream.key_of(row))
                    except UnreadableMessage:  # reading the table says so, with the row
                        continue
        return frozenset(found)

    def those(self, wanted: frozenset[str]) -> Batch:
        """The rows with these keys; the table is read once for them."""
        items: list[SourceMessage | Unreadable] = []
        with self.session.transaction(one_state=True):
            [state] = self.session.asked(_STATE)
            for rows in self._rows(self.found.columns):
                told = (self._message(xid, row, state["now"]) for xid, row in rows)
                items += [each for each in told if isinstance(each, SourceMessage) and each.key in wanted]
        return _batch(items)

    def _rows(self, columns: Mapping[str, int]) -> Generator[list[tuple[str, Row]], None, None]:
        """(transaction that wrote it, row) of each row that is published."""
        names = ", ".join(["xmin", *(quoted(name) for name in columns)])
        only = f" WHERE {self.found.rows}" if self.found.rows else ""
        select = f"SELECT {names} FROM {in_full(self.table.name)}{only}"  # noqa: S608
        for rows in self.session.copied(select, size=MOST):
            yield [
                (
                    str(xid),
                    {
                        name: self.session.value(oid, None if value is None else value.encode())
                        for (name, oid), value in zip(columns.items(), values, strict=True)
                    },
                )
                for xid, *values in rows
            ]

    def _message(self, xid: str, row: Row, now: datetime) -> SourceMessage | Unreadable:
        return self.table.message(
            row, xid=xid, received_at=self.clock(), reported_at=now, origin=f"{self.table.name} as a whole"
        )


def fetched(session: Session, table: Table, types: Mapping[str, int], row: Row, names: list[str]) -> Row | None:
    """The named values of a row as they are now; None where no row has its key any more."""
    key = {name: row.get(name) for name in table.stream.key}
    if any(value is None for value in key.values()):
        return None
    columns = ", ".join(quoted(name) for name in names)
    where = " AND ".join(f"{quoted(name)} = %s" for name in key).replace("%", "%%").replace("%%s", "%s")
    statement = f"SELECT {columns.replace('%', '%%')} FROM {in_full(table.name).replace('%', '%%')} WHERE {where}"  # noqa: S608
    values = session.text_values(statement, *(_written(value) for value in key.values()))
    if values is None:
        return None
    return {name: session.value(types[name], value) for name, value in zip(names, values, strict=True)}


def _written(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _batch(items: list[SourceMessage | Unreadable]) -> Batch:
    return Batch(
        messages=[each for each in items if isinstance(each, SourceMessage)],
        unreadable=[each for each in items if isinstance(each, Unreadable)],
    )
