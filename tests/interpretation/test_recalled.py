"""What was told before and rests on records that changed since: found, explained, and only that."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lineside.interpretation.recalled import How, Told, recalled, recalls
from lineside.memory import Reader
from lineside.plant.plant import Person

NOW = "2026-03-10T12:00:00+01:00"
THEN = datetime.fromisoformat("2026-03-05T12:00:00+01:00")


def at(day, clock="08:00"):
    return f"2026-03-{day:02d}T{clock}:00+01:00"


@pytest.fixture
def record_of(remembered, foundry):
    """The memory of these events, and the ids of its records by the source's own ids, those taken back included."""

    def made(events, plant=foundry):
        memory = remembered(events, plant, NOW)
        with memory.read() as connection:
            rows = connection.exec_driver_sql("SELECT id, source_id FROM records WHERE part = 0").all()
        return memory, {source_id: record_id for record_id, source_id in rows}

    return made


def told(text, *cites, when=THEN, **rest):
    return Told(kind="answer", place="c#1", question="And CH-5?", as_of=when, claims=((text, cites),), **rest)


def test_a_status_that_became_another_overtakes_what_cited_it_and_a_new_word_for_it_does_not(scribe, record_of):
    free = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei", quantity={"value": 40, "unit": "kg"})
    same = scribe.report("labor", at(2), "lot:CH-6", quality_status="frei")
    scribe.report("labor", at(8), "lot:CH-5", quality_status="gesperrt")
    scribe.report("labor", at(8), "lot:CH-6", quality_status="unrestricted", quantity={"value": 39, "unit": "kg"})
    memory, ids = record_of(scribe.events)

    found = recalls(memory.view(), [told("CH-5 is unrestricted.", ids[free]), told("CH-6 is frei.", ids[same])])

    assert [(r.told.cites, [c.how for c in r.changes]) for r in found] == [((ids[free],), [How.OVERTAKEN])]
    assert "labor says gesperrt" in found[0].changes[0].now


def test_a_property_that_the_claim_does_not_speak_of_overtakes_nothing(scribe, record_of):
    said = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei", location="Halle 2")
    scribe.report("labor", at(8), "lot:CH-5", quality_status="gesperrt")
    memory, ids = record_of(scribe.events)

    assert recalls(memory.view(), [told("CH-5 lies in Halle 2.", ids[said])]) == []


@pytest.mark.parametrize(
    ("entity", "said", "found"),
    [
        ("equipment:giesserei-nord/formerei/linie-a", ("good_count", (100, 900)), False),
        ("equipment:giesserei-nord/formerei/linie-a", ("state", ("running", "stopped")), False),
        ("inventory:HZ-40@S1", ("quantity", (840, 790)), False),
        ("job_order:FA-1", ("quantity_good", (100, 130)), False),
        ("job_order:FA-1", ("quantity", (100, 130)), True),
        ("sales_order_line:A-1/10", ("promised_at", (at(9), at(12))), True),
        ("sales_order_line:A-1/10", ("promised_at", (at(9), "2026-03-09T07:00:00Z")), False),
        ("job_order:FA-1", ("revision", ("B", "C")), True),
    ],
)  # fmt: skip
def test_counters_run_on_and_what_is_agreed_is_overtaken(scribe, record_of, entity, said, found):
    name, values = said
    first = scribe.report("leitstand", at(2), entity, **{name: values[0]})
    scribe.report("leitstand", at(8), entity, **{name: values[1]})
    memory, ids = record_of(scribe.events)

    changed = recalls(memory.view(), [told(f"Its {name.replace('_', ' ')} was told.", ids[first])])

    assert bool(changed) is found


def test_a_correction_tells_the_old_claim_and_the_new_fact_and_a_deletion_its_reason(scribe, record_of):
    wrong = scribe.report("sap", at(2), "lot:CH-5", quantity={"value": 40, "unit": "kg"})
    gone = scribe.note("buch", at(3), "Ofen 2 ist undicht")
    first = scribe.correct(
        "sap", at(6), wrong, {"entity": "lot:CH-5", "properties": {"quantity": {"value": 45, "unit": "kg"}}}
    )
    scribe.correct("sap", at(7), first, {"entity": "lot:CH-5", "properties": {"quantity": {"value": 47, "unit": "kg"}}})
    scribe.delete("buch", at(7), gone)
    memory, ids = record_of(scribe.events)
    things = [told("CH-5 has 40 kg.", ids[wrong]), told("Ofen 2 is leaking.", ids[gone])]

    view = memory.view()
    found = recalls(view, things)
    text = " ".join(f.text for f in recalled(view, things, found).findings)
    between = recalls(memory.view(as_of=datetime.fromisoformat(at(6, "12:00"))), things)

    assert sorted(c.how for r in found for c in r.changes) == [How.CORRECTED, How.DELETED]
    assert 'it said "CH-5 has 40 kg", corrected at 2026-03-07 08:00 CET: now CH-5: quantity 47 kg' in text
    assert "took it back (never happened)" in text
    assert "now CH-5: quantity 45 kg" in between[0].changes[0].now


def test_what_was_known_when_it_was_told_changes_nothing(scribe, record_of):
    free = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    scribe.report("labor", at(4), "lot:CH-5", quality_status="gesperrt")
    scribe.delete("labor", at(4), scribe.note("labor", at(3), "x"))
    memory, ids = record_of(scribe.events)

    assert recalls(memory.view(), [told("CH-5 was unrestricted.", ids[free])]) == []


def test_late_news_of_the_time_before_the_answer_counts_once_it_is_heard(scribe, record_of):
    free = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    late = {"entity": "lot:CH-5", "properties": {"quality_status": "gesperrt"}}
    scribe.events.append(
        {"specversion": "1.0", "id": "late", "source": "labor", "type": "lineside.report", "time": at(4),
         "reportedat": at(8), "data": late}
    )  # fmt: skip
    memory, ids = record_of(scribe.events)
    claim = [told("CH-5 is unrestricted.", ids[free])]

    assert recalls(memory.view(as_of=datetime.fromisoformat(at(7))), claim) == []
    assert recalls(memory.view(), claim)[0].changes[0].since == datetime.fromisoformat(at(8))


def test_what_is_as_it_was_again_is_told_no_more(scribe, record_of):
    free = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    scribe.report("labor", at(7), "lot:CH-5", quality_status="gesperrt")
    scribe.report("labor", at(9), "lot:CH-5", quality_status="frei")
    memory, ids = record_of(scribe.events)
    claim = [told("CH-5 is unrestricted.", ids[free])]

    assert recalls(memory.view(as_of=datetime.fromisoformat(at(8))), claim)
    assert recalls(memory.view(), claim) == []


def test_a_released_hold_and_a_replaced_decision_overtake_their_records(scribe, record_of):
    placed = scribe.event("labor", at(2), "hold_placed", hold="SP-4", lot="CH-5")
    other = scribe.event("labor", at(2), "hold_placed", hold="SP-5", lot="CH-6")
    choice = scribe.decide("buch", at(2), "Wie schnell fährt Linie A?", "mit 80 %")
    scribe.event("labor", at(8), "hold_released", hold="SP-4", lot="CH-5")
    scribe.decide("buch", at(8), "Wie schnell fährt Linie A?", "mit 90 %")
    memory, ids = record_of(scribe.events)

    found = recalls(memory.view(), [told("Holds.", ids[placed], ids[other]), told("80 %.", ids[choice])])

    assert sorted(c.record for r in found for c in r.changes) == sorted((ids[placed], ids[choice]))


def test_a_reader_never_learns_of_what_they_may_not_read(scribe, record_of, foundry):
    free = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    secret = scribe.note("personal", at(3), "Zeugnis von A.")
    scribe.report("labor", at(8), "lot:CH-5", quality_status="gesperrt")
    scribe.delete("personal", at(8), secret)
    plant = (
        foundry + '\n[[sources]]\nname = "labor"\nreaders = ["qs"]\n[[sources]]\nname = "personal"\nreaders = ["hr"]\n'
    )
    memory, ids = record_of(scribe.events, plant)
    things = [told("CH-5 is frei.", ids[free]), told("Zeugnis.", ids[secret])]

    def seen(*roles):
        reader = Reader(Person(id="p", roles=roles, sites=("giesserei-nord",)))
        return {c.record for r in recalls(memory.view(reader=reader), things) for c in r.changes}

    assert seen() == set()
    assert seen("qs") == {ids[free]}
    assert seen("hr") == {ids[secret]}


def test_of_what_is_settled_only_what_was_taken_back_counts(scribe, record_of):
    free = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    note = scribe.note("buch", at(2), "Riss in CH-5")
    scribe.report("labor", at(8), "lot:CH-5", quality_status="gesperrt")
    scribe.delete("buch", at(8), note)
    memory, ids = record_of(scribe.events)

    changes = recalls(memory.view(), [told("", ids[free], ids[note], settled=True)])[0].changes

    assert [c.record for c in changes] == [ids[note]]


def test_the_reading_says_so_where_nothing_changed_or_nothing_was_told(scribe, record_of):
    free = scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    memory, ids = record_of(scribe.events)
    view = memory.view()

    assert recalled(view, [], []).missing
    assert "Nothing that you were told changed" in recalled(view, [told("frei", ids[free])], []).verdict
    assert recalls(view, [told("frei", ids[free], when=view.as_of + timedelta(hours=1))]) == []
