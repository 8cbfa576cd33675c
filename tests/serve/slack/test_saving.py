"""Messages and texts become notes, decisions and outcomes with one tap, each once, in the right name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.conftest import message_of, translate
from tests.serve.slack.conftest import ADA, AWAY, FERN, LINE, OTTO, QUEENIE, STRANGER, Served, values, words

from lineside.connector import Batch
from lineside.serve.slack import noting
from lineside.simulator.slack import Fault

TEXT = "Linie 7 stand wegen Folienriss, 25 min. Charge CH-41 gesperrt."
DECIDED = "Beschlossen: Linie 7 bleibt bis Freitag 14:00 auf 80 %, weil die Folie reißt."


async def test_a_message_of_ones_own_is_read_corrected_and_kept_with_one_tap(served: Served) -> None:
    message = served.works.write(ADA, LINE, TEXT)
    form = await served.save(ADA, message)
    shown = values(form)
    served.works.fill(ADA, **{"field.cause.0": "Folie zu trocken", "field.duration.0": ""})
    reply = await served.works.submit(ADA)
    await served.works.until(lambda: served.told(ADA), "the confirmation")

    assert shown["kind"] == "note"
    assert shown["field.equipment.0"] == "brunnthal/abfuellung/linie-7"
    assert (shown["field.cause.0"], shown["field.duration.0"]) == ("Folienriss", "25 min")
    assert "inferred from “Folienriss”" in words(form)
    (note,) = served.notes()
    assert (note.text, note.author, note.equipment) == (TEXT, "planer-3", "brunnthal/abfuellung/linie-7")
    assert (note.attributes["cause"], "duration" in note.attributes) == ("Folie zu trocken", False)
    assert note.attributes["confirmed_by"] == "planer-3"
    assert note.attributes["permalink"] == f"https://works.slack.com/archives/{LINE}/p{message['ts'].replace('.', '')}"
    assert reply.body["response_action"] == "update"
    (told,) = served.told(ADA)
    assert told.startswith("Kept as a note, confirmed by Ada Planer.")
    assert "• Cause: Folie zu trocken" in told
    assert f"<https://lineside.example/records/{note.provenance.record_id}|" in told
    assert served.works.refusals == []


async def test_somebody_elses_message_keeps_its_author_and_names_who_confirmed_it(served: Served) -> None:
    message = served.works.write(OTTO, LINE, "Ich habe entschieden: Linie 7 bleibt aus, weil die Folie reißt.")
    form = await served.save(ADA, message)
    await served.works.submit(ADA)

    assert "Written by Otto Obermann" in words(form)
    assert values(form)["kind"] == "decision"
    (decision,) = served.decisions()
    assert (decision.attributes["author"], decision.attributes["confirmed_by"]) == ("leiter-1", "planer-3")
    assert decision.decided_by == "leiter-1"


async def test_saved_twice_it_is_kept_once_and_the_second_is_told_who_kept_it(served: Served) -> None:
    message = served.works.write(OTTO, LINE, TEXT)
    await served.save(ADA, message)
    await served.save(QUEENIE, message)
    await served.works.submit(ADA)
    served.works.fill(QUEENIE, **{"field.cause.0": "etwas anderes"})
    await served.works.submit(QUEENIE)
    await served.works.until(lambda: served.told(QUEENIE), "what the second is told")
    reply = await served.works.choose_on_message(OTTO, LINE, message, "save_message")
    await served.works.until(
        lambda: "already" in words(served.works.form(OTTO) or {"blocks": []}), "what a third is told"
    )

    assert reply.status == 200
    assert len(served.notes()) == 1
    (told,) = served.told(QUEENIE)
    assert "wurde schon behalten: von Ada Planer" in told
    assert "by Ada Planer" in words(served.works.form(OTTO) or {})


async def test_taps_at_the_same_moment_keep_one(served: Served) -> None:
    message = served.works.write(OTTO, LINE, TEXT)
    for user in (ADA, OTTO, QUEENIE):
        await served.save(user, message)
    await asyncio.gather(*(served.works.submit(user) for user in (ADA, OTTO, QUEENIE)))

    assert len(served.notes()) == 1
    assert served.lineside.memory.dead_letters(status=None) == []


async def test_a_german_person_reads_german_and_a_german_message_is_understood(served: Served) -> None:
    message = served.works.write(QUEENIE, LINE, DECIDED)
    form = await served.save(QUEENIE, message)
    await served.works.submit(QUEENIE)
    await served.works.until(lambda: served.told(QUEENIE), "the confirmation")

    assert form["submit"]["text"] == "Behalten"
    assert "erschlossen aus „die Folie reißt“" in words(form)
    assert values(form)["field.choice.0"] == "Linie 7 bleibt bis Freitag 14:00 auf 80 %"
    assert served.told(QUEENIE)[0].startswith("Behalten als Entscheidung, bestätigt von Queenie Qualität.")
    (decision,) = served.decisions()
    assert decision.rationale == "die Folie reißt"


async def test_words_with_two_readings_are_chosen_by_nobody_but_the_person(served: Served) -> None:
    message = served.works.write(ADA, LINE, "Linie 7 stand um 2, 1.200 kg Ausschuss, Charge CH-99")
    form = await served.save(ADA, message)
    amounts = next(each for each in form["blocks"] if each.get("block_id") == "field.quantity.0")["element"]["options"]
    served.works.fill(ADA, **{"field.quantity.0": amounts[-1]["value"]})
    await served.works.submit(ADA)

    assert values(form)["field.quantity.0"] == "-"
    assert len(amounts) == 3
    (note,) = served.notes()
    assert "began" not in note.attributes
    assert note.attributes["quantity"]["unit"] == "kg"


async def test_another_kind_brings_its_fields_and_keeps_what_was_typed(served: Served) -> None:
    message = served.works.write(ADA, LINE, TEXT)
    await served.save(ADA, message)
    served.works.fill(ADA, **{"field.cause.0": "Folie zu trocken"})
    await served.works.select(ADA, "kind", "decision")
    form = await served.works.until(
        lambda: "field.choice.0" in values(served.works.form(ADA)) and served.works.form(ADA), "the decision's fields"
    )
    lacking = await served.works.submit(ADA)
    served.works.fill(ADA, **{"field.choice.0": "Charge CH-41 bleibt gesperrt", "field.equipment.0": "Halle 99"})
    wrong = await served.works.submit(ADA)
    nothing = served.decisions()
    served.works.fill(ADA, **{"field.equipment.0": "Linie 7"})
    await served.works.submit(ADA)

    assert values(form)["kind"] == "decision"
    assert lacking.body["response_action"] == "errors"
    assert list(lacking.body["errors"]) == ["field.choice.0"]
    assert "Halle 99" in wrong.body["errors"]["field.equipment.0"]
    assert nothing == []
    (decision,) = served.decisions()
    assert (decision.choice, decision.attributes["cause"]) == ("Charge CH-41 bleibt gesperrt", "Folie zu trocken")


async def test_just_the_words_of_somebody_else_are_a_plain_note_of_theirs(served: Served) -> None:
    message = served.works.write(STRANGER, LINE, TEXT)
    await served.save(ADA, message)
    served.works.fill(ADA, kind="text")
    await served.works.submit(ADA)

    (note,) = served.notes()
    assert (note.author, note.attributes["saved_by"]) == ("Gast Fremd", "planer-3")
    assert "cause" not in note.attributes


async def test_a_text_of_ones_own_is_written_read_and_kept(served: Served) -> None:
    await served.works.choose(ADA, "write_note")
    await served.form(ADA, "written")
    served.works.fill(ADA, text=TEXT)
    read = await served.works.submit(ADA)
    form = served.works.form(ADA)
    kept = await served.works.submit(ADA)
    await served.works.command(QUEENIE, LINE, "/lineside", f"note {TEXT} Gewicht &lt; 3 kg")
    await served.form(QUEENIE)
    await served.works.submit(QUEENIE)

    assert read.body["response_action"] == "update"
    assert values(form)["field.cause.0"] == "Folienriss"
    assert "Kept as a note" in words(kept.body["view"])
    assert {note.author: note.text for note in served.notes()} == {
        "planer-3": TEXT, "qs-1": f"{TEXT} Gewicht < 3 kg"
    }  # fmt: skip


async def test_what_others_wrote_is_markup_to_nobody(served: Served) -> None:
    text = "&lt;!channel&gt; Linie 7 steht wegen <https://x.example|Folienriss>, sagt <@U0OTTO000> &amp; die Waage"
    message = served.works.write(OTTO, LINE, text)
    form = await served.save(ADA, message)
    served.works.fill(ADA, **{"field.cause.0": "<!here> & <@U1>"})
    await served.works.submit(ADA)
    await served.works.until(lambda: served.told(ADA), "the confirmation")

    (note,) = served.notes()
    assert note.text == (
        "<!channel> Linie 7 steht wegen Folienriss (https://x.example), sagt @Otto Obermann & die Waage"
    )
    assert form["blocks"][0]["type"] == "rich_text"
    assert "<!" not in served.told(ADA)[0]
    assert "&lt;!here&gt; &amp; &lt;@U1&gt;" in served.told(ADA)[0]


async def test_strangers_and_people_of_other_sites_are_told_and_nothing_is_kept(served: Served) -> None:
    message = served.works.write(OTTO, LINE, TEXT)
    for user in (STRANGER, FERN):
        await served.works.choose_on_message(user, LINE, message, "save_message")
        await served.works.until(lambda user=user: served.told(user), "what a stranger is told")
        await served.works.command(user, LINE, "/lineside", "handover")
        await served.works.until(lambda user=user: len(served.told(user)) == 2, "what a stranger is told")
        await served.works.choose(user, "write_note")
        await served.works.until(lambda user=user: served.works.form(user), "what a stranger is shown")
        assert all("I do not know you" in told for told in served.told(user))
        assert "I do not know you" in words(served.works.form(user))
    forged = await served.works._interact(
        STRANGER,
        {
            "type": "view_submission",
            "view": {"id": "V1", "type": "modal", "callback_id": "keep", "state": {"values": {}}},
        },
    )

    assert "I do not know you" in words(forged.body["view"])
    assert served.notes() == []


async def test_a_trigger_that_ran_out_is_told_and_keeps_nothing(served: Served) -> None:
    message = served.works.write(ADA, LINE, TEXT)
    served.works.trigger_s = -1
    await served.works.choose_on_message(ADA, LINE, message, "save_message")
    await served.works.until(lambda: served.told(ADA), "what is told")

    assert "ran out" in served.told(ADA)[0]
    assert (served.works.forms, served.notes()) == ({}, [])


async def test_where_slack_asks_to_wait_it_is_waited_for(served: Served) -> None:
    message = served.works.write(ADA, LINE, TEXT)
    served.works.faults["views.update"].append(Fault("ratelimited", 429, retry_after=7))
    await served.save(ADA, message)

    assert served.waited == [7.0]


async def test_an_answer_that_slack_does_not_take_comes_another_way(served: Served) -> None:
    message = served.works.write(ADA, AWAY, TEXT)
    await served.save(ADA, message, AWAY)
    served.works._hooks = {hook: (user, channel, 9) for hook, (user, channel, _) in served.works._hooks.items()}
    await served.works.submit(ADA)
    await served.works.until(lambda: served.told(ADA), "the confirmation")

    assert [each for each, _ in served.works.calls if each.startswith("chat.")] == [
        "chat.postEphemeral", "chat.postMessage",
    ]  # fmt: skip
    assert len(served.notes()) == 1


def _record(served: Served, message: dict[str, Any], text: str, source: str = "chat") -> None:
    event = {
        "id": f"{LINE}/{message['ts']}", "source": source, "type": "lineside.note",
        "time": served.lineside.clock().isoformat(), "data": {"text": text, "author": "Otto", "channel": "#linie-7"},
    }  # fmt: skip
    messages = [message_of(event, received_at=served.lineside.clock())]
    assert not served.lineside.memory.remember(Batch(messages=messages), source=source, translate=translate).dead


async def test_a_message_that_is_a_record_already_gives_its_decision_once_and_is_not_doubled(served: Served) -> None:
    message = served.works.write(OTTO, LINE, DECIDED)
    _record(served, message, DECIDED)
    form = await served.save(ADA, message)
    await served.save(QUEENIE, message)
    await served.works.submit(ADA)
    await served.works.submit(QUEENIE)
    await served.works.until(lambda: served.told(QUEENIE), "what the second is told")

    kinds = next(each for each in form["blocks"] if each.get("block_id") == "kind")["element"]["options"]
    assert [each["value"] for each in kinds] == ["decision"]
    assert "in Lineside already" in words(form)
    (decision,) = served.decisions()
    assert decision.attributes["of_record"]
    assert decision.attributes["confirmed_by"] == "planer-3"
    assert served.notes() == []
    assert "von Ada Planer" in served.told(QUEENIE)[0]


async def test_a_message_of_a_source_that_is_closed_to_the_person_is_not_saved_around_it(served: Served) -> None:
    message = served.works.write(OTTO, LINE, DECIDED)
    _record(served, message, DECIDED, "vertraulich")
    await served.works.choose_on_message(ADA, LINE, message, "save_message")
    await served.works.until(
        lambda: "not open to you" in words(served.works.form(ADA) or {"blocks": []}), "the refusal"
    )

    assert served.decisions() == []


async def test_what_a_source_reads_anyway_is_not_kept_a_second_time_as_a_note(served: Served) -> None:
    served.lineside.settings.sources[0].options["channels"] = ["#linie-7"]
    message = served.works.write(OTTO, LINE, DECIDED)
    form = await served.save(ADA, message)
    await served.works.submit(ADA)
    _record(served, message, DECIDED)
    await served.works.choose_on_message(QUEENIE, LINE, message, "save_message")
    await served.works.until(
        lambda: "schon behalten" in words(served.works.form(QUEENIE) or {"blocks": []}), "what the second is told"
    )

    kinds = next(each for each in form["blocks"] if each.get("block_id") == "kind")["element"]["options"]
    assert [each["value"] for each in kinds] == ["decision", "outcome"]
    assert "chat reads this channel" in words(form)
    assert len(served.decisions()) == 1
    assert [note.text for note in served.lineside.memory.view().notes()] == [DECIDED]


async def test_a_message_with_no_words_or_too_many_is_told(served: Served) -> None:
    served.works.write(ADA, LINE, "x")
    for text, told in ((" ", "no words"), ("Linie 7 steht. " * 300, "at most 4000")):
        message = served.works.write(ADA, LINE, text)
        await served.works.choose_on_message(ADA, LINE, message, "save_message")
        await served.works.until(
            lambda told=told: told in words(served.works.form(ADA) or {"blocks": []}), f"that it has {told}"
        )

    assert served.notes() == []


async def test_an_outcome_completes_the_decision_that_was_saved_before(served: Served) -> None:
    await served.save(ADA, served.works.write(ADA, LINE, DECIDED))
    await served.works.submit(ADA)
    message = served.works.write(OTTO, LINE, "Hat geholfen: Linie 7 läuft seit gestern ohne Folienriss.")
    form = await served.save(OTTO, message)
    kept = await served.works.submit(OTTO)

    assert values(form)["kind"] == "outcome"
    assert "now carries it" in words(kept.body["view"])
    (decision,) = served.decisions()
    assert "ohne Folienriss" in (decision.outcome or "")


async def test_a_fault_of_ours_is_told_and_does_not_begin_anew(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(noting, "look_at", broken)
    await served.works.choose_on_message(ADA, LINE, served.works.write(ADA, LINE, TEXT), "save_message")
    await served.works.until(lambda: served.told(ADA), "that something broke")

    assert "Something went wrong inside Lineside" in served.told(ADA)[0]
    assert "Zero" not in served.told(ADA)[0]


async def test_a_reply_in_a_thread_and_an_old_message_are_saved_with_their_place_and_time(served: Served) -> None:
    first = served.works.write(OTTO, LINE, "Was war?", ts="1700000000.000100")
    reply = served.works.write(OTTO, LINE, TEXT, ts="1700000060.000200") | {"thread_ts": first["ts"]}
    await served.save(ADA, reply)
    await served.works.submit(ADA)

    (note,) = served.notes()
    assert note.attributes["permalink"].endswith(
        f"/archives/{LINE}/p1700000060000200?thread_ts=1700000000.000100&cid={LINE}"
    )
    assert note.provenance.occurred_at.timestamp() == 1700000060.0002
