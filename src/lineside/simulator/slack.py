"""A Slack workspace that speaks Slack's protocols: its Web API, the requests that it signs, Socket Mode. It checks what
it is given by Slack's documented rules, lets trigger ids expire, and fails in Slack's ways where it is told to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession, WSMsgType, web

from lineside.simulator.slack_rules import block_faults, view_faults

Payload = dict[str, Any]  # Slack's JSON

TRIGGER_S = 3.0
ACK_S = 3.0
_HOOK_USES = 5
_PATIENCE_S = 20.0
_SCOPE = {"chat.postMessage": "chat:write", "chat.postEphemeral": "chat:write", "users.info": "users:read"}


@dataclass(frozen=True, slots=True)
class Fault:
    """How the next call of a method fails. retry_after: for 429, in seconds."""

    error: str
    status: int = 200
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Something that somebody can read. to: who alone sees it; empty for everybody in the channel."""

    channel: str
    ts: str
    text: str
    user: str = ""
    to: str = ""
    thread: str = ""
    blocks: tuple[Payload, ...] = ()

    @property
    def words(self) -> str:
        """All that it says, its blocks instead of its text where it has some."""
        return "\n".join(str(each["text"]["text"]) for each in self.blocks if "text" in each) or self.text


@dataclass(frozen=True, slots=True)
class Reply:
    """What the app answered at once. status 0: nothing, in time."""

    status: int
    body: Payload | None = None


@dataclass
class _Form:
    id: str
    user: str
    view: Payload
    hash: str
    typed: dict[str, str] = field(default_factory=dict)


class SlackWorkspace:
    """One workspace with its users, channels and forms, and the one app that is installed there.

    target: where the app takes HTTP requests; None sends by Socket Mode. now: Slack's clock, in seconds since 1970.
    """

    def __init__(
        self,
        *,
        team: str = "T0WORKS00",
        bot_token: str = "xoxb-simulated",  # noqa: S107 - tokens of a Slack that is none
        app_token: str = "xapp-simulated",  # noqa: S107
        signing_secret: str = "simulated-secret",  # noqa: S107
        scopes: Iterable[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self.team, self.bot_token, self.app_token, self.signing_secret = team, bot_token, app_token, signing_secret
        self.scopes = set(scopes)
        self.now = now
        self.target: str | None = None
        self.trigger_s = TRIGGER_S
        self.url = ""
        self.users: dict[str, Payload] = {}
        self.channels: dict[str, Payload] = {}
        self.said: list[Said] = []
        self.forms: dict[str, _Form] = {}
        self.calls: list[tuple[str, Payload]] = []
        self.refusals: list[str] = []
        self.sent: list[tuple[dict[str, str], bytes]] = []
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.sockets: list[web.WebSocketResponse] = []
        self._triggers: dict[str, tuple[float, str, bool]] = {}
        self._hooks: dict[str, tuple[str, str, int]] = {}
        self._acks: dict[str, asyncio.Future[Payload]] = {}
        self._tickets: set[str] = set()
        self._numbers = count(1)
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    # The server.

    async def start(self, port: int = 0) -> str:
        """It is served; the base of its Web API, which ends with a slash."""
        app = web.Application(client_max_size=4_000_000)
        app.router.add_route("*", "/api/{method}", self._called)
        app.router.add_post("/hook/{hook}", self._hooked)
        app.router.add_get("/link/{ticket}", self._linked)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        host, found = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{found}"
        return f"{self.url}/api/"

    async def stop(self) -> None:
        for socket in self.sockets:
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def until(self, told: Callable[[], Any], what: str) -> Any:
        """What `told` gives as soon as it is true; raises TimeoutError with what was waited for."""
        try:
            async with asyncio.timeout(_PATIENCE_S), self._changed:
                await self._changed.wait_for(lambda: bool(told()))
        except TimeoutError as error:
            raise TimeoutError(f"waited for: {what}; refused: {self.refusals}") from error
        return told()

    # The people.

    def join(self, user: str, name: str, *, locale: str = "en-US", team: str | None = None) -> str:
        self.users[user] = {"id": user, "team_id": team or self.team, "real_name": name, "locale": locale}
        return user

    def open_channel(self, channel: str, name: str, *, invited: bool = True) -> str:
        """invited: whether the app is in it."""
        self.channels[channel] = {"id": channel, "name": name, "invited": invited}
        return channel

    def write(self, user: str, channel: str, text: str, *, ts: str | None = None, edited: str = "") -> Payload:
        """Somebody writes a message, in Slack's markup; as it goes out with a shortcut."""
        ts = ts or self._ts()
        self.said.append(Said(channel, ts, text, user=user))
        more = {"edited": {"user": user, "ts": edited}} if edited else {}
        return {"type": "message", "user": user, "ts": ts, "text": text, "team": self.team, **more}

    async def choose_on_message(self, user: str, channel: str, message: Payload, callback: str) -> Reply:
        """A message shortcut is chosen."""
        return await self._interact(
            user,
            {
                "type": "message_action",
                "callback_id": callback,
                "message_ts": message["ts"],
                "action_ts": self._ts(),
                "channel": {"id": channel, "name": self.channels[channel]["name"]},
                "response_url": self._hook(user, channel),
                "message": message,
            },
        )

    async def choose(self, user: str, callback: str) -> Reply:
        """A global shortcut is chosen."""
        return await self._interact(user, {"type": "shortcut", "callback_id": callback, "action_ts": self._ts()})

    async def command(self, user: str, channel: str, command: str, text: str) -> Reply:
        said = {
            "command": command,
            "text": text,
            "team_id": self.users[user]["team_id"],
            "team_domain": "works",
            "user_id": user,
            "user_name": user.lower(),
            "channel_id": channel,
            "channel_name": self.channels[channel]["name"],
            "response_url": self._hook(user, channel),
            "trigger_id": self._trigger(user),
            "api_app_id": "A0SIMULATED",
        }
        return await self.deliver(said, kind="slash_commands")

    def form(self, user: str) -> Payload | None:
        """The form that this user looks at now."""
        return next((each.view for each in reversed(self.forms.values()) if each.user == user), None)

    def fill(self, user: str, **typed: str) -> None:
        """What the user types into the blocks of that form, or chooses there; empty clears."""
        self._looked_at(user).typed.update(typed)

    async def select(self, user: str, block: str, value: str) -> Reply:
        """The user chooses in a block that tells at once."""
        form = self._looked_at(user)
        form.typed[block] = value
        element = next(each for each in form.view["blocks"] if each.get("block_id") == block)["element"]
        option = next(each for each in element["options"] if each["value"] == value)
        action = {"type": element["type"], "block_id": block, "action_id": element["action_id"]}
        actions = [action | {"selected_option": option, "action_ts": self._ts()}]
        return await self._interact(user, {"type": "block_actions", "view": self._state(form), "actions": actions})

    async def submit(self, user: str) -> Reply:
        """The user sends the form; it closes, or becomes what the app answers."""
        form = self._looked_at(user)
        reply = await self._interact(user, {"type": "view_submission", "view": self._state(form), "response_urls": []})
        if reply.status != 200:
            return reply
        match (reply.body or {}).get("response_action"):
            case "errors":
                known = {each.get("block_id") for each in form.view["blocks"] if each.get("type") == "input"}
                unknown = set((reply.body or {})["errors"]) - known
                assert not unknown, f"errors of no input: {unknown}"  # noqa: S101 - Slack would show nothing
            case "update":
                if faults := view_faults((reply.body or {})["view"]):
                    self.refusals += faults
                else:
                    self._show(form, (reply.body or {})["view"])
            case _:
                self.forms.pop(form.id, None)
        await self._tell()
        return reply

    # What goes to the app.

    async def deliver(self, payload: Payload, *, kind: str = "interactive", envelope: str = "") -> Reply:
        """The payload reaches the app, signed over HTTP or by its socket; what it answers within three seconds."""
        if self.target is None:
            return await self._by_socket(payload, kind, envelope)
        form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        body = urlencode(form).encode()
        return await self.post(body, self.signed(body))

    def signed(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        """The headers with which Slack sends it."""
        timestamp = str(int(self.now() if at is None else at))
        mac = hmac.new(self.signing_secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={mac.hexdigest()}",
        }

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """These very bytes and headers reach the app over HTTP."""
        self.sent.append((dict(headers), body))
        assert self.target is not None  # noqa: S101 - over HTTP only
        async with ClientSession() as session, session.post(self.target, data=body, headers=headers) as response:
            text = await response.text()
            is_json = text.startswith("{")
            return Reply(response.status, json.loads(text) if is_json else None)

    async def _by_socket(self, payload: Payload, kind: str, envelope: str) -> Reply:
        await self.until(lambda: self.sockets, "the app's connection")
        envelope = envelope or f"e-{next(self._numbers)}"
        acked = self._acks.setdefault(envelope, asyncio.get_running_loop().create_future())
        said = {"envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": True}
        await self.sockets[-1].send_json(said)
        try:
            async with asyncio.timeout(ACK_S):
                return Reply(200, await acked)
        except TimeoutError:
            return Reply(0)
        finally:
            self._acks.pop(envelope, None)

    async def _interact(self, user: str, said: Payload) -> Reply:
        about = {"id": self.users[user]["team_id"], "domain": "works"}
        who = {"id": user, "name": user.lower(), "team_id": self.users[user]["team_id"]}
        return await self.deliver(
            {"team": about, "user": who, "api_app_id": "A0SIMULATED", "trigger_id": self._trigger(user), **said}
        )

    # What comes from the app.

    async def _called(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        args = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(args.pop("token", ""))
        self.calls.append((method, args))
        if self.faults[method]:
            fault = self.faults[method].popleft()
            wait = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
            answer = web.json_response({"ok": False, "error": fault.error}, status=fault.status, headers=wait)
        else:
            found = self._answer(method, args, token)
            if not found.get("ok"):
                self.refusals.append(f"{method}: {found['error']} {found.get('response_metadata', '')}")
            answer = web.json_response(found, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})
        await self._tell()
        return answer

    def _answer(self, method: str, args: Payload, token: str) -> Payload:
        wanted = self.app_token if method == "apps.connections.open" else self.bot_token
        if token != wanted:
            other = token in (self.app_token, self.bot_token)
            return _no("not_allowed_token_type" if other else "invalid_auth" if token else "not_authed")
        if method in _SCOPE and _SCOPE[method] not in self.scopes:
            return _no("missing_scope", needed=_SCOPE[method])
        match method:
            case "auth.test":
                me = {"team": "Works", "user": "lineside", "user_id": "U0LINESIDE", "bot_id": "B0LINESIDE"}
                return {"ok": True, "url": "https://works.slack.com/", "team_id": self.team, **me}
            case "users.info":
                user = self.users.get(str(args.get("user")))
                return {"ok": True, "user": user} if user else _no("user_not_found")
            case "apps.connections.open":
                ticket = f"t-{next(self._numbers)}"
                self._tickets.add(ticket)
                return {"ok": True, "url": f"{self.url.replace('http', 'ws', 1)}/link/{ticket}"}
            case "views.open" | "views.push":
                return self._open(args)
            case "views.update":
                return self._update(args)
            case "chat.postMessage":
                return self._message(args)
            case "chat.postEphemeral":
                return self._message(args, to=str(args.get("user") or ""))
        return _no("unknown_method")

    def _open(self, args: Payload) -> Payload:
        expires, user, used = self._triggers.get(str(args.get("trigger_id")), (0.0, "", False))
        if not user:
            return _no("invalid_trigger_id")
        if used:
            return _no("exchanged_trigger_id")
        if self.now() > expires:
            return _no("expired_trigger_id")
        if faults := view_faults(args.get("view") or {}):
            return _no("invalid_arguments", response_metadata={"messages": faults})
        self._triggers[str(args["trigger_id"])] = (expires, user, True)
        form = _Form(f"V{next(self._numbers)}", user, {}, "")
        self.forms[form.id] = form
        return {"ok": True, "view": self._show(form, args["view"])}

    def _update(self, args: Payload) -> Payload:
        form = self.forms.get(str(args.get("view_id")))
        if form is None:
            return _no("not_found")
        if args.get("hash") not in (None, "", form.hash):
            return _no("hash_conflict")
        if faults := view_faults(args.get("view") or {}):
            return _no("invalid_arguments", response_metadata={"messages": faults})
        return {"ok": True, "view": self._show(form, args["view"])}

    def _message(self, args: Payload, *, to: str | None = None) -> Payload:
        channel, text, blocks = str(args.get("channel") or ""), str(args.get("text") or ""), args.get("blocks") or []
        direct = channel in self.users and to is None
        if channel not in self.channels and not direct:
            return _no("channel_not_found")
        if not direct and not self.channels[channel]["invited"]:
            return _no("not_in_channel")
        if to is not None and to not in self.users:
            return _no("user_not_in_channel")
        if wrong := self._wrong(text, blocks):
            return wrong
        ts = self._ts()
        reader = channel if direct else to or ""
        thread = str(args.get("thread_ts") or "")
        if thread and all(each.ts != thread for each in self.said):
            return _no("thread_not_found")
        self.said.append(Said(channel, ts, text, "U0LINESIDE", reader, thread, tuple(blocks)))
        return {"ok": True, "channel": channel, "ts": ts, "message_ts": ts}

    async def _hooked(self, request: web.Request) -> web.Response:
        user, channel, uses = self._hooks.get(request.match_info["hook"], ("", "", 0))
        if not user or uses >= _HOOK_USES:
            return web.Response(status=404, text="used_url")
        self._hooks[request.match_info["hook"]] = (user, channel, uses + 1)
        args = await _arguments(request)
        blocks = args.get("blocks") or []
        if wrong := self._wrong(str(args.get("text") or ""), blocks):
            self.refusals.append(f"response_url: {wrong}")
            await self._tell()
            return web.Response(status=400, text=str(wrong["error"]))
        reader = "" if args.get("response_type") == "in_channel" else user
        text = str(args.get("text") or "")
        self.said.append(Said(channel, self._ts(), text, "U0LINESIDE", reader, "", tuple(blocks)))
        await self._tell()
        return web.Response(text="ok")

    def _wrong(self, text: str, blocks: list[Payload]) -> Payload | None:
        if not text and not blocks:
            return _no("no_text")
        if len(text) > 40_000:
            return _no("msg_too_long")
        faults = block_faults(blocks, surface="message")
        return _no("invalid_blocks", response_metadata={"messages": faults}) if faults else None

    async def _linked(self, request: web.Request) -> web.StreamResponse:
        ticket = request.match_info["ticket"]
        if ticket not in self._tickets:
            raise web.HTTPForbidden
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self.sockets.append(socket)
        await self._tell()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                said = json.loads(message.data)
                acked = self._acks.get(str(said.get("envelope_id")))
                if acked is not None and not acked.done():
                    acked.set_result(said.get("payload") or {})
        self.sockets.remove(socket)
        await self._tell()
        return socket

    # What it remembers.

    def _show(self, form: _Form, view: Payload) -> Payload:
        form.view, form.hash = {**view, "id": form.id}, f"h-{next(self._numbers)}"
        return {**form.view, "hash": form.hash, "team_id": self.team}

    def _looked_at(self, user: str) -> _Form:
        return next(each for each in reversed(self.forms.values()) if each.user == user)

    def _state(self, form: _Form) -> Payload:
        """The form as it is sent to the app: what was typed stays where its block does."""
        values: dict[str, Payload] = {}
        for block in form.view["blocks"]:
            if block.get("type") != "input":
                continue
            element, typed = block["element"], form.typed.get(block["block_id"])
            given: Payload = {"type": element["type"]}
            if element["type"] == "plain_text_input":
                given["value"] = (element.get("initial_value") if typed is None else typed) or None
            else:
                chosen = [each for each in element["options"] if each["value"] == typed]
                given["selected_option"] = chosen[0] if chosen else element.get("initial_option")
            values[block["block_id"]] = {element["action_id"]: given}
        return {**form.view, "hash": form.hash, "team_id": self.team, "state": {"values": values}}

    def _trigger(self, user: str) -> str:
        trigger = f"{next(self._numbers)}.{self.team}"
        self._triggers[trigger] = (self.now() + self.trigger_s, user, False)
        return trigger

    def _hook(self, user: str, channel: str) -> str:
        hook = f"h{next(self._numbers)}"
        self._hooks[hook] = (user, channel, 0)
        return f"{self.url}/hook/{hook}"

    def _ts(self) -> str:
        return f"{int(self.now())}.{next(self._numbers):06d}"

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _arguments(request: web.Request) -> Payload:
    if request.content_type == "application/json":
        found: Payload = await request.json()
        return found
    said = dict(request.query) | {name: str(value) for name, value in (await request.post()).items()}
    return {name: json.loads(value) if name in ("blocks", "view") else value for name, value in said.items()}


def _no(error: str, **more: Any) -> Payload:
    return {"ok": False, "error": error, **more}
