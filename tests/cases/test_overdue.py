"""Which exceptions are overdue: those whose clock ran out, and no other; where none is, that is said."""

from tests.cases.conftest import FILLER, at

from lineside.cases.telling import overdue


def test_only_what_is_past_its_clock_is_told_with_who_has_it_and_that_none_is_is_said_too(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("08:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.scribe.event("labor", at("08:00"), "hold_placed", lot="M-1", hold="S-1", reason="Keime")
    dairy.run("08:01")
    hold, stop = sorted(dairy.cases.list(), key=lambda case: case.case_class != "quality_hold")
    told = overdue(dairy.cases, dairy.memory.view())
    assert told.verdict == "No open exception is past its time; 2 exceptions are open."
    assert [each.data["case"] for each in told.findings] == [stop.id]
    assert "it is to be acknowledged by 08:16 CET (in 15 min)" in told.findings[0].text

    dairy.run("08:40")
    told = overdue(dairy.cases, dairy.memory.view())
    assert told.data == {"cases": [stop.id], "open": 2}
    assert told.verdict.startswith(f"1 open exception is past its time, of 2 open; longest {stop.id}: ")
    assert told.verdict.endswith(", meister-1 (supervisor) has it.")
    assert "it was to be acknowledged by 08:16 CET (24 min ago)" in told.findings[0].text
    assert hold.id not in told.findings[0].text

    dairy.moves("meister-1").acknowledge(stop.id)
    told = overdue(dairy.cases, dairy.memory.view())
    assert told.data == {"cases": [], "open": 2}


def test_those_of_a_place_a_class_or_a_person_are_told_alone(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("08:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.scribe.event("labor", at("08:00"), "hold_placed", lot="M-1", hold="S-1", reason="Keime")
    dairy.run("08:01")
    dairy.run("13:30")
    view = dairy.memory.view()

    assert len(overdue(dairy.cases, view).findings) == 2
    assert overdue(dairy.cases, view, case_class="quality_hold").data["open"] == 1
    elsewhere = overdue(dairy.cases, view, place="molkerei-sued/abfuellung/linie-5")
    assert elsewhere.data == {"cases": [], "open": 0}
    assert [each.text for each in elsewhere.findings] == ["No open exception at Linie 5 is past its time."]
    assert len(overdue(dairy.cases, view, owner="qs-1").findings) == 1
