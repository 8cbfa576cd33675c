"""The audit ledger's signed heads, carried off the machine as they grow: to a folder elsewhere, or to an address.

A chain that is rewritten on the machine, or cut back to an older head, then disagrees with a head that nobody there can
reach. A line is added for each; `lineside audit verify --head FILE` takes the file as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import structlog

from lineside.actions.audit import Head
from lineside.errors import BadRequest, BadSettings

if TYPE_CHECKING:
    from lineside.actions.ledger import Ledger

log = structlog.get_logger()
FILE = "lineside-audit-heads.jsonl"
EVERY_ENTRIES, EVERY_S = 1000, 60.0
_WAIT_S = 10.0


@dataclass(slots=True)
class Export:
    """Carries heads to `place`: a folder, or an http(s) address that takes them by POST.

    token: sent to the address alone. passed: seconds that only grow. behind: why the newest head is not there, for who
    watches; empty where it is.
    """

    place: str
    token: str
    passed: Callable[[], float]
    behind: str = ""
    _seq: int = 0
    _at: float | None = None

    def step(self, ledger: Ledger) -> bool:
        """Whether a head was carried away: when a thousand entries, or anything in a minute, are new."""
        now = self.passed()
        head = ledger.export_head()
        if head is None or head.seq == self._seq:
            return False
        if self._at is not None and head.seq - self._seq < EVERY_ENTRIES and now - self._at < EVERY_S:
            return False
        self._at = now  # a place that is away is tried again after a minute, not each second
        try:
            self._carry(head)
        except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
            why = f"the audit head {head.seq} did not reach {self.place}: {error or type(error).__name__}"
            if not self.behind:
                log.warning("audit_head_not_exported", reason=why)
            self.behind = why
            return False
        if self.behind:
            log.warning("audit_head_exported_again", seq=head.seq)
        self._seq, self.behind = head.seq, ""
        return True

    def newest_there(self) -> int | None:
        """Which entry the newest head in the folder is of, 0 where there is none; None where it can't be read."""
        if self.place.startswith(("http://", "https://")):
            return None
        file = Path(self.place) / FILE
        return newest_head(file.read_text(encoding="utf-8")).seq if file.is_file() else 0

    def _carry(self, head: Head) -> None:
        line = json.dumps(head.to_json(), sort_keys=True)
        if self.place.startswith(("http://", "https://")):
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            with httpx.Client(timeout=_WAIT_S, trust_env=False, follow_redirects=False) as client:
                sent = client.post(self.place, content=line, headers={**headers, "Content-Type": "application/json"})
                sent.raise_for_status()
            return
        # One write and one sync a head: a line is there whole, or it is the last one and half.
        handle = os.open(Path(self.place) / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def newest_head(text: str) -> Head:
    """The newest head in the text of an exported file, of one or of many. Raises BadRequest where there is none."""
    for line in (*reversed(text.splitlines()), text):
        try:
            data = json.loads(line)
        except ValueError:
            continue  # half a line, where the machine stopped, or one of many of a single head
        if isinstance(data, dict):
            return Head.from_json(data)
    raise BadRequest("this is not an exported head of an audit ledger; write one with: lineside audit export FILE")


def checked_place(place: str) -> str:
    """The place as it is set. Raises BadSettings where nothing could ever be put there."""
    if place.startswith(("http://", "https://")) or Path(place).is_dir():
        return place
    raise BadSettings(
        f"audit.export: {place} is neither a folder that is there nor an http address", key="audit.export"
    )
