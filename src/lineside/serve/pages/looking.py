"""Look things up without a question: each interpretation as a page of its own, with a form for what it takes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from lineside.agent.looking import Looked, entries, look, readable
from lineside.agent.tools import BY_SUBJECT
from lineside.errors import BadRequest
from lineside.serve.api import Here, Reading
from lineside.serve.asking import answer_json
from lineside.serve.look_api import AS_OF
from lineside.serve.moments import parse_moment
from lineside.serve.pages.showing import show

router = APIRouter()


@router.get("/look")
def index(request: Request, caller: Reading) -> Response:
    """Everything that can be looked up, by subject."""
    del caller
    subjects = {name: [tool for tool in tools if tool.reads] for name, tools in BY_SUBJECT.items()}
    return show(request, "look.html", subjects={name: tools for name, tools in subjects.items() if tools})


@router.get("/look/{tool}")
def look_page(tool: str, request: Request, lineside: Here, caller: Reading, as_of: str = "") -> Response:
    """One interpretation: its form, and what it tells as soon as all that it needs is given."""
    chosen = readable(tool)
    fields = entries(chosen)
    query = request.query_params
    values = {name: query.getlist(name) for name in query if name != AS_OF}
    needed = {each.name for each in fields if each.required}
    found, wrong = None, ""
    if all(any(text.strip() for text in values.get(name, ())) for name in needed):
        try:
            at = parse_moment(as_of, lineside.plant) if as_of else lineside.clock()
            found = look(lineside.memory, chosen, values, at=at, person=caller.person, ledger=lineside.ledger)
        except BadRequest as error:
            wrong = error.message
    return show(
        request,
        "look_up.html",
        status=400 if wrong else 200,
        tool=chosen,
        fields=fields,
        values={name: ", ".join(texts) for name, texts in values.items()},
        as_of=as_of,
        turn=None if found is None else _turn(found),
        wrong=wrong,
    )


def _turn(found: Looked) -> dict[str, object]:
    """What the template of answers takes."""
    return {"said": answer_json(found.answer)}
