"""The kinds of action that can be proposed, each declared once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lineside.actions.action import ActionType
from lineside.actions.types.delivery import EXPEDITE, NOTIFY, PAUSE_SHIPMENT, REALLOCATE, SPLIT_SHIPMENT
from lineside.actions.types.lots import DISPOSE, HOLD_LOT, RELEASE_HOLD
from lineside.actions.types.material import POST_COUNT, POST_MOVEMENT, REQUEST_STAGING, REROUTE_PICK
from lineside.actions.types.orders import RESEQUENCE, SUBSTITUTE
from lineside.actions.types.setpoint import WRITE_SETPOINT
from lineside.actions.types.upkeep import CREATE_MAINTENANCE_ORDER, WRITE_BACK

ACTIONS: Mapping[str, ActionType] = MappingProxyType(
    {
        each.name: each
        for each in (
            HOLD_LOT,
            RELEASE_HOLD,
            DISPOSE,
            RESEQUENCE,
            REQUEST_STAGING,
            REROUTE_PICK,
            SUBSTITUTE,
            EXPEDITE,
            REALLOCATE,
            PAUSE_SHIPMENT,
            SPLIT_SHIPMENT,
            CREATE_MAINTENANCE_ORDER,
            POST_COUNT,
            POST_MOVEMENT,
            NOTIFY,
            WRITE_BACK,
            WRITE_SETPOINT,
        )
    }
)
