"""The pack's policy on readiness is read whole or refused with the key at fault."""

from __future__ import annotations

import tomllib

import pytest

from lineside.errors import BadSettings
from lineside.interpretation.shipping_policy import read_policy, shipping_policy

WHOLE = """
version = "7"
[stability]
watched_h = 12
tight_min = 30
expiry_margin_h = 48
signs = ["complaint"]
signs_h = 24
[forecast]
cases = 10
least_cases = 3
[dock]
occupied_min = 20
ahead_days = 3
[rank]
penalty = ["fine"]
first = ["now"]
second = []
last = []
[[substitution]]
name = "glue"
material = "GLUE-*"
customer = "K-1"
verdict = "allowed"
[[substitution]]
name = "paint never"
material = "paint*"
verdict = "forbidden"
"""


def test_the_core_pack_is_whole_and_lets_no_substitute_pass_by_itself():
    rule = shipping_policy().rule("X", "Y", None)
    assert rule is not None
    assert (rule.verdict, bool(rule.approve)) == ("approval", True)


def test_the_first_rule_that_fits_counts_and_none_means_forbidden():
    policy = read_policy("site/readiness.toml", tomllib.loads(WHOLE))
    asked = (("glue-4", "k-1"), ("GLUE-4", "K-2"), ("Paint", None), ("wood", "K-1"))
    found = [policy.rule(material, "S", customer) for material, customer in asked]
    assert [rule and rule.name for rule in found] == ["glue", None, "paint never", None]


def test_priorities_in_words_and_numbers_sort_alike():
    rank = shipping_policy().rank
    said = ["low", "3", "eilig", None, "1", "High"]
    assert sorted(said, key=rank.priority) == ["eilig", "1", "High", None, "3", "low"]


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        ("tight_min = 30", "tight_min = -1", "stability.tight_min"),
        ("tight_min = 30", "tightmin = 30", "stability.tightmin"),
        ('verdict = "allowed"', 'verdict = "maybe"', "substitution[0].verdict"),
        ('verdict = "allowed"', 'verdict = "approval"', "glue"),
    ],
)
def test_what_is_wrong_in_it_is_named(was, now, named):
    with pytest.raises(BadSettings) as refused:
        read_policy("site/readiness.toml", tomllib.loads(WHOLE.replace(was, now, 1)))
    assert named in refused.value.message
