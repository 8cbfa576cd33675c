"""Which disturbance follows from which: by the pack's rules, the things that both touch, and the order in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from lineside.cases.classes import CasePack, LinkRule
from lineside.cases.episode import Episode
from lineside.cases.look import related
from lineside.plant.entities import Entity

_SLACK = timedelta(minutes=5)  # two systems' clocks; an effect is not told before its cause by more


@dataclass(frozen=True, slots=True)
class Cause:
    """The episode that another follows from, and why that is said."""

    episode: Episode
    why: str
    cites: tuple[str, ...]


def causes(pack: CasePack, found: Sequence[Episode]) -> dict[str, Cause]:
    """The cause of each episode that has one among the others, by its key."""
    known: dict[str, Cause] = {}
    for effect in found:
        for rule in (r for r in pack.links if r.effect == effect.case_class):
            fitting = [(c, through) for c in found if (through := _through(rule, c, effect))]
            if fitting:
                cause, through = max(fitting, key=lambda pair: (pair[0].began, pair[0].key))
                what = f"{through.kind.replace('_', ' ')} {through.id}"
                why = f"both are about {what}, and it began while {_named(pack, cause)} lasted"
                if cause.ended is not None and effect.began > cause.ended:
                    why = f"both are about {what}, and it began soon after {_named(pack, cause)}"
                known[effect.key] = Cause(cause, why, (*cause.opened_by[:1], *effect.opened_by[:1]))
                break
    return known


def _named(pack: CasePack, cause: Episode) -> str:
    return f"the {pack.classes[cause.case_class].name.casefold()} ({cause.title})"


def _through(rule: LinkRule, cause: Episode, effect: Episode) -> Entity | None:
    """What the two share, where the rule lets the one follow from the other."""
    if cause.case_class != rule.cause or cause is effect or cause.began > effect.began + _SLACK:
        return None
    if cause.ended is not None and effect.began > cause.ended + rule.after:
        return None
    for kind in rule.through:
        if kind == "equipment":
            if related(cause.place, effect.place):
                return Entity("equipment", max(cause.place, effect.place, key=len))
            continue
        shared = sorted(e for e in cause.touches & effect.touches if e.kind == kind)
        if shared:
            return shared[0]
    return None
