"""What an action type declares: strict parameters, whose system keeps its subject, what it rests on, what it changes.

An action has one of two effects. It sets properties of its subject, or it creates something that points to it; both
are proved the same way: the system that keeps the subject says so itself, later, through its own feed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from lineside.plant.entities import Entity
from lineside.plant.quantities import Quantity
from lineside.plant.records import Json

if TYPE_CHECKING:
    from lineside.memory import Statement, View

_NAMED = re.compile(r"\{(\w+)\}")
NONE = "none"  # what the list of something is called while nothing is in it


class Risk(StrEnum):
    """Decided here, never by who asks; a parameter that nobody vouches for raises it by one."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def raised(self) -> Risk:
        levels = tuple(Risk)
        return levels[min(levels.index(self) + 1, len(levels) - 1)]


class Reversal(StrEnum):
    """What can be done about it afterwards."""

    ACTION = "action"  # another action of ours undoes it
    BY_HAND = "by_hand"  # only people can, in the system itself
    NEVER = "never"


class Form(StrEnum):
    """How a parameter is written."""

    TEXT = "text"
    ENTITY = "entity"
    QUANTITY = "quantity"
    MOMENT = "moment"
    NUMBER = "number"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing that must be said. kinds: of entity; the first is meant where only an id is given."""

    name: str
    meaning: str
    form: Form = Form.TEXT
    kinds: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    required: bool = True


REASON = Parameter(name="reason", meaning="why, in a sentence or two")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """A property of the subject that the action rests on, as the subject's system says it.

    property: a name, or a parameter in braces that says it. never, only: values with which the action makes no sense;
    read again at the system before anything is sent. must_be_told: by the records; must_be_read: by the system itself.
    """

    property: str
    never: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    must_be_told: bool = False
    must_be_read: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """The subject's properties afterwards. includes: the value is a list, and the text names what it then holds.
    tolerance: by how much a number may differ and still be that value; empty for not at all."""

    values: Mapping[str, str]
    includes: bool = False
    tolerance: str = ""

    @classmethod
    def of(cls, expected: Mapping[str, Any]) -> Sets:
        """What a proposal says that it expects."""
        return cls(values=expected["sets"], includes=expected["includes"], tolerance=str(expected.get("tolerance", "")))

    def to_json(self) -> dict[str, Json]:
        tolerance: dict[str, Json] = {"tolerance": self.tolerance} if self.tolerance else {}
        return {"sets": dict(self.values), "includes": self.includes, **tolerance}


@dataclass(frozen=True, slots=True, kw_only=True)
class Creates:
    """Something new that points to the subject: an entity of `kind`, told with a status among `statuses`, or one of the
    `events`. points: the property by which it points; empty where it bears the effect's number alone. also: what
    becomes of the subject's own properties with it."""

    what: str
    kind: str = ""
    points: str = ""
    statuses: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        return {
            "creates": self.what,
            "kind": self.kind,
            "points": self.points,
            "statuses": list(self.statuses),
            "events": list(self.events),
        }


Effect: TypeAlias = Sets | Creates
Value: TypeAlias = str | Entity | Quantity | datetime | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nothing was proposed. code is stable; reason is for the person."""

    reason: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the difference that the action makes."""

    field: str
    before: str
    after: str

    def to_json(self) -> dict[str, Json]:
        return {"field": self.field, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the subject's system said of it when this was proposed: property to text, None where it never said it.

    basis: ids of the records that say so.
    """

    values: Mapping[str, str | None]
    basis: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {"values": dict(self.values), "basis": list(self.basis)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a target says beforehand of something that is asked for. unit: of what is set. tolerance: how closely it
    keeps a number. facts: its bounds, for the approver."""

    unit: str = ""
    tolerance: str = ""
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What master data adds to what is sent. facts: of it, for the approver. basis: ids of records that it rests on."""

    payload: Mapping[str, Json]
    facts: tuple[str, ...] = ()
    basis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was asked for, resolved against the records; what an action type's own rules are asked about.

    asked: parameter to its typed value. told: what the system last said of the subject, by property. terms: the
    target's, where one with bounds is configured.
    """

    action: str
    asked: Mapping[str, Value]
    written: Mapping[str, str]
    subject: Entity
    system: str
    view: View
    told: Mapping[str, Statement]
    terms: Terms | None = None

    def entity(self, name: str) -> Entity:
        value = self.asked[name]
        if not isinstance(value, Entity):
            raise TypeError(f"{name} is no entity")
        return value

    def amount(self, name: str) -> Quantity | None:
        value = self.asked.get(name)
        return value if isinstance(value, Quantity) else None

    @property
    def payload(self) -> dict[str, Json]:
        """What goes to the target: the parameters as written, amounts with value and unit apart."""
        payload: dict[str, Json] = dict(self.written)
        for name, value in self.asked.items():
            if isinstance(value, Quantity):
                number, _, unit = self.written[name].partition(" ")
                payload |= {name: number, f"{name}_unit": unit}
        return payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done. amount: what limits count; None where the action has none."""

    entity: Entity
    system: str
    parameters: Mapping[str, str]
    payload: Mapping[str, Json]
    snapshot: Snapshot
    effect: Effect
    changes: tuple[Change, ...]
    facts: tuple[str, ...]
    amount: Quantity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What was carried out: with which parameters, on what the system had told before, as which effect."""

    parameters: Mapping[str, str]
    told: Mapping[str, str | None]
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionType:
    """One kind of action, declared once.

    subject: the parameter that names what is changed. systems: kinds of sources that may keep it, the likeliest first.
    asks, does: the decision in words, with the parameters' names in braces. facts: further properties of the subject
    for the approver. check: rules of its own. inverse: the action that undoes it, and with which parameters.
    bounded: only a target with bounds of its own may carry it out. adds: what master data adds to the parameters as
    they are written; looked up again before anything is sent.
    """

    name: str
    version: int
    title: str
    parameters: tuple[Parameter, ...]
    subject: str
    systems: tuple[str, ...]
    rests: tuple[Rest, ...]
    effect: Callable[[Draft], Effect]
    asks: str
    does: str
    undo: str
    least: Risk = Risk.MEDIUM
    reversal: Reversal = Reversal.BY_HAND
    facts: tuple[str, ...] = ()
    check: Callable[[Draft], Refusal | None] | None = None
    amount: Callable[[Draft], Quantity | None] | None = None
    inverse: str = ""
    inverse_parameters: Callable[[Carried], Mapping[str, str]] | None = None
    bounded: bool = False
    adds: Callable[[View, Entity, Mapping[str, str]], Added | Refusal] | None = None

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.parameters)

    def parameter(self, name: str) -> Parameter:
        return next(each for each in self.parameters if each.name == name)

    def rests_on(self, parameters: Mapping[str, str]) -> tuple[Rest, ...]:
        """What it rests on with these parameters, as they are written."""
        return tuple(replace(rest, property=filled(rest.property, parameters)) for rest in self.rests)

    def differences(
        self, parameters: Mapping[str, str], snapshot: Mapping[str, str | None], found: Mapping[str, str]
    ) -> tuple[str, ...]:
        """How the subject's system differs now from what was proposed on; empty where it still holds."""
        return tuple(_differences(self.rests_on(parameters), snapshot, found))


def _differences(rests: Sequence[Rest], snapshot: Mapping[str, str | None], found: Mapping[str, str]) -> list[str]:
    said = []
    for rest in rests:
        words, now = rest.property.replace("_", " "), found.get(rest.property)
        expected = snapshot.get(rest.property)
        if now is None:
            if expected is not None or rest.only or rest.must_be_told or rest.must_be_read:
                said.append(f"{words} was {expected or 'not said'}, is no longer told")
        elif (expected is not None and not same(expected, now)) or not fits(rest, now):
            said.append(f"{words} was {expected or 'not said'}, is {now}")
    return said


def fits(rest: Rest, text: str) -> bool:
    """Whether the action makes sense while the property has this value."""
    folded = text.strip().casefold()
    return folded not in rest.never and (not rest.only or folded in rest.only)


def same(one: str, other: str) -> bool:
    """Whether two texts say one value: an instant in any zone, an amount in any spelling, a word in any case.

    A moment without its zone is of the clock on the wall: the one by which the other is written.
    """
    first, second = _plain(one), _plain(other)
    if isinstance(first, datetime) and isinstance(second, datetime) and None in (first.tzinfo, second.tzinfo):
        return first.replace(tzinfo=None) == second.replace(tzinfo=None)
    return first == second


def filled(sentence: str, words: Mapping[str, str]) -> str:
    """The sentence with the parameters' values in their braces; one that wasn't given is left out as a dash."""
    return _NAMED.sub(lambda found: words.get(found[1], "-"), sentence)


def shows(effect: Sets, name: str, text: str) -> bool:
    """Whether a property's value, as text, is what the action set; a list shows it by naming it."""
    wanted = effect.values[name]
    if effect.tolerance and close(wanted, text, effect.tolerance):
        return True
    return wanted.casefold() in _words(text) if effect.includes else same(wanted, text)


def close(one: str, other: str, tolerance: str) -> bool:
    """Whether two texts are amounts of one unit that differ by no more than this."""
    first, second = _plain(one), _plain(other)
    if not isinstance(first, Quantity) or not isinstance(second, Quantity) or first.unit != second.unit:
        return False
    return abs(first.value - second.value) <= Decimal(tolerance)


def _words(text: str) -> set[str]:
    """The ids in a list's text, JSON or plain: what stands between quotes, commas and brackets."""
    return {word.casefold() for word in re.split(r"[\s,;\[\]{}\"']+", text) if word}


def _plain(text: str) -> object:
    bare = " ".join(text.split())
    number, _, unit = bare.partition(" ")
    try:
        return Quantity(Decimal(number), unit)
    except (ArithmeticError, ValueError):
        pass
    try:
        return datetime.fromisoformat(bare)
    except ValueError:
        return bare.casefold()
