"""Every error of Lineside, named by what the caller must do next.

LinesideError
  SetupError              fix the configuration
    MissingExtra          install the named extra
    BadPlantFile          mend plant.toml
    BadSettings           mend lineside.toml or the environment
  RequestError            ask differently
    BadRequest            mend the argument
    NotFound              there is no such thing
    NotPermitted          ask somebody who has the right
  SourceError             about one source
    SourceUnavailable     retry later
    SourceRefused         ask its owner; never retried on its own
    SourceTaken           another process reads it: leave it to that, or wait
    UnreadableMessage     dead letter
  StoreError              about our own database
    SchemaBehind          run `lineside migrate`
    IndexBehind           wait, or rebuild the index
    StoreUnavailable      free the disk, or start the database
  ModelError              about the language model
    ModelUnavailable      retry, or use the embedded answerer
    ModelReplyInvalid     the reply breaks the contract
  ActionError             about a governed action
    ProposalStale         the world changed: propose again
    AlreadyDecided        somebody was first
    ExecutionFailed       proved: no effect
    ExecutionUnknown      no answer: read the target, never retry blindly

Expected outcomes (no answer, refused by policy, unverified) are return values, not errors.
"""

from __future__ import annotations

from typing import ClassVar


class LinesideError(Exception):
    """Something went wrong. `code` is stable and documented; `fields` carry the particulars."""

    code: ClassVar[str] = "lineside_error"

    def __init__(self, message: str, /, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class SetupError(LinesideError):
    """The configuration must be fixed before this can work."""

    code = "setup"


class MissingExtra(SetupError):
    """An optional package is not installed."""

    code = "missing_extra"


class BadPlantFile(SetupError):
    """plant.toml does not say what it should."""

    code = "bad_plant_file"


class BadSettings(SetupError):
    """lineside.toml or a LINESIDE_ variable does not say what it should."""

    code = "bad_settings"


class RequestError(LinesideError):
    """The request can't be met as it was put."""

    code = "request"


class BadRequest(RequestError):
    """An argument is malformed."""

    code = "bad_request"


class NotFound(RequestError):
    """There is no such thing, or the asker may not know of it."""

    code = "not_found"


class NotPermitted(RequestError):
    """The asker has no right to this."""

    code = "not_permitted"


class SourceError(LinesideError):
    """Something is wrong with one source; the others go on."""

    code = "source"


class SourceUnavailable(SourceError):
    """The source does not answer now; retried with backoff, after `retry_after_s` where the source said so."""

    code = "source_unavailable"

    def __init__(self, message: str, /, *, retry_after_s: float | None = None, **fields: object) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **fields)
        self.retry_after_s = retry_after_s


class SourceRefused(SourceError):
    """The source refused our credentials or our request: its owner must act; never retried into a lock-out."""

    code = "source_refused"


class SourceTaken(SourceError):
    """Another process reads the source now; no two read one at the same time."""

    code = "source_taken"


class UnreadableMessage(SourceError):
    """One message can't be translated; it goes to the dead letters with this reason."""

    code = "unreadable_message"


class StoreError(LinesideError):
    """Something is wrong with Lineside's own database."""

    code = "store"


class SchemaBehind(StoreError):
    """The database's schema is older or newer than this program's."""

    code = "schema_behind"


class IndexBehind(StoreError):
    """The index lags the records."""

    code = "index_behind"


class StoreUnavailable(StoreError):
    """The database can't be read or written: locked, full, or not running. Nothing was acknowledged."""

    code = "store_unavailable"


class ModelError(LinesideError):
    """The language model failed; the embedded answerer still works."""

    code = "model"


class ModelUnavailable(ModelError):
    """The model's endpoint does not answer."""

    code = "model_unavailable"


class ModelReplyInvalid(ModelError):
    """The model's reply breaks the contract."""

    code = "model_reply_invalid"


class ActionError(LinesideError):
    """A governed action can't go on."""

    code = "action"


class ProposalStale(ActionError):
    """The proposal expired, or the world it was made for changed. Propose again."""

    code = "proposal_stale"


class AlreadyDecided(ActionError):
    """The proposal was decided by somebody else first."""

    code = "already_decided"


class ExecutionFailed(ActionError):
    """The target proved that nothing was done."""

    code = "execution_failed"


class ExecutionUnknown(ActionError):
    """The target gave no answer. Its state must be read before anything else happens."""

    code = "execution_unknown"
