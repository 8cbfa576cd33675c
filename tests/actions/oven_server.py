"""An oven behind a secured OPC UA server in a thread of its own, with faults and its own account of the writes."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.crypto import cert_gen
from asyncua.crypto.permission_rules import SimpleRoleRuleset, User, UserRole
from asyncua.server.user_managers import UserManager
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

SERVER, WORKS, OTHER = "urn:bakery:oven-server", "urn:bakery:hall-1", "urn:bakery:hall-2"
WRITER, READER, PASSWORD = "lineside-writer", "lineside-reader", "rising-dough"
OVEN = "westhafen/hall-1/oven-2"
STATES = {0: "idle", 1: "baking", 2: "cleaning"}
TYPES = {"Temp": "Float", "Belt": "Int16", "Ratio": "Double", "State": "Int32", "Hidden": "Float", "Valve": "Float"}
START = {"Temp": 180.0, "Belt": 40, "Ratio": 1.0, "State": 0, "Hidden": 1.0, "Valve": 1.0}

ROWS = f"""
kind = "opcua"
name = "oven-setpoints"
version = "1"
never = ["*Hidden*"]

[server]
uri = "{SERVER}"
certificate = "ours.der"
private_key = "ours.pem"
server_certificate = "theirs.der"
user = "{WRITER}"

[states."{OVEN}"]
namespace = "{WORKS}"
node = "s=Oven2.State"
words = {{ "0" = "idle", "1" = "baking", "2" = "cleaning" }}

[[setpoints]]
equipment = "{OVEN}"
parameter = "temperature_setpoint"
namespace = "{WORKS}"
node = "s=Oven2.Temp"
type = "Float"
unit = "Cel"
min = 150
max = 240.5
max_step = 10
max_rate = {{ change = 20, per_s = 60 }}
deadband = 0.5
tolerance = 0.05
watch_s = 0
states = ["idle", "baking"]

[[setpoints]]
equipment = "{OVEN}"
parameter = "belt_speed"
namespace = "{WORKS}"
node = "s=Oven2.Belt"
type = "Int16"
unit = "mm/s"
min = 10
max = 90
max_step = 15
max_rate = {{ change = 30, per_s = 60 }}
tolerance = 0
watch_s = 0
states = ["baking"]

[[setpoints]]
equipment = "{OVEN}"
parameter = "dough_ratio"
namespace = "{WORKS}"
node = "s=Oven2.Ratio"
type = "Double"
unit = ""
min = 0.2
max = 3
max_step = 0.5
max_rate = {{ change = 1, per_s = 60 }}
tolerance = 0.000001
watch_s = 0
states = ["idle"]

[[setpoints]]
equipment = "{OVEN}"
parameter = "valve_opening"
namespace = "{WORKS}"
node = "s=Oven2.Valve"
type = "Float"
unit = "%"
min = 0
max = 100
max_step = 100
max_rate = {{ change = 100, per_s = 1 }}
tolerance = 0.1
watch_s = 0
states = ["idle", "baking", "cleaning"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One write as it reached the server, from whoever is no operator."""

    at: datetime
    node: ua.NodeId
    attribute: int
    type: str
    value: Any
    before: Any
    state: str
    by: str


@dataclass
class Fault:
    """What the server does with the next writes."""

    name: str = ""
    ends: asyncio.Event = field(default_factory=asyncio.Event)


class Users(UserManager):
    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> User | None:
        del iserver, certificate
        known = username in (WRITER, READER) and password == PASSWORD
        return User(role=UserRole.User, name=username) if known else None


class Rights(SimpleRoleRuleset):  # type: ignore[misc]
    """Whoever reads can't write."""

    def check_validity(self, user: User, action_type_id: Any, body: Any) -> bool:
        if action_type_id == ua.NodeId(ua.ObjectIds.WriteRequest_Encoding_DefaultBinary) and user.name != WRITER:
            return False
        return bool(super().check_validity(user, action_type_id, body))


class Oven:
    """The server as a test steers it and looks at it. now: its account's clock, moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.now = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
        self.account: list[Written] = []
        self.nodes: dict[str, Any] = {}
        self.fault = Fault()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        for whose, uri, usage in (
            ("ours", "urn:bakery:lineside", ExtendedKeyUsageOID.CLIENT_AUTH),
            ("theirs", SERVER, ExtendedKeyUsageOID.SERVER_AUTH),
            ("stranger", SERVER, ExtendedKeyUsageOID.SERVER_AUTH),
        ):
            key = cert_gen.generate_private_key()
            names = [x509.UniformResourceIdentifier(uri), x509.DNSName("localhost")]
            made = cert_gen.generate_self_signed_app_certificate(
                key, whose, {"organizationName": "Bakery"}, names, [usage], days=2
            )
            (folder / f"{whose}.der").write_bytes(made.public_bytes(Encoding.DER))
            (folder / f"{whose}.pem").write_bytes(cert_gen.dump_private_key_as_pem(key))
        logging.getLogger("asyncua").setLevel(logging.CRITICAL)

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(30)

    def start(self) -> None:
        self._thread.start()
        self.run(self._start())

    def stop(self) -> None:
        self.run(self._set_fault(""))
        self.run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def reset(self) -> None:
        self.run(self._set_fault(""))
        for name, value in START.items():
            self.set(name, value)
        self.account.clear()

    def set(self, name: str, value: Any, *, status: int = ua.StatusCodes.Good) -> None:
        """Somebody at the machine sets it."""
        variant = ua.Variant(value, ua.VariantType[TYPES[name]] if status == ua.StatusCodes.Good else None)
        self.run(self.nodes[name].write_value(self._stamped(variant, ua.StatusCode(status))))

    def value(self, name: str) -> Any:
        return self.run(self.nodes[name].read_value())

    def break_by(self, fault: str) -> None:
        self.run(self._set_fault(fault))

    def _stamped(self, variant: Any, status: Any) -> Any:
        return ua.DataValue(variant, status, SourceTimestamp=self.now, ServerTimestamp=self.now)

    async def _set_fault(self, name: str) -> None:
        self.fault.ends.set()
        self.fault = Fault(name)

    async def _start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.url = f"opc.tcp://127.0.0.1:{free.getsockname()[1]}/"
        self.server = Server(user_manager=Users())
        await self.server.init()
        await self.server.set_application_uri(SERVER)
        self.server.set_endpoint(self.url)
        policies = [ua.SecurityPolicyType.NoSecurity, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
        self.server.set_security_policy(policies, permission_ruleset=Rights())
        self.server.set_identity_tokens([ua.UserNameIdentityToken])
        await self.server.load_certificate(str(self.folder / "theirs.der"))
        await self.server.load_private_key(str(self.folder / "theirs.pem"))
        for uri in (OTHER, WORKS):
            index = await self.server.register_namespace(uri)
            for name, value in START.items():
                kind = ua.VariantType[TYPES[name]]
                shown = "Emergency relief" if name == "Valve" else name
                node = await self.server.nodes.objects.add_variable(
                    ua.NodeId(f"Oven2.{name}", index), ua.QualifiedName(shown, index), ua.Variant(value, kind)
                )
                await node.set_writable()
                self.nodes[name] = node  # those of WORKS in the end
        attributes = self.server.iserver.attribute_service
        self.server.iserver.aspace.force_server_timestamp = False
        write = attributes.write

        async def accounted(parameters: Any, user: Any = None) -> Any:
            if user is None or user.role is not UserRole.User:
                return await write(parameters, *([] if user is None else [user]))
            fault = self.fault
            if fault.name == "silent before":
                await fault.ends.wait()
                return [ua.StatusCode(ua.StatusCodes.BadShutdown)]
            if fault.name == "refuses":
                return [ua.StatusCode(ua.StatusCodes.BadOutOfRange)]
            if fault.name == "fails":
                return [ua.StatusCode(ua.StatusCodes.BadInternalError)]
            for each in parameters.NodesToWrite:
                await self._note(each, user)
                each.Value = self._stamped(each.Value.Value, ua.StatusCode())
            if fault.name == "swallows":
                return [ua.StatusCode()]
            results = await write(parameters, user)
            if fault.name == "writes another":
                await self.nodes["Temp"].write_value(ua.Variant(200.0, ua.VariantType.Float))
            if fault.name == "silent after":
                await fault.ends.wait()
            return results

        attributes.write = accounted
        await self.server.start()

    async def _note(self, wanted: Any, user: Any) -> None:
        before = await self.server.get_node(wanted.NodeId).read_value()
        variant = wanted.Value.Value
        self.account.append(
            Written(
                at=self.now,
                node=wanted.NodeId,
                attribute=int(wanted.AttributeId),
                type=variant.VariantType.name,
                value=variant.Value,
                before=before,
                state=STATES.get(await self.nodes["State"].read_value(), "?"),
                by=user.name,
            )
        )
