"""Questions after things in a state find the list of them, whatever the wording; other questions don't."""

from __future__ import annotations

from datetime import datetime

import pytest

from lineside.agent.names import names_of
from lineside.agent.plan import plan
from lineside.agent.question import understand

NOW = "2026-03-10T14:00:00+01:00"
PLANT = """
site = "mühle"
time_zone = "Europe/Berlin"

[[equipment]]
id = "mühle/walzen/linie-4"
name = "Linie 4"
[[sources]]
name = "labor"
kind = "qms"
"""
LISTED = {
    "Which batches are on hold?": (["lot"], "blocked", None),
    "Sind Chargen gesperrt?": (["lot"], "blocked", None),
    "Show me every work order in progress": (["job_order"], "in_progress", None),
    "Welche Fertigungsaufträge sind fertig?": (["job_order"], "complete", None),
    "Welche Fertigungsaufträge auf Linie 4 sind gesperrt?": (["job_order"], "blocked", None),
    "which lots are complete but not released": (["lot"], "complete", "released"),
    "Welche Lose warten noch auf Freigabe?": (["lot"], "complete", None),
    "which customer orders are ready to ship": (["sales_order"], "shippable", None),
    "how many shipments have departed?": (["shipment"], "departed", None),
    "Which lots are released?": (["lot"], "released", None),
    "which machines are idle?": (["equipment"], "idle", None),
    "what is blocked?": (["job_order", "lot", "sales_order", "shipment"], "blocked", None),
}
OTHERWISE = {
    "Which orders look complete but are not?": "looks_complete",
    "Is M-7 blocked?": "state",
    "Why is Linie 4 behind?": "pace",
    "Where do the systems disagree on status?": "conflicts",
    "What changed since 06:00?": "changes",
}


@pytest.fixture
def record_events():
    data = {"entity": "lot:M-7", "properties": {"quality_status": "gesperrt"}}
    event = {"specversion": "1.0", "id": "1", "source": "labor", "type": "lineside.report", "time": NOW, "data": data}
    return [event]


def test_a_question_after_things_in_a_state_finds_the_list(remembered, record_events):
    memory = remembered(record_events, PLANT, NOW)
    names = names_of(memory.view())
    for question, (kinds, state, but_not) in LISTED.items():
        (ask,) = understand(question, at=datetime.fromisoformat(NOW), names=names)
        call = plan(ask, names).calls[0]
        found = (call.arguments.get("kinds"), call.arguments.get("state"), call.arguments.get("but_not"))
        assert (question, call.tool, *found) == (question, "by_state", kinds, state, but_not)
        assert ("equipment" in call.arguments) is ("Linie" in question)


def test_other_questions_keep_their_tool(remembered, record_events):
    names = names_of(remembered(record_events, PLANT, NOW).view())
    for question, tool in OTHERWISE.items():
        (ask,) = understand(question, at=datetime.fromisoformat(NOW), names=names)
        assert (question, plan(ask, names).calls[0].tool) == (question, tool)
