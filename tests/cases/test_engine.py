"""One disturbance is one case, whenever one looks: flaps, late and corrected records, and looks that were missed."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.conftest import FILLER, LINE, at, instant, settled

from lineside.cases import State, ledger
from lineside.errors import StoreUnavailable


def stops(works):
    return [c for c in works.cases.list() if c.case_class == "downtime"]


def test_a_stop_becomes_a_case_with_an_owner_and_closes_when_the_line_runs_again(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    opened = dairy.run("09:01")

    (case,) = dairy.cases.list(only_open=True)
    assert (opened.opened, case.id, case.owner, case.role) == ((1,), "EXC-1", "meister-1", "supervisor")
    assert (case.began, case.state) == (instant("09:00"), State.NEW)

    dairy.scribe.event("leitstand", at("09:20"), "start", equipment=FILLER)
    dairy.run("09:21")

    (case,) = dairy.cases.list()
    assert (case.state, case.ended, case.closed_at) == (State.CLOSED, instant("09:20"), instant("09:20"))
    assert [t.move for t in dairy.cases.history(1)] == ["open", "close"]
    assert dairy.run("09:30").quiet


def test_a_line_and_its_unit_that_two_systems_tell_of_are_one_case(works):
    dairy = works()
    dairy.scribe.report("sps", at("09:00"), f"equipment:{LINE}", state="stopped")
    dairy.run("09:01")
    dairy.scribe.report("sps", at("09:00"), f"equipment:{FILLER}", state="stopped", reason="Becher klemmt")
    dairy.run("09:02")
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:03")

    (case,) = stops(dairy)
    assert str(case.subject) == f"equipment:{FILLER}"
    assert case.title == "Becherfüller 2 stands still: Becher klemmt"


def test_a_stop_whose_end_nobody_told_closes_by_the_record_that_shows_it_running(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("08:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.scribe.report("leitstand", at("08:20"), f"equipment:{FILLER}", state="running")
    dairy.run("08:30")

    (case,) = dairy.cases.list()
    assert (case.state, case.ended) == (State.CLOSED, instant("08:20"))
    (shown,) = [record for record, part in dairy.cases.evidence(case.number).items() if part == "closed"]
    assert dairy.cases.history(case.number)[-1].cites == (shown,)
    assert dairy.memory.view().records([shown])[shown].properties == {"state": "running"}


def test_what_flaps_is_one_case_and_what_comes_back_later_another(works):
    dairy = works()
    for begin, end in (("08:00", "08:05"), ("08:20", "08:25"), ("09:30", "09:40")):
        dairy.scribe.event("leitstand", at(begin), "stop", equipment=FILLER, reason="Becher klemmt")
        dairy.scribe.event("leitstand", at(end), "start", equipment=FILLER)
        dairy.run(end)

    first, second = sorted(stops(dairy), key=lambda c: c.began)
    assert (first.began, first.ended, second.began) == (instant("08:00"), instant("08:25"), instant("09:30"))
    moves = [t.move for t in dairy.cases.history(first.number) if t.move]
    assert moves == ["open", "close", "reopen", "close"]


def test_a_record_taken_back_withdraws_the_case_visibly_and_told_again_reopens_it(works):
    dairy = works()
    wrong = dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Probe")
    dairy.run("09:05")
    dairy.scribe.delete("leitstand", at("09:10"), wrong)
    dairy.run("09:15")

    (case,) = dairy.cases.list()
    assert case.state is State.WITHDRAWN
    assert dairy.cases.history(1)[-1].why == "the records that opened it were taken back"
    assert next(t.after for t in dairy.cases.history(1)) is State.NEW


def test_a_late_record_that_makes_one_of_two_leaves_one_case_that_stands(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("08:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.scribe.event("leitstand", at("08:10"), "start", equipment=FILLER)
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:05")
    assert len(stops(dairy)) == 2
    for begin, end in (("08:30", "08:35"), ("08:50", "08:55")):
        dairy.scribe.event("leitstand", at(begin), "stop", told=at("09:20"), equipment=FILLER, reason="Becher klemmt")
        dairy.scribe.event("leitstand", at(end), "start", told=at("09:20"), equipment=FILLER)
    dairy.run("09:30")

    standing = [c for c in stops(dairy) if c.state is not State.WITHDRAWN]
    assert [(c.began, c.ended) for c in standing] == [(instant("08:00"), None)]
    gone = next(c for c in stops(dairy) if c.state is State.WITHDRAWN)
    assert dairy.cases.history(gone.number)[-1].why == "it is the same disturbance as EXC-1"


def test_the_case_passes_to_the_next_shift_and_up_the_chain_each_once(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("13:30"), "stop", equipment=FILLER, reason="Getriebe")
    for clock in ("13:31", "13:46", "13:50", "14:01", "14:40", "15:00"):
        dairy.run(clock)

    (case,) = dairy.cases.list()
    story = [(t.kind, t.plant_at) for t in dairy.cases.history(1) if t.kind in ("owned", "escalated")]
    assert (case.owner, case.role, case.level, case.escalated_to) == ("meister-2", "supervisor", 2, "plan-1")
    assert story == [
        ("escalated", instant("13:46")), ("owned", instant("14:00")), ("escalated", instant("14:31")),
    ]  # fmt: skip


def test_a_case_is_told_as_it_stood_then(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:05")
    dairy.moves("meister-1").acknowledge(1)
    dairy.scribe.event("leitstand", at("10:00"), "start", equipment=FILLER)
    dairy.run("10:05")

    then = type(dairy.cases)(dairy.memory, as_of=instant("09:30"))

    assert [(c.state, c.ended) for c in then.list(only_open=True)] == [(State.ACKNOWLEDGED, None)]
    assert [c.state for c in dairy.cases.list()] == [State.CLOSED]
    assert len(then.history(1)) == 2


def test_a_run_that_a_later_look_overtook_changes_nothing(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER)
    dairy.scribe.event("leitstand", at("09:10"), "start", equipment=FILLER)
    dairy.run("09:20")

    assert dairy.run("09:05").overtaken
    assert [c.state for c in dairy.cases.list()] == [State.CLOSED]


PLACES = (FILLER, LINE, "molkerei-sued/abfuellung/linie-5")
minute = st.integers(0, 9 * 60)
stop = st.fixed_dictionaries(
    {"place": st.sampled_from(PLACES), "reason": st.sampled_from(("klemmt", "leer", "")), "start": minute,
     "lasts": st.integers(1, 90) | st.none(), "late": st.integers(0, 240), "lab": st.booleans(),
     "wrong": st.booleans()}
)  # fmt: skip


def written(dairy, plan):
    """What the plant's systems say of the plan; their events in the order of the plan."""
    first = instant("06:00")

    def when(minutes):
        return (first + timedelta(minutes=minutes)).isoformat()

    for number, each in enumerate(plan):
        begin, said = when(each["start"]), when(each["start"] + each["late"])
        if each["lab"]:
            dairy.scribe.event(
                "labor", begin, "hold_placed", told=said, lot=f"M-{number}", hold=f"S-{number}", reason="Keime"
            )
            if each["lasts"]:
                end = each["start"] + each["lasts"]
                told = when(end + each["late"])
                dairy.scribe.event(
                    "labor", when(end), "hold_released", told=told, lot=f"M-{number}", hold=f"S-{number}"
                )
            continue
        name = dairy.scribe.event("leitstand", begin, "stop", told=said, equipment=each["place"], reason=each["reason"])
        if each["lasts"]:
            end = each["start"] + each["lasts"]
            told = when(end + each["late"])
            dairy.scribe.event("leitstand", when(end), "start", told=told, equipment=each["place"])
        if each["wrong"]:
            dairy.scribe.delete("leitstand", when(each["start"] + each["late"] + 30), name)


@settings(max_examples=25)
@given(plan=st.lists(stop, max_size=6), data=st.data())
def test_looks_at_any_moments_in_any_order_of_arrival_and_broken_off_anywhere_end_in_the_same_cases(works, plan, data):
    once, often = works(), works()
    written(once, plan)
    written(often, plan)
    end = instant("06:00", "2026-03-04")
    once.run(end)
    events = list(often.scribe.events)
    often.told = len(events)
    order = data.draw(st.permutations(events))
    looks = sorted(data.draw(st.lists(st.integers(1, 900), max_size=5)))
    shares = [len(order) * (n + 1) // (len(looks) + 1) for n in range(len(looks))]
    kept = 0
    for minutes, share in zip(looks, shares, strict=True):
        often.keep(order[kept:share])
        kept = share
        moment: datetime = instant("06:00") + timedelta(minutes=minutes)
        broken_off(often, moment, after=data.draw(st.integers(0, 6)))
        often.run(moment)
    often.keep(order[kept:])
    often.run(end)

    assert settled(often.cases, owners=False) == settled(once.cases, owners=False)
    assert often.run(end).quiet


def broken_off(dairy, moment, *, after):
    """A run that fails after so many transitions: nothing of it is in the ledger."""
    written = []

    def failing(*args):
        if len(written) >= after:
            raise StoreUnavailable("pulled")
        written.append(args)
        return add(*args)

    before = dairy.cases.list()
    add, ledger.add = ledger.add, failing
    try:
        dairy.run(moment)
    except StoreUnavailable:
        assert dairy.cases.list() == before
    finally:
        ledger.add = add


@pytest.mark.parametrize("known", ["person", "records"])
def test_a_case_withdrawn_by_a_person_stays_so_whatever_the_records_say(works, known):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Probelauf")
    dairy.run("09:05")
    if known == "person":
        dairy.moves("meister-1").withdraw(1, why="Probelauf ohne Ware")
    dairy.scribe.event("leitstand", at("09:30"), "start", equipment=FILLER)
    dairy.run("10:00")

    (case,) = dairy.cases.list()
    assert case.state is (State.WITHDRAWN if known == "person" else State.CLOSED)
