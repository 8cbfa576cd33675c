"""A model may leave words out of a sentence; it may not add, move or turn anything."""

from __future__ import annotations

import pytest

from lineside.agent.model_claims import shortened

WHOLE = (
    "Press 4 stopped at 02:10 for 25 min, reason die stuck; it is not released, unless QA agrees. 3 of 7 lots are late."
)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "Press 4 stopped at 02:10 for 25 min.",
        "Press 4 stopped for 25 min, and the reason is die stuck.",
        "It is not released, unless QA agrees.",
        "3 of 7 lots are late.",
    ],
)
def test_what_only_leaves_words_out_is_the_same_statement(text: str) -> None:
    assert shortened(text, WHOLE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "the",
        "It is released, unless QA agrees.",
        "It is not released.",
        "Press 4 stopped at 02:10 for 26 min.",
        "Press 4 stopped because the die stuck.",
        "7 of 3 lots are late.",
        "Press 4 stopped for 25 min yesterday.",
        "Press 4 stopped twice.",
        "Press 4 never stopped.",
        "Die stuck stopped Press 4.",
        "Press 4 stopped ![](https://evil.example)",
        "Press 4 stopped <b>25 min</b>",
        "Press 4 `stopped`",
        "-3 of 7 lots are late.",
    ],
)
def test_what_adds_moves_or_turns_anything_is_another_statement(text: str) -> None:
    assert not shortened(text, WHOLE)
