"""What the person on the page is to hear: a count and a list on every page, and a page of its own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from lineside.app import Lineside
from lineside.cases import notices
from lineside.serve.api import Here, Reading
from lineside.serve.case_rows import reading
from lineside.serve.identity import Caller
from lineside.serve.notices_api import notice_row
from lineside.serve.pages.showing import partial, show

router = APIRouter()


@router.get("/notices")
def notices_page(request: Request, lineside: Here, caller: Reading) -> Response:
    """Everything that stands for the reader, what they have not heard marked."""
    cases = reading(lineside, lineside.reader(caller.person))
    fresh = {each.key for each in notices.unheard(cases)}
    rows = [{**notice_row(lineside, each), "fresh": each.key in fresh} for each in notices.standing(cases)]
    return show(request, "notices.html", rows=rows, fresh=sorted(fresh))


@router.get("/notices/part")
def part(request: Request, lineside: Here, caller: Reading, seen: str = "none") -> Response:
    """The count and list for the head of a page; nothing where they are as `seen`."""
    return _part(request, lineside, caller, seen)


@router.post("/notices/told")
def told(request: Request, lineside: Here, caller: Reading, keys: Annotated[str, Form()] = "") -> Response:
    """The person has heard these: keys, with spaces between."""
    notices.heard(reading(lineside, lineside.reader(caller.deciding())), keys.split())
    if not partial(request):
        return RedirectResponse("/notices", status_code=HTTPStatus.SEE_OTHER)
    return _part(request, lineside, caller, "none")


def _part(request: Request, lineside: Lineside, caller: Caller, seen: str) -> Response:
    found = notices.unheard(reading(lineside, lineside.reader(caller.person)))
    stamp = " ".join(each.key for each in found)
    if seen == stamp:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return show(request, "news.html", rows=[notice_row(lineside, each) for each in found], keys=stamp)
