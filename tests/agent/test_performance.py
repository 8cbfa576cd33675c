# ruff: noqa: E501 - tables: one wording a line
"""Key figures and bottlenecks asked for in free words: which figures, of what, when, and side by side by what."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lineside.agent.ask import Ask, Names
from lineside.agent.cues import Intent
from lineside.agent.ids import Ids
from lineside.agent.places import Places
from lineside.agent.plan import plan
from lineside.agent.plan_pace import named
from lineside.agent.question import understand
from lineside.agent.topics import Topics
from lineside.plant.entities import Entity
from lineside.plant.plant_file import parse_plant

PLANT = parse_plant("""
site = "saline"
time_zone = "Europe/Berlin"
[[equipment]]
id = "saline/siederei/pfanne-2"
name = "Pfanne 2"
[[equipment]]
id = "saline/absackung/linie-8"
name = "Linie 8"
aliases = ["line 8"]
[[equipment]]
id = "saline/absackung/linie-8/waage"
name = "Waage 8"
[[shifts]]
name = "früh"
start = "06:00"
end = "14:00"
[[shifts]]
name = "spät"
start = "14:00"
end = "22:00"
[[shifts]]
name = "nacht"
start = "22:00"
end = "06:00"
""")
KNOWN = [Entity.parse("material:SALZ-25"), Entity.parse("sales_order:A-9")]
NAMES = Names(plant=PLANT, ids=Ids(KNOWN), places=Places(PLANT, KNOWN), topics=Topics(PLANT, []), sources=())
AT = datetime(2026, 5, 6, 10, 0, tzinfo=ZoneInfo("Europe/Berlin"))
LINE, PAN, SCALE = "saline/absackung/linie-8", "saline/siederei/pfanne-2", "saline/absackung/linie-8/waage"


def one(text: str) -> Ask:
    (ask,) = understand(text, at=AT, names=NAMES)
    return ask


def calls(text: str) -> list[tuple[str, dict[str, object]]]:
    return [(c.tool, dict(c.arguments)) for c in plan(one(text), NAMES).calls]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("OEE of line 8 last night", {"equipment": LINE, "measures": ["oee"], "window": "last night"}),
        ("Wie hoch war die OEE der Linie 8 gestern?", {"equipment": LINE, "measures": ["oee"], "window": "gestern"}),
        ("Verfügbarkeit und Leistungsgrad von Pfanne 2 heute", {"equipment": PAN, "measures": ["availability", "effectiveness"], "window": "heute"}),
        ("what is the technical efficiency of Linie 8?", {"equipment": LINE, "measures": ["technical_efficiency"]}),
        ("MTTR and MTBF of Waage 8 last 7 days", {"equipment": SCALE, "measures": ["mtbf", "mttr"], "window": "last 7 days"}),
        ("Ausschussquote je Schicht letzte Woche", {"measures": ["scrap_ratio"], "by": "shift", "window": "letzte Woche"}),
        ("OEE by crew", {"measures": ["oee"], "by": "crew"}),
        ("Auslastung Linie 8", {"equipment": LINE, "measures": ["utilization_efficiency"]}),
    ],
)  # fmt: skip
def test_figures_are_asked_for_by_their_names_in_both_languages(text, arguments):
    assert calls(text) == [("kpi", arguments)]


@pytest.mark.parametrize(
    "text",
    [
        "how did the night shift do against the early shift?",
        "Wie hat die Nachtschicht gegen die Frühschicht abgeschnitten?",
        "how did the night shift do against früh",
        "Vergleiche die Schichten",
    ],
)
def test_shifts_are_compared_by_figures(text):
    ask = one(text)

    assert ask.intent is Intent.KPI
    assert ask.windows or calls(text)[0][1]["by"] == "shift"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("welche Anlage ist der Engpass", {}),
        ("Where is the bottleneck?", {}),
        ("Which machine is the bottleneck on line 8 today?", {"equipment": LINE, "window": "today"}),
        ("Was ist der Flaschenhals auf Linie 8?", {"equipment": LINE}),
    ],
)
def test_a_bottleneck_is_sought_where_it_is_asked_for(text, arguments):
    assert calls(text) == [("bottleneck", arguments)]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Why is line 8 behind?", Intent.PACE),
        ("Wo landet Linie 8 bis Schichtende?", Intent.PACE),
        ("Where will line 8 end this shift?", Intent.PACE),
        ("how long did line 8 wait for material today", Intent.PACE),
        ("How many stops were there on line 8 last night?", Intent.TALLY),
        ("What did we decide in the last bottleneck of SALZ-25?", Intent.DECIDED),
        ("Can A-9 ship?", Intent.READINESS),
    ],
)
def test_other_questions_stay_what_they_are(text, intent):
    assert one(text).intent is intent


def test_the_longer_name_of_a_figure_wins_over_the_shorter_in_it():
    assert named("the technical efficiency and the scrap rate") == ["technical_efficiency", "scrap_ratio"]
    assert named("technischer Nutzungsgrad") == ["technical_efficiency"]
