"""Words that are no names although they may stand with a capital, the words for states, and the words that turn a
sentence round. English and German, generic to any plant."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# A sentence may start with these; anything else with a capital must stand in the evidence.
OPENERS = word_set("""
a about after again against all also although an and another any around as at because before below between both but by
can compared counting currently despite does due during each earlier either even every everything few first following
for four from had has have he her his how however if in inside instead is it its later least less many more most much
neither never no nobody none nor not nothing now of off on once one only open or other otherwise our out over part per
plus reported running same second seen several she shipped since so some somebody someone still stopped such than that
the their them then there these they third this those three through thus to today together tomorrow tonight two under
unless until up used was we were what when where whether which while who whose why will with within without yes
yesterday yet you according among evidence total overall work works please check ask
accepted alarm alarms amount approval approved average batch blocked cause causes changeover changeovers claimed closed
count counted counts crew customer data decision decisions delivery demand difference dispatch document documents
downtime equipment event events exception expected figure figures gap good half handover hold holds inspection inventory
job last late line lines location lot lots machine machines maintenance material materials missing next night note notes
operator operators order orders output packing pace partial people percent plan planned plant posting production
promise promised quality quantity quantities rate readiness ready reason reasons record records reject rejects release
released report reports result results sales scrap shift shifts shipment shipments shipping shortage source sources
staged state status stock stop stops supplier system systems target throughput time truck trucks units waiting warehouse
""")
GERMAN = word_set("""
der die das den dem des ein eine einer eines einem einen und oder aber auch auf aus bei bis da dann dass denn dies diese
dieser dieses durch er es für gegen hat haben hier ich ihr im in ist ja jede jeder kein keine laut mit nach nein nicht
noch nur ob ohne sie seit sind so über um unter von vor war waren warum was weil wenn wer wie wir wird wo zu zum zur
zwischen derzeit aktuell heute gestern morgen zuletzt insgesamt laut
ablauf abfahrt abteilung abweichung alarm alarme anlage anlagen anzahl arbeit arbeitsgang art auftrag aufträge ausfall
ausschuss auslieferung bedarf bediener begründung bericht berichte bestand bestellung bestände betrieb buchung charge
chargen datum dauer dokument dokumente dokumenten einheit einheiten entscheidung entscheidungen ende ereignis
ereignisse ergebnis ersatz fehler fertigung fertigungsauftrag frachtführer freigabe frist frühschicht füller gebinde
grenze grund gründe kunde kunden kundenauftrag ladung lager lagerplatz leistung leitung lieferant lieferanten lieferung
lieferschein linie linien lkw los lose mangel maschine maschinen material materialien meldung meldungen menge mengen
minute minuten mitarbeiter muster nacht nachtschicht notiz notizen ort ort ordnung palette paletten person personen plan
posten priorität problem probleme produktion prozent prüfung prüfungen qualität quelle quellen rate rest rückstand
rüsten rüstzeit schicht schichten sendung sendungen soll sperre sperren spätschicht stand standort status stelle
stillstand stillstände stopp stopps störung störungen stück stunde stunden system systeme tag tage takt teil teile
termin termine uhr uhrzeit umrüstung unterschied ursache ursachen verantwortung verladung versand verzug vorgang
wareneingang warenausgang wartung werk wert werte woche wochen zahl zahlen zeit zeiten zustand übergabe
""")
# Capitals that name nothing, wherever they stand.
CAPITALS = word_set("i ok utc iso id ids cet cest am pm")
WEEKDAYS = {
    name: index
    for row in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "mon tue wed thu fri sat sun",
    )
    for index, name in enumerate(row.split())
}  # fmt: skip

# Words whose denial changes what a plant does.
STATES = word_set("""
released blocked running stopped idle passed failed complete completed closed open ready shippable approved rejected
decided valid allowed permitted staged packed labelled loaded departed delivered issued inspected active available
finished started confirmed safe changed held hold missing due late broken true
freigegeben gesperrt läuft steht gestoppt bestanden fertig abgeschlossen geschlossen offen bereit versandfähig genehmigt
abgelehnt entschieden gültig erlaubt bereitgestellt verpackt etikettiert verladen abgefahren geliefert geprüft aktiv
verfügbar gestartet bestätigt sicher geändert fällig verspätet defekt
""")
OPPOSITES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (word_set(
    """
    more higher above exceeds over rose increased increase up raised mehr höher über gestiegen erhöht
    """
),
     word_set(
    """
    less fewer lower below under fell decreased decrease down lowered weniger niedriger unter gefallen gesenkt
    """
)),
    (word_set("before earlier vor früher vorher"), word_set("after later nach später nachher")),
    (word_set("ahead early voraus"), word_set("behind late rückstand verspätet")),
    (word_set("first erste erster"), word_set("last letzte letzter")),
    (word_set("most meisten"), word_set("least fewest wenigsten")),
    (word_set("longest längste"), word_set("shortest kürzeste")),
    (word_set("passed bestanden"), word_set("failed durchgefallen")),
    (word_set("released freigegeben"), word_set("blocked gesperrt")),
    (word_set("running läuft"), word_set("stopped idle steht gestoppt")),
    (word_set("approved genehmigt"), word_set("rejected abgelehnt")),
)  # fmt: skip
