"""What follows if a line stays down, a rush order comes in, or job orders change places: computed from records."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from lineside.interpretation.plan_prices import Prices
from lineside.interpretation.planned_work import planned_work
from lineside.interpretation.reading import Kind
from lineside.interpretation.rush_order import rush_order
from lineside.interpretation.what_if import resequence_options, what_if_down
from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity

A, B = "giesserei-nord/formerei/linie-a", "giesserei-nord/formerei/linie-b"
NOW = "2026-03-03T10:00:00+01:00"
PEOPLE = """
[[people]]
id = "planer-2"
name = "Ute Brandt"
roles = ["Planer"]
sites = ["giesserei-nord"]
[[people]]
id = "gast"
name = "Gast"
roles = ["planner"]
sites = ["anderswo"]
"""


def at(clock, day="03"):
    return f"2026-03-{day}T{clock}:00+01:00"


def moment(clock, day="03"):
    return datetime.fromisoformat(at(clock, day))


def ea(value):
    return {"value": value, "unit": "ea"}


def made(scribe, name, what, span, good):
    """A finished job order, as the MES tells it. what: material and line; span: start and end."""
    (material, line), (start, end) = what, span
    scribe.report(
        "leitstand", end, f"job_order:{name}", material=material, equipment=line, status="fertig", quantity=ea(good),
        quantity_good=ea(good), actual_start=start, actual_end=end,
    )  # fmt: skip
    scribe.event("leitstand", start, "started", equipment=line, job_order=name)
    scribe.event("leitstand", end, "completed", equipment=line, job_order=name)


def waits(scribe, name, what, quantity, for_line=None, **rest):
    """A planned job order. what: material and line; quantity: how many, and its place in the sequence."""
    (material, line), (quantity, sequence) = what, quantity
    scribe.report(
        "sap", at("06:00"), f"job_order:{name}", material=material, equipment=line, status="geplant",
        quantity=ea(quantity), sequence=sequence, **({"sales_order_line": for_line} if for_line else {}), **rest,
    )  # fmt: skip


def promised(scribe, line, due, **rest):
    scribe.report("sap", at("05:00"), f"sales_order_line:{line}", promised_at=due, customer="K-9", **rest)


@pytest.fixture
def shop(scribe):
    """Linie A: 100 per h of X, 50 of Y, an hour from one to the other. FA-1 (X) runs, 300 of 500 left at 10:00; FA-2
    (Y, 200) and FA-3 (X, 100) wait. Linie B has made X at 80 per h. Promises: FA-1 15:00, FA-2 20:00, FA-3 tomorrow."""
    made(scribe, "FA-90", ("X", A), (at("06:00", "02"), at("10:00", "02")), 400)
    made(scribe, "FA-91", ("Y", A), (at("11:00", "02"), at("15:00", "02")), 200)
    made(scribe, "FA-92", ("X", A), (at("16:00", "02"), at("21:00", "02")), 500)
    made(scribe, "FA-93", ("X", B), (at("06:00", "02"), at("11:00", "02")), 400)
    for number, (material, quantity) in enumerate((("X", 500), ("Y", 200), ("X", 100)), 1):
        waits(scribe, f"FA-{number}", (material, A), (quantity, 10 * number), f"V-{number}/10")
    scribe.report("leitstand", at("08:00"), "job_order:FA-1", status="in Arbeit", actual_start=at("08:00"))
    scribe.report("leitstand", at("10:00"), "job_order:FA-1", quantity_good=ea(200))
    promised(scribe, "V-1/10", at("15:00"), priority=1)
    promised(scribe, "V-2/10", at("20:00"))
    promised(scribe, "V-3/10", at("22:00", "04"))
    return scribe


@pytest.fixture
def view_of(remembered, foundry):
    def build(scribe, now=NOW, plant=foundry + PEOPLE, as_of=None):
        memory = remembered(scribe.events, plant, now)
        return memory.view(as_of=as_of) if as_of else memory.view()

    return build


def ends(view):
    return {name: o.end for name, o in Prices(planned_work(view)).present.operations.items()}


def test_the_work_as_it_stands_ends_by_plain_arithmetic(view_of, shop):
    # 300 at 100 per h; an hour to Y, 200 at 50 per h; an hour back, 100 at 100 per h.
    assert ends(view_of(shop)) == {"FA-1": moment("13:00"), "FA-2": moment("18:00"), "FA-3": moment("20:00")}


def test_a_line_that_stays_down_makes_the_promise_slip_by_as_much_as_the_arithmetic_says(view_of, shop):
    reading = what_if_down(view_of(shop), A, moment("14:00"))

    # All ends move by four hours: V-1 to 17:00 (2 h late), V-2 to 22:00 (2 h late), V-3 has a day to spare.
    assert reading.data["slips"] == {"V-1/10": 7200, "V-2/10": 7200}
    assert reading.verdict == (
        "If Linie A stays down until 14:00 CET, 2 promises of 3 slip: V-1/10 by 2 h 00 min and V-2/10 by 2 h 00 min."
    )
    assert all(f.kind is Kind.GUESSED for f in reading.findings if "promise (" in f.text)
    assert any(f.kind is Kind.DERIVED and "X on Linie A: 100 ea per h" in f.text for f in reading.findings)


def test_another_line_that_has_made_the_material_is_offered_with_its_price(view_of, shop):
    reading = what_if_down(view_of(shop), A, moment("14:00"))

    options = [f.text for f in reading.findings if f.text.startswith("Option")]
    assert any("Make FA-3 on Linie B" in text for text in options) or any("order FA-3, FA-2" in t for t in options)
    assert any("Ute Brandt (Planer) may decide" in f.text for f in reading.findings)
    assert not any("Gast" in f.text for f in reading.findings)


def test_a_unit_below_the_line_takes_the_line_with_it(view_of, shop):
    view = view_of(shop)
    assert (
        what_if_down(view, f"{A}/former", moment("14:00")).data["slips"]
        == what_if_down(view, A, moment("14:00")).data["slips"]
    )


def test_a_down_time_that_is_over_is_refused_and_a_line_without_work_says_so(view_of, shop):
    view = view_of(shop)

    assert "no down time" in what_if_down(view, A, moment("09:00")).verdict
    assert "No open job order on Linie B" in what_if_down(view, B, moment("14:00")).verdict


def test_the_first_of_two_job_orders_can_be_asked_for_and_both_promises_are_priced(view_of, shop):
    reading = resequence_options(view_of(shop), first=Entity("job_order", "FA-3"), before=Entity("job_order", "FA-2"))

    # FA-3 follows FA-1 without a changeover: 14:00; then an hour to Y and four of FA-2: 19:00.
    told = {f.data["job_order"]: f.data["end"] for f in reading.findings if "job_order" in f.data}
    assert told == {
        "FA-3": "2026-03-03T13:00:00+00:00",
        "FA-2": "2026-03-03T18:00:00+00:00",
    }
    assert "60 min less changeover" in reading.verdict


def test_what_runs_is_not_interrupted_and_a_job_order_that_is_done_can_t_be_moved(view_of, shop):
    view = view_of(shop)

    running = resequence_options(view, first=Entity("job_order", "FA-3"), before=Entity("job_order", "FA-1"))
    done = resequence_options(view, first=Entity("job_order", "FA-90"), before=Entity("job_order", "FA-2"))

    assert "FA-1 runs already" in running.verdict
    assert "FA-90 is no open job order" in done.verdict
    assert done.findings == ()


def test_what_comes_first_already_is_said_to(view_of, shop):
    reading = resequence_options(view_of(shop), first=Entity("job_order", "FA-2"), before=Entity("job_order", "FA-3"))

    assert reading.verdict == "FA-2 comes before FA-3 on Linie A as it is."
    assert [f.data["job_order"] for f in reading.findings] == ["FA-2", "FA-3"]


def test_an_endangered_promise_is_saved_by_a_sequence_that_gains_it(view_of, shop):
    waits(shop, "FA-4", ("X", A), (100, 40), "V-4/10")
    promised(shop, "V-4/10", at("16:30"))

    reading = resequence_options(view_of(shop), save=Entity("sales_order_line", "V-4/10"))

    assert "V-4/10 gains" in reading.verdict
    assert reading.data["options"][0]["price"] < reading.data["present"]


def test_a_rush_order_is_put_where_no_promise_slips_and_its_material_is_there(view_of, shop):
    shop.report(
        "sap", at("05:00"), "job_order:FA-3", components=[{"material": "SAND", "quantity": {"value": 50, "unit": "kg"}}]
    )
    shop.report("lager", at("06:00"), "inventory:SAND@H1", scope="on_hand", quantity={"value": 90, "unit": "kg"})
    shop.report(
        "sap", at("06:00"), "purchase_order_line:B-7/1", material="SAND", quantity={"value": 400, "unit": "kg"},
        eta=at("16:00"), status="bestellt",
    )  # fmt: skip

    reading = rush_order(view_of(shop), "X", Quantity(Decimal(160), "ea"), due=moment("23:00"))

    # FA-3 takes 50 of the 90 kg; 80 more come at 16:00, and Linie B is free then: two hours at 80 per h.
    first = reading.data["options"][0]
    assert first["slips"] == 0
    assert reading.verdict.startswith("Yes, by 23:00 CET: 160 ea of X would be done on")
    assert datetime.fromisoformat(first["end"]) >= moment("18:00")
    assert any("lacks 40 kg of SAND" in f.text and "covered by B-7/1 at 16:00 CET" in f.text for f in reading.findings)
    assert any("whether the rush order is taken" in f.text for f in reading.findings)


def test_material_that_nothing_covers_makes_it_a_no_and_a_held_lot_is_no_material(view_of, shop):
    shop.report(
        "sap", at("05:00"), "job_order:FA-3", components=[{"material": "SAND", "quantity": {"value": 50, "unit": "kg"}}]
    )
    shop.report("lager", at("06:00"), "inventory:SAND@H1", scope="on_hand", quantity={"value": 500, "unit": "kg"})
    assert rush_order(view_of(shop), "X", Quantity(Decimal(160)), due=moment("23:00")).verdict.startswith("Yes")

    shop.report("lager", at("06:00"), "lot:S-1", material="SAND", quantity={"value": 480, "unit": "kg"})
    shop.report("labor", at("06:30"), "lot:S-1", quality_status="gesperrt")
    reading = rush_order(view_of(shop), "X", Quantity(Decimal(160)), due=moment("23:00"))

    assert reading.verdict.startswith("No, not by 23:00 CET")
    assert "nothing that is ordered covers SAND" in reading.verdict


def test_a_rush_order_in_a_packaging_unit_is_converted_and_without_a_factor_refused(view_of, shop):
    shop.report("sap", at("05:00"), "material:X", units={"kiste": ea(20)})

    assert rush_order(view_of(shop), "X", Quantity(Decimal(8), "kiste")).data["quantity"] == 160
    assert "No factor from pallet" in rush_order(view_of(shop), "X", Quantity(Decimal(2), "pallet")).verdict


def test_what_the_asker_leaves_out_is_asked_for(view_of, shop):
    view = view_of(shop)

    assert rush_order(view, None, None).missing == (
        "The material of the rush order.",
        "The quantity of the rush order.",
    )
    assert rush_order(view, "X", None).missing == ("The quantity of the rush order.",)
    assert rush_order(view, None, None).findings == ()


def test_a_material_that_was_never_made_is_refused_and_on_a_line_a_range_is_given(view_of, shop):
    view = view_of(shop)

    nowhere = rush_order(view, "Z", Quantity(Decimal(5)))
    here = rush_order(view, "Z", Quantity(Decimal(5)), equipment=A)

    assert "no record tells how fast" in nowhere.verdict
    assert nowhere.findings == ()
    assert "ran at 50 to 100 ea per h" in here.findings[0].text


def test_a_price_is_paid_only_where_it_must_and_the_promise_that_pays_is_named(view_of, shop):
    # 200 of Y take four hours: behind FA-2 until 22:00, before it until 18:00, and then V-2/10 is two hours late.
    reading = rush_order(view_of(shop), "Y", Quantity(Decimal(200), "ea"), due=moment("21:00"))

    assert reading.verdict.startswith("Only at a price by 21:00 CET: Make it on Linie A, before FA-2")
    assert "V-2/10 slips by 2 h 00 min" in reading.verdict
    assert "Without a slip it is 22:00 CET" in reading.verdict


def test_records_that_have_nothing_to_do_with_it_and_the_order_of_arrival_change_nothing(view_of, shop, new_scribe):
    plain = what_if_down(view_of(shop), A, moment("14:00"))

    shuffled = list(shop.events)
    random.Random(5).shuffle(shuffled)
    shop.events[:] = shuffled
    again = what_if_down(view_of(shop), A, moment("14:00"))
    shop.note("schichtbuch", at("09:00"), "Hof gekehrt")
    shop.report("lager", at("09:00"), "inventory:SCHRAUBE@H2", scope="on_hand", quantity=ea(5))
    shop.report("sap", at("09:00"), "sales_order_line:V-99/10", promised_at=at("09:30"))
    more = what_if_down(view_of(shop), A, moment("14:00"))

    assert again.findings == plain.findings
    assert (more.verdict, more.findings) == (plain.verdict, plain.findings)


def test_what_was_said_later_or_taken_back_counts_only_then(view_of, shop):
    wrong = shop.report("leitstand", at("10:30"), "job_order:FA-1", quantity_good=ea(480))
    shop.correct(
        "leitstand", at("11:00"), wrong,
        {"entity": "job_order:FA-1", "properties": {"quantity_good": ea(250)}},
    )  # fmt: skip
    late = [event for event in shop.events if event["id"] == wrong]

    before = ends(view_of(shop, at("11:30"), as_of=moment("10:00")))
    believed = ends(view_of(shop, at("11:30"), as_of=moment("10:31")))
    righted = ends(view_of(shop, at("11:30"), as_of=moment("11:01")))

    assert late
    assert before["FA-1"] == moment("13:00")
    assert believed["FA-1"] < moment("11:00")
    assert righted["FA-1"] > moment("12:30")


def test_a_source_that_went_silent_is_named(view_of, shop):
    reading = what_if_down(view_of(shop, at("22:00")), A, moment("23:30"))

    assert any(text.startswith("leitstand is silent") for text in reading.missing)


def test_a_stop_like_those_before_it_is_expected_to_last_as_long(view_of, shop):
    for start, end in (("10:00", "10:30"), ("12:00", "12:40"), ("14:00", "14:50")):
        shop.event("leitstand", at(start, "01"), "stop", equipment=A, reason="Kern lose")
        shop.event("leitstand", at(end, "01"), "start", equipment=A, reason="Kern lose")
    shop.event("leitstand", at("09:50"), "stop", equipment=A, reason="Kern lose")

    view = view_of(shop)

    # Forty minutes in the middle: until 10:30, so that everything ends half an hour later; nothing is made meanwhile.
    assert ends(view)["FA-1"] == moment("13:30")
    assert any("stands since 09:50 CET" in f.text for f in what_if_down(view, A, moment("14:00")).findings)


def test_a_job_order_that_nobody_speaks_of_any_more_is_left_out_and_said(view_of, shop):
    shop.report(
        "sap", "2026-02-01T06:00:00+01:00", "job_order:FA-0", material="X", equipment=A, status="geplant",
        quantity=ea(9000), sequence=1, planned_end="2026-02-02T06:00:00+01:00",
    )  # fmt: skip
    reading = what_if_down(view_of(shop), A, moment("14:00"))

    assert "FA-0" not in reading.data["ends"]
    assert any("FA-0" in text and "left out" in text for text in reading.missing)


def test_a_rate_that_lacks_is_said_and_what_comes_before_it_is_still_planned(view_of, shop):
    waits(shop, "FA-5", ("NEU", A), (100, 25))

    reading = what_if_down(view_of(shop), A, moment("14:00"))

    assert set(reading.data["ends"]) == {"FA-1", "FA-2"}
    assert any("A rate for NEU on Linie A" in text for text in reading.missing)


def test_crews_are_named_where_the_roster_has_them_and_missed_where_not(remembered, press_house, scribe):
    press = "harrow/tablets/press-2"
    made(scribe, "B-1", ("T", press), ("2026-03-12T06:00:00+00:00", "2026-03-12T14:00:00+00:00"), 800)

    view = remembered(scribe.events, press_house, "2026-03-13T12:00:00+00:00").view()
    reading = rush_order(view, "T", Quantity(Decimal(1200)))

    # 2 h of Friday's early, 8 h of the late shift, the rest on Saturday; the next week has no roster.
    assert any("late 2026-03-13: amber" in f.text for f in reading.findings)
    later = rush_order(view, "T", Quantity(Decimal(8000)))
    assert any("A crew on the roster for early 2026-03-16" in text for text in later.missing)


def test_a_planned_rate_is_called_a_guess(view_of, scribe):
    waits(scribe, "FA-7", ("N", B), (400, 10), "V-7/10", planned_start=at("11:00"), planned_end=at("15:00"))
    promised(scribe, "V-7/10", at("16:00"))

    reading = what_if_down(view_of(scribe), B, moment("13:00"))

    assert reading.data["slips"] == {"V-7/10": 3600}
    pace = next(f for f in reading.findings if "per h" in f.text)
    assert pace.kind is Kind.GUESSED
    assert "nothing of it was measured" in pace.text


def test_every_finding_rests_on_records_that_the_view_sees(view_of, shop):
    view = view_of(shop)
    for reading in (
        what_if_down(view, A, moment("14:00") + timedelta(hours=9)),
        resequence_options(view),
        rush_order(view, "X", Quantity(Decimal(100))),
    ):
        cited = {cite for f in reading.findings for cite in f.cites if isinstance(cite, str)}
        assert cited == set(view.records(cited))
