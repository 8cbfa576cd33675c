"""What people see of the app in Slack: its shortcuts and its command. The manifest and the listeners are made from it,
so that neither names what the other has not."""

from __future__ import annotations

from dataclasses import dataclass

PATH = "/slack/events"
COMMAND = "/lineside"
USAGE = "note TEXT | handover [SHIFT]"
NOTE, HANDOVER = "note", "handover"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """callback: what Slack sends when it is chosen. place: `message` on each message, `global` everywhere."""

    callback: str
    name: str
    place: str
    description: str


SAVE = Shortcut("save_message", "Save as note or decision", "message", "Keep it as a note, a decision or an outcome")
WRITE = Shortcut("write_note", "Write a note", "global", "Write down what happened, was decided or came of it")
SHORTCUTS = (SAVE, WRITE)

SCOPES = {
    "commands": "shortcuts and the command",
    "chat:write": "answers and handovers",
    "users:read": "the language that a person has set",
}

WRITTEN_VIEW, KEEP_VIEW = "written", "keep"
KIND_ACTION = "kind"
