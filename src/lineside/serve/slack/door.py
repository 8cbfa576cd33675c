"""Where Slack knocks: nothing comes in but what Slack signed, in time, for our workspace; each thing has one name."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from lineside.errors import BadRequest, NotPermitted

LARGEST_BYTES = 1_000_000
WINDOW_S = 300
PREFIX = "slack/"
"""What the names of Slack's deliveries begin with."""
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What Slack signs such a request with."""
    signed = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return f"v0={signed.hexdigest()}"


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> str:
    """The signature of a request that Slack made within the last or next five minutes, over its raw bytes.

    Raises NotPermitted for anything else, whatever its headers hold."""
    timestamp, given = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not secret or not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(given):
        raise NotPermitted("this request is not signed by Slack", signed_in=False)
    if abs(now.timestamp() - int(timestamp)) > WINDOW_S:
        raise NotPermitted("this request was signed too long ago, or a clock is wrong", signed_in=False)
    if not hmac.compare_digest(given.encode(), signature(secret, timestamp, body).encode()):
        raise NotPermitted("this request is not signed by Slack", signed_in=False)
    return given


def payload_of(body: bytes, content_type: str) -> dict[str, Any]:
    """What the request says: JSON, or a form that holds it. Raises BadRequest."""
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip() == "application/x-www-form-urlencoded":
            form = {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
            found = json.loads(form["payload"]) if "payload" in form else form
        else:
            found = json.loads(text)
    except ValueError as error:
        raise BadRequest("the request is neither JSON nor a form that holds it") from error
    if not isinstance(found, dict):
        raise BadRequest("the request is no JSON object")
    return found


def check_team(payload: Mapping[str, Any], team: str) -> None:
    """It is about our workspace, and done by somebody who belongs to it. Raises NotPermitted."""
    about = _id(payload.get("team")) or payload.get("team_id")
    user = payload.get("user")
    theirs = user.get("team_id") if isinstance(user, dict) else None
    if not team or about != team or theirs not in (None, team):
        raise NotPermitted("this request is about another workspace")


def name_of(payload: Mapping[str, Any], content: bytes) -> str:
    """The name that every sending of the same thing has: a retry is signed anew and comes in a new envelope."""
    for field in ("event_id", "trigger_id"):
        said = payload.get(field)
        if isinstance(said, str) and said:
            return f"{PREFIX}{field}/{said[:200]}"
    return f"{PREFIX}digest/{hashlib.sha256(content).hexdigest()}"


def user_of(payload: Mapping[str, Any]) -> str:
    """Who did it; empty where nobody did."""
    return str(_id(payload.get("user")) or payload.get("user_id") or "")


def _id(value: object) -> str | None:
    found = value.get("id") if isinstance(value, dict) else None
    return found if isinstance(found, str) else None
