"""Speaking to Slack: waiting as long as it asks for, and errors by what is to be done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.settings import SlackSettings

LONGEST_WAIT_S = 300.0
Pause = Callable[[float], Awaitable[object]]
_FIXES = {
    "not_in_channel": "invite the app to it: /invite @Lineside",
    "channel_not_found": "slack.channel takes the id of a channel that the app was invited to",
    "missing_scope": "install the app anew from `lineside slack manifest`",
    "invalid_auth": "mend slack.bot_token or slack.app_token",
    "token_revoked": "install the app anew and set its tokens",
    "account_inactive": "install the app anew and set its tokens",
    "not_allowed_token_type": "slack.bot_token begins with xoxb-, slack.app_token with xapp-",
}


def configured(settings: SlackSettings) -> bool:
    """Whether there is a Slack app. Raises BadSettings where only a part of it is set."""
    if not settings.bot_token.get_secret_value():
        return False
    needed = "signing_secret" if settings.mode == "http" else "app_token"
    if not getattr(settings, needed).get_secret_value():
        raise BadSettings(f"slack.mode is {settings.mode}, which needs slack.{needed}", key=f"slack.{needed}")
    return True


def web_client(settings: SlackSettings) -> AsyncWebClient:
    return AsyncWebClient(token=settings.bot_token.get_secret_value(), base_url=settings.api_url.rstrip("/") + "/")


async def patiently(
    call: Callable[[], Awaitable[AsyncSlackResponse]], *, pause: Pause = asyncio.sleep, most_s: float = LONGEST_WAIT_S
) -> AsyncSlackResponse:
    """What Slack answers; where it is asked too often, after as long as it says. Raises SlackApiError for what it
    refuses, SourceUnavailable where it can't be reached or wants to be left alone for longer than `most_s`."""
    waited = 0.0
    while True:
        try:
            return await call()
        except SlackApiError as error:
            if not busy(error):
                raise
            wait = max(_retry_after(error), 1.0)
            if waited + wait > most_s:
                reason = f"Slack asks not to be called for {wait:.0f} s"
                raise SourceUnavailable(reason, retry_after_s=wait) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SourceUnavailable(f"Slack can't be reached: {error}") from error
        await pause(wait)
        waited += wait


def busy(error: SlackApiError) -> bool:
    """Whether it is asked too often."""
    return error.response.status_code == 429 or code(error) == "ratelimited"


def code(error: SlackApiError) -> str:
    """Slack's word for what is wrong."""
    data: Any = error.response.data if hasattr(error.response, "data") else error.response
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def refused(error: SlackApiError, what: str) -> SourceRefused:
    """What Slack refused, and what to do about it."""
    word = code(error)
    fix = f"; {_FIXES[word]}" if word in _FIXES else ""
    return SourceRefused(f"Slack refused {what}: {word or 'no reason given'}{fix}", error=word)


async def answer(
    settings: SlackSettings,
    client: AsyncWebClient,
    *,
    user: str,
    text: str,
    respond: str = "",
    channel: str = "",
    blocks: list[dict[str, Any]] | None = None,
    pause: Pause = asyncio.sleep,
) -> None:
    """Only this user sees it: where Slack lets us answer, else in the channel, else as a message to them.

    Raises SlackApiError, SourceUnavailable."""
    if respond and _is_slack(settings, respond):
        try:
            sent = await AsyncWebhookClient(respond).send(text=text, blocks=blocks, response_type="ephemeral")
        except (aiohttp.ClientError, TimeoutError, OSError):
            sent = None
        if sent is not None and sent.status_code == 200:
            return
    if channel:
        try:
            await patiently(
                lambda: client.chat_postEphemeral(channel=channel, user=user, text=text, blocks=blocks), pause=pause
            )
        except SlackApiError as error:
            if code(error) not in ("not_in_channel", "channel_not_found", "user_not_in_channel"):
                raise
        else:
            return
    await patiently(lambda: client.chat_postMessage(channel=user, text=text, blocks=blocks), pause=pause)


def _is_slack(settings: SlackSettings, address: str) -> bool:
    """Whether an address that came with a click is Slack's: answers go nowhere else."""
    host = urlsplit(address).hostname or ""
    own = urlsplit(settings.api_url).hostname or ""
    return host == own or (host.endswith((".slack.com", ".slack-gov.com")) and address.startswith("https://"))


def _retry_after(error: SlackApiError) -> float:
    said = str(error.response.headers.get("Retry-After", "1"))
    return float(said) if said.isascii() and said.isdecimal() else 1.0
