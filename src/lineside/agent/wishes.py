"""Whether a text asks for an action, and for which: an order, and no question, report or condition about one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lineside.agent.action_words import (
    ASKS,
    BEGINS,
    CONDITIONS,
    DENIES,
    EMPTY,
    ENDS,
    POLITE,
    REPORTS,
    STATES_A_FACT,
    TIMED,
)
from lineside.agent.ask import Names
from lineside.agent.ids import Unknown
from lineside.agent.lexicon import KINDS
from lineside.agent.plainwords import word_set
from lineside.agent.wording import fold, tokens
from lineside.plant.entities import Entity, EntityKind

UNKNOWN = "@unknown"


def _either(words: str) -> str:
    return "|".join(re.escape(each.replace("_", " ")) for each in sorted(words.split(), key=len, reverse=True))


_POLITELY = re.compile(rf"^(?:(?:{_either(POLITE)})(?: |$))+")
_POLITELY_AT_LAST = re.compile(rf"(?:(?:^| )(?:{_either(POLITE)}))+$")
_ASKED_OF_US = re.compile(
    r"^(?:(?:please|bitte|hey|hi|hallo) )*(?:(?:can|could|would|will) you|(?:k(?:an|oenn)\w*|wuerde\w*) (?:du|sie))\b"
)
_ASKS = re.compile(rf"^(?:{_either(ASKS)})(?: |$)")
_FACT = re.compile(rf"(?:^| )(?:{_either(STATES_A_FACT)})(?: |$)")
_DENIES = re.compile(rf"(?:^| )(?:{_either(DENIES)})(?: |$)")
_NOUN = re.compile(r"[^ ]+ of ")  # release of a hold is no order
_CONDITION = re.compile(rf"(?:^| )(?:{_either(CONDITIONS)})(?: |$)")
_REPORTS = re.compile(rf"(?:^| )(?:{_either(REPORTS)})(?: |$)")
_EMPTY = word_set(EMPTY)
BECAUSE = re.compile(
    r"\b(?:because of|because|due to|owing to|on account of|weil|wegen|denn|aufgrund von|aufgrund|reason:|grund:|"
    r"(?:since|as|da)(?= (?!is\b|soon\b|of\b|it is\b|\d)\S+))\s*",
    re.IGNORECASE,
)
FIRST = re.compile(
    r"^\s*(?:because of|because|due to|weil|wegen|da|since)\s+([^,]+),\s+(.+)$", re.IGNORECASE | re.DOTALL
)
THAT = re.compile(r"\s*(?:[,;]\s*)?\b(?:that|dass|daß)\s+|:\s+", re.IGNORECASE)
_BREAK = re.compile(r"[,;]\s+|:\s+|\s[-–—]\s+|(?<=[^\W\d_][^\W\d_])[.!]\s+|(?<=\d)[.!]\s+(?=[A-ZÄÖÜ])")
_ORDER_LINE = re.compile(
    r"(?<![^\s,;:?!])(?P<order>[^\s,;:?!]{1,60}),?\s{1,3}(?:line|pos|pos\.|position|item|zeile|posten)\s{1,3}(?P<line>\d{1,6})\b",
    re.IGNORECASE,
)
_TOLD_IN_FULL = frozenset(("notify_party", "write_back"))  # what follows `that` goes as it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of the text, or the words that name a thing. things: what they may mean."""

    said: str
    start: int
    end: int
    things: tuple[Entity, ...] = ()
    unknown: Unknown | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An action that the text asks for. upto: where the words end that say so. conditional: only if something is so."""

    action: str
    upto: int
    conditional: bool = False


def with_lines(text: str, names: Names) -> str:
    """The text, each order's line that is named by two numbers under its own id: `PO 4711 line 10` is PO 4711/10."""

    def line(found: re.Match[str]) -> str:
        if not any(sign.isdigit() for sign in found["order"]):
            return found[0]
        for number in dict.fromkeys((found["line"], *(f"{found['line']:0>{size}}" for size in (2, 3, 4, 5, 6)))):
            asked = tokens(f"{found['order']}/{number}")
            mentions, _ = names.ids.find(asked, [False] * len(asked))
            lines = [m.entity.id for m in mentions if m.entity.kind.endswith("_line") and m.end - m.start == len(asked)]
            if len(lines) == 1:
                return lines[0]
        return found[0]

    return _ORDER_LINE.sub(line, text)


def words_of(text: str, names: Names) -> list[Word]:
    """The text's words, folded; a thing that is named stands as `@` and its kind."""
    asked = tokens(text)
    taken = [token.folded in names.ids.spelled for token in asked]
    spans: dict[int, tuple[int, tuple[Entity, ...], Unknown | None]] = {}
    places, missing = names.places.find(asked, taken)
    missing = [one for one in missing if not names.ids.begins_like(asked[one.start])]
    taken = [False] * len(asked)
    for place in places:
        things = tuple(Entity(EntityKind.EQUIPMENT, path) for path in (place.path, *place.others))
        spans[place.start] = (place.end, things, None)
    for lost in missing:
        spans[lost.start] = (
            lost.end,
            (),
            Unknown(lost.typed, lost.start, lost.end, (EntityKind.EQUIPMENT,), lost.nearest),
        )
    for start, (end, _, _) in spans.items():
        taken[start:end] = [True] * (end - start)
    mentions, unknown = names.ids.find(asked, taken)
    for mention in mentions:
        spans[mention.start] = (mention.end, (mention.entity, *mention.alike), None)
    for absent in unknown:
        lines = names.ids.lines_of(asked[absent.start].folded)
        spans[absent.start] = (absent.end, lines, None if lines else absent)
    found, at = [], 0
    while at < len(asked):
        end, things, absent_one = spans.get(at, (at + 1, (), None))
        if not things and absent_one is None and asked[at].has_digit:
            things = names.ids.lines_of(asked[at].folded)
        said = f"@{things[0].kind}" if things else UNKNOWN if absent_one else asked[at].folded
        found.append(Word(said=said, start=asked[at].start, end=asked[end - 1].end, things=things, unknown=absent_one))
        at = end
    return found


def pieces(text: str) -> list[tuple[int, int]]:
    """The stretches of the text between commas, colons, dashes and full stops."""
    found, start = [], 0
    for parted in _BREAK.finditer(text):
        found.append((start, parted.start()))
        start = parted.end()
    return [*found, (start, len(text))]


def is_asking(text: str) -> bool:
    """Whether the text is a question, however it is punctuated."""
    spoken = " ".join(token.folded for token in tokens(text))
    if text.rstrip(" .!").endswith("?") and not _ASKED_OF_US.match(spoken):
        return True
    return bool(_ASKS.match(_POLITELY.sub("", spoken)) or _ASKS.match(spoken))


def wish_in(text: str, names: Names) -> Wish | None:
    """The action that the text orders; None where it asks, tells or forbids, or where no such action is known."""
    plain = fold(text)
    if is_asking(text) or not _VERBS & set(re.findall(r"[a-z]+(?:-[a-z]+)?", plain)):
        return None
    late = FIRST.match(text)
    begin = late.start(2) if late else 0
    because = None if late else BECAUSE.search(text)
    words = [word for word in words_of(text, names) if word.start >= begin]
    stop = because.start() if because else len(text)
    parts = [(max(start, begin), end) for start, end in pieces(text) if end > begin]
    first = _said(words, parts[0][1] if parts else len(text))
    if is_asking(text[begin:]) or _DENIES.search(first):
        return None
    for action, upto in (*_begun(words, stop), *_ended(words, parts, stop, len(text))):
        ends = found.start() if action in _TOLD_IN_FULL and (found := THAT.search(text, begin)) else stop
        return Wish(action=action, upto=upto, conditional=_conditional(text, words, parts, ends))
    return None


def _begun(words: Sequence[Word], stop: int) -> Iterable[tuple[str, int]]:
    """The actions whose order begins here, politeness aside."""
    said = _said(words, stop)
    polite = _POLITELY.match(said)
    start = polite.end() if polite else 0
    if _NOUN.match(said, start):
        return
    for action, cues in _BEGINS.items():
        for cue in cues:
            if found := cue.match(said, start):
                yield action, _upto(words, said, found.end())


def _ended(words: Sequence[Word], parts: Sequence[tuple[int, int]], stop: int, whole: int) -> Iterable[tuple[str, int]]:
    """The actions whose order ends with its verb, at the end of one of the parts."""
    for end in (*(end for _, end in parts if end <= stop), stop, whole):
        full = _said(words, end)
        said = _POLITELY_AT_LAST.sub("", full)
        start = polite.end() if (polite := _POLITELY.match(said)) else 0
        if _FACT.search(said, start):
            continue
        for action, cues in _ENDS.items():
            if any((found := cue.search(said, start)) and _leads_up(said[start : found.start()]) for cue in cues):
                yield action, _upto(words, said, len(said))


def _leads_up(said: str) -> bool:
    """Whether nothing is said here that makes somebody else's words, or another sentence, of what follows."""
    return all(word in _LEADING or word.isdigit() or word.startswith("@") for word in said.split())


def is_report(text: str) -> bool:
    """Whether the text tells what somebody says or wrote: what follows it is their order, not the asker's."""
    return bool(_REPORTS.search(" ".join(token.folded for token in tokens(text))))


def _said(words: Sequence[Word], stop: int) -> str:
    return " ".join(word.said for word in words if word.start < stop)


def _upto(words: Sequence[Word], said: str, end: int) -> int:
    return words[min(said.count(" ", 0, end), len(words) - 1)].end


def _conditional(text: str, words: Sequence[Word], parts: Sequence[tuple[int, int]], stop: int) -> bool:
    said = _said(words, stop)
    starts = [fold(text[start:end]) for start, end in parts if start < stop]
    because = BECAUSE.search(text)
    if because and because.start() <= stop:
        starts.append(fold(text[because.end() :]))
    return bool(_CONDITION.search(said)) or any(_CONDITION.match(each.strip()) for each in starts)


def _cues(table: str, *, ends: bool) -> tuple[re.Pattern[str], ...]:
    return tuple(_compiled(line, ends=ends) for line in filter(None, map(str.strip, table.splitlines())))


def _compiled(cue: str, *, ends: bool) -> re.Pattern[str]:
    pattern, between = "", " "
    for word in cue.split():
        if word == "..":
            between = r" (?:[^ ]+ ){0,8}?"
        elif word == "~":
            between = rf" (?:(?:{'|'.join(sorted(map(re.escape, _EMPTY | _KINDS), key=len, reverse=True))}) ){{0,5}}?"
        else:
            first = "@" not in pattern  # what is acted on may be unknown; what else is named must be known
            pattern += (between if pattern else "") + f"(?:{'|'.join(_one(w, first=first) for w in word.split('|'))})"
            between = " "
    return re.compile(rf"(?<![^ ]){pattern}{'$' if ends else '(?![^ ])'}")


def _one(word: str, *, first: bool) -> str:
    if word == "@any":
        return r"@\w+"
    if word.startswith("@"):
        return f"{word}|{UNKNOWN}" if first else word
    return rf"{re.escape(word[:-1])}[\w-]*" if word.endswith("*") else re.escape(word.replace("_", " "))


_LEADING = _EMPTY | word_set(TIMED) | frozenset(word for each in KINDS for word in each.split()) | {"noch"}
_KINDS = frozenset(word for each in KINDS for word in each.split())
_BEGINS: Mapping[str, tuple[re.Pattern[str], ...]] = {a: _cues(table, ends=False) for a, table in BEGINS.items()}
_ENDS: Mapping[str, tuple[re.Pattern[str], ...]] = {a: _cues(table, ends=True) for a, table in ENDS.items()}
_VERBS = frozenset(
    verb.partition("_")[0]
    for tables, at in ((BEGINS, 0), (ENDS, -1))
    for table in tables.values()
    for line in filter(None, map(str.strip, table.splitlines()))
    for verb in line.split()[at].split("|")
)
