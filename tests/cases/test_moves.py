"""What people may do to a case, in whose name, and that nobody closes one by hand."""

import pytest
from tests.cases.conftest import FILLER, LINE, at, instant

from lineside.cases import Cases, Severity, State
from lineside.errors import BadRequest, NotFound, NotPermitted
from lineside.memory import Reader


@pytest.fixture
def stopped(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:05")
    return dairy


def test_a_case_is_acknowledged_assigned_and_resolved_in_the_name_of_who_did_it(stopped):
    stopped.now[0] = instant("09:10")
    stopped.moves("meister-1").acknowledge("EXC-1")
    stopped.moves("meister-1").assign(1, "schlosser-1")
    stopped.now[0] = instant("09:30")
    case = stopped.moves("schlosser-1").resolve("exc-1", why="Fühler gereinigt")

    assert (case.state, case.owner, case.acknowledged_at) == (State.RESOLVED, "schlosser-1", instant("09:10"))
    assert [(t.move, t.by) for t in stopped.cases.history(1)] == [
        ("open", "records"), ("acknowledge", "meister-1"), ("assign", "meister-1"), ("resolve", "schlosser-1"),
    ]  # fmt: skip


def test_a_resolved_case_closes_only_when_the_records_prove_that_it_is_over(stopped):
    stopped.moves("meister-1").resolve(1, why="läuft gleich wieder")
    stopped.run("09:30")
    assert stopped.cases.show(1).state is State.RESOLVED

    stopped.scribe.event("leitstand", at("09:40"), "start", equipment=FILLER)
    stopped.run("09:45")

    case = stopped.cases.show(1)
    assert (case.state, case.closed_at) == (State.CLOSED, instant("09:40"))


def test_after_maintenance_a_stop_closes_only_with_a_good_check(stopped):
    stopped.scribe.event("wartung", at("09:10"), "maintenance_started", equipment=FILLER)
    stopped.scribe.event("leitstand", at("09:40"), "start", equipment=FILLER)
    stopped.run("09:50")
    case = stopped.cases.show(1)
    assert (case.state, case.contained_at) == (State.RESOLVED, instant("09:10"))
    stopped.scribe.event("wartung", at("10:00"), "restart_check", equipment=FILLER, result="failed")
    stopped.run("10:05")
    assert stopped.cases.show(1).state is State.RESOLVED

    proof = stopped.scribe.event("wartung", at("10:20"), "restart_check", equipment=FILLER, result="ok")
    stopped.run("10:25")

    case = stopped.cases.show(1)
    assert (case.state, case.closed_at) == (State.CLOSED, instant("10:20"))
    cited = stopped.memory.view().records(stopped.cases.history(1)[-1].cites)
    assert proof in {record.provenance.source_id for record in cited.values()}


@pytest.mark.parametrize("person", ["gast", "fremd"])
def test_who_has_no_role_of_the_class_at_the_site_may_not_move_it(stopped, person):
    with pytest.raises((NotPermitted, NotFound)):
        stopped.moves(person).withdraw(1, why="kein Stillstand")

    assert stopped.cases.show(1).state is State.NEW


def test_a_reason_must_be_given_and_a_state_must_allow_the_move(stopped):
    with pytest.raises(BadRequest, match="give a reason"):
        stopped.moves("meister-1").withdraw(1, why="  ")
    stopped.moves("meister-1").withdraw(1, why="Probelauf")
    with pytest.raises(BadRequest, match="is withdrawn"):
        stopped.moves("meister-1").acknowledge(1)
    with pytest.raises(BadRequest, match="nobody"):
        stopped.moves("meister-1").assign(1, "niemand-9")
    with pytest.raises(NotFound):
        stopped.moves("meister-1").acknowledge(99)


def test_what_a_person_reports_is_a_case_that_closes_with_a_record_of_what_came_of_it(works):
    dairy = works(now="10:00")
    case = dairy.moves("meister-1").open(title="Geländer an der Bühne lose, Unfallgefahr", place=LINE)
    assert (case.case_class, case.opened_by, case.owner, case.severity) == (
        "reported", "meister-1", "meister-1", Severity.CRITICAL,
    )  # fmt: skip
    with pytest.raises(BadRequest, match="EXC-1 stands for that already"):
        dairy.moves("meister-2").open(title="Geländer an der Bühne lose, Unfallgefahr", place=LINE)
    dairy.run("10:30")
    assert dairy.moves("meister-1").resolve(1, why="fest").state is State.RESOLVED
    dairy.moves("meister-1").reopen(1, why="wieder lose")
    note = dairy.scribe.note("notizen", at("10:40"), "Geländer geschweißt", equipment=LINE)
    dairy.run("10:45")
    (record,) = [r for r in dairy.memory.view().notes() if r.provenance.source_id == note]

    closed = dairy.moves("meister-1").resolve(1, why="geschweißt", cites=[record.provenance.record_id])

    assert (closed.state, closed.closed_at) == (State.CLOSED, instant("10:45"))
    assert dairy.run("11:00").quiet


def test_a_stop_reported_by_hand_is_the_same_case_when_the_machine_tells_of_it(works):
    dairy = works(now="09:02")
    dairy.moves("meister-1").open(title="Füller steht", case_class="downtime", subject=f"equipment:{FILLER}")
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:05")

    (case,) = dairy.cases.list()
    assert (case.began, case.opened_by) == (instant("09:00"), "meister-1")


def test_nobody_sees_a_case_whose_records_are_closed_to_them(works):
    dairy = works()
    closed = dairy.memory.plant.sources[1]
    assert closed.name == "labor"
    dairy.scribe.event("labor", at("09:00"), "hold_placed", lot="M-1", hold="S-1", reason="Keime")
    dairy.run("09:05")
    stranger = dairy.memory.plant.person("fremd")

    assert [c.id for c in Cases(dairy.memory, reader=Reader(dairy.memory.plant.person("gast"))).list()] == ["EXC-1"]
    assert Cases(dairy.memory, reader=Reader(stranger)).list() == []
    with pytest.raises(NotFound):
        Cases(dairy.memory, reader=Reader(stranger)).show(1)
