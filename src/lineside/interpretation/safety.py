"""What people wrote that concerns safety, and what of an earlier shift still stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from lineside.interpretation.wording import at, text_of, words
from lineside.memory import View
from lineside.plant.equipment import within
from lineside.plant.records import Event, Note, Record
from lineside.plant.windows import Window

CARRIED = timedelta(hours=24)
_SAFETY = re.compile(
    r"\b(safety|unsafe|injur\w*|hurt|wounded|accident|near[ -]?miss|"
    r"lock(?:ed)?[ -]?out|loto|tag(?:ged)?[ -]?out|e-?stop|"
    r"emergency|fire|smoke|leak\w*|spill\w*|guard (?:is )?(?:removed|open|missing|defeated|off|broken|loose)|"
    r"burn(?:ed|t|s)?|hazard\w*|evacuat\w*|first aid|gas (?:alarm|leak|smell)|smell of gas|ammonia|electric shock|"
    r"slipped|slippery|slip hazard|trip hazard|crushed|cut (?:his|her|their|a|my) \w+|"
    r"(?:faulty|failed|broken|worn|bad|defective|no) brakes?|"
    r"brakes? (?:is |are )?(?:faulty|failed|broken|worn|defective|gone)|"
    r"do not (?:use|operate|enter)|must not be used|"
    r"arbeitssicherheit|sicherheit\w*|unfall\w*|beinahe\w*|\w*verletz\w*|not-?halt|not-?aus|brand|brandgefahr|"
    r"brandmelder|feuer\w*|rauch\w*|leck|leckage\w*|ausgelaufen|gefahr\w*|gef(?:ä|ae)hr\w*|schutzhaube|"
    r"schutzt(?:ü|ue)r|schutzgitter|schutzeinrichtung|freigeschaltet|erste hilfe|"
    r"verband(?:s)?(?:buch|kasten)|quetsch\w*|"
    r"schnittwunde|stromschlag|gasgeruch|gasalarm|gasaustritt|ammoniak|ausgerutscht|rutschgefahr|rutschig|stolper\w*|"
    r"(?:defekte|kaputte|schlechte|keine) bremsen?|bremsen? (?:ist |sind )?(?:defekt|kaputt|ausgefallen|wirkungslos)|"
    r"nicht (?:benutzen|betreten|betreiben)|"
    r"accidentes?|herid[oa]s?|lesi(?:ó|o)n(?:es|ad[oa]s?)?|fugas?|derrames?|incendios?|humo|peligro\w*|quemadura\w*|"
    r"no (?:entrar|usar|utilizar|tocar)|zona cortada|primeros auxilios|seguridad|"
    r"bless(?:é|e)\w*|fuite\w*|incendie|fum(?:é|e)e|danger\w*|br(?:û|u)lure\w*|ne pas (?:utiliser|entrer|toucher)|"
    r"premiers secours|infortun\w*|feriti?|perdita di \w+|pericol\w*|non (?:usare|entrare|toccare)|"
    r"ongeval\w*|gewond\w*|lekkage|gevaar\w*|niet (?:gebruiken|betreden)|wypad\w*|niebezpiecz\w*|"
    r"(?:\w*stapler|kran|leiter|treppe|b(?:ü|ue)hne|\w*aufzug|forklift|crane|ladder|stairs|hoist|lift)\b[^.;!]*\b"
    r"(?:gesperrt|defekt|blocked off|out of order))\b",
    re.IGNORECASE,
)
_OVER = re.compile(
    r"\b(repaired|fixed|cleared|resolved|replaced|closed|safe again|back in (?:use|service)|all clear|released|"
    r"repariert|behoben|erledigt|ersetzt|getauscht|beseitigt|in ordnung|freigegeben|entwarnung|aufgehoben)\b",
    re.IGNORECASE,
)
_INJURY = re.compile(r"\b(injur\w*|hurt|wounded|\w*verletz\w*|verband\w*|first aid|erste hilfe)\b", re.IGNORECASE)
_ENDING = ("maintenance_finished", "alarm_cleared", "restart_check")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+")


def concerns_safety(text: str) -> bool:
    """Whether the text speaks of injuries, hazards or safeguards; English and German."""
    return bool(_SAFETY.search(text))


def carried_notes(view: View, start: datetime, end: datetime, equipment: str | None = None) -> list[Note]:
    """The safety notes of the 24 h before `start` that nothing later closes by `end`, oldest first.

    A note that names no equipment concerns everyone. An injury stays on for its 24 h, whatever was repaired.
    """
    window = Window(start=start - CARRIED, end=end)
    notes = view.notes(within=window)
    told = [n for n in notes if at(n) < start and concerns_safety(n.text)]
    if not told:
        return []
    later: list[Record] = [*notes, *view.events(kinds=_ENDING, within=window)]
    here = [n for n in told if n.equipment is None or not view.plant.elsewhere(n.equipment)]
    here = [n for n in here if equipment is None or n.equipment is None or within(n.equipment, equipment)]
    return [n for n in here if not _closed(n, later)]


def _closed(note: Note, later: Sequence[Record]) -> bool:
    """Whether a later record closes every sentence of the note that concerns safety."""
    sentences = [s for s in _SENTENCE.split(note.text) if concerns_safety(s)] or [note.text]
    return all(any(_closes(record, note, sentence) for record in later) for sentence in sentences)


def _closes(record: Record, note: Note, sentence: str) -> bool:
    if at(record) <= at(note) or _INJURY.search(sentence):
        return False
    text = text_of(record)
    ended = isinstance(record, Event) or bool(_OVER.search(text))
    return ended and len(words(sentence) & words(text)) >= 2
