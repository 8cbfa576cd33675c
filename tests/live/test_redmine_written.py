"""Approved actions on a real Redmine: ordered there, noted there, read back by the connector, and so proved."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.conftest import message_of, translate

from lineside.actions import Ledger, State
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.connector import Batch
from lineside.memory import Memory
from lineside_ingest.redmine import Redmine as Connector

from .governed import approved, carried_out, ledger_over, read_in
from .redmine.server import CLOSED, MAINTENANCE, Redmine

PRESS = "hall/presses/press-4"
MACHINE = f'[[equipment]]\nid = "{PRESS}"\n'


@pytest.fixture(scope="module")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    made = Redmine(tmp_path_factory.mktemp("redmine"))
    made.set_up()
    with made.served():
        made.make_project("presses")
        yield made


@pytest.fixture
def ledger(redmine: Redmine, open_memory: Callable[..., Memory], tmp_path: Path) -> Ledger:
    return over(redmine, open_memory, tmp_path, redmine.key)


def over(redmine: Redmine, open_memory: Callable[..., Memory], folder: Path, key: str) -> Ledger:
    here = {
        "project": "presses",
        "tracker": str(MAINTENANCE),
        "equipment_field": str(redmine.custom_field("Equipment")),
    }
    target = HttpTarget(
        redmine.url, key, source="cmms", interface=load_interface("redmine"), options=here, timeout_s=60
    )  # fmt: skip
    made = ledger_over(open_memory, folder, target, kind="cmms", more=MACHINE)
    said = {
        "id": "press", "source": "mes", "time": "2026-11-01T08:00:00Z", "type": "lineside.report",
        "data": {"entity": f"equipment:{PRESS}", "properties": {"state": "stopped"}},
    }  # fmt: skip
    message = message_of(said, received_at=datetime.now(UTC))
    made.memory.remember(Batch(messages=[message]), source="mes", translate=translate)
    return made


def read(redmine: Redmine, ledger: Ledger) -> None:
    settings = {"url": redmine.url, "api_key": redmine.key, "projects": ["presses"]}
    read_in(ledger, Connector("cmms", settings, time_zone=UTC, clock=lambda: datetime.now(UTC)))


def ordered(ledger: Ledger) -> str:
    """The number of the ticket that was ordered, decided on and carried out."""
    approved(
        ledger, "create_maintenance_order", equipment=PRESS, description="Seal of the main cylinder leaks",
        priority="high", due="2026-12-01T14:00:00+00:00", reason="oil on the floor",
    )  # fmt: skip
    assert carried_out(ledger)[0] is State.EXECUTED
    [proposal] = [each for each in ledger.list() if each.state is State.EXECUTED]
    return str(proposal.effect)


def test_a_ticket_is_ordered_once_and_closed_by_what_redmine_itself_tells(redmine: Redmine, ledger: Ledger) -> None:
    ticket = ordered(ledger)
    issue = redmine.asked("GET", f"issues/{ticket}.json")["issue"]
    assert (issue["subject"], issue["priority"]["name"], issue["due_date"]) == (
        "Seal of the main cylinder leaks", "High", "2026-12-01",
    )  # fmt: skip
    assert "approved by two, three" in issue["description"]
    assert ledger.verify_due() == []
    [proposal] = [each for each in ledger.list() if each.effect == ticket]
    there = ledger.targets["cmms"].read(  # type: ignore[attr-defined]
        "create_maintenance_order", proposal.entity, proposal=proposal.id
    )
    # Had no answer come, the mark would tell that it was done.
    assert [each.id for each in there.effects if each.proposal == proposal.id] == [ticket]

    read(redmine, ledger)

    [step] = ledger.verify_due()
    assert (step.state, step.detail) == (State.VERIFIED, f"{ticket} came back from cmms")


def test_an_outcome_is_written_to_its_ticket_unless_the_ticket_changed_meanwhile(
    redmine: Redmine, ledger: Ledger
) -> None:
    ticket = ordered(ledger)
    read(redmine, ledger)
    ledger.verify_due()
    concerns = f"maintenance_order:{ticket}"

    written = approved(ledger, "write_back", concerns=concerns, outcome="The seal was changed, the press is tight.")
    assert carried_out(ledger)[0] is State.EXECUTED
    read(redmine, ledger)
    assert [step.state for step in ledger.verify_due()] == [State.VERIFIED]
    [note] = [each for each in ledger.memory.view().notes() if written.id in each.text]
    assert "The seal was changed" in note.text

    approved(ledger, "write_back", concerns=concerns, outcome="It can be closed.")
    redmine.change(int(ticket), status_id=CLOSED)
    assert carried_out(ledger) == (State.STALE, "status was New, is Closed")


def test_a_key_without_rights_or_a_wrong_one_does_nothing(
    redmine: Redmine, open_memory: Callable[..., Memory], tmp_path: Path
) -> None:
    before = redmine.asked("GET", "issues.json?project_id=presses&status_id=*")["total_count"]
    _, guest = redmine.make_user("gast", role="Guest", projects=["presses"])
    (tmp_path / "guest").mkdir()
    seeing = over(redmine, open_memory, tmp_path / "guest", guest)
    asked = {"equipment": PRESS, "description": "It leaks", "priority": "low", "reason": "seen"}
    approved(seeing, "create_maintenance_order", **asked)
    assert carried_out(seeing) == (State.FAILED, "cmms refuses the request (422)")
    wrong = over(redmine, open_memory, tmp_path, "0" * 40)
    approved(wrong, "create_maintenance_order", **asked)
    assert carried_out(wrong)[0] is State.APPROVED
    assert redmine.asked("GET", "issues.json?project_id=presses&status_id=*")["total_count"] == before
