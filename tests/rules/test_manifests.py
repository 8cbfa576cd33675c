"""Every connector declares itself, and its README names what it takes."""

from pathlib import Path

import pytest

from lineside import connector

INGEST = Path(__file__).parents[2] / "ingest/lineside_ingest"
FOLDERS = sorted(path.parent for path in INGEST.glob("*/__init__.py"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_folder_is_a_connector_with_its_papers(folder: Path) -> None:
    manifest = connector.installed()[folder.name]
    readme = (folder / "README.md").read_text(encoding="utf-8")

    assert manifest.name == folder.name
    assert manifest.proven_against
    assert [setting for setting in (*manifest.settings, *manifest.secrets) if f"`{setting}`" not in readme] == []


def test_every_declared_connector_has_a_folder() -> None:
    assert set(connector.installed()) == {folder.name for folder in FOLDERS}


def test_the_matrix_of_connectors_says_what_each_was_proven_against() -> None:
    readme = (INGEST.parent / "README.md").read_text(encoding="utf-8")
    rows = [_row(manifest) for manifest in connector.installed().values()]
    assert [row for row in rows if row not in readme] == []


def _row(manifest: connector.Manifest) -> str:
    kinds, proven = ", ".join(manifest.system_kinds), "; ".join(manifest.proven_against)
    cells = (f"`{manifest.name}`", kinds, manifest.protocol, manifest.deletes.replace("_", " "), proven)
    return f"| {' | '.join(cells)} |"
