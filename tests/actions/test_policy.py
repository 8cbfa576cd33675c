"""The policy: data, refused at load where it is wrong, and refusing whatever it does not name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.actions import Risk, load_policy, parse_policy
from lineside.actions.policy import Case, one_human
from lineside.errors import BadSettings
from lineside.plant.plant import Person

CASE = Case(action="hold_lot", risk=Risk.MEDIUM, site="westhafen")
GOOD = """
name = "ours"
version = "7"
open_per_requester = 3

[[rules]]
name = "quality decides by day"
actions = ["hold_lot"]
risks = ["medium"]
sites = ["Westhafen"]
propose = ["*"]
approve = ["Quality-Lead"]
expires_minutes = 30
verify_minutes = 60
"""


def person(*roles: str, id: str = "p", sites: tuple[str, ...] = ("westhafen",)) -> Person:  # noqa: A002
    return Person(id=id, roles=roles, sites=sites)


def test_default_pack_lets_planners_ask_and_quality_decide() -> None:
    policy, planner, quality = load_policy(), person("planner"), person("quality", id="q")

    assert policy.may_propose(planner, CASE).allowed
    assert not policy.may_approve(planner, CASE, barred=()).allowed
    assert policy.may_approve(quality, CASE, barred=(planner,)).allowed


@pytest.mark.parametrize(
    ("who", "case"),
    [
        (person(), CASE),
        (person("guest"), CASE),
        (person("quality", sites=()), CASE),
        (person("quality", sites=("osthafen",)), CASE),
        (person("quality"), Case(action="scrap_lot", risk=Risk.MEDIUM, site="westhafen")),
        (person("quality"), Case(action="hold_lot", risk=Risk.MEDIUM, site="elsewhere")),
    ],
)
def test_what_no_rule_names_is_refused(who: Person, case: Case) -> None:
    policy = load_policy()

    assert not policy.may_propose(who, case).allowed
    assert not policy.may_approve(who, case, barred=()).allowed


def test_a_policy_without_rules_refuses_everybody() -> None:
    policy = parse_policy(b'name = "none"\nversion = "1"\nopen_per_requester = 1\n', where="here")

    assert not policy.may_propose(person("quality"), CASE).allowed


@pytest.mark.parametrize(
    "other",
    [
        Person(id="Q-1"),
        Person(id="x", slack="U1"),
        Person(id="x", email="ANNA@example.org"),
    ],
)
def test_one_human_is_one_principal_by_whatever_door(other: Person) -> None:
    asked = Person(id="q-1", slack="U1", email="anna@example.org")

    assert one_human(asked, other)
    assert not one_human(asked, Person(id="x", slack="U2", email="otto@example.org"))


def test_a_homes_own_policy_replaces_the_packs(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(GOOD)

    policy = load_policy(tmp_path)

    assert (policy.name, policy.version, policy.open_per_requester) == ("ours", "7", 3)
    assert policy.may_propose(person("anything"), CASE).allowed
    assert policy.may_approve(person("quality lead"), CASE, barred=()).allowed
    assert not policy.may_approve(person("quality"), CASE, barred=()).allowed
    high = Case(action="hold_lot", risk=Risk.HIGH, site="westhafen")
    assert not policy.may_propose(person("anything"), high).allowed
    assert policy.digest != load_policy().digest


@pytest.mark.parametrize(
    ("was", "wrong", "key"),
    [
        ('name = "ours"', "", "name"),
        ("open_per_requester = 3", "open_per_requester = 0", "open_per_requester"),
        ("open_per_requester = 3", "open_per_requester = 3\nquorums = 2", "quorums"),
        ('actions = ["hold_lot"]', 'actions = ["scrap_lot"]', "rules[0].actions"),
        ('risks = ["medium"]', 'risks = ["tiny"]', "rules[0].risks"),
        ('risks = ["medium"]', "risks = []", "rules[0].risks"),
        ('approve = ["Quality-Lead"]', 'approve = ["*"]', "rules[0].approve"),
        ('approve = ["Quality-Lead"]', 'aprove = ["Quality-Lead"]', "rules[0].aprove"),
        ("expires_minutes = 30", "expires_minutes = true", "rules[0].expires_minutes"),
        ("expires_minutes = 30", "expires_minutes = 999999", "rules[0].expires_minutes"),
        ("[[rules]]", "[rules]", "rules"),
    ],
)
def test_a_wrong_policy_is_refused_at_load_with_its_key(was: str, wrong: str, key: str) -> None:
    assert was in GOOD

    with pytest.raises(BadSettings) as refused:
        parse_policy(GOOD.replace(was, wrong).encode(), where="policy.toml")

    assert refused.value.fields["key"] == key


def test_what_is_no_toml_is_refused() -> None:
    with pytest.raises(BadSettings, match="is not TOML"):
        parse_policy(b"\xff", where="policy.toml")
