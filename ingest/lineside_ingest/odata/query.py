"""How a collection is asked and how its answer is read, for each protocol. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from lineside.connector.http import at
from lineside.connector.rows import RowStream, joined, split
from lineside.plant import row_values
from lineside.plant.records import Json
from lineside.plant.row_values import Notation
from lineside_ingest.odata.schema import EntityType

PROTOCOLS = ("odata4", "odata2", "rest")
CHANGED_TYPES = ("offset", "datetime", "date", "text", "number")
_ROW_PATHS = {"odata4": ("value",), "odata2": ("d.results", "d"), "rest": ("value", "results", "items", "data")}
_NEXT_PATHS = {"odata4": ("@odata.nextLink",), "odata2": ("d.__next",), "rest": ("next", "@odata.nextLink")}
SLOT = re.compile(r"\{([^{}]+)\}")
_KEY = re.compile(r"\(([^()]*(?:'[^']*'[^()]*)*)\)$")
_KEY_PART = re.compile(r"(?:(\w+)=)?('(?:[^']|'')*'|[^,']+)")
_QUOTED = {"Edm.Guid": "guid", "Edm.DateTime": "datetime", "Edm.DateTimeOffset": "datetimeoffset", "Edm.Time": "time"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One configured collection, as the settings of README.md describe it. entity: what $metadata says of it.

    changed_fields: of several, the first that is filled says when a row changed. order: asked for, or as it comes.
    """

    stream: RowStream
    protocol: str
    path: str
    notation: Notation
    changed_fields: tuple[str, ...] = ()
    changed_type: str = ""
    overlap_s: float = 300.0
    page_size: int = 500
    params: Mapping[str, str] = field(default_factory=dict)
    select: bool = False
    expand: tuple[str, ...] = ()
    each: str = ""
    delta: bool = False
    listed: bool = False
    metadata: str = ""
    rows: str = ""
    since_param: str = ""
    since_form: str = "{since}"
    select_param: str = ""
    select_form: str = "commas"
    offset_param: str = ""
    limit_param: str = ""
    ordered: bool = False
    one: str = ""
    one_at: str = ""
    whole: bool = False
    gone_stream: str = ""
    gone_key: str = ""
    entity: EntityType | None = None

    def known(self, entity: EntityType | None) -> Collection:
        """The same, with what $metadata says of it."""
        types = entity.properties if entity else {}
        found = next((types[name].changed_type for name in self.changed_fields if name in types), "offset")
        return replace(self, entity=entity, changed_type=self.changed_type or found)

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def columns(self) -> list[str]:
        """The row's own fields that anything is read from."""
        mapped = (column.partition(".")[0] for each in self.stream.mappings for column in each.columns())
        gone = (self.gone_stream, self.gone_key)
        return list(dict.fromkeys(filter(None, [*self.stream.key, *self.changed_fields, self.each, *mapped, *gone])))

    @property
    def order_key(self) -> Sequence[str]:
        """What orders the rows that are asked for: their key, or that of the outer rows."""
        if not self.each:
            return self.stream.key
        return self.entity.key if self.entity else ()

    @property
    def absent(self) -> list[str]:
        """Those of them that $metadata does not know."""
        return [] if self.entity is None else [each for each in self.columns if not self.entity.has(each)]

    @property
    def by_mark(self) -> bool:
        """Whether rows come in the order of their change, so that the next page starts at the last row's mark."""
        return len(self.changed_fields) == 1 and (self.protocol != "rest" or self.ordered)

    @property
    def pages(self) -> bool:
        """Whether the next page can be asked for, where the answer brings no link."""
        return self.protocol != "rest" or bool(self.offset_param) or self.by_mark

    def query(self, since: str | None, skip: int, size: int) -> dict[str, str]:
        """The parameters for at most `size` rows changed at or after `since`, without the first `skip` of them."""
        order = self.changed_fields if self.by_mark else ()
        return self._asked(self._since(since), skip, size, [*order, *self.order_key], self.columns)

    def keys(self, skip: int, size: int) -> dict[str, str]:
        """The parameters for the keys of all rows, in their own order."""
        return self._asked({}, skip, size, list(self.stream.key), list(self.stream.key), expand=False)

    def those(self, keys: Sequence[str]) -> dict[str, str]:
        """The parameters for the rows with these keys."""
        wanted = " or ".join(f"({self._one(key)})" for key in keys)
        return self._asked({"$filter": wanted}, 0, len(keys), list(self.stream.key), self.columns)

    def first_delta(self) -> dict[str, str]:
        """The parameters of a read that ends with a link to later changes: no order and no limit of ours."""
        asked = self._asked({}, 0, 1, [], self.columns)
        return {name: value for name, value in asked.items() if name not in {"$top", "$orderby"}}

    def path_of(self, row: Mapping[str, Json]) -> str:
        """Where the whole of a listed row stands by itself."""
        return SLOT.sub(lambda slot: quote(row_values.text(row.get(slot[1])), safe=""), self.one)

    def rows_of(self, row: dict[str, Json]) -> list[dict[str, Json]]:
        """The row itself; or each of its nested rows, with the outer row's fields beneath its own."""
        if not self.each:
            return [row]
        inner = row.get(self.each)
        outer = {name: value for name, value in row.items() if name != self.each}
        return [{**outer, **each} for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []

    def changed(self, row: Mapping[str, Json]) -> str | None:
        """When the row changed, as the source's own text, or as a time in ISO where OData 2 wraps it."""
        return next(filter(None, (row_values.text(row.get(name)) for name in self.changed_fields)), None)

    def moment(self, changed: str | None) -> datetime | None:
        """That as a time; None where it is no time."""
        if changed is None or self.changed_type == "number":
            return None
        try:
            return row_values.moment(changed, self.notation).at
        except ValueError:
            return None

    def later(self, one: str | None, other: str | None) -> str | None:
        """The later of two marks."""
        if one is None or other is None:
            return one if other is None else other
        return max(one, other, key=self._order)

    def reaches(self, changed: str, mark: str) -> bool:
        """Whether `changed` is at the mark or behind it."""
        return self._order(changed) >= self._order(mark)

    def behind(self, mark: str) -> str:
        """The mark less the overlap, in the mark's own notation; a text that is no time has no distance."""
        when = self.moment(mark)
        return mark if when is None else self._written(when - timedelta(seconds=self.overlap_s), mark)

    def not_after(self, mark: str, now: datetime) -> str:
        """The mark, but never later than now."""
        when = self.moment(mark)
        return mark if when is None or when <= now else self._written(now, mark)

    def _asked(
        self,
        asked: Mapping[str, str],
        skip: int,
        size: int,
        order: Sequence[str],
        columns: Sequence[str],
        *,
        expand: bool = True,
    ) -> dict[str, str]:
        wanted = {**self.params, **asked}
        if self.protocol == "rest":
            paged = {self.limit_param: str(size), self.offset_param: str(skip)}
            if self.select_param:
                form = json.dumps if self.select_form == "json" else ",".join
                wanted[self.select_param] = form(self._head if self.whole and expand else list(columns))
            return wanted | {name: value for name, value in paged.items() if name}
        if "$filter" in self.params and "$filter" in asked:
            wanted["$filter"] = f"({self.params['$filter']}) and ({asked['$filter']})"
        wanted |= {"$top": str(size), "$orderby": ",".join(dict.fromkeys(order))}
        if self.protocol == "odata2":
            wanted["$format"] = "json"
        if skip:
            wanted["$skip"] = str(skip)
        if self.expand and expand:
            wanted["$expand"] = ",".join(self.expand)
        if self.select:
            there = [each for each in columns if self.entity is None or self.entity.has(each)]
            nested = set(self.expand) if self.protocol == "odata4" or not expand else set()
            wanted["$select"] = ",".join(each for each in there if each not in nested)
        return wanted

    @property
    def _head(self) -> list[str]:
        """What a list has to show of a thing so that the whole of it can be fetched."""
        return list(dict.fromkeys([*SLOT.findall(self.one), *self.changed_fields]))

    def _since(self, since: str | None) -> dict[str, str]:
        if since is None:
            return {}
        if self.protocol == "rest":
            return {self.since_param: self.since_form.replace("{since}", since)} if self.since_param else {}
        literal = self._literal(since)
        parts = [f"{name} ge {literal}" for name in self.changed_fields]
        if len(parts) == 1 and self._may_be_null(self.changed_fields[0]):
            parts.append(f"{self.changed_fields[0]} eq null")
        return {"$filter": " or ".join(parts)}

    def _may_be_null(self, name: str) -> bool:
        found = self.entity.properties.get(name) if self.entity else None
        return found is not None and found.nullable and found.type not in {"Edm.String", "Edm.Boolean"}

    def _order(self, mark: str) -> tuple[int, float | Decimal, str]:
        if self.changed_type == "number":
            return (0, Decimal(str(row_values.number(mark, self.notation))), "")
        when = self.moment(mark)
        return (1, 0.0, mark) if when is None else (0, when.timestamp(), "")

    def _written(self, when: datetime, like: str) -> str:
        local = when.astimezone(self.notation.time_zone)
        if like.isdigit():
            return local.strftime("%Y%m%d%H%M%S" if len(like) > 8 else "%Y%m%d")
        if self.notation.time_format:
            return local.strftime(self.notation.time_format)
        if self.changed_type == "date":
            return local.date().isoformat()
        if self.changed_type == "datetime" or (datetime.fromisoformat(like).tzinfo is None and len(like) > 10):
            return local.replace(tzinfo=None).isoformat(sep="T" if "T" in like or len(like) <= 10 else " ")
        if len(like) <= 10:
            return local.date().isoformat()
        return when.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def _literal(self, since: str) -> str:
        if self.changed_type == "number":
            return since
        if self.changed_type == "text":
            return _text(since)
        if self.protocol == "odata4":
            return since
        since = since if "T" in since else f"{since}T00:00:00"
        return f"datetime'{since}'" if self.changed_type == "datetime" else f"datetimeoffset'{since}'"

    def _one(self, key: str) -> str:
        parts = zip(self.stream.key, split(key, len(self.stream.key)), strict=True)
        return " and ".join(f"{name} eq {self._key_literal(name, part)}" for name, part in parts)

    def _key_literal(self, name: str, part: str) -> str:
        found = self.entity.properties.get(name) if self.entity else None
        kind = found.type if found else "Edm.String"
        if kind == "Edm.String":
            return _text(part)
        if self.protocol == "odata2" and kind in _QUOTED:
            full = f"{part}T00:00:00" if kind == "Edm.DateTime" and "T" not in part else part
            return f"{_QUOTED[kind]}'{full}'"
        return part


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer. removed: the keys of rows that a delta takes away. following, delta: where to ask next, and later."""

    rows: Sequence[dict[str, Json]]
    removed: Sequence[str] = ()
    following: str | None = None
    delta: str | None = None


def read_page(collection: Collection, answer: Json, link: str | None = None) -> Page | None:
    """What an answer holds; None where it has no list of rows. link: the next page's, from the answer's headers."""
    paths = (collection.rows,) if collection.rows else _ROW_PATHS[collection.protocol]
    found = answer if isinstance(answer, list) else next(filter(_is_list, (at(answer, path) for path in paths)), None)
    if not isinstance(found, list):
        return None
    items = [each for each in found if isinstance(each, dict)]
    links = (at(answer, path) for path in _NEXT_PATHS[collection.protocol])
    delta = at(answer, "@odata.deltaLink") or at(answer, "@deltaLink")
    return Page(
        rows=[_plain(each) for each in items if not _is_removed(each)],
        removed=[key for each in items if _is_removed(each) for key in _removed_key(collection, each)],
        following=next((each for each in links if isinstance(each, str) and each), link),
        delta=delta if isinstance(delta, str) and delta else None,
    )


def _is_list(value: Json) -> bool:
    return isinstance(value, list)


def _is_removed(row: Mapping[str, Json]) -> bool:
    """In OData 4.01 it says `@removed`; in 4.0 its context is a deleted entity's."""
    return "@removed" in row or str(row.get("@odata.context", "")).endswith("$deletedEntity")


def _removed_key(collection: Collection, row: Mapping[str, Json]) -> list[str]:
    """Its key, from its own fields or from its address, as in `Lots('L-7')` or `Items(Order='A',No=10)`."""
    names = collection.stream.key
    if all(name in row for name in names):
        return [collection.stream.key_of(row)]
    address = next((row[name] for name in ("@id", "@odata.id", "id") if isinstance(row.get(name), str)), "")
    inside = _KEY.search(unquote(str(address)))
    found = {name or names[0]: part for name, part in _KEY_PART.findall(inside[1] if inside else "")}
    parts = [found.get(name, "") for name in names]
    return [joined([_unquoted(each) for each in parts])] if all(parts) else []


def _unquoted(part: str) -> str:
    return part[1:-1].replace("''", "'") if part.startswith("'") else part


def _plain(value: Any) -> Any:  # any JSON
    """A row without the protocol's own fields. What OData 2 wraps in `results` is a list; what it defers is absent."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("results"), list) and value.keys() <= {"results", "__count", "__next"}:
        return [_plain(each) for each in value["results"]]
    return {
        name: _plain(each)
        for name, each in value.items()
        if not name.startswith("__") and "@odata." not in name and not (isinstance(each, dict) and "__deferred" in each)
    }


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
