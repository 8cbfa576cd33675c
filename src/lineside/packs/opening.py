"""A pack's folder or zip file, read into memory: only plain files of bounded size come out of it, whatever is in it."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineside.errors import BadSettings
from lineside.interpretation.pack_files import toml, wrong
from lineside.packs.manifest import FILE as MANIFEST
from lineside.packs.manifest import Manifest, read_manifest
from lineside.plant.packs import PackLayer

BESIDE = ("README.md", "LICENSE", "CHANGELOG.md")  # kept, and not read
_LARGEST = 1_000_000
_ALL = 4_000_000
_MOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPack:
    """A pack as it came. files: every file of it by name."""

    manifest: Manifest
    files: Mapping[str, str]

    @property
    def layer(self) -> PackLayer:
        rules = {name: text for name, text in sorted(self.files.items()) if name not in (MANIFEST, *BESIDE)}
        return PackLayer(name=self.manifest.name, version=self.manifest.version, files=rules)


def open_pack(path: Path) -> OpenedPack:
    """The pack in the folder or zip file. Raises BadSettings with what is wrong; nothing is written anywhere."""
    if path.is_dir():
        found = _folder(path)
    elif path.is_file():
        found = _zip(path)
    else:
        raise BadSettings(f"{path} is neither a folder nor a zip file", path=str(path))
    files = {}
    for name, content in sorted(found.items()):
        try:
            files[name] = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise wrong(f"{path.name}/{name}", name, f"is not UTF-8 text: {error}") from error
    if MANIFEST not in files:
        raise wrong(path.name, MANIFEST, "is missing: a pack's folder has one beside its other files")
    where = f"{path.name}/{MANIFEST}"
    return OpenedPack(manifest=read_manifest(where, toml(where, files[MANIFEST])), files=files)


def _folder(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue  # what editors and version control leave behind
        if path.is_symlink() or not path.is_file():
            raise wrong(folder.name, path.name, "is no plain file; a pack is one folder of files")
        with path.open("rb") as file:
            found[path.name] = file.read(_LARGEST + 1)
        _bound(folder.name, found, path.name)
    return found


def _zip(path: Path) -> dict[str, bytes]:
    """Nothing in it is believed: neither the sizes that it states, nor its names, nor that it is one folder."""
    if path.stat().st_size > _ALL:
        raise wrong(path.name, "it", f"is larger than {_ALL} bytes")
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = [each for each in archive.infolist() if not each.is_dir()]
            if len(members) > _MOST:
                raise wrong(path.name, "it", f"has more than {_MOST} files")
            tops = {PurePosixPath(each.filename).parts[:-1] for each in members}
            for member in members:
                name = _safe(path.name, member, one_folder=len(tops) == 1)
                if name in found:
                    raise wrong(path.name, name, "is in it twice")
                with archive.open(member) as file:
                    found[name] = file.read(_LARGEST + 1)
                _bound(path.name, found, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        # OSError: a disk that fails, and a directory that is said to lie before the file's beginning.
        raise BadSettings(f"{path.name} is no zip file that can be read: {error}", file=path.name) from error
    return found


def _safe(where: str, member: zipfile.ZipInfo, *, one_folder: bool) -> str:
    """The member's plain file name. Raises BadSettings for one that would lead elsewhere, or is no plain file."""
    told = member.filename
    parts = told.split("/")
    if "\\" in told or ":" in told or "\0" in told or told.startswith("/") or ".." in parts or "." in parts:
        raise wrong(where, repr(told), "leads out of the pack's folder")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise wrong(where, repr(told), "is no plain file")
    if member.flag_bits & 1:
        raise wrong(where, repr(told), "is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise wrong(where, repr(told), "is packed in a way that is not read; use a plain zip file")
    if len(parts) > (2 if one_folder else 1) or not parts[-1]:
        raise wrong(where, repr(told), "is no plain file; a pack is one folder of files")
    return parts[-1]


def _bound(where: str, found: Mapping[str, bytes], name: str) -> None:
    if len(found) > _MOST:
        raise wrong(where, "it", f"has more than {_MOST} files")
    if len(found[name]) > _LARGEST:
        raise wrong(where, name, f"is larger than {_LARGEST} bytes")
    if sum(map(len, found.values())) > _ALL:
        raise wrong(where, "it", f"is larger than {_ALL} bytes")
