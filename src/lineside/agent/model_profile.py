"""Where a language model is reached, and how far to go with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProfile:
    """An OpenAI-compatible endpoint. timeout_s: for one reply, retries included. patience_s: for the whole question;
    None is three replies' worth. max_tokens: for one reply."""

    base_url: str
    name: str = ""
    api_key: str = "none"
    timeout_s: float = 60.0
    max_turns: int = 8
    max_tokens: int = 2000
    retries: int = 2
    patience_s: float | None = None

    @property
    def longest_s(self) -> float:
        return 3 * self.timeout_s if self.patience_s is None else self.patience_s
