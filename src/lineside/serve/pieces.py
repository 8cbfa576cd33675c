"""A text in pieces, each with what it was read as: how every face marks the words that a value comes from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from lineside.agent.captured import Proposed


def pieces(found: Proposed) -> Iterator[tuple[str, str]]:
    """The text in pieces, each with what it was read as; nothing where it was not."""
    edges = {0, len(found.text), *(at for each in found.fields for at in (each.start, each.end))}
    for start, end in pairwise(sorted(edges)):
        of = [str(each.field).replace("_", " ") for each in found.fields if each.start <= start and end <= each.end]
        yield found.text[start:end], ", ".join(dict.fromkeys(of))
