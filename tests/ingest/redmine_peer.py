"""A server that answers as Redmine's REST interface does, by what the real one (see tests/live) was seen to answer."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

ISO = "%Y-%m-%dT%H:%M:%SZ"


class RedmineServer:
    """Tickets with their journals, as `issues/<id>.json` tells them.

    closed: the answer to everything. dripping: no answer ends. cut: so many answers more, then one breaks. hidden:
    projects that answer 403. enabled: whether the REST interface is on. meanwhile: called after each answer.
    """

    def __init__(self) -> None:
        self.url = ""
        self.key = "right"
        self.enabled = True
        self.tickets: dict[int, dict[str, Any]] = {}
        self.hidden: set[str] = set()
        self.closed: tuple[int, dict[str, str]] | None = None
        self.dripping = False
        self.cut: int | None = None
        self.largest = 100
        self.too_many = 1000
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.meanwhile = lambda: None
        self.statuses = {1: ("New", False), 2: ("In Progress", False), 5: ("Closed", True)}
        self.trackers = {1: "Maintenance", 2: "8D report", 3: "Support", 4: "Customer complaint"}
        self.projects = {1: "plant", 2: "quality"}

    def add(self, number: int, *, at: datetime, born: datetime | None = None, **more: Any) -> dict[str, Any]:
        """The ticket is there. at: its last change."""
        self.tickets[number] = {
            "id": number, "project": {"id": 1, "name": "plant"}, "tracker": {"id": 3, "name": self.trackers[3]},
            "status": {"id": 1, "name": "New", "is_closed": False}, "priority": {"id": 2, "name": "Normal"},
            "author": {"id": 7, "name": "Ann Fitter"}, "subject": f"Ticket {number}", "description": "",
            "due_date": None, "done_ratio": 0, "is_private": False, "custom_fields": [], "closed_on": None,
            "created_on": (born or at).strftime(ISO), "updated_on": at.strftime(ISO), "attachments": [], "journals": [],
            **more,
        }  # fmt: skip
        return self.tickets[number]

    def change(self, number: int, journal: int, *, at: datetime, notes: str = "", **more: Any) -> None:
        """Somebody writes in the ticket, or changes it: `details` say what."""
        ticket = self.tickets[number]
        said = {
            "id": journal, "user": {"id": 8, "name": "Bob Miller"}, "notes": notes, "created_on": at.strftime(ISO),
            "private_notes": False, "details": [], **more,
        }  # fmt: skip
        ticket["journals"].append(said)
        ticket["updated_on"] = at.strftime(ISO)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        path = scope["path"].removeprefix("/odata/").removesuffix(".json")
        self.asked.append((path, query))
        status, extra, answer = (*self.closed, None) if self.closed else self._answered(path, query, headers)
        content = b"" if answer is None else json.dumps(answer).encode()
        if self.cut is not None:
            self.cut -= 1
            if self.cut < 0:
                self.cut, extra, content = None, {"content-length": str(len(content))}, content[:10]
        raw = [(name.encode(), value.encode()) for name, value in {"content-type": "application/json", **extra}.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        while self.dripping:
            with suppress(TimeoutError):
                if (await asyncio.wait_for(receive(), 0.1))["type"] == "http.disconnect":
                    break
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await send({"type": "http.response.body", "body": content})
        self.meanwhile()

    def _answered(self, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        known = headers.get("x-redmine-api-key") == self.key and self.enabled
        if path == "users/current":
            said = {"user": {"id": 9, "login": "lineside", "admin": False, "api_key": self.key}}
            return (200, {}, said) if known else (401 if self.enabled else 403, {}, None)
        rows = [each for each in self.tickets.values() if known or each["project"]["name"] == "plant"]
        if path == "issues":
            return self._listed([{n: v for n, v in each.items() if n != "journals"} for each in rows], query)
        if path.startswith("issues/"):
            found = [each for each in rows if str(each["id"]) == path.partition("/")[2]]
            return (200, {}, {"issue": found[0]}) if found else (404, {}, None)
        return self._named(path, query)

    def _listed(self, rows: list[dict[str, Any]], query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        place, limit = query.get("project_id"), min(int(query.get("limit", 25)), 100)
        if place is not None and (place in self.hidden or place not in self.projects.values()):
            return (403 if place in self.hidden else 404), {}, None
        if limit > self.too_many:
            return 413, {}, None
        rows = [each for each in rows if place in (None, each["project"]["name"])]
        if wanted := query.get("issue_id"):
            ids = None if wanted.startswith(">=") else set(map(int, wanted.split(",")))
            rows = [each for each in rows if (each["id"] in ids if ids else each["id"] >= int(wanted[2:]))]
        if at := query.get("updated_on"):
            datetime.strptime(at[2:], ISO).replace(tzinfo=UTC)
            later = at.startswith(">=")  # what is kept has fractions of a second, though none are told
            rows = [each for each in rows if (each["updated_on"] >= at[2:] if later else each["updated_on"] < at[2:])]
        name, _, order = query.get("sort", "id:desc").partition(":")
        rows = sorted(rows, key=lambda each: each[name], reverse=order == "desc")
        shown = rows[: min(limit, self.largest)]
        return 200, {}, {"issues": shown, "total_count": len(rows), "offset": 0, "limit": limit}

    def _named(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        match path:
            case "issue_statuses":
                rows = [{"id": each, "name": name, "is_closed": shut} for each, (name, shut) in self.statuses.items()]
            case "trackers":
                rows = [{"id": each, "name": name} for each, name in self.trackers.items()]
            case "projects":
                rows = [{"id": each, "name": name} for each, name in self.projects.items()]
                skip = int(query.get("offset", 0))
                return (
                    200,
                    {},
                    {"projects": rows[skip : skip + 1], "total_count": len(rows), "offset": skip, "limit": 1},
                )
            case "enumerations/issue_priorities":
                rows = [{"id": 2, "name": "Normal"}, {"id": 4, "name": "Urgent"}]
            case _:
                return 404, {}, None
        return 200, {}, {path.rpartition("/")[2]: rows}
