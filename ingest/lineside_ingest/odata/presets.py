"""Systems whose interface is known: their collections and mappings as data, chosen and overridden by the plant."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

PRESETS = ("erpnext", "s4hana")


def with_preset(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with what their preset says beneath them: a collection of the same name is overridden field by field,
    another is added; `use` keeps some of the preset's. Raises ValueError where `use` names none of them."""
    preset = options.get("preset")
    if preset not in PRESETS:
        return dict(options)
    data = tomllib.loads(files(__package__).joinpath(f"systems/{preset}.toml").read_text(encoding="utf-8"))
    tables = data.pop("codes")
    every = data.pop("every", {})
    known = {each["name"]: {**every, **_with_codes(each, tables)} for each in data.pop("collections")}
    chosen = options.get("use", list(known))
    if unknown := [each for each in chosen if each not in known]:
        raise ValueError(f"names {unknown[0]!r}; the preset has: {', '.join(known)}")
    own = {each.get("name", each.get("path")): each for each in options.get("collections", [])}
    used = {name: {**known[name], **own.pop(name, {})} for name in chosen}
    return {**data, **options, "collections": [*used.values(), *own.values()]}


def _with_codes(value: Any, tables: Mapping[str, Any]) -> Any:  # any TOML
    """The value with each `codes = "name"` replaced by the preset's table of that name."""
    if isinstance(value, list):
        return [_with_codes(each, tables) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: tables[each] if name == "codes" and isinstance(each, str) else _with_codes(each, tables)
        for name, each in value.items()
    }
