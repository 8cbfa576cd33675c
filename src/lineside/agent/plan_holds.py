"""Which questions are on holds: who placed or lifted one and why, and what may not leave without a release."""

from __future__ import annotations

import re

from lineside.agent.ask import Ask
from lineside.agent.cues import Intent
from lineside.agent.wording import fold
from lineside.plant.records import Json

_HOLD = re.compile(
    r"\b(?:(?:the|a|an|last|latest|newest|quality|this|that|its?|any|on) (?:\w+ ){0,2}?holds?|"
    r"holds? (?:on|placed|lifted|released|was|were|is)|quarantines?|sperren?|sperrung(?:en)?|qualitaetssperren?|"
    r"sperrvermerke?)\b"
)
_WHO = re.compile(
    r"\b(?:who|whom|whose|wer|wem|wen|von wem|why|warum|wieso|weshalb|reasons?|grounds?|grund|gruenden?|begruendung\w*|"
    r"basis|how come|when|wann)\b"
)
_DID = re.compile(
    r"\b(?:sign(?:s|ed|ing)?[- ]?off|signed|releas(?:e|es|ed|ing)|lift(?:s|ed|ing)?|clear(?:s|ed|ing)?|"
    r"plac(?:e|es|ed|ing)|put|set|raised?|opened?|imposed?|issued?|remov(?:e|es|ed)|overr(?:ode|ule\w*|idden)|"
    r"approved?|freigegeben|freigab\w*|aufgehoben|aufgeh\w*|aufhob|gesetzt|gestellt|verhaengt|angelegt|gesperrt|"
    r"erlassen|ausgesprochen|abgezeichnet|unterschrieben|genehmigt)\b"
)
# What a decision tells better than the hold itself.
_CAME = re.compile(r"\b(?:came of|became of|happened|outcome|result\w*|daraus|ergeben|folgen?|after)\b")
_LEAVE = re.compile(
    r"\b(?:leav\w+|ship\w*|go(?:es)? (?:out|anywhere)|sent|send|dispatch\w*|deliver\w*|"
    r"sell|sold|raus\w*|weg|verlass\w*|versend\w*|verschick\w*|versand\w*|ausliefer\w*|ausgeliefert|geliefert|"
    r"verkauf\w*|hinaus)\b"
)
_BARRED = re.compile(
    r"\b(?:not|n t|mustn\w*|cannot|cant|can t|may ?n\w*t|won t|nothing|without|before|until|unless|nicht|kein\w*|"
    r"nichts|ohne|bevor|bis|erst|solange|waiting for|awaiting|wartet|warten)\b"
)
_RELEASE = re.compile(
    r"\b(?:releas\w*|clear(?:s|ed|ance)?|sign(?:ed|s)?[- ]?off|approv\w*|disposition\w*|on hold|held|quarantin\w*|"
    r"freigab\w*|freigegeben|freigibt|freizugeben|sperr\w*|gesperrt\w*|ok (?:from|by|of|von)|okay (?:from|by))\b"
)
_HELD_FOR = (None, Intent.READINESS, Intent.DECIDED, Intent.IN_FORCE, Intent.RECALL, Intent.SIMILAR, Intent.STATE,
             Intent.TALLY, Intent.CONFLICTS, Intent.LOOKS_COMPLETE, Intent.NOW, Intent.LOOKUP)  # fmt: skip


def holds_call(ask: Ask) -> tuple[str, dict[str, Json]] | None:
    """The tool and its arguments, where the question is on a hold's story or on what waits for a release."""
    if ask.unclear or ask.no_places or ask.unknown:
        return None
    text = " ".join(re.findall(r"[a-z0-9/_-]+", fold(ask.text)))
    named = ask.of_kind("hold")
    others = ask.of_kind("lot", "job_order", "sales_order", "sales_order_line", "shipment", "handling_unit")
    spoken = bool(named) or _HOLD.search(text) is not None
    if spoken and _WHO.search(text) and _DID.search(text) and not _CAME.search(text) and not ask.places:
        about = (*named, *others)[:1]
        return "hold_story", {"entity": str(about[0])} if about else {}
    if ask.entities or ask.places or ask.intent not in _HELD_FOR or ask.sources or "complete" in ask.states:
        return None
    if _LEAVE.search(text) and _BARRED.search(text) and _RELEASE.search(text):
        return "held", {}
    return None
