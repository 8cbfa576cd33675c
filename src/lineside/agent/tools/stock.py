"""What there is and how it stands, by whom."""

from __future__ import annotations

from lineside.agent import listing
from lineside.agent.parameters import AnyThing, ByState, Conflicts, InOrder, NoParameters, Properties, Stock, Thing
from lineside.agent.tools.context import Context, tool
from lineside.interpretation import by_state, disagreement, held, hold_story, ranking, reconcile, state
from lineside.interpretation.reading import Reading


def _stock(context: Context, asked: Stock) -> Reading:
    return reconcile.reconcile(context.view, context.entity(asked.entity), purpose=asked.purpose)


def _state(context: Context, asked: Thing) -> Reading:
    return state.state(context.view, context.entity(asked.entity))


def _lookup(context: Context, asked: Properties) -> Reading:
    return state.lookup(context.view, context.entity(asked.entity), asked.properties, history=asked.history)


def _conflicts(context: Context, asked: Conflicts) -> Reading:
    return disagreement.conflicts(context.view, states_only=asked.states_only)


def _by_state(context: Context, asked: ByState) -> Reading:
    place = context.place(asked.equipment)
    return by_state.by_state(context.view, asked.kinds, asked.state, but_not=asked.but_not, equipment=place)


def _in_order(context: Context, asked: InOrder) -> Reading:
    return ranking.ranking(
        context.view,
        asked.kinds,
        asked.by,
        highest=asked.highest,
        every=asked.every,
        where=asked.where,
        equipment=context.place(asked.equipment),
        window=context.window(asked.window),
    )


def _held(context: Context, _: NoParameters) -> Reading:
    return held.held(context.view)


def _hold_story(context: Context, asked: AnyThing) -> Reading:
    return hold_story.hold_story(context.view, context.entity(asked.entity) if asked.entity else None)


def _counted(context: Context, asked: Thing) -> Reading:
    return listing.last_counts(context.view, context.entity(asked.entity))


def _revisions(context: Context, asked: Thing) -> Reading:
    return listing.revisions(context.view, context.entity(asked.entity))


TOOLS = (
    tool("stock", "How much there is: each source's figure, the differences explained, which to use.", Stock, _stock),
    tool("state", "How one thing stands: its shared state, each source's word, conflicts, holds.", Thing, _state),
    tool("by_state", "Which things of some kinds are in a state, and why.", ByState, _by_state),
    tool(
        "held",
        "What may not leave without a release: holds, blocked and uninspected stock, credit stops; what hangs on it.",
        NoParameters,
        _held,
    ),
    tool(
        "hold_story",
        "Who placed a hold and why, who released it on what grounds; of no named hold the newest.",
        AnyThing,
        _hold_story,
    ),
    tool(
        "ranking",
        "Things in the order of one property: what expires or is due first, the biggest order, the oldest hold; "
        "all whose time lies in a stretch.",
        InOrder,
        _in_order,
    ),
    tool("lookup", "Single properties of one thing, with their history where wanted.", Properties, _lookup),
    tool(
        "conflicts",
        "Where sources contradict one another on states, revisions and stock: rule, owner, what it touches, way out.",
        Conflicts,
        _conflicts,
    ),
    tool("last_count", "What was last counted of a material, lot or place.", Thing, _counted),
    tool("revisions", "Which revision each open job order of a changed material is made to.", Thing, _revisions),
)
