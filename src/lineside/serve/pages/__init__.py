"""The pages people work with: ask and read the evidence, decide on proposals, look at the sources, read the API.

Rendered on the server from structured answers; a text from the plant is always text, never HTML. htmx moves fragments,
one small module of ours does keys and dialogs, and everything comes from this server.
"""

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from lineside.serve.pages import (
    briefing,
    chat,
    deciding,
    entrance,
    evidence,
    feeds,
    handing,
    hearing,
    looking,
    measuring,
    noting,
    reference,
    switching,
    tackling,
)
from lineside.serve.pages.showing import ASSETS, error_page, wants_page

__all__ = ["error_page", "hang", "wants_page"]


def hang(app: FastAPI) -> None:
    """The pages are part of `app`, whose state holds the installation."""
    parts = (
        briefing,
        chat,
        deciding,
        entrance,
        evidence,
        feeds,
        handing,
        hearing,
        looking,
        noting,
        reference,
        switching,
        tackling,
    )
    for part in parts:
        app.include_router(part.router, include_in_schema=False)
    app.include_router(measuring.router, include_in_schema=False)
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
