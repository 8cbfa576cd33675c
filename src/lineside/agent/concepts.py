# ruff: noqa: E501 - tables: one concept, or one rule, a line
"""What people mean by a word, whatever its ending, and which meanings together give a want away.

A rule needs all of its meanings in any order; a stroke is a choice, `!` forbids. `@` stands for what is named: @order,
@stock, @lot, @hold, @unit, @place, @source, @thing (any of them), @orders and @kind (a kind word), @event, @state, @when.
"""

from __future__ import annotations

from collections.abc import Mapping

from lineside.agent.cues import Intent

# Words folded; a star leaves the ending open, an underscore joins words.
CONCEPTS = """
why: why warum wieso weshalb weswegen woran wodurch reason reasons grund gruende ursache ursachen cause causes causing caused how_come started_the trouble_started schuld
slow: slow* lag lags lagg* drag* sluggish* crawl* behind hinter* hink* nachhink* haengt haengen langsam* schlepp* traege zaeh* rueckstand* nachkomm* keep_up keeping_up limp* stotter* gaenge shortfall* underperform* struggl* verzug lahm* schwaechel* zurueck zurueckhaeng* zurueckfall* hinterher* falling fall_short nach_hinken schwach weak below under_target bremst ausbremst loses losing lose lost verlier* verloren verlust* off_plan off_pace
target: target* quota goal goals soll ziel* tagesziel* sollmenge plan planned schedule* zeitplan* stueckzahl* pensum takt output* ausbringung ausstoss throughput leistung durchsatz numbers number nummer tagesmenge schichtziel* rate pace vorgabe menge
kpi: oee gae nee mtbf mttr kpi kpis kennzahl* key_figure* availability uptime verfuegbarkeit* effectiveness effektivitaet* anlageneffektivitaet* gesamtanlageneff* leistungsgrad* nutzungsgrad* utilisation utilization auslastung* belegungsgrad* allocation gutquote* gutausbeute* qualitaetsrate* quality_rate quality_ratio first_pass yield scrap_rate scrap_ratio reject_rate ausschussquote* ausschussrate* setup_ratio setup_rate setup_share ruestgrad* ruestanteil* ruestzeitanteil* technical_efficiency technische_effizienz throughput_rate durchsatzrate* mean_time
bottleneck: bottleneck* engpass engpaesse engpassanlage* engpassmaschine* flaschenhals* choke_point chokepoint limiting_unit limiting_machine limits_the_line holds_the_line begrenzt_die_linie
compare: compare* comparison versus vs against gegen gegenueber vergleich* verglichen besser schlechter better worse best worst beste bester besten schlechteste schlechtester schlechtesten rank ranking
landing: landet landen schichtende where_will end_of_shift shift_end end_this_shift end_the_shift ende_der_schicht by_shift_s_end
howlong: how_long wie_lang wie_lange how_much_time wie_viel_zeit wieviel_zeit how_many_minutes wie_viele_minuten
perform: perform* doing do did done run ran running output produc* abgeschnitten abschneiden schnitt lief gelaufen leistung geleistet leistungsfaehig*
reach: make making makes hit hits hitting meet meeting reach* schaff* geschafft erreich* krieg* hinkrieg* hinbekomm* on_track finish packen einhalten halten_wir
now: right_now now moment currently gerade grad jetzt momentan aktuell* derzeit zurzeit present atm so_far
situation: happening happens going_on goin_on what_s_up situation status update* lage picture overview ueberblick uebersicht rundown nutshell geht_ab stand ausschaut schaut schauts aussieht sieht_es looking los laeuft doing state_of_play quick_look
trouble: brenn* burn* fire hurt* hurts troubl* headache* worry worries attention urgent* dringend* dringlich* important wichtig* critical kritisch* kaempf* problem* schief* wrong issue* sorge* sorgen achten klemmt klemmts hakt hakts haperts drueckt pressing pain weh
first: first zuerst erstes vorrang priorit* top start_with begin_with do_i_start anfangen most_urgent
plant: plant floor shop werk halle factory betrieb fabrik produktion site shopfloor shop_floor fertigung out_there everything alles people leute anlage
change: chang* new neu neue neues neuigkeiten different anders aender* geaendert veraender* moved passiert happened getan missed miss verpasst correct* korrig* korrektur* news tat developments dazugekommen abgelaufen
since: since seit overnight inzwischen zwischenzeitlich meanwhile while_i ueber_nacht left heute_frueh this_morning yesterday compared_to seitdem
stock: stock* inventory bestand* bestaend* lager lagerbestand vorrat* vorraetig on_hand left remain* uebrig* quantit* figure* counts numbers zahl zahlen menge mengen available verfuegbar* vorhanden enough genug reicht reichen ausreich* have_we how_much wie_viel wieviel in_house auf_lager restmenge haben_wir got add_up
differ: differ* disagree* mismatch* contradict* conflict* discrepanc* widersp* uneinig* abweich* unterschied* stimm* uebereinstimm* unstimmig* ungereimt* inconsisten* one_thing another_about passt passen match match* add_up gap divergi* unterschiedlich* verschieden* auseinander* odds diverge* discrepant anderes something_else explain
right: right correct true truth real really believe* stimmt richtig* wirklich* echt echte tatsaechlich* wahr* glaub* actual* which_one trust
notfound: find finds finde findet gefunden found nowhere auffindbar locate nobody_can see_it nirgends
unit: pieces piece cases case cartons boxes kartons kisten stueck pallets ea each drums drum faesser fass einheit unit units
ship: ship* send sends sent dispatch* leave leaves leaving go goes gone going_out deliver* load* versand* versend* verschick* verschickt raus* rausgehen ausliefer* ausgeliefert liefer* verlad* weg reise go_out get_out out losschick* schick* schicken abgehen abholbereit transport* pickup geht gehen wegschick* door
block: block* stopping stops prevent* keeps keeping hold holding holds held haelt aufhaelt aufhalt* hinder* verhinder* fehlt fehlen fehlend* missing lack* wait* wart* need needs brauch* open offen* outstanding stuck haengt hold_up waiting_on stand_in obstacle* im_weg klemmt haken problem
ready: ready readiness good_to clear cleared fertig bereit* startklar shippable shipable versandf* versandb* lieferf* lieferb* earliest soonest frueh* fruehest* partial* teil* teillieferung* part labels papers papiere unterlagen percent complete komplett vollstaendig all_set release possible moeglich good
late: late delay* spaet* verspaet* verzoeger* on_time puenktlich overdue ueberfaellig slipp* too_late didnt_make missed gone
looks: look* seem* appear* claim* marked flagged shown_as reported gemeldet gelten gilt_als scheinbar angeblich sehen sieht aussehen supposedly paper papier says_done declared tut_so tun_so pretend* nominally
done: complete* done finished fertig* abgeschlossen komplett erledigt ready closed
but: but yet aber not nicht can_t cannot although obwohl trotzdem doch isnt arent cant wont however
truck: truck* lorry lorries trailer* lkw* laster* lastwagen pickup* departure* abfahrt* carrier* haulier* hauler* spediteur* spedition* frachtf* dock* rampe* verladung* van fuhre abholung* forwarder* gate freight
along: mit mitnehmen mitkommen mitfahren mitgehen along aboard
hit: betrifft betreff* hit hits affect* betroff* trifft treffen impact* hurt hurts hurting slip* slipped delay* late verspaet* spaeter later surpris* ueberrasch* risk kippe wackel* schiefgeh* unstable running_late
decide: deci* deside* entsch* beschl* beschloss* agree* settle* conclu* vereinbar* abgemacht ausgemacht went_with go_with going_with chose choose* chosen gewaehlt umgestellt umgestiegen switch* whose_call whose_idea reasoning rationale begruend* outcome overr* uebersteuer* options option alternativ* turned_down verworfen resolution what_did_we handle* handled opt opted pick picked plan_for
shortage: shortage* mangel* engpass* lack_of out_of ran_out ausgegangen fehlmenge knapp* scarcity
allow: allow* authori* approv* permit* sign_off signed let_through erlaub* genehmig* freigegeben zugelass* bewillig* durchgewunk* durchgelass* waive* waiver sonderfreigabe ausnahmegen* abgesegnet angeordnet veranlasst ok_d okayed okay_d erteilt let_us green_light
who: who whose wer wen wem wessen whom by_whom von_wem
may: can may could darf duerfen kann koennen allowed is_it_ok
shifted: pulled_forward moved_up moved_forward bumped vorgezogen resequenc* repriorit* postpon* pushed_back pushed_out verschoben vorgereiht zurueckgestellt cancelled storniert hochgestuft promise_date
outcome: came_of became_of come_of result resulted ergeben daraus_geworden geworden bewirkt gebracht turned_out happened_after happened_since nachdem afterwards
still: still noch weiterhin gilt gelten geltend* gueltig* apply applies valid active aktiv in_force effect in_place standing bestehen* bestehend* current immer_noch holds stands anymore mehr limited
limit: limit* restrict* rule rules regel* grenze* beschraenk* einschraenk* speed_cap vorgabe* instruction* anweisung* constraint* workaround* tempolimit drossel* gedrossel* percent prozent cap standing_order* orders_for orders_from auflage* deckel*
touch: stay_as as_it_is as_is so_bleiben unveraendert unchanged unberuehrt touch* anfass* anruehr* verstell* hands_off tabu verboten* forbidden off_limits finger_weg leave_alone in_ruhe let_be darf duerfen allowed mustn_t must_not not_allowed respect follow adjust keep_off dont_change do_not_change finger stay_away careful vorsicht
premise: no_longer_hold no_longer_holds no_longer_stand no_longer_stands don_t_hold dont_hold gelten_nicht_mehr nicht_mehr_gelten tragen_nicht_mehr nicht_mehr_tragen halten_nicht_mehr fact facts assumption* annahme* based beruh* rest rests hold_water hinfaellig ueberholt* no_longer_true obsolete stuetz* basis voraussetzung* grundlage* premise* standing_on
answered: was_told were_told been_told you_told told_me told_us you_said your_answer* earlier_answer* earlier_answers previous_answers previous_answer* old_answer* past_answer* my_answers mir_gesagt uns_gesagt mir_erzaehlt gesagt_wurde gesagt_bekommen du_gesagt deine_antwort* fruehere_antwort* fruehere*_antwort* bisherige*_antwort* meine_antwort* told_earlier told_before
wrong: wrong corrected korrigiert falsch outdated veraltet ueberholt overtaken recalled zurueckgerufen taken_back zurueckgenommen obsolete deleted geloescht
decisions: decision decisions entscheidung* beschluss* beschluesse decided entschieden calls rulings
mine: me my mir mich meine mein ich
repeat: pattern* recur* repeat* trend* again_and_again keep keeps muster* wiederhol* wiederkehr* immer_wieder haeufig* oefter* regelmaess* every_night every_shift jede_nacht jede_schicht chronic* usual* typical* typisch* across common* tend tends systemat* staendig dauernd over_and_over comes_back coming_back back_again crews crew regular*
nights: night nights nachts nacht nachtschicht* shift shifts schicht schichten day days tagsueber crew crews mannschaft*
past: before ever last_time previous* earlier history damals frueher schon_mal schon_einmal letzten_mal letztes_mal letzte_mal vorher in_the_past already similar* aehnlich* vergleichbar* like_this so_was sowas so_etwas jemals schon vorgekommen once
fix: fix* solv* repair* worked work help* geholfen hilft behob* geloest loesen loesung* reparier* get_out hinbekommen hingekriegt remed* abhilfe tried try* attempt* probier* versuch* ausprobier* vergeblich gebracht funktionier* gewirkt cure cured cured* got_it dealt deal handled did_we_do
fault: fault* jam jams jamm* problem* fehler* stoerung* stau staus issue* failure* breakdown* ausfall* ausfael* defekt* leak* stop stops stopp* incident* alarm* case cases error* riss bruch
handover: handover* handoff* hand_over hand_off uebergabe* schichtbericht* schichtuebergabe* brief briefing summary summar* zusammenfass* fass zusammen uebergeb* catch_me bring_me need_to_know wissen_muss muss_ich_wissen onboard* einarbeit*
next: next incoming oncoming naechste* kommende* following relief abloesung ablöse new_on neu_an neu_auf new_here new_to starting bin_neu tomorrows
give: give need want prep prepare write draft geben brauche mach mache schreib bitte please pls
source: erp wms mes qms cmms crm plm tms scada sap lims plc qs lab labor source* feed feeds system* interface* data daten* quelle* datenquelle* schnittstelle* connector* sensor* anbindung* werte signal*
interface: interface* schnittstelle* integration* anbindung* kopplung*
lost: break breaks broken upgrade* upgrading migrat* umstell* abschalt* abgeschaltet switch_off switched_off without_the ohne_das ohne_den depends_on depend_on relies_on rests_on hang_on hangs_on haengt_am haengt_an haengt_alles haengen_am update ausfaellt faellt_aus goes_down is_down down releasewechsel wartungsfenster maintenance_window
drifted: drift* schema mapping zuordnung new_code new_codes neue_codes neuer_code unknown_codes unbekannte_codes unit_jump* einheitensprung* out_of_step no_longer_match no_longer_matches passt_nicht_mehr passen_nicht_mehr sentinel look_different sends_differently changed_in_what changed_without_notice new_fields new_field neue_felder felder fields_changed anders_aus ungefragt
fresh: stale outdated veraltet* trust* reliab* rely verlass* trau trauen vertrau* quiet silent sending melde* meldet alive dead up_to_date fresh* aktuell* lag lags lagging hear heard gehoert stumm reinkommen rein ankommen liefert reporting offline down tot ausgefallen sync* healthy stuck frozen stop_sending stopped_sending believe old alt stoppt schweigt schweigen noch_rein
count: how_many how_often how_long wie_viele wieviele wie_oft wie_lang wie_lange number_of no_of anzahl total* sum summe gesamt* insgesamt most meisten longest laengst* average durchschnitt* compar* vergleich* list liste count zahl_der minutes how_much
often: keep keeps again wieder immer often haeufig* oft every jede jedes
notes: any_word word_on anything_on anything_about note notes notiz* wrote write* written said say says mention* erwaehn* schrieb* geschrieben eintrag* eintraege eingetragen logbook schichtbuch vermerk* anyone anybody jemand report* comment* complain* remark* told
telemetry: data daten telemetr* machine sensor* messwert* messung* plc sps reality numbers signal* screen anlage
if: if wenn falls suppose supposing angenommen assume assuming
gone_for: won_t_be_back won_t_be_up not_be_back won_t_come_back not_come_back nicht_zurueck nicht_wieder_da
stays: stillsteh* goes_down fails stay* bleibt bleiben remain* doesnt_come not_come doesn_t_come come_back wiederkommt ausfaellt until bis
rush: another_order another_job noch_ein_auftrag noch_einen_auftrag unterbring* unterkrieg* unterzubringen einzuschieben einplan* dazwischen* expedite* can_we_do_it customer_wants customer_needs kunde_will kunde_braucht kunde_moechte pull_forward bring_forward pull_ahead rush eilauftrag* eilig* squeez* capacity kapazitaet* resequenc* reschedul* umplan* vorzieh* vorgezogen* einschieb* reinschieb* reinquetsch* extra_order
exchange: swap* tausch* vertausch* umtausch* shuffle*
sooner: before ahead_of in_front_of instead_of vor statt anstatt hinter behind nach after
make_it: make produce machen produzieren fertigen herstellen
run_it: run fahren fahre produce make machen produzieren fertigen
care: looking_after look_after looks_after responsible in_charge kuemmert kuemmern zustaendig* verantwort* owns owner own dran on_it who_s_on who_is_on gehoert handling dealing working_on bearbeitet
run: stand standen gestanden stood run runs running laeuft laufen up steht stehen down angelaufen stopped idle standing still_stand stillsteht gestoppt wieder_an back_on free frei usable
where: where wo location end_up whereabouts
material: material* staged bereitgestellt* stuff teile parts components komponenten rohstoff* short fehlt fehlen lack* zutaten
job: job jobs work_order* fertigungsauftr* auftraege auftrag order orders production_order* runs
released: released free frei freigegeben clear cleared released_in
stopped_by: blocked block* gesperrt* held holding hold on_hold stopped stop quality back
revision: revision* bom stueckliste* change* aenderung* eco zeichnung* rezeptur* recipe spec
arrived: reach* reached arrived angekommen ankam floor fertigung made_it landed umgesetzt line linie shop
waste: scrap* ausschuss* reject* defect* abfall waste wasted verworfen verschrottet
high: high jump* jumped up rise rose more most gestiegen hoch spike* bad worse schlecht* many mehr so_much much viel
waiting: wait* wart* approval* freigaben aging liegenbl* latency delay delays
time: time zeit hours stunden minutes minuten
"""

RULES: Mapping[Intent, str] = {
    Intent.NOW: """
        3 situation plant !@order !@stock
        3 situation now !@thing
        3 now trouble !@thing
        3 trouble plant !@thing
        2.5 trouble !@thing !@when !past !looks !repeat
        2.6 situation !@thing !@when !@kind !@source !looks !change
        3 trouble first !@thing
        2.4 first !@thing !@kind
    """,
    Intent.PACE: """
        3.4 @place slow
        3.4 @place landing !@order !@stock !@hold
        5.6 @place waiting howlong !@order !@hold
        3.4 @place why !@order !past !fix !decide !waste
        3 @place target !limit !decide !rush
        3 target reach !@order !@stock !truck !source
        3 slow target !@order !@stock
        2.6 slow why !@order !source !waiting
        2.6 @place reach target
        2.2 slow !@order !@thing !source !waiting !time
    """,
    Intent.KPI: """
        4.4 kpi !@stock !@order !limit
        4.6 compare nights perform !@stock !@order !fault !waste !fix
        3.6 compare nights !@event !@kind !@stock !@order !handover !fault !fix !decide
        4.2 compare nights|@place target !@stock !@order !reach
    """,
    Intent.BOTTLENECK: """
        4.6 bottleneck !@stock !@order !decide !past !fix !shortage
        4.6 bottleneck @place|plant !@stock !@order !decide !past !fix
        4.4 bottleneck where|now|@when !@stock !@order !decide !past !fix
        4.4 bottleneck @kind !@stock !@order !decide !past !fix
    """,
    Intent.CHANGES: """
        2.6 change since !looks !decide !run !waste
        2.8 change @when !looks !decide !run !fault !waste !ship !premise
        2.2 change !@thing !looks !decide !premise !arrived !handover
        3 change @order !decide !why !care
        2.8 @thing since change
        4.2 @order shifted !if
        3 change @thing who
        2.6 since situation !@thing
    """,
    Intent.RECONCILE: """
        3 @stock stock !@event !decide !shortage
        3 @stock differ !decide
        3 @stock right !@state !decide
        3.4 @stock notfound
        3.6 @stock @sources !@state !decide
        3.2 @stock @source why
        3 @stock unit
        3 stock differ !source !premise
        3 stock right
    """,
    Intent.CONFLICTS: """
        4 released stopped_by @orders|@kind|job|@source but
        4 released stopped_by @source !@order !@stock
        5.6 released stopped_by source !@order !@stock
        3.4 differ source !@stock
        3.2 differ @source !@stock
        3.4 differ notes
        3.6 notes telemetry differ
        3 revision arrived @source|source !@thing
    """,
    Intent.READINESS: """
        3 @order ship !where !truck !if
        3 @order block !count !if !decide
        3 @order ready
        3.4 @order late !hit
        3 @order why !decide !@hold
        3.4 job material block|short !decide
        3 material block next|nights !decide
        2.8 @lot ship
    """,
    Intent.LOOKS_COMPLETE: """
        4 looks done ship|but|block !@order
        3.6 done but ship !@order !truck
        3.4 looks ready|done but !@order
        4 @orders looks done !@order
    """,
    Intent.DEPARTURE: """
        3.4 truck ship|reach|ready|hit|late|block !@order !source
        3 truck !@order !@source !source !care
        3 hit late truck
        3.4 hit truck
        3.6 late hit @orders|who|job|truck !@place
        3.2 @clock along may !@thing
        3 @clock ship !@thing !since !change !notes
        3.2 @order late hit who
        3 @order late trouble who
    """,
    Intent.DECIDED: """
        3 decide !premise !still !mine !@event
        3.4 decide why !premise
        4 allow who !mine
        4.6 outcome !fix !source
        3.4 who decide
        3.6 shortage decide|past|fix
        3.6 decide mine waiting
        3 mine waiting decisions|allow
        3.2 decisions !premise !still !touch !source

    """,
    Intent.IN_FORCE: """
        3.6 still limit
        3 limit touch
        3.2 touch !@order !ship !change
        2.8 limit !@stock !@order !slow !truck !@event !count
        4.4 premise decisions|decide
        3.6 still decisions|decide
        3.6 decisions block
        3 touch now|nights|@when !ship
        3.4 touch block|but !ship
        4 may still @place !reach !ship !target
    """,
    Intent.TOLD: """
        6 answered change
        6 answered still
        6 answered wrong
        6 answered premise
    """,
    Intent.PATTERNS: """
        3 repeat @event|fault|nights !past
        3.2 repeat fix nights
        3 often @event nights !count
        3 fault|@event nights repeat|often
        4.4 waste high nights|why
        4.4 waste why
        3.6 slow waiting time
        3.2 time waiting slow|where
        2.4 repeat
    """,
    Intent.SIMILAR: """
        3.2 past fix
        3.2 past fault !count !@when
        3.2 fix @place !why !@when !count
        3 fix but
        3 fix fault !count
        2.4 fix !@order !@lot
        2.2 past !@thing !@when
    """,
    Intent.HANDOVER: """
        3.6 handover !fix
        3.4 next nights give|handover|touch
        2.8 next nights !material !source !@event !job
    """,
    Intent.TRUST: """
        6.4 lost @source !@thing
        4.2 lost source !@thing !@stock
        5 drifted @source|source !@thing !@stock
        5.2 care @source source
        5.2 care interface
        3.2 source fresh !@stock !premise
        3.4 @source fresh !@stock !differ
        3 source trouble
        3.4 @source source fresh|right
        3 source run !@thing
    """,
    Intent.TALLY: """
        3.4 count @event
        3 count waste
        3 count @kind @state
        2.6 count @kind
        3.4 count @place run
        2.6 @event @when !why !past !fix !repeat !care
    """,
    Intent.STATE: """
        2.6 @place run !slow !target !past !if !count !notes !may
        2.4 @thing situation
        2.6 @lot run|block|released !ship !allow !decide
        2.4 @hold
        2.8 care @place
        2.6 care fault|@event
    """,
    Intent.LOOKUP: """
        3 where @unit|@lot
        3 care @hold|@order|@lot
        5.4 care @work
    """,
    Intent.RECALL: """
        2.6 notes !differ !@event !telemetry !source !count
    """,
    Intent.WHAT_IF: """
        4 if stays
        4 if @place !why
        5 gone_for @place
        3.6 rush
        5.6 rush @stock
        5.2 rush @order
        5 rush @place
        5 exchange @order
        5.2 may make_it @stock @when !why !past !decide
        5.4 if sooner @order run_it
    """,
}
