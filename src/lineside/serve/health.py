"""Whether the product works, for those who watch it: alive, ready, and measured."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lineside import errors
from lineside.actions.at_work import at_work
from lineside.app import Lineside
from lineside.memory.feed_state import FeedState
from lineside.memory.freshness import HEARTBEAT_S
from lineside.memory.watchdog import heartbeat
from lineside.plant.timeline import duration
from lineside.serve.kpi_metrics import ExceptionGauges
from lineside.serve.overview import source_rows
from lineside.serve.problems import CONTENT_POLICY, problem

STALE_S = 2 * HEARTBEAT_S
_OUTCOMES = ("recorded", "known", "dead_lettered", "held", "ignored")


def watch(app: FastAPI, lineside: Lineside) -> None:
    """`app` answers at /healthz, /readyz and /metrics, and counts its requests."""
    registry = CollectorRegistry()
    served = Counter("lineside_requests", "Requests by route and status", ["route", "status"], registry=registry)
    took = Histogram("lineside_request_seconds", "Own time of a request", ["route"], registry=registry)
    measured = _Measured(registry)

    @app.middleware("http")
    async def measure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
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
        """Ready: the database answers, and the watchdog looks at the sources."""
        try:
            lag = lineside.memory.index_lag()
            unwatched = _unwatched(lineside)
        except errors.StoreError as error:
            return problem(503, error.message, code=error.code, part="store")
        if unwatched:
            return problem(503, unwatched, code=errors.LinesideError.code, part="watchdog")
        return JSONResponse({"ready": True, "index_lag": lag})

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        measured.take(lineside)
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")


def _unwatched(lineside: Lineside) -> str:
    """Why nobody looks after the sources; empty where somebody does, or where there is nothing to look after."""
    looked = heartbeat(lineside.memory)
    if looked is None:
        return (
            "the watchdog has not looked at the sources yet: is the part ingest running?" if _sources(lineside) else ""
        )
    silent_s = (lineside.clock() - looked).total_seconds()
    if silent_s <= STALE_S:
        return ""
    return f"the watchdog last looked at the sources {duration(silent_s)} ago: start or restart the part ingest"


def _sources(lineside: Lineside) -> bool:
    return bool(lineside.settings.sources)


class _Measured:
    """What is told of the sources and of what waits, taken anew with every asking."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, said: str, *labels: str) -> Gauge:
            return Gauge(f"lineside_{name}", said, labels, registry=registry)

        self._messages = gauge("messages", "Messages by source and outcome", "source", "outcome")
        self._state = gauge("source_state", "1 for the state that the source is in", "source", "state")
        self._heard = gauge("source_last_heard_age_seconds", "Since the last sign of life", "source")
        self._lag = gauge("source_lag_seconds", "How old what it says now is", "source")
        self._letters = gauge("source_open_letters", "Dead letters that nobody has dealt with", "source")
        self._alerts = gauge("source_alerts", "Open alerts by kind", "source", "kind")
        self._heartbeat = gauge("watchdog_heartbeat_age_seconds", "Since the watchdog looked; -1: it never did")
        self._waiting = gauge("index_lag_passages", "Passages not yet in the vector index")
        self._proposals = gauge("proposals", "Proposals by state", "state")
        self._head = gauge("audit_head_late", "1 while the audit's newest head could not be carried off this machine")
        self._executor = gauge("executor_missing", "1 while there are targets, and no executor lives")
        self._exceptions = ExceptionGauges(registry)

    def take(self, lineside: Lineside) -> None:
        memory, now = lineside.memory, lineside.clock()
        labelled = (self._messages, self._state, self._heard, self._lag, self._letters, self._alerts, self._proposals)
        for each in labelled:
            each.clear()
        for row in source_rows(lineside):
            source = str(row["source"])
            for outcome in _OUTCOMES:
                self._messages.labels(source, outcome).set(_number(row[outcome]))
            for state in FeedState:
                self._state.labels(source, state.value).set(row["state"] == state.value)
            if isinstance(heard := row["last_heard"], str):
                self._heard.labels(source).set(max((now - datetime.fromisoformat(heard)).total_seconds(), 0.0))
            if row["lag_s"] is not None:
                self._lag.labels(source).set(_number(row["lag_s"]))
            self._letters.labels(source).set(_number(row["open_letters"]))
        for alert in memory.alerts():
            self._alerts.labels(alert.source, alert.kind).inc()
        looked = heartbeat(memory)
        self._heartbeat.set((now - looked).total_seconds() if looked else -1)
        self._waiting.set(memory.index_lag())
        for proposal in lineside.ledger.list():
            self._proposals.labels(proposal.state.value).inc()
        self._executor.set(bool(lineside.settings.targets) and not at_work(memory))
        self._head.set(lineside.audit_export is not None and bool(lineside.audit_export.behind))
        self._exceptions.take(lineside)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
