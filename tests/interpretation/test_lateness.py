"""A source that went quiet is told with what rests on it; another site's machines are not this plant's."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lineside.agent.tools import TOOLS, Context
from lineside.interpretation.lateness import with_lateness
from lineside.interpretation.reading import Finding, Kind, Reading
from lineside.interpretation.wording import rid
from lineside.plant.windows import Window

PLANT = """
site = "moulin"
name = "Le Moulin"
time_zone = "Europe/Paris"
[[equipment]]
id = "moulin/meules/meule-1"
name = "Meule 1"
[[shifts]]
name = "matin"
start = "06:00"
end = "14:00"
[[people]]
id = "chef-1"
sites = ["moulin"]
[[sources]]
name = "gpao"
kind = "mes"
cadence_s = 600
[[sources]]
name = "stock"
kind = "wms"
cadence_s = 600
"""
NOW = "2026-03-10T12:00:00+01:00"


def at(hour: int, minute: int = 0) -> str:
    return f"2026-03-10T{hour:02d}:{minute:02d}:00+01:00"


@pytest.fixture
def told(remembered):
    def tell(scribe, tool: str, **arguments):
        memory = remembered(scribe.events, plant=PLANT, now=NOW)
        view = memory.view(as_of=memory.clock())
        return TOOLS[tool].call(Context(memory=memory, view=view, asked="", person=None), arguments)

    return tell


def test_what_a_silent_source_said_is_told_with_its_silence(scribe, told):
    scribe.report("stock", at(11, 58), "lot:L-5", location="Q1")
    scribe.event("gpao", at(7), "stop", equipment="moulin/meules/meule-1", reason="courroie")

    silent = "gpao is silent (last heard at 2026-03-10 07:00 CET): what it says may be out of date."
    assert silent in told(scribe, "events", kinds=["stop"]).missing
    assert silent in told(scribe, "recall", text="courroie").missing


def test_nothing_found_may_be_a_silent_sources_doing(scribe, told):
    scribe.report("stock", at(7), "lot:L-5", location="Q1")
    scribe.report("gpao", at(11, 58), "job_order:OF-1", status="planned")

    reading = told(scribe, "departure")

    assert reading.findings == ()
    assert [m for m in reading.missing if m.startswith("stock is silent")]


def test_a_source_that_told_all_of_the_time_asked_about_needs_no_word(scribe, remembered):
    scribe.note("gpao", at(7), "courroie changée")
    scribe.note("gpao", at(9, 30), "tout va bien")
    memory = remembered(scribe.events, plant=PLANT, now=NOW)
    view = memory.view(as_of=memory.clock())
    finding = Finding(text="courroie", kind=Kind.CLAIMED, cites=(rid(view.notes()[0]),))
    early = Window(start=view.as_of - timedelta(hours=5), end=view.as_of - timedelta(hours=4))

    bare = Reading(verdict="courroie", findings=(finding,))

    assert with_lateness(view, replace(bare, window=early)).missing == ()
    assert len(with_lateness(view, bare).missing) == 1
    assert with_lateness(view, with_lateness(view, bare)) == with_lateness(view, bare)


def test_another_sites_machine_in_the_same_memory_is_not_this_plants(scribe, told):
    for source in ("gpao", "stock"):
        scribe.report(source, at(11, 58), "material:FARINE", description="farine")
    scribe.event("gpao", at(8), "stop", equipment="moulin/meules/meule-1", reason="courroie")
    scribe.event("gpao", at(9), "start", equipment="moulin/meules/meule-1")
    before = {tool: told(scribe, tool) for tool in ("now", "handover", "kpi", "bottleneck")}
    scribe.event("gpao", at(7), "stop", equipment="tisserie/salle/metier-9", reason="fil")
    scribe.event("gpao", at(7), "alarm", equipment="tisserie/salle/metier-9", text="fil")
    scribe.note("gpao", at(8), "Attention: danger, metier 9", equipment="tisserie/salle/metier-9")
    after = {tool: told(scribe, tool) for tool in before}

    assert after == before
    assert [f.data["group"] for f in told(scribe, "kpi", by="site").findings if "group" in f.data] == [
        "moulin",
        "tisserie",
    ]
    assert told(scribe, "events", equipment="tisserie/salle/metier-9").data["count"] == 2
