"""A question in German and one in English about the same plant give the same claims on the same evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journeys.conftest import ALPSEE_NOW, SAWMILL_NOW, ask, cited

PAIRS = [
    ("Can sales order A-20931 ship?", "Kann Auftrag A-20931 raus?"),
    ("Is A-20932 shippable?", "Ist A-20932 versandfähig?"),
    ("Why is line 2 behind?", "Warum hängt Linie 2 zurück?"),
    ("Which stock figure is right for GRU-400?", "Welcher Bestand von GRU-400 stimmt?"),
    ("What repeats across shifts?", "Was wiederholt sich über die Schichten?"),
    ("What is the status of lot CH-24-9?", "Was ist der Status von Charge CH-24-9?"),
    ("What is happening right now?", "Was passiert gerade?"),
    ("Which feeds can I not trust?", "Welchen Quellen kann ich nicht trauen?"),
    ("Give me the handover", "Übergabe bitte"),
    ("What happened last night?", "Was ist letzte Nacht passiert?"),
]


@pytest.mark.parametrize(("english", "german"), PAIRS)
def test_the_claims_are_the_same(alpsee: Path, english: str, german: str) -> None:
    one, other = (ask(alpsee, text, ALPSEE_NOW) for text in (english, german))

    assert [claim["text"] for claim in other["claims"]] == [claim["text"] for claim in one["claims"]]
    assert cited(other) == cited(one)
    assert other["window"] == one["window"]
    assert one["claims"]


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("What is the status of lot PK-310?", "Welchen Status hat Los PK-310?"),
        ("Why did Kiln 2 stop last night?", "Warum stand Kiln 2 letzte Nacht?"),
    ],
)
def test_also_on_a_plant_that_speaks_english(sawmill: Path, english: str, german: str) -> None:
    one, other = (ask(sawmill, text, SAWMILL_NOW) for text in (english, german))

    assert [claim["text"] for claim in other["claims"]] == [claim["text"] for claim in one["claims"]]
    assert one["claims"]


def test_what_is_unknown_is_unknown_in_both(alpsee: Path) -> None:
    one = ask(alpsee, "What is the oil pressure of compressor 9?", ALPSEE_NOW)
    other = ask(alpsee, "Wie hoch ist der Öldruck von Kompressor 9?", ALPSEE_NOW)

    assert (one["abstained"], other["abstained"]) == (True, True)
    assert one["claims"] == other["claims"] == []
