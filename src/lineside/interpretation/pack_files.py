"""The data files of packs: core first, then each pack of the plant over it; refused with the file and the key.

Which packs are meant is that of the plant whose records are read: `under` puts them in force for what is read within.
A reading that nobody put under any packs is put under those of its view's plant by `Facts`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from importlib import resources
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from lineside.errors import BadSettings
from lineside.interpretation.pack_merging import merged, named_by, switched
from lineside.plant.packs import CORE, PackLayer, Packs
from lineside.plant.plant import Plant

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Parse = Callable[[str, Mapping[str, Any]], T]

# In these the first that fits counts, so what a later pack adds stands before what was there.
_FIRST = frozenset(("state_models.toml", "waiting.toml", "readiness.toml", "policy.toml"))
_BASES = ("core", "default")
_IN_FORCE: ContextVar[Packs] = ContextVar("packs in force", default=CORE)


def in_force() -> Packs:
    """The packs by which records are read here and now."""
    return _IN_FORCE.get()


@contextmanager
def under(packs: Packs) -> Iterator[None]:
    """What is read within is read by these packs."""
    token = _IN_FORCE.set(packs)
    try:
        yield
    finally:
        _IN_FORCE.reset(token)


def follow(plant: Plant) -> None:
    """The packs in force are some of the plant's own from here on: those that are, where they are its own already."""
    if _IN_FORCE.get() not in (plant.packs, *plant.packs_by_site.values()):
        _IN_FORCE.set(plant.packs)


def of_packs(make: Callable[[], T]) -> Callable[[], T]:
    """What `make` reads from the packs in force is read once for them."""

    @wraps(make)
    def made() -> T:
        kept = _IN_FORCE.get().made
        try:
            found: T = kept[make]
        except KeyError:
            found = kept[make] = make()
        return found

    return made


def load(file: str, parse: Parse[T]) -> T:
    """What the file means with the packs in force. Raises BadSettings with the file and the key that are wrong."""
    return last_of(read_layers(file, parse, in_force()))


def last_of(found: Iterator[tuple[str, Mapping[str, Any], T]]) -> T:
    """What is read in the end."""
    *_, (_, _, last) = found
    return last


def read_layers(file: str, parse: Parse[T], packs: Packs) -> Iterator[tuple[str, Mapping[str, Any], T]]:
    """Where each layer of the file stands, its content with all below, and what that means; the lowest first.

    Each is checked by itself, so that an error names the pack that brought it. Raises BadSettings.
    """
    where, below = ground_of(file)
    yield where, below, parse(where, below)
    for layer in packs.layers:
        if file in layer.files:
            where, own = layer_of(file, layer)
            below = over(file, where, below, own)
            content = switched(below)
            yield where, content, parse(where, content)


def ground_of(file: str) -> tuple[str, Mapping[str, Any]]:
    """Where the file of the packs that come with Lineside stands, and its content; empty where they have none."""
    for folder in _BASES:
        found = resources.files("lineside.packs").joinpath(folder).joinpath(file)
        if found.is_file():
            where = f"{folder}/{file}"
            return where, toml(where, found.read_text("utf-8"))
    return f"core/{file}", {}


def layer_of(file: str, layer: PackLayer) -> tuple[str, Mapping[str, Any]]:
    """Where the layer's file stands, and its content. Raises BadSettings."""
    where = f"{layer.name}/{file}"
    return where, toml(where, layer.files[file])


def over(file: str, where: str, below: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """A layer's content laid over what is below it. Raises BadSettings where the two are of different make."""
    for key, siblings in _off_of_nothing(below, own):
        raise wrong(where, key, "switches off what is not there", siblings)
    try:
        return merged(below, own, first=file in _FIRST)
    except TypeError as error:
        key, why = error.args
        raise wrong(where, key, why) from error


def toml(where: str, content: str) -> dict[str, Any]:
    """The content of a TOML text. Raises BadSettings."""
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{where} is no TOML: {error}", file=where) from error


def validated(where: str, shape: type[M], data: Mapping[str, Any]) -> M:
    """The data in that shape. Raises BadSettings that names every place that is wrong."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        faults = tuple(
            (_path(each["loc"]), _why(shape, each["type"], each["loc"], each["msg"])) for each in error.errors()
        )
        told = "; ".join(f"{key or 'the file'}: {why}" for key, why in faults)
        raise BadSettings(f"{where}: {told}", file=where, key=faults[0][0], faults=faults) from error


def wrong(where: str, key: str, why: str, allowed: Collection[str] = ()) -> BadSettings:
    """The error that names the file, the key, what is wrong with it, and what is allowed."""
    choice = f"; allowed: {', '.join(sorted(allowed))}" if allowed else ""
    return BadSettings(f"{where}: {key} {why}{choice}", file=where, key=key, why=f"{why}{choice}")


def table(where: str, key: str, value: object) -> dict[str, Any]:
    """The value as a table. Raises BadSettings where it is none."""
    if not isinstance(value, dict):
        raise wrong(where, key, "must be a table")
    return value


def texts(where: str, key: str, value: object, allowed: Collection[str] = ()) -> tuple[str, ...]:
    """The value as a list of words, each among the allowed ones if any are given. Raises BadSettings."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise wrong(where, key, "must be a list of words", allowed)
    for each in value:
        if allowed and each not in allowed:
            raise wrong(where, key, f"names {each!r}, which is unknown", allowed)
    return tuple(value)


def text(where: str, key: str, value: object, allowed: Collection[str] = ()) -> str:
    """The value as one word or sentence, among the allowed ones if any are given. Raises BadSettings."""
    if not isinstance(value, str) or not value.strip():
        raise wrong(where, key, "must be a text", allowed)
    return texts(where, key, [value], allowed)[0]


def _off_of_nothing(
    below: Mapping[str, Any], own: Mapping[str, Any], at: str = ""
) -> Iterator[tuple[str, Sequence[str]]]:
    for key, value in own.items():
        if isinstance(value, dict):
            there = below.get(key)
            if value.get("off") is True and key not in below:
                yield f"{at}{key}", [k for k, v in below.items() if isinstance(v, dict)]
            yield from _off_of_nothing(there if isinstance(there, dict) else {}, value, f"{at}{key}.")
        elif name := named_by(value):
            known = [each[name] for each in below.get(key, ()) if isinstance(each, dict) and name in each]
            yield from ((f"{at}{key}", known) for each in value if each.get("off") is True and each[name] not in known)


def _path(loc: Sequence[object]) -> str:
    parts = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return parts.removeprefix(".")


def _why(shape: type[BaseModel], fault: str, loc: Sequence[object], message: str) -> str:
    if fault == "extra_forbidden":
        return f"is not a key here; allowed: {', '.join(sorted(_keys_at(shape, loc[:-1])))}"
    if fault == "missing":
        return "is missing"
    said = message.removeprefix("Value error, ").removeprefix("Input ")
    return said[:1].lower() + said[1:]


def _keys_at(shape: type[BaseModel], loc: Sequence[object]) -> Collection[str]:
    """The keys of the table that stands there."""
    at: Any = shape
    for part in loc:
        at = at.model_fields[part].annotation if isinstance(part, str) and hasattr(at, "model_fields") else at
        at = next((each for each in get_args(at) if hasattr(each, "model_fields")), at)
    return at.model_fields if hasattr(at, "model_fields") else ()
