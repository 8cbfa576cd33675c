"""Backups of a SQLite memory, taken while it is in use, and put back. PostgreSQL has better tools of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lineside.errors import BadRequest, SetupError, StoreUnavailable
from lineside.memory.database import BUSY_TIMEOUT_S, Database
from lineside.memory.store import Memory


def backup(memory: Memory, path: Path) -> None:
    """`path` is a whole, checked copy of the memory at this moment; it was not there before, and is all or nothing.

    The vector index is not in it: it is made again from the passages. Raises SetupError on PostgreSQL, BadRequest where
    `path` exists, StoreUnavailable where it can't be written.
    """
    source = _file(memory.database)
    if path.exists():
        raise BadRequest(f"{path} exists already; a backup never overwrites one", path=str(path))
    unfinished = path.with_name(path.name + ".unfinished")
    with _store_errors():
        unfinished.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_S)) as live,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
        _check(unfinished)
        unfinished.replace(path)


def restore(memory: Memory, path: Path) -> None:
    """The memory is what the backup holds, whatever it was; its index has to be made again (`index_pending`).

    Raises SetupError on PostgreSQL, BadRequest where `path` is no whole backup.
    """
    target = _file(memory.database)
    _check(path)
    with _store_errors(), memory.database.alone():
        memory.database.close()
        with closing(_connect(path)) as copy, closing(_connect(target)) as live:
            copy.backup(live)
    if memory.index:
        memory.index.clear()


def _file(database: Database) -> Path:
    if database.sqlite_path is None:
        raise SetupError("this memory is in PostgreSQL: use pg_dump and pg_restore, which know how to do it well")
    return database.sqlite_path


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)


def _check(path: Path) -> None:
    """Raises BadRequest unless the file is a whole memory."""
    if not path.is_file():
        raise BadRequest(f"there is no backup {path}", path=str(path))
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
        try:
            (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
            copy.execute("SELECT count(*) FROM records").fetchone()
        except sqlite3.DatabaseError as error:
            raise BadRequest(f"{path} is no backup of Lineside: {error}", path=str(path)) from error
    if verdict != "ok":
        raise BadRequest(f"{path} is damaged: {verdict}", path=str(path))


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (sqlite3.OperationalError, OSError) as error:
        raise StoreUnavailable(f"the backup can't be written or read: {error}") from error
