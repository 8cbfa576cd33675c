"""A pack put into an installation: checked first, then reported on, then put on the shelf whole, and in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineside.cases.classes import case_pack
from lineside.cases.owners import unowned
from lineside.errors import BadRequest, BadSettings, SetupError
from lineside.interpretation.pack_files import under
from lineside.memory import View
from lineside.packs.checking import Fault, faults
from lineside.packs.contents import read_whole
from lineside.packs.differing import Difference, differences
from lineside.packs.effects import Effect, effects
from lineside.packs.manifest import Manifest
from lineside.packs.opening import OpenedPack, open_pack
from lineside.packs.shelf import EVERYWHERE, Shelf, uses
from lineside.plant.packs import Packs
from lineside.plant.plant import Plant


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What was, or would be, installed. faults: then nothing was done. before: the version in force until then.

    sites: those that go by it. effects: None where no memory could be asked. notes: what a person should know.
    """

    manifest: Manifest
    before: str | None
    sites: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    differences: tuple[Difference, ...] = ()
    effects: tuple[Effect, ...] | None = None
    notes: tuple[str, ...] = ()


def install(
    home: Path, plant: Plant, path: Path, *, site: str = "", view: Callable[[], View | None] = lambda: None
) -> Installed:
    """The pack at `path` is installed and in force, at the site or everywhere, from the next start on; or, with faults,
    nothing is changed at all. plant: as its file says it, with no packs opened.

    Raises SetupError or BadSettings where it can't be opened or what it needs is not there, BadRequest for a strange
    site. One installation goes on at a time in a home: another waits, and sees what the first has put in force.
    """
    pack = open_pack(path)
    with Shelf(home).alone():
        return _installed(home, plant, pack, site, view)


def _installed(
    home: Path, plant: Plant, pack: OpenedPack, site: str, view: Callable[[], View | None]
) -> Installed:  # fmt: skip
    shelf, name = Shelf(home), pack.manifest.name
    used = uses(plant)
    if site and site.casefold() not in {each.casefold() for each in (plant.site, *used)}:
        raise BadRequest(f"{site!r} is no site of the plant file; there are: {', '.join({plant.site: 0, **used})}")
    trying = Shelf(home, pack)
    of_sites = {each: packs for each in used if (packs := _through(trying, used[each], each, name)) is not None}
    chosen = {each: packs for each, packs in of_sites.items() if not site or each.casefold() == site.casefold()}
    place = site or next(iter(chosen), plant.site)
    below = trying.below(pack.manifest, place)
    wrong = tuple(faults(pack, below)) or _above(chosen, name)
    before = _before(shelf, name, place)
    report = Installed(manifest=pack.manifest, before=before, sites=tuple(chosen), faults=wrong)
    if wrong:
        return report
    now = chosen.get(place) or Packs(layers=(*below.layers, pack.layer))
    was, notes = _stood(shelf, used.get(place, name if before else ""), place)
    if not chosen:
        where = f"[site_packs] {site} =" if site and site.casefold() != plant.site.casefold() else "pack ="
        notes = (*notes, f'No site goes by it yet: write {where} "{name}" into plant.toml.')
    notes = (*notes, *unheard(now, plant))
    seen = view()
    report = Installed(
        manifest=pack.manifest,
        before=before,
        sites=tuple(chosen),
        differences=tuple(differences(was, now)),
        effects=None if seen is None else tuple(effects(seen, was, now)),
        notes=notes,
    )
    shelf.put(pack)
    shelf.count(name, pack.manifest.version, site or EVERYWHERE)
    return report


def unheard(packs: Packs, plant: Plant) -> tuple[str, ...]:
    """For each class of exceptions whose roles nobody of the plant file holds, who hears of them then."""
    if not plant.people:
        return ()
    with under(packs):
        pack = case_pack()
        told = [each for of in pack.classes.values() if (each := unowned(pack, plant, of))]
    return tuple(f"{each[:1].upper()}{each[1:]}." for each in told)


def check(home: Path, plant_site: str, path: Path) -> tuple[OpenedPack, list[Fault]]:
    """The pack at `path`, and everything that is wrong with it over what it extends. Raises as `install` does."""
    pack = open_pack(path)
    return pack, faults(pack, Shelf(home, pack).below(pack.manifest, plant_site))


def _through(shelf: Shelf, name: str, site: str, wanted: str) -> Packs | None:
    """The packs of the site, if the wanted one is among them; what is wrong with others is not asked."""
    try:
        packs = shelf.packs(name, site)
    except SetupError:
        if name == wanted:
            raise
        return None
    return packs if any(layer.name == wanted for layer in packs.layers) else None


def _above(sites: dict[str, Packs], name: str) -> tuple[Fault, ...]:
    """What no longer fits in the packs that sites have over this one."""
    found: list[Fault] = []
    for site, packs in sites.items():
        try:
            read_whole(packs)
        except BadSettings as error:
            why = f"with it, what {site} has over {name} can't be read: {error.message}"
            found.append(Fault(file=name, key="", why=why))
    return tuple(found)


def _before(shelf: Shelf, name: str, site: str) -> str | None:
    return shelf.version(name, site) if shelf.versions(name) else None


def _stood(shelf: Shelf, name: str, site: str) -> tuple[Packs, tuple[str, ...]]:
    """The packs of the site until now, or the core where they could not be read, which is said."""
    if not name or not shelf.versions(name):
        return Packs(), ("It is compared with the core pack: nothing was in force there before.",)
    try:
        packs = shelf.packs(name, site)
        read_whole(packs)
    except SetupError as error:
        return Packs(), (f"It is compared with the core pack: what was in force can't be read ({error.message}).",)
    return packs, ()


def listed(home: Path, plant: Plant | None) -> Sequence[dict[str, object]]:
    """Every installed version, with the sites at which it counts and those that go by it; the core first."""
    from lineside import __version__

    shelf = Shelf(home)
    used = uses(plant) if plant else {}
    site = plant.site if plant else ""
    stacks: dict[str, list[str]] = {}
    for place, name in used.items():
        try:
            stacks[place] = [f"{layer.name} {layer.version}" for layer in shelf.packs(name, place).layers]
        except SetupError:
            stacks[place] = []
    rows: list[dict[str, object]] = [
        {"name": "core", "version": __version__, "title": "What every plant has", "extends": None, "in_force": True,
         "sites": sorted({site, *used} - {""}), "wrong": None}
    ]  # fmt: skip
    for held in shelf.held():
        told = f"{held.name} {held.version}"
        sites = [place for place, layers in stacks.items() if told in layers]
        rows.append(
            {
                "name": held.name,
                "version": held.version,
                "title": held.title,
                "extends": held.extends or "core",
                "in_force": bool(sites) or _counts(shelf, held.name, site) == held.version,
                "sites": sites,
                "wrong": held.wrong or None,
            }
        )
    return rows


def _counts(shelf: Shelf, name: str, site: str) -> str:
    try:
        return shelf.version(name, site)
    except SetupError:
        return ""
