"""Which questions ask who or what is to blame, in English and German, and which only sound so."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from lineside.agent.ask import Ask
from lineside.agent.cues import Intent
from lineside.agent.plan_patterns import pattern_call
from lineside.plant.entities import Entity
from lineside.plant.plant_file import parse_plant

PLANT = parse_plant(
    """
site = "harrow"
time_zone = "Europe/London"
[[shifts]]
name = "early"
start = "06:00"
end = "14:00"
[[shifts]]
name = "late"
start = "14:00"
end = "22:00"
[[shifts]]
name = "dog watch"
aliases = ["night"]
start = "22:00"
end = "06:00"
[[roster]]
week = "2026-W10"
early = "crew-c"
late = "jade"
"""
)


def called(text, *, intent=None, **rest):
    ask = Ask(text=text, at=datetime(2026, 3, 5, tzinfo=UTC), intent=intent, scores={}, **rest)
    return pattern_call(ask, SimpleNamespace(plant=PLANT))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("is crew C worse", {"dimension": "crew", "level": "crew-c"}),
        ("do we have more jams when jade is on?", {"dimension": "crew", "level": "jade"}),
        ("Ist die Mannschaft C anfälliger?", {"dimension": "crew", "level": "crew-c"}),
        ("Liegt das an der Mannschaft?", {"dimension": "crew"}),
        ("hat das mit dem Material zu tun", {"dimension": "material"}),
        ("does it have anything to do with the material", {"dimension": "material"}),
        ("Hängt das mit dem Werkzeug zusammen?", {"dimension": "tool"}),
        ("is it down to the supplier", {"dimension": "supplier"}),
        ("is the night shift worse than the others", {"dimension": "shift", "level": "dog watch"}),
        ("Ist die Nachtschicht schlechter?", {"dimension": "shift", "level": "dog watch"}),
        ("does it stop more often after a changeover", {"dimension": "after_changeover", "level": "soon"}),
        ("Passiert das öfter nach dem Umrüsten?", {"dimension": "after_changeover", "level": "soon"}),
    ],
)
def test_a_question_on_blame_names_the_dimension_and_the_level(text, wanted):
    assert called(text) == ("set_apart", wanted)


@pytest.mark.parametrize(
    "text",
    [
        "which crew had the most stops",
        "which shift performed best",
        "Welche Schicht hatte die meisten Stillstände?",
        "was the output of crew C worse than yesterday",
        "who is on shift tonight",
        "Warum hängt Linie 2 zurück?",
        "what repeats across shifts",
        "Which lots of this material are blocked?",
    ],
)
def test_counts_figures_and_lists_are_left_to_their_own_tools(text):
    assert called(text) is None


def test_a_decision_or_a_hold_is_not_a_question_on_blame():
    assert called("who decided that the material is to blame", intent=Intent.DECIDED) is None
    assert called("put L-7 on hold because of the supplier", intent=Intent.PROPOSE) is None


def test_the_place_the_material_and_the_words_left_over_narrow_it():
    _, arguments = called(
        "has the seal jam on press 2 to do with B-2 material",
        places=("harrow/tablets/press-2",),
        topic=("seal", "jam", "material"),
        entities=(Entity("material", "B-2"),),
    )

    assert arguments == {
        "dimension": "material", "level": "B-2", "equipment": "harrow/tablets/press-2", "reason": "seal jam",
    }  # fmt: skip
