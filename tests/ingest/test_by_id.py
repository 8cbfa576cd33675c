"""Reading by id from a source whose rows show late, change and vanish while they are read, and whose clock is off."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lineside.connector.by_id import ById, stamped
from lineside.plant.records import Json

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
OVERLAP_S, LATEST_S = 300, 200  # how long a transaction lasts at most
PAGE = 2


class Reading(RuleBasedStateMachine):
    """rows: id to stamp, in the source's whole seconds, and content. What is sent counts once its page is committed;
    a reader that breaks off goes on at the position that was committed with it."""

    @initialize(
        rows=st.lists(st.integers(0, 5000), max_size=7),
        ahead_s=st.integers(LATEST_S - OVERLAP_S, 2 * OVERLAP_S),
    )
    def a_history(self, rows: list[int], ahead_s: int) -> None:
        self.ahead = timedelta(seconds=ahead_s)
        self.now = START
        self.contents = 0
        stamps = [START + self.ahead - timedelta(seconds=LATEST_S + each) for each in rows]
        self.rows = {number: (stamped(at), self.content()) for number, at in enumerate(stamps, 1)}
        self.ids = len(self.rows)
        self.writing: list[tuple[datetime, int]] = []
        self.position: Json = None
        self.reader = ById(None, overlap_s=OVERLAP_S)
        self.sent: list[tuple[int, str]] = []
        self.gone: list[int] = []
        self.known: set[int] = set()
        self.missing: set[int] = set()

    def content(self) -> str:
        self.contents += 1
        return str(self.contents)

    @rule(data=st.data())
    def a_row_is_written(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.ids + 1))
        self.ids = max(self.ids, number)
        self.writing.append((self.now, number))

    @precondition(lambda self: self.writing)
    @rule(data=st.data())
    def it_shows(self, data: st.DataObject) -> None:
        self.commit(data.draw(st.sampled_from(self.writing)))

    def commit(self, written: tuple[datetime, int]) -> None:
        self.writing.remove(written)
        at, number = stamped(written[0] + self.ahead), written[1]
        before = self.rows.get(number)
        if number not in self.gone and (before is None or before[0] <= at):  # else it does not come to pass
            self.rows[number] = (at, self.content())

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def a_row_is_deleted(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.rows)))
        del self.rows[number]
        self.writing = [each for each in self.writing if each[1] != number]
        self.ids = max(self.ids, number)

    @rule(seconds=st.sampled_from([1, 50, 190, 1000, 200_000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for each in [each for each in self.writing if self.now - each[0] > timedelta(seconds=LATEST_S)]:
            self.commit(each)

    @rule(committed=st.booleans())
    def a_page_is_read(self, committed: bool) -> None:
        reader = self.reader
        if not reader.running:
            past = [at for at, _ in self.rows.values() if at <= stamped(self.now)]
            reader.begin(max(past, default="") if reader.unmarked else "", now=self.now)
            self.missing = self.known - set(self.rows)
        there = sorted(each for each, (at, _) in self.rows.items() if each > reader.after and at >= reader.low)
        page = there[:PAGE]
        news = [(each, self.rows[each][1]) for each in page if reader.news(each, *self.rows[each])]
        assert set(reader.open).isdisjoint(page)
        if done := len(page) < PAGE:
            for number in reader.open:
                if number in self.rows:
                    assert reader.there(number, self.rows[number][0]), "no row is older than it was"
            gone = reader.finish()
            assert not set(gone) & set(self.rows)
        if not committed:
            self.it_broke_off()
            return
        self.position = reader.kept()
        self.sent += news
        if done:
            assert self.missing - set(self.rows) <= set(gone), "what was known and is gone is told"
            self.gone += gone
            self.known = {int(each) for each in self.position["seen"]}

    @rule()
    def it_broke_off(self) -> None:
        self.reader = ById(json.loads(json.dumps(self.position)), overlap_s=OVERLAP_S)

    def teardown(self) -> None:
        for each in list(self.writing):
            self.commit(each)
        for _ in range(2):
            self.a_page_is_read(committed=True)
            while self.reader.running:
                self.a_page_is_read(committed=True)
        assert len(set(self.sent)) == len(self.sent), "nothing is doubled"
        assert len(set(self.gone)) == len(self.gone)
        last = dict(self.sent)
        assert {number: last.get(number) for number in self.rows} == {
            number: content for number, (_, content) in self.rows.items()
        }, "nothing is lost"


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=150, stateful_step_count=40)


def scanned(position: Json, rows: dict[int, datetime], now: datetime) -> tuple[ById, list[int]]:
    """A whole scan in one page, and the ids of its news."""
    reader = ById(position, overlap_s=OVERLAP_S)
    reader.begin(max(map(stamped, rows.values())) if reader.unmarked else "", now=now)
    there = sorted(each for each, at in rows.items() if stamped(at) >= reader.low)
    return reader, [each for each in there if reader.news(each, stamped(rows[each]), "")]


def test_an_import_of_long_ago_is_not_read_with_every_scan() -> None:
    rows = dict.fromkeys(range(1, 5001), START)
    first, news = scanned(None, rows, START + timedelta(days=30))
    assert (len(news), first.finish()) == (5000, [])
    second, again = scanned(first.kept(), rows, START + timedelta(days=31))
    assert (again, second.after, second.open) == ([], 0, [1]), "one is looked at: it tells of a backup put back"
    assert len(json.dumps(first.kept())) < 300


@pytest.mark.parametrize(("at", "as_it_was"), [(START, True), (START - timedelta(hours=1), False)])
def test_a_row_that_is_older_than_it_was_is_noticed_after_years(at: datetime, as_it_was: bool) -> None:
    first, _ = scanned(None, {1: START}, START + timedelta(days=400))
    first.finish()
    second, _ = scanned(first.kept(), {1: at}, START + timedelta(days=800))
    assert second.there(1, stamped(at)) is as_it_was


def test_a_long_history_is_not_kept_in_the_position() -> None:
    rows = {number: START + timedelta(minutes=number) for number in range(5000)}
    first, _ = scanned(None, {0: START}, START)
    first.finish()
    second, news = scanned(first.kept(), rows, START + timedelta(days=4))
    assert len(news) == 4999
    assert len(json.dumps(second.kept())) < 1000
