"""State models are data of packs: what is wrong in one is named with its file and key, and a later pack goes over."""

from __future__ import annotations

import pytest

from lineside.errors import BadSettings
from lineside.interpretation.pack_files import under
from lineside.interpretation.state_models import FILE, state_models
from lineside.plant.packs import PackLayer, Packs


def site(text):
    layer = PackLayer(name="works", version="1.0.0", files={FILE: f'version = "1"\n{text}'})
    with under(Packs(layers=(layer,))):
        return state_models()


def test_the_core_pack_has_a_model_for_every_kind_that_is_asked_for():
    wanted = {"job_order", "operation", "lot", "sales_order_line", "sales_order", "shipment", "equipment"}
    assert set(state_models()) == wanted
    for kind in ("sales_order_line", "sales_order", "shipment"):
        assert "shippable" in state_models()[kind].states()


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        ("[lots]", "lots", "sales_order_line"),
        ('[lot.rules.x]\nstate = "parked"\nbecause = "so"\nwhen = [{ held = ["self"] }]', "lot.rules.x.state", "ready"),
        ('[lot.rules.x]\nstate = "blocked"\nbecause = "so"\nwhen = [{ meens = ["frei"] }]', "lot.rules.x.when[0]",
         "says"),
        ('[lot.rules.x]\nstate = "blocked"\nbecause = "so"\nwhen = [{ says = ["frei"] }]', "lot.rules.x.when[0].says",
         "unrestricted"),
        ('[lot.rules.x]\nstate = "blocked"\nbecause = "so"\nwhen = [{ through = "pallets", has = ["a"] }]',
         "lot.rules.x.when[0].through", "inspections"),
        ('[lot.rules.x]\nstate = "blocked"\nwhen = [{ held = ["self"] }]', "lot.rules.x.because", "text"),
        ('[lot.rules.x]\nstate = "blocked"\nbecause = "so"\nwhen = []', "lot.rules.x.when", "says"),
        ('[lot.rules.x]\nstate = "blocked"\nbecause = "so"\nwhen = [{ ready = true }]', "lot.rules.x.when[0].ready",
         "shipment"),
        ('[shipment.rules.x]\nstate = "shippable"\nbecause = "so"\nwhen = [{ says = ["loading"] }]',
         "shipment.rules.x.when", "ready"),
        ('[job_order]\nwords = "colour"', "job_order.words", "status"),
        ('[job_order.events]\nboxed = "gone"', "job_order.events.boxed", "complete"),
        ("[job_order]\nrule = 3", "job_order.rule", "rules"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_the_file_the_key_and_what_is_allowed(text, key, told):
    with pytest.raises(BadSettings) as error:
        site(text)
    assert error.value.fields["key"] == key
    assert FILE in error.value.message
    assert told in error.value.message


def test_a_state_may_not_rest_on_itself():
    text = """
[job_order.rules.x]
state = "blocked"
because = "so"
when = [{ through = "operations", state = ["blocked"] }]
"""
    with pytest.raises(BadSettings, match="rests on its own state"):
        site(text)


def test_a_broken_file_is_named():
    with pytest.raises(BadSettings, match="is no TOML"):
        site("[lot")


def test_a_later_pack_adds_changes_and_switches_off_rules():
    text = """
[lot.rules.held]
off = true

[lot.rules.released]
state = "complete"
because = "here a released lot is only complete"
when = [{ says = ["unrestricted"] }]

[lot.rules.first]
state = "planned"
because = "it is first"
when = [{ no = { has = ["quantity"] } }]

[lot.rules.late]
state = "blocked"
because = "it comes before what is made"
before = "made"
when = [{ has = ["recalled"] }]
"""
    models = site(text)
    names = [rule.name for rule in models["lot"].rules]
    assert names[0] == "first"
    assert "held" not in names
    assert names.index("late") == names.index("made") - 1
    assert next(r for r in models["lot"].rules if r.name == "released").state == "complete"
    assert models["job_order"] == state_models()["job_order"]
