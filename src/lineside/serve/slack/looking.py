"""Whether the Slack app can do its work: its settings, its workspace, its scopes, its people."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError

from lineside.app import Lineside
from lineside.connector import Check
from lineside.errors import BadSettings, SourceUnavailable
from lineside.serve.slack.speaking import configured, patiently, refused, web_client
from lineside.serve.slack.surface import SCOPES

_MOST_WAIT_S = 10.0


async def checks(lineside: Lineside) -> list[Check]:
    """Each with what mends it; nothing is posted."""
    settings = lineside.settings.slack
    try:
        configured(settings)
        me = await patiently(web_client(settings).auth_test, most_s=_MOST_WAIT_S)
    except BadSettings as error:
        return [Check(name="slack", ok=False, detail=error.message, fix="set it in lineside.toml")]
    except SlackApiError as error:
        return [Check(name="slack", ok=False, detail=refused(error, "auth.test").message, fix="mend slack.bot_token")]
    except SourceUnavailable as error:
        fix = "let this machine reach slack.api_url"
        return [Check(name="slack", ok=False, detail=error.message, fix=fix)]
    team = str(me.get("team_id") or "")
    found = [
        Check(
            name="slack",
            ok=settings.team in ("", team),
            detail=f"{me.get('team')} ({team}) as {me.get('user')}, mode {settings.mode}",
            fix=f"slack.team is {settings.team}: take it out, or the token of that workspace",
        )
    ]
    granted = {each.strip() for each in str(me.headers.get("x-oauth-scopes", "")).split(",") if each.strip()}
    lacking = sorted(set(SCOPES) - granted) if granted else []
    found.append(
        Check(
            name="slack: scopes",
            ok=not lacking,
            detail=f"lacks {', '.join(lacking)}" if lacking else "as in the manifest",
            fix="install the app anew from `lineside slack manifest`",
        )
    )
    known = sum(1 for each in lineside.plant.people if each.slack)
    told = f"{known} of {len(lineside.plant.people)} people have a Slack id in plant.toml"
    found.append(Check(name="slack: people", ok=True, detail=told))
    posts = f"posted to {settings.channel}" if settings.channel else "not posted: slack.channel names no channel"
    return [*found, Check(name="slack: handovers", ok=True, detail=posts)]
