"""What there is and how it stands, by whom."""

from __future__ import annotations

from lineside.agent import listing
from lineside.agent.parameters import NoParameters, Properties, Stock, Thing
from lineside.agent.tools.context import Context, tool
from lineside.interpretation import disagreement, reconcile, state
from lineside.interpretation.reading import Reading


def _stock(context: Context, asked: Stock) -> Reading:
    return reconcile.reconcile(context.view, context.entity(asked.entity), purpose=asked.purpose)


def _state(context: Context, asked: Thing) -> Reading:
    return state.state(context.view, context.entity(asked.entity))


def _lookup(context: Context, asked: Properties) -> Reading:
    return state.lookup(context.view, context.entity(asked.entity), asked.properties, history=asked.history)


def _conflicts(context: Context, _: NoParameters) -> Reading:
    return disagreement.conflicts(context.view)


def _counted(context: Context, asked: Thing) -> Reading:
    return listing.last_counts(context.view, context.entity(asked.entity))


def _revisions(context: Context, asked: Thing) -> Reading:
    return listing.revisions(context.view, context.entity(asked.entity))


TOOLS = (
    tool("stock", "How much there is: each source's figure, the differences explained, which to use.", Stock, _stock),
    tool("state", "What each source says of one thing, conflicts and holds included.", Thing, _state),
    tool("lookup", "Single properties of one thing, with their history where wanted.", Properties, _lookup),
    tool("conflicts", "Where sources contradict one another on states, revisions and stock.", NoParameters, _conflicts),
    tool("last_count", "What was last counted of a material, lot or place.", Thing, _counted),
    tool("revisions", "Which revision each open job order of a changed material is made to.", Thing, _revisions),
)
