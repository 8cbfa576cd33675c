"""Figures on how exceptions are worked: exact, additive over time, the same however records came, for each reader."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cases.conftest import DAIRY, FILLER, LINE, at, instant

from lineside.cases import Case, Severity, State
from lineside.cases.kpis import Asked, Governed, figures, kpi_pack, take
from lineside.cases.kpis import definitions as words
from lineside.cases.kpis.taking import Taken
from lineside.errors import BadRequest, BadSettings
from lineside.interpretation.pack_files import ground_of, over, under
from lineside.memory import Reader
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.entities import Entity
from lineside.plant.packs import PackLayer, Packs
from lineside.plant.plant import Person
from lineside.plant.plant_file import parse_plant
from lineside.plant.windows import Window

PLANT = parse_plant(DAIRY)
TODAY = Window(start=instant("00:00"), end=instant("00:00", "2026-03-04"))


def told(dairy, window=TODAY, *, reader=None, as_of=None, proposals=(), **asked):
    taken = take(dairy.memory, window, **({"reader": reader} if reader else {}), as_of=as_of, proposals=proposals)
    return {(f.kpi.key, *f.group.values()): f for f in figures(taken, Asked(window=window, **asked))}


@pytest.fixture
def worked(works):
    """A stop that people worked on from 9:00 to 9:40, one at 10:00 that went over by itself at 10:20, and one since
    11:00; it is 12:00."""
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    dairy.run("09:05")
    dairy.now[0] = instant("09:15")
    dairy.moves("meister-1").acknowledge(1)
    dairy.now[0] = instant("09:25")
    dairy.moves("meister-1").contain(1, why="von Hand weiter")
    dairy.scribe.event("leitstand", at("09:40"), "start", equipment=FILLER)
    dairy.run("09:45")
    dairy.scribe.event("leitstand", at("10:40"), "stop", equipment=FILLER, reason="Folie leer")
    dairy.scribe.event("leitstand", at("11:00"), "start", equipment=FILLER)
    dairy.run("11:10")
    dairy.scribe.event("leitstand", at("11:30"), "stop", equipment="molkerei-sued/abfuellung/linie-5", reason="Stau")
    dairy.run("12:00")
    return dairy


def test_each_figure_says_what_is_above_and_below_its_line_and_what_is_behind(worked):
    found = told(worked)

    def of(key):
        figure = found[key,]
        return figure.denominator, figure.median, figure.p90, figure.refs, figure.waiting

    assert of("time_open") == (2, 1800.0, 2400.0, ("EXC-1", "EXC-2"), 1)
    assert of("time_to_containment") == (2, 1350.0, 1500.0, ("EXC-1", "EXC-2"), 1)
    assert of("time_to_acknowledge") == (1, 600.0, 600.0, ("EXC-1",), 1)
    assert of("aging") == (1, 1800.0, 1800.0, ("EXC-3",), 0)
    touchless = found["touchless_rate",]
    assert (touchless.value, touchless.numerator, touchless.above) == (0.5, 1, ("EXC-2",))
    assert found["aging",].ages == {"under 1 h": 1, "under 8 h": 0, "under 24 h": 0, "under 7 d": 0, "over 7 d": 0}


def test_where_nothing_is_counted_there_is_no_figure_rather_than_zero(works):
    dairy = works()
    dairy.run("12:00")
    assert {(f.value, f.median, f.denominator) for f in told(dairy).values()} == {(None, None, 0)}


def test_only_a_raised_priority_is_an_expedite_and_what_does_not_tell_is_counted_apart(works):
    dairy = works()
    for before, after in (("3", "1"), ("normal", "dringend"), ("1", "3"), ("hoch", "niedrig"), ("2", "2"), (None, "1"),
                          ("P2", "P1")):  # fmt: skip
        change = {"from_": before} if before else {}
        dairy.scribe.event("wawi", at("08:00"), "priority_changed", job_order="A-1", to=after, **change)
    dairy.scribe.event("wawi", at("08:30"), "started", job_order="A-1")
    dairy.scribe.event("wawi", at("08:40"), "eilauftrag", job_order="A-2")
    dairy.run("09:00")

    assert (told(dairy)["expedites",].numerator, told(dairy)["expedites",].denominator) == (2, 1)
    site = """
[events]
expedited_by_kind = ["eilauftrag"]
[kpi.untold]
name = "priority changes that tell no direction"
numerator = "priority_untold"
denominator = "started"
unit = "per 100"
"""
    dairy.memory.plant = replace(
        dairy.memory.plant, packs=Packs(layers=(PackLayer(name="werk", version="1", files={"case_kpis.toml": site}),))
    )
    found = told(dairy)
    assert (found["expedites",].numerator, found["untold",].numerator) == (3, 2)


def test_in_the_past_the_figures_are_as_they_would_have_been_told_then(worked):
    then = instant("09:30")
    found = told(worked, as_of=then)
    assert (found["time_open",].denominator, found["aging",].median) == (0, 1800.0)
    assert found["time_to_containment",].refs == ("EXC-1",)
    before = told(worked, as_of=instant("09:20"))
    assert (before["time_to_containment",].value, before["time_to_containment",].waiting) == (None, 1)
    assert before["time_to_acknowledge",].denominator == 1


def test_a_correction_changes_todays_figure_and_not_what_was_told_before_it(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("09:00"), "stop", equipment=FILLER, reason="Becher klemmt")
    end = dairy.scribe.event("leitstand", at("09:40"), "start", equipment=FILLER)
    dairy.run("09:45")
    dairy.scribe.delete("leitstand", at("10:30"), end)
    dairy.scribe.event("leitstand", at("09:30"), "start", told=at("10:30"), equipment=FILLER)
    dairy.run("10:45")

    assert told(dairy, as_of=instant("10:00"))["time_open",].median == 2400.0
    assert told(dairy)["time_open",].median == 1800.0


def test_what_a_person_may_not_see_is_not_counted_for_them(worked):
    there = Reader(Person(id="meister-1", roles=("Schichtleiter",), sites=("molkerei-sued",)))
    elsewhere = Reader(Person(id="fremd", roles=("Schichtleiter",), sites=("molkerei-nord",)))
    nowhere = Reader(Person(id="niemand"))
    assert told(worked, reader=there)["time_open",].denominator == 2
    for reader in (elsewhere, nowhere):
        assert {f.denominator for f in told(worked, reader=reader).values()} == {0}


def test_the_first_decision_since_it_began_counts_and_none_from_before(worked):
    worked.scribe.decide("schichtbuch", at("08:00"), "Was tun?", "abwarten", case="EXC-1")
    worked.scribe.decide("schichtbuch", at("09:20"), "Was tun?", "von Hand", case="EXC-1")
    worked.scribe.decide("schichtbuch", at("09:30"), "Und dann?", "Fühler tauschen", case="exc-1")
    worked.tell()
    found = told(worked)["decision_latency",]
    assert (found.denominator, found.median, found.refs) == (1, 1200.0, ("EXC-1",))


def test_an_approval_counts_once_and_as_the_governed_action_on_what_it_rests_on(worked):
    opened = worked.cases.show(3).opened_records[0]
    asked = Governed(
        id="P-1", asked_at=instant("11:35"), approved_at=instant("11:50"), over_at=instant("11:50"),
        entity=Entity("lot", "L-1"), place="molkerei-sued", records=(opened,),
    )  # fmt: skip
    waits = replace(asked, id="P-2", asked_at=instant("11:55"), approved_at=None, over_at=None, records=())
    found = told(worked, proposals=[asked, waits])
    latency = found["approval_latency",]
    assert (latency.denominator, latency.median, latency.refs, latency.waiting) == (1, 900.0, ("P-1",), 1)
    assert (found["decision_latency",].median, found["decision_latency",].refs) == (1200.0, ("EXC-3",))


def test_what_was_reopened_counts_as_such_when_it_closes_again(worked):
    worked.now[0] = instant("12:01")
    worked.moves("meister-1").reopen(1, why="klemmt wieder")
    worked.run("12:30")
    found = told(worked)["reopened_share",]
    assert (found.numerator, found.denominator, found.above) == (1, 2, ("EXC-1",))


def test_the_night_in_which_the_clock_changes_is_an_hour_shorter(works):
    day = "2026-03-29"
    dairy = works()
    dairy.scribe.event("leitstand", f"{day}T01:30:00+01:00", "stop", equipment=FILLER, reason="Stau")
    dairy.scribe.event("leitstand", f"{day}T03:30:00+02:00", "start", equipment=FILLER)
    dairy.run(datetime.fromisoformat(f"{day}T12:00:00+02:00"))
    window = Window(start=instant("00:00", "2026-03-28"), end=datetime.fromisoformat("2026-03-30T00:00:00+02:00"))
    found = told(dairy, window, by=("day",), kpis=("time_open",))
    assert [(f.denominator, f.window.seconds / 3600) for f in found.values()] == [(0, 24.0), (1, 23.0)]
    assert found["time_open", day].median == 3600.0


def test_an_exception_over_the_border_of_two_windows_stands_in_one_and_closes_in_the_other(works):
    dairy = works()
    dairy.scribe.event("leitstand", at("13:50"), "stop", equipment=FILLER, reason="Stau")
    dairy.scribe.event("leitstand", at("14:30"), "start", equipment=FILLER)
    dairy.run("16:00")
    window = Window(start=instant("06:00"), end=instant("22:00"))
    found = told(dairy, window, by=("each-shift",), kpis=("time_open", "aging"))
    early, late = "2026-03-03-früh", "2026-03-03-spät"
    assert (found["aging", early].median, found["aging", late].value) == (600.0, None)
    assert (found["time_open", early].value, found["time_open", late].median) == (None, 2400.0)
    assert (found["time_open", early].waiting, found["time_open", late].waiting) == (1, 0)


@settings(max_examples=3)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_neither_the_order_of_arrival_nor_how_often_one_looks_changes_a_figure(works, random, looks):
    def stops(dairy):
        scribe = dairy.scribe
        for hour, minutes in ((7, 12), (8, 30), (10, 5)):
            scribe.event("leitstand", at(f"{hour:02}:00"), "stop", equipment=FILLER, reason=f"R{hour}")
            scribe.event("leitstand", at(f"{hour:02}:{minutes:02}"), "start", equipment=FILLER)
        scribe.event("leitstand", at("11:00"), "stop", equipment=LINE, reason="Stau")

    one, other = works(), works()
    stops(one)
    one.run("12:00")
    stops(other)
    random.shuffle(other.scribe.events)
    for _ in range(looks):
        other.run("12:00")

    def plain(dairy):
        found = told(dairy, by=("class", "shift")).items()
        return [(k, f.value, f.median, f.p90, f.numerator, f.denominator, f.waiting) for k, f in found]

    assert plain(one) == plain(other)


def case(number, random):
    began = instant("00:00", "2026-03-27") + timedelta(seconds=random.randrange(5 * 86_400))
    contained = began + timedelta(seconds=random.randrange(40_000)) if random.random() < 0.8 else None
    since = contained or began
    closed = since + timedelta(seconds=random.randrange(90_000)) if random.random() < 0.7 else None
    seen = began + timedelta(seconds=random.randrange(9_000)) if random.random() < 0.5 else None
    return Case(
        number=number, key=str(number), case_class=random.choice(("downtime", "shortage")), title="x",
        subject=Entity("equipment", FILLER), place=random.choice((FILLER, LINE, "molkerei-nord/lager", "")),
        state=State.CLOSED if closed else State.NEW, severity=Severity.LOW, role="r", owner=None, owner_since=began,
        began=began, ended=closed, opened_at=began, opened_by="records", clock_from=began, acknowledged_at=seen,
        contained_at=contained, resolved_at=closed, closed_at=closed,
    )  # fmt: skip


def taken(random, window, pack=None):
    cases = tuple(case(n, random) for n in range(1, random.randrange(2, 40)))
    return Taken(
        pack=pack or kpi_pack(), calendar=ShiftCalendar(PLANT), window=window, as_of=window.end,
        cases=tuple(c for c in cases if c.within(window.start, window.end)),
        touched=frozenset(c.number for c in cases if random.random() < 0.5),
        reopened=frozenset(c.number for c in cases if random.random() < 0.3),
        proposals=tuple(
            Governed(
                id=f"P-{n}", asked_at=window.start, approved_at=window.start + timedelta(hours=n), over_at=None,
                entity=Entity("lot", "L"), place="molkerei-sued", records=(),
            )
            for n in range(random.randrange(30))
        ),
    )  # fmt: skip


@settings(max_examples=30)
@given(st.randoms(use_true_random=False), st.sampled_from(["day", "week", "each-shift"]), st.booleans())
def test_what_is_counted_over_a_window_is_what_is_counted_over_its_tiles(random, tile, by_class):
    start = instant("00:00", "2026-03-27") + timedelta(minutes=random.randrange(3_000))
    window = Window(start=start, end=start + timedelta(minutes=random.randrange(60, 7_000)))
    seen = taken(random, window)
    beside = ("class",) if by_class else ()
    whole = figures(seen, Asked(window=window, by=beside))
    parts = figures(seen, Asked(window=window, by=(*beside, tile)))
    for figure in (f for f in whole if not f.kpi.stands):
        mine = [p for p in parts if p.kpi.key == figure.kpi.key and figure.group.items() <= p.group.items()]
        assert sum(p.denominator for p in mine) == figure.denominator
        assert sum(p.numerator for p in mine) == pytest.approx(figure.numerator, rel=1e-12)
        assert sorted(r for p in mine for r in p.refs) == sorted(figure.refs)
        assert mine == [] or mine[-1].waiting == figure.waiting
    spans = sorted({(p.window.start, p.window.end) for p in parts})
    assert not spans or (spans[0][0], spans[-1][1]) == (window.start, window.end)
    assert all(one[1] == other[0] for one, other in pairwise(spans))


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), st.sampled_from(["class", "area", "shift", "site"]))
def test_what_is_set_side_by_side_adds_up_to_the_whole(random, by):
    window = Window(start=instant("00:00", "2026-03-28"), end=instant("00:00", "2026-03-31"))
    seen = taken(random, window)
    for figure in figures(seen, Asked(window=window)):
        parts = figures(seen, Asked(window=window, by=(by,), kpis=(figure.kpi.key,)))
        assert sum(p.denominator for p in parts) == figure.denominator
        assert sorted(r for p in parts for r in p.refs) == sorted(figure.refs)


RATED = """
[rates]
currency = "EUR"
cost_per_hour = { downtime = 600 }
minutes_saved = { downtime = 15 }
"""


def with_rates(text=RATED):
    return Packs(layers=(PackLayer(name="dairies", version="1.0.0", files={words.FILE: text}),))


def test_money_and_effort_are_told_only_by_the_rates_of_a_pack(worked):
    assert told(worked)["cost_until_contained",].missing.startswith("no rate is given")
    worked.memory.plant = replace(worked.memory.plant, packs=with_rates())
    with under(with_rates()):
        found = told(worked)
    cost, saved = found["cost_until_contained",], found["reconciliation_effort_saved",]
    assert (cost.value, cost.currency, cost.denominator, cost.missing) == (450.0, "EUR", 2, "")
    assert (saved.value, saved.refs, saved.kpi.estimate) == (15, ("EXC-2",), True)


def test_each_site_goes_by_its_own_rates_and_two_currencies_are_not_added_up():
    packs = {"molkerei-sued": with_rates(), "molkerei-nord": with_rates(RATED.replace("EUR", "CHF"))}
    plant = replace(PLANT, packs_by_site=packs)
    window = Window(start=instant("00:00", "2026-03-25"), end=instant("00:00", "2026-04-05"))
    stood = replace(case(1, Random(4)), case_class="downtime", place=FILLER)
    stood = replace(stood, contained_at=stood.began + timedelta(hours=1))
    both = (stood, replace(stood, number=2, place="molkerei-nord/lager"))
    made = replace(taken(Random(4), window), calendar=ShiftCalendar(plant), cases=both)
    whole = {f.kpi.key: f for f in figures(made, Asked(window=window))}["cost_until_contained"]
    sites = figures(made, Asked(window=window, by=("site",), kpis=("cost_until_contained",)))
    assert (whole.value, whole.missing) == (None, "CHF and EUR are not added up: ask by site")
    assert {f.group["site"]: f.currency for f in sites} == {"molkerei-nord": "CHF", "molkerei-sued": "EUR"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[kpi.time_open]\nnumerator = 'lateness'", "kpi.time_open.numerator"),
        ("[kpi.time_open]\ndenominator = 'open'", "kpi.time_open.denominator"),
        ("[kpi.touchless_rate]\nunit = 'duration'", "kpi.touchless_rate.unit"),
        ("[kpi.new]\nnumerator = 'closed'", "kpi.new.denominator"),
        ("[ages]\nhours = [8, 1]", "ages.hours"),
        ("[rates.cost_per_hour]\ndowntime = 5", "rates.currency"),
        ("[rates.minutes_saved]\nflood = 5", "rates.minutes_saved.flood"),
        ("[rates.minutes_saved]\ndowntime = -5", "rates.minutes_saved.downtime"),
        ("[event]\nstarted = []", "event"),
    ],
)
def test_a_wrong_file_is_refused_with_its_key(text, key):
    import tomllib

    where, below = ground_of(words.FILE)
    with pytest.raises(BadSettings) as refused:
        words.parse(where, over(words.FILE, where, below, tomllib.loads(text)))
    assert refused.value.fields["key"] == key


def test_what_cannot_be_asked_is_refused_with_what_can(worked):
    with pytest.raises(BadRequest, match="time_open"):
        told(worked, kpis=("speed",))
    with pytest.raises(BadRequest, match="class, area"):
        Asked(window=TODAY, by=("mood",))
    with pytest.raises(BadRequest, match="at a time"):
        Asked(window=TODAY, by=("day", "week"))
