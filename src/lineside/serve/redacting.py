"""Secrets taken out of whatever is shown: those that the configuration names, and whatever looks like one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "********"
_SHORTEST = 4  # a shorter secret would blot out words that are none
# All before the last @: a password may hold one, and showing too little of a URL leaks nothing.
_IN_URL = re.compile(r"(://)[^\s\"'<>]*@")
_SECRET_WORD = re.compile(
    r"token|passw|pwd|secret|credential|authori[sz]ation|api_?key|private|cookie|signature", re.IGNORECASE
)
_IN_QUERY = re.compile(rf"([?&;][^=&;\s]*(?:{_SECRET_WORD.pattern}|key|sig|auth)[^=&;\s]*=)[^&;\s\"']+", re.IGNORECASE)


def without_secrets(value: Any, *, written: Any, resolved: Any, own: Collection[str]) -> Any:
    """The JSON-like value with no text in it that holds a secret of these options or the credentials of a URL.

    written: the options as their file writes them; resolved: with what their references stand for. own: the names that
    the connector's manifest calls secrets.
    """
    named = {each for each in _secrets(written, resolved, own) if len(each) >= _SHORTEST}
    spelled = {form for each in named for form in (each, quote(each, safe=""), quote_plus(each))}
    return _cleaned(value, sorted(spelled, key=len, reverse=True))


def hidden(options: Any, own: Collection[str]) -> Any:  # TOML values are any JSON-like shape
    """The options with what their names tell to be a secret hidden; a reference to a variable or file is none."""
    if isinstance(options, list):
        return [hidden(each, own) for each in options]
    if not isinstance(options, Mapping):
        return options
    return {
        name: HIDDEN if _is_secret(name, own) and not _is_reference(value) else hidden(value, own)
        for name, value in options.items()
    }


def _secrets(written: Any, resolved: Any, own: Collection[str], *, below: bool = False) -> Iterator[str]:
    """Every text of the resolved options that a reference stood for, or that stands below a secret's name."""
    if _is_reference(written) or below:
        yield from _texts(resolved)
    elif isinstance(resolved, Mapping):
        for name, value in resolved.items():
            there = written.get(name) if isinstance(written, Mapping) else None
            yield from _secrets(there, value, own, below=_is_secret(name, own))
    elif isinstance(resolved, list):
        for place, value in enumerate(resolved):
            there = written[place] if isinstance(written, list) and place < len(written) else None
            yield from _secrets(there, value, own)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def _is_secret(name: str, own: Collection[str]) -> bool:
    return name in own or _SECRET_WORD.search(name) is not None


def _is_reference(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and set(value) <= {"env", "file"}


def _cleaned(value: Any, secrets: Sequence[str]) -> Any:
    """No text in it, wherever it came from, holds one of the secrets or the credentials of a URL."""
    if isinstance(value, Mapping):
        return {_cleaned(name, secrets): _cleaned(each, secrets) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each, secrets) for each in value]
    if not isinstance(value, str):
        return value
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    return _IN_QUERY.sub(rf"\1{HIDDEN}", _IN_URL.sub(rf"\1{HIDDEN}@", value))
