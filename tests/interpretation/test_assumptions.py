"""Assumptions as predicates: given as objects, in the exact form, or as free text; followed through time."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.interpretation.assumptions import Holding, check, course
from lineside.interpretation.authority import Right, right
from lineside.interpretation.decision_words import decision_words, read_words
from lineside.interpretation.expected import Came, compare
from lineside.interpretation.force import standing_decisions
from lineside.interpretation.standing import broken, decided, in_force

NOW = "2026-03-10T12:00:00+01:00"
LINE = "giesserei-nord/formerei/linie-a"


def at(day, clock="08:00"):
    return f"2026-03-{day:02d}T{clock}:00+01:00"


def moment(text):
    return datetime.fromisoformat(text)


@pytest.fixture
def foundry_view(remembered, scribe, foundry):
    scribe.report("labor", at(2), "lot:CH-5", quality_status="gesperrt")
    scribe.report("labor", at(2), "lot:CH-6", quality_status="frei")
    scribe.report("sap", at(2), "inventory:HZ-40@S1", "silo", quantity={"value": 250, "unit": "kg"})
    scribe.report("sap", at(2), "purchase_order_line:BE-77/1", eta="2026-03-11T10:00:00+01:00", status="bestellt")
    scribe.report("sap", at(2), "purchase_order_line:BE-78/1", eta="2026-03-09T10:00:00+01:00", status="bestellt")
    scribe.report("leitstand", at(2), f"equipment:{LINE}", state="running")
    scribe.report("labor", at(3), "hold:SP-4", subject="lot:CH-5", reason="Riss", status="aktiv")
    return remembered(scribe.events, foundry, NOW).view()


@pytest.mark.parametrize(
    ("text", "holding"),
    [
        ("CH-5 is still blocked", Holding.HOLDS),
        ("as long as lot CH-5 is blocked by the lab", Holding.HOLDS),
        ("solange Charge CH-5 gesperrt ist", Holding.HOLDS),
        ("sofern CH-5 nicht mehr gesperrt ist", Holding.BROKEN),
        ("bis die Charge CH-5 gesperrt ist", Holding.BROKEN),
        ("no hold on lot CH-6", Holding.HOLDS),
        ("kein Sperrvermerk auf CH-5", Holding.BROKEN),
        ("active holds on lot CH-5 in labor: none", Holding.BROKEN),
        ("quality status of lot CH-6 in labor: unrestricted", Holding.HOLDS),
        ("at least 200 kg of HZ-40 in stock", Holding.HOLDS),
        ("mindestens 300 kg HZ-40 auf Lager", Holding.BROKEN),
        ("BE-77/1 arrives by 2026-03-12", Holding.HOLDS),
        ("BE-77/1 kommt bis 10.03.2026", Holding.BROKEN),
        ("BE-78/1 arrives by 2026-03-09", Holding.BROKEN),
        ("Linie A läuft", Holding.HOLDS),
        ("Linie A steht still", Holding.BROKEN),
        ("CH-5 is blocked and CH-6 is released", Holding.HOLDS),
        ("CH-5 is blocked and CH-6 is blocked", Holding.BROKEN),
        ("CH-5 is blocked and the customer agrees", Holding.UNCHECKABLE),
        ("CH-5 is blocked or CH-6 is", Holding.UNCHECKABLE),
        ("if CH-5 is blocked we wait", Holding.UNCHECKABLE),
        ("CH-5 is free of charge", Holding.UNCHECKABLE),
        ("the film is not qualified", Holding.UNCHECKABLE),
        (json.dumps({"entity": "lot:CH-6", "property": "quality_status", "op": "eq", "value": "free"}), Holding.HOLDS),
        (json.dumps({"entity": "inventory:HZ-40@S1", "property": "quantity", "scope": "silo", "op": "<",
                     "value": {"value": 0.2, "unit": "t"}}), Holding.BROKEN),
        (json.dumps({"entity": "lot:CH-99", "property": "quality_status", "value": "free"}), Holding.UNKNOWN),
        (json.dumps({"property": "quality_status", "value": "free"}), Holding.UNCHECKABLE),
        ("lot:CH-99 quality_status = blocked", Holding.UNKNOWN),
    ],
)  # fmt: skip
def test_what_is_safely_a_predicate_is_checked_and_nothing_else(foundry_view, text, holding):
    assert check(text, said_at=moment(at(3)), view=foundry_view).holding is holding


def test_an_object_is_told_by_its_own_text_and_never_as_json(remembered, scribe, foundry):
    told = {"entity": "lot:CH-5", "property": "quality_status", "value": "frei", "text": "Die Charge bleibt frei"}
    bare = {"entity": "lot:CH-5", "property": "quality_status", "op": "ne", "value": "blocked"}
    scribe.report("labor", at(2), "lot:CH-5", quality_status="gesperrt")
    scribe.decide("buch", at(2, "09:00"), "CH-5?", "verwenden", assumptions=[told, bare], decided_by="leiter-2")

    reading = broken(remembered(scribe.events, foundry, NOW).view())

    text = " ".join(f.text for f in reading.findings)
    assert '"Die Charge bleibt frei" no longer holds' in text
    assert '"lot:CH-5 quality_status != blocked" no longer holds' in text
    assert "{" not in text


def test_it_is_told_when_an_assumption_broke_by_which_record_and_when_it_held_again(remembered, scribe, foundry):
    scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    scribe.decide("buch", at(3), "Womit gießen?", "mit CH-5", assumptions=["lot:CH-5 quality_status = unrestricted"])
    scribe.report("labor", at(5), "lot:CH-5", quality_status="gesperrt")
    scribe.report("labor", at(7), "lot:CH-5", quality_status="frei")
    memory = remembered(scribe.events, foundry, NOW)
    text = "lot:CH-5 quality_status = unrestricted"

    spans = course(text, said_at=moment(at(3)), view=memory.view())
    while_broken = broken(memory.view(as_of=moment(at(6))))
    after = broken(memory.view())

    assert [(s.since, s.holding) for s in spans] == [
        (moment(at(3)), Holding.HOLDS), (moment(at(5)), Holding.BROKEN), (moment(at(7)), Holding.HOLDS),
    ]  # fmt: skip
    assert moment(while_broken.data["broken"][0]["since"]) == moment(at(5))
    assert "so since 2026-03-05 08:00 CET" in " ".join(f.text for f in while_broken.findings)
    assert "broke and holds again" in after.verdict


def test_late_news_moves_the_moment_of_the_break_to_when_it_was(remembered, scribe, foundry):
    scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    scribe.decide("buch", at(3), "Womit?", "mit CH-5", assumptions=["CH-5 bleibt frei"])
    scribe.report("labor", at(8), "lot:CH-5", quality_status="gesperrt")
    late = {"entity": "lot:CH-5", "properties": {"quality_status": "gesperrt"}}
    scribe.events.append(
        {"specversion": "1.0", "id": "late", "source": "labor", "type": "lineside.report", "time": at(5),
         "reportedat": at(9), "data": late}
    )  # fmt: skip
    memory = remembered(scribe.events, foundry, NOW)

    then, now = (
        course("CH-5 bleibt frei", said_at=moment(at(3)), view=memory.view(as_of=moment(as_of)))[-1]
        for as_of in (at(8, "12:00"), at(9, "12:00"))
    )

    assert (then.since, now.since) == (moment(at(8)), moment(at(5)))


def test_a_correction_that_takes_the_breaking_word_back_leaves_the_decision_standing(remembered, scribe, foundry):
    scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    scribe.decide("buch", at(3), "Womit?", "mit CH-5", assumptions=["CH-5 is free"])
    wrong = scribe.report("labor", at(5), "lot:CH-5", quality_status="gesperrt")
    scribe.delete("labor", at(6), wrong)
    memory = remembered(scribe.events, foundry, NOW)

    assert broken(memory.view(as_of=moment(at(5, "12:00")))).data["decisions"] == ["buch-2"]
    assert broken(memory.view()).findings == ()


def test_a_delivery_that_is_not_in_when_its_day_has_passed_breaks_the_assumption(remembered, scribe, foundry):
    scribe.report("sap", at(2), "purchase_order_line:BE-9/1", eta=at(6), status="bestellt")
    scribe.decide("buch", at(3), "Harz?", "warten", assumptions=["purchase_order_line:BE-9/1 eta <= 2026-03-06"])
    memory = remembered(scribe.events, foundry, NOW)

    assert broken(memory.view(as_of=moment(at(6, "20:00")))).findings == ()
    found = broken(memory.view())
    assert moment(found.data["broken"][0]["since"]) == moment("2026-03-07T00:00:00+01:00")

    scribe.report("sap", at(6, "18:00"), "purchase_order_line:BE-9/1", status="geliefert")
    assert broken(remembered(scribe.events, foundry, NOW).view()).findings == ()


def test_two_decisions_in_force_that_name_different_figures_are_both_shown(remembered, scribe, press_house):
    press = "harrow/tablets/press-2"
    scribe.decide("log", at(2), "Which speed for product A?", "Speed at most 80 %", equipment=press, decided_by="ann")
    scribe.decide("log", at(4), "How do we catch up?", "Raise the speed to 95 %", equipment=press, decided_by="joe")
    scribe.decide("log", at(4), "What yield is enough?", "Press 2: yield of 97 %", equipment=press)
    scribe.decide("log", at(5), "Speed of the other?", "Speed 60 %", equipment="harrow/tablets/press-5")

    reading = in_force(remembered(scribe.events, press_house, NOW).view())

    assert reading.data["clashes"] == [["log-1", "log-2"]]
    assert "different figures" in reading.verdict
    assert reading.next_steps == ("Ask ann and joe which of 80 % and 95 % holds.",)


def test_a_decision_that_names_another_by_a_longer_id_replaces_only_that_one(remembered, scribe, press_house):
    for number in range(1, 12):
        scribe.decide("log", at(2), f"Question number {number} of topic-{number * 7}?", f"Answer {number}")
    scribe.decide("log", at(3), "A new matter entirely?", "So", supersedes="log-11")

    standing = {s.decision.provenance.source_id for s in _in_force(remembered(scribe.events, press_house, NOW).view())}

    assert "log-11" not in standing
    assert "log-1" in standing


def _in_force(view):
    return standing_decisions(view, view.as_of)


PEOPLE = """
[[people]]
id = "ann"
roles = ["shift-supervisor"]
sites = ["harrow"]
[[people]]
id = "joe"
roles = ["planner"]
sites = ["harrow"]
"""


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ({"decided_by": "ann", "authority": "shift supervisor: speed of own lines"}, Right.BORNE_OUT),
        ({"decided_by": "joe", "authority": "shift supervisor: speed of own lines"}, Right.CONTRADICTED),
        ({"decided_by": "joe", "authority": "planner"}, Right.BORNE_OUT),
        ({"decided_by": "joe", "authority": "standing instruction 7"}, Right.UNSAID),
        ({"decided_by": "joe"}, Right.UNSAID),
        ({"decided_by": "nobody-known", "authority": "planner"}, Right.UNSAID),
        ({"authority": "planner"}, Right.UNSAID),
    ],
)
def test_the_right_to_decide_is_told_from_the_plant_file_only(remembered, scribe, press_house, who, found):
    scribe.decide("log", at(2), "Speed?", "80 %", **who)
    view = remembered(scribe.events, press_house + PEOPLE, NOW).view()

    verdict, finding = right(view, view.decisions()[0])

    assert verdict is found
    assert (finding is None) == (who.get("decided_by") not in ("ann", "joe"))
    reading = decided(view, view.decisions())
    assert any("takes" in f.text for f in reading.against) == (found is Right.CONTRADICTED)


@pytest.mark.parametrize(
    ("expected", "outcome", "came"),
    [
        ("no complaint", "2 complaints in three days", Came.OTHERWISE),
        ("no complaint", "no complaint in three days", Came.AS_EXPECTED),
        ("keine Reklamation", "3 Reklamationen bis Freitag", Came.OTHERWISE),
        ("höchstens 2 % Ausschuss", "1,5 % Ausschuss", Came.AS_EXPECTED),
        ("at most 5 rejects", "9 rejects", Came.OTHERWISE),
        ("no late delivery", "delivery came at noon", Came.UNSAID),
        ("all is well", "all was well", Came.UNSAID),
        ("two hours of standstill", "5 hours", Came.UNSAID),
    ],
)
def test_an_outcome_is_compared_only_in_what_both_texts_count(expected, outcome, came):
    assert compare(expected, outcome) is came


def test_an_expectation_that_is_a_predicate_is_compared_with_the_records(remembered, scribe, foundry):
    scribe.decide(
        "buch",
        at(2),
        "Nacharbeit?",
        "nacharbeiten",
        expected="lot:CH-5 quality_status = unrestricted",
        outcome="erledigt",
    )
    scribe.report("labor", at(4), "lot:CH-5", quality_status="gesperrt")
    view = remembered(scribe.events, foundry, NOW).view()

    reading = decided(view, view.decisions())

    assert reading.data["came"] == "otherwise"
    assert any("not as expected" in f.text for f in reading.against)


def test_what_no_code_can_check_says_whom_to_ask(remembered, scribe, foundry):
    scribe.decide("buch", at(2), "Form 7?", "weiter", assumptions=["die Form hält"], decided_by="meister-1")

    reading = broken(remembered(scribe.events, foundry, NOW).view())

    assert reading.missing == ('"die Form hält" can\'t be checked by code: ask meister-1.',)


def test_the_pack_says_which_of_its_fields_is_wrong():
    assert decision_words().signs["hoechstens"] == "<="
    with pytest.raises(BadSettings, match="same_question"):
        read_words(
            "site/decisions.toml",
            {"ended": ["over"], "supersedes": ["x"], "same_question": 3, "signs": {"=": []}, "filler": {},
             "expected": {}, "recall": {}},
        )  # fmt: skip
    with pytest.raises(BadSettings, match="signs must be a table"):
        read_words("site/decisions.toml", {"ended": ["over"]})


STATES = ("frei", "gesperrt", "in Prüfung")


@settings(max_examples=8)
@given(
    said=st.lists(
        st.tuples(st.integers(4, 9), st.integers(0, 23), st.sampled_from(STATES)), max_size=8, unique_by=lambda s: s[:2]
    )
)
def test_the_course_ends_where_the_check_stands_and_never_repeats_a_state(remembered, new_scribe, foundry, said):
    scribe = new_scribe()
    scribe.report("labor", at(2), "lot:CH-5", quality_status="frei")
    for day, hour, state in said:
        scribe.report("labor", at(day, f"{hour:02d}:00"), "lot:CH-5", quality_status=state)
    view = remembered(scribe.events, foundry, NOW).view()

    spans = course("CH-5 is free", said_at=moment(at(3)), view=view)

    assert spans[-1].holding is check("CH-5 is free", said_at=moment(at(3)), view=view).holding
    assert all(one.holding is not other.holding and one.since < other.since for one, other in pairwise(spans))
    assert spans[0].since == moment(at(3))
