"""A plant's integration layer in a process of its own: every kind of subject, every action, and every fault.

`python any_server.py` prints its port. POST /test/reset starts over with subjects; GET /test/state tells all.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

SLOW_S = 0.03  # on either side of the effect
REFUSALS = {"refuses_writer": 403, "too_many": 429, "fails_before": 500}
# What each action sets on its subject, as (property, parameter); the others leave an effect behind.
SETS = {
    "release_hold": ("status", None),
    "dispose": ("disposition", "disposition"),
    "resequence_job_order": ("sequence", "sequence"),
    "substitute_material": ("components", "substitute"),
    "reroute_pick": ("location", "location"),
    "post_count": ("quantity", "quantity"),
    "expedite_purchase_order": ("eta", "eta"),
    "reallocate_stock": ("sales_order_line", "sales_order_line"),
    "pause_shipment": ("planned_departure", "until"),
}
app = FastAPI()


class Plant:
    def __init__(self, subjects: dict[str, dict[str, Any]]) -> None:
        self.subjects: dict[str, dict[str, Any]] = {}
        self.add(subjects)
        self.by_key: dict[str, str] = {}
        self.fault, self.pause_s = "", 0.0
        self.done: list[dict[str, Any]] = []
        self.writes = 0
        self.release = asyncio.Event()

    def add(self, subjects: dict[str, dict[str, Any]]) -> None:
        for name, said in subjects.items():
            more = {"active_holds": "none"} if name.startswith("lot:") else {}
            self.subjects[name] = {"properties": {**said, **more}, "effects": [], "version": 1}


plant = Plant({})


@app.post("/test/reset")
async def reset(request: Request) -> dict[str, str]:
    global plant  # noqa: PLW0603 - one plant per process
    plant.release.set()
    plant = Plant(await request.json())
    return {}


@app.post("/test/subject")
async def add(request: Request) -> dict[str, str]:
    plant.add(await request.json())
    return {}


@app.post("/test/fault/{fault}")
async def switch(fault: str) -> dict[str, str]:
    plant.fault = "" if fault == "none" else fault
    plant.pause_s = SLOW_S if fault == "slow" else 0.0
    return {}


@app.get("/test/state")
async def state() -> dict[str, Any]:
    return {"done": plant.done, "writes": plant.writes, "subjects": plant.subjects}


@app.get("/{kind}/{id_:path}")
async def read(kind: str, id_: str) -> Response:
    if plant.fault == "read_fails":
        return Response(status_code=503)
    row = plant.subjects.get(f"{kind}:{id_}")
    if row is None:
        return Response(status_code=404)
    answer = {"id": "another" if plant.fault == "read_other" else id_, **row}
    tag = f'"{row["version"]}"'
    if plant.fault == "changes_after_read":
        row["version"] += 1
    return JSONResponse(answer, headers={"ETag": tag})


@app.post("/{kind}/{id_:path}/{action}")
async def act(kind: str, id_: str, action: str, request: Request) -> Response:
    here, fault = plant, plant.fault
    here.writes += 1
    body, key = await request.json(), request.headers["idempotency-key"]
    if fault in REFUSALS:
        return Response(status_code=REFUSALS[fault])
    await asyncio.sleep(here.pause_s)
    if fault == "silent_before":
        await here.release.wait()
        return Response(status_code=500)
    if key in here.by_key:
        return JSONResponse({"effect": here.by_key[key]})
    row = here.subjects[f"{kind}:{id_}"]
    if request.headers.get("if-match") != f'"{row["version"]}"':
        return Response(status_code=412)
    row["version"] += 1
    effect = f"E-{len(here.done) + 1}"
    if action in SETS:
        name, parameter = SETS[action]
        value = "released" if parameter is None else body[parameter]
        if f"{parameter}_unit" in body:
            value = f"{value} {body[f'{parameter}_unit']}"
        row["properties"][name] = [{"material": value}] if name == "components" else value
        if action == "release_hold":
            lot = here.subjects[row["properties"]["subject"]]["properties"]
            lot |= {"quality_status": "unrestricted", "active_holds": "none"}
        if fault == "does_otherwise":
            row["properties"][name] = [{"material": "X-9"}] if name == "components" else "2031-01-01T00:00:00+00:00"
    else:
        marked = {} if fault in ("does_otherwise", "forgets_proposal") else {"proposal": body["proposal"]}
        row["effects"].append({"id": effect, "active": True, **marked})
        if action == "hold_lot":
            row["properties"] |= {"quality_status": "blocked", "active_holds": effect}
            held = {"status": "active", "subject": f"{kind}:{id_}"}
            here.subjects[f"hold:{effect}"] = {"properties": held, "effects": [], "version": 1}
    here.by_key[key] = effect
    here.done.append({"action": action, "key": key, "body": body, "effect": effect})
    await asyncio.sleep(here.pause_s)
    match fault:
        case "silent_after" | "does_otherwise":
            await here.release.wait()
        case "fails_after":
            return Response(status_code=500)
        case "drips":
            return StreamingResponse(drip(here), status_code=201, media_type="application/json")
        case "wrong_answer":
            return Response("<html>created</html>", status_code=201)
    return JSONResponse({"effect": effect}, status_code=201)


async def drip(here: Plant) -> AsyncIterator[bytes]:
    while not here.release.is_set():
        yield b" "
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off")).run(sockets=[listening])
