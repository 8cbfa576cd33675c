"""What another pack would change at a plant now: the shared states that its own records would get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lineside.interpretation.entity_states import shared_states_of
from lineside.interpretation.pack_files import under
from lineside.interpretation.state_models import LINKS
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
    was, now = (dict(_states(view, packs)) for packs in (before, after))
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


def _states(view: View, packs: Packs) -> Iterator[tuple[tuple[str, str], tuple[str | None, str]]]:
    plant = replace(view.plant, packs=packs, packs_by_site={})
    read = replace(view, plant=plant, kept={})
    with under(packs):
        for kind in LINKS:
            for found in shared_states_of(read, kind):
                why = found.because[0].text if found.because else "nothing on record says how it stands"
                yield (kind, found.entity.id), (found.state, why)
