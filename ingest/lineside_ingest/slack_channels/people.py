"""Who the ids of a workspace are: its people and channels by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from time import monotonic

from lineside.connector import Trouble, TroubleKind
from lineside.connector.http import Session
from lineside.errors import SourceRefused
from lineside.plant.records import Json
from lineside_ingest.slack_channels.message import Channel
from lineside_ingest.slack_channels.web import Web

_ASK_AGAIN_S = 3600.0
_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{6,}")  # names are in lower case
_MANY = "999"


class Workspace:
    """People and channels by id; asked of Slack, or told by an export, and kept for an hour."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._people: dict[str, str] = {}
        self._channels: dict[str, Channel] = {}
        self._asked_at: float | None = None
        self.trouble: Trouble | None = None

    def learn(self, people: Mapping[str, str], channels: Iterable[Channel]) -> None:
        """What an export says, where nobody said it before."""
        self._people = {**people, **self._people}
        self._channels = {**{each.id: each for each in channels}, **self._channels}

    def shown(self, channel: Channel) -> Channel:
        """The channel under the name that Slack has for it now."""
        return self._channels.get(channel.id, channel)

    async def refresh(self, session: Session) -> None:
        """Names are not older than an hour. Raises SourceUnavailable or SourceRefused."""
        if self._asked_at is not None and monotonic() - self._asked_at < _ASK_AGAIN_S:
            return
        self.trouble = None
        self._people = {each: name for each, name in self._people.items() if name}
        try:
            async for page in self._web.pages(session, "users.list", limit=_MANY):
                self._people |= read_people(page.get("members"))
        except SourceRefused as error:
            if error.fields.get("status") != 403:
                raise
            reason = f"{error.message}; people are shown by their ids"
            self.trouble = Trouble(kind=TroubleKind.REFUSED, reason=reason, stream="users")
        self._asked_at = monotonic()

    async def names(self, session: Session | None, ids: Iterable[str]) -> dict[str, str]:
        """The names of those ids that have one; of people from other workspaces too."""
        found = {}
        for each in sorted(set(ids)):
            if each in self._channels:
                found[each] = self._channels[each].name
                continue
            if each not in self._people and session is not None and each[:1] in "UW" and self.trouble is None:
                self._people[each] = await self._asked(session, each)
            if name := self._people.get(each):
                found[each] = name
        return found

    async def channel(self, session: Session, wanted: str) -> Channel:
        """The channel of that id or name. Raises SourceRefused where the app sees none."""
        name = wanted.removeprefix("#")
        for known in self._channels.values():
            if name in (known.id, known.name):
                return known
        if _CHANNEL_ID.fullmatch(name):
            told = (await self._web.call(session, "conversations.info", channel=name)).get("channel")
            for each in read_channels([told]):
                self._channels[each.id] = each
                return each
        else:
            await self._list(session)
            for each in self._channels.values():
                if each.name == name:
                    return each
        reason = f"the app sees no channel {wanted!r}: mend its name, or invite the app to it (/invite @the-app)"
        raise SourceRefused(reason, status=403, error="channel_not_found")

    async def _list(self, session: Session) -> None:
        kinds = "public_channel,private_channel"
        try:
            async for page in self._web.pages(session, "conversations.list", types=kinds, limit=_MANY):
                self._channels |= {each.id: each for each in read_channels(page.get("channels"))}
        except SourceRefused as error:
            if error.fields.get("error") != "missing_scope":
                raise
            async for page in self._web.pages(session, "conversations.list", types="public_channel", limit=_MANY):
                self._channels |= {each.id: each for each in read_channels(page.get("channels"))}

    async def _asked(self, session: Session, user: str) -> str:
        try:
            told = (await self._web.call(session, "users.info", user=user)).get("user")
        except SourceRefused as error:
            if error.fields.get("status") != 403:
                raise
            return ""
        return read_people([told]).get(user, "")


def read_people(members: Json) -> dict[str, str]:
    """Names by id: the real one, since it changes least."""
    found = {}
    for each in members if isinstance(members, list) else ():
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            profile = each.get("profile")
            told = profile if isinstance(profile, dict) else {}
            name = told.get("real_name") or each.get("real_name") or told.get("display_name") or each.get("name")
            found[str(each["id"])] = str(name or "")
    return found


def read_channels(channels: Json) -> list[Channel]:
    """The channels in a list of Slack's own."""
    return [
        Channel(
            id=str(each["id"]),
            name=str(each.get("name") or each["id"]),
            private=bool(each.get("is_private") or each.get("is_group") or each.get("is_im")),
        )
        for each in (channels if isinstance(channels, list) else ())
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    ]
