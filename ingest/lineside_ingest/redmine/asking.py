"""What is asked of Redmine: who we are, tickets by id, one ticket with its history, what ids are called.

By id, because that order stands: in any order by time a ticket that changes meanwhile moves to the end, and those
behind it move into pages that were read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lineside.connector.http import Session
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.redmine.tickets import Names, Row

AT_ONCE = 100  # Redmine gives no more, whatever it is asked for
_TABLES = {"statuses": "issue_statuses", "trackers": "trackers", "projects": "projects"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Tickets in the order of their ids. last: none come after them."""

    rows: Sequence[Row]
    last: bool


class Asking:
    """Asks one question after the other. Raises SourceUnavailable or SourceRefused."""

    def __init__(self, session: Session, *, source: str) -> None:
        self._session = session
        self._source = source

    async def signed_in(self) -> Row:
        """The user that the key belongs to. Redmine takes an unknown key for nobody, and shows nobody what is public:
        only this question tells a refused key from a plant with few tickets."""
        try:
            answer = await self._session.get("users/current.json")
        except SourceRefused as error:
            raise self._why(error) from error
        user = answer.json.get("user") if isinstance(answer.json, dict) else None
        if not isinstance(user, dict):
            raise SourceRefused(f"{self._source}: users/current.json tells of no user: is this a Redmine?", status=404)
        return {name: user.get(name) for name in ("id", "login", "admin")}

    async def page(self, place: str, *, after: int = 0, since: str = "", size: int = AT_ONCE) -> Page:
        """Tickets with ids beyond `after` that changed at `since` or later. place: a project; empty for all."""
        when = {"updated_on": f">={_wire(since)}"} if since else {}
        wanted = {"issue_id": f">={after + 1}", "sort": "id", "limit": str(size), **_in(place), **when}
        page = await self._tickets(wanted)
        if any(number(row) <= after for row in page.rows):  # it would give the same page for ever
            raise SourceRefused(f"{self._source}: this Redmine can't be asked for tickets by id: it is too old")
        return page

    async def newest(self, place: str, now: datetime) -> Row:
        """The ticket that changed last, empty where there is none; changes ahead of `now` don't count."""
        soon = (now + timedelta(seconds=1)).isoformat()  # it keeps fractions of a second, though it tells none
        wanted = {"updated_on": f"<={_wire(soon)}", "sort": "updated_on:desc", "limit": "1"}
        found = await self._tickets({**_in(place), **wanted})
        return found.rows[0] if found.rows else {}

    async def there(self, place: str, ids: Sequence[int]) -> list[Row]:
        """Those of the tickets that are there for us."""
        rows: list[Row] = []
        for start in range(0, len(ids), AT_ONCE):
            some = ",".join(map(str, ids[start : start + AT_ONCE]))
            rows += (await self._tickets({**_in(place), "issue_id": some, "sort": "id", "limit": str(len(ids))})).rows
        return rows

    async def every(self, place: str) -> AsyncIterator[Row]:
        """Every ticket of the place."""
        after, last = 0, False
        while not last:
            page = await self.page(place, after=after)
            for row in page.rows:
                after = max(after, number(row))
                yield row
            last = page.last

    async def ticket(self, which: int) -> Row | None:
        """The ticket with its history; None where it is not there, or not for us."""
        try:
            answer = await self._session.get(f"issues/{which}.json", {"include": "journals,attachments,relations"})
        except SourceRefused as error:
            if error.fields.get("status") in {403, 404}:
                return None
            raise
        found = answer.json.get("issue") if isinstance(answer.json, dict) else None
        if not isinstance(found, dict):
            raise SourceUnavailable(f"{self._source}: issues/{which}.json holds no issue")
        return found

    async def names(self) -> Names:
        """What ids are called; a table that is refused is empty."""
        rows = {table: await self._table(path, path) for table, path in _TABLES.items()}
        rows["priorities"] = await self._table("enumerations/issue_priorities", "issue_priorities")
        return Names(
            tables={
                table: {str(each.get("id")): str(each.get("name") or "") for each in found}
                for table, found in rows.items()
            },
            closed=frozenset(str(each.get("id")) for each in rows["statuses"] if each.get("is_closed")),
        )

    async def _table(self, path: str, name: str) -> list[Row]:
        rows: list[Row] = []
        while True:
            try:
                answer = await self._session.get(f"{path}.json", {"limit": str(AT_ONCE), "offset": str(len(rows))})
            except SourceRefused as error:
                if error.fields.get("status") in {403, 404}:
                    return rows
                raise
            found = _rows(answer.json, name)
            rows += found
            if not found or len(rows) >= _total(answer.json, len(rows)):
                return rows

    async def _tickets(self, wanted: Mapping[str, str]) -> Page:
        answer = (await self._session.get("issues.json", {"status_id": "*", **wanted})).json
        if not isinstance(answer, dict) or not isinstance(answer.get("issues"), list):
            raise SourceUnavailable(f"{self._source}: issues.json holds no issues")
        rows = _rows(answer, "issues")
        return Page(rows=rows, last=not rows or len(rows) >= _total(answer, len(rows)))

    def _why(self, error: SourceRefused) -> SourceRefused:
        match error.fields.get("status"):
            case 401:
                reason = "Redmine refuses the key: it is wrong, was reset, or its user is locked"
            case 403:
                reason = "Redmine's REST interface is off: Administration, Settings, API, Enable REST web service"
            case 404:
                reason = "there is no Redmine at the url, or its path is lacking"
            case _:
                return error
        return SourceRefused(f"{self._source}: {reason} ({error.message})", **error.fields)


def number(row: Mapping[str, Json]) -> int:
    """The ticket's id. Raises SourceUnavailable where it has none."""
    found = row.get("id")
    if not isinstance(found, int) or isinstance(found, bool):
        raise SourceUnavailable(f"a ticket of the answer has no id, but {found!r}")
    return found


def _in(place: str) -> dict[str, str]:
    return {"project_id": place} if place else {}


def _wire(at: str) -> str:
    """The time as Redmine's filters take it: whole seconds of UTC."""
    return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rows(answer: Json, name: str) -> list[Row]:
    found = answer.get(name) if isinstance(answer, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _total(answer: Json, otherwise: int) -> int:
    total = answer.get("total_count") if isinstance(answer, dict) else None
    return total if isinstance(total, int) else otherwise
