"""Questions for lists find their tool: what someone new needs to know is no handover of one shift."""

from __future__ import annotations

import pytest

from lineside.agent.plan import plan
from lineside.agent.question import understand

from .test_plan_cases import AT, NAMES


def tools(text: str) -> set[str]:
    return {call.tool for ask in understand(text, at=AT, names=NAMES) for call in plan(ask, NAMES).calls}


@pytest.mark.parametrize(
    "text",
    [
        "im new on the line, what do i need to know",
        "What do I need to know, being new here?",
        "Briefing for a new operator please",
        "Ich bin neu hier, was muss ich wissen?",
        "Was muss ein neuer Kollege wissen?",
        "Was muss ich wissen, um mich einzuarbeiten?",
    ],
)
def test_who_is_new_is_briefed(text):
    assert tools(text) == {"briefing"}


@pytest.mark.parametrize(
    "text",
    [
        "Give me the handover",
        "What is new since the handover?",
        "Was muss die nächste Schicht wissen?",
        "Brief me on last night",
        "What's new on the line?",
        "Welche neuen Aufträge gibt es?",
    ],
)
def test_who_asks_for_something_else_is_not(text):
    assert "briefing" not in tools(text)
