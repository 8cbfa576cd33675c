"""Stock on whose quantity systems differed for a reason that does not pass by itself.

What each system said of a quantity is gone through as it was said: from the moment at which the figures of one thing
begin to differ until the one at which they agree again is one spell. A spell is an exception once it has stood for as
long as a difference may, and some movement between the figures, or a rest that none explains, is still to be set right
then, or at any later moment that is as far from the one before. So it does not matter when, or how often, one looks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from lineside.cases.classes import CaseClass
from lineside.cases.episode import Episode
from lineside.cases.look import Look
from lineside.interpretation.differences import bridged, differing_by
from lineside.interpretation.facts import Facts
from lineside.interpretation.past import Past
from lineside.interpretation.steps import Bridge
from lineside.interpretation.stock import Stock
from lineside.interpretation.wording import bounded
from lineside.memory import Statement
from lineside.memory.statements import order_of_statement
from lineside.plant.entities import Entity, EntityKind
from lineside.plant.quantities import plain
from lineside.plant.windows import Window

_REACH = timedelta(days=7)  # what moved so long before the window is in both figures
_BEFORE = timedelta(days=1)  # what is told daily is known by the window's start
_KINDS = (EntityKind.INVENTORY, EntityKind.MATERIAL, EntityKind.LOT)
_OFTEN = timedelta(hours=1)  # how often a spell is looked at where its class gives it no time to pass
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spell:
    """A stretch in which the figures of `about` differed. of: what was gone through to find it, a material or a lot."""

    of: Entity
    about: Entity
    began: datetime
    ended: datetime | None
    turned: tuple[str, ...]  # the records at whose moment the figures came to differ
    settled: tuple[str, ...]

    def moments(self, every: timedelta, now: datetime) -> Iterator[datetime]:
        """When it is looked at: as often from its begin on as it lasts, by now."""
        at = self.began + every
        while at <= now and (self.ended is None or at < self.ended):
            yield at
            at += every


def episodes(look: Look, of: CaseClass) -> list[Episode]:
    """Each spell of the stretch that did not pass by itself."""
    history = _History(look)
    after = of.seconds("after_s")
    share, passing = Decimal(str(of.opens.get("share", 0))), frozenset(of.opens.get("passing", ()))
    past = Past(look.facts, floor=look.window.start - _REACH)

    def odd(spell: _Spell, moment: datetime) -> tuple[Stock, tuple[Bridge, ...]] | None:
        """How it stood then, where that is a difference to set right."""
        stock = history.stock(spell, moment)
        if stock is None or _width(stock) <= share * max(abs(f.value) for f in stock.whole):
            return None
        ((_, bridges),) = bridged(past.as_told_by(moment), [stock])
        real = any(b.rest or any(step.name not in passing for step in b.steps) for b in bridges)
        return (stock, bridges) if real else None

    found = []
    for spell in history.spells(shortest=after):
        seen = (odd(spell, at) for at in spell.moments(after or _OFTEN, look.view.as_of))
        if first := next((each for each in seen if each), None):
            last = spell.ended - _INSTANT if spell.ended else look.view.as_of
            stock, bridges = odd(spell, last) or first
            opening = history.stock(spell, spell.began)
            first_told = (*spell.turned, *(c for f in opening.whole for c in f.cites)) if opening else spell.turned
            now = history.stock(spell, last) or stock
            found.append(_episode(of, spell, now, bridges, opened_by=tuple(dict.fromkeys(first_told))))
    return found


class _History:
    """What was said of the quantities of everything that two systems speak of, as far back as it takes."""

    def __init__(self, look: Look) -> None:
        self.look, self.facts = look, look.facts
        self._said: dict[Entity, list[Statement]] = {}

    def spells(self, *, shortest: timedelta) -> list[_Spell]:
        """The spells that overlap the look's window and lasted so long at least, by now."""
        now = self.look.view.as_of
        recent = self._recent()
        self._said = {thing: said for thing, said in recent.items() if len({s.source for s in said}) > 1}
        unsure = [thing for thing, said in self._said.items() if not self._agreed_at_the_start(thing, said)]
        self._said |= self._whole(unsure)
        found = [spell for thing, said in self._said.items() for spell in _walked(self.facts, thing, said)]
        return [
            spell
            for spell in found
            if self.look.overlaps(spell.began, spell.ended) and (spell.ended or now) - spell.began >= shortest
        ]

    def stock(self, spell: _Spell, moment: datetime) -> Stock | None:
        """The figures as they stood then, where they differed."""
        standing: dict[tuple[object, ...], Statement] = {}
        for said in self._said[spell.of]:
            if said.occurred_at > moment:
                break
            standing[_lane(said)] = said
        stocks = differing_by(self.facts, spell.of, list(standing.values()))
        return next((stock for stock in stocks if stock.about == spell.about), None)

    def _recent(self) -> dict[Entity, list[Statement]]:
        """By material or lot: what was said in the stretch and shortly before, with what stands now, oldest first."""
        reach = Window(start=self.look.window.start - _BEFORE, end=self.look.span.end)
        view, found = self.look.view, defaultdict[Entity, dict[tuple[object, ...], Statement]](dict)
        for kind in _KINDS:
            stands = self.facts.view.said(kind=kind, properties=("quantity",)) if kind != EntityKind.LOT else [
                s for lot in self.facts.having(kind, "quantity") for s in self.facts.words(lot, "quantity")
            ]  # fmt: skip
            for said in (*stands, *view.statements(kind=kind, properties=("quantity",), within=reach)):
                if said.occurred_at <= view.as_of:
                    found[_thing(said.entity)][said.record_id, said.entity] = said
        self.facts.look_up([each for each in found if each.kind == EntityKind.LOT], "material")
        names = self._spelled(found)
        joined = defaultdict[Entity, list[Statement]](list)
        for thing, each in found.items():
            joined[names[thing]] += each.values()
        return {thing: sorted(said, key=order_of_statement) for thing, said in joined.items() if self._compared(thing)}

    def _spelled(self, things: Iterable[Entity]) -> dict[Entity, Entity]:
        """Each material by one spelling, in whatever case its id is written."""
        first: dict[tuple[str, str], Entity] = {}
        return {each: first.setdefault((each.kind, each.id.casefold()), each) for each in sorted(things)}

    def _compared(self, thing: Entity) -> bool:
        """A lot only where its material has no position: one difference is told once."""
        if thing.kind != EntityKind.LOT:
            return True
        material = next((m.id for m, _ in self.facts.linked(thing, "material")), "")
        return not (material and self.facts.positions(material))

    def _agreed_at_the_start(self, thing: Entity, said: Sequence[Statement]) -> bool:
        """Whether all that is told in the stretch had been told shortly before it, and agreed when it began."""
        start = self.look.window.start
        before = {_lane(s): s for s in said if s.occurred_at <= start}
        return before.keys() == {_lane(s) for s in said} and not differing_by(self.facts, thing, list(before.values()))

    def _whole(self, things: Sequence[Entity]) -> dict[Entity, list[Statement]]:
        """Everything that was ever said of them."""
        wanted = {s.entity: thing for thing in things for s in self._said[thing]}
        found: dict[Entity, list[Statement]] = {thing: [] for thing in things}
        for entity, said in self.look.history_of(wanted, "quantity").items():
            found[wanted[entity]] += said
        return {thing: sorted(said, key=order_of_statement) for thing, said in found.items()}


def _walked(facts: Facts, thing: Entity, said: Sequence[Statement]) -> Iterator[_Spell]:
    """The spells of what was said of a thing, each from the moment that made its figures differ."""
    standing: dict[tuple[object, ...], Statement] = {}
    open_now: dict[Entity, tuple[datetime, tuple[str, ...]]] = {}

    def spell(about: Entity, ended: datetime | None, settled: tuple[str, ...]) -> _Spell:
        began, turned = open_now.pop(about)
        return _Spell(of=thing, about=about, began=began, ended=ended, turned=turned, settled=settled)

    for at, together in groupby(said, key=lambda s: s.occurred_at):
        told = list(together)
        same = all((old := standing.get(_lane(s))) is not None and _same(old, s) for s in told)
        standing |= {_lane(s): s for s in told}
        if same:
            continue
        records = tuple(dict.fromkeys(s.record_id for s in told))
        differ = {stock.about: None for stock in differing_by(facts, thing, list(standing.values()))}
        for about in [each for each in open_now if each not in differ]:
            yield spell(about, at, records)
        for about in differ:
            open_now.setdefault(about, (at, records))
    for about in list(open_now):
        yield spell(about, None, ())


def _same(old: Statement, new: Statement) -> bool:
    return (old.value, old.quality) == (new.value, new.quality)


def _lane(said: Statement) -> tuple[object, ...]:
    return said.entity, said.source, said.scope


def _thing(entity: Entity) -> Entity:
    """What a quantity is compared on: the material of a place, else the thing itself."""
    if entity.kind == EntityKind.INVENTORY:
        return Entity(EntityKind.MATERIAL, entity.id.partition("@")[0])
    return entity


def _width(stock: Stock) -> Decimal:
    values = [f.value for f in stock.whole]
    return max(values) - min(values) if values else Decimal(0)


def _episode(
    of: CaseClass, spell: _Spell, stock: Stock, bridges: Sequence[Bridge], *, opened_by: tuple[str, ...]
) -> Episode:
    figures = ", ".join(f"{f.source} {f.amount}" for f in stock.whole)
    unexplained = sum((abs(b.rest) for b in bridges), Decimal(0))
    why = [step.name for b in bridges for step in b.steps]
    why += [f"{plain(unexplained)} {stock.unit} unexplained".replace("  ", " ")] if unexplained else []
    cited = [c for f in stock.whole for c in f.cites] + [c for b in bridges for step in b.steps for c in step.cites]
    return Episode(
        case_class=of.key,
        subject=spell.about,
        title=f"{spell.about.id}: {figures}",
        began=spell.began,
        ended=spell.ended,
        opened_by=bounded(opened_by),
        closed_by=bounded(spell.settled),
        evidence=bounded(dict.fromkeys(cited)),
        reason=", ".join(dict.fromkeys(why)),
        touches=frozenset({spell.about, *([Entity("material", stock.material)] if stock.material else ())}),
        data={"difference": plain(_width(stock)), "unit": stock.unit},
    )
