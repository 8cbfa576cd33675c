"""The packs that are installed in a home: `packs/<name>/<version>/`, and which version of each counts where.

`packs/in_force.json` says that: `{"*": {"dairy": "1.2.0"}, "southfield": {"dairy": "1.1.0"}}`. Every version stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lineside.errors import BadSettings, NotFound, SetupError
from lineside.memory.database import only_process
from lineside.packs.contents import read_whole
from lineside.packs.manifest import Manifest, is_version, order
from lineside.packs.opening import OpenedPack, open_pack
from lineside.plant.packs import PackLayer, Packs
from lineside.plant.plant import Plant

FOLDER = "packs"
EVERYWHERE = "*"
_IN_FORCE = "in_force.json"
_LOCK = ".installing"
_DIGEST = ".digest"
_CHANGED = "its files were changed since it was installed; install it again, or what changed as a new version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One version of a pack on the shelf. wrong: why it is not what was installed; title is empty where it can't be
    read at all."""

    name: str
    version: str
    title: str
    extends: str
    wrong: str = ""


class Shelf:
    """The installed packs of one home; what it gives is read anew each time.

    trying: a pack that counts here as if it were installed and in force, to see what would become of it.
    """

    def __init__(self, home: Path, trying: OpenedPack | None = None) -> None:
        self.home = home
        self.folder = home / FOLDER
        self.trying = trying

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else puts anything on the shelf meanwhile; who wants to, in whichever process, waits.

        Raises SetupError where the folder can't be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / _LOCK).touch()
        except OSError as error:
            raise SetupError(f"no pack can be installed: {error}", path=str(self.folder)) from error
        with only_process(self.folder / _LOCK):
            yield

    def held(self) -> list[Held]:
        """Every version of every pack, the newest of each first."""
        found = []
        for name in self._folders(self.folder):
            for version in self.versions(name):
                try:
                    manifest = self.open(name, version).manifest
                    title, extends = manifest.title, manifest.extends
                    wrong = _CHANGED if self.changed(name, version) else ""
                    found.append(Held(name=name, version=version, title=title, extends=extends, wrong=wrong))
                except BadSettings as error:
                    found.append(Held(name=name, version=version, title="", extends="", wrong=error.message))
        return found

    def versions(self, name: str) -> list[str]:
        """The versions of the pack that are installed, the newest first."""
        return sorted(filter(is_version, self._folders(self.folder / name)), key=order, reverse=True)

    def version(self, name: str, site: str) -> str:
        """The version that counts at the site: the one last installed for it or for all, else the newest.

        Raises SetupError where the pack is not installed, or the version is gone.
        """
        if self.trying and self.trying.manifest.name == name:
            return self.trying.manifest.version
        there = self.versions(name)
        if not there:
            raise SetupError(
                f"{site} goes by the pack {name!r}, which is not installed; install it with: "
                f"lineside --home {self.home} packs install DIR|FILE.zip",
                pack=name,
            )
        chosen = self.in_force()
        wanted = chosen.get(site.casefold(), {}).get(name) or chosen.get(EVERYWHERE, {}).get(name) or there[0]
        if wanted not in there:
            raise SetupError(
                f"version {wanted} of the pack {name!r} is in force at {site} and not installed any more; there are: "
                f"{', '.join(there)}; install one with: lineside --home {self.home} packs install DIR|FILE.zip",
                pack=name,
            )
        return wanted

    def open(self, name: str, version: str) -> OpenedPack:
        """That version of the pack. Raises BadSettings where it was damaged since, NotFound where it isn't there."""
        if self.trying and (self.trying.manifest.name, self.trying.manifest.version) == (name, version):
            return self.trying
        folder = self.folder / name / version
        if not folder.is_dir():
            there = ", ".join(f"{n} {v}" for n in self._folders(self.folder) for v in self.versions(n)) or "none"
            raise NotFound(f"no pack {name} {version} is installed; there are: {there}", pack=name)
        found = open_pack(folder)
        if (found.manifest.name, found.manifest.version) != (name, version):
            told = f"{found.manifest.name} {found.manifest.version}"
            raise BadSettings(f"{folder} says that it is {told}; install it again", path=str(folder))
        return found

    def packs(self, name: str, site: str) -> Packs:
        """The pack with those below it, as they count at the site. Raises SetupError."""
        return Packs(layers=tuple(self._chain(name, site, ())))

    def below(self, manifest: Manifest, site: str) -> Packs:
        """What lies below a pack that may not be installed yet. Raises SetupError where it is not there, or too old."""
        if not manifest.extends:
            return Packs()
        return Packs(layers=tuple(self._chain(manifest.extends, site, (manifest.name,), manifest.at_least)))

    def named(self, text: str, site: str) -> Packs:
        """What a name, `name@version`, `core`, or the path of a folder or zip file means, with what lies below it.

        Raises SetupError, NotFound, or BadSettings.
        """
        if text == "core":
            return Packs()
        name, at, version = text.partition("@")
        path = Path(text)
        known = bool(self.versions(name))
        found = self.open(name, version) if at and known else None
        if found is None and known:
            return self.packs(name, site)
        found = found or open_pack(path)
        return Packs(layers=(*self.below(found.manifest, site).layers, found.layer))

    def in_force(self) -> Mapping[str, Mapping[str, str]]:
        """Which version counts, by site and pack."""
        path = self.folder / _IN_FORCE
        if not path.is_file():
            return {}
        try:
            found = json.loads(path.read_text("utf-8"))
            return {str(site): {str(n): str(v) for n, v in names.items()} for site, names in found.items()}
        except (ValueError, AttributeError) as error:
            raise BadSettings(f"{path} can't be read: {error}; remove it, and the newest versions count") from error

    def put(self, pack: OpenedPack) -> bool:
        """The pack's version stands on the shelf, whole or not at all; False where it stood there with this content.

        Raises BadSettings where that version stands there with another content.
        """
        name, version = pack.manifest.name, pack.manifest.version
        place = self.folder / name / version
        if place.is_dir() and not self.changed(name, version):
            if _digest(open_pack(place)) == _digest(pack):
                return False
            raise BadSettings(
                f"{name} {version} is installed with another content; give what changed a new version", pack=name
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
        try:
            for file, content in pack.files.items():
                (fresh / file).write_text(content, encoding="utf-8", newline="")
            (fresh / _DIGEST).write_text(_digest(pack), encoding="utf-8")
            fresh.chmod(0o755)
            if place.is_dir():
                shutil.rmtree(place)  # changed by hand since: what runs has read it, and this is its cure
            fresh.rename(place)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return True

    def changed(self, name: str, version: str) -> bool:
        """Whether the version's files are others than those that were installed."""
        place = self.folder / name / version
        try:
            return (place / _DIGEST).read_text("utf-8") != _digest(open_pack(place))
        except (OSError, BadSettings):
            return True

    def count(self, name: str, version: str, site: str) -> None:
        """The version counts at the site, or everywhere, from the next start on."""
        chosen = {place: dict(names) for place, names in self.in_force().items()}
        chosen.setdefault(site.casefold(), {})[name] = version
        if site == EVERYWHERE:
            for place, names in chosen.items():
                if place != EVERYWHERE:
                    names.pop(name, None)
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({place: names for place, names in chosen.items() if names}, indent=2, sort_keys=True) + "\n"
        number, fresh = tempfile.mkstemp(prefix=".in-force-", dir=self.folder)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(fresh).replace(self.folder / _IN_FORCE)

    def _chain(self, name: str, site: str, above: Sequence[str], at_least: str = "") -> list[PackLayer]:
        if name in above:
            raise SetupError(f"the packs {', '.join((*above, name))} extend one another in a circle", pack=name)
        version = self.version(name, site)
        if at_least and order(version) < order(at_least):
            raise SetupError(
                f"the pack {above[-1]} needs {name} {at_least} or newer, and {version} is in force; install that first",
                pack=name,
            )
        opened = self.open(name, version)
        extends = opened.manifest.extends
        below = self._chain(extends, site, (*above, name), opened.manifest.at_least) if extends else []
        return [*below, opened.layer]

    @staticmethod
    def _folders(folder: Path) -> list[str]:
        there = folder.iterdir() if folder.is_dir() else ()
        return sorted(path.name for path in there if path.is_dir() and not path.name.startswith("."))


def opened(home: Path, plant: Plant) -> Plant:
    """The plant with what is in its packs, all of it checked. Raises SetupError with the pack, or the file and key."""
    shelf = Shelf(home)
    by_site = {site: shelf.packs(name, site) for site, name in plant.site_packs}
    own = shelf.packs(plant.pack, plant.site) if plant.pack else by_site.get(plant.site.casefold(), plant.packs)
    for packs in (own, *by_site.values()):
        if packs.layers:
            read_whole(packs)
    return replace(plant, packs=own, packs_by_site=by_site)


def _digest(pack: OpenedPack) -> str:
    return hashlib.sha256(json.dumps(pack.files, sort_keys=True).encode()).hexdigest()


def uses(plant: Plant) -> dict[str, str]:
    """The pack of each site of the plant file that names one."""
    own = {plant.site: plant.pack} if plant.pack else {}
    return {**dict(plant.site_packs), **own}
