"""Corrections and deletions take effect: of a chain only the latest word stands, in whatever order they arrive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from lineside.errors import UnreadableMessage
from lineside.memory import latest, tables
from lineside.memory.bodies import record_from_row
from lineside.memory.moments import moment
from lineside.memory.restate import restated
from lineside.memory.rows import Rows, places_of, sites_key
from lineside.plant.plant import Plant
from lineside.plant.records import Correction, RecordType

_TAKING_BACK = (RecordType.CORRECTION.value, RecordType.DELETION.value)
_records = tables.records


@dataclass(frozen=True, slots=True)
class Refusal:
    """A correction whose replacement is no record of the original's type."""

    correction: Correction
    reason: str


@dataclass(frozen=True, slots=True)
class _Link:
    """One word in a chain. since: when it acts, never before the word that it corrects."""

    row: Row[Any]
    since: int
    depth: int

    @property
    def order(self) -> tuple[int, int, int, str, int]:
        return (self.since, self.depth, len(self.row.source_id), self.row.source_id, self.row.part)


def settle(connection: Connection, source: str, source_ids: Iterable[str], plant: Plant) -> list[Refusal]:
    """Every chain that these ids belong to is brought up to date. Idempotent."""
    refusals: list[Refusal] = []
    for root in sorted({_root(connection, source, each) for each in source_ids}):
        refusals += _settle_chain(connection, source, root, plant)
    return refusals


def targeted(connection: Connection, source: str, source_ids: Iterable[str]) -> set[str]:
    """Those of the ids that some kept correction or deletion names."""
    query = select(_records.c.target).where(
        _records.c.source == source, _records.c.target.in_(list(source_ids)), _records.c.type.in_(_TAKING_BACK)
    )
    return set(connection.scalars(query))


def _root(connection: Connection, source: str, source_id: str) -> str:
    """The id that a chain of corrections started from; in a ring, which nothing started, its smallest id."""
    seen = [source_id]
    while True:
        query = (
            select(_records.c.target)
            .where(_records.c.source == source, _records.c.source_id == seen[-1], _records.c.type.in_(_TAKING_BACK))
            .order_by(_records.c.part)
            .limit(1)
        )
        parent = connection.scalar(query)
        if parent is None:
            return seen[-1]
        if parent in seen:
            return min(seen)
        seen.append(parent)


def _settle_chain(connection: Connection, source: str, root: str, plant: Plant) -> list[Refusal]:
    query = select(_records).where(
        _records.c.source == source,
        _records.c.source_id == root,
        _records.c.part >= 0,
        _records.c.type.not_in(_TAKING_BACK),
    )
    originals = connection.execute(query.order_by(_records.c.part)).all()
    if not originals:
        return []  # the corrections wait until what they name arrives
    links = sorted(_links(connection, source, root), key=lambda link: link.order)
    if not links:
        return []
    for row in originals:
        _retract(connection, row.id, min(link.row.reported_at for link in links))
    changed = [row.id for row in originals]
    refusals = []
    sites = {site for row in originals for site in row.sites.strip("|").split("|")}
    for position, link in enumerate(links):
        record = record_from_row(link.row)
        inherited = sites | places_of(record, plant)
        connection.execute(update(_records).where(_records.c.id == link.row.id).values(sites=sites_key(inherited)))
        if not isinstance(record, Correction):
            continue
        try:
            replacement = _replace(connection, record, originals[0], inherited, plant)
        except UnreadableMessage as error:
            refusals.append(Refusal(record, f"its replacement can't be read: {error.message}"))
            continue
        if replacement:
            later = [each.row.reported_at for each in links[position + 1 :]]
            _retract(connection, replacement, min(later, default=None))
            changed.append(replacement)
    latest.renew(connection, changed, max(link.row.reported_at for link in links))
    return refusals


def _replace(
    connection: Connection, correction: Correction, original: Row[Any], sites: set[str], plant: Plant
) -> str | None:
    """The id of the replacement, which is kept by now; None where the correction has none."""
    record = restated(correction, RecordType(original.type), moment(original.occurred_at))
    if record is None:
        return None
    own = record.provenance.record_id
    if connection.scalar(select(_records.c.id).where(_records.c.id == own)) is None:
        rows = Rows()
        rows.add(record, plant=plant, target=correction.corrects, sites=sorted(sites))
        rows.write(connection)
    return own


def _links(connection: Connection, source: str, root: str) -> list[_Link]:
    found: list[_Link] = []
    seen = {root}
    frontier = {root: 0}
    depth = 0
    while frontier:
        depth += 1
        query = select(_records).where(
            _records.c.source == source, _records.c.target.in_(list(frontier)), _records.c.type.in_(_TAKING_BACK)
        )
        rows = [row for row in connection.execute(query) if row.source_id not in seen]
        level = [_Link(row, max(row.reported_at, frontier[row.target]), depth) for row in rows]
        found += level
        seen |= {link.row.source_id for link in level}
        frontier = {link.row.source_id: link.since for link in level}
    return found


def _retract(connection: Connection, record_id: str, at: int | None) -> None:
    connection.execute(update(_records).where(_records.c.id == record_id).values(retracted_at=at))
    said = tables.statements
    connection.execute(update(said).where(said.c.record_id == record_id).values(retracted_at=at))
