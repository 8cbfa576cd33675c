"""From a question after systems to its tool: which can be trusted, who owns what runs between them, what hangs on one,
and what changed in what they send."""

from __future__ import annotations

from collections.abc import Mapping

from lineside.agent.ask import Ask
from lineside.plant.records import Json


def about_systems(ask: Ask) -> tuple[str, Mapping[str, Json]]:
    """The tool and its arguments."""
    systems: list[Json] = [*ask.sources]
    when: dict[str, Json] = {}
    if ask.window and ask.window_said:
        stretch = f"{ask.window.start.isoformat()}/{ask.window.end.isoformat()}"
        when["window"] = ask.window.label or ask.window.shift or stretch
    if systems and "lost" in ask.means:
        return "what_breaks", {"system": systems[0], **when}
    if "drifted" in ask.means:
        return "feed_changes", {**({"system": systems[0]} if systems else {}), **when}
    if "interface" in ask.means or ("care" in ask.means and systems):
        return "interfaces", {"systems": systems}
    return "sources", {}
