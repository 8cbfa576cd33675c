"""Which feeds changed without notice, and which run but no longer match the floor; each a proposal, not an error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from lineside.interpretation.facts import Facts, owner_of
from lineside.interpretation.feed_drift import feed_changes
from lineside.interpretation.feed_look import Changed, What
from lineside.interpretation.interfaces import Interface, between, feed_of, feeds, interfaces, systems_called
from lineside.interpretation.out_of_step import Mismatch, mismatches
from lineside.interpretation.reading import Finding, Kind, Reading, clock
from lineside.interpretation.sentinel_rules import SentinelRules, sentinel_rules
from lineside.interpretation.stakes import stakes
from lineside.interpretation.wording import counted, late_sources, listed, stated
from lineside.memory import View
from lineside.memory.columns import Happened, Said, happened_within, said_within
from lineside.plant.entities import Entity
from lineside.plant.records import Json
from lineside.plant.windows import Window

_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)
_GRAVE = (What.UNKNOWN_CODE, What.UNIT, What.STOPPED, What.VANISHED, What.SIZE)


def sentinel(view: View, window: Window | None = None, *, system: str | None = None) -> Reading:
    """What changed in the look of the feeds in the window, and where a running interface left the floor behind.

    window: by default as many days as the pack says. system: only this source, by name or kind. Each finding tells
    since when, on what it was seen, what that touches and who owns the datum; next_steps what to change in which
    mapping, or whom to ask.
    """
    rules = sentinel_rules()
    end = min(window.end if window else view.as_of + _INSTANT, view.as_of + _INSTANT)
    start = min(window.start if window else end - timedelta(days=rules.look.window_days), end)
    only = _only(view, system)
    facts = Facts(view)
    span = Window(start=start - timedelta(days=rules.look.before_days), end=end)
    said = [s for s in said_within(view, span) if only is None or s.source in only]
    happened = [h for h in happened_within(view, span) if only is None or h.source in only]
    changed = feed_changes(
        said,
        happened,
        start=start,
        end=end,
        rules=rules,
        earlier=lambda source, kind, name, before: [
            s.value
            for s in view.statements(kind=kind, properties=(name,), within=Window(start=_EVER, end=before))
            if s.source == source
        ],
    )
    apart = [m for m in mismatches(facts, since=start, rules=rules) if m.since < end and _concerns(m, only)]
    told = [e for e in view.events(kinds=("schema_changed",), within=Window(start=start, end=end))
            if only is None or feed_of(e) in only or e.provenance.source in only]  # fmt: skip
    grave = [c for c in changed if c.what in _GRAVE]
    mild = [c for c in changed if c.what not in _GRAVE]
    known = interfaces(facts)
    teller = _Teller(facts, known, rules)
    findings = [teller.change(c) for c in grave] + [teller.mismatch(m) for m in apart]
    findings += [stated(e, view.plant, relative_to=end) for e in told] + [teller.change(c) for c in mild]
    steps = [teller.step(c) for c in grave] + [teller.ask(m) for m in apart] + [teller.step(c) for c in mild]
    since = f"between {clock(start, view.plant)} and {clock(end, view.plant, relative_to=start)}"
    missing = list(late_sources(view, {f.source for f in view.freshness() if only is None or f.source in only}))
    missing += [
        f"How {source} looked before: it is heard since {clock(first, view.plant)} only, too short to tell a change."
        for source, first in _new_sources(said, happened, start)
    ]
    if not findings:
        what = f"{system} " if system else "any feed "
        return Reading(
            verdict=f"No change in the look of {what}and no interface out of step with the floor was found {since}.",
            missing=tuple(missing),
            window=window,
            data={"changes": 0, "mismatches": 0},
        )
    counts = [
        *([f"{counted(len(changed) + len(told), 'change')} in how feeds look"] if changed or told else []),
        *(
            [f"{counted(len(apart), 'thing')} on which an interface runs but no longer matches the floor"]
            if apart
            else []
        ),
    ]
    return Reading(
        verdict=f"{listed(counts)} {since}; first: {findings[0].text}",
        findings=tuple(findings[: rules.look.shown]),
        missing=(*missing, *_unshown(findings, rules.look.shown)),
        next_steps=tuple(dict.fromkeys(steps[: rules.look.shown])),
        window=window,
        data={"changes": len(changed) + len(told), "mismatches": len(apart), "found": [dict(f.data) for f in findings]},
    )


def _unshown(findings: Sequence[Finding], shown: int) -> Iterator[str]:
    if len(findings) > shown:
        yield f"{counted(len(findings) - shown, 'lesser change')}: ask for one system or a shorter time."


def _only(view: View, system: str | None) -> frozenset[str] | None:
    if system is None:
        return None
    return systems_called(view.plant, system) or frozenset({system})


def _concerns(found: Mismatch, only: frozenset[str] | None) -> bool:
    return only is None or found.behind in only or found.ahead in only


def _new_sources(said: Sequence[Said], happened: Sequence[Happened], start: datetime) -> list[tuple[str, datetime]]:
    """The sources that were heard first so late that nothing can be learnt of how they looked before."""
    first: dict[str, datetime] = {}
    heard = [(s.source, s.at) for s in said] + [(h.source, h.at) for h in happened]
    for source, when in heard:
        first[source] = min(first.get(source, when), when)
    return sorted((source, when) for source, when in first.items() if when >= start)


class _Teller:
    """Puts changes and mismatches into words, with what they touch and whom to ask."""

    def __init__(self, facts: Facts, known: Sequence[Interface], rules: SentinelRules) -> None:
        self.facts, self.known, self.rules = facts, known, rules
        self.followed = 0

    def change(self, c: Changed) -> Finding:
        touched = self._touched([Entity.parse(e) for e in c.entities]) if c.what in _GRAVE else []
        rested = feeds([f"{c.kind}.{c.about}"])
        seen = f"; seen on {listed(list(_plain_ids(c.entities)), limit=4)}" if c.entities else ""
        text = f"{_SAYS[c.what](c)} since {clock(c.since, self.facts.plant, relative_to=self.facts.view.as_of)}{seen}"
        text += f"; it touches {listed(touched)}" if touched else ""
        text += f"; used for {listed(rested)}" if rested else ""
        owner = self.owner(c)
        text += f"; owner {owner}" if owner else ""
        data: dict[str, Json] = {
            "what": str(c.what), "source": c.source, "kind": c.kind, "property": c.about, "was": c.was, "now": c.now,
            "since": c.since.isoformat(), "chance": c.chance, "entities": list(c.entities[:20]), "owner": owner,
            "touches": list(touched), "proposal": self.step(c),
        }  # fmt: skip
        kind = Kind.GUESSED if c.what is What.SIZE else Kind.DERIVED
        return Finding(text=text + ".", kind=kind, cites=c.cites, data=data)

    def mismatch(self, m: Mismatch) -> Finding:
        touched = self._touched(m.entities)
        text = m.text + (f"; it touches {listed(touched)}" if touched else "")
        rested = feeds([m.property])
        text += f"; used for {listed(rested)}" if rested else ""
        data: dict[str, Json] = {
            "what": m.what, "source": m.behind, "ahead": m.ahead, "property": m.property, "since": m.since.isoformat(),
            "entities": [str(e) for e in m.entities], "touches": list(touched), "owner": self._whom(m),
            "proposal": self.ask(m),
        }  # fmt: skip
        return Finding(text=text + ".", kind=Kind.DERIVED, cites=m.cites, data=data)

    def owner(self, c: Changed) -> str | None:
        card = owner_of(self.facts.plant, c.kind, c.about) if c.about and c.kind != "event" else None
        own = self.facts.plant.source(c.source).owner
        return own or (card.owner if card else None)

    def step(self, c: Changed) -> str:
        """What to look at in which mapping, and whom to ask first."""
        whom = self.owner(c) or f"the owner of {c.source}"
        where = f"`lineside sources map {c.source} --propose`"
        name = f"{_spaced(c.kind)} {_spaced(c.about)}".strip()
        match c.what:
            case What.UNKNOWN_CODE | What.RENAMED_CODE:
                known = f" (as {c.was} before)" if c.what is What.RENAMED_CODE else ""
                return (
                    f"Ask {whom} what {c.now!r} means in {name}{known}, and add it to that stream's code table in the "
                    f"mapping of {c.source} ({where})."
                )
            case What.UNIT:
                return (
                    f"Ask {whom} whether {name} is told in {c.now} on purpose; then set the unit in the mapping of "
                    f"{c.source} ({where}), and don't compare its figures before."
                )
            case What.SIZE:
                return f"Ask {whom} whether {name} is told in another unit now; if so set it in the mapping ({where})."
            case What.VANISHED:
                return (
                    f"Ask {whom} why {c.source} tells {name} no more; if it is called otherwise now, map it ({where})."
                )
            case What.APPEARED:
                return f"Ask {whom} what {name} is that {c.source} tells now, and map it if it is wanted ({where})."
            case What.STOPPED:
                return f"Ask {whom} why {c.source} tells {_stream(c)} no more while the rest of it arrives."
            case What.MIX:
                return f"Ask {whom} whether {name} moved on the floor, or only how {c.source} reports it."
            case What.CADENCE:
                return f"Ask {whom} whether {c.source} tells {_stream(c)} in another rhythm on purpose."

    def ask(self, m: Mismatch) -> str:
        """Whom to ask about which interface."""
        through = between(self.known, self.facts.plant, m.ahead, m.behind) if m.ahead else None
        whom = self._whom(m) or f"the owner of {m.behind}"
        names = listed([e.id for e in m.entities], limit=3)
        if m.what == "inspection scope":
            return (
                f"Ask {whom} whether the other scope of inspection of {names} is meant, and whether gates, documents "
                "and the customer's requirements follow it."
            )
        if through is not None:
            return f"Ask {whom}, who owns interface {through.id}, why {m.what} of {names} does not reach {m.behind}."
        ahead = m.ahead or "the floor"
        return f"Ask {whom} to set {m.what} of {names} right in {m.behind}, and who feeds it back from {ahead}."

    def _whom(self, m: Mismatch) -> str | None:
        through = between(self.known, self.facts.plant, m.ahead, m.behind) if m.ahead else None
        if through is not None and through.owner:
            return through.owner
        return self.facts.plant.source(m.behind).owner

    def _touched(self, entities: Iterable[Entity]) -> list[str]:
        """The orders and stock that hang on the first few of these, themselves left out."""
        named: dict[str, None] = {}
        own = {str(e) for e in entities}
        for entity in list(entities)[: self.rules.look.touching]:
            if self.followed >= _MOST_FOLLOWED:
                break
            self.followed += 1
            found = stakes(self.facts, entity)
            named |= {f"{_spaced(e.kind)} {e.id}": None for e, _ in (*found.orders, *found.stock) if str(e) not in own}
        return list(named)


_MOST_FOLLOWED = 20
_SAYS: dict[What, Callable[[Changed], str]] = {
    What.UNKNOWN_CODE: lambda c: f"{c.source} says {c.now!r} of {_name(c)}, a word that no list knows" + _before(c),
    What.RENAMED_CODE: lambda c: f"{c.source} says {c.now!r} of {_name(c)}, and said {c.was!r} for the same before,",
    What.UNIT: lambda c: f"{c.source} tells {_name(c)} in {c.now}, and told it in {c.was} before,",
    What.SIZE: lambda c: f"{c.source} tells {_name(c)} as if in another unit: {c.now}, after {c.was},",
    What.STOPPED: lambda c: f"{c.source} tells {_stream(c)} no more ({c.now}; {c.was} before), and the rest goes on,",
    What.VANISHED: lambda c: f"{c.source} no longer tells {_name(c)} ({c.was} before)",
    What.APPEARED: lambda c: f"{c.source} tells {_name(c)}, which it never did ({c.now}),",
    What.MIX: lambda c: f"{c.source} reports another mix of {_name(c)}: {c.was} before, {c.now}"
    + (f" (chance {c.chance:.2g})" if c.chance is not None else "") + ",",
    What.CADENCE: lambda c: f"{c.source} tells {_stream(c)} in another rhythm: {c.was} before, {c.now}",
}  # fmt: skip


def _before(c: Changed) -> str:
    return f" (before: {c.was})," if c.was else ","


def _name(c: Changed) -> str:
    return f"{_spaced(c.kind)} {_spaced(c.about)}"


def _stream(c: Changed) -> str:
    return f"{_spaced(c.about)} events" if c.kind == "event" else f"{_spaced(c.kind)} reports"


def _plain_ids(entities: Iterable[str]) -> Iterator[str]:
    return (e.partition(":")[2] for e in entities)


def _spaced(name: str) -> str:
    return name.replace("_", " ")
