"""What a decision rests on, as predicates that the records can check: `lot:L-77 quality_status = blocked`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from lineside.interpretation import shared_states
from lineside.interpretation.deadlines import deadline, expiry
from lineside.interpretation.facts import owner_of
from lineside.interpretation.reading import clock
from lineside.interpretation.wording import shown
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import Quantity, number


class Holding(StrEnum):
    """Whether an assumption is still true."""

    HOLDS = "holds"
    BROKEN = "broken"
    CONTESTED = "contested"  # sources differ on it, and none of them owns it
    UNKNOWN = "unknown"  # the records hold no figure for it
    UNCHECKABLE = "not checkable by records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One assumption, whether it holds, and the records that say so. found: what they say, in words."""

    text: str
    holding: Holding
    found: str = ""
    records: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """`entity` `name` `comparison` `value`, scope apart. value: as written, without its unit where it is a number."""

    entity: Entity
    name: str
    comparison: str
    value: str
    scope: str | None = None


_COMPARE = re.compile(
    r"\s*(<=|>=|!=|==|=|<|>|≤|≥|≠|\bis not\b|\bis\b|\bist nicht\b|\bist\b|\bat least\b|\bat most\b|\bmindestens\b|"
    r"\bh(?:ö|oe)chstens\b|\bby\b|\bbefore\b|\bbis\b|\bstays\b|\bremains\b|\bbleibt\b)\s*",
    re.IGNORECASE,
)
_SIGNS = {
    "==": "=", "is": "=", "ist": "=", "stays": "=", "remains": "=", "bleibt": "=", "≠": "!=", "is not": "!=",
    "ist nicht": "!=", "≤": "<=", "at most": "<=", "höchstens": "<=", "hoechstens": "<=", "by": "<=", "before": "<",
    "bis": "<=", "≥": ">=", "at least": ">=", "mindestens": ">=",
}  # fmt: skip
_FILLER = re.compile(r"^(?:still|noch|weiterhin|at|bei|am|on)\s+", re.IGNORECASE)
_TOKEN = re.compile(r"[\w:@/.\-]*\w")
# The property that carries a thing's status, where an assumption names a status only.
_STATUS = {EntityKind.LOT: "quality_status", EntityKind.INVENTORY: "quality_status", EntityKind.INSPECTION: "result"}
_DATED = ("eta", "planned_start", "planned_end", "actual_start", "actual_end", "due_at", "promised_at", "expires_at",
          "planned_departure", "effective_at")  # fmt: skip
_SYNONYMS = {
    "arrives": "eta", "arrival": "eta", "liefertermin": "eta", "kommt": "eta", "trifft ein": "eta", "menge": "quantity",
    "bestand": "quantity", "stock": "quantity", "status": "status", "hand": "on_hand",
}  # fmt: skip


def check(text: str, *, said_at: datetime, view: View) -> Check:
    """Whether the assumption holds at the view's `as_of`."""
    predicate = parse(text, view)
    if predicate is None:
        end = expiry(text, said_at=said_at, view=view)
        if end is None:
            return Check(text=text, holding=Holding.UNCHECKABLE)
        over = view.as_of >= end
        found = f"that ended at {clock(end, view.plant)}" if over else f"that ends at {clock(end, view.plant)}"
        return Check(text=text, holding=Holding.BROKEN if over else Holding.HOLDS, found=found)
    return evaluate(predicate, text, said_at=said_at, view=view)


def parse(text: str, view: View) -> Predicate | None:
    """The predicate that the text states about an entity in the records; None where it states none.

    Read are `entity [property] comparison value`, and `entity is word` for the property that carries its status.
    """
    for token in _TOKEN.finditer(text):
        entities = _entities(token.group(0), view)
        if not entities:
            continue
        before, after = text[: token.start()], text[token.end() :]
        comparison = _COMPARE.search(after)
        if comparison is None:
            continue
        words = _property_words(after[: comparison.start()]) or _property_words(before)
        sign = _SIGNS.get(comparison.group(1).lower(), comparison.group(1))
        value = _FILLER.sub("", after[comparison.end() :].strip().rstrip(".,;"))
        for entity in entities:
            if found := _predicate(entity, words, sign, value, view):
                return found
    return None


def evaluate(predicate: Predicate, text: str, *, said_at: datetime, view: View) -> Check:
    """The predicate against the newest word of each source; the owner of the datum decides between them."""
    statements = _statements(predicate, view)
    if not statements:
        about = f"{predicate.entity.id} has no {predicate.name} on record"
        return Check(text=text, holding=Holding.UNKNOWN, found=about)
    verdicts: dict[str, bool] = {}
    told: list[str] = []
    for source, group in _by_source(statements).items():
        outcome = _compare(predicate, group, said_at=said_at, view=view)
        newest = max(group, key=lambda s: s.occurred_at)
        figure = _figure(group) if len(group) > 1 else shown(newest.value)
        when = clock(newest.occurred_at, view.plant, relative_to=view.as_of)
        told.append(f"{source} says {predicate.name} {figure} ({when})")
        if outcome is not None:
            verdicts[source] = outcome
    owner = owner_of(view.plant, predicate.entity.kind, predicate.name, predicate.scope)
    if owner is not None and owner.name in verdicts:
        holding = Holding.HOLDS if verdicts[owner.name] else Holding.BROKEN
    elif not verdicts:
        holding = Holding.UNKNOWN
    elif len(set(verdicts.values())) > 1:
        holding = Holding.CONTESTED
    else:
        holding = Holding.HOLDS if all(verdicts.values()) else Holding.BROKEN
    return Check(
        text=text,
        holding=holding,
        found="; ".join(told),
        records=tuple(dict.fromkeys(s.record_id for s in statements)),
        sources=tuple(dict.fromkeys(s.source for s in statements)),
    )


def _entities(token: str, view: View) -> list[Entity]:
    if ":" not in token and not any(c.isdigit() for c in token) and "/" not in token:
        return []
    found = view.find(token)
    if ":" in token and not found:
        kind, _, rest = token.partition(":")
        return [Entity(kind, rest)] if kind in set(EntityKind) and rest else []
    return sorted(found)


def _property_words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", text.lower()))


def _predicate(entity: Entity, words: Sequence[str], sign: str, value: str, view: View) -> Predicate | None:
    name, scope = _property(entity, words, view)
    if name is None and re.match(r"\d", value):
        name = None if not words else "eta" if _looks_dated(value) else "quantity"
        if name == "quantity":
            scope = _scope(entity, words, view)
    if name is None and not re.match(r"\d", value):
        name = _STATUS.get(EntityKind(entity.kind), "status") if entity.kind in set(EntityKind) else "status"
        if entity.kind == EntityKind.EQUIPMENT:
            name = "state"
        first = value.split(",", maxsplit=1)[0].strip()
        known = shared_states.state_of(entity.kind, name, first) is not None
        if not known and not any(
            s.text.lower() == first.lower() for s in view.statements(entity=entity, properties=(name,))
        ):
            return None
        value = first
    if name is None or not value:
        return None
    return Predicate(entity=entity, name=name, comparison=sign, value=value, scope=scope)


def _property(entity: Entity, words: Sequence[str], view: View) -> tuple[str | None, str | None]:
    known = {s.property for s in _about(entity, view)}
    joined = "_".join(words)
    candidates = [joined, *words, *(_SYNONYMS.get(w, "") for w in words)]
    for candidate in candidates:
        if candidate in known or (candidate in _DATED):
            return candidate, _scope(entity, words, view)
    if (scope := _scope(entity, words, view)) is not None:
        return "quantity", scope
    return None, None


def _scope(entity: Entity, words: Sequence[str], view: View) -> str | None:
    scopes = {s.scope for s in _about(entity, view) if s.scope}
    joined = "_".join(words)
    return next((s for s in sorted(scopes) if s.lower().replace(" ", "_") in joined), None)


def _about(entity: Entity, view: View) -> list[Statement]:
    found = view.said(entity=entity)
    if entity.kind == EntityKind.MATERIAL:
        found += [
            s
            for s in view.said(kind=EntityKind.INVENTORY, properties=("quantity", "quality_status"))
            if s.entity.id.partition("@")[0].casefold() == entity.id.casefold()
        ]
    return found


def _statements(predicate: Predicate, view: View) -> list[Statement]:
    found = [s for s in _about(predicate.entity, view) if s.property == predicate.name]
    if predicate.scope is not None:
        found = [s for s in found if s.scope == predicate.scope]
    return found


def _by_source(statements: Sequence[Statement]) -> dict[str, list[Statement]]:
    groups: dict[str, list[Statement]] = {}
    for said in statements:
        groups.setdefault(f"{said.source}", []).append(said)
    return groups


def _figure(group: Sequence[Statement]) -> str:
    total = _total(group)
    return str(total) if total is not None else ", ".join(sorted({s.text for s in group}))


def _total(group: Sequence[Statement]) -> Quantity | None:
    amounts = [s.quantity for s in group]
    first = amounts[0]
    if first is None:
        return None
    total = Decimal(0)
    for amount in amounts:
        converted = amount.to(first.unit) if amount is not None else None
        if converted is None:
            return None
        total += converted.value
    return Quantity(total, first.unit)


def _compare(predicate: Predicate, group: Sequence[Statement], *, said_at: datetime, view: View) -> bool | None:
    """None where the two cannot be compared."""
    newest = max(group, key=lambda s: (s.occurred_at, s.reported_at, s.record_id))
    value, sign = predicate.value, predicate.comparison
    if predicate.name in _DATED or _looks_dated(value):
        limit = deadline(value, said_at=said_at, view=view)
        mine = deadline(newest.text, said_at=said_at, view=view)
        if limit is None or mine is None:
            return None
        if sign == "=":
            day = timedelta(days=1)
            return limit - day <= mine <= limit if not re.search(r"\d:\d\d", value) else mine == limit
        return _ordered(mine.astimezone(UTC), limit.astimezone(UTC), sign)
    amount = re.match(r"(-?\d+(?:[.,]\d+)?)\s*([\w%°\[\]]*)", value)
    if amount and (total := _total(group)) is not None:
        wanted = number(amount.group(1).replace(",", "."))
        if wanted is None:
            return None
        unit = amount.group(2) or total.unit
        mine_there = total.to(unit) if total.unit else Quantity(total.value, unit)
        return None if mine_there is None else _ordered(mine_there.value, wanted, sign)
    kind, name = newest.entity.kind, predicate.name
    wanted_state = shared_states.state_of(kind, name, value) or value.strip().casefold()
    mine_state = shared_states.state_of(kind, name, newest.value) or newest.text.strip().casefold()
    if sign in ("=", "!="):
        return (mine_state == wanted_state) == (sign == "=")
    return None


def _ordered(mine: datetime | Decimal, limit: datetime | Decimal, sign: str) -> bool:
    left, right = (v.timestamp() if isinstance(v, datetime) else v for v in (mine, limit))
    match sign:
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case ">":
            return left > right
        case "!=":
            return left != right
        case _:
            return left == right


def _looks_dated(value: str) -> bool:
    return bool(
        re.match(r"(?:on |am |the )?(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\s?\d{1,2}\.|\d{1,2}:\d{2})", value, re.IGNORECASE)
    )
