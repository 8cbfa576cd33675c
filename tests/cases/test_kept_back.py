"""What keeps goods back: blocked credit, units without a label, papers that no system has any record of."""

import pytest
from tests.cases.conftest import at, instant

from lineside.cases import State


def of(dairy, case_class):
    return [c for c in dairy.cases.list() if c.case_class == case_class and c.state is not State.WITHDRAWN]


@pytest.fixture
def loading(works):
    """A line of a customer who wants a certificate, on a truck at noon."""
    dairy = works()
    dairy.scribe.report("wawi", at("06:00"), "sales_order_line:K-1/10", customer="K-7", status="complete")
    dairy.scribe.report("wawi", at("06:00"), "job_order:A-1", sales_order_line="K-1/10")
    dairy.scribe.report("labor", at("06:00"), "lot:M-1", job_order="A-1", quality_status="frei")
    dairy.scribe.report(
        "wawi", at("06:10"), "shipment:T-1", planned_departure=at("12:00"),
        lines=[{"sales_order_line": "K-1/10", "quantity": 5}],
    )  # fmt: skip
    return dairy


def test_a_blocked_credit_is_a_case_until_it_is_freed_and_each_block_is_one_of_its_own(works):
    dairy = works()
    dairy.scribe.report("wawi", at("06:00"), "sales_order:K-1", customer="K-7", credit="ok", promised_at=at("15:00"))
    dairy.scribe.report("wawi", at("07:00"), "sales_order:K-1", credit="gesperrt")
    dairy.scribe.report("wawi", at("07:30"), "sales_order:K-1", credit="gesperrt")
    dairy.scribe.report("wawi", at("07:00"), "sales_order:K-2", credit="ok")
    dairy.run("08:00")
    (case,) = of(dairy, "credit_block")
    assert (str(case.subject), case.began, case.ended) == ("sales_order:K-1", instant("07:00"), None)
    assert (case.owner, case.due) == ("plan-1", instant("15:00"))

    dairy.scribe.report("wawi", at("09:00"), "sales_order:K-1", credit="ok")
    dairy.scribe.report("wawi", at("13:00"), "sales_order:K-1", credit="blocked")
    dairy.run("13:05")

    assert [(c.began, c.ended) for c in sorted(of(dairy, "credit_block"), key=lambda c: c.began)] == [
        (instant("07:00"), instant("09:00")), (instant("13:00"), None),
    ]  # fmt: skip


def test_a_blocked_order_that_is_cancelled_keeps_nothing_back(works):
    dairy = works()
    dairy.scribe.report("wawi", at("07:00"), "sales_order:K-1", credit="blocked", status="released")
    dairy.scribe.report("wawi", at("08:00"), "sales_order:K-1", status="cancelled")
    dairy.run("08:30")
    assert [(c.ended, c.is_open) for c in of(dairy, "credit_block")] == [(instant("08:00"), False)]


def test_units_without_a_label_are_one_case_from_shortly_before_the_truck_until_all_have_one(loading):
    for unit, labelled in (("P-1", False), ("P-2", "nein"), ("P-3", True)):
        loading.scribe.report(
            "lager", at("08:00"), f"handling_unit:{unit}", lot="M-1", sales_order_line="K-1/10", packed=True,
            labelled=labelled,
        )  # fmt: skip
    loading.scribe.report("lager", at("08:00"), "handling_unit:P-9", lot="M-9", labelled=False)
    loading.run("10:00")
    assert of(loading, "missing_label") == []
    loading.run("10:35")
    (case,) = of(loading, "missing_label")
    assert (case.title, case.began, case.due) == (
        "K-1/10 has 2 units without a label", instant("10:30"), instant("12:00"),
    )  # fmt: skip

    loading.scribe.report("lager", at("10:50"), "handling_unit:P-1", labelled=True)
    loading.run("10:55")
    assert [c.is_open for c in of(loading, "missing_label")] == [True]
    loading.scribe.report("lager", at("11:10"), "handling_unit:P-2", labelled="ja")
    loading.run("11:15")
    assert [(c.ended, c.is_open) for c in of(loading, "missing_label")] == [(instant("11:10"), False)]


def test_a_unit_labelled_in_good_time_is_no_case(loading):
    loading.scribe.report("lager", at("08:00"), "handling_unit:P-1", sales_order_line="K-1/10", labelled=False)
    loading.scribe.report("lager", at("09:00"), "handling_unit:P-1", labelled=True)
    loading.run("11:00")
    assert of(loading, "missing_label") == []


def test_a_paper_the_customer_asks_for_and_nobody_ever_made_is_missing_once_such_papers_are_kept_here(loading):
    loading.run("11:00")
    assert of(loading, "missing_document") == []
    loading.scribe.report(
        "labor", at("07:00"), "document:analysenzertifikat/M-5", subject="lot:M-5", status="ausgestellt"
    )  # fmt: skip
    loading.run("11:01")
    (case,) = of(loading, "missing_document")
    assert (case.title, case.began, case.due) == (
        "K-1/10 lacks documents: analysenzertifikat", instant("10:30"), instant("12:00"),
    )  # fmt: skip

    loading.scribe.report(
        "labor", at("11:20"), "document:analysenzertifikat/M-1", subject="lot:M-1", status="ausgestellt"
    )  # fmt: skip
    loading.run("11:25")
    assert [(c.ended, c.is_open) for c in of(loading, "missing_document")] == [(instant("11:20"), False)]


def test_a_paper_that_was_there_in_time_was_never_missing_however_late_one_looks(loading):
    loading.scribe.report(
        "labor", at("09:00"), "document:analysenzertifikat/M-1", subject="lot:M-1", status="ausgestellt"
    )  # fmt: skip
    loading.scribe.report("wawi", at("12:05"), "sales_order_line:K-1/10", status="shipped")
    loading.run("13:00")
    assert of(loading, "missing_document") == []


def test_goods_that_left_without_their_paper_are_no_longer_kept_back(loading):
    loading.scribe.report(
        "labor", at("07:00"), "document:analysenzertifikat/M-5", subject="lot:M-5", status="ausgestellt"
    )  # fmt: skip
    loading.scribe.report("wawi", at("12:05"), "sales_order_line:K-1/10", status="shipped")
    loading.run("13:00")
    (case,) = of(loading, "missing_document")
    assert (case.began, case.ended) == (instant("10:30"), instant("12:05"))


def test_how_grave_it_is_names_what_it_endangers_and_by_when(works):
    dairy = works()
    dairy.scribe.report("wawi", at("06:00"), "sales_order:K-1", customer="K-7", credit="ok", promised_at=at("15:00"))
    dairy.scribe.report("wawi", at("06:00"), "sales_order_line:K-1/10", customer="K-7", status="released")
    dairy.scribe.report("wawi", at("12:00"), "sales_order:K-1", credit="blocked")
    dairy.run("12:05")
    (case,) = of(dairy, "credit_block")
    assert case.severity.name == "HIGH"
    assert "15:00" in case.severity_why
