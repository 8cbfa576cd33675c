"""What the sources say now of the things around a question, read once for each reading."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property, partial
from itertools import islice
from typing import Any, TypeVar

from lineside.interpretation import shared_states
from lineside.interpretation.pack_files import follow
from lineside.interpretation.reading import Finding, Kind, clock
from lineside.interpretation.settled import settled
from lineside.memory import Freshness, SourceState, Statement, View, latest
from lineside.memory.moments import stored
from lineside.plant.entities import ENTITY_KINDS, Entity
from lineside.plant.plant import Plant, SourceCard
from lineside.plant.quantities import Quantity
from lineside.plant.records import Json, Quality, quantity
from lineside.plant.timeline import duration

T = TypeVar("T")
_LOOKED_AT = 20  # of what is left out, whether the reader may know of it
_FEW = 12  # times that one looks for what points at some things, before all that may point is read


class Facts:
    """The latest word of each source on each thing asked for, kept for the length of one reading.

    whole: what is over long since counts as well where all things of a kind are gone through.
    """

    def __init__(self, view: View, *, whole: bool = False) -> None:
        self.view = view
        self.whole = whole
        self.plant: Plant = view.plant
        follow(view.plant)
        self._about: dict[Entity, tuple[Statement, ...]] = {}
        self._pointing: dict[tuple[str, str], dict[str, list[Statement]]] = {}
        self._found: dict[tuple[str, str], dict[str, list[Statement]]] = {}
        self._looks = Counter[tuple[str, str]]()
        self._heard: dict[str, bool] = {}
        self._factors: dict[str, dict[str, tuple[Quantity, Statement]]] = {}
        self._columns: dict[tuple[str, str], dict[Entity, list[Statement]]] = {}
        self._positions: dict[str, list[Statement]] | None = None
        self._looked_up: dict[tuple[Entity, str], list[Statement]] = {}
        self._once: dict[Any, Any] = {}
        self._live: dict[str, dict[Entity, None]] = {}  # in the order of the ids
        self._reached: dict[tuple[str, str], set[Entity]] = {}
        self._over: dict[tuple[str, str], list[Statement]] = {}
        self._parts: dict[tuple[str, str], dict[Entity, list[Entity]]] = {}
        self._owners: dict[tuple[str, str], SourceCard | None] = {}

    @cached_property
    def health(self) -> list[Freshness]:
        """How fresh every source is, in the order of their names."""
        return sorted(self.view.freshness(), key=lambda f: f.source)

    def once(self, make: Callable[[Facts], T]) -> T:
        """What `make` finds, found once for this reading."""
        if make not in self._once:
            self._once[make] = make(self)
        found: T = self._once[make]
        return found

    def live(self, kind: str) -> list[Entity]:
        """Everything of the kind that is not over long since, in the order of the ids; the packs say what is."""
        if kind not in self._live:
            found = self.view.entities(kind) if self.whole or kind not in settled() else self._unsettled(kind)
            self._live[kind] = dict.fromkeys(sorted(found))
        return list(self._live[kind])

    def leaves_out(self, kind: str) -> datetime | None:
        """Before when the things that `live` leaves out were last spoken of; None where it leaves out none."""
        if self.whole or kind not in settled():
            return None
        kept, since = {each.id for each in self.live(kind)}, self.view.as_of - settled().after
        with self.view.read() as connection:
            left = islice((one for one in latest.quiet(connection, kind, stored(since)) if one not in kept), _LOOKED_AT)
            found = list(left)
        return since if any(self.view.knows(Entity(kind, one)) for one in found) else None

    def _unsettled(self, kind: str) -> set[Entity]:
        rule = settled()
        name, leads = rule.over.get(kind, ("", None))[0], rule.follows.get(kind, "")
        parts = leads.removeprefix("<") if leads.startswith("<") else ""
        pointer = "" if parts else leads
        since, says = self.view.as_of - rule.after, partial(rule.says, kind)
        found = {*self.view.unsettled(kind, name, says, since, pointer=pointer, parts=parts)}
        if parts:
            below = self.live(parts)
            found |= {each.parent for each in below if each.parent is not None and each.parent.kind == kind}
            named = self.view.said(entities=below, properties=[kind])
            found |= {Entity(kind, target) for said in named if (target := plain_id(said.value, kind))}
        elif pointer:
            kinds = [pointer] if pointer in ENTITY_KINDS else rule.leading
            words = [word for each in kinds for thing in self.live(each) for word in (thing.id, str(thing))]
            found |= {*self.view.pointing(kind, pointer, words, besides=found)}
        return found

    def load(self, kind: str, *names: str) -> None:
        """These properties of everything of the kind that is not over long since are read at once, for a question that
        goes through all of them."""
        missing = [name for name in names if (kind, name) not in self._columns]
        if missing:
            columns: dict[str, dict[Entity, list[Statement]]] = {name: defaultdict(list) for name in missing}
            for statement in sorted(self._said(kind, missing), key=recency):
                columns[statement.property][statement.entity].append(statement)
            self._columns |= {(kind, name): dict(column) for name, column in columns.items()}

    def _said(self, kind: str, names: list[str]) -> list[Statement]:
        if self.whole or kind not in settled():
            return self.view.said(kind=kind, properties=names)
        return self.view.said(entities=self.live(kind), properties=names)

    def having(self, kind: str, name: str) -> list[Entity]:
        """Everything of the kind, but for what is over long since, that some source states this property of."""
        self.load(kind, name)
        return sorted(self._columns[kind, name])

    def about(self, entity: Entity) -> tuple[Statement, ...]:
        """Each source's latest word on each property of the entity, newest first."""
        if entity not in self._about:
            self._about[entity] = tuple(sorted(self.view.said(entity=entity), key=recency))
        return self._about[entity]

    def fetch(self, entities: Iterable[Entity]) -> None:
        """What `about` tells of these is read at once."""
        missing = {e for e in entities if e not in self._about}
        found: dict[Entity, list[Statement]] = {entity: [] for entity in missing}
        for statement in self.view.said(entities=list(missing)) if missing else ():
            found[statement.entity].append(statement)
        self._about |= {entity: tuple(sorted(said, key=recency)) for entity, said in found.items()}

    def look_up(self, entities: Iterable[Entity], *names: str) -> None:
        """These properties of these things are read at once, over long since or not."""
        missing = sorted({e for e in entities if any((e, name) not in self._looked_up for name in names)})
        self._looked_up |= {(entity, name): [] for entity in missing for name in names}
        said = self.view.said(entities=missing, properties=names) if missing else ()
        for statement in sorted(said, key=recency):
            self._looked_up[statement.entity, statement.property].append(statement)

    def words(self, entity: Entity, name: str) -> list[Statement]:
        """Each source's latest word on one property, newest first; what a source itself calls bad stands last."""
        column = self._columns.get((entity.kind, name))
        if (entity, name) in self._looked_up:
            said: Sequence[Statement] = self._looked_up[entity, name]
        elif column is None or self._is_over(entity):
            said = self.about(entity)
        else:
            said = column.get(entity, ())
        found = [s for s in said if s.property == name and s.value is not None]
        return sorted(found, key=lambda s: s.quality is Quality.BAD)

    def best(self, entity: Entity, name: str) -> Statement | None:
        """The word to go by: that of the datum's owner, else the newest."""
        found = self.words(entity, name)
        if not found:
            return None
        owner = self.owner(entity.kind, name)
        return next((s for s in found if owner and s.source == owner.name), found[0])

    def owner(self, kind: str, name: str) -> SourceCard | None:
        """The source that owns the property."""
        if (kind, name) not in self._owners:
            self._owners[kind, name] = owner_of(self.plant, kind, name)
        return self._owners[kind, name]

    def parts(self, of: Entity, kind: str) -> list[Entity]:
        """The things of the kind that belong to the thing by their ids, as the lines of an order do."""
        key = (of.kind, kind)
        if key not in self._parts:
            self._parts[key] = self._parts_of(self.live(of.kind), kind)
        if of not in self._parts[key] and self._is_over(of):
            self._parts[key][of] = self._parts_of([of], kind)[of]
        return self._parts[key].get(of, [])

    def _parts_of(self, wholes: Sequence[Entity], kind: str) -> dict[Entity, list[Entity]]:
        found: dict[Entity, list[Entity]] = {each: [] for each in wholes}
        for part in self.view.parts(wholes, kind):
            if part.parent in found:
                found[part.parent].append(part)
        return found

    def state(self, entity: Entity, name: str) -> str | None:
        """The shared state that the word to go by means."""
        said = self.best(entity, name)
        return None if said is None else shared_states.state_of(entity.kind, name, said.value)

    def linked(self, entity: Entity, name: str) -> list[tuple[Entity, Statement]]:
        """The things that the entity's property `name` (itself an entity kind) points at, with who says so."""
        return [(Entity(name, target), s) for s in self.words(entity, name) if (target := plain_id(s.value, name))]

    def pointing(self, kind: str, name: str, target: Entity) -> list[Statement]:
        """The statements of things of `kind` whose property `name` points at `target`, in the order of their ids."""
        self.look_towards(kind, name, [target])
        index = self._pointing if (kind, name) in self._pointing else self._found
        found = index[kind, name].get(str(target), [])
        return sorted(found, key=lambda s: (s.entity, recency(s)))

    def look_towards(self, kind: str, name: str, targets: Iterable[Entity]) -> None:
        """What `pointing` tells of these targets is read at once: alone, as long as few were asked for."""
        key, targets = (kind, name), list(targets)
        if key not in self._pointing:
            if self._look_for_few(key, targets):
                return
            self.load(kind, name)
            self._pointing[key] = defaultdict(list)
            self._point(self._pointing[key], name, (s for said in self._columns[key].values() for s in said))
        self._reach(key, targets)

    def _look_for_few(self, key: tuple[str, str], targets: Sequence[Entity]) -> bool:
        """Whether what points at the targets is read without what else there is of the kind."""
        if key in self._columns or self.whole or not all(_has_an_end(key, each) for each in targets):
            return False
        found = self._found.setdefault(key, {})
        new = [each for each in targets if str(each) not in found]
        if not new:
            return True
        self._looks[key] += 1
        if self._looks[key] > _FEW or self._heard_later(key[0]):
            return False
        with self.view.read() as connection:
            words = [word for each in new for word in (each.id, str(each))]
            pointing = [Entity(key[0], each) for each in sorted(latest.pointing(connection, *key, words))]
        here = defaultdict[str, list[Statement]](list)
        self._point(here, key[1], self.view.said(entities=pointing, properties=[key[1]]) if pointing else ())
        found |= {str(each): here[str(each)] for each in new}
        return True

    def _heard_later(self, kind: str) -> bool:
        """Whether things of the kind were spoken of later than is asked about: their last words may be others then."""
        if kind not in self._heard:
            with self.view.read() as connection:
                self._heard[kind] = latest.last_heard(connection, kind) > stored(self.view.as_of)
        return self._heard[kind]

    def _point(self, index: dict[str, list[Statement]], name: str, statements: Iterable[Statement]) -> None:
        for statement in statements:
            for target_text in pointed_at(statement.value, name):
                index[target_text].append(statement)

    def _reach(self, key: tuple[str, str], targets: Iterable[Entity]) -> None:
        """What is over long since and points at the targets is in the index; for all that lives likewise at once.

        What points at something that is never over, such as a machine, is as good as everything, and left out.
        """
        reached = self._reached.setdefault(key, set())
        if self.whole:
            return
        wanted = {t for t in targets if t not in reached and _has_an_end(key, t)}
        if not wanted:
            return
        wanted |= {each for kind in {t.kind for t in wanted if not self._is_over(t)} for each in self.live(kind)}
        reached |= wanted
        words = [word for each in wanted for word in (each.id, str(each))]
        known = {said.entity for said in self._over.get(key, ())}
        found = self.view.pointing(key[0], key[1], words, besides={*self._live[key[0]], *known})
        if found:
            said = self.view.said(entities=found, properties=[key[1]])
            self._over.setdefault(key, []).extend(said)
            self._point(self._pointing[key], key[1], said)

    def _is_over(self, entity: Entity) -> bool:
        """Whether `live` leaves it out."""
        if self.whole or entity.kind not in settled():
            return False
        if entity.kind not in self._live:
            self.live(entity.kind)
        return entity not in self._live[entity.kind]

    def positions(self, material: str) -> list[Statement]:
        """What is said of the material's quantity at its places, in any case of its id."""
        if self._positions is None:
            self._positions = defaultdict(list)
            for statement in self.view.said(kind="inventory", properties=("quantity",)):
                self._positions[statement.entity.id.partition("@")[0].casefold()].append(statement)
        return self._positions.get(material.casefold(), [])

    def stocked(self) -> list[str]:
        """The materials that any source states a position of."""
        self.positions("")
        return sorted({s.entity.id.partition("@")[0] for said in (self._positions or {}).values() for s in said})

    def factors(self, material: str) -> dict[str, Quantity]:
        """What one packaging unit of the material holds."""
        return {name: factor for name, (factor, _) in self.factor_statements(material).items()}

    def factor_statements(self, material: str) -> dict[str, tuple[Quantity, Statement]]:
        """Each packaging unit's factor, with the statement it is from."""
        if material not in self._factors:
            said = self.best(Entity("material", material), "units") if material else None
            self._factors[material] = {} if said is None else {n: (q, said) for n, q in factors_in(said.value)}
        return self._factors[material]


def _has_an_end(key: tuple[str, str], target: Entity) -> bool:
    """Whether what points by this kind and property, and the target, are of those that are over some time."""
    kinds, pointed = settled(), {"subject": "", "lines": "sales_order_line"}.get(key[1], key[1])
    return key[0] in kinds and target.kind in kinds and pointed in ("", target.kind)


def factors_in(value: Json) -> Iterator[tuple[str, Quantity]]:
    """The packaging factors in a material's `units`."""
    if isinstance(value, dict):
        for name, content in value.items():
            factor = quantity(content, "ea")
            if factor is not None and factor.value > 0:
                yield Quantity(Decimal(1), name).unit, factor


def recency(statement: Statement) -> tuple[float, float, str]:
    """Sorts newest first, whatever order the statements arrived in."""
    return (-statement.occurred_at.timestamp(), -statement.reported_at.timestamp(), statement.record_id)


def owner_of(plant: Plant, kind: str, name: str, scope: str | None = None) -> SourceCard | None:
    """The source that the plant file calls the owner of a property, an exact scope before a bare one."""
    wanted = (name, f"{kind}.{name}")
    exact = [c for c in plant.sources for o in c.owns if scope and o in tuple(f"{w}:{scope}" for w in wanted)]
    bare = [c for c in plant.sources for o in c.owns if o in wanted]
    scoped = [c for c in plant.sources for o in c.owns if scope is None and o.partition(":")[0] in wanted]
    return next(iter((*exact, *bare, *scoped)), None)


def plain_id(value: Json, kind: str) -> str | None:
    """The id in a property that names a thing of `kind`, written with or without the kind."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    return (text.removeprefix(f"{kind}:").strip() or None) if text else None


def pointed_at(value: Json, name: str) -> Iterator[str]:
    """The things that a property points at, as kind:id: `subject`, `lines`, and properties named like a kind."""
    if name == "lines" and isinstance(value, list):
        for row in value:
            if isinstance(row, dict) and (line := plain_id(row.get("sales_order_line"), "sales_order_line")):
                yield f"sales_order_line:{line}"
    elif name == "subject" and isinstance(value, str) and ":" in value:
        kind, _, rest = value.partition(":")
        yield f"{kind.strip()}:{rest.strip()}"
    elif target := plain_id(value, name):
        yield f"{name}:{target}"


def moment(value: Json) -> datetime | None:
    """The aware time in a value; None where there is none, or where its zone isn't said."""
    if not isinstance(value, str) or len(value) < 16:
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return found if found.tzinfo else None


def told(statement: Statement, view: View) -> str:
    """The value as people read it: numbers with their unit, times on the plant's clock, words as written."""
    value = statement.value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if when := moment(value):
        return clock(when, view.plant, relative_to=view.as_of)
    if isinstance(value, int | float | dict) and (amount := statement.quantity):
        return str(amount)
    if isinstance(value, list):
        return "; ".join(_row(item) for item in value)
    if isinstance(value, dict):
        return _row(value)
    return statement.text


def _row(item: Json) -> str:
    if isinstance(item, dict):
        amount = quantity(item) if "value" in item else None
        return str(amount) if amount else " ".join(f"{k} {_row(v)}" for k, v in item.items())
    return str(item)


def spoken(statement: Statement, view: View) -> str:
    """`erp says 840 ea (book, 06:00 CST)`."""
    scope = f"{statement.scope}, " if statement.scope else ""
    doubt = "" if statement.quality is Quality.GOOD else f", quality {statement.quality.value}"
    when = clock(statement.occurred_at, view.plant, relative_to=view.as_of)
    return f"{statement.source} says {told(statement, view)} ({scope}{when}{doubt})"


def doubts(facts: Facts, statements: Iterable[Statement]) -> tuple[Finding, ...]:
    """One finding for each source among the statements that is late or silent."""
    used: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        used[statement.source].append(statement)
    if not used:
        return ()
    findings = []
    view = facts.view
    for health in facts.health:
        if health.state is SourceState.LIVE or health.source not in used:
            continue
        newest = min(used[health.source], key=recency)
        heard = health.last_heard
        since = "" if heard is None else f": last heard {clock(heard, view.plant, relative_to=view.as_of)}"
        age = "" if heard is None else f", {duration((view.as_of - heard).total_seconds())} ago"
        findings.append(
            Finding(
                text=f"{health.source} is {health.state!s}{since}{age}; what it says may be out of date.",
                kind=Kind.DERIVED,
                cites=(newest.record_id,),
                data={"source": health.source, "state": str(health.state)},
            )
        )
    return tuple(findings)
