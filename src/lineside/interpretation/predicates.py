"""What a decision rests on, as a predicate over one thing: `lot:L-77 quality_status = blocked`.

Given as an object, in that form, or as free English or German text where it safely says no more than one such thing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lineside.interpretation import shared_states
from lineside.interpretation.decision_words import any_of, decision_words, fold
from lineside.interpretation.pack_files import of_packs
from lineside.interpretation.wording import shown
from lineside.memory import Statement, View
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.records import Json

HELD = "active_holds"  # the property that no source states: which holds bind the thing
_FLIPPED = {"=": "!=", "!=": "=", "<=": ">", ">": "<=", ">=": "<", "<": ">="}
_NAMED_SIGNS = {"eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "==": "=", "≤": "<=", "≥": ">="}
_EXACT = re.compile(r"^\s*([a-z_]+:\S+)\s+([a-z_]+)(?:\s*\[([^\]]+)\])?\s*(<=|>=|!=|==|=|<|>)\s*(\S.*?)\s*\.?\s*$")
_TOKEN = re.compile(r"[\w:@/.\-]*\w")
_AMOUNT = r"-?\d+(?:[.,]\d+)?\s*[\w%°]*"
_SOURCE = re.compile(r"^\s*(?:in|laut|according to|per)\s+(\w[\w.-]*)\s*(?=[:=<>]|\bi)", re.IGNORECASE)
# The property that carries a thing's status, where an assumption names a status only.
_STATUS = {
    EntityKind.LOT: "quality_status",
    EntityKind.INVENTORY: "quality_status",
    EntityKind.INSPECTION: "result",
    EntityKind.EQUIPMENT: "state",
}
_COUNTED = (EntityKind.LOT, EntityKind.MATERIAL, EntityKind.INVENTORY)
_AWAITED = (EntityKind.PURCHASE_ORDER_LINE, EntityKind.SHIPMENT)
_DATED = ("eta", "planned_start", "planned_end", "actual_start", "actual_end", "due_at", "promised_at", "expires_at",
          "planned_departure", "effective_at")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicate:
    """`entity` `name` `comparison` `value`. value: as written. source: only this one's word counts."""

    entity: Entity
    name: str
    comparison: str
    value: str
    scope: str | None = None
    source: str | None = None


def worded(text: str) -> str:
    """The assumption as people read it: an object by its own text, else spelled out."""
    found = _object(text)
    if found is None:
        return text
    if isinstance(told := found.get("text"), str) and told.strip():
        return told.strip()
    given = structured(text)
    if given is None:
        return text
    scope = f" [{given.scope}]" if given.scope else ""
    return f"{given.entity} {given.name}{scope} {given.comparison} {given.value}"


def predicates(text: str, view: View) -> list[Predicate] | None:
    """What the text states, to be true all at once; None where any part of it can't safely be checked."""
    given = structured(text) or exact(text)
    if given is not None:
        return [given]
    words = _patterns()
    if _object(text) is not None or words.unsafe.search(text):
        return None
    parts = [part for part in words.joints.split(text) if part.strip()]
    found = [parse(part, view) for part in parts]
    return [each for each in found if each is not None] if found and all(found) else None


def structured(text: str) -> Predicate | None:
    """The predicate in an object `{entity, property, op, value, scope?, source?, text?}`; None where it is none."""
    match _object(text):
        case {"entity": str(entity), "property": str(name), "value": value, **rest} if ":" in entity:
            sign = str(rest.get("op") or rest.get("comparison") or "=").strip()
            sign = _NAMED_SIGNS.get(sign.lower(), sign)
            if sign not in _FLIPPED or value is None:
                return None
            scope, source = rest.get("scope"), rest.get("source")
            return Predicate(
                entity=Entity.parse(entity),
                name=name.strip(),
                comparison=sign,
                value=shown(value),
                scope=str(scope) if scope else None,
                source=str(source) if source else None,
            )
    return None


def exact(text: str) -> Predicate | None:
    """The predicate in `kind:id property [scope] sign value`; None where the text has another form."""
    found = _EXACT.match(text)
    if found is None or found[1].partition(":")[0] not in set(EntityKind):
        return None
    entity, name, scope, sign, value = found.groups()
    sign = _NAMED_SIGNS.get(sign, sign)
    return Predicate(entity=Entity.parse(entity), name=name, comparison=sign, value=value, scope=scope)


def parse(text: str, view: View) -> Predicate | None:
    """The one predicate that free text states about a thing in the records; None where it states none."""
    for entities, before, after in _named(text, view):
        for entity in entities:
            found = (
                _held(entity, before, after)
                or _counted(entity, before, after)
                or _property_of(entity, before, after, view)
                or _compared(entity, before, after, view)
                or _last(entity, after, view)
                or _verb(entity, after)
            )
            if found is None:
                continue
            if _patterns().until.search(before):
                return replace(found, comparison=_FLIPPED[found.comparison])
            return found
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Patterns:
    compare: re.Pattern[str]
    unsafe: re.Pattern[str]
    joints: re.Pattern[str]
    until: re.Pattern[str]
    before: re.Pattern[str]
    value: re.Pattern[str]
    tail: re.Pattern[str]
    none_held: re.Pattern[str]
    has_none: re.Pattern[str]
    held_on: re.Pattern[str]
    none: re.Pattern[str]
    amount: re.Pattern[str]
    finite: re.Pattern[str]
    verb: re.Pattern[str]


@of_packs
def _patterns() -> _Patterns:
    words = decision_words()
    lists = {name: any_of(each) for name, each in words.lists.items()}
    signs, on = any_of(words.signs), r"\b(?:on|for|auf|f(?:ü|ue)r|gegen|von|of)\b"
    filler = rf"(?:\s*(?:{lists['before']}))*\s*$"
    to_be = any_of(word for word in words.signs if words.signs[word] in ("=", "!=") and word[0].isalpha())

    def made(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE)

    return _Patterns(
        compare=made(rf"\s*({signs})\s*"),
        unsafe=made(lists["unsafe"]),
        joints=made(lists["joints"]),
        until=made(rf"(?:{lists['until']}){filler}"),
        before=made(filler),
        value=made(rf"^(?:(?:{lists['value']})\s+)+"),
        tail=made(rf"^(?:{lists['tail']})"),
        none_held=made(rf"(?:{lists['none']})\s+(?:{lists['holds']})\s+{on}{filler}"),
        has_none=made(rf"^\s*(?:has|hat|carries|tr(?:ä|ae)gt)\s+(?:{lists['none']})\s+(?:{lists['holds']})\W*$"),
        held_on=made(rf"(?:{lists['holds']})\s+{on}{filler}"),
        none=made(rf"^\s*(?:{lists['none']})\W*$"),
        amount=made(rf"({signs})\s*({_AMOUNT})\s*(?:of|von|an)?{filler}"),
        finite=made(rf"^\s*(\S.*?)\s+({to_be})\W*$"),
        verb=made(rf"^\s*({any_of(words.verbs)})\W*$"),
    )


def _named(text: str, view: View) -> Iterator[tuple[list[Entity], str, str]]:
    """The things that the text names, each with what stands before and after it."""
    for token in _TOKEN.finditer(text):
        if found := _entities(token.group(0), view):
            yield found, text[: token.start()], text[token.end() :]
    for known in view.plant.equipment:
        for name in sorted(known.names(), key=len, reverse=True):
            if len(name) > 1 and (at := re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w/-])", text, re.IGNORECASE)):
                yield [Entity(EntityKind.EQUIPMENT, known.id)], text[: at.start()], text[at.end() :]
                break


def _entities(token: str, view: View) -> list[Entity]:
    if ":" not in token and not any(c.isdigit() for c in token) and "/" not in token:
        return []
    key = ("predicates", token)
    found: list[Entity] | None = view.kept.get(key)
    if found is None:
        found = view.kept[key] = sorted(view.find(token))
    if ":" in token and not found:
        kind, _, rest = token.partition(":")
        return [Entity(kind, rest)] if kind in set(EntityKind) and rest else []
    return found


def _held(entity: Entity, before: str, after: str) -> Predicate | None:
    """`no hold on L-77`, `L-77 has no hold`, `active holds on L-77 in qms: none`."""
    patterns = _patterns()
    source = _SOURCE.match(after)
    rest = after[source.end() :].lstrip() if source else after
    listed = patterns.held_on.search(before) and rest[:1] in ":=" and rest and patterns.none.match(rest[1:])
    bare = patterns.none_held.search(before) and not after.strip(" .")
    if not listed and not bare and not patterns.has_none.match(after):
        return None
    return Predicate(entity=entity, name=HELD, comparison="=", value="none", source=source[1] if source else None)


def _counted(entity: Entity, before: str, after: str) -> Predicate | None:
    """`at least 200 kg of HZ-40 in stock`."""
    found = _patterns().amount.search(before)
    if found is None or entity.kind not in _COUNTED or _patterns().compare.search(after):
        return None
    sign = decision_words().signs[fold(found[1])]
    return Predicate(entity=entity, name="quantity", comparison=sign, value=found[2].strip())


def _property_of(entity: Entity, before: str, after: str, view: View) -> Predicate | None:
    """`quality status of lot L-77 in qms: unrestricted`."""
    head = re.search(r"(.*)\b(?:of|von|der|des)\b", before, re.IGNORECASE)
    source = _SOURCE.match(after)
    rest = after[source.end() :] if source else after
    sign = re.match(r"\s*(:|<=|>=|!=|=|<|>)\s*(\S.*?)\s*\.?$", rest)
    if head is None or sign is None:
        return None
    name, scope = _property(entity, _words(head[1]), view)
    if name is None:
        return None
    comparison = "=" if sign[1] == ":" else sign[1]
    of = source[1] if source else None
    return Predicate(entity=entity, name=name, comparison=comparison, value=sign[2], scope=scope, source=of)


def _compared(entity: Entity, before: str, after: str, view: View) -> Predicate | None:
    """`L-77 is blocked`, `PO-8/1 arrives by 2026-03-12`, `HZ-40 silo >= 200 kg`."""
    found = _patterns().compare.search(after)
    if found is None:
        return None
    words = _words(after[: found.start()]) or _words(_patterns().before.sub("", before))
    sign = decision_words().signs[fold(found[1])]
    value = _patterns().value.sub("", after[found.end() :].strip().rstrip(".,;"))
    again = _patterns().compare.match(value)
    if again and sign == "=" and re.match(r"\s*\d", value[again.end() :]):  # `is at least 200 kg`
        sign, value = decision_words().signs[fold(again[1])], value[again.end() :]
    return _predicate(entity, words, sign, value, view)


def _last(entity: Entity, after: str, view: View) -> Predicate | None:
    """`L-77 gesperrt ist`, as after `solange`."""
    found = _patterns().finite.match(after)
    if found is None:
        return None
    sign, value = decision_words().signs[fold(found[2])], found[1]
    if negated := re.match(r"(?:nicht|not)\s+(?:mehr\s+)?", value, re.IGNORECASE):
        sign, value = _FLIPPED[sign], value[negated.end() :]
    value = _patterns().value.sub("", value)
    return _predicate(entity, (), sign, value, view)


def _verb(entity: Entity, after: str) -> Predicate | None:
    found = _patterns().verb.match(after)
    if found is None or entity.kind != EntityKind.EQUIPMENT:
        return None
    return Predicate(entity=entity, name="state", comparison="=", value=decision_words().verbs[fold(found[1])])


def _predicate(entity: Entity, words: Sequence[str], sign: str, value: str, view: View) -> Predicate | None:
    name, scope = _property(entity, words, view)
    if re.match(r"\d", value):
        if name is None and words and entity.kind in _COUNTED and re.fullmatch(_AMOUNT, value):
            name, scope = "quantity", _scope(entity, words, view)
        elif name is None and words and entity.kind in _AWAITED and sign in ("<=", "<"):
            name = "eta"
    if name is not None:
        return Predicate(entity=entity, name=name, comparison=sign, value=value, scope=scope) if value else None
    if re.match(r"\d", value):
        return None
    kind = entity.kind
    name = _STATUS.get(EntityKind(kind), "status") if kind in set(EntityKind) else "status"
    known = _known_word(entity, name, value, view)
    return Predicate(entity=entity, name=name, comparison=sign, value=known) if known else None


def _known_word(entity: Entity, name: str, value: str, view: View) -> str | None:
    """The longest head of the value that is a state, where what follows it only explains."""
    said = {s.text.casefold() for s in view.statements(entity=entity, properties=(name,))}
    value = value.split(",", maxsplit=1)[0].strip()
    parts = value.split()
    for count in range(len(parts), 0, -1):
        head, rest = " ".join(parts[:count]), " ".join(parts[count:])
        if rest and not _patterns().tail.match(rest):
            continue
        if shared_states.state_of(entity.kind, name, head) is not None or head.casefold() in said:
            return head
    return None


def _property(entity: Entity, words: Sequence[str], view: View) -> tuple[str | None, str | None]:
    known = {s.property for s in about(entity, view)}
    called = decision_words().properties
    joined = "_".join(words)
    for candidate in (joined, *words, called.get(" ".join(words), ""), *(called.get(w, "") for w in words)):
        if candidate in known or (candidate in _DATED):
            return candidate, _scope(entity, words, view)
    if (scope := _scope(entity, words, view)) is not None:
        return "quantity", scope
    return None, None


def _scope(entity: Entity, words: Sequence[str], view: View) -> str | None:
    scopes = {s.scope for s in about(entity, view) if s.scope}
    joined = "_".join(words)
    return next((s for s in sorted(scopes) if fold(s).replace(" ", "_") in joined), None)


def about(entity: Entity, view: View) -> list[Statement]:
    """What sources say now of the thing; of a material, of its places too."""
    found = view.said(entity=entity)
    if entity.kind == EntityKind.MATERIAL:
        found += [
            s
            for s in view.said(kind=EntityKind.INVENTORY, properties=("quantity", "quality_status"))
            if s.entity.id.partition("@")[0].casefold() == entity.id.casefold()
        ]
    return found


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\w+", fold(text)))


def _object(text: str) -> dict[str, Json] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
