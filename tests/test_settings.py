"""What one installation is set to: files, variables, secrets, and every fault named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.errors import BadSettings
from lineside.settings import credential_variables, database_url, described, load_settings


def written(home: Path, text: str) -> Path:
    (home / "lineside.toml").write_text(text, encoding="utf-8")
    return home


def test_variables_go_over_the_file_also_for_nested_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = written(tmp_path, 'port = 8800\n[model]\nname = "filed"\nmax_turns = 3\n')
    monkeypatch.setenv("LINESIDE_PORT", "8801")
    monkeypatch.setenv("LINESIDE_MODEL__NAME", "exported")
    found = load_settings(home)

    assert (found.port, found.model.name, found.model.max_turns) == (8801, "exported", 3)
    origins = {key: origin for key, _, origin in described(found, home)}
    assert origins["model.name"] == "LINESIDE_MODEL__NAME"
    assert origins["model.max_turns"] == "lineside.toml"


def test_secrets_are_read_from_where_they_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qms.key").write_text("from-file\n", encoding="utf-8")
    monkeypatch.setenv("MY_KEY", "from-variable")
    home = written(
        tmp_path,
        '[model]\napi_key = { env = "MY_KEY" }\n[targets.qms]\nurl = "http://q"\ntoken = { file = "qms.key" }\n',
    )
    found = load_settings(home, credentials=True)

    assert found.model.api_key.get_secret_value() == "from-variable"
    assert found.targets["qms"].token.get_secret_value() == "from-file"
    assert "from-" not in str(list(described(found, home)))


@pytest.mark.parametrize("token", ['"written"', '{ file = "unreadable.key" }', '{ env = "NOT_SET_ANYWHERE" }'])
def test_nobody_but_the_executor_looks_up_what_a_target_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("LINESIDE_TARGETS__ERP__TOKEN", "from-variable")
    home = written(tmp_path, f'[targets.qms]\nurl = "http://q"\ntoken = {token}\n[targets.erp]\nurl = "http://e"\n')

    found = load_settings(home)

    said = {name: target.token.get_secret_value() for name, target in found.targets.items()}
    assert said == {"qms": "withheld", "erp": "withheld"}
    named = {"NOT_SET_ANYWHERE"} if "env" in token else set()
    assert credential_variables(home) == {"LINESIDE_TARGETS__ERP__TOKEN", *named}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 1", "colour"),
        ('[[sources]]\nname = "a"\nconnector = "b"\nevery = 3', "sources.0.every"),
        ("port = 70000", "port"),
        ('[model]\napi_key = { env = "NOT_SET_ANYWHERE" }', "NOT_SET_ANYWHERE"),
        ('[model]\napi_key = { file = "gone.key" }', "gone.key"),
        ("port = ", "TOML"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        load_settings(written(tmp_path, text))


@pytest.mark.parametrize("name", ["LINESIDE_COLOUR", "LINESIDE_MODEL__COLOUR"])
def test_an_unknown_variable_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")

    with pytest.raises(BadSettings, match=r"COLOUR|colour"):
        load_settings(tmp_path)


def test_the_database_is_in_the_home_unless_set(tmp_path: Path) -> None:
    assert database_url(load_settings(tmp_path), tmp_path) == f"sqlite:///{tmp_path / 'lineside.db'}"
    home = written(tmp_path, 'database = "postgresql+psycopg://x@y/z"')
    assert database_url(load_settings(home), home) == "postgresql+psycopg://x@y/z"
