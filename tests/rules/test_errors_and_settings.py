"""The error tree as it is drawn, and a README that names every code and every setting."""

import re
from pathlib import Path

from pydantic import BaseModel

from lineside import errors
from lineside.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def _real_tree(cls: type, depth: int = 0) -> list[tuple[int, str]]:
    rows = [(depth, cls.__name__)]
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            rows += _real_tree(child, depth + 1)
    return rows


def _every_error(cls: type[errors.LinesideError]) -> list[type[errors.LinesideError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _every_error(child))]


def _settings(model: type[BaseModel], prefix: str = "") -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        inner = [t for t in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(t, type)]
        nested = next((t for t in inner if issubclass(t, BaseModel)), None)
        names += _settings(nested, f"{prefix}{name}.") if nested else [prefix + name]
    return names


def test_the_drawn_tree_is_the_real_tree() -> None:
    drawn = [
        ((len(line) - len(line.lstrip())) // 2, line.split()[0])
        for line in (errors.__doc__ or "").splitlines()
        if re.match(r" *[A-Z]\w+( {2,}|$)", line)
    ]

    assert sorted(drawn) == sorted(_real_tree(errors.LinesideError))


def test_codes_are_unique_and_documented() -> None:
    codes = [error.code for error in _every_error(errors.LinesideError)]

    assert len(codes) == len(set(codes))
    assert [code for code in codes if f"`{code}`" not in README] == []


def test_every_setting_is_documented() -> None:
    assert [name for name in _settings(Settings) if f"`{name}`" not in README] == []


def test_every_setting_says_what_it_is_for() -> None:
    def silent(model: type[BaseModel]) -> list[str]:
        return [name for name, field in model.model_fields.items() if not field.description]

    assert silent(Settings) == []
