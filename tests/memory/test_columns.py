"""Columns of a stretch of time tell what its events and reports tell, whatever arrived and whatever was taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.memory.columns import happened_within, places_within, said_within
from lineside.plant.windows import Window

DAY = datetime(2026, 11, 20, tzinfo=UTC)
PLACES = ["mill/hall/roller-1", "mill/hall/roller-2", "mill/hall/roller-2/feeder"]


@settings(max_examples=30)
@given(data=st.data())
def test_columns_of_a_stretch_tell_what_its_records_tell(data, remembered, feed):
    memory = remembered()
    for number in range(data.draw(st.integers(1, 8))):
        place, kind = data.draw(st.sampled_from(PLACES)), data.draw(st.sampled_from(["event", "report", "deletion"]))
        told: dict[str, Any] = {"kind": "stop"} | data.draw(st.sampled_from([{}, {"equipment": place}]))
        if kind == "report":
            about = data.draw(st.sampled_from([f"equipment:{place}", "lot:M-1"]))
            other = data.draw(st.sampled_from([{}, {"subject": f"equipment:{PLACES[0]}"}]))
            told = {"entity": about, "properties": {"state": "running", "equipment": place} | other}
        elif kind == "deletion":
            told = {"of": f"m-{data.draw(st.integers(0, 8).filter(lambda n, own=number: n != own))}", "reason": "typo"}
        day, late = data.draw(st.integers(0, 5)), data.draw(st.integers(-1, 3))
        times = {"time": DAY + timedelta(days=day), "reportedat": DAY + timedelta(days=day + late)}
        spoken = {"id": f"m-{number}", "source": "mes", "type": f"lineside.{kind}", "data": told}
        feed(memory, [spoken | {name: when.isoformat() for name, when in times.items()}])

    for day in range(6):
        view = memory.view(as_of=DAY + timedelta(days=data.draw(st.integers(0, 8)), hours=1))
        span = Window(start=DAY + timedelta(days=day), end=DAY + timedelta(days=day + data.draw(st.integers(0, 3))))
        events, said = view.events(within=span), view.statements(within=span)
        about = {s.entity.id for s in said if s.entity.kind == "equipment"}
        assert places_within(view, span) == {e.equipment for e in events if e.equipment} | about
        now = view.as_of
        assert sorted((h.record_id, h.kind, h.at) for h in happened_within(view, span)) == sorted(
            (e.provenance.record_id, e.kind, e.provenance.occurred_at)
            for e in events
            if e.provenance.occurred_at <= now
        )
        columns = said_within(view, span)
        assert sorted((s.record_id, s.property, str(s.value), s.at) for s in columns) == sorted(
            (s.record_id, s.property, str(s.value), s.occurred_at) for s in said if s.occurred_at <= now
        )
        assert [s.at for s in columns] == sorted(s.at for s in columns)
