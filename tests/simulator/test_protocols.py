"""The running plant: every system answers over its real protocol with the facts of the month."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from asyncua import Client
from openpyxl import load_workbook

from lineside.plant.plant_file import parse_plant
from lineside.settings import Settings
from lineside.simulator import Simulation
from lineside.simulator.live import RunningPlant, running
from lineside.simulator.scada import NAMESPACE, STATES
from lineside.simulator.web import READER, WRITER

READS = {"Authorization": f"Bearer {READER}"}
WRITES = {"Authorization": f"Bearer {WRITER}"}
PATIENCE_S = 120


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return Simulation(seed=2, days=14)


@pytest.fixture
async def plant(simulation: Simulation, tmp_path: Path) -> AsyncIterator[RunningPlant]:
    async with running(simulation, tmp_path / "plant") as up:
        yield up


def _rows(simulation: Simulation, source: str, kind: str) -> int:
    return sum(1 for fact in simulation.facts() if (fact.source, fact.kind) == (source, kind))


async def test_erp_pages_through_odata_with_next_links(plant: RunningPlant, simulation: Simulation) -> None:
    seen: list[str] = []
    async with httpx.AsyncClient(base_url=plant.addresses.web, headers=READS) as http:
        url: str | None = "/erp/Postings?$top=1500&$orderby=ChangedAt"
        while url:
            page = (await http.get(url)).raise_for_status().json()
            seen += [row["RowNo"] for row in page["value"]]
            url = page.get("@odata.nextLink")
        assert len(seen) == len(set(seen))
        everything = sum(_rows(simulation, "erp", kind) for kind in ("goods_receipt", "goods_issue", "count"))
        assert len(seen) == min(1500, everything)


async def test_erp_tells_what_changed_since(plant: RunningPlant) -> None:
    async with httpx.AsyncClient(base_url=plant.addresses.web, headers=READS) as http:
        since = "2026-11-12T12:00:00Z"
        answer = await http.get("/erp/JobOrders", params={"$filter": f"ChangedAt ge {since}"})
        rows = answer.raise_for_status().json()["value"]
        assert rows
        assert all(row["ChangedAt"] >= since for row in rows)
        assert (await http.get("/erp/JobOrders", params={"$filter": "Nonsense ge 3"})).status_code == 400


async def test_a_stranger_reads_nothing(plant: RunningPlant) -> None:
    async with httpx.AsyncClient(base_url=plant.addresses.web) as http:
        assert (await http.get("/qms/holds")).status_code == 401
        assert (await http.get("/qms/holds", headers={"Authorization": "Bearer guess"})).status_code == 401


async def test_cmms_and_qms_answer_over_rest(plant: RunningPlant, simulation: Simulation) -> None:
    async with httpx.AsyncClient(base_url=plant.addresses.web, headers=READS) as http:
        for source, name, kind in (("qms", "inspections", "inspection"), ("cmms", "workOrders", "maintenance_order")):
            page = (await http.get(f"/{source}/{name}", params={"limit": 5})).raise_for_status().json()
            assert len(page["items"]) == 5
            assert page["total"] >= _rows(simulation, source, kind)


def _hold(simulation: Simulation) -> dict[str, str]:
    orders: Any = simulation.truth()["orders"]
    lot = next(order["lot"] for order in orders if order["role"] == "ready")
    return {"lot": lot, "reason": "seal", "requested_by": "shipping-1", "approved_by": "quality-1", "proposal": "P-1"}


async def test_a_hold_is_placed_once_and_comes_back_in_what_changed(
    plant: RunningPlant, simulation: Simulation
) -> None:
    body = _hold(simulation)
    async with httpx.AsyncClient(base_url=plant.addresses.web, headers=WRITES) as http:
        before = await http.get(f"/qms/lots/{body['lot']}")
        headers = {"Idempotency-Key": "proposal-0001", "If-Match": before.headers["ETag"]}
        first = await http.post("/qms/holds", json=body, headers=headers)
        again = await http.post("/qms/holds", json=body, headers=headers)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        placed = first.json()["placed_at"]
        holds = (await http.get("/qms/holds", params={"changed_since": placed})).json()["items"]
        lots = (await http.get("/qms/lots", params={"changed_since": placed})).json()["items"]
        assert [(h["HoldId"], h["Status"]) for h in holds if h["Subject"] == f"lot:{body['lot']}"] == [
            (first.json()["hold"], "active")
        ]
        assert [row["QualityStatus"] for row in lots if row["LotId"] == body["lot"]] == ["BL"]
        after = await http.get(f"/qms/lots/{body['lot']}")
        assert after.headers["ETag"] != before.headers["ETag"]
        assert after.json()["quality_status"] == "blocked"
        assert [hold["hold"] for hold in after.json()["holds"]] == [first.json()["hold"]]


async def test_a_hold_is_refused_where_it_must_be(plant: RunningPlant, simulation: Simulation) -> None:
    body = _hold(simulation)
    async with httpx.AsyncClient(base_url=plant.addresses.web, headers=WRITES) as http:

        async def place(key: str, headers: dict[str, str] | None = None, **other: str) -> int:
            answer = await http.post(
                "/qms/holds", json=body | other, headers={"Idempotency-Key": key, **(headers or {})}
            )
            return answer.status_code

        assert await place("refused-01", READS) == 403
        assert await place("refused-02", {"If-Match": '"999"'}) == 412
        assert await place("refused-03", lot="L-none") == 404
        assert await place("refused-04", approved_by="shipping-1") == 403
        assert await place("refused-05", reason="") == 422
        assert await place("placed-001") == 201
        assert await place("placed-001", reason="something else") == 422
        assert await place("placed-002") == 409


async def test_a_hold_outlives_a_restart(simulation: Simulation, tmp_path: Path) -> None:
    body, headers = _hold(simulation), {**WRITES, "Idempotency-Key": "proposal-0002"}
    async with running(simulation, tmp_path) as plant, httpx.AsyncClient(base_url=plant.addresses.web) as http:
        first = (await http.post("/qms/holds", json=body, headers=headers)).json()
        offset = plant.addresses.clock_offset_s
    async with running(simulation, tmp_path) as plant, httpx.AsyncClient(base_url=plant.addresses.web) as http:
        again = await http.post("/qms/holds", json=body, headers=headers)
        assert (again.status_code, again.json()) == (200, first)
        assert plant.addresses.clock_offset_s == offset


async def test_scada_shows_the_line_behind_with_source_times(plant: RunningPlant, simulation: Simulation) -> None:
    behind = simulation.stories.production.behind.run
    async with Client(plant.addresses.opcua) as client:
        index = await client.get_namespace_index(NAMESPACE)

        async def tag(name: str) -> Any:
            node = client.get_node(f"ns={index};s={behind.line.key}.{name}")
            return await node.read_data_value()

        assert (await tag("job_order")).Value.Value == behind.id
        assert STATES[(await tag("state")).Value.Value] in ("running", "stopped")
        good = await tag("good_count")
        assert behind.good(simulation.now) <= good.Value.Value <= behind.good(plant.stage.clock())
        assert good.SourceTimestamp.isoformat() >= simulation.now.replace(tzinfo=None).isoformat()


async def test_scada_goes_on_counting(plant: RunningPlant, simulation: Simulation) -> None:
    async with Client(plant.addresses.opcua) as client, asyncio.timeout(PATIENCE_S):
        index = await client.get_namespace_index(NAMESPACE)
        nodes = [client.get_node(f"ns={index};s={line.key}.good_count") for line in simulation.world.lines]
        first = [await node.read_value() for node in nodes]
        while [await node.read_value() for node in nodes] == first:  # noqa: ASYNC110 - the change is the server's
            await asyncio.sleep(0.2)


async def test_wms_and_mes_are_databases_with_views(plant: RunningPlant, simulation: Simulation) -> None:
    for path, view, source, kind in (
        (plant.addresses.wms, "v_handling_units", "wms", "handling_unit"),
        (plant.addresses.mes, "v_operations", "mes", "operation"),
    ):
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            count, last = connection.execute(f"SELECT count(*), max(changed_at) FROM {view}").fetchone()  # noqa: S608
            assert count >= _rows(simulation, source, kind) > 0
            assert last.endswith("Z")
        finally:
            connection.close()


async def test_the_tracker_is_a_sheet_as_people_keep_it(plant: RunningPlant, simulation: Simulation) -> None:
    sheet = load_workbook(plant.addresses.tracker).active
    assert sheet is not None
    assert "A1:J1" in {str(merged) for merged in sheet.merged_cells.ranges}
    rows = list(sheet.iter_rows(min_row=5, values_only=True))
    assert rows[0][0] == "000001"
    assert str(rows[0][-1]).startswith("=ROUNDUP(")
    assert len(rows) == _rows(simulation, "tracker", "staged")


async def test_notes_and_the_corrections_of_mes_are_open_records(plant: RunningPlant, simulation: Simulation) -> None:
    events = [
        json.loads(line)
        for path in plant.addresses.notes.glob("*.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    ids = {f"{event['source']}:{event['id']}" for event in events}
    truth: Any = simulation.truth()
    assert {truth["injection"]["id"], truth["corrected"]["by"], truth["corrected"]["deleted_by"]} <= ids
    assert {event["source"] for event in events} == {"notes", "mes"}


async def test_the_configuration_is_one_that_lineside_takes(plant: RunningPlant) -> None:
    settings = Settings(**tomllib.loads(plant.lineside_toml))
    declared = {source.name for source in parse_plant(plant.plant_toml).sources}
    assert {source.name for source in settings.sources} == declared
    assert settings.clock_offset_s == plant.addresses.clock_offset_s
    assert settings.targets["qms"].token.get_secret_value() == WRITER


async def test_the_program_says_when_it_is_ready_and_stops_when_told(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lineside.simulator", "--dir", str(tmp_path), "--seed", "9", "--days", "14",
        "--truth", str(truth), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=dict(os.environ),
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        ready = json.loads(await process.stdout.readline())
    assert ready["ready"] is True
    assert {"plant.toml", "lineside.toml", "wms.db", "mes.db", "notes"} <= set(os.listdir(tmp_path))  # noqa: PTH208
    assert json.loads(truth.read_text(encoding="utf-8"))["seed"] == 9
    async with httpx.AsyncClient(base_url=ready["web"], headers=READS) as http:
        assert (await http.get("/qms/lots", params={"limit": 1})).json()["items"]
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        assert await process.wait() == 0
