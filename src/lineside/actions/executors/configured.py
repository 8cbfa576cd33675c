"""From a target's settings to what is known of it: by what its interface file says that it speaks."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

from lineside.actions.executors.allowlist import parse_allow_list
from lineside.actions.executors.interface import interface_file, parse_interface
from lineside.actions.executors.known import HttpKnown, OpcUaKnown
from lineside.actions.executors.letter import MailKnown, parse_letter
from lineside.errors import BadSettings

_LONGEST_S = 20.0  # a whole exchange, its watch included, must end within an executor's lease

Known: TypeAlias = HttpKnown | OpcUaKnown | MailKnown


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
    source = said.source or name
    content, where = interface_file(said.interface, home)
    kind = _kind(content)
    if kind in ("opcua", "smtp") and said.timeout_s > _LONGEST_S:
        raise BadSettings(f"targets.{name}: timeout_s is at most {_LONGEST_S:g} for {kind}", key="timeout_s")
    if kind == "opcua":
        if not said.url.startswith("opc.tcp://") or said.read_url:
            raise BadSettings(f"targets.{name}: url is as in opc.tcp://host:4840, and there is no read_url", key="url")
        return OpcUaKnown(said.url, source=source, allowed=parse_allow_list(content, where=where), home=home)
    if kind == "smtp":
        return MailKnown(said.url, source=source, letter=parse_letter(content, where=where), options=said.options)
    interface = parse_interface(content, where=where)
    return HttpKnown(said.url, source=source, interface=interface, read_url=said.read_url, options=said.options)


def _kind(content: bytes) -> object:
    """What the file says that it is; anything that can't be read is left to whoever reads it whole."""
    try:
        found: Mapping[str, object] = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return ""
    return found.get("kind", "")
