"""A real HTTP server with an ERP's habits: no row is stepped over, no refusal is retried."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lineside.connector import TroubleKind
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.plant.entities import Entity
from lineside.plant.records import Report
from lineside_ingest.odata import OData

from .reading import NOW, drain, keys
from .web_peer import Peer, serving

BERLIN = ZoneInfo("Europe/Berlin")
MAPPING = {
    "entity": "lot:{LotNo}",
    "properties": {
        "quality_status": {"field": "Status", "codes": {"2": "inspection"}},
        "quantity": {"field": "Qty", "unit": {"field": "UoM", "codes": {"ST": "ea"}}},
    },
}


def lot(number: str, changed: str, **values: Any) -> dict[str, Any]:
    return {"LotNo": number, "Status": "2", "Qty": "840.000", "UoM": "ST", "ChangedAt": changed, **values}


@pytest.fixture
def peer() -> Iterator[Peer]:
    served = Peer()
    with serving(served) as url:
        served.url = url
        yield served


def reader(peer: Peer, *, collection: dict[str, Any] | None = None, **options: Any) -> OData:
    one = {"path": "Lots", "key": ["LotNo"], "changed_field": "ChangedAt", "mapping": MAPPING, **(collection or {})}
    return OData("erp", {"url": peer.url, "collections": [one], **options}, time_zone=BERLIN, clock=lambda: NOW)


async def test_a_row_becomes_a_report_with_the_codes_of_the_mapping(peer: Peer) -> None:
    peer.rows = [lot("000123", "2026-05-04T08:00:00Z")]
    connector = reader(peer)
    read = await drain(connector)
    [report] = read.records(connector)
    assert isinstance(report, Report)
    assert report.entity == Entity("lot", "000123")
    assert report.properties == {"quality_status": "inspection", "quantity": {"value": 840, "unit": "ea"}}
    assert report.provenance.occurred_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    assert list(connector.translate(read.messages[0])) == [report]


async def test_what_was_committed_late_or_on_the_same_stamp_is_found(peer: Peer) -> None:
    peer.rows = [lot("A", "2026-05-04T08:00:00Z")]
    first = await drain(reader(peer))
    peer.rows += [lot("B", "2026-05-04T07:56:00Z"), lot("C", "2026-05-04T08:00:00Z")]
    second = await drain(reader(peer), first.checkpoint)
    assert (keys(first.messages), sorted(keys(second.messages))) == (["A"], ["B", "C"])
    assert (await drain(reader(peer), second.checkpoint)).messages == []


@pytest.mark.parametrize("links", [False, True])
@pytest.mark.parametrize("stamps", [1, 4, 11])
async def test_every_row_comes_once_whatever_the_paging(peer: Peer, stamps: int, *, links: bool) -> None:
    peer.links = links
    peer.rows = [lot(f"L-{n:02d}", f"2026-05-04T08:00:{n % stamps:02d}Z") for n in range(11)]
    read = await drain(reader(peer, collection={"page_size": 3}))
    assert sorted(keys(read.messages)) == [f"L-{n:02d}" for n in range(11)]
    for checkpoint in read.checkpoints[:-1]:
        rest = await drain(reader(peer, collection={"page_size": 3}), checkpoint)
        assert {*read.ids} >= {*rest.ids}


async def test_a_row_that_changes_while_we_read_makes_us_step_over_none(peer: Peer) -> None:
    peer.rows = [lot(f"L-{n}", f"2026-05-04T08:00:0{n}Z") for n in range(9)]

    def change() -> None:
        if len(peer.asked) == 2:
            peer.rows[0] = lot("L-0", "2026-05-04T08:30:00Z")

    peer.before = change
    read = await drain(reader(peer, collection={"page_size": 3}))
    assert {*keys(read.messages)} == {f"L-{n}" for n in range(9)}
    assert keys(read.messages).count("L-0") == 2


async def test_a_row_from_the_future_hides_nothing(peer: Peer) -> None:
    peer.rows = [lot("A", "2099-01-01T00:00:00Z")]
    first = await drain(reader(peer))
    peer.rows += [lot("B", "2026-05-04T11:59:00Z")]
    assert keys((await drain(reader(peer), first.checkpoint)).messages) == ["B"]


async def test_odata_2_wraps_rows_and_writes_wall_clock_dates(peer: Peer) -> None:
    peer.version = 2
    stamp = int(datetime(2026, 5, 4, 10, 0, tzinfo=UTC).timestamp() * 1000)
    peer.rows = [lot("A", f"/Date({stamp})/", __metadata={"uri": "x"})]
    connector = reader(peer, protocol="odata2", collection={"changed_type": "datetime"})
    first = await drain(connector)
    [report] = first.records(connector)
    assert report.provenance.reported_at == datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
    peer.rows += [lot("B", f"/Date({stamp + 60_000})/")]
    assert keys((await drain(connector, first.checkpoint)).messages) == ["B"]
    assert "ChangedAt ge datetime'2026-05-04T09:55:00'" in peer.asked[-1][1]["$filter"]


async def test_a_text_stamp_keeps_its_notation(peer: Peer) -> None:
    peer.rows = [lot("A", "20260504100000")]
    connector = reader(peer, collection={"changed_type": "text"})
    first = await drain(connector)
    peer.rows += [lot("B", "20260504095800")]
    assert keys((await drain(connector, first.checkpoint)).messages) == ["B"]
    assert peer.asked[-1][1]["$filter"] == "ChangedAt ge '20260504095500'"


async def test_a_plain_rest_list_is_compared_and_a_value_that_returns_is_news(peer: Peer) -> None:
    peer.answer = lambda query: (200, {}, {"payload": {"lots": peer.rows}})  # type: ignore[method-assign]
    connector = reader(peer, protocol="rest", collection={"changed_field": "", "rows": "payload.lots"})
    seen, checkpoint = [], None
    for status in ("2", "2", "3", "2"):
        peer.rows = [lot("A", "", Status=status)]
        read = await drain(connector, checkpoint)
        checkpoint = read.checkpoint
        seen.append(len(read.messages))
    assert seen == [1, 0, 1, 1]


async def test_a_link_header_and_a_link_with_another_host_are_followed_on_our_host(peer: Peer) -> None:
    pages = [
        (200, {"link": '<http://elsewhere.invalid/odata/Lots?page=2>; rel="next"'}, [lot("A", "2026-05-04T08:00:00Z")]),
        (200, {}, [lot("B", "2026-05-04T08:00:00Z")]),
    ]
    peer.faults = list(pages)
    read = await drain(reader(peer, protocol="rest"))
    assert keys(read.messages) == ["A", "B"]
    assert peer.asked[1][1] == {"page": "2"}


@pytest.mark.parametrize(
    ("fault", "error", "wait"),
    [
        ((429, {"retry-after": "17"}, {}), SourceUnavailable, 17.0),
        ((503, {}, {}), SourceUnavailable, None),
        ((500, {}, {}), SourceUnavailable, None),
        ((200, {}, b'{"value": ['), SourceUnavailable, None),
        ((200, {}, {"error": {"code": "X", "message": "Sperre"}}), SourceUnavailable, None),
        ((401, {}, {}), SourceRefused, None),
        ((403, {}, {}), SourceRefused, None),
        ((404, {}, {}), SourceRefused, None),
        ((302, {"location": "/login"}, b""), SourceRefused, None),
        ((200, {"content-type": "text/html"}, b"<form>"), SourceRefused, None),
        ((200, {}, {"unexpected": 1}), SourceRefused, None),
    ],
)
async def test_every_answer_that_is_none_says_whether_to_try_again(
    peer: Peer, fault: tuple[int, dict[str, str], Any], error: type[Exception], wait: float | None
) -> None:
    peer.faults = [fault]
    with pytest.raises(error) as raised:
        await drain(reader(peer))
    assert getattr(raised.value, "retry_after_s", None) == wait
    assert len(peer.asked) == 1


async def test_a_server_that_is_gone_or_slow_is_unavailable(peer: Peer) -> None:
    peer.url = "http://127.0.0.1:1"
    with pytest.raises(SourceUnavailable):
        await drain(reader(peer))


async def test_one_refused_collection_does_not_keep_the_others_from_being_read(peer: Peer) -> None:
    peer.rows = [lot("A", "2026-05-04T08:00:00Z")]
    peer.faults = [(403, {}, {})]
    one = {"path": "Secret", "key": "LotNo", "mapping": MAPPING}
    options = {"url": peer.url, "collections": [one, {**one, "path": "Lots"}]}
    connector = OData("erp", options, time_zone=UTC, clock=lambda: NOW)
    first = await drain(connector)
    second = await drain(connector, first.checkpoint)
    assert keys(first.messages) == ["A"]
    for read in (first, second):
        assert [(each.kind, each.stream) for each in read.troubles or ()] == [(TroubleKind.REFUSED, "Secret")]
    assert [path for path, _, _ in peer.asked].count("/odata/Secret") == 1, (
        "it is asked again after an hour, not before"
    )


async def test_one_collection_that_does_not_answer_is_told_and_tried_with_the_next_read(peer: Peer) -> None:
    peer.rows = [lot("A", "2026-05-04T08:00:00Z")]
    peer.faults = [(500, {}, {})]
    one = {"path": "Slow", "key": "LotNo", "mapping": MAPPING}
    options = {"url": peer.url, "collections": [one, {**one, "path": "Lots"}]}
    connector = OData("erp", options, time_zone=UTC, clock=lambda: NOW)
    first = await drain(connector)
    second = await drain(connector, first.checkpoint)
    assert [(each.kind, each.stream) for each in first.troubles or ()] == [(TroubleKind.UNAVAILABLE, "Slow")]
    assert (keys(first.messages), keys(second.messages), second.troubles) == (["A"], ["A"], [])


async def test_a_refused_sign_in_is_tried_once_whatever_the_number_of_collections(peer: Peer) -> None:
    peer.closed = (401, {}, {})
    one = {"path": "Lots", "key": "LotNo", "mapping": MAPPING}
    collections = [{**one, "name": name} for name in ("a", "b", "c")]
    connector = OData("erp", {"url": peer.url, "collections": collections}, time_zone=UTC)
    with pytest.raises(SourceRefused):
        await drain(connector)
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        ({"token": "t0"}, "authorization", "Bearer t0"),
        ({"user": "u", "password": "p"}, "authorization", "Basic dTpw"),
        ({"api_key": "k", "api_key_header": "APIKey"}, "apikey", "k"),
        ({"headers": {"X-Tenant": "7"}}, "x-tenant", "7"),
    ],
)
async def test_credentials_go_where_the_service_looks_for_them(
    peer: Peer, options: dict[str, Any], header: str, value: str
) -> None:
    await drain(reader(peer, **options))
    assert peer.asked[0][2][header] == value


async def test_check_names_the_fields_that_are_not_there(peer: Peer) -> None:
    peer.rows = [lot("A", "2026-05-04T08:00:00Z")]
    [check] = await reader(peer, collection={"key": ["Charge"], "changed_field": ""}).check()
    assert (check.ok, check.detail) == (False, "no field Charge")


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"protocol": "soap"}, "option protocol must be one of"),
        ({"token": "t", "user": "u", "password": "p"}, "only one of them"),
        ({"collections": []}, "option collections is missing"),
        ({"collections": [{"path": "x", "key": "k", "mapping": {"kind": "stop", "foo": "x"}}]}, "foo is no field"),
        ({"collections": [{"path": "x", "key": "k", "mapping": MAPPING, "cursor": "x"}]}, r"collections\[0\].cursor"),
        ({"timeout_s": 0}, "option timeout_s must be a number"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(BadSettings, match=wrong):
        reader(Peer(), **{"url": "http://x", **options})
