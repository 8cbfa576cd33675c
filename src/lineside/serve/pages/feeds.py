"""The sources and what they could not bring in: state, last heard, counts, and dead letters to mend."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from lineside.app import Lineside
from lineside.serve import api
from lineside.serve.api import DiscardBody, Here, Operating, Reading
from lineside.serve.identity import Caller
from lineside.serve.overview import dead_letter_rows, source_rows
from lineside.serve.pages.showing import partial, show

LETTERS_SHOWN = 100

router = APIRouter()


@router.get("/sources")
def sources_page(request: Request, lineside: Here, caller: Reading) -> Response:
    """Every source and how it is doing; the dead letters for whom they are there to mend."""
    return show(
        request,
        "sources.html",
        rows=source_rows(lineside, lineside.reader(caller.person)),
        **_letters(lineside, caller),
    )


@router.post("/dead-letters/{letter}/retry")
def retry(letter: int, request: Request, lineside: Here, caller: Operating) -> Response:
    """Read once more; the list says what came of it."""
    row = api.retry(letter, lineside, caller)
    said = (
        f"Dead letter {letter} was read; its records are kept."
        if row["status"] == "recovered"
        else f"Dead letter {letter} still can't be read: {row['reason']}"
    )
    return _after(request, lineside, caller, said)


@router.post("/dead-letters/{letter}/discard")
def discard(
    letter: int, request: Request, lineside: Here, caller: Operating, reason: Annotated[str, Form(min_length=1)]
) -> Response:
    """Closed with a reason; its bytes stay kept."""
    api.discard(letter, DiscardBody(reason=reason), lineside, caller)
    return _after(request, lineside, caller, f"Dead letter {letter} is closed; its bytes stay kept.")


def _after(request: Request, lineside: Lineside, caller: Caller, said: str) -> Response:
    if not partial(request):
        return RedirectResponse("/sources", status_code=HTTPStatus.SEE_OTHER)
    return show(request, "letters.html", **_letters(lineside, caller, said))


def _letters(lineside: Lineside, caller: Caller, said: str = "") -> dict[str, Any]:
    may_mend = caller.person is None or "admin" in caller.person.roles
    letters = dead_letter_rows(lineside, reader=lineside.reader(caller.person))[:LETTERS_SHOWN] if may_mend else []
    return {"may_mend": may_mend, "letters": letters, "said": said}
