"""One view, read from where reading stopped: what is new, and the state to go on from."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lineside.connector import Batch, SourceMessage, Trouble, TroubleKind, Unreadable
from lineside.connector.rows import RowStream, Versions
from lineside.connector.sql_values import as_json
from lineside.errors import SourceRefused, UnreadableMessage
from lineside.plant.records import Json
from lineside.plant.row_values import moment
from lineside_ingest.sql_view.cursor import Overlap, Position, from_json, not_after, position_of, reaches, to_json
from lineside_ingest.sql_view.database import Session
from lineside_ingest.sql_view.statements import keys, probe, reads

if TYPE_CHECKING:
    from sqlalchemy import Select

MOST_REMEMBERED = 20_000  # ids within the overlap; of more, those that come again are known by their ids in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One configured view and how it is read. whole: it shows everything, so that a row it lacks was deleted."""

    stream: RowStream
    table: str
    sql: str
    cursor: tuple[str, ...]
    overlap: Overlap
    page_size: int
    whole: bool

    def probe(self) -> Select[Any]:
        return probe(self.table, self.sql, self.cursor)

    def columns(self, session: Session) -> dict[str, str]:
        """Its columns with their types. Raises SourceRefused where the key is not among them."""
        found = session.columns(self.probe())
        if missing := [each for each in self.stream.key if each not in found]:
            raise SourceRefused(f"{self.stream.name} has no key column {', '.join(missing)}: mend key, or the view")
        return found

    def keys(self, session: Session) -> frozenset[str]:
        """The keys of all its rows; rows without one are left out."""
        found = set()
        with session.reading():
            select = keys(self.table, self.sql, self.cursor, self.stream.key)
            for row, _ in session.rows([select], size=self.page_size):
                try:
                    found.add(self.stream.key_of({name: as_json(value) for name, value in row.items()}))
                except UnreadableMessage:  # reading the view says so, with the row
                    continue
        return frozenset(found)


@dataclass(slots=True, kw_only=True)
class Reading:
    """A read of one view. now: the source's clock. state: where to go on from, kept in the checkpoint.
    troubles: what was noticed."""

    view: View
    session: Session
    now: datetime
    clock: Callable[[], datetime]
    state: Mapping[str, Json] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def batches(self) -> Generator[Batch, None, None]:
        """What is new since `state`, which moves with every batch that is small enough to be gone on from."""
        with self.session.reading():
            self._notice_columns()
            mark = from_json(self.state.get("position"))
            found = yield from self._from(mark)
            if mark is not None and not found:
                found = yield from self._from(None)
                if found:  # the row at the mark must come again: an older database stands there, or the newest are gone
                    self._tell(TroubleKind.EPOCH, "its newest rows are no longer there, so it was read anew", True)

    def those(self, wanted: frozenset[str]) -> Batch:
        """The rows with these keys, as they are now."""
        found: list[SourceMessage | Unreadable] = []
        with self.session.reading():
            for values, raw in self.session.rows(
                reads(self.view.table, self.view.sql, self.view.cursor, None), size=self.view.page_size
            ):
                row = {name: as_json(value) for name, value in values.items()}
                if self._key(row) in wanted:
                    at = None if raw is None else self._position(raw)
                    found.append(self._message(row, at, version=self.clock().isoformat()))
        return Batch(
            messages=[each for each in found if isinstance(each, SourceMessage)],
            unreadable=[each for each in found if isinstance(each, Unreadable)],
        )

    def _from(self, mark: Position | None) -> Generator[Batch, None, bool]:
        view, stream = self.view, self.view.stream
        versions, seen = Versions(self.state.get("versions")), _positions(self.state.get("seen"))
        compared, marked = 0, False
        fresh: list[SourceMessage | Unreadable] = []
        low = self._low(mark)
        for values, raw in self.session.rows(reads(view.table, view.sql, view.cursor, low), size=view.page_size):
            row = {name: as_json(value) for name, value in values.items()}
            at = None if raw is None else self._position(raw)
            if at is not None and mark is not None and type(at) is not type(mark):
                at = None  # a cursor of two kinds has no order: such rows are compared, as those without one
            if at is None:
                compared += 1
                if (version := self._version(row, versions)) is not None:
                    fresh.append(self._message(row, None, version=version))
            else:
                ahead = not_after(at, self.now, stream.notation.time_zone) != at
                if not ahead and (mark is None or reaches(at, mark)):  # a stamp in the future moves nothing
                    mark = at
                marked = True
                item = self._message(row, at, version="")
                if isinstance(item, Unreadable):
                    fresh.append(item)
                elif item.source_id not in seen:
                    seen[item.source_id] = at
                    fresh.append(item)
            if len(fresh) >= view.page_size:
                seen = self._near(seen, mark)
                if compared < MOST_REMEMBERED:  # else each batch would carry them all
                    self._stand(mark, seen, versions)
                yield _batch(fresh)
                fresh = []
        self._stand(mark, self._near(seen, mark), versions)
        if fresh:
            yield _batch(fresh)
        return marked

    def _low(self, mark: Position | None) -> Position | None:
        zone = self.view.stream.notation.time_zone
        return None if mark is None else self.view.overlap.behind(not_after(mark, self.now, zone), self.now, zone)

    def _near(self, seen: dict[str, Position], mark: Position | None) -> dict[str, Position]:
        low = self._low(mark)
        near = {each: at for each, at in seen.items() if low is None or type(at) is not type(low) or reaches(at, low)}
        return near if len(near) <= MOST_REMEMBERED else {}

    def _stand(self, mark: Position | None, seen: Mapping[str, Position], versions: Versions) -> None:
        self.state = {
            **self.state,
            "position": None if mark is None else to_json(mark),
            "seen": {each: to_json(at) for each, at in seen.items()},
            "versions": versions.kept(),
        }

    def _notice_columns(self) -> None:
        found = self.view.columns(self.session)
        lacking = self.view.stream.lacking(dict.fromkeys(found, ""))
        if lacking:
            self._tell(TroubleKind.DRIFT, f"it has no column {', '.join(lacking)} any more: mend its mapping", False)
        before = self.state.get("columns")
        if isinstance(before, dict) and before != found:
            changes = [f"{name} is new" for name in found if name not in before]
            changes += [f"{name} is gone" for name in before if name not in found]
            changes += [f"{name} is of another type" for name in found if before.get(name, found[name]) != found[name]]
            self._tell(TroubleKind.DRIFT, f"its columns changed: {', '.join(changes)}", True)
        self.state = {**self.state, "columns": dict(found)}

    def _tell(self, kind: TroubleKind, reason: str, passing: bool) -> None:  # noqa: FBT001
        self.troubles.append(Trouble(kind=kind, reason=reason, stream=self.view.stream.name, passing=passing))

    def _message(self, row: dict[str, Json], at: Position | None, *, version: str) -> SourceMessage | Unreadable:
        if at is not None:
            version = at.isoformat() if not isinstance(at, str) and hasattr(at, "isoformat") else str(at)
        return self.view.stream.message(
            row,
            version=version,
            received_at=self.clock(),
            reported_at=None if at is None else self._reported(at),
            origin=self.view.stream.name,
        )

    def _version(self, row: dict[str, Json], versions: Versions) -> str | None:
        key = self._key(row)
        return versions.next(key, row) if key is not None else ""

    def _key(self, row: dict[str, Json]) -> str | None:
        try:
            return self.view.stream.key_of(row)
        except UnreadableMessage:
            return None

    def _position(self, raw: object) -> Position:
        try:
            return position_of(raw)
        except ValueError as error:
            raise SourceRefused(f"view {self.view.stream.name}: {error}") from error

    def _reported(self, at: Position) -> datetime | None:
        if not isinstance(at, str) and not hasattr(at, "isoformat"):
            return None
        try:
            return moment(at if isinstance(at, str) else at.isoformat(), self.view.stream.notation).at
        except ValueError:  # a text cursor need not be a time
            return None


def _batch(found: list[SourceMessage | Unreadable]) -> Batch:
    return Batch(
        messages=[each for each in found if isinstance(each, SourceMessage)],
        unreadable=[each for each in found if isinstance(each, Unreadable)],
    )


def _positions(kept: Json) -> dict[str, Position]:
    found = {each: from_json(at) for each, at in kept.items()} if isinstance(kept, dict) else {}
    return {each: at for each, at in found.items() if at is not None}
