"""Which feeds can be trusted."""

from __future__ import annotations

from lineside.interpretation.sources import trust

NOW = "2026-03-03T14:00:00+01:00"
LINE = "giesserei-nord/formerei/linie-a"


def at(clock):
    return f"2026-03-03T{clock}:00+01:00"


def test_a_silent_feed_comes_first_with_its_owner_and_what_rests_on_it(remembered, scribe, foundry):
    scribe.report("leitstand", at("06:00"), f"equipment:{LINE}", good_count=5)
    scribe.report("sap", at("13:50"), "job_order:FA-1", status="open")

    reading = trust(remembered(scribe.events, foundry, NOW).view(), dead_letters=["sap", "sap"])

    assert "1 feed of 2 cannot be trusted now: leitstand (silent since 2026-03-03 06:00 CET)" in reading.verdict
    assert "owner meister-1" in reading.findings[0].text
    assert any("equipment.good_count" in m and "leitstand" in m for m in reading.missing)
    assert any(m.startswith("2 messages of sap") for m in reading.missing)
    assert reading.next_steps == ("Ask meister-1 why leitstand is silent.",)


def test_live_feeds_are_called_live(remembered, scribe, press_house):
    scribe.report("scada", at("13:59"), "lot:B-1", quantity=3)

    reading = trust(remembered(scribe.events, press_house, NOW).view())

    assert reading.verdict == "scada, the only feed, is live."
    assert reading.next_steps == ()


def test_a_feed_that_stopped_by_its_own_event_and_a_changed_schema_speak_against(remembered, scribe, press_house):
    scribe.event("gateway", at("09:00"), "feed_stopped", interface="wms-stock", reason="upgrade")
    scribe.event("gateway", at("09:30"), "feed_stopped", interface="erp-orders")
    scribe.event("gateway", at("09:40"), "feed_started", interface="erp-orders")
    scribe.event("gateway", at("10:00"), "schema_changed", interface="lims", field="assay", was="%", now="mg")

    against = [f.text for f in trust(remembered(scribe.events, press_house, NOW).view()).against]

    assert len(against) == 2
    assert "upgrade" in against[0]
    assert "schema changed" in against[1]


def test_a_plant_without_sources_says_so(remembered, press_house):
    assert trust(remembered([], press_house, NOW).view()).findings == ()
