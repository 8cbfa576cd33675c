"""A real Redmine, driven by its own REST interface as a plant would, and read as Lineside does."""

import time
from collections.abc import Iterator
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
from lineside_ingest.redmine import Redmine as Connector

from .redmine.server import CLOSED, EIGHT_D, IN_PROGRESS, SUPPORT, URGENT, Redmine, copy_database


@pytest.fixture(scope="module")
def redmine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redmine]:
    made = Redmine(tmp_path_factory.mktemp("redmine"))
    made.set_up()
    with made.served():
        yield made


@pytest.fixture
def memory(remembered: Remembered) -> Memory:
    return remembered(now=datetime.now(UTC) + timedelta(days=1))


def connector(redmine: Redmine, project: str, **options: Any) -> Connector:
    settings = {"url": redmine.url, "api_key": redmine.key, "projects": [project], **options}
    return Connector("cmms", settings, time_zone=UTC, clock=lambda: datetime.now(UTC))


async def read(memory: Memory, connector: Connector) -> int:
    """How many messages came."""
    outcome = await catch_up(memory, connector)
    assert [letter.reason for letter in outcome.dead] == []
    return outcome.recorded


def said(memory: Memory, prop: str, entity: str) -> list[str]:
    """What stands of a property, oldest first."""
    found = [each for each in memory.view().statements(properties=(prop,)) if str(each.entity) == entity]
    return [each.text for each in sorted(found, key=lambda each: each.reported_at)]


async def test_the_records_say_what_the_plant_did(redmine: Redmine, memory: Memory) -> None:
    redmine.make_project("presses")
    _, ann = redmine.make_user("ann", role="Manager", projects=["presses"])
    _, guest = redmine.make_user("guest", role="Guest", projects=["presses"])
    equipment, lot = redmine.custom_field("Equipment"), redmine.custom_field("Lot")
    cause = redmine.custom_field("D4 Root cause")
    ticket = redmine.open_ticket(
        "presses", "Press 4 leaks", key=ann, description="h2. Seen\n\nOil at the *main* seal, PART_12_A.",
        due_date="2026-12-01", custom_fields=[{"id": equipment, "value": "Press 4"}],
    )  # fmt: skip
    report = redmine.open_ticket(
        "presses", "Cracked housings", key=ann, tracker_id=EIGHT_D,
        custom_fields=[{"id": lot, "value": "L-77"}, {"id": cause, "value": "Tool worn"}],
    )  # fmt: skip
    await read(memory, connector(redmine, "presses", api_key=guest))
    assert said(memory, "status", f"maintenance_order:{ticket}") == ["New"]
    assert said(memory, "equipment", f"maintenance_order:{ticket}") == ["Press 4"]
    assert said(memory, "lot", f"nonconformity:{report}") == ["L-77"]

    redmine.change(ticket, key=ann, status_id=IN_PROGRESS, notes="Seal ordered")
    redmine.change(ticket, key=ann, notes="The supplier is late again", private_notes=True)
    token = redmine.asked("POST", "uploads.json?filename=seal.txt", content=b"a drawing")["upload"]["token"]
    redmine.change(ticket, key=ann, priority_id=URGENT, uploads=[{"token": token, "filename": "seal.txt"}])
    await read(memory, connector(redmine, "presses", api_key=guest))
    redmine.change(ticket, key=ann, status_id=CLOSED, notes="Seal changed, tight")
    redmine.change(report, key=ann, custom_fields=[{"id": cause, "value": "Tool worn, no interval set"}])
    redmine.asked("POST", f"issues/{ticket}/relations.json", {"relation": {"issue_to_id": report}}, key=ann)
    await read(memory, connector(redmine, "presses", api_key=guest))

    assert said(memory, "status", f"maintenance_order:{ticket}")[-1] == "Closed"
    assert said(memory, "priority", f"maintenance_order:{ticket}")[-1] == "Urgent"
    assert "seal.txt" in said(memory, "attachments", f"maintenance_order:{ticket}")[-1]
    assert str(report) in said(memory, "relations", f"maintenance_order:{ticket}")[-1]
    assert sorted(each.kind for each in memory.view().events()) == [
        "maintenance_finished", "maintenance_requested", "maintenance_started", "nonconformity", "priority_changed",
        "ticket_changed", "ticket_changed", "ticket_changed",  # the picture, and the relation from both ends
    ]  # fmt: skip
    [opened] = [each for each in memory.view().events() if each.kind == "nonconformity"]
    assert (opened.lot, opened.attributes["by"]) == ("L-77", "Ann Fitter")
    notes = {note.text for note in memory.view().notes()}
    assert notes == {
        f"#{ticket} Press 4 leaks\nSeen\n\nOil at the main seal, PART_12_A.",
        f"#{report} Cracked housings",
        f"#{report} Cracked housings\nD4 Root cause: Tool worn",
        f"#{report} Cracked housings\nD4 Root cause: Tool worn, no interval set",
        f"#{ticket} Press 4 leaks\nSeal ordered",
        f"#{ticket} Press 4 leaks\nSeal changed, tight",
    }
    assert {note.author for note in memory.view().notes()} == {"Ann Fitter"}
    assert await read(memory, connector(redmine, "presses", api_key=guest)) == 0
    assert all(
        each.fetched == each.gone == 0 for each in await reconcile(memory, connector(redmine, "presses", api_key=guest))
    )

    redmine.asked("DELETE", f"issues/{report}.json")
    await read(memory, connector(redmine, "presses", api_key=guest))
    assert said(memory, "status", f"nonconformity:{report}") == []
    assert {note.text.partition(" ")[0] for note in memory.view().notes()} == {f"#{ticket}"}
    assert said(memory, "status", f"maintenance_order:{ticket}")[-1] == "Closed"


async def test_a_wrong_key_is_refused_although_redmine_shows_it_what_is_public(redmine: Redmine) -> None:
    redmine.make_project("open-house", public=True)
    redmine.open_ticket("open-house", "Everybody sees this")
    with pytest.raises(SourceRefused) as refused:
        await drain(connector(redmine, "open-house", api_key="0" * 40))
    assert "wrong" in refused.value.message
    assert [check.ok for check in await connector(redmine, "open-house", api_key="0" * 40).check()] == [False]
    assert all(check.ok for check in await connector(redmine, "open-house").check())


async def test_private_notes_and_tickets_are_read_only_where_the_plant_says_so(
    redmine: Redmine, memory: Memory
) -> None:
    redmine.make_project("works-council")
    seen = redmine.open_ticket("works-council", "Noise at press 2")
    secret = redmine.open_ticket("works-council", "About a colleague", is_private=True)
    redmine.change(seen, notes="Only for the foreman", private_notes=True)
    await read(memory, connector(redmine, "works-council"))
    assert [note.text for note in memory.view().notes()] == [f"#{seen} Noise at press 2"]

    redmine.change(secret, is_private=False)
    await read(memory, connector(redmine, "works-council"))
    assert len(memory.view().notes()) == 2
    redmine.change(secret, is_private=True)
    await read(memory, connector(redmine, "works-council"))
    assert [note.text for note in memory.view().notes()] == [f"#{seen} Noise at press 2"]
    redmine.change(secret, is_private=False)
    await read(memory, connector(redmine, "works-council"))
    assert len(memory.view().notes()) == 2
    assert all(each.fetched == each.gone == 0 for each in await reconcile(memory, connector(redmine, "works-council")))

    everything = await drain(connector(redmine, "works-council", private_notes=True, private_issues=True))
    assert sum(b"Only for the foreman" in message.content for message in everything.messages) == 1


async def test_a_rest_interface_that_is_switched_off_is_told_with_where_to_switch_it_on(redmine: Redmine) -> None:
    redmine.make_project("offline")
    redmine.set_rest(on=False)
    try:
        with pytest.raises(SourceRefused) as refused:
            await drain(connector(redmine, "offline"))
    finally:
        redmine.set_rest(on=True)
    assert "Enable REST web service" in refused.value.message
    await drain(connector(redmine, "offline"))


async def test_a_project_without_rights_does_not_keep_the_others_from_being_read(
    redmine: Redmine, memory: Memory
) -> None:
    redmine.make_project("furnace")
    redmine.make_project("laboratory")
    _, guest = redmine.make_user("night", role="Guest", projects=["furnace"])
    ticket = redmine.open_ticket("furnace", "Burner out", tracker_id=SUPPORT)
    redmine.open_ticket("laboratory", "Recipe of the new alloy")
    both = connector(redmine, "", projects=["laboratory", "furnace", "no-such-project"], api_key=guest)
    found = await drain(both)
    assert {message.key for message in found.messages} == {str(ticket)}
    told = {trouble.stream: trouble.kind for trouble in found.troubles}
    assert told == {"laboratory": TroubleKind.REFUSED, "no-such-project": TroubleKind.REFUSED}
    assert [listed async for listed in both.listing()] == []


async def test_a_ticket_that_moves_out_of_sight_and_back_is_taken_back_and_told_again(
    redmine: Redmine, memory: Memory
) -> None:
    redmine.make_project("hall-1")
    away = redmine.make_project("board")
    here = redmine.asked("GET", "projects/hall-1.json")["project"]["id"]
    _, guest = redmine.make_user("late", role="Guest", projects=["hall-1"])
    ticket = redmine.open_ticket("hall-1", "Crane slips")
    stays = redmine.open_ticket("hall-1", "Door sticks")

    def again() -> Connector:
        return connector(redmine, "hall-1", api_key=guest, overlap_s=0)

    await read(memory, again())
    redmine.change(ticket, project_id=away)
    await read(memory, again())
    await reconcile(memory, again())
    assert {note.text for note in memory.view().notes()} == {f"#{stays} Door sticks"}
    redmine.change(ticket, project_id=here)
    await read(memory, again())
    assert {note.text for note in memory.view().notes()} == {f"#{stays} Door sticks", f"#{ticket} Crane slips"}
    assert said(memory, "status", f"maintenance_order:{ticket}") == ["New"]


async def test_a_backup_that_is_put_back_is_read_anew(tmp_path: Path, redmine: Redmine, memory: Memory) -> None:
    redmine.make_project("stores")
    ticket = redmine.open_ticket("stores", "Rack bent")
    copy_database(redmine.database, tmp_path / "backup")
    a_second_after(redmine, ticket)
    redmine.change(ticket, status_id=CLOSED, notes="Straightened")
    await read(memory, connector(redmine, "stores"))
    assert said(memory, "closed", f"maintenance_order:{ticket}") == ["true"]

    copy_database(tmp_path / "backup", redmine.database)
    found = await drain(connector(redmine, "stores"), memory.checkpoint("cmms"))
    assert [trouble.kind for trouble in found.troubles] == [TroubleKind.EPOCH]
    await read(memory, connector(redmine, "stores"))
    assert said(memory, "closed", f"maintenance_order:{ticket}") == ["false"]
    assert [note.text for note in memory.view().notes()] == [f"#{ticket} Rack bent"]
    assert await read(memory, connector(redmine, "stores")) == 0


async def test_what_is_written_after_a_restart_is_read_once(redmine: Redmine, memory: Memory) -> None:
    redmine.make_project("gate")
    ticket = redmine.open_ticket("gate", "Barrier stuck")
    await read(memory, connector(redmine, "gate"))
    redmine.stop()
    with pytest.raises(SourceUnavailable):
        await read(memory, connector(redmine, "gate"))
    redmine.start()
    redmine.change(ticket, notes="Freed")
    await read(memory, connector(redmine, "gate"))
    assert {note.text for note in memory.view().notes()} == {
        f"#{ticket} Barrier stuck",
        f"#{ticket} Barrier stuck\nFreed",
    }
    assert await read(memory, connector(redmine, "gate")) == 0


def a_second_after(redmine: Redmine, ticket: int) -> None:
    """The clock shows another second than when the ticket changed last: Redmine stamps whole ones."""
    changed = datetime.fromisoformat(redmine.asked("GET", f"issues/{ticket}.json")["issue"]["updated_on"])
    deadline = time.monotonic() + 30
    while datetime.now(UTC) < changed + timedelta(seconds=1):
        assert time.monotonic() < deadline
        time.sleep(0.05)
