"""Who may add to a handover, sign it off and acknowledge it: by role, site and crew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineside.cases.classes import case_pack, folded
from lineside.errors import NotPermitted
from lineside.interpretation.pack_files import load, of_packs, table, text, texts, wrong
from lineside.plant.calendar import ShiftSlot
from lineside.plant.plant import Person, Plant

FILE = "handover.toml"
ADD, SIGN, ACKNOWLEDGE = "add", "sign", "acknowledge"
_ACTS = (ADD, SIGN, ACKNOWLEDGE)


@of_packs
def rights() -> Mapping[str, tuple[str, ...]]:
    """The roles for each act that the packs in force name; none means everybody of the site."""
    return load(FILE, parse)


def parse(where: str, data: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """The content of a handover.toml. Raises BadSettings with the key that is wrong and what is allowed."""
    for key in data:
        if key not in ("version", "rights"):
            raise wrong(where, key, "is not a key here", ("version", "rights"))
    text(where, "version", data.get("version"))
    given = table(where, "rights", data.get("rights"))
    for key in given:
        if key not in _ACTS:
            raise wrong(where, f"rights.{key}", "is not a key here", _ACTS)
    return {act: texts(where, f"rights.{act}", given.get(act)) for act in _ACTS}


def require(act: str, plant: Plant, person: Person, slot: ShiftSlot) -> None:
    """The person may do that with the handover of this shift. Raises NotPermitted, which says why."""
    known = next((p for p in plant.people if p.id == person.id), None)
    if known is None or (known.sites and plant.site not in known.sites):
        raise NotPermitted(f"{person.id} is nobody of {plant.name or plant.site}", person=person.id)
    roles, pack = rights()[act], case_pack()
    if roles and not any(pack.of_role(role, held) for role in roles for held in known.roles):
        raise NotPermitted(f"{person.id} may not {act} a handover; that is for: {', '.join(roles)}", person=person.id)
    mine = _crews(plant, known)
    if act == ADD or slot.crew is None or not mine:
        return
    if (folded(slot.crew) in mine) != (act == SIGN):
        whose = "for another crew's shift" if act == SIGN else "what their own crew hands over"
        raise NotPermitted(f"{person.id} may not {act} {whose}: {slot.label} is {slot.crew}'s", person=person.id)


def _crews(plant: Plant, person: Person) -> frozenset[str]:
    """The crews of the roster that the person belongs to."""
    named = {folded(each) for each in (*person.roles, *((person.crew,) if person.crew else ()))}
    return frozenset(named & {folded(crew) for _, _, crew in plant.roster})
