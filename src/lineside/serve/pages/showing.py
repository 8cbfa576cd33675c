"""How anything becomes a page or a part of one: templates, times on the plant's clock, errors that say what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request

from lineside.app import Lineside
from lineside.plant.timeline import duration
from lineside.serve.identity import signed_in
from lineside.serve.moments import age

ASSETS = Path(__file__).with_name("assets")
_OUTSIDE = ("/api/", "/assets/", "/healthz", "/readyz", "/metrics")


def wants_page(request: Request) -> bool:
    """Whether a person's browser asks, for a page or a part of one; not a program for data."""
    if request.url.path.startswith(_OUTSIDE):
        return False
    return partial(request) or "text/html" in request.headers.get("accept", "")


def partial(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true"


def show(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> Response:
    """The template as the response; never kept by a cache, since rights can end."""
    body = render(request, template, **context)
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})


def render(request: Request, template: str, **context: Any) -> str:
    """The template's text. Everything that is put into it is escaped."""
    lineside: Lineside = request.app.state.lineside
    found = _environment(lineside.plant.time_zone).get_template(template)
    return found.render(frame=_frame(lineside, request), **context)


def error_page(request: Request, status: int, message: str) -> Response:
    """What went wrong, as a page or as a notice on the page that asked; who isn't known is led to the entrance."""
    if status == HTTPStatus.UNAUTHORIZED:
        entrance = f"/sign-in?next={quote(_came_from(request))}"
        if partial(request):
            return Response(status_code=status, headers={"HX-Redirect": entrance})
        return RedirectResponse(entrance, status_code=HTTPStatus.SEE_OTHER)
    message = message[:1].upper() + message[1:]
    if partial(request):
        headers = {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}
        return show(request, "notice.html", status=status, headers=headers, message=message)
    title = HTTPStatus(status).phrase
    return show(request, "error.html", status=status, message=message, title=title, code=status)


def _came_from(request: Request) -> str:
    if request.method != "GET" or partial(request):
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _frame(lineside: Lineside, request: Request) -> dict[str, Any]:
    """What every page says of itself."""
    offset = lineside.settings.clock_offset_s
    return {
        "plant": lineside.plant.name or lineside.plant.site,
        "person": signed_in(lineside, request),
        "answerer": lineside.answerer.name,
        "shifted": f"{duration(abs(offset))} {'ahead of' if offset > 0 else 'behind'} this machine" if offset else "",
        "now": lineside.clock(),
        "zone": lineside.plant.time_zone,
        "path": request.url.path,
    }


@cache
def _environment(zone: ZoneInfo) -> Environment:
    folder = Path(__file__).with_name("templates")
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = _asset
    made.filters["when"] = lambda moment: when(moment, zone)
    made.filters["clock"] = lambda moment: when(moment, zone, day=False)
    made.filters["words"] = lambda text: str(text).replace("_", " ")
    made.filters["lasting"] = duration
    made.filters["age"] = age
    made.filters["ago"] = _ago
    return made


def when(moment: datetime | str | None, zone: ZoneInfo, *, day: bool = True) -> Markup:
    """The moment on the plant's clock, with its zone; a dash where there is none."""
    if moment is None:
        return Markup("–")
    local = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).astimezone(zone)
    shown = local.strftime("%Y-%m-%d %H:%M %Z" if day else "%H:%M %Z")
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="seconds"), shown)


@pass_context
def _ago(context: Context, moment: datetime | str | None, form: str = "below") -> Markup:
    """How long ago it was, with the moment on the plant's clock: `below` it, or only when it is pointed at (`short`, or
    `lasting` since then)."""
    if moment is None:
        return Markup("–")
    now: datetime = context["frame"]["now"]
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    passed = age((now - at).total_seconds())
    full = when(at, context["frame"]["zone"])
    if form == "below":
        return Markup("{} ago<small>{}</small>").format(passed, full)
    said = f"for {passed}" if form == "lasting" else f"{passed} ago"
    stamp = at.isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, full.striptags(), said)


@cache
def _asset(name: str) -> str:
    """The address of a file of ours; another one whenever its bytes change."""
    return f"/assets/{name}?v={hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]}"
