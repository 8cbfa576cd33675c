"""What is read of which model: the plant's own choice over the shipped preset, and the columns that a mapping needs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lineside.connector import Options
from lineside.connector.rows import RowStream
from lineside.plant.mapping import RowMapping, read_mapping
from lineside.plant.records import Json
from lineside.plant.row_values import Notation, text

LOG = "ir.model.log"
MODEL_OPTIONS = frozenset({
    "model", "name", "mapping", "fields", "domain", "facts", "day", "gone_when", "levels", "every_s", "overlap_s",
    "page_size",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One stream of rows. own: the plant named it, so that what it lacks is told; else it is read where it is there.

    facts: its rows say what happened, so that a row written again with the same facts says nothing new; `day` is then
    the column with the day on which it did. gone_when: column to values of rows that no longer count. levels: the
    quantity in each storage location, at most every `every_s` seconds.
    """

    stream: RowStream
    model: str
    own: bool
    columns: tuple[str, ...]
    domain: Sequence[Json] = ()
    facts: bool = False
    day: str = ""
    gone_when: Mapping[str, tuple[str, ...]]
    levels: bool = False
    every_s: float = 300.0
    overlap_s: float = 1800.0
    page_size: int = 500

    @property
    def name(self) -> str:
        return self.stream.name

    def void(self, row: Mapping[str, Json]) -> bool:
        """Whether the row no longer counts."""
        return any(text(row.get(column)) in values for column, values in self.gone_when.items())


def read_models(options: Options, *, source: str, notation: Notation) -> tuple[Model, ...]:
    """The configured models, each over its preset; the whole preset where none is configured. Raises BadSettings."""
    presets = preset()
    chosen = options.tables("models", known=MODEL_OPTIONS)
    if not chosen:
        whole = Options(source, {"models": list(presets.values())}, known={"models"}, where="preset.")
        chosen = whole.tables("models", known=MODEL_OPTIONS)
        models = tuple(_model(each, {}, source=source, notation=notation, own=False) for each in chosen)
    else:
        models = tuple(
            _model(each, presets.get(_called(each), {}), source=source, notation=notation, own=True) for each in chosen
        )
    if len({model.name for model in models}) < len(models):
        raise options.bad("models", "has two of the same name; give each its own name")
    return models


@cache
def preset() -> Mapping[str, Mapping[str, Any]]:
    """The shipped tables by name."""
    shipped = files(__package__).joinpath("preset.toml").read_text(encoding="utf-8")
    return {each.get("name", each["model"]): each for each in tomllib.loads(shipped)["models"]}


def _called(options: Options) -> str:
    return options.text("name", options.text("model"))


def _model(options: Options, under: Mapping[str, Any], *, source: str, notation: Notation, own: bool) -> Model:
    base = Options(source, under, known=MODEL_OPTIONS, where="preset.")

    def of(name: str) -> Options:
        return options if name in options else base

    name = _called(options)
    mapping = of("mapping").raw("mapping")
    if mapping is None:
        raise options.bad("mapping", f"is missing: what a row of {name} says; the preset has none for it")
    try:
        mappings = read_mapping(mapping)
    except ValueError as error:
        raise options.bad("mapping", str(error)) from error
    domain = of("domain").raw("domain") or []
    if not isinstance(domain, list):
        raise options.bad("domain", "must be a list, as Tryton's domains are")
    day = of("day").text("day", "")
    gone_when = of("gone_when").table("gone_when")
    further = (*of("fields").texts("fields"), *([day] if day else []), *gone_when)
    levels = of("levels").flag("levels")
    beside = ("quantity",) if levels else ("create_date", "write_date")
    wanted = dict.fromkeys([*columns(mappings), *further, *beside])
    return Model(
        # The version of a row is its own affair: see `Scan`. All rows have all columns, as Tryton answers.
        stream=RowStream(source=source, name=name, key=("id",), mappings=mappings, notation=notation, fixed=True),
        model=options.text("model"),
        own=own,
        columns=tuple(each for each in wanted if not (levels and each.startswith("location."))),
        domain=domain,
        facts=of("facts").flag("facts"),
        day=day,
        gone_when={
            str(column): tuple(text(each) for each in (values if isinstance(values, list) else [values]))
            for column, values in gone_when.items()
        },
        levels=levels,
        every_s=of("every_s").number("every_s", 300.0),
        overlap_s=of("overlap_s").number("overlap_s", 1800.0),
        page_size=int(of("page_size").number("page_size", 500, at_least=1)),
    )


def columns(mappings: Sequence[RowMapping]) -> Iterator[str]:
    """Every column that the mappings read, those inside of lists with the list's name before them."""
    for mapping in mappings:
        lists = dict(_lists(dict(mapping.fields)))
        for column in mapping.columns():
            if column in lists:
                inner = RowMapping(record_type=mapping.record_type, fields=lists[column])
                yield from (f"{column}.{each}" for each in columns([inner]))
            else:
                yield column


def _lists(spec: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(spec, Mapping):
        if isinstance(spec.get("each"), str) and "item" in spec:
            yield spec["each"], spec["item"]
        else:
            for each in spec.values():
                yield from _lists(each)
