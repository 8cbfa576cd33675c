"""What records are about: `kind:id`, the id as its owner system writes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EntityKind(StrEnum):
    """The kinds of entity in the vocabulary. A record may name another; it is kept and shown as unmapped."""

    EQUIPMENT = "equipment"
    MATERIAL = "material"
    INVENTORY = "inventory"
    LOT = "lot"
    JOB_ORDER = "job_order"
    OPERATION = "operation"
    SALES_ORDER = "sales_order"
    SALES_ORDER_LINE = "sales_order_line"
    SHIPMENT = "shipment"
    HANDLING_UNIT = "handling_unit"
    INSPECTION = "inspection"
    HOLD = "hold"
    DOCUMENT = "document"
    PURCHASE_ORDER_LINE = "purchase_order_line"
    MAINTENANCE_ORDER = "maintenance_order"
    ENGINEERING_CHANGE = "engineering_change"
    CUSTOMER = "customer"
    INTERFACE = "interface"


# Python 3.11 can't ask an enum whether it holds a plain string.
ENTITY_KINDS: frozenset[str] = frozenset(kind.value for kind in EntityKind)


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """One thing of the plant. `kind` is usually an EntityKind's value; unknown kinds are kept as they came."""

    kind: str
    id: str

    def __post_init__(self) -> None:
        if not self.kind or not self.id:
            raise ValueError("an entity needs a kind and an id, as in lot:L-77")

    @classmethod
    def parse(cls, text: str, *, kind: str | None = None) -> Entity:
        """`lot:L-77`, or the plain id where `kind` says what it is.

        Raises ValueError where neither says the kind.
        """
        head, colon, tail = text.strip().partition(":")
        if (
            colon
            and tail
            and head.replace("_", "").isalpha()
            and (kind is None or head == kind or head in set(EntityKind))
        ):
            return cls(head, tail.strip())
        if kind is None:
            raise ValueError(f"{text!r} does not say its kind; write it as kind:id, as in lot:L-77")
        return cls(kind, text.strip())

    @property
    def parent(self) -> Entity | None:
        """The order a line or an operation belongs to; the material of an inventory position."""
        if self.kind == EntityKind.SALES_ORDER_LINE and "/" in self.id:
            return Entity(EntityKind.SALES_ORDER, self.id.rpartition("/")[0])
        if self.kind == EntityKind.OPERATION and "/" in self.id:
            return Entity(EntityKind.JOB_ORDER, self.id.rpartition("/")[0])
        if self.kind == EntityKind.INVENTORY and "@" in self.id:
            return Entity(EntityKind.MATERIAL, self.id.partition("@")[0])
        return None

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"
