"""What is read in columns is the word to go by, whoever spoke, whatever the value is and whatever is in doubt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.facts import Facts
from lineside.interpretation.plain_words import texts, words_to_go_by
from lineside.plant.entities import Entity

DAY = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = ("material", "job_order")
WORDS = [
    "rye",
    "job_order:J-1",
    "J-1",
    "",
    None,
    3,
    2.5,
    True,
    "yes",
    "1e5",
    "x" * 120,
    ["rye"],
    {"value": 4, "unit": "ea"},
]
OWNED = """
[[sources]]
name = "bakery-2"
kind = "erp"
owns = ["lot.material"]
"""


def said(number: int, data: st.DataObject) -> dict[str, Any]:
    day, reported = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))
    properties = {data.draw(st.sampled_from(NAMES)): data.draw(st.sampled_from(WORDS))}
    return {
        "id": f"b-{number}", "source": f"bakery-{data.draw(st.sampled_from('123'))}", "type": "lineside.report",
        "time": (DAY + timedelta(days=day)).isoformat(), "reportedat": (DAY + timedelta(days=reported)).isoformat(),
        "quality": data.draw(st.sampled_from(["good", "good", "bad"])),
        "data": {"entity": f"lot:{data.draw(st.sampled_from('ab'))}", "properties": properties},
    }  # fmt: skip


@settings(max_examples=60)
@given(data=st.data())
def test_columns_tell_the_word_to_go_by(data, remembered, bakery):
    memory = remembered([said(number, data) for number in range(data.draw(st.integers(1, 9)))], bakery + OWNED)

    for day in range(5):
        view = memory.view(as_of=DAY + timedelta(days=day, hours=1))
        facts = Facts(view)
        best = {(each, name): facts.best(Entity("lot", each), name) for each in "abc" for name in NAMES}
        known = {key: (word.text, word.record_id) for key, word in best.items() if word is not None}

        cited = words_to_go_by(Facts(view), "lot", "abc", *NAMES, cited=True)
        alike = words_to_go_by(Facts(view), "lot", "abc", *NAMES)

        assert {key: (word.text, word.record_id) for key, word in cited.items()} == known
        assert {key: word.text for key, word in alike.items()} == {key: text for key, (text, _) in known.items()}
        assert texts(alike, "a", NAMES) == {
            name: known["a", name][0] for name in NAMES if known.get(("a", name), ("",))[0]
        }
