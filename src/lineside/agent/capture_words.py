"""The words by which people tell what happened, why, what they did and what they decided; English and German."""

from __future__ import annotations

import re

from lineside.agent.lexicon import HAPPENINGS
from lineside.agent.plainwords import word_set
from lineside.plant.quantities import unit
from lineside.plant.vocabulary import UNIT_WORDS


def _cue(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


DECIDES = _cue(
    r"decided|decision|agreed|we['’]?ll go with|we will go with|from now on|until further notice|overruled|"
    r"entschieden|entscheidung|beschlossen|beschluss|vereinbart|festgelegt|ab sofort|bis auf weiteres|angeordnet"
)
# A cue that what was chosen follows at once.
CHOSEN = re.compile(
    r"(?<!\w)(?:decided|decision|agreed|entschieden|entscheidung|beschlossen|beschluss|vereinbart|festgelegt|angeordnet)"
    r"(?!\w)(?:\s+(?:by|von|durch)\s+[^:,.]{2,60}?(?=\s*(?::|,|\bto\b|\bthat\b|\bdass\b)))?\s*(?::|,?\s*dass\b|,|\bto\b|\bthat\b)\s*",
    re.IGNORECASE,
)
TURNED_OUT = _cue(
    r"worked|did not work|didn['’]?t work|helped|did not help|didn['’]?t help|turned out|no effect|outcome|result|"
    r"paid off|no better|made no difference|"
    r"brachte nichts|keine besserung|geholfen|funktioniert|ergebnis|nichts gebracht|hat gewirkt|"
    r"ohne wirkung|hat sich bewährt|bewaehrt"
)
ASKS = _cue(
    r"please|pls|can (?:someone|somebody|anyone|you)|could (?:someone|you)|we need|needs? to be|bitte|"
    r"kann (?:jemand|wer|einer)|könnt ihr|koennt ihr|wir brauchen|wir benötigen|muss noch|müsste noch"
)
BECAUSE = re.compile(
    r"(?<!\w)(?:because of|becau?se|becuase|becasue|beacuse|due to|caused by|owing to|as a result of|"
    r"root cause(?: was| is)?\s*:?|cause\s*:|reason\s*:|wegen|weil|aufgrund(?: von)?|infolge|verursacht durch|"
    r"ursache(?: war| ist)?\s*:?|grund(?: war| ist)?\s*:|lag an|liegt an|(?<=, )da)\s+",
    re.IGNORECASE,
)
NO_CAUSE = re.compile(
    r"(?:is |was |noch |ist |war |still )*(?:unknown|unclear|not known|open|unklar|unbekannt|nicht bekannt|offen)\W*",
    re.IGNORECASE,
)
RUNS_AGAIN = _cue(r"runs|running|ran|back up|up again|läuft|laeuft|lief|wieder (?:an|in betrieb)|in betrieb")
ASSUMES = re.compile(
    r"(?<!\w)(?:assuming(?: that)?|provided(?: that)?|as long as|on the assumption that|angenommen,?(?: dass)?|"
    r"vorausgesetzt,?(?: dass)?|solange|sofern|unter der annahme,?(?: dass)?)\s+",
    re.IGNORECASE,
)
OPEN_END = _cue(r"until further notice|bis auf weiteres")
# Who decided, where no person of the plant file is named: words after the cue, or before it.
BY = re.compile(
    r"(?<!\w)(?:decided|agreed|approved|ordered|entschieden|beschlossen|angeordnet|freigegeben)\s+(?:by|von|durch)\s+"
    r"(?P<who>(?:(?:the|der|dem|den|die|unserem|unserer|our)\s+)?[^\W\d_][\w-]*(?:\s+(?:lead|leader|manager|leitung|"
    r"[A-ZÄÖÜ][\w-]*))*)",
    re.IGNORECASE,
)
MYSELF = re.compile(
    r"(?<!\w)(?:i(?:['’]ve| have)? decided|(?:habe|hab) ich|ich (?:habe|hab|entscheide))(?!\w)", re.IGNORECASE
)

SENTENCE_END = re.compile(r"(?<=[^\W\d_])[.!?](?=\s|$)|(?<=[\d%)])[.!?](?=\s+[A-ZÄÖÜ]|\s*$)|[;\n]+|[!?]+(?=\s|$)")
CLAUSE_END = re.compile(
    r",\s+|\s[-–—]\s|\s+(?=(?:and|und)\s+(?:we|i|then|they|wir|ich|dann|haben|have)\b)|\s+(?=(?:then|dann|danach)\s)",
    re.IGNORECASE,
)

HAPPENED = frozenset(word for word in HAPPENINGS if " " not in word) | word_set(
    """
    jam jammed leak leaking leaks broke broken tripped trips down stuck overheated overheating burst torn tore slipped
    blocked clogged empty missing late spilled stau verklemmt klemmt undicht gerissen riss steht stand gestanden
    ausgefallen defekt kaputt ueberhitzt heiss blockiert verstopft leer fehlt fehlen fehlten verspaetet haengt laeuft
    leckt leckage geplatzt verschuettet folienriss bandriss
    """
)
DID = word_set(
    """
    replaced changed cleaned reset restarted adjusted tightened swapped cleared removed lubricated greased called
    informed moved reduced switched refilled repaired fixed rebooted recalibrated calibrated isolated quarantined
    exchanged realigned unblocked emptied checked getauscht ausgetauscht gewechselt ersetzt gereinigt nachgestellt
    eingestellt neugestartet zurueckgesetzt behoben entfernt geschmiert nachgefuellt reduziert umgestellt gesperrt
    informiert verstaendigt gerufen angezogen nachgezogen repariert kalibriert justiert beseitigt umgelagert geleert
    gesenkt erhoeht gedrosselt verstellt geklebt geflickt gefettet lowered raised slowed throttled taped patched
    abgeklemmt geprueft kontrolliert instandgesetzt
    """
)

_MORE_UNITS = (
    "drum|drums|fass|fässer|faesser|roll|rolls|rolle|rollen|bag|bags|sack|säcke|saecke|bottle|bottles|flasche|flaschen|"
    "can|cans|dose|dosen|tray|trays|blech|bleche|coil|coils|reel|reels|bobbins|totes?|bins?|ibc|fuder|ballen|bales|mbar|bar|rpm|m/min|m/s"
)
_SPELLED = sorted(
    {w for words in UNIT_WORDS.values() for w in words}
    | {"kg", "g", "mg", "t", "L", "mL", "hL", "h", "min", "%", "°C"},
    key=lambda word: (-len(word), word),
)
AMOUNT = re.compile(
    r"(?<![\w.,/:-])(?P<number>\d{1,3}(?:[.,]\d{3})+(?![\d])|\d+(?:[.,]\d+)?)\s?"
    rf"(?P<unit>{'|'.join(map(re.escape, _SPELLED))}|{_MORE_UNITS})(?![\w°/])"
    r"(?!\s+(?:later|after|danach|später|spaeter)\b)",
    re.IGNORECASE,
)
_TIMES = frozenset(("h", "min", "s", "d"))
SPOKEN_TIMES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (_cue(words), minutes)
    for words, minutes in (
        (r"an hour and a half|one and a half hours|anderthalb stunden|eineinhalb stunden", "90 min"),
        (r"three quarters of an hour|(?:eine )?dreiviertel ?stunde", "45 min"),
        (r"half an hour|(?:eine(?:r)? )?halbe(?:n)? stunde", "30 min"),
        (r"(?:a )?quarter of an hour|(?:eine(?:r)? )?viertelstunde", "15 min"),
        (r"an hour|eine(?:r)? stunde", "1 h"),
    )
)


_COUNTS = "two|three|four|five|six|seven|eight|nine|ten|zwei|drei|vier|fünf|fuenf|sechs|sieben|acht|neun|zehn"
COUNTED_TIME = re.compile(
    rf"(?<!\w)(?P<count>{_COUNTS})\s+(?P<unit>hours?|minutes?|stunden?|minuten?)(?!\w)"
    r"(?!\s+(?:ago|later|danach|später))",
    re.IGNORECASE,
)


def of_time(spelled: str) -> bool:
    """Whether the unit measures time."""
    return unit(spelled) in _TIMES
