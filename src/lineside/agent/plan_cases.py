"""Whether a question is about exceptions being worked: which are open, whose one is, and the story of one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lineside.agent.ask import Ask
from lineside.agent.plan_case_kpis import case_kpis_call
from lineside.agent.wording import fold
from lineside.plant.records import Json

_ONE = re.compile(r"\bexc-(\d+)\b", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:(?:open|current|active|standing|operational)\s+(?:exceptions?|cases)|"
    r"exceptions?\s+(?:are|is|that are)\s+open|"
    r"(?:which|what|list|show|any)\s+(?:\w+\s+){0,3}exceptions?|exceptions?\b.*\b(?:own\w*|since|responsible|open)|"
    r"(?:offene[nr]?|aktuelle[nr]?|laufende[nr]?)\s+(?:ausnahme\w*|vorfaelle\w*|faelle|stoerfaelle\w*)|"
    r"(?:welche|alle|gibt es)\s+(?:\w+\s+){0,3}(?:ausnahmen|vorfaelle|stoerfaelle))\b"
)
_WHOSE = re.compile(
    r"\b(?:who\s+(?:owns|is\s+(?:responsible|accountable|in\s+charge)\s+(?:for|of))|whose|who\s+do(?:es)?\s+\w+\s+belong|"
    r"wer\s+(?:kuemmert|ist\s+(?:zustaendig|verantwortlich)|verantwortet|bearbeitet)|wem\s+gehoert|wessen)\b"
)
_NOUN = re.compile(
    r"\b(?:exceptions?|cases|disturbances?|ausnahmen?|ausnahmefaelle\w*|vorfaelle\w*|faelle|stoerfaelle\w*)\b"
)
# That the time to do something about an exception ran out: said of exceptions, or outright of their clock.
_OVERDUE = re.compile(
    r"\b(?:overdue(?!\s+orders?\b)|late(?!\s+(?:pick|staging|carrier|truck|deliver|order)\w*)|expired|breach\w*|"
    r"(?:past|beyond|over|behind)\s+(?:(?:its|their|the|due)\s+)*(?:due|time|times|target|limit|schedule)|"
    r"(?:out\s+of|run\s+over|ran\s+over)\s+(?:(?:its|their|the)\s+)?time|"
    r"ueberfaellig\w*|verspaetet(?!e\s+(?:lieferung|spedition))|zu\s+spaet|zu\s+lange?|in\s+verzug|ueber\s+der\s+zeit)\b"
)
_CLOCK = re.compile(
    r"\b(?:(?:past|beyond|over|behind|missed|exceed\w*|breach\w*|blown|overran|overrun)\s+(?:(?:its|their|the)\s+)?(?:\w+\s+)?"
    r"(?:clocks?|deadlines?|time|limits?)|"
    r"should\s+(?:\w+\s+){0,2}have\s+been\s+(?:acknowledged|contained|handled|answered|dealt\s+with)|"
    r"(?:clocks?|deadlines?|time)\s+(?:to\s+\w+\s+)?(?:has\s+|have\s+|is\s+|are\s+)?(?:already\s+)?(?:run\s+out|ran\s+out|expired|over|up|passed|missed)|"
    r"(?:not|n't|never|nobody|no\s+one)\s+(?:\w+\s+){0,2}(?:acknowledged|contained|handled|answered|dealt\s+with)\s+"
    r"(?:\w+\s+){0,2}?(?:in|on|within)\s+(?:\w+\s+)?time|"
    r"(?:frist|fristen|zeit|uhr)\s+(?:\w+\s+){0,2}(?:abgelaufen|ueberschritten|verstrichen|verpasst|vorbei|um)|"
    r"(?:abgelaufene[rn]?|ueberschrittene[rn]?|verpasste[rn]?)\s+(?:frist|zeit|uhr)|"
    r"nicht\s+(?:rechtzeitig|fristgerecht|in\s+der\s+(?:zeit|frist))\s+(?:\w+\s+){0,2}"
    r"(?:quittiert|bestaetigt|angenommen|eingedaemmt|bearbeitet|behandelt))\b"
)
_WITHIN = re.compile(
    r"\b(?:not|n't|isn't|aren't|nicht|noch\s+nicht)\s+(?:yet\s+|already\s+|schon\s+)?(?:overdue|late|expired|past|ueberfaellig\w*|verspaetet|zu\s+spaet)"
)
_WHAT: Mapping[str, re.Pattern[str]] = {
    "credit_block": re.compile(r"\b(?:credit\s+(?:block|hold)|blocked\s+credit|kreditsperre)\w*"),
    "missing_label": re.compile(r"\b(?:(?:missing|lacking|no)\s+label|unlabell?ed|fehlende\s+etikett)\w*"),
    "downtime": re.compile(r"\b(?:stop|stoppage|downtime|standstill|breakdown|stillstand|stoerung|ausfall)\w*"),
    "quality_hold": re.compile(r"\b(?:hold|qualitaetssperre|sperre)\w*"),
    "shortage": re.compile(r"\b(?:shortage|fehlteil|materialmangel|engpass)\w*"),
    "late_staging": re.compile(r"\b(?:late\s+(?:pick|staging)|bereitstellung)\w*"),
    "excursion": re.compile(r"\b(?:excursion|alarm|grenzwertverletzung)\w*"),
    "missing_document": re.compile(r"\b(?:missing\s+(?:document|certificate|paper)|fehlende\s+(?:dokument|papier))\w*"),
    "late_carrier": re.compile(r"\b(?:late\s+(?:carrier|truck|delivery)|verspaetete\s+(?:lieferung|spedition))\w*"),
    "stock_difference": re.compile(r"\b(?:stock\s+difference|bestandsdifferenz|inventurdifferenz)\w*"),
    "silent_feed": re.compile(r"\b(?:silent\s+(?:feed|source|system)|stumme\s+(?:quelle|schnittstelle))\w*"),
}


def is_case(typed: str) -> bool:
    """Whether it is written like the id of an exception, which no record names."""
    return _ONE.fullmatch(typed.strip()) is not None


def cases_call(ask: Ask) -> tuple[str, dict[str, Json]] | None:
    """The look into the ledger of cases that answers the question; None where it asks for something else."""
    said = fold(ask.text)
    if one := _ONE.search(ask.text):
        return "cases", {"case": f"EXC-{one[1]}"}
    kind = next((name for name, pattern in _WHAT.items() if pattern.search(said)), None)
    if (figured := case_kpis_call(ask)) is not None:
        return figured[0], {**figured[1], **({"kind": kind} if kind else {})}
    late = _past_its_clock(said, of_a_kind=kind is not None)
    if not late and not _ALL.search(said) and not (kind and _WHOSE.search(said)):
        return None
    where: dict[str, Json] = {"equipment": ask.place} if ask.place else {}
    return "cases", {**where, **({"kind": kind} if kind else {}), **({"overdue": True} if late else {})}


def _past_its_clock(said: str, *, of_a_kind: bool) -> bool:
    """Whether only exceptions are asked for whose time to be acknowledged or contained ran out."""
    if _WITHIN.search(said):
        return False
    named = _NOUN.search(said) is not None
    return ((named or of_a_kind) and bool(_CLOCK.search(said))) or (named and bool(_OVERDUE.search(said)))
