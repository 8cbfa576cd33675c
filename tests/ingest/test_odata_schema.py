"""A service's own schema against the settings: what is not there is said before it is missed."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pytest

from lineside.connector import Gone, TroubleKind
from lineside_ingest.odata import OData
from lineside_ingest.odata.schema import read_metadata

from .reading import NOW, Read, drain, keys
from .web_peer import Answer, Peer, edmx, serving

TYPES = {"LotNo": "Edm.String", "Qty": "Edm.Int32", "ChangedAt": "Edm.DateTimeOffset"}
MAPPING = {"entity": "lot:{LotNo}", "properties": {"quantity": {"field": "Qty", "type": "number"}}}


def document(types: dict[str, str], extra: str = "") -> bytes:
    return edmx(4, {"Lots": types}, key="LotNo", extra=extra)


@pytest.fixture
def peer() -> Iterator[Peer]:
    served = Peer()
    served.metadata = document(TYPES)
    with serving(served) as url:
        served.url = url
        yield served


def reader(peer: Peer, **collection: Any) -> OData:
    one = {"path": "Lots", "key": "LotNo", "changed_field": "ChangedAt", "mapping": MAPPING, **collection}
    return OData("erp", {"url": peer.url, "collections": [one]}, time_zone=UTC, clock=lambda: NOW)


def lot(number: str, **values: Any) -> dict[str, Any]:
    return {"LotNo": number, "Qty": 7, "ChangedAt": "2026-05-04T11:58:00Z", **values}


@pytest.mark.parametrize(
    ("types", "collection", "said"),
    [
        ({**TYPES, "Menge": "Edm.Int32"}, {}, ""),
        ({"LotNo": "Edm.String", "ChangedAt": "Edm.DateTimeOffset"}, {}, "no field Qty"),
        (TYPES, {"expand": ["Items"]}, "nothing to expand at Items"),
    ],
)
async def test_check_says_what_the_service_does_not_have(
    peer: Peer, types: dict[str, str], collection: dict[str, Any], said: str
) -> None:
    peer.metadata = document(types)
    [check] = await reader(peer, select=True, **collection).check()
    assert (check.ok, check.detail) == (not said, said or "0 rows on the first page")


async def test_check_says_what_must_be_expanded(peer: Peer) -> None:
    peer.metadata = document(TYPES, '<NavigationProperty Name="Items" Type="Collection(plant.Item)"/>')
    items = {"each": "Items", "item": {"no": "{No}"}}
    [check] = await reader(peer, mapping={**MAPPING, "properties": {"items": items}}).check()
    assert (check.ok, check.detail) == (False, "Items is another entity: name it in expand")


async def test_a_field_that_is_renamed_while_we_run_is_noticed_at_once_although_only_used_fields_are_asked_for(
    peer: Peer,
) -> None:
    peer.rows = [lot("A")]
    connector = reader(peer, select=True)
    first = await drain(connector)
    peer.metadata = document({"LotNo": "Edm.String", "Amount": "Edm.Int32", "ChangedAt": "Edm.DateTimeOffset"})
    peer.rows = [{"LotNo": "B", "Amount": 7, "ChangedAt": "2026-05-04T11:59:00Z"}]
    second = await drain(connector, first.checkpoint)
    [message] = second.messages
    assert [(each.kind, each.stream) for each in second.troubles] == [(TroubleKind.DRIFT, "Lots")]
    assert connector.translate(message) == connector.translate(message)
    assert getattr(connector.translate(message), "held", False)


async def test_how_a_filter_is_written_comes_from_the_schema_and_null_stamps_are_asked_for(peer: Peer) -> None:
    peer.metadata = document({**TYPES, "ChangedAt": "Edm.Date"})
    peer.rows = [lot("A", ChangedAt="2026-05-04")]
    connector = reader(peer)
    first = await drain(connector)
    peer.rows += [lot("B", ChangedAt=None)]
    second = await drain(connector, first.checkpoint)
    assert keys(second.messages) == ["B"]
    assert peer.asked[-1][1]["$filter"] == "ChangedAt ge 2026-05-03 or ChangedAt eq null"


async def test_of_two_stamps_either_tells_a_change(peer: Peer) -> None:
    peer.metadata = document({**TYPES, "MadeAt": "Edm.DateTimeOffset"})
    connector = reader(peer, changed_field=["ChangedAt", "MadeAt"], page_size=2)
    peer.rows = [lot(f"L-{n}", MadeAt="2026-05-04T11:50:00Z") for n in range(5)]
    first = await drain(connector)
    peer.rows += [lot("new", ChangedAt=None, MadeAt="2026-05-04T11:59:00Z")]
    second = await drain(connector, first.checkpoint)
    assert (sorted(keys(first.messages)), keys(second.messages)) == ([f"L-{n}" for n in range(5)], ["new"])


@pytest.mark.parametrize(
    "content",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"<html><body>sign in</body></html>",
        b"<x>",
        b"",
    ],
)
def test_a_document_that_is_no_schema_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\$metadata"):
        read_metadata(content)


def test_an_entity_has_what_its_base_has() -> None:
    base = '<EntityType Name="Thing"><Key><PropertyRef Name="Id"/></Key><Property Name="Id" Type="Edm.Guid"/>'
    written = edmx(4, {"Lots": {"No": "Edm.String"}}, key="No").decode()
    written = written.replace("<EntityType", base + '</EntityType><EntityType BaseType="plant.Thing"', 1)
    found = read_metadata(written.encode()).sets["Lots"]
    assert sorted(found.properties) == ["Id", "No"]


class Tracking(Peer):
    """Tracks changes: a delta link shows what came after it. forgotten: links before it are gone."""

    forgotten = 0

    def __init__(self) -> None:
        super().__init__()
        self.log: list[dict[str, Any]] = []

    def answer(self, query: dict[str, str]) -> Answer:
        since = int(query.get("$deltatoken", -1))
        link = {"@odata.deltaLink": f"{self.url}/Lots?$deltatoken={len(self.log)}"}
        if since < 0:
            assert self.asked[-1][2]["prefer"] == "odata.track-changes"
            return 200, {}, {"value": self.rows, **link}
        if since < self.forgotten:
            return 410, {}, {"error": {"message": "the token is too old"}}
        return 200, {}, {"value": self.log[since:], **link}


@pytest.fixture
def tracking() -> Iterator[Tracking]:
    served = Tracking()
    with serving(served) as url:
        served.url = url
        yield served


@pytest.mark.parametrize(
    "removed",
    [
        {"@removed": {"reason": "deleted"}, "LotNo": "O'A/1"},
        {"@removed": {"reason": "deleted"}, "@id": "http://elsewhere/odata/Lots('O''A%2F1')"},
        {"@odata.context": "$metadata#Lots/$deletedEntity", "id": "Lots('O''A%2F1')", "reason": "deleted"},
    ],
)
async def test_a_delta_link_is_followed_and_what_it_removes_is_gone(
    tracking: Tracking, removed: dict[str, Any]
) -> None:
    connector = reader(tracking, delta=True, changed_field="")
    tracking.rows = [lot("O'A/1"), lot("B")]
    first = await drain(connector)
    tracking.log += [lot("B", Qty=8), removed]
    second = await drain(connector, first.checkpoint)
    third = await drain(connector, second.checkpoint)
    assert [each.key for each in first.messages] == ["O'A/1", "B"]
    assert ([each.key for each in second.messages], second.gone) == (["B"], [Gone(stream="Lots", key="O'A/1")])
    assert (third.messages, third.gone) == ([], [])


async def test_what_was_removed_and_comes_back_as_it_was_is_news(tracking: Tracking) -> None:
    connector = reader(tracking, delta=True, changed_field="")
    tracking.rows = [lot("A")]
    read = await drain(connector)
    tracking.log += [{"@removed": {}, "LotNo": "A"}]
    read = await drain(connector, read.checkpoint)
    tracking.log += [lot("A")]
    assert keys((await drain(connector, read.checkpoint)).messages) == ["A"]


async def test_a_forgotten_delta_link_means_to_read_everything_once_more(tracking: Tracking) -> None:
    connector = reader(tracking, delta=True, changed_field="")
    tracking.rows = [lot("A")]
    first = await drain(connector)
    tracking.rows += [lot("B")]
    tracking.log += [lot("x")] * 3
    tracking.forgotten = 2
    second: Read = await drain(connector, first.checkpoint)
    assert (keys(second.messages), [each.kind for each in second.troubles]) == (["B"], [TroubleKind.EPOCH])
