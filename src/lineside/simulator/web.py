"""ERP (OData), CMMS and QMS (REST) over HTTP, and the doors through which QMS and CMMS can be written to."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from operator import eq, ge, gt, le, lt
from typing import Any, Final

from fastapi import Body, Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lineside.plant.records import Json
from lineside.simulator.stage import Stage, table_named
from lineside.simulator.tables import TABLES, Table
from lineside.simulator.writes import Refused, Write

READER: Final = "northfield-reader"
WRITER: Final = "northfield-writer"
PAGE: Final = 1000
_TERM = re.compile(r"^\(?\s*(\w+)\s+(ge|gt|le|lt|eq)\s+('[^']*'|[^\s()]+)\s*\)?$")
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {"ge": ge, "gt": gt, "le": le, "lt": lt, "eq": eq}
_BEARER: Final = HTTPBearer(auto_error=False)


def web_app(stage: Stage) -> FastAPI:
    """The servers under /erp, /cmms and /qms. Reading wants one of the two tokens; writing wants the writer's."""
    app = FastAPI(title="northfield", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.stage = stage
    reads = [Depends(_may_read)]
    app.add_api_route("/erp/$metadata", _metadata, dependencies=reads)
    app.add_api_route("/erp/{name}", _odata, dependencies=reads)
    app.add_api_route("/qms/lots/{lot}", _lot, dependencies=reads)
    writes = [Depends(_may_write)]
    app.add_api_route("/qms/holds", _place, methods=["POST"], dependencies=writes)
    app.add_api_route("/qms/holds/{hold}", _hold, dependencies=reads)
    app.add_api_route("/qms/holds/{hold}", _change, methods=["PATCH"], dependencies=writes)
    app.add_api_route("/cmms/equipment/{unit:path}/create_maintenance_order", _order, methods=["POST"],
                      dependencies=writes)  # fmt: skip
    app.add_api_route("/cmms/equipment/{unit:path}", _unit, dependencies=reads)
    app.add_api_route("/{source}/{name}", _rest, dependencies=reads)
    return app


def _token(given: HTTPAuthorizationCredentials | None) -> str:
    if given is None or given.credentials not in (READER, WRITER):
        raise HTTPException(401, "unknown token", headers={"WWW-Authenticate": "Bearer"})
    return given.credentials


def _may_read(given: HTTPAuthorizationCredentials | None = Depends(_BEARER)) -> None:  # noqa: B008 - FastAPI's form
    _token(given)


def _may_write(given: HTTPAuthorizationCredentials | None = Depends(_BEARER)) -> None:  # noqa: B008 - FastAPI's form
    if _token(given) != WRITER:
        raise HTTPException(403, "this token may only read")


def _stage(request: Request) -> Stage:
    stage: Stage = request.app.state.stage
    return stage


def _known(source: str, name: str) -> Table:
    table = next((one for one in TABLES if (one.source, one.name) == (source, name)), None)
    if table is None or source not in ("erp", "cmms", "qms"):
        raise HTTPException(404, f"{source} has no {name}")
    return table


def _metadata() -> JSONResponse:
    """The service document's core: the entity sets. Nobody needs EDMX here."""
    sets: list[Json] = [{"name": table.name, "kind": "EntitySet"} for table in TABLES if table.source == "erp"]
    return JSONResponse({"value": sets})


def _odata(
    request: Request,
    name: str,
    *,
    where: str = Query("", alias="$filter"),
    order: str = Query("", alias="$orderby"),
    top: int = Query(PAGE, alias="$top", ge=0),
    skip: int = Query(0, alias="$skip", ge=0),
) -> JSONResponse:
    table = _known("erp", name)
    rows = [row for row in _stage(request).rows(table) if _matches(row, where)]
    for term in reversed([part.split() for part in order.split(",") if part.strip()]):
        if term[0] not in (rows[0] if rows else term):
            raise HTTPException(400, f"no property {term[0]}")
        rows.sort(key=lambda row, field=term[0]: str(row[field] or ""), reverse=term[1:] == ["desc"])  # type: ignore[misc]
    size = min(top, PAGE)
    page: dict[str, Json] = {"@odata.context": f"$metadata#{name}", "value": list(rows[skip : skip + size])}
    if size < top and skip + size < len(rows):
        follow = request.url.include_query_params(**{"$skip": str(skip + size), "$top": str(top - size)})
        page["@odata.nextLink"] = str(follow)
    return JSONResponse(page, headers={"OData-Version": "4.0"})


def _matches(row: dict[str, Json], where: str) -> bool:
    if where.strip().startswith("(") and " or " in where:
        return any(_matches(row, part) for part in re.split(r"\s+or\s+", where.strip()))
    for part in re.split(r"\s+and\s+", where.strip()) if where.strip() else ():
        found = _TERM.match(part.strip())
        if found is None or found[1] not in row:
            raise HTTPException(400, f"can't filter by {part!r}")
        if not _COMPARE[found[2]](_comparable(row[found[1]]), _comparable(found[3].strip("'"))):
            return False
    return True


def _comparable(value: Json) -> tuple[int, float, str]:
    """Times with times, numbers with numbers, the rest as text."""
    text = "" if value is None else str(value)
    if re.match(r"^\d{4}-\d\d-\d\dT", text):
        return 2, datetime.fromisoformat(text).timestamp(), ""
    return (1, float(text), "") if re.fullmatch(r"-?\d+(\.\d+)?", text) else (0, 0.0, text)


def _rest(
    request: Request,
    source: str,
    name: str,
    *,
    changed_since: datetime | None = None,
    offset: int = Query(0, ge=0),
    limit: int = Query(PAGE, ge=1, le=PAGE),
) -> JSONResponse:
    rows = _stage(request).rows(_known(source, name), since=changed_since)
    return JSONResponse({"total": len(rows), "items": rows[offset : offset + limit]})


def _lot(request: Request, lot: str) -> JSONResponse:
    return _shown(_stage(request).lot(lot), f"no lot {lot}")


_SAID: Final = {
    "hold": ("lot", "reason"), "release": ("status", "reason"), "dispose": ("disposition", "reason"),
    "order": ("description", "reason"),
}  # fmt: skip


def _hold(request: Request, hold: str) -> JSONResponse:
    return _shown(_stage(request).hold(hold), f"no hold {hold}")


def _unit(request: Request, unit: str) -> JSONResponse:
    return _shown(_stage(request).unit(unit), f"no equipment {unit}")


def _shown(known: dict[str, Json] | None, none: str) -> JSONResponse:
    if known is None:
        raise HTTPException(404, none)
    return JSONResponse(known, headers={"ETag": f'"{known["version"]}"'})


def _place(
    request: Request,
    body: dict[str, Any] = Body(),  # noqa: B008 - FastAPI's form
    idempotency_key: str = Header(min_length=8),
    if_match: str | None = Header(None),
) -> JSONResponse:
    done, new = _written(request, ("hold", str(body.get("lot", ""))), idempotency_key, body, if_match)
    answer = {"hold": done.effect, "lot": done.id, "status": "active", "placed_at": done.at}
    return JSONResponse(answer, status_code=201 if new else 200)


def _change(
    request: Request,
    hold: str,
    body: dict[str, Any] = Body(),  # noqa: B008 - FastAPI's form
    idempotency_key: str = Header(min_length=8),
    if_match: str | None = Header(None),
) -> JSONResponse:
    if "disposition" not in body and body.get("status") != "released":
        raise HTTPException(422, "a hold is released, or its disposition is set")
    did = "dispose" if "disposition" in body else "release"
    _written(request, (did, hold), idempotency_key, body, if_match)
    return JSONResponse(_stage(request).hold(hold))


def _order(
    request: Request,
    unit: str,
    body: dict[str, Any] = Body(),  # noqa: B008 - FastAPI's form
    idempotency_key: str = Header(min_length=8),
    if_match: str | None = Header(None),
) -> JSONResponse:
    done, new = _written(request, ("order", unit), idempotency_key, body, if_match)
    return JSONResponse({"effect": done.effect}, status_code=201 if new else 200)


def _written(
    request: Request, wanted: tuple[str, str], key: str, body: dict[str, Any], if_match: str | None
) -> tuple[Write, bool]:
    did, id_ = wanted
    missing = [n for n in (*_SAID[did], "requested_by", "approved_by", "proposal") if not body.get(n)]
    if missing:
        raise HTTPException(422, f"missing: {', '.join(missing)}")
    if body["requested_by"] == body["approved_by"]:
        raise HTTPException(403, "nobody approves what they asked for")
    version = None
    if if_match and if_match != "*":
        if not if_match.strip('"').isdigit():
            raise HTTPException(412, "that is no version of ours")
        version = int(if_match.strip('"'))
    done = _stage(request).write(did, id_, key, body, version)
    if isinstance(done, Refused):
        raise HTTPException(done.status, done.why)
    return done


__all__ = ["READER", "WRITER", "table_named", "web_app"]
