"""The web server: the interface, the pages, health and metrics, with every error as a problem that says what to do."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from lineside import errors
from lineside.app import Lineside
from lineside.serve import (
    api,
    captures_api,
    cases_api,
    feeds_api,
    governing_api,
    handovers_api,
    kpi_api,
    look_api,
    notices_api,
    packs_api,
    pages,
    told_api,
)
from lineside.serve.asking import Runs
from lineside.serve.health import watch
from lineside.serve.problems import problem, status_of


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
    app.include_router(feeds_api.router)
    app.include_router(look_api.router)
    app.include_router(told_api.router)
    app.include_router(governing_api.router)
    app.include_router(packs_api.router)
    app.include_router(cases_api.router)
    app.include_router(notices_api.router)
    app.include_router(captures_api.router)
    app.include_router(handovers_api.router)
    app.include_router(kpi_api.router)
    if lineside.settings.slack.mode == "http" and lineside.settings.slack.bot_token.get_secret_value():
        from lineside.serve.slack import face

        if slack := face.build(lineside):
            app.include_router(slack.router())
    pages.hang(app)
    watch(app, lineside)
    app.add_exception_handler(errors.LinesideError, _lineside_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _fault)
    return app


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
