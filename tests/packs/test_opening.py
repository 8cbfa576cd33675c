"""A zip file from anywhere gives plain files of bounded size, or is refused; nothing is written meanwhile."""

from __future__ import annotations

import io
import random
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lineside.errors import BadSettings
from lineside.packs.opening import open_pack

GOOD = {
    "pack.toml": 'name = "bakeries"\nversion = "1.2.0"\ntitle = "Bakeries"\n',
    "sentinel.toml": "[look]\nshown = 3\n",
    "README.md": "What we changed, and why.\n",
}


def zipped(path: Path, files: dict[str, str | bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def everything(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


def test_a_pack_is_the_same_from_a_folder_and_from_a_zip_file_in_whatever_order(tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    for name, text in GOOD.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / ".DS_Store").write_text("x")
    plain = open_pack(folder)
    assert plain.layer.files == {"sentinel.toml": "[look]\nshown = 3\n"}
    for seed in range(3):
        names = random.Random(seed).sample(sorted(GOOD), len(GOOD))
        flat = zipped(tmp_path / f"flat-{seed}.zip", {name: GOOD[name] for name in names})
        deep = zipped(tmp_path / f"deep-{seed}.zip", {f"bakeries-1.2.0/{name}": GOOD[name] for name in names})
        assert open_pack(flat) == open_pack(deep) == plain


@pytest.mark.parametrize(
    "name",
    ["../sentinel.toml", "../../etc/passwd", "/etc/passwd", "a/../../x.toml", "..\\x.toml", "C:x.toml", "./x.toml",
     "a/b/x.toml", "a//x.toml"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    before = everything(tmp_path)
    path = zipped(tmp_path / "bad.zip", {**GOOD, name: "x = 1"})
    with pytest.raises(BadSettings):
        open_pack(path)
    assert everything(tmp_path) == sorted([*before, "bad.zip"])


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("sentinel.toml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("pack.toml", GOOD["pack.toml"])
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BadSettings, match="no plain file"):
        open_pack(tmp_path / "bad.zip")
    folder = tmp_path / "pack"
    folder.mkdir()
    (folder / "pack.toml").symlink_to("/etc/passwd")
    with pytest.raises(BadSettings, match="no plain file"):
        open_pack(folder)


@pytest.mark.parametrize(
    ("files", "how", "why"),
    [
        ({"pack.toml": b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED, "larger than"),
        ({**{f"{n}.toml": b"#" * 900_000 for n in range(6)}}, zipfile.ZIP_DEFLATED, "larger than"),
        ({**{f"{n}.toml": "" for n in range(2000)}}, zipfile.ZIP_DEFLATED, "more than 64"),
        (GOOD, zipfile.ZIP_LZMA, "plain zip"),
        ({"pack.toml": b"\xff\xfe"}, zipfile.ZIP_STORED, "UTF-8"),
        ({"sentinel.toml": ""}, zipfile.ZIP_STORED, "pack.toml is missing"),
    ],
)
def test_what_is_too_much_or_no_pack_is_refused(tmp_path, files, how, why):
    with pytest.raises(BadSettings, match=why):
        open_pack(zipped(tmp_path / "bad.zip", files, how))


def test_a_file_that_is_in_it_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("pack.toml", "x = 1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("pack.toml", "x = 2")
    with pytest.raises(BadSettings, match="twice"):
        open_pack(tmp_path / "bad.zip")


@settings(max_examples=150)
@example([(0.9921875, 1)], 1.0)  # the directory lies before the file's beginning
@given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6), st.floats(0, 1))
def test_whatever_became_of_the_bytes_it_opens_or_is_refused(tmp_path, changes, kept):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in GOOD.items():
            archive.writestr(name, text)
    content = bytearray(stream.getvalue())
    for place, byte in changes:
        content[int(place * len(content))] = byte
    path = tmp_path / "any.zip"
    path.write_bytes(content[: max(1, int(kept * 1.5 * len(content)))])
    try:
        found = open_pack(path)
    except BadSettings:
        return
    assert found.manifest.name


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('name = "Bakeries"\nversion = "1.0.0"\ntitle = "x"', "name"),
        ('name = "../x"\nversion = "1.0.0"\ntitle = "x"', "name"),
        ('name = "core"\nversion = "1.0.0"\ntitle = "x"', "name"),
        ('name = "x"\nversion = "1.0"\ntitle = "x"', "version"),
        ('name = "x"\nversion = "01.0.0"\ntitle = "x"', "version"),
        ('name = "x"\nversion = "../.."\ntitle = "x"', "version"),
        ('name = "x"\nversion = "1.0.0"', "title"),
        ('name = "x"\nversion = "1.0.0"\ntitle = "x"\nextends = "x"', "extends"),
        ('name = "x"\nversion = "1.0.0"\ntitle = "x"\nextends = "y >= new"', "extends"),
        ('name = "x"\nversion = "1.0.0"\ntitle = "x"\nlineside = 3', "lineside"),
        ('name = "x"\nversion = "1.0.0"\ntitle = "x"\nscript = "rm"', "script"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_with_its_key(tmp_path, text, key):
    (tmp_path / "pack.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadSettings) as refused:
        open_pack(tmp_path)
    assert refused.value.fields["key"] == key
