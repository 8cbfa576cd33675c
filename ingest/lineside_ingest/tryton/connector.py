"""The connector of Tryton."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from urllib.parse import quote

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
    Gone,
    Listed,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
)
from lineside.connector.by_id import stamped
from lineside.connector.http import Http
from lineside.connector.rows import read_notation
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json
from lineside_ingest.tryton.access import Access, Reader, number
from lineside_ingest.tryton.audit import Audit
from lineside_ingest.tryton.levels import read_levels
from lineside_ingest.tryton.models import LOG, Model, read_models
from lineside_ingest.tryton.scan import AT_ONCE, Reading, WentBack, fetched, row_message, scan
from lineside_ingest.tryton.schema import Schema, read_schema
from lineside_ingest.tryton.values import moment

_OPTIONS = {"url", "database", "key", "user", "password", "company", "timeout_s", "models", "time_zone"}
_ASK_AGAIN = timedelta(hours=1)
_CLOCKS_APART = timedelta(minutes=30)  # how far Tryton's clock may be from ours where the two are compared
_LISTED_PAGE = 1000
_OF_ONE_MODEL = ("status", "slow", "too_much", "unknown")  # what an error tells where the server itself answers


class Tryton:
    """Reads the models of one database of Tryton. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        self._clock = clock
        read = Options(source, options, known=_OPTIONS)
        if ("key" in read) == ("user" in read):
            raise read.bad("key", "or user with password: exactly one of them signs us in")
        http = Http(
            source=source, url=read.text("url"), timeout_s=read.number("timeout_s", 60.0, at_least=0.1), error_field=""
        )
        self._access = Access(
            http=http,
            database=quote(read.text("database"), safe=""),
            key=read.text("key", ""),
            user=read.text("user", ""),
            password=read.text("password") if "user" in read else "",
            context={"company": int(read.number("company", 1))} if "company" in read else {},
        )
        models = read_models(read, source=source, notation=read_notation(read, time_zone))
        self._models = {model.name: model for model in sorted(models, key=lambda each: each.model == LOG)}
        self._refused: dict[str, tuple[datetime, str]] = {}

    async def check(self) -> Sequence[Check]:
        try:
            async with self._access.reader() as reader:
                schema = await read_schema(reader, list(self._models.values()))
                return [await self._check(reader, schema, model) for model in self._models.values()]
        except SourceError as error:
            fix = "mend url, database, key or password; a user who is locked out must wait or be freed"
            return [Check(name="sign in", ok=False, detail=error.message, fix=fix)]

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the models show since `checkpoint`. One that can't be read does not keep the others from being read."""
        async with self._access.reader() as reader:
            schema = await read_schema(reader, list(self._models.values()))
            round_ = _Round.of(checkpoint, await _identity(reader), self._clock())
            while True:
                try:
                    async for batch in self._round(reader, schema, round_):
                        yield batch
                except WentBack:
                    round_.read_anew(
                        f"{round_.identity}-{self._clock():%Y%m%d%H%M%S}", "was set back to an older state"
                    )
                else:
                    return

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: Tryton wants no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        model = self._models.get(message.stream)
        if model is None:
            raise UnreadableMessage(f"there is no model {message.stream!r} in the settings any more")
        return model.stream.records(message)

    async def listing(self) -> AsyncIterator[Listed]:
        """The rows that each model has now. The log is none of them: what it told stays true when it is cleared."""
        async with self._access.reader() as reader:
            schema = await read_schema(reader, list(self._models.values()))
            for model in self._models.values():
                if model.levels or model.model == LOG or not schema.has(model.model) or self._is_refused(model):
                    continue
                void: list[Json] = [[column, "not in", list(values)] for column, values in model.gone_when.items()]
                rows = reader.all_rows(model.model, [list(model.domain), *void], [], page=_LISTED_PAGE)
                try:
                    keys = frozenset([str(number(row)) async for row in rows])
                except SourceRefused as error:
                    self._note_refusal(model, error)
                else:
                    yield Listed(stream=model.name, keys=keys)

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        """The rows with these ids as they are now. Levels and lines of the log are no things that could be fetched."""
        model = self._models.get(stream)
        if model is None or model.levels or model.model == LOG:
            return Batch()
        messages: list[SourceMessage] = []
        async with self._access.reader() as reader:
            schema = await read_schema(reader, [model])
            reading = self._reading(reader, schema, _Round.of(None, await _identity(reader), self._clock()))
            ids = sorted(int(each) for each in keys if each.isascii() and each.isdecimal())
            for start in range(0, len(ids), AT_ONCE):
                some: Json = list(ids[start : start + AT_ONCE])
                found = await fetched(reading, model, [["id", "in", some]], limit=AT_ONCE)
                messages += [row_message(reading, model, row) for row in found if not model.void(row)]
        there = {message.key for message in messages}
        return Batch(messages=messages, gone=[Gone(stream=stream, key=key) for key in keys if key not in there])

    async def _round(self, reader: Reader, schema: Schema, round_: _Round) -> AsyncIterator[Batch]:
        """Every model once."""
        reading = self._reading(reader, schema, round_)
        troubles = [*round_.news, *(_drift(model, reading, schema) for model in self._models.values())]
        broken: list[SourceUnavailable] = []
        read = 0
        for model in self._models.values():
            if not schema.has(model.model):
                continue
            if self._is_refused(model):
                troubles.append(self._refusal(model))
                continue
            try:
                async for batch in self._read(reading, model, round_):
                    yield batch
                read += 1
            except SourceRefused as error:
                self._note_refusal(model, error)
                troubles.append(self._refusal(model))
            except SourceUnavailable as error:
                if error.retry_after_s is not None or not any(error.fields.get(name) for name in _OF_ONE_MODEL):
                    raise  # it asked for quiet, or the whole server is away
                broken.append(error)
                troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=error.message, stream=model.name))
        if broken and not read:
            raise broken[0]
        for name, there in _present(self._models, schema).items():
            round_.had[name] = sorted(there.union(round_.had.get(name, [])))
        yield Batch(troubles=tuple(each for each in troubles if each is not None), checkpoint=round_.checkpoint())

    async def _read(self, reading: Reading, model: Model, round_: _Round) -> AsyncIterator[Batch]:
        """One model; where its answers are too large, by smaller pages from now on."""
        while True:
            model = self._models[model.name]
            steps = read_levels if model.levels else scan
            try:
                async for batch, state in steps(reading, model, round_.models.get(model.name)):
                    round_.models[model.name] = state
                    if not batch.empty:
                        yield replace(batch, checkpoint=round_.checkpoint())
            except SourceUnavailable as error:
                less = error.fields.get("too_much") or error.fields.get("slow")
                if not less or model.page_size == 1:
                    raise
                self._models[model.name] = replace(model, page_size=max(1, model.page_size // 2))
                if not error.fields.get("too_much"):
                    raise
            else:
                return

    def _reading(self, reader: Reader, schema: Schema, round_: _Round) -> Reading:
        streams: dict[str, list[str]] = {}
        missed: dict[str, list[str]] = {}
        for model in self._models.values():
            if model.model != LOG and not model.levels:
                streams.setdefault(model.model, []).append(model.name)
            had = round_.had.get(model.name, [])
            absent = schema.absent(model) if schema.has(model.model) else []
            missed[model.name] = [each for each in absent if model.own or each in had]
        audit = Audit(streams=streams, since=moment(round_.began) - _CLOCKS_APART)
        return Reading(reader=reader, schema=schema, missed=missed, epoch=round_.epoch, now=self._clock, audit=audit)

    async def _check(self, reader: Reader, schema: Schema, model: Model) -> Check:
        name = f"read {model.name}"
        if not schema.has(model.model):
            fix = "activate its module, or leave it out" if model.own else ""
            return Check(name=name, ok=not model.own, detail=f"Tryton has no model {model.model}", fix=fix)
        absent = schema.absent(model)
        if absent and model.own:
            return Check(name=name, ok=False, detail=f"no field {', '.join(absent)}", fix="mend its mapping")
        try:
            found = await reader.rows(model.model, model.domain, [], limit=1)
        except SourceRefused as error:
            return Check(name=name, ok=False, detail=error.message, fix="give the user the right to read it")
        return Check(name=name, ok=True, detail="readable" if found else "readable, no rows yet")

    def _is_refused(self, model: Model) -> bool:
        refused = self._refused.get(model.name)
        return refused is not None and self._clock() - refused[0] < _ASK_AGAIN

    def _note_refusal(self, model: Model, error: SourceRefused) -> None:
        if error.fields.get("status") == 401:
            raise error
        self._refused[model.name] = (self._clock(), error.message)

    def _refusal(self, model: Model) -> Trouble:
        return Trouble(kind=TroubleKind.REFUSED, reason=self._refused[model.name][1], stream=model.name)


@dataclass(slots=True, kw_only=True)
class _Round:
    """The position of a whole source. had: by model the columns that were there. news: what to tell once."""

    identity: str
    epoch: str
    began: str
    models: dict[str, Json]
    had: dict[str, list[str]]
    news: list[Trouble] = field(default_factory=list)

    @classmethod
    def of(cls, checkpoint: Checkpoint | None, identity: str, now: datetime) -> _Round:
        """Where reading goes on; from the start where the database is another one than it was."""
        known = checkpoint or {}
        models, had, before = known.get("models"), known.get("had"), known.get("identity")
        epoch, began = known.get("epoch"), known.get("began")
        found = cls(
            identity=identity,
            epoch=epoch if isinstance(epoch, str) else identity,
            began=began if isinstance(began, str) else stamped(now),
            models=dict(models) if isinstance(models, dict) else {},
            had={name: _names(each) for name, each in had.items()} if isinstance(had, dict) else {},
        )
        if isinstance(before, str) and before != identity:
            found.read_anew(identity, "is another one than before")
        return found

    def read_anew(self, epoch: str, why: str) -> None:
        """Everything is read from the start, under ids of its own; what is known of it is taken back first."""
        self.epoch = epoch
        self.models = {name: {"anew": True} for name in self.models}
        reason = f"the database {why}: it is read anew"
        self.news = [Trouble(kind=TroubleKind.EPOCH, reason=reason, passing=True)]

    def checkpoint(self) -> Checkpoint:
        had: dict[str, Json] = {name: list(each) for name, each in self.had.items()}
        return {
            "identity": self.identity, "epoch": self.epoch, "began": self.began, "had": had,
            "models": dict(self.models),
        }  # fmt: skip


async def _identity(reader: Reader) -> str:
    """Tells this database from any other of its name: Tryton stamps its base module when it makes a database."""
    found = await reader.rows("ir.module", [["name", "=", "ir"]], ["create_date"], limit=1)
    made = str(found[0].get("create_date")) if found else ""
    return hashlib.sha256(made.encode()).hexdigest()[:6]


def _present(models: Mapping[str, Model], schema: Schema) -> dict[str, set[str]]:
    return {
        name: set(model.columns) - set(schema.absent(model))
        for name, model in models.items()
        if schema.has(model.model)
    }


def _drift(model: Model, reading: Reading, schema: Schema) -> Trouble | None:
    if not schema.has(model.model):
        if not model.own:
            return None
        reason = f"Tryton has no model {model.model}: is its module activated?"
    elif missed := reading.missed[model.name]:
        reason = f"{model.model} has no field {', '.join(missed)}: mend its mapping"
    else:
        return None
    return Trouble(kind=TroubleKind.DRIFT, reason=reason, stream=model.name)


def _names(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
