"""What another pack would change is asked of the kinds that it touches only, and nothing that changes is left out."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.packs.test_example_packs import EVALS

from lineside.app import open_lineside
from lineside.interpretation.entity_states import shared_states_of
from lineside.interpretation.pack_files import under
from lineside.interpretation.state_models import LINKS
from lineside.memory import View
from lineside.packs.effects import effects
from lineside.plant.packs import CORE, PackLayer, Packs
from lineside.serve.importing import import_file

CHANGES = {
    "state_models.toml": [
        '[job_order.rules.complete]\nstate = "blocked"\n',
        "[lot.rules.released]\noff = true\n",
        '[equipment.rules.new]\nstate = "planned"\nbecause = "so"\nwhen = [{ says = ["running"] }]\n',
        '[shipment.rules.new]\nstate = "planned"\nbecause = "so"\nwhen = [{ ready = true }]\n',
    ],
    "states.toml": ['[job_status]\nplanned = ["...", "made"]\n',
                    '[maintenance_status]\nreleased = ["...", "approvd"]\n'],
    "readiness.toml": ["[stability]\ntight_min = 300\n"],
    "kpis.toml": ['[kpi.oee]\nname = "GAE"\n'],
    "planning.toml": ["[pace]\ndoubt_pct = 30\n"],
}  # fmt: skip


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alpsee")
    (folder / "plant.toml").write_text((EVALS / "plants/alpsee/plant.toml").read_text("utf-8"), encoding="utf-8")
    lineside = open_lineside(folder)
    import_file(lineside, EVALS / "plants/alpsee/records.jsonl", quiet=True)
    yield lineside.memory.view(as_of=datetime.fromisoformat("2026-03-30T10:30:00+02:00"))
    lineside.close()


def of_all(view: View, packs: Packs) -> dict[str, str | None]:
    from dataclasses import replace

    with under(packs):
        read = replace(view, plant=replace(view.plant, packs=packs), kept={})
        return {str(s.entity): s.state for kind in LINKS for s in shared_states_of(read, kind)}


@settings(max_examples=8)
@given(st.lists(st.sampled_from([(f, c) for f, texts in CHANGES.items() for c in texts]), unique=True, max_size=4))
def test_the_report_counts_what_a_look_at_everything_finds(view, changes):
    files = {file: "".join(text for name, text in changes if name == file) for file, _ in changes}
    packs = Packs(layers=(PackLayer(name="any", version="1.0.0", files=files),))
    before, after = of_all(view, CORE), of_all(view, packs)
    changed = [key for key in before if before[key] != after[key]]
    found = effects(view, CORE, packs)
    assert sum(each.count for each in found) == len(changed)
    assert {each.kind for each in found} == {key.partition(":")[0] for key in changed}
