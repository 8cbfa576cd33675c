"""The plant's memory: messages in, records kept for good with their three times, views of what was known when, and
passages out that answer a question. Facts live in SQL; the vector index only finds passages.
"""

from lineside.memory.accounts import SourceAccount
from lineside.memory.database import Database
from lineside.memory.freshness import Freshness, SourceState
from lineside.memory.letters import DeadLetter
from lineside.memory.reader import EVERYTHING, Reader
from lineside.memory.recall import Evidence, Recollection
from lineside.memory.remember import Outcome
from lineside.memory.statements import Statement
from lineside.memory.store import Memory
from lineside.memory.view import KnownGap, View

__all__ = [
    "EVERYTHING",
    "Database",
    "DeadLetter",
    "Evidence",
    "Freshness",
    "KnownGap",
    "Memory",
    "Outcome",
    "Reader",
    "Recollection",
    "SourceAccount",
    "SourceState",
    "Statement",
    "View",
]
