"""The role-based equipment path of ISA-95: `site/area/work_center[/work_unit]`, lower case."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a path's depth says."""

    SITE = "site"
    AREA = "area"
    WORK_CENTER = "work_center"
    WORK_UNIT = "work_unit"


def level(path: str) -> Level:
    """The level of a path; anything below a work unit counts as one."""
    return tuple(Level)[min(path.count("/"), 3)]


def within(path: str, ancestor: str) -> bool:
    """Whether `path` is `ancestor` or lies below it."""
    return path == ancestor or path.startswith(ancestor + "/")


def work_center(path: str) -> str:
    """The line that a work unit belongs to; a path above a line stays itself."""
    return "/".join(path.split("/")[:3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """A role in the plant. `name` and `aliases` are what people call it."""

    id: str
    name: str = ""
    aliases: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """Everything that this equipment is called, its path included."""
        return tuple(dict.fromkeys(filter(None, (self.id, self.name, *self.aliases))))
