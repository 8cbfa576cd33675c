"""The files that a pack may have, and who reads each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineside.actions import policy
from lineside.cases import classes, handover_rights
from lineside.cases.kpis import definitions as case_kpis
from lineside.interpretation import (
    capture_cues,
    decision_words,
    kpi_words,
    pattern_rules,
    planning_rules,
    reconciliation_policy,
    rests,
    sentinel_rules,
    settled,
    shared_states,
    shipping_policy,
    state_models,
    waiting,
)
from lineside.interpretation.pack_files import Parse, last_of, read_layers, under
from lineside.plant.packs import Packs

# The words of states come first: the rules of states are checked against them.
FILES: Mapping[str, Parse[Any]] = {
    shared_states.FILE: shared_states.parse_words,
    state_models.FILE: state_models.parse_models,
    kpi_words.FILE: kpi_words.parse,
    classes.FILE: classes.parse,
    case_kpis.FILE: case_kpis.parse,
    policy.FILE_NAME: policy.read_policy,
    shipping_policy.FILE: shipping_policy.read_policy,
    reconciliation_policy.FILE: reconciliation_policy.parse_policy,
    planning_rules.FILE: planning_rules.parse_rules,
    pattern_rules.FILE: pattern_rules.parse_rules,
    sentinel_rules.FILE: sentinel_rules.parse_rules,
    waiting.FILE: waiting.parse,
    decision_words.FILE: decision_words.read_words,
    rests.FILE: rests.parse_rests,
    settled.FILE: settled.parse_settled,
    handover_rights.FILE: handover_rights.parse,
    capture_cues.FILE: capture_cues.parse,
}


def read_whole(packs: Packs) -> None:
    """Everything in the packs can be read. Raises BadSettings with the first file and key that can't."""
    with under(packs):
        for file, parse in FILES.items():
            last_of(read_layers(file, parse, packs))
