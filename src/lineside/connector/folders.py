"""Folders that other systems put files in, on this machine or over SFTP: looked at and read, never changed."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from lineside.connector.options import Options
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json

FOLDER_OPTIONS = frozenset(
    {"path", "password", "key", "key_password", "host_key", "timeout_s", "settle_s", "done", "largest_mb"}
)
HEAD = 1 << 16  # what is kept of a file that is too large
_MOST_FILES = 100_000
_UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", "~")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a look shows of a file: its size in bytes and when it was changed, in nanoseconds since 1970."""

    size: int
    changed_ns: int


@dataclass(slots=True)
class Look:
    """What a folder showed. denied: names that can't be read, each with the reason."""

    files: dict[str, Stamp] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)


class Folder(Protocol):
    """An open folder. Names are paths below it, with `/`."""

    async def look(self, depth: int) -> Look:
        """Every regular file at most `depth` folders deep. Raises SourceUnavailable or SourceRefused."""
        ...

    async def read(self, name: str, most: int) -> bytes:
        """At most `most` bytes of the file. Raises FileNotFoundError, PermissionError or SourceUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A file that is complete and new, or has another content than before. content: of a file that is too large, its
    beginning. beside: the beginning of the file beside it, where one was asked for and is there."""

    name: str
    content: bytes
    stamp: Stamp
    too_large: bool = False
    beside: bytes = b""

    @property
    def changed_at(self) -> datetime:
        return datetime.fromtimestamp(self.stamp.changed_ns / 1e9, UTC)


@dataclass(slots=True)
class Seen:
    """The files that were read, as a checkpoint holds them: name to size, change and digest; what vanished is left out.

    denied: after a round, what could not be read, each with the reason.
    """

    files: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: Json) -> Seen:
        files = {}
        for name, each in (kept if isinstance(kept, dict) else {}).items():
            match each:
                case [int(size), int(changed), str(digest)]:
                    files[name] = (size, changed, digest)
        return cls(files=files)

    def kept(self) -> dict[str, Json]:
        return {name: list(each) for name, each in self.files.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A folder as a source's options describe it. settle_s: a file is complete when two looks that far apart show the
    same. done: or when a file of its name with this ending lies beside it. most: bytes of the largest file.
    """

    address: str
    opened: Opens
    settle_s: float
    done: str
    most: int

    async def arrivals(self, patterns: Sequence[str], seen: Seen, *, beside: str = "") -> AsyncGenerator[Arrived, None]:
        """Each file that is new since `seen`, oldest first; `seen` holds it once the next one is asked for.

        beside: the ending of files that explain others of their name, as in .txt.

        Raises SourceUnavailable or SourceRefused.
        """
        depth = max(pattern.count("/") for pattern in patterns)
        async with self.opened() as folder:
            look = await folder.look(depth)
            seen.files = {name: each for name, each in seen.files.items() if name in look.files}
            seen.denied = {name: why for name, why in look.denied.items() if self._wanted(name, patterns)}
            fresh = {
                name: stamp
                for name, stamp in look.files.items()
                if self._wanted(name, patterns) and seen.files.get(name, ())[:2] != (stamp.size, stamp.changed_ns)
            }
            for name, stamp in sorted((await self._complete(folder, look, fresh, depth)).items(), key=_age):
                try:
                    content = await folder.read(name, self.most + 1)
                except FileNotFoundError:
                    continue
                except PermissionError as error:
                    seen.denied[name] = error.strerror or "its rights forbid it"
                    continue
                too_large = len(content) > self.most
                if not too_large and len(content) != stamp.size:
                    continue  # it is being written again
                digest = sha256(content).hexdigest()[:24]
                if too_large or seen.files.get(name, (0, 0, ""))[2] != digest:
                    content = content[:HEAD] if too_large else content
                    said = b""
                    if beside and (explains := _sibling(name, beside)) in look.files:
                        with suppress(FileNotFoundError, PermissionError):
                            said = await folder.read(explains, HEAD)
                    yield Arrived(name=name, content=content, stamp=stamp, too_large=too_large, beside=said)
                seen.files[name] = (stamp.size, stamp.changed_ns, digest)

    def _wanted(self, name: str, patterns: Sequence[str]) -> bool:
        last = name.rpartition("/")[2]
        if last.startswith(".") or last.lower().endswith(_UNFINISHED) or (self.done and last.endswith(self.done)):
            return False
        return any(matches(name, pattern) for pattern in patterns)

    async def _complete(self, folder: Folder, look: Look, fresh: Mapping[str, Stamp], depth: int) -> dict[str, Stamp]:
        """Those files that nobody is writing any more. An empty one is waiting for its content."""
        if self.done:
            return {name: stamp for name, stamp in fresh.items() if name + self.done in look.files}
        if not any(stamp.size for stamp in fresh.values()):
            return {}
        await asyncio.sleep(self.settle_s)
        again = await folder.look(depth)
        return {name: stamp for name, stamp in fresh.items() if stamp.size and again.files.get(name) == stamp}


class Opens(Protocol):
    """Opens a folder for one round of reading. Raises SourceUnavailable or SourceRefused."""

    def __call__(self) -> AbstractAsyncContextManager[Folder]: ...


def matches(name: str, pattern: str) -> bool:
    """Whether the pattern fits the name, folder by folder: `*` never reaches over a `/`."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def read_pattern(options: Options, name: str, default: str) -> str:
    """A pattern from the options. Raises BadSettings for one that leads out of the folder."""
    pattern = options.text(name, default)
    if pattern.startswith("/") or "\\" in pattern or any(part in {"", ".", ".."} for part in pattern.split("/")):
        raise options.bad(name, f"must be a path below the folder, as in *.xml or inbound/*.edi, not {pattern!r}")
    return pattern


def read_watched(options: Options) -> Watched:
    """The folder that the FOLDER_OPTIONS describe. Raises BadSettings."""
    address = options.text("path")
    if address.lower().startswith("sftp://"):
        from lineside.connector.sftp import read_sftp

        opened: Opens = read_sftp(options, address)
    else:
        for name in ("password", "key", "key_password", "host_key"):
            if name in options:
                raise options.bad(name, "needs a path such as sftp://user@host/folder")
        local = _Local(Path(address).expanduser())

        @asynccontextmanager
        async def opened() -> AsyncIterator[Folder]:
            yield local

    return Watched(
        address=address,
        opened=opened,
        settle_s=options.number("settle_s", 2.0),
        done=options.text("done", ""),
        most=int(options.number("largest_mb", 32, at_least=0.001) * (1 << 20)),
    )


def too_many(address: str) -> SourceRefused:
    """What a folder with more files than can be followed is answered with."""
    return SourceRefused(f"{address} holds more than {_MOST_FILES} files; let its owner move read ones away")


def full(look: Look) -> bool:
    """Whether a look has as many files as can be followed."""
    return len(look.files) + len(look.denied) >= _MOST_FILES


class _Local:
    def __init__(self, root: Path) -> None:
        self._root = root

    async def look(self, depth: int) -> Look:
        return await asyncio.to_thread(self._look, depth)

    async def read(self, name: str, most: int) -> bytes:
        return await asyncio.to_thread(self._read, name, most)

    def _look(self, depth: int) -> Look:
        found = Look()
        try:
            self._list(self._root, "", depth, found)
        except PermissionError as error:
            raise SourceRefused(f"{self._root} may not be read: {error.strerror}", path=str(self._root)) from error
        except NotADirectoryError as error:
            raise SourceRefused(f"{self._root} is no folder", path=str(self._root)) from error
        except OSError as error:
            raise SourceUnavailable(f"{self._root} can't be read: {error.strerror}", path=str(self._root)) from error
        return found

    def _list(self, folder: Path, below: str, depth: int, found: Look) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = below + entry.name
                if full(found):
                    raise too_many(str(self._root))
                if not entry.name.isprintable():
                    found.denied[ascii(name)] = "its name is no readable text"
                elif entry.is_symlink():
                    found.denied[name] = "it is a link, and links are not followed"
                elif entry.is_dir(follow_symlinks=False):
                    if depth and not entry.name.startswith("."):
                        self._list_below(Path(entry.path), name, depth, found)
                elif entry.is_file(follow_symlinks=False):
                    try:
                        now = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    found.files[name] = Stamp(now.st_size, now.st_mtime_ns)

    def _list_below(self, folder: Path, name: str, depth: int, found: Look) -> None:
        try:
            self._list(folder, f"{name}/", depth - 1, found)
        except PermissionError as error:
            found.denied[name] = error.strerror or "its rights forbid it"
        except FileNotFoundError:
            return

    def _read(self, name: str, most: int) -> bytes:
        # Each part is opened below the last one: a folder swapped for a link between look and read leads nowhere.
        *folders, last = name.split("/")
        place = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in folders:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
                os.close(place)
                place = inner
            file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        except (FileNotFoundError, PermissionError):
            raise
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise PermissionError(error.errno, "it is a link, and links are not followed") from error
            raise SourceUnavailable(f"{name} can't be read: {error.strerror}") from error
        finally:
            os.close(place)
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise PermissionError(errno.EINVAL, "it is no file")
            try:
                return opened.read(most)
            except OSError as error:
                raise SourceUnavailable(f"{name} can't be read: {error.strerror}") from error


def _sibling(name: str, ending: str) -> str:
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.rpartition('.')[0] or last}{ending}"


def _age(item: tuple[str, Stamp]) -> tuple[int, str]:
    name, stamp = item
    return stamp.changed_ns, name
