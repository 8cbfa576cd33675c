"""A shift's handover as messages of Slack: within its limits, and posted once as it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from lineside.app import Lineside
from lineside.cases.handover_document import Document
from lineside.errors import AlreadyDecided, BadSettings, SourceError
from lineside.memory import Reader, deliveries, leases
from lineside.memory.deliveries import Taken
from lineside.plant.plant import Person
from lineside.serve.handover_rows import message
from lineside.serve.slack.mrkdwn import MOST_BLOCKS, clipped, sections
from lineside.serve.slack.speaking import Pause, configured, patiently, refused, web_client

_LONGEST_TEXT = 300  # of what a notification shows; the blocks say the whole
_PREFIX = "slack-handover/"


@dataclass(frozen=True, slots=True)
class Posted:
    """Where it stands now."""

    channel: str
    ts: str
    messages: int


def everybody(lineside: Lineside) -> Reader:
    """Who reads a channel: what is posted there holds only what everybody of the site may read."""
    return lineside.reader(Person(id="", sites=(lineside.plant.site,)))


def pages(text: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Escaped markup as messages, each its short text and its blocks."""
    blocks = list(sections(text))
    for start in range(0, len(blocks), MOST_BLOCKS):
        page = blocks[start : start + MOST_BLOCKS]
        first = str(page[0]["text"]["text"]).partition("\n")[0]  # type: ignore[index]  # a section's
        yield clipped(first, _LONGEST_TEXT), page


async def post(
    lineside: Lineside,
    document: Document,
    *,
    again: bool = False,
    client: AsyncWebClient | None = None,
    pause: Pause = asyncio.sleep,
) -> Posted:
    """The handover stands in the configured channel, its later parts as replies. Slack is waited for as it asks.

    again: also where it was posted before as it stands. Raises BadSettings, AlreadyDecided where it was, and
    SourceRefused or SourceUnavailable, after which it can be posted anew.
    """
    settings = lineside.settings.slack
    if not configured(settings) or not settings.channel:
        lacking = "slack.channel" if settings.bot_token.get_secret_value() else "slack.bot_token"
        raise BadSettings(f"{lacking} is not set, so there is no channel to post to", key=lacking)
    now = datetime.now(UTC)
    name = f"{_PREFIX}{settings.channel}/{document.id}/{document.digest}"
    if again:
        deliveries.forget(lineside.memory, name)
    if deliveries.take(lineside.memory, name, b"", holder=leases.new_holder(), now=now) is not Taken.NEW:
        at = deliveries.done(lineside.memory, name)
        how = "was posted already as it stands" if at else "began to be posted, and nobody knows whether it arrived"
        raise AlreadyDecided(f"the handover of {document.slot.label} {how}; --again posts it again")
    try:
        posted = await _post(client or web_client(settings), settings.channel, message(lineside, document), pause)
    except SourceError:
        deliveries.forget(lineside.memory, name)
        raise
    deliveries.finish(lineside.memory, name, now=now)
    return posted


async def _post(client: AsyncWebClient, channel: str, text: str, pause: Pause) -> Posted:
    thread, count = "", 0
    for short, blocks in pages(text):

        async def send(short: str = short, blocks: Any = blocks, thread: str = thread) -> AsyncSlackResponse:
            return await client.chat_postMessage(
                channel=channel,
                text=short,
                blocks=blocks,
                thread_ts=thread or None,
                unfurl_links=False,
                unfurl_media=False,
            )

        try:
            sent = await patiently(send, pause=pause)
        except SlackApiError as error:
            raise refused(error, f"to post in {channel}") from error
        thread, count = thread or str(sent.get("ts") or ""), count + 1
    return Posted(channel, thread, count)
