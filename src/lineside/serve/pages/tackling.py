"""The board of exceptions and the page of each: what stands, whose it is, what proves its end, and what one may do."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from lineside.app import Lineside
from lineside.cases import Cases, Moves, State
from lineside.cases.notices import heard, unheard
from lineside.errors import BadRequest, NotPermitted, ProposalStale
from lineside.plant.equipment import Level, level
from lineside.serve.api import Here, Reading
from lineside.serve.case_board import Sort, Wanted, board, overdue
from lineside.serve.case_rows import reading, whole
from lineside.serve.cases_api import MoveBody, moved
from lineside.serve.identity import Caller
from lineside.serve.pages.showing import partial, show
from lineside.serve.problems import status_of

EVIDENCE_SHOWN = 8
_PER_S = 60  # ages and clocks on a page are told anew so often, though nothing changed
_OPEN = "open"
_Words = Annotated[str, Form()]

router = APIRouter()


@router.get("/cases")
def board_page(
    request: Request,
    lineside: Here,
    caller: Reading,
    stands: Annotated[str, Query(alias="show")] = _OPEN,
    of: str = "",
    place: str = "",
    owner: str = "",
    mine: bool = False,
    late: Annotated[bool, Query(alias="overdue")] = False,
    sort: Sort = Sort.SEVERITY,
    seen: str = "",
) -> Response:
    """The exceptions that the reader wants to see; the board alone where htmx asks, nothing where it is as `seen`."""
    cases = reading(lineside, lineside.reader(caller.person))
    stamp = _stamp(lineside, cases)
    if partial(request) and seen == stamp:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    wanted = Wanted(
        states=(State(stands),) if stands in set(State) else (),
        only_open=stands == _OPEN,
        of=of if of in cases.pack.classes else "",
        place=place,
        owner=owner,
        mine=mine,
        overdue=late,
        sort=sort,
    )
    rows = board(lineside, cases, wanted)
    asked = {
        "show": "" if stands == _OPEN else stands,
        "of": wanted.of,
        "place": place,
        "owner": owner,
        "mine": "true" if mine else "",
        "overdue": "true" if late else "",
        "sort": "" if sort is Sort.SEVERITY else str(sort),
    }
    asked = {name: value for name, value in asked.items() if value}
    return show(
        request,
        "board.html" if partial(request) else "cases.html",
        rows=rows,
        late=sum(overdue(row) for row in rows),
        counts=[(state, n) for state in State if (n := Counter(row["state"] for row in rows)[state])],
        stamp=stamp,
        asked=asked,
        sorted_by=lambda by: "?" + urlencode({**asked, "sort": by}),
        again="/cases?" + urlencode({**asked, "seen": stamp}),
        sort=sort,
        states=list(State),
        classes=[(key, each.name) for key, each in cases.pack.classes.items()],
        places=_places(lineside),
        owners=_people(lineside),
    )


@router.get("/cases/{case}")
def case_page(case: str, request: Request, lineside: Here, caller: Reading, seen: str = "") -> Response:
    """One exception whole; what changes by itself alone where htmx asks."""
    cases = reading(lineside, lineside.reader(caller.person))
    stamp = f"{cases.show(case).version}.{_stamp(lineside, cases)}"
    if partial(request) and seen == stamp:
        # The browser shows it as it stands: only now is its reader known to have heard of it.
        fresh = unheard(cases, of=[cases.show(case)])
        if fresh:
            heard(cases, [each.key for each in fresh])
        return Response(status_code=HTTPStatus.NO_CONTENT)
    return _page(request, lineside, caller, case, stamp=stamp)


@router.post("/cases/{case}/{move}")
def move_case(
    case: str,
    move: str,
    request: Request,
    lineside: Here,
    caller: Reading,
    why: _Words = "",
    to: _Words = "",
    cites: _Words = "",
) -> Response:
    """Done in the name of the person; what may not be is said on the page, which keeps what was typed."""
    typed = {"move": move, "why": why, "to": to, "cites": cites}
    try:
        body = MoveBody(why=why[:2000], to=to[:200], cites=cites.replace(",", " ").split()[:50])
        done = moved(Moves(lineside.memory, caller.deciding()), case, move, body)
    except (BadRequest, NotPermitted, ProposalStale) as error:
        return _page(
            request, lineside, caller, case, typed=typed, refused=error.message, status=status_of(error)
        )  # fmt: skip
    return RedirectResponse(f"/cases/{quote(done.id)}", status_code=HTTPStatus.SEE_OTHER)


def _page(
    request: Request,
    lineside: Lineside,
    caller: Caller,
    case: str,
    *,
    stamp: str = "",
    typed: dict[str, str] | None = None,
    refused: str = "",
    status: int = HTTPStatus.OK,
) -> Response:
    cases = reading(lineside, lineside.reader(caller.person))
    found = cases.show(case)
    told = whole(lineside, cases, case)
    near = {c.id: c for c in cases.of([n for n in (found.caused_by,) if n])}
    effects = told["effects"]
    near |= {c.id: c for c in cases.of([int(str(e).removeprefix("EXC-")) for e in _list(effects)])}
    return show(
        request,
        "case_now.html" if partial(request) else "case.html",
        status=status,
        case=told,
        version=found.version,
        near=near,
        story=[each for each in _list(told["story"]) if isinstance(each, dict) and each["kind"] != "retold"],
        evidence_shown=EVIDENCE_SHOWN,
        again=f"/cases/{quote(found.id)}?seen={stamp or f'{found.version}.{_stamp(lineside, cases)}'}",
        typed=typed or {"move": "", "why": "", "to": "", "cites": ""},
        refused=refused[:1].upper() + refused[1:],
        people=_people(lineside),
    )


def _stamp(lineside: Lineside, cases: Cases) -> str:
    """Changes whenever a case moves, and every minute."""
    return f"{cases.stamp()}.{int(lineside.clock().timestamp()) // _PER_S}"


def _places(lineside: Lineside) -> list[tuple[str, str]]:
    """The areas and lines of the plant file, by their path."""
    wanted = (Level.AREA, Level.WORK_CENTER)
    named = {e.id: e.name or e.id for e in lineside.plant.equipment if level(e.id) in wanted}
    areas = {e.id.rsplit("/", 1)[0] for e in lineside.plant.equipment if level(e.id) is Level.WORK_CENTER}
    named |= {area: area for area in areas if area not in named}
    return sorted(named.items())


def _people(lineside: Lineside) -> list[tuple[str, str]]:
    plant = lineside.plant
    here = [p for p in plant.people if not p.sites or plant.site in p.sites]
    return [(p.id, f"{p.name or p.id} ({', '.join(p.roles)})".replace("_", " ")) for p in here]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
