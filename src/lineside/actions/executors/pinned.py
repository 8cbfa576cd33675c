"""The one OPC UA server that may be written to, and who we are to it: certificates, compared at the start."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lineside.errors import BadSettings

if TYPE_CHECKING:
    from lineside.actions.executors.allowlist import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """Our certificate, and the one that the server must have. application: the URI that ours names."""

    ours: x509.Certificate
    theirs: x509.Certificate
    application: str

    @classmethod
    def load(cls, server: Server, home: Path) -> Pinned:
        """As the files have them. Raises BadSettings with the file and what to do."""
        ours, theirs = (_certificate(home / path, path) for path in (server.certificate, server.server_certificate))
        application = next(iter(_uris(ours)), "")
        if not application:
            raise BadSettings(f"{server.certificate} names no application (a URI)", key="server.certificate")
        if server.uri not in _uris(theirs):
            raise BadSettings(
                f"{server.server_certificate} is not of {server.uri} but of {', '.join(_uris(theirs)) or 'nobody'}",
                key="server.server_certificate",
            )
        return cls(ours=ours, theirs=theirs, application=application)

    @property
    def fingerprint(self) -> str:
        """Of the server's certificate."""
        return hashlib.sha256(self.theirs.public_bytes(Encoding.DER)).hexdigest()

    @property
    def digest(self) -> str:
        """Of both certificates: another one is another interface."""
        both = (each.public_bytes(Encoding.DER) for each in (self.ours, self.theirs))
        return hashlib.sha256(b"".join(both)).hexdigest()


def _certificate(path: Path, named: str) -> x509.Certificate:
    try:
        content = path.read_bytes()
        pem = content.lstrip().startswith(b"-----")
        return x509.load_pem_x509_certificate(content) if pem else x509.load_der_x509_certificate(content)
    except (OSError, ValueError) as error:
        raise BadSettings(f"the certificate {named} can't be read: {error}", path=str(path)) from error


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)
