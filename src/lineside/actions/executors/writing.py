"""From a target's settings and its credential to what writes to it. The executor's process alone imports this."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from lineside.actions.executors import Writer
from lineside.actions.executors.configured import Configured, known
from lineside.actions.executors.http import HttpTarget
from lineside.actions.executors.known import OpcUaKnown
from lineside.actions.executors.letter import MailKnown


class Secret(Protocol):
    """What is shown only when it is asked for."""

    def get_secret_value(self) -> str: ...


class Entrusted(Configured, Protocol):
    """What the settings say of one target, with its credential."""

    @property
    def token(self) -> Secret: ...


def writers(targets: Iterable[tuple[str, Entrusted]], home: Path, clock: Callable[[], datetime]) -> list[Writer]:
    """What writes to each target that the settings name. Raises BadSettings with what to mend."""
    return [_writer(name, each, home, clock) for name, each in targets]


def _writer(name: str, said: Entrusted, home: Path, clock: Callable[[], datetime]) -> Writer:
    of, token = known(name, said, home), said.token.get_secret_value()
    if isinstance(of, OpcUaKnown):
        from lineside.actions.executors.opcua import OpcUaTarget

        return OpcUaTarget(
            of.url, token, source=of.source, allowed=of.allowed, home=home, clock=clock, timeout_s=said.timeout_s
        )
    if isinstance(of, MailKnown):
        from lineside.actions.executors.smtp import MailTarget

        return MailTarget(
            of.url, token, source=of.source, letter=of.letter, options=of.options, home=home, timeout_s=said.timeout_s
        )
    return HttpTarget(
        of.url,
        token,
        source=of.source,
        interface=of.described,
        read_url=of.read_url,
        options=of.options,
        timeout_s=said.timeout_s,
    )
