"""What a figure, a date or a state is wanted for: each purpose has its own right one."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What it is wanted for."""

    SHIP = "ship"
    PROMISE = "promise"
    PLAN = "plan"
    POST = "post"


WORDS = {Purpose.SHIP: "shipping", Purpose.PROMISE: "promising", Purpose.PLAN: "planning", Purpose.POST: "posting"}
