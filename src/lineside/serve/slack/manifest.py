"""The app's manifest: exactly what works here, for Slack's page "From a manifest"."""

from __future__ import annotations

from lineside.plant.records import Json
from lineside.serve.slack.surface import COMMAND, PATH, SCOPES, SHORTCUTS, USAGE


def manifest(*, mode: str, url: str) -> dict[str, Json]:
    """For Socket Mode, or with the addresses that Slack calls below `url`."""
    address = f"{url.rstrip('/')}{PATH}"
    reached: dict[str, Json] = {} if mode == "socket" else {"request_url": address}
    command: dict[str, Json] = {
        "command": COMMAND,
        "description": "Write a note, or see a shift's handover",
        "usage_hint": USAGE,
        "should_escape": False,
    }
    if mode != "socket":
        command["url"] = address
    return {
        "display_information": {
            "name": "Lineside",
            "description": "The operational memory of the plant",
            "background_color": "#1f2933",
        },
        "features": {
            "bot_user": {"display_name": "Lineside", "always_online": False},
            "shortcuts": [
                {
                    "name": each.name,
                    "type": each.place,
                    "callback_id": each.callback,
                    "description": each.description,
                }
                for each in SHORTCUTS
            ],
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list[Json](SCOPES)}},
        "settings": {
            "interactivity": {"is_enabled": True, **reached},
            "org_deploy_enabled": False,
            "socket_mode_enabled": mode == "socket",
            "token_rotation_enabled": False,
        },
    }
