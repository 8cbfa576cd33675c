"""A quality system in a process of its own, with fault switches and its own account of what was done to it.

`python qms_server.py` prints its port. POST /test/reset starts over with lots and one fault; GET /test/state tells all.
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

TOKEN = "write-token"
REFUSALS = {"refuses_writer": 403, "too_many": 429, "fails_before": 500}
app = FastAPI()


class Plant:
    def __init__(self, lots: dict[str, str], fault: str = "") -> None:
        self.lots = {lot: {"quality_status": status, "version": 1, "holds": []} for lot, status in lots.items()}
        self.by_key: dict[str, str] = {}
        self.fault = fault
        self.placed: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.release = asyncio.Event()


plant = Plant({})


@app.post("/test/reset")
async def reset(request: Request) -> dict[str, str]:
    global plant  # noqa: PLW0603 - one quality system per process
    plant.release.set()
    plant = Plant(**await request.json())
    return {}


@app.post("/test/fault/{fault}")
async def switch(fault: str) -> dict[str, str]:
    plant.fault = "" if fault == "none" else fault
    return {}


@app.post("/test/lots/{lot}/{quality_status}")
async def set_status(lot: str, quality_status: str) -> dict[str, str]:
    """Somebody else changes the lot."""
    plant.lots[lot]["version"] += 1
    plant.lots[lot]["quality_status"] = quality_status
    return {}


@app.get("/test/state")
async def state() -> dict[str, Any]:
    return {"lots": plant.lots, "placed": plant.placed, "calls": plant.calls}


@app.get("/lots/{lot}")
async def read_lot(lot: str, request: Request) -> Response:
    plant.calls.append("read")
    if request.headers.get("authorization") != f"Bearer {TOKEN}" or plant.fault == "read_refused":
        return Response(status_code=401)
    if plant.fault == "read_fails":
        return Response(status_code=503)
    if plant.fault == "read_other_lot":
        lot = next(other for other in plant.lots if other != lot)
    if lot not in plant.lots:
        return Response(status_code=404)
    row = plant.lots[lot]
    answer = JSONResponse({"lot": lot, **row}, headers={"ETag": f'"{row["version"]}"'})
    if plant.fault == "changes_after_read":
        row["version"] += 1
    return answer


@app.post("/holds")
async def place_hold(request: Request) -> Response:
    plant.calls.append("write")
    fault, here = plant.fault, plant
    body, key = await request.json(), request.headers["idempotency-key"]
    if fault in REFUSALS:
        return Response(status_code=REFUSALS[fault])
    if fault == "silent_before":
        await here.release.wait()
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Response(status_code=401)
    if key in here.by_key:
        return JSONResponse({"hold": here.by_key[key]}, status_code=200)
    row = here.lots[body["lot"]]
    if fault == "held_meanwhile" or any(hold["status"] == "active" for hold in row["holds"]):
        return Response(status_code=409)
    if request.headers.get("if-match", f'"{row["version"]}"') != f'"{row["version"]}"':
        return Response(status_code=412)
    hold = f"H-{len(here.placed) + 1}"
    here.by_key[key] = hold
    here.placed.append({"hold": hold, "key": key, "body": body})
    row["holds"].append(
        {"hold": hold, "status": "active", "reason": body["reason"], "proposal": body["proposal"]}
        if fault != "forgets_proposal"
        else {"hold": hold, "status": "active", "reason": body["reason"]}
    )
    row["quality_status"], row["version"] = "blocked", row["version"] + 1
    match fault:
        case "silent_after" | "forgets_proposal":
            await here.release.wait()
        case "fails_after":
            return Response(status_code=500)
        case "drips":
            return StreamingResponse(drip(here), status_code=201, media_type="application/json")
        case "wrong_answer":
            return Response("<html>created</html>", status_code=201)
        case "endless_answer":
            return Response("x" * 2_000_000, status_code=201)
        case "moved":
            return Response(status_code=307, headers={"Location": "/elsewhere"})
    return JSONResponse({"hold": hold}, status_code=201)


async def drip(here: Plant) -> AsyncIterator[bytes]:
    while not here.release.is_set():
        yield b" "
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)).run(
        sockets=[listening]
    )
