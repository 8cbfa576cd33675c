"""Free text from the floor into proposed structure. Nothing is invented: a value is words of the text, or what the
plant file, the records or the plant's clock make of them. What a text asks or orders is read like any other text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from lineside.agent.capture_times import amounts, spoken_durations, times
from lineside.agent.capture_words import BY, CHOSEN, CLAUSE_END, MYSELF, NO_CAUSE, SENTENCE_END, did, happened
from lineside.agent.captured import CaptureKind, Field, Inferred, Meant, NotKnown, Proposed
from lineside.agent.names import names_of
from lineside.agent.wording import Token, fold, near, tokens
from lineside.errors import BadRequest
from lineside.interpretation.capture_cues import cues
from lineside.interpretation.deadlines import UNTIL, deadline
from lineside.interpretation.force import places, touches
from lineside.interpretation.pack_files import follow
from lineside.interpretation.reading import clock
from lineside.interpretation.wording import short
from lineside.memory import View
from lineside.plant.entities import EntityKind
from lineside.plant.plant import Person, Plant
from lineside.plant.records import Decision

LONGEST = 4000
_TRIM = " \t\r\n,;:.!?-–—"
_OFFERED = 5
_LOOKED_AT = 200
Span = tuple[int, int]


def propose(text: str, *, at: datetime, view: View, author: Person | None = None) -> Proposed:
    """What the text says, each field pointing at its words. at: when it was written; aware. Raises BadRequest on an
    empty or endless text."""
    follow(view.plant)
    if not text.strip():
        raise BadRequest("the note is empty; write what happened, what was decided or what came of it")
    if len(text) > LONGEST:
        raise BadRequest(f"the note has {len(text)} characters; at most {LONGEST} are read")
    sentences = list(_parts(text, (0, len(text)), SENTENCE_END))
    clauses = [clause for sentence in sentences for clause in _parts(text, sentence, CLAUSE_END)]
    kinds = _kinds(text)
    decides = CaptureKind.DECISION in kinds
    fields: list[Inferred] = []
    reasons = [(m, _rest(text, m.end(), clauses)) for m in cues().because.finditer(text)]
    assumed = [(m, _rest(text, m.end(), clauses)) for m in cues().assumes.finditer(text)]
    cuts = [m.start() for m, _ in (*reasons, *assumed)]
    if decides:
        fields += _until(text, at, view)
    held = [(each.start, each.end) for each in fields]
    measured = [*amounts(text), *spoken_durations(text)]
    counted = [(each.start, each.end) for each in measured if each.field is Field.QUANTITY]
    beside = [span for _, span in (*assumed, *(reasons if decides else ())) if span is not None]
    before = [m.span() for m, _ in (*reasons, *assumed)]
    moments = list(
        times(text, [*held, *counted, *beside], before, at=at, plant=view.plant, ahead=kinds[0] is CaptureKind.REQUEST)
    )
    fields += moments
    told = [(each.start, each.end) for each in moments]
    fields += [each for each in measured if not _meets((each.start, each.end), (*told, *held))]
    named, unknown = _named(text, [(each.start, each.end) for each in fields], view)
    fields += named
    fields += _happened(text, clauses, cuts)
    for _, span in reasons:
        if span is not None and NO_CAUSE.fullmatch(text, *span):
            continue
        fields += _as_written(text, Field.RATIONALE if decides else Field.CAUSE, span)
    for _, span in assumed:
        fields += _as_written(text, Field.ASSUMPTION, span)
    if decides:
        fields += _chosen(text, sentences, cuts)
        fields += _deciders(text, sentences, view.plant, author)
    if CaptureKind.OUTCOME in kinds and (cue := cues().outcome.search(text)):
        fields += _as_written(text, Field.OUTCOME, _around(cue.start(), sentences))
    of = _decisions(view, named) if CaptureKind.OUTCOME in kinds else ()
    return Proposed(text=text, at=at, kinds=kinds, fields=_ordered(fields), unknown=tuple(unknown), of=of)


def _kinds(text: str) -> tuple[CaptureKind, ...]:
    told = (
        (CaptureKind.OUTCOME, cues().outcome),
        (CaptureKind.DECISION, cues().decision),
        (CaptureKind.REQUEST, cues().request),
    )
    found = [(m.start(), kind) for kind, cue in told if (m := cue.search(text))]
    return tuple(kind for _, kind in sorted(found, key=lambda each: each[0])) or (CaptureKind.NOTE,)


def _parts(text: str, of: Span, end: re.Pattern[str]) -> Iterator[Span]:
    """The stretches between the ends, without what surrounds them."""
    at = of[0]
    for mark in (*end.finditer(text, *of), None):
        span = _trimmed(text, (at, mark.start() if mark else of[1]))
        if span is not None:
            yield span
        if mark:
            at = mark.end()


def _trimmed(text: str, span: Span) -> Span | None:
    start, end = span
    while start < end and text[start] in _TRIM:
        start += 1
    while end > start and text[end - 1] in _TRIM:
        end -= 1
    return (start, end) if start < end else None


def _around(at: int, spans: Sequence[Span]) -> Span | None:
    return next((span for span in spans if span[0] <= at < span[1]), None)


def _rest(text: str, at: int, clauses: Sequence[Span]) -> Span | None:
    """From there to the end of the clause."""
    clause = _around(at, clauses)
    return _trimmed(text, (at, clause[1])) if clause else None


def _as_written(text: str, field: Field, span: Span | None) -> Iterator[Inferred]:
    if span is not None:
        words = text[span[0] : span[1]]
        yield Inferred(field=field, start=span[0], end=span[1], readings=(Meant(words, words),))


def _meets(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _named(text: str, used: Sequence[Span], view: View) -> tuple[list[Inferred], list[NotKnown]]:
    """Places and things; an unknown one is told, never replaced by one that is spelt alike."""
    names, said = names_of(view), tokens(text)
    taken = [_meets((token.start, token.end), used) for token in said]
    spelled = [token.folded in names.ids.spelled for token in said]
    called, absent = names.places.find(said, [a or b for a, b in zip(taken, spelled, strict=True)])
    found, unknown = [], []
    for place in called:
        start, end = _over(said, place.start, place.end)
        readings = tuple(Meant(path, names.places.name(path)) for path in (place.path, *place.others))
        found.append(Inferred(field=Field.EQUIPMENT, start=start, end=end, readings=readings, by="plant"))
        taken[place.start : place.end] = [True] * (place.end - place.start)
    for none in absent:
        alone = said[none.start : none.end]
        known = names.places.find(alone, [False] * len(alone))[0]  # the line of a unit that is named with it
        if not known and not names.ids.begins_like(said[none.start]):
            start, end = _over(said, none.start, none.end)
            unknown.append(NotKnown(words=text[start:end], start=start, end=end, nearest=none.nearest))
            taken[none.start : none.end] = [True] * (none.end - none.start)
    mentions, strange = names.ids.find(said, taken)
    for mention in mentions:
        if mention.entity.kind == EntityKind.EQUIPMENT:
            continue
        start, end = _over(said, mention.start, mention.end)
        things = (mention.entity, *mention.alike)
        readings = tuple(Meant(str(e), f"{e.kind.replace('_', ' ')} {e.id}") for e in things)
        found.append(Inferred(field=Field.THING, start=start, end=end, readings=readings, by="records"))
    for one in strange:
        if names.places.find(said[one.start : one.end], [False])[0]:
            continue
        start, end = _over(said, one.start, one.end)
        unknown.append(NotKnown(words=text[start:end], start=start, end=end, nearest=one.nearest))
    return found, unknown


def _over(said: Sequence[Token], first: int, last: int) -> Span:
    return said[first].start, said[last - 1].end


def _happened(text: str, clauses: Sequence[Span], cuts: Sequence[int]) -> Iterator[Inferred]:
    """The first clause that tells of a happening, and every one that tells of what was done."""
    told = False
    for clause in clauses:
        cut = min((at for at in cuts if clause[0] <= at < clause[1]), default=clause[1])
        span = _trimmed(text, (clause[0], cut))
        if span is None:
            continue
        words = [token.folded for token in tokens(text[span[0] : span[1]])]
        if any(_means(word, did()) for word in words):
            yield from _as_written(text, Field.ACTION, span)
        elif not told and any(_means(word, happened()) for word in words):
            told = True
            yield from _as_written(text, Field.WHAT, span)


def _means(word: str, known: frozenset[str]) -> bool:
    return word in known or (len(word) >= 7 and word.isalpha() and any(near(word, each) for each in known))


def _until(text: str, at: datetime, view: View) -> Iterator[Inferred]:
    """Until when a decision holds: the moment that its words name, or that they leave it open."""
    if cue := cues().open_end.search(text):
        yield from _as_written(text, Field.HOLDS_UNTIL, cue.span())
        return
    for mark in UNTIL.finditer(text):
        ahead = text[mark.end() : mark.end() + 48]
        ends = deadline(ahead, said_at=at, view=view)
        if ends is None:
            continue
        stops = (token.end for token in tokens(ahead))
        last = next((n for n in stops if deadline(ahead[:n], said_at=at, view=view) == ends), len(ahead.rstrip()))
        meant = Meant(ends.astimezone(view.plant.time_zone).isoformat(), clock(ends, view.plant))
        end = mark.end() + last
        yield Inferred(field=Field.HOLDS_UNTIL, start=mark.start(), end=end, readings=(meant,), by="clock")
        return


def _chosen(text: str, sentences: Sequence[Span], cuts: Sequence[int]) -> Iterator[Inferred]:
    """What was chosen: what follows the cue, or the sentence that the cue closes."""
    cue = cues().decision.search(text)
    sentence = cue and _around(cue.start(), sentences)
    if not cue or not sentence:
        return
    after = CHOSEN.search(text, sentence[0], sentence[1])
    follows = after and after.end() not in cuts and len(tokens(text[after.end() : sentence[1]])) > 1
    start = after.end() if after and follows else sentence[0]
    said = None if follows else BY.search(text, *sentence)
    ends = [*cuts, *([said.start()] if said else ())]
    cut = min((at for at in ends if start < at < sentence[1]), default=sentence[1])
    yield from _as_written(text, Field.CHOICE, _trimmed(text, (start, cut)))


def _deciders(text: str, sentences: Sequence[Span], plant: Plant, author: Person | None) -> Iterator[Inferred]:
    cue = cues().decision.search(text)
    sentence = cue and _around(cue.start(), sentences)
    if not sentence:
        return
    people = list(_people(text, sentence, plant))
    if people:
        yield from people[:1]
    elif said := BY.search(text, *sentence):
        yield from _as_written(text, Field.DECIDED_BY, _trimmed(text, said.span("who")))
    elif author is not None and (mine := MYSELF.search(text, *sentence)):
        meant = Meant(author.id, author.name or author.id)
        yield Inferred(field=Field.DECIDED_BY, start=mine.start(), end=mine.end(), readings=(meant,), by="plant")


def _people(text: str, sentence: Span, plant: Plant) -> Iterator[Inferred]:
    """Persons of the plant file, by id or by a part of their name; a part that two bear is both."""
    said = [t for t in tokens(text) if sentence[0] <= t.start and t.end <= sentence[1]]
    at = 0
    while at < len(said):
        token = said[at]
        bearing = [p for p in plant.people if token.folded in (fold(p.id), *_called(p))]
        last = at
        if token.folded not in {fold(p.id) for p in bearing}:
            while bearing and last + 1 < len(said):
                closer = [p for p in bearing if said[last + 1].folded in _called(p)]
                if not closer:
                    break
                bearing, last = closer, last + 1
        if bearing:
            readings = tuple(Meant(p.id, f"{p.name} ({p.id})" if p.name else p.id) for p in bearing)
            start, end = token.start, said[last].end
            yield Inferred(field=Field.DECIDED_BY, start=start, end=end, readings=readings, by="plant")
        at = last + 1


def _called(person: Person) -> tuple[str, ...]:
    return tuple(part for part in fold(person.name).split() if len(part) >= 3)


def _decisions(view: View, named: Sequence[Inferred]) -> tuple[Meant, ...]:
    """Decisions about what the text names, newest first; where it names nothing, the newest."""
    things = {one.value for each in named if each.field is Field.THING for one in each.readings}
    paths = {one.value for each in named if each.field is Field.EQUIPMENT for one in each.readings}
    found: list[Decision] = view.decisions(newest_first=True, limit=_LOOKED_AT)
    chosen = [d for d in found if not named or _about(view, d, things, paths)][:_OFFERED]
    return tuple(
        Meant(d.provenance.record_id, f"{clock(d.provenance.occurred_at, view.plant)}: {short(d.choice, 120)}")
        for d in chosen
    )


def _about(view: View, decision: Decision, things: set[str], paths: set[str]) -> bool:
    words = f"{decision.question} {decision.choice}"
    ids = (re.escape(thing.partition(":")[2]) for thing in things)
    return (
        any(str(entity) in things for entity in decision.entities())
        or any(re.search(rf"(?<![\w-]){name}(?![\w-])", words) for name in ids)
        or any(touches(place, path) for place in places(view, decision) for path in paths)
    )


def _ordered(fields: Sequence[Inferred]) -> tuple[Inferred, ...]:
    """Each once, in the order of the fields, then of the text."""
    order = list(Field)
    unique = {(each.field, each.start, each.end): each for each in fields}
    return tuple(sorted(unique.values(), key=lambda each: (order.index(each.field), each.start)))
