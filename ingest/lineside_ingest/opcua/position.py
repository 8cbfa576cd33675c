"""What a checkpoint holds: which server was heard when, each node's last value, the alarms that stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lineside.connector import Checkpoint, SourceMessage
from lineside.plant.records import Json


class Position:
    """Where reading stands, so that a new session does not send again what was sent, and knows what it missed."""

    def __init__(self, checkpoint: Checkpoint | None, *, since: datetime | None = None) -> None:
        said = checkpoint or {}
        heard = said.get("heard")
        self.heard = datetime.fromisoformat(heard) if isinstance(heard, str) else since
        self.first = not isinstance(heard, str)  # what was before we first listened is no gap
        self.epoch = _table(said.get("epoch"))
        self.alarms = _table(said.get("alarms"))
        self.parts = _table(said.get("parts"))
        self._nodes = _table(said.get("nodes"))
        self._kinds = _table(said.get("kinds"))

    def forget(self) -> None:
        """Another server answers: nothing that was known of the old one holds."""
        self.heard, self.alarms, self.parts, self._nodes, self._kinds = None, {}, {}, {}, {}

    def news(self, node: str, message: SourceMessage) -> bool:
        """Whether the value is another than the node's last one; from now on it is the last."""
        at = (message.occurred_at or message.reported_at or message.received_at).isoformat()
        mark: Json = [at, message.source_id.rpartition("~")[2]]
        if self._nodes.get(node) == mark:
            return False
        self._nodes[node] = mark
        return True

    def last(self, node: str) -> datetime | None:
        match self._nodes.get(node):
            case [str(at), _]:
                return datetime.fromisoformat(at)
        return None

    def kind(self, node: str, kind: str) -> str:
        """What kind the node's values were from the first on; empty where it is as it was."""
        if not kind:
            return ""
        was = str(self._kinds.setdefault(node, kind))
        return was if was != kind else ""

    def keep_only(self, nodes: Iterable[str], entities: Iterable[str]) -> None:
        """What is no longer read is forgotten, so that a checkpoint does not grow for ever. Parts are of a node, or of
        an entity: `equipment:press#state`."""
        wanted, about = set(nodes), set(entities)
        for table in (self._nodes, self._kinds, self.parts):
            for gone in table.keys() - wanted:
                if gone.rpartition("#")[0] not in about:
                    del table[gone]

    def to_json(self) -> Checkpoint:
        return {
            "heard": None if self.heard is None else self.heard.isoformat(),
            "epoch": dict(self.epoch),
            "nodes": dict(self._nodes),
            "kinds": dict(self._kinds),
            "alarms": dict(self.alarms),
            "parts": dict(self.parts),
        }


def _table(value: Json | object) -> dict[str, Json]:
    return dict(value) if isinstance(value, dict) else {}
