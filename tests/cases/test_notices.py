"""What people are to hear of the cases: each once, by whoever is at work, and only what they may see."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.conftest import FILLER, at, instant

from lineside.cases import Cases
from lineside.cases.notices import heard, standing, unheard
from lineside.memory import Reader


def of(works, person):
    return Cases(works.memory, reader=Reader(works.memory.plant.person(person)))


def fresh(works, person, clock):
    works.now[0] = instant(clock)
    return [(n.case.id, n.kind) for n in unheard(of(works, person))]


@pytest.fixture
def stopped(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:05")
    return dairy


def test_the_owner_hears_of_a_new_case_until_it_was_shown_and_nobody_else_does(stopped):
    assert fresh(stopped, "meister-1", "09:06") == [("EXC-1", "opened")]
    assert fresh(stopped, "meister-1", "09:06") == [("EXC-1", "opened")]
    assert [fresh(stopped, each, "09:06") for each in ("meister-2", "schlosser-1", "gast", "fremd")] == [[], [], [], []]
    (notice,) = standing(of(stopped, "meister-1"))
    assert notice.text.startswith("EXC-1 is yours: Becherfüller 2 stands still: Becher klemmt")

    assert heard(of(stopped, "meister-1"), [notice.key, "EXC-1.99", "EXC-7.1"]) == 1
    assert heard(of(stopped, "meister-1"), [notice.key]) == 0
    assert fresh(stopped, "meister-1", "09:07") == []
    assert [n.key for n in standing(of(stopped, "meister-1"))] == [notice.key]


def test_who_has_no_right_to_a_notice_cannot_mark_it_as_heard(stopped):
    (notice,) = unheard(of(stopped, "meister-1"))
    assert heard(of(stopped, "gast"), [notice.key]) == 0
    assert fresh(stopped, "meister-1", "09:06") == [("EXC-1", "opened")]


def test_a_clock_that_runs_out_is_told_to_the_owner_and_to_whom_it_goes_each_once(stopped):
    heard(of(stopped, "meister-1"), [n.key for n in unheard(of(stopped, "meister-1"))])
    stopped.run("09:21")

    assert fresh(stopped, "meister-1", "09:22") == [("EXC-1", "escalated")]
    assert fresh(stopped, "schlosser-1", "09:22") == [("EXC-1", "escalated")]
    stopped.run("09:25")
    stopped.moves("schlosser-1").contain(1, why="Becher entfernt")
    assert fresh(stopped, "meister-1", "09:26") == []


def test_all_that_befell_a_case_before_its_owner_looked_is_told_in_one_line_in_its_order(stopped):
    stopped.run("12:50")

    (notice,) = unheard(of(stopped, "meister-1"))
    stopped.now[0] = instant("12:51")
    told = [t for t in of(stopped, "meister-1").history(1) if t.kind == "escalated"]
    assert len(told) > 1, "the clock ran out more than once"
    times = [f"escalated {t.plant_at.astimezone(stopped.memory.plant.time_zone):%H:%M}" for t in told]
    assert notice.text.endswith("; " + ", ".join(["opened 09:00", *times]) + ".")
    assert notice.tells == ("EXC-1.1", *(f"EXC-1.{t.number}" for t in told))


def test_what_comes_after_a_notice_was_shown_is_told_alone_though_the_notice_is_marked_later(stopped):
    (shown,) = unheard(of(stopped, "meister-1"))
    stopped.run("09:21")
    assert heard(of(stopped, "meister-1"), [shown.key]) == 1

    (notice,) = unheard(of(stopped, "meister-1"))
    assert (notice.kind, len(notice.tells)) == ("escalated", 1)
    assert "opened" not in notice.text


def test_the_next_shift_hears_that_it_has_the_case_and_the_last_one_is_left_alone(stopped):
    stopped.moves("meister-1").contain(1, why="Band steht sicher")
    stopped.run("14:01")

    assert fresh(stopped, "meister-2", "14:02") == [("EXC-1", "owned")]
    assert fresh(stopped, "meister-1", "14:02") == []


def test_what_is_for_somebody_off_shift_goes_to_who_has_the_role_now(stopped):
    stopped.moves("meister-1").assign(1, "meister-2")

    assert fresh(stopped, "meister-2", "09:10") == []
    assert fresh(stopped, "meister-1", "09:10") == [("EXC-1", "owned")]
    (notice,) = unheard(of(stopped, "meister-1"))
    assert notice.text.endswith("; for meister-2, who is off shift.")
    assert fresh(stopped, "meister-2", "14:05") == [("EXC-1", "owned")]


def test_what_somebody_did_to_their_own_case_is_no_news_to_them(stopped):
    stopped.moves("schlosser-1").assign(1, "schlosser-1")
    assert fresh(stopped, "schlosser-1", "09:10") == []
    assert fresh(stopped, "meister-1", "09:10") == []


def test_a_stop_that_flaps_is_told_once(stopped):
    heard(of(stopped, "meister-1"), [n.key for n in unheard(of(stopped, "meister-1"))])
    for start, stop in (("09:10", "09:14"), ("09:18", "09:25")):
        stopped.scribe.event("leitstand", at(start), "start", equipment=FILLER)
        stopped.run(start[:-1] + "9" if start.endswith("8") else start)
        assert fresh(stopped, "meister-1", start) == []
        stopped.scribe.event("leitstand", at(stop), "stop", equipment=FILLER, reason="Becher klemmt")
        stopped.run(stop)
        assert fresh(stopped, "meister-1", stop) == []


def test_what_is_over_is_no_news_and_what_a_person_opens_again_is(stopped):
    stopped.scribe.event("leitstand", at("09:20"), "start", equipment=FILLER)
    stopped.run("09:21")
    assert fresh(stopped, "meister-1", "09:22") == []
    stopped.moves("schlosser-1").reopen(1, why="läuft nur kurz")
    assert fresh(stopped, "meister-1", "09:23") == [("EXC-1", "reopened")]


@settings(max_examples=6)  # each look is a run of the whole engine
@given(looks=st.lists(st.integers(min_value=0, max_value=280), min_size=1, max_size=3))
def test_however_often_the_engine_looks_everything_is_heard_exactly_once(works, looks):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    told = []
    for minute in [*sorted(looks), 290]:
        clock = f"{9 + (minute // 60):02d}:{minute % 60:02d}"
        dairy.run(clock)
        for person in ("meister-1", "schlosser-1"):
            news = unheard(of(dairy, person))
            told += [(person, key) for n in news for key in n.tells]
            heard(of(dairy, person), [n.key for n in news])

    assert len(told) == len(set(told))
    assert ("meister-1", "EXC-1.1") in told
    assert all(fresh(dairy, person, "13:51") == [] for person in ("meister-1", "schlosser-1"))
