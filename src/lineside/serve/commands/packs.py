"""packs: what is installed and who goes by it, checked, compared, installed with a report of what changes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.serve.home import home_folder

if TYPE_CHECKING:
    from lineside.memory import View
    from lineside.packs.differing import Difference
    from lineside.packs.effects import Effect
    from lineside.packs.installing import Installed
    from lineside.plant.plant import Plant

_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Pack = Annotated[str, typer.Argument(help="core, an installed pack, pack@version, or a folder or zip file.")]
_SHOWN = 40


def register(root: typer.Typer) -> None:
    packs = typer.Typer(help="State rules, words, thresholds, key figures and grants as data.", no_args_is_help=True)
    packs.command("list")(list_packs)
    packs.command("check")(check_packs)
    packs.command("diff")(diff_packs)
    packs.command("install")(install_pack)
    root.add_typer(packs, name="packs")


def list_packs(context: typer.Context, as_json: _Json = False) -> None:
    """Every installed version of every pack, whether it counts, and the sites that go by it."""
    from lineside.packs.installing import listed
    from lineside.serve.terminal import print_json, print_table

    home = home_folder(context.obj.home)
    rows = list(listed(home, _plant(home)))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("pack", "version", "in force", "sites", "extends", "title"),
        [
            (
                row["name"],
                row["version"],
                "yes" if row["in_force"] else "no",
                ", ".join(map(str, row["sites"] if isinstance(row["sites"], list) else [])) or "-",
                row["extends"] or "-",
                row["title"] or "-",
            )
            for row in rows
        ],
    )
    for row in rows:
        if row["wrong"]:
            typer.echo(f"{row['name']} {row['version']}: {row['wrong']}")


def check_packs(
    context: typer.Context,
    pack: Annotated[Path | None, typer.Argument(help="A folder or zip file; all installed ones without it.")] = None,
    as_json: _Json = False,
) -> None:
    """Everything that is wrong with a pack, or with those that are installed; exit 1 where anything is."""
    from lineside.errors import LinesideError
    from lineside.packs.checking import Fault
    from lineside.packs.installing import check, unheard
    from lineside.packs.shelf import Shelf, opened
    from lineside.plant.packs import Packs
    from lineside.serve.terminal import print_json

    home = home_folder(context.obj.home)
    plant = _plant(home)
    shelf = Shelf(home)
    paths = [pack] if pack else [shelf.folder / held.name / held.version for held in shelf.held()]
    found: dict[str, list[Fault]] = {}
    notes: dict[str, None] = {}
    for held in () if pack else shelf.held():
        if held.wrong:
            found[f"{held.name} {held.version} on the shelf"] = [Fault(file=held.name, key="", why=held.wrong)]
    for path in paths:
        try:
            checked, wrong = check(home, plant.site if plant else "", path)
            found[f"{checked.manifest.name} {checked.manifest.version}"] = wrong
            if plant and not wrong:
                below = Shelf(home, checked).below(checked.manifest, plant.site)
                notes |= dict.fromkeys(unheard(Packs(layers=(*below.layers, checked.layer)), plant))
        except LinesideError as error:
            found[str(path)] = [Fault(file=str(path), key=str(error.fields.get("key", "")), why=error.message)]
    if not pack and plant:
        try:
            notes |= dict.fromkeys(unheard(opened(home, plant).packs, plant))
        except LinesideError as error:
            found["plant.toml"] = [Fault(file="plant.toml", key="pack", why=error.message)]
    wrong = [fault for each in found.values() for fault in each]
    if as_json:
        print_json(
            {
                "checked": list(found),
                "ok": not wrong,
                "faults": [asdict(fault) for fault in wrong],
                "notes": list(notes),
            }
        )
    else:
        for fault in (*wrong, *notes):
            typer.echo(str(fault))
        told = ", ".join(found) or "the core pack, the only one"
        typer.echo(f"{told}: {f'{len(wrong)} wrong' if wrong else 'ok'}")
    if wrong:
        raise typer.Exit(1)


def diff_packs(context: typer.Context, one: _Pack, other: _Pack, as_json: _Json = False) -> None:
    """What the second pack means otherwise than the first, each with what lies below it."""
    from lineside.packs.differing import differences
    from lineside.packs.shelf import Shelf
    from lineside.serve.terminal import print_json

    home = home_folder(context.obj.home)
    plant = _plant(home)
    shelf, site = Shelf(home), plant.site if plant else ""
    found = differences(shelf.named(one, site), shelf.named(other, site))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    _print_differences(found, most=len(found))
    if not found:
        typer.echo("They mean the same.")


def install_pack(
    context: typer.Context,
    pack: Annotated[Path, typer.Argument(help="A folder or zip file.")],
    site: Annotated[str, typer.Option("--site", help="Only this site goes by this version.")] = "",
    as_json: _Json = False,
) -> None:
    """A pack, or another version of one, is installed and counts from the next start on; what changes is told.

    Nothing is changed where anything is wrong with it. Installing an older version again goes back to it.
    """
    from lineside.app import open_lineside, read_plant
    from lineside.errors import LinesideError
    from lineside.packs.installing import install
    from lineside.serve.terminal import print_json

    home = home_folder(context.obj.home)
    plant = read_plant(home)
    lineside = open_lineside(home, with_packs=False)

    def view() -> View | None:
        if not lineside.settings.database and not (home / "lineside.db").exists():
            return None  # asking would make one
        try:
            return lineside.memory.view()
        except LinesideError as error:
            typer.echo(f"The memory can't be asked what would change: {error.message}", err=True)
            return None

    try:
        done = install(home, plant, pack, site=site, view=view)
    finally:
        lineside.close()
    if as_json:
        print_json({**asdict(done), "installed": not done.faults})
    else:
        _print_installed(done)
    if done.faults:
        raise typer.Exit(1)


def _plant(home: Path) -> Plant | None:
    """The plant of the home, if there is one yet."""
    from lineside.app import read_plant

    return read_plant(home) if (home / "plant.toml").is_file() else None


def _print_installed(done: Installed) -> None:
    pack = done.manifest
    if done.faults:
        for fault in done.faults:
            typer.echo(str(fault))
        typer.echo(f"{pack.name} {pack.version} is not installed: {len(done.faults)} wrong; nothing was changed.")
        return
    before = f" instead of {done.before}" if done.before and done.before != pack.version else ""
    at = f" at {', '.join(done.sites)}" if done.sites else ""
    typer.echo(f"{pack.name} {pack.version} is installed{before}; it counts{at} from the next start on.")
    for note in done.notes:
        typer.echo(note)
    _print_differences(done.differences, most=_SHOWN)
    if not done.differences:
        typer.echo("It means the same as what was in force.")
    if done.effects is not None:
        _print_effects(done.effects)


def _print_differences(found: tuple[Difference, ...] | list[Difference], *, most: int) -> None:
    subject = ""
    for each in found[:most]:
        if each.subject != subject:
            subject = each.subject
            typer.echo(f"{subject[:1].upper()}{subject[1:]} ({each.file}):")
        typer.echo(f"  {each.text}")
    if len(found) > most:
        typer.echo(f"  {len(found) - most} more: lineside packs diff shows all")


def _print_effects(found: tuple[Effect, ...]) -> None:
    count = sum(each.count for each in found)
    typer.echo(f"On the records of now {count or 'no'} shared {'state' if count == 1 else 'states'} would change.")
    for each in found:
        was, now = ((state or "not known").replace("_", " ") for state in (each.before, each.after))
        typer.echo(f"  {each.count} {each.kind}: {was} -> {now}")
        for _, why in each.examples:
            typer.echo(f"    {why}")
