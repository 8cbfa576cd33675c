"""What is known of each Sparkplug edge: its session, the order of its messages, and what its aliases stand for. No I/O.

A message leaves here with its names filled in, so that it can be understood without what is kept here. One that is out
of order waits for what is missing; one that came before the birth that explains it waits for that birth. Both wait for
a short time and in small numbers only.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from lineside.connector import Gap
from lineside.plant.records import Json
from lineside_ingest.mqtt.session import Arrival
from lineside_ingest.mqtt.sparkplug_wire import Payload, decode

NAMESPACE = "spBv1.0"
MOST_EDGES, MOST_HELD = 5000, 200
LONGEST_DOUBLING = 6
_EDGE_TYPES = {"NBIRTH", "NDEATH", "NDATA"}
_DEVICE_TYPES = {"DBIRTH", "DDEATH", "DDATA"}
_ASIDE = {"NCMD", "DCMD", "STATE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """`spBv1.0/group/type/edge[/device]`. device: empty for the edge itself."""

    group: str
    type: str
    edge: str
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message whose turn it is, its names filled in. content: see `_content`."""

    arrival: Arrival
    content: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    arrival: Arrival
    topic: Topic
    payload: Payload


@dataclass(slots=True)
class _Birth:
    names: Mapping[int, str]
    units: Mapping[str, str]
    metrics: tuple[str, ...]

    @property
    def digest(self) -> str:
        said = [sorted(self.names.items()), sorted(self.units.items())]
        return sha256(json.dumps(said).encode()).hexdigest()[:12]


@dataclass(slots=True)
class _Edge:
    group: str
    name: str
    bd_seq: int | None = None
    next: int | None = None
    heard: datetime | None = None
    alive: bool = True
    before: dict[str, str] = field(default_factory=dict)  # digests of the births that the checkpoint knew
    births: dict[str, _Birth] = field(default_factory=dict)
    waiting: dict[int, _Item] = field(default_factory=dict)  # out of order
    orphans: list[_Item] = field(default_factory=list)  # before their birth
    waits_since: datetime | None = None  # since when any is out of order
    orphans_since: datetime | None = None
    recent: deque[tuple[int | None, str]] = field(default_factory=lambda: deque(maxlen=64))
    wants_rebirth: bool = False
    asked: datetime | None = None
    tries: int = 0


def read_topic(topic: str) -> Topic:
    """Raises ValueError where it is none of Sparkplug's."""
    levels = topic.split("/")
    if levels[0] == NAMESPACE and len(levels) >= 3 and "" not in levels:
        if levels[1] == "STATE" or levels[2] in _ASIDE:
            return Topic(group="", type="STATE" if levels[1] == "STATE" else levels[2], edge="")
        if len(levels) == 4 and levels[2] in _EDGE_TYPES:
            return Topic(group=levels[1], type=levels[2], edge=levels[3])
        if len(levels) == 5 and levels[2] in _DEVICE_TYPES:
            return Topic(group=levels[1], type=levels[2], edge=levels[3], device=levels[4])
    raise ValueError(f"{topic!r} is no topic of Sparkplug B")


class Edges:
    """All edges of one stream. state: what `to_json` said before. Times are aware."""

    def __init__(self, state: Json, *, reorder_s: float, rebirth_every_s: float) -> None:
        self._reorder = timedelta(seconds=reorder_s)
        self._every = timedelta(seconds=rebirth_every_s)
        self._edges: dict[tuple[str, str], _Edge] = {}
        self.gaps: list[Gap] = []
        self.epochs: list[str] = []
        for each in state if isinstance(state, list) else []:
            if isinstance(each, dict):
                edge = _restored(each)
                self._edges[edge.group, edge.name] = edge

    def heard(self, arrival: Arrival) -> Iterator[Told]:
        """Every message whose turn it is now that this one came. Raises ValueError for what is no message of an edge.

        `gaps` and `epochs` grow by what was found out meanwhile.
        """
        topic = read_topic(arrival.topic)
        if topic.type in _ASIDE:
            yield Told(arrival=arrival, content={"type": topic.type, "metrics": []})
            return
        item = _Item(arrival=arrival, topic=topic, payload=decode(arrival.payload))
        edge = self._edges.get((topic.group, topic.edge))
        if edge is None:
            if len(self._edges) >= MOST_EDGES:
                raise ValueError(f"it is from more edges than {MOST_EDGES}")
            edge = self._edges[topic.group, topic.edge] = _Edge(topic.group, topic.edge)
        match topic.type:
            case "NBIRTH":
                yield from self._born(edge, item)
            case "NDEATH":
                yield from self._died(edge, item)
            case _:
                yield from self._in_turn(edge, item)

    def waited(self, now: datetime) -> Iterator[Told]:
        """What has waited long enough for what did not come. What was out of order may go on to wait for its birth."""
        for edge in list(self._edges.values()):
            if edge.orphans_since is not None and now - edge.orphans_since >= self._reorder:
                yield from self._release_orphans(edge, None, {})
            if edge.waits_since is not None and now - edge.waits_since >= self._reorder:
                yield from self._give_up(edge, now)

    def rebirths(self, now: datetime, *, most: int) -> list[tuple[str, str]]:
        """(group, edge) of those to be asked for their births now: each seldom, and ever more seldom."""
        due: list[tuple[str, str]] = []
        for edge in self._edges.values():
            pause = self._every * 2 ** min(max(edge.tries - 1, 0), LONGEST_DOUBLING)
            if edge.wants_rebirth and len(due) < most and (edge.asked is None or now - edge.asked >= pause):
                edge.asked, edge.tries = now, edge.tries + 1
                due.append((edge.group, edge.name))
        return due

    @property
    def waiting(self) -> bool:
        """Whether any message waits here."""
        return any(edge.waiting or edge.orphans for edge in self._edges.values())

    def silent(self) -> list[str]:
        """The edges that said that they are gone, or whose broker said so."""
        return sorted(f"{edge.group}/{edge.name}" for edge in self._edges.values() if not edge.alive)

    def to_json(self) -> Json:
        """What a restart needs: each edge's session and place, and digests of what its aliases stood for."""
        return [
            {
                "group": edge.group,
                "edge": edge.name,
                "bd_seq": edge.bd_seq,
                "next": edge.next,
                "alive": edge.alive,
                "heard": None if edge.heard is None else edge.heard.isoformat(),
                "births": {**edge.before, **{device: birth.digest for device, birth in edge.births.items()}},
            }
            for edge in self._edges.values()
        ]

    def _born(self, edge: _Edge, item: _Item) -> Iterator[Told]:
        now, bd_seq = item.arrival.at, item.payload.of("bdSeq")
        session = bd_seq if isinstance(bd_seq, int) else None
        began = not edge.alive or edge.heard is None or session != edge.bd_seq
        if edge.waiting:
            self._gap(edge, now, "messages before its birth never came")
        if began and edge.heard is not None:
            self.epochs.append(f"{edge.group}/{edge.name} began a new session")
            self._gap(edge, now, "it was away")
        birth = _birth(item.payload)
        resolved = {"": birth} if edge.before.get("") == birth.digest and not began else {}
        yield from self._release_waiting(edge, item.arrival.at)
        yield from self._release_orphans(edge, "", resolved)
        edge.births, edge.bd_seq, edge.alive = {"": birth}, session, True
        if began:
            edge.before = {}
        edge.next = ((item.payload.seq or 0) + 1) % 256
        edge.wants_rebirth, edge.tries = False, 0
        edge.recent.clear()
        yield self._told(edge, item, began=began)

    def _died(self, edge: _Edge, item: _Item) -> Iterator[Told]:
        bd_seq = item.payload.of("bdSeq")
        if isinstance(bd_seq, int) and edge.bd_seq is not None and _is_earlier(bd_seq, edge.bd_seq):
            yield Told(arrival=item.arrival, content={**_head(item), "stale": True, "metrics": []})
            return
        yield from self._release_waiting(edge, item.arrival.at)
        yield from self._release_orphans(edge, None, {})
        lost: list[Json] = [
            {"device": device, "name": name} for device, birth in edge.births.items() for name in birth.metrics
        ]
        edge.alive, edge.next, edge.wants_rebirth = False, None, False
        edge.births = {}
        edge.heard = item.arrival.at
        yield Told(arrival=item.arrival, content={**_head(item), "lost": lost, "metrics": []})

    def _in_turn(self, edge: _Edge, item: _Item) -> Iterator[Told]:
        seq = item.payload.seq
        mark = (seq, sha256(item.arrival.payload).hexdigest())
        if mark in edge.recent or seq is None:  # a duplicate, which its id tells; or an edge that does not count
            yield from self._explain(edge, item, item.arrival.at)
            return
        if "" not in edge.births:  # asked for before anything waits for its turn, so that it comes in time
            edge.wants_rebirth = True
        if edge.next is None:
            edge.next = seq
        if seq in edge.waiting:  # a whole round of numbers went by
            yield from self._give_up(edge, item.arrival.at)
        if seq != edge.next:
            edge.waiting[seq] = item
            edge.waits_since = edge.waits_since or item.arrival.at
            if len(edge.waiting) + len(edge.orphans) > MOST_HELD:
                yield from self._release_orphans(edge, None, {})
                yield from self._give_up(edge, item.arrival.at)
            return
        yield from self._take(edge, item, item.arrival.at)
        while edge.next in edge.waiting:
            yield from self._take(edge, edge.waiting.pop(edge.next), item.arrival.at)
        if not edge.waiting:
            edge.waits_since = None

    def _take(self, edge: _Edge, item: _Item, now: datetime) -> Iterator[Told]:
        """The message's turn: the count goes on after it."""
        seq = item.payload.seq
        if seq is not None:
            edge.recent.append((seq, sha256(item.arrival.payload).hexdigest()))
            edge.next = (seq + 1) % 256
        yield from self._explain(edge, item, now)

    def _explain(self, edge: _Edge, item: _Item, now: datetime) -> Iterator[Told]:
        """The message is told, or waits from `now` on for the birth that explains it."""
        topic, payload = item.topic, item.payload
        if topic.type == "DBIRTH":
            birth = _birth(payload)
            same = edge.before.get(topic.device) == birth.digest
            yield from self._release_orphans(edge, topic.device, {topic.device: birth} if same else {})
            began = topic.device not in edge.births
            edge.births[topic.device] = birth
            if "" not in edge.births:
                edge.wants_rebirth = True
            yield self._told(edge, item, began=began)
        elif topic.type == "DDEATH":
            gone = edge.births.pop(topic.device, None)
            edge.before.pop(topic.device, None)
            lost: list[Json] = [{"device": topic.device, "name": name} for name in (gone.metrics if gone else ())]
            edge.heard = item.arrival.at
            yield Told(arrival=item.arrival, content={**_head(item), "lost": lost, "metrics": []})
        elif topic.device in edge.births and _explained(payload, edge.births[topic.device]):
            yield self._told(edge, item)
        else:
            edge.wants_rebirth = True
            edge.orphans.append(item)
            edge.orphans_since = edge.orphans_since or now
            edge.heard = item.arrival.at
            if len(edge.waiting) + len(edge.orphans) > MOST_HELD:
                yield from self._release_orphans(edge, None, {})

    def _give_up(self, edge: _Edge, now: datetime) -> Iterator[Told]:
        """What was missing is a gap, and the edge is asked for its births; what waited for it has its turn."""
        self._gap(edge, now, f"messages from number {edge.next} on never came")
        edge.wants_rebirth = True
        yield from self._release_waiting(edge, now)

    def _release_waiting(self, edge: _Edge, now: datetime) -> Iterator[Told]:
        start = edge.next or 0
        items = [edge.waiting[seq] for seq in sorted(edge.waiting, key=lambda seq: (seq - start) % 256)]
        edge.waiting.clear()
        edge.waits_since = None
        for item in items:
            yield from self._take(edge, item, now)

    def _release_orphans(self, edge: _Edge, device: str | None, births: Mapping[str, _Birth]) -> Iterator[Told]:
        """Those of one device, or all: explained where the birth is the one that was known before, else as they are."""
        mine = [item for item in edge.orphans if device is None or item.topic.device == device]
        edge.orphans = [item for item in edge.orphans if device is not None and item.topic.device != device]
        for item in mine:
            yield self._told(edge, item, birth=births.get(item.topic.device))
        edge.orphans_since = edge.orphans_since if edge.orphans else None

    def _told(self, edge: _Edge, item: _Item, *, began: bool = False, birth: _Birth | None = None) -> Told:
        edge.heard = item.arrival.at
        known = birth or edge.births.get(item.topic.device)
        metrics = [_named(metric, known) for metric in item.payload.metrics]
        return Told(arrival=item.arrival, content={**_head(item), "began": began, "metrics": metrics})

    def _gap(self, edge: _Edge, until: datetime, reason: str) -> None:
        since = edge.heard or edge.waits_since
        if since is not None and since < until:
            self.gaps.append(Gap(since=since, until=until, reason=f"{edge.group}/{edge.name}: {reason}"))


def _is_earlier(bd_seq: int, present: int) -> bool:
    """Whether the session ended before the present one began; they are counted to 255 and then from 0.

    A later one's death counts: its birth was lost, or the edge is one ahead when it takes its leave, as
    pysparkplug is. One that is wrongly held for dead is born again with its next message.
    """
    return 0 < (present - bd_seq) % 256 < 128


def _head(item: _Item) -> dict[str, Json]:
    topic, payload = item.topic, item.payload
    return {
        "type": topic.type,
        "group": topic.group,
        "edge": topic.edge,
        "device": topic.device,
        "at": None if payload.at is None else payload.at.isoformat(),
        "seq": payload.seq,
    }


def _named(metric: Any, birth: _Birth | None) -> Json:
    """The metric as it is kept; without a name where no birth that counts explains its alias."""
    name = metric.name
    if metric.alias is not None and (not name or name.startswith("/")):
        head = birth.names.get(metric.alias) if birth else None
        name = head + name if head else ""
    said: dict[str, Json] = {"name": name, "value": metric.value}
    if metric.at is not None:
        said["at"] = metric.at.isoformat()
    if unit := metric.unit or (birth.units.get(name, "") if birth else ""):
        said["unit"] = unit
    if metric.quality is not None:
        said["quality"] = metric.quality
    if metric.historical:
        said["historical"] = True
    if not name:
        said["alias"] = metric.alias
    return said


def _birth(payload: Payload) -> _Birth:
    named = [metric for metric in payload.metrics if metric.name]
    units = {metric.name: metric.unit for metric in named if metric.unit}
    return _Birth(names=payload.names, units=units, metrics=tuple(metric.name for metric in named))


def _explained(payload: Payload, birth: _Birth) -> bool:
    return all(
        (metric.name and not metric.name.startswith("/")) or metric.alias in birth.names for metric in payload.metrics
    )


def _restored(said: Mapping[str, Json]) -> _Edge:
    edge = _Edge(str(said.get("group")), str(said.get("edge")))
    match said.get("bd_seq"), said.get("next"), said.get("heard"), said.get("births"):
        case (int() | None as bd_seq, int() | None as following, str() | None as heard, dict() as births):
            edge.bd_seq, edge.next = bd_seq, following
            edge.heard = None if heard is None else datetime.fromisoformat(heard)
            edge.before = {device: str(digest) for device, digest in births.items()}
    edge.alive = said.get("alive") is not False
    return edge
