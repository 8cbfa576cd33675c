# ruff: noqa: E501 - tables: one meaning, or one record, a line
"""What a question wants, in many wordings; the held-out ones were written down once and never tuned on."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lineside.agent.ask import Ask, Names
from lineside.agent.cues import Intent
from lineside.agent.ids import Ids
from lineside.agent.places import Places
from lineside.agent.question import understand
from lineside.agent.topics import Topics
from lineside.plant.entities import Entity
from lineside.plant.plant_file import parse_plant

PLANT = parse_plant("""
site = "n"
time_zone = "America/Chicago"
[[equipment]]
id = "n/pack/line-3"
name = "Line 3"
[[equipment]]
id = "n/pack/line-3/filler"
name = "Filler 3"
aliases = ["the filler on three"]
[[equipment]]
id = "n/pack/line-2"
name = "Line 2"
[[equipment]]
id = "n/pack/line-2/filler"
name = "Filler 2"
[[shifts]]
name = "day"
start = "06:00"
end = "18:00"
[[shifts]]
name = "night"
start = "18:00"
end = "06:00"
[[sources]]
name = "wms"
kind = "wms"
[[people]]
id = "p-1"
name = "Jana Novak"
""")
KNOWN = [
    Entity.parse(text)
    for text in (
        "sales_order:SO-1042", "sales_order_line:SO-1042/10", "lot:L-77", "lot:L-7", "lot:BATCH 7/22", "job_order:4500012345",
        "material:RES-200", "material:CAP-1", "shipment:SH-310", "hold:H-12", "handling_unit:HU-9",
    )
]  # fmt: skip
NAMES = Names(
    plant=PLANT,
    ids=Ids(KNOWN),
    places=Places(PLANT, KNOWN),
    topics=Topics(
        PLANT, [(Entity("material", "RES-200"), "Clear resin"), (Entity("material", "CAP-1"), "Blue cap 28 mm")]
    ),
    sources=("wms", "erp"),
)
AT = datetime(2026, 11, 20, 23, 0, tzinfo=ZoneInfo("America/Chicago"))


def asked(text: str, *before: str) -> tuple[Ask, ...]:
    """The parts of a question after earlier ones."""
    earlier: tuple[Ask, ...] = ()
    for one in before:
        earlier = understand(one, at=AT, names=NAMES, before=earlier)
    return understand(text, at=AT, names=NAMES, before=earlier)


WORDINGS = """
now | What is happening right now? ; wahts hapening rigth now ; Was ist gerade los? ; What should I look at first?
pace | Why is line 3 falling behind? ; why is lnie 3 faling behnd ; Warum hinkt Linie 3 hinterher? ; wieso liegt L3 zurück ; how is line 3 doing ; Will we make tonight's number?
changes | What changed since 06:00? ; Was hat sich seit 06:00 geändert? ; what's new since yesterday
reconcile | ERP 840, WMS 812, MES 791 for RES-200: which is right? ; how much clear resin do we have ; Wie viel RES-200 haben wir wirklich? ; welcher bestand von res-200 stimmt ; Is RES-200 12 cases or 12 pieces?
conflicts | Which order is released in ERP but blocked in QMS? ; where do the systems disagree ; Wo widersprechen sich die Systeme?
readiness | Is SO-1042 really shippable? ; is so1042 shipable ; Ist SO-1042 versandfertig? ; kann so 1042 raus? ; what is holding up SO-1042 ; Why was SO-1042 late?
looks_complete | Which orders look complete but are not? ; Welche Aufträge sehen fertig aus, sind es aber nicht?
departure | What can leave on the 15:00 truck? ; Was kann auf den LKW um 15:00? ; Carrier slipped two hours: who is hit?
decided | What did we decide in the last resin shortage, and why? ; wat did we deside about the resin ; Was haben wir beim letzten Harzmangel entschieden? ; Who allowed the substitution on lot L-77?
in_force | Is the 90 % speed limit still in force? ; Gilt das Tempolimit noch? ; What must I not touch tonight? ; Which standing decisions rest on facts that changed?
patterns | What patterns emerge across shifts? ; Welche Muster gibt es über die Schichten? ; Which stop keeps coming back on line 3?
similar | Has this fault happened before; what worked? ; Ist das schon mal passiert und was hat geholfen? ; What was tried and failed on filler 3?
handover | Give me the handover. ; handver pls ; Bitte die Schichtübergabe ; What do I need to know, being new on line 3?
trust | Which feeds can I not trust today? ; Welchen Quellen kann ich nicht trauen? ; When did we last hear from the wms?
tally | how many stops on line 3 last night ; hwo many stopps on line 3 yesterday ; welche Linie hatte die meisten Stillstände ; how many lots are blocked ; Wie lange stand Linie 3 gestern?
state | Is lot L-77 blocked? ; what's the status of SO-1042 ; Ist L-77 gesperrt? ; Is line 2 really running?
lookup | Where is HU-9? ; Wo ist HU-9? ; When does SH-310 leave? ; who is the customer of SO-1042 ; wer ist der Lieferant von L-77
recall | what do the notes say about the leak ; did anyone mention the blue caps
propose | Put lot L-77 on hold because of cracks ; please block L-77, the caps leak ; Sperre bitte L-77 wegen Rissen ; L-77 bitte sperren ; release lot L-77 ; gib L-77 frei
act | just do it ; cancel SO-1042
what_if | Can we take the rush order? ; What if line 3 stays down until 18:00?
now | give me the lay of the land ; anything on fire? ; Wie ist die Lage im Werk?
pace | are we going to hit target on line 2 ; line 3 seems sluggish, what's up ; Schafft Linie 2 heute das Soll?
reconcile | the counts for CAP-1 don't match, who do I believe ; what have we got left of the blue caps ; Stimmt der Bestand von CAP-1?
readiness | anything stopping SO-1042 from going out? ; fehlt noch was für SO-1042? ; good to ship SO-1042?
departure | which pallets make the evening lorry ; Wer ist betroffen, wenn der Spediteur zwei Stunden später kommt?
decided | remind me why we went with the other resin ; Wer hat die Sonderfreigabe für L-77 erteilt?
in_force | does the speed cap on line 3 still apply ; Darf ich die Temperatur verstellen oder gibt es da eine Vorgabe?
patterns | is there a trend in the stops ; Was fällt nachts regelmäßig aus?
similar | have we dealt with a jam like this in the past ; Wie wurde das beim letzten Mal gelöst?
handover | what should the next crew know ; Fass mir die Nachtschicht zusammen
trust | is any system lagging ; Sind die Daten aus dem wms aktuell?
tally | number of changeovers this week ; Welche Schicht hatte am meisten Ausschuss? ; total downtime of line 2 yesterday
state | is 4500012345 done yet ; what's going on with L-77
lookup | location of HU-9 ; Bis wann ist SO-1042 zugesagt? ; which carrier has SH-310
propose | quarantine lot L-77, metal found
changes | what moved overnight ; Gab es heute Korrekturen?
recall | has anybody written something about a burnt smell ; Hat jemand etwas über das Ventil geschrieben?
now | where does it hurt at the moment ; Womit haben wir gerade zu kämpfen? ; quick status of the shop please
pace | how far off plan is L2 ; Wieviel hängt Linie 3 dem Plan nach? ; line 2 is not keeping up, why
reconcile | SAP says one thing and the wms another about RES-200, which one ; wie viel blue cap ist wirklich da ; do we have enough clear resin in house
conflicts | are there any contradictions between the systems ; Wo sind sich MES und QMS uneinig?
readiness | can I send off SO-1042 ; what else does SO-1042 need before it goes ; Darf SO-1042 auf die Reise?
looks_complete | orders that seem finished but won't ship
departure | what makes it onto the 15:00 truck ; Was schafft es noch auf den Abend-LKW?
decided | what was the reasoning behind using CAP-1 ; Welche Entscheidung gab es zum Harz?
in_force | which instructions apply right now ; Ist das Limit noch aktiv?
patterns | what goes wrong again and again ; Welche Störung kommt am häufigsten vor?
similar | any earlier cases like this one ; Hatten wir so was schon mal?
handover | brief the incoming shift ; Was muss die nächste Schicht wissen?
trust | which data is stale ; Welche Schnittstelle meldet nichts mehr?
tally | count the holds ; Wie oft stand Linie 2 diese Woche? ; which line lost the most minutes to stops yesterday
state | L-77: blocked or free? ; Läuft Linie 2 wieder?
lookup | who supplied L-77 ; Wann fährt SH-310 ab? ; priority of SO-1042
propose | set lot L-77 on hold, glass found ; Bitte Charge L-77 sperren wegen Glas
changes | anything different since this morning ; Was ist neu seit heute früh?
recall | what did Jana write about the resin ; Gibt es einen Eintrag zum Ventil?
now | how are we looking out there ; was läuft grad schief ; gimme a quick rundown of the plant ; wo brennts
pace | l3 is dragging again whats the reason ; wieso kommt die linie 2 nicht in die gänge ; are we still on schedule with line 3 ; kriegen wir die Stückzahl heut noch hin ; what's slowing down filler 3
changes | anything new since i left at 2pm ; was is seit gestern abend passiert
state | who's looking after the filler stop
state | is line 2 up ; steht die Linie 3 grad
patterns | why is scrap so high on nights
similar | did we ever see this kind of jam before and how did we get out of it ; was haben wir an füller 3 schon alles probiert
readiness | how come SO-1042 went out late ; whats SO-1042 still waiting on ; geht SO-1042 heute noch weg ; can we release SO-1042 to shipping or not
decided | how did we handle the last resin shortage ; wer hat entschieden dass wir CAP-1 nehmen dürfen ; whose call was it to use lot L-77
in_force | are we still limited to 90 percent ; was ist heut nacht tabu ; any restrictions i need to follow on line 3
reconcile | stock of RES-200 differs between erp and wms, whats the true number ; wieviel blue caps sind noch übrig ; system says we have RES-200 but nobody can find it
conflicts | orders the erp has released but quality is holding back ; welche Aufträge sind im ERP frei aber von der QS gesperrt
trust | which system has stopped sending ; kommen die wms daten noch rein
departure | whats going on the 3pm lorry ; was kommt alles auf den 15 uhr laster
looks_complete | any orders marked done that cant ship
what_if | what happens if line 3 doesnt come back before 6pm
handover | need the shift summary for the next guys ; was muss ich der Frühschicht übergeben
tally | stops on line 2 yesterday, how many? ; wie lang sind wir gestern auf linie 3 gestanden
propose | put lot L-77 on hold pls, cracked caps
now | whats the picture on the floor ; wie schauts aus im Werk ; where should i put my people first ; was ist am dringendsten
pace | line 3 isnt making its numbers ; warum ist die linie 3 so langsam heute ; whats our shortfall on line 2 this shift ; schaffen wir das Tagesziel noch ; how many units behind is line 3
changes | what did i miss since 6 ; was hat sich bei SO-1042 getan ; what's different vs this morning
patterns | do we keep getting the same stop every night ; welche stillstände treten immer wieder auf ; does one crew fix this differently than the others
similar | wie haben die anderen das damals hinbekommen ; what didnt work last time on filler 3
readiness | is anything missing for SO-1042 ; SO-1042 raus oder nicht ; when's the soonest SO-1042 can leave ; was hält SO-1042 auf ; can we partial ship SO-1042, say 90%
decided | what was agreed about the resin ; warum haben wir damals auf CAP-1 umgestellt ; on whose authority was L-77 let through
in_force | gilt die 90 % grenze noch ; what are the standing orders for tonight ; which of our decisions dont hold water anymore
reconcile | real on hand of RES-200 please ; wms hat 812 und erp 840 bei RES-200, was stimmt ; do RES-200 counts add up
conflicts | mismatch between mes and qms on any order ; gibts unstimmigkeiten zwischen den systemen
trust | are all the interfaces alive ; welche daten sind veraltet
departure | will everything make the truck at 15:00 ; haulier is running 2 h late, which orders does it hit
lookup | where did HU-9 end up ; wer ist kunde von SO-1042 ; when is SO-1042 due
handover | pls prep the handover notes
tally | total scrap last night ; anzahl umrüstungen diese woche
"""


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        (row.split("|")[0].strip(), text.strip())
        for row in WORDINGS.strip().splitlines()
        for text in row.split("|")[1].split(" ; ")
    ],
)
def test_a_wording_gives_away_what_is_wanted(wanted: str, text: str) -> None:
    assert asked(text)[0].intent == Intent(wanted)


# Written down before the cues were mended and never used to change one: 6 of every 7 must be right.
HELD_OUT = """
now | status update please ; was geht ab in der Produktion ; top three problems right now ; worauf muss ich jetzt achten
pace | line 2 keeps losing time, how come ; woran liegts dass linie 3 nicht nachkommt ; do we hit the target tonight ; L2 hinkt nach, grund? ; what is costing us output on line 3
changes | since the shift started what has changed ; gabs was neues seit 14 uhr
state | is L-77 free to use ; ist linie 3 wieder angelaufen ; wer kümmert sich um den stopp am füller 3 ; who's on the filler 3 problem
patterns | recurring faults across the shifts ; fällt der füller nachts öfter aus als tagsüber
similar | what fixed it last time the filler jammed ; ist so ein fehler früher schon vorgekommen
readiness | are we good to load SO-1042 ; wann kann SO-1042 frühestens raus ; why didnt SO-1042 make it on time ; is SO-1042 complete incl labels and papers ; können wir von SO-1042 schon einen teil schicken
looks_complete | which jobs claim to be finished but arent shippable ; aufträge die fertig gemeldet aber nicht versandfähig sind
decided | reason we switched resin? ; wer hat L-77 freigegeben und warum ; what did they settle on for the blue caps
in_force | do we have any limits in place for line 3 ; muss ich mich noch an die 90 % halten ; hands off list for tonight
reconcile | how much RES-200 is there really ; bestände von CAP-1 passen nicht zusammen, wem glaub ich ; is the RES-200 figure cases or pieces
conflicts | where does erp disagree with wms ; welche Systeme sagen was unterschiedliches
trust | which source went quiet ; kann ich mich auf die wms zahlen verlassen
departure | what wont make the 15:00 pickup ; was steht morgen für die rampe auf der kippe
lookup | what's in SH-310 ; wann kommt SH-310 los
tally | how often did line 2 stop last night ; wieviele stops hatten wir heut
propose | L-77 sofort sperren, metallspäne
"""


def test_most_of_the_held_out_wordings_are_understood() -> None:
    rows = [
        (row.split("|")[0].strip(), text.strip())
        for row in HELD_OUT.strip().splitlines()
        for text in row.split("|")[1].split(" ; ")
    ]
    wrong = [
        (wanted, str(asked(text)[0].intent), text) for wanted, text in rows if asked(text)[0].intent != Intent(wanted)
    ]
    assert len(wrong) <= len(rows) / 7, wrong


@pytest.mark.parametrize("spelling", ["SO-1042", "so 1042", "SO1042", "so-1042", "order 1042", "Kundenauftrag 1042"])
def test_an_id_is_found_in_any_spelling(spelling: str) -> None:
    assert asked(f"is {spelling} ready to ship?")[0].entities == (Entity("sales_order", "SO-1042"),)


@pytest.mark.parametrize("spelling", ["BATCH 7/22", "batch 7/22", "Batch-7/22", "BATCH7/22"])
def test_an_id_with_blanks_and_strokes_is_one_id(spelling: str) -> None:
    assert asked(f"status of {spelling}")[0].entities == (Entity("lot", "BATCH 7/22"),)


@pytest.mark.parametrize(
    "typed",
    [
        "SO-9999",
        "L-78",
        "so-1043",
        "SO-10420",
        "SO-104",
        "4500012346",
        "BATCH 8/22",
        "H-13",
        "lot 78",
        "XJ900",
        "SH 311",
        "HU 8",
    ],
)
def test_an_unknown_id_is_named_and_its_neighbour_never_taken(typed: str) -> None:
    ask = asked(f"what is the status of {typed}?")[0]
    assert ask.entities == ()
    assert [unknown.typed.endswith(typed.rsplit(maxsplit=1)[-1]) for unknown in ask.unknown] == [True]


@pytest.mark.parametrize(
    "plain", ["at 15:00", "90 %", "two hours", "12 kg", "in Q3", "24/7", "in 2025", "on 2026-11-19"]
)
def test_a_figure_or_a_time_is_no_id(plain: str) -> None:
    assert asked(f"how many stops {plain} on line 3?")[0].unknown == ()


@pytest.mark.parametrize(
    "name", ["line 3", "Linie 3", "L3", "Line three", "linie drei", "lnie 3", "Line-3", "n/pack/line-3"]
)
def test_equipment_goes_by_every_name(name: str) -> None:
    assert asked(f"why is {name} slow")[0].places == ("n/pack/line-3",)


@pytest.mark.parametrize(
    "name", ["filler 3", "Füller 3", "fueller an linie 3", "the filler on three", "filler of line 3", "fillr 3"]
)
def test_a_unit_is_found_within_its_line(name: str) -> None:
    assert asked(f"why does {name} stop")[0].places == ("n/pack/line-3/filler",)


def test_a_number_in_a_name_is_never_a_typo() -> None:
    ask = asked("why is line 9 slow")[0]
    assert ask.places == ()
    assert [place.typed for place in ask.no_places] == ["line 9"]


def test_a_name_that_two_things_bear_is_asked_back() -> None:
    assert asked("is the filler running")[0].unclear == (("filler", ("Filler 2", "Filler 3")),)


def test_a_question_of_several_parts_is_read_part_by_part() -> None:
    first, second = asked("How many stops had line 3 last night and which orders look complete but are not?")
    assert (first.intent, second.intent) == (Intent.TALLY, Intent.LOOKS_COMPLETE)


@pytest.mark.parametrize(
    ("before", "text", "intent", "thing"),
    [
        ("Is SO-1042 shippable?", "and what is blocking it?", Intent.READINESS, "SO-1042"),
        ("Is SO-1042 shippable?", "who is the customer?", Intent.LOOKUP, "SO-1042"),
        ("Ist L-77 gesperrt?", "Warum?", Intent.STATE, "L-77"),
        ("Where is HU-9?", "and SH-310?", Intent.LOOKUP, "SH-310"),
    ],
)
def test_a_follow_up_is_about_what_was_asked_before(before: str, text: str, intent: Intent, thing: str) -> None:
    ask = asked(text, before)[-1]
    assert (ask.intent, [entity.id for entity in ask.entities]) == (intent, [thing])


def test_a_follow_up_keeps_the_window_and_changes_the_place() -> None:
    ask = asked("and on line 2?", "how many stops on line 3 last night")[-1]
    assert (ask.intent, ask.places) == (Intent.TALLY, ("n/pack/line-2",))
    assert ask.window is not None


def test_a_new_question_takes_nothing_over() -> None:
    ask = asked("Which feeds can I not trust today?", "Is SO-1042 shippable?")[-1]
    assert (ask.intent, ask.entities) == (Intent.TRUST, ())


@pytest.mark.parametrize(("typed", "meant"), [
    ("which lots r blocked and since when?", "which lots are blocked and since when?"),
    ("What r we waiting for?", "What are we waiting for?"),
    ("is press r stopped?", "is press r stopped?"),
])  # fmt: skip
def test_a_short_are_is_no_machine_of_that_name(typed: str, meant: str) -> None:
    assert [(each.intent, each.text) for each in asked(typed)] == [(each.intent, each.text) for each in asked(meant)]
    assert asked(typed)[0].text == meant
