"""A Slack export, as a zip or as a folder: its channels, people and days, read within bounds and never unpacked."""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from lineside.errors import SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.slack_channels.message import Channel
from lineside_ingest.slack_channels.people import read_channels, read_people
from lineside_ingest.slack_channels.wire import read

_MOST_FILES = 200_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\.json", re.ASCII)
_LISTS = ("channels.json", "groups.json")  # of public channels, and of private ones


class _Opened(Protocol):
    def names(self) -> Sequence[str]:
        """The files as paths below the export, with `/`."""
        ...

    def open(self, name: str) -> BinaryIO: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export on disk. largest: bytes of one file in it, unpacked."""

    path: Path
    largest: int

    def stamp(self) -> str:
        """What differs where the export does. Raises SourceUnavailable or SourceRefused."""
        with self._opened() as opened:
            if isinstance(opened, _Zip):
                now = self.path.stat()
                return f"{now.st_size}/{now.st_mtime_ns}"
            told = sha256()
            for name in opened.names():
                now = (self.path / name).stat(follow_symlinks=False)
                told.update(f"{name}\0{now.st_size}\0{now.st_mtime_ns}\0".encode())
            return told.hexdigest()[:24]

    def people(self) -> dict[str, str]:
        """Names by id; empty where it tells none."""
        return read_people(self._list("users.json"))

    def channels(self) -> list[Channel]:
        """Those that it holds."""
        return [channel for name in _LISTS for channel in read_channels(self._list(name))]

    def days(self, channel: Channel) -> list[str]:
        """The names of the channel's days, oldest first."""
        with self._opened() as opened:
            root, own = _root(opened.names()), {channel.name, channel.id}
            found = [name for name in opened.names() if name.startswith(root)]
        parts = [(name, name.removeprefix(root).split("/")) for name in found]
        return sorted(name for name, part in parts if len(part) == 2 and part[0] in own and _DAY.fullmatch(part[1]))

    def content(self, name: str) -> bytes:
        """The bytes of a file. Raises UnreadableMessage, SourceUnavailable or SourceRefused."""
        with self._opened() as opened, opened.open(name) as file:
            try:
                content = file.read(self.largest + 1)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise UnreadableMessage(f"{name} is damaged: {error}") from error
        if len(content) > self.largest:
            raise UnreadableMessage(f"{name} has more than {self.largest} bytes (largest_mb)")
        return content

    def _list(self, name: str) -> Json:
        with self._opened() as opened:
            full = _root(opened.names()) + name
            there = full in opened.names()
        if not there:
            return None
        try:
            return read(self.content(full))
        except (UnreadableMessage, ValueError) as error:
            raise SourceRefused(f"{self.path}: {name} can't be read: {error}", status=403) from error

    @contextmanager
    def _opened(self) -> Iterator[_Opened]:
        try:
            if self.path.is_dir():
                yield _Folder(self.path)
            else:
                with zipfile.ZipFile(self.path) as archive:
                    yield _Zip(archive)
        except FileNotFoundError as error:
            raise SourceUnavailable(f"{self.path} is not there", status=404) from error
        except PermissionError as error:
            raise SourceRefused(f"{self.path} may not be read: {error.strerror}", status=403) from error
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:  # it may be on its way here still
            raise SourceUnavailable(f"{self.path} is no whole zip: {error}", status=422) from error
        except NotImplementedError as error:
            raise SourceRefused(f"{self.path} can't be unpacked: {error}", status=403) from error
        except OSError as error:
            raise SourceUnavailable(f"{self.path} can't be read: {error.strerror}", status=500) from error


class _Zip:
    """Its entries are only ever looked up by name, so none can lead out of it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def names(self) -> Sequence[str]:
        return _few(self._archive.namelist())

    def open(self, name: str) -> BinaryIO:
        try:
            entry = self._archive.getinfo(name)
        except KeyError as error:  # it was exchanged since it was listed
            raise SourceUnavailable(f"the export has no {name} any more", status=404) from error
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise SourceRefused(f"the export's {name} is encrypted, or packed as no export of Slack's is", status=403)
        return cast("BinaryIO", self._archive.open(entry))


class _Folder:
    """Only files that lie in it are there; links are not followed."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> Sequence[str]:
        found = []
        with os.scandir(self._root) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                if entry.is_file(follow_symlinks=False):
                    found.append(entry.name)
                elif entry.is_dir(follow_symlinks=False):
                    with os.scandir(entry.path) as days:
                        inside = [each.name for each in days if each.is_file(follow_symlinks=False)]
                    found += [f"{entry.name}/{name}" for name in sorted(inside)]
                _few(found)
        return found

    def open(self, name: str) -> BinaryIO:
        # Each part below the last one: a folder swapped for a link since the look leads nowhere.
        *folders, last = name.split("/")
        place = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in folders:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
                os.close(place)
                place = inner
            file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        finally:
            os.close(place)
        opened = os.fdopen(file, "rb")
        if not stat.S_ISREG(os.fstat(file).st_mode):
            opened.close()
            raise PermissionError(0, "it is no file")
        return opened


def _few(names: Sequence[str]) -> Sequence[str]:
    if len(names) > _MOST_FILES:
        raise SourceRefused(f"the export holds more than {_MOST_FILES} files", status=403)
    return names


def _root(names: Sequence[str]) -> str:
    """What stands before the names: nothing, or the one folder that somebody packed."""
    found = [name.removesuffix("channels.json") for name in names if name.rpartition("/")[2] == "channels.json"]
    roots = [each for each in found if each.count("/") <= 1]
    if not roots:
        raise SourceRefused("it is no Slack export: it has no channels.json", status=403)
    return min(roots, key=len)
