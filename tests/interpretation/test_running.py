"""What ran on a line is the same however far back one reads, and in whatever order one asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.interpretation.running import Running
from lineside.plant.equipment import work_center

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LINES = ("dairy/hall/filler-1", "dairy/hall/filler-2")
UNITS = (*LINES, f"{LINES[0]}/capper")
DAYS = st.integers(0, 200)


def reported(number: int, day: int, entity: str, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"m-{number}", "source": "mes", "type": "lineside.report",
        "time": (NOW - timedelta(days=day, minutes=number)).isoformat(), "data": {"entity": entity, "properties": said},
    }  # fmt: skip


@settings(max_examples=60)
@given(data=st.data())
def test_what_ran_is_the_same_however_far_back_one_reads(data, remembered):
    events = [reported(n, 200, f"job_order:J-{n}", {"material": f"curd-{n % 3}"}) for n in range(6)]
    for number in range(6, 6 + data.draw(st.integers(1, 9))):
        unit, job = data.draw(st.sampled_from(UNITS)), f"J-{data.draw(st.integers(0, 5))}"
        if data.draw(st.booleans()):
            events.append(reported(number, data.draw(DAYS), f"equipment:{unit}", {"job_order": job}))
        else:
            when = (NOW - timedelta(days=data.draw(DAYS), minutes=number)).isoformat()
            started = {"kind": "started", "equipment": unit, "job_order": job}
            events.append(
                {"id": f"e-{number}", "source": "mes", "type": "lineside.event", "time": when, "data": started}
            )
    view = remembered(events).view(as_of=NOW)

    changes: dict[str, list[tuple[datetime, str]]] = {line: [] for line in LINES}
    for event in events[6:]:
        said = event["data"].get("properties") or event["data"]
        unit = event["data"].get("equipment") or event["data"]["entity"].partition(":")[2]
        material = f"curd-{int(said['job_order'][2:]) % 3}"
        changes[work_center(unit)].append((datetime.fromisoformat(event["time"]), material))

    def ran(line: str, moment: datetime) -> str | None:
        return max((change for change in changes[line] if change[0] <= moment), default=(None, None))[1]

    running = Running(view)
    for day in data.draw(st.lists(DAYS, min_size=1, max_size=6)):
        moment, line = NOW - timedelta(days=day), data.draw(st.sampled_from(LINES))
        if data.draw(st.booleans()):
            assert running.at(line, moment) == ran(line, moment)
        else:
            found = running.materials(moment).get(line, [])
            level = max((change for change in found if change[0] <= moment), default=(None, None))[1]
            # a line of which only events tell, none of them since, isn't looked for
            assert level == ran(line, moment) or (level is None and not any(c[0] > moment for c in changes[line]))
            assert [c for c in found if c[0] > moment] == sorted({c for c in changes[line] if c[0] > moment})
