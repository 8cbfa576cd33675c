"""Questions for an order, a hold's story, what waits for a release and other lists find their tool, however worded."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lineside.agent.ask import Names
from lineside.agent.ids import Ids
from lineside.agent.places import Places
from lineside.agent.plan import Call, plan
from lineside.agent.question import understand
from lineside.agent.topics import Topics
from lineside.plant.entities import Entity
from lineside.plant.plant_file import parse_plant

PLANT = parse_plant("""
site = "moss"
time_zone = "Europe/Dublin"
[[equipment]]
id = "moss/dye/vat-4"
name = "Vat 4"
[[equipment]]
id = "moss/cut/saw-1"
name = "Saw 1"
[[shifts]]
name = "day"
start = "06:00"
end = "18:00"
[[shifts]]
name = "night"
start = "18:00"
end = "06:00"
[[roster]]
week = "2026-W19"
night = "heron"
[[people]]
id = "p-9"
name = "Orla Quin"
roles = ["quality"]
sites = ["moss"]
[[customers]]
id = "K-4"
name = "Ferris Carpets"
""")
KNOWN = [
    Entity.parse(text)
    for text in (
        "sales_order:SO-4881",
        "job_order:J-7",
        "material:WOOL-3",
        "hold:H-30",
        "lot:DYE 5/61",
        "shipment:SP-20",
    )
]
WORKS = Topics(PLANT, [(Entity("maintenance_order", "MO-3"), "swap the drain valve")], customers=False)
NAMES = Names(
    plant=PLANT, ids=Ids(KNOWN), places=Places(PLANT, KNOWN), topics=Topics(PLANT, []), sources=("erp",), works=WORKS
)
AT = datetime(2026, 5, 6, 10, 0, tzinfo=ZoneInfo("Europe/Dublin"))

WORDINGS = """
ranking | which batches go off first? ; what has the shortest shelf life next ; oldest open job order ; which PO comes in next
ranking | largest sales order on the books ; smallest lot we hold ; which inspections are due soonest ; open orders for Ferris Carpets
ranking | welches Los verfällt zuerst ; größter Kundenauftrag ; welche Bestellung kommt als nächstes ; ältester offener Auftrag
ranking | welche Sperre ist am längsten offen ; was ist als nächstes fällig ; what is due tomorrow? ; welche Chargen laufen diese Woche ab
tally | which customer ordered most pieces ; welcher Lieferant liefert die größte Menge, wer die meisten Bestellungen? ; how long was vat 4 standing today
hold_story | who put the last hold on, and why ; who released H-30 ; wer hat die Sperre H-30 aufgehoben ; who placed the hold on 5/61
hold_story | aus welchem Grund wurde die letzte Sperre gesetzt ; on what grounds was the latest hold lifted
held | what can't go out without a quality release ; was darf erst nach Freigabe raus und vorher nicht ; what must not ship before it is released
bottleneck | which machine holds up all the others ; what is dragging the whole line down ; welche Maschine hält alle auf ; was bremst die Fertigung am meisten
safety | any safety issues last night? ; gab es Unfälle ; sicherheitsrelevantes von letzter Nacht
departure | is the Blackwater lorry still coming
state | when does the drain valve get swapped
handover | what did heron get done last night
decided | what did Orla decide
readiness | can 4881 ship? ; darf DYE 5/61 verkauft werden
""".strip().splitlines()  # noqa: E501 - a table


def calls(text: str) -> list[Call]:
    return [call for ask in understand(text, at=AT, names=NAMES) for call in plan(ask, NAMES).calls]


@pytest.mark.parametrize(
    ("tool", "text"),
    [(row.partition("|")[0].strip(), text.strip()) for row in WORDINGS for text in row.partition("|")[2].split(" ; ")],
)
def test_a_wording_finds_its_tool(tool: str, text: str) -> None:
    assert tool in [call.tool for call in calls(text)]


@pytest.mark.parametrize(
    "text",
    [
        "what should I look at first",
        "what did we decide last time about the most urgent order",
        "when is SP-20 due",
        "what is the next shift to know",
        "which machine stopped most often this week",
        "who owns H-30",
        "what can leave on the next truck",
        "max temperature of vat 4?",
    ],
)
def test_other_questions_are_not_taken_for_an_order_or_a_hold(text: str) -> None:
    assert not {"ranking", "hold_story", "held"} & {call.tool for call in calls(text)}


def test_a_thing_alone_of_its_noun_needs_no_number() -> None:
    assert understand("has the saw stopped today", at=AT, names=NAMES)[0].places == ("moss/cut/saw-1",)


def test_an_id_without_its_letters_is_found_where_only_one_fits() -> None:
    found = understand("status of 5/61", at=AT, names=NAMES)[0]
    assert [str(entity) for entity in found.entities] == ["lot:DYE 5/61"]
    assert any("5/61" in text for text in found.read_as)


def test_a_bare_why_after_a_question_asks_nothing_of_its_own() -> None:
    assert len({(call.tool, str(call.arguments)) for call in calls("who put the last hold on and why?")}) == 1
