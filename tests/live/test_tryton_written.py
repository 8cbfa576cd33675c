"""Approved actions on a real Tryton: written with its own row version, read back by the connector, and so proved."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lineside.actions import Ledger, Refusal, State
from lineside.actions.executors import NoEffect
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.memory import Memory
from lineside.plant.entities import Entity
from lineside.plant.plant import Person
from lineside_ingest.tryton import Tryton as Connector

from .governed import approved, carried_out, ledger_over, read_in
from .tryton import day
from .tryton.scenario import Plant, Tryton
from .tryton.server import PASSWORD, Installation, installed

MODELS = [{"model": "purchase.line"}, {"model": "production"}, {"model": "ir.note"}]
EARLIER = date(2026, 12, 1)
WHY = {"reason": "the line needs it"}


@pytest.fixture(scope="module")
def made() -> tuple[Installation, Plant]:
    return installed()


@pytest.fixture
def plant(made: tuple[Installation, Plant]) -> Plant:
    return deepcopy(made[1])


@pytest.fixture
def here(made: tuple[Installation, Plant], tmp_path: Path) -> Iterator[Installation]:
    with made[0].copied(tmp_path / "tryton").served() as served:
        yield served


@pytest.fixture
def tryton(here: Installation) -> Iterator[Tryton]:
    signed_in = here.signed_in()
    yield signed_in
    signed_in.close()


def target(here: Installation, password: str = PASSWORD) -> HttpTarget:
    return HttpTarget(
        f"{here.url}/plant", password, source="erp", interface=load_interface("tryton"), options={"user": "admin"},
        timeout_s=60,
    )  # fmt: skip


@pytest.fixture
def ledger(here: Installation, open_memory: Callable[..., Memory], tmp_path: Path) -> Ledger:
    return ledger_over(open_memory, tmp_path, target(here), kind="erp")


def read(here: Installation, ledger: Ledger) -> None:
    settings = {"url": here.url, "database": "plant", "user": "admin", "password": PASSWORD, "models": MODELS}
    reader = Connector("erp", settings, time_zone=UTC, clock=lambda: datetime.now(UTC) + timedelta(minutes=1))
    read_in(ledger, reader)


def bought(tryton: Tryton, plant: Plant) -> str:
    """The line of a purchase that is on its way, as its number and its own."""
    order = day.order(
        tryton, plant, "purchase.purchase", "Alloy Traders",
        product=plant.ids["steel"], unit=plant.ids["kg"], quantity=50.0, unit_price=Decimal("3.50"),
    )  # fmt: skip
    said = tryton.read("purchase.purchase", order, "number", "lines", "moves")
    tryton.write("stock.move", said["moves"][0], planned_date=date(2026, 12, 9))
    return f"{said['number']}/{said['lines'][0]}"


def test_a_purchase_comes_earlier_and_tryton_itself_says_so(
    here: Installation, tryton: Tryton, plant: Plant, ledger: Ledger
) -> None:
    line = bought(tryton, plant)
    read(here, ledger)
    at_noon = ledger.propose(
        action="expedite_purchase_order", parameters={"purchase_order_line": line, "eta": "2026-12-01T12:00Z", **WHY},
        requester=Person(id="asks"),
    )  # fmt: skip
    assert isinstance(at_noon, Refusal)
    assert "erp knows days only" in at_noon.reason

    approved(ledger, "expedite_purchase_order", purchase_order_line=line, eta="2026-12-01T00:00:00+00:00", **WHY)
    assert carried_out(ledger)[0] is State.EXECUTED
    assert tryton.read("purchase.line", int(line.partition("/")[2]), "delivery_date")["day"] == EARLIER.day
    assert ledger.verify_due() == []
    read(here, ledger)
    assert [step.state for step in ledger.verify_due()] == [State.VERIFIED]


def test_a_purchase_that_changed_meanwhile_is_left_alone(
    here: Installation, tryton: Tryton, plant: Plant, ledger: Ledger
) -> None:
    line = bought(tryton, plant)
    number = int(line.partition("/")[2])
    read(here, ledger)
    approved(ledger, "expedite_purchase_order", purchase_order_line=line, eta="2026-12-01T00:00:00+00:00", **WHY)
    [move] = tryton.read("purchase.line", number, "moves")
    tryton.write("stock.move", move, planned_date=date(2026, 12, 5))
    assert carried_out(ledger) == (State.STALE, "eta was 2026-12-09T00:00:00+00:00, is 2026-12-05T00:00:00")

    # And where it changes between the read and the write, Tryton itself refuses.
    writer, entity = target(here), Entity("purchase_order_line", line)
    found = writer.read("expedite_purchase_order", entity, proposal="P-0123456789")
    assert found is not None
    tryton.write("purchase.line", number, moves=[["write", [move], {"planned_date": date(2026, 12, 6)}]])
    answer = writer.carry_out(
        "expedite_purchase_order", entity, b'{"eta": "2026-12-01T00:00:00+00:00"}', key="k", condition=found.condition
    )
    assert answer == NoEffect(reason="erp has changed it meanwhile", changed=True)
    assert tryton.read("purchase.line", number, "delivery_date")["day"] == 6


def test_an_outcome_is_a_note_on_its_production_order(
    here: Installation, tryton: Tryton, plant: Plant, ledger: Ledger
) -> None:
    day.mislay(tryton, plant)
    read(here, ledger)
    order = plant.numbers["mistake"]
    proposal = approved(ledger, "write_back", concerns=f"job_order:{order}", outcome="It was ordered twice.")
    assert carried_out(ledger)[0] is State.EXECUTED
    read(here, ledger)
    assert [step.state for step in ledger.verify_due()] == [State.VERIFIED]
    [note] = ledger.memory.view().notes()
    assert note.text.startswith(f"Lineside {proposal.id}: It was ordered twice.")

    approved(ledger, "write_back", concerns=f"job_order:{order}", outcome="It can be deleted.")
    tryton.call("production.cancel", [plant.ids["mistake"]])
    assert carried_out(ledger) == (State.STALE, "status was planned, is closed")


def test_what_tryton_refuses_or_does_not_have_is_not_done(
    here: Installation, tryton: Tryton, plant: Plant, ledger: Ledger
) -> None:
    line = Entity("purchase_order_line", bought(tryton, plant))
    body = b'{"eta": "2026-12-01T00:00:00+00:00"}'
    writer = target(here)
    assert writer.read("expedite_purchase_order", Entity("purchase_order_line", "77/1"), proposal="P-1") is None
    assert writer.read("expedite_purchase_order", Entity("purchase_order_line", "PO-1"), proposal="P-1") is None
    unread = writer.carry_out("expedite_purchase_order", line, body, key="k", condition=None)
    assert unread == NoEffect(reason="nothing was sent to erp: its row version could not be read")
    wrong = target(here, "wrong").carry_out("expedite_purchase_order", line, body, key="k", condition="1@1")
    assert wrong == NoEffect(reason="erp refuses our credential (401)")
    foreign = writer.carry_out("expedite_purchase_order", line, body, key="k", condition="1@99")
    assert isinstance(foreign, NoEffect)
