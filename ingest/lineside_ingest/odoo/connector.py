"""The connector of Odoo."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from importlib.resources import files
from typing import Any

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
    Unreadable,
)
from lineside.connector.http import Session, read_http
from lineside.connector.refusals import Refusals
from lineside.connector.rows import read_stream
from lineside.errors import SourceError, SourceRefused, SourceUnavailable, UnreadableMessage
from lineside.plant.records import Json
from lineside.plant.row_values import Notation
from lineside_ingest.odoo.model import Model, Reading
from lineside_ingest.odoo.rpc import INTERFACES, Api

_OPTIONS = {"url", "database", "user", "api_key", "interface", "use", "models", "headers", "timeout_s"}
_MODEL_OPTIONS = {"name", "model", "domain", "overlap_s", "page_size", "immutable", "mapping", "key"}


class Odoo:
    """Polls models of an Odoo database. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,  # noqa: ARG002 - the port's; Odoo writes UTC
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.source = source
        self._clock = clock
        read = Options(source, options, known=_OPTIONS)
        interface = read.text("interface", "jsonrpc", choices=INTERFACES)
        http = {name: value for name, value in options.items() if name in {"url", "headers", "timeout_s"}}
        database, key = read.text("database"), read.text("api_key")
        beside = {"Authorization": f"Bearer {key}", "X-Odoo-Database": database} if interface == "json2" else {}
        known = Options(source, http, known=set(http) | {"token", "user", "api_key", "token_url"})
        self._http = read_http(known, source=source, error_field="", headers=beside)
        user = read.text("user", "" if interface == "json2" else None)
        self._api = Api(self._http, interface=interface, database=database, user=user, key=key)
        read.texts("use")
        try:
            wanted = {**options, "models": _with_known(options)}
        except ValueError as error:
            raise read.bad("use", str(error)) from error
        tables = Options(source, wanted, known=_OPTIONS).tables("models", known=_MODEL_OPTIONS)
        self._models = [self._model(each) for each in tables]
        self._by_name = {each.name: each for each in self._models}
        if not self._models:
            raise read.bad("use", "leaves nothing to read")
        if len(self._by_name) < len(self._models):
            raise read.bad("models", "has two of the same name; give each its own name")
        self._refusals = Refusals()

    async def check(self) -> Sequence[Check]:
        checks = []
        async with self._http.session() as session:
            for model in self._models:
                name = f"read {model.name}"
                try:
                    types = await model.types(session, self._api)
                    rows = await model.page(session, self._api, types, model.domain, after=0)
                except SourceError as error:
                    fix = "mend url, database, user or key; or leave the model out by use"
                    checks.append(Check(name=name, ok=False, detail=error.message, fix=fix))
                    if error.fields.get("status") == 401:  # every other model would be one more failed login
                        break
                else:
                    absent = model.absent(types)
                    detail = f"no field {', '.join(absent)}" if absent else f"{len(rows)} records on the first page"
                    fix = "mend its mapping" if absent else ""
                    checks.append(Check(name=name, ok=not absent, detail=detail, fix=fix))
        return checks

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the models show since `checkpoint`. One that fails does not keep the others from being read."""
        troubles: list[Trouble] = []
        down: list[SourceUnavailable] = []
        async with self._http.session() as session:
            epoch, after = await self._since(session, checkpoint or {}, troubles)
            for model in self._models:
                if self._refusals.lately(model.name):
                    continue
                try:
                    async for batch, state in self._read(session, model, after.get(model.name), troubles):
                        after[model.name] = state
                        if not batch.empty:
                            yield replace(batch, checkpoint={"epoch": epoch, "models": dict(after)})
                except SourceRefused as error:
                    self._refusals.note(model.name, error)
                except SourceUnavailable as error:
                    if error.retry_after_s is not None or "status" not in error.fields:
                        raise  # the whole host is away, or asks for quiet
                    down.append(error)
                    troubles.append(Trouble(kind=TroubleKind.UNAVAILABLE, reason=error.message, stream=model.name))
        self._refusals.raise_where_nothing_was_read(len(self._models), down)
        troubles += self._refusals.troubles()
        yield Batch(checkpoint={"epoch": epoch, "models": dict(after)}, troubles=troubles)

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: a polled service wants no acknowledgement."""

    def translate(self, message: SourceMessage) -> Translated:
        model = self._by_name.get(message.stream)
        if model is None:
            raise UnreadableMessage(f"there is no model {message.stream!r} in the settings any more")
        return model.stream.records(message)

    async def listing(self) -> AsyncIterator[Listed]:
        """The ids of each model's records; a model that is refused is left out."""
        async with self._http.session() as session:
            for model in self._models:
                if model.stream.immutable or self._refusals.lately(model.name):
                    continue
                try:
                    keys = [key async for key in model.keys(session, self._api)]
                except SourceRefused as error:
                    if error.fields.get("status") == 401:
                        raise
                    continue
                yield Listed(stream=model.name, keys=frozenset(keys))

    async def resolve(self, stream: str, keys: Sequence[str]) -> Batch:
        """Those records as they are now."""
        model = self._by_name[stream]
        ids = [int(key) for key in keys if key.isascii() and key.isdecimal()]
        async with self._http.session() as session:
            types = await model.types(session, self._api)
            rows = await model.page(
                session, self._api, types, [["id", "in", ids], *model.domain], after=0, size=len(ids)
            )
        items = [model.message(row, self._clock()) for row in rows]
        found = {item.key for item in items if isinstance(item, SourceMessage)}
        return Batch(
            messages=[item for item in items if isinstance(item, SourceMessage)],
            unreadable=[item for item in items if isinstance(item, Unreadable)],
            gone=[Gone(stream=stream, key=key) for key in keys if key not in found],
        )

    def _model(self, options: Options) -> Model:
        model = options.text("model")
        stream = read_stream(
            options,
            source=self.source,
            name=options.text("name", model),
            mapping=options.raw("mapping"),
            notation=Notation(time_zone=UTC),
        )
        domain = options.raw("domain") or []
        if not isinstance(domain, list):
            raise options.bad("domain", 'must be a list, as in [["state", "=", "done"]]')
        return Model(
            stream=replace(stream, fixed=True),
            model=model,
            domain=domain,
            overlap_s=options.number("overlap_s", 300.0),
            page_size=int(options.number("page_size", 500, at_least=1)),
        )

    async def _since(
        self, session: Session, checkpoint: Checkpoint, troubles: list[Trouble]
    ) -> tuple[str, dict[str, Json]]:
        """(the database's own id where we may read it, where each model goes on): another database is read anew."""
        states = checkpoint.get("models")
        after: dict[str, Json] = dict(states) if isinstance(states, dict) else {}
        before = str(checkpoint.get("epoch") or "")
        try:
            found = await self._api.call(
                session, "ir.config_parameter", "search_read", domain=[["key", "=", "database.uuid"]], fields=["value"]
            )
        except SourceRefused as error:
            if error.fields.get("status") != 403:  # only administrators may read it
                raise
            return before, after
        now = (
            str(found[0].get("value") or "") if isinstance(found, list) and found and isinstance(found[0], dict) else ""
        )
        if not before or not now or before == now:
            return now or before, after
        reason = "it is another database, as its uuid says; everything is read anew"
        troubles.append(Trouble(kind=TroubleKind.EPOCH, reason=reason, passing=True))
        return now, {}

    async def _read(
        self, session: Session, model: Model, before: Json, troubles: list[Trouble]
    ) -> AsyncIterator[tuple[Batch, Json]]:
        types = await model.types(session, self._api)
        reading = Reading(model, before, types, self._clock)
        async for batch in reading.batches(session, self._api):
            yield batch, reading.state()
        if reading.drift:
            reason = f"{'; '.join(reading.drift)}: mend its mapping"
            troubles.append(Trouble(kind=TroubleKind.DRIFT, reason=reason, stream=model.name))


def _with_known(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models that are known, those of them that `use` names, with what the plant says of them on top; and its own.

    Raises ValueError where `use` names none of them.
    """
    data = tomllib.loads(files(__package__).joinpath("models.toml").read_text(encoding="utf-8"))
    units = data["codes"]["units"]
    known = {each["name"]: {"key": "id", **_with_units(each, units)} for each in data["models"]}
    chosen = options.get("use", list(known))
    if unknown := [each for each in chosen if each not in known]:
        raise ValueError(f"names {unknown[0]!r}; there are: {', '.join(known)}")
    own = {each.get("name", each.get("model")): {"key": "id", **each} for each in options.get("models", [])}
    used = {name: {**known[name], **own.pop(name, {})} for name in chosen}
    return [*used.values(), *own.values()]


def _with_units(value: Any, units: Mapping[str, str]) -> Any:  # any TOML
    if isinstance(value, list):
        return [_with_units(each, units) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: units if name == "codes" and each == "units" else _with_units(each, units) for name, each in value.items()
    }
