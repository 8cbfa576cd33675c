from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plants import awkward, bare, bottler, foundry, mill

from lineside.plant.calendar import ShiftCalendar
from lineside.plant.plant_file import parse_plant
from lineside.plant.windows import Window, find_window

PLANTS = [bottler, foundry, mill, awkward, bare]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WEDNESDAY = (2026, 11, 18, 10, 30)

# What is said on Wednesday 18 November 2026 at 10:30, and the local wall-clock bounds it means.
IN_ENGLISH = {
    "today": ("11-18 00:00", "11-19 00:00"),
    "yesterday": ("11-17 00:00", "11-18 00:00"),
    "the day before yesterday": ("11-16 00:00", "11-17 00:00"),
    "this morning": ("11-18 05:00", "11-18 12:00"),
    "yesterday afternoon": ("11-17 12:00", "11-17 18:00"),
    "last night": ("11-17 22:00", "11-18 06:00"),
    "overnight": ("11-17 22:00", "11-18 06:00"),
    "tonight": ("11-18 22:00", "11-19 06:00"),
    "on Monday night": ("11-16 22:00", "11-17 06:00"),
    "last Tuesday": ("11-17 00:00", "11-18 00:00"),
    "last Wednesday": ("11-11 00:00", "11-12 00:00"),
    "Monday last week": ("11-09 00:00", "11-10 00:00"),
    "over the weekend": ("11-14 00:00", "11-16 00:00"),
    "this week": ("11-16 00:00", "11-23 00:00"),
    "last week": ("11-09 00:00", "11-16 00:00"),
    "this month": ("11-01 00:00", "12-01 00:00"),
    "week 45": ("11-02 00:00", "11-09 00:00"),
    "2026-11-03": ("11-03 00:00", "11-04 00:00"),
    "Nov 3": ("11-03 00:00", "11-04 00:00"),
    "the 3rd of November": ("11-03 00:00", "11-04 00:00"),
    "03.11.2026": ("11-03 00:00", "11-04 00:00"),
    "Nov 3-5": ("11-03 00:00", "11-06 00:00"),
    "Dec 24": ("12-24 00:00", "12-25 00:00"),
    "since 06:00": ("11-18 06:00", "11-18 10:30"),
    "since 6": ("11-18 06:00", "11-18 10:30"),
    "since 6 p.m.": ("11-17 18:00", "11-18 10:30"),
    "since noon": ("11-17 12:00", "11-18 10:30"),
    "since Monday": ("11-16 00:00", "11-18 10:30"),
    "since last night": ("11-17 22:00", "11-18 10:30"),
    "after 14:00 yesterday": ("11-17 14:00", "11-18 00:00"),
    "before noon": ("11-18 00:00", "11-18 12:00"),
    "from 14:00 to 16:30": ("11-17 14:00", "11-17 16:30"),
    "between 2 and 4 pm": ("11-17 14:00", "11-17 16:00"),
    "from 11 to 2 pm yesterday": ("11-17 11:00", "11-17 14:00"),
    "between 10pm and 2am yesterday": ("11-17 22:00", "11-18 02:00"),
    "06:00-09:30": ("11-18 06:00", "11-18 09:30"),
    "from Monday to Tuesday": ("11-16 00:00", "11-18 00:00"),
    "2026-11-03 14:00 to 2026-11-04 02:00": ("11-03 14:00", "11-04 02:00"),
    "the last 4 hours": ("11-18 06:30", "11-18 10:30"),
    "the past 30 days": ("10-19 10:30", "11-18 10:30"),
    "the last 30 minutes": ("11-18 10:00", "11-18 10:30"),
    "two days ago": ("11-16 00:00", "11-17 00:00"),
    "since half past six": ("11-18 06:30", "11-18 10:30"),
    "between half past six and quarter to eight": ("11-18 06:30", "11-18 07:45"),
    "on the 3rd": ("11-03 00:00", "11-04 00:00"),
    "in the night shift of 28 October": ("10-28 22:00", "10-29 06:00"),
}
IN_GERMAN = {
    "seit halb sieben": ("11-18 06:30", "11-18 10:30"),
    "am 3.": ("11-03 00:00", "11-04 00:00"),
    "in der Nachtschicht vom 28. Oktober": ("10-28 22:00", "10-29 06:00"),
    "heut nacht": ("11-17 22:00", "11-18 06:00"),
    "gestern nacht": ("11-17 22:00", "11-18 06:00"),
    "letzte Nacht": ("11-17 22:00", "11-18 06:00"),
    "HEUTE NACHT": ("11-17 22:00", "11-18 06:00"),
    "in der Nacht von Montag auf Dienstag": ("11-16 22:00", "11-17 06:00"),
    "in der Nacht auf Dienstag": ("11-16 22:00", "11-17 06:00"),
    "in der Nachtschicht vom 3. November": ("11-03 22:00", "11-04 06:00"),
    "Nacht vom 3. auf den 4. November": ("11-03 22:00", "11-04 06:00"),
    "heute früh": ("11-18 05:00", "11-18 12:00"),
    "heute frueh": ("11-18 05:00", "11-18 12:00"),
    "am Montagabend": ("11-16 18:00", "11-16 22:00"),
    "morgen früh": ("11-19 05:00", "11-19 12:00"),
    "vorgestern": ("11-16 00:00", "11-17 00:00"),
    "letzte Woche": ("11-09 00:00", "11-16 00:00"),
    "diesen Monat": ("11-01 00:00", "12-01 00:00"),
    "KW 45": ("11-02 00:00", "11-09 00:00"),
    "am 3.11.": ("11-03 00:00", "11-04 00:00"),
    "vom 3. bis 5. November": ("11-03 00:00", "11-06 00:00"),
    "am Montag": ("11-16 00:00", "11-17 00:00"),
    "seit 6 Uhr": ("11-18 06:00", "11-18 10:30"),
    "seit 6 am Montag": ("11-16 06:00", "11-18 10:30"),
    "seit gestern": ("11-17 00:00", "11-18 10:30"),
    "bis 18 Uhr": ("11-18 00:00", "11-18 18:00"),
    "zwischen 14 und 16 Uhr": ("11-17 14:00", "11-17 16:00"),
    "gestern von 6 bis 14 Uhr": ("11-17 06:00", "11-17 14:00"),
    "in den letzten vier Stunden": ("11-18 06:30", "11-18 10:30"),
    "die letzten 30 Minuten": ("11-18 10:00", "11-18 10:30"),
    "vor 2 Tagen": ("11-16 00:00", "11-17 00:00"),
}
SHIFTS = {
    "previous shift": "night 2026-11-17",
    "last shift": "night 2026-11-17",
    "vorige Schicht": "night 2026-11-17",
    "the shift before last": "evening 2026-11-17",
    "this shift": "day 2026-11-18",
    "diese Schicht": "day 2026-11-18",
    "next shift": "evening 2026-11-18",
    "night shift": "night 2026-11-17",
    "Nachtschicht": "night 2026-11-17",
    "third shift": "night 2026-11-17",
    "graveyard": "night 2026-11-17",
    "second shift on Nov 3": "evening 2026-11-03",
    "yesterday's day shift": "day 2026-11-17",
    "Frühschicht": "day 2026-11-18",
    "Spätschicht": "evening 2026-11-17",
    "SPAETSCHICHT": "evening 2026-11-17",
    "first shift on Monday": "day 2026-11-16",
}
NO_WINDOW = [
    "Is SO-1042 shippable?", "Why is line 3 slow?", "Where is L-2026-11-03-A?", "QI-2026-11-03 failed", "WO-7781/20",
    "lot MONDAY-01", "between 2 and 4 lots", "since 6 lots were blocked", "from 90 to 100 per hour", "every Monday",
    "jede Nacht", "across shifts", "the last resin shortage", "what did we decide last time", "line 3 may be down",
    "is the 3 march past", "the 15:00 truck", "guten Morgen", "3-5", "rev 4", "the shifts", "yesterdays", "L3",
    "31.02.2026 is no day", "v2.2026-11-03", "",
]  # fmt: skip


def said(text, plant, *parts):
    return find_window(text, now=datetime(*parts, tzinfo=plant.time_zone), plant=plant)


def bounds(window, plant):
    return tuple(moment.astimezone(plant.time_zone).strftime("%m-%d %H:%M") for moment in (window.start, window.end))


@pytest.mark.parametrize("words", IN_ENGLISH)
@pytest.mark.parametrize("frame", ["{}", "What stopped line 3 {} and why?", "{}, how many did WO-7781 make?"])
def test_english_words_for_time(words, frame):
    found = said(frame.format(words), bottler, *WEDNESDAY)
    assert bounds(found.window, bottler) == IN_ENGLISH[words]
    assert found.words in frame.format(words)


@pytest.mark.parametrize("words", IN_GERMAN)
@pytest.mark.parametrize("frame", ["{}", "Was war {} an Linie 3 los?"])
def test_german_words_for_time(words, frame):
    assert bounds(said(frame.format(words), foundry, *WEDNESDAY).window, foundry) == IN_GERMAN[words]


@pytest.mark.parametrize("words", SHIFTS)
def test_shifts_go_by_the_plants_names_and_by_everybodys(words):
    found = said(f"What happened in the {words}?", bottler, *WEDNESDAY)
    assert found.window.shift == SHIFTS[words]


@pytest.mark.parametrize("text", NO_WINDOW)
def test_ids_numbers_of_machines_and_plain_words_are_no_times(text):
    assert said(text, bottler, *WEDNESDAY) is None


def test_the_words_can_be_cut_out_of_the_question():
    text = "What happened on line 3 on the night shift of Nov 3?"
    assert said(text, bottler, *WEDNESDAY).words == "on the night shift of Nov 3"


def test_slashed_dates_follow_the_country():
    assert bounds(said("11/03/2026", bottler, *WEDNESDAY).window, bottler)[0] == "11-03 00:00"
    assert bounds(said("11/03/2026", foundry, *WEDNESDAY).window, foundry)[0] == "03-11 00:00"
    assert bounds(said("25/12/2025", bottler, *WEDNESDAY).window, bottler)[0] == "12-25 00:00"


@pytest.mark.parametrize(
    ("words", "shift"),
    [
        ("last night", "night 2026-11-17"),
        ("tonight", "night 2026-11-17"),
        ("this shift", "night 2026-11-17"),
        ("night shift", "night 2026-11-17"),
        ("previous shift", "evening 2026-11-17"),
        ("last night shift", "night 2026-11-16"),
    ],
)
def test_at_half_past_two_the_night_that_runs_began_yesterday(words, shift):
    assert said(words, bottler, 2026, 11, 18, 2, 30).window.shift == shift


def test_last_night_said_before_midnight_is_the_night_before():
    assert said("last night", bottler, 2026, 11, 18, 23, 30).window.shift == "night 2026-11-17"
    assert said("tonight", bottler, 2026, 11, 18, 23, 30).window.shift == "night 2026-11-18"


def test_a_night_that_was_not_worked_keeps_its_hours_and_names_no_shift():
    found = said("Friday night", bottler, *WEDNESDAY)
    assert bounds(found.window, bottler) == ("11-13 22:00", "11-14 06:00")
    assert found.window.shift is None


def test_a_plant_without_shifts_has_nights_but_no_previous_shift():
    assert bounds(said("last night", bare, *WEDNESDAY).window, bare) == ("11-17 22:00", "11-18 06:00")
    assert said("what did the previous shift do", bare, *WEDNESDAY) is None


def test_twelve_hour_shifts_have_their_night():
    assert said("last night", mill, *WEDNESDAY).window.shift == "B 2026-11-17"
    assert said("shift A yesterday", mill, *WEDNESDAY).window.shift == "A 2026-11-17"


def test_days_are_23_or_25_hours_where_the_clocks_change():
    assert said("yesterday", foundry, 2026, 10, 26, 9).window.seconds == 25 * 3600
    assert said("yesterday", foundry, 2026, 3, 30, 9).window.seconds == 23 * 3600
    assert said("last night", foundry, 2026, 10, 25, 9).window.seconds == 9 * 3600


def test_the_last_hours_count_hours_and_the_last_days_count_days():
    hours = said("last 4 hours", foundry, 2026, 10, 25, 4).window
    assert hours.seconds == 4 * 3600
    assert said("last 2 days", foundry, 2026, 10, 26, 9).window.seconds == 49 * 3600


def test_the_closer_of_two_windows_is_taken():
    assert said("Today, what happened since 06:00?", bottler, *WEDNESDAY).words == "since 06:00"
    assert said("What changed last night, and what last month?", bottler, *WEDNESDAY).words == "last night"


def test_vague_words_say_that_we_chose_the_bounds():
    assert not said("what went wrong recently", bottler, *WEDNESDAY).explicit
    assert said("what went wrong yesterday", bottler, *WEDNESDAY).explicit


def test_now_needs_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        find_window("today", now=datetime(2026, 11, 18), plant=bottler)  # noqa: DTZ001


@given(text=st.sampled_from([*IN_ENGLISH, *IN_GERMAN, *SHIFTS]), now=MOMENTS, plant=st.sampled_from(PLANTS))
def test_every_window_is_aware_half_open_and_found_in_its_text_at_any_moment(text, now, plant):
    found = find_window(f"was {text}?", now=now, plant=plant)
    if found is None:
        # Only shifts that the plant does not have, and hours that are still to come, name nothing.
        assert text in SHIFTS or not plant.shifts or "20" in text or text == "since 6 p.m."
        return
    assert found.window.start.tzinfo is UTC
    assert found.window.end.tzinfo is UTC
    assert found.window.start < found.window.end or found.window.end == now
    assert found.window.end not in found.window
    assert found.words in text


@given(now=MOMENTS, plant=st.sampled_from(PLANTS), unit=st.sampled_from(["day", "week", "month"]))
def test_days_weeks_and_months_tile(now, plant, unit):
    words = {"day": ("yesterday", "today", "tomorrow")}.get(unit, (f"last {unit}", f"this {unit}", f"next {unit}"))
    before, here, after = (find_window(text, now=now, plant=plant).window for text in words)
    assert before.end == here.start
    assert here.end == after.start
    assert now in here


@given(now=MOMENTS, plant=st.sampled_from([foundry, mill]))
def test_previous_this_and_next_shift_tile(now, plant):
    before, here, after = (
        find_window(f"{which} shift", now=now, plant=plant).window for which in ("previous", "this", "next")
    )
    assert (before.end, here.end) == (here.start, after.start)
    assert now in here
    assert here.shift == ShiftCalendar(plant).at(now).label


def test_a_window_refuses_naive_times_and_a_wrong_order():
    later, sooner = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="aware"):
        Window(start=datetime(2026, 1, 1), end=later)  # noqa: DTZ001
    with pytest.raises(ValueError, match="before it starts"):
        Window(start=later, end=sooner)
    assert Window(start=sooner, end=later).seconds == timedelta(days=1).total_seconds()
    assert date(2026, 1, 1) == sooner.date()


CREWED = """
site = "north"
time_zone = "America/Chicago"
[[shifts]]
name = "day"
start = "06:00"
end = "18:00"
[[shifts]]
name = "night"
start = "18:00"
end = "06:00"
[[roster]]
week = "2026-W47"
day = "crew-a"
night = "crew-c"
"""


@pytest.mark.parametrize(
    ("said", "start", "end", "others"),
    [
        ("crew C's last shift", "11-17 18:00", "11-18 06:00", []),
        ("the last shift of crew-a", "11-17 06:00", "11-17 18:00", []),
        ("stops in the last two night shifts", "11-17 18:00", "11-18 06:00", ["11-16 18:00"]),
        ("stops last week vs this week", "11-09 00:00", "11-16 00:00", ["11-16 00:00"]),
        ("since 14:00 UTC", "11-18 08:00", "11-18 10:30", []),
    ],
)
def test_a_crew_a_second_window_and_utc_are_understood(said: str, start: str, end: str, others: list[str]) -> None:
    plant = parse_plant(CREWED)
    now = datetime(*WEDNESDAY, tzinfo=plant.time_zone)
    found = find_window(said, now=now, plant=plant)
    assert found is not None

    def wall(moment: datetime) -> str:
        return f"{moment.astimezone(plant.time_zone):%m-%d %H:%M}"

    assert (wall(found.window.start), wall(found.window.end)) == (start, end)
    assert [wall(one.start) for one in found.others] == others
