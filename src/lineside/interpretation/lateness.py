"""Sources that went quiet, told with every reading that rests on them, or that found nothing because of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from lineside.interpretation.reading import Reading
from lineside.interpretation.wording import late_sources
from lineside.memory import Freshness, SourceState, View
from lineside.memory.picked import sources_of
from lineside.plant.entities import Entity


def with_lateness(view: View, reading: Reading) -> Reading:
    """The reading, with a sentence in `missing` for each late or silent source that it relies on and doesn't tell of.

    A reading that found nothing might have found something had all been heard: it relies on every source. One about a
    time that the source still reported on does not.
    """
    quiet = [each for each in view.freshness() if each.state is not SourceState.LIVE and not _before(reading, each)]
    unsaid = [each for each in quiet if not any(_tells(text, each.source) for text in _sentences(reading))]
    if not unsaid:
        return reading
    cites = {c for f in (*reading.findings, *reading.against) for c in f.cites if isinstance(c, str)}
    relied = sources_of(view, cites)
    late = late_sources(view, [each.source for each in unsaid if not cites or each.source in relied])
    return replace(reading, missing=(*reading.missing, *late)) if late else reading


def telling_sources(view: View, entity: Entity, properties: Collection[str]) -> set[str]:
    """Who tells these properties of things of the entity's kind: whose silence may be why nothing is known of it."""
    return {said.source for said in view.said(kind=entity.kind, properties=tuple(properties))}


def _before(reading: Reading, feed: Freshness) -> bool:
    return reading.window is not None and feed.last_heard is not None and reading.window.end <= feed.last_heard


def _sentences(reading: Reading) -> Iterator[str]:
    yield from (reading.verdict, *reading.missing)
    yield from (each.text for each in (*reading.findings, *reading.against))


def _tells(text: str, source: str) -> bool:
    """Whether the sentence names the source and says that it is late or silent."""
    name = rf"(?<![\w-]){re.escape(source)}(?![\w-])"
    return bool(re.search(rf"{name}.*\b(?:late|silent)\b|\b(?:late|silent)\b.*{name}", text))
