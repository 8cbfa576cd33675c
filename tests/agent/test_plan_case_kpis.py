"""Questions on how exceptions are worked find their figure, in English and German; others are left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lineside.agent.ask import Ask
from lineside.agent.plan_case_kpis import case_kpis_call

NOW = datetime(2026, 5, 6, 12, tzinfo=UTC)


def called(text: str) -> tuple[list[str], str | None] | None:
    found = case_kpis_call(Ask(text=text, at=NOW, intent=None, scores={}))
    if found is None:
        return None
    tool, asked = found
    assert tool == "exception_kpis"
    kpis, by = asked["kpis"], asked.get("by")
    assert isinstance(kpis, list)
    assert by is None or isinstance(by, str)
    return [str(each) for each in kpis], by


@pytest.mark.parametrize(
    ("text", "kpi"),
    [
        ("how long do exceptions stay open", "time_open"),
        ("How long do our exceptions take us to close?", "time_open"),
        ("Wie lange bleiben Ausnahmen im Schnitt offen?", "time_open"),
        ("how fast do we approve", "approval_latency"),
        ("Wie schnell genehmigen wir?", "approval_latency"),
        ("What is our approval latency?", "approval_latency"),
        ("median time to containment this week", "time_to_containment"),
        ("Mittlere Zeit bis zur Eindämmung diese Woche", "time_to_containment"),
        ("how long does it take to contain a stop", "time_to_containment"),
        ("How quickly do we acknowledge exceptions?", "time_to_acknowledge"),
        ("How old are the open exceptions?", "aging"),
        ("Wie alt sind unsere offenen Vorfälle?", "aging"),
        ("what is the touchless rate", "touchless_rate"),
        ("Wie schnell entscheiden wir?", "decision_latency"),
    ],
)
def test_a_question_finds_its_figure(text: str, kpi: str) -> None:
    assert called(text) == ([kpi], None)


@pytest.mark.parametrize(
    ("text", "by"), [("touchless rate by class", "class"), ("approval latency je Schicht", "shift"),
                     ("time to containment per week", "week")],
)  # fmt: skip
def test_what_is_to_stand_side_by_side_is_heard(text: str, by: str) -> None:
    found = called(text)
    assert found is not None
    assert found[1] == by


@pytest.mark.parametrize(
    "text",
    [
        "How long was Kiln 2 down last night?",
        "Which exceptions are open?",
        "How fast does the mixer run?",
        "Wie hoch ist die Verfügbarkeit?",
        "Who approved the deviation on L-7?",
        "What did we decide about the glaze?",
        "How long is the hold on L-7 still open?",
        "Wie lange dauert der Auftrag noch?",
        "What is the scrap rate by shift?",
        "Mean time to repair of Line 2",
        "How much rework was there on L-7?",
    ],
)
def test_other_questions_are_left_alone(text: str) -> None:
    assert called(text) is None
