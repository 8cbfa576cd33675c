"""A role that nobody holds leaves no case in silence: the next one hears at once, and the installation says so."""

from tests.cases.conftest import DAIRY, FILLER, at, instant

from lineside.cases import Cases
from lineside.cases.classes import case_pack
from lineside.cases.notices import unheard
from lineside.cases.owners import unowned
from lineside.memory import Reader
from lineside.plant.plant_file import parse_plant

HEAD = """
[[people]]
id = "werk-1"
roles = ["Werkleiter"]
sites = ["molkerei-sued"]
"""
ALONE = DAIRY[: DAIRY.index("[[people]]")]


def hears(dairy, person):
    return [n.case.id for n in unheard(Cases(dairy.memory, reader=Reader(dairy.memory.plant.person(person))))]


def test_a_case_whose_role_nobody_holds_goes_to_the_next_role_at_once(works):
    dairy = works(ALONE + HEAD)
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:01")

    (case,) = dairy.cases.list()
    assert (case.owner, case.role) == ("werk-1", "plant_manager")
    assert hears(dairy, "werk-1") == ["EXC-1"]


def test_an_escalation_passes_over_a_role_that_nobody_holds(works):
    supervised = ALONE + HEAD + '[[people]]\nid = "meister-9"\nroles = ["Schichtleiter"]\n'
    dairy = works(supervised)
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:01")
    dairy.run("09:21")

    (case,) = dairy.cases.list()
    assert (case.owner, case.escalated_to) == ("meister-9", "werk-1"), "nobody is in maintenance"
    dairy.run("14:00")
    told = [t.changes["escalated_to"] for t in dairy.cases.history(1) if t.kind == "escalated"]
    assert told == ["werk-1"], "each hears once"


def test_where_nobody_holds_any_role_the_story_says_that_nobody_was_told(works):
    dairy = works(ALONE)
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:01")
    dairy.run("09:21")

    (case,) = dairy.cases.list()
    assert (case.owner, case.role, case.is_open) == (None, "supervisor", True)
    assert [t.why for t in dairy.cases.history(1) if t.kind == "escalated"] == [
        "not acknowledged in time: nobody has the role maintenance, so nobody is told"
    ]
    assert case.began == instant("09:00")


def test_who_hears_of_a_class_without_a_holder_is_told_in_a_sentence():
    pack = case_pack()
    stop = pack.classes["downtime"]
    assert unowned(pack, parse_plant(DAIRY), stop) == ""
    assert unowned(pack, parse_plant(ALONE + HEAD), stop) == (
        "nobody has the role supervisor or maintenance for downtime: such cases go to plant manager at once"
    )
    assert unowned(pack, parse_plant(ALONE), stop).endswith("nobody hears of such cases")
