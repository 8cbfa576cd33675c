"""A B2MML document cut into messages: each is the document with one of its things. Pure, in bounded memory."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from lineside.errors import UnreadableMessage
from lineside_ingest.drop_folder.b2mml.tree import Element, Reader, child, first, local, text, written

REQUESTS = frozenset({"ProductionRequest", "OperationsRequest", "WorkRequest", "JobOrder"})
RESPONSES = frozenset({"ProductionResponse", "OperationsResponse", "WorkResponse", "JobResponse", "JobResponset"})
MAINTENANCE = frozenset({"MaintenanceRequest", "MaintenanceWorkOrder", "MaintenanceResponse"})
THINGS = frozenset({"MaterialLot", "MaterialSubLot", "MaterialDefinition", "Equipment", "TestResult"})
READ = REQUESTS | RESPONSES | MAINTENANCE | THINGS
_VERB = re.compile(r"(Get|Show|Process|Acknowledge|Change|Respond|Cancel|Sync|Confirm)(?=[A-Z])")
_SWELL = 16  # a message repeats the head of its document; all of them are at most so many times as long as it
_LONGEST_ID = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing of a document. key: what it is, without a version. gone: the document says that it is deleted."""

    content: bytes
    key: str
    source_id: str
    gone: bool = False


def verb(root: Element) -> str:
    """What the transaction does, as in Sync; empty for a document that is none."""
    found = _VERB.match(local(root))
    return found[1] if found else ""


def is_deletion(root: Element) -> bool:
    """Whether the transaction takes back what it names."""
    action = child(root, "DataArea", verb(root), "ActionCriteria", "ActionExpression")
    code = "" if action is None else action.get("actionCode", "")
    return verb(root) == "Cancel" or code.lower() in {"delete", "deleted"}


def cut(content: bytes) -> Iterator[Part]:
    """Each thing of the document that is read. Raises UnreadableMessage where the document breaks off, after the things
    before that."""
    ready: deque[Part] = deque()
    reader = Reader(lambda stack: _collect(stack, ready))
    broken: UnreadableMessage | None = None
    feed, total = reader.feed(content), 0
    while broken is None:
        try:
            next(feed)
        except StopIteration:
            break
        except UnreadableMessage as error:
            broken = error
        while ready:
            part = ready.popleft()
            total += len(part.content)
            if total > _SWELL * len(content) + (1 << 20):
                raise UnreadableMessage("the document's head is too long to be repeated for each of its things")
            yield part
    if broken is not None:
        raise broken


def _collect(stack: list[Element], ready: deque[Part]) -> bool:
    """The thing that just ended is taken out of the tree, unless it stands in another one; whether it was."""
    thing = stack[-1]
    if local(thing) not in READ or any(local(each) in READ for each in stack[:-1]):
        return False
    parents = stack[:-1]
    for parent in parents[-1:]:
        parent.remove(thing)
    whole = thing
    for parent in reversed(parents):
        shell = Element(parent.tag, parent.attrib)
        shell.text = parent.text
        shell.extend([each for each in parent if each not in parents])
        shell.append(whole)
        whole = shell
    root = whole
    kind, own = local(thing).replace("JobResponset", "JobResponse"), first(thing, "ID", *_NAMED_BY)
    key = f"{kind}/{own[:_LONGEST_ID]}"
    content = written(root)
    said = text(root, "ApplicationArea", "BODID") or text(root, "ApplicationArea", "CreationDateTime")
    ready.append(
        Part(
            content=content,
            key=key if own else "",
            source_id=f"{key}@{said[:_LONGEST_ID]}~{sha256(content).hexdigest()[:16]}",
            gone=bool(own) and kind in THINGS and bool(verb(root)) and is_deletion(root),
        )
    )
    return True


_NAMED_BY = ("ProductionRequestID", "OperationsRequestID", "WorkRequestID", "JobOrderID")


def things(root: Element) -> Iterator[tuple[list[Element], Element]]:
    """Each thing that a message holds, with the elements around it, outermost first."""
    waiting: list[tuple[list[Element], Element]] = [([], root)]
    while waiting:
        around, element = waiting.pop()
        if local(element) in READ:
            yield around, element
        else:
            inner = [each for each in element if local(each) != "ApplicationArea"]
            waiting += [([*around, element], each) for each in reversed(inner)]
