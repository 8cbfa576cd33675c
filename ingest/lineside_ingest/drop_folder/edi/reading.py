"""The records in one EDI message. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lineside.connector import Aside, SourceMessage, Translated
from lineside.errors import UnreadableMessage
from lineside.plant.records import Provenance
from lineside.plant.row_values import Notation
from lineside_ingest.drop_folder.edi import edifact, x12
from lineside_ingest.drop_folder.edi.logistics import tell_advice, tell_status
from lineside_ingest.drop_folder.edi.segments import Document, document
from lineside_ingest.drop_folder.values import Saying, moment, stamped

_ADVICES = {"DESADV": edifact.advice, "856": x12.advice}
_STATUSES = {"IFTSTA": edifact.statuses, "214": x12.statuses}


def records(message: SourceMessage, whole: Provenance, notation: Notation, references: Sequence[str]) -> Translated:
    """The records of a despatch advice or a status; other messages and tests are ignored by rule.

    Raises UnreadableMessage.
    """
    found = document(message.content)
    if found.test:
        return Aside(reason="a test interchange")
    if found.name not in _ADVICES and found.name not in _STATUSES:
        return Aside(reason=f"messages of the kind {found.name or '?'} are not read")
    if found.problem:
        raise UnreadableMessage(found.problem)
    written = _written(found)
    said = moment(written, notation).at if written else None
    saying = Saying(stamped(whole, occurred_at=None, reported_at=said), notation)
    if found.name in _ADVICES:
        tell_advice(_ADVICES[found.name](found), saying)
    else:
        for each in _STATUSES[found.name](found, saying, references):
            tell_status(each, saying)
    return saying.records


def _written(found: Document) -> str:
    own = edifact.document_time(found) if found.standard == "edifact" else x12.document_time(found)
    if own:
        return own
    return f"20{found.prepared}" if len(found.prepared) == 10 else found.prepared
