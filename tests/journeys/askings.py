"""What may be asked of every tool of interpretation, with arguments chosen from what a memory holds, and its answer in
a form that two memories can be compared by."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any, get_args

from lineside.agent.tools import TOOLS, Context, Tool
from lineside.errors import BadRequest
from lineside.interpretation.reading import Cite, Finding, PlantFact
from lineside.memory import Memory, View
from lineside.plant.entities import Entity
from lineside.plant.windows import Window

# Exceptions being worked are read from their own ledger, which the engine fills: they have tests of their own.
_OF_LEDGER = ("cases", "exception_kpis")
READS = sorted(tool.name for tool in TOOLS.values() if tool.reads and tool.name not in _OF_LEDGER)
BACK = ("last night", "previous shift", "since 06:00", "yesterday", "today", "the last 7 days", "this shift")
AHEAD = ("tomorrow", "tonight", "next shift", "today")
LOOKING_AHEAD = ("dock_surprises", "production_risk", "material_readiness", "what_breaks")
KINDS = ("job_order", "lot", "sales_order_line", "sales_order", "shipment", "equipment", "material", "hold",
         "inspection", "maintenance_order", "purchase_order_line")  # fmt: skip
EVENTS = ("stop", "start", "alarm", "scrap", "hold_placed", "changeover_start", "count")


@dataclass(frozen=True, eq=False)
class Asking:
    """One call of a tool."""

    tool: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.tool}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


class Choices:
    """The values that fit a tool's arguments in a plant as it is at one moment: what is busy then, by name."""

    def __init__(self, view: View, rng: random.Random) -> None:
        self.view, self.rng = view, rng

    @cached_property
    def _busy(self) -> list[Entity]:
        """What the last day's records are about, the busiest first."""
        day = Window(start=self.view.as_of - timedelta(days=1), end=self.view.as_of, label="a day")
        said = Counter(s.entity for s in self.view.statements(within=day))
        said.update(entity for event in self.view.events(within=day) for entity in event.entities())
        return [entity for entity, _ in sorted(said.items(), key=lambda pair: (-pair[1], pair[0]))]

    def one(self, *kinds: str) -> str:
        found = [e for e in self._busy if e.kind in kinds] or [e for k in kinds for e in self.view.entities(k)]
        return str(self.rng.choice(found[:12]))

    def id(self, kind: str) -> str:
        return self.one(kind).removeprefix(f"{kind}:")

    @cached_property
    def places(self) -> list[str]:
        return [each.id for each in self.view.plant.equipment if "/dock" not in each.id]

    @cached_property
    def lines(self) -> list[str]:
        below = {path.rpartition("/")[0] for path in self.places}
        return sorted(below & set(self.places)) or self.places

    def reason(self) -> str:
        stops = self.view.events(kinds=["stop"], newest_first=True, limit=200)
        found = Counter(str(e.attributes["reason"]) for e in stops if e.attributes.get("reason"))
        return self.rng.choice([reason for reason, _ in found.most_common(4)])

    def of(self, tool: Tool, name: str) -> Any:
        """A value for this argument of the tool."""
        if words := self._words(tool, name):
            return self.rng.choice(words)
        assert name in _VALUES, f"say here what {tool.name}'s argument {name!r} may be, so that it is tested, too"
        value = _VALUES[name]
        found = value(self, tool) if callable(value) else value
        return self.rng.choice(found) if isinstance(found, tuple) else found

    def knows(self, tool: Tool, name: str) -> bool:
        """Whether a value for it can be found."""
        return name in _VALUES or bool(self._words(tool, name))

    def _words(self, tool: Tool, name: str) -> list[str]:
        """The words that it may only be one of."""
        annotation = tool.parameters.model_fields[name].annotation
        return [w for each in (annotation, *get_args(annotation)) for w in get_args(each) if isinstance(w, str)]


_FITTING: Mapping[str, tuple[str, ...]] = {
    "stock": ("material", "lot"),
    "last_count": ("material", "lot"),
    "revisions": ("material",),
    "readiness": ("sales_order_line", "sales_order", "shipment", "job_order"),
    "state": KINDS,
    "lookup": KINDS,
}


# By the arguments' names: a value, some to choose from, or how one is found.
_VALUES: Mapping[str, Any] = {
    "at": lambda c, _: tuple(f"{cut.departure:%H:%M}" for cut in c.view.plant.cut_offs),
    "before": lambda c, _: c.id("job_order"),
    "by": lambda c, tool: tuple(p.id for p in c.view.plant.people) if tool.name == "decided" else ("due", "age"),
    "but_not": ("complete", "shippable"),
    "carrier": lambda c, _: tuple(sorted({s.text for s in c.view.said(kind="shipment", properties=("carrier",))})),
    "dock": lambda c, _: tuple(cut.dock for cut in c.view.plant.cut_offs),
    "due": ("tomorrow noon", "18:00", "3 hours"),
    "entity": lambda c, tool: c.one(*_FITTING.get(tool.name, (c.rng.choice(KINDS),))),
    "equipment": lambda c, _: c.rng.choice(c.lines if c.rng.random() < 0.7 else c.places),
    "every": (True, False),
    "first": lambda c, _: c.id("job_order"),
    "group_by": ("reason", "equipment", "line", "shift", "crew", "day", "material", "source"),
    "highest": (True, False),
    "history": (True, False),
    "job_order": lambda c, _: c.id("job_order"),
    "kind": ("stop", "slow", "alarm"),
    "kinds": lambda c, tool: c.rng.sample(KINDS[:6] if tool.name == "by_state" else EVENTS, 2),
    "late": (True, False),
    "level": None,
    "location": lambda c, _: c.id("inventory").partition("@")[2],
    "lot": lambda c, _: c.id("lot"),
    "material": lambda c, _: c.id("material"),
    "measures": lambda c, _: c.rng.sample(["oee", "availability", "scrap_ratio", "mtbf", "throughput_rate"], 2),
    "minutes": (45.0, 120.0),
    "properties": lambda c, _: c.rng.sample(["status", "promised_at", "eta", "revision", "quantity"], 3),
    "quantity": (500.0, 6000.0),
    "reason": lambda c, _: c.reason(),
    "save": lambda c, _: c.one("sales_order_line", "sales_order", "job_order"),
    "shipment": lambda c, _: c.id("shipment"),
    "since": "14:00",
    "state": ("ready", "blocked", "in_progress", "complete", "released", "shippable"),
    "states_only": (True, False),
    "subject": ("stop", "slow", "downtime", "scrap", "job_order", "note", "hold", "lot.quality_status"),
    "system": lambda c, _: tuple(card.name for card in c.view.plant.sources),
    "systems": lambda c, _: c.rng.sample([card.name for card in c.view.plant.sources], 2),
    "text": lambda c, _: (c.reason(), "resin shortage", "hold", "label", "carrier late"),
    "unit": "ea",
    "until": ("tomorrow noon", "18:00", "3 hours"),
    "where": {},
    "window": lambda _, tool: AHEAD if tool.name in LOOKING_AHEAD else BACK,
}


def askings(view: View, *, seed: int, each: int = 1, plain: bool = True, tools: Iterable[str] = READS) -> list[Asking]:
    """`each` calls of every tool: the first as plain as it can be if `plain`, more with some of the other arguments."""
    found: list[Asking] = []
    for name in tools:
        rng = random.Random(f"{seed} {name}")
        choices, tool = Choices(view, rng), TOOLS[name]
        for number in range(each):
            wanted = [
                field for field, about in tool.parameters.model_fields.items()
                if about.is_required() or ((number or not plain) and choices.knows(tool, field) and rng.random() < 0.5)
            ]  # fmt: skip
            asking = Asking(name, {field: choices.of(tool, field) for field in wanted})
            if str(asking) not in map(str, found):
                found.append(asking)
    return found


@dataclass(frozen=True)
class Told:
    """A reading as it can be compared: what stands in it, sentence by sentence, each with what it cites."""

    verdict: str
    findings: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    against: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    missing: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()

    def bare(self) -> Told:
        """The same, sentence by sentence, without what each cites."""
        findings, against = (tuple((t, k, ()) for t, k, _ in each) for each in (self.findings, self.against))
        return replace(self, findings=findings, against=against)

    def sentences(self) -> list[str]:
        told = [text for text, _, _ in (*self.findings, *self.against)]
        return [self.verdict, *told, *self.missing, *self.next_steps]

    def cites(self) -> set[str]:
        return {cite for _, _, cites in (*self.findings, *self.against) for cite in cites}

    def differences(self, other: Told) -> list[str]:
        """What only one of them holds: `-` only this one, `+` only the other."""
        mine, others = self.lines(), other.lines()
        gone, new = Counter(mine) - Counter(others), Counter(others) - Counter(mine)
        found = [f"- {line}" for line in mine if line in gone] + [f"+ {line}" for line in others if line in new]
        return found or (["the same in another order"] if mine != others else [])

    def lines(self) -> list[str]:
        return [
            f"verdict: {self.verdict}",
            *(f"{kind}: {text} {list(cites)}" for text, kind, cites in self.findings),
            *(f"against, {kind}: {text} {list(cites)}" for text, kind, cites in self.against),
            *(f"missing: {text}" for text in self.missing),
            *(f"next: {text}" for text in self.next_steps),
        ]


def ask(memory: Memory, view: View, asking: Asking) -> Told:
    """What the tool tells; a refusal is a verdict, too."""
    context = Context(memory=memory, view=view, asked="", person=view.plant.people[0])
    try:
        reading = TOOLS[asking.tool].call(context, asking.arguments)
    except BadRequest as refused:
        return Told(f"refused: {refused.message}")
    return Told(
        verdict=reading.verdict,
        findings=_told(reading.findings),
        against=_told(reading.against),
        missing=reading.missing,
        next_steps=reading.next_steps,
    )


def _told(findings: Sequence[Finding]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple((each.text, each.kind.value, tuple(sorted(set(map(_cited, each.cites))))) for each in findings)


def _cited(cite: Cite) -> str:
    return f"plant {cite.key}" if isinstance(cite, PlantFact) else cite
