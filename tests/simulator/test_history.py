"""The month as records: the same seed gives the same bytes, and everything in it adds up."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineside.plant.mapping import read_mapping, records_from_row
from lineside.plant.open_format import record_from_data
from lineside.plant.plant_file import parse_plant
from lineside.plant.quantities import number
from lineside.plant.records import Provenance, Quality, Report
from lineside.plant.row_values import Notation
from lineside.plant.vocabulary import EVENT_KINDS, PROPERTIES
from lineside.simulator import Simulation
from lineside.simulator.databases import _cell
from lineside.simulator.facts import Fact, text_of
from lineside.simulator.hours import ZONE
from lineside.simulator.tables import Table, find, mapping, row_of


@pytest.fixture(scope="module", params=[1, 4, 11])
def simulation(request: pytest.FixtureRequest) -> Simulation:
    return Simulation(seed=request.param)


def _bytes(simulation: Simulation) -> str:
    return "\n".join(json.dumps(event, sort_keys=True) for event in simulation.open_records())


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, other = Simulation(seed=5, days=20), Simulation(seed=5, days=20)
    assert _bytes(one) == _bytes(other)
    assert one.plant_toml() == other.plant_toml()
    assert json.dumps(one.truth()) == json.dumps(other.truth())


def test_another_seed_moves_lots_lines_figures_and_verdicts() -> None:
    seen = [Simulation(seed=seed, days=14).truth() for seed in range(1, 9)]
    for path in (
        ("behind", "line"), ("behind", "gap"), ("stock", "material"), ("recurring", "code"), ("injection", "at"),
        ("corrected", "lot"), ("decisions", "resin_shortage", "choice"), ("late", "line"),
    ):  # fmt: skip
        values = set()
        for truth in seen:
            found: Any = truth
            for step in path:
                found = found[step]
            values.add(str(found))
        assert len(values) > 1, path


def test_fewer_days_than_the_stories_need_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 14"):
        Simulation(days=13)


@pytest.mark.parametrize("seed", range(20, 32))
def test_every_seed_finds_room_for_its_stories(seed: int) -> None:
    truth: Any = Simulation(seed=seed, days=14).truth()
    assert {order["role"] for order in truth["orders"]} == {"hold", "ready", "labels", "coa", "credit", "partial"}


def test_the_history_has_the_size_of_a_month(simulation: Simulation) -> None:
    assert 8_000 < sum(1 for _ in simulation.open_records()) < 25_000


def test_every_record_is_one_in_the_open_format_with_an_id_of_its_own(simulation: Simulation) -> None:
    seen = set()
    for event in simulation.open_records():
        record_from_data(str(event["type"]), event["data"], _provenance(event))
        seen.add((event["source"], event["id"]))
    assert len(seen) == sum(1 for _ in simulation.open_records())


def test_every_kind_and_property_is_in_the_vocabulary(simulation: Simulation) -> None:
    extra = {"credit", "reason", "status"}
    for fact in simulation.facts():
        if fact.type == "event":
            assert fact.kind in EVENT_KINDS
        elif fact.type == "report":
            properties = fact.data["properties"]
            assert isinstance(properties, dict)
            assert set(properties) - extra <= set(PROPERTIES[fact.kind]), fact


def test_nothing_is_said_after_now_and_nothing_before_it_happened(simulation: Simulation) -> None:
    for fact in simulation.facts():
        assert fact.said_at <= simulation.now
        assert fact.reported_at >= fact.occurred_at


def test_the_night_the_clocks_went_back_has_nine_hours_of_counts(simulation: Simulation) -> None:
    start = datetime(2026, 10, 31, 22, tzinfo=ZONE).astimezone(UTC)
    end = datetime(2026, 11, 1, 6, tzinfo=ZONE).astimezone(UTC)
    assert end - start == timedelta(hours=9)
    hours = {f.occurred_at for f in simulation.facts() if f.kind == "production" and start < f.occurred_at <= end}
    assert {start + timedelta(hours=hour) for hour in range(1, 10)} <= hours
    truth: Any = simulation.truth()
    assert truth["windows"]["dst night"] == {
        "from": text_of(start), "to": text_of(end), "shift": "night 2026-10-31", "hours": 9.0,
    }  # fmt: skip


def test_hourly_counts_add_up_to_what_the_job_order_reports(simulation: Simulation) -> None:
    """But for the one count that was wrong until it was corrected."""
    corrected: Any = simulation.truth()["corrected"]
    made: dict[str, int] = defaultdict(int)
    done: dict[str, int] = {}
    for fact in simulation.facts():
        data: Any = fact.data
        if fact.source == "mes" and fact.kind == "production":
            wrong = f"mes:{fact.id}" == corrected["wrong"]
            made[data["job_order"]] += corrected["right"] if wrong else data["attributes"]["quantity"]
        elif fact.source == "mes" and fact.kind == "job_order" and data["properties"].get("status") == "complete":
            done[fact.entity.partition(":")[2]] = data["properties"]["quantity_good"]["value"]
    assert done
    assert {order: made[order] for order in done} == done


def test_counters_of_a_job_order_never_go_back(simulation: Simulation) -> None:
    last: dict[tuple[str, str], int] = {}
    for fact in simulation.facts():
        if fact.source != "scada" or fact.type != "report":
            continue
        properties: Any = fact.data["properties"]
        if "good_count" in properties:
            place = (fact.entity, properties["job_order"])
            assert properties["good_count"] >= last.get(place, 0)
            last[place] = properties["good_count"]
    assert last


def test_the_bridge_leads_from_each_figure_to_the_next(simulation: Simulation) -> None:
    stock: Any = simulation.truth()["stock"]
    by_id = {f"{fact.source}:{fact.id}": fact for fact in simulation.facts()}
    said = {}
    for system in ("erp", "wms", "mes"):
        facts: list[Any] = [by_id[name].data for name in stock["figures"][system]["ids"]]
        said[system] = sum(data["properties"]["quantity"]["value"] for data in facts)
    for here, there in (("erp", "wms"), ("wms", "mes")):
        steps = [step for step in stock["bridge"] if (step["from"], step["to"]) == (here, there)]
        assert said[here] + sum(step["pieces"] for step in steps) + stock["rest"][f"{here} to {there}"] == said[there]
        for step in steps:
            for name in step["ids"]:
                attributes: Any = by_id[name].data.get("attributes", {})
                assert attributes.get("document", step["document"]) == step["document"]


def test_every_stock_figure_follows_from_the_documents_of_its_system(simulation: Simulation) -> None:
    """The odd material apart, whose story is that one figure does not."""
    sign = {"count": 1, "goods_receipt": 1, "goods_issue": -1, "consumption": -1, "scrap": -1}
    odd = simulation.world.odd.id
    for system in ("erp", "wms", "mes"):
        balance: dict[str, int] = defaultdict(int)
        compared = 0
        for fact in simulation.facts():
            data: Any = fact.data
            if fact.source != system:
                continue
            if fact.kind in sign and "document" in data.get("attributes", {}):
                balance[data["material"]] += sign[fact.kind] * data["attributes"]["quantity"]
            elif fact.kind == "inventory" and (material := fact.entity[len("inventory:") :].partition("@")[0]) != odd:
                stated = data["properties"]["quantity"]["value"]
                # Systems that speak late take a movement in before they say a figure of the same minute.
                if balance[material] == stated:
                    compared += 1
                else:
                    assert _moved_lately(simulation, fact, material), fact
        assert compared > 50


def _moved_lately(simulation: Simulation, figure: Fact, material: str) -> bool:
    near = timedelta(minutes=5)
    return any(
        other.source == figure.source
        and other.data.get("material") == material
        and abs(other.said_at - figure.said_at) <= near
        for other in simulation.facts()
    )


def test_every_id_in_the_truth_is_one_of_a_record(simulation: Simulation) -> None:
    truth = simulation.truth()
    ids = {f"{fact.source}:{fact.id}" for fact in simulation.facts()}
    sources = {fact.source for fact in simulation.facts()}
    named = [name for name in _texts(truth) if ":" in name and name.partition(":")[0] in sources]
    assert len(named) > 100
    assert [name for name in named if name not in ids] == []


def test_orders_that_cannot_leave_look_complete(simulation: Simulation) -> None:
    truth: Any = simulation.truth()
    orders = {order["role"]: order for order in truth["orders"]}
    for role in ("hold", "coa", "credit", "labels"):
        assert orders[role]["made"] == orders[role]["quantity"]
        assert orders[role]["shippable"] in ("no", "part")
    assert orders["ready"]["shippable"] == "yes"
    assert orders["partial"]["shippable"] == "part"
    lines = {fact.entity for fact in simulation.facts() if fact.kind == "sales_order"}
    assert f"sales_order:{orders['hold']['twin']}" in lines


def test_the_gap_of_the_line_behind_is_the_sum_of_its_losses(simulation: Simulation) -> None:
    behind: Any = simulation.truth()["behind"]
    lost = sum(behind["minutes"].values()) / 60 * behind["target_rate"]
    assert behind["gap"] > 400
    assert lost + behind["rejects"] == pytest.approx(behind["gap"], abs=3)
    moments = [step["at"] for step in behind["chain"]]
    assert moments == sorted(moments)


def test_the_silent_source_is_the_only_one_that_fell_silent(simulation: Simulation) -> None:
    plant = parse_plant(simulation.plant_toml())
    last = {fact.source: fact.said_at for fact in simulation.facts()}
    silent = [
        s.name for s in plant.sources if simulation.now - last[s.name] > timedelta(seconds=2 * (s.cadence_s or 0))
    ]
    truth: Any = simulation.truth()
    assert silent == [truth["silent"]["source"]]


def test_late_records_were_said_hours_after_they_happened(simulation: Simulation) -> None:
    late: Any = simulation.truth()["late"]
    by_id = {f"{fact.source}:{fact.id}": fact for fact in simulation.facts()}
    assert late["ids"]
    assert all(by_id[name].reported_at - by_id[name].occurred_at > timedelta(hours=3) for name in late["ids"])


def test_what_the_tables_serve_is_read_back_as_the_same_records(simulation: Simulation) -> None:
    """Each row, through the mapping that the configuration gives the connectors, is the fact again."""
    checked = set()
    for fact in simulation.facts():
        table = find(fact.source, fact.type, fact.data)
        if table is None or (table.name, fact.kind) in checked:
            continue
        checked.add((table.name, fact.kind))
        provenance = _provenance(fact.cloud_event())
        written = record_from_data(fact.type, _without_nulls(fact.data), provenance)
        read = _read(table, fact, provenance)
        assert _plain(read) == _plain(written)
    assert len(checked) > 40


def _read(table: Table, fact: Fact, provenance: Provenance) -> Any:
    row = row_of(table, fact.id.partition("/")[2], fact.data, text_of(fact.occurred_at), text_of(fact.reported_at))
    if table.source in ("wms", "mes"):
        row = {name: _cell(value) for name, value in row.items()}
    notation = Notation(time_zone=ZONE)
    records = records_from_row(read_mapping(mapping(table)), row, provenance=provenance, notation=notation)
    assert len(records) == 1
    return records[0]


def _plain(record: Any) -> Any:
    """Records as values, numbers as decimals."""
    if isinstance(record, Report):
        return record.entity, record.scope, {name: _exact(value) for name, value in record.properties.items()}
    subjects = {name: getattr(record, name) for name in ("kind", "equipment", "lot", "material", "job_order", "text")}
    return subjects, {name: _exact(value) for name, value in record.attributes.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return value if isinstance(value, bool) or (found := number(value)) is None else found


def _without_nulls(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_nulls(each) for name, each in data.items() if each is not None}
    return data


def _provenance(event: Any) -> Provenance:
    return Provenance(
        source=event["source"], source_id=event["id"], occurred_at=datetime.fromisoformat(event["time"]),
        reported_at=datetime.fromisoformat(event["reportedat"]), recorded_at=datetime.now(UTC), quality=Quality.GOOD,
    )  # fmt: skip


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
