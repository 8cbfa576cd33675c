"""What a real Tryton 8.2 was recorded to answer, rows and errors, and what becomes of it."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import TroubleKind
from lineside.connector.http import Http
from lineside.errors import SourceRefused, SourceUnavailable
from lineside_ingest.tryton import Tryton
from lineside_ingest.tryton.access import Access, Reader
from lineside_ingest.tryton.values import readable, stamp

from .reading import NOW, drain
from .test_tryton_conformance import LOG_TYPES, MAPPING
from .tryton_peer import Peer
from .web_peer import serving

RECORDED = json.loads((Path(__file__).parent / "tryton/recorded.json").read_text())


@pytest.fixture
def peer() -> Iterator[Peer]:
    said = {1: {"id": 1, "n": "1", "create_date": "2026-05-04T10:00:00.000000", "write_date": None}}
    other = {1: {"id": 1, "n": "2", "create_date": "2026-05-04T10:00:00.000000", "write_date": None}}
    types = {"said": {"n": ("char", "")}, "other": {"n": ("char", "")}, "ir.model.log": LOG_TYPES}
    served = Peer(types=types, tables={"said": said, "other": other, "ir.model.log": {}})
    with serving(served) as url:
        served.url = url.removesuffix("/odata")
        yield served


@asynccontextmanager
async def signed_in(peer: Peer) -> AsyncIterator[Reader]:
    http = Http(source="erp", url=peer.url, timeout_s=5.0, error_field="")
    access = Access(http=http, database="plant", key="", user="reader", password="right", context={})
    async with access.reader() as reader:
        await reader.rows("said", [], ["n"], limit=1)
        yield reader


def rows(name: str) -> list[dict[str, Any]]:
    return [readable(row) for row in RECORDED[name]["answer"]["result"]]


def test_related_rows_decimals_times_and_durations_are_plain() -> None:
    [order], [cycle] = rows("production"), rows("production.work.cycle")
    assert (order["product"], order["unit"], order["state"]) == (
        {"id": 2, "code": "SH-10"},
        {"id": 1, "symbol": "u"},
        "done",
    )
    assert isinstance(order["inputs"], list)
    assert cycle["duration"] == 4500


def test_a_row_that_nobody_wrote_again_has_the_time_of_its_making() -> None:
    [row] = rows("never written")
    assert row["write_date"] is None
    assert stamp(row) == row["create_date"]


@pytest.mark.parametrize(
    ("name", "error", "fields"),
    [
        ("unknown field", SourceUnavailable, {"unknown": "no_such_field"}),
        ("unknown model", SourceUnavailable, {"unknown": "no.such.model"}),
        ("no right", SourceRefused, {"status": 403}),
        ("no right to the log", SourceRefused, {"status": 403}),
    ],
)
async def test_an_error_inside_a_200_is_told_by_its_kind(
    peer: Peer, name: str, error: type[SourceUnavailable | SourceRefused], fields: dict[str, Any]
) -> None:
    async with signed_in(peer) as reader:
        peer.faults = [(200, {}, RECORDED[name]["answer"])]
        with pytest.raises(error) as raised:
            await reader.rows("said", [], ["n"], limit=1)
    assert raised.value.fields.items() >= fields.items()


async def test_a_session_that_has_ended_is_begun_once_more(peer: Peer) -> None:
    async with signed_in(peer) as reader:
        peer.sessions.clear()
        assert len(await reader.rows("said", [], ["n"], limit=1)) == 1
    assert len(peer.logins) == 2


async def test_a_model_that_may_not_be_read_stops_no_other_and_is_asked_again_after_an_hour(peer: Peer) -> None:
    models = [{"model": "said", "mapping": MAPPING}, {"model": "other", "mapping": MAPPING}]
    options = {"url": peer.url, "database": "plant", "user": "reader", "password": "right", "models": models}
    connector = Tryton("erp", options, time_zone=UTC, clock=lambda: NOW)
    peer.forbidden = {"said"}
    first = await drain(connector)
    second = await drain(connector, first.checkpoint)
    for read in (first, second):
        assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.REFUSED, "said")]
    assert [each.stream for each in first.messages] == ["other"]
    asked = [body["method"] for _, body in peer.asked]
    assert asked.count("model.said.search_read") == 1
