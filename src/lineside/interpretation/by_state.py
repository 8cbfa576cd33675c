"""Things listed by the shared state that they are in: what is blocked, what is complete and still can't leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lineside.interpretation import shared_states
from lineside.interpretation.entity_states import SharedState, States, spaced
from lineside.interpretation.facts import Facts, doubts
from lineside.interpretation.left_out import left_out, plural
from lineside.interpretation.links import touched_by
from lineside.interpretation.reading import Cite, Finding, Kind, Reading
from lineside.interpretation.stakes import stakes
from lineside.interpretation.state_models import Says
from lineside.interpretation.wording import bounded, counted, listed
from lineside.memory import SourceState, View
from lineside.plant.entities import Entity
from lineside.plant.equipment import within

_SHOWN = 12
_NAMED = 15
_NOUNS = 2  # kinds that a sentence names


def by_state(
    view: View, kinds: Sequence[str], state: str, *, but_not: str | None = None, equipment: str | None = None
) -> Reading:
    """Everything of the kinds in a state, with why and what hangs on it.

    state: a shared state, or any word that a source may use for it. but_not: a state further on that it has not
    reached, as in complete but not shippable. equipment: only what is there, or is made there.
    """
    facts = Facts(view)
    states = States(facts)
    hits, others = list[SharedState](), Counter[str]()
    unknown = 0
    for kind in kinds:
        wanted = meant(states, kind, state)
        if but_not:
            wanted = Meant(_between(states, kind, wanted.states, meant(states, kind, but_not).states))
        for each in states.all_of(kind):
            if equipment is not None and not _there(facts, each.entity, equipment):
                continue
            if wanted.fits(each):
                hits.append(each)
            elif each.state is None:
                unknown += 1
            else:
                others[each.state] += 1
    asked = f"{spaced(state)} but not {spaced(but_not)}" if but_not else spaced(state)
    few = len(kinds) <= _NOUNS
    singular = " or ".join(kind.replace("_", " ") for kind in kinds) if few else "thing"
    noun = " or ".join(plural(kind) for kind in kinds) if few else "things"
    missing = [f"Of {counted(unknown, 'thing')} nothing says how it stands ({noun})."] if unknown else []
    missing += left_out(facts, kinds)
    shown = _ranked(facts, hits)[:_SHOWN] if hits else []
    if not hits:
        known = ", ".join(f"{n} {spaced(s)}" for s, n in others.most_common())
        return Reading(
            verdict=f"No {singular} is {asked}" + (f": {known}." if known else "; none is on record."),
            findings=_counted(states, kinds, others, noun),
            against=_unheard(states, kinds),
            missing=tuple(missing),
            data={"count": 0, "state": state, "ids": []},
        )
    noun = singular if len(hits) == 1 else noun
    names = listed([each.entity.id for each in shown], limit=_NAMED)
    more = f" and {len(hits) - len(shown)} more" if len(hits) > len(shown) else ""
    verb = "is" if len(hits) == 1 else "are"
    findings, against = list[Finding](), [*_unheard(states, kinds)]
    for each in shown:
        findings += each.because or _by_word(each)
        at_stake = stakes(facts, each.entity).finding(facts) if each.state == "blocked" else None
        findings += [at_stake] if at_stake else []
        against += states.against(each.entity)
        missing += each.missing
    return Reading(
        verdict=f"{len(hits)} {noun} {verb} {asked}: {names}{more}.",
        findings=(_head(hits, asked, noun), *findings),
        against=tuple({f.text: f for f in against}.values()),
        missing=tuple(dict.fromkeys(missing)),
        data={"count": len(hits), "state": state, "ids": [str(each.entity) for each in hits]},
    )


@dataclass(frozen=True, slots=True)
class Meant:
    """What a word for a state means for a kind. exactly: only where the governing word means one of these."""

    states: frozenset[str]
    exactly: frozenset[str] = frozenset()

    def fits(self, each: SharedState) -> bool:
        return each.state in self.states and (not self.exactly or each.means is None or each.means in self.exactly)


def meant(states: States, kind: str, word: str) -> Meant:
    """What the word means for things of the kind: a shared state, or what a source means by it."""
    plain = "_".join(word.casefold().replace("-", " ").replace("_", " ").split())
    model = states.models.get(kind)
    if model is None:
        named = shared_states.named_states(kind)
        return Meant(frozenset((plain, *(m for words in named.values() if (m := shared_states.meaning(words, word))))))
    if plain in model.states():
        return Meant(frozenset((plain,)))
    means = shared_states.meaning(shared_states.named_states(kind)[model.words], word)
    if means is None or means in model.states():
        return Meant(frozenset((means or plain,)))
    rules = [r for r in model.rules if any(isinstance(c, Says) and means in c.states for c in r.when)]
    return Meant(frozenset(rule.state for rule in rules), frozenset((means,)))


def _between(states: States, kind: str, wanted: frozenset[str], end: frozenset[str]) -> frozenset[str]:
    """The states from those wanted on, before the end: complete but not shippable is also what is released."""
    model = states.models.get(kind)
    order = [s for s in _ORDER if model and s in model.states()]
    starts = [order.index(s) for s in wanted if s in order]
    stop = min((order.index(s) for s in end if s in order), default=len(order))
    return frozenset(order[min(starts) : stop]) if starts else wanted


_ORDER = ("planned", "ready", "in_progress", "complete", "released", "shippable", "shipped", "departed", "delivered")


def _unheard(states: States, kinds: Sequence[str]) -> tuple[Finding, ...]:
    """What speaks against any such list: that a source which tells how these things stand is late or silent."""
    facts = states.facts
    if all(each.state is SourceState.LIVE for each in facts.health):
        return ()
    words = (
        s for kind in kinds for each in facts.live(kind) for n in states.names(each) for s in states.words(each, n)
    )
    return doubts(facts, words)


def _there(facts: Facts, entity: Entity, equipment: str) -> bool:
    if entity.kind == "equipment":
        return within(entity.id, equipment)
    orders = [entity, *(order for order, _ in facts.linked(entity, "job_order"))]
    places = [place.id for order in orders for place, _ in facts.linked(order, "equipment")]
    return any(within(place, equipment) or within(equipment, place) for place in places)


def _ranked(facts: Facts, hits: Sequence[SharedState]) -> list[SharedState]:
    """Those on which open orders hang first, the soonest before; of very many only by their ids."""
    if len(hits) > _SHOWN * 8:
        return list(hits)
    touched_by(facts, (each.entity for each in hits))  # read at once, told one by one
    at = {each.entity: stakes(facts, each.entity) for each in hits}

    def rank(each: SharedState) -> tuple[bool, float, Entity]:
        soonest = at[each.entity].soonest
        return (not at[each.entity].orders, soonest.timestamp() if soonest else float("inf"), each.entity)

    return sorted(hits, key=rank)


def _head(hits: Sequence[SharedState], asked: str, noun: str) -> Finding:
    cites = tuple(dict.fromkeys(c for each in hits for c in _cites(each)))
    ids = [each.entity.id for each in hits]
    return Finding(
        text=f"{len(hits)} {noun} {asked}: {listed(ids, limit=_NAMED)}.",
        kind=Kind.DERIVED,
        cites=bounded([c for c in cites if isinstance(c, str)]) or cites[:1],
        data={"count": len(hits)},
    )


def _counted(states: States, kinds: Sequence[str], others: Counter[str], noun: str) -> tuple[Finding, ...]:
    """How the things stand that are not in the state asked for."""
    cites = [c for kind in kinds for each in states.all_of(kind) for c in _cites(each)[:1]]
    if not cites:
        return ()
    known = ", ".join(f"{n} {spaced(s)}" for s, n in others.most_common())
    strings: tuple[Cite, ...] = bounded([c for c in cites if isinstance(c, str)]) or tuple(cites[:1])
    return (Finding(text=f"The {noun} on record: {known}.", kind=Kind.DERIVED, cites=strings),) if known else ()


def _by_word(each: SharedState) -> list[Finding]:
    if not each.words:
        return []
    said = ", ".join(dict.fromkeys(f"{w.source} says {w.said}" for w in each.words))
    cites = tuple(dict.fromkeys(w.record_id for w in each.words))
    return [Finding(text=f"{each.entity.id}: {said}.", kind=Kind.FACT, cites=cites)]


def _cites(each: SharedState) -> tuple[Cite, ...]:
    found = [c for finding in each.because for c in finding.cites]
    return tuple(found or [w.record_id for w in each.words])
