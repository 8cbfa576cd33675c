"""What goes wrong between Redmine and us, one fault after the other."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.conftest import Remembered

from lineside.connector import TroubleKind
from lineside.errors import BadSettings, SourceRefused, SourceUnavailable
from lineside.memory import Memory
from lineside.memory.intake import catch_up
from lineside.memory.reconciling import reconcile
from lineside_ingest.redmine import Redmine
from lineside_ingest.redmine.markup import readable
from lineside_ingest.redmine.tickets import section

from .reading import NOW, drain
from .redmine_peer import RedmineServer
from .web_peer import serving

THEN = NOW - timedelta(hours=5)


@pytest.fixture
def server() -> Iterator[RedmineServer]:
    made = RedmineServer()
    with serving(made) as url:
        made.url = url
        yield made


@pytest.fixture
def memory(remembered: Remembered) -> Memory:
    return remembered(now="2027-01-01T00:00:00Z")


def redmine(server: RedmineServer, *, now: datetime = NOW, **options: Any) -> Redmine:
    settings = {"url": server.url, "api_key": "right", **options}
    return Redmine("cmms", settings, time_zone=ZoneInfo("Europe/Berlin"), clock=lambda: now)


def statuses(memory: Memory) -> dict[str, str]:
    """The status that stands of each ticket."""
    return {str(each.entity): each.text for each in memory.view().statements(properties=("status",))}


def texts(memory: Memory) -> set[str]:
    return {note.text for note in memory.view().notes()}


def detail(name: str, was: str | None, now: str | None, kind: str = "attr") -> dict[str, Any]:
    return {"property": kind, "name": name, "old_value": was, "new_value": now}


async def test_a_refused_key_is_tried_once_although_redmine_shows_nobody_what_is_public(server: RedmineServer) -> None:
    server.add(1, at=THEN)
    with pytest.raises(SourceRefused) as refused:
        await drain(redmine(server, api_key="wrong"))
    assert refused.value.fields["status"] == 401
    assert [path for path, _ in server.asked] == ["users/current"]


async def test_a_key_taken_back_while_we_read_makes_nothing_gone(server: RedmineServer, memory: Memory) -> None:
    for number in (1, 2, 3):
        server.add(number, at=THEN, project={"id": 2, "name": "quality"} if number == 3 else {"id": 1, "name": "plant"})
    await catch_up(memory, redmine(server))

    def take_back() -> None:
        if server.asked[-1][0] == "users/current":
            server.key = "another"

    server.meanwhile = take_back
    with pytest.raises(SourceRefused):
        await catch_up(memory, redmine(server))
    server.key = "right"
    with pytest.raises(SourceRefused):
        await reconcile(memory, redmine(server))
    server.key, server.meanwhile = "right", lambda: None
    assert len(statuses(memory)) == 3


async def test_tickets_that_change_while_pages_are_read_push_none_out_of_them(
    server: RedmineServer, memory: Memory
) -> None:
    for number in range(1, 8):
        server.add(number, at=THEN + timedelta(seconds=number))

    def change() -> None:
        if server.asked[-1][0] == "issues":
            server.tickets[1]["updated_on"] = server.tickets[2]["updated_on"] = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"

    server.meanwhile = change
    await catch_up(memory, redmine(server, page_size=2))
    assert sorted(statuses(memory)) == [f"ticket:{number}" for number in range(1, 8)]


async def test_two_changes_within_one_second_are_both_told(server: RedmineServer, memory: Memory) -> None:
    server.add(1, at=THEN)
    server.change(1, 11, at=THEN, notes="first")
    await catch_up(memory, redmine(server))
    server.change(1, 12, at=THEN, notes="second")
    await catch_up(memory, redmine(server))
    assert texts(memory) == {"#1 Ticket 1", "#1 Ticket 1\nfirst", "#1 Ticket 1\nsecond"}


async def test_a_server_that_gives_fewer_than_asked_is_read_to_its_end(server: RedmineServer) -> None:
    for number in range(1, 6):
        server.add(number, at=THEN)
    server.largest = 2
    found = await drain(redmine(server))
    assert {message.key for message in found.messages} == set("12345")
    [first, *_] = [listed async for listed in redmine(server).listing()]
    assert first.keys == set("12345")


async def test_pages_that_are_too_large_are_halved_and_the_size_is_remembered(server: RedmineServer) -> None:
    for number in range(1, 6):
        server.add(number, at=THEN)
    server.too_many = 3
    found = await drain(redmine(server, page_size=8))
    assert {message.key for message in found.messages} == set("12345")
    server.asked.clear()
    await drain(redmine(server, page_size=8), found.checkpoint)
    assert {query["limit"] for _, query in server.asked if "limit" in query} <= {"1", "2"}


async def test_a_ticket_with_a_long_history_comes_in_parts(server: RedmineServer, memory: Memory) -> None:
    server.add(1, at=THEN)
    for number in range(1200):
        server.change(1, number + 1, at=THEN, notes=f"note {number}")
    sizes = [len(batch.messages) async for batch in redmine(server).capture(None)]
    assert sizes == [1000, 203, 0]
    await catch_up(memory, redmine(server))
    assert len(texts(memory)) == 1201


async def test_a_redmine_that_ignores_the_filter_by_id_is_refused_instead_of_read_for_ever(
    server: RedmineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        server.add(number, at=THEN)
    listed = server._listed
    monkeypatch.setattr(
        server, "_listed", lambda rows, query: listed(rows, {n: v for n, v in query.items() if n != "issue_id"})
    )
    with pytest.raises(SourceRefused, match="too old"):
        await drain(redmine(server, page_size=2))


async def test_a_change_is_told_as_the_ticket_was_then(server: RedmineServer, memory: Memory) -> None:
    server.add(
        1, at=THEN, tracker={"id": 2, "name": "8D report"}, subject="Cracks",
        custom_fields=[
            {"id": 5, "name": "Lot no.", "value": "L-2"}, {"id": 6, "name": "D4 Root cause", "value": "Tool"},
        ],
    )  # fmt: skip
    at = THEN + timedelta(minutes=1)
    server.change(1, 11, at=at, details=[detail("5", "L-1", "L-2", "cf"), detail("6", "", "Tool", "cf")])
    server.change(1, 12, at=at + timedelta(minutes=1), details=[detail("tracker_id", "3", "2")])
    server.change(1, 13, at=at + timedelta(minutes=2), details=[detail("subject", "Scratches", "Cracks")])
    await catch_up(memory, redmine(server))
    events = {each.kind: each for each in memory.view().events() if each.kind != "ticket_changed"}
    assert set(events) == {"ticket_opened"}
    assert (events["ticket_opened"].lot, events["ticket_opened"].text) == ("L-1", "#1 Scratches: Support opened")
    changes = {each.attributes["field"]: each for each in memory.view().events() if each.kind == "ticket_changed"}
    assert changes["tracker"].text == "#1 Scratches: tracker Support -> 8D report"
    assert changes["Lot no."].attributes["by"] == "Bob Miller"
    assert texts(memory) == {"#1 Scratches", "#1 Scratches\nD4 Root cause: Tool"}
    assert statuses(memory) == {"nonconformity:1": "New"}
    server.change(1, 14, at=at + timedelta(minutes=3), details=[detail("status_id", "1", "5")])
    before = len(memory.view().events())
    await catch_up(memory, redmine(server))
    assert len(memory.view().events()) == before + 1


async def test_a_note_is_private_until_redmine_says_that_it_is_not(server: RedmineServer, memory: Memory) -> None:
    server.add(1, at=THEN)
    server.change(1, 11, at=THEN, notes="whispered", private_notes=True)
    server.change(1, 12, at=THEN, notes="of an old Redmine")
    del server.tickets[1]["journals"][1]["private_notes"]
    server.add(2, at=THEN, is_private=True)
    await catch_up(memory, redmine(server))
    assert texts(memory) == {"#1 Ticket 1"}
    assert {message.key for message in (await drain(redmine(server, private_issues=True))).messages} == {"1", "2"}


async def test_a_ticket_that_moves_between_two_projects_that_we_read_stands_once(
    server: RedmineServer, memory: Memory
) -> None:
    server.add(1, at=THEN)
    server.add(2, at=THEN)
    both = {"projects": ["quality", "plant"]}
    await catch_up(memory, redmine(server, **both))
    server.tickets[1]["project"] = {"id": 2, "name": "quality"}
    server.change(1, 11, at=THEN + timedelta(minutes=1), details=[detail("project_id", "1", "2")])
    for _ in range(2):
        await catch_up(memory, redmine(server, **both))
        assert sorted(note.text for note in memory.view().notes()) == ["#1 Ticket 1", "#2 Ticket 2"]
        assert sorted(each.kind for each in memory.view().events()) == [
            "ticket_changed", "ticket_opened", "ticket_opened",
        ]  # fmt: skip
    assert all(each.fetched == each.gone == 0 for each in await reconcile(memory, redmine(server, **both)))


async def test_a_backup_that_is_put_back_is_read_anew(server: RedmineServer, memory: Memory) -> None:
    server.add(1, at=THEN)
    backup = deepcopy(server.tickets)
    server.tickets[1]["status"] = {"id": 5, "name": "Closed", "is_closed": True}
    server.change(1, 11, at=NOW, notes="never happened", details=[detail("status_id", "1", "5")])
    await catch_up(memory, redmine(server))
    assert statuses(memory) == {"ticket:1": "Closed"}
    server.tickets = backup
    await catch_up(memory, redmine(server))
    assert statuses(memory) == {"ticket:1": "New"}
    assert texts(memory) == {"#1 Ticket 1"}
    assert (await drain(redmine(server), memory.checkpoint("cmms"))).messages == []


async def test_a_project_that_is_refused_leaves_the_others_and_is_asked_once_an_hour(server: RedmineServer) -> None:
    server.add(1, at=THEN)
    server.hidden.add("quality")
    reader = redmine(server, projects=["quality", "plant"])
    found = await drain(reader)
    assert {message.key for message in found.messages} == {"1"}
    server.asked.clear()
    again = await drain(reader, found.checkpoint)
    assert [(each.kind, each.stream) for each in again.troubles] == [(TroubleKind.REFUSED, "quality")]
    assert [query for _, query in server.asked if query.get("project_id") == "quality"] == []
    with pytest.raises(SourceRefused):
        await drain(redmine(server, projects=["quality"]))


async def test_a_ticket_whose_stamp_cant_be_read_is_a_dead_letter_and_the_others_come(
    server: RedmineServer, memory: Memory
) -> None:
    server.add(1, at=THEN)
    server.add(2, at=THEN, updated_on="yesterday", custom_fields=None, journals="none", tracker=None)
    server.tickets[2]["updated_on"] = "yesterday"
    server.add(3, at=THEN, custom_fields=[None, {"id": None}], journals=[7], author=None, priority="high")
    for _ in range(2):
        await catch_up(memory, redmine(server))
    assert sorted(statuses(memory)) == ["ticket:1", "ticket:3"]
    assert [letter.reason for letter in memory.dead_letters()] == ["updated_on is no time: 'yesterday'"]


async def test_a_due_date_begins_in_the_zone_of_the_plant(server: RedmineServer, memory: Memory) -> None:
    server.add(1, at=THEN, due_date="2026-06-01")
    await catch_up(memory, redmine(server))
    [due] = memory.view().statements(properties=("due_at",))
    assert datetime.fromisoformat(due.text) == datetime(2026, 5, 31, 22, tzinfo=UTC)


async def test_a_stamp_ahead_of_our_clock_is_told(server: RedmineServer) -> None:
    server.add(1, at=NOW + timedelta(hours=1))
    assert [each.kind for each in (await drain(redmine(server))).troubles] == [TroubleKind.SKEW]


async def test_what_is_no_redmine_is_told(server: RedmineServer) -> None:
    server.enabled = False
    with pytest.raises(SourceRefused, match="Enable REST web service"):
        await drain(redmine(server))
    server.closed = (404, {})
    with pytest.raises(SourceRefused, match="no Redmine"):
        await drain(redmine(server))
    server.closed = (502, {})
    with pytest.raises(SourceUnavailable):
        await drain(redmine(server))


@pytest.mark.parametrize(
    ("tracker", "kind"),
    [
        ("Preventive Maintenance", "maintenance_order"), ("Störung", "maintenance_order"), ("8D", "nonconformity"),
        ("8D complaint", "complaint"), ("Line stop", "maintenance_order"), ("Bug", "ticket"),
    ],
)  # fmt: skip
async def test_a_tracker_is_what_the_plant_says_or_else_what_its_name_says(
    server: RedmineServer, memory: Memory, tracker: str, kind: str
) -> None:
    server.add(1, at=THEN, tracker={"id": 9, "name": tracker})
    await catch_up(memory, redmine(server, kinds={"Line stop": "maintenance"}))
    assert statuses(memory) == {f"{kind}:1": "New"}


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"kinds": {"Bug": "insect"}}, "kinds.Bug"), ({"about": {"colour": "x"}}, "about.colour"),
        ({"use": ["wiki"]}, "use"), ({"streams": [{"name": "wiki"}]}, "streams[0].name"),
        ({"streams": [{"name": "notes", "mapping": {}}]}, "streams[0].mapping"), ({"time_zone": "Mars"}, "time_zone"),
        ({"api_key": ""}, "api_key"),
    ],
)  # fmt: skip
def test_a_setting_that_is_wrong_is_named(server: RedmineServer, wrong: dict[str, Any], option: str) -> None:
    with pytest.raises(BadSettings) as bad:
        redmine(server, **wrong)
    assert bad.value.fields["option"] == option


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("h2. Seen\n\n*Oil* at the _main_ seal", "Seen\n\nOil at the main seal"),
        ("## Seen\n\n**Oil** at `M12`", "Seen\n\nOil at M12"),
        ("2*3*4 mm, PART_12_A, -5 °C, a@b and c@d.example", "2*3*4 mm, PART_12_A, -5 °C, a@b and c@d.example"),
        ("|_. Part |_. Qty |\n| A-1 | 5 |", "Part | Qty\nA-1 | 5"),
        ('see "drawing":https://x.example/d?a=1.', "see drawing."),
        ("[drawing](https://x.example) ![seal](s.png) !pump.jpg!", "drawing [picture seal] [picture pump.jpg]"),
        ('<pre><code class="st">\n*keep* |me|\n</code></pre>', "*keep* |me|"),
        ("```\n# keep *me*\n```", "# keep *me*"),
        ("* first\r\n* second", "* first\n* second"),
("loose <pre> end *a*", "loose  end *a*"),
    ],
)  # fmt: skip
def test_markup_is_read_as_people_read_it(written: str, read: str) -> None:
    assert readable(written) == read


@pytest.mark.parametrize(
    "piece", ["[", "<pre>", "*a ", "|  ", '"', "%{a}", "!a", "_a", "@a", "<code ", "[[a|", "![a]("]
)
def test_a_hostile_text_is_read_and_keeps_its_words(piece: str) -> None:
    assert readable(f"Seal {piece * (60_000 // len(piece))}").startswith("Seal")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("D4 Root cause", "D4"), ("d5: action", "D5"), ("8D - D7", "D7"), ("D0", "D0"), ("D9", ""), ("D40 torque", ""),
        ("Diameter", ""), ("D5.1 mm", ""), ("Bore D4", ""),
    ],
)  # fmt: skip
def test_the_sections_of_an_8d_report_are_told_by_the_fields_name(name: str, found: str) -> None:
    assert section(name) == found
