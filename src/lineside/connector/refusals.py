"""Parts of a source that it does not let us read: left alone for a while, told as troubles, no stop for the others."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from lineside.connector import Trouble, TroubleKind
from lineside.errors import SourceRefused, SourceUnavailable

ASK_AGAIN_S = 3600.0


class Refusals:
    """What was refused, by part; each part is asked again after an hour at the soonest."""

    def __init__(self) -> None:
        self._refused: dict[str, tuple[float, SourceRefused]] = {}

    def note(self, part: str, error: SourceRefused) -> None:
        """The part is left alone. Raises the error where it is us that was refused: every other part would be one more
        failed login."""
        if error.fields.get("status") == 401:
            raise error
        self._refused[part] = (monotonic(), error)

    def lately(self, part: str) -> bool:
        """Whether it was refused so lately that it is not asked again yet."""
        if part in self._refused and monotonic() - self._refused[part][0] < ASK_AGAIN_S:
            return True
        self._refused.pop(part, None)
        return False

    def troubles(self) -> list[Trouble]:
        """One for each part that is refused."""
        return [
            Trouble(kind=TroubleKind.REFUSED, reason=error.message, stream=part)
            for part, (_, error) in self._refused.items()
        ]

    def raise_where_nothing_was_read(self, parts: int, down: Sequence[SourceUnavailable]) -> None:
        """Of so many parts some could be read. Raises what kept the first of them from it where none could."""
        if len(self._refused) + len(down) < parts:
            return
        if down:
            raise down[0]
        refused = [error for _, error in self._refused.values()]
        self._refused.clear()  # somebody will have looked at it when it is read again
        raise refused[0]
