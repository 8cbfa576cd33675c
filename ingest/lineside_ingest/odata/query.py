"""How a collection is asked and how its answer is read, for each protocol. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from lineside.connector.http import at
from lineside.connector.rows import RowStream
from lineside.plant import row_values
from lineside.plant.records import Json

PROTOCOLS = ("odata4", "odata2", "rest")
CHANGED_TYPES = ("offset", "datetime", "text", "number")
_ROW_PATHS = {"odata4": ("value",), "odata2": ("d.results", "d"), "rest": ("value", "results", "items", "data")}
_NEXT_PATHS = {"odata4": ("@odata.nextLink",), "odata2": ("d.__next",), "rest": ("next", "@odata.nextLink")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One configured collection. path: below the source's url. rows: where the list stands in an answer."""

    stream: RowStream
    protocol: str
    path: str
    changed_field: str = ""
    changed_type: str = "offset"
    overlap_s: float = 300.0
    page_size: int = 500
    params: Mapping[str, str] = field(default_factory=dict)
    rows: str = ""
    since_param: str = ""
    offset_param: str = ""
    limit_param: str = ""

    def query(self, since: str | None, skip: int) -> dict[str, str]:
        """The parameters for the rows changed at or after `since`, without the first `skip` of them."""
        asked = dict(self.params)
        if self.protocol == "rest":
            if since is not None and self.since_param:
                asked[self.since_param] = since
            if self.limit_param:
                asked[self.limit_param] = str(self.page_size)
            if self.offset_param:
                asked[self.offset_param] = str(skip)
            return asked
        asked["$top"] = str(self.page_size)
        asked["$orderby"] = ",".join(dict.fromkeys(filter(None, (self.changed_field, *self.stream.key))))
        if self.protocol == "odata2":
            asked["$format"] = "json"
        if since is not None:
            changed = f"{self.changed_field} ge {self._literal(since)}"
            asked["$filter"] = f"({asked['$filter']}) and {changed}" if "$filter" in asked else changed
        if skip:
            asked["$skip"] = str(skip)
        return asked

    @property
    def pages(self) -> bool:
        """Whether the next page can be asked for by an offset, where the answer brings no link."""
        return self.protocol != "rest" or bool(self.offset_param)

    def changed(self, row: Mapping[str, Json]) -> str | None:
        """When the row changed, as the source's own text, or as a time in ISO where OData 2 wraps it."""
        value = row.get(self.changed_field) if self.changed_field else None
        return row_values.text(value) or None

    def moment(self, changed: str | None) -> datetime | None:
        """That as a time; None where it is no time."""
        if changed is None or self.changed_type == "number":
            return None
        try:
            return row_values.moment(changed, self.stream.notation).at
        except ValueError:
            return None

    def later(self, one: str | None, other: str | None) -> str | None:
        """The later of two marks."""
        if one is None or other is None:
            return one if other is None else other
        return max(one, other, key=self._order)

    def reaches(self, changed: str, mark: str) -> bool:
        """Whether `changed` is at the mark or behind it."""
        return self.later(changed, mark) == changed or self._order(changed) == self._order(mark)

    def behind(self, mark: str) -> str:
        """The mark less the overlap, in the mark's own notation; a text that is no time has no distance."""
        at = self.moment(mark)
        return mark if at is None else self._written(at - timedelta(seconds=self.overlap_s), mark)

    def not_after(self, mark: str, now: datetime) -> str:
        """The mark, but never later than now."""
        at = self.moment(mark)
        return mark if at is None or at <= now else self._written(now, mark)

    def _order(self, mark: str) -> tuple[int, float | Decimal, str]:
        if self.changed_type == "number":
            return (0, Decimal(str(row_values.number(mark, self.stream.notation))), "")
        at = self.moment(mark)
        return (1, 0.0, mark) if at is None else (0, at.timestamp(), "")

    def _written(self, at: datetime, like: str) -> str:
        local = at.astimezone(self.stream.notation.time_zone)
        if like.isdigit():
            return local.strftime("%Y%m%d%H%M%S" if len(like) > 8 else "%Y%m%d")
        if self.changed_type == "datetime":
            return local.replace(tzinfo=None).isoformat(timespec="auto")
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def _literal(self, since: str) -> str:
        if self.changed_type == "number":
            return since
        if self.changed_type == "text":
            return "'" + since.replace("'", "''") + "'"
        if self.protocol == "odata4":
            return since
        since = since if "T" in since else f"{since}T00:00:00"
        return f"datetime'{since}'" if self.changed_type == "datetime" else f"datetimeoffset'{since}'"


def found_rows(collection: Collection, answer: Json) -> list[dict[str, Json]] | None:
    """The rows in an answer; None where there is no list."""
    if isinstance(answer, list):
        found: Json = answer
    else:
        paths = (collection.rows,) if collection.rows else _ROW_PATHS[collection.protocol]
        found = next((each for each in (at(answer, path) for path in paths) if isinstance(each, list)), None)
    if not isinstance(found, list):
        return None
    return [
        {k: v for k, v in row.items() if not k.startswith(("@odata.", "__"))} for row in found if isinstance(row, dict)
    ]


def next_link(collection: Collection, answer: Json) -> str | None:
    """Where the answer says that the next page is."""
    links = (at(answer, path) for path in _NEXT_PATHS[collection.protocol])
    return next((each for each in links if isinstance(each, str) and each), None)
