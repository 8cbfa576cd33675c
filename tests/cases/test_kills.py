"""Kill -9 on both sides of every commit and before every transition: no case and no transition is lost or doubled."""

import signal
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.cases.conftest import DAIRY, FILLER, LINE, Works, at, instant, settled
from tests.cases.killed import in_a_child

from lineside.cases import run
from lineside.cases.tables import case_evidence, case_looks, case_transitions, cases
from lineside.memory import Memory
from lineside.plant.plant_file import parse_plant


@pytest.mark.slow
def test_a_kill_at_any_point_loses_and_doubles_no_transition(store_url):
    now, start = [instant("06:00")], instant("06:00")
    memory = Memory.open(store_url, index_dir=None, plant=parse_plant(DAIRY), clock=lambda: now[0], migrate=True)
    dairy = Works(memory, now)
    for begin, end in (("06:30", "07:10"), ("08:30", "08:40")):
        dairy.scribe.event("leitstand", at(begin), "stop", equipment=FILLER, reason="Becher klemmt")
        dairy.scribe.event("leitstand", at(end), "start", equipment=FILLER)
    dairy.scribe.event("leitstand", at("09:10"), "stop", equipment=LINE, reason="Strom")
    dairy.scribe.event("labor", at("07:30"), "hold_placed", lot="M-1", hold="S-1", reason="Keime")
    dairy.tell()
    memory.close()
    points, ended = in_a_child(store_url, DAIRY, start)
    assert ended == 0
    whole = settled(dairy.cases)
    assert (points > 20, len(whole)) == (True, 4)

    first = 1 if "sqlite" in store_url else 2  # a half each: both kinds of store die at every other point
    for point in range(first, points + 1, 2):
        with memory.write() as connection:
            for table in (case_evidence, case_transitions, cases, case_looks):
                connection.execute(table.delete())
        memory.close()
        assert in_a_child(store_url, DAIRY, start, point) == (point, signal.SIGKILL)
        now[0] = start + timedelta(hours=4)
        whole_stories(dairy)
        run(memory)
        assert run(memory).quiet

        assert settled(dairy.cases) == whole, point
        whole_stories(dairy)
    memory.close()


def whole_stories(dairy: Works) -> None:
    """Each case has all of its transitions, from the first to the one that it stands at, and no other."""
    found = dairy.cases.list()
    stories = dairy.cases.histories(found)
    for case in found:
        assert [t.number for t in stories[case.number]] == list(range(1, case.version + 1))
    with dairy.memory.read() as connection:
        kept = connection.execute(text("SELECT number, version FROM cases ORDER BY number")).all()
        told = connection.execute(
            text("SELECT case_number, count(*) FROM case_transitions GROUP BY case_number ORDER BY case_number")
        ).all()
    assert [tuple(row) for row in kept] == [tuple(row) for row in told]
