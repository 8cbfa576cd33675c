"""From a target's settings to the target: by what its interface file says that it speaks."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from lineside.actions.executors import Target
from lineside.actions.executors.allowlist import parse_allow_list
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.interface import load_interface
from lineside.errors import BadSettings

_LONGEST_S = 20.0  # a whole exchange, its watch included, must end within an executor's lease


class Secret(Protocol):
    """What is shown only when it is asked for."""

    def get_secret_value(self) -> str: ...


class Configured(Protocol):
    """What the settings say of one target."""

    @property
    def interface(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def token(self) -> Secret: ...
    @property
    def read_url(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def timeout_s(self) -> float: ...


def configured(targets: Iterable[tuple[str, Configured]], home: Path, clock: Callable[[], datetime]) -> list[Target]:
    """Each target that the settings name. Raises BadSettings with what to mend."""
    return [_target(name, each, home, clock) for name, each in targets]


def _target(name: str, said: Configured, home: Path, clock: Callable[[], datetime]) -> Target:
    own = home / "interfaces" / f"{said.interface}.toml"
    if own.is_file() and _kind(own) == "opcua":
        from lineside.actions.executors.opcua import OpcUaTarget

        if not said.url.startswith("opc.tcp://") or said.read_url:
            raise BadSettings(f"targets.{name}: url is as in opc.tcp://host:4840, and there is no read_url", key="url")
        if said.timeout_s > _LONGEST_S:
            raise BadSettings(f"targets.{name}: timeout_s is at most {_LONGEST_S:g} for OPC UA", key="timeout_s")
        return OpcUaTarget(
            said.url,
            said.token.get_secret_value(),
            source=said.source or name,
            allowed=parse_allow_list(own.read_bytes(), where=str(own)),
            home=home,
            clock=clock,
            timeout_s=said.timeout_s,
        )
    return HttpTarget(
        said.url,
        said.token.get_secret_value(),
        source=said.source or name,
        interface=load_interface(said.interface, home),
        read_url=said.read_url,
        timeout_s=said.timeout_s,
    )


def _kind(path: Path) -> object:
    """What the file says that it is; anything that can't be read is left to whoever reads it whole."""
    try:
        found: Mapping[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ""
    return found.get("kind", "")
