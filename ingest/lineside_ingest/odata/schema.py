"""The service's own schema, read from its `$metadata`, OData 2 and 4. No document makes the reader fetch or expand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

_CHANGED_TYPES = {
    "Edm.DateTimeOffset": "offset",
    "Edm.DateTime": "datetime",
    "Edm.Date": "date",
    "Edm.String": "text",
    "Edm.Guid": "text",
}
_NUMBERS = {
    f"Edm.{name}" for name in ("Byte", "SByte", "Int16", "Int32", "Int64", "Decimal", "Double", "Single", "Boolean")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """type: as the document writes it, as in `Edm.String`. filterable: false where SAP's annotation denies it."""

    type: str
    nullable: bool = True
    filterable: bool = True

    @property
    def changed_type(self) -> str:
        """How a filter writes a value of it; see CHANGED_TYPES."""
        return "number" if self.type in _NUMBERS else _CHANGED_TYPES.get(self.type, "offset")


@dataclass(slots=True, kw_only=True)
class EntityType:
    """What one entity has. navigation: to which type, by its qualified name. base: the type that it extends."""

    key: list[str] = field(default_factory=list)
    properties: dict[str, Property] = field(default_factory=dict)
    navigation: dict[str, str] = field(default_factory=dict)
    base: str = ""

    def has(self, column: str) -> bool:
        """Whether there is such a property, or a nested one below it."""
        head = column.partition(".")[0]
        return head in self.properties or head in self.navigation


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """What a service has. sets: each entity set's type by the set's name; types: by their qualified names."""

    sets: Mapping[str, EntityType]
    types: Mapping[str, EntityType]

    def of(self, name: str, each: str = "") -> EntityType | None:
        """The set's type, with that of its nested rows `each`; None where there is no such set."""
        found = self.sets.get(name)
        inner = self.types.get(found.navigation.get(each, "")) if found else None
        if found is None or inner is None:
            return found
        return EntityType(
            key=found.key,
            properties={**found.properties, **inner.properties},
            navigation={**found.navigation, **inner.navigation},
        )


def read_metadata(content: bytes) -> Schema:
    """The schema in a $metadata document. Raises ValueError where it is none, or has a DOCTYPE."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"$metadata is no XML: {error}") from error
    if not reader.sets:
        raise ValueError("$metadata names no entity set")
    types = reader.types()
    return Schema(sets={name: types[of] for name, of in reader.sets.items() if of in types}, types=types)


def _refuse_doctype(*_: object) -> None:
    raise ValueError("$metadata has a DOCTYPE, which no OData service writes")


class _Reader:
    """Collects types and sets while the document goes by."""

    def __init__(self) -> None:
        self.sets: dict[str, str] = {}
        self._types: dict[str, EntityType] = {}
        self._spaces: list[str] = []
        self._here: EntityType | None = None
        self._ends: dict[str, str] = {}
        self._association = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins. SAP's annotations come with their namespace before the name."""
        name = attributes.get("Name", "")
        match tag.rpartition(" ")[2]:
            case "Schema":
                self._spaces = [each for each in (attributes.get("Namespace"), attributes.get("Alias")) if each]
            case "EntityType":
                self._here = EntityType(base=attributes.get("BaseType", ""))
                for space in self._spaces:
                    self._types[f"{space}.{name}"] = self._here
            case "Property" if self._here is not None:
                sap = {each.rpartition(" ")[2]: value for each, value in attributes.items() if " " in each}
                self._here.properties[name] = Property(
                    type=attributes.get("Type", ""),
                    nullable=attributes.get("Nullable", "true") != "false",
                    filterable=sap.get("filterable", "true") != "false",
                )
            case "NavigationProperty" if self._here is not None:
                end = f"{attributes.get('Relationship')} {attributes.get('ToRole')}"
                self._here.navigation[name] = attributes.get("Type", end).removeprefix("Collection(").rstrip(")")
            case "Association":
                self._association = f"{self._spaces[0]}.{name}" if self._spaces else name
            case "End" if "Type" in attributes:
                self._ends[f"{self._association} {attributes.get('Role')}"] = attributes["Type"]
            case "PropertyRef" if self._here is not None:
                self._here.key.append(name)
            case "EntitySet":
                self.sets[name] = attributes.get("EntityType", "")

    def end(self, tag: str) -> None:
        if tag.rpartition(" ")[2] == "EntityType":
            self._here = None

    def types(self) -> dict[str, EntityType]:
        """Every type with all that it inherits, and its ways to others by their types."""
        return {name: self._whole(name) for name in self._types}

    def _whole(self, name: str) -> EntityType:
        found = EntityType()
        met: set[str] = set()
        while name in self._types and name not in met:
            met.add(name)
            one = self._types[name]
            found.key = found.key or one.key
            found.properties = {**one.properties, **found.properties}
            found.navigation |= {each: self._ends.get(to, to) for each, to in one.navigation.items()}
            name = one.base
        return found
