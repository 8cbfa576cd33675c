"""How a system that speaks HTTP and JSON is read and asked: data, one file per interface, checked when it is loaded.

Values are found by JSON pointer (RFC 6901) and brought to the vocabulary's words; requests are filled in from what was
approved and from nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lineside.actions.action import NONE, Form
from lineside.actions.executors import EffectThere, There
from lineside.actions.executors.filling import CONDITION, FORMS, days_only, fill, fill_path, holes, part_of
from lineside.actions.executors.wall_clock import wall_clock
from lineside.actions.types import ACTIONS
from lineside.errors import BadSettings
from lineside.memory.words import spelled
from lineside.plant.entities import Entity
from lineside.plant.records import Json

_OURS = re.compile(r"P-[0-9A-F]{10}")
_ALWAYS = frozenset({"proposal", "requested_by", "approved_by", "site"})
Pointer: TypeAlias = str


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Amount(_Section):
    """A number and its unit, each by its own pointer."""

    value: Pointer
    unit: Pointer = ""
    always: str = Field("", description="the unit, where the system never writes one")


class Listed(_Section):
    """Of a list in the answer, what each one that fits has at `take`."""

    each: Pointer
    take: Pointer
    only: dict[Pointer, str] = Field(default_factory=dict)


class Moment(_Section):
    """A day, and a time of it where the system has one, by the plant's wall clock."""

    day: Pointer
    time: Pointer = ""


class Case(_Section):
    """What it is called where all these stand; nothing wanted always fits."""

    when: dict[Pointer, str] = Field(default_factory=dict)
    said: str


class Effects(_Section):
    """What of the kind that actions create stands on the subject. within: a text that names the proposal, if ours."""

    each: Pointer
    id: Pointer
    proposal: Pointer = ""
    within: Pointer = ""
    active: dict[Pointer, str] = Field(default_factory=dict)


Value: TypeAlias = Pointer | Amount | Listed | Moment | tuple[Case, ...]


class Read(_Section):
    """How a subject of one kind is read; under *, of any other.

    condition: `etag`, or a pointer to its row version, or several: what the write must name, as its parts. body: of a
    system that is asked by POST.
    """

    path: str
    body: dict[str, Any] = Field(default_factory=dict)
    itself: Pointer = Field("", description="where the answer names the subject; empty: it lists effects alone")
    lists: Pointer = Field("", description="the list that the answer always has; empty: the system has no such subject")
    part: int = Field(0, ge=0, le=9, description="which part of the id stands there; 0: the whole")
    condition: str | tuple[Pointer, ...] = ""
    values: dict[str, Value] = Field(default_factory=dict)
    properties: Pointer = Field("", description="an object whose members are properties by the vocabulary's names")
    effects: Effects | None = None

    @model_validator(mode="after")
    def _of_something(self) -> Read:
        if not self.itself and self.effects is None:
            raise ValueError("itself: where does the answer name the subject?")
        return self


class Do(_Section):
    """How one action is asked for. body: filled in; empty sends what was approved as it stands."""

    method: str = Field("POST", pattern="^(POST|PUT|PATCH)$")
    path: str
    body: dict[str, Any] = Field(default_factory=dict)
    effect: Pointer = Field("", description="where the answer has the effect's id; empty: the subject's own")
    reads: str = Field("", description="the kind under which the subject is read, where that isn't its own")
    key_header: str = "Idempotency-Key"
    condition_header: str = "If-Match"


class Described(_Section):
    """One interface file."""

    name: str
    version: str
    read: dict[str, Read]
    do: dict[str, Do]
    words: dict[str, dict[str, str]] = Field(default_factory=dict, description="property: our word to theirs")
    headers: dict[str, str] = Field(
        default_factory=lambda: {"Authorization": "Bearer {token}"},
        description="sent each time; {token} is the target's, {basic} its user and token as Basic wants them",
    )
    csrf: str = Field("", description="the path of which a CSRF token is fetched for the write, as SAP wants it")
    refused: Pointer = Field("", description="where an answer of status 200 says that nothing was done")
    changed: dict[Pointer, str] = Field(default_factory=dict, description="what it says there of a row that changed")
    options: dict[str, str] = Field(default_factory=dict, description="what each installation must say of itself")

    @model_validator(mode="after")
    def _known(self) -> Described:
        for name, each in self.do.items():
            if name not in ACTIONS:
                raise ValueError(f"do: there is no action {name!r}; there are: {', '.join(sorted(ACTIONS))}")
            action = ACTIONS[name]
            if action.bounded:
                raise ValueError(f"do: {name} needs a target with bounds of its own, as an OPC UA allow-list has")
            known = {"id", "kind", CONDITION, *_ALWAYS, *self.options, *action.parameter_names}
            known |= {f"{parameter}_unit" for parameter in action.parameter_names}
            if taken := sorted(self.options.keys() & {"id", "kind", CONDITION, *_ALWAYS, *action.parameter_names}):
                raise ValueError(f"options: {taken[0]} is what {name} fills in itself; call the option otherwise")
            for hole, form in holes([each.path, each.body]):
                if hole not in known:
                    raise ValueError(f"do: {name}: nothing fills in {{{hole}}}; there are: {', '.join(sorted(known))}")
                if form and (form not in FORMS or action.parameter(hole).form is not Form.MOMENT):
                    raise ValueError(
                        f"do: {name}: {{{hole}:{form}}} is no part of a moment: {', '.join(sorted(FORMS))}"
                    )
        asked = {hole for each in self.read.values() for hole, _ in holes([each.path, each.body])}
        if unknown := sorted(asked - {"id", "kind", "proposal", *self.options}):
            raise ValueError(f"read: nothing fills in {{{unknown[0]}}}")
        return self


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface as it was loaded. digest: of its file's bytes, which a proposal is bound to."""

    described: Described
    digest: str
    theirs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def offers(self) -> frozenset[str]:
        return frozenset(self.described.do)

    def reading(self, action: str, subject: Entity) -> Read | None:
        """How the subject of the action is read; None where the interface has no way."""
        kinds = self.described.read
        return kinds.get(self.described.do[action].reads or subject.kind) or kinds.get("*")

    def there(self, read: Read, subject: Entity, answer: Json, etag: str | None) -> There | None:
        """What the answer says of the subject; None where it speaks of another, or of none."""
        named = at(answer, read.itself) if read.itself else None
        if read.itself and (named is None or str(named) != part_of(subject.id, read.part)):
            return None
        if not read.itself and read.effects is not None and not isinstance(at(answer, read.effects.each), list):
            return None
        said = at(answer, read.properties) if read.properties else None
        values: dict[str, str | None] = {}
        if isinstance(said, dict):
            values |= {name: spelled(each) for name, each in said.items() if each is not None}
        values |= {name: self._value(name, answer, spec) for name, spec in read.values.items()}
        return There(
            values={name: value for name, value in values.items() if value is not None},
            effects=None if read.effects is None else _effects(answer, read.effects),
            condition=_condition(read.condition, answer, etag),
        )

    def asked(self, read: Read, subject: Entity, options: Mapping[str, str], proposal: str) -> tuple[str, bytes | None]:
        """Path and body of the read. Raises Unfilled."""
        words = {**options, "id": subject.id, "kind": subject.kind, "proposal": proposal}
        return fill_path(read.path, words), json.dumps(fill(read.body, words)).encode() if read.body else None

    def request(
        self, action: str, subject: Entity, said: Mapping[str, Json], options: Mapping[str, str], condition: str | None
    ) -> tuple[str, str, bytes | None]:
        """Method, path and body of the action; no body: what was approved goes as it stands. Raises Unfilled."""
        do = self.described.do[action]
        words = {name: self.described.words.get(name, {}).get(str(value), value) for name, value in said.items()}
        words |= {**options, "id": subject.id, "kind": subject.kind, CONDITION: condition}
        body = json.dumps(fill(do.body, words), ensure_ascii=False).encode() if do.body else None
        return do.method, fill_path(do.path, words), body

    def rounded(self, action: str) -> Collection[str]:
        """The moments of which the system takes the day alone."""
        do, names = self.described.do[action], ACTIONS[action].parameter_names
        return [name for name in days_only([do.path, do.body]) if name in names]

    def _value(self, name: str, answer: Json, spec: Value) -> str | None:
        match spec:
            case tuple():
                return next((each.said for each in spec if _fits(answer, each.when)), None)
            case Moment():
                return wall_clock(at(answer, spec.day), at(answer, spec.time) if spec.time else None)
            case Amount():
                amount = at(answer, spec.value)
                unit = spec.always or (at(answer, spec.unit) if spec.unit else "") or ""
                return None if amount is None else f"{amount} {unit}".strip()
            case Listed():
                listed = at(answer, spec.each)
                if not isinstance(listed, list):
                    return None
                taken = [at(each, spec.take) for each in listed if _fits(each, spec.only)]
                return ", ".join(sorted(str(each) for each in taken if each is not None)) or NONE
        found = at(answer, spec)
        if found is None or isinstance(found, dict | list):
            return None if found is None else spelled(found)
        said = found if isinstance(found, str) else json.dumps(found)
        return self.theirs.get(name, {}).get(said, said)


def load_interface(name: str, home: Path | None = None) -> Interface:
    """The interface of that name, as `interface_file` finds it. Raises BadSettings."""
    content, where = interface_file(name, home)
    return parse_interface(content, where=where)


def interface_file(name: str, home: Path | None = None) -> tuple[bytes, str]:
    """What describes an interface, and where: a file in the home's `interfaces`, or one that is shipped. Raises
    BadSettings."""
    own = None if home is None else home / "interfaces" / f"{name}.toml"
    if own is not None and own.is_file():
        return own.read_bytes(), str(own)
    folder = files("lineside") / "actions" / "executors" / "interfaces"
    shipped = folder / f"{name}.toml"
    if not name.replace("-", "").replace("_", "").isalnum() or not shipped.is_file():
        names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".toml"))
        there = ", ".join(each.removesuffix(".toml") for each in names)
        raise BadSettings(
            f"there is no interface {name!r}; shipped are: {there}; your own goes to interfaces/NAME.toml in the home",
            key="targets",
        )
    return shipped.read_bytes(), f"the shipped interface {name}"


def parse_interface(content: bytes, *, where: str) -> Interface:
    """The interface in a file's bytes. Raises BadSettings with the key and what to do."""
    try:
        described = Described(**tomllib.loads(content.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{where} is not TOML: {error}", path=where) from error
    except (ValidationError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        key = ".".join(str(each) for each in first["loc"])
        raise BadSettings(f"{where}: {key}: {first['msg']}", path=where, key=key) from error
    theirs = {name: {their: our for our, their in words.items()} for name, words in described.words.items()}
    return Interface(described, hashlib.sha256(content).hexdigest(), theirs)


def at(value: Json, pointer: Pointer) -> Json:
    """What stands at a JSON pointer; None where nothing does."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _effects(answer: Json, spec: Effects) -> tuple[EffectThere, ...]:
    listed = at(answer, spec.each)
    found = list[EffectThere]()
    for each in listed if isinstance(listed, list) else []:
        id_, mark = at(each, spec.id), _mark(each, spec)
        if id_ is not None:
            found.append(EffectThere(id=str(id_), active=_fits(each, spec.active), proposal=mark))
    return tuple(found)


def _mark(effect: Json, spec: Effects) -> str | None:
    """Whose it is: a proposal's; empty, somebody else's; None, it doesn't say."""
    if spec.within:
        ours = _OURS.search(str(at(effect, spec.within) or ""))
        return ours[0] if ours else ""
    proposal = at(effect, spec.proposal) if spec.proposal else None
    return proposal if isinstance(proposal, str) and proposal else None


def _fits(value: Json, wanted: Mapping[Pointer, str]) -> bool:
    return all(str(at(value, pointer)) == text for pointer, text in wanted.items())


def _condition(wanted: str | tuple[Pointer, ...], answer: Json, etag: str | None) -> str | None:
    """What the write must name; None where any of it is lacking or is nothing that a header could carry."""
    if not wanted:
        return None
    pointers = (wanted,) if isinstance(wanted, str) else wanted
    found = [etag if each == "etag" else at(answer, each) for each in pointers]
    texts = [str(each) for each in found if isinstance(each, str | int) and str(each)]
    whole = "@".join(texts)
    return whole if len(texts) == len(pointers) and whole.isascii() and whole.isprintable() else None
