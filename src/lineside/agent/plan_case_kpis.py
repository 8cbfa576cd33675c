"""Whether a question is about how well exceptions are worked: how long they stand, how fast people act on them."""

from __future__ import annotations

import re

from lineside.agent.ask import Ask
from lineside.agent.wording import fold
from lineside.cases.kpis import kpi_pack
from lineside.cases.kpis.asked import BY
from lineside.plant.records import Json

_MEASURE = re.compile(
    r"\b(?:how (?:long|fast|quick|quickly|soon|old|much time)|median|average|mean|p90|typical\w*|usual\w*|latency|"
    r"time to|rates?|share|kpis?|wie (?:lange|schnell|alt|rasch|viel zeit)|zeit bis|mittler\w*|mittel|durchschnitt\w*|"
    r"latenz|quote|anteil|typisch\w*|ueblich\w*|kennzahl\w*)\b"
)
_OURS = re.compile(
    r"\b(?:exceptions?|cases|disturbances?|we|our|us|proposals?|ausnahmen?|ausnahmefaelle\w*|vorfaelle\w*|faelle\w*|"
    r"stoerfaelle\w*|wir|uns|unsere?\w*|vorschlaege\w*)\b"
)
# What names a figure of ours by itself; other words need somebody, or exceptions, whose they are.
_SURE = re.compile(
    r"\b(?:containment|to (?:contain|acknowledge)|touchless|(?:decision|approval) latency|exception aging|"
    r"eindaemm\w*|(?:entscheidungs|freigabe)"
    r"latenz|ausnahmen? .*\boffen|exceptions? .*\bopen|open exceptions?)\b"
)
_ALL = re.compile(
    r"\b(?:how (?:well|fast|quickly) (?:do|did|are) we (?:handl\w+|work\w*|deal\w*)|exception kpis?|"
    r"kpis? (?:of|for|on) (?:the )?exceptions|"
    r"kennzahlen (?:der|zu|fuer|ueber) (?:die |den )?(?:ausnahmen|vorfaelle\w*))\b"
)
_BESIDE = re.compile(r"\b(?:by|per|each|je|pro|nach)\s+(class|kind|area|shift|site|day|week|klasse|art|bereich|schicht|"
                     r"werk|standort|tag|woche)\b")  # fmt: skip
_GERMAN = {
    "kind": "class", "klasse": "class", "art": "class", "bereich": "area", "schicht": "shift", "werk": "site",
    "standort": "site", "tag": "day", "woche": "week",
}  # fmt: skip


def case_kpis_call(ask: Ask) -> tuple[str, dict[str, Json]] | None:
    """The figures on exceptions that answer the question; None where it asks for something else."""
    said = fold(ask.text)
    kpis = [] if _ALL.search(said) else _named(said)
    if not _ALL.search(said) and not (kpis and _MEASURE.search(said) and (_SURE.search(said) or _OURS.search(said))):
        return None
    told: dict[str, Json] = {"kpis": list(kpis), **({"equipment": ask.place} if ask.place else {})}
    beside = _BESIDE.search(said)
    if beside and (axis := _GERMAN.get(beside[1], beside[1])) in BY:
        told["by"] = axis
    if ask.window is not None and ask.window_said:
        window = ask.window
        told["window"] = window.label or window.shift or f"{window.start.isoformat()}/{window.end.isoformat()}"
    return "exception_kpis", told


def _named(said: str) -> list[str]:
    """The figures that the question names by the pack's words, by the longest of them where several fit there."""
    found = [
        (match.start(), match.end(), key)
        for key, kpi in kpi_pack().definitions.items()
        for word in kpi.words
        for match in re.finditer(_pattern(word), said)
    ]
    widest = [
        one for one in found
        if not any(o[0] <= one[0] and one[1] <= o[1] and o[1] - o[0] > one[1] - one[0] for o in found)
    ]  # fmt: skip
    return list(dict.fromkeys(key for *_, key in widest))


def _pattern(word: str) -> str:
    """The word as it is written; ` .. ` in it stands for up to four words."""
    parts = [re.escape(fold(part)) for part in word.split(" .. ")]
    return rf"(?<!\w){r'(?: [^ ]+){0,4}? '.join(parts)}(?!\w)"
