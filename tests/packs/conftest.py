"""An invented group of bakeries with a pack of its own, and homes to install it in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

MANIFEST = 'name = "{name}"\nversion = "{version}"\ntitle = "A pack"\n{more}'
RULE = """
[lot.rules.cooling]
state = "blocked"
because = "bread cools before it is sold"
before = "released"
when = [{ has = ["cooling"] }]
"""

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes a pack's folder; files by their names without the ending."""

    def made(name: str = "bakeries", version: str = "1.0.0", more: str = "", **files: str) -> Path:
        folder = tmp_path / "written" / f"{name}-{version}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pack.toml").write_text(MANIFEST.format(name=name, version=version, more=more), encoding="utf-8")
        for file, text in files.items():
            (folder / f"{file}.toml").write_text(text, encoding="utf-8")
        return folder

    return made


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a bakery that goes by the group's pack."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "plant.toml").write_text('site = "hafen"\ntime_zone = "Europe/Berlin"\npack = "bakeries"\n')
    return folder
