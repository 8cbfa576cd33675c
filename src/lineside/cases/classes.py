"""The classes of cases and the states they go through, as the packs' cases.toml says; wrong files name file and key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Any

from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong

FILE = "cases.toml"
CRITERIA = (
    "over", "checked_after_maintenance", "maintenance_begun", "parameter_changed", "restart_checked", "set_apart",
    "counted", "outcome_cited",
)  # fmt: skip
"""What records can prove of a case; `criteria` says how."""

DETECTORS = (
    "downtime", "shortage", "staging", "excursion", "hold", "document", "carrier", "stock", "conflict", "feed",
    "lateness", "credit", "label", "effect",
)  # fmt: skip


class State(StrEnum):
    """Where a case stands, in the order in which that is reached."""

    NEW = "new"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    CONTAINED = "contained"
    RESOLVED = "resolved"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Severity(IntEnum):
    """What a case endangers, the gravest last."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A way between states. to: None where the state stays. may: `responsible` or `anybody`."""

    name: str
    sources: tuple[State, ...]
    to: State | None
    by: tuple[str, ...]
    may: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A case is of this level where all of these hold; None asks nothing. due_within: the first promise or departure of
    what it touches, or its own due time, is so near."""

    level: Severity
    safety: bool = False
    orders: int | None = None
    due_within: timedelta | None = None
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What could be done about it, and the roles that may decide so."""

    do: str
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseClass:
    """One kind of exception. opens: the detector's own thresholds. contained: any of these criteria proves it; closed:
    all of these must be proven."""

    key: str
    name: str
    words: tuple[str, ...]
    detector: str
    opens: Mapping[str, Any]
    damping: timedelta
    owner: tuple[str, ...]
    escalates: tuple[str, ...]
    acknowledge: timedelta
    contain: timedelta
    contained: tuple[str, ...]
    closed: tuple[str, ...]
    severity: tuple[Grade, ...]
    options: tuple[Option, ...]

    def seconds(self, name: str) -> timedelta:
        """A threshold of `opens`; none is zero."""
        return timedelta(seconds=float(self.opens.get(name, 0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRule:
    """An effect of one class may follow from a cause of another where they share a thing of these kinds."""

    cause: str
    effect: str
    through: tuple[str, ...]
    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePack:
    """Everything that the files say. roles: a role to everything that it is called. criteria: each in words."""

    version: str
    look_back: timedelta
    roles: Mapping[str, tuple[str, ...]]
    open_states: frozenset[State]
    moves: Mapping[str, Move]
    classes: Mapping[str, CaseClass]
    links: tuple[LinkRule, ...]
    criteria: Mapping[str, str]

    def of_role(self, role: str, held: str) -> bool:
        """Whether the role that somebody holds is the one that is meant, by any of its names."""
        return folded(held) in {folded(each) for each in (role, *self.roles.get(role, ()))}


def folded(role: str) -> str:
    """A role's name without case, hyphens and underscores."""
    return " ".join(role.casefold().replace("_", " ").replace("-", " ").split())


@of_packs
def case_pack() -> CasePack:
    """What the packs in force say of cases. Raises BadSettings with file and key."""
    return load(FILE, parse)


def parse(where: str, data: Mapping[str, Any]) -> CasePack:
    """What the file's data says. Raises BadSettings with the key."""
    _refuse_unknown(where, "", data, _TOP)
    roles = {
        role: texts(where, f"roles.{role}", names)
        for role, names in table(where, "roles", data.get("roles", {})).items()
    }
    classes = {
        key: _class(where, key, table(where, f"class.{key}", told), roles)
        for key, told in table(where, "class", data.get("class", {})).items()
    }
    moves = {
        name: _move(where, name, table(where, f"moves.{name}", told))
        for name, told in table(where, "moves", data.get("moves", {})).items()
    }
    if lacking := [name for name in MOVES if name not in moves]:
        raise wrong(where, f"moves.{lacking[0]}", "is missing", MOVES)
    states = table(where, "states", data.get("states", {}))
    for state in (*states, *State):
        if state not in set(State) or state not in states:
            raise wrong(where, f"states.{state}", "is missing or unknown", list(State))
    links = data.get("links", [])
    if not isinstance(links, list):
        raise wrong(where, "links", "must be a list of tables, as in [[links]]")
    return CasePack(
        version=text(where, "version", data.get("version")),
        look_back=_duration(where, "look_back_s", data.get("look_back_s")),
        roles=roles,
        open_states=frozenset(State(s) for s, told in states.items() if table(where, f"states.{s}", told).get("open")),
        moves=moves,
        classes=classes,
        links=tuple(_link(where, f"links[{n}]", each, classes) for n, each in enumerate(links)),
        criteria=_criteria(where, table(where, "criteria", data.get("criteria", {}))),
    )


_TOP = ("version", "look_back_s", "roles", "states", "moves", "criteria", "class", "links")
MOVES = ("open", "acknowledge", "assign", "contain", "resolve", "close", "withdraw", "reopen", "note")
_CLASS = (
    "name", "words", "detector", "opens", "damping_s", "owner", "escalates", "acknowledge_s", "contain_s", "contained",
    "closed", "severity", "options",
)  # fmt: skip


def _class(where: str, key: str, told: Mapping[str, Any], roles: Mapping[str, Any]) -> CaseClass:
    at = f"class.{key}"
    _refuse_unknown(where, f"{at}.", told, _CLASS)
    detector = told.get("detector", "")
    owner = texts(where, f"{at}.owner", told.get("owner"), roles)
    closed = texts(where, f"{at}.closed", told.get("closed"), CRITERIA)
    if not owner:
        raise wrong(where, f"{at}.owner", "names nobody who answers for it", roles)
    if not closed:
        raise wrong(where, f"{at}.closed", "names nothing that the records must prove", CRITERIA)
    return CaseClass(
        key=key,
        name=text(where, f"{at}.name", told.get("name")),
        words=texts(where, f"{at}.words", told.get("words", [])),
        detector=text(where, f"{at}.detector", detector, DETECTORS) if detector != "" else "",
        opens=table(where, f"{at}.opens", told.get("opens", {})),
        damping=_duration(where, f"{at}.damping_s", told.get("damping_s")),
        owner=owner,
        escalates=texts(where, f"{at}.escalates", told.get("escalates"), roles),
        acknowledge=_duration(where, f"{at}.acknowledge_s", told.get("acknowledge_s")),
        contain=_duration(where, f"{at}.contain_s", told.get("contain_s")),
        contained=texts(where, f"{at}.contained", told.get("contained", []), CRITERIA),
        closed=closed,
        severity=tuple(_grade(where, f"{at}.severity", each) for each in told.get("severity", [])),
        options=tuple(_option(where, f"{at}.options", each, roles) for each in told.get("options", [])),
    )


def _grade(where: str, at: str, told: object) -> Grade:
    found = table(where, at, told)
    _refuse_unknown(where, f"{at}.", found, ("level", "safety", "orders", "due_within_s", "lasts_s"))
    levels = {level.name.casefold(): level for level in Severity}
    level = text(where, f"{at}.level", found.get("level"), levels)
    orders = found.get("orders")
    if orders is not None and not isinstance(orders, int):
        raise wrong(where, f"{at}.orders", "must be a whole number")
    return Grade(
        level=levels[level],
        safety=bool(found.get("safety", False)),
        orders=orders,
        due_within=_maybe(where, f"{at}.due_within_s", found.get("due_within_s")),
        lasts=_maybe(where, f"{at}.lasts_s", found.get("lasts_s")),
    )


def _option(where: str, at: str, told: object, roles: Mapping[str, Any]) -> Option:
    found = table(where, at, told)
    _refuse_unknown(where, f"{at}.", found, ("do", "may"))
    return Option(do=text(where, f"{at}.do", found.get("do")), may=texts(where, f"{at}.may", found.get("may"), roles))


def _move(where: str, name: str, told: Mapping[str, Any]) -> Move:
    at = f"moves.{name}"
    if name not in MOVES:
        raise wrong(where, at, "is no move", MOVES)
    _refuse_unknown(where, f"{at}.", told, ("from", "to", "by", "may", "needs"))
    to = told.get("to", "")
    return Move(
        name=name,
        sources=tuple(map(State, texts(where, f"{at}.from", told.get("from"), list(State)))),
        to=State(text(where, f"{at}.to", to, list(State))) if to != "" else None,
        by=texts(where, f"{at}.by", told.get("by"), ("records", "person")),
        may=text(where, f"{at}.may", told.get("may"), ("responsible", "anybody")),
        needs=texts(where, f"{at}.needs", told.get("needs", []), ("why", "to")),
    )


def _criteria(where: str, told: Mapping[str, Any]) -> Mapping[str, str]:
    _refuse_unknown(where, "criteria.", told, CRITERIA)
    return {name: text(where, f"criteria.{name}", words) for name, words in told.items()}


def _link(where: str, at: str, told: object, classes: Mapping[str, CaseClass]) -> LinkRule:
    found = table(where, at, told)
    _refuse_unknown(where, f"{at}.", found, ("cause", "effect", "through", "after_s"))
    return LinkRule(
        cause=text(where, f"{at}.cause", found.get("cause"), classes),
        effect=text(where, f"{at}.effect", found.get("effect"), classes),
        through=texts(where, f"{at}.through", found.get("through")),
        after=_duration(where, f"{at}.after_s", found.get("after_s", 0)),
    )


def _duration(where: str, key: str, value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise wrong(where, key, "must be a number of seconds, 0 or more")
    return timedelta(seconds=value)


def _maybe(where: str, key: str, value: object) -> timedelta | None:
    return None if value is None else _duration(where, key, value)


def _refuse_unknown(where: str, head: str, told: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in told:
        if key not in known:
            raise wrong(where, f"{head}{key}", "is no key here", known)
