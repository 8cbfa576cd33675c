"""What a connector of a broker must know after a restart, as a checkpoint holds it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from lineside.connector import Checkpoint, Gap
from lineside.plant.records import Json
from lineside_ingest.mqtt.session import Arrival
from lineside_ingest.mqtt.sparkplug_edges import Edges

MOST_SEQUENCES = 10_000


class Position:
    """heard: when the broker was last heard. filters: what the session is subscribed to. lossy: the streams on which
    messages come that nobody repeats. edges: each Sparkplug stream's."""

    def __init__(self, checkpoint: Checkpoint | None, *, reorder_s: float, rebirth_every_s: float) -> None:
        said = checkpoint or {}
        heard, count = said.get("heard"), said.get("count")
        self.heard = datetime.fromisoformat(heard) if isinstance(heard, str) else None
        self.filters = _texts(said.get("filters"))
        self.lossy = set(_texts(said.get("lossy")))
        self._known = set(_texts(said.get("unconfirmed")))
        self._count = count if isinstance(count, int) else 0
        sequences, edges = said.get("sequences"), said.get("edges")
        self._sequences: dict[str, Json] = dict(sequences) if isinstance(sequences, dict) else {}
        self._edges = {
            name: Edges(state, reorder_s=reorder_s, rebirth_every_s=rebirth_every_s)
            for name, state in (edges.items() if isinstance(edges, dict) else ())
        }
        self._waits = {"reorder_s": reorder_s, "rebirth_every_s": rebirth_every_s}

    def count(self) -> int:
        """The next number, never given before."""
        self._count += 1
        return self._count

    def edges(self, stream: str) -> Edges:
        if stream not in self._edges:
            self._edges[stream] = Edges(None, **self._waits)
        return self._edges[stream]

    def every_edges(self) -> Iterable[tuple[str, Edges]]:
        return self._edges.items()

    @property
    def waiting(self) -> bool:
        """Whether messages of edges wait for their turn."""
        return any(edges.waiting for edges in self._edges.values())

    def forget_session(self) -> None:
        """The broker began a new session: it counts its packets anew, and nothing is subscribed to."""
        self.forget_repetitions()
        self.filters = []

    def forget_repetitions(self) -> None:
        """The broker has sent again all that it had to: from now on a packet's number is a new message's."""
        self._known.clear()

    def kept_already(self, arrival: Arrival) -> bool:
        """Whether this is the repetition of a message that was kept, but whose acknowledgement did not get through."""
        return arrival.again and _fingerprint(arrival) in self._known

    def missed(self, topic: str, number: int, at: datetime) -> Gap | None:
        """The gap before the publisher's own `number`; from now on it is the topic's last."""
        before = self._sequences.pop(topic, None)
        self._sequences[topic] = [number, at.isoformat()]
        if len(self._sequences) > MOST_SEQUENCES:
            del self._sequences[next(iter(self._sequences))]
        match before:
            case [int(last), str(then)] if number > last + 1 and (since := datetime.fromisoformat(then)) < at:
                return Gap(
                    since=since, until=at, reason=f"{topic}: {number - last - 1} messages after {last} never came"
                )
        return None

    def to_json(self, unconfirmed: Iterable[Arrival]) -> Checkpoint:
        """unconfirmed: what is kept with this checkpoint, but may be sent again."""
        again: list[Json] = [*self._known, *(_fingerprint(each) for each in unconfirmed if each.packet)]
        return {
            "heard": None if self.heard is None else self.heard.isoformat(),
            "count": self._count,
            "filters": list(self.filters),
            "lossy": list[Json](sorted(self.lossy)),
            "unconfirmed": again,
            "sequences": dict(self._sequences),
            "edges": {name: edges.to_json() for name, edges in self._edges.items()},
        }


def _fingerprint(arrival: Arrival) -> str:
    """A broker repeats a message of a session under the number that it had; the digest tells a number used anew."""
    digest = sha256(arrival.topic.encode() + b"\0" + arrival.payload).hexdigest()
    return f"{arrival.packet}:{digest[:12]}"


def _texts(value: Json) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
