"""Whether cases gather: few false alarms, a planted effect found, and what cannot be told apart named."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.interpretation.chance import at_least, at_least_in_strata, false_discovery
from lineside.interpretation.comparing import beside, compared, confounded, inseparable, placed
from lineside.interpretation.occurrences import Occurrence
from lineside.interpretation.pattern_rules import parse_rules, pattern_rules
from lineside.interpretation.running_hours import Exposure, Piece

LINE = "harrow/tablets/press-2"
START = datetime(2026, 3, 2, tzinfo=UTC)


def hours(levels):
    """An hour of running time for each of these levels, in order; eight hours are a shift."""
    return Exposure(
        tuple(
            Piece(
                line=LINE,
                start=START + timedelta(hours=n),
                end=START + timedelta(hours=n + 1),
                amount=1.0,
                turn=START + timedelta(hours=n - n % 8),
                levels=each,
            )
            for n, each in enumerate(levels)
        )
    )


def cases(times, label="chipping"):
    return [
        Occurrence(
            kind="stop", label=label, equipment=LINE, start=START + timedelta(hours=t), end=None, records=(f"r-{t}",)
        )
        for t in sorted(times)
    ]


def weeks(number):
    """Turning crews, materials of two days each, weekdays."""
    return [
        {
            "crew": ("amber", "jade", "onyx")[n // 8 % 3],
            "material": f"M-{n // 48 % 4}",
            "weekday": f"day {n // 24 % 7}",
            "shift": ("early", "late", "night")[(n // 8 + n // 168) % 3],
        }
        for n in range(168 * number)
    ]


def test_what_falls_by_chance_is_called_a_pattern_no_more_often_than_stated():
    run, rng = hours(weeks(6)), random.Random(20260302)
    alarms, rounds = 0, 200
    for _ in range(rounds):
        groups = [
            (placed(cases({rng.uniform(0, 168 * 6) for _ in range(n)}, label), run), run, ())
            for label, n in (("chipping", 12), ("sticking", 30), ("dust", 80))
        ]
        alarms += any(c.strong for found in compared(groups) for c in found)

    # Were the stated rate of 5 % true, more than 20 of 200 would come once in a thousand times.
    assert alarms <= 20


def test_a_planted_effect_is_found_and_named_alone():
    run, rng = hours(weeks(6)), random.Random(7)
    jade = [n for n, level in enumerate(weeks(6)) if level["crew"] == "jade"]
    times = {n + rng.random() for n in rng.sample(jade, 30)} | {rng.uniform(0, 168 * 6) for _ in range(20)}

    [found] = compared([(placed(cases(times), run), run, ())])

    assert next((c.dimension, c.level) for c in found if c.strong) == ("crew", "jade")
    lead = confounded(found[0], placed(cases(times), run), run)
    assert inseparable(lead) == []


def test_a_crew_that_always_runs_one_material_cannot_be_told_apart_from_it():
    run = hours(
        [{"crew": c, "material": m} for c, m in (("onyx", "X"), ("jade", "Y"), ("amber", "Z")) for _ in range(90)]
    )
    on = placed(cases([n * 4 + 0.5 for n in range(20)] + [150.5, 230.5]), run)

    [found] = compared([(on, run, ())])
    lead = confounded(found[0], on, run)

    assert lead.strong
    [mixed] = inseparable(lead)
    assert mixed in ("material X", "crew onyx")
    assert "cannot be told apart" in beside(lead)


def test_a_material_that_explains_a_crew_is_told_by_the_rate_within_equal_material():
    # Crew onyx mostly runs X, which stops whoever runs it.
    plan = [("onyx", "X")] * 240 + [("onyx", "Y")] * 80 + [("jade", "X")] * 80 + [("jade", "Y")] * 240
    run = hours([{"crew": c, "material": m} for c, m in plan])
    on = placed(cases([n + 0.5 for n, (_, m) in enumerate(plan) if m == "X" and n % 8 == 0]), run)

    [found] = compared([(on, run, ("crew",))])
    lead = confounded(found[0], on, run)

    assert lead.level == "onyx"
    assert lead.strong
    [material] = lead.confounders
    assert (material.level, material.apart) == ("X", True)
    assert material.there == pytest.approx(material.elsewhere)
    assert material.chance > 0.3


def test_one_bad_shift_is_no_pattern_of_its_crew():
    run = hours(weeks(4))
    burst = placed(cases([8.1 + n / 4 for n in range(20)]), run)

    [found] = compared([(burst, run, ("crew",))])

    assert not any(c.strong for c in found)


def test_the_order_of_arrival_changes_no_comparison():
    run = hours(weeks(3))
    on = placed(cases([n * 7.3 for n in range(40)]), run)

    assert compared([(on, run, ())]) == compared([(list(reversed(on)), run, ())])


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.05, 0.95)), min_size=1, max_size=3), st.integers(0, 12))
def test_the_tail_over_strata_is_that_of_every_way_that_it_can_come(strata, hits):
    def ways(counts):
        found = 1.0
        for (trials, share), k in zip(strata, counts, strict=True):
            found *= comb(trials, k) * share**k * (1 - share) ** (trials - k)
        return found

    expected = sum(ways(c) for c in product(*(range(t + 1) for t, _ in strata)) if sum(c) >= hits)

    assert at_least_in_strata(strata, hits) == pytest.approx(min(1.0, expected), abs=1e-9)


def test_the_tails_have_their_tabled_values():
    assert at_least(9, 10, 0.5) == pytest.approx(11 / 1024)
    assert at_least(3, 3, 0.25) == pytest.approx(1 / 64)
    assert at_least_in_strata([(10, 0.5)], 9) == pytest.approx(11 / 1024)


def test_the_false_discovery_correction_has_the_values_of_its_authors():
    chances = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
               0.7590, 1.0]  # fmt: skip

    corrected = false_discovery(chances)

    assert sum(c <= 0.05 for c in corrected) == 4  # Benjamini and Hochberg 1995, section 4
    assert corrected[:4] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625])
    assert false_discovery(chances, [2.0] * 15) == pytest.approx(corrected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_false_discovery_correction_makes_nothing_less_likely_by_chance(chances):
    corrected = false_discovery(chances)

    assert all(c >= p or c == pytest.approx(p) for c, p in zip(corrected, chances, strict=True))
    order = sorted(range(len(chances)), key=chances.__getitem__)
    assert [corrected[i] for i in order] == sorted(corrected)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"weigths": {}}, "weigths"),
        ({"burst_factor": 0}, "burst_factor"),
        ({"names": {"tool": "die"}}, "names.tool"),
        ({"counted_against": {"default": "running_hours", "alarm": "miles"}}, "counted_against.alarm"),
        ({"per": {"lots": 100}}, "per"),
        ({"counted_by_word": {"miles": ["far"]}}, "counted_by_word.miles"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_key(changed, told):
    rules = pattern_rules()
    good = {
        **rules.numbers,
        "version": 1,
        "booked": [*rules.booked],
        "weights": {**rules.weights},
        "names": {"tool": []},
        "counted_against": {**rules.by_kind},
        "per": {**rules.per},
    }

    parse_rules("core/patterns.toml", good)
    with pytest.raises(BadSettings, match=told):
        parse_rules("core/patterns.toml", good | changed)
