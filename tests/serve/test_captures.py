"""Notes from the floor over HTTP, as a page without scripts, and from the command line."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any

from tests.journeys.conftest import lineside
from tests.serve.conftest import PLANT, Served

from lineside.plant.records import Note
from lineside.serve.capturing import keep_text

PAGE = {"Accept": "text/html"}
TEXT = "Linie 7 stand wegen Folienriss, 25 min. Charge CH-41 gesperrt, Charge CH-14 auch."


def notes(served: Served, text: str) -> list[Note]:
    return [note for note in served.lineside.memory.view().notes() if note.text == text]


def test_a_text_is_proposed_and_kept_once_in_the_name_of_who_sent_it(served: Served) -> None:
    with served.client("planer-3") as client:
        proposed = client.post("/api/v1/captures/proposal", json={"text": TEXT}).json()
        nothing = notes(served, TEXT)
        sent = {"id": "tap-1", "text": TEXT, "confirm": True}
        first = client.post("/api/v1/captures", json=sent)
        again = client.post("/api/v1/captures", json=sent)
        other = client.post("/api/v1/captures", json=sent | {"text": "etwas anderes"})

    assert nothing == []
    assert {"field": "cause", "value": "Folienriss"}.items() <= next(
        each for each in proposed["fields"] if each["field"] == "cause"
    ).items()
    assert all(TEXT[each["start"] : each["end"]] == each["words"] for each in proposed["fields"])
    assert [each["words"] for each in proposed["unknown"]] == ["CH-14"]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["record_id"] == again.json()["record_id"]
    assert (other.status_code, other.json()["code"]) == (409, "already_decided")
    assert other.headers["content-type"].startswith("application/problem+json")
    (kept,) = notes(served, TEXT)
    assert (kept.author, kept.equipment) == ("planer-3", "brunnthal/abfuellung/linie-7")
    assert (kept.attributes["lot"], kept.attributes["confirmed_by"]) == ("CH-41", "planer-3")


def test_taps_at_the_same_moment_keep_one(served: Served) -> None:
    person = served.lineside.person("qs-1")

    def tap(_: int) -> str:
        return keep_text(served.lineside, "Doppelt getippt", author=person, capture_id="zwei").record_id

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(tap, range(6)))

    assert len(ids) == len(notes(served, "Doppelt getippt")) == 1
    assert served.lineside.memory.dead_letters(status=None) == []


def test_only_a_named_person_of_the_site_keeps_a_note_and_wrong_bodies_say_what_is_wrong(served: Served) -> None:
    body = {"id": "x", "text": "Tor klemmt"}
    with served.client() as operator, served.client("planer-3") as planner:
        refused = operator.post("/api/v1/captures", json=body)
        looked = operator.post("/api/v1/captures/proposal", json={"text": "Tor klemmt"})
        answers = [
            planner.post("/api/v1/captures", json=body | more)
            for more in (
                {"confirm": True, "fields": [{"field": "weather", "value": "rain"}]},
                {"confirm": True, "fields": [{"field": "equipment", "value": "Linie 99"}]},
                {"kind": "song"},
                {"at": "soon"},
                {"author": "qs-1"},
                {"id": ""},
            )
        ]
        empty = planner.post("/api/v1/captures/proposal", json={"text": "   "})

    assert (refused.status_code, refused.json()["code"], looked.status_code) == (403, "not_permitted", 200)
    assert [each.status_code for each in answers] == [422, 400, 422, 400, 422, 422]
    assert (empty.status_code, empty.json()["code"]) == (400, "bad_request")
    assert notes(served, "Tor klemmt") == []


def form_of(page: str) -> dict[str, Any]:
    """What the form sends as it stands: hidden and free fields, chosen options, the checked kind."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and ('type="radio"' not in tag or "checked" in tag):
            found[name[1]] = unescape(value[1])
    for name, options in re.findall(r'<select name="([^"]*)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        found[name] = unescape(chosen[1]) if chosen else ""
    return found


def test_the_page_marks_the_words_and_one_tap_keeps_them_without_scripts(served: Served) -> None:
    text = "Linie 7 stand um 2 wegen Folienriss, 25 min, 1.200 kg Ausschuss <b>laut</b> Waage"
    with served.client("planer-3") as client:
        form = client.get("/note", headers=PAGE)
        page = client.post("/note", headers=PAGE, data={"text": text}).text
        sent = form_of(page) | {"keep": "confirmed"}
        first = client.post("/note/keep", headers=PAGE, data=sent)
        again = client.post("/note/keep", headers=PAGE, data=sent)
        after = client.get(first.headers["location"], headers=PAGE).text
        wrong = client.post("/note/keep", headers=PAGE, data=sent | {"id": "neu", "equipment": "Halle 99"})
        empty = client.post("/note", headers=PAGE, data={"text": " "})

    assert 'aria-current="page">Note' in form.text
    assert re.search(r'<mark title="[^"]*cause">Folienriss</mark>', page)
    assert "<b>laut" not in page
    assert (sent["began"], sent["quantity"], sent["cause"]) == ("", "", "Folienriss")
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    assert "Kept." in after
    (kept,) = notes(served, text)
    assert "quantity" not in kept.attributes
    assert kept.attributes["cause"] == "Folienriss"
    assert (wrong.status_code, "Halle 99" in wrong.text) == (400, True)
    assert empty.status_code == 400


def test_only_my_words_keeps_a_plain_note_and_without_a_name_nothing_is_kept(served: Served) -> None:
    text = "Entschieden von Ada Planer: Linie 7 heute langsamer, weil die Folie reißt."
    with served.client("planer-3") as client, served.client() as operator:
        page = client.post("/note", headers=PAGE, data={"text": text}).text
        plain = client.post("/note/keep", headers=PAGE, data=form_of(page) | {"keep": "text"})
        theirs = operator.post("/note/keep", headers=PAGE, data=form_of(page) | {"keep": "text", "id": "o"})

    assert plain.status_code == 303
    assert theirs.status_code == 400
    (kept,) = notes(served, text)
    assert set(kept.attributes) == {"capture"}


def test_a_mail_that_is_kept_already_is_read_the_same_way_and_its_decision_is_taken_from_it_once(
    served: Served,
) -> None:
    text = "Beschlossen: Linie 7 bleibt bis Freitag 14:00 auf 80 %, weil die Folie reißt. Gruß, Queenie"
    served.tell(
        {"specversion": "1.0", "id": "mail-7", "source": "post", "type": "lineside.note", "time": "{-20}",
         "data": {"text": text, "author": "qs-1"}}
    )  # fmt: skip
    (mail,) = notes(served, text)
    record = mail.provenance.record_id
    with served.client("planer-3") as client:
        read = client.get(f"/api/v1/captures/proposal/{record}").json()
        missing = client.get("/api/v1/captures/proposal/r-1")
        body = client.get(f"/records/{record}", headers=PAGE).text
        sent = form_of(client.get("/note", headers=PAGE, params={"record": record}).text) | {"keep": "confirmed"}
        first = client.post("/note/keep", headers=PAGE, data=sent | {"text": "forged"})
        again = client.post("/note/keep", headers=PAGE, data=sent | {"id": "another"})
        as_note = client.post("/note/keep", headers=PAGE, data=sent | {"kind": "note"})

    assert (read["kind"], read["text"], missing.status_code) == ("decision", text, 404)
    assert f'href="/note?record={record}"' in body
    assert (first.status_code, again.headers["location"], as_note.status_code) == (303, first.headers["location"], 400)
    (decision,) = [d for d in served.lineside.memory.view().decisions() if d.attributes.get("of_record") == record]
    assert decision.choice == "Linie 7 bleibt bis Freitag 14:00 auf 80 %"
    assert (decision.attributes["text"], decision.attributes["confirmed_by"]) == (text, "planer-3")
    assert len(notes(served, text)) == 1


def test_the_command_shows_first_and_keeps_what_is_confirmed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "plant.toml").write_text(PLANT, encoding="utf-8")
    text = "Linie 7 steht wegen Folienriss, 25 min"
    shown = lineside("--home", home, "note", text)
    kept = lineside("--home", home, "note", text, "--as", "planer-3", "--confirm", "--id", "n1", "--json").json
    again = lineside("--home", home, "note", text, "--as", "planer-3", "--confirm", "--id", "n1")
    nameless = lineside("--home", home, "note", text, "--confirm")

    assert "cause: Folienriss" in shown.out
    assert "Nothing was kept" in shown.out
    assert kept["kept"]["again"] is False
    assert f"It was kept before as {kept['kept']['record_id']}" in again.out
    assert nameless.code == 2
