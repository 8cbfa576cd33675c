"""Questions that look ahead to the dock and the line find their tool, in free wording, English and German."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lineside.agent.ask import Names
from lineside.agent.ids import Ids
from lineside.agent.places import Places
from lineside.agent.plan import plan
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
aliases = ["Kufe 4"]
[[shifts]]
name = "day"
start = "06:00"
end = "18:00"
[[shifts]]
name = "night"
start = "18:00"
end = "06:00"
""")
KNOWN = [Entity.parse(text) for text in ("sales_order:D-881", "shipment:SP-20", "job_order:J-7", "material:WOOL-3")]
NAMES = Names(plant=PLANT, ids=Ids(KNOWN), places=Places(PLANT, KNOWN), topics=Topics(PLANT, []), sources=("erp",))
AT = datetime(2026, 5, 6, 10, 0, tzinfo=ZoneInfo("Europe/Dublin"))

WORDINGS = """
dock_surprises | what's going to surprise the dock tomorrow ; which of tomorrow's shipments are in danger? ; orders at risk for tonight
dock_surprises | was wird morgen im Versand schiefgehen? ; welche Aufträge sind heute gefährdet ; welche Lieferungen könnten morgen kippen
production_risk | by when must Vat 4 be done so the trucks leave on time ; what is the latest start for the jobs on tomorrow's trucks
production_risk | bis wann muss die Fertigung fertig sein, damit morgen alle LKW pünktlich fahren ; was heißt das Versandrisiko für Kufe 4
carrier_delay | the haulier is running 45 minutes late, whose promises break? ; SP-20 slips by three hours, who is hit ; our truck is half an hour late
carrier_delay | die Spedition verspätet sich um zwei Stunden, wen trifft das ; SP-20 kommt 90 Minuten später
material_readiness | are all components staged for the coming shift? ; what is J-7 short of, which parts ; any late picks for materials?
material_readiness | fehlt Material für J-7? ; sind alle Teile bereitgestellt ; gibt es Ersatz für fehlendes Material
readiness | how stable is D-881? ; what could still flip D-881 ; wie sicher ist D-881
""".strip().splitlines()  # noqa: E501 - a table


def tools(text: str) -> list[str]:
    return [call.tool for ask in understand(text, at=AT, names=NAMES) for call in plan(ask, NAMES).calls]


@pytest.mark.parametrize(
    ("tool", "text"),
    [(row.partition("|")[0].strip(), text.strip()) for row in WORDINGS for text in row.partition("|")[2].split(" ; ")],
)
def test_a_wording_finds_its_tool(tool: str, text: str) -> None:
    assert tools(text)[0] == tool


@pytest.mark.parametrize(
    "text",
    [
        "What can leave on the 15:00 truck?",
        "Which orders look complete but are not?",
        "Which decisions rest on facts that changed?",
        "Why was D-881 late?",
        "How much WOOL-3 is in stock?",
        "Give me the handover for the night shift",
        "Wie viele Lieferungen waren gestern verspätet?",
    ],
)
def test_other_questions_keep_theirs(text: str) -> None:
    ahead = {"dock_surprises", "production_risk", "carrier_delay", "material_readiness"}
    assert not ahead & set(tools(text))


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("the carrier is two hours late, who is hit", 120),
        ("the truck slips 1.5 hours, who is hit", 90),
        ("Spediteur 2,5 Stunden später, wen trifft es", 150),
        ("der LKW kommt eine Stunde später, wen trifft es", 60),
        ("trailer half an hour late, which orders", 30),
    ],
)
def test_how_late_is_read_in_words_and_figures(text: str, minutes: float) -> None:
    (ask,) = understand(text, at=AT, names=NAMES)
    (call,) = plan(ask, NAMES).calls
    assert (call.tool, call.arguments["minutes"]) == ("carrier_delay", minutes)
