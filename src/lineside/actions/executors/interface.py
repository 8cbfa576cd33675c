"""How a system that speaks HTTP and JSON is read and asked: data, one file per interface, checked when it is loaded.

Values are found by JSON pointer (RFC 6901) and brought to the vocabulary's words; requests are filled in from what was
approved and from nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lineside.actions.action import NONE
from lineside.actions.executors import EffectThere, There
from lineside.actions.types import ACTIONS
from lineside.errors import BadSettings
from lineside.memory.words import spelled
from lineside.plant.entities import Entity
from lineside.plant.records import Json

_HOLE = re.compile(r"\{([a-z_]+)(?:\.(\d))?\}")
_PARTS = re.compile(r"[/@]")
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


class Effects(_Section):
    """What of the kind that actions create stands on the subject."""

    each: Pointer
    id: Pointer
    proposal: Pointer = ""
    active: dict[Pointer, str] = Field(default_factory=dict)


class Read(_Section):
    """How a subject of one kind is read; under *, of any other. condition: `etag`, or a pointer to its row version."""

    path: str
    itself: Pointer = Field(description="where the answer names the subject, so that another one is noticed")
    part: int = Field(0, ge=0, le=9, description="which part of the id stands there; 0: the whole")
    condition: str = ""
    values: dict[str, Pointer | Amount | Listed] = Field(default_factory=dict)
    properties: Pointer = Field("", description="an object whose members are properties by the vocabulary's names")
    effects: Effects | None = None


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
    headers: dict[str, str] = Field(default_factory=lambda: {"Authorization": "Bearer {token}"})
    csrf: bool = Field(False, description="a token is fetched with the read and sent with the write, as SAP wants it")

    @field_validator("do")
    @classmethod
    def _known(cls, do: dict[str, Do]) -> dict[str, Do]:
        for name, each in do.items():
            if name not in ACTIONS:
                raise ValueError(f"there is no action {name!r}; there are: {', '.join(sorted(ACTIONS))}")
            if ACTIONS[name].bounded:
                raise ValueError(f"{name} needs a target with bounds of its own, as an OPC UA allow-list has")
            holes = {hole for text in (each.path, json.dumps(each.body)) for hole, _ in _HOLE.findall(text)}
            known = {"id", "kind", *_ALWAYS, *ACTIONS[name].parameter_names}
            known |= {f"{parameter}_unit" for parameter in ACTIONS[name].parameter_names}
            if unknown := sorted(holes - known):
                raise ValueError(f"{name}: nothing fills in {{{unknown[0]}}}; there are: {', '.join(sorted(known))}")
        return do


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
        if at(answer, read.itself) is None or str(at(answer, read.itself)) != part_of(subject.id, read.part):
            return None
        said = at(answer, read.properties) if read.properties else None
        values: dict[str, str | None] = {}
        if isinstance(said, dict):
            values |= {name: spelled(each) for name, each in said.items() if each is not None}
        values |= {name: self._value(name, answer, spec) for name, spec in read.values.items()}
        condition = etag if read.condition == "etag" else at(answer, read.condition) if read.condition else None
        printable = isinstance(condition, str | int) and str(condition).isascii() and str(condition).isprintable()
        return There(
            values={name: value for name, value in values.items() if value is not None},
            effects=None if read.effects is None else _effects(answer, read.effects),
            condition=str(condition) if printable and str(condition) else None,
        )

    def request(self, action: str, subject: Entity, said: Mapping[str, Json]) -> tuple[str, str, bytes | None]:
        """Method, path and body of the action; no body: what was approved goes as it stands."""
        do = self.described.do[action]
        words = {name: self.described.words.get(name, {}).get(str(value), value) for name, value in said.items()}
        words |= {"id": subject.id, "kind": subject.kind}
        path = _filled(do.path, words, escaped=True)
        body = json.dumps(_body(do.body, words), ensure_ascii=False).encode() if do.body else None
        return do.method, str(path), body

    def _value(self, name: str, answer: Json, spec: Pointer | Amount | Listed) -> str | None:
        match spec:
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
    """The interface of that name: a file in the home's `interfaces`, or one that is shipped. Raises BadSettings."""
    own = None if home is None else home / "interfaces" / f"{name}.toml"
    if own is not None and own.is_file():
        return parse_interface(own.read_bytes(), where=str(own))
    folder = files("lineside") / "actions" / "executors" / "interfaces"
    shipped = folder / f"{name}.toml"
    if not name.replace("-", "").replace("_", "").isalnum() or not shipped.is_file():
        names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".toml"))
        there = ", ".join(each.removesuffix(".toml") for each in names)
        raise BadSettings(
            f"there is no interface {name!r}; shipped are: {there}; your own goes to interfaces/NAME.toml in the home",
            key="targets",
        )
    return parse_interface(shipped.read_bytes(), where=f"the shipped interface {name}")


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


def part_of(id_: str, part: int) -> str:
    """The whole id, or one of the parts between its slashes and at-signs, from 1; empty where it has no such part."""
    if part == 0:
        return id_
    parts = _PARTS.split(id_)
    return parts[part - 1] if part <= len(parts) else ""


def _effects(answer: Json, spec: Effects) -> tuple[EffectThere, ...]:
    listed = at(answer, spec.each)
    found = list[EffectThere]()
    for each in listed if isinstance(listed, list) else []:
        id_, proposal = at(each, spec.id), at(each, spec.proposal) if spec.proposal else None
        if id_ is not None:
            mark = proposal if isinstance(proposal, str) and proposal else None
            found.append(EffectThere(id=str(id_), active=_fits(each, spec.active), proposal=mark))
    return tuple(found)


def _fits(value: Json, wanted: Mapping[Pointer, str]) -> bool:
    return all(str(at(value, pointer)) == text for pointer, text in wanted.items())


def _body(template: Any, said: Mapping[str, Json]) -> Any:  # any JSON shape
    match template:
        case dict():
            filled = {name: _body(each, said) for name, each in template.items()}
            return {name: each for name, each in filled.items() if each is not None}
        case list():
            return [_body(each, said) for each in template]
        case str():
            return _filled(template, said)
    return template


def _filled(template: str, said: Mapping[str, Json], *, escaped: bool = False) -> Json:
    """The text with its holes filled; one that is a hole alone and has no value is left out (None)."""
    whole = _HOLE.fullmatch(template)
    if whole is not None and whole[1] not in said:
        return None

    def value(hole: re.Match[str]) -> str:
        text = part_of(str(said.get(hole[1], "")), int(hole[2] or 0))
        return quote(text, safe="") if escaped else text

    return _HOLE.sub(value, template)
