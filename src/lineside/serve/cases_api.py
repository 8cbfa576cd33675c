"""The HTTP interface to operational exceptions: what stands, whose it is, its story, and what people do about it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from lineside.cases import Case, Moves, State
from lineside.errors import BadRequest
from lineside.serve.api import FAULTS, Here, Reading
from lineside.serve.case_board import Sort, Wanted, board
from lineside.serve.case_rows import reading, row, whole
from lineside.serve.moments import parse_moment

_LONGEST = 2000

router = APIRouter(prefix="/api/v1", responses=FAULTS)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OpenBody(_Body):
    """What is out of the ordinary. subject: as kind:id; place: an equipment path; cites: record ids."""

    title: str = Field(min_length=1, max_length=_LONGEST)
    case_class: str = Field("reported", alias="class", max_length=100)
    subject: str = Field("", max_length=_LONGEST)
    place: str = Field("", max_length=_LONGEST)
    cites: list[str] = Field([], max_length=50)


class MoveBody(_Body):
    """why: the reason, which all but acknowledge and assign need. to: who gets it, for assign."""

    why: str = Field("", max_length=_LONGEST)
    to: str = Field("", max_length=200)
    cites: list[str] = Field([], max_length=50)


@router.get("/cases")
def cases(
    lineside: Here,
    caller: Reading,
    state: Annotated[list[State] | None, Query()] = None,
    only_open: Annotated[bool, Query(alias="open")] = True,
    of: Annotated[str | None, Query(alias="class", max_length=100)] = None,
    place: Annotated[str | None, Query(max_length=_LONGEST)] = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
    mine: bool = False,
    overdue: bool = False,
    sort: Sort = Sort.SEVERITY,
    at: str | None = None,
) -> dict[str, Any]:
    """The exceptions that the caller may see, the gravest open ones first; open ones only unless `open` is false or a
    state is named. mine: what the caller owns, was escalated to them, or waits for a role of theirs. overdue: whose
    clock ran out. at: as they stood then."""
    moment = parse_moment(at, lineside.plant) if at else None
    found = reading(lineside, lineside.reader(caller.person), moment)
    if of is not None and of not in found.pack.classes:
        raise BadRequest(f"there is no class {of!r}; there are: {', '.join(found.pack.classes)}", key=of)
    chosen = Wanted(
        states=tuple(state or ()), only_open=only_open and not state, of=of or "", place=place or "", owner=owner or "",
        mine=mine, overdue=overdue, sort=sort,
    )  # fmt: skip
    as_of = (moment or lineside.clock()).astimezone(lineside.plant.time_zone)
    return {"as_of": as_of.isoformat(), "cases": board(lineside, found, chosen)}


@router.get("/cases/{case}")
def case_story(case: str, lineside: Here, caller: Reading, at: str | None = None) -> dict[str, Any]:
    """One exception whole: evidence, options with who may decide, what closes it, and its story."""
    moment = parse_moment(at, lineside.plant) if at else None
    return dict(whole(lineside, reading(lineside, lineside.reader(caller.person), moment), case))


@router.post("/cases", status_code=201)
def open_case(body: OpenBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """Opened by hand, in the name of the signed-in person."""
    opened = Moves(lineside.memory, caller.deciding()).open(
        title=body.title, case_class=body.case_class, subject=body.subject, place=body.place, cites=body.cites
    )
    return dict(row(lineside, opened))


@router.post("/cases/{case}/{move}")
def move_case(case: str, move: str, body: MoveBody, lineside: Here, caller: Reading) -> dict[str, Any]:
    """acknowledge, assign, contain, resolve, withdraw, reopen or note, in the name of the signed-in person. No person
    closes one: it closes when the records prove what its class asks."""
    return dict(row(lineside, moved(Moves(lineside.memory, caller.deciding()), case, move, body)))


def moved(moves: Moves, case: str, move: str, body: MoveBody) -> Case:
    """The case after that move. Raises BadRequest where there is no such move."""
    match move:
        case "acknowledge":
            return moves.acknowledge(case, why=body.why)
        case "assign":
            return moves.assign(case, body.to, why=body.why)
        case "contain":
            return moves.contain(case, why=body.why, cites=body.cites)
        case "resolve":
            return moves.resolve(case, why=body.why, cites=body.cites)
        case "withdraw":
            return moves.withdraw(case, why=body.why)
        case "reopen":
            return moves.reopen(case, why=body.why)
        case "note":
            return moves.note(case, why=body.why, cites=body.cites)
        case _:
            known = "acknowledge, assign, contain, resolve, withdraw, reopen, note"
            raise BadRequest(f"{move!r} is no move; there are: {known}", move=move)
