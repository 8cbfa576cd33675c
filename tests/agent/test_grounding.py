"""What is not in the evidence does not leave the house; what is there is never dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.agent.grounding import Draft, ground
from lineside.interpretation.reading import Finding, Kind, PlantFact
from lineside.plant.entities import Entity
from lineside.plant.equipment import Equipment
from lineside.plant.plant import Person, Plant
from lineside.plant.records import Event, Note, Provenance, Record, Report

PLANT = Plant(
    site="kestrel",
    time_zone=ZoneInfo("Europe/London"),
    equipment=(Equipment(id="kestrel/mould/press-4", name="Press 4", aliases=("the old press",)),),
    people=(Person(id="ruth", name="Ruth Okafor"),),
)


def _from(number: str, time: str = "2026-06-03T08:10:00+01:00", source: str = "plex") -> Provenance:
    moment = datetime.fromisoformat(time)
    return Provenance(source=source, source_id=number, occurred_at=moment, reported_at=moment, recorded_at=moment)


STOP = Event(
    provenance=_from("e1"),
    kind="stop",
    equipment="kestrel/mould/press-4",
    attributes={"reason": "die stuck", "code": "E-217"},
)
LOT = Report(
    provenance=_from("q1", "2026-06-03T11:00:00+01:00", "etq"),
    entity=Entity("lot", "C0603A"),
    properties={"quantity": {"value": 120, "unit": "kg"}, "quality_status": "blocked", "location": "Bay 7"},
)
NOTE = Note(
    provenance=_from("n1", source="log"),
    text="Warmed the die for ten minutes, 1.5 h lost. Press 4 is not released.",
    author="ruth",
)
RECORDS: dict[str, Record] = {r.provenance.record_id: r for r in (STOP, LOT, NOTE)}


def reason(text: str, *records: Record, kind: Kind = Kind.FACT, findings: tuple[Finding, ...] = ()) -> str | None:
    """Why the claim was dropped; None where it was kept."""
    draft = Draft(text=text, kind=kind, cites=tuple(r.provenance.record_id for r in records), findings=findings)
    outcome = ground([draft], verdict=text, records=RECORDS, plant=PLANT)
    return outcome.dropped[0].reason if outcome.dropped else None


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("Press 4 stopped at 08:10 BST: die stuck, code E-217.", STOP),
        ("The old press stopped at 2026-06-03 07:10 UTC.", STOP),
        ("Press 4 stopped on 3 June at 8:10 am.", STOP),
        ("Press 4 stopped on Wednesday.", STOP),
        ("Lot C0603A holds 120 kg and is blocked.", LOT),
        ("lot c0603a holds 120,000 g.", LOT),
        ("Lot C0603A holds 0.12 t in Bay 7.", LOT),
        ("Etq says 120 kg at 11:00.", LOT),
        ("Ruth Okafor wrote of 90 min lost.", NOTE),
        ('Ruth wrote "Warmed the die for ten minutes".', NOTE),
        ("Press 4 is not released.", NOTE),
    ],
)
def test_a_claim_that_its_record_bears_out_is_kept(text: str, record: Record) -> None:
    assert reason(text, record) is None


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("Press 4 stopped at 08:11 BST.", STOP),
        ("Press 4 stopped at 08:10 UTC.", STOP),
        ("Press 4 stopped at 08:10 EST.", STOP),
        ("Press 4 stopped on 4 June.", STOP),
        ("Press 4 stopped on Friday.", STOP),
        ("Press 5 stopped at 08:10.", STOP),
        ("Press 4 stopped with E-218.", STOP),
        ("Press 4 stopped twice.", STOP),
        ("Lot C0603A holds 120 ea.", LOT),
        ("Lot C0603A holds 121 kg.", LOT),
        ("Lot C0603B holds 120 kg.", LOT),
        ("Lot C0603 holds 120 kg.", LOT),
        ("Lot C0603A is not blocked.", LOT),
        ("Lot C0603A was blocked by Miller.", LOT),
        ("Miller blocked lot C0603A.", LOT),
        ("Press 4 is released.", NOTE),
        ('Ruth wrote "Hammered the die".', NOTE),
        ("Ruth lost 2 h.", NOTE),
    ],
)
def test_a_claim_that_says_more_than_its_record_is_dropped(text: str, record: Record) -> None:
    assert reason(text, record) is not None


def test_a_claim_without_a_citation_on_record_is_dropped() -> None:
    outcome = ground(
        [Draft(text="All is well.", kind=Kind.FACT, cites=("r-0",))],
        verdict="All is well.",
        records=RECORDS,
        plant=PLANT,
    )
    assert outcome.kept == ()
    assert outcome.verdict is None


def test_a_figure_that_code_computed_counts_for_whoever_cites_the_finding_and_for_nobody_else() -> None:
    finding = Finding(text="Press 4 lost 35 min.", kind=Kind.DERIVED, cites=(STOP.provenance.record_id,))
    assert reason("Press 4 lost 35 min.", STOP, kind=Kind.DERIVED, findings=(finding,)) is None
    assert reason("35 min were lost on Press 4.", STOP, kind=Kind.DERIVED, findings=(finding,)) is None
    assert reason("Press 4 lost 35 min.", STOP, kind=Kind.DERIVED) is not None
    assert reason("Press 4 lost 36 min.", STOP, kind=Kind.DERIVED, findings=(finding,)) is not None


def test_a_fact_that_only_code_says_is_shown_as_derived() -> None:
    finding = Finding(text="Press 4 lost 35 min.", kind=Kind.FACT, cites=(STOP.provenance.record_id,))
    outcome = ground([Draft.of(finding)], verdict=finding.text, records=RECORDS, plant=PLANT)
    assert [draft.kind for draft in outcome.kept] == [Kind.DERIVED]


def test_a_direction_turned_round_is_dropped() -> None:
    finding = Finding(
        text="Press 4 is behind its target; scrap rose.", kind=Kind.DERIVED, cites=(STOP.provenance.record_id,)
    )
    assert reason("Press 4 is ahead of its target.", STOP, kind=Kind.DERIVED, findings=(finding,)) is not None
    assert reason("Scrap fell on Press 4.", STOP, kind=Kind.DERIVED, findings=(finding,)) is not None


def test_the_verdict_may_say_no_more_than_the_claims_that_survive() -> None:
    good = Draft(text="Lot C0603A holds 120 kg.", kind=Kind.FACT, cites=(LOT.provenance.record_id,))
    bad = Draft(text="Lot C0603A holds 999 kg.", kind=Kind.FACT, cites=(LOT.provenance.record_id,))
    outcome = ground([good, bad], verdict="C0603A holds 999 kg.", records=RECORDS, plant=PLANT)
    assert (len(outcome.kept), len(outcome.dropped), outcome.verdict) == (1, 1, None)
    assert (
        ground([good], verdict="C0603A holds 120 kg.", records=RECORDS, plant=PLANT).verdict == "C0603A holds 120 kg."
    )


def test_a_fact_of_the_plant_file_bears_out_its_times() -> None:
    fact = PlantFact("cut_offs.bay-1", "bay-1: departure 16:30, cut-off 15:45")
    kept = Draft(text="The cut-off is 15:45.", kind=Kind.FACT, cites=(fact,))
    wrong = Draft(text="The cut-off is 15:50.", kind=Kind.FACT, cites=(fact,))
    outcome = ground([kept, wrong], verdict="", records=RECORDS, plant=PLANT)
    assert [draft.text for draft in outcome.kept] == ["The cut-off is 15:45."]


_UNITS = ("kg", "ea", "L", "min", "%", "case")


@given(st.integers(1, 10**6), st.sampled_from(_UNITS), st.integers(1, 10**6), st.sampled_from(_UNITS))
def test_no_invented_quantity_passes_and_no_true_one_is_dropped(
    there: int, unit: str, said: int, said_unit: str
) -> None:
    record = Report(
        provenance=_from("x", "2026-06-03T11:03:00+01:00"),
        entity=Entity("lot", "ZZ"),
        properties={"quantity": {"value": there, "unit": unit}},
    )
    records: dict[str, Record] = {record.provenance.record_id: record}
    draft = Draft(text=f"ZZ holds {said} {said_unit}.", kind=Kind.FACT, cites=tuple(records))
    kept = bool(ground([draft], verdict="", records=records, plant=PLANT).kept)
    assert kept == (Decimal(there) == said and unit == said_unit)


@given(st.integers(0, 525_599), st.integers(-600, 600))
def test_a_time_passes_only_as_the_plants_clock_showed_it(minute: int, minutes_off: int) -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    record = Event(provenance=_from("x", instant.isoformat()), kind="stop", equipment="kestrel/mould/press-4")
    records: dict[str, Record] = {record.provenance.record_id: record}
    local = instant.astimezone(PLANT.time_zone)
    off = datetime.fromtimestamp(instant.timestamp() + 60 * minutes_off, UTC).astimezone(PLANT.time_zone)
    draft = Draft(text=f"It stopped at {off:%Y-%m-%d %H:%M %Z}.", kind=Kind.FACT, cites=tuple(records))
    kept = bool(ground([draft], verdict="", records=records, plant=PLANT).kept)
    assert kept == (f"{off:%Y-%m-%d %H:%M %Z}" == f"{local:%Y-%m-%d %H:%M %Z}")


@given(
    st.from_regex(r"[A-Z]{1,3}-[1-9][0-9]{1,5}", fullmatch=True),
    st.from_regex(r"[A-Z]{1,3}-[1-9][0-9]{1,5}", fullmatch=True),
)
def test_an_id_never_passes_for_its_neighbour(there: str, said: str) -> None:
    record = Report(provenance=_from("x"), entity=Entity("lot", there), properties={"quality_status": "blocked"})
    records: dict[str, Record] = {record.provenance.record_id: record}
    draft = Draft(text=f"Lot {said} is blocked.", kind=Kind.FACT, cites=tuple(records))
    assert bool(ground([draft], verdict="", records=records, plant=PLANT).kept) == (there == said)
