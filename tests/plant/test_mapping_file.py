"""Mapping files: laid over the inline options, versioned by what they say, and refused with file, stream and key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.plant.mapping_file import MappingFile, merged, read_mapping_file, source_mapping

STOCK = """
version = 3
time_zone = "Asia/Tokyo"
owns = ["lot.quantity"]

[units]
St = "ea"

[codes.quality]
F = "unrestricted"
S = "blocked"

[streams.stock]
key = "No"
scope = "book"

[[streams.stock.mapping]]
entity = "lot:{Lot}"
properties.quantity = { field = "Qty", unit = "{Unit}" }
properties.quality_status = { field = "Q", codes = "quality" }

[[streams.stock.mapping]]
entity = "lot:{Lot}"
scope = "line_side"
properties.quantity = { field = "AtLine", unit = "St" }
"""
SETTINGS = {"url": "", "views": "", "time_zone": ""}
VIEWS = {"url": "sqlite://", "views": [{"table": "stock"}, {"table": "moves", "name": "movements"}]}


def read(text: str) -> MappingFile:
    return read_mapping_file(text, where="mappings/wms.toml")


def laid(text: str = STOCK, options: dict[str, Any] = VIEWS, streams: str = "views") -> dict[str, Any]:
    return merged(options, read(text), streams=streams, settings=SETTINGS)


def test_the_file_is_laid_over_the_stream_of_its_name_with_shared_tables_in_place() -> None:
    options = laid()
    stock, moves = options["views"]

    assert options["time_zone"] == "Asia/Tokyo"
    assert moves == VIEWS["views"][1]
    assert (stock["table"], stock["key"]) == ("stock", "No")
    assert stock["mapping"][0] == {
        "scope": "book",
        "entity": "lot:{Lot}",
        "properties": {
            "quantity": {"field": "Qty", "unit": {"field": "Unit", "codes": {"St": "ea"}}},
            "quality_status": {"field": "Q", "codes": {"F": "unrestricted", "S": "blocked"}},
        },
    }
    assert stock["mapping"][1]["scope"] == "line_side"
    assert stock["mapping"][1]["properties"]["quantity"]["unit"] == "ea"
    assert "mapping" not in VIEWS["views"][0], "the settings themselves stay as they were"


def test_the_only_stream_of_a_source_is_called_by_a_star() -> None:
    text = 'version = 1\n[streams."*"]\nkey = ["A"]\nmapping = { text = "{B}" }'

    options = laid(text, {"url": "x"}, streams=".")

    assert options == {"url": "x", "key": ["A"], "mapping": [{"text": "{B}"}]}
    assert source_mapping("s", options, streams=".").stream("anything.xlsx!Sheet") is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 1\nversoin = 2", "versoin is unknown"),
        ("streams = {}", "version must be a whole number"),
        ("version = true", "version must be a whole number"),
        ("version = 1\ntime_zone = 3", "time_zone must be text"),
        ('version = 1\nowns = ["a b c"]', "owns must list properties"),
        ('version = 1\n[streams.stock]\nkeys = "No"', "streams.stock.keys is unknown"),
        ("version = 1\n[streams.stock]\nkey = []", "streams.stock.key must be"),
        ('version = 1\n[streams.stock]\nimmutable = "yes"', "streams.stock.immutable must be"),
        ('version = 1\n[streams.stock.mapping]\nentity = "lot:{L"\nproperties = {a = "1"}', "a brace without its pair"),
        ('version = 1\n[streams.stock.mapping]\ntext = {field = "A", codes = "q"}', "names the table 'q'"),
        ("version = 1\n[codes]\nq = { a = [1] }", "codes.q.a must be"),
        ("version = 1\n[units]\nSt = 1", "units.St must be text"),
        (
            'version = 1\n[[streams.stock.mapping]]\ntext = "a"\n[[streams.stock.mapping]]\ntxt = "b"',
            "streams.stock.mapping[1]",
        ),
        ("version = 1\n[streams.stock]\nmapping = []", "streams.stock.mapping is empty"),
        ("version = 1\n[streams", "is not TOML"),
    ],
)
def test_a_fault_is_named_with_its_file_and_key(text: str, said: str) -> None:
    with pytest.raises(BadSettings) as error:
        read(text)

    assert "mappings/wms.toml" in error.value.message
    assert said in error.value.message


def test_a_stream_that_the_source_does_not_have_is_named_beside_those_that_it_has() -> None:
    with pytest.raises(BadSettings, match=r"streams\.stok is not among the source's views.*: stock, movements"):
        laid(STOCK.replace("streams.stock", "streams.stok"))


def test_a_source_without_a_mapping_of_its_own_takes_no_stream() -> None:
    with pytest.raises(BadSettings, match="takes no mapping"):
        laid(streams="")


def test_a_setting_that_the_connector_does_not_have_is_refused() -> None:
    with pytest.raises(BadSettings, match="decimal_comma is no setting"):
        laid("version = 1\ndecimal_comma = true")


def test_the_version_follows_what_is_said_and_not_how_it_is_written() -> None:
    def version(text: str) -> str:
        return source_mapping("wms", laid(text), streams="views", file=read(text)).version

    assert version(STOCK).startswith("3~")
    assert version(STOCK) == version(STOCK + "\n# a remark\n")
    assert version(STOCK) != version(STOCK.replace("unrestricted", "inspection"))
    assert version(STOCK) != version(STOCK.replace("Tokyo", "Seoul"))


def test_what_the_vocabulary_does_not_know_is_a_warning() -> None:
    text = STOCK.replace('"blocked"', '"gesperrt"').replace(
        "properties.quantity = { field", "properties.menge = {field"
    )
    found = source_mapping("wms", laid(text), streams="views").warnings()

    assert found == [
        "stock: the vocabulary knows no lot.menge",
        "stock: lot.quality_status can't be gesperrt; it can be unrestricted, inspection, blocked",
        "stock: the vocabulary knows no lot.menge",
    ]


_NAMES = st.text(st.characters(categories=["Ll"], max_codepoint=127), min_size=1, max_size=12)


@given(name=_NAMES, place=st.sampled_from(["", "streams.stock.", "streams.stock.mapping.", "PROPERTY"]))
def test_no_unknown_key_is_ever_accepted(name: str, place: str) -> None:
    known = {
        "": {"version", "time_zone", "decimal_comma", "time_format", "owns", "units", "codes", "streams"},
        "streams.stock.": {"key", "mapping", "immutable", "scope"},
        "streams.stock.mapping.": {"entity", "scope", "properties", "occurred_at", "reported_at", "when"},
        "PROPERTY": {"field", "codes", "type", "unit", "default", "each", "item"},
    }
    assume(name not in known[place])
    inner = f', {name} = "x"' if place == "PROPERTY" else ""
    outer = "" if place == "PROPERTY" else f'{place}{name} = "x"\n'
    text = (
        f'version = 1\n{outer}streams.stock.mapping.entity = "lot:{{L}}"\n'
        f'streams.stock.mapping.properties = {{ quantity = {{ field = "Q"{inner} }} }}\n'
    )

    with pytest.raises(BadSettings, match=name):
        read(text)
