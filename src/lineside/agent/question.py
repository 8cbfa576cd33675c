"""What a question asks, understood without a model: its parts, what each is about, when, and what it wants."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from lineside.agent import senses
from lineside.agent.ask import Ask, Names
from lineside.agent.cues import Intent
from lineside.agent.hearing import CUE_WORDS, asks_for
from lineside.agent.lexicon import AXES, ELSEWHERE, HAPPENINGS, KINDS, POINTING, PROPERTIES, PURPOSES, STATES
from lineside.agent.plainwords import word_set
from lineside.agent.plan_actions import completed, goes_on
from lineside.agent.topics import Called
from lineside.agent.wanting import SURE, Phrase, axis_in, best, heard, properties_in, together, weigh
from lineside.agent.wishes import is_report, wish_in, with_lines
from lineside.agent.wording import Token, fold, near, repair, stop_words, tokens
from lineside.plant.calendar import ShiftCalendar
from lineside.plant.entities import Entity
from lineside.plant.plant import Plant
from lineside.plant.windows import FoundWindow, find_window

_ASKS = (
    "what|why|who|whom|which|when|where|how|is|are|was|were|does|do|did|can|could|should|will|has|have|show|list|tell|"
    "was|warum|wieso|weshalb|wer|wem|wen|wann|wo|wie|welche|welcher|welches|welchen|ist|sind|kann|koennen|können|hat|haben|"
    "gibt|gilt|darf|wurde|wurden|war|waren|zeig|zeige|seit"
)
_PARTS = re.compile(
    rf"(?<=[?!])\s+|;\s+|(?<=[a-zäöüß])\.\s+|(?<=\d)\.\s+(?=(?:{_ASKS})\b(?!-))|,?\s+(?:and|und|&)\s+(?=(?:{_ASKS})\b(?!-))",
    re.IGNORECASE,
)


def understand(
    text: str,
    *,
    at: datetime,
    names: Names,
    before: Sequence[Ask] = (),
) -> tuple[Ask, ...]:
    """The parts of a question in order; a part that points back takes over what the one before it was about.

    before: what earlier turns of the conversation asked.
    """
    asks: list[Ask] = []
    reported = False
    text = _ARE.sub(r"\1 are ", _SHORT.sub(lambda found: _LONG[found[0].casefold()], text))
    text = with_lines(text, names)
    for index, part in enumerate(parts(text) if wish_in(text, names) is None else (text.strip(),)):
        ask = _read(part, at=at, names=names, orders=not reported)
        reported = reported or (not ask.wish and is_report(part))
        earlier = asks[-1] if asks else (before[-1] if before else None)
        if earlier is not None and goes_on(earlier, ask, names):
            ask = completed(earlier, ask)
        elif earlier is not None:
            ask = _follow(
                ask, replace(earlier, wish="", intent=None) if earlier.wish else earlier, same_question=index > 0
            )
        asks.append(ask)
    return tuple(asks)


def parts(text: str) -> tuple[str, ...]:
    """The questions in a text, in order."""
    pieces = [piece.strip(" ,;") for piece in _PARTS.split(text) if piece and piece.strip(" ,;?!.")]
    return tuple(pieces) or (text.strip(),)


def _read(text: str, *, at: datetime, names: Names, orders: bool = True) -> Ask:
    asked = tokens(text)
    empty = stop_words(token.folded for token in asked)
    taken = [False] * len(asked)
    found_window = find_window(text, now=at, plant=names.plant) or _named_shift(asked, at=at, plant=names.plant)
    in_window = _covers(text, asked, found_window)
    exact_ids = [token.folded in names.ids.spelled for token in asked]
    places, no_places = names.places.find(asked, [a or b for a, b in zip(in_window, exact_ids, strict=True)])
    for one in places:
        _take(taken, range(one.start, one.end))
    absent = [one for one in no_places if not names.ids.begins_like(asked[one.start])]
    for missing in absent:
        _take(taken, range(missing.start, missing.end))
    mentions, unknown = names.ids.find(asked, [a or b for a, b in zip(taken, in_window, strict=True)])
    for mention in mentions:
        _take(taken, range(mention.start, mention.end))
    ordered: list[Entity] = []
    for i, token in enumerate(asked):
        if not taken[i] and token.has_digit and (lines := names.ids.lines_of(token.folded)):
            ordered += lines
            unknown = [one for one in unknown if not one.start <= i < one.end]
            _take(taken, (i,))
    words = _words(asked, taken, in_window, empty)
    spoken = _spoken(asked, taken)
    repaired = _once_each(" ".join(words.get(i, w) for i, w in enumerate(spoken.split())))
    spoken = _once_each(spoken)
    phrase = Phrase(f" {spoken} ", f" {repaired} ", asks=text.rstrip().endswith("?"))
    kinds = tuple(dict.fromkeys(kind for word, kind in KINDS.items() if phrase.has(word)))
    called = names.topics.find(
        asked, [a or b or _explained(t.folded, empty) for a, b, t in zip(taken, in_window, asked, strict=True)]
    )
    read_as = [
        f"{m.typed} is {m.entity.kind.replace('_', ' ')} {m.entity.id}"
        for m in mentions
        if not m.exact and _loose(m.typed, m.entity.id)
    ]
    read_as += [f"{p.typed!r} is {names.places.name(p.path)}" for p in places if not p.exact]
    entities = [*(m.entity for m in mentions), *ordered]
    unclear = [(p.typed, tuple(names.places.name(path) for path in (p.path, *p.others))) for p in places if p.others]
    means = senses.concepts_in((phrase.spoken, phrase.repaired))
    if "fault" in means and not means & _OF_THINGS:
        called = None  # a lid jam is no question about the lid
    described = [called] if called is not None and not any(e.kind == called.entity.kind for e in entities) else []
    if not entities and not described and not unknown:
        free = [t for t, a, b in zip(asked, taken, in_window, strict=True) if not (a or b)]
        described = [work for work in (_work(free, kinds, phrase, names),) if work is not None]
    for each in described:
        things = (each.entity, *each.others)
        if len(each.others) >= _FEW:
            unclear.append((each.typed, tuple(e.id for e in things)))
        else:
            entities += things
            read_as.append(f"{each.typed!r} is {' and '.join(f'{_noun(e)} {e.id}' for e in things)}")
        worked = _FIXING if each.entity.kind == "maintenance_order" else ()
        _take(taken, (i for i, t in enumerate(asked) if t.raw in each.typed.split() or t.folded in worked))
    read_as += [
        f"{m.typed} is {_noun(m.entity)} {m.entity.id}, not {' or '.join(_noun(e) for e in m.alike)}"
        for m in mentions
        if m.alike
    ]
    ask = Ask(
        text=text,
        at=at,
        intent=None,
        scores={},
        entities=tuple(dict.fromkeys(entities)),
        places=tuple(p.path for p in places if not p.others),
        window=found_window.window if found_window else None,
        window_said=found_window is not None and found_window.explicit,
        windows=found_window.others if found_window else (),
        unknown=tuple(unknown),
        no_places=tuple(absent),
        unclear=tuple(unclear),
        properties=properties_in(phrase),
        happenings=tuple(
            dict.fromkeys(kind for word, found in HAPPENINGS.items() if phrase.has(word) for kind in found)
        ),
        states=tuple(dict.fromkeys(state for word, state in STATES.items() if phrase.has(word))),
        kinds=kinds,
        axis=axis_in(phrase),
        purpose=next(iter(phrase.keys(PURPOSES)), None),
        wish=wish.action if orders and (wish := wish_in(text, names)) else "",
        sources=names.topics.sources(asked, names.sources),
        people=names.topics.people(asked),
        topic=tuple(
            token.raw
            for i, token in enumerate(asked)
            if not taken[i] and not in_window[i] and not _explained(token.folded, empty) and not token.folded.isdigit()
        ),
        elsewhere=tuple(w for w in spoken.split() if w in ELSEWHERE),
        words=frozenset(spoken.split()) | frozenset(repaired.split()),
        means=means,
        read_as=tuple(read_as),
    )
    raw = together(heard(phrase), senses.sensed(ask))
    scores = weigh(ask, dict(raw))
    intent = best(scores) or (Intent.STATE if ask.entities and not ask.topic else None)
    idiom = senses.phrase_words(phrase.repaired)
    mended = {asked[i].raw: word for i, word in words.items()}
    return replace(
        ask,
        raw=raw,
        scores=scores,
        intent=intent,
        topic=tuple(w for w in ask.topic if fold(w) not in idiom and not _asking(intent, mended.get(w, fold(w)))),
        subject=tuple(
            token.raw
            for i, token in enumerate(asked)
            if not in_window[i]
            and (taken[i] or (token.folded not in empty and not _asking(intent, words.get(i, token.folded))))
        ),
    )


def _follow(ask: Ask, earlier: Ask, *, same_question: bool) -> Ask:
    """The part with what it leaves out taken from the one before: things, place, window, and what is wanted."""
    short = len(ask.words - {"§"}) <= 4
    opens = re.match(
        r"(?:and|und|what about|was ist mit|also|auch|but|aber|how about|wie ist es|warum|why|wieso|weshalb|since when|"
        r"seit wann)\b",
        fold(ask.text),
    )
    points = bool(POINTING & ask.words)
    bare = not ask.entities and not ask.places and not ask.unknown and not ask.no_places and not ask.unclear
    if not (same_question or opens or points or short):
        return ask
    changed: dict[str, object] = {}
    if bare and (points or opens or same_question or ask.intent is None):
        changed |= {"entities": earlier.entities, "places": earlier.places, "unknown": earlier.unknown}
        if earlier.entities or earlier.places:
            changed["read_as"] = (*ask.read_as, f"{ask.text.strip(' ?')!r} is about {_about(earlier)}")
    if ask.window is None and earlier.window is not None and (same_question or opens or bare):
        changed |= {"window": earlier.window, "window_said": earlier.window_said}
    follower = replace(ask, **changed)  # type: ignore[arg-type]  # the class's own fields
    if "entities" in changed:
        scores = weigh(follower, dict(ask.raw))
        follower = replace(follower, scores=scores, intent=best(scores))
    weak = follower.intent is None or (bool(opens) and max(follower.scores.values(), default=0.0) < SURE)
    if weak and (earlier.intent is not None or (same_question and bare and not ask.topic)):
        return replace(
            follower,
            text=earlier.text if not follower.topic else follower.text,
            intent=earlier.intent,
            happenings=ask.happenings or earlier.happenings,
            properties=ask.properties or earlier.properties,
            states=ask.states or earlier.states,
            kinds=ask.kinds or earlier.kinds,
            axis=ask.axis or earlier.axis,
            purpose=ask.purpose or earlier.purpose,
            topic=ask.topic or earlier.topic,
            subject=ask.subject or earlier.subject,
            words=ask.words | earlier.words,
        )
    if follower.intent is earlier.intent and not follower.topic:
        return replace(follower, topic=earlier.topic, subject=earlier.subject)
    return follower


def _about(ask: Ask) -> str:
    return ", ".join((*(entity.id for entity in ask.entities), *ask.places))


def _words(
    asked: Sequence[Token], taken: Sequence[bool], in_window: Sequence[bool], empty: frozenset[str]
) -> dict[int, str]:
    """The words that are no typos of anything else, mended where they are near a word that means something here."""
    found = {}
    for i, token in enumerate(asked):
        word = token.folded
        if taken[i] or in_window[i] or not word.isalpha() or _explained(word, empty):
            continue
        meant = _SLIPS.get(word) or (repair(word, _KNOWN) if len(word) >= 4 else None) or _stem_of(word)
        if meant is not None:
            found[i] = meant
    return found


def _spoken(asked: Sequence[Token], taken: Sequence[bool] = ()) -> str:
    return " ".join("§" if taken and taken[i] else token.folded for i, token in enumerate(asked))


_OF_WORKS = word_set("due_at status owner result planned_start planned_end")
_WHEN_WHO = word_set("when whens wann who whos wer wem faellig due status done yet schon bis")
_FIXING = word_set(
    """
    replace replaced changed change fix fixed repair repaired service serviced inspect inspected test tested checked
    check swap swapped exchange exchanged install installed clean cleaned grease greased calibrate calibrated adjusted
    ersetzt getauscht gewechselt repariert gewartet geprueft getestet eingestellt gereinigt eingebaut kalibriert
    geschmiert gemacht
    """
)


def _noun(entity: Entity) -> str:
    """The thing's kind as people say it."""
    return entity.kind.replace("_", " ")


def _work(free: Sequence[Token], kinds: Sequence[str], phrase: Phrase, names: Names) -> Called | None:
    """The maintenance order or inspection that the question calls by what it is to do, where it asks when, by whom or
    how it stands."""
    said = set(phrase.spoken.split()) | set(phrase.repaired.split())
    properties = set(properties_in(phrase))
    if names.works is None or not (said & _WHEN_WHO or properties & _OF_WORKS):
        return None
    parts = [_without_test(token) for token in free]
    called = names.works.find(parts, [False] * len(parts))
    if called is None or len(called.others) >= _FEW:
        return None
    inspected = called.entity.kind == "inspection" and (
        "inspection" in kinds or "result" in properties or parts != list(free)
    )
    named = said & _FIXING or "maintenance_order" in kinds or "due_at" in properties
    return called if inspected or (len(called.places) >= 2 and named) else None


_TEST_WORDS = ("pruefung", "test", "untersuchung", "befund", "kontrolle", "check")


def _without_test(token: Token) -> Token:
    """A compound that ends in a word for a test, without it: the Listerien of a Listerienprüfung."""
    ending = next((w for w in _TEST_WORDS if token.folded.endswith(w) and len(token.folded) > len(w) + 3), None)
    return token if ending is None else replace(token, folded=token.folded[: -len(ending)].rstrip("-"))


def _explained(word: str, empty: frozenset[str]) -> bool:
    return (
        word in empty
        or word in _KNOWN
        or word in CUE_WORDS
        or word in _SINGLE
        or word in ELSEWHERE
        or any(word.startswith(stem) for stem in _STEMS.get(word[:4], ()))
    )


def _asking(intent: Intent | None, word: str) -> bool:
    return asks_for(intent, word) or senses.asks_for(intent, word)


def _named_shift(asked: Sequence[Token], *, at: datetime, plant: Plant) -> FoundWindow | None:
    """The latest shift that a bare name means, as in `the night handover`."""
    called = {fold(name).rstrip("s"): shift.name for shift in plant.shifts for name in (shift.name, *shift.aliases)}
    for token in asked:
        name = called.get(token.folded.rstrip("s"))
        if name is None:
            continue
        slots = ShiftCalendar(plant).between(at - timedelta(days=8), at)
        slot = next((slot for slot in reversed(slots) if slot.name == name), None)
        if slot is not None:
            return FoundWindow(window=slot.window(), words=token.raw, explicit=True)
    return None


def _once_each(spoken: str) -> str:
    """A thing named by several words stands as one."""
    return re.sub(r"§(?: §)+", "§", spoken)


def _covers(text: str, asked: Sequence[Token], found: FoundWindow | None) -> list[bool]:
    if found is None or not found.words:
        return [False] * len(asked)
    said = [(text.find(words), len(words)) for words in (found.words, *(one.label for one in found.others)) if words]
    spans = [(start, start + size) for start, size in said if start >= 0]
    return [any(start <= token.start and token.end <= end for start, end in spans) for token in asked]


def _take(taken: list[bool], places: Iterable[int]) -> None:
    for place in places:
        taken[place] = True


def _loose(typed: str, meant: str) -> bool:
    return re.sub(r"[\W_]", "", fold(typed)) != re.sub(r"[\W_]", "", fold(meant))


def _stem_of(word: str) -> str | None:
    """The stem that a word with a typo begins with: `deside` has the stem of decide."""
    for stems in _STEMS.values():
        for stem in stems:
            if 5 <= len(stem) <= len(word) and near(word[: len(stem)], stem):
                return stem
    return None


def _singles() -> frozenset[str]:
    tables = (KINDS, HAPPENINGS, STATES)
    words = {part for table in tables for word in table for part in word.split()}
    for table in (PROPERTIES, AXES, PURPOSES):
        words |= {part for listed in table.values() for word in listed for part in word.split()}
    return frozenset(words)


_LONG = {
    "2day": "today", "2nite": "tonight", "2night": "tonight", "2moro": "tomorrow", "2morrow": "tomorrow",
    "tmrw": "tomorrow", "tmr": "tomorrow", "tmw": "tomorrow", "yday": "yesterday", "abt": "about", "w/o": "without",
    "b4": "before", "rn": "now", "thru": "through", "btw": "by the way", "asap": "as soon as possible",
}  # fmt: skip
_SHORT = re.compile(rf"(?<![\w/.-])(?:{'|'.join(map(re.escape, _LONG))})(?![\w/-])", re.IGNORECASE)
# "which lots r blocked", but no machine that is called r.
_ARE = re.compile(r"\b((?i:who|what|where|which|how|why|when|we|they|you|there|these|those|\w*[^\Ws]s))\s+r\s+(?=\w)")
_OF_THINGS = frozenset(("stock", "shortage", "decide", "ship", "block", "allow"))
_FEW = 3  # so many things of one name are all answered for; of more, one must be named
_SLIPS = {
    "hwo": "how", "wat": "what", "waht": "what", "wich": "which", "wy": "why", "teh": "the", "whre": "where",
    "wehn": "when", "wieveil": "wieviel", "weche": "welche", "abut": "about", "heut": "heute", "grad": "gerade",
    "nich": "nicht", "ned": "nicht", "net": "nicht", "gibts": "gibt es", "gehts": "geht es", "laeufts": "laeuft es",
    "liegts": "liegt es", "stehts": "steht es", "whats": "what s", "whos": "who s", "hows": "how s",
    "wheres": "where s", "whens": "when s", "whys": "why s", "thats": "that s", "theres": "there s", "isnt": "is not",
    "arent": "are not", "wasnt": "was not", "werent": "were not", "dont": "do not", "doesnt": "does not",
    "didnt": "did not", "cant": "can not", "couldnt": "could not", "wont": "will not", "hasnt": "has not",
    "havent": "have not", "shouldnt": "should not", "mustnt": "must not", "tmrw": "tomorrow", "yday": "yesterday",
    "hab": "habe",
}  # fmt: skip
_SINGLE = _singles()
_KNOWN = frozenset(word for word in CUE_WORDS | _SINGLE if not word.endswith("*") and len(word) >= 5)
_STEMS: dict[str, tuple[str, ...]] = {}
for _cue in CUE_WORDS:
    if _cue.endswith("*"):
        _STEMS[_cue[:4]] = (*_STEMS.get(_cue[:4], ()), _cue[:-1])
