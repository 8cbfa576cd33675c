"""Which questions ask who does something most often: what was done is counted by the person that its records name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineside.agent.ask import Ask
from lineside.agent.wording import fold

_WHO = re.compile(
    r"\b(?:who|wer|which (?:person|people|colleague|operator|inspector|supervisor|planner)s?|"
    r"welche[rs]? (?:person|kolleg\w+|mitarbeiter\w*|pruefer\w*|schichtleiter\w*|planer\w*))\b"
)
_MOST = re.compile(
    r"\b(?:most(?: often| frequently)?|oftenest|how often|am (?:haeufigsten|meisten|oeftesten)|wie oft)\b"
)
_DEEDS: Mapping[str, re.Pattern[str]] = {
    "hold_placed": re.compile(
        r"\b(?:block(?:s|ed|ing)|held|(?:placed?|puts?|set|open(?:s|ed)|made?) (?:\w+ ){0,4}holds?|"
        r"put (?:\w+ ){0,3}on hold|"
        r"gesperrt|sperrt|sperrte[n]?|sperren (?:gesetzt|verhaengt|angelegt))\b"
    ),
    "hold_released": re.compile(r"\b(?:releas(?:e|es|ed|ing)|lift(?:s|ed)|freigegeben|freigaben?|aufgehoben)\b"),
    "maintenance_requested": re.compile(
        r"\b(?:call(?:s|ed)|request(?:s|ed)|ask(?:s|ed) for|rais(?:es|ed)) (?:\w+ ){0,3}(?:maintenance|repairs?)\b|"
        r"\b(?:instandhaltung|wartung|reparatur\w*) (?:\w+ ){0,3}(?:gerufen|angefordert|bestellt|beauftragt)\b"
    ),
    "parameter_change": re.compile(
        r"\bchang(?:es|ed|ing) (?:\w+ ){0,4}(?:parameters?|settings?|setpoints?|speeds?)\b|"
        r"\b(?:parameter\w*|einstellung\w*|sollwert\w*|geschwindigkeit\w*) (?:\w+ ){0,3}"
        r"(?:geaendert|verstellt|veraendert)\b"
    ),
    "resequenced": re.compile(r"\b(?:resequenc(?:es|ed)|umgereiht|umgeplant|umgestellt)\b"),
    "count": re.compile(r"\b(?:count(?:s|ed)|gezaehlt)\b"),
}


def deeds(ask: Ask) -> tuple[str, ...]:
    """The kinds of event of which it asks who did most; none where it asks something else."""
    said = fold(ask.text)
    if not (_WHO.search(said) and _MOST.search(said)):
        return ()
    return tuple(kind for kind, words in _DEEDS.items() if words.search(said))
