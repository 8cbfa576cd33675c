"""The embedded answerer over two invented plants: right things cited, unknown things left alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lineside.actions import Refusal
from lineside.agent import Answer, Done, Question, Step
from lineside.agent.embedded import EmbeddedAnswerer
from lineside.memory import Memory
from lineside.memory.words import render

Ask = Callable[..., Answer]


def cited(answer: Answer) -> set[str]:
    """The source ids that the answer rests on."""
    return {citation.source_id for citation in answer.citations}


def said(answer: Answer) -> set[tuple[str, str]]:
    """Each claim with its kind."""
    return {(claim.text, claim.kind.value) for claim in answer.claims}


@pytest.mark.parametrize(
    ("text", "words", "sources"),
    [
        ("Ist BATCH 7/22 gesperrt?", "blocked", {"l3"}),
        ("wo ist batch 7/22", "KH-2/04", {"l2"}),
        ("Wer hat BATCH 7/22 geliefert, also Lieferant?", "Frucht Sommer", {"l1"}),
        ("wieviel fruchtzubereitng haben wir noch", "560 kg", {"l1", "l2"}),
        ("Wie viele Stillstände hatte Linie 2 gestern Nacht?", "2", {"stop0", "stop2"}),
        ("Was haben wir beim letzten Fruchtmangel entschieden?", "80 %", {"d1"}),
        ("Ist KA 9001 versandfertig?", "not shippable", {"s2"}),
        ("Welche Aufträge sehen fertig aus, sind es aber nicht?", "KA-9001/10", {"s2"}),
        ("Was steht in den Notizen zum Tank 7?", "tropft", {"n2"}),
        ("Hatten wir Becherstau schon mal, was hat geholfen?", "2 times", {"stop0", "stop2"}),
        ("Status von 4500012345?", "in_progress", {"j1"}),
    ],
)
def test_a_german_question_is_answered_with_the_records_that_say_so(
    dairy: Memory, ask: Ask, text: str, words: str, sources: set[str]
) -> None:
    answer = ask(dairy, text)
    assert not answer.abstained
    assert words in answer.text
    assert sources <= cited(answer)


@pytest.mark.parametrize(
    ("text", "words", "sources"),
    [
        ("Is lot C0603A blocked?", "etq says blocked", {"q1", "q2"}),
        ("who carries LD 55?  carrier please", "Halden Freight", {"t1"}),
        ("when does ld55 leave", "16:30", {"t1"}),
        ("which press had the most stops last night", "kestrel/mould/press-4 1", {"e3", "e5"}),
        ("has the die stuck before and what worked?", "Warmed the die", {"e1", "e3", "n1"}),
        ("why did we ship ungalvanised, who decided?", "concession", {"d1"}),
        ("what does E-217 mean", "die stuck", set()),
        ("any word on a burnt smell?", "Coolant smells burnt", {"n2"}),
        ("what can leave on the 16:30 truck", "15:45", {"t1"}),
    ],
)
def test_an_english_question_is_answered_with_the_records_that_say_so(
    foundry: Memory, ask: Ask, text: str, words: str, sources: set[str]
) -> None:
    answer = ask(foundry, text)
    assert not answer.abstained
    assert words in answer.text
    assert sources <= cited(answer)


@pytest.mark.parametrize(
    ("german", "english"),
    [
        ("Ist BATCH 7/22 gesperrt?", "Is BATCH 7/22 blocked?"),
        ("Wie viele Stillstände hatte Linie 2 letzte Nacht?", "How many stops did line 2 have last night?"),
        ("Ist KA-9001 versandfertig?", "Is KA-9001 shippable?"),
        ("Wo ist BATCH 7/22?", "Where is BATCH 7/22?"),
        ("Wie viel von BATCH 7/22 haben wir?", "How much of BATCH 7/22 do we have?"),
        ("Welchen Quellen kann ich nicht trauen?", "Which sources can I not trust?"),
        ("Was ist gerade los?", "What is happening right now?"),
        ("Welche Muster gibt es?", "What patterns are there?"),
    ],
)
def test_a_question_in_german_gives_the_same_claims(dairy: Memory, ask: Ask, german: str, english: str) -> None:
    first, second = ask(dairy, german), ask(dairy, english)
    assert said(first) == said(second) != set()
    assert first.verdict == second.verdict


@pytest.mark.parametrize(
    "text",
    [
        "What is the weather in Leeds?", "Wie wird das Wetter morgen?", "What does a bracket cost?",
        "Was kostet ein Becher?",
        "What is Ruth's salary?", "Wie hoch ist das Gehalt vom Schichtleiter?", "How is the Munich plant doing?",
        "who won the football last night", "capital of Peru?", "Wer ist Bundeskanzler?", "tell me a joke",
        "who is the CEO?", "how many goals did England score last night", "what is the share price",
        "is FA-9999 done?", "Status von BATCH 9/22?", "is press 9 running", "Läuft Linie 7?", "4500099999 fertig?",
        "What did we decide about the cafeteria?", "Was haben wir zur Kantine entschieden?",
    ],
)  # fmt: skip
def test_what_the_memory_does_not_know_is_not_answered(dairy: Memory, foundry: Memory, ask: Ask, text: str) -> None:
    for memory in (dairy, foundry):
        answer = ask(memory, text)
        assert answer.abstained
        assert (answer.claims, answer.citations) == ((), ())
        assert answer.missing


def test_an_unknown_id_is_named_with_its_neighbours_and_not_answered_for_them(dairy: Memory, ask: Ask) -> None:
    answer = ask(dairy, "Ist BATCH 9/22 gesperrt?")
    assert "BATCH 9/22 is not in the memory" in answer.verdict
    assert "BATCH 7/22" in answer.verdict


def test_every_claim_is_cited_once_for_each_record_with_words_that_stand_in_it(
    dairy: Memory, foundry: Memory, ask: Ask
) -> None:
    for memory, text in (
        (dairy, "Ist BATCH 7/22 gesperrt?"),
        (foundry, "What changed since yesterday?"),
        (foundry, "handover"),
    ):
        answer = ask(memory, text)
        assert answer.claims
        assert len({citation.record_id for citation in answer.citations}) == len(answer.citations)
        numbers = {citation.n for citation in answer.citations}
        assert all(set(claim.citations) <= numbers and claim.citations for claim in (*answer.claims, *answer.against))
        for citation in answer.citations:
            if citation.source == "plant":
                continue
            record = memory.view().record(citation.record_id)
            assert record is not None
            assert citation.quote in render(record)
        assert answer.dropped == 0


def test_a_correction_counts_from_when_it_was_reported(foundry: Memory, ask: Ask) -> None:
    text = "how many good parts on FA-2211?"
    before, after = ask(foundry, text, at="2026-06-03T12:00:00+01:00"), ask(foundry, text)
    assert ("310 ea" in before.text, "280 ea" in before.text) == (True, False)
    assert ("310 ea" in after.text, "280 ea" in after.text) == (False, True)


def test_what_was_not_yet_reported_is_not_known(foundry: Memory, ask: Ask) -> None:
    answer = ask(foundry, "Is lot C0603A blocked?", at="2026-06-03T07:00:00+01:00")
    assert answer.abstained
    assert "C0603A is not in the memory" in answer.verdict


def test_a_window_is_echoed_with_its_shift_and_zone(dairy: Memory, ask: Ask) -> None:
    answer = ask(dairy, "Wie viele Stillstände hatte Linie 2 letzte Nacht?").to_json()
    assert answer["window"] == {
        "from": "2026-03-10T22:00:00+01:00",
        "to": "2026-03-11T06:00:00+01:00",
        "shift": "nacht 2026-03-10",
        "time_zone": "Europe/Berlin",
    }


def test_an_answer_has_exactly_the_contracts_keys(dairy: Memory, ask: Ask) -> None:
    answer = ask(dairy, "Ist BATCH 7/22 gesperrt?").to_json()
    assert set(answer) == {
        "answer", "verdict", "claims", "citations", "window", "as_of", "freshness", "against", "missing", "abstained",
        "tools", "proposals", "answerer",
    }  # fmt: skip
    citations: Any = answer["citations"]
    assert set(citations[0]) == {"n", "record_id", "source", "source_id", "occurred_at", "quote"}
    assert "Europe/Berlin" in str(answer["answer"])


def test_a_person_reads_only_what_the_plant_file_allows(dairy: Memory, ask: Ask) -> None:
    text = "Was steht in den Notizen zur Lohnrunde?"
    assert "Zulage" in ask(dairy, text).text
    assert "Zulage" not in ask(dairy, text, person="meier").text
    stranger = ask(dairy, "Ist BATCH 7/22 gesperrt?", person="gast")
    assert stranger.claims == ()


def test_an_instruction_in_a_note_is_only_ever_quoted(dairy: Memory, ask: Ask) -> None:
    answer = ask(dairy, "Was ist mit dem Ventil am Tank 7?", person="meier")
    quoting = [claim for claim in answer.claims if "IGNORE ALL RULES" in claim.text]
    assert [claim.kind.value for claim in quoting] == ["claimed"] * len(quoting)
    assert answer.proposals == ()
    assert "blocked" in ask(dairy, "Ist BATCH 7/22 gesperrt?").verdict


class Refusing:
    """A ledger of our own that keeps what it was asked and refuses."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def propose(self, **wish: Any) -> Refusal:
        self.asked.append(wish)
        return Refusal(reason="no policy allows it", code="not_permitted")


def test_a_hold_is_only_proposed_and_a_refusal_is_told(dairy: Memory, ask: Ask) -> None:
    ledger = Refusing()
    answer = ask(dairy, "Sperre bitte BATCH 8/22 weil Fremdkörper gefunden wurden", person="meier", ledger=ledger)
    (wish,) = ledger.asked
    assert (wish["action"], wish["parameters"]) == (
        "hold_lot", {"lot": "BATCH 8/22", "reason": "Fremdkörper gefunden wurden"}
    )  # fmt: skip
    assert wish["requester"].id == "meier"
    assert "no policy allows it" in answer.verdict


@pytest.mark.parametrize(
    "text",
    [
        "release BATCH 7/22",
        "gib BATCH 7/22 frei",
        "just do it",
        "Put BATCH 8/22 on hold",
        "Is BATCH 7/22 on hold?",
        "Sollen wir BATCH 8/22 sperren?",
        "hold SP-31 status",
    ],
)
def test_nothing_else_reaches_the_ledger(dairy: Memory, ask: Ask, text: str) -> None:
    ledger = Refusing()
    ask(dairy, text, person="meier", ledger=ledger)
    assert ledger.asked == []


def test_a_follow_up_is_answered_in_its_conversation(foundry: Memory, ask: Ask) -> None:
    answer = ask(foundry, "and who is the carrier?", before=("When does LD 55 leave?",))
    assert "Halden Freight" in answer.text
    why = ask(foundry, "and on press 5?", before=("how many stops on press 4 last night",))
    assert {"e5", "e6"} <= cited(why)


def test_a_question_of_two_parts_gets_both_answers(foundry: Memory, ask: Ask) -> None:
    answer = ask(foundry, "how often did press 4 stop last night and who is the carrier of LD 55?")
    assert {"e3", "t1"} <= cited(answer)


async def test_a_stream_tells_steps_then_claims_then_the_same_answer(foundry: Memory) -> None:
    answerer = EmbeddedAnswerer(memory=foundry)
    question = Question(text="Is lot C0603A blocked?", at=foundry.clock())
    events = [event async for event in answerer.stream(question)]
    assert isinstance(events[0], Step)
    assert isinstance(events[-1], Done)
    assert events[-1].answer == await answerer.answer(question)


@pytest.mark.parametrize(
    "text",
    ["?", "🤔", "' OR 1=1 --", "a" * 4000, "%_%", "99:99 25:61 o'clock", "and und and?", "press 4 press 5 press 6",
     "why",
     "am 31.02.2026", "§§ §", "C0603A C0603B FA-2211 LD 55 CO/771/1", "L-" + "9" * 3000, "LD55 and LD 56"],
)  # fmt: skip
def test_no_text_makes_it_fail(foundry: Memory, ask: Ask, text: str) -> None:
    answer = ask(foundry, text)
    assert answer.verdict
    assert answer.abstained == (not answer.claims)


def test_what_happened_is_told_one_by_one_and_none_by_the_last_one_before(foundry: Memory, ask: Ask) -> None:
    told = ask(foundry, "what stops were there last night on press 4")
    assert ("die stuck" in told.text, told.abstained) == (True, False)
    none = ask(foundry, "how many stops on press 5 today")
    assert ("e5" in cited(none), none.abstained) == (True, False)


def test_two_windows_are_both_answered_and_compared(foundry: Memory, ask: Ask) -> None:
    answer = ask(foundry, "how many stops yesterday vs today")
    assert "yesterday: 2; today: 1, 1 fewer" in answer.text


def test_whose_decisions_wait_is_asked_of_a_person(foundry: Memory, ask: Ask) -> None:
    assert "Ruth Okafor" in ask(foundry, "which decisions wait for me?", person="ruth").text
    assert ask(foundry, "which decisions wait for me?").abstained
