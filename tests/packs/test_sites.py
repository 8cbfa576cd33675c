"""A memory with records of two sites: each is read by its own packs, by the place asked about, or by who asks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.packs.conftest import RULE

from lineside.agent.parameters import Parameters
from lineside.agent.tools import Context
from lineside.agent.tools.context import tool
from lineside.app import Lineside, open_lineside, read_plant
from lineside.interpretation.facts import Facts
from lineside.interpretation.pack_files import in_force, under
from lineside.interpretation.reading import Reading
from lineside.interpretation.state_models import state_models
from lineside.packs.installing import install
from lineside.plant.packs import CORE
from lineside.plant.plant import Person

PLANT = """
site = "hafen"
time_zone = "Europe/Berlin"
site_packs = { nord = "bakeries" }

[[equipment]]
id = "hafen/halle/ofen-1"
name = "Ofen 1"

[[equipment]]
id = "nord/halle/ofen-9"
name = "Ofen 9"
"""


class Where(Parameters):
    equipment: str | None = None


@pytest.fixture
def lineside(home, make):
    (home / "plant.toml").write_text(PLANT, encoding="utf-8")
    install(home, read_plant(home), make(state_models=RULE))
    found = open_lineside(home)
    yield found
    found.close()


def read_by(lineside: Lineside, person: Person | None = None, **arguments: str) -> str:
    seen = []

    def run(context: Context, where: Where) -> Reading:
        Facts(context.view)
        seen.append(in_force().called)
        return Reading(verdict="seen")

    context = Context(memory=lineside.memory, view=lineside.memory.view(), asked="", person=person)
    tool("look", "", Where, run).call(context, arguments)
    return seen[0]


def test_the_place_that_is_asked_about_decides_then_who_asks_then_the_plant(lineside):
    north = Person(id="n", sites=("nord",))
    assert read_by(lineside) == "core"
    assert read_by(lineside, equipment="Ofen 9") == "core < bakeries 1.0.0"
    assert read_by(lineside, equipment="hafen/halle/ofen-1", person=north) == "core"
    assert read_by(lineside, person=north) == "core < bakeries 1.0.0"
    assert read_by(lineside, person=Person(id="b", sites=("nord", "hafen"))) == "core"
    assert in_force() is CORE


def test_readings_side_by_side_do_not_see_one_another_s_packs(lineside):
    together = threading.Barrier(8)
    packs = [CORE, lineside.plant.packs_at("nord")]

    def rules(turn: int) -> bool:
        with under(packs[turn % 2]):
            together.wait(timeout=20)
            return "cooling" in {rule.name for rule in state_models()["lot"].rules}

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(rules, range(8))) == [False, True] * 4


def test_a_reading_that_begins_anywhere_follows_the_plant_of_its_view(lineside):
    plant = replace(lineside.plant, packs=lineside.plant.packs_at("nord"), packs_by_site={})
    with under(CORE):
        Facts(replace(lineside.memory.view(), plant=plant, kept={}))
        assert in_force() is plant.packs
