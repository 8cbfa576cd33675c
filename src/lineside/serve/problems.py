"""Errors as they are told over HTTP: a status, and a problem that says what to do."""

from __future__ import annotations

from http import HTTPStatus

from fastapi.responses import JSONResponse

from lineside import errors

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


def problem(status: int, detail: str, *, code: str, **more: str) -> JSONResponse:
    """RFC 9457, with more members where there is more to say."""
    known = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body = {**known, "detail": detail, "code": code, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(body, status_code=status, media_type="application/problem+json", headers=headers)


def status_of(error: errors.LinesideError) -> int:
    """The HTTP status that says what the caller must do."""
    if isinstance(error, errors.NotPermitted) and error.fields.get("signed_in") is False:
        return HTTPStatus.UNAUTHORIZED
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
