"""Textile and Markdown as people read them. Redmine does not tell which of the two a text is written in. Pure.

Only what can't be meant literally is taken away: a star within a number or an underscore within a part's name stays.
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"(<pre>.*?</pre>|^```.*?^```[ \t]*$|^~~~.*?^~~~[ \t]*$)", re.DOTALL | re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r"^(?:```|~~~).*$\n?|</?(?:pre|code)(?: [^>\n]*)?>", re.MULTILINE | re.IGNORECASE)
_LINES = (
    (re.compile(r"^(?:h[1-6]|bq|p|fn\d+)[^\s.]*\. +", re.MULTILINE), ""),  # Textile's headings, quotes, paragraphs
    (re.compile(r"^#{1,6} +(?=\S)", re.MULTILINE), ""),  # Markdown's headings, Textile's numbered items
    (
        re.compile(r"^\{\{>?toc\}\}$|^ {0,3}(?:-{3,}|\*{3,}|_{3,}) *$|^\|?(?: *:?-{2,}:? *\|)+ *:?-* *$", re.MULTILINE),
        "",
    ),
    (re.compile(r"^\|(.*)\|[ \t]*$", re.MULTILINE), lambda row: _cells(row[1])),
)
_INLINE = (
    (re.compile(r"!\[([^\]\n]*)\]\(([^)\s]+)[^)\n]*\)"), lambda it: f"[picture {it[1] or it[2]}]"),
    (re.compile(r"(?<![\w!])!(?:[<>=]|\{[^}\n]*\})?([^\s!()]+\.\w{2,5})(?:\(([^)\n]*)\))?!"), r"[picture \1]"),
    (re.compile(r"\[([^\]\n]+)\]\((?:[a-z]+:|/)[^)\s]*\)"), r"\1"),
    (re.compile(r'"([^"\n]+)":(?:https?|ftp|mailto|file)[:/][^\s<>]*[^\s<>.,;:!?)]'), r"\1"),
    (re.compile(r"\[\[[^\]|\n]+\|([^\]\n]+)\]\]|\[\[([^\]\n]+)\]\]"), lambda it: it[1] or it[2]),
    (re.compile(r"%\{[^}\n]*\}([^%\n]+)%"), r"\1"),
    (re.compile(r"(?<![\w*])(\*\*?)(?=[^\s*])([^*\n]*[^\s*])\1(?![\w*])"), r"\2"),
    (re.compile(r"(?<![\w_])(__?)(?=[^\s_])([^_\n]*[^\s_])\1(?![\w_])"), r"\2"),
    (re.compile(r"(?<![\w@])@(?=\S)([^@\n]*\S)@(?![\w@])"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
)
_BLANK_LINES = re.compile(r"\n{3,}")


def readable(written: str) -> str:
    """The text without its markup; code and preformatted parts word for word."""
    parts = _PARTS.split(written.replace("\r\n", "\n"))
    plain = [_FENCE.sub("", part) if place % 2 else _unmarked(part) for place, part in enumerate(parts)]
    return _BLANK_LINES.sub("\n\n", "".join(plain)).strip()


def _unmarked(part: str) -> str:
    for pattern, plain in (*_LINES, *_INLINE):
        part = pattern.sub(plain, part)
    return part


def _cells(row: str) -> str:
    cells = (re.sub(r"^(?:[_<>=^~]|[\\/]\d)+\. *", "", each.strip()) for each in row.split("|"))
    return " | ".join(cells)
