"""The demo plant's quality system speaks what the executor speaks."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from lineside.actions.executors import Answer, Done, EffectThere, NoEffect, There
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.plant.entities import Entity
from lineside.simulator.simulation import Simulation
from lineside.simulator.stage import Stage, table_named
from lineside.simulator.web import READER, WRITER, web_app


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    simulation = Simulation(days=14)
    return Stage(simulation, clock=lambda: simulation.now, folder=tmp_path_factory.mktemp("qms"))


@pytest.fixture(scope="module")
def url(stage: Stage) -> Iterator[str]:
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web_app(stage), log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
    thread.start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}/qms"
    server.should_exit = True
    thread.join()
    door.close()


def target_at(url: str, token: str = WRITER) -> HttpTarget:
    return HttpTarget(url, token, source="qms", interface=load_interface("quality-holds"))


def there(target: HttpTarget, lot: str) -> There | None:
    return target.read("hold_lot", Entity("lot", lot), proposal="")


def free_lot(stage: Stage, target: HttpTarget) -> str:
    known = {str(row["LotId"]) for row in stage.rows(table_named("lots"))}
    return next(lot for lot in sorted(known) if (found := there(target, lot)) and not found.effects)


def asked(target: HttpTarget, lot: str, proposal: str, condition: str | None) -> Answer:
    said = {"lot": lot, "reason": "smells", "requested_by": "one", "approved_by": "other", "proposal": proposal}
    body = json.dumps(said).encode()
    return target.carry_out("hold_lot", Entity("lot", lot), body, key=proposal, condition=condition)


def test_a_hold_is_placed_once_and_shows_on_the_lot(stage: Stage, url: str) -> None:
    target = target_at(url)
    lot = free_lot(stage, target)
    before = there(target, lot)
    assert before is not None
    assert before.condition

    placed = asked(target, lot, "P-1-contract", before.condition)
    again = asked(target, lot, "P-1-contract", before.condition)

    assert isinstance(placed, Done)
    assert again == placed
    after = there(target, lot)
    assert after is not None
    assert after.values == {"quality_status": "blocked", "active_holds": placed.effect}
    assert after.effects == (EffectThere(id=placed.effect, active=True, proposal="P-1-contract"),)


def test_what_the_quality_system_refuses_has_no_effect(stage: Stage, url: str) -> None:
    target = target_at(url)
    lot = free_lot(stage, target)

    changed = asked(target, lot, "P-2-contract", '"99999"')
    reader = asked(target_at(url, READER), lot, "P-3-contract", None)

    assert isinstance(changed, NoEffect)
    assert changed.changed
    assert isinstance(reader, NoEffect)
    assert (found := there(target, lot)) is not None
    assert found.effects == ()


def test_an_unknown_lot_is_none(url: str) -> None:
    assert there(target_at(url), "no/such lot?") is None


def test_a_hold_is_disposed_of_and_released_once_and_frees_the_lot(stage: Stage, url: str) -> None:
    target = target_at(url)
    lot = free_lot(stage, target)
    found = there(target, lot)
    assert found is not None
    placed = asked(target, lot, "P-3-contract", found.condition)
    assert isinstance(placed, Done)
    hold = Entity("hold", placed.effect)
    for action, said in (("dispose", {"disposition": "rework"}), ("release_hold", {"hold": placed.effect})):
        before = target.read(action, hold, proposal="")
        assert before is not None
        assert before.values["subject"] == f"lot:{lot}"
        who = {"requested_by": "one", "approved_by": "other", "proposal": f"P-{action}", "reason": "retested"}
        body = json.dumps({**said, **who}).encode()
        for _ in range(2):
            done = target.carry_out(action, hold, body, key=f"P-{action}", condition=before.condition)
            assert isinstance(done, Done), done

    ended = target.read("release_hold", hold, proposal="")
    freed = there(target, lot)
    assert ended is not None
    assert freed is not None
    assert (ended.values["status"], ended.values["disposition"]) == ("released", "rework")
    assert freed.values["active_holds"] == "none"
    again = target.carry_out("release_hold", hold, body, key="P-another-key", condition=ended.condition)
    assert isinstance(again, NoEffect)
    rows = [row for row in stage.rows(table_named("holds")) if row["HoldId"] == placed.effect]
    assert [row["Status"] for row in rows if row["Status"]] == ["active", "released"]


def test_maintenance_orders_a_job_once_for_a_machine_that_it_knows(stage: Stage, url: str) -> None:
    target = HttpTarget(url[:-3] + "cmms", WRITER, source="cmms", interface=load_interface("plain"))
    line = stage.simulation.world.lines[0]
    unit = Entity("equipment", f"{line.id}/{line.units[0]}")
    before = target.read("create_maintenance_order", unit, proposal="")
    assert before is not None
    said = {"equipment": unit.id, "description": "bearing runs hot", "priority": "high", "reason": "noise"}
    body = json.dumps({**said, "requested_by": "one", "approved_by": "other", "proposal": "P-order-1"}).encode()

    done = [
        target.carry_out("create_maintenance_order", unit, body, key="P-order-1", condition=before.condition)
        for _ in range(2)
    ]

    assert isinstance(done[0], Done)
    assert done[0] == done[1]
    after = target.read("create_maintenance_order", unit, proposal="")
    assert after is not None
    assert after.effects == (EffectThere(id=done[0].effect, active=True, proposal="P-order-1"),)
    (row,) = [row for row in stage.rows(table_named("workOrders")) if row["MaintenanceOrderId"] == done[0].effect]
    assert (row["Equipment"], row["Status"], row["Priority"]) == (unit.id, "planned", 2)
    assert target.read("create_maintenance_order", Entity("equipment", "nowhere/at-all"), proposal="") is None
