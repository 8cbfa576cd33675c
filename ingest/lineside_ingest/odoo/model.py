"""One model of Odoo: its fields, its records by page, and what of them is known already."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from lineside.connector import Batch, Gone, SourceMessage, Unreadable
from lineside.connector.by_id import ById
from lineside.connector.http import Session
from lineside.connector.rows import RowStream, digest
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.odoo.rpc import Api
from lineside_ingest.odoo.values import STAMPS, number, plain, stamp, wire_time

Row = dict[str, Json]
ALL = {"active_test": False}  # archived records too
KEYS_AT_ONCE = 5000


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

    async def newest(self, session: Session, api: Api, now: datetime) -> str:
        """The newest stamp that the model has; one ahead of our clock is none. Empty where it has no records."""
        stamps = []
        for name in STAMPS:
            rows = await api.call(
                session, self.model, "search_read", domain=[[name, "<=", wire_time(now)], *self.domain], fields=[name],
                order=f"{name} desc", limit=1, context=ALL,
            )  # fmt: skip
            stamps += [stamp(each) for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
        return max(stamps, default="")

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
        changed = stamp(row)
        return self.stream.message(
            row,
            version=changed,
            received_at=received_at,
            reported_at=datetime.fromisoformat(changed) if changed else None,
            origin=f"{self.model},{row.get('id')}",
        )


class Reading:
    """One model while it is read. Odoo tells whole seconds, so a record is the same only if its content is."""

    def __init__(self, model: Model, before: Json, types: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        known = before if isinstance(before, dict) else {}
        self.drift: dict[str, None] = dict.fromkeys(f"it has no {name} any more" for name in model.absent(types))
        self._state = ById(known.get("read"), overlap_s=model.overlap_s)
        self._model = model
        self._clock = clock
        self._fields = dict(types)
        self._mapped = sha256(repr(model.stream.mappings).encode()).hexdigest()[:8]
        self._types = self._compared(known, types)

    async def batches(self, session: Session, api: Api) -> AsyncIterator[Batch]:
        """What changed since the reading's mark, by pages, and what of its overlap is gone."""
        if not self._state.running:
            now = self._clock()
            newest = await self._model.newest(session, api, now) if self._state.unmarked else ""
            self._state.begin(newest, now=now)
        size = self._model.page_size
        while self._state.running:
            domain = [*self._since(), *self._model.domain]
            try:
                rows = await self._model.page(session, api, self._fields, domain, after=self._state.after, size=size)
            except SourceUnavailable as error:
                if not error.fields.get("too_much") or size == 1:
                    raise
                size //= 2
                continue
            items = [self._model.message(row, self._clock()) for row in rows if self._news(row)]
            gone = await self._gone(session, api) if len(rows) < size else []
            yield Batch(
                messages=[each for each in items if isinstance(each, SourceMessage)],
                unreadable=[each for each in items if isinstance(each, Unreadable)],
                gone=[Gone(stream=self._model.name, key=str(each)) for each in gone],
            )

    def state(self) -> Json:
        """What the next reading begins with."""
        return {"read": self._state.kept(), "types": dict(self._types), "mapped": self._mapped}

    def _news(self, row: Row) -> bool:
        return self._state.news(number(row), stamp(row), digest(row))

    async def _gone(self, session: Session, api: Api) -> list[int]:
        """The scan is finished: the records of the overlap that did not come again and are not there."""
        still_open, size = self._state.open, self._model.page_size
        for start in range(0, len(still_open), size):
            domain = [["id", "in", still_open[start : start + size]], *self._model.domain]
            for row in await self._model.page(session, api, self._fields, domain, after=0):
                self._state.there(number(row), stamp(row))
        return self._state.finish()

    def _since(self) -> list[Any]:
        """What was written, or was made and never written, since the mark less the overlap."""
        if not self._state.low:
            return []
        low = wire_time(datetime.fromisoformat(self._state.low))
        return ["|", ["write_date", ">=", low], "&", ["write_date", "=", False], ["create_date", ">=", low]]

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
