"""Approved actions on S/4HANA's services as SAP's mock server has them: token, ETag, and what the feed then says."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from lineside.actions import Ledger, State
from lineside.actions.executors import NoEffect
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.memory import Memory
from lineside.plant.entities import Entity
from lineside_ingest.odata import OData

from .governed import approved, carried_out, ledger_over, read_in
from .test_s4_mockserver import DATA, served

DELIVERY = "API_OUTBOUND_DELIVERY_SRV;v=0002/A_OutbDeliveryHeader('80000001')?sap-client=100"
WHY = {"reason": "the last pallet comes at five"}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    delivery = {**DATA["A_OutbDeliveryHeader"][0], "LastChangeDate": "/Date(1777852800000)/"}
    with served(tmp_path / "s4", data={**DATA, "A_OutbDeliveryHeader": [delivery]}) as address:
        yield address


def target(url: str) -> HttpTarget:
    here = {"user": "LINESIDE", "client": "100"}
    return HttpTarget(url, "secret", source="s4", interface=load_interface("s4hana"), options=here, timeout_s=60)


@pytest.fixture
def ledger(url: str, open_memory: Callable[..., Memory], tmp_path: Path) -> Ledger:
    return ledger_over(open_memory, tmp_path, target(url), kind="erp")


def read(url: str, ledger: Ledger) -> None:
    options = {"preset": "s4hana", "url": url, "use": ["outbound deliveries"], "params": {"sap-client": "100"}}
    read_in(ledger, OData("s4", options, time_zone=UTC, clock=lambda: datetime(2026, 5, 4, 12, tzinfo=UTC)))


def changed(url: str, **fields: str) -> None:
    """Somebody else changes the delivery."""
    tag = httpx.get(f"{url}/{DELIVERY}").headers["etag"]
    with_token = {"x-csrf-token": "0504-71383", "if-match": tag}
    httpx.patch(f"{url}/{DELIVERY}", json=fields, headers=with_token).raise_for_status()


def test_a_delivery_waits_and_the_feed_itself_says_so(url: str, ledger: Ledger) -> None:
    read(url, ledger)
    approved(ledger, "pause_shipment", shipment="80000001", until="2026-05-04T17:30:00+00:00", **WHY)
    assert carried_out(ledger)[0] is State.EXECUTED
    assert ledger.verify_due() == []
    read(url, ledger)
    assert [step.state for step in ledger.verify_due()] == [State.VERIFIED]


def test_a_delivery_that_changed_meanwhile_is_left_alone(url: str, ledger: Ledger) -> None:
    read(url, ledger)
    approved(ledger, "pause_shipment", shipment="80000001", until="2026-05-04T17:30:00+00:00", **WHY)
    changed(url, OverallGoodsMovementStatus="C")
    assert carried_out(ledger) == (State.STALE, "status was loading, is departed")


def test_one_that_changes_between_read_and_write_is_refused_by_its_etag(url: str) -> None:
    writer, delivery = target(url), Entity("shipment", "80000001")
    found = writer.read("pause_shipment", delivery, proposal="P-0123456789")
    assert found is not None
    changed(url, GoodsIssueTime="PT16H00M00S")
    body = b'{"until": "2026-05-04T17:30:00+00:00"}'
    answer = writer.carry_out("pause_shipment", delivery, body, key="k", condition=found.condition)
    assert answer == NoEffect(reason="s4 has changed it meanwhile (412)", changed=True)
    assert httpx.get(f"{url}/{DELIVERY}").json()["d"]["GoodsIssueTime"] == "PT16H00M00S"
    without = writer.carry_out("pause_shipment", delivery, body, key="k", condition=None)
    assert without == NoEffect(reason="s4 refuses the request (428)")
    quoted = Entity("shipment", "8') or ('1' eq '1")
    assert writer.read("pause_shipment", quoted, proposal="P-0123456789") is None
