"""A message or a text as a note: the form opens at once, fills with what was read, and one tap keeps it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError
from starlette.concurrency import run_in_threadpool

from lineside.agent.capture_keeping import Kept, Saved
from lineside.agent.captured import CaptureKind, Field
from lineside.errors import BadRequest, LinesideError, NotPermitted
from lineside.interpretation.reading import clock
from lineside.plant.plant import Person
from lineside.serve.slack import forms
from lineside.serve.slack.door import user_of
from lineside.serve.slack.face import RESUMED, Ack, SlackFace
from lineside.serve.slack.forms import WORDS_ONLY, Draft, View
from lineside.serve.slack.mrkdwn import escape, plain
from lineside.serve.slack.saving import Message, keep, look_at, new_text, read_again
from lineside.serve.slack.speaking import code, patiently
from lineside.serve.slack.surface import KEEP_VIEW, KIND_ACTION, SAVE, WRITE, WRITTEN_VIEW
from lineside.serve.slack.wording import Language, field_name, kind_name, say

ACK_WITHIN_S = 2.5
"""Slack waits three seconds for what a form becomes."""
T = TypeVar("T")


def hang(face: SlackFace) -> None:
    """The shortcuts and forms for notes work."""
    noting = Noting(face)
    face.on("shortcut", SAVE.callback, noting.save)
    face.on("shortcut", WRITE.callback, noting.write)
    face.on("view", WRITTEN_VIEW, noting.read)
    face.on("view", KEEP_VIEW, noting.keep)
    face.on("action", KIND_ACTION, noting.change_kind)


class Noting:
    """What is done when somebody taps one of them; each acknowledges before anything else."""

    def __init__(self, face: SlackFace) -> None:
        self.face, self.lineside = face, face.lineside

    async def save(self, ack: Ack, body: dict[str, Any]) -> None:
        """The form for a message; or what was kept of it already."""
        await ack()
        person = await self.known(body)
        if person is None:
            return
        view_id = await self.open(body, forms.told(Language.EN, "…"))
        language = await self.face.people.language(user_of(body))
        await self.show(view_id, await self._looked_at(language, body, person))

    async def write(self, ack: Ack, body: dict[str, Any]) -> None:
        """An empty form."""
        await ack()
        if await self.known(body) is None:
            return
        await self._empty(body)

    async def note(self, body: dict[str, Any], text: str) -> None:
        """The form for what stands behind the command; an empty one where nothing does. It is acknowledged already."""
        person = await self.known(body)
        if person is None:
            return
        if not text:
            await self._empty(body)
            return
        view_id = await self.open(body, forms.told(Language.EN, "…"))
        language = await self.face.people.language(user_of(body))
        draft = self._new(body, text, person)
        await self.show(view_id, await run_in_threadpool(lambda: self._form(language, draft, person)))

    async def read(self, ack: Ack, body: dict[str, Any]) -> None:
        """The text of an empty form, read."""
        person = self.face.people.person(user_of(body))
        language = await self.face.people.language(user_of(body))
        text = forms.written(body["view"]).strip()
        if person is None:
            await ack(response_action="update", view=forms.told(language, self._stranger(language, body)))
            return
        draft = self._new(body, text, person)

        def shown(view: View) -> dict[str, Any]:
            return {"response_action": "update", "view": view}

        await self._in_time(ack, body, language, lambda: self._form(language, draft, person), shown, waiting="reading")

    async def keep(self, ack: Ack, body: dict[str, Any]) -> None:
        """What the person confirmed is kept once; the form and a message that only they see say so."""
        language = await self.face.people.language(user_of(body))
        person = self.face.people.person(user_of(body))
        if person is None:
            await ack(response_action="update", view=forms.told(language, self._stranger(language, body)))
            return
        view = body["view"]
        draft = Draft.unpacked(str(view.get("private_metadata") or ""))
        kind, fields = forms.confirmed(view)

        def kept() -> Kept | Saved | LinesideError:
            try:
                return keep(self.lineside, draft, person=person, kind=kind, fields=fields)
            except (BadRequest, NotPermitted) as error:
                return error

        def shown(found: Kept | Saved | LinesideError) -> dict[str, Any]:
            if isinstance(found, BadRequest):
                block = forms.block_of(view, str(found.fields.get("field") or ""))
                return {"response_action": "errors", "errors": {block: found.message}}
            text = self._outcome(language, found, person, kind=kind, fields=fields)
            title = "app" if isinstance(found, LinesideError) else "kept_title"
            return {"response_action": "update", "view": forms.told(language, text, title=title)}

        found = await self._in_time(ack, body, language, kept, shown, waiting="keeping")
        if (draft.channel and not isinstance(found, BadRequest)) or RESUMED in body:
            text = self._outcome(language, found, person, kind=kind, fields=fields)
            await self.face.say_to(body, text, respond=draft.respond, channel=draft.channel)

    async def change_kind(self, ack: Ack, body: dict[str, Any]) -> None:
        """The form has the fields of the other kind; what was typed stays where the field does."""
        await ack()
        person = self.face.people.person(user_of(body))
        view = body.get("view") or {}
        if person is None or view.get("callback_id") != KEEP_VIEW:
            return
        language = await self.face.people.language(user_of(body))
        draft = Draft.unpacked(str(view.get("private_metadata") or ""))
        kind, _ = forms.confirmed(view)
        form = await run_in_threadpool(lambda: self._form(language, draft, person, kind=kind))
        await self.show(str(view["id"]), form, seen=str(view.get("hash") or ""))

    async def known(self, body: dict[str, Any]) -> Person | None:
        """Who did this; a stranger is told, where nobody else sees it."""
        person = self.face.people.person(user_of(body))
        if person is None:
            language = await self.face.people.language(user_of(body))
            text = self._stranger(language, body)
            if body.get("response_url") or not body.get("trigger_id"):
                await self.face.say_to(body, text)
            else:
                await self.open(body, forms.told(language, text))
        return person

    async def open(self, body: dict[str, Any], view: View) -> str:
        """The id of the form that opened. Raises SlackApiError where its time ran out."""
        trigger = str(body.get("trigger_id") or "")
        opened = await patiently(
            lambda: self.face.client.views_open(trigger_id=trigger, view=view), pause=self.face.pause
        )
        return str((opened.get("view") or {})["id"])

    async def show(self, view_id: str, view: View, *, seen: str = "") -> None:
        """The form shows this; one that was closed or changed meanwhile stays as it is."""
        more = {"hash": seen} if seen else {}
        try:
            await patiently(
                lambda: self.face.client.views_update(view_id=view_id, view=view, **more), pause=self.face.pause
            )
        except SlackApiError as error:
            if code(error) not in ("not_found", "hash_conflict", "view_not_found"):
                raise

    async def _looked_at(self, language: Language, body: dict[str, Any], person: Person) -> View:
        message = Message.chosen(body)
        workspace = await self.face.people.workspace()
        by = await self.face.people.name(message.user)
        text = plain(message.markup, self.face.people.known)
        if not text:
            return forms.told(language, say(language, "no_text"))

        def look() -> View:
            try:
                found = look_at(
                    self.lineside,
                    message,
                    text,
                    person=person,
                    by=by,
                    workspace=workspace,
                    respond=str(body.get("response_url") or ""),
                )
            except (BadRequest, NotPermitted) as error:
                return self._refused(language, error)
            if isinstance(found, Saved):
                return forms.told(language, self._kept_by(language, found), title="kept_title")
            proposed, draft = found
            return self._shown(language, draft, proposed)

        return await run_in_threadpool(look)

    async def _empty(self, body: dict[str, Any]) -> None:
        view_id = await self.open(body, forms.told(Language.EN, "…"))
        await self.show(view_id, forms.writing(await self.face.people.language(user_of(body))))

    def _form(self, language: Language, draft: Draft, person: Person, *, kind: str = "") -> View:
        try:
            return self._shown(language, draft, read_again(self.lineside, draft, person=person), kind=kind)
        except (BadRequest, NotPermitted) as error:
            return self._refused(language, error)

    def _shown(self, language: Language, draft: Draft, found: Any, *, kind: str = "") -> View:
        try:
            return forms.proposing(
                language,
                found,
                draft,
                by=self._called(draft.by),
                at=clock(draft.at, self.lineside.plant),
                site=self._site(),
                kind=kind,
            )
        except BadRequest:
            return forms.told(language, say(language, "too_long", length=len(draft.text)))

    async def _in_time(
        self,
        ack: Ack,
        body: dict[str, Any],
        language: Language,
        work: Callable[[], T],
        shown: Callable[[T], dict[str, Any]],
        *,
        waiting: str,
    ) -> T:
        """What `work` gives. The form becomes what it shows, at once or, where that takes longer than Slack waits, when
        it is there."""
        working = asyncio.ensure_future(run_in_threadpool(work))
        done, _ = await asyncio.wait([working], timeout=ACK_WITHIN_S)
        if done:
            found = working.result()
            await ack(**shown(found))
            return found
        await ack(response_action="update", view=forms.told(language, say(language, waiting)))
        found = await working
        told = shown(found)
        wrong = "; ".join(told.get("errors", {}).values())
        view = told.get("view") or forms.told(language, escape(say(language, "failed", reason=wrong)))
        await self.show(str(body["view"]["id"]), view)
        return found

    def _new(self, body: dict[str, Any], text: str, person: Person) -> Draft:
        channel, respond = str(body.get("channel_id") or ""), str(body.get("response_url") or "")
        return new_text(self.lineside, text, person=person, channel=channel, respond=respond)

    def _outcome(
        self,
        language: Language,
        found: Kept | Saved | LinesideError,
        person: Person,
        *,
        kind: str,
        fields: list[tuple[Field, str]],
    ) -> str:
        """What became of it, in escaped markup."""
        if isinstance(found, LinesideError):
            return escape(say(language, "failed", reason=found.message))
        if isinstance(found, Saved):
            return self._kept_by(language, found)
        if kind == WORDS_ONLY:
            lines = [say(language, "kept_words")]
        else:
            name = kind_name(language, CaptureKind(kind))
            lines = [say(language, "kept", kind=name, by=escape(person.name or person.id))]
            lines += [f"• {field_name(language, field)}: {escape(value)}" for field, value in fields]
        if found.again:
            lines.append(say(language, "kept_again"))
        if found.completes:
            lines.append(say(language, "completes"))
        return "\n".join([*lines, self._link(language, found.record_id)])

    def _kept_by(self, language: Language, found: Saved) -> str:
        by, at = escape(self._called(found.by)), clock(found.at, self.lineside.plant, day=True)
        return f"{say(language, 'kept_by', by=by, at=at)}\n{self._link(language, found.record_id)}"

    def _link(self, language: Language, record: str) -> str:
        text, base = say(language, "record", record=record), self.face.settings.url.rstrip("/")
        return f"<{base}/records/{record}|{text}>" if base else text

    def _refused(self, language: Language, error: LinesideError) -> View:
        return forms.told(language, escape(say(language, "failed", reason=error.message)))

    def _stranger(self, language: Language, body: dict[str, Any]) -> str:
        return escape(say(language, "stranger", site=self._site(), user=user_of(body)))

    def _called(self, person_id: str) -> str:
        person = self.lineside.plant.person(person_id)
        return (person.name or person.id) if person else person_id

    def _site(self) -> str:
        return self.lineside.plant.name or self.lineside.plant.site
