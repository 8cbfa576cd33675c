"""The web server: the interface, the pages, health and metrics, with every error as a problem that says what to do."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.exceptions import HTTPException

from lineside import errors
from lineside.app import Lineside
from lineside.serve import api, pages
from lineside.serve.asking import Runs

_STATUS: tuple[tuple[type[errors.LinesideError], int], ...] = (
    (errors.BadRequest, 400),
    (errors.NotFound, 404),
    (errors.NotPermitted, 403),
    (errors.AlreadyDecided, 409),
    (errors.ProposalStale, 409),
    (errors.ActionError, 409),
    (errors.StoreError, 503),
    (errors.SourceUnavailable, 503),
    (errors.ModelError, 503),
    (errors.SetupError, 400),
)

# Everything comes from this server; nothing inline runs. `data:` is for the icons in our own style sheet.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def build(lineside: Lineside) -> FastAPI:
    """The web application of an installation."""
    from lineside import __version__

    app = FastAPI(
        title="Lineside",
        version=__version__,
        description="The operational memory of a plant: ask, look up, and govern what is done.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.lineside = lineside
    app.state.runs = Runs(lineside)
    app.include_router(api.router)
    pages.hang(app)
    _watch(app, lineside)
    app.add_exception_handler(errors.LinesideError, _lineside_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _fault)
    return app


def problem(status: int, detail: str, *, code: str) -> JSONResponse:
    """RFC 9457."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code}
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)


def status_of(error: errors.LinesideError) -> int:
    """The HTTP status that says what the caller must do."""
    if isinstance(error, errors.NotPermitted) and error.fields.get("signed_in") is False:
        return HTTPStatus.UNAUTHORIZED
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


async def _lineside_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.LinesideError):
        raise error
    if pages.wants_page(request):
        return pages.error_page(request, status_of(error), error.message)
    return problem(status_of(error), error.message, code=error.code)


async def _validation_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if pages.wants_page(request):
        return pages.error_page(request, 422, f"{where}: {first['msg']}")
    return problem(422, f"{where}: {first['msg']}", code=errors.BadRequest.code)


async def _http_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if pages.wants_page(request):
        return pages.error_page(request, error.status_code, str(error.detail))
    code = errors.NotFound.code if error.status_code == HTTPStatus.NOT_FOUND else errors.BadRequest.code
    return problem(error.status_code, str(error.detail), code=code)


async def _fault(request: Request, error: Exception) -> Response:
    """Something of ours broke: the server logs it with its trace, the caller learns no more than that."""
    del error
    said = "something went wrong inside Lineside; its log says what"
    if pages.wants_page(request):
        answer = pages.error_page(request, 500, said)
    else:
        answer = problem(500, said, code=errors.LinesideError.code)
    answer.headers["Connection"] = "close"  # uvicorn tears the connection after a fault; nobody should reuse it
    return answer


def _watch(app: FastAPI, lineside: Lineside) -> None:
    registry = CollectorRegistry()
    served = Counter("lineside_requests", "Requests by route and status", ["route", "status"], registry=registry)
    took = Histogram("lineside_request_seconds", "Own time of a request", ["route"], registry=registry)
    items = Gauge("lineside_messages", "Messages by source and outcome", ["source", "outcome"], registry=registry)
    waiting = Gauge("lineside_index_lag_passages", "Passages not yet in the vector index", registry=registry)
    pending = Gauge("lineside_proposals", "Proposals by state", ["state"], registry=registry)

    @app.middleware("http")
    async def observe(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "none")
        served.labels(route, str(response.status_code)).inc()
        took.labels(route).observe(time.perf_counter() - began)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        return response

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> Response:
        """Ready: the database answers and the index is not far behind."""
        try:
            lag = lineside.memory.index_lag()
        except errors.StoreError as error:
            return problem(503, error.message, code=error.code)
        return JSONResponse({"ready": True, "index_lag": lag})

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        for account in lineside.memory.sources_seen():
            items.labels(account.source, "recorded").set(account.recorded)
            items.labels(account.source, "known").set(account.known)
            items.labels(account.source, "dead_lettered").set(account.dead_lettered)
        waiting.set(lineside.memory.index_lag())
        pending.clear()
        for proposal in lineside.ledger.list():
            pending.labels(proposal.state.value).inc()
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")
