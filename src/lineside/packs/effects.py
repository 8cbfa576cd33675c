"""What another pack would change at a plant now: the shared states that its own records would get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lineside.interpretation.entity_states import States
from lineside.interpretation.facts import Facts
from lineside.interpretation.pack_files import under
from lineside.interpretation.settled import settled
from lineside.interpretation.shared_states import known_words
from lineside.interpretation.shipping_policy import shipping_policy
from lineside.interpretation.state_models import GATED, LINKS, InState, StateModel, Through, parts_of, state_models
from lineside.memory import View
from lineside.plant.packs import Packs

_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """So many things of a kind would stand otherwise; None is no state on record. examples: (id, why it would)."""

    kind: str
    before: str | None
    after: str | None
    count: int
    examples: tuple[tuple[str, str], ...]


def effects(view: View, before: Packs, after: Packs) -> list[Effect]:
    """The changes of shared states, the most frequent first."""
    kinds = _touched(before, after)
    was, now = (dict(_states(view, packs, kinds)) for packs in (before, after))
    changed = [(kind, entity, was[kind, entity][0], now[kind, entity]) for kind, entity in was if (kind, entity) in now]
    changed = [row for row in changed if row[2] != row[3][0]]
    counts = Counter((kind, before_, after_[0]) for kind, _, before_, after_ in changed)
    return [
        Effect(
            kind=kind,
            before=old,
            after=new,
            count=count,
            examples=tuple((entity, why) for k, entity, o, (n, why) in changed if (k, o, n) == (kind, old, new))[
                :_EXAMPLES
            ],
        )
        for (kind, old, new), count in sorted(counts.items(), key=lambda each: (-each[1], str(each[0])))
    ]


def _touched(before: Packs, after: Packs) -> list[str]:
    """The kinds whose states may differ; deriving those of all kinds of a large plant takes its time."""
    (words, models, gates), (other_words, other_models, other_gates) = _bearing(before), _bearing(after)
    if words != other_words:
        return list(LINKS)
    found = {kind for kind in LINKS if models.get(kind) != other_models.get(kind)}
    found |= set(GATED if gates != other_gates else ())
    while True:
        resting = {kind for kind in LINKS if any(_rests(m.get(kind), found) for m in (models, other_models))}
        if resting <= found:
            return [kind for kind in LINKS if kind in found]
        found |= resting


def _bearing(packs: Packs) -> tuple[object, Mapping[str, StateModel], object]:
    """What states follow from: words and what is over, the models, and what gates go by."""
    with under(packs):
        return (known_words(), settled()), state_models(), shipping_policy()


def _rests(model: StateModel | None, kinds: Collection[str]) -> bool:
    """Whether the model asks for the state of a thing of one of these kinds."""
    asked = [c for c in model.conditions() if isinstance(c, Through)] if model else []
    return any(LINKS[model.kind][c.link] in kinds and InState in map(type, parts_of([c])) for c in asked if model)


def _states(view: View, packs: Packs, kinds: Iterable[str]) -> Iterator[tuple[tuple[str, str], tuple[str | None, str]]]:
    plant = replace(view.plant, packs=packs, packs_by_site={})
    read = replace(view, plant=plant, kept={})
    with under(packs):
        states = States(Facts(read, whole=True))
        for kind in kinds:
            for found in states.all_of(kind):
                why = found.because[0].text if found.because else "nothing on record says how it stands"
                yield (kind, found.entity.id), (found.state, why)
