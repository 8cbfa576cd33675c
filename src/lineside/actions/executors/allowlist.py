"""Which setpoints may be written, and within what: a file in the home, checked when it is loaded.

A row is one node of one server, by its namespace's URI, with its bounds. What is not in a row can't be written; what
is a safety function can't be in a row.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
import struct
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lineside.actions.types.setpoint import NAME, STATE
from lineside.errors import BadSettings
from lineside.plant.quantities import plain, unit

WHOLE = {f"{sign}Int{bits}": (sign == "", bits) for sign in ("", "U") for bits in (16, 32, 64)}
WHOLE |= {"SByte": (True, 8), "Byte": (False, 8)}
_LARGEST = {"Float": Decimal(struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]), "Double": Decimal(2) ** 1023}
# The server's own nodes: never a setpoint of a machine.
_OPC_FOUNDATION = "http://opcfoundation.org/UA/"
# Of names: whole words as they are written in them, in any case, with any separators.
_SAFETY = (
    ("safety",), ("safe",), ("failsafe",), ("fail", "safe"), ("sicherheit",), ("emergency",), ("estop",), ("e", "stop"),
    ("not", "aus"), ("notaus",), ("not", "halt"), ("nothalt",), ("interlock",), ("interlocks",), ("verriegelung",),
    ("bypass",), ("sil",), ("sis",), ("esd",), ("sto",), ("muting",),
)  # fmt: skip
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-zäöüß]+|[A-Z]+|\d+")
_Number = Annotated[Decimal, Field(allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rate(_Section):
    """How far the value may move in how much time."""

    change: _Number = Field(gt=0)
    per_s: _Number = Field(gt=0)


class Server(_Section):
    """The one server, how its channel is secured, and as whom it is signed in to. Paths are relative to the home."""

    uri: str = Field(min_length=1)
    policy: Literal["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "Basic256Sha256"
    certificate: str = ""
    private_key: str = ""
    server_certificate: str = ""
    user: str = Field(min_length=1)
    insecure: bool = Field(False, description="for a laboratory: neither signed nor encrypted")

    @model_validator(mode="after")
    def _secured(self) -> Server:
        missing = [name for name in ("certificate", "private_key", "server_certificate") if not getattr(self, name)]
        if missing and not self.insecure:
            raise ValueError(f"{missing[0]} is missing: a channel that is written over is signed, encrypted and pinned")
        return self


class Node(_Section):
    """A node by its namespace's URI and its identifier, in the one spelling of each: i=, s=, g= or b=."""

    namespace: str = Field(min_length=1)
    node: str

    @model_validator(mode="after")
    def _spelled(self) -> Node:
        if self.namespace.strip() != self.namespace or self.namespace.rstrip("/") + "/" == _OPC_FOUNDATION:
            raise ValueError(f"{self.namespace!r} is no namespace of a machine")
        if (said := one_spelling(self.node)) != self.node:
            raise ValueError(f"{self.node!r} is not the plain spelling of a node id in its namespace: {said}")
        return self

    @property
    def whole(self) -> str:
        return f"nsu={self.namespace};{self.node}"


class State(Node):
    """Where a machine says what it does. words: what its codes mean."""

    words: dict[str, str] = Field(default_factory=dict)

    def said(self, raw: object) -> str | None:
        """The state in words; None where the node has none."""
        match raw:
            case bool():
                text = str(raw).lower()
            case int() | str():
                text = str(raw).strip()
            case float() if raw.is_integer():
                text = str(int(raw))
            case _:
                return None
        return self.words.get(text, text) or None


class Setpoint(Node):
    """One row. max_step: from what is there now. max_rate: over the time since it was last written. deadband: what is
    too little to be worth a write. tolerance: how closely it must read back. states: in which it may be written."""

    equipment: str = Field(min_length=1)
    parameter: str
    type: Literal["Float", "Double", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"]
    unit: str
    min: _Number
    max: _Number
    max_step: _Number = Field(gt=0)
    max_rate: Rate
    deadband: _Number = Field(Decimal(0), ge=0)
    tolerance: _Number = Field(ge=0)
    watch_s: float = Field(ge=0, le=20)
    states: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Setpoint:
        if not NAME.fullmatch(self.parameter) or self.parameter == STATE:
            raise ValueError(f"parameter {self.parameter!r}: small letters, digits and _, and not {STATE}")
        if self.min >= self.max:
            raise ValueError(f"min {self.min} is not below max {self.max}")
        if max(self.deadband, self.tolerance) >= self.max_step:
            raise ValueError("deadband and tolerance must be below max_step")
        for name in ("min", "max"):
            if holds(self.type, getattr(self, name)) is None:
                raise ValueError(f"{name} {getattr(self, name)} is no {self.type}")
        return self

    def with_unit(self, value: Decimal) -> str:
        """As records say it."""
        return f"{plain(value)} {unit(self.unit)}".strip()

    def outside(self, value: Decimal) -> str:
        """Why this can't be the value, wherever it is now; empty where it can."""
        name = f"{self.parameter} of {self.equipment}"
        if not value.is_finite():
            return f"{value} is no number that {name} can have"
        if not self.min <= value <= self.max:
            return f"{name} must be from {self.with_unit(self.min)} to {self.with_unit(self.max)}, not {value:.12g}"
        kept = holds(self.type, value)
        if kept is None or abs(said(self.type, kept) - value) > self.tolerance:
            return f"{name} is a {self.type}, which can't hold {value}"
        return ""

    def too_far(self, value: Decimal, now: Decimal) -> str:
        """Why it can't be written while `now` is there; empty where it can."""
        step, name = abs(value - now), f"{self.parameter} of {self.equipment}"
        if step > self.max_step:
            return (
                f"from {self.with_unit(now)} to {self.with_unit(value)} is more than {name} may move at once, "
                f"{self.with_unit(self.max_step)}"
            )
        if step == 0 or step < self.deadband:
            return f"{name} is {self.with_unit(now)} already; {self.with_unit(value)} is within its deadband"
        return ""

    def too_soon(self, value: Decimal, now: Decimal, elapsed_s: float | None) -> str:
        """Why it can't be written so soon after it was last written; None: it never was."""
        if elapsed_s is None:
            return ""
        if elapsed_s < 0:
            return "the clock went back since the last write; nothing is written until it has caught up"
        if abs(value - now) * self.max_rate.per_s > self.max_rate.change * Decimal(elapsed_s):
            return (
                f"{self.parameter} of {self.equipment} was written {elapsed_s:.0f} s ago and may move by "
                f"{self.with_unit(self.max_rate.change)} in {plain(self.max_rate.per_s)} s"
            )
        return ""

    def facts(self) -> tuple[str, ...]:
        """The row, for the approver."""
        only = self.with_unit
        return (
            f"{self.parameter}: {only(self.min)} to {only(self.max)}, at most {only(self.max_step)} at once",
            f"at most {only(self.max_rate.change)} in {plain(self.max_rate.per_s)} s since it was last written",
            f"written only while {self.equipment} is {' or '.join(self.states)}",
            f"written as {self.type} to {self.whole}",
            f"must read back within {only(self.tolerance)}, watched for {self.watch_s:g} s",
        )


class Described(_Section):
    """The whole file."""

    kind: Literal["opcua"]
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    server: Server
    states: dict[str, State]
    setpoints: tuple[Setpoint, ...] = Field(min_length=1)
    never: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _closed(self) -> Described:
        rows: set[tuple[str, str]] = set()
        nodes = {state.whole for state in self.states.values()}
        for each in self.setpoints:
            state = self.states.get(each.equipment)
            if state is None:
                raise ValueError(f'{each.equipment}: say where its state is, as [states."{each.equipment}"]')
            if state.words and (unknown := sorted(set(each.states) - set(state.words.values()))):
                raise ValueError(f"{each.parameter}: {unknown[0]} is no state of {each.equipment}")
            if (each.equipment, each.parameter) in rows or each.whole in nodes:
                raise ValueError(
                    f"{each.parameter} of {each.equipment}, {each.whole}: its name or its node is here twice"
                )
            rows.add((each.equipment, each.parameter))
            nodes.add(each.whole)
            if why := self.forbids(each.parameter, each.node, each.whole):
                raise ValueError(f"{each.parameter} of {each.equipment} can't be in an allow-list: {why}")
        return self

    def forbids(self, *names: str) -> str:
        """Why something that is called so is never written; empty where it may be."""
        for name in names:
            # A namespace is named after its owner.
            words = () if name.startswith("nsu=") else tuple(word.casefold() for word in _WORDS.findall(name))
            for sign in _SAFETY:
                if any(words[at : at + len(sign)] == sign for at in range(len(words))):
                    return f"{name} sounds like a safety function ({' '.join(sign)})"
            for pattern in self.never:
                if fnmatchcase(name.casefold(), pattern.casefold()):
                    return f"{name} is among what is never written ({pattern})"
        return ""


@dataclass(frozen=True, slots=True)
class AllowList:
    """The file as it was loaded. digest: of its bytes, which a proposal and an arming are bound to."""

    described: Described
    digest: str

    def row(self, equipment: str, parameter: str) -> Setpoint | None:
        """The row of exactly this name."""
        found = (e for e in self.described.setpoints if (e.equipment, e.parameter) == (equipment, parameter))
        return next(found, None)

    def rows(self, equipment: str) -> list[Setpoint]:
        return [each for each in self.described.setpoints if each.equipment == equipment]


def parse_allow_list(content: bytes, *, where: str) -> AllowList:
    """The allow-list in a file's bytes. Raises BadSettings with the key and what to do."""
    try:
        described = Described(**tomllib.loads(content.decode(), parse_float=Decimal))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{where} is not TOML: {error}", path=where) from error
    except (ValidationError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        key = ".".join(str(each) for each in first["loc"])
        raise BadSettings(f"{where}: {key}: {first['msg']}", path=where, key=key) from error
    return AllowList(described, hashlib.sha256(content).hexdigest())


def one_spelling(identifier: str) -> str:
    """The one way to write this identifier, or what is wrong with it."""
    kind, equals, text = identifier.partition("=")
    if not equals:
        return "write it as s=Press7.Temperature"
    try:
        match kind:
            case "s":
                plainly = text and text == text.strip() and text.isprintable() and ";" not in text
                return f"s={text}" if plainly else "a text with no space around it, no ; and no invisible character"
            case "i":
                number = int(text) if text.isascii() and text.isdecimal() else -1
                return f"i={number}" if 0 < number < 2**32 else "a number from 1 to 4294967295"
            case "g":
                return f"g={UUID(text)}"
            case "b":
                return (
                    f"b={base64.b64encode(base64.b64decode(text, validate=True)).decode()}"
                    if text
                    else "bytes in base64"
                )
    except (ValueError, binascii.Error) as error:
        return str(error)
    return "one of i=, s=, g=, b=, without the number of a namespace or server"


def holds(type_: str, value: Decimal) -> int | float | None:
    """The number as the type has it; None where it has none so large, or none between two whole ones."""
    if type_ in WHOLE:
        signed, bits = WHOLE[type_]
        least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return int(value) if value == value.to_integral_value() and least <= value <= most else None
    if abs(value) > _LARGEST[type_]:
        return None
    return struct.unpack("<f", struct.pack("<f", float(value)))[0] if type_ == "Float" else float(value)


def said(type_: str, raw: float) -> Decimal:
    """The shortest decimal that is the same number in that type: 12.3, not 12.300000190734863."""
    if type_ == "Float" and math.isfinite(raw):
        packed = struct.pack("<f", raw)
        for digits in range(6, 10):
            candidate = f"{raw:.{digits}g}"
            if struct.pack("<f", float(candidate)) == packed:
                return Decimal(candidate)
    return Decimal(str(raw))
