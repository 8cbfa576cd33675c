"""Operational exceptions as work: a disturbance that the records tell becomes a case with a class, an owner, a clock
and its evidence, and closes when the records prove that it is over.

`run` brings what the records tell into the ledger, whenever it is called; `Moves` are what people do to a case; `Cases`
reads: by window, place, class and state, as of any moment, with the transitions and the evidence behind each. What a
class is, who answers for it and what closes it, is data in the packs' cases.toml. The screens call a case an exception.
"""

from lineside.cases.case import Case, Transition, case_id
from lineside.cases.classes import CaseClass, CasePack, Option, Severity, State, case_pack
from lineside.cases.engine import Run, run
from lineside.cases.listing import Cases
from lineside.cases.moves import Moves

__all__ = [
    "Case",
    "CaseClass",
    "CasePack",
    "Cases",
    "Moves",
    "Option",
    "Run",
    "Severity",
    "State",
    "Transition",
    "case_id",
    "case_pack",
    "run",
]
