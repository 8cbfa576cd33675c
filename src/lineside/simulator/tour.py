"""A tour of the demo plant: what a visitor might ask, and an action to propose. Questions, never their answers."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.simulator.simulation import Simulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """questions: eight. hold_question: proposes a hold that `proposer` may ask for and `approver` may approve.

    heads: two people who may let a system be written to.
    """

    questions: tuple[str, ...]
    hold_question: str
    proposer: str
    approver: str
    heads: tuple[str, str]


def tour(simulation: Simulation) -> Tour:
    """The tour of this seed's plant, whose ids and lines are its own."""
    world = simulation.world
    sales = {sale.role: sale for sale in simulation.stories.sales if sale.role}
    return Tour(
        questions=(
            "What is happening right now?",
            f"Why is {world.behind.name} falling behind?",
            "What did we decide in the last resin shortage, and why?",
            f"ERP, WMS and MES show different stock for {world.odd.id}: which is right, and for what?",
            f"Can {sales['hold'].order} really ship today?",
            "Welche Stillstände wiederholen sich über die Schichten?",
            "Give me the handover for the last night shift.",
            "What is the oil pressure of compressor 9?",
        ),
        hold_question=f"Put lot {sales['ready'].run.lot} on hold because the retained sample smells of solvent",
        proposer=world.supervisor_now.id,
        approver=world.person("quality").id,
        heads=(world.person("plant_manager").id, world.person("it").id),
    )
