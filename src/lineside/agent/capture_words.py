"""How a free text is taken apart: its words are the packs' (capture.toml), how English and German build sentences with
them is here."""

from __future__ import annotations

import re

from lineside.agent.lexicon import HAPPENINGS
from lineside.agent.wording import fold
from lineside.interpretation.capture_cues import cues
from lineside.interpretation.pack_files import of_packs
from lineside.plant.quantities import unit
from lineside.plant.vocabulary import UNIT_WORDS


def _cue(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


# A cue that what was chosen follows at once.
CHOSEN = re.compile(
    r"(?<!\w)(?:decided|decision|agreed|entschieden|entscheidung|beschlossen|beschluss|vereinbart|festgelegt|angeordnet)"
    r"(?!\w)(?:\s+(?:by|von|durch)\s+[^:,.]{2,60}?(?=\s*(?::|,|\bto\b|\bthat\b|\bdass\b)))?\s*(?::|,?\s*dass\b|,|\bto\b|\bthat\b)\s*",
    re.IGNORECASE,
)
NO_CAUSE = re.compile(
    r"(?:is |was |noch |ist |war |still )*(?:unknown|unclear|not known|open|unklar|unbekannt|nicht bekannt|offen)\W*",
    re.IGNORECASE,
)
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


@of_packs
def happened() -> frozenset[str]:
    """The folded words that tell of a happening."""
    return frozenset(word for word in HAPPENINGS if " " not in word) | {fold(word) for word in cues().happened}


@of_packs
def did() -> frozenset[str]:
    """The folded words that tell of what somebody did."""
    return frozenset(fold(word) for word in cues().did)


_SPELLED = sorted(
    {w for words in UNIT_WORDS.values() for w in words}
    | {"kg", "g", "mg", "t", "L", "mL", "hL", "h", "min", "%", "°C"},
    key=lambda word: (-len(word), word),
)


@of_packs
def amount() -> re.Pattern[str]:
    """A number with a unit, in groups of these names."""
    return re.compile(
        r"(?<![\w.,/:-])(?P<number>\d{1,3}(?:[.,]\d{3})+(?![\d])|\d+(?:[.,]\d+)?)\s?"
        rf"(?P<unit>{'|'.join(map(re.escape, _SPELLED))}|{cues().units})(?![\w°/])"
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
