"""Each family of disturbances, told in a dairy's and a foundry's words, and what is no disturbance."""

from datetime import timedelta

from sqlalchemy import insert
from tests.cases.conftest import DAIRY, FILLER, LINE, at, instant

from lineside.cases import Severity, State
from lineside.memory import tables
from lineside.memory.moments import stored


def of(dairy, case_class):
    return [c for c in dairy.cases.list() if c.case_class == case_class and c.state is not State.WITHDRAWN]


def test_a_hold_is_a_case_until_the_system_that_owns_it_releases_it(works):
    dairy = works()
    dairy.scribe.report(
        "labor", at("08:00"), "hold:S-7", subject="lot:M-7", reason="Keime", status="aktiv", owner="qs-1"
    )
    dairy.scribe.report("wawi", at("09:00"), "hold:S-7", status="freigegeben")
    dairy.run("09:05")
    (case,) = of(dairy, "quality_hold")
    assert (str(case.subject), case.owner, case.ended) == ("lot:M-7", "qs-1", None)

    dairy.scribe.report("labor", at("10:00"), "hold:S-7", status="freigegeben")
    dairy.run("10:05")

    assert [(c.state, c.ended) for c in of(dairy, "quality_hold")] == [(State.CLOSED, instant("10:00"))]


def test_a_late_pick_is_a_case_until_it_is_staged_and_the_stop_it_causes_follows_from_it(works):
    dairy = works()
    dairy.scribe.event(
        "lager", at("08:00"), "pick_late", equipment=LINE, job_order="A-3", material="BECHER", reason="Stapler"
    )
    dairy.scribe.event("leitstand", at("08:20"), "stop", equipment=FILLER, job_order="A-3", reason="keine Becher")
    dairy.run("08:25")
    (late,), (stop,) = of(dairy, "late_staging"), of(dairy, "downtime")
    assert stop.caused_by == late.number
    assert "job order A-3" in dairy.cases.history(stop.number)[-1].why

    dairy.scribe.event("lager", at("08:40"), "staged", equipment=LINE, job_order="A-3", material="BECHER")
    dairy.run("08:45")

    assert [(c.ended, c.is_open) for c in of(dairy, "late_staging")] == [(instant("08:40"), False)]


def test_a_job_order_lacks_what_is_not_staged_from_shortly_before_its_start_until_it_is_there(works):
    dairy = works()
    rows = [{"material": "BECHER", "quantity": {"value": 100, "unit": "ea"}, "staged": False}]
    start = at("18:00")
    dairy.scribe.report("wawi", at("07:00"), "job_order:A-9", status="ready", planned_start=start, components=rows)
    dairy.run("09:00")
    assert of(dairy, "shortage") == []
    dairy.run("10:30")
    (case,) = of(dairy, "shortage")
    assert (case.began, case.due) == (instant("10:00"), instant("18:00"))
    dairy.scribe.event("lager", at("11:00"), "staged", job_order="A-9", material="BECHER", quantity=60, unit="ea")
    dairy.run("11:05")
    assert of(dairy, "shortage")[0].is_open

    dairy.scribe.event("lager", at("11:30"), "staged", job_order="A-9", material="BECHER", quantity=40, unit="ea")
    dairy.run("11:35")

    assert [(c.ended, c.is_open) for c in of(dairy, "shortage")] == [(instant("11:30"), False)]


def test_an_excursion_is_contained_by_a_changed_setting_and_over_when_it_is_within_its_limits(works):
    dairy = works()
    about = {"equipment": FILLER, "parameter": "Temperatur", "unit": "Cel"}
    dairy.scribe.event("sps", at("08:00"), "excursion", **about, value=9, limit_low=2, limit_high=7)
    dairy.run("08:05")
    (case,) = of(dairy, "excursion")
    assert (case.owner, case.title) == ("schlosser-1", "Temperatur at Becherfüller 2")
    dairy.scribe.event("sps", at("08:30"), "excursion", **about, value=6, limit_low=2, limit_high=7)
    dairy.run("08:35")

    assert [(c.ended, c.state) for c in of(dairy, "excursion")] == [(instant("08:30"), State.CLOSED)]


def test_an_alarm_of_low_severity_is_no_case_and_a_grave_one_ends_with_its_clearing(works):
    dairy = works()
    dairy.scribe.event("sps", at("08:00"), "alarm", equipment=FILLER, code="A1", severity="low")
    dairy.scribe.event("sps", at("08:10"), "alarm", equipment=FILLER, code="A2", severity="Kritisch")
    dairy.scribe.event("sps", at("08:20"), "alarm_cleared", equipment=FILLER, code="A1")
    dairy.run("08:30")
    assert [c.ended for c in of(dairy, "excursion")] == [None]

    dairy.scribe.event("sps", at("08:40"), "alarm_cleared", equipment=FILLER, code="A2")
    dairy.run("08:45")

    assert [c.ended for c in of(dairy, "excursion")] == [instant("08:40")]


def test_a_document_said_to_be_missing_is_a_case_at_once_and_a_draft_only_shortly_before_the_truck(works):
    dairy = works()
    dairy.scribe.report("wawi", at("06:00"), "sales_order_line:K-1/10", customer="K-7", status="complete")
    dairy.scribe.report("wawi", at("06:00"), "job_order:A-1", sales_order_line="K-1/10")
    dairy.scribe.report("labor", at("06:00"), "lot:M-1", job_order="A-1", quality_status="frei")
    dairy.scribe.report(
        "wawi", at("06:10"), "shipment:T-1", planned_departure=at("12:00"),
        lines=[{"sales_order_line": "K-1/10", "quantity": 5}],
    )  # fmt: skip
    for kind in ("analysenzertifikat", "lieferschein"):
        dairy.scribe.report("labor", at("07:00"), f"document:{kind}/M-1", subject="lot:M-1", status="Entwurf")
    dairy.run("10:00")
    assert of(dairy, "missing_document") == []
    dairy.run("10:45")

    (case,) = of(dairy, "missing_document")
    assert (str(case.subject), case.began, case.due) == ("sales_order_line:K-1/10", instant("10:30"), instant("12:00"))
    assert case.title == "K-1/10 lacks documents: analysenzertifikat"
    dairy.scribe.report("labor", at("11:00"), "document:analysenzertifikat/M-1", status="ausgestellt")
    dairy.run("11:05")
    assert [(c.ended, c.is_open) for c in of(dairy, "missing_document")] == [(instant("11:00"), False)]


def test_a_carrier_that_says_it_comes_much_later_is_late_until_it_is_there(works):
    dairy = works()
    dairy.scribe.report(
        "wawi", at("07:00"), "shipment:T-5", planned_departure=at("15:00"), eta=at("14:00"), status="geplant"
    )
    dairy.scribe.report("wawi", at("08:00"), "shipment:T-5", eta=at("14:20"))
    dairy.run("08:05")
    assert of(dairy, "late_carrier") == []
    dairy.scribe.report("wawi", at("09:00"), "shipment:T-5", eta=at("16:30"))
    dairy.run("09:05")
    assert [(c.began, c.ended) for c in of(dairy, "late_carrier")] == [(instant("09:00"), None)]
    dairy.scribe.event("lager", at("16:20"), "truck_arrived", shipment="T-5")
    dairy.run("16:30")

    assert [c.ended for c in of(dairy, "late_carrier")] == [instant("16:20")]


def test_two_systems_that_contradict_one_another_for_long_are_a_case_and_for_short_are_none(works):
    dairy = works()
    dairy.scribe.report("labor", at("07:00"), "lot:M-2", quality_status="gesperrt")
    dairy.scribe.report("lager", at("07:30"), "lot:M-2", quality_status="frei")
    dairy.run("09:00")
    assert of(dairy, "state_conflict") == []
    dairy.run("10:00")
    assert [c.began for c in of(dairy, "state_conflict")] == [instant("09:30")]
    dairy.scribe.report("lager", at("10:30"), "lot:M-2", quality_status="gesperrt")
    dairy.run("10:35")

    assert [(c.ended, c.is_open) for c in of(dairy, "state_conflict")] == [(instant("10:30"), False)]


def test_an_order_that_has_not_left_when_promised_is_a_case_caused_by_the_hold_on_its_lot(works):
    dairy = works()
    dairy.scribe.report("wawi", at("06:00"), "sales_order_line:K-2/10", promised_at=at("12:00"), status="complete")
    dairy.scribe.report("wawi", at("06:00"), "job_order:A-2", sales_order_line="K-2/10")
    dairy.scribe.report("labor", at("06:00"), "lot:M-5", job_order="A-2")
    dairy.scribe.event("labor", at("07:00"), "hold_placed", lot="M-5", hold="S-5", reason="Keime")
    dairy.run("12:10")

    (late,), (hold,) = of(dairy, "late_order"), of(dairy, "quality_hold")
    assert (late.began, late.caused_by) == (instant("12:00"), hold.number)


def test_a_source_that_its_watchdog_told_silent_is_a_case_of_its_owner_until_it_speaks_again(works):
    dairy = works()
    dairy.scribe.event("lineside", at("08:00"), "feed_stopped", interface="leitstand", reason="silent")
    dairy.run("08:05")
    (case,) = of(dairy, "silent_feed")
    assert (str(case.subject), case.role) == ("interface:leitstand", "supervisor")  # nobody there looks after systems
    dairy.scribe.event("lineside", at("08:30"), "feed_started", interface="leitstand")
    dairy.run("08:35")

    assert [c.ended for c in of(dairy, "silent_feed")] == [instant("08:30")]


def test_figures_that_differ_are_a_case_until_a_count_makes_them_agree(works):
    dairy = works()
    for source, amount, scope in (("wawi", 840, "book"), ("lager", 812, "on_hand")):
        value = {"value": amount, "unit": "ea"}
        dairy.scribe.report(source, at("06:00"), "inventory:DECKEL@H1", scope=scope, quantity=value)
    dairy.run("09:00")
    (case,) = of(dairy, "stock_difference")
    assert (str(case.subject), case.owner) == ("material:DECKEL", "lager-1")
    dairy.scribe.report("wawi", at("09:30"), "inventory:DECKEL@H1", scope="book", quantity={"value": 812, "unit": "ea"})
    dairy.run("10:00")

    assert [c.is_open for c in of(dairy, "stock_difference")] == [False]


def test_a_source_whose_contact_came_while_one_looked_is_not_silent(works):
    dairy = works(DAIRY.replace('kind = "wms"', 'kind = "wms", cadence_s = 600'))
    dairy.scribe.report("lager", at("06:00"), "lot:M-1", location="H1")
    dairy.run("06:30")
    with dairy.memory.write() as connection:
        contact = {"source": "lager", "contact_at": stored(instant("09:00") + timedelta(seconds=1))}
        connection.execute(insert(tables.contacts).values(contact))
    dairy.run("09:00")
    assert of(dairy, "silent_feed") == []
    dairy.run("10:00")

    assert [c.subject.id for c in of(dairy, "silent_feed")] == ["lager"]


def test_an_action_whose_effect_never_came_back_is_a_case_until_somebody_settled_it(works):
    dairy = works()
    said = {"proposal": "P-1", "subject": "lot:M-7", "system": "labor", "action": "Place a lot on hold", "by": "plan-1"}
    missing = {**said, "reason": "S-7 never came back from labor", "state": "verify_failed"}
    dairy.scribe.event("labor", at("07:50"), "effect_missing", lot="M-7", proposal="P-0")
    dairy.scribe.event("lineside", at("08:00"), "effect_missing", lot="M-7", **missing)
    dairy.run("08:05")
    (case,) = of(dairy, "effect_missing")
    assert (str(case.subject), case.owner, case.ended) == ("lot:M-7", "plan-1", None)
    assert "P-1" in case.title
    assert case.severity is Severity.HIGH

    dairy.scribe.event("lineside", at("09:00"), "effect_settled", lot="M-7", **said, reason="found", state="failed")
    dairy.run("09:05")

    assert [(c.state, c.ended) for c in of(dairy, "effect_missing")] == [(State.CLOSED, instant("09:00"))]
