"""Who is who in Slack: the plant file's people by their Slack ids, and in which language they are spoken to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from lineside.app import Lineside
from lineside.errors import SourceUnavailable
from lineside.plant.plant import Person
from lineside.serve.slack.speaking import Pause, patiently, refused
from lineside.serve.slack.wording import Language, language_of

_MOST_WAIT_S = 2.0  # somebody is looking at an empty form meanwhile


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace that the bot token belongs to. url: ends with a slash."""

    team: str
    url: str


@dataclass(frozen=True, slots=True)
class _Profile:
    name: str
    language: Language


class People:
    """The people of one workspace, asked for once each while the program runs."""

    def __init__(self, lineside: Lineside, client: AsyncWebClient, *, pause: Pause) -> None:
        self._lineside, self._client, self._pause = lineside, client, pause
        self._profiles: dict[str, _Profile] = {}
        self._workspace: Workspace | None = None
        self._asking = asyncio.Lock()

    async def workspace(self) -> Workspace:
        """Where the app is installed. Raises SourceRefused, SourceUnavailable."""
        async with self._asking:
            if self._workspace is None:
                try:
                    me = await patiently(self._client.auth_test, pause=self._pause)
                except SlackApiError as error:
                    raise refused(error, "auth.test") from error
                team = self._lineside.settings.slack.team or str(me.get("team_id") or "")
                self._workspace = Workspace(team, str(me.get("url") or "https://slack.com/").rstrip("/") + "/")
        return self._workspace

    def person(self, user: str) -> Person | None:
        """The person of the plant file with that Slack id, if they belong to this site."""
        plant = self._lineside.plant
        found = next((each for each in plant.people if user and each.slack == user), None)
        return found if found is not None and (not found.sites or plant.site in found.sites) else None

    def known(self, user: str) -> str | None:
        """The name of a user of whom we know it without asking."""
        person = next((each for each in self._lineside.plant.people if user and each.slack == user), None)
        if person is not None:
            return person.name or person.id
        profile = self._profiles.get(user)
        return profile.name if profile else None

    async def language(self, user: str) -> Language:
        """What this person is spoken to in."""
        set_here = self._lineside.settings.slack.language
        if set_here != "auto":
            return Language(set_here)
        return (await self._profile(user)).language

    async def name(self, user: str) -> str:
        """The id of the plant file's person where there is one, else the name that they go by in Slack."""
        person = next((each for each in self._lineside.plant.people if user and each.slack == user), None)
        return person.id if person else (await self._profile(user)).name

    async def _profile(self, user: str) -> _Profile:
        if user in self._profiles:
            return self._profiles[user]
        try:
            found = await patiently(
                lambda: self._client.users_info(user=user, include_locale=True), pause=self._pause, most_s=_MOST_WAIT_S
            )
        except (SlackApiError, SourceUnavailable):
            return _Profile(user, Language.EN)  # asked again the next time
        said = found.get("user") or {}
        name = str(said.get("real_name") or said.get("name") or user)
        self._profiles[user] = _Profile(name, language_of(str(said.get("locale") or "")))
        return self._profiles[user]
