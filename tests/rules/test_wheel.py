"""The wheel, alone in a clean environment and an empty folder, runs the demo."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_what_it_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {"lineside/py.typed", "lineside/memory/embedding/model.onnx", "lineside_ingest/opcua/manifest.toml"} <= names
    assert any(name.startswith("lineside/prompts/") for name in names)
    assert any(name.startswith("lineside/memory/migrations/versions/") for name in names)
    assert not any(name.startswith(("tests/", "evals/")) for name in names)


@pytest.mark.slow
def test_the_wheel_alone_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    quiet = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", ROOT / "constraints.txt"]
    subprocess.run([*quiet, wheel], check=True, cwd=tmp_path)

    found = subprocess.run(
        [tmp_path / "venv/bin/lineside", "demo", "--once"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-3000:]
    assert "verified" in found.stdout
