"""The connector of Slack's channels and exports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from time import monotonic
from typing import Any

from lineside.connector import (
    Batch,
    Check,
    Checkpoint,
    Options,
    SourceMessage,
    Translated,
    Trouble,
    TroubleKind,
)
from lineside.connector.http import Session, read_http
from lineside.errors import SourceError, SourceRefused, SourceUnavailable
from lineside.plant.records import Json
from lineside_ingest.slack_channels import message as slack
from lineside_ingest.slack_channels.export import Export
from lineside_ingest.slack_channels.export_reading import read_export
from lineside_ingest.slack_channels.history import History, Position, Span
from lineside_ingest.slack_channels.message import NOISE, Channel, Rules
from lineside_ingest.slack_channels.people import Workspace
from lineside_ingest.slack_channels.web import Web

ASK_AGAIN_S = 3600.0
_ADDRESS = "https://slack.com/api"
_OPTIONS = {
    "url", "token", "timeout_s", "channels", "since_days", "overlap_s", "look_back_days", "look_back_minutes",
    "thread_days", "retention_days", "page_size", "per_minute", "ignore", "bots", "equipment", "export", "largest_mb",
}  # fmt: skip


class SlackChannels:
    """Reads channels of one workspace, by the Web API, from an export, or both. See README.md."""

    def __init__(
        self,
        source: str,
        options: Mapping[str, Any],
        *,
        time_zone: tzinfo,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        del time_zone  # Slack's times are instants
        self.source = source
        self._clock = clock
        read = Options(source, {"url": _ADDRESS, **options}, known=_OPTIONS)
        self._wanted = tuple(dict.fromkeys(each.removeprefix("#") for each in read.texts("channels")))
        if not self._wanted:
            raise read.bad("channels", "is missing: the names or ids of what to read")
        self._by_web = "token" in read
        self._export = _export(read)
        if not self._by_web and self._export is None:
            raise read.bad("token", "or export is missing: one of them is needed")
        http = read_http(read, source=source, error_field="")
        self._web = Web(http=http, per_minute=int(read.number("per_minute", 50, at_least=1)))
        self._page_size = int(read.number("page_size", 200, at_least=1))
        if self._page_size > 999:
            raise read.bad("page_size", "must be at most 999")
        self._span = _span(read)
        self._every = timedelta(minutes=read.number("look_back_minutes", 60.0))
        self._rules = _rules(read)
        self._workspace = Workspace(self._web)
        self._refused: dict[str, tuple[float, SourceRefused]] = {}
        self._doubts: dict[str, str] = {}

    async def check(self) -> Sequence[Check]:
        checks = []
        if self._export is not None:
            checks.append(await asyncio.to_thread(self._check_export, self._export))
        if self._by_web:
            try:
                async with self._web.http.session() as session:
                    me = await self._web.call(session, "auth.test")
                    checks.append(Check(name="sign in", ok=True, detail=f"{me.get('team')} as {me.get('user')}"))
                    # More requests than are allowed in a minute would make whoever checks wait for them.
                    tried = self._wanted[: self._web.per_minute]
                    checks += [await self._check_channel(session, wanted) for wanted in tried]
            except SourceError as error:
                checks.append(Check(name="sign in", ok=False, detail=error.message, fix="mend url or token"))
        return checks

    async def capture(self, checkpoint: Checkpoint | None) -> AsyncIterator[Batch]:
        """What the channels show since `checkpoint`, and the days of an export that is new. A channel that fails does
        not keep the others from being read."""
        state: dict[str, Json] = dict(checkpoint or {})
        if not self._by_web:
            async for batch in self._read_export(None, state):
                yield batch
            yield Batch(checkpoint=dict(state), troubles=await asyncio.to_thread(self._absent))
            return
        troubles: list[Trouble] = []
        down: dict[str, SourceUnavailable] = {}
        async with self._web.http.session() as session:
            address = await self._sign_in(session, state, troubles)
            await self._workspace.refresh(session)
            histories = await self._histories(session, state, address, down)
            if self._export is not None:
                self._refused.pop("export", None)
                with self._apart("export", down):
                    async for batch in self._read_export(session, state):
                        yield batch
            async for batch in self._read_channels(histories, state, down):
                yield batch
        self._raise_where_nothing_was_read(down)
        yield Batch(checkpoint=dict(state), troubles=[*troubles, *self._troubles(down)])

    async def confirm(self, checkpoint: Checkpoint) -> None:
        """Nothing: reading leaves no mark in Slack."""

    def translate(self, message: SourceMessage) -> Translated:
        return slack.translate(message, self._rules)

    async def _sign_in(self, session: Session, state: dict[str, Json], troubles: list[Trouble]) -> str:
        """The workspace's own address; another workspace is read anew."""
        me = await self._web.call(session, "auth.test")
        before, now = state.get("team"), str(me.get("team_id") or "")
        if before and now and before != now:
            reason = f"the token is another workspace's ({before} is now {now}); everything is read anew"
            troubles.append(Trouble(kind=TroubleKind.EPOCH, reason=reason, passing=True))
            state.pop("channels", None)
        state["team"] = now or before
        return str(me.get("url") or "https://slack.com/").rstrip("/") + "/"

    async def _histories(
        self, session: Session, state: Mapping[str, Json], address: str, down: dict[str, SourceUnavailable]
    ) -> dict[str, History]:
        """The reading of each channel that is to be read now; what is new goes first, long histories after it."""
        kept = state.get("channels")
        positions = kept if isinstance(kept, dict) else {}
        found: dict[str, History] = {}
        for wanted in self._wanted:
            if self._refused_lately(wanted):
                continue
            with self._apart(wanted, down):
                channel = await self._workspace.channel(session, wanted)
                if any(channel.id == known.channel.id for known in found.values()):
                    continue  # it is named by its id and by its name
                found[wanted] = History(
                    self._web,
                    session,
                    self._workspace,
                    channel=channel,
                    position=Position.of(positions.get(channel.id)),
                    span=self._span,
                    page_size=self._page_size,
                    address=address,
                    clock=self._clock,
                )
        return dict(sorted(found.items(), key=lambda each: not each[1].position.mark))

    async def _read_channels(
        self, histories: Mapping[str, History], state: dict[str, Json], down: dict[str, SourceUnavailable]
    ) -> AsyncIterator[Batch]:
        kept = state.get("channels")
        positions: dict[str, Json] = dict(kept) if isinstance(kept, dict) else {}

        def standing(batch: Batch, history: History) -> Batch:
            positions[history.channel.id] = history.position.kept()
            state["channels"] = dict(positions)
            return replace(batch, checkpoint=dict(state))

        for wanted, history in histories.items():
            with self._apart(wanted, down):
                async for batch in history.news():
                    told = standing(batch, history)
                    if not batch.empty:
                        yield told
        for wanted, history in histories.items():
            if wanted in self._refused or wanted in down or not history.due(self._every):
                continue
            with self._apart(wanted, down):
                async for batch in history.look_back():
                    told = standing(batch, history)
                    if not batch.empty:
                        yield told
                self._doubts.pop(wanted, None)
                if history.doubt:
                    self._doubts[wanted] = history.doubt

    async def _read_export(self, session: Session | None, state: dict[str, Json]) -> AsyncIterator[Batch]:
        if self._export is None:
            return
        reading = read_export(
            self._export,
            self._wanted,
            state.get("export"),
            source=self.source,
            workspace=self._workspace,
            session=session,
            clock=self._clock,
        )
        async for batch, reached in reading:
            state["export"] = reached
            if not batch.empty:
                yield replace(batch, checkpoint=dict(state))

    @contextmanager
    def _apart(self, part: str, down: dict[str, SourceUnavailable]) -> Iterator[None]:
        """What goes wrong with one part does not keep the others from being read."""
        try:
            yield
        except SourceRefused as error:
            if error.fields.get("status") == 401:
                raise
            self._refused[part] = (monotonic(), error)
        except SourceUnavailable as error:
            if error.retry_after_s is not None or "status" not in error.fields:
                raise  # Slack is away, or asks for quiet
            down[part] = error

    def _refused_lately(self, part: str) -> bool:
        if part in self._refused and monotonic() - self._refused[part][0] < ASK_AGAIN_S:
            return True
        self._refused.pop(part, None)
        return False

    def _raise_where_nothing_was_read(self, down: Mapping[str, SourceUnavailable]) -> None:
        if any(wanted not in self._refused and wanted not in down for wanted in self._wanted):
            return
        if down:
            raise next(iter(down.values()))
        refused = [self._refused[wanted][1] for wanted in self._wanted]
        self._refused.clear()  # somebody will have looked at it when it is read again
        raise refused[0]

    def _troubles(self, down: Mapping[str, SourceUnavailable]) -> Iterator[Trouble]:
        if self._workspace.trouble is not None:
            yield self._workspace.trouble
        for part, (_, refused) in self._refused.items():
            yield Trouble(kind=TroubleKind.REFUSED, reason=refused.message, stream=part)
        for part, unavailable in down.items():
            yield Trouble(kind=TroubleKind.UNAVAILABLE, reason=unavailable.message, stream=part)
        for part, doubt in self._doubts.items():
            yield Trouble(kind=TroubleKind.UNAVAILABLE, reason=doubt, stream=part)

    async def _check_channel(self, session: Session, wanted: str) -> Check:
        name = f"read {wanted}"
        try:
            channel = await self._workspace.channel(session, wanted)
            await self._web.call(session, "conversations.history", channel=channel.id, limit="1")
        except SourceRefused as error:
            if error.fields.get("status") == 401:
                raise
            fix = "invite the app to the channel, add the scope that is named, or mend channels"
            return Check(name=name, ok=False, detail=error.message, fix=fix)
        kind = "private: whoever may read this source reads it" if channel.private else "public"
        return Check(name=name, ok=True, detail=f"#{channel.name}, {kind}")

    def _absent(self) -> list[Trouble]:
        """The channels that are to be read and that the export has not."""
        if self._export is None:
            return []
        reason = f"{self._export.path} holds no such channel"
        missing = self._missing(self._export.channels())
        return [Trouble(kind=TroubleKind.REFUSED, reason=reason, stream=each) for each in missing]

    def _missing(self, there: Sequence[Channel]) -> list[str]:
        return [each for each in self._wanted if all(each not in (known.id, known.name) for known in there)]

    def _check_export(self, export: Export) -> Check:
        try:
            there = export.channels()
        except SourceError as error:
            return Check(name="export", ok=False, detail=error.message, fix="mend the path, or export it again")
        missing = self._missing(there)
        detail = f"{len(there)} channels" + (f"; not among them: {', '.join(missing)}" if missing else "")
        return Check(name="export", ok=len(missing) < len(self._wanted), detail=detail, fix="mend channels")


def _export(read: Options) -> Export | None:
    if "export" not in read:
        return None
    largest = int(read.number("largest_mb", 64.0, at_least=0.001) * (1 << 20))
    return Export(path=Path(read.text("export")).expanduser(), largest=largest)


def _span(read: Options) -> Span:
    retention = read.number("retention_days", 0.0)
    return Span(
        since=timedelta(days=_days(read, "since_days", 30.0)),
        overlap=timedelta(seconds=min(read.number("overlap_s", 60.0), 86_400.0)),
        look_back=timedelta(days=_days(read, "look_back_days", 3.0)),
        threads=timedelta(days=_days(read, "thread_days", 14.0)),
        retention=timedelta(days=retention) if retention else None,
    )


def _days(read: Options, name: str, default: float) -> float:
    days = read.number(name, default)
    if days > 10_000:
        raise read.bad(name, "must be at most 10000")
    return days


def _rules(read: Options) -> Rules:
    equipment = read.table("equipment")
    if not all(isinstance(path, str) and path for path in equipment.values()):
        raise read.bad(
            "equipment", 'must name a path for each channel, as in { "line-3" = "northfield/packing/line-3" }'
        )
    return Rules(
        ignored=frozenset(read.texts("ignore") if "ignore" in read else NOISE),
        bots=frozenset(each.lower() for each in read.texts("bots")),
        equipment={name.removeprefix("#"): path for name, path in equipment.items()},
    )
