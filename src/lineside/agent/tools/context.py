"""What a tool sees, and what a tool is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

from lineside.agent.names import names_of, places_of
from lineside.agent.parameters import Parameters
from lineside.agent.time_ahead import time_ahead
from lineside.agent.wording import tokens
from lineside.errors import BadRequest
from lineside.interpretation.lateness import with_lateness
from lineside.interpretation.pack_files import under
from lineside.interpretation.reading import Reading
from lineside.memory import Memory, View
from lineside.plant.entities import Entity
from lineside.plant.packs import Packs
from lineside.plant.plant import Person
from lineside.plant.timeline import instant
from lineside.plant.windows import Window, find_window

if TYPE_CHECKING:
    from lineside.actions import Ledger


_MOST_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a tool may see: one view of the memory, for one asker. windows: stretches already resolved, by their words.

    asked: the asker's own words. read: the parameters of a proposal that code read in the conversation, all without it;
    a model fills in the others. ledger: None where nothing can be proposed.
    """

    memory: Memory
    view: View
    asked: str
    person: Person | None = None
    read: frozenset[str] | None = None
    ledger: Ledger | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)

    def window(self, words: str | None) -> Window | None:
        """The stretch that the words name, in the plant's time zone. Raises BadRequest where they name none."""
        if not words:
            return None
        if words in self.windows:
            return self.windows[words]
        found = find_window(words, now=self.view.as_of, plant=self.view.plant)
        if found is None:
            raise BadRequest(f"{words!r} names no stretch of time; say it as in: last night, since 06:00, yesterday")
        return found.window

    def entity(self, text: str) -> Entity:
        """The one thing of that id. Raises BadRequest with the nearest ids where there is none, or several."""
        found = self.view.find(text)
        if not found:
            names = names_of(self.view)
            mentions, _ = names.ids.find(tokens(text), [False] * len(tokens(text)))
            found = [m.entity for m in mentions if not m.alike]
            if len(found) != 1:
                near = ", ".join(names.ids.nearest(text.rpartition(":")[2])) or "none"
                raise BadRequest(f"{text} is not in the memory; nearest ids: {near}", typed=text)
        if len(found) > 1:
            raise BadRequest(f"{text} is several things: {', '.join(map(str, found))}; name one as kind:id", typed=text)
        return found[0]

    def place(self, text: str | None) -> str | None:
        """The path of the equipment of that name. Raises BadRequest where none, or several, are called so."""
        if not text:
            return None
        names = places_of(self.view)
        if text in names.paths:
            return text
        found, missing = names.find(tokens(text), [False] * len(tokens(text)))
        if len(found) != 1 or found[0].others:
            meant = [names.name(path) for one in found for path in (one.path, *one.others)]
            known = meant or [near for one in missing for near in one.nearest] or list(map(names.name, names.paths))
            told = ", ".join(dict.fromkeys(known[:_MOST_NAMED])) or "none"
            raise BadRequest(f"no one piece of equipment is called {text!r}; there are: {told}", typed=text)
        return found[0].path

    def packs(self, place: str | None) -> Packs:
        """The packs to read by: those of the site where the place is, of the asker's only site, or of the plant."""
        plant = self.view.plant
        if not plant.packs_by_site:
            return plant.packs
        path = self.place(place)
        sites = self.person.sites if self.person else ()
        return plant.packs_at(path.partition("/")[0] if path else sites[0] if len(sites) == 1 else plant.site)


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """description: for a language model. run: raises BadRequest on arguments that name nothing. reads: proposes
    nothing."""

    name: str
    description: str
    parameters: type[Parameters]
    run: Callable[[Context, Parameters], Reading]
    reads: bool = True

    def call(self, context: Context, arguments: Mapping[str, object]) -> Reading:
        """The reading for these arguments. Raises BadRequest, or pydantic's ValidationError on a wrong shape."""
        return self.read(context, self.parameters.model_validate(dict(arguments)))

    def read(self, context: Context, arguments: Parameters) -> Reading:
        """The reading for these arguments, by the packs of the site that they are about, with the sources that went
        quiet."""
        with under(context.packs(getattr(arguments, "equipment", None))):
            reading = self.run(context, arguments)
        return with_lateness(context.view, reading) if self.reads else reading


def tool(
    name: str, description: str, parameters: type[P], run: Callable[[Context, P], Reading], *, reads: bool = True
) -> Tool:
    """A tool whose `run` is checked against its parameters."""
    return Tool(
        name=name,
        description=description,
        parameters=parameters,
        run=cast("Callable[[Context, Parameters], Reading]", run),
        reads=reads,
    )


def moment(context: Context, words: str | None) -> datetime | None:
    """The time that the words, or a time stamp, name, on the plant's clock where no zone is said; a bare time of day is
    the next one. Raises BadRequest where they name none."""
    if not words:
        return None
    if re.match(r"\d{4}-\d\d-\d\d[Tt ]\d", words):
        try:
            said = datetime.fromisoformat(words)
        except ValueError as error:
            raise BadRequest(f"{words!r} is no time: {error}") from error
        return said if said.tzinfo else instant(said.date(), said.time(), context.view.plant.time_zone)
    ahead = time_ahead(words, now=context.view.as_of, plant=context.view.plant)
    if ahead is not None:
        return ahead.at
    window = context.window(words)
    return None if window is None else window.start


def shift_so_far(view: View) -> Window:
    """The shift that runs now, else the last one. Raises BadRequest for a plant without shifts."""
    slot = view.calendar.at(view.as_of) or view.calendar.previous(view.as_of)
    if slot is None:
        raise BadRequest("the plant file has no shifts; say since when, as in: since 06:00")
    return Window(start=slot.start, end=max(view.as_of, slot.start), label="this shift so far", shift=slot.label)
