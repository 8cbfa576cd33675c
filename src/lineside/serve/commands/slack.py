"""slack: what Slack is to be told of the app."""

from __future__ import annotations

from typing import Annotated

import typer

from lineside.serve.home import home_folder


def register(root: typer.Typer) -> None:
    slack = typer.Typer(help="The Slack app.", no_args_is_help=True)
    slack.command("manifest")(manifest)
    slack.callback()(_slack)
    root.add_typer(slack, name="slack")


def _slack() -> None:
    """The Slack app."""


def manifest(
    context: typer.Context,
    url: Annotated[str, typer.Option(help="Where Slack reaches the web server, for mode http; slack.url else.")] = "",
) -> None:
    """Print the app's manifest: paste it at https://api.slack.com/apps, "From a manifest"."""
    from lineside.errors import BadRequest
    from lineside.serve.slack.manifest import manifest as made
    from lineside.serve.terminal import print_json
    from lineside.settings import SlackSettings, load_settings

    home = home_folder(context.obj.home)
    settings = load_settings(home).slack if home.is_dir() else SlackSettings()
    mode, address = "http" if url else settings.mode, url or settings.url
    if mode == "http" and not address.startswith("https://"):
        raise BadRequest("Slack calls only https addresses: --url https://lineside.example, or slack.url")
    print_json(made(mode=mode, url=address))
