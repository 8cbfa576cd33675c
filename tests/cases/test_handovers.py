"""Handovers are kept: signed off once, acknowledged item by item by who may, and what comes late is told as such."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime

import pytest
from sqlalchemy import func, select
from tests.cases.conftest import DAIRY, DAY, FILLER, LINE, Works, at, instant
from tests.cases.killed import Points

from lineside.cases.handover_document import Standing
from lineside.cases.handover_ledger import Handovers
from lineside.cases.handover_rights import parse
from lineside.cases.handover_tables import handover_acknowledgements, handover_entries, handover_lines, handovers
from lineside.errors import AlreadyDecided, BadRequest, BadSettings, NotFound, NotPermitted, ProposalStale
from lineside.interpretation.handover_draft import Section
from lineside.memory import Memory, Reader
from lineside.plant.plant_file import parse_plant


def early(dairy: Works):
    """Tells of an early shift, and stands at its end."""
    dairy.scribe.event("leitstand", at("06:30"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.scribe.event("leitstand", at("07:10"), "start", equipment=FILLER)
    dairy.scribe.event("leitstand", at("13:10"), "stop", equipment=LINE, reason="Strom")
    dairy.scribe.event("labor", at("07:30"), "hold_placed", lot="M-1", hold="S-1", reason="Keime")
    dairy.scribe.note("leitstand", at("12:00"), "Becherfüller neu eingestellt, hat nicht geholfen", equipment=FILLER)
    dairy.tell()
    dairy.now[0] = instant("14:05")
    return slot_of(dairy)


def slot_of(dairy: Works):
    return Handovers(dairy.memory).calendar.slot("früh", date.fromisoformat(DAY))


def of(dairy: Works, person: str):
    known = dairy.memory.plant.person(person)
    return known, Handovers(dairy.memory, reader=Reader(known))


def line(document, words: str):
    (found,) = [each for each in document.lines if words in each.item.text]
    return found


@pytest.fixture
def dairy(works):
    return works()


def test_the_outgoing_shift_signs_off_and_the_incoming_acknowledges_each_item_once(dairy):
    slot = early(dairy)
    (first, mine), (second, theirs) = of(dairy, "meister-1"), of(dairy, "meister-2")
    added = mine.add(first, slot, "Ersatzbecher liegen in Halle 2", section=Section.LEAVE)
    assert mine.add(first, slot, "Ersatzbecher  liegen in Halle 2", section=Section.LEAVE) == added
    mine.comment(first, slot, "Elektriker kommt um 15 Uhr", item=line(mine.show(slot), "Strom").id)
    before = mine.show(slot)
    signed = mine.sign(first, slot, seen=before.digest)

    assert (before.signed_at, list(before.waiting)) == (None, [])
    assert (signed.signed_by, {each.standing for each in signed.lines}) == ("meister-1", {Standing.SIGNED})
    assert line(signed, "Strom").remarks[0].text == "Elektriker kommt um 15 Uhr"
    for each in signed.waiting:
        theirs.acknowledge(second, slot, each.id, seen=each.digest)
    taken = theirs.show(slot)
    assert [each.item.text for each in taken.waiting if each.item.section is not Section.FEEDS] == []
    assert {each.acknowledged_by for each in taken.lines} == {"meister-2"}
    assert line(taken, "Halle 2").item.by == "meister-1"
    assert theirs.acknowledge(second, slot, added).acknowledged_at == line(taken, "Halle 2").acknowledged_at
    (kept,) = [k for k in theirs.shifts(slot.start, slot.end) if k.slot == slot]
    assert kept.signed_by == "meister-1"


def test_who_has_no_right_is_refused(dairy):
    slot = early(dairy)
    first, mine = of(dairy, "meister-1")
    with pytest.raises(NotPermitted, match="supervisor"):
        mine.sign(dairy.memory.plant.person("lager-1"), slot)
    with pytest.raises(NotPermitted, match="nobody of"):
        mine.add(dairy.memory.plant.person("fremd"), slot, "hallo")
    with pytest.raises(NotPermitted, match="another crew"):
        mine.sign(dairy.memory.plant.person("meister-2"), slot)
    some = mine.show(slot).lines[0].id
    with pytest.raises(BadRequest, match="not signed off yet"):
        mine.acknowledge(dairy.memory.plant.person("meister-2"), slot, some)
    mine.sign(first, slot)
    with pytest.raises(NotPermitted, match="own crew"):
        mine.acknowledge(first, slot, some)
    with pytest.raises(NotPermitted):
        mine.acknowledge(dairy.memory.plant.person("gast"), slot, some)
    with pytest.raises(NotFound):
        mine.acknowledge(dairy.memory.plant.person("meister-2"), slot, "nothing")
    with pytest.raises(BadRequest):
        mine.add(first, slot, "   ")
    with pytest.raises(BadRequest):
        mine.add(first, slot, "gut gelaufen", section=Section.PERFORMANCE)


def test_what_comes_in_after_the_sign_off_is_told_as_such_and_waits_anew(dairy):
    slot = early(dairy)
    (first, mine), (second, theirs) = of(dairy, "meister-1"), of(dairy, "meister-2")
    for each in mine.sign(first, slot).waiting:
        theirs.acknowledge(second, slot, each.id)
    old = line(theirs.show(slot), "Becher klemmt")
    dairy.now[0] = instant("17:00")
    late = at("16:30")
    dairy.scribe.event("leitstand", at("11:00"), "stop", told=late, equipment=FILLER, reason="Becher klemmt")
    dairy.scribe.event("leitstand", at("11:30"), "start", told=late, equipment=FILLER)
    dairy.scribe.event("leitstand", at("09:00"), "nonconformity", told=late, lot="M-2", text="Deckel undicht")
    dairy.scribe.delete("leitstand", late, "leitstand-5")
    dairy.tell()
    found = theirs.show(slot)

    again = line(found, "Becher klemmt")
    assert (again.id, again.standing, again.acknowledged_at) == (old.id, Standing.CHANGED, None)
    assert (again.was, again.item.late) == (old.item.text, True)
    assert line(found, "M-2").standing is Standing.CAME
    (gone,) = [each for each in found.lines if each.standing is Standing.GONE]
    assert (gone.item.section, "geholfen" in gone.item.text, gone.item.cites) == (Section.FAILED, False, ())
    assert {each.id for each in found.waiting} == {again.id, line(found, "M-2").id, gone.id}
    with pytest.raises(ProposalStale):
        theirs.acknowledge(second, slot, again.id, seen=old.digest)
    for each in found.waiting:
        theirs.acknowledge(second, slot, each.id, seen=each.digest)
    assert not theirs.show(slot).waiting
    then = Handovers(dairy.memory, as_of=instant("14:10")).show(slot)
    assert {each.standing for each in then.lines} == {Standing.SIGNED}


def test_an_exception_that_a_person_reported_and_its_owner_stand_in_it(dairy):
    slot = early(dairy)
    dairy.now[0] = instant("12:30")
    dairy.run()
    dairy.moves("lager-1").open(title="Stapler verliert Öl", place=LINE)
    dairy.now[0] = instant("14:05")
    found = Handovers(dairy.memory).show(slot)

    reported = line(found, "Stapler")
    assert (reported.item.section, reported.item.by) == (Section.NEW, "lager-1")
    assert line(found, "S-1").item.owner == "qs-1"


def test_an_exception_that_is_no_event_stands_in_it_once_and_one_that_is_has_no_second_line(dairy):
    dairy.scribe.report(
        "wawi", at("06:10"), "purchase_order_line:B-7/1", material="ZUCKER", eta=at("18:00"), status="open"
    )
    dairy.scribe.report("wawi", at("09:00"), "purchase_order_line:B-7/1", eta=at("18:00", "2026-03-05"), status="open")
    slot = early(dairy)
    dairy.run()
    found = Handovers(dairy.memory).show(slot)

    carrier = line(found, "B-7/1")
    assert (carrier.item.section, carrier.item.case is None) == (Section.NEW, False)
    assert line(found, "Becher klemmt").item.case
    assert line(found, "Strom").item.case
    assert [each.item.key for each in found.lines if each.item.key.startswith("case ")] == [carrier.item.key]


def test_who_may_not_read_a_source_does_not_read_of_it_here(works):
    secret = works(DAIRY.replace('kind = "qms", owner = "qs-1"', 'kind = "qms", owner = "qs-1", readers = ["Labor"]'))
    slot = early(secret)
    _, theirs = of(secret, "meister-2")

    assert not [each for each in theirs.show(slot).lines if "S-1" in each.item.text or "labor" in each.item.text]
    assert line(Handovers(secret.memory).show(slot), "S-1")


def test_two_at_once_sign_off_and_acknowledge_once(store_url):
    twins = DAIRY.replace('id = "gast"\nroles = ["guest"]', 'id = "gast"\nroles = ["Schichtleiter"]')
    now = [instant("06:00")]
    memory = Memory.open(store_url, index_dir=None, plant=parse_plant(twins), clock=lambda: now[0], migrate=True)
    dairy = Works(memory, now)
    slot = early(dairy)
    people = [memory.plant.person("meister-1"), memory.plant.person("gast")]

    def sign(person):
        try:
            return Handovers(memory).sign(person, slot).signed_by
        except AlreadyDecided:
            return None

    with ThreadPoolExecutor(4) as pool:
        signed = list(pool.map(sign, people * 2))
    (winner,) = {each for each in signed if each}
    assert signed.count(winner) == 2
    other = next(p for p in (memory.plant.person("meister-2"), people[1]) if p.id != winner)
    rival = memory.plant.person("meister-2")
    one = Handovers(memory).show(slot).lines[0].id

    def acknowledge(person):
        try:
            return Handovers(memory).acknowledge(person, slot, one).acknowledged_by
        except AlreadyDecided:
            return None

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(acknowledge, [other, rival, other, rival]))
    assert len({each for each in done if each}) == 1
    with memory.read() as connection:
        assert connection.scalar(select(func.count()).select_from(handover_acknowledgements)) == 1
    memory.close()


def test_a_kill_at_any_point_loses_and_doubles_nothing(store_url):
    now = [instant("06:00")]
    memory = Memory.open(store_url, index_dir=None, plant=parse_plant(DAIRY), clock=lambda: now[0], migrate=True)
    slot = early(Works(memory, now))
    memory.close()
    passed, ended = 0, signal.SIGKILL
    while ended:
        passed += 1
        ended = in_a_child(store_url, slot, now[0], passed)
        assert ended in (0, signal.SIGKILL)
    assert passed > 10

    found = Handovers(memory).show(slot)
    assert not found.waiting
    assert [each.item.text for each in found.lines if each.item.by] == ["Pumpe läuft trocken"]
    with memory.read() as connection:
        tables = (handovers, handover_entries, handover_lines, handover_acknowledgements)
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in tables]
    assert counts == [1, 2, len(found.lines), len(found.lines)]
    memory.close()


def in_a_child(url: str, slot, now: datetime, armed: int) -> int:
    """The signal that ended a process which hands over and was killed at that point; 0 where it came to its end."""
    child = os.fork()
    if child == 0:
        try:
            walk(url, slot, now, Points(armed, os.open(os.devnull, os.O_WRONLY)))
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def walk(url: str, slot, now: datetime, points: Points) -> None:
    memory = Memory.open(url, index_dir=None, plant=parse_plant(DAIRY), clock=lambda: now)
    write = memory.write

    @contextmanager
    def watched():
        points.reach()
        with write() as connection:
            yield connection
            points.reach()
        points.reach()

    memory.write = watched  # type: ignore[method-assign]
    first, second = memory.plant.person("meister-1"), memory.plant.person("meister-2")
    ours = Handovers(memory)
    ours.add(first, slot, "Pumpe läuft trocken")
    ours.comment(first, slot, "ruhige Schicht")
    for each in ours.sign(first, slot).lines:
        ours.acknowledge(second, slot, each.id)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"version": "1", "rights": {"add": [], "sign": "meister", "acknowledge": []}}, "rights.sign"),
        ({"version": "1", "rights": {"add": [], "sign": []}}, "rights.acknowledge"),
        ({"version": "1", "rights": {"add": [], "sign": [], "acknowledge": [], "burn": []}}, "rights.burn"),
        ({"version": "1", "rights": {}, "wrong": 1}, "wrong"),
    ],
)
def test_a_wrong_file_of_rights_is_refused_with_its_key(data, key):
    with pytest.raises(BadSettings) as refused:
        parse("site/handover.toml", data)
    assert refused.value.fields["key"] == key


def test_of_two_records_that_end_one_thing_at_one_moment_the_later_told_one_changes_nothing(works):
    drafts = []
    for late in ("disposition", "hold_released"):
        dairy = works()
        dairy.scribe.event("labor", at("08:00"), "nonconformity", lot="M-1", reason="Keime")
        for kind in ("disposition", "hold_released"):
            told = at("11:00") if kind == late else at("09:05")
            dairy.scribe.event("labor", at("09:00"), kind, told, lot="M-1", result="frei")
        dairy.tell()
        dairy.now[0] = instant("14:05")
        drafts.append([each.item.digest for each in Handovers(dairy.memory).show(slot_of(dairy)).lines])

    assert drafts[0] == drafts[1]
