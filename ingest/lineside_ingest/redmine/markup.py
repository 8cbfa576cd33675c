"""Textile and Markdown as people read them. Redmine does not tell which of the two a text is written in. Pure.

Only what can't be meant literally is taken away: a star within a number or an underscore within a part's name stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

_FENCES = re.compile(r"(<pre>|</pre>|^```.*$\n?|^~~~.*$\n?)", re.MULTILINE | re.IGNORECASE)
_CODE = re.compile(r"</?code(?: [^>\n]{0,100})?>", re.IGNORECASE)
_Plain: TypeAlias = str | Callable[[re.Match[str]], str]

_LINES: tuple[tuple[re.Pattern[str], _Plain], ...] = (
    (re.compile(r"^(?:h[1-6]|bq|p|fn\d{1,3})[^\s.]{0,50}\. +", re.MULTILINE), ""),  # Textile's headings and quotes
    (re.compile(r"^#{1,6} +(?=\S)", re.MULTILINE), ""),  # Markdown's headings, Textile's numbered items
    (re.compile(r"^\{\{>?toc\}\}$|^[-*_]{3,}$|^(?=.*\|)(?=.*--)[|: \-]+$", re.MULTILINE), ""),
    (re.compile(r"^\|(.*)\|[ \t]*$", re.MULTILINE), lambda row: _cells(row[1])),
)
# Nothing marked is longer than this: a hostile text must not be looked through from each of its brackets to its end.
_INLINE: tuple[tuple[re.Pattern[str], _Plain], ...] = tuple(
    (re.compile(pattern.replace("+++", "{1,300}")), plain)
    for pattern, plain in (
        (r"!\[([^\]\n]{0,300})\]\(([^)\s]+++)\)", lambda it: f"[picture {it[1] or it[2]}]"),
        (r"(?<![\w!])!(?:[<>=]|\{[^}\n]+++\})?([^\s!()]+++\.\w{2,5})(?:\([^)\n]+++\))?!", r"[picture \1]"),
        (r"\[([^\]\n]+++)\]\((?:[a-z]{1,10}:|/)[^)\s]{0,2000}\)", r"\1"),
        (r'"([^"\n]+++)":(?:https?|ftp|mailto|file)[:/][^\s<>]{0,2000}[^\s<>.,;:!?)]', r"\1"),
        (r"\[\[[^\]|\n]+++\|([^\]\n]+++)\]\]|\[\[([^\]\n]+++)\]\]", lambda it: it[1] or it[2]),
        (r"%\{[^}\n]+++\}([^%\n]+++)%", r"\1"),
        (r"(?<![\w*])(\*\*?)(?=[^\s*])([^*\n]{0,300}[^\s*])\1(?![\w*])", r"\2"),
        (r"(?<![\w_])(__?)(?=[^\s_])([^_\n]{0,300}[^\s_])\1(?![\w_])", r"\2"),
        (r"(?<![\w@])@(?=\S)([^@\n]{0,300}\S)@(?![\w@])", r"\1"),
        (r"`([^`\n]+++)`", r"\1"),
    )
)
_BLANK_LINES = re.compile(r"\n{3,}")


def readable(written: str) -> str:
    """The text without its markup; code and preformatted parts word for word."""
    found: list[str] = []
    inside = ""
    for place, part in enumerate(_FENCES.split(written.replace("\r\n", "\n"))):
        if place % 2 == 0:
            found.append(_CODE.sub("", part) if inside else _unmarked(part))
        elif not inside:
            inside = {"<": "</pre>", "`": "```", "~": "~~~"}[part[0]]
        elif part.casefold().startswith(inside):
            inside = ""
        else:
            found.append(part)
    return _BLANK_LINES.sub("\n\n", "".join(found)).strip()


def _unmarked(part: str) -> str:
    for pattern, plain in (*_LINES, *_INLINE):
        part = pattern.sub(plain, part)
    return part


def _cells(row: str) -> str:
    cells = (re.sub(r"^(?:[_<>=^~]|[\\/]\d){1,9}\. *", "", each.strip()) for each in row.split("|"))
    return " | ".join(cells)
