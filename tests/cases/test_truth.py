"""A simulated week of the demo plant, looked at now and then: each planted disturbance is exactly one case.

Class, subject, times, role, cause and closure are those of the simulator's truth, which shares no code with this.
"""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, insert
from tests.cases.kpi_truth import assert_figures_equal_the_truth
from tests.conftest import message_of, translate

from lineside.cases import Cases, State, run
from lineside.connector import Batch
from lineside.memory import Memory, tables
from lineside.memory.moments import stored
from lineside.plant.plant_file import parse_plant
from lineside.simulator.simulation import Simulation

LOOKS = {1: (0.0,), 2: (-30.0, -3.0, 0.0), 3: (-100.0, -7.0, -1.0, 0.0)}  # hours before the anchor


@pytest.mark.slow
@pytest.mark.parametrize("seed", LOOKS)
def test_every_planted_disturbance_of_a_week_is_one_case_with_class_owner_cause_and_closure(seed, tmp_path):
    simulation = Simulation(seed, 14)
    now = [simulation.now]
    plant = parse_plant(simulation.plant_toml())
    memory = Memory.open(
        f"sqlite:///{tmp_path / 'week.db'}", index_dir=None, plant=plant, clock=lambda: now[0], migrate=True
    )  # fmt: skip
    messages = [message_of(e, received_at=now[0]) for e in simulation.open_records()]
    memory.remember(Batch(messages=messages), source="demo", translate=translate)
    for hours in LOOKS[seed]:
        now[0] = simulation.now + timedelta(hours=hours)
        answering(memory, [c.name for c in plant.sources if c.name != simulation.world.silent], now[0])
        run(memory)

    since = simulation.now - timedelta(days=7)
    cases = Cases(memory).list()
    live = [c for c in cases if c.state is not State.WITHDRAWN and (c.ended is None or c.ended >= since)]
    truth = [each for each in simulation.truth()["disturbances"] if each["class"] != "stock_difference"]
    planted = {(d["class"], d["subject"], d["from"]): d for d in truth}
    found = {(c.case_class, str(c.subject), told(c.began)): c for c in live if c.case_class != "stock_difference"}
    assert len(found) == len([c for c in live if c.case_class != "stock_difference"])
    assert len(planted) == len(truth)
    assert set(found) == set(planted)
    names = {each["name"]: found[key].number for key, each in planted.items()}
    for key, each in planted.items():
        case = found[key]
        ours = (told(case.ended), case.is_open, case.role, case.caused_by)
        assert ours == (each["to"], each["to"] is None, each["role"], names.get(each["cause"])), key
        assert case.owner is not None
        if each["class"] == "downtime" and each["to"] is None:
            assert case.owner == each["supervisor"], key
    odd = [c for c in live if c.case_class == "stock_difference"]
    assert [(c.subject.id, c.is_open) for c in odd] == [(simulation.world.odd.id, True)]
    false = [c for c in cases if c.state is State.WITHDRAWN]
    assert len(false) <= 0.02 * len(live)
    assert_figures_equal_the_truth(memory, simulation)
    memory.close()


def answering(memory, sources, moment):
    """The sources whose connectors answer at that moment, though they have nothing new."""
    with memory.write() as connection:
        connection.execute(delete(tables.contacts))
        for source in sources:
            connection.execute(insert(tables.contacts).values(source=source, contact_at=stored(moment)))


def told(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
