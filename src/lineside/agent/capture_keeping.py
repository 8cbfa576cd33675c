"""A captured text becomes a record of our own: the words as they were typed, and beside them only what its author
confirmed. A text that nobody confirmed is a plain note."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock

from lineside.agent.capture import propose
from lineside.agent.captured import SEVERAL, CaptureKind, Field, Proposed
from lineside.agent.names import names_of
from lineside.agent.wording import tokens
from lineside.connector import Batch, SourceMessage
from lineside.errors import AlreadyDecided, BadRequest, LinesideError, NotFound, NotPermitted
from lineside.memory import Memory, Reader, View
from lineside.memory.bodies import body_of, dumps
from lineside.memory.own_messages import translate
from lineside.plant.entities import ENTITY_KINDS, Entity
from lineside.plant.plant import Person
from lineside.plant.records import Decision, Json, Note, quantity, record_id

SOURCE, STREAM = "lineside", "captures"
_OLDEST = timedelta(days=7)
_LONGEST_ID = 100
_keeping = Lock()  # two taps at once are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A message that a person saves, their own or somebody else's. id: unique at its chat. link: opens it. by: who
    wrote it, a person's id where the plant file knows them."""

    id: str
    link: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was kept of a message before, by whom and when."""

    record_id: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """What a person wants kept. id: chosen by the client, so that sending it again keeps it once. at: when the text was
    written, aware. kind: None keeps a plain note with nothing inferred; else what the person confirmed. fields: each
    with its confirmed value, in the form that a proposal gives. record: the note, mail or cell that the text stands in
    already; then only a decision is taken from it, once, and its text and time are the record's. spoken: the message of
    a chat that is saved, once, whoever saves it; `at` is when it was written there."""

    id: str
    text: str
    at: datetime
    kind: CaptureKind | None = None
    fields: tuple[tuple[Field, str], ...] = ()
    channel: str = "web"
    record: str | None = None
    spoken: Spoken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Where it is kept. again: it was known already. completes: the decision that now carries the outcome, by its
    record id."""

    record_id: str
    type: str
    again: bool = False
    completes: str | None = None


def keep(capture: Capture, *, memory: Memory, author: Person) -> Kept:
    """The capture is remembered once, in the author's name. Raises BadRequest on values that are none, NotPermitted
    where it names what the author may not read, AlreadyDecided where the id keeps something else."""
    now = memory.clock()
    if not capture.id.strip() or len(capture.id) > _LONGEST_ID:
        raise BadRequest(f"a capture needs an id of 1 to {_LONGEST_ID} characters, chosen by who sends it")
    if capture.record is not None:
        capture = _from_record(capture, memory.view(as_of=now, reader=Reader(author)))
    elif not now - _OLDEST <= capture.at <= now + timedelta(minutes=5) and capture.spoken is None:
        raise BadRequest(f"{capture.at.isoformat()} is not a moment of the last {_OLDEST.days} days")
    source_id = _source_id(capture, author)
    digest = _digest(capture)
    with _keeping:
        if (known := _known(memory, source_id, digest)) is not None:
            return known
        view = memory.view(as_of=now, reader=Reader(author))
        events = list(_events(capture, source_id, digest, view=view, author=author, now=now))
        origin = capture.spoken.link if capture.spoken else ""
        messages = [_message(event, now, origin) for event in events]
        for message in messages:
            for record in translate(message):
                if not Reader(author).may_read(record, memory.plant):
                    raise NotPermitted(f"{author.id} may not write about what they may not read", person=author.id)
        outcome = memory.remember(Batch(messages=messages), source=SOURCE, stream=STREAM, translate=translate)
        for letter in outcome.dead:  # another process was first
            memory.discard_dead_letter(letter.id, reason="its id was taken meanwhile", by=author.id)
        kept = _known(memory, source_id, digest)
    if kept is None:
        raise LinesideError(f"the capture {capture.id} was not kept")
    return Kept(record_id=kept.record_id, type=kept.type, again=outcome.recorded == 0, completes=kept.completes)


def written(view: View, record: str) -> Note:
    """The note of that record id. Raises NotFound where there is none that the view's reader may read."""
    found = view.record(record)
    if not isinstance(found, Note):
        raise NotFound(f"{record!r} is no note, message, mail or cell that you may read", record=record)
    return found


def saved(view: View, message: str, record: str | None = None) -> Saved | None:
    """What was kept of the message of that id, or taken from the record that it is; None where nothing was."""
    ids = [f"capture/message/{message}", *([f"capture/of/{record}"] if record else [])]
    for source_id in ids:
        found = view.record(record_id(SOURCE, source_id))
        if isinstance(found, Note | Decision):
            said = found.attributes
            by = said.get("confirmed_by") or said.get("saved_by") or (found.author if isinstance(found, Note) else "")
            return Saved(record_id=found.provenance.record_id, by=str(by or ""), at=found.provenance.reported_at)
    return None


def _source_id(capture: Capture, author: Person) -> str:
    if capture.record is not None:
        return f"capture/of/{capture.record}"
    return f"capture/message/{capture.spoken.id}" if capture.spoken else f"capture/{author.id}/{capture.id}"


def _from_record(capture: Capture, view: View) -> Capture:
    note = written(view, capture.record or "")
    if capture.kind is not CaptureKind.DECISION:
        raise BadRequest(f"{capture.record} is kept as it was written; only a decision is taken from it")
    return replace(capture, text=note.text, at=note.provenance.reported_at.astimezone(view.plant.time_zone))


def _known(memory: Memory, source_id: str, digest: str) -> Kept | None:
    """What is kept under the id. Raises AlreadyDecided where that is something else."""
    found = memory.view().record(record_id(SOURCE, source_id))
    if not isinstance(found, Note | Decision):
        return None
    if found.attributes.get("capture") != digest:
        raise AlreadyDecided("this id keeps another text already; take a new id for a new note", record=source_id)
    completes = found.attributes.get("completes")
    type_ = "decision" if isinstance(found, Decision) else "note"
    return Kept(
        record_id=found.provenance.record_id,
        type=type_,
        again=True,
        completes=completes if isinstance(completes, str) else None,
    )


def _digest(capture: Capture) -> str:
    """What makes two sendings one. Not the moments: `ten minutes ago` is another one when it is sent again."""
    fields = sorted([str(field), value] for field, value in capture.fields if field not in (Field.BEGAN, Field.ENDED))
    said = [capture.text, capture.kind and str(capture.kind), fields]
    return sha256(dumps(said).encode()).hexdigest()


def _events(
    capture: Capture, source_id: str, digest: str, *, view: View, author: Person, now: datetime
) -> Iterator[dict[str, Json]]:
    wrote = author if capture.record is None else None
    if capture.record is not None and (name := written(view, capture.record).author):
        wrote = view.plant.person(name)
    elif capture.record is None and capture.spoken is not None:
        wrote = view.plant.person(capture.spoken.by)
    proposed = propose(capture.text, at=capture.at, view=view, author=wrote)
    data: dict[str, Json] = {"text": capture.text, "channel": capture.channel, "capture": digest}
    data |= {"author": author.id} if capture.record is None else {"of_record": capture.record}
    if capture.spoken is not None:
        data |= {"message": capture.spoken.id, "permalink": capture.spoken.link, "saved_by": author.id}
        data |= {"author": capture.spoken.by} if capture.record is None else {}
    if capture.kind is None:
        yield _event("note", source_id, data, at=capture.at, now=now)
        return
    values = _checked(capture, view)
    data |= {
        "captured_as": str(capture.kind),
        "confirmed_by": author.id,
        "confirmed_at": now.isoformat(),
        "confirmed": [_confirmed(field, value, proposed) for field, found in values.items() for value in found],
        **_attributes(values),
    }
    at = capture.at
    if Field.BEGAN in values and Field.ENDED not in values and capture.kind is not CaptureKind.DECISION:
        at = min(datetime.fromisoformat(values[Field.BEGAN][0]), capture.at)
    if capture.kind is CaptureKind.DECISION:
        yield _event("decision", source_id, data | _decision(values), at=at, now=now)
        return
    target = view.record(values[Field.OF][0]) if Field.OF in values else None
    if capture.kind is CaptureKind.OUTCOME and isinstance(target, Decision):
        data["decision"] = target.provenance.source_id
        if target.provenance.source == SOURCE:
            data["completes"] = target.provenance.record_id
            yield _event("note", source_id, data, at=at, now=now)
            said = values.get(Field.OUTCOME, [capture.text])[0]
            completed: dict[str, Json] = {
                "corrects": target.provenance.source_id,
                "reason": f"its outcome, told by {author.id}",
                "replacement": json.loads(body_of(target)) | {"outcome": said},
            }
            yield _event("correction", f"{source_id}/outcome", completed, at=at, now=now)
            return
    yield _event("note", source_id, data, at=at, now=now)


def _event(type_: str, source_id: str, data: dict[str, Json], *, at: datetime, now: datetime) -> dict[str, Json]:
    return {
        "specversion": "1.0",
        "id": source_id,
        "source": SOURCE,
        "type": f"lineside.{type_}",
        "time": at.isoformat(),
        "reportedat": max(now, at).isoformat(),
        "data": data,
    }


def _message(event: Mapping[str, Json], now: datetime, origin: str = "") -> SourceMessage:
    return SourceMessage(
        source=SOURCE,
        source_id=str(event["id"]),
        content=dumps(dict(event)).encode(),
        received_at=now,
        content_type="application/cloudevents+json",
        origin=origin or str(event["id"]),
    )


def _decision(values: Mapping[Field, Sequence[str]]) -> dict[str, Json]:
    if Field.CHOICE not in values:
        raise BadRequest("a decision needs what was chosen: the field choice", field=str(Field.CHOICE))
    data: dict[str, Json] = {
        "question": values.get(Field.WHAT, ["What was decided?"])[0],
        "choice": values[Field.CHOICE][0],
        "rationale": values.get(Field.RATIONALE, [""])[0],
        "assumptions": list(values.get(Field.ASSUMPTION, ())),
    }
    if Field.DECIDED_BY in values:
        data["decided_by"] = values[Field.DECIDED_BY][0]
    if Field.HOLDS_UNTIL in values:
        data["until"] = values[Field.HOLDS_UNTIL][0]
    if Field.OUTCOME in values:
        data["outcome"] = values[Field.OUTCOME][0]
    return data


def _attributes(values: Mapping[Field, Sequence[str]]) -> dict[str, Json]:
    """The confirmed values as the open format's own fields where it has them; things beside the first of a kind stand
    in the list of what was confirmed, and in the text."""
    found: dict[str, Json] = {}
    for field in (Field.WHAT, Field.CAUSE, Field.BEGAN, Field.ENDED, Field.OF):
        if field in values:
            found[str(field)] = values[field][0]
    if Field.ACTION in values:
        found["action"] = "; ".join(values[Field.ACTION])
    if Field.EQUIPMENT in values:
        found["equipment"] = values[Field.EQUIPMENT][0]
    for field in (Field.DURATION, Field.QUANTITY):
        if field in values:
            number, _, unit = values[field][0].partition(" ")
            found[str(field)] = {"value": float(number), "unit": unit}
    for value in values.get(Field.THING, ()):
        thing = Entity.parse(value)
        found.setdefault(thing.kind, thing.id)
    return found


def _confirmed(field: Field, value: str, proposed: Proposed) -> dict[str, Json]:
    """One confirmed value, with the words it was inferred from; or that the person put it there."""
    for each in proposed.fields:
        if each.field is field and any(one.value == value for one in each.readings):
            span: dict[str, Json] = {"start": each.start, "end": each.end}
            return {"field": str(field), "value": value, "inferred": True, "by": each.by, **span}
    return {"field": str(field), "value": value, "inferred": False, "by": "person"}


def _checked(capture: Capture, view: View) -> dict[Field, list[str]]:
    found: dict[Field, list[str]] = {}
    for field, said in capture.fields:
        value = _value(field, said.strip(), view)
        if value not in found.setdefault(field, []):
            found[field].append(value)
    for field, values in found.items():
        if len(values) > 1 and field not in SEVERAL:
            raise BadRequest(f"{field} has {len(values)} values; it takes one", field=str(field))
    return found


def _value(field: Field, said: str, view: View) -> str:
    """The value in its one form. Raises BadRequest where it is none."""
    if not said:
        raise BadRequest(f"{field} is empty; leave it out", field=str(field))
    match field:
        case Field.EQUIPMENT:
            return _path(said, view)
        case Field.THING:
            try:
                thing = Entity.parse(said)
            except ValueError as error:
                raise BadRequest(f"thing: {error}", field="thing") from error
            if thing.kind not in ENTITY_KINDS:
                raise BadRequest(f"thing: {thing.kind!r} is no kind of thing, as lot in lot:L-77", field="thing")
            return str(thing)
        case Field.BEGAN | Field.ENDED:
            if (moment := _moment(said, view)) is None:
                raise BadRequest(f"{field}: {said!r} is not a time, as in 2026-03-04T06:00", field=str(field))
            return moment
        case Field.HOLDS_UNTIL:
            return _moment(said, view) or said
        case Field.DURATION | Field.QUANTITY:
            number, _, unit = said.partition(" ")
            amount = quantity({"value": number, "unit": unit.strip()})
            if amount is None or not unit.strip():
                raise BadRequest(f"{field}: {said!r} is not a number with a unit, as in 20 min", field=str(field))
            return str(amount)
        case Field.OF:
            if not isinstance(view.record(said), Decision):
                raise BadRequest(f"of: {said!r} is not the record id of a decision that you may read", field="of")
            return said
        case _:
            return said


def _moment(said: str, view: View) -> str | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=view.plant.time_zone)).isoformat()


def _path(said: str, view: View) -> str:
    places = names_of(view).places
    if said.casefold() in places.paths:
        return said.casefold()
    words = tokens(said)
    found, _ = places.find(words, [False] * len(words))
    if len(found) != 1 or found[0].others:
        raise BadRequest(f"equipment: {said!r} is not one place of this plant", field="equipment")
    return found[0].path
