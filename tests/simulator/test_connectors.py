"""The plant read by the product's own connectors, as its configuration says: the same records as the open export's."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.connector import load
from lineside.plant.entities import Entity
from lineside.plant.records import Event, Record, Report
from lineside.settings import Settings, SourceSettings
from lineside.simulator import Simulation
from lineside.simulator.hours import ZONE
from lineside.simulator.live import RunningPlant, running

PATIENCE_S = 60


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return Simulation(seed=6, days=14)


@pytest.fixture
async def plant(simulation: Simulation, tmp_path: Path) -> AsyncIterator[RunningPlant]:
    async with running(simulation, tmp_path) as up:
        yield up


def _source(plant: RunningPlant, name: str) -> SourceSettings:
    settings = Settings(**tomllib.loads(plant.lineside_toml))
    return next(source for source in settings.sources if source.name == name)


async def _read(plant: RunningPlant, name: str) -> list[Record]:
    source = _source(plant, name)
    connector = load(source.connector)(source.name, source.options, time_zone=ZONE)
    assert [check for check in await connector.check() if not check.ok] == []
    records: list[Record] = []
    async for batch in connector.capture(None):
        assert list(batch.unreadable) == []
        records += [record for message in batch.messages for record in connector.translate(message)]
    return records


@pytest.mark.parametrize("name", ["erp", "cmms", "qms", "wms", "mes", "notes"])
async def test_each_system_yields_the_records_of_the_open_export(
    plant: RunningPlant, simulation: Simulation, name: str
) -> None:
    # MES sends what it takes back as open records, into the folder of notes.
    taken_back = ("correction", "deletion")
    expected = {
        (fact.source, fact.id): (fact.occurred_at, fact.reported_at)
        for fact in simulation.facts()
        if fact.source == name and (name != "mes" or fact.type not in taken_back)
    }
    if name == "notes":
        expected |= {
            (fact.source, fact.id): (fact.occurred_at, fact.reported_at)
            for fact in simulation.facts()
            if fact.source == "mes" and fact.type in taken_back
        }
    async with asyncio.timeout(PATIENCE_S):
        read = {
            (record.provenance.source, record.provenance.source_id): (
                record.provenance.occurred_at,
                record.provenance.reported_at,
            )
            for record in await _read(plant, name)
        }
    assert {key: read.get(key) for key in expected} == expected
    # What is over is only what the clock, which goes on, has added.
    assert len(read) - len(expected) < 10


async def test_the_tracker_yields_every_staging_in_the_plants_own_time(
    plant: RunningPlant, simulation: Simulation
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        records = [record for record in await _read(plant, "tracker") if isinstance(record, Event)]
    expected: list[Any] = [fact for fact in simulation.facts() if fact.source == "tracker"]
    read = {record.job_order: record for record in records}
    assert set(read) == {fact.data["job_order"] for fact in expected}
    for fact in expected:
        record = read[fact.data["job_order"]]
        assert record.equipment == fact.data["equipment"]
        assert record.attributes["quantity"] == fact.data["attributes"]["quantity"]
        # The sheet has minutes, and one hour that the clocks showed twice.
        apart = abs(record.provenance.occurred_at - fact.occurred_at)
        assert apart % timedelta(hours=1) < timedelta(minutes=1)
        assert apart < timedelta(minutes=61)


async def test_scada_yields_the_state_of_every_line(plant: RunningPlant, simulation: Simulation) -> None:
    source = _source(plant, "scada")
    connector = load(source.connector)(source.name, source.options, time_zone=ZONE)
    wanted = {Entity("equipment", line.id) for line in simulation.world.lines}
    states: dict[Entity, Any] = {}
    async with asyncio.timeout(PATIENCE_S):
        async for batch in connector.capture(None):
            for message in batch.messages:
                for record in connector.translate(message):
                    if isinstance(record, Report) and "state" in record.properties:
                        states[record.entity] = record.properties["state"]
            if wanted <= set(states):
                break
    assert {states[line] for line in wanted} <= {"running", "stopped", "setup", "idle"}
