"""The direction of imports, as pyproject.toml declares it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_import_contract_is_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    found = subprocess.run(
        [linter, "--config", ROOT / "pyproject.toml", "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-2000:]


def test_a_contract_covers_every_connector_there_is() -> None:
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folders = {path.parent.name for path in (ROOT / "ingest/lineside_ingest").glob("*/manifest.toml")}

    assert folders
    assert {name for name in folders if f'"lineside_ingest.{name}"' not in declared} == set()
