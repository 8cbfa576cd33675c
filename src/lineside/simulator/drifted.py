"""What would be a true finding about the feeds at the anchor: what the upset planted, and what the stories bring."""

from __future__ import annotations

from lineside.plant.records import Json
from lineside.simulator.facts import text_of
from lineside.simulator.stories import Stories


def drifted(stories: Stories) -> list[Json]:
    """Each with what changed, of which source, kind and property, and since when; nothing else about a feed changed.

    The stories bring two: a job order runs to a revision that is no longer in effect, and ERP has delivery notes in
    draft, for those orders of the day that can't leave, where it had none before.
    """
    change = stories.change
    drafts = [
        fact
        for fact in stories.facts
        if fact.entity.startswith("document:delivery_note/") and "draft" in str(fact.data["properties"])
    ]
    return [
        *(each.told() for each in stories.drift),
        {
            "what": "revision", "source": "mes", "kind": "job_order", "property": "revision", "now": change.old,
            "since": text_of(max(change.facts[2].occurred_at, change.facts[3].occurred_at)),  # in effect, and run
        },
        {
            "what": "mix", "source": "erp", "kind": "document", "property": "status", "now": "draft",
            "since": text_of(min(fact.occurred_at for fact in drafts)),
        },
    ]  # fmt: skip
