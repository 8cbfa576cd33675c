"""Who reads. Deny wins: a record is hidden where one of its sites or its source is not open to the person."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, true

from lineside.memory.rows import sites_of
from lineside.plant.plant import Person, Plant
from lineside.plant.records import Record


@dataclass(frozen=True, slots=True)
class Reader:
    """The person on whose behalf the memory is read; None is the plant's own operator, who reads everything."""

    person: Person | None = None

    def may_read_source(self, source: str, plant: Plant) -> bool:
        if self.person is None:
            return True
        readers = plant.source(source).readers
        return bool(self.person.sites) and (not readers or not set(readers).isdisjoint(self.person.roles))

    def may_read(self, record: Record, plant: Plant) -> bool:
        """Whether the person may read the record by its source and by every site it names.

        A correction also hides behind the sites of what it corrects, which only the store knows.
        """
        if self.person is None:
            return True
        return self.may_read_source(record.provenance.source, plant) and sites_of(record, plant) <= _lower(self.person)

    def condition(self, sites: ColumnElement[str], source: ColumnElement[str], plant: Plant) -> ColumnElement[bool]:
        """The same rule in SQL, over a row's `sites` and `source`."""
        if self.person is None:
            return true()
        if not self.person.sites:
            return false()  # an unknown access list means hidden
        left: ColumnElement[str] = sites
        for site in sorted(_lower(self.person)):
            left = func.replace(left, f"|{site}|", "|")
        closed = [card.name for card in plant.sources if not self.may_read_source(card.name, plant)]
        return and_(left == "|", source.not_in(closed))


def _lower(person: Person) -> set[str]:
    return {site.lower() for site in person.sites}


EVERYTHING = Reader()
