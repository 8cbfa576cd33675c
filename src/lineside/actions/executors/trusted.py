"""Our private key for an OPC UA server, read by the executor's process alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from lineside.errors import BadSettings

if TYPE_CHECKING:
    from lineside.actions.executors.allowlist import Server
    from lineside.actions.executors.pinned import Pinned


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """The key of our pinned certificate."""

    policy: str
    pinned: Pinned
    key: RSAPrivateKey

    @classmethod
    def load(cls, server: Server, pinned: Pinned, home: Path) -> Trusted:
        """As the file has it. Raises BadSettings with the file and what to do."""
        key = _key(home / server.private_key, server.private_key)
        if key.public_key() != pinned.ours.public_key():
            raise BadSettings(f"{server.private_key} is not the key of {server.certificate}", key="server.private_key")
        return cls(policy=server.policy, pinned=pinned, key=key)

    async def secure(self, client: Any) -> None:
        """The client will open its channel signed and encrypted, and to no other server. Raises ValueError."""
        from asyncua import ua
        from asyncua.crypto import security_policies, uacrypto

        now = datetime.now(UTC)
        for whose, each in (("our", self.pinned.ours), ("the server's", self.pinned.theirs)):
            if not each.not_valid_before_utc <= now <= each.not_valid_after_utc:
                raise ValueError(f"{whose} certificate is valid to {each.not_valid_after_utc:%Y-%m-%d}")
        client.application_uri = client.product_uri = self.pinned.application
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{self.policy}"),
            uacrypto.CertProperties(self.pinned.ours.public_bytes(Encoding.DER), "der"),
            uacrypto.CertProperties(pem, "pem"),
            server_certificate=uacrypto.CertProperties(self.pinned.theirs.public_bytes(Encoding.DER), "der"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )


def _key(path: Path, named: str) -> RSAPrivateKey:
    try:
        content = path.read_bytes()
        pem = content.lstrip().startswith(b"-----")
        found = load_pem_private_key(content, None) if pem else load_der_private_key(content, None)
    except (OSError, ValueError, TypeError) as error:  # TypeError: it has a password
        raise BadSettings(f"the private key {named} can't be read: {error}", path=str(path)) from error
    if not isinstance(found, RSAPrivateKey):
        raise BadSettings(f"the private key {named} is no RSA key", path=str(path))
    return found
