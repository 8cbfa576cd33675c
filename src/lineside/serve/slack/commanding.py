"""The command: a note from what stands behind it, or the handover of a shift."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool

from lineside.errors import RequestError
from lineside.plant.plant import Person
from lineside.serve.handover_rows import message, reading, slot_for
from lineside.serve.slack.door import user_of
from lineside.serve.slack.face import Ack, SlackFace
from lineside.serve.slack.handing import pages
from lineside.serve.slack.mrkdwn import escape, plain
from lineside.serve.slack.noting import Noting
from lineside.serve.slack.surface import COMMAND, HANDOVER, NOTE, SAVE
from lineside.serve.slack.wording import say

MOST_ANSWERS = 5
"""So often Slack takes an answer to one command."""


def hang(face: SlackFace) -> None:
    """The command works."""
    face.on("command", COMMAND, Commanding(face).run)


class Commanding:
    """What is done when somebody sends the command."""

    def __init__(self, face: SlackFace) -> None:
        self.face, self.lineside, self.noting = face, face.lineside, Noting(face)

    async def run(self, ack: Ack, body: dict[str, Any]) -> None:
        """Acknowledged, then done: `note TEXT`, `handover [SHIFT]`, else what there is."""
        await ack()
        word, _, rest = str(body.get("text") or "").strip().partition(" ")
        match word.casefold():
            case w if w == NOTE:
                await self.noting.note(body, plain(rest, self.face.people.known))
            case w if w == HANDOVER:
                await self._handover(body, rest.strip())
            case _:
                await self._help(body)

    async def _help(self, body: dict[str, Any]) -> None:
        language = await self.face.people.language(user_of(body))
        await self.face.say_to(body, say(language, "help", command=COMMAND, shortcut=SAVE.name))

    async def _handover(self, body: dict[str, Any], shift: str) -> None:
        person = await self.noting.known(body)
        if person is None:
            return
        try:
            text = await run_in_threadpool(lambda: self._read(shift, person))
        except RequestError as error:
            language = await self.face.people.language(user_of(body))
            await self.face.say_to(body, escape(say(language, "handover_none", reason=error.message)))
            return
        for short, blocks in list(pages(text))[:MOST_ANSWERS]:
            await self.face.say_to(body, short, blocks=blocks)

    def _read(self, shift: str, person: Person) -> str:
        """With the rights of who asks."""
        lineside = self.lineside
        slot = slot_for(lineside, shift or "now")
        return message(lineside, reading(lineside, lineside.reader(person)).show(slot))
