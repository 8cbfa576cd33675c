"""From a question after things in a state to the list of them: which job orders are blocked, welche Lose sind frei."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineside.agent.ask import Ask
from lineside.agent.cues import Intent
from lineside.agent.lexicon import STATES
from lineside.agent.plainwords import word_set
from lineside.agent.wording import fold
from lineside.plant.records import Json

_KINDS = ("job_order", "operation", "lot", "sales_order_line", "sales_order", "shipment", "equipment")
_ORDERS = ("sales_order", "job_order")
_INTENTS = frozenset((Intent.TALLY, Intent.STATE, Intent.READINESS, Intent.RECALL, Intent.LOOKS_COMPLETE, Intent.NOW))
_STATES = word_set(
    """
    planned ready in_progress blocked complete unrestricted inspection running stopped idle setup maintenance closed
    departed delivered loading
    """
)
# States of which other questions are asked too, by words of their own: so they are heard here alone.
_FURTHER: Mapping[str, frozenset[str]] = {
    "shippable": word_set("shippable shipable versandfertig versandbereit versandfaehig lieferbereit lieferfertig"),
    "cancelled": word_set("cancelled canceled storniert stornierte stornierten"),
    "shipped": word_set("shipped versandt versendet verschickt"),
}
_AS_ASKED = {"unrestricted": "released"}  # of a lot it is the same; of a job order released means ready
_ANY = ("job_order", "lot", "sales_order", "shipment")
_TO_SHIP = re.compile(r"\b(?:ready|bereit|fertig) (?:to (?:ship|leave|go out|dispatch)|(?:zum|fuer den) versand)\b")
# What people say instead of a state's word.
_SAID = {
    "ready": re.compile(
        r"\b(?:waiting|wait|yet|still) to (?:start|be started|run|begin)\b|\bwart\w* auf (?:den )?start\b"
    ),
    "complete": re.compile(
        r"\b(?:await|wait|wart)\w* .*\b(?:release|inspection|quality|qa|qs|freigabe|pruefung|labor|lab)\b"
    ),
    "released": re.compile(r"\bcan (?:i|we) use\b|\b(?:koennen|kann|darf|duerfen) (?:ich|wir) (?:verwenden|nehmen)\b"),
}
_STATUS = word_set("status state states statuses zustand zustaende statusse")
_WHICH = word_set("which what welche welcher welches welchen list show any")
_NOT = word_set("not nicht isn aren noch but aber")
_MEASURED = word_set(
    "long lange longest laengste average durchschnitt since seit often oft per pro je why warum wieso weshalb when wann"
)
_OUTRIGHT = word_set("late overdue spaet verspaetet ueberfaellig most meisten")


def by_state(ask: Ask) -> tuple[str, Mapping[str, Json]] | None:
    """The tool and its arguments, where the question asks which things of a kind are in a state; None where not."""
    of_states = "blocked" in ask.states or _STATUS & ask.words
    if ask.intent is Intent.CONFLICTS and of_states and not ask.entities and not ask.places:
        return "conflicts", {"states_only": True}
    listed = ask.intent is None or ask.intent in _INTENTS or (ask.intent is Intent.SIMILAR and _WHICH & ask.words)
    if ask.entities or ask.unknown or ask.unclear or not listed:
        return None
    if ask.words & (_MEASURED | _OUTRIGHT) or ask.window_said:
        return None
    kinds = [kind for kind in _KINDS if kind in ask.kinds]
    if not kinds and "order" in ask.kinds:
        kinds = list(_ORDERS)
    if "equipment" in kinds and len(kinds) > 1:
        kinds.remove("equipment")  # the blocked jobs on line 3: the line says where
    further = [state for state, words in _FURTHER.items() if words & ask.words]
    states = _in_order(ask)
    if _TO_SHIP.search(fold(ask.text)):
        further, states = ["shippable"], [state for state in states if state != "ready"]
    sought = states or further or [state for state, said in _SAID.items() if said.search(fold(ask.text))]
    if not kinds and sought == ["blocked"] and not ask.topic and not ask.places and not ask.kinds:
        kinds = list(_ANY)
    if not kinds or not sought:
        return None
    looks = ask.intent is Intent.LOOKS_COMPLETE or (states and further)
    if looks and any(kind.startswith("sales_order") for kind in kinds):
        return ("looks_complete", {}) if ask.words & _NOT else None
    arguments: dict[str, Json] = {"kinds": list(kinds), "state": sought[0]}
    later = (*states[1:], *(further if states else ()))
    if later and ask.words & _NOT:
        arguments["but_not"] = later[0]
    elif not states and ask.words & word_set("not nicht"):
        return None
    if ask.place:
        arguments["equipment"] = ask.place
    return "by_state", arguments


def _in_order(ask: Ask) -> list[str]:
    """The states that the question names, as they stand in it: complete but not released."""
    text = f" {' '.join(re.findall(r'[a-z0-9-]+', fold(ask.text)))} "
    at: dict[str, int] = {}
    for word, state in STATES.items():
        place = text.find(f" {word} ")
        if state in ask.states and state in _STATES and place >= 0:
            at[state] = min(place, at.get(state, place))
    unsaid = [state for state in ask.states if state in _STATES and state not in at]
    return [_AS_ASKED.get(state, state) for state in (*sorted(at, key=lambda s: at[s]), *unsaid)]
