"""Which files a source has, and each one's bytes as they were at one moment."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import IO

from lineside.errors import SourceRefused, SourceUnavailable
from lineside_ingest.spreadsheet.opening import SUFFIXES

TAKES = ("all", "newest", "last")
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~", ".bak")
_PATTERN = re.compile(r"[*?\[]")
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A file, and what its rows' streams are called by."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A file's bytes as they were when nobody wrote them."""

    file: IO[bytes]
    digest: str
    size: int
    changed_ns: int

    @property
    def changed_at(self) -> datetime:
        return datetime.fromtimestamp(self.changed_ns / 1e9, UTC)


def find_files(path: Path, take: str) -> list[Place]:
    """The file; those of the folder or pattern in the order of their names; or one of them: the newest by its date, the
    last by its name. Raises SourceUnavailable and SourceRefused where they can't be looked for."""
    parts = path.parts
    fixed = next((place for place, part in enumerate(parts) if _PATTERN.search(part)), None)
    if path.exists() or fixed is None:
        root, pattern = path, "*"
    else:
        root, pattern = Path(*parts[:fixed]), "/".join(parts[fixed:])
    if not root.exists():
        raise SourceUnavailable(f"{root} is not there", path=str(root))
    if root.is_file():
        return [Place(root.name, root)]
    try:
        found = sorted(
            (each for each in root.glob(pattern) if _wanted(each, named=pattern != "*")),
            key=lambda each: _natural(root, each),
        )
        if not found or take == "all":
            return [Place(each.relative_to(root).as_posix(), each) for each in found]
        chosen = max(found, key=lambda each: each.stat().st_mtime_ns) if take == "newest" else found[-1]
    except PermissionError as error:
        raise SourceRefused(f"{root} may not be read: {error.strerror}", path=str(root)) from error
    except OSError as error:
        raise SourceUnavailable(f"{root} can't be read: {error.strerror}", path=str(root)) from error
    return [Place(pattern if pattern != "*" else root.name, chosen)]


@contextmanager
def shot(path: Path, *, most: int, settle_s: float) -> Generator[Shot, None, None]:
    """A copy of the file, taken when it was not changed for `settle_s`, nor while it was copied.

    Raises SourceUnavailable for one that is being saved or is gone, SourceRefused for one that may not be read or is
    larger than `most` bytes.
    """
    try:
        before = path.stat()
        if 0 <= (age := time.time() - before.st_mtime) < settle_s:
            time.sleep(settle_s - age)  # in a thread of its own, see from_thread
            before = path.stat()
        if before.st_size > most:
            raise SourceRefused(f"{path} has {before.st_size} bytes, more than {most}: see largest_mb")
        with tempfile.TemporaryFile() as copy, path.open("rb") as file:
            read = sha256()
            while chunk := file.read(_CHUNK):
                read.update(chunk)
                copy.write(chunk)
            after = path.stat()
            if _stamp(before) != _stamp(after) or copy.tell() != after.st_size:
                raise SourceUnavailable(f"{path} is being saved")
            yield Shot(file=copy, digest=read.hexdigest(), size=after.st_size, changed_ns=after.st_mtime_ns)
    except PermissionError as error:
        raise SourceRefused(f"{path} may not be read: {error.strerror}", path=str(path)) from error
    except OSError as error:
        raise SourceUnavailable(f"{path} can't be read: {error.strerror}", path=str(path)) from error


def stamp(path: Path) -> tuple[int, int]:
    """Its size, and when it was changed in nanoseconds. Raises SourceUnavailable."""
    try:
        return _stamp(path.stat())
    except OSError as error:
        raise SourceUnavailable(f"{path} can't be read: {error.strerror}", path=str(path)) from error


def choose(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """The places of the sheets that are wanted by name or pattern; the first without a wish, every one for `all`."""
    if not wanted:
        return [0] if names else []
    patterns = [each if each != "all" or each in names else "*" for each in wanted]
    return [
        place
        for place, name in enumerate(names)
        if any(name == each or fnmatchcase(name.casefold().strip(), each.casefold().strip()) for each in patterns)
    ]


def _wanted(path: Path, *, named: bool) -> bool:
    """Locks of who has a file open, and files that are not finished, are none."""
    name = path.name.lower()
    if name.startswith(("~$", ".")) or name.endswith(_UNFINISHED) or not path.is_file():
        return False
    return named or path.suffix.lower() in SUFFIXES


def _natural(root: Path, path: Path) -> list[tuple[int, int | str]]:
    """Orders names as people do: KW 9 comes before KW 10."""
    parts = re.split(r"(\d+)", path.relative_to(root).as_posix().casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _stamp(of: os.stat_result) -> tuple[int, int]:
    return (of.st_size, of.st_mtime_ns)
