"""Which questions on stock, and on differing dates, states and revisions, mean all things or one."""

from __future__ import annotations

import re

from lineside.agent.ask import Ask
from lineside.agent.cues import Intent
from lineside.agent.wording import fold
from lineside.plant.records import Json

_SURE = (
    r"(?:stocks?|inventor(?:y|ies)|on[- ]hand|warehouses?|store ?rooms?|bins?|shel(?:f|ves)|quantities|bestand\w*|"
    r"bestaend\w*|lager(?:bestand\w*|bestaend\w*|plaetz\w*|platz\w*|mengen?)|vorrat\w*|vorraet\w*|inventur\w*)"
)
_STOCK = rf"(?:{_SURE}|lager)"  # the German word is a bearing too
_OFF = (
    r"(?:off|disagree\w*|agree\w*|differ\w*|match\w*|mismatch\w*|discrepanc\w*|reconcil\w*|tally|deviat\w*|"
    r"inconsisten\w*|do(?:es)? not add up|stimm\w*|abweich\w*|weich\w*|unterschied\w*|differenz\w*|auseinander\w*|"
    r"passen|passt|uneinig\w*|unstimmig\w*|abgleich\w*)"
)
_ALL_STOCK = re.compile(
    rf"\b{_STOCK}\b.*\b{_OFF}\b|\b{_OFF}\b.*\b{_STOCK}\b|\b\w*(?:bestands|inventur|lager)differenz\w*\b|"
    rf"\b{_SURE}\b.*\b(?:wrong|falsch\w*)\b|\b(?:wrong|falsch\w*)\b.*\b{_SURE}\b"
)
_NOT_AGREED = re.compile(r"(?:n't|\bnot|\bn t|\bt|\bnever) agree")
_TO_COUNT = re.compile(
    r"\b(?:cycle[- ]?counts?|count list|counting list|zaehlliste\w*|nachzaehl\w*|"
    r"what (?:should|must|do|shall) we (?:re)?count|was (?:muessen|sollten|sollen) wir (?:nach)?zaehlen)\b"
)
_WORDS = re.compile(
    r"\b(?:dates?|revisions?|promises?|promised|etas?|(?:liefer)?termine?n?|zusagen?|datum|revisionen|revisionsst\w+)\b"
)
_DATED = ("promised_at", "eta", "planned_end", "planned_start", "planned_departure", "due_at", "revision")
_KINDS = ("sales_order", "sales_order_line", "shipment", "job_order", "purchase_order_line", "engineering_change")
# Wants that a question on differing stock may be taken for; the others say plainly that something else is meant.
_MAY_MEAN = (Intent.RECONCILE, Intent.CONFLICTS, Intent.LOOKUP, Intent.STATE, Intent.RECALL, Intent.NOW, Intent.TALLY,
             Intent.TRUST, None)  # fmt: skip


def stock_call(ask: Ask) -> tuple[str, dict[str, Json]] | None:
    """The tool and its arguments, where the question is on all stock or on differing words; None where it is not."""
    text = fold(ask.text)
    if ask.intent not in _MAY_MEAN and not (ask.intent is Intent.DECIDED and _NOT_AGREED.search(text)):
        return None
    if not ask.entities and (_ALL_STOCK.search(text) or _TO_COUNT.search(text)):
        return "warehouse", {}
    named: list[Json] = [name for name in _DATED if name in ask.properties]
    compared = ask.intent in (Intent.RECONCILE, Intent.CONFLICTS)
    if not ask.entities and _WORDS.search(text) and (compared or re.search(rf"\b{_OFF}\b", text)):
        return "apart", {"properties": named} if named else {}
    things = ask.of_kind(*_KINDS)
    if compared and len(things) == len(ask.entities) == 1 and (named or ask.intent is Intent.RECONCILE):
        return "apart", {"entity": str(things[0]), **({"properties": named} if named else {})}
    return None
