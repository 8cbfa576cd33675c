"""One pack laid over another: it doesn't matter in which order several are thought together, nor how often one is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.interpretation import kpi_words, shared_states, state_models, waiting
from lineside.interpretation.pack_files import follow, in_force, under
from lineside.interpretation.pack_merging import merged, switched
from lineside.plant.packs import CORE, PackLayer, Packs
from lineside.plant.plant_file import parse_plant

WORDS = st.sampled_from(["alt", "neu", "frei", "rot", "grün"])
LISTS = st.one_of(
    st.lists(WORDS, unique=True),
    st.lists(st.one_of(WORDS, WORDS.map("!{}".format)), max_size=4).map(lambda ops: ["...", *ops]),
)


def entries(deep: int) -> st.SearchStrategy[dict[str, object]]:
    """Tables in which a key always has one make, as a pack's files do."""
    parts: dict[str, st.SearchStrategy[object]] = {
        "limit": st.integers(0, 3),
        "words": LISTS,
        "rules": st.lists(
            st.fixed_dictionaries({"name": WORDS}, optional={"limit": st.integers(0, 3), "off": st.booleans()}),
            unique_by=lambda each: each["name"],
        ),
        "off": st.booleans(),
    }
    if deep:
        parts |= {"quality": entries(deep - 1), "stock": entries(deep - 1)}
    return st.lists(st.sampled_from(sorted(parts)), unique=True).flatmap(
        lambda keys: st.fixed_dictionaries({key: parts[key] for key in keys})
    )


def ordered(content: object) -> str:
    return json.dumps(content)


@given(entries(2), entries(2), entries(2), st.booleans())
def test_what_lies_over_what_is_the_same_however_the_packs_are_taken_together(one, two, three, first):
    left = merged(merged(one, two, first=first), three, first=first)
    right = merged(one, merged(two, three, first=first), first=first)
    assert ordered(left) == ordered(right)
    assert ordered(switched(left)) == ordered(switched(right))


@given(entries(2), entries(2), st.booleans())
def test_a_pack_laid_over_twice_says_the_same_as_once(one, two, first):
    assert ordered(merged(one, one, first=first)) == ordered(one)
    once = merged(one, two, first=first)
    assert ordered(merged(once, two, first=first)) == ordered(once)


@given(entries(2))
def test_an_empty_pack_changes_nothing(one):
    assert ordered(merged(one, {})) == ordered(merged({}, one)) == ordered(one)


def test_words_come_in_and_go_out_of_a_list_and_what_is_switched_off_is_gone():
    below = {"free": ["frei", "libre"], "rules": {"held": {"state": "blocked"}, "made": {"state": "complete"}}}
    above = {"free": ["...", "!libre", "grün"], "rules": {"held": {"off": True}, "made": {"because": "so"}}}
    found = switched(merged(below, above))
    assert found == {"free": ["frei", "grün"], "rules": {"made": {"state": "complete", "because": "so"}}}


def test_a_table_can_not_stand_where_there_is_none():
    with pytest.raises(TypeError) as refused:
        merged({"look": {"days": 3}}, {"look": 3})
    assert refused.value.args == ("look", "must be a table")


def packs(**files: str) -> Packs:
    named = {f"{name}.toml": text for name, text in files.items()}
    return Packs(layers=(PackLayer(name="gruppe", version="1.0.0", files=named),))


def test_a_later_pack_gives_a_word_another_meaning():
    with under(packs(states='[job_status]\nready = ["...", "!released"]\nin_progress = ["...", "released"]')):
        assert shared_states.state_of("job_order", "status", "Released") == "in_progress"
    assert shared_states.state_of("job_order", "status", "Released") == "ready"


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        ('[quality_status]\nblocked = ["...", "frei"]', "quality_status.blocked", "!frei"),
        ("[quality_status]\nblocked = { off = true }", "quality_status.blocked", "must be no table"),
        ("[credit]\noff = true", "credit", "must be a table"),
        ('[progress]\nquality_status = ["ripe"]', "progress.quality_status", "unrestricted"),
        ('[lists]\n"lot.colour" = "colours"', "lists.lot.colour", "quality_status"),
        ('[contradictions]\ncredit = [["ok", "ok"]]', "contradictions.credit", "pairs"),
        ('[strict]\ncolours = ["red"]', "strict.colours", "credit"),
        ("version = 3", "version", "text"),
    ],
)  # fmt: skip
def test_words_of_states_are_checked_when_they_are_read(text, key, told):
    with under(packs(states=text)), pytest.raises(BadSettings) as refused:
        shared_states.states_in("lot", "quality_status")
    assert (refused.value.fields["key"], refused.value.fields["file"]) == (key, "gruppe/states.toml")
    assert told in refused.value.message


def test_a_pack_may_add_a_figure_change_one_and_take_one_out():
    own = """
[kpi.oee]
name = "GAE"
[kpi.mtbf]
off = true
[kpi.waste]
name = "waste"
unit = "%"
numerator = ["SQ"]
denominator = ["GQ"]
"""
    with under(packs(kpis=own)):
        found = kpi_words.definitions()
        assert (found["oee"].name, found["oee"].factors[0]) == ("GAE", "availability")
        assert ("mtbf" in found, found["waste"].numerator, list(found)[-1]) == (False, ("SQ",), "waste")


def test_a_figure_that_answers_go_by_stays():
    with under(packs(kpis="[kpi.allocation_efficiency]\noff = true")), pytest.raises(BadSettings, match="must stay"):
        kpi_words.definitions()


def test_what_is_not_there_can_not_be_switched_off():
    with under(packs(state_models="[lot.rules.heldd]\noff = true")), pytest.raises(BadSettings, match="held, in-insp"):
        state_models.state_models()


def test_a_new_kind_of_waiting_comes_before_the_words_for_any_waiting():
    with under(packs(waiting='[ripening]\nsays = ["wait* for ripening"]')):
        assert waiting.meant("waiting for ripening") == ("ripening", False)
    assert waiting.meant("waiting for ripening") == ("others", False)


def test_the_lower_of_two_packs_is_named_where_it_is_the_wrong_one():
    lower = PackLayer(name="gruppe", version="1.0.0", files={"sentinel.toml": "[sure]\nchance = 7"})
    upper = PackLayer(name="werk", version="1.0.0", files={"sentinel.toml": "[look]\nshown = 3"})
    from lineside.interpretation.sentinel_rules import sentinel_rules

    with under(Packs(layers=(lower, upper))), pytest.raises(BadSettings) as refused:
        sentinel_rules()
    assert refused.value.fields["file"] == "gruppe/sentinel.toml"


def test_a_rule_may_stand_before_one_that_stands_before_another():
    text = """
[lot.rules.b]
state = "planned"
because = "b"
before = "a"
when = [{ has = ["x"] }]
[lot.rules.a]
state = "planned"
because = "a"
before = "made"
when = [{ has = ["x"] }]
"""
    with under(packs(state_models=text)):
        names = [rule.name for rule in state_models.state_models()["lot"].rules]
    assert names[names.index("b") :] == ["b", "a", "made"]
    with under(packs(state_models=text.replace('"made"', '"b"'))), pytest.raises(BadSettings, match="leads round"):
        state_models.state_models()


def test_a_reading_that_nobody_put_under_packs_follows_its_plant():
    plain = parse_plant('site = "werk"\ntime_zone = "UTC"\n')
    with under(packs(waiting="")):
        follow(plain)
        assert in_force() is CORE
