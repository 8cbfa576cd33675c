"""Makes our own certificate: `python -m lineside_ingest.opcua.certificate DIR [HOST]`."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from lineside_ingest.opcua.trust import APPLICATION

DAYS = 5 * 365


def make(folder: Path, host: str = "") -> tuple[Path, Path]:
    """(certificate.der, private_key.pem) in the folder, self-signed for five years; what is there is not replaced.

    Raises FileExistsError, OSError.
    """
    from asyncua.crypto import cert_gen
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import ExtendedKeyUsageOID

    folder.mkdir(parents=True, exist_ok=True)
    certificate, private_key = folder / "certificate.der", folder / "private_key.pem"
    key = cert_gen.generate_private_key()
    names: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(APPLICATION),
        x509.DNSName(host or socket.gethostname()),
    ]
    made = cert_gen.generate_self_signed_app_certificate(
        key, "Lineside", {"organizationName": "Lineside"}, names, [ExtendedKeyUsageOID.CLIENT_AUTH], days=DAYS
    )
    private_key.touch(mode=0o600, exist_ok=False)
    private_key.write_bytes(cert_gen.dump_private_key_as_pem(key))
    certificate.write_bytes(made.public_bytes(Encoding.DER))
    return certificate, private_key


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    print(*make(Path(sys.argv[1]), *sys.argv[2:]), sep="\n")  # noqa: T201 - this is a command
