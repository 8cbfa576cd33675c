"""The interface described: Swagger UI from our own server, over the OpenAPI document of /api/v1."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from lineside.serve.pages.showing import show

router = APIRouter()


@router.get("/docs")
def docs(request: Request) -> Response:
    """Readable by everybody: it tells of the interface, not of the plant."""
    return show(request, "docs.html")
