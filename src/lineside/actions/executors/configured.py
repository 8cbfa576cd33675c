"""From a target's settings to what is known of it: by what its interface file says that it speaks."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

from lineside.actions.executors.allowlist import parse_allow_list
from lineside.actions.executors.interface import load_interface
from lineside.actions.executors.known import HttpKnown, OpcUaKnown
from lineside.errors import BadSettings

_LONGEST_S = 20.0  # a whole exchange, its watch included, must end within an executor's lease

Known: TypeAlias = HttpKnown | OpcUaKnown


class Configured(Protocol):
    """What the settings say of one target, but for its credential."""

    @property
    def interface(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def read_url(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def options(self) -> Mapping[str, str]: ...
    @property
    def timeout_s(self) -> float: ...


def configured(targets: Iterable[tuple[str, Configured]], home: Path) -> list[Known]:
    """What is known of each target that the settings name. Raises BadSettings with what to mend."""
    return [known(name, each, home) for name, each in targets]


def known(name: str, said: Configured, home: Path) -> Known:
    """What is known of one target. Raises BadSettings with what to mend."""
    own = home / "interfaces" / f"{said.interface}.toml"
    source = said.source or name
    if own.is_file() and _kind(own) == "opcua":
        if not said.url.startswith("opc.tcp://") or said.read_url:
            raise BadSettings(f"targets.{name}: url is as in opc.tcp://host:4840, and there is no read_url", key="url")
        if said.timeout_s > _LONGEST_S:
            raise BadSettings(f"targets.{name}: timeout_s is at most {_LONGEST_S:g} for OPC UA", key="timeout_s")
        return OpcUaKnown(
            said.url, source=source, allowed=parse_allow_list(own.read_bytes(), where=str(own)), home=home
        )
    interface = load_interface(said.interface, home)
    return HttpKnown(said.url, source=source, interface=interface, read_url=said.read_url, options=said.options)


def _kind(path: Path) -> object:
    """What the file says that it is; anything that can't be read is left to whoever reads it whole."""
    try:
        found: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ""
    return found.get("kind", "")
