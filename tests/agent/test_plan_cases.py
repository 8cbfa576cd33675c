"""Questions about exceptions being worked find the ledger of cases; those about what was done to a thing do not."""

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
aliases = ["Kufe 4"]
""")
KNOWN = [Entity.parse(text) for text in ("hold:H-30", "lot:D-9", "material:WOOL-3")]
NAMES = Names(plant=PLANT, ids=Ids(KNOWN), places=Places(PLANT, KNOWN), topics=Topics(PLANT, []), sources=("erp",))
AT = datetime(2026, 5, 6, 10, 0, tzinfo=ZoneInfo("Europe/Dublin"))


def calls(text: str) -> list[Call]:
    return [call for ask in understand(text, at=AT, names=NAMES) for call in plan(ask, NAMES).calls]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("Which exceptions are open at Vat 4?", {"equipment": "moss/dye/vat-4"}),
        ("What exceptions are open, who owns them and since when?", {}),
        ("Welche Ausnahmen sind gerade offen?", {}),
        ("Show me all operational exceptions", {}),
        ("Tell me about EXC-17", {"case": "EXC-17"}),
        ("Was ist mit exc-4?", {"case": "EXC-4"}),
        ("Who owns the stop at Vat 4?", {"equipment": "moss/dye/vat-4", "kind": "downtime"}),
        ("Wer kümmert sich um den Stillstand an Kufe 4?", {"equipment": "moss/dye/vat-4", "kind": "downtime"}),
        ("Who is responsible for the shortage?", {"kind": "shortage"}),
        ("Which exceptions are overdue and who has them?", {"overdue": True}),
        ("Welche Ausnahmen sind überfällig und wer hat sie?", {"overdue": True}),
        ("Is any exception past its clock?", {"overdue": True}),
        ("Whose exceptions were not acknowledged in time?", {"overdue": True}),
        ("Bei welchen Vorfällen ist die Frist schon abgelaufen?", {"overdue": True}),
        ("Which stops has nobody contained in time?", {"kind": "downtime", "overdue": True}),
        ("Exceptions whose time to respond is up?", {"overdue": True}),
        ("What exceptions should have been acknowledged by now?", {"overdue": True}),
        ("Show the overdue cases at Vat 4", {"equipment": "moss/dye/vat-4", "overdue": True}),
        ("Which exceptions are open and not overdue yet?", {}),
        ("Which late carrier exceptions are open?", {"kind": "late_carrier"}),
    ],
)
def test_a_question_about_exceptions_is_looked_up_in_the_ledger(text: str, arguments: dict[str, str]) -> None:
    found = [dict(call.arguments) for call in calls(text) if call.tool == "cases"]

    assert found == [arguments] * max(len(found), 1)


@pytest.mark.parametrize(
    "text",
    ["Who released hold H-30?", "wer hat die Sperre H-30 aufgehoben?", "Why did Vat 4 stop?", "What is happening?",
     "How often did Vat 4 stop last week?", "Is D-9 on hold?", "Which job orders are overdue?",
     "Welche Aufträge sind überfällig?"],
)  # fmt: skip
def test_a_question_about_what_happened_is_not(text: str) -> None:
    assert "cases" not in [call.tool for call in calls(text)]
