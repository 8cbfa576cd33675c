import re
import tomllib
from datetime import date, time

import pytest
from plants import BARE, BOTTLER, bottler

from lineside.errors import BadPlantFile
from lineside.plant.plant_file import parse_plant

KEY_LINES = [
    pytest.param(at, line, id=f"{at}-{line.split(' ')[0]}")
    for at, line in enumerate(BOTTLER.splitlines())
    if re.match(r"\w+ = |\[\[", line)
]


def test_every_key_of_the_vocabulary_is_read():
    assert bottler.site == "hillside"
    assert bottler.time_zone.key == "America/Chicago"
    assert bottler.holidays == {date(2026, 11, 26)}
    assert bottler.equipment[0].names() == ("hillside/packing/line-3", "Line 3", "L3")
    assert [s.name for s in bottler.shifts] == ["day", "evening", "night"]
    assert bottler.shifts[2].days == (1, 2, 3, 4, 7)
    assert bottler.roster == (("2026-W44", "night", "crew-c"),)
    assert bottler.person("U0PLANNER1") == bottler.person("planner-1") == bottler.person("p@example.com")
    wms = bottler.source("wms")
    assert (wms.cadence_s, wms.clock_offset_s, wms.readers) == (3600.0, -2.5, ("planner",))
    assert wms.owns == ("inventory.quantity:on_hand", "packed")
    assert (bottler.cut_offs[0].departure, bottler.cut_offs[0].cut_off) == (time(15), time(14, 15))
    assert bottler.customers[0].partial_min_share == 0.85
    assert [each.email for each in bottler.contacts_of("c-200", "customer")] == ["orders@customer.example"]
    assert bottler.contacts_of("C-200", "carrier") == bottler.contacts_of("C-20", "customer") == ()


def test_only_the_site_and_its_time_zone_are_needed():
    assert parse_plant(BARE).shifts == ()


def test_a_file_saved_by_a_windows_editor_is_read():
    assert parse_plant("\ufeff" + BARE.replace("\n", "\r\n")).site == "bare"


@pytest.mark.parametrize(("at", "line"), KEY_LINES)
def test_each_misspelt_key_is_refused_by_its_name(at, line):
    lines = BOTTLER.splitlines()
    lines[at] = re.sub(r"^(\[*\w+)", r"\1_x", line)
    with pytest.raises(BadPlantFile) as refused:
        parse_plant("\n".join(lines))
    # A required key that is misspelt is missing first; either way the message leads to it.
    assert line.strip("[]").split(" ")[0] in refused.value.message


@pytest.mark.parametrize(("at", "line"), [p for p in KEY_LINES if "=" in p.values[1]])
def test_each_value_of_another_type_is_refused_with_its_path_and_what_to_write(at, line):
    lines = BOTTLER.splitlines()
    lines[at] = re.sub(r"= .*", "= {wrong = 1}", line)
    with pytest.raises(BadPlantFile) as refused:
        parse_plant("\n".join(lines))
    assert refused.value.fields["key"].endswith(line.split(" ")[0])
    assert refused.value.fields["write"]
    assert "wrong" in refused.value.fields["found"]


@pytest.mark.parametrize(
    ("addition", "key"),
    [
        ('[[equipment]]\nid = "hillside/packing/line-3"', "equipment[2].id"),
        ('[[equipment]]\nid = "hillside/packing/line-4"\naliases = ["l3"]', "equipment[2].aliases"),
        ('[[equipment]]\nid = "hillside/packing/line-4"\naliases = ["LINE  3"]', "equipment[2].aliases"),
        ('[[equipment]]\nid = "hillside//line-4"', "equipment[2].id"),
        ('[[shifts]]\nname = "day"\nstart = "08:00"\nend = "09:00"', "shifts[4].name"),
        ('[[shifts]]\nname = "x"\nstart = "25:00"\nend = "09:00"', "shifts[4].start"),
        ('[[shifts]]\nname = "x"\nstart = "8"\nend = "09:00"', "shifts[4].start"),
        ('[[shifts]]\nname = "x"\nstart = "08:00"\nend = "09:00"\ndays = [0]', "shifts[4].days"),
        ('[[shifts]]\nname = "x"\nstart = "08:00"\nend = "09:00"\naliases = ["Graveyard"]', "shifts[4].aliases"),
        ('[[roster]]\nweek = "2026-W54"', "roster[2].week"),
        ('[[roster]]\nweek = "2026-W44"\nnight = "crew-d"', "roster[2].week"),
        ('[[roster]]\nweek = "2026-W45"\nlate = "crew-d"', "roster[2].late"),
        ('[[people]]\nid = "b"\nslack = "U0PLANNER1"', "people[2].slack"),
        ('[[sources]]\nname = "erp"\ncadence_s = 0', "sources[2].cadence_s"),
        ('[[sources]]\nname = "erp"\ncadence_s = true', "sources[2].cadence_s"),
        ('[[sources]]\nname = "erp"\nowns = ["quantity of lots"]', "sources[2].owns[1]"),
        ('[[cut_offs]]\ndock = "d"\ndeparture = "15:00"', "cut_offs[2].cut_off"),
        ('[[customers]]\nid = "C-1"\npartial_min_share = 85', "customers[2].partial_min_share"),
        ('[[contacts]]\npartner = "C-1"\nemail = "a@b.example, c@d.example"', "contacts[2].email"),
        ('[[contacts]]\npartner = "C-1"\nemail = "a@b.example\\r\\nBcc: c@d.example"', "contacts[2].email"),
        ('[[contacts]]\npartner = "C-1"\nemail = "a@b"', "contacts[2].email"),
        ('[[contacts]]\npartner = "C-1"\nemail = "a@b.example"\nname = "A\\nBcc: x"', "contacts[2].name"),
        ('[[contacts]]\npartner = "C-1"\nemail = "a@b.example"\nlanguage = "deutsch"', "contacts[2].language"),
        ('[[contacts]]\npartner = "C-1"\nemail = "a@b.example"\nfor = ["everybody"]', "contacts[2].for[1]"),
        ('[[contacts]]\npartner = "C-200"\nemail = "Orders@customer.example"', "contacts[2].email"),
    ],
)
def test_what_contradicts_itself_or_cannot_be_is_refused_where_it_stands(addition, key):
    with pytest.raises(BadPlantFile) as refused:
        parse_plant(f"{BOTTLER}\n{addition}\n")
    assert refused.value.fields["key"] == key


@pytest.mark.parametrize("zone", ["Chicago", "America", "../etc/passwd", "UTC+1", ""])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(BadPlantFile, match="time_zone"):
        parse_plant(f'site = "x"\ntime_zone = "{zone}"')


@pytest.mark.parametrize("day", ["2026-02-30", "26.11.2026", "2026-W10-1"])
def test_a_holiday_that_is_no_day_is_refused(day):
    with pytest.raises(BadPlantFile, match=r"holidays\[1\]"):
        parse_plant(f'{BARE}holidays = ["{day}"]')


def test_text_that_is_not_toml_is_refused_with_the_line():
    with pytest.raises(BadPlantFile, match="line 1"):
        parse_plant("site: hillside")


def test_a_misspelt_key_is_told_the_right_one():
    with pytest.raises(BadPlantFile, match="'time_zone'"):
        parse_plant('site = "x"\ntime_zone = "UTC"\ntimezone = "UTC"')


def test_two_machines_may_share_a_name_but_not_an_alias():
    two = '[[equipment]]\nid = "a/b/{0}/filler"\nname = "Filler"\n'
    plant = parse_plant(BARE + two.format("line-1") + two.format("line-2"))
    assert [plant.called(e.id) for e in plant.equipment] == ["Filler", "Filler"]


def test_a_dock_need_not_be_declared_and_midnight_may_be_24_00():
    plant = parse_plant(BARE + '[[cut_offs]]\ndock = "anywhere"\ndeparture = "24:00"\ncut_off = "23:30"')
    assert plant.cut_offs[0].departure == time(0)


def test_the_plant_of_these_tests_uses_every_key():
    used = tomllib.loads(BOTTLER)
    assert {"equipment", "shifts", "roster", "people", "sources", "cut_offs", "customers", "contacts"} < set(used)
