"""A record whole: what a citation opens, with its quote marked, and the page that its link leads to."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from lineside.errors import NotFound
from lineside.serve.api import Here, Reading, record_json
from lineside.serve.moments import parse_moment
from lineside.serve.pages.showing import partial, show

PLANT_FACT = "plant:"

router = APIRouter()


@router.get("/records/{record_id:path}")
def record_page(
    record_id: str,
    request: Request,
    lineside: Here,
    caller: Reading,
    quote: Annotated[str, Query(max_length=2000)] = "",
    as_of: str = "",
) -> Response:
    """The record as it stood at `as_of`, by default now; `quote` is marked where it occurs."""
    if record_id.startswith(PLANT_FACT):
        # The quote is only shown where our own page asks: a link from elsewhere could say anything.
        template = "fact_part.html" if partial(request) else "fact.html"
        return show(request, template, key=record_id.removeprefix(PLANT_FACT), quote=quote if partial(request) else "")
    then = parse_moment(as_of, lineside.plant) if as_of else None
    found = record_json(lineside, record_id, caller, as_of=then)
    text = str(found["text"])
    before, mark, after = text.partition(quote) if quote and quote in text else (text, "", "")
    standing = True
    if then is not None:
        try:
            record_json(lineside, record_id, caller)
        except NotFound:
            standing = False
    return show(
        request,
        "record_part.html" if partial(request) else "record.html",
        record=found,
        before=before,
        mark=mark,
        after=after,
        as_of=then,
        standing=standing,
    )
