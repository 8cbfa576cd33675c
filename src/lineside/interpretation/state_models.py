"""The state models of the packs: for each kind of thing ordered rules over what is known, checked when read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lineside.interpretation import shared_states
from lineside.interpretation.gates import Gate, Stand
from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong

FILE = "state_models.toml"
GATES: Mapping[str, Gate] = {gate.name.lower(): gate for gate in Gate}
# What a thing's links lead to. How each is followed is code: it is the vocabulary's, not a site's.
LINKS: Mapping[str, Mapping[str, str]] = {
    "job_order": {"operations": "operation", "material": "material", "equipment": "equipment"},
    "operation": {"job_order": "job_order", "equipment": "equipment"},
    "lot": {"inspections": "inspection", "job_order": "job_order", "material": "material"},
    "sales_order_line": {"job_orders": "job_order", "sales_order": "sales_order", "material": "material"},
    "sales_order": {"lines": "sales_order_line"},
    "shipment": {"lines": "sales_order_line"},
    "equipment": {"maintenance_orders": "maintenance_order", "units": "equipment"},
}
GATED = ("sales_order_line", "sales_order", "shipment")


@dataclass(frozen=True, slots=True)
class Says:
    """The governing word on `property` means one of the states."""

    property: str
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compares:
    """left >= right; less: left < right. Both are quantities of the thing."""

    left: str
    right: str
    less: bool


@dataclass(frozen=True, slots=True)
class Short:
    property: str


@dataclass(frozen=True, slots=True)
class Has:
    """Any of the properties is on record."""

    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stands:
    """Open: all of the gates are. Closed or unknown: one of them is. No gates: of all there are."""

    gates: tuple[Gate, ...]
    stand: Stand


@dataclass(frozen=True, slots=True)
class Passes:
    """ready: all passes. stops: a closed gate must be decided. left: all is gone."""

    what: Literal["ready", "stops", "left"]


@dataclass(frozen=True, slots=True)
class InState:
    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


@dataclass(frozen=True, slots=True)
class Newer:
    condition: Condition
    than: Condition


@dataclass(frozen=True, slots=True)
class Through:
    link: str
    which: str
    condition: Condition


Condition: TypeAlias = Says | Held | Compares | Short | Has | Stands | Passes | InState | AnyOf | Not | Newer | Through


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule, or a doubt, which has no state. because: why, as the end of `X is blocked: ...`."""

    name: str
    state: str
    because: str
    when: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateModel:
    """words: the property whose words tell how the kind stands. events: event kind to what it says of that property."""

    kind: str
    words: str
    events: Mapping[str, str]
    rules: tuple[Rule, ...]
    doubts: tuple[Rule, ...]

    def states(self) -> tuple[str, ...]:
        """The states that its things can have."""
        return tuple(dict.fromkeys(rule.state for rule in self.rules))

    def conditions(self) -> Iterator[Condition]:
        """Every condition of its rules and doubts, inner ones too."""
        return parts_of([condition for rule in (*self.rules, *self.doubts) for condition in rule.when])


@of_packs
def state_models() -> Mapping[str, StateModel]:
    """The models of the packs in force, by kind."""
    return load(FILE, parse_models)


def parse_models(where: str, data: Mapping[str, Any]) -> Mapping[str, StateModel]:
    """The models in a state_models.toml, by kind. Raises BadSettings with the file, the key, and what is allowed."""
    states = texts(where, "states", data.get("states"))
    text(where, "version", data.get("version"))
    models = {}
    for kind, entry in data.items():
        if kind not in ("version", "states"):
            if kind not in LINKS:
                raise wrong(where, kind, "is no kind that has a state", LINKS)
            models[kind] = _Reader(where, kind, states).model(table(where, kind, entry))
    _check_order(where, models)
    return models


def parts_of(conditions: Sequence[Condition]) -> Iterator[Condition]:
    """The conditions and those within them."""
    for condition in conditions:
        yield condition
        match condition:
            case AnyOf(inner):
                yield from parts_of(inner)
            case Not(one) | Through(_, _, one):
                yield from parts_of((one,))
            case Newer(one, other):
                yield from parts_of((one, other))
            case _:
                pass


_KEYS: Mapping[str, tuple[str, ...]] = {
    "says": ("of",), "held": (), "at_least": (), "less": (), "short": (), "has": (), "gates": ("stand",), "ready": (),
    "stops": (), "left": (), "state": (), "any": (), "no": (), "newer": ("than",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one kind's model in one file."""

    where: str
    kind: str
    states: tuple[str, ...]

    def model(self, entry: Mapping[str, Any]) -> StateModel:
        allowed = ("words", "events", "rules", "doubts")
        for key in entry:
            if key not in allowed:
                raise wrong(self.where, f"{self.kind}.{key}", "is unknown", allowed)
        words = text(self.where, f"{self.kind}.words", entry.get("words"), shared_states.named_states(self.kind))
        key = f"{self.kind}.events"
        known = shared_states.states_in(self.kind, words)
        given = table(self.where, key, entry.get("events", {})).items()
        return StateModel(
            kind=self.kind,
            words=words,
            events={event: text(self.where, f"{key}.{event}", means, known) for event, means in given},
            rules=self._rules("rules", entry, words),
            doubts=self._rules("doubts", entry, words),
        )

    def _rules(self, name: str, entry: Mapping[str, Any], words: str) -> tuple[Rule, ...]:
        """In their order; one that says `before` stands before the rule that it names."""
        found, placed = list[Rule](), list[tuple[str, Rule]]()
        given = table(self.where, f"{self.kind}.{name}", entry.get(name, {}))
        for rule_name, raw in given.items():
            key = f"{self.kind}.{name}.{rule_name}"
            content = table(self.where, key, raw)
            rule = self._rule(key, rule_name, content, words, doubt=name == "doubts")
            if "before" in content:
                others = [each for each in given if each != rule_name]
                placed.append((text(self.where, f"{key}.before", content["before"], others), rule))
            else:
                found.append(rule)
        while placed:
            names = [each.name for each in found]
            anchor, rule = next(((a, r) for a, r in placed if a in names), placed[0])
            if anchor not in names:
                raise wrong(self.where, f"{self.kind}.{name}.{rule.name}.before", "leads round to the rule itself")
            placed.remove((anchor, rule))
            found.insert(names.index(anchor), rule)
        return tuple(found)

    def _rule(self, key: str, name: str, content: Mapping[str, Any], words: str, *, doubt: bool) -> Rule:
        allowed = ("because", "when", "before", *(() if doubt else ("state",)))
        for each in content:
            if each not in allowed:
                raise wrong(self.where, f"{key}.{each}", "is unknown", allowed)
        state = "" if doubt else text(self.where, f"{key}.state", content.get("state"), self.states)
        when = self._several(f"{key}.when", content.get("when"), self.kind, words)
        if state == "shippable" and Passes("ready") not in when:
            raise wrong(self.where, f"{key}.when", "must hold { ready = true }: nothing else makes a thing shippable")
        return Rule(
            name=name, state=state, because=text(self.where, f"{key}.because", content.get("because")), when=when
        )

    def _several(self, key: str, raw: object, kind: str, words: str) -> tuple[Condition, ...]:
        if not isinstance(raw, list) or not raw:
            raise wrong(self.where, key, "must be a list of conditions", _KEYS)
        return tuple(self._condition(f"{key}[{i}]", each, kind, words) for i, each in enumerate(raw))

    def _condition(self, key: str, raw: object, kind: str, words: str) -> Condition:
        content = dict(table(self.where, key, raw))
        links = LINKS.get(kind, {})
        link, which = content.pop("through", None), content.pop("which", "some")
        if link is not None:
            link = text(self.where, f"{key}.through", link, links)
            which = text(self.where, f"{key}.which", which, ("some", "every", "none"))
            kind = links[link]
            words = next(iter(shared_states.named_states(kind)), "")
        main = [each for each in content if each in _KEYS]
        if len(main) != 1:
            raise wrong(self.where, key, "must hold one condition", _KEYS)
        for each in content:
            if each not in (main[0], *_KEYS[main[0]]):
                raise wrong(self.where, f"{key}.{each}", "is unknown", (main[0], *_KEYS[main[0]], "through", "which"))
        if main[0] == "state" and link is None:
            raise wrong(self.where, f"{key}.state", "is asked of what a link leads to: name it", ("through",))
        found = self._one(key, main[0], content, kind, words)
        return found if link is None else Through(link, which, found)

    def _one(self, key: str, name: str, content: Mapping[str, Any], kind: str, words: str) -> Condition:
        where, value = self.where, content[name]
        here = f"{key}.{name}"
        match name:
            case "says":
                known = shared_states.named_states(kind)
                about = text(where, f"{key}.of", content.get("of", words), known)
                return Says(about, texts(where, here, value, shared_states.states_in(kind, about)))
            case "held":
                return Held(texts(where, here, value, ("self", *LINKS.get(kind, {}))))
            case "at_least" | "less":
                both = texts(where, here, value)
                if len(both) != 2:
                    raise wrong(where, here, "must name two properties")
                return Compares(both[0], both[1], name == "less")
            case "short":
                return Short(text(where, here, value))
            case "has":
                return Has(texts(where, here, value))
            case "gates":
                self._needs_gates(here, kind)
                stand = text(where, f"{key}.stand", content.get("stand"), [s.value for s in Stand])
                return Stands(tuple(GATES[g] for g in texts(where, here, value, GATES)), Stand(stand))
            case "ready" | "stops" | "left":
                self._needs_gates(here, kind)
                if value is not True:
                    raise wrong(where, here, "must be true; put it into `no` for its opposite")
                return Passes("ready" if name == "ready" else "stops" if name == "stops" else "left")
            case "state":
                if kind not in LINKS:
                    raise wrong(where, here, f"can't be asked of a {kind}: it has no state model", LINKS)
                return InState(texts(where, here, value, self.states))
            case "any":
                return AnyOf(self._several(here, value, kind, words))
            case "no":
                return Not(self._condition(here, value, kind, words))
            case _:
                than = self._condition(f"{key}.than", content.get("than"), kind, words)
                return Newer(self._condition(here, value, kind, words), than)

    def _needs_gates(self, key: str, kind: str) -> None:
        if kind not in GATED:
            raise wrong(self.where, key, f"can't be asked of a {kind}: gates belong to what is shipped", GATED)


def _check_order(where: str, models: Mapping[str, StateModel]) -> None:
    """No kind's state may rest on itself, by whatever way."""
    rests: dict[str, set[str]] = {kind: set() for kind in models}
    for kind, model in models.items():
        for condition in model.conditions():
            if isinstance(condition, Through) and any(isinstance(c, InState) for c in parts_of((condition,))):
                rests[kind].add(LINKS[kind][condition.link])
    for kind in models:
        reached, front = set[str](), {kind}
        while front:
            front = {below for each in front for below in rests.get(each, ())} - reached
            reached |= front
        if kind in reached:
            raise wrong(where, kind, "rests on its own state through what it links to")
