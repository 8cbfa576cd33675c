"""Odoo's habits: false for nothing, pairs for links, errors inside a 200, modules that are not there."""

from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

import pytest

from lineside.connector import TroubleKind
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside_ingest.odoo import Odoo

from .odoo_peer import OdooServer
from .reading import NOW, Read, drain
from .web_peer import serving

STAMPS = {"write_date": "2026-05-04 11:58:00", "create_date": "2026-05-04 11:58:00"}
TYPES = {"id": "integer", "write_date": "datetime", "create_date": "datetime"}
ORDERS = {
    **TYPES, "name": "char", "product_id": "many2one", "product_qty": "float", "product_uom_id": "many2one",
    "qty_produced": "float", "state": "selection", "date_start": "datetime", "date_finished": "datetime",
    "date_deadline": "datetime", "origin": "char",
}  # fmt: skip
NOTES = {
    **TYPES, "body": "html", "author_id": "many2one", "model": "char", "res_id": "many2one_reference",
    "date": "datetime", "message_type": "selection",
}  # fmt: skip


@pytest.fixture
def server() -> Iterator[OdooServer]:
    served = OdooServer()
    served.types = {"mrp.production": dict(ORDERS), "mail.message": dict(NOTES)}
    served.records = {"mrp.production": [], "mail.message": []}
    with serving(served) as url:
        served.url = url
        yield served


def reader(server: OdooServer, *use: str, **more: Any) -> Odoo:
    options = {"url": server.url, "database": "plant", "user": "lineside", "api_key": "right", "use": list(use), **more}
    return Odoo("odoo", options, time_zone=UTC, clock=lambda: NOW)


def order(number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": number, **STAMPS, "name": f"WH/MO/{number:05d}", "product_id": [7, "[RES] Resin"], "product_qty": 840.0,
        "product_uom_id": [1, "kg"], "qty_produced": 120.5, "state": "progress", "date_start": "2026-05-04 06:00:00",
        "date_finished": False, "date_deadline": False, "origin": False, **values,
    }  # fmt: skip


async def test_links_are_read_by_name_and_false_is_nothing(
    server: OdooServer, remembered: Callable[..., Memory]
) -> None:
    memory = remembered(now="2027-01-01T00:00:00Z")
    server.records["mrp.production"] = [order(1)]
    await catch_up(memory, reader(server, "manufacturing orders"))
    assert {each.property: each.text for each in memory.view().statements()} == {
        "material": "[RES] Resin", "quantity": "840 kg", "quantity_good": "120.5 kg", "status": "in_progress",
        "planned_start": "2026-05-04T06:00:00+00:00",
    }  # fmt: skip


async def test_what_people_wrote_is_a_note_without_its_markup(server: OdooServer) -> None:
    server.records["mail.message"] = [
        {"id": 3, **STAMPS, "body": "<p>Seal &amp; gasket<br/>wait for QA</p>", "author_id": [9, "Kim"],
         "model": "mrp.production", "res_id": 1, "date": "2026-05-04 11:58:00", "message_type": "comment"},
    ]  # fmt: skip
    connector = reader(server, "messages")
    [note] = (await drain(connector)).records(connector)
    assert (note.text, note.author, note.channel) == (  # type: ignore[union-attr]
        "Seal & gasket\nwait for QA", "Kim", "mrp.production/1",
    )  # fmt: skip


async def test_a_model_without_rights_or_without_its_module_stops_alone(server: OdooServer) -> None:
    server.records["mrp.production"] = [order(1)]
    server.denied = {"mail.message"}
    connector = reader(server, "manufacturing orders", "messages", "quality checks")
    first = await drain(connector)
    second = await drain(connector, first.checkpoint)
    assert [each.key for each in first.messages] == ["1"]
    for read in (first, second):
        assert {(each.kind, each.stream) for each in read.troubles} == {
            (TroubleKind.REFUSED, "messages"), (TroubleKind.REFUSED, "quality checks"),
        }  # fmt: skip
    assert [model for model, _, _ in server.asked].count("mail.message") == 1, "asked again after an hour, not before"


@pytest.mark.parametrize("interface", ["jsonrpc", "json2"])
async def test_a_refused_key_is_tried_once_whatever_the_number_of_models(server: OdooServer, interface: str) -> None:
    connector = reader(server, "manufacturing orders", "messages", api_key="wrong", interface=interface)
    with pytest.raises(SourceRefused):
        await drain(connector)
    assert server.sign_ins <= 1
    assert server.asked == []
    assert [each.ok for each in await connector.check()] == [False]


async def test_a_round_that_broke_goes_on_at_the_last_id_and_misses_nothing(server: OdooServer) -> None:
    server.records["mrp.production"] = [order(number) for number in range(1, 8)]
    small = {"models": [{"name": "manufacturing orders", "page_size": 3}]}
    server.cut, read = 7, Read()
    with pytest.raises(SourceUnavailable):
        await drain(reader(server, "manufacturing orders", **small), into=read)
    assert [each.key for each in read.messages] == ["1", "2", "3", "4", "5", "6"]
    server.records["mrp.production"][0] |= {"qty_produced": 500.0, "write_date": "2026-05-04 11:59:00"}
    read.messages.clear()
    rest = await drain(reader(server, "manufacturing orders", **small), read.checkpoint)
    later = await drain(reader(server, "manufacturing orders", **small), rest.checkpoint)
    assert ([each.key for each in rest.messages], [each.key for each in later.messages]) == (["7"], ["1"])


async def test_a_record_that_vanishes_from_the_overlap_is_gone_at_the_next_read(server: OdooServer) -> None:
    server.records["mrp.production"] = [order(number) for number in range(1, 6)]
    small = {"models": [{"name": "manufacturing orders", "page_size": 2}]}
    first = await drain(reader(server, "manufacturing orders", **small))
    del server.records["mrp.production"][1:4]
    second = await drain(reader(server, "manufacturing orders", **small), first.checkpoint)
    third = await drain(reader(server, "manufacturing orders", **small), second.checkpoint)
    assert ([each.key for each in second.gone], second.messages) == (["2", "3", "4"], [])
    assert (third.gone, third.messages) == ([], [])


async def test_archived_records_are_read_too(server: OdooServer) -> None:
    server.records["mrp.production"] = [order(1, active=False)]
    assert [each.key for each in (await drain(reader(server, "manufacturing orders"))).messages] == ["1"]


async def test_a_key_without_the_right_to_read_the_databases_id_still_reads(server: OdooServer) -> None:
    server.uuid = None
    server.records["mrp.production"] = [order(1)]
    read = await drain(reader(server, "manufacturing orders"))
    assert ([each.key for each in read.messages], read.troubles) == (["1"], [])


async def test_a_field_that_the_version_lacks_is_told_by_check_and_with_every_read(server: OdooServer) -> None:
    server.records["mrp.production"] = [order(1)]
    del server.types["mrp.production"]["date_deadline"]
    connector = reader(server, "manufacturing orders")
    [check] = await connector.check()
    assert (check.ok, check.detail) == (False, "no field date_deadline")
    read = await drain(connector)
    assert [(each.kind, each.stream) for each in read.troubles] == [(TroubleKind.DRIFT, "manufacturing orders")]


def test_every_known_model_has_a_mapping_that_fits() -> None:
    connector = Odoo("x", {"url": "http://x", "database": "d", "user": "u", "api_key": "k"}, time_zone=UTC)
    assert len(connector._models) == 15


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"interface": "xmlrpc"}, "option interface must be one of"),
        ({"use": ["teapots"]}, "option use names 'teapots'"),
        ({"models": [{"mapping": {"text": "x"}}]}, r"option models\[15\].model is missing"),
        ({"use": []}, "option use leaves nothing to read"),
        ({"user": ""}, "option user must be text"),
    ],
)
def test_bad_options_are_named(options: dict[str, Any], wrong: str) -> None:
    with pytest.raises(BadSettings, match=wrong):
        Odoo("x", {"url": "http://x", "database": "d", "user": "u", "api_key": "k", **options}, time_zone=UTC)
