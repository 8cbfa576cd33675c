"""Which fields the models have now, by Tryton's own account, and what of a mapping can be asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lineside.plant.records import Json
from lineside_ingest.tryton.access import Reader
from lineside_ingest.tryton.models import Model

_SYNTHETIC = ("model", "number")  # of a reference: what it points to, and that document's number
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Schema:
    """Per model the type of each field, and of relations the model that they lead to."""

    fields: Mapping[str, Mapping[str, tuple[str, str]]]

    def has(self, model: str) -> bool:
        """Whether a module that brings the model is activated."""
        return model in self.fields

    def reference(self, model: str, column: str) -> bool:
        """Whether the column can point to rows of several models."""
        return self.fields[model].get(column, ("", ""))[0] == "reference"

    def absent(self, model: Model) -> list[str]:
        """The columns that the model reads and Tryton does not have."""
        return [each for each in model.columns if not self._known(model.model, each)]

    def asked(self, model: Model) -> list[str]:
        """What to ask for, so that all of the model's columns that exist come."""
        found: list[str] = []
        for column in model.columns:
            head, dot, rest = column.partition(".")
            if not self._known(model.model, column):
                continue
            if dot and self.reference(model.model, head):
                found += [head, f"{head}.rec_name" if rest in _SYNTHETIC else column]
            else:
                found.append(column)
        return list(dict.fromkeys(found))

    def _known(self, model: str, column: str) -> bool:
        head, dot, rest = column.partition(".")
        if head == "id":
            return True
        if head not in self.fields[model]:
            return False
        kind, relation = self.fields[model][head]
        if not dot or kind == "reference" or relation not in self.fields:
            return True
        return self._known(relation, rest)


async def read_schema(reader: Reader, models: Sequence[Model]) -> Schema:
    """The schema of the models and of what their columns lead to."""
    fields = await _fields(reader, {each.model for each in models})
    for _ in range(4):  # as deep as mappings go; deeper ones are asked for unseen
        heads = {part for each in models for column in each.columns for part in column.split(".")[:-1]}
        wanted = {
            relation
            for table in fields.values()
            for name, (_, relation) in table.items()
            if name in heads and relation and relation not in fields
        }
        if not wanted:
            break
        fields |= await _fields(reader, wanted)
    return Schema(fields)


async def _fields(reader: Reader, models: Collection[str]) -> dict[str, dict[str, tuple[str, str]]]:
    found: dict[str, dict[str, tuple[str, str]]] = {}
    asked, names = ["model", "name", "ttype", "relation"], list[Json](sorted(models))
    async for row in reader.all_rows("ir.model.field", [["model", "in", names]], asked, page=_PAGE):
        table = found.setdefault(str(row.get("model")), {})
        table[str(row.get("name"))] = (str(row.get("ttype")), str(row.get("relation") or ""))
    return found
