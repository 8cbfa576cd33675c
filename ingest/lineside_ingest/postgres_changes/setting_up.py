"""What must be there before the tables can be followed; made where the settings allow it, else told as statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lineside.errors import SourceRefused
from lineside_ingest.postgres_changes.server import Session
from lineside_ingest.postgres_changes.standing import (
    Slot,
    Standing,
    added_statement,
    drop_statement,
    publication_statement,
    slot_statement,
)

WAL_LEVEL = "ALTER SYSTEM SET wal_level = 'logical'"
NO_IDENTITY = (
    "{table} has neither a primary key nor another replica identity: once it is published, updating and deleting its"
    " rows fails. Give it one: ALTER TABLE {table} REPLICA IDENTITY FULL"
)


def ready(
    session: Session,
    standing: Standing,
    *,
    look: Callable[[], Standing],
    source: str,
    slot: str,
    publication: str,
    tables: Sequence[str],
    create: bool,
) -> tuple[Standing, Slot]:
    """The slot and the publication are there, and how things stand then. look: how they stand after something was made.

    Raises SourceRefused with what to do.
    """
    if standing.wal_level != "logical":
        raise SourceRefused(
            f"source {source}: wal_level is {standing.wal_level}; its owner has to run {WAL_LEVEL}; and restart it"
        )
    if standing.slot is not None and (standing.slot.plugin, standing.slot.database) != (
        "pgoutput",
        standing.database,
    ):
        told = f"the slot {slot} is of {standing.slot.plugin} in database {standing.slot.database}: name another"
        raise SourceRefused(f"source {source}: {told}")
    statements = missing(standing, slot=slot, publication=publication, tables=tables)
    if statements and create:
        _check_identities(standing, source=source, tables=tables)
        with session.writing():
            for statement in statements:
                session.asked(statement)
        standing = look()
        statements = []
    absent = standing.publication is None or standing.slot is None or bool(standing.slot.lost)
    if standing.slot is None or absent:
        lost = f"the slot {slot} is lost ({standing.slot.lost}); " if standing.slot and standing.slot.lost else ""
        told = "; ".join(statements) or f"the slot {slot} or the publication {publication} can't be made"
        raise SourceRefused(f"source {source}: {lost}its owner has to run: {told}")
    return standing, standing.slot


def missing(standing: Standing, *, slot: str, publication: str, tables: Sequence[str]) -> list[str]:
    """The statements that make what is not there, in order. The publication comes first: a slot that is older than
    its publication can't be read."""
    there = [name for name in tables if name in standing.tables]
    statements = []
    if standing.publication is None and there:
        statements.append(publication_statement(publication, there))
    elif standing.publication is not None:
        statements += [added_statement(publication, name) for name in there if not standing.tables[name].published]
    if standing.slot is not None and standing.slot.lost:
        statements.append(drop_statement(slot))
    if standing.slot is None or standing.slot.lost:
        statements.append(slot_statement(slot))
    return statements


def _check_identities(standing: Standing, *, source: str, tables: Sequence[str]) -> None:
    for name in tables:
        found = standing.tables.get(name)
        if found is not None and not found.published and not found.identified:
            raise SourceRefused(f"source {source}: {NO_IDENTITY.format(table=name)}")
