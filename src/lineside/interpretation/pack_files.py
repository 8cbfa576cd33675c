"""The data files of packs, core first: read once, and refused with the file and the key that are wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from lineside.errors import BadSettings


def core_pack() -> Traversable:
    """The folder of the pack that every plant has."""
    return resources.files("lineside.packs").joinpath("core")


def read_all(name: str, folders: Sequence[Traversable]) -> list[tuple[str, dict[str, Any]]]:
    """The file of that name in each of the folders that has one, with where it stands. Raises BadSettings."""
    found = []
    for folder in folders:
        file = folder.joinpath(name)
        if not file.is_file():
            continue
        where = f"{folder.name}/{name}"
        try:
            found.append((where, tomllib.loads(file.read_text("utf-8"))))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadSettings(f"{where} is no TOML: {error}", file=where) from error
    return found


def wrong(where: str, key: str, why: str, allowed: Collection[str] = ()) -> BadSettings:
    """The error that names the file, the key, what is wrong with it, and what is allowed."""
    choice = f"; allowed: {', '.join(sorted(allowed))}" if allowed else ""
    return BadSettings(f"{where}: {key} {why}{choice}", file=where, key=key)


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
