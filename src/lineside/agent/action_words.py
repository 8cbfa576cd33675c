# ruff: noqa: E501 - tables: one way of saying it a line
"""How people ask for an action, in English and German. Data, folded.

A cue is words in order: `|` parts alternatives, `*` ends a stem, `_` joins words, `..` lets up to eight words stand
between, `~` only empty ones. `@` stands for a thing of that kind by its id or name, `@any` for one of any kind; one
that nobody knows counts as any kind. The first action whose cue fits is meant.
"""

from __future__ import annotations

from collections.abc import Mapping

# Orders begin with these, whatever politeness stands before them.
BEGINS: Mapping[str, str] = {
    "create_maintenance_order": """
        raise|create|open|file|log|issue|make|put_in|request|order|need .. maintenance_order|maintenance_request|maintenance_job|repair_order|repair_job|work_order|maintenance|repair
        write .. maintenance_order|maintenance_request|repair_order
        raise|create|open|file|issue .. order|ticket|request .. @equipment
        have|get|send .. look|repair|fix|check|service .. @equipment
        have|get ~ @equipment .. looked_at|repaired|checked|fixed|serviced|seen_to
        send|get|call .. mechanic|fitter|technician|electrician|maintenance .. @equipment
        erstell|erstelle|erstellen_sie|leg|lege|mach|mache|eroeffne|schreib|schreibe|stell|stelle|beantrage .. wartungsauftrag|instandhaltungsauftrag|reparaturauftrag|stoermeldung|ih-auftrag
        beauftrag|beauftrage|bestell|bestelle|veranlass|veranlasse .. wartung|reparatur|instandhaltung|instandsetzung
        schick|schicke|ruf|rufe .. schlosser|mechaniker|elektriker|instandhalter|instandhaltung|techniker .. @equipment
    """,
    "substitute_material": """
        use|take ~ @material .. instead|for|in_place .. @material
        replace|substitute|swap|exchange ~ @material .. with|by|for|against .. @material
        substitute .. @material .. for|with .. @material
        ersetz|ersetze|ersetzen_sie|tausch|tausche ~ @material .. durch|gegen|mit .. @material
        nimm|verwende|verwenden_sie|nehmt ~ @material .. statt|anstatt|anstelle .. @material
    """,
    "reallocate_stock": """
        give|send|allocate|reallocate|assign|reassign|move|take|use ~ @handling_unit .. @sales_order_line|@sales_order
        gib|schick|schicke|sende|ordne|nimm|teil|teile|verwende|weise ~ @handling_unit .. @sales_order_line|@sales_order
    """,
    "reroute_pick": """
        take|move|bring|put|reroute|divert|relocate|carry ~ @handling_unit .. to|into|onto|in
        bring|bringe|fahr|fahre|nimm|lager|lagere|verleg|verlege|stell|stelle ~ @handling_unit .. nach|auf|in|zu|an|um
    """,
    "request_staging": """
        stage|bring|deliver|supply|provide|fetch .. @material .. @job_order
        stage .. @material|@job_order
        have .. @material .. staged
        request|order staging
        stell|stelle|stellen_sie|bring|bringe .. @material|@job_order .. bereit
    """,
    "notify_party": """
        tell|inform|notify|message|email|mail|warn|advise|update ~ customer|client|buyer|carrier|haulier|hauler|forwarder|consignee
        let ~ customer|client|buyer|carrier|haulier|hauler|forwarder|consignee .. know
        write|send|drop .. to ~ customer|client|buyer|carrier|haulier|forwarder
        tell|inform|notify whoever .. @sales_order|@shipment
        sag|sage|informier|informiere|informieren_sie|benachrichtig|benachrichtige|teil|teile|schreib|schreibe|meld|melde|warn|warne ~ kunde|kunden|kundin|spediteur|spedition|frachtfuehrer|auftraggeber|besteller
        gib ~ kunde|kunden|kundin|spediteur|spedition bescheid
    """,
    "release_hold": """
        release|lift|clear|remove|end ~ @hold
        release|lift|clear|remove|end ~ hold .. @lot|@hold|@handling_unit
        release|unblock|clear|free ~ @lot
        take ~ @lot .. off hold|quarantine
        gib|gebt|geben_sie ~ @hold|@lot .. frei
        gib|gebt|geben_sie ~ @hold|@lot frei
        heb|hebe|heben_sie|loes|loese ~ sperre|@hold .. auf
        heb|hebe|heben_sie ~ @hold auf
        entsperr|entsperre|entsperren_sie ~ @lot|@hold
    """,
    "dispose": """
        scrap|rework|dispose|return|use .. @hold
        send .. @hold .. back
        scrap|rework ~ @lot
        set|enter|decide disposition .. @hold
        verschrott|verschrotte|nacharbeite|verwende .. @hold
        schick|schicke|sende .. @hold .. zurueck
        verschrott|verschrotte ~ @lot
    """,
    "pause_shipment": """
        pause|delay|postpone|hold|hold_back|hold_up|stop|defer|retain ~ @shipment
        let|have|make ~ @shipment .. wait|stay
        move|push|shift ~ @shipment .. to
        keep ~ @shipment .. until|till|back|here
        lass|lasse|lassen_sie ~ @shipment .. warten|stehen
        halt|halte|halten_sie ~ @shipment .. zurueck|auf|fest|an
        verschieb|verschiebe|verschieben_sie|stopp|stoppe ~ @shipment
    """,
    "split_shipment": """
        split|divide ~ @shipment
        teil|teile|teilen_sie|splitte ~ @shipment
    """,
    "hold_lot": """
        put|place|set|get|stick|slap|chuck|throw|bung|take .. on|under|in|into|a hold|quality_hold|quarantine|block
        put|place|set|create|open|propose ~ hold|quality_hold .. @lot
        hold|hold_back|block|quarantine ~ @lot
        sperr|sperre|sperren_sie|blockier|blockiere ~ @lot
        setz|setze|nimm|leg|lege|stell|stelle .. sperre|sperrbestand|gesperrt|quarantaene
    """,
    "resequence_job_order": """
        move|put|shift|pull|push|bring|place|set|run|make|take ~ @job_order .. place|position|slot|spot|number|first|front|top|start|second|third|next
        resequence|reprioritise|reprioritize ~ @job_order
        setz|setze|schieb|schiebe|zieh|ziehe|stell|stelle|nimm|leg|lege|reihe ~ @job_order .. platz|position|stelle|spitze|anfang|erste*|vorne|zweite*|dritte*
    """,
    "expedite_purchase_order": """
        expedite|rush|hurry|hurry_up_with|chase|accelerate|speed_up ~ @purchase_order_line
        get|bring|pull|have|move ~ @purchase_order_line .. in|here|forward|earlier|sooner|up|by|to|delivered
        zieh|ziehe|hol|hole|bring|bringe ~ @purchase_order_line .. vor|her|ran|frueher|bis|auf
        beschleunig|beschleunige ~ @purchase_order_line
    """,
    "post_count": """
        post|book|enter|record .. count|counted|stock_count|stocktake .. @inventory|@lot
        post|book|enter ~ @inventory
        set|correct|adjust ~ stock|inventory|quantity|count|book_stock .. @inventory|@lot .. to
        count ~ @inventory|@lot .. post|book
        buch|buche|buchen_sie .. zaehlung|inventur|gezaehlt*|bestand .. @inventory|@lot
        buch|buche|buchen_sie ~ @inventory
        zaehl|zaehle ~ @inventory|@lot .. buch|buche
        setz|setze|korrigier|korrigiere .. bestand|menge .. @inventory|@lot .. auf
    """,
    "post_movement": """
        post|book|enter|record .. goods_issue|goods_receipt|receipt|issue|consumption|production|transfer|scrap|movement .. @lot|@material
        buch|buche|buchen_sie .. warenausgang|wareneingang|verbrauch|entnahme|umlagerung|umbuchung|ausschuss|zugang|abgang|produktion .. @lot|@material
    """,
    "write_back": """
        write|enter|feed|record .. back|outcome|result .. @any
        write back .. @any
        schreib|schreibe|meld|melde .. @any .. zurueck
        schreib|schreibe|meld|melde .. zurueck .. @any
        trag|trage .. @any .. ein
    """,
    "write_setpoint": """
        set|raise|lower|turn|increase|decrease|reduce|change|adjust .. @equipment .. to
        stell|stelle|stellen_sie|setz|setze|erhoeh|erhoehe|senk|senke|reduzier|reduziere|aender|aendere .. @equipment .. auf
    """,
}

# A German order may end with its verb.
ENDS: Mapping[str, str] = {
    "create_maintenance_order": """
        wartungsauftrag|instandhaltungsauftrag|reparaturauftrag|stoermeldung .. erstellen|anlegen|schreiben|eroeffnen|ausloesen
        instandhaltung|wartung|reparatur .. beauftragen|bestellen|veranlassen|anfordern
    """,
    "substitute_material": """
        @material .. durch|gegen .. @material .. ersetzen|tauschen
        @material .. statt|anstatt|anstelle .. @material .. verwenden|nehmen|einsetzen
    """,
    "reallocate_stock": "@handling_unit .. @sales_order_line|@sales_order .. geben|schicken|zuordnen|zuteilen|senden|umbuchen",
    "reroute_pick": "@handling_unit .. nach|auf|in|zu|an .. bringen|fahren|umlagern|verlegen|stellen",
    "request_staging": "@material|@job_order .. bereitstellen|anliefern",
    "notify_party": "kunde|kunden|kundin|spediteur|spedition|frachtfuehrer|auftraggeber .. informieren|benachrichtigen|mitteilen|sagen|schreiben",
    "release_hold": "@hold|@lot .. freigeben|aufheben|entsperren",
    "dispose": "@hold .. verschrotten|nacharbeiten|zurueckschicken|zuruecksenden|verwenden",
    "pause_shipment": "@shipment .. zurueckhalten|verschieben|warten_lassen|aufhalten|anhalten|stoppen",
    "split_shipment": "@shipment .. teilen|aufteilen|splitten",
    "hold_lot": """
        @lot .. sperren|blockieren
        @lot .. auf|in|unter sperre|sperrbestand|quarantaene
        @lot .. auf|in|unter sperre|sperrbestand|quarantaene setzen|stellen|nehmen|legen
    """,
    "resequence_job_order": "@job_order .. platz|position|stelle|spitze|anfang .. setzen|ziehen|schieben|stellen|legen|nehmen|vorziehen",
    "expedite_purchase_order": "@purchase_order_line .. vorziehen|beschleunigen|holen|ranholen",
    "post_count": """
        zaehlung|inventur|bestand .. @inventory|@lot .. buchen
        @inventory|@lot .. zaehlen|gezaehlt|zaehlung .. buchen
        @inventory .. buchen
        bestand|menge .. @inventory|@lot .. auf .. setzen|korrigieren|stellen|berichtigen
    """,
    "post_movement": "warenausgang|wareneingang|verbrauch|entnahme|umlagerung|umbuchung|ausschuss|zugang|abgang|produktion .. @lot|@material .. buchen",
    "write_back": "@any .. zurueckschreiben|rueckmelden|zurueckmelden|eintragen",
    "write_setpoint": "@equipment .. auf .. stellen|setzen|erhoehen|senken|reduzieren",
}  # fmt: skip

# What stands right before a thing, where an action takes two of one kind.
LEADS: Mapping[tuple[str, str], str] = {
    ("substitute_material", "material"): "instead of|in place of|for|statt|anstatt|anstelle von|anstelle|replace|swap|exchange|ersetze|ersetz|tausche|tausch",
    ("substitute_material", "substitute"): "use|take|substitute|with|by|against|durch|gegen|mit|nimm|verwende|nehmt|verwenden sie",
}  # fmt: skip

# What people call the choices of a parameter.
CHOICES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("dispose", "disposition"): {
        "use_as_is": "use as is|use it as it is|as is|as it is|as they are|wie es ist|wie sie sind|so verwenden|verwende|verwenden",
        "rework": "rework|reworked|nacharbeit|nacharbeiten|nacharbeite|nachbearbeiten",
        "scrap": "scrap|scrapped|verschrotten|verschrotte|verschrott|ausschuss",
        "return_to_supplier": "return|back to supplier|to the supplier|to supplier|send back|back|zurueckschicken|zuruecksenden|zurueck|an den lieferanten",
    },
    ("post_movement", "movement"): {
        "goods_issue": "goods issue|issue|warenausgang|entnahme|abgang",
        "goods_receipt": "goods receipt|receipt|wareneingang|zugang",
        "consumption": "consumption|verbrauch",
        "production": "production|produktion",
        "transfer": "transfer|umlagerung|umbuchung",
        "scrap": "scrap|ausschuss|schrott",
    },
    ("create_maintenance_order", "priority"): {
        "low": "low|no rush|when there is time|niedrig|niedriger|keine eile|nicht dringend|not urgent",
        "normal": "normal|medium|mittel|regular",
        "high": "high|hoch|hoher|hohe|important|wichtig",
        "urgent": "urgent|urgently|dringend|eilig|sofort|immediately|emergency|asap|as soon as possible|notfall",
    },
}  # fmt: skip

# What stands right before a number that is meant; words that are numbers in its place.
NUMBERS: Mapping[tuple[str, str], str] = {
    ("resequence_job_order", "sequence"): "place|position|slot|spot|number|no|platz|stelle|nummer|nr",
    ("write_setpoint", "value"): "to|at|auf",
}
PLACES: Mapping[str, int] = {
    "first": 1, "front": 1, "top": 1, "vorne": 1, "spitze": 1, "anfang": 1, "erste": 1, "ersten": 1, "erster": 1,
    "second": 2, "zweite": 2, "zweiten": 2, "third": 3, "dritte": 3, "dritten": 3,
}  # fmt: skip

POLITE = """
please pls bitte can_you could_you would_you will_you kannst_du koennen_sie koennten_sie koenntest_du wuerdest_du wuerden_sie
i_want_you_to i_d_like_you_to i_would_like_to i_d_like_to i_want_to we_need_to we_should we_have_to you_should you_need_to let_s
just ok okay go_ahead_and then now jetzt dann ich_moechte ich_will wir_muessen wir_sollten du_sollst mal also hey hi hallo
hello sofort immediately propose_to schlag_vor schlage_vor so and und
"""
EMPTY = """
the a an this that these our all of it its whole lot lots batch batches charge chargen los lose hold holds sperre sperren
quality qualitaetssperre sperrung die das den der dem des diese diesen dieses dieser eine einen einem ein unsere unseren bitte please mal doch now
jetzt sofort no nr nummer number id job order orders work production auftrag auftraege fertigungsauftrag produktionsauftrag
werkauftrag po pos purchase line lines bestellung bestellposition position shipment delivery load truck sendung lieferung
pallet pallets palette hu handling unit goods ware material item part artikel stock stueck ea pcs kg of from for fuer von vom on auf to
zur zum bei beim inventory bestand lager machine maschine anlage customer kunden kunde order_line auftragsposition goods ware under unter
up down back into
"""
# What makes the sentence a question, a report or a condition, and no order.
ASKS = """
who whom whose what which when where why how is are was were does do_we do_i do_you do_they did has have_we have_you have_they have_i had should shall
may might must can_we can_i can_they can_it could_we could_i could_they could_it would_it would_we any show list explain describe tell_me tell_us give_me find search
compare summarise summarize status history wer wem wen wessen was welche welcher welches welchen welchem wann wo woher wohin
warum wieso weshalb weswegen wie ist sind war waren wurde wurden hat haben hatte hatten soll sollen sollte sollten_wir darf
duerfen kann koennen_wir muss muessen_wir gibt gab zeig zeige liste erklaer erklaere sag_mir sage_mir gib_mir if when suppose
supposing assuming falls wenn sobald angenommen
"""
STATES_A_FACT = """
ich er sie_hat sie_haben man hat haben hatte hatten habe wurde wurden worden wird werden will wollte wollten soll sollte sollten
darf durfte kann konnte muss musste mussten laesst liess ist sind war waren has have had was were been will would did does
"""
REPORTS = """
say says said saying wrote write writes written reads note notes mail email message told tells according_to quote quoted sagt sagte
gesagt schreibt schrieb geschrieben steht stand notiz notizen laut heisst_es meldet meldete zitat nachricht
"""
DENIES = "not don_t dont never cannot can_t won_t no_longer nicht kein keine keinen keiner keinesfalls nie niemals without_releasing stop_releasing"
CONDITIONS = "if unless once as_soon_as provided falls sobald wenn sofern vorausgesetzt"
# What may stand beside a parameter and says nothing more.
BETWEEN = """
by until till before at um zu cost costs costing kosten kostet priority prioritaet prio with mit quantity menge later spaeter book
post buchen buche earlier frueher uhr
"""
TIMED = """
monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag today tomorrow
tonight noon midnight morning afternoon evening heute morgen uebermorgen mittag abend frueh next week naechste naechsten naechster
woche day after am pm o clock shift schicht end latest spaetestens
"""
