"""pack.toml: what a pack is called, which version it is, and what it needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineside.interpretation.pack_files import text, wrong

FILE = "pack.toml"
_KEYS = ("name", "version", "title", "extends", "lineside")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NUMBER = r"(?:0|[1-9]\d{0,8})"
_VERSION = re.compile(rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?")
_OURS = ("core", "default")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """extends: the pack below it, empty for the core; at_least: of which version. lineside: the least it runs with."""

    name: str
    version: str
    title: str
    extends: str = ""
    at_least: str = ""
    lineside: str = ""


def read_manifest(where: str, data: Mapping[str, Any]) -> Manifest:
    """The manifest in a pack.toml. Raises BadSettings with the key that is wrong."""
    for key in data:
        if key not in _KEYS:
            raise wrong(where, key, "is not a key here", _KEYS)
    below, _, least = text(where, "extends", data.get("extends", "core")).partition(">=")
    name = _name(where, "name", data.get("name"))
    if name in _OURS:
        raise wrong(where, "name", f"can't be {name!r}, which comes with Lineside")
    extends = _name(where, "extends", below.strip())
    if extends == name:
        raise wrong(where, "extends", "names the pack itself")
    return Manifest(
        name=name,
        version=_version(where, "version", data.get("version")),
        title=text(where, "title", data.get("title")),
        extends="" if extends == "core" else extends,
        at_least=_version(where, "extends", least.strip()) if least else "",
        lineside=_version(where, "lineside", data["lineside"]) if "lineside" in data else "",
    )


def is_version(version: str) -> bool:
    """Whether it is one by semantic versioning, without build data."""
    return _VERSION.fullmatch(version) is not None


def order(version: str) -> tuple[object, ...]:
    """Sorts versions, the older first; 1.0.0-rc.1 stands before 1.0.0."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return (0, 0, 0, 0, ())
    major, minor, patch, early = found.groups()
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in (early or "").split(".") if p)
    return (int(major), int(minor), int(patch), 0 if early else 1, parts)


def _version(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not is_version(value):
        raise wrong(where, key, 'must be a version, as in "1.4.0"')
    return value


def _name(where: str, key: str, value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise wrong(where, key, "must be a name of small letters, digits and hyphens, as in dairy-group")
    return value
