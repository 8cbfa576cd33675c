"""Who deleted what, from Tryton's log of models.

A deletion's line names the row that is gone, but Tryton shows a reference to a row that is not there as nothing. Its
searches still compare what is stored, so the name is found digit by digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lineside.connector import Gone
from lineside.plant.records import Json
from lineside_ingest.tryton.access import Reader, Row, number
from lineside_ingest.tryton.models import LOG
from lineside_ingest.tryton.values import moment, stamp

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """streams: model to the names of the streams that read it. since: when we first read; what went before is no news
    to us."""

    streams: Mapping[str, Sequence[str]]
    since: datetime

    async def deleted(self, reader: Reader, lines: Sequence[Row]) -> list[Gone]:
        """What is gone by these lines of the log, with when and by whom; each line's `resource` is put back."""
        news = {number(line): line for line in lines if line.get("event") == "delete" and self._recent(line)}
        found: list[Gone] = []
        for model, names in self.streams.items():
            if not news:
                break
            for resource, ids in (await _named(reader, f"{model},", sorted(news))).items():
                for each in ids:
                    line = news.pop(each)
                    line["resource"] = resource
                    found += [_gone(name, resource, line) for name in names]
        return found

    def _recent(self, line: Row) -> bool:
        at = stamp(line)
        return bool(at) and moment(at) >= self.since


async def _named(reader: Reader, prefix: str, lines: Sequence[int]) -> dict[str, list[int]]:
    """The resources that begin with the prefix, each with those of the lines that name it."""
    found: dict[str, list[int]] = {}
    left = await _lines(reader, lines, "like", f"{_literal(prefix)}%")
    if left and prefix[-1] != ",":
        exact = await _lines(reader, left, "=", prefix)
        if exact:
            found[prefix] = exact
            left = [each for each in left if each not in exact]
    for digit in "0123456789":
        if not left:
            break
        deeper = await _named(reader, f"{prefix}{digit}", left)
        found |= deeper
        left = [each for each in left if not any(each in ids for ids in deeper.values())]
    return found


async def _lines(reader: Reader, lines: Sequence[int], operator: str, resource: str) -> list[int]:
    if not lines:
        return []
    ids: Json = list(lines)
    rows = await reader.rows(LOG, [["id", "in", ids], ["resource", operator, resource]], [], limit=_AT_ONCE)
    return [number(row) for row in rows]


def _literal(text: str) -> str:
    """The text as a pattern that means itself."""
    return text.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def _gone(name: str, resource: str, line: Row) -> Gone:
    user = line.get("user")
    by = user.get("rec_name") if isinstance(user, dict) else None
    reason = f"deleted in Tryton by {by}" if by else "deleted in Tryton"
    return Gone(stream=name, key=resource.partition(",")[2], at=moment(stamp(line)), reason=reason)
