"""JSON read without guessing: numbers keep their value, and what JSON does not allow is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lineside.plant.records import Json


def read_json(text: str) -> Json:
    """The one JSON value in `text`. A decimal that no float holds exactly stays the text that it was written as.

    Raises ValueError with a reason for people: not JSON, a doubled key, NaN, half a surrogate pair, nested too deep.
    """
    value: Json = _decoded(lambda: _DECODER.decode(text))
    _check_text(text)
    return value


def read_array(text: str) -> Iterator[tuple[str, Json]]:
    """Each element of a JSON array with the text that it was written as. Raises ValueError as `read_json` does,
    after the elements before the broken one."""
    place = _after_space(text, 0)
    if text[place : place + 1] != "[":
        raise ValueError("a JSON array is expected")
    place = _after_space(text, place + 1)
    if text[place : place + 1] == "]":
        place += 1
    else:
        while True:
            start = place
            value, place = _decoded(lambda start=start: _DECODER.raw_decode(text, start))
            _check_text(text[start:place])
            yield text[start:place], value
            place = _after_space(text, place)
            mark = text[place : place + 1]
            place = _after_space(text, place + 1)
            if mark == "]":
                break
            if mark != ",":
                raise ValueError(f"not JSON: a comma or the array's end is expected at character {place}")
    if text[place:].strip():
        raise ValueError(f"not JSON: text after the array's end, at character {place}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:  # any JSON
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} stands twice in one object")
    return found


def _number(text: str) -> float | str:
    value = float(text)
    exact = Decimal(text)
    if exact.adjusted() > 300 or exact.adjusted() < -300:  # beyond what any reader of the records could hold
        raise ValueError(f"the number {text[:40]} is out of range")
    return value if Decimal(repr(value)) == exact else text


def _constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)


def _decoded(decode: Any) -> Any:  # any JSON
    try:
        return decode()
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read: nested too deep") from error


def _after_space(text: str, place: int) -> int:
    while text[place : place + 1] in {" ", "\t", "\r", "\n"}:
        place += 1
    return place


def _check_text(text: str) -> None:
    """Refuses what no database keeps: NUL characters and half surrogate pairs, both only reachable by an escape."""
    if "\\u" not in text:
        return
    lowered = text.lower()
    if "\\u0000" in lowered and "\0" in _all_text(json.loads(text)):
        raise ValueError("a text holds the NUL character")
    if "\\ud" in lowered and any("\ud800" <= letter <= "\udfff" for letter in _all_text(json.loads(text))):
        raise ValueError("a text holds half a surrogate pair")


def _all_text(value: Any) -> str:  # any JSON
    if isinstance(value, dict):
        return "".join(str(key) + _all_text(each) for key, each in value.items())
    if isinstance(value, list):
        return "".join(_all_text(each) for each in value)
    return value if isinstance(value, str) else ""
