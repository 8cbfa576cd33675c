"""Which questions ask whether one crew, shift, material, tool or line is to blame for what happens."""

from __future__ import annotations

import re

from lineside.agent.ask import Ask, Names
from lineside.agent.cues import Intent
from lineside.agent.wording import fold
from lineside.plant.named_shifts import named_shift
from lineside.plant.records import Json

_AXES = {
    "after_changeover": r"(?:change-?\s?overs?|set-?ups?|umruest\w*|ruesten|umstell\w*|"
    r"produktwechsel\w*|formatwechsel\w*)",
    "supplier": r"(?:suppliers?|vendors?|lieferant\w*|zulieferer\w*)",
    "tool": r"(?:tools?|tooling|(?:the|this|that|which) dies?|mou?lds?|fixtures?|"
    r"werkzeug\w*|vorrichtung\w*|gussform\w*)",
    "hour_of_shift": r"(?:(?:hours?|start|beginning|end) of (?:the|each|every|a) shift|schichtbeginn|schichtende|"
    r"(?:anfang|ende) der schicht|schichtanfang|schichtstart)",
    "weekday": r"(?:week-?days?|days? of the week|mondays?|fridays?|wochentag\w*|montags?|freitags?)",
    "crew": r"(?:crews?|teams?|mannschaft\w*|kolonnen?|truppen?|besetzung\w*|belegschaft\w*)",
    "shift": r"(?:shifts?|nights|night ?shifts?|\w*schicht(?:en)?|nachts)",
    "material": r"(?:materials?|products?|recipes?|raw materials?|grades?|\w*material\w*|produkt\w*|artikel\w*|"
    r"rohstoff\w*|sorten?|rezept\w*)",
    "line": r"(?:lines?|linien?)",
}
_BLAME = (
    r"(?:(?:to|anything|something) do with|due to|down to|depends? on|dependent on|relate[sd]? to|linked (?:to|with)|"
    r"correlat\w*|caused by|blame|fault of|tied to|driven by|a matter of|(?:is|was) it the|"
    r"zu tun|liegt (?:es|das|dies|\w+ )?\s?(?:am|an)|lag (?:es|das|\w+ )?\s?(?:am|an)|haeng\w* .*(?:zusammen|ab|von)|"
    r"abhaengig\w*|zusammenhang\w*|schuld\w*|verursach\w*|kommt (?:das|es) vo[mn])"
)
_WORSE = (
    r"(?:worse|worst|more (?:often|stops?|stoppages?|jams?|faults?|problems?|trouble|breakdowns?|downtime)|prone|"
    r"struggl\w*|schlechter|schlimmer|oefter|haeufiger|anfaellig\w*|"
    r"mehr (?:stopps?|stillstaend\w*|stoerung\w*|probleme?|ausfaell\w*|aerger))"
)
_FIGURES = re.compile(
    r"\b(?:oee|through-?put|output|availability|perform\w*|productiv\w*|utili[sz]ation|mtbf|mttr|"
    r"verfuegbarkeit|durchsatz|ausbringung|leistung\w*|produktivitaet|"
    r"than yesterday|than last|als gestern|als letzte\w*)\b"
)
_BLAMED = re.compile(rf"\b{_BLAME}\b")
_IS_WORSE = re.compile(rf"\b{_WORSE}\b")
_OF_LINES = (Intent.PACE, Intent.NOW, Intent.BOTTLENECK, Intent.KPI)
_OF_TIME = ("shift", "crew", "hour_of_shift", "weekday")
# Wants that say plainly that something else is meant.
_ELSE = frozenset(
    (Intent.DECIDED, Intent.IN_FORCE, Intent.HANDOVER, Intent.WHAT_IF, Intent.PROPOSE, Intent.ACT, Intent.READINESS,
     Intent.DEPARTURE, Intent.LOOKS_COMPLETE, Intent.RECONCILE, Intent.TOLD)
)  # fmt: skip


def pattern_call(ask: Ask, names: Names) -> tuple[str, dict[str, Json]] | None:
    """The tool and its arguments, where the question looks for what is to blame; None where it does not."""
    text = fold(ask.text)
    blamed = bool(_BLAMED.search(text))
    if not blamed and (not _IS_WORSE.search(text) or _FIGURES.search(text)):
        return None
    # Who is to blame for what waits or ships late is another question.
    if ask.intent in _ELSE and not (blamed and ask.intent is Intent.READINESS and not ask.entities):
        return None
    found = [axis for axis, words in _AXES.items() if re.search(rf"\b{words}\b", text)]
    level: str | None = None
    if not found:
        level = _crew(text, names)
        if level is None:
            return None
        axis = "crew"
    else:
        axis = found[0]
        level = _level(axis, text, ask, names)
    if axis == "line" and ask.intent in _OF_LINES:
        return None  # why a line is behind has its own answer
    if not blamed and level is None and axis != "after_changeover":
        return None  # which of them has most is a count
    arguments: dict[str, Json] = {"dimension": axis, **({"level": level} if level else {})}
    if ask.place and axis != "line":
        arguments["equipment"] = ask.place
    # "The night shift" names what is compared there, not one night.
    window = ask.window if ask.window_said else None
    if window and not (window.shift and axis in _OF_TIME):
        arguments["window"] = window.label or window.shift or f"{window.start.isoformat()}/{window.end.isoformat()}"
    if ask.happenings[:1] in (("alarm",), ("scrap",), ("nonconformity",), ("complaint",), ("slow",)):
        arguments["kind"] = ask.happenings[0]
    own = re.compile("|".join(_AXES.values()))
    if topic := [word for word in ask.topic if not own.fullmatch(fold(word))]:
        arguments["reason"] = " ".join(topic)
    return "set_apart", arguments


def _level(axis: str, text: str, ask: Ask, names: Names) -> str | None:
    match axis:
        case "crew":
            return _crew(text, names)
        case "shift":
            crew = _crew(text, names)  # a shift is often called by the crew that works it
            word = re.search(r"([\w-]+)[\s-]+(?:shifts?|schicht)\b|\b(\w+)schicht\b|\b(nights|nachts)\b", text)
            said = next(filter(None, word.groups()), "") if word else ""
            pattern = named_shift({"nachts": "nacht"}.get(said, said), names.plant) if said else None
            return pattern.name if pattern else crew
        case "material":
            return next((entity.id for entity in ask.of_kind("material")), None)
        case "line":
            return "/".join(ask.place.split("/")[:3]) if ask.place else None
        case "after_changeover":
            return "soon"
        case _:
            return None


def _crew(text: str, names: Names) -> str | None:
    """The crew of the roster that the text names, by its id or by what stands after a word for crew in it."""
    for crew in sorted({crew for _, _, crew in names.plant.roster}):
        folded = fold(crew)
        tail = re.sub(r"^(?:crew|team|mannschaft|kolonne|schicht|shift)[\W_]*", "", folded)
        before = rf"(?:crew|team|mannschaft|kolonne|truppe|schicht|shift)\W*{re.escape(tail)}"
        after = rf"{re.escape(tail)}\W*(?:crew|team|mannschaft|kolonne|truppe)"
        alone = rf"|{re.escape(folded)}" if len(folded) > 2 else ""
        if re.search(rf"(?<!\w)(?:{before}|{after}{alone})(?!\w)", text):
            return crew
    return None
