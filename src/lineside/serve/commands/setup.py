"""init, config show, doctor, migrate: from an empty folder to a working installation."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from lineside.errors import BadPlantFile, BadRequest
from lineside.serve.home import home_folder

_PLANT = """\
# What no system knows about this plant. Every key but site and time_zone may be missing; unknown keys are errors.
site = {site}
name = {name}
time_zone = {time_zone}

# [[equipment]]
# id = "{bare}/area/line-1"
# name = "Line 1"
# aliases = ["L1"]

# [[shifts]]            # a shift belongs to the day it starts on
# name = "day"
# start = "06:00"
# end = "14:00"

# [[people]]            # who may ask, and with which right
# id = "planner-1"
# roles = ["planner"]
# sites = [{site}]

# [[sources]]           # who owns which figure, and how often it should speak
# name = "wms"
# kind = "wms"
# cadence_s = 3600
# owns = ["inventory.quantity:on_hand"]
"""

_SETTINGS = """\
# How this installation works. Unknown keys are errors; LINESIDE_ variables go over this file.
# database = "postgresql+psycopg://lineside@localhost/lineside"   # default: lineside.db in this folder
# port = 8765

# [model]                                  # any OpenAI-compatible endpoint; without it the embedded answerer works
# base_url = "http://127.0.0.1:8001/v1"
# name = "model-name"
# api_key = {{ env = "MODEL_KEY" }}

# [[sources]]                              # `lineside sources list` names the connectors
# name = "notes"
# connector = "open_records"
# [sources.options]
# path = "notes"
"""


def register(root: typer.Typer) -> None:
    root.command("init")(init)
    root.command("migrate")(migrate)
    root.command("doctor")(doctor)
    config = typer.Typer(help="The configuration in force.", no_args_is_help=True)
    config.command("show")(config_show)
    root.add_typer(config, name="config")


def init(
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="The site's id, lower case, as in northfield.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="The plant's time zone, as in Europe/Berlin.")] = None,
    name: Annotated[str, typer.Option(help="What people call the plant.")] = "",
) -> None:
    """Write a commented plant.toml and lineside.toml, and an empty memory."""
    from lineside.app import open_lineside
    from lineside.plant.plant_file import parse_plant

    home = home_folder(context.obj.home)
    plant_file, settings_file = home / "plant.toml", home / "lineside.toml"
    if plant_file.exists():
        raise BadRequest(f"{plant_file} is there already; edit it, or choose another --home")
    site = site or typer.prompt("Site id (lower case)")
    time_zone = time_zone or typer.prompt("Time zone, as in Europe/Berlin")
    if site.split() != [site] or "/" in site or site != site.lower():
        raise BadRequest(f"{site!r} can't be a site's id; write it in lower case, without spaces and slashes")
    text = _PLANT.format(
        site=json.dumps(site), bare=site, name=json.dumps(name or site.title()), time_zone=json.dumps(time_zone)
    )
    try:
        parse_plant(text)
    except BadPlantFile as error:  # the file is ours, its faults are the arguments'
        raise BadRequest(error.message) from error
    home.mkdir(parents=True, exist_ok=True)
    plant_file.write_text(text, encoding="utf-8")
    if not settings_file.exists():
        settings_file.write_text(_SETTINGS.format(), encoding="utf-8")
    lineside = open_lineside(home)
    lineside.migrate()
    typer.echo(f"{home} is ready. Describe the plant in {plant_file}, then:\n  lineside --home {home} import FILE")


def migrate(context: typer.Context) -> None:
    """Bring the database to this program's schema."""
    from lineside.app import open_lineside

    home = home_folder(context.obj.home)
    open_lineside(home).migrate()
    typer.echo(f"The database of {home} has this program's schema.")


def config_show(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Each setting with its value and where that comes from; secrets as stars."""
    from lineside.serve.terminal import print_json, print_table
    from lineside.settings import described, load_settings

    home = home_folder(context.obj.home)
    rows = list(described(load_settings(home), home))
    if as_json:
        print_json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows])
    else:
        print_table(("setting", "value", "origin"), rows)


def doctor(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Check versions, clock, database, index, model and sources, with a fix line for each finding."""
    from lineside.serve.doctor import examine
    from lineside.serve.terminal import print_checks, print_json

    checks = examine(home_folder(context.obj.home))
    if as_json:
        print_json([{"name": c.name, "ok": c.ok, "detail": c.detail, "fix": c.fix} for c in checks])
    else:
        print_checks(checks)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)
