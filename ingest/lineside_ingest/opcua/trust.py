"""Who we are to a server, and whether we trust it: its endpoint, certificates, sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineside.errors import SourceRefused

POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
MODES = ("Sign", "SignAndEncrypt")
APPLICATION = "urn:lineside:connector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Paths of files; empty where there is none. policy: empty for a channel without security."""

    policy: str = ""
    mode: str = "SignAndEncrypt"
    certificate: str = ""
    private_key: str = ""
    server_certificate: str = ""
    trusted: str = ""
    user_certificate: str = ""
    user_private_key: str = ""


async def secure(client: Any, trust: Trust, source: str) -> str:
    """The client will open its channel as asked, to a server that is trusted; what was agreed on, in words.

    Raises SourceRefused with what to do.
    """
    from asyncua import Client, ua
    from asyncua.crypto import security_policies, uacrypto

    if trust.user_certificate:
        client.user_certificate = await _certificate(trust.user_certificate, source)
        client.user_private_key = await _private_key(trust.user_private_key, source)
    if not trust.policy:
        return "no security: anybody on the way can read and change what the server says"
    own = await _certificate(trust.certificate, source)
    key = await _private_key(trust.private_key, source)
    _valid(own, "our certificate", source, "make another: python -m lineside_ingest.opcua.certificate DIR")
    client.application_uri = _uri(own) or APPLICATION
    policy = getattr(security_policies, f"SecurityPolicy{trust.policy}")
    mode = getattr(ua.MessageSecurityMode, trust.mode)
    endpoints = await client.connect_and_get_server_endpoints()
    try:
        endpoint = Client.find_endpoint(endpoints, mode, policy.URI)
    except ua.UaError as error:
        offered = sorted({f"{e.SecurityPolicyUri.rpartition('#')[2]}/{e.SecurityMode.name}" for e in endpoints})
        raise SourceRefused(
            f"{source} has no endpoint with {trust.policy}/{trust.mode}; it has: {', '.join(offered)}"
        ) from error
    theirs = uacrypto.x509_from_der(_first(endpoint.ServerCertificate))
    how = await _trusted(theirs, trust, source)
    await client.set_security(
        policy,
        uacrypto.der_from_x509(own),
        _pem(key),
        server_certificate=uacrypto.CertProperties(uacrypto.der_from_x509(theirs), "der"),
        mode=mode,
    )
    return f"{trust.policy}, {trust.mode}, {how}"


async def _trusted(theirs: Any, trust: Trust, source: str) -> str:
    from asyncua.crypto.truststore import TrustStore
    from cryptography.hazmat.primitives import hashes

    print_ = theirs.fingerprint(hashes.SHA256()).hex()
    _valid(theirs, "the server's certificate", source, "its owner has to renew it")
    if trust.server_certificate:
        if await _certificate(trust.server_certificate, source) != theirs:
            raise SourceRefused(
                f"{source} shows another certificate (SHA-256 {print_}) than server_certificate: ask its owner whether "
                "it was renewed; if so, put the new one there"
            )
        return "the pinned server certificate"
    if trust.trusted:
        store = TrustStore([Path(trust.trusted)], [])
        try:
            await store.load()
        except (OSError, ValueError) as error:
            raise SourceRefused(f"{source}: the certificates in {trust.trusted} can't be read: {error}") from error
        if not store.validate(theirs):
            raise SourceRefused(
                f"{source} shows a certificate (SHA-256 {print_}) that no certificate in {trust.trusted} vouches for: "
                "compare it with its owner's, then put it there"
            )
        return "a trusted server certificate"
    return f"the server's certificate as it offered it (SHA-256 {print_}); pin it by server_certificate"


def advice(error: str) -> str:
    """What to do about a server's refusal, by the name of its status code."""
    for sign, fix in _ADVICE.items():
        if sign in error:
            return f"; {fix}"
    return ""


_ADVICE = {
    "BadUserAccessDenied": "the user lacks the right, or the password is wrong",
    "BadIdentityToken": "the server does not take this kind of sign-in: user and password, or a user certificate",
    "BadCertificateUriInvalid": "our certificate must carry our application's URI",
    "BadCertificateTimeInvalid": "a certificate has expired, or a clock is off",
    "BadCertificate": "the server must be told to trust our certificate",
    "BadSecurityChecksFailed": "the server must be told to trust our certificate, and we need the right key",
    "BadSecurityModeInsufficient": "the server wants security_mode SignAndEncrypt",
    "BadSecurityPolicyRejected": "the server wants another security_policy",
}


def _valid(certificate: Any, whose: str, source: str, fix: str) -> None:
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise SourceRefused(
            f"{source}: {whose} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
            f"{certificate.not_valid_after_utc:%Y-%m-%d}: {fix}"
        )


def _uri(certificate: Any) -> str:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.get_values_for_type(x509.UniformResourceIdentifier)), "")


async def _certificate(path: str, source: str) -> Any:
    from asyncua.crypto import uacrypto

    try:
        return await uacrypto.load_certificate(path)
    except (OSError, ValueError) as error:
        raise SourceRefused(f"{source}: the certificate {path} can't be read: {error}") from error


async def _private_key(path: str, source: str) -> Any:
    from asyncua.crypto import uacrypto

    try:
        return await uacrypto.load_private_key(path)
    except (OSError, ValueError, TypeError) as error:  # TypeError: it has a password
        raise SourceRefused(f"{source}: the private key {path} can't be read: {error}") from error


def _pem(key: Any) -> Any:
    from asyncua.crypto import cert_gen, uacrypto

    return uacrypto.CertProperties(cert_gen.dump_private_key_as_pem(key), "pem")


def _first(chain: bytes) -> bytes:
    """The first certificate of a chain, whose own length stands in its bytes 2 and 3."""
    return chain[: int.from_bytes(chain[2:4], "big") + 4]
