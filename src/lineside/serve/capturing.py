"""Notes from the floor, from whichever face: the proposal for a text, and keeping what its author confirmed.

The web page, the interface and the command line call these; so can whatever else takes a text from a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from lineside.agent.capture import LONGEST, propose
from lineside.agent.capture_keeping import Capture, Kept, Spoken, keep, written
from lineside.agent.captured import CaptureKind, Field, Proposed
from lineside.app import Lineside
from lineside.plant.plant import Person


def proposal(
    lineside: Lineside, text: str, *, person: Person | None, at: datetime | None = None, by: str | None = None
) -> Proposed:
    """What the text says, read with the person's rights; nothing is kept. at: when it was written, by default now. by:
    who wrote it, where that is somebody else."""
    moment = at or lineside.clock()
    view = lineside.memory.view(as_of=lineside.clock(), reader=lineside.reader(person))
    author = person if by is None else lineside.plant.person(by)
    return propose(text, at=moment.astimezone(lineside.plant.time_zone), view=view, author=author)


def proposal_of(lineside: Lineside, record: str, *, person: Person | None) -> Proposed:
    """What a note, message, mail or cell that is kept already says, at the time it was reported. Raises NotFound."""
    view = lineside.memory.view(as_of=lineside.clock(), reader=lineside.reader(person))
    note = written(view, record)
    author = lineside.plant.person(note.author) if note.author else None
    at = note.provenance.reported_at.astimezone(lineside.plant.time_zone)
    return propose(note.text[:LONGEST], at=at, view=view, author=author)


def keep_text(
    lineside: Lineside,
    text: str,
    *,
    author: Person,
    capture_id: str = "",
    at: datetime | None = None,
    channel: str = "web",
    spoken: Spoken | None = None,
) -> Kept:
    """The text is a plain note of the author's, nothing inferred. capture_id: sending it again keeps it once. spoken:
    the message of a chat that it is, which may be somebody else's."""
    return keep(
        Capture(id=capture_id or new_id(), text=text, at=at or lineside.clock(), channel=channel, spoken=spoken),
        memory=lineside.memory,
        author=author,
    )


def keep_confirmed(
    lineside: Lineside,
    text: str,
    *,
    author: Person,
    capture_id: str = "",
    at: datetime | None = None,
    kind: CaptureKind | None = None,
    fields: Sequence[tuple[Field, str]] | None = None,
    channel: str = "web",
    record: str | None = None,
    spoken: Spoken | None = None,
) -> Kept:
    """The text is kept with what its author confirmed. kind, fields: by default as proposed, where words left a choice
    without them. record: where the text stands already; a decision is taken from it, once. spoken: the message of a
    chat that it is, which may be somebody else's; then `author` is who saves and confirms it."""
    moment = at or lineside.clock()
    if kind is None or fields is None:
        proposed = (
            proposal_of(lineside, record, person=author)
            if record
            else proposal(lineside, text, person=author, at=moment)
        )
        kind, fields = kind or proposed.kind, proposed.settled if fields is None else fields
    capture = Capture(
        id=capture_id or new_id(),
        text=text,
        at=moment,
        kind=kind,
        fields=tuple(fields),
        channel=channel,
        record=record,
        spoken=spoken,
    )
    return keep(capture, memory=lineside.memory, author=author)


def new_id() -> str:
    """An id for a capture that its client gave none."""
    return uuid4().hex
