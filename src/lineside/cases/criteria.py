"""What the records can prove of a disturbance: that it is over, checked, counted. A proof cites its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look, first_after, related
from lineside.plant.records import Event

_GOOD = frozenset({"ok", "passed", "pass", "good", "done", "in ordnung", "io", "i.o.", "bestanden", "yes", "true"})


@dataclass(frozen=True, slots=True)
class Proof:
    """From when on it is proven, and by which records."""

    at: datetime
    cites: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """How far the records bring a case: contained and over where they prove so; closed where all criteria of its class
    are proven; lacking: those that are not."""

    contained: Proof | None
    over: Proof | None
    closed: Proof | None
    lacking: tuple[str, ...]


def proven(look: Look, of: CaseClass, episode: Episode) -> Proven:
    """What the records prove of the episode, by the criteria of its class."""
    first = [p for name in of.contained if (p := _CRITERIA[name](look, episode))]
    wanted = {name: _CRITERIA[name](look, episode) for name in of.closed}
    all_of = [p for p in wanted.values() if p]
    whole = (
        Proof(max(p.at for p in all_of), tuple(dict.fromkeys(c for p in all_of for c in p.cites))) if all_of else None
    )
    return Proven(
        contained=min(first, key=lambda p: p.at, default=None),
        over=_over(look, episode),
        closed=whole if len(all_of) == len(wanted) else None,
        lacking=tuple(name for name, p in wanted.items() if p is None),
    )


def proof_of(look: Look, name: str, episode: Episode) -> Proof | None:
    """What proves one criterion, by its name; None while nothing does."""
    return _CRITERIA[name](look, episode)


def _over(_: Look, episode: Episode) -> Proof | None:
    return Proof(episode.ended, episode.closed_by) if episode.ended is not None else None


def _maintenance_begun(look: Look, episode: Episode) -> Proof | None:
    return _first(episode, _here(look, episode, "maintenance_started"))


def _checked(look: Look, episode: Episode) -> Proof | None:
    """Where maintenance worked on it, a good check after that; where nobody did, nothing more is asked."""
    if episode.ended is None:
        return None
    began = [
        e for e in _here(look, episode, "maintenance_started") if _at(e) >= episode.began and _at(e) <= episode.ended
    ]
    if not began:
        return Proof(episode.ended, episode.closed_by)
    return _first(episode, _good(look, episode), since=_at(began[-1]))


def _restart_checked(look: Look, episode: Episode) -> Proof | None:
    return _first(episode, _good(look, episode))


def _parameter_changed(look: Look, episode: Episode) -> Proof | None:
    return _first(episode, _here(look, episode, "parameter_change"))


def _set_apart(look: Look, episode: Episode) -> Proof | None:
    """Moved to another place after it was held."""
    lots = {e.id for e in episode.touches if e.kind == "lot"}
    return _first(episode, [e for e in look.events("transfer", "disposition") if e.lot in lots])


def _counted(look: Look, episode: Episode) -> Proof | None:
    things = {e.id.partition("@")[0].casefold() for e in episode.touches}
    return _first(episode, [e for e in look.events("count") if (e.material or "").casefold() in things])


def _cited(_: Look, __: Episode) -> Proof | None:
    return None  # only whoever resolves it can name what came of it


def _good(look: Look, episode: Episode) -> list[Event]:
    checks = _here(look, episode, "restart_check", "maintenance_finished")
    return [
        e
        for e in checks
        if str(e.attributes.get("result") or ("ok" if e.kind == "restart_check" else "")).strip().casefold() in _GOOD
    ]


def _here(look: Look, episode: Episode, *kinds: str) -> list[Event]:
    return [e for e in look.events(*kinds) if related(e.equipment or "", episode.place)]


def _first(episode: Episode, events: Sequence[Event], *, since: datetime | None = None) -> Proof | None:
    found = first_after(events, since or episode.began)
    return Proof(_at(found), (found.provenance.record_id,)) if found else None


def _at(event: Event) -> datetime:
    return event.provenance.occurred_at


_CRITERIA: Mapping[str, Callable[[Look, Episode], Proof | None]] = {
    "over": _over,
    "checked_after_maintenance": _checked,
    "maintenance_begun": _maintenance_begun,
    "parameter_changed": _parameter_changed,
    "restart_checked": _restart_checked,
    "set_apart": _set_apart,
    "counted": _counted,
    "outcome_cited": _cited,
}
