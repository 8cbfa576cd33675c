"""What an order to act says: the action, its parameters in the asker's words, and what must be asked back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from lineside.actions import ACTIONS, ActionType
from lineside.actions.action import Form, Parameter
from lineside.agent.action_words import BETWEEN, CHOICES, EMPTY, ENDS, LEADS, NUMBERS, PLACES, POLITE, TIMED
from lineside.agent.ask import Ask, Names
from lineside.agent.atoms import known_unit
from lineside.agent.capture_times import times
from lineside.agent.captured import Field
from lineside.agent.lexicon import KINDS
from lineside.agent.plainwords import word_set
from lineside.agent.time_ahead import time_ahead
from lineside.agent.wishes import BECAUSE, FIRST, THAT, Wish, Word, is_asking, pieces, wish_in, with_lines, words_of
from lineside.agent.wording import fold, tokens
from lineside.plant.entities import Entity
from lineside.plant.plant import Plant
from lineside.plant.quantities import plain
from lineside.plant.records import Json

_REASON = "reason"
_MONEY = re.compile(
    r"(?<![\w.,])(\d[\d.,' ]{0,20}?)\s?(eur|euro|usd|dollars?|chf|gbp|pounds?|pln|czk|sek|[€$£])(?![\w])", re.IGNORECASE
)
_CURRENCIES = {
    "€": "EUR",
    "euro": "EUR",
    "$": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "£": "GBP",
    "pound": "GBP",
    "pounds": "GBP",
}
_NUMBER = r"[-+]?\d+(?:[.,]\d+)*"
_AMOUNT = re.compile(rf"(?<![\w.,/-])({_NUMBER})\s?(%|°[CF]|[^\W\d_]+(?:/[^\W\d_]+)?)?(?![\w-])")
_FOLLOWS = re.compile(
    r"\s?(?!(?:for|on|at|am|an|bei|von|of|in|and|und|now|jetzt|please|bitte|instead)\b)([%\u00b0a-z][\u00b0a-z/]*)",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:to|onto|into|in|nach|auf|zu|an)\s+((?:(?:the|den|das|die|der|dem|location|bin|place|platz|lagerplatz|fach|area|zone)\s+)*)(\S+)",
    re.IGNORECASE,
)
_NAMED_OF = re.compile(
    r"^\s*\S+\s+(?:(?:the|den|die|das|der)\s+)?(.+?)\s+(?:of|at|on|in|for|von|vom|an|am|bei|des|der)\s*(?:(?:the|den|die|das|der|dem)\s*)?$",
    re.IGNORECASE,
)
_NAMED_AFTER = re.compile(r"^(?:'s)?\s+(\D+?)\s+(?:to|at|auf)\s", re.IGNORECASE)
_MORE = re.compile(r"[.;!]\s+|,?\s+(?:and|und)\s+(?:then\s+|dann\s+|also\s+)?", re.IGNORECASE)
_HIDDEN = "¦"
_PAST = frozenset(("moved_at",))
_PRICES = frozenset(("cost",))
_FULL = {"notify_party": "text", "write_back": "outcome"}
_DESCRIBED = {"create_maintenance_order": "description"}
_SLOT_WORDS = word_set(f"{EMPTY} {BETWEEN} {POLITE.replace('_', ' ')} {' '.join(KINDS)}")
_TIMED_WORDS = word_set(TIMED)
_VERBS_LAST = frozenset(
    verb for table in ENDS.values() for line in table.strip().splitlines() for verb in line.split()[-1].split("|")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a text says of an action's parameters. unclear: what some may be. unknown: ids of theirs that nobody knows,
    with the nearest known."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: tuple[tuple[str, tuple[str, ...]], ...] = ()
    subjects: tuple[Entity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """An action that somebody asked for. asked_back: what must be said first, where it can't be proposed as it is."""

    action: str
    said: Said
    asked_back: str = ""
    takes_a_model: bool = True  # what is open may be found by one that reads on


def wished(ask: Ask, names: Names) -> Wished:
    """The action that this part of a question asks for, its own or the one that it goes on with."""
    text = with_lines(ask.text, names)
    wish = wish_in(text, names)
    action = ACTIONS[wish.action if wish else ask.wish]
    found = said(action, text, names=names, at=ask.at, entities=ask.entities, places=ask.places, wish=wish)
    if wish and wish.conditional:
        back = "A proposal can't wait for a condition: ask for it once that is so."
    elif wish and _another(text, wish, names):
        back = "One action is proposed at a time: ask for the others one by one."
    else:
        return Wished(action=action.name, said=found, asked_back=_asked_back(action, found))
    return Wished(action=action.name, said=found, asked_back=back, takes_a_model=False)


def proposing(ask: Ask, names: Names) -> list[tuple[str, dict[str, Json]]] | str:
    """The tools to call with their arguments, or what must be said first."""
    found = wished(ask, names)
    if found.asked_back:
        return found.asked_back
    calls: list[tuple[str, dict[str, Json]]] = [
        ("propose_action", {"action": found.action, "parameters": dict(found.said.parameters)})
    ]
    if ACTIONS[found.action].subject not in found.said.parameters:
        calls += [("state", {"entity": str(thing)}) for thing in ask.entities[:1]]
    return calls


def goes_on(earlier: Ask, ask: Ask, names: Names) -> bool:
    """Whether this says what an order before it left open: a parameter or a reason, and nothing else."""
    if not earlier.wish or ask.wish or is_asking(ask.text):
        return False
    action, before = ACTIONS[earlier.wish], wished(earlier, names)
    if before.asked_back or all(each.name in before.said.parameters for each in action.parameters if each.required):
        return False
    because = BECAUSE.match(ask.text.strip())
    return ask.intent is None or because is not None or _only_slots(action, ask.text, words_of(ask.text, names))


def completed(earlier: Ask, ask: Ask) -> Ask:
    """The order with what was left open put in."""
    text = earlier.text
    found = THAT.search(text) if earlier.wish in _FULL else BECAUSE.search(text)
    end = found.start() if found else len(text.rstrip(" .!"))
    whole = f"{text[:end].rstrip()}, {ask.text.strip(' .!')} {text[end:].strip()}".strip()
    return replace(earlier, text=whole, at=ask.at, entities=tuple(dict.fromkeys((*earlier.entities, *ask.entities))))


def said(
    action: ActionType,
    text: str,
    *,
    names: Names,
    at: datetime,
    entities: Sequence[Entity] = (),
    places: Sequence[str] = (),
    wish: Wish | None = None,
) -> Said:
    """What the text says of each parameter, for certain. entities, places: what else it is about."""
    parts = _parts(action, text)
    words = words_of(parts.head, names)
    upto = wish.upto if wish else 0
    core, told = _core(action, parts.head, words, upto)
    others = _unplaced(parts.head, names, entities, places)
    if (
        action.name in _FULL and not others
    ):  # tell the customer that SO-1042 is late: what it says tells what it is about
        others = [thing for word in words_of(parts.full, names) for thing in word.things]
    order = _Order(action=action, text=text, core=core, words=words, others=others, names=names, at=at)
    found: dict[str, str] = {}
    unclear: dict[str, tuple[str, ...]] = {}
    subjects: tuple[Entity, ...] = ()
    for parameter in action.parameters:
        candidates = _candidates(order, parameter)
        if parameter.form is Form.ENTITY and parameter.name == action.subject:
            subjects = tuple(Entity.parse(each) for each in candidates)
        if len(candidates) == 1:
            found[parameter.name] = candidates[0]
        elif candidates:
            unclear[parameter.name] = candidates
    found |= _texts(action, parts, told)
    unknown = tuple((w.unknown.typed, w.unknown.nearest) for w in words if w.unknown and w.start < max(upto, 1))
    return Said(parameters=found, unclear=unclear, unknown=unknown, subjects=subjects)


@dataclass(frozen=True, slots=True)
class _Parts:
    """head: what holds the order. because: the reason as said. full: what is to be told on as it stands."""

    head: str
    because: str = ""
    full: str = ""


def _parts(action: ActionType, text: str) -> _Parts:
    if action.name in _FULL:
        found = THAT.search(text)
        return _Parts(text[: found.start()], full=text[found.end() :].strip()) if found else _Parts(text)
    if late := FIRST.match(text):
        return _Parts(f"{' ' * late.start(2)}{late[2]}", because=late[1].strip())
    if found := BECAUSE.search(text):
        rest = text[found.end() :].strip(" .!?")
        last = rest.rpartition(" ")
        if last[0] and fold(last[2]) in _VERBS_LAST:
            rest = last[0]
        return _Parts(text[: found.start()], because=rest)
    return _Parts(text)


def _core(action: ActionType, head: str, words: Sequence[Word], upto: int) -> tuple[list[tuple[int, int]], str]:
    """The stretches that hold the order and its parameters, and what else is told."""
    core, told = [], []
    for start, end in pieces(head):
        if (
            start < upto
            or start == 0
            or _only_slots(
                action,
                head[start:end],
                [replace(w, start=w.start - start, end=w.end - start) for w in words if start <= w.start < end],
            )
        ):
            core.append((start, end))
        else:
            told.append(head[start:end].strip(" .!?"))
    return core, ", ".join(filter(None, told))


def _only_slots(action: ActionType, text: str, words: Sequence[Word]) -> bool:
    """Whether nothing is said here but parameters. words: the text's own, with their places in it."""
    rest = fold(_without(text, words))
    for (name, _), choices in CHOICES.items():
        if name == action.name:
            rest = re.sub(rf"\b(?:{_any_of(choices.values())})\b", " ", rest)
    left = [token.folded for token in tokens(rest) if not token.has_digit]
    timed = any(each.form is Form.MOMENT for each in action.parameters)
    return all(
        word in _SLOT_WORDS or known_unit(word) or word.upper() in _MONEY_WORDS or (timed and word in _TIMED_WORDS)
        for word in left
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """An order, taken apart. core: the stretches that hold it. others: what it is about without naming it."""

    action: ActionType
    text: str
    core: Sequence[tuple[int, int]]
    words: Sequence[Word]
    others: Sequence[Entity]
    names: Names
    at: datetime

    @property
    def here(self) -> list[Word]:
        return [word for word in self.words if any(start <= word.start < end for start, end in self.core)]

    @property
    def bare(self) -> str:
        """The order's own words, the things that it names made unreadable."""
        hidden = _without(self.text, self.here)
        return " , ".join(hidden[start:end] for start, end in self.core)


def _candidates(order: _Order, parameter: Parameter) -> tuple[str, ...]:
    """What the parameter may be, by the words of the order alone; one where it is certain."""
    match parameter.form:
        case Form.ENTITY:
            return _things(order, parameter)
        case Form.CHOICE:
            return _choice(order.action, parameter, order.bare)
        case Form.MOMENT:
            return _moment(parameter, order.bare, order.at, order.names.plant)
        case Form.QUANTITY:
            return _amount(order, parameter)
        case Form.NUMBER:
            return _number(order.action, parameter, order.bare)
    if parameter.name == "location":
        said_places = _PLACE.finditer(" ".join(order.text[start:end] for start, end in order.core))
        found = [match[2].strip(" .,;!") for match in said_places]
        marked = [
            one for one in found if (re.search(r"\d", one) or one.isupper()) and not _like_an_order(one, order.names)
        ]
        return tuple(marked[-1:])
    if parameter.name == "parameter":
        thing = next((word for word in order.here if word.things and word.things[0].kind == "equipment"), None)
        if thing is None or not order.core:
            return ()
        before, after = order.text[order.core[0][0] : thing.start], order.text[thing.end :]
        named = _NAMED_OF.match(before) or _NAMED_AFTER.match(after)
        return ("_".join(re.findall(r"[a-z0-9]+", fold(named[1]))),) if named else ()
    return ()


def _like_an_order(typed: str, names: Names) -> bool:
    """Whether it is written as orders are here, and so no place."""
    head = re.match(r"[^\W\d_]+[-_./]?(?=\d)", typed)
    return head is not None and any(
        each.kind.endswith(("order", "order_line")) and fold(each.id).startswith(fold(head[0]))
        for each in names.ids.known
    )


def _things(order: _Order, parameter: Parameter) -> tuple[str, ...]:
    lead, here = LEADS.get((order.action.name, parameter.name)), order.here
    for kind in parameter.kinds:
        placed = [
            (i, tuple(thing for thing in word.things if thing.kind == kind))
            for i, word in enumerate(here)
            if any(thing.kind == kind for thing in word.things)
        ]
        if lead is not None:
            placed = [(i, things) for i, things in placed if _led(here, i, lead)]
        if placed:
            return tuple(dict.fromkeys(str(thing) for _, things in placed for thing in things))
        if lead is None and (left := [str(thing) for thing in order.others if thing.kind == kind]):
            return tuple(dict.fromkeys(left))
    return ()


def _led(here: Sequence[Word], at: int, lead: str) -> bool:
    """Whether one of the leading words stands before the thing, with no other thing and only empty words between."""
    before: list[str] = []
    for word in reversed(here[:at]):
        if word.things:
            break
        before.append(word.said)
        said = " ".join(reversed(before))
        if any(said == one or said.startswith(f"{one} ") for one in lead.split("|")):
            return all(each in _SLOT_WORDS or each in lead.replace("|", " ").split() for each in before)
    return False


def _without(text: str, words: Iterable[Word]) -> str:
    signs = list(text)
    for word in words:
        if word.things or word.unknown:
            signs[word.start : word.end] = _HIDDEN * (word.end - word.start)
    return "".join(signs)


def _choice(action: ActionType, parameter: Parameter, bare: str) -> tuple[str, ...]:
    said_words = fold(bare)
    listed = sorted(
        (
            (word, choice)
            for choice, called in CHOICES.get((action.name, parameter.name), {}).items()
            for word in called.split("|")
        ),
        key=lambda pair: -len(pair[0]),
    )
    found: list[str] = []
    for word, choice in listed:
        said_words, times_said = re.subn(rf"\b{re.escape(word)}\b", _HIDDEN, said_words)
        if times_said:
            found.append(choice)
    return tuple(dict.fromkeys(found))


def _moment(parameter: Parameter, bare: str, at: datetime, plant: Plant) -> tuple[str, ...]:
    if parameter.name in _PAST:
        began = [each for each in times(bare, (), (), at=at, plant=plant, ahead=False) if each.field is Field.BEGAN]
        return tuple(dict.fromkeys(one.value for each in began for one in each.readings))
    ahead = time_ahead(bare, now=at, plant=plant)
    if ahead is None:
        return ()
    moments = [each for each in (ahead.since, ahead.at) if each is not None]
    return tuple(each.astimezone(plant.time_zone).isoformat(timespec="seconds") for each in moments)


def _amount(order: _Order, parameter: Parameter) -> tuple[str, ...]:
    bare = order.bare
    if parameter.name in _PRICES:
        return tuple(
            f"{value} {_CURRENCIES.get(fold(m[2]), m[2].upper())}"
            for m in _MONEY.finditer(bare)
            for value in _values(m[1])
        )
    rest = _MONEY.sub(_HIDDEN, bare)
    if any(each.form is Form.MOMENT and each.name not in _PAST for each in order.action.parameters):
        ahead = time_ahead(rest, now=order.at, plant=order.names.plant)
        rest = ahead.rest if ahead else fold(rest)
    found = [(value, known_unit(m[2] or "")) for m in _AMOUNT.finditer(rest) for value in _values(m[1])]
    measured = [f"{value} {unit}" for value, unit in found if unit and unit not in ("h", "min", "s", "d")]
    return tuple(dict.fromkeys(measured or [value for value, unit in found if not unit][:1]))


def measured(text: str) -> str:
    """The amount as value and unit, where the words are one for certain; else the words."""
    found = [(value, m[2] or "") for m in _AMOUNT.finditer(text) for value in _values(m[1])]
    money = [
        f"{value} {_CURRENCIES.get(fold(m[2]), m[2].upper())}" for m in _MONEY.finditer(text) for value in _values(m[1])
    ]
    if len(money) == 1:
        return money[0]
    if len(found) == 1 and _AMOUNT.fullmatch(text.strip()) and (not found[0][1] or known_unit(found[0][1])):
        return f"{found[0][0]} {known_unit(found[0][1])}".strip()
    return text


def chosen(action: ActionType, parameter: Parameter, text: str) -> str:
    """The choice that the words mean, where they mean one; else the words."""
    if fold(text).replace(" ", "_").replace("-", "_") in parameter.choices:
        return text
    found = _choice(action, parameter, text)
    return found[0] if len(found) == 1 else text


def _number(action: ActionType, parameter: Parameter, bare: str) -> tuple[str, ...]:
    """A number, with the word that follows it where that may be its unit."""
    found = [
        f"{value} {follows[1]}" if action.bounded and (follows := _FOLLOWS.match(bare, m.end())) else value
        for m in re.finditer(rf"\b(?:{NUMBERS[action.name, parameter.name]})\s+({_NUMBER})", bare, re.IGNORECASE)
        for value in _values(m[1])
    ]
    if not found and parameter.name == "sequence":
        found = [str(PLACES[word]) for word in re.findall(r"[a-z]+", fold(bare)) if word in PLACES]
    return tuple(dict.fromkeys(found))


def _values(written: str) -> tuple[str, ...]:
    """What a number may be: 1.200 is twelve hundred to some, and one and a fifth to others."""
    bare = re.sub(r"[' ]", "", written)
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}[.,]\d{3}", bare):
        return plain(Decimal(re.sub(r"[.,]", "", bare))), plain(Decimal(bare.replace(",", ".")))
    if len(re.findall(r"[.,]", bare)) > 1:
        head, _, tail = bare.rpartition("." if bare.rfind(".") > bare.rfind(",") else ",")
        whole = re.sub(r"[.,]", "", head)
        return (plain(Decimal(f"{whole}.{tail}" if len(set(re.findall(r"[.,]", bare))) > 1 else f"{whole}{tail}")),)
    return (plain(Decimal(bare.replace(",", "."))),)


def _texts(action: ActionType, parts: _Parts, told: str) -> dict[str, str]:
    """The sentences that go into the proposal as they were said."""
    if (full := _FULL.get(action.name)) is not None:
        return {full: text} if (text := parts.full or told) else {}
    described = _DESCRIBED.get(action.name)
    found = {_REASON: parts.because or told, **({described: told or parts.because} if described else {})}
    return {name: text for name, text in found.items() if text and name in action.parameter_names}


def _unplaced(text: str, names: Names, entities: Sequence[Entity], places: Sequence[str]) -> list[Entity]:
    """What the question is about and the text doesn't name."""
    named = {thing for word in words_of(text, names) for thing in word.things}
    meant = [*entities, *(Entity("equipment", path) for path in places)]
    return [each for each in meant if each not in named]


def _another(text: str, wish: Wish, names: Names) -> bool:
    """Whether another order follows."""
    cuts = [found.end() for found in _MORE.finditer(text) if found.start() >= wish.upto]
    return wish.action not in _FULL and any(wish_in(text[cut:], names) is not None for cut in cuts)


def _asked_back(action: ActionType, found: Said) -> str:
    for name, choices in found.unclear.items():
        parameter = action.parameter(name)
        shown = [each.partition(":")[2] if parameter.form is Form.ENTITY else each for each in choices]
        which = "One is proposed at a time. " if parameter.form is Form.ENTITY else ""
        return f"{which}Which is meant as {name.replace('_', ' ')} ({parameter.meaning}): {' or '.join(shown[:6])}?"
    if action.subject not in found.parameters and found.unknown:
        typed, nearest = found.unknown[0]
        near = f"nearest ids: {', '.join(nearest)}" if nearest else "no id near it is known"
        return f"{typed} is not in the memory; {near}."
    return ""


def _any_of(listed: Iterable[str]) -> str:
    return "|".join(re.escape(word) for words in listed for word in sorted(words.split("|"), key=len, reverse=True))


_MONEY_WORDS = frozenset(("EUR", "EURO", "USD", "CHF", "GBP", "PLN", "CZK", "SEK", "DOLLAR", "DOLLARS"))
