"""A real Tryton, driven through its own interface as a plant would, and read as Lineside does."""

import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Remembered
from tests.ingest.reading import drain

from lineside.connector import TroubleKind
from lineside.errors import SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.memory.reconciling import reconcile
from lineside_ingest.tryton import Tryton as Connector

from .tryton import day
from .tryton.scenario import Plant, Tryton
from .tryton.server import LATER, PASSWORD, Installation, installed, key_of

SHELF_LIFE = {"entity": "lot:{number}", "properties": {"expires_at": {"field": "expiration_date", "default": "never"}}}


@pytest.fixture(scope="module")
def made() -> tuple[Installation, Plant]:
    return installed()


@pytest.fixture
def here(made: tuple[Installation, Plant], tmp_path: Path) -> Installation:
    return made[0].copied(tmp_path / "tryton")


@pytest.fixture
def plant(made: tuple[Installation, Plant]) -> Plant:
    return deepcopy(made[1])


@pytest.fixture
def served(here: Installation) -> Iterator[Installation]:
    with here.served():
        yield here


@pytest.fixture
def tryton(served: Installation) -> Iterator[Tryton]:
    signed_in = served.signed_in()
    yield signed_in
    signed_in.close()


@pytest.fixture
def memory(remembered: Remembered) -> Memory:
    return remembered(now=datetime.now(UTC) + timedelta(days=1))


def connector(installation: Installation, *, later: timedelta = timedelta(), **options: Any) -> Connector:
    sign_in = {} if "key" in options or "user" in options else {"user": "admin", "password": PASSWORD}
    settings = {"url": installation.url, "database": "plant", **sign_in, **options}
    return Connector("erp", settings, time_zone=UTC, clock=lambda: datetime.now(UTC) + later)


def said(memory: Memory, prop: str, entity: str) -> list[str]:
    """What stands of a property, oldest first."""
    found = [each for each in memory.view().statements(properties=(prop,)) if str(each.entity) == entity]
    return [each.text for each in sorted(found, key=lambda each: each.reported_at)]


@pytest.mark.parametrize("by", ["password", "key"])
async def test_the_records_say_what_the_plant_did(
    served: Installation, tryton: Tryton, plant: Plant, memory: Memory, by: str
) -> None:
    key = {"key": key_of(tryton, tryton.user_id)} if by == "key" else {}

    async def read(later: timedelta = timedelta()) -> None:
        outcome = await catch_up(memory, connector(served, later=later, **key))
        assert [letter.reason for letter in outcome.dead] == []

    day.buy(tryton, plant)
    await read()
    assert plant.numbers["inspected"] == "failed"
    assert said(memory, "result", f"inspection:{plant.numbers['inspection']}") == ["failed"]

    day.let_in(tryton, plant)
    day.make(tryton, plant)
    day.sell(tryton, plant)
    day.mislay(tryton, plant)
    await read(timedelta(minutes=10))  # stock levels are not added up at every read
    numbers = plant.numbers
    assert said(memory, "result", f"inspection:{numbers['inspection']}") == ["failed", "passed"]
    assert said(memory, "status", f"job_order:{numbers['done']}")[-1:] == ["complete"]
    assert said(memory, "status", f"job_order:{numbers['waiting']}")[-1:] == ["planned"]
    assert said(memory, "status", f"job_order:{numbers['cancelled']}")[-1:] == ["closed"]
    assert said(memory, "material", "lot:HEAT-7") == ["ST-200"]
    assert said(memory, "status", f"shipment:{numbers['shipment']}")[-1:] == ["delivered"]
    assert said(memory, "quantity", "inventory:ST-200@[STO] Storage Zone")[-1:] == ["25 kg"]

    events = memory.view().events()
    moved = {(each.kind, each.material, each.lot, each.attributes.get("quantity")) for each in events if each.material}
    assert moved == {
        ("goods_receipt", "ST-200", "HEAT-7", 50),
        ("transfer", "ST-200", "HEAT-7", 50),
        ("consumption", "ST-200", "HEAT-7", 25),
        ("production", "SH-10", "SH-A", 10),
        ("transfer", "SH-10", "SH-A", 4),
        ("goods_issue", "SH-10", "SH-A", 4),
    }
    [receipt] = [each for each in events if each.kind == "goods_receipt"]
    assert receipt.attributes["document"] == numbers["receipt"]
    [consumed] = [each for each in events if each.kind == "consumption"]
    assert consumed.job_order == numbers["done"]
    [cycle] = [each for each in events if each.kind == "cycle"]
    assert cycle.attributes["duration"] == {"value": 4500, "unit": "s"}
    [started] = [each for each in events if each.kind == "started"]
    assert (started.job_order, started.attributes["by"]) == (numbers["done"], "admin")
    [complaint] = [each for each in events if each.kind == "complaint"]
    assert (complaint.attributes["customer"], complaint.text[:10]) == ("Hill Motors", "Two shafts")
    [written] = memory.view().notes()
    assert (written.author, written.text[:12]) == ("admin", "Tool chipped")

    assert said(memory, "status", f"job_order:{numbers['mistake']}") != []
    day.delete_mistake(tryton, plant)
    await read()
    assert said(memory, "status", f"job_order:{numbers['mistake']}") == []
    assert said(memory, "status", f"job_order:{numbers['done']}")[-1:] == ["complete"]
    before = len(memory.view().events())
    await read()
    assert len(memory.view().events()) == before
    assert all(each.fetched == each.gone == 0 for each in await reconcile(memory, connector(served, **key)))


@pytest.mark.parametrize("wrong", [{"user": "admin", "password": "wrong"}, {"key": "wrong"}])
async def test_a_wrong_password_or_key_is_tried_once(served: Installation, wrong: dict[str, str]) -> None:
    with pytest.raises(SourceRefused):
        await drain(connector(served, **wrong))
    assert re.findall(r'POST [^"]+" (\d+)', served.log()) == ["401"]


async def test_a_server_that_was_away_is_read_on_from_where_it_stopped(
    here: Installation, plant: Plant, memory: Memory
) -> None:
    lots = [{"model": "stock.lot"}]
    for number in ("BEFORE", "AFTER"):
        with here.served():
            tryton = here.signed_in()
            tryton.create("stock.lot", number=number, product=plant.ids["steel"])
            tryton.close()
            outcome = await catch_up(memory, connector(here, models=lots))
            assert (outcome.received, outcome.recorded) == (1, 1)
        with pytest.raises(SourceUnavailable):
            await catch_up(memory, connector(here, models=lots))
    assert said(memory, "material", "lot:BEFORE") == said(memory, "material", "lot:AFTER") == ["ST-200"]


async def test_a_user_with_few_rights_gets_what_may_be_read(served: Installation, tryton: Tryton, plant: Plant) -> None:
    day.buy(tryton, plant)
    stock = tryton.find("res.group", ["name", "=", "Stock"])
    company = plant.ids["company"]
    reader = tryton.create(
        "res.user", login="reader", companies=[["add", [company]]], company=company, groups=[["add", [stock]]]
    )
    read = await drain(connector(served, key=key_of(tryton, reader)))
    assert {"quality.inspection", "stock.lot"} <= {message.stream for message in read.messages}
    refused = {trouble.stream for trouble in read.troubles if trouble.kind is TroubleKind.REFUSED}
    assert {"sale.sale", "ir.note", "ir.model.log"} <= refused
    assert not {message.stream for message in read.messages} & refused


async def test_what_the_log_does_not_show_is_found_by_ids(
    served: Installation, tryton: Tryton, plant: Plant, memory: Memory
) -> None:
    day.buy(tryton, plant)
    lots = [{"model": "stock.lot", "overlap_s": 0}]
    spare = tryton.create("stock.lot", number="SPARE", product=plant.ids["steel"])
    tryton.create("stock.lot", number="NEWER", product=plant.ids["steel"])
    await catch_up(memory, connector(served, models=lots))
    tryton.call("stock.lot.delete", [spare])
    await catch_up(memory, connector(served, models=lots))
    assert said(memory, "material", "lot:SPARE") == ["ST-200"]
    await reconcile(memory, connector(served, models=lots))
    assert said(memory, "material", "lot:SPARE") == []
    assert said(memory, "material", "lot:HEAT-7") == ["ST-200"]


async def test_fields_that_a_module_adds_are_noticed(here: Installation, plant: Plant, memory: Memory) -> None:
    lots = [{"model": "stock.lot", "mapping": SHELF_LIFE}]
    with here.served():
        tryton = here.signed_in()
        tryton.create("stock.lot", number="OLD", product=plant.ids["steel"])
        tryton.close()
        read = await drain(connector(here, models=lots))
        assert [trouble.kind for trouble in read.troubles] == [TroubleKind.DRIFT]
        outcome = await catch_up(memory, connector(here, models=lots))
        assert (outcome.held, outcome.recorded) == (1, 0)
    here.admin("-u", LATER, "--activate-dependencies")
    with here.served():
        tryton = here.signed_in()
        tryton.create("stock.lot", number="NEW", product=plant.ids["steel"])
        tryton.close()
        outcome = await catch_up(memory, connector(here, models=lots))
        assert outcome.held == 0
        assert said(memory, "expires_at", "lot:NEW") == ["never"]
        assert all(check.ok for check in await connector(here, models=lots).check())


async def test_a_backup_that_is_put_back_is_read_anew(
    here: Installation, plant: Plant, memory: Memory, tmp_path: Path
) -> None:
    with here.served():
        tryton = here.signed_in()
        day.buy(tryton, plant)
        day.let_in(tryton, plant)
        order = tryton.create(
            "production", product=plant.ids["shaft"], bom=plant.ids["bom"], unit=plant.ids["unit"], quantity=5.0,
            company=plant.ids["company"], warehouse=plant.ids["warehouse"], location=plant.ids["production"],
        )  # fmt: skip
        tryton.call("production.wait", [order])
        tryton.close()
    backup = here.copied(tmp_path / "backup")
    orders = [{"model": "production", "overlap_s": 0}]
    with here.served():
        tryton = here.signed_in()
        tryton.call("production.cancel", [order])
        tryton.close()
        await catch_up(memory, connector(here, models=orders))
        assert said(memory, "status", "job_order:1") == ["closed"]
    for each in here.files():
        each.unlink()
    for each in backup.files():
        shutil.copy(each, here.folder)
    with here.served():
        await catch_up(memory, connector(here, models=orders))
        assert said(memory, "status", "job_order:1") == ["planned"]
        again = await catch_up(memory, connector(here, models=orders))
        assert again.received == 0
