"""Who we are to an OPC UA server, and which one it must be: certificates, read and compared when the program starts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Our certificate and key, and the one certificate that the server must have."""

    policy: str
    ours: x509.Certificate
    key: RSAPrivateKey
    theirs: x509.Certificate
    application: str

    @classmethod
    def load(cls, server: Server, home: Path) -> Trusted:
        """As the files have them. Raises BadSettings with the file and what to do."""
        ours, theirs = (_certificate(home / path, path) for path in (server.certificate, server.server_certificate))
        key = _key(home / server.private_key, server.private_key)
        if key.public_key() != ours.public_key():
            raise BadSettings(f"{server.private_key} is not the key of {server.certificate}", key="server.private_key")
        application = next(iter(_uris(ours)), "")
        if not application:
            raise BadSettings(f"{server.certificate} names no application (a URI)", key="server.certificate")
        if server.uri not in _uris(theirs):
            raise BadSettings(
                f"{server.server_certificate} is not of {server.uri} but of {', '.join(_uris(theirs)) or 'nobody'}",
                key="server.server_certificate",
            )
        return cls(policy=server.policy, ours=ours, key=key, theirs=theirs, application=application)

    @property
    def pinned(self) -> str:
        """The fingerprint of the server's certificate."""
        return hashlib.sha256(self.theirs.public_bytes(Encoding.DER)).hexdigest()

    @property
    def digest(self) -> str:
        """Of both certificates: another one is another interface."""
        both = (each.public_bytes(Encoding.DER) for each in (self.ours, self.theirs))
        return hashlib.sha256(b"".join(both)).hexdigest()

    async def secure(self, client: Any) -> None:
        """The client will open its channel signed and encrypted, and to no other server. Raises ValueError."""
        from asyncua import ua
        from asyncua.crypto import security_policies, uacrypto

        now = datetime.now(UTC)
        for whose, each in (("our", self.ours), ("the server's", self.theirs)):
            if not each.not_valid_before_utc <= now <= each.not_valid_after_utc:
                raise ValueError(f"{whose} certificate is valid to {each.not_valid_after_utc:%Y-%m-%d}")
        client.application_uri = client.product_uri = self.application
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{self.policy}"),
            uacrypto.CertProperties(self.ours.public_bytes(Encoding.DER), "der"),
            uacrypto.CertProperties(pem, "pem"),
            server_certificate=uacrypto.CertProperties(self.theirs.public_bytes(Encoding.DER), "der"),
            mode=ua.MessageSecurityMode.SignAndEncrypt,
        )


def _certificate(path: Path, named: str) -> x509.Certificate:
    try:
        content = path.read_bytes()
        pem = content.lstrip().startswith(b"-----")
        return x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    except (OSError, ValueError) as error:
        raise BadSettings(f"the certificate {named} can't be read: {error}", path=str(path)) from error


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


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)
