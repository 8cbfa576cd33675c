"""Two invented plants, and a scribe who writes down what their systems say."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

BAKERY = """
site = "hafenstrasse"
name = "Bäckerei Hafenstraße"
time_zone = "Europe/Berlin"

[[sources]]
name = "wawi"
kind = "erp"
owner = "buchhaltung-1"

[[sources]]
name = "lager"
kind = "wms"
owner = "lager-1"
owns = ["inventory.quantity:lagerbestand", "handling_unit.packed"]

[[sources]]
name = "labor"
kind = "qms"
owner = "qs-1"
owns = ["lot.quality_status", "hold.status"]

[[sources]]
name = "ofen-leit"
kind = "mes"
owner = "backstube-1"

[[cut_offs]]
dock = "hafenstrasse/rampe/tor-2"
departure = "15:00"
cut_off = "14:15"

[[customers]]
id = "K-12"
name = "Kantine Nord"
partial_allowed = true
partial_min_share = 0.8
documents = ["lieferschein"]
"""

SHOP = """
site = "verkstad-7"
name = "Verkstad 7"
time_zone = "Europe/Stockholm"

[[sources]]
name = "monitor"
kind = "erp"
owner = "ekonomi"

[[cut_offs]]
dock = "verkstad-7/lager/port-1"
departure = "16:30"
cut_off = "16:00"

[[customers]]
id = "SANDLINE"
documents = ["3.1"]
"""

FOUNDRY = """
site = "giesserei-nord"
name = "Gießerei Nord"
time_zone = "Europe/Berlin"

[[equipment]]
id = "giesserei-nord/formerei/linie-a"
name = "Linie A"
[[equipment]]
id = "giesserei-nord/formerei/linie-a/former"
name = "Former A"
[[equipment]]
id = "giesserei-nord/formerei/linie-b"
name = "Linie B"

[[shifts]]
name = "früh"
start = "06:00"
end = "14:00"
[[shifts]]
name = "spät"
start = "14:00"
end = "22:00"
[[shifts]]
name = "nacht"
start = "22:00"
end = "06:00"

[[sources]]
name = "leitstand"
kind = "mes"
owner = "meister-1"
cadence_s = 3600
owns = ["equipment.good_count"]
"""

PRESS_HOUSE = """
site = "harrow"
time_zone = "Europe/London"

[[equipment]]
id = "harrow/tablets/press-2"
name = "Press 2"
[[equipment]]
id = "harrow/tablets/press-2/feeder"
name = "Press 2 feeder"
[[equipment]]
id = "harrow/tablets/press-5"
name = "Press 5"

[[shifts]]
name = "early"
start = "06:00"
end = "14:00"
[[shifts]]
name = "late"
start = "14:00"
end = "22:00"

[[roster]]
week = "2026-W09"
early = "amber"
late = "jade"
[[roster]]
week = "2026-W10"
early = "amber"
late = "jade"
[[roster]]
week = "2026-W11"
early = "jade"
late = "amber"
"""


class Scribe:
    """Writes CloudEvents of the open record format, each with an id of its own."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._numbers = count(1)

    def report(self, source: str, at: str, entity: str, scope: str | None = None, **properties: Any) -> str:
        data = {"entity": entity, "properties": properties} | ({"scope": scope} if scope else {})
        return self._add(source, at, "lineside.report", data)

    def event(self, source: str, at: str, kind: str, told: str | None = None, **rest: Any) -> str:
        """told: when the source said it, if later. Subjects stay beside the kind; what is not one is an attribute."""
        beside = ("equipment", "job_order", "lot", "material", "sales_order", "shipment", "hold", "text")
        subjects = {name: rest.pop(name) for name in beside if name in rest}
        attributes = {name.rstrip("_"): value for name, value in rest.items()}
        return self._add(source, at, "lineside.event", {"kind": kind, **subjects, "attributes": attributes}, told)

    def note(self, source: str, at: str, text: str, *, told: str | None = None, **rest: Any) -> str:
        return self._add(source, at, "lineside.note", {"text": text, **rest}, told)

    def decide(self, source: str, at: str, question: str, choice: str, **rest: Any) -> str:
        return self._add(source, at, "lineside.decision", {"question": question, "choice": choice, **rest})

    def correct(self, source: str, at: str, corrects: str, replacement: dict[str, Any] | None = None) -> str:
        data: dict[str, Any] = {"corrects": corrects, "reason": "typed wrongly"}
        return self._add(
            source, at, "lineside.correction", data | ({"replacement": replacement} if replacement else {})
        )

    def delete(self, source: str, at: str, of: str) -> str:
        return self._add(source, at, "lineside.deletion", {"of": of, "reason": "never happened"})

    def _add(self, source: str, at: str, type_: str, data: dict[str, Any], told: str | None = None) -> str:
        name = f"{source}-{next(self._numbers)}"
        event = {"specversion": "1.0", "id": name, "source": source, "type": type_, "time": at, "data": data}
        self.events.append(event | ({"reportedat": told} if told else {}))
        return name


@pytest.fixture
def scribe() -> Scribe:
    return Scribe()


@pytest.fixture
def new_scribe() -> type[Scribe]:
    return Scribe


@pytest.fixture
def bakery() -> str:
    return BAKERY


@pytest.fixture
def shop() -> str:
    return SHOP


@pytest.fixture
def foundry() -> str:
    return FOUNDRY


@pytest.fixture
def press_house() -> str:
    return PRESS_HOUSE
