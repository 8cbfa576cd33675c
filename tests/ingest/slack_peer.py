"""A server that follows Slack's documentation of its Web API; no Slack workspace is to be had here."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

Answer = tuple[int, dict[str, str], Any]


class SlackServer:
    """One workspace: people, channels, and messages by channel with their threads. Errors come inside a 200.

    errors: what a method, or a method of one channel, answers with. closed: the answer to everything. dripping: no
    answer ends. cut: so many answers more, then one breaks. largest: how many messages are told at once at most.
    hidden_before: what the plan does not show any more. asked: each request's method and arguments.
    """

    def __init__(self) -> None:
        self.url = ""
        self.team = "T1PLANT"
        self.token = "xoxb-right"
        self.people: dict[str, str] = {"U1ANNA00": "Anna Müller", "U2BORIS0": "Boris Kraus"}
        self.strangers: dict[str, str] = {}
        self.channels: dict[str, dict[str, Any]] = {"C1LINE30": {"id": "C1LINE30", "name": "line-3"}}
        self.messages: dict[str, list[Any]] = {"C1LINE30": []}
        self.replies: dict[str, list[dict[str, Any]]] = {}
        self.errors: dict[str, dict[str, Any]] = {}
        self.closed: Answer | None = None
        self.dripping = False
        self.cut: int | None = None
        self.largest = 999
        self.hidden_before = ""
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = scope["query_string"] + b"&", True  # what is asked for may come as a form, too
        while more:
            part = await receive()
            body, more = body + part.get("body", b""), part.get("more_body", False)
        query = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        method = scope["path"].rpartition("/")[2]
        self.asked.append((method, query))
        status, extra, answer = self.closed or self._answered(method, query, headers)
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        if self.cut is not None:
            self.cut -= 1
            if self.cut < 0:
                self.cut, content = None, content[: len(content) // 2]
        raw = [(name.encode(), value.encode()) for name, value in {"content-type": "application/json", **extra}.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        while self.dripping:
            with suppress(TimeoutError):
                if (await asyncio.wait_for(receive(), 0.1))["type"] == "http.disconnect":
                    break
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await send({"type": "http.response.body", "body": content})

    def say(self, ts: str, text: str, *, channel: str = "C1LINE30", user: str = "U1ANNA00", **more: Any) -> None:
        """A message, or a reply where `thread_ts` names its parent."""
        message = {"type": "message", "user": user, "text": text, "ts": ts, **more}
        if (parent := more.get("thread_ts")) is None:
            self.messages[channel].append(message)
            return
        self.replies.setdefault(parent, []).append(message)
        self._count(channel, parent)

    def find(self, ts: str) -> dict[str, Any]:
        every = [each for told in (*self.messages.values(), *self.replies.values()) for each in told]
        return next(each for each in every if isinstance(each, dict) and each.get("ts") == ts)

    def edit(self, ts: str, text: str, *, at: str) -> None:
        self.find(ts).update(text=text, edited={"user": "U1ANNA00", "ts": at})

    def delete(self, ts: str) -> None:
        for told in [*self.messages.values(), *self.replies.values()]:
            told[:] = [each for each in told if not (isinstance(each, dict) and each.get("ts") == ts)]
        for channel, told in self.messages.items():
            for each in told:
                if isinstance(each, dict) and each.get("ts") in self.replies:
                    self._count(channel, str(each["ts"]))

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _ in self.asked)

    def _count(self, channel: str, parent: str) -> None:
        own, replies = next(each for each in self.messages[channel] if each["ts"] == parent), self.replies[parent]
        own.update(thread_ts=parent, reply_count=len(replies), latest_reply=max((r["ts"] for r in replies), default=""))

    def _answered(self, method: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        if headers.get("authorization") != f"Bearer {self.token}":
            return 200, {}, {"ok": False, "error": "invalid_auth"}
        if wrong := self.errors.get(f"{method} {query.get('channel')}") or self.errors.get(method):
            return 200, {}, {"ok": False, **wrong}
        told = getattr(self, "_" + method.replace(".", "_"))(query)
        return 200, {}, told if "ok" in told else {"ok": True, **told}

    def _auth_test(self, _: dict[str, str]) -> dict[str, Any]:
        return {"url": "https://plant.slack.com/", "team": "Plant", "user": "lineside", "team_id": self.team}

    def _users_list(self, query: dict[str, str]) -> dict[str, Any]:
        members = [{"id": each, "name": each.lower(), "profile": {"real_name": n}} for each, n in self.people.items()]
        return self._page("members", members, {**query, "limit": "1"})

    def _users_info(self, query: dict[str, str]) -> dict[str, Any]:
        if (name := self.strangers.get(query["user"])) is None:
            return {"ok": False, "error": "user_not_found"}
        return {"user": {"id": query["user"], "profile": {"real_name": name}, "is_stranger": True}}

    def _conversations_list(self, query: dict[str, str]) -> dict[str, Any]:
        private = "private_channel" in query["types"]
        shown = [each for each in self.channels.values() if private or not each.get("is_private")]
        return self._page("channels", shown, {**query, "limit": "1"})

    def _conversations_info(self, query: dict[str, str]) -> dict[str, Any]:
        if (channel := self.channels.get(query["channel"])) is None:
            return {"ok": False, "error": "channel_not_found"}
        return {"channel": channel}

    def _conversations_history(self, query: dict[str, str]) -> dict[str, Any]:
        told = self.messages[query["channel"]]
        shown = [each for each in told if not isinstance(each, dict) or str(each.get("ts")) > self.hidden_before]
        odd = [each for each in shown if not isinstance(each, dict) or not str(each.get("ts")).startswith("1")]
        inside = [each for each in shown if each not in odd and _inside(each, query)]
        newest = sorted(inside, key=lambda each: str(each["ts"]), reverse=True)
        page = self._page("messages", [*odd, *newest], query)
        return page | {"is_limited": True} if len(shown) < len(told) else page

    def _conversations_replies(self, query: dict[str, str]) -> dict[str, Any]:
        if query["ts"] not in self.replies:
            return {"ok": False, "error": "thread_not_found"}
        replies = [each for each in self.replies[query["ts"]] if _inside(each, query)]
        return self._page("messages", [self.find(query["ts"]), *replies], query)

    def _page(self, name: str, items: list[Any], query: dict[str, str]) -> dict[str, Any]:
        start, size = int(query.get("cursor", "0")), min(int(query.get("limit", 100)), self.largest)
        more = start + size < len(items)
        cursor = {"next_cursor": str(start + size)} if more else {"next_cursor": ""}
        return {name: items[start : start + size], "has_more": more, "response_metadata": cursor}


def _inside(message: dict[str, Any], query: dict[str, str]) -> bool:
    return query.get("oldest", "0") < str(message["ts"]) < query.get("latest", "9")
