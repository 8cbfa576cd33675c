"""One model of Odoo: its fields, its records by page, and what of them is known already."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from lineside.connector import Batch, SourceMessage, Unreadable
from lineside.connector.http import Session
from lineside.connector.rows import RowStream, digest
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant import row_values
from lineside.plant.records import Json
from lineside_ingest.odoo.rpc import Api
from lineside_ingest.odoo.values import plain

Row = dict[str, Json]
ALL = {"active_test": False}  # archived records too
KEYS_AT_ONCE = 5000
WRITTEN = "%Y-%m-%d %H:%M:%S"
STAMPS = ("write_date", "create_date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One configured model. domain: Odoo's own filter."""

    stream: RowStream
    model: str
    domain: Sequence[Any]
    overlap_s: float
    page_size: int

    @property
    def name(self) -> str:
        return self.stream.name

    @property
    def columns(self) -> list[str]:
        """The fields that anything is read from."""
        mapped = (column.partition(".")[0] for each in self.stream.mappings for column in each.columns())
        return list(dict.fromkeys(["id", *STAMPS, *mapped]))

    def absent(self, types: Mapping[str, str]) -> list[str]:
        """Those of them that the model does not have."""
        return [each for each in self.columns if each not in types]

    async def types(self, session: Session, api: Api) -> dict[str, str]:
        """The type of each field that the model has, as Odoo itself says."""
        found = await api.call(session, self.model, "fields_get", attributes=["type"])
        if not isinstance(found, dict):
            raise SourceRefused(f"{self.model} tells no fields")
        return {name: str(each.get("type")) for name, each in found.items() if isinstance(each, dict)}

    async def page(
        self, session: Session, api: Api, types: Mapping[str, str], domain: Sequence[Any], *, after: int, size: int = 0
    ) -> list[Row]:
        """The next records in the order of their ids, which no change moves."""
        fields = [each for each in self.columns if each in types]
        wanted = [["id", ">", after], *domain]
        rows = await api.call(
            session, self.model, "search_read", domain=wanted, fields=fields, order="id asc",
            limit=size or self.page_size, context=ALL,
        )  # fmt: skip
        if not isinstance(rows, list):
            raise SourceRefused(f"{self.model} answers without a list of records")
        return [plain(each, types) for each in rows if isinstance(each, dict)]

    async def changes(
        self, session: Session, api: Api, types: Mapping[str, str], reading: Reading
    ) -> AsyncIterator[list[Row]]:
        """Pages of what was written since the reading's mark. Before the first, the newest stamp is looked up: what is
        written meanwhile is newer, and is found the next time."""
        if reading.high is None:
            newest = await api.call(
                session, self.model, "search_read", domain=list(self.domain), fields=["write_date"],
                order="write_date desc, id desc", limit=1, context=ALL,
            )  # fmt: skip
            first = newest[0] if isinstance(newest, list) and newest else {}
            reading.begin(plain(first, types) if isinstance(first, dict) else {})
        size = self.page_size
        while True:
            try:
                rows = await self.page(
                    session, api, types, [*reading.since(), *self.domain], after=reading.after, size=size
                )
            except SourceUnavailable as error:
                if not error.fields.get("too_much") or size == 1:
                    raise
                size //= 2
                continue
            if not rows:
                return
            yield rows
            if len(rows) < size:
                return

    async def keys(self, session: Session, api: Api) -> AsyncIterator[str]:
        """The id of every record."""
        after = 0
        while True:
            rows = await api.call(
                session, self.model, "search_read", domain=[["id", ">", after], *self.domain], fields=["id"],
                order="id asc", limit=KEYS_AT_ONCE, context=ALL,
            )  # fmt: skip
            found = [each["id"] for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
            for each in found:
                yield str(each)
            if not found:
                return
            after = max(int(str(each)) for each in found)

    def message(self, row: Row, received_at: datetime) -> SourceMessage | Unreadable:
        """The record as a message; its version is when it was written."""
        changed = next((row_values.text(row.get(name)) for name in STAMPS if row.get(name)), "")
        return self.stream.message(
            row,
            version=changed,
            received_at=received_at,
            reported_at=_moment(changed),
            origin=f"{self.model},{row.get('id')}",
        )


class Reading:
    """One model while it is read. A round goes by ids; its mark counts when the round is done."""

    def __init__(self, model: Model, before: Json, types: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        state = before if isinstance(before, dict) else {}
        mark, high, after, seen = (state.get(name) for name in ("mark", "high", "after", "seen"))
        self.mark = mark if isinstance(mark, str) else None
        self.high = high if isinstance(high, str) else None
        self.after = after if isinstance(after, int) else 0
        self.drift: dict[str, None] = dict.fromkeys(f"it has no {name} any more" for name in model.absent(types))
        self._seen = {key: str(at) for key, at in seen.items()} if isinstance(seen, dict) else {}
        self._model = model
        self._clock = clock
        self._mapped = sha256(repr(model.stream.mappings).encode()).hexdigest()[:8]
        self._types = self._compared(state, types)

    def begin(self, newest: Row) -> None:
        """A round begins: it ends at the newest stamp there is, but never after the present."""
        stamp = row_values.text(newest.get("write_date"))
        now = self._clock().astimezone(UTC).strftime(WRITTEN)
        self.high, self.after = min(stamp or self.mark or "", now), 0

    def since(self) -> list[Any]:
        """What was written, or was made and never written, since the mark less the overlap."""
        low = self._behind(self.mark)
        if not low:
            return []
        never = ["&", ["write_date", "=", False], ["create_date", ">=", low]]
        return ["|", ["write_date", ">=", low], *never]

    def take(self, rows: Sequence[Row]) -> Batch:
        """What is new among the records."""
        items: list[SourceMessage | Unreadable] = []
        for row in rows:
            self.after = max(self.after, int(str(row["id"])))
            sign = f"{row['id']}~{digest(row)}"
            if sign not in self._seen:
                items.append(self._model.message(row, self._clock()))
                stamp = row_values.text(row.get("write_date") or row.get("create_date"))
                if stamp >= self._kept_from:  # only these are read again by the next round
                    self._seen[sign] = stamp
        return Batch(
            messages=[each for each in items if isinstance(each, SourceMessage)],
            unreadable=[each for each in items if isinstance(each, Unreadable)],
        )

    def done(self) -> None:
        """The round is over: the next one begins at its end."""
        self.mark, self.high, self.after = max(self.mark or "", self.high or "") or None, None, 0
        low = self._behind(self.mark)
        self._seen = {sign: stamp for sign, stamp in self._seen.items() if stamp >= low}

    def state(self) -> Json:
        """What the next reading begins with."""
        return {
            "mark": self.mark, "high": self.high, "after": self.after, "seen": dict(self._seen),
            "types": dict(self._types), "mapped": self._mapped,
        }  # fmt: skip

    @property
    def _kept_from(self) -> str:
        return self._behind(self.high)

    def _behind(self, mark: str | None) -> str:
        """The mark less the overlap; empty where there is none."""
        at = _moment(mark or "")
        return (at - timedelta(seconds=self._model.overlap_s)).strftime(WRITTEN) if at else ""

    def _compared(self, state: Mapping[str, Json], types: Mapping[str, str]) -> dict[str, Json]:
        """The types of the fields in use as they were when the mapping was last changed; other ones now are drift."""
        now: dict[str, Json] = {name: types[name] for name in self._model.columns if name in types}
        before = state.get("types") if state.get("mapped") == self._mapped else None
        if not isinstance(before, dict):
            return now
        for name, was in before.items():
            if name in now and now[name] != was:
                self.drift[f"{name} was {was} and is {now[name]}"] = None
        return {**now, **before}


def _moment(stamp: str) -> datetime | None:
    """Odoo writes UTC, without saying so."""
    try:
        return datetime.fromisoformat(stamp).replace(tzinfo=UTC)
    except ValueError:
        return None
