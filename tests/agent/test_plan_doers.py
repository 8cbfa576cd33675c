"""Who does something most often is counted by the person that the records name."""

from __future__ import annotations

import pytest
from tests.agent.test_question import asked

from lineside.agent.plan_doers import deeds


@pytest.mark.parametrize(("text", "kinds"), [
    ("Wer hat diese Woche am häufigsten freigegeben oder gesperrt?", ("hold_placed", "hold_released")),
    ("who put lots on hold most often last month", ("hold_placed",)),
    ("Which inspector released the most lots?", ("hold_released",)),
    ("Wer hat am meisten gezählt?", ("count",)),
    ("who changed the speed of press 2 most often", ("parameter_change",)),
    ("Which supervisor called for maintenance most often this year?", ("maintenance_requested",)),
    ("who is the customer that ordered most", ()),
    ("who released lot L-77", ()),
    ("which line stopped most often", ()),
    ("what is most often blocked", ()),
])  # fmt: skip
def test_what_somebody_did_most_is_found_in_either_language(text: str, kinds: tuple[str, ...]) -> None:
    assert deeds(asked(text)[0]) == kinds
