from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineside.plant.entities import Entity
from lineside.plant.equipment import Equipment, Level, level, within, work_center
from lineside.plant.quantities import Quantity, number, plain, unit
from lineside.plant.records import Decision, Event, Provenance, Report, quantity, record_id
from lineside.plant.vocabulary import (
    CLOSED_BY,
    EVENT_KINDS,
    PROPERTIES,
    STATUSES,
    UNIT_WORDS,
    is_known_value,
    is_mapped,
)

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
CASE_AND_PALLET = {"case": Quantity(Decimal(12), "ea"), "pallet": Quantity(Decimal(40), "case")}
FAMILIES = (("mg", "g", "kg", "t", "[lb_av]"), ("mL", "L", "hL", "m3"), ("s", "min", "h", "d"), ("mm", "cm", "m", "km"))
VALUES = st.decimals(min_value=-(10**6), max_value=10**6, places=3)


def provenance(**changes):
    given_ = {"source": "mes", "source_id": "1", "occurred_at": NOON, "reported_at": NOON, "recorded_at": NOON}
    return Provenance(**{**given_, **changes})


@given(value=VALUES, pair=st.sampled_from([(a, b) for family in FAMILIES for a in family for b in family]))
def test_a_conversion_and_its_way_back_meet(value, pair):
    there = Quantity(value, pair[0]).to(pair[1])
    assert abs(there.to(pair[0]).value - value) <= Decimal("1e-15") * max(1, abs(value))


@given(value=VALUES, one=st.sampled_from(FAMILIES), other=st.sampled_from(FAMILIES))
def test_no_conversion_leaves_its_dimension(value, one, other):
    assume(one != other)
    assert Quantity(value, one[0]).to(other[0]) is None


@given(pallets=st.integers(0, 10**6))
def test_packaging_goes_both_ways(pallets):
    pieces = Quantity(Decimal(pallets), "pallet").to("pcs", CASE_AND_PALLET)
    assert pieces == Quantity(Decimal(pallets * 480), "ea")
    assert pieces.to("Paletten", CASE_AND_PALLET).value == pallets


def test_packaging_without_a_factor_or_in_a_circle_converts_to_nothing():
    assert Quantity(Decimal(1), "case").to("ea") is None
    circle = {"case": Quantity(Decimal(2), "pallet"), "pallet": Quantity(Decimal(2), "case")}
    assert Quantity(Decimal(1), "case").to("ea", circle) is None
    assert Quantity(Decimal(1), "ea").to("case", {"case": Quantity(Decimal(0), "ea")}) is None


@pytest.mark.parametrize(("written", "code"), [(word, code) for code, words in UNIT_WORDS.items() for word in words])
def test_every_spelling_of_a_unit_in_any_case_is_its_code(written, code):
    assert unit(f" {written} ") == code
    assert unit(code) == code


@pytest.mark.parametrize(
    ("written", "code"), [("STK.", "ea"), ("KG", "kg"), ("Stück", "ea"), ("h", "h"), ("UN/ISO", "UN/ISO")]
)
def test_units_of_other_systems(written, code):
    assert unit(written) == code


@pytest.mark.parametrize("value", [True, None, "", "12 kg", "nan", "inf", float("nan"), [1], {}])
def test_what_is_no_finite_number_is_none(value):
    assert number(value) is None


def test_numbers_keep_what_was_written():
    assert [str(number(value)) for value in (0.1, "12.50", 7)] == ["0.1", "12.50", "7"]
    assert [plain(Decimal(text)) for text in ("840", "1E+3", "0.500", "-0.0")] == ["840", "1000", "0.5", "0"]
    assert str(Quantity(Decimal(840), "pcs")) == "840 ea"
    with pytest.raises(ValueError, match="finite"):
        Quantity(Decimal("NaN"))


def test_a_propertys_quantity_comes_bare_or_with_its_unit():
    assert quantity({"value": 12, "unit": "Karton"}) == Quantity(Decimal(12), "case")
    assert quantity({"value": 12}, "kg") == Quantity(Decimal(12), "kg")
    assert quantity(12) == Quantity(Decimal(12))
    assert quantity("unrestricted") is None
    assert quantity({"unit": "kg"}) is None


def test_entities_are_read_as_they_are_written():
    assert Entity.parse("lot:L-77") == Entity.parse("L-77", kind="lot") == Entity("lot", "L-77")
    assert Entity.parse("urn:x:1", kind="document") == Entity("document", "urn:x:1")
    assert str(Entity.parse("inventory:RES-200@WH1/A-03-2")) == "inventory:RES-200@WH1/A-03-2"
    with pytest.raises(ValueError, match="kind:id"):
        Entity.parse("L-77")
    with pytest.raises(ValueError, match="lot:L-77"):
        Entity("lot", "")


@pytest.mark.parametrize(
    ("child", "parent"),
    [
        ("sales_order_line:SO-1042/10", "sales_order:SO-1042"),
        ("operation:WO/7781/20", "job_order:WO/7781"),
        ("inventory:RES-200@WH1/A-03-2", "material:RES-200"),
    ],
)
def test_lines_operations_and_positions_know_their_parent(child, parent):
    assert str(Entity.parse(child).parent) == parent
    assert Entity.parse(parent).parent is None


def test_equipment_paths():
    assert [level(path) for path in ("s", "s/a", "s/a/l", "s/a/l/u", "s/a/l/u/x")] == [*Level, Level.WORK_UNIT]
    assert within("s/a/line-3/filler", "s/a/line-3")
    assert not within("s/a/line-30", "s/a/line-3")
    assert work_center("s/a/line-3/filler") == "s/a/line-3"
    assert Equipment(id="s", name="Works", aliases=("Works", "we")).names() == ("s", "Works", "we")


def test_a_record_keeps_three_aware_times_in_utc():
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert provenance(occurred_at=berlin).occurred_at.tzinfo is UTC
    for name in ("occurred_at", "reported_at", "recorded_at"):
        with pytest.raises(ValueError, match=name):
            provenance(**{name: NOON.replace(tzinfo=None)})


def test_the_same_message_always_has_the_same_record_ids():
    assert provenance().record_id == provenance(recorded_at=NOON + timedelta(days=1)).record_id == record_id("mes", "1")
    assert len({record_id("a", "b"), record_id("ab", ""), record_id("a", "b", 1), record_id("b", "a")}) == 4


def test_records_name_what_they_are_about_and_can_not_be_changed():
    event = Event(
        provenance=provenance(), kind="stop", equipment="s/a/l", attributes={"handling_unit": "HU-9", "code": "E1"}
    )
    assert set(event.entities()) == {Entity("equipment", "s/a/l"), Entity("handling_unit", "HU-9")}
    decision = Decision(provenance=provenance(), question="?", choice="!", attributes={"lot": "L-77", "by": "x"})
    assert list(decision.entities()) == [Entity("lot", "L-77")]
    given_ = {"quantity": 1}
    report = Report(provenance=provenance(), entity=Entity("lot", "L-77"), properties=given_)
    given_["quantity"] = 2
    assert report.properties == {"quantity": 1}
    with pytest.raises(TypeError):
        report.properties["quantity"] = 3


def test_the_vocabulary_knows_its_own_words_and_no_others():
    assert all(is_mapped("event", kind) for kind in EVENT_KINDS)
    assert all(is_mapped(kind, name) for kind, names in PROPERTIES.items() for name in names)
    assert not is_mapped("event", "explosion")
    assert not is_mapped("lot", "colour")
    assert not is_mapped("robot")
    assert set(CLOSED_BY) | set(CLOSED_BY.values()) <= set(EVENT_KINDS)
    assert all(is_mapped(kind, name) for kind, name in STATUSES)
    assert is_known_value("lot", "quality_status", "blocked")
    assert not is_known_value("lot", "quality_status", "gesperrt")
    assert is_known_value("lot", "supplier", "anyone")
