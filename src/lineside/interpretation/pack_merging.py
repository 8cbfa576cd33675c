"""One pack's file laid over another's: tables key by key, named entries by their names, everything else replaced.

Laying over is associative and idempotent, so that a pack may be thought of by itself: what it switches off, takes out
of a list or adds to one stays in it until the whole is read (`switched`). It is pure, and knows nothing of any file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

REST = "..."  # a list that begins with it changes the list below it: the words after it come in, `!word` goes out
_NAMES = ("name", "answer")
_OUT = "!"


def merged(below: Mapping[str, Any], above: Mapping[str, Any], *, first: bool = False, at: str = "") -> dict[str, Any]:
    """What both say, `above` where they differ. first: what is new stands before what was there, else after it.

    Raises TypeError with the key and what is wrong where one has a table and the other none.
    """
    new = {key: value for key, value in above.items() if key not in below}
    same = {
        key: _laid(value, above[key], first=first, at=f"{at}{key}") if key in above else value
        for key, value in below.items()
    }
    return {**new, **same} if first else {**same, **new}


def switched(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content without what is switched off, and without the marks that did it."""
    return {
        key: _whole(value)
        for key, value in content.items()
        if key != "off" and not (isinstance(value, dict) and value.get("off") is True)
    }


def named_by(entries: object) -> str:
    """The key by which the list's tables are told apart; empty where it is no list of named tables."""
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        return ""
    return next((name for name in _NAMES if all(isinstance(each.get(name), str) for each in entries)), "")


def _laid(below: Any, above: Any, *, first: bool, at: str) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return merged(below, above, first=first, at=f"{at}.")
    if isinstance(below, dict) or isinstance(above, dict):
        raise TypeError(at, "must be a table" if isinstance(below, dict) else "must be no table")
    if not isinstance(below, list) or not isinstance(above, list):
        return above
    name = named_by(below) or named_by(above)
    if name and all(not each or named_by(each) == name for each in (below, above)):
        entries = merged(_by_name(below, name), _by_name(above, name), first=first, at=f"{at}.")
        return list(entries.values())
    if above[:1] == [REST]:
        meant = {_word(each) for each in above[1:]}
        kept = [each for each in below if _word(each) not in meant]
        return [*kept, *(above[1:] if below[:1] == [REST] else _in(above[1:]))]
    return above


def _by_name(entries: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in entries:
        found[each[name]] = {**found.get(each[name], {}), **each}
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return switched(value)
    if isinstance(value, list):
        plain = _in(value[1:]) if value[:1] == [REST] else value
        return [_whole(each) for each in plain if not (isinstance(each, dict) and each.get("off") is True)]
    return value


def _in(words: Sequence[Any]) -> list[Any]:
    return [each for each in words if not (isinstance(each, str) and each.startswith(_OUT))]


def _word(each: Any) -> Any:
    return each.removeprefix(_OUT) if isinstance(each, str) else repr(each)
