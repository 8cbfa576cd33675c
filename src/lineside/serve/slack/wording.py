"""What the Slack app says, in English and German."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from lineside.agent.captured import CaptureKind, Field


class Language(StrEnum):
    EN = "en"
    DE = "de"


_EN = {
    "app": "Lineside",
    "reading": "Reading...",
    "stranger": "I am sorry, I do not know you: the plant file of {site} names nobody with your Slack account "
    "({user}). Nothing was read or kept. Whoever looks after Lineside can add you.",
    "expired": "Slack's time to open the form ran out before Lineside could. Nothing was kept; please do it again.",
    "busy": "Slack asks us to wait. Nothing was kept; please try again in a minute.",
    "failed": "That did not work: {reason}.",
    "broken": "Something went wrong inside Lineside; its log says what. Please look whether your note is there.",
    "no_text": "This message has no words that could be kept.",
    "too_long": "This text is too long for a form in Slack ({length} characters). Save it on the page /note.",
    "write_title": "Write a note",
    "write_label": "What happened, what was decided, or what came of it",
    "write_hint": "In your own words, English or German. You see what was understood before anything is kept.",
    "next": "Next",
    "cancel": "Cancel",
    "close": "Close",
    "keep_title": "Save to Lineside",
    "keep": "Keep",
    "said_by": "Written by {by}, {at}. What is kept, everybody can read who may read notes of {site}.",
    "of_record": "This message is in Lineside already. A decision is taken from it once; its words stay as they are.",
    "of_channel": "{source} reads this channel, so the message comes in by itself. A decision or an outcome is taken "
    "from it; its words are not kept twice.",
    "inferred": "Bold words were read as something. Every value below is *inferred* until you keep it: correct it, or "
    "empty it.",
    "kind": "This is",
    "from_words": "inferred from “{words}”",
    "several": "“{words}” can mean more than one thing: choose",
    "second": "a second value, from “{words}”",
    "leave_out": "leave out",
    "unknown": "Not known here: {words}",
    "near": "{words} (near: {nearest})",
    "keeping": "It is being kept...",
    "kept_title": "Kept",
    "kept": "Kept as a {kind}, confirmed by {by}.",
    "kept_words": "Kept as a note, in the words that were written.",
    "kept_again": "It was kept before.",
    "kept_by": "This message was kept already: by {by}, {at}. Nothing was doubled.",
    "completes": "The decision that it is the outcome of now carries it.",
    "record": "Record {record}",
    "handover_none": "There is no handover to show: {reason}.",
    "help": "`{command} note TEXT` writes down what happened, was decided or came of it. `{command} handover [SHIFT]` "
    "shows the handover of a shift: now's, or as `night` or `2026-11-20-night`. On any message: "
    "the shortcut “{shortcut}”.",
    "text": "just the words",
}
_DE = {
    "app": "Lineside",
    "reading": "Wird gelesen...",
    "stranger": "Leider kenne ich Sie nicht: Die Werksdatei von {site} nennt niemanden mit Ihrem Slack-Konto "
    "({user}). Es wurde nichts gelesen und nichts behalten. Wer Lineside betreut, kann Sie eintragen.",
    "expired": "Slacks Zeit zum Öffnen des Formulars war um, bevor Lineside so weit war. Es wurde nichts behalten; "
    "bitte noch einmal.",
    "busy": "Slack bittet uns zu warten. Es wurde nichts behalten; bitte in einer Minute noch einmal.",
    "failed": "Das ging nicht: {reason}.",
    "broken": "In Lineside ging etwas schief; sein Protokoll sagt, was. Bitte sehen Sie nach, ob Ihre Notiz da ist.",
    "no_text": "Diese Nachricht hat keine Worte, die sich behalten ließen.",
    "too_long": "Dieser Text ist zu lang für ein Formular in Slack ({length} Zeichen). Sichern Sie ihn auf der "
    "Seite /note.",
    "write_title": "Notiz schreiben",
    "write_label": "Was geschah, was entschieden wurde, oder was daraus wurde",
    "write_hint": "In eigenen Worten, deutsch oder englisch. Was verstanden wurde, sehen Sie, bevor etwas "
    "behalten wird.",
    "next": "Weiter",
    "cancel": "Abbrechen",
    "close": "Schließen",
    "keep_title": "In Lineside sichern",
    "keep": "Behalten",
    "said_by": "Von {by}, {at}. Was behalten wird, können alle lesen, die Notizen von {site} lesen dürfen.",
    "of_record": "Diese Nachricht ist schon in Lineside. Eine Entscheidung wird ihr einmal entnommen; ihre "
    "Worte bleiben.",
    "of_channel": "{source} liest diesen Kanal, die Nachricht kommt also von selbst. Eine Entscheidung oder ein "
    "Ergebnis wird ihr entnommen; ihre Worte werden nicht doppelt behalten.",
    "inferred": "Fette Worte wurden als etwas gelesen. Jeder Wert unten ist nur *erschlossen*, bis Sie ihn behalten: "
    "berichtigen oder leeren Sie ihn.",
    "kind": "Das ist",
    "from_words": "erschlossen aus „{words}“",
    "several": "„{words}“ kann mehreres heißen: bitte wählen",
    "second": "ein zweiter Wert, aus „{words}“",
    "leave_out": "weglassen",
    "unknown": "Hier nicht bekannt: {words}",
    "near": "{words} (ähnlich: {nearest})",
    "keeping": "Wird behalten...",
    "kept_title": "Behalten",
    "kept": "Behalten als {kind}, bestätigt von {by}.",
    "kept_words": "Behalten als Notiz, in den Worten, die geschrieben wurden.",
    "kept_again": "Es war schon behalten.",
    "kept_by": "Diese Nachricht wurde schon behalten: von {by}, {at}. Nichts wurde verdoppelt.",
    "completes": "Die Entscheidung, deren Ergebnis es ist, trägt es jetzt.",
    "record": "Eintrag {record}",
    "handover_none": "Es gibt keine Übergabe zu zeigen: {reason}.",
    "help": "`{command} note TEXT` schreibt auf, was geschah, entschieden wurde oder daraus wurde. `{command} handover "
    "[SCHICHT]` zeigt die Übergabe einer Schicht: der jetzigen, oder wie `nacht` oder `2026-11-20-nacht`. An jeder "
    "Nachricht: der Kurzbefehl „{shortcut}“.",
    "text": "nur die Worte",
}
_KINDS = {
    CaptureKind.NOTE: ("note", "Notiz"),
    CaptureKind.DECISION: ("decision", "Entscheidung"),
    CaptureKind.OUTCOME: ("outcome", "Ergebnis"),
    CaptureKind.REQUEST: ("request", "Bitte"),
}
_FIELDS = {
    Field.WHAT: ("What happened", "Was geschah"),
    Field.EQUIPMENT: ("Where", "Wo"),
    Field.THING: ("Lot, order or other thing", "Charge, Auftrag oder anderes"),
    Field.BEGAN: ("Since when", "Seit wann"),
    Field.ENDED: ("Until when it lasted", "Bis wann es dauerte"),
    Field.CAUSE: ("Cause", "Ursache"),
    Field.ACTION: ("What was done", "Was getan wurde"),
    Field.DURATION: ("Duration", "Dauer"),
    Field.QUANTITY: ("Quantity", "Menge"),
    Field.CHOICE: ("What was decided", "Was entschieden wurde"),
    Field.DECIDED_BY: ("Decided by", "Entschieden von"),
    Field.RATIONALE: ("Why", "Warum"),
    Field.HOLDS_UNTIL: ("Holds until", "Gilt bis"),
    Field.ASSUMPTION: ("It assumes", "Es setzt voraus"),
    Field.OUTCOME: ("What came of it", "Was daraus wurde"),
    Field.OF: ("Outcome of which decision", "Ergebnis welcher Entscheidung"),
}
TEXTS: Mapping[Language, Mapping[str, str]] = MappingProxyType({Language.EN: _EN, Language.DE: _DE})


def say(language: Language, name: str, **values: object) -> str:
    """The text of that name."""
    return TEXTS[language][name].format(**values)


def kind_name(language: Language, kind: CaptureKind) -> str:
    return _KINDS[kind][language is Language.DE]


def field_name(language: Language, field: Field) -> str:
    return _FIELDS[field][language is Language.DE]


def language_of(locale: str) -> Language:
    """The language of a locale, as in de-DE; English where it is another one."""
    return Language.DE if locale.casefold().startswith("de") else Language.EN
