# ruff: noqa: E501 - tables: one meaning, or one record, a line
"""The words of plants in English and German, folded: what kinds of things, properties and happenings are called."""

from __future__ import annotations

from collections.abc import Mapping

from lineside.agent.plainwords import word_set


def _table(text: str) -> Mapping[str, str]:
    """`meant: word, word` a line, as word -> meant."""
    found: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        meant, _, words = line.partition(":")
        for word in words.split(","):
            found[word.strip()] = meant.strip()
    return found


# What people call a kind of entity; several words stand in one phrase.
KINDS = _table("""
    lot: lot, lots, batch, batches, charge, chargen, los, lose, charges
    sales_order: sales order, sales orders, customer order, customer orders, kundenauftrag, kundenauftraege, kundenauftraegen, verkaufsauftrag, verkaufsauftraege
    sales_order_line: sales order line, order line, order lines, auftragsposition, auftragspositionen
    job_order: job order, job orders, work order, work orders, production order, production orders, manufacturing order, fertigungsauftrag, fertigungsauftraege, produktionsauftrag, produktionsauftraege, job, jobs, werkauftrag
    order: order, orders, auftrag, auftraege, auftraegen
    operation: operation, operations, arbeitsgang, arbeitsgaenge, arbeitsfolge
    shipment: shipment, shipments, delivery, deliveries, consignment, sendung, sendungen, lieferung, lieferungen, versand
    handling_unit: handling unit, handling units, pallet, pallets, hu, hus, palette, paletten, ladeeinheit, ladeeinheiten, gebinde
    inspection: inspection, inspections, test, tests, pruefung, pruefungen, prueflos, prueflose, qs pruefung
    hold: hold, holds, sperre, sperren, quality hold, quality holds, qualitaetssperre
    material: material, materials, item, items, article, articles, part, parts, product, products, sku, skus, artikel, teil, teile, produkt, produkte, materialien, rohstoff, rohstoffe, werkstoff
    purchase_order_line: purchase order, purchase orders, po, pos, bestellung, bestellungen
    maintenance_order: maintenance order, maintenance orders, maintenance request, maintenance job, maintenance jobs, repair job, repair jobs, wartungsauftrag, wartungsauftraege, instandhaltungsauftrag, instandhaltungsauftraege, reparaturauftrag
    engineering_change: engineering change, engineering changes, eco, ecos, change order, aenderungsauftrag, konstruktionsaenderung, technische aenderung
    document: document, documents, certificate, certificates, coa, dokument, dokumente, zertifikat, zertifikate, papiere, paperwork
    customer: customer, customers, kunde, kunden
    interface: interface, interfaces, schnittstelle, schnittstellen
    equipment: machine, machines, equipment, line, lines, anlage, anlagen, maschine, maschinen, linie, linien
""")

ORDERS = ("sales_order", "sales_order_line", "job_order", "purchase_order_line", "maintenance_order")

# Property -> what people ask for it by.
PROPERTIES: Mapping[str, tuple[str, ...]] = {
    meant: tuple(word.strip() for word in words.split(","))
    for line in filter(
        None,
        (
            line.strip()
            for line in """
    location: where, location, wo, lagerort, lagerplatz, standort, stored, storage, platz, whereabouts, bin
    supplier: supplier, vendor, lieferant, supplied, supplies, suppliers, who delivers, liefert, beliefert, geliefert von, zulieferer
    customer: customer, kunde, whose order, for whom, fuer wen
    material: material, product, made of, artikel, what is in, which product, produkt, welches material
    quantity: quantity, how much, how many pieces, amount, menge, wie viel, wieviel, stueckzahl, qty
    quantity_good: good quantity, good pieces, gutmenge, gut menge, good count, good parts, how many good
    quantity_scrap: scrap, ausschuss, scrapped, ausschussmenge
    quality_status: quality status, qualitaetsstatus, quality release, usage decision
    status: status, stand, zustand, state of
    state: state, zustand
    reason: reason, grund, why, warum, wieso, weshalb, weswegen
    owner: owner, owns, verantwortlich, responsible, zustaendig, who has, wem gehoert
    carrier: carrier, haulier, spediteur, frachtfuehrer, spedition, forwarder
    dock: dock, tor, rampe, gate, bay, verladetor
    planned_departure: planned departure, departure, depart, leave, leaves, leaving, abfahrt, faehrt, abfahren, departing
    eta: eta, arrive, arrives, arrival, ankunft, eintreffen, ankommen, due in, kommt an, expected in, delivered, schon da, here yet, there yet, in yet, arrived, angekommen, eingetroffen, wann kommt, wann kommen
    promised_at: promised, promise, promise date, zugesagt, liefertermin, wunschtermin, zusage, delivery date, due to customer
    due_at: due, due date, faellig, frist, deadline, termin, faelligkeit
    priority: priority, prioritaet, prio, urgency, urgent, dringlichkeit
    credit: credit, kredit, kreditlimit, bonitaet
    partial_allowed: partial, partial shipment, teillieferung, partials, teil lieferung
    revision: revision, rev, version, drawing, index, aenderungsstand, zeichnungsstand, revisionsstand
    expires_at: expire, expires, expiry, shelf life, best before, mhd, verfall, verfallsdatum, haltbarkeit, haltbar, ablaufdatum
    planned_start: planned start, start, starts, geplanter start, beginn, beginnt, anfangen
    planned_end: planned end, finish, finishes, end, ends, geplantes ende, fertig sein, be done
    actual_start: actual start, started, tatsaechlicher start, begonnen, gestartet
    actual_end: actual end, finished, ended, beendet, tatsaechliches ende
    equipment: which line, which machine, machine, auf welcher linie, welche linie, welche maschine, what line, welcher anlage
    sequence: sequence, reihenfolge, position in sequence
    components: components, bom, bill of materials, stueckliste, komponenten, ingredients, rezeptur, recipe, parts list
    units: units, packaging, per case, per pallet, einheit, einheiten, umrechnung, pieces per, stueck pro, packaging factor
    description: description, beschreibung, described, bezeichnung
    substitutes: substitute, substitutes, alternative, alternatives, ersatz, ersatzmaterial, alternativmaterial, replace with
    result: result, ergebnis, passed, failed, outcome of, bestanden, pruefergebnis
    characteristic: characteristic, merkmal, pruefmerkmal, tested for, geprueft
    disposition: disposition, verwendungsentscheid
    subject: subject, on what, worauf, gegenstand
    lot: which lot, which batch, welche charge, welches los, lot number, chargennummer
    job_order: which job, job order, welcher fertigungsauftrag, welchen auftrag, current job, which order
    sales_order_line: for which order, sales order, which sales order, fuer welchen auftrag, kundenauftrag
    rate: rate, speed, geschwindigkeit, takt, leistung, pace, tempo, cycle
    target_rate: target rate, target, soll, sollleistung, nominal speed, zielwert, solltakt
    good_count: good count, gutteile, good so far
    reject_count: rejects, reject count, ausschusszaehler, rejected
    failure_code: failure code, fault code, fehlercode, stoerungscode
    effective_at: effective, effective date, gueltig ab, wirksam ab, wirksam
    cadence_s: cadence, how often does, taktung
    as_counted_at: counted, count date, gezaehlt, inventur, last count, latest count, zaehlung, letzte zaehlung, nachgezaehlt
    lines: lines, positions, positionen, what is on, contents, inhalt, loaded with
    packed: packed, gepackt, verpackt
    labelled: labelled, labeled, etikettiert, label, labels, etikett
    """.splitlines()
        ),
    )
    for meant, _, words in [line.partition(":")]
}

# Happenings that can be counted -> their event kinds.
HAPPENINGS: Mapping[str, tuple[str, ...]] = {
    word.strip(): tuple(kinds.split())
    for line in filter(
        None,
        (
            line.strip()
            for line in """
    stop: stop, stops, stopped, stoppage, stoppages, standstill, standstills, stillstand, stillstaende, stillstaenden, stopp, stopps, gestoppt, downtime, downtimes, breakdown, breakdowns, outage, outages, ausfall, ausfaelle, stoerung, stoerungen, gestanden, angehalten, interruption, interruptions, unterbrechung, unterbrechungen, stehen geblieben, steht
    alarm: alarm, alarms, alarme, alarmen, warnings, fault, faults, fehlermeldungen
    slow: slow running, slowdowns, slowdown, langsamlauf, speed loss
    changeover_start: changeover, changeovers, setup, setups, ruesten, ruestvorgang, ruestvorgaenge, umruestung, umruestungen, umgeruestet, produktwechsel
    scrap: scrap, scrapped, ausschuss, reject, rejects, verschrottet, waste, wasted, verworfen, vernichtet, weggeworfen, thrown away, binned
    goods_receipt: goods receipt, goods receipts, receipts, wareneingang, wareneingaenge, received
    goods_issue: goods issue, goods issues, warenausgang, warenausgaenge, entnahmen
    transfer: transfer, transfers, umlagerung, umlagerungen, moves
    production: produced, production postings, produktionsmeldungen, produziert, hergestellt, gefertigt
    consumption: consumption, consumed, consumptions, verbrauch, verbraucht
    count: inventory count, stock count, cycle count, inventuren, zaehlungen, zaehlung
    excursion: excursion, excursions, grenzwertverletzung, grenzwertverletzungen, ueberschreitung, ueberschreitungen, abweichungen
    parameter_change: parameter change, parameter changes, parameteraenderung, parameteraenderungen, setting changes
    nonconformity: nonconformity, nonconformities, defects, defect, fehler, maengel, mangel, ncr, ncrs, qualitaetsabweichung
    complaint: complaint, complaints, reklamation, reklamationen, beschwerden, beanstandungen
    hold_placed: holds placed, gesetzte sperren
    sample: samples, sample, proben, probe, stichproben
    inspection_result: inspection results, pruefergebnisse
    pick_late: late picks, late pick, verspaetete kommissionierung
    truck_arrived: trucks arrived, truck arrivals, angekommene lkw
    departed: departures, abfahrten, trucks left
    maintenance_requested: maintenance requests, wartungsanforderungen, maintenance calls
    """.splitlines()
        ),
    )
    for kinds, _, words in [line.partition(":")]
    for word in words.split(",")
}

# States that things are counted or listed by, as the vocabulary has them.
STATES = _table("""
    blocked: blocked, gesperrt, gesperrte, gesperrten, on hold, quarantined, gesperrter, gesperrtes, blockiert, blockierte, blockierten, quarantine
    unrestricted: unrestricted, frei, freie, usable, frei verwendbar, freigegeben, released
    inspection: in inspection, under inspection, in pruefung
    running: running, laeuft, laufen, runs
    stopped: stopped, standing still, steht, stehen, down, gestoppt
    idle: idle, leerlauf
    setup: in setup, ruesten
    maintenance: in maintenance, in wartung
    planned: planned, geplant, geplante, geplanten
    ready: ready, bereit
    in_progress: in progress, in arbeit, in bearbeitung, running jobs, under way, being made, in fertigung, in produktion, angefangen, begonnen
    complete: complete, completed, fertig, fertige, fertigen, abgeschlossen, abgeschlossene, abgeschlossenen, finished, fertiggestellt, fertiggemeldet
    closed: closed, geschlossen
    active: active, aktiv, aktive, aktiven, open
    pending: pending, ausstehend, ausstehende, outstanding, offen, offene, offenen
    passed: passed, bestanden
    failed: failed, durchgefallen, nicht bestanden
    missing: missing, fehlend, fehlende, fehlen, fehlt
    departed: departed, abgefahren
    delivered: delivered, geliefert, ausgeliefert, zugestellt
    loading: loading, in verladung
""")

# The plant's common nouns on both sides, so that "Linie 3" finds "Line 3".
NAMES_ALIKE = _table("""
    line: linie, l, fertigungslinie, produktionslinie, strasse, prodline
    press: presse, pressen
    filler: fueller, abfueller, abfuellanlage, fuellmaschine
    packer: packmaschine, verpacker, einpacker
    palletizer: palettierer, palletiser
    labeler: etikettierer, labeller, etikettiermaschine
    oven: ofen, furnace
    mixer: mischer, ruehrer
    capper: verschliesser, verschrauber
    tank: behaelter, vessel, kessel
    reactor: reaktor
    extruder: extruders
    machine: maschine, masch, mc
    cell: zelle
    station: arbeitsplatz, arbeitsstation
    hall: halle
    warehouse: lager, wh
    packing: verpackung, packaging, abpackung
    filling: abfuellung
    assembly: montage
    welding: schweissen, schweisserei, schweissanlage
    painting: lackiererei, paintshop, lackierung
    robot: roboter
    conveyor: foerderband, band, foerderer
    dock: tor, rampe
    saw: saege
    lathe: drehmaschine, drehbank
    mill: fraese, fraesmaschine, muehle
    pump: pumpe
    dryer: trockner
    cutter: schneider
    washer: waschanlage, waescher
    sterilizer: sterilisator, autoklav, autoclave
    printer: drucker
    scale: waage
    test: pruefstand
    casting: giesserei
    shop: werkstatt
    boiler: dampfkessel
""")
LINE_NOUNS = word_set("line press filler packer palletizer labeler oven mixer capper tank reactor extruder machine cell station "
                       "robot conveyor saw lathe mill pump dryer cutter washer sterilizer printer anlage")  # fmt: skip

ENGLISH = word_set("""
a about actually after again all also am an and any anybody anyone anything are as at be been before being but by came can
could day did do does doing done during each either else even ever every few for from get gets give given go going gone
got had has have he hello her here hi him his how however i if in into is it its just let like made make many may me might
more most much must my need no not now of off ok on one only or other our out over please really s said same say see seen
shall she should show since so some somebody someone something still such t take tell than thanks that the their them then
there these they thing things this those through till to too under until up us very want wants was we were what whats when
where which while who whom whose why will with would yes yet you your right today tonight tomorrow yesterday currently
moment happen happens happened know known let's i'm it's that's d ll re ve did didn doesn isn wasn weren don won couldn
stueck pcs pieces didnt doesnt dont isnt arent wasnt werent cant couldnt wont wouldnt hasnt havent whats whos hows wheres
whens whys thats theres im ive youre weve pls plz thx hey anyways ok gonna wanna gotta lemme gimme bit
""")
GERMAN = word_set("""
aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bitte da dabei damit dann das dass dein dem
den denn der des die dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas
euch fuer gab geben gegen gerade gib gibt gibts hab habe haben hallo hast hat hatte hatten hier ich ihm ihn ihr ihre im in
ins ist ja jede jeder jedes jetzt kann kannst koennen koennte mal man mehr mein mich mir mit muss nach nein nicht noch nun
nur ob oder ohne schon sehr sein seine seit sich sie sind so soll sollen sollte sonst ueber um und uns unser unter viel
viele vom von vor war waren warum was wegen weil welche welchem welchen welcher welches wem wen wenn wer werden weshalb
wessen wie wieso wieder wir wird wo wohin woher worden wurde wurden zu zum zur zwischen zwar eigentlich denn bloss eben
heute gestern morgen aktuell momentan zeig zeige sag sagen weiss wissen moechte will wollen machen macht gemacht ueberhaupt
stueck uhr heut grad gerad nich ned net gibts gehts hats wars obs isses nen ner nem mim aufm beim zurzeit halt denn
""")
STOP_WORDS = ENGLISH | GERMAN

# What a follow-up points back with.
POINTING = word_set("it that this they them those these there its their he she him her same one es das dies dieser diese sie er ihn ihm "
                     "ihr davon darauf dafuer dazu dort deren dessen dem den damit daran")  # fmt: skip

# What tells a window, an aim or an axis apart from the rest.
AXES: Mapping[str, tuple[str, ...]] = {
    "equipment": (
        "line",
        "lines",
        "machine",
        "machines",
        "equipment",
        "linie",
        "linien",
        "anlage",
        "anlagen",
        "maschine",
        "maschinen",
        "welche linie",
        "station",
        "cell",
    ),
    "shift": ("shift", "shifts", "schicht", "schichten", "per shift", "by shift", "je schicht", "pro schicht"),
    "crew": ("crew", "crews", "team", "teams", "mannschaft", "kolonne", "gruppe"),
    "reason": ("reason", "reasons", "cause", "causes", "grund", "gruende", "ursache", "ursachen", "warum"),
    "day": ("day", "days", "daily", "tag", "tage", "taeglich", "per day", "je tag", "pro tag"),
    "material": ("material", "product", "products", "produkt", "produkte", "artikel"),
    "kind": ("kind", "type", "art"),
}

PURPOSES: Mapping[str, tuple[str, ...]] = {
    "promise": (
        "promise",
        "promised",
        "commit",
        "offer",
        "sell",
        "zusagen",
        "versprechen",
        "zusage",
        "anbieten",
        "verkaufen",
    ),
    "plan": ("plan", "planning", "schedule", "planen", "planung", "einplanen", "disponieren"),
    "ship": (
        "ship",
        "shipping",
        "dispatch",
        "deliver",
        "pick",
        "versenden",
        "liefern",
        "versand",
        "ausliefern",
        "verladen",
        "kommissionieren",
    ),
    "post": (
        "post",
        "posting",
        "book",
        "booking",
        "buchen",
        "verbuchen",
        "bilanzieren",
        "accounting",
        "inventory value",
    ),
}

# Things that no operational memory knows; a question about one is not answered from its other words.
ELSEWHERE = word_set("""
weather rain snow forecast-weather wetter regen schnee temperature-outside
earn earns earned earning overtime-pay verdienen bonus salary salaries wage wages pay payroll gehalt gehaelter lohn loehne verdient verdienst
share-price stock-price stockmarket shares dividend aktie aktien aktienkurs boerse
price prices cost costs margin profit revenue turnover preis preise kosten kostet umsatz gewinn marge budget
capital president chancellor election football soccer bundesliga goal-score movie song recipe-cake joke poem
hauptstadt praesident kanzler bundeskanzler wahl fussball kantine speiseplan lunch cafeteria menu witz gedicht lied
birthday geburtstag holiday-plans vacation urlaub sick krank phone telephone telefonnummer telefon password passwort
competitor competitors konkurrenz wettbewerber
""")
