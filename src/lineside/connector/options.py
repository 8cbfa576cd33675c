"""A connector's settings as lineside.toml has them, read with complaints that name the source and the option."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lineside.errors import BadSettings


class Options:
    """A connector's settings as the plant wrote them; every complaint names the source and the option."""

    def __init__(self, source: str, values: Mapping[str, Any], *, known: Collection[str], where: str = "") -> None:
        self._source = source
        self._where = where
        self._values = values
        for name in values:
            if name not in known:
                raise self.bad(name, f"is not an option; there are: {', '.join(sorted(known))}")

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def bad(self, name: str, wrong: str) -> BadSettings:
        """The error to raise about the option `name`."""
        option = f"{self._where}{name}"
        return BadSettings(f"source {self._source}: option {option} {wrong}", source=self._source, option=option)

    def text(self, name: str, default: str | None = None, *, choices: Collection[str] = ()) -> str:
        value = self._values.get(name, default)
        if value is None:
            raise self.bad(name, "is missing")
        if not isinstance(value, str) or not (value.strip() or default == ""):
            raise self.bad(name, f"must be text, not {value!r}")
        if choices and value not in choices:
            raise self.bad(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def number(self, name: str, default: float, *, at_least: float = 0.0) -> float:
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not at_least <= value < float("inf"):
            raise self.bad(name, f"must be a number of at least {at_least:g}, not {value!r}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise self.bad(name, f"must be true or false, not {value!r}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A text or a list of texts; empty where the option is absent."""
        value = self._values.get(name, [])
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(isinstance(each, str) and each for each in items):
            raise self.bad(name, f"must be a text or a list of texts, not {value!r}")
        return tuple(items)

    def raw(self, name: str) -> Any:  # what a reader of its own checks
        return self._values.get(name)

    def table(self, name: str) -> Mapping[str, Any]:
        value = self._values.get(name, {})
        if not isinstance(value, Mapping):
            raise self.bad(name, f"must be a table, not {value!r}")
        return value

    def tables(self, name: str, *, known: Collection[str]) -> list[Options]:
        """The tables of a list, each an Options of its own."""
        value = self._values.get(name, [])
        if not isinstance(value, list | tuple) or not all(isinstance(each, Mapping) for each in value):
            raise self.bad(name, "must be a list of tables")
        return [
            Options(self._source, each, known=known, where=f"{self._where}{name}[{place}].")
            for place, each in enumerate(value)
        ]
