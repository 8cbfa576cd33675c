"""The sources where people look after them: how all do, one of them whole, its dead letters, its pauses."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from lineside.app import Lineside
from lineside.memory.feed_state import FeedState
from lineside.memory.freshness import HEARTBEAT_S
from lineside.memory.letters import Wanted
from lineside.memory.mending import count_letters
from lineside.memory.watchdog import heartbeat
from lineside.serve import feeds_api, tending
from lineside.serve.api import Here, Operating, Reading
from lineside.serve.feeds_api import ReasonBody, seen, tender_of
from lineside.serve.identity import Caller
from lineside.serve.overview import dead_letter_rows, log_rows, source_detail, source_rows
from lineside.serve.pages.showing import partial, show

LETTERS_SHOWN, LINES_SHOWN = 50, 15
_WORST_FIRST = (
    FeedState.FAILED,
    FeedState.STORE_DOWN,
    FeedState.SILENT,
    FeedState.RETRYING,
    FeedState.PAUSED,
    FeedState.LAGGING,
    FeedState.DEGRADED,
    FeedState.STARTING,
    FeedState.QUIET,
    FeedState.LIVE,
)
_Reason = Annotated[str, Form(min_length=1, max_length=2000)]

router = APIRouter()


@router.get("/sources")
def sources_page(request: Request, lineside: Here, caller: Reading) -> Response:
    """Every source and how it is doing, the worst first."""
    order = {str(state): place for place, state in enumerate(_WORST_FIRST)}
    rows = sorted(source_rows(lineside, lineside.reader(caller.person)), key=lambda row: order[str(row["state"])])
    looked, now = heartbeat(lineside.memory), lineside.clock()
    return show(
        request,
        "feeds.html" if partial(request) else "sources.html",
        rows=rows,
        counts=sorted(Counter(str(row["state"]) for row in rows).items(), key=lambda each: order[each[0]]),
        looked=looked,
        unwatched=bool(lineside.settings.sources)
        and (looked is None or (now - looked).total_seconds() > 2 * HEARTBEAT_S),
    )


@router.get("/sources/{source:path}")
def source_page(source: str, request: Request, lineside: Here, caller: Reading) -> Response:
    """One source; what changes by itself is asked for again and again."""
    may_mend = _may_mend(caller)
    now: dict[str, Any] = {
        "row": source_detail(lineside, source, lineside.reader(caller.person)),
        "lines": log_rows(lineside, source, limit=LINES_SHOWN) if may_mend else [],
        "may_mend": may_mend,
        "configured": source in tending.known_to_read(lineside),
    }
    if partial(request):
        return show(request, "feed_now.html", **now)
    return show(request, "feed.html", **now, **(_letters(lineside, source) if may_mend else {}))


@router.post("/sources/{source:path}/pause")
def pause(source: str, lineside: Here, caller: Operating, reason: _Reason) -> Response:
    """Left alone until somebody resumes it; the page says so."""
    feeds_api.pause(source, ReasonBody(reason=reason), lineside, caller)
    return _back(source)


@router.post("/sources/{source:path}/resume")
def resume(source: str, lineside: Here, caller: Operating) -> Response:
    """Read again; the page says how that goes."""
    feeds_api.resume(source, lineside, caller)
    return _back(source)


@router.post("/sources/{source:path}/drift/accept")
def accept_drift(source: str, lineside: Here, caller: Operating) -> Response:
    """Its streams look as they do now from now on."""
    feeds_api.accept_drift(source, lineside, caller)
    return _back(source)


@router.post("/sources/{source:path}/letters/retry")
def retry_all(
    source: str,
    request: Request,
    lineside: Here,
    caller: Operating,
    containing: Annotated[str, Form()] = "",
    fetch: Annotated[bool, Form()] = False,
) -> Response:
    """The source's dead letters, or those whose reason has that in it, are tried once more."""
    seen(lineside, source, caller)
    wanted = Wanted(sources=(source,), containing=containing)
    done = tending.retry(lineside, wanted, tender=tender_of(caller), fetch=fetch)
    said = "None is open." if not done else ""
    for row in done:
        said = (
            f"{row['tried']} tried: {row['recovered']} recovered, {row['replaced']} replaced, {row['open']} still open."
        )
        if row["error"]:
            said += f" Stopped: {row['error']}"
    return _after(request, lineside, source, said)


@router.post("/sources/{source:path}/letters/discard")
def discard_all(
    source: str,
    request: Request,
    lineside: Here,
    caller: Operating,
    reason: _Reason,
    containing: Annotated[str, Form()] = "",
) -> Response:
    """The source's dead letters, or those whose reason has that in it, are closed with a reason."""
    seen(lineside, source, caller)
    wanted = Wanted(sources=(source,), containing=containing)
    done = tending.discard(lineside, wanted, reason=reason, tender=tender_of(caller))
    return _after(request, lineside, source, f"{done} closed; their bytes stay kept.")


@router.post("/dead-letters/{letter}/retry")
def retry(
    letter: int, request: Request, lineside: Here, caller: Operating, fetch: Annotated[bool, Form()] = False
) -> Response:
    """Read once more; the list says what came of it."""
    row = feeds_api.retry(letter, lineside, caller, fetch)
    said = {
        "open": f"Dead letter {letter} still can't be read: {row['reason']}",
        "recovered": f"Dead letter {letter} was read; its records are kept.",
    }.get(row["status"], f"Dead letter {letter} is closed: {row['closed_because']}")
    return _after(request, lineside, row["source"], said)


@router.post("/dead-letters/{letter}/discard")
def discard(letter: int, request: Request, lineside: Here, caller: Operating, reason: _Reason) -> Response:
    """Closed with a reason; its bytes stay kept."""
    row = feeds_api.discard(letter, ReasonBody(reason=reason), lineside, caller)
    return _after(request, lineside, row["source"], f"Dead letter {letter} is closed; its bytes stay kept.")


def _after(request: Request, lineside: Lineside, source: str, said: str) -> Response:
    if not partial(request):
        return _back(source)
    return show(request, "letters.html", **_letters(lineside, source, said))


def _back(source: str) -> Response:
    return RedirectResponse(f"/sources/{quote(source)}", status_code=HTTPStatus.SEE_OTHER)


def _letters(lineside: Lineside, source: str, said: str = "") -> dict[str, Any]:
    wanted = Wanted(sources=(source,))
    return {
        "letters": dead_letter_rows(lineside, wanted, limit=LETTERS_SHOWN),
        "waiting": count_letters(lineside.memory, wanted).get(source, 0),
        "can_fetch": source in tending.known_to_read(lineside),
        "source": source,
        "said": said,
    }


def _may_mend(caller: Caller) -> bool:
    return caller.person is None or "admin" in caller.person.roles
