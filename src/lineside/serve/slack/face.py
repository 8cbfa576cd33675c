"""The app object, the same for HTTP and Socket Mode: each delivery is taken once, worked on, and finished also after a
restart."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from slack_bolt import BoltResponse
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.starlette.async_handler import to_starlette_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.concurrency import run_in_threadpool

from lineside.app import Lineside
from lineside.errors import BadRequest, LinesideError, NotPermitted, SourceError, SourceRefused, SourceUnavailable
from lineside.memory import deliveries, leases
from lineside.memory.deliveries import Taken
from lineside.serve.slack import door
from lineside.serve.slack.people import People
from lineside.serve.slack.speaking import Pause, answer, busy, code, configured, web_client
from lineside.serve.slack.surface import PATH
from lineside.serve.slack.wording import Language, say

log = structlog.get_logger()

LOOK_AGAIN_S = 60.0
RECONNECT_S = 30.0
RESUMED = "lineside_resumed"
"""In what an ended process left: who did it sees no form any more."""
Ack = Callable[..., Awaitable[Any]]
Work = Callable[[Ack, dict[str, Any]], Awaitable[None]]


class SlackFace:
    """One workspace's app. Whoever builds listeners hangs them on with `on`.

    now: the machine's clock, in UTC. pause: waits so many seconds. holder: who works on what is delivered.
    """

    def __init__(
        self,
        lineside: Lineside,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pause: Pause = asyncio.sleep,
        holder: str | None = None,
    ) -> None:
        self.lineside, self.settings = lineside, lineside.settings.slack
        self.client = web_client(self.settings)
        self.pause = pause
        self.people = People(lineside, self.client, pause=pause)
        self.listening: set[tuple[str, str]] = set()
        self._now = now
        self._holder = holder or leases.new_holder()
        token = self.settings.bot_token.get_secret_value()

        async def authorize(team_id: str | None) -> AuthorizeResult:  # its arguments are told by their names
            return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=token)

        self._bolt = AsyncApp(
            name="lineside",
            signing_secret="",  # the door verifies, before anything is read
            request_verification_enabled=False,
            authorize=authorize,  # the door lets in one workspace only
            client=AsyncWebClient(base_url=self.client.base_url),
        )
        self._bolt.error(self._broken)

    def on(self, kind: str, name: str, work: Work) -> None:
        """`work` is done for that kind of thing: shortcut, view, action or command. It acknowledges first."""
        listener = self._listener(work)
        {
            "shortcut": self._bolt.shortcut,
            "view": self._bolt.view,
            "action": self._bolt.action,
            "command": self._bolt.command,
        }[kind](name)(listener)
        self.listening.add((kind, name))

    def router(self) -> APIRouter:
        """What Slack calls over HTTP; what an ended process left is finished as long as it runs."""

        @contextlib.asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            looking = asyncio.create_task(self._finish_what_was_left())
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.wait([looking])

        router = APIRouter(lifespan=lifespan)
        router.add_api_route(PATH, self._called, methods=["POST"], include_in_schema=False)
        return router

    async def listen(self) -> None:
        """Connected to Slack by Socket Mode, and again where the connection is lost, until it is cancelled."""
        looking = asyncio.create_task(self._finish_what_was_left())
        token = self.settings.app_token.get_secret_value()
        try:
            while True:
                try:
                    await self.people.workspace()
                    break
                except SourceError as error:
                    log.warning("slack_not_reached", code=error.code, reason=error.message)
                await self.pause(RECONNECT_S)
            socket = SocketModeClient(app_token=token, web_client=self.client, ping_interval=10)
            socket.socket_mode_request_listeners.append(self._enveloped)
            try:
                await socket.connect()  # type: ignore[no-untyped-call]  # as the library has it
                log.info("slack_connected", mode="socket")
                await asyncio.Event().wait()
            finally:
                await socket.close()  # type: ignore[no-untyped-call]
        finally:
            looking.cancel()
            await asyncio.wait([looking])

    async def resume(self) -> int:
        """What ended processes left unfinished is worked on; how much it was."""
        left = await run_in_threadpool(
            lambda: deliveries.adopt(
                self.lineside.memory, prefix=door.PREFIX, holder=self._holder, now=self._now()
            )
        )  # fmt: skip
        for each in left:
            log.info("slack_delivery_resumed", delivery=each.name)
            await self._dispatch(each.name, {**json.loads(each.content), RESUMED: True})
        return len(left)

    async def say_to(
        self, body: Mapping[str, Any], text: str, *, respond: str = "", channel: str = "", blocks: Any = None
    ) -> None:
        """Only who did this sees it. What can't be said is logged: there is no other way to them."""
        user = door.user_of(body)
        try:
            await answer(
                self.settings,
                self.client,
                user=user,
                text=text,
                respond=respond or str(body.get("response_url") or ""),
                channel=channel or _channel(body),
                blocks=blocks,
                pause=self.pause,
            )
        except (SlackApiError, SourceError) as error:
            reason = code(error) if isinstance(error, SlackApiError) else error.message
            log.warning("slack_answer_failed", user=user, reason=reason)

    async def _called(self, request: Request) -> Response:
        body = await _body(request)
        secret = self.settings.signing_secret.get_secret_value()
        mark = door.verify(secret, request.headers, body, now=self._now())
        payload = door.payload_of(body, request.headers.get("content-type", ""))
        if payload.get("type") == "url_verification" or payload.get("ssl_check") == "1":
            return to_starlette_response(await self._to_bolt(payload))
        taken, name = await self._take(payload, mark=f"{door.PREFIX}signature/{mark}")
        if taken is Taken.REPLAYED:
            raise NotPermitted("this very request came before", signed_in=False)
        if taken is Taken.KNOWN:
            return Response()
        return to_starlette_response(await self._dispatch(name, payload))

    async def _enveloped(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        payload = dict(request.payload)
        try:
            taken, name = await self._take(payload)
        except LinesideError as error:  # unacknowledged: Slack sends it again, or says so to whoever did it
            log.warning("slack_delivery_refused", code=error.code, reason=error.message)
            return
        known = BoltResponse(status=200, body="")
        response = known if taken is not Taken.NEW else await self._dispatch(name, payload)
        await send_async_response(client, request, response, 0.0)

    async def _take(self, payload: dict[str, Any], mark: str = "") -> tuple[Taken, str]:
        try:
            team = (await self.people.workspace()).team
        except SourceRefused as error:  # a token to be mended here; Slack may try again
            raise SourceUnavailable(error.message) from error
        door.check_team(payload, team)
        content = json.dumps(payload, ensure_ascii=False).encode()
        name = door.name_of(payload, content)
        marks = [mark] if mark else []
        memory = self.lineside.memory
        taken = await run_in_threadpool(
            lambda: deliveries.take(memory, name, content, holder=self._holder, now=self._now(), marks=marks)
        )
        return taken, name

    async def _dispatch(self, name: str, payload: dict[str, Any]) -> BoltResponse:
        response = await self._to_bolt(payload, delivery=name)
        if response.status == 404:  # nobody listens for it
            await self._finish(name)
        return response

    async def _to_bolt(self, payload: dict[str, Any], **context: Any) -> BoltResponse:
        # The payload is read already, so that one way leads in, whichever transport it came by.
        return await self._bolt.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload, context=context))

    def _listener(self, work: Work) -> Callable[..., Awaitable[None]]:
        async def listen(ack: Ack, body: dict[str, Any], context: dict[str, Any]) -> None:
            stopped = False
            try:
                await work(ack, body)
            except asyncio.CancelledError:
                stopped = True  # the next process does it
                raise
            except SlackApiError as error:
                await self._excuse(body, error)
            except LinesideError as error:
                log.warning("slack_work_failed", code=error.code, reason=error.message)
                language = await self.people.language(door.user_of(body))
                await self.say_to(body, say(language, "failed", reason=error.message))
            finally:
                if not stopped:
                    await self._finish(str(context["delivery"]))

        return listen

    async def _excuse(self, body: dict[str, Any], error: SlackApiError) -> None:
        """Slack refused what we did; the person learns that nothing came of it."""
        word = code(error)
        log.warning("slack_refused", reason=word)
        language = await self.people.language(door.user_of(body))
        if word in ("expired_trigger_id", "exchanged_trigger_id"):
            text = say(language, "expired")
        else:
            text = say(language, "busy") if busy(error) else say(language, "failed", reason=word)
        await self.say_to(body, text)

    async def _broken(self, error: Exception, body: dict[str, Any]) -> None:
        """A fault of ours: logged with its trace; the person learns that it is one."""
        log.error("slack_work_broke", exc_info=error)
        await self.say_to(body, say(Language.EN, "broken"))

    async def _finish(self, name: str) -> None:
        await run_in_threadpool(lambda: deliveries.finish(self.lineside.memory, name, now=self._now()))

    async def _finish_what_was_left(self) -> None:
        while True:
            try:
                await self.resume()
            except LinesideError as error:
                log.warning("slack_resume_failed", code=error.code, reason=error.message)
            await asyncio.sleep(LOOK_AGAIN_S)


def build(lineside: Lineside, **more: Any) -> SlackFace | None:
    """The app with all its listeners; None where Slack is off. Raises BadSettings."""
    if not configured(lineside.settings.slack):
        return None
    from lineside.serve.slack import commanding, noting

    face = SlackFace(lineside, **more)
    noting.hang(face)
    commanding.hang(face)
    return face


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > door.LARGEST_BYTES:
            raise BadRequest("the request is larger than anything that Slack sends")
    return bytes(body)


def _channel(body: Mapping[str, Any]) -> str:
    channel = body.get("channel")
    found = channel.get("id") if isinstance(channel, dict) else body.get("channel_id")
    return str(found or "")
