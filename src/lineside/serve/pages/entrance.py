"""Sign in and out. A session is a signed cookie that scripts can't read and other sites' pages can't send along."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from lineside.app import Lineside
from lineside.errors import NotPermitted
from lineside.plant.plant import Person
from lineside.serve.api import Here
from lineside.serve.identity import (
    SESSION_COOKIE,
    SESSION_SECONDS,
    from_this_machine,
    issue_session,
    read_token,
    same_origin,
)
from lineside.serve.pages.showing import show

router = APIRouter()


@router.get("/sign-in")
def sign_in_page(request: Request, lineside: Here, next: str = "/") -> Response:  # noqa: A002 - the query's usual name
    """The entrance: a token, or in a demonstration on this machine the plant's people to choose from."""
    return _entrance(request, lineside, onward=next)


@router.post("/sign-in")
def sign_in(
    request: Request,
    lineside: Here,
    token: Annotated[str, Form()] = "",
    person: Annotated[str, Form()] = "",
    onward: Annotated[str, Form()] = "/",
) -> Response:
    """A session of twelve hours for whom the token stands for, or who was chosen."""
    if not same_origin(request):
        raise NotPermitted("this request was sent by another site's page")
    try:
        who = _chosen(request, lineside, person) if person else read_token(lineside, token.strip()).person
    except NotPermitted as error:
        return _entrance(request, lineside, onward=onward, refused=error.message, status=HTTPStatus.FORBIDDEN)
    if who is None:
        refused = "that token only brings in records; people sign in with a token of their own"
        return _entrance(request, lineside, onward=onward, refused=refused, status=HTTPStatus.FORBIDDEN)
    response = RedirectResponse(_own_path(onward), status_code=HTTPStatus.SEE_OTHER)
    response.set_cookie(
        SESSION_COOKIE,
        issue_session(lineside, who),
        max_age=SESSION_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """The session is gone from this browser."""
    if not same_origin(request):
        raise NotPermitted("this request was sent by another site's page")
    response = RedirectResponse("/sign-in", status_code=HTTPStatus.SEE_OTHER)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


def _entrance(request: Request, lineside: Lineside, *, onward: str, refused: str = "", status: int = 200) -> Response:
    people = [p for p in lineside.plant.people if not p.sites or lineside.plant.site in p.sites]
    return show(
        request,
        "sign_in.html",
        status=status,
        onward=_own_path(onward),
        refused=refused,
        people=people if _may_choose(request, lineside) else [],
        home=lineside.home,
        without=lineside.settings.trust_loopback and from_this_machine(request),
    )


def _chosen(request: Request, lineside: Lineside, person_id: str) -> Person:
    if not _may_choose(request, lineside):
        raise NotPermitted("people are chosen from the list only in a demonstration, on the machine that it runs on")
    return lineside.person(person_id)


def _may_choose(request: Request, lineside: Lineside) -> bool:
    return lineside.settings.sign_in == "chooser" and from_this_machine(request)


def _own_path(path: str) -> str:
    """`path` if it leads to a page of ours, else the start; never to another host."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain else "/"
