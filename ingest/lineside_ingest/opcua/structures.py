"""Structures that a server describes itself, read field by field. asyncua would register them for the whole process,
by namespace indexes that mean something else at the next server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from lineside.plant.records import Json
from lineside_ingest.opcua.values import plain

if TYPE_CHECKING:
    from lineside_ingest.opcua.session import Session

_LAST_BUILTIN, _STRUCTURE, _ENUMERATION = 25, 22, 29
_DEEPEST = 12


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: Any
    array: bool
    optional: bool


@dataclass(frozen=True, slots=True)
class _Layout:
    fields: tuple[_Field, ...]
    union: bool


class Structures:
    """The structures of one session."""

    def __init__(self) -> None:
        self._layouts: dict[Any, _Layout] = {}  # by data type
        self._encodings: dict[Any, Any] = {}  # binary encoding to data type
        self._bases: dict[Any, Any] = {}  # data type to what it is built on
        self._undescribed: set[Any] = set()

    async def learn(self, session: Session, data_types: Iterable[Any]) -> None:
        """These data types, and those of their fields, can be read."""
        wanted = {each for each in data_types if self._unknown(each)}
        while wanted:
            await self._learn_bases(session, wanted)
            structures = [each for each in wanted if self._bases.get(each) == _STRUCTURE]
            found = set()
            for data_type, definition in zip(structures, await session.definitions(structures), strict=True):
                if definition is None:
                    self._undescribed.add(data_type)
                    continue
                self._layouts[data_type] = layout = _layout(definition)
                self._encodings[definition.DefaultEncodingId] = data_type
                found |= {field.type for field in layout.fields}
            wanted = {each for each in found if self._unknown(each)}

    def decode(self, value: Any) -> Json:
        """The fields of an extension object; None where the server did not describe its type, or lied about it."""
        from asyncua.common.utils import Buffer
        from asyncua.ua import UaError

        data_type = self._encodings.get(value.TypeId)
        if data_type is None or value.Body is None:
            return None
        try:
            return plain(self._read(data_type, Buffer(value.Body), 0), self.decode)
        except (UaError, ValueError, LookupError, TypeError):  # what the bytes of a wrong description lead to
            return None

    def _unknown(self, data_type: Any) -> bool:
        known = _builtin(data_type) or data_type in self._bases or data_type in self._undescribed
        return not known and _standard(data_type) is None

    async def _learn_bases(self, session: Session, data_types: Iterable[Any]) -> None:
        for data_type, above in (await session.supertypes(data_types)).items():
            known = [each.Identifier for each in above if each.NamespaceIndex == 0]
            self._bases[data_type] = next(
                (each for each in known if each in (_STRUCTURE, _ENUMERATION) or each <= _LAST_BUILTIN), 0
            )

    def _read(self, data_type: Any, buffer: Any, depth: int) -> Any:
        from asyncua import ua
        from asyncua.ua import ua_binary

        if depth > _DEEPEST:
            raise ValueError("a structure of itself")
        if _builtin(data_type):
            if data_type.Identifier == _STRUCTURE:
                return ua_binary.extensionobject_from_binary(buffer)
            if data_type.Identifier == ua.ObjectIds.BaseDataType:
                return ua_binary.variant_from_binary(buffer)
            return ua_binary.unpack_uatype(ua.VariantType(data_type.Identifier), buffer)
        layout = self._layouts.get(data_type)
        if layout is None:
            if (known := _standard(data_type)) is not None:
                return ua_binary.from_binary(known, buffer)
            base = self._bases[data_type]
            builtin = ua.ObjectIds.Int32 if base == _ENUMERATION else base
            return self._read(ua.NodeId(builtin), buffer, depth + 1)
        if layout.union:
            switch = ua_binary.Primitives.UInt32.unpack(buffer)
            chosen = layout.fields[switch - 1] if switch else None
            return {} if chosen is None else {chosen.name: self._field(chosen, buffer, depth)}
        present = ua_binary.Primitives.UInt32.unpack(buffer) if any(f.optional for f in layout.fields) else 0
        bit, found = 0, {}
        for field in layout.fields:
            if field.optional:
                bit, there = bit + 1, present >> bit & 1
                if not there:
                    continue
            found[field.name] = self._field(field, buffer, depth)
        return found

    def _field(self, field: _Field, buffer: Any, depth: int) -> Any:
        from asyncua.ua import ua_binary

        if not field.array:
            return self._read(field.type, buffer, depth + 1)
        length = ua_binary.Primitives.Int32.unpack(buffer)
        if length > len(buffer):  # every element has a byte at least
            raise ValueError("a list longer than the message")
        return None if length < 0 else [self._read(field.type, buffer, depth + 1) for _ in range(length)]


def _builtin(data_type: Any) -> bool:
    return (
        data_type.NamespaceIndex == 0
        and isinstance(data_type.Identifier, int)
        and data_type.Identifier <= _LAST_BUILTIN
    )


def _standard(data_type: Any) -> Any:
    """The library's class of a structure of the standard itself; None where it is none."""
    from asyncua import ua

    if data_type.NamespaceIndex != 0:
        return None
    found = getattr(ua, ua.ObjectIdNames.get(data_type.Identifier, ""), None)
    return found if is_dataclass(found) else None


def _layout(definition: Any) -> _Layout:
    from asyncua import ua

    optional = definition.StructureType == ua.StructureType.StructureWithOptionalFields
    return _Layout(
        fields=tuple(
            _Field(each.Name, each.DataType, each.ValueRank >= 1, optional and each.IsOptional)
            for each in definition.Fields or []
        ),
        union=definition.StructureType == ua.StructureType.Union,
    )
