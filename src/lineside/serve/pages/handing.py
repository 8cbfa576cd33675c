"""The handover where two shifts meet: read, added to, signed off, acknowledged item by item, and printed."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from lineside.cases.handover_document import Document, shift_id
from lineside.cases.handover_ledger import BY_HAND
from lineside.interpretation.handover_draft import Section
from lineside.plant.equipment import Level, level
from lineside.plant.plant import Person
from lineside.serve.api import Here, Reading
from lineside.serve.handover_rows import NOW, message, notes_on, place_for, reading, slot_for
from lineside.serve.moments import parse_moment
from lineside.serve.pages.showing import show

_BACK = timedelta(days=3)
_Text = Annotated[str, Form(min_length=1, max_length=2000)]
_Shift = Annotated[str, Form(min_length=1, max_length=200)]
_Place = Annotated[str, Form(max_length=2000)]

router = APIRouter()


@router.get("/handover")
def handover_page(
    request: Request, lineside: Here, caller: Reading, shift: str = NOW, equipment: str = "", at: str = ""
) -> Response:
    """The document of a shift, with what the reader may do about it."""
    moment = parse_moment(at, lineside.plant) if at else None
    slot, place = slot_for(lineside, shift, moment), place_for(lineside, equipment)
    found = reading(lineside, lineside.reader(caller.person), moment)
    document = found.show(slot, place)
    now = lineside.clock()
    recent = found.shifts(now - _BACK, now, place)
    lines = [e for e in lineside.plant.equipment if level(e.id) is Level.WORK_CENTER]
    return show(
        request,
        "handover.html",
        document=document,
        notes={line.id: notes_on(lineside, line) for line in document.lines},
        shifts=[(shift_id(each.slot), each.slot.label, each.signed_by) for each in recent],
        chosen=shift_id(slot),
        place=place or "",
        places=[(e.id, e.name or e.id) for e in lines],
        sections=list(BY_HAND),
        may=caller.person is not None and moment is None,
        mine=_mine(document, caller.person),
        at=at,
        text=message(lineside, document),
    )


@router.post("/handover/add")
def add(
    lineside: Here,
    caller: Reading,
    shift: _Shift,
    text: _Text,
    section: Annotated[Section, Form()] = Section.NEW,
    equipment: _Place = "",
) -> Response:
    """An item of the person's own stands in it."""
    person = caller.deciding()
    slot, place = slot_for(lineside, shift), place_for(lineside, equipment)
    made = reading(lineside, lineside.reader(person)).add(person, slot, text, place=place, section=section)
    return _back(shift, equipment, made)


@router.post("/handover/comment")
def comment(
    lineside: Here,
    caller: Reading,
    shift: _Shift,
    text: _Text,
    item: Annotated[str, Form(max_length=200)] = "",
    equipment: _Place = "",
) -> Response:
    """The person's words stand beside the item, or beside the whole."""
    person = caller.deciding()
    slot, place = slot_for(lineside, shift), place_for(lineside, equipment)
    reading(lineside, lineside.reader(person)).comment(person, slot, text, place=place, item=item)
    return _back(shift, equipment, item)


@router.post("/handover/sign")
def sign(
    lineside: Here, caller: Reading, shift: _Shift, digest: Annotated[str, Form()], equipment: _Place = ""
) -> Response:
    """Signed off exactly as shown."""
    person = caller.deciding()
    slot, place = slot_for(lineside, shift), place_for(lineside, equipment)
    reading(lineside, lineside.reader(person)).sign(person, slot, place=place, seen=digest)
    return _back(shift, equipment)


@router.post("/handover/acknowledge")
def acknowledge(
    lineside: Here,
    caller: Reading,
    shift: _Shift,
    item: Annotated[str, Form(max_length=200)],
    digest: Annotated[str, Form()],
    equipment: _Place = "",
) -> Response:
    """One item acknowledged exactly as shown; the page goes on at the next that waits."""
    person = caller.deciding()
    slot, place = slot_for(lineside, shift), place_for(lineside, equipment)
    found = reading(lineside, lineside.reader(person))
    found.acknowledge(person, slot, item, place=place, seen=digest)
    return _back(shift, equipment, _next(found.show(slot, place), item))


def _next(document: Document, item: str) -> str:
    """The first that waits below this one, else the first that waits, else this one."""
    waiting = [line.id for line in document.waiting]
    ids = [line.id for line in document.lines]
    below = [each for each in ids[ids.index(item) + 1 :] if each in waiting] if item in ids else []
    return next(iter((*below, *waiting, item)))


def _mine(document: Document, person: Person | None) -> bool:
    """Whether the person handed it over, and so can't acknowledge it."""
    return person is not None and document.signed_by == person.id


def _back(shift: str, equipment: str, item: str = "") -> Response:
    asked = urlencode({"shift": shift, **({"equipment": equipment} if equipment else {})})
    return RedirectResponse(
        f"/handover?{asked}{f'#item-{item}' if item else ''}", status_code=HTTPStatus.SEE_OTHER
    )  # fmt: skip
