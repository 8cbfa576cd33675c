# ruff: noqa: E501 - tables: one meaning, or one record, a line
"""What people say when they want one of the things Lineside can tell. Data, folded, English and German.

A cue is words in order; `*` ends a stem, `..` lets up to five words stand between, `|` parts alternatives of one word.
The number before a cue is its weight: 3 says it all, 2 is strong, 1 only supports. 2 alone is enough, 1 is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Intent(StrEnum):
    """What a question wants."""

    NOW = "now"
    PACE = "pace"
    KPI = "kpi"
    BOTTLENECK = "bottleneck"
    RECONCILE = "reconcile"
    STATE = "state"
    LOOKUP = "lookup"
    WHAT_IF = "what_if"
    CONFLICTS = "conflicts"
    READINESS = "readiness"
    LOOKS_COMPLETE = "looks_complete"
    DEPARTURE = "departure"
    DECIDED = "decided"
    IN_FORCE = "in_force"
    TOLD = "told"
    PATTERNS = "patterns"
    SIMILAR = "similar"
    HANDOVER = "handover"
    CHANGES = "changes"
    TRUST = "trust"
    TALLY = "tally"
    RECALL = "recall"
    PROPOSE = "propose"
    ACT = "act"


CUES: Mapping[Intent, str] = {
    Intent.NOW: """
        2 on fire
        3 anything .. on_fire|broken|burning|stuck
        2 lay of the land
        2 in a nutshell
        2 wie ist .. lage|stand
        2 what|which problems|issues|trouble .. have|are|is
        2 gibt|haben .. probleme|stoerungen|schwierigkeiten
        3 what is|s happening|on|up
        3 what's happening|going|up
        3 whats happening|going|up
        3 what is|are going on
        3 happening right now|currently|here
        3 right now
        2 situation|overview|big picture
        2 current status|state of|at
        3 look at first
        3 first look|priority|thing
        2 should i|we|do .. first|worry|look
        2 most urgent|critical|important
        2 anything .. wrong|urgent|burning|attention|worry
        2 open exceptions|issues|problems|holds|points
        2 how are things|we
        3 how is|s the plant|shift|site|factory .. doing|going|running
        3 how is|s everything
        2 what needs .. attention
        3 was ist .. los
        3 was passiert .. gerade|jetzt|momentan|aktuell
        3 was laeuft .. gerade|jetzt|schief|falsch
        2 aktuelle|momentane|derzeitige lage|situation|stand
        2 lage|ueberblick|uebersicht
        2 wie sieht es .. aus
        3 wie sieht's .. aus
        2 wie steht es|'s|s
        2 was brennt
        3 wo brennt
        3 als erstes|erste
        2 zuerst
        2 worum .. kuemmern
        3 is line|plant|everything up
        2 wichtigste|dringendste*
        2 offene probleme|punkte|ausnahmen|themen
    """,
    Intent.PACE: """
        3 sluggish|sluggishly|dragging|crawling|schleppend|traege|zaeh
        2 under target|plan
        2 hit|reach|make .. target
        3 fall* behind
        3 behind|below|under|off plan|target|schedule|pace|rate
        3 lags|lagging|lagged|laggard
        2 behind
        3 why .. slow|slower|slowly
        2 slow|slower|slowly|slows
        3 make|reach|hit|meet .. number|target|plan|goal|quota|output
        2 on|ahead target|track|plan|schedule|pace
        2 ahead of plan|schedule|target
        2 throughput|output|performance|productivity
        3 how is|was|did|does|are .. perform*|doing|running|run|do|going
        2 lose|losing|lost .. time|units|output|minutes|production|pieces
        2 pace|rate vs|versus|against
        2 downtime cause*|reason*
        2 how much .. produced|made|produce|make|output
        2 how many .. produced|made|pieces|units|good
        3 hinter* plan|soll|ziel|zeitplan
        3 hinterher*|hinkt|rueckstand|verzug
        2 hinten
        3 liegt|ist .. zurueck|hinten
        2 schaff* .. soll|ziel|plan|menge|zahl|heute
        3 soll erreich*|schaff*
        2 im plan|soll|takt
        2 leistung|ausbringung|ausstoss|durchsatz|produktivitaet
        2 warum|wieso|weshalb|weswegen .. langsam*
        2 langsam|langsamer
        3 wie laeuft|lief|laufen|performt|gelaufen
        2 wie viel .. produziert|gefertigt|hergestellt
        3 verlier* .. zeit|stueck|menge
        2 verloren .. zeit|minuten
        2 tonight's|todays|today's number|target
        2 nicht .. auf touren
        2 struggl*|underperform*
        3 keep* up
        3 can't|cannot|not keep up
    """,
    Intent.RECONCILE: """
        3 have|got|is|are .. left|remaining|uebrig
        2 left of|in
        2 do not match|agree
        2 numbers|counts|figures .. match|agree|differ*
        3 which|who|what .. right|correct|true|believe
        2 which|what number|figure|count|quantity|stock
        3 which|what number|figure|count|quantity|stock .. right|correct|true|use|believe|trust
        3 welche* .. stimm*|richtig*|korrekt*|gilt
        2 how much|many .. stock|left|available|inventory|remain*|on_hand
        2 how much|many .. have|there|got|is|are
        2 stock|inventory .. of|for|level|figure|figures|count|right
        2 in stock
        2 stock|inventory
        2 on hand
        2 reconcil*
        3 stock|inventory|quantity|quantities|counts|figures|numbers differ*|disagree*|mismatch|discrepanc*|deviat*
        3 differ*|discrepanc*|mismatch|gap .. stock|inventory|quantity|between|counts
        2 bestand|bestaende|bestaenden|lagerbestand|restmenge|vorrat
        3 bestand* .. stimm*|richtig*|abweich*|unterschied*
        3 warum|wieso .. bestand* .. abweich*|unterschied*|anders|verschieden*
        2 wie viel|viele .. haben|noch|da|vorhanden|lager|uebrig|gibt
        2 wieviel .. haben|noch|da|vorhanden|lager|uebrig
        2 auf lager
        2 promise|plan|ship|post .. with|from|how much|quantity
        1 available|verfuegbar
        2 really|actually have
        2 can't|cannot find
        2 show* stock
        3 cases|case|boxes|pallets|kartons|kisten .. or|oder .. pieces|ea|units|stueck|each|kg
        3 pieces|ea|units|stueck|kg .. or|oder .. cases|case|boxes|pallets|kartons|kisten
    """,
    Intent.CONFLICTS: """
        3 conflict*|disagree*|contradict*|inconsisten*
        3 systems .. differ*|disagree*|different
        3 sources .. differ*|disagree*|different
        3 released .. but .. blocked
        3 freigegeben .. aber .. gesperrt
        3 widerspr*|uneinig|uneinigkeit
        3 stimm* nicht ueberein
        3 systeme .. abweich*|unterschied*|widerspr*
        2 unstimmig*|ungereimt*
    """,
    Intent.READINESS: """
        3 stopping|preventing|blocking|keeping|holding .. going|shipping|leaving|out|back|up
        3 good to ship|go|send|leave|release
        2 what else|still .. needed|open|missing
        2 was .. noch offen
        3 shippable|shipable
        3 ready to ship|go|leave|start|run|send
        3 ready for ship*|dispatch|delivery|pickup|production|customer
        3 can|may|could we|i|it|this|that|they ship|send|deliver|dispatch
        3 can|may|could .. go_out|be_shipped|leave|ship|be_sent|be_delivered|go
        2 ship*|dispatch* .. today|now|already|complete*|partial*|yet
        3 kann|darf|duerfen|koennen .. verkauft|verwendet|verbraucht
        3 can|may|could .. be_sold|be_used
        3 what blocks|block|stops|prevents|holds|keeps
        3 what is|s blocking|stopping|preventing|holding|keeping|missing
        3 holding|held up|back
        3 hold* up
        2 why can't|cannot|can .. not .. ship|leave|go
        2 ready
        3 versandfertig|versandbereit|versandfaehig|lieferfaehig|lieferbereit|auslieferfertig|versendbar|lieferfertig|abholbereit
        3 kann|darf|koennen .. raus|rausgehen|geliefert|verschickt|versendet|ausgeliefert|versenden|liefern|verschicken|ausliefern|weg
        3 was blockier*|haelt|verhindert|hindert|fehlt
        3 fehlt noch|was|etwas
        3 was .. fehlt
        2 bereit|startklar
        2 fertig .. fuer|zum|zur .. versand|auslieferung|lieferung
        3 materials|material ready|readiness|staged|available
        3 have|has everything|all_material|all_materials
        2 90|percent|% now
        3 lack*|short .. material
        2 readiness
        3 why .. late|delayed|held_up|not_shipped
        3 warum|wieso|weshalb .. spaet|verspaetet|verzoegert
        2 good to go
    """,
    Intent.LOOKS_COMPLETE: """
        3 look*|seem*|appear* .. complete*|finished|done|ready .. but|yet|not|really
        3 look*|seem*|appear* .. complete|finished|done
        3 complete .. but .. not|cannot|can't|isn't|aren't
        3 complete .. not shippable|shipped
        3 not really|actually complete|finished|done|ready
        3 seh*|sieht|schein* .. fertig|komplett|vollstaendig|abgeschlossen
        3 fertig|abgeschlossen|komplett .. aber .. nicht
        3 only look* complete
        3 orders .. complete .. cannot|can't|not
        3 nur .. scheinbar
    """,
    Intent.DEPARTURE: """
        2 truck|trucks|lorry|lorries|trailer
        3 truck|lorry|trailer .. leave|go|make|carry|load*
        3 leave|go|load*|make|fit .. truck|lorry|trailer|departure
        3 on the .. truck|lorry|trailer
        2 departure|cut-off|cutoff|cut_off
        3 carrier .. slip*|late|delay*
        3 dock .. tomorrow|today|surprise|tonight
        2 lkw|laster|lastwagen|lastzug
        3 mit|auf|in dem|den .. lkw|laster|lastwagen
        3 lkw|laster .. mit|verladen|schaffen|geladen|laden
        2 verlad*|abfahrt|abfahrten|ladeschluss
        3 spediteur|spedition|frachtfuehrer .. spaet*|verspaet*
        2 at|from dock|gate|bay
        2 am|an tor|rampe
    """,
    Intent.DECIDED: """
        3 why .. we went|go|chose|choose|use|used|switched|took|picked|run|changed|kept|accepted|agreed
        2 warum .. wir nehmen|genommen|gewechselt|gewaehlt|verwenden|fahren
        2 whose idea|call|decision
        2 wer hat .. angeordnet|veranlasst|bestimmt|erteilt|abgesegnet
        3 decid*|decision|decisions
        3 entschied*|entscheid*|entschluss|beschloss*|beschluss*
        3 who|whose allow*|approv*|authori*|permit*|sign_off|signed_off|agreed|waived|decid*|overr*
        3 wer .. erlaubt|genehmigt|freigegeben|entschied*|zugelassen|bewilligt|autorisiert|zugestimmt
        2 why did|do|have|are|were we
        2 warum haben|hatten|sind|machen|fahren wir
        2 rationale|reasoning|reason behind
        3 what did we do|agree|choose|conclude
        2 agreed|agreement|vereinbart|abgemacht
        3 what happened after|since we
        3 what came of|became of
        3 what was the outcome
        2 approved|allowed .. by
        2 options .. rejected|considered
        2 wait* for me|my
        3 warten auf mich
        2 overr*|ueberst*
        2 was haben wir .. beschlossen|gemacht|vereinbart
        2 waiver|deviation_permit|sonderfreigabe|ausnahmegenehmigung
    """,
    Intent.IN_FORCE: """
        3 darf|duerfen .. aendern|verstellen|anfassen|erhoehen|fahren|veraendern
        3 am|are i|we allowed|permitted
        3 may i|we change|raise|lower|run|use|touch
        2 vorgabe|vorgaben|beschraenkung|beschraenkungen|einschraenkung|einschraenkungen
        2 restriction|restrictions|constraints
        3 in force|effect
        3 still valid|apply|applies|hold|holds|stand|stands|active|allowed|restricted|limited|true|current
        2 still .. valid|apply|applies|active
        3 must|should|may|can .. not .. touch|change|alter|adjust|run
        3 not .. touch|change|adjust tonight|today|now
        3 do not touch|change
        2 standing|active|current|open|live decisions|limits|rules|restrictions|instructions|workarounds|limit|workaround
        3 rest|rests|depend|based on facts|assumptions
        3 assumption*|annahme*
        3 facts .. changed
        3 noch gueltig|aktiv|aktuell|in_kraft|massgeblich|erlaubt
        3 noch .. gueltig|aktiv|in_kraft
        3 gilt|gelten .. noch|weiterhin|derzeit|aktuell
        3 noch gilt|gelten
        3 nicht .. anfassen|veraendern|verstellen|aendern
        2 limit*|restriction* .. active|still|now|apply
        2 has .. expired|ended|lapsed|lifted
        2 aufgehoben|abgelaufen
        3 geltende|gueltige|bestehende|laufende entscheid*|regel*|beschraenk*|limits|vorgaben
    """,
    Intent.TOLD: """
        3 was|were told .. change*|still|wrong|hold|holds|stand|stands|true|corrected
        3 you told|said .. change*|still|wrong|hold|holds|true|corrected
        3 answer|answers .. change*|still|wrong|outdated|corrected|recalled|overtaken
        3 mir|uns gesagt .. geaendert|noch|ueberholt|falsch|korrigiert
        3 antwort|antworten .. geaendert|noch|ueberholt|falsch|korrigiert|stimmen|zurueckgerufen
    """,
    Intent.PATTERNS: """
        3 pattern*|recur*|repeat*|trend|trends
        3 keep|keeps .. happening|stopping|failing|coming|tripping
        3 again and again
        3 over and over
        3 every shift|night|time
        3 muster|wiederhol*|wiederkehr*
        3 immer wieder
        2 haeufig*|haeufung*|regelmaessig*|gehaeuft
        2 across shifts|crews|weeks
        2 schichtuebergreifend
        2 different fixes|fix|ways
        2 by crew|shift
        2 per crew
        2 frequent*|common .. stop*|cause*|reason*|fault*|problem*
        3 most common|frequent
        3 lose|losing|waste .. time .. waiting
        2 chronic|systematic
        2 top .. causes|reasons|stoppers
        3 haeufigste*
    """,
    Intent.SIMILAR: """
        2 has|have|had|was|were|did .. before
        2 seen .. before
        3 happen*|seen|had|occur* .. before|previously|already
        3 before .. happen*|seen
        3 what|which .. work*|help*|fix*|solved
        3 what|which fix* .. work*|help*
        3 how did|do|have we .. fix*|solve*|repair*|handle*|resolve*|deal*
        3 last time
        3 tried|try .. fail*|work*|before
        2 tried
        3 similar|like this|comparable
        3 schon .. mal|einmal|frueher|vorher|passiert|gehabt
        3 letztes|beim letzten mal
        3 was .. geholfen|funktioniert|half|hilft|gewirkt|genuetzt
        2 versucht|probiert|ausprobiert
        3 aehnlich*|vergleichbar*
        2 wie .. behoben|geloest|repariert|gefixt
        3 wie haben wir
        2 past cases|incidents|occurrences
        2 known fix|problem|issue|remedy
        2 remedy|remedies|cure|loesung|abhilfe
    """,
    Intent.HANDOVER: """
        2 next|incoming|oncoming crew|shift|team
        3 naechste|kommende schicht|mannschaft .. wissen
        2 wrap up
        3 handover|handoff|hand-over|hand-off
        3 hand over|off
        3 uebergabe*|schichtuebergabe*|schichtbericht*|uebergabebericht
        3 shift report|summary|briefing|brief|notes summary
        3 catch me up
        3 bring me up
        3 brief me
        3 new on|at|to .. line|plant|shift|here
        3 need to know
        2 wissen muss
        2 was muss ich wissen
        2 summar* .. shift|night|day
        3 fass* .. zusammen
        3 zusammenfassung
        2 what .. happened .. shift|night
        2 what did i miss
        3 was habe|hab ich verpasst
        2 was war .. los|schicht|nacht
    """,
    Intent.CHANGES: """
        3 what moved|shifted|differs
        3 moved|happened|changed overnight|meanwhile
        2 seit wann
        2 inzwischen|zwischenzeitlich
        3 what|which|anything .. changed|change|new|different
        3 changed|changes since
        2 changed|changes
        2 since
        3 what's|whats new|different
        3 was .. geaendert|veraendert|neu|neues|getan|anders
        3 geaendert|veraendert|aenderungen
        3 gibt .. neues|neuigkeiten
        2 updates|update|news|developments
        2 correct* .. record*|report*|made
        2 korrigiert|korrektur|korrekturen
        2 differen* from|to yesterday|morning
    """,
    Intent.TRUST: """
        3 system|systems|source|sources|feed|feeds|data lag|lags|lagging|behind|stuck|frozen
        3 daten .. aktuell|frisch|alt|veraltet|verlaesslich|vollstaendig
        3 data .. current|fresh|complete|reliable|stale|old
        2 nicht mehr gemeldet
        3 trust|trustworthy|rely|reliab*
        3 feed|feeds .. trust|late|silent|down|stale|quiet|ok|healthy|up
        3 source|sources|system|systems|feed|feeds|interface|interfaces .. silent|quiet|stale|late|down|missing|dead|fresh|behind|trust*|reliab*|healthy
        3 stale|outdated
        2 up to date
        2 fresh|freshness|how old
        3 which sources|feeds|systems|interfaces
        3 quelle*|datenquelle*|schnittstelle* .. trau*|vertrau*|verlaess*|stumm|still|alt|veraltet|aktuell|ausgefallen|melde*|liefer*
        3 trauen|vertrauen|verlaesslich*|zuverlaessig*|verlassen
        3 veraltet
        2 quelle|quellen|datenquellen|schnittstellen
        2 sources|feeds
        2 wie aktuell|alt|frisch
        2 last heard|report*|sync*|update from
        3 hear|heard from
        3 von|vom .. gehoert
        2 stopped reporting|sending|talking
        3 data gap|gaps|quality of data
        2 meldet|sendet .. nicht|nichts
        3 nichts mehr|gehoert
    """,
    Intent.TALLY: """
        3 how many|often|frequently
        3 how long .. stopp*|down|stand*|take|took|last*|stood|idle|slow
        2 how much .. scrap*|downtime|rejected|waste
        3 number|count|total|sum|amount of
        3 count
        2 total
        3 wie viele|oft|haeufig
        3 wie lange .. stand*|steh*|gestanden|dauer*|still*|unterbroch*
        3 wieviele
        2 wie viel|hoch .. ausschuss|stillstand*
        2 wieviel .. ausschuss|stillstand*
        2 anzahl|summe|gesamt*|insgesamt
        3 which|what|welche*|who|wer .. most|longest|highest|least|fewest|worst|biggest|lowest
        3 which|welche*|wer|what .. meisten|laengste*|hoechste*|wenigsten|schlechteste*|groesste*|meiste
        3 most|longest|worst|biggest stop*|downtime*|alarm*|scrap*|changeover*
        3 am|die meisten|laengsten|haeufigsten|wenigsten
        3 longest|laengste*
        3 list|show .. all|every|blocked|open|stops
        2 list|rank*|liste|auflist*|rangliste
        3 which|what|welche* lots|batches|orders|chargen|lose|auftraege|lots|jobs|holds|shipments|sendungen|lines|linien|sperren .. are|is|sind|have|stehen|ist|were|waren
        2 average|mean|durchschnitt*|mittel
        2 compare|comparison|vergleich*|versus|vs
        2 more .. than
        2 mehr .. als
        2 any|were|was|did|gab .. stops|stoppages|alarms|stillstaende|stillstand|alarme|changeovers|complaints|reklamationen|excursions
        2 stops|stillstaende|alarme|alarms|changeovers .. per|by|je|pro|nach|last|gestern|heute|in|on
    """,
    Intent.WHAT_IF: """
        3 what if
        3 if .. stays|stay|goes|remains|stops|breaks|fails
        3 can|could|should we .. take|accept|squeeze|fit .. order|job|rush
        3 rush order|job
        3 what would|will|does it cost .. pull|move|bring|run
        3 what happens|slips if
        3 pull|bring|move .. forward|ahead
        3 fit|slot|squeeze .. in
        3 resequenc*|reschedul*|umplan*
        3 was waere|passiert wenn
        3 wenn .. ausfaellt|steht|stehen_bleibt|stillsteht
        3 eilauftrag|eilauftraege
        2 capacity|kapazitaet
    """,
    Intent.STATE: """
        2 status|state|condition|zustand
        2 is|was|are|were .. blocked|released|running|stopped|closed|open|complete|completed|finished|done|ok|okay|passed|failed|idle|started|departed|delivered|usable|free|down|held|up
        3 on hold
        2 really running|released|blocked|finished|complete|closed
        2 ist|sind|war|waren .. gesperrt|freigegeben|fertig|offen|abgeschlossen|geschlossen|frei|bestanden|blockiert|verladen|gestartet|in_ordnung|io
        3 laeuft|steht .. wirklich|gerade|noch|wieder
        2 laeuft|steht|stehen
        2 stand von|bei|der|des
        2 what about
        2 tell me about
        2 was ist mit
        2 wie steht
        2 what is|s wrong|up with
        2 the matter with
        2 show me
        1 is|ist
        3 why .. blocked|on hold|held|stopped|down|late
        3 warum|wieso|weshalb .. gesperrt|blockiert|steht|gestoppt|spaet|verspaetet
        2 running
    """,
    Intent.RECALL: """
        3 note|notes .. say|says|said|mention*|about|on
        3 say|says|said|mention*|wrote|written|write|reported|noted .. about|on|regarding
        3 who|did anyone|did anybody|has anyone|anyone|anybody .. said|mention*|wrote|report*|noted|complain*|notice*
        2 logbook|shift log|shift book|schichtbuch
        3 notiz*|schrieb|geschrieben|erwaehnt*|vermerk*|eintrag|eintraege
        3 steht|stand .. ueber|zu|im|in_den
        3 what do we know about
        2 do we know .. about
        3 was wissen wir
        2 wer hat .. gesagt|gemeldet|geschrieben|notiert|bemerkt
        2 any news|word|information|info on|about
        2 search|find|suche|finde .. note*|record*
        2 gesagt|gemeldet
        2 who told|reported|noticed|found|saw
        2 anything about|on|regarding
        2 notes
        2 mention*
    """,
}
