"""The pack's file of cases: what is wrong in it is told with file and key, and what it may change changes cases."""

import copy
import tomllib
from importlib import resources

import pytest

from lineside.cases.classes import parse
from lineside.errors import BadSettings

CORE = tomllib.loads(resources.files("lineside.packs").joinpath("core/cases.toml").read_text("utf-8"))


@pytest.fixture
def data():
    return copy.deepcopy(CORE)


def test_the_core_pack_has_every_class_that_the_product_promises():
    assert set(parse("core/cases.toml", CORE).classes) >= {
        "shortage", "late_staging", "downtime", "excursion", "quality_hold", "missing_document", "late_carrier",
        "stock_difference", "state_conflict", "silent_feed", "effect_missing", "reported",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        (lambda d: d["class"]["downtime"].update(damping_s="soon"), "class.downtime.damping_s"),
        (lambda d: d["class"]["downtime"].update(closed=["somebody says so"]), "class.downtime.closed"),
        (lambda d: d["class"]["downtime"].update(closed=[]), "class.downtime.closed"),
        (lambda d: d["class"]["shortage"].update(owner=["king"]), "class.shortage.owner"),
        (lambda d: d["class"]["shortage"].update(colour="red"), "class.shortage.colour"),
        (lambda d: d["class"]["excursion"].update(severity=[{"level": "huge"}]), "class.excursion.severity.level"),
        (lambda d: d["class"]["quality_hold"].update(detector="oracle"), "class.quality_hold.detector"),
        (lambda d: d["moves"]["close"].update(by=["anyone"]), "moves.close.by"),
        (lambda d: d["moves"].pop("withdraw"), "moves.withdraw"),
        (lambda d: d["states"].pop("contained"), "states.contained"),
        (lambda d: d["links"].append({"cause": "storm", "effect": "downtime", "through": []}), "links[14].cause"),
        (lambda d: d.update(look_back_s=-1), "look_back_s"),
        (lambda d: d.pop("version"), "version"),
        (lambda d: d.update(extra=1), "extra"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_key(data, spoil, key):
    spoil(data)

    with pytest.raises(BadSettings) as refused:
        parse("site/cases.toml", data)

    assert (refused.value.fields["file"], refused.value.fields["key"]) == ("site/cases.toml", key)
