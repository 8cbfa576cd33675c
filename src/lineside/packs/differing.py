"""What two packs make different in meaning: rules, words, thresholds, key figures, grants; each by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineside.interpretation import state_models
from lineside.interpretation.pack_files import under
from lineside.interpretation.pack_merging import named_by, switched
from lineside.packs.checking import stacked
from lineside.packs.contents import FILES
from lineside.plant.packs import Packs

_SUBJECTS = {
    "states.toml": "words of states",
    "state_models.toml": "state rules",
    "kpis.toml": "key figures",
    "case_kpis.toml": "key figures on exceptions",
    "policy.toml": "grants",
    "readiness.toml": "shipping readiness",
    "reconciliation.toml": "reconciliation",
    "planning.toml": "planning",
    "patterns.toml": "patterns",
    "sentinel.toml": "the sentinel of feeds",
    "waiting.toml": "what equipment waits for",
    "decisions.toml": "the words of decisions",
    "interfaces.toml": "what answers rest on",
    "cases.toml": "cases",
    "handover.toml": "the rights on handovers",
    "settled.toml": "what is over",
}
# Where an entry is told whole, by how many keys lead to it; elsewhere each value is told by itself.
_WHOLE = {
    "state_models.toml": 3, "kpis.toml": 2, "case_kpis.toml": 2, "policy.toml": 2, "readiness.toml": 2,
    "interfaces.toml": 2,
}  # fmt: skip
_QUIET = ("version", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """before, after: as the file has it, None where it isn't there. text: for people."""

    file: str
    subject: str
    key: str
    change: str
    before: Any
    after: Any
    text: str


def differences(one: Packs, other: Packs) -> list[Difference]:
    """What `other` means otherwise than `one`, file by file. Raises BadSettings where one of them can't be read."""
    found = []
    for file in FILES:
        subject = _SUBJECTS.get(file, file)
        was, now = (switched(stacked(file, packs)) for packs in (one, other))
        for key, before, after in _leaves(was, now, _WHOLE.get(file, 9)):
            if key not in _QUIET:
                change = "added" if before is None else "removed" if after is None else "changed"
                text = f"{key} {_told(before, after)}"
                found.append(
                    Difference(
                        file=file, subject=subject, key=key, change=change, before=before, after=after, text=text
                    )
                )
    return found + list(_moved(one, other))


def _moved(one: Packs, other: Packs) -> Iterator[Difference]:
    """Of a kind's rules the first that holds wins: a new order of the same rules is a change of its own."""
    orders = []
    for packs in (one, other):
        with under(packs):
            orders.append({kind: [r.name for r in m.rules] for kind, m in state_models.state_models().items()})
    for kind, before in orders[0].items():
        after = orders[1].get(kind, [])
        common = set(before) & set(after)
        was, now = ([name for name in names if name in common] for names in (before, after))
        if was != now:
            yield Difference(
                file=state_models.FILE,
                subject=_SUBJECTS[state_models.FILE],
                key=f"{kind}.rules",
                change="moved",
                before=was,
                after=now,
                text=f"{kind}.rules are tried in another order: {', '.join(now)}",
            )


def _leaves(before: Any, after: Any, deep: int, at: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The keys whose values differ, down to `deep` keys."""
    if before == after:
        return
    was, now = _entries(before), _entries(after)
    if deep and (was is not None or now is not None) and (was is not None or before is None) and now is not None:
        for key in dict.fromkeys((*(was or {}), *now)):
            yield from _leaves((was or {}).get(key), now.get(key), deep - 1, f"{at}.{key}" if at else key)
    elif deep and was is not None and after is None:
        for key, value in was.items():
            yield from _leaves(value, None, deep - 1, f"{at}.{key}" if at else key)
    else:
        yield at, before, after


def _entries(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, dict):
        return value
    name = named_by(value)
    return {each[name]: each for each in value} if name else None


def _told(before: Any, after: Any) -> str:
    if isinstance(before, list) and isinstance(after, list) and all(isinstance(w, str) for w in (*before, *after)):
        out, new = [w for w in before if w not in after], [w for w in after if w not in before]
        parts = ([f"also {_listed(new)}"] if new else []) + ([f"no longer {_listed(out)}"] if out else [])
        return "; ".join(parts) or "in another order"
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in dict.fromkeys((*before, *after)) if before.get(key) != after.get(key)]
        return "changed: " + "; ".join(f"{key} {_told(before.get(key), after.get(key))}" for key in keys)
    if before is None:
        return f"new: {_shown(after)}"
    if after is None:
        return f"gone: {_shown(before)}"
    return f"{_shown(before)} -> {_shown(after)}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words))


def _shown(value: Any) -> str:
    """As a TOML file would say it, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case dict():
            return "{ " + ", ".join(f"{key} = {_shown(each)}" for key, each in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_shown, value)) + "]"
        case _:
            return str(value)
