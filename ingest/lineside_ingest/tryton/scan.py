"""One model read once: what changed since its mark, by id, so that a long history goes on where it stopped.

Tryton stamps a row with the begin of the transaction that wrote it, and shows it when that commits: rows appear behind
rows that were read long ago. So each scan starts an overlap behind the mark, and skips what it has seen there.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.connector import Batch, Gone, SourceMessage
from lineside.connector.by_id import ById
from lineside.connector.rows import digest
from lineside.plant.records import Json
from lineside_ingest.tryton.access import Domain, Reader, Row, number
from lineside_ingest.tryton.audit import Audit
from lineside_ingest.tryton.models import LOG, Model
from lineside_ingest.tryton.schema import Schema
from lineside_ingest.tryton.values import moment, stamp, wire_time

AT_ONCE = 200


class WentBack(Exception):
    """A row is older than it was: the database was restored, and what was read after that never happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a scan is done with. epoch: tells this database's rows from those of one before it. now: our clock.

    missed: by model name the columns that should be there and are not.
    """

    reader: Reader
    schema: Schema
    missed: Mapping[str, Collection[str]]
    epoch: str
    now: Callable[[], datetime]
    audit: Audit


async def scan(reading: Reading, model: Model, before: Json) -> AsyncIterator[tuple[Batch, Json]]:
    """Batches with the model's state after each. Raises WentBack, and what the reader raises."""
    state = ById(before, overlap_s=model.overlap_s)
    if not state.running:
        state.begin(await _newest(reading, model) if state.unmarked else "", now=reading.now())
    while True:
        found = await _page(reading, model, state)
        gone = [Gone(stream=model.name, key=str(number(row)), reason="read anew") for row in found if state.anew]
        if gone:
            yield Batch(gone=gone), state.kept()
        fresh = [row for row in found if state.news(number(row), stamp(row), "")]
        messages = [row_message(reading, model, row) for row in fresh if not model.void(row)]
        void = [
            Gone(stream=model.name, key=str(number(row)), at=_at(row), reason="it is called off")
            for row in fresh
            if model.void(row)
        ]
        if model.model == LOG:
            void += await reading.audit.deleted(reading.reader, fresh)
        if len(found) < model.page_size:
            void += await _missing(reading, model, state)
        yield Batch(messages=messages, gone=void), state.kept()
        if not state.running:
            return


async def _page(reading: Reading, model: Model, state: ById) -> list[Row]:
    domain: list[Json] = [["id", ">", state.after]]
    if state.low:
        at = wire_time(moment(state.low))
        domain.append(["OR", [["write_date", ">=", at]], [["write_date", "=", None], ["create_date", ">=", at]]])
    return await fetched(reading, model, domain, limit=model.page_size)


async def fetched(
    reading: Reading, model: Model, domain: Domain, *, limit: int, context: Mapping[str, Json] | None = None
) -> list[Row]:
    """Rows of the model with every column that its mapping reads, where Tryton has it."""
    asked = reading.schema.asked(model)
    wanted: list[Json] = [list(model.domain), *domain]
    found = await reading.reader.rows(model.model, wanted, asked, limit=limit, context=context)
    await _number_references(reading, model, found)
    for column in reading.schema.absent(model):
        for row in found:
            if column in reading.missed[model.name]:  # the message is held: a column that the mapping reads is gone
                row.pop(column.partition(".")[0], None)
            else:
                row.setdefault(column.partition(".")[0], None)
    return found


async def _number_references(reading: Reading, model: Model, found: Sequence[Row]) -> None:
    """A reference's `number` is that of the document it points to; where that has none, its name."""
    for head in {column.partition(".")[0] for column in model.columns if column.endswith(".number")}:
        if not reading.schema.reference(model.model, head):
            continue
        pointed: dict[str, list[dict[str, Json]]] = {}
        for row in found:
            if isinstance(to := row.get(head), dict):
                to["number"] = to.get("rec_name")
                pointed.setdefault(str(to.get("model")), []).append(to)
        for target, rows in pointed.items():
            if not (reading.schema.has(target) and "number" in reading.schema.fields[target]):
                continue
            ids = sorted({number(each) for each in rows})
            for start in range(0, len(ids), AT_ONCE):
                some: Json = list(ids[start : start + AT_ONCE])
                named = await reading.reader.rows(target, [["id", "in", some]], ["number"], limit=AT_ONCE)
                numbers = {each["id"]: each.get("number") for each in named}
                for each in rows:
                    each["number"] = numbers.get(each["id"]) or each["number"]


async def _newest(reading: Reading, model: Model) -> str:
    """The newest stamp that the model has now; empty where it has no rows. One ahead of our clock is none: it would
    hide what comes after it."""
    found, now = [], wire_time(reading.now())
    for column in ("write_date", "create_date"):
        domain: list[Json] = [list(model.domain), [column, "<=", now]]
        found += await reading.reader.rows(model.model, domain, [column], limit=1, order=[(column, "DESC")])
    return max((stamp(row) for row in found), default="")


async def _missing(reading: Reading, model: Model, state: ById) -> list[Gone]:
    """The scan is finished: rows that did not come again are gone. Raises WentBack where one is older than it was."""
    if model.model == LOG:  # old lines of the log are cleared away; what they told happened
        state.finish()
        return []
    still_open = state.open
    for start in range(0, len(still_open), AT_ONCE):
        ids: Json = list(still_open[start : start + AT_ONCE])
        domain: list[Json] = [list(model.domain), ["id", "in", ids]]
        for row in await reading.reader.rows(model.model, domain, ["create_date", "write_date"], limit=AT_ONCE):
            if not state.there(number(row), stamp(row)):
                raise WentBack(model.name)
    return [Gone(stream=model.name, key=str(each)) for each in state.finish()]


def row_message(reading: Reading, model: Model, row: Row) -> SourceMessage:
    """The row as a message. Of a model of facts only what its mapping reads counts, and not when it was written."""
    told = {name: each for name, each in row.items() if not (model.facts and name in {"write_date", "create_date"})}
    version = reading.epoch if model.facts else f"{stamp(row)}+{reading.epoch}"
    key, at = str(number(row)), _at(row)
    return SourceMessage(
        source=model.stream.source,
        source_id=f"{model.name}/{key}@{version}~{digest(told)}",
        content=json.dumps(told, ensure_ascii=False, sort_keys=True).encode(),
        received_at=reading.now(),
        stream=model.name,
        key=key,
        origin=f"{model.model},{key}",
        occurred_at=_happened(model, row, at),
        reported_at=at,
    )


def _happened(model: Model, row: Row, at: datetime | None) -> datetime | None:
    """When it happened: on the day that the row names; as it was written, where that is the same day."""
    day = row.get(model.day) if model.day else None
    if not isinstance(day, str):
        return at
    zone = model.stream.notation.time_zone
    if at is not None and at.astimezone(zone).date().isoformat() == day:
        return at
    return datetime.fromisoformat(day).replace(tzinfo=zone)


def _at(row: Row) -> datetime | None:
    at = stamp(row)
    return moment(at) if at else None
