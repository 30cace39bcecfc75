"""The pool's certificates: an authority of its own, and one certificate that all peers and clients share.

GlusterFS admits to its management whoever has a certificate of the authority, whatever name is on it (measured with
11.1): so the authority is nobody else's, and a name for each peer would keep nobody out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_YEARS, CERTIFICATE_YEARS = 20, 10
"""Long, because clients cannot mount once it has expired; each upgrade renews a certificate in its last third."""
CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"
"""Keys of the Secrets, those that cert-manager writes too."""
_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)

Pems = Mapping[str, bytes]


class Store(Protocol):
    """Where Secrets are kept, by name."""

    def secret(self, name: str) -> dict[str, bytes] | None:
        """The data of a Secret, or None."""

    def make_secret(self, name: str, data: Pems) -> bool:
        """Make it; False, and nothing is changed, when it is there."""

    def write_secret(self, name: str, data: Pems) -> None:
        """Give a Secret that is there other data."""


def provide(store: Store, name: str, now: datetime) -> str:
    """See that the Secret `name` has a certificate, signed by the authority in `name`-ca; a sentence on what was done.

    What is there is kept, a certificate in the last third of its time is replaced by a new one of the same authority.
    """
    current, authority = store.secret(name), f"{name}-ca"
    if current is not None and not _wears_out(current[CERTIFICATE], now):
        return f"The certificate in the Secret {name} is kept, it ends on {_end(current[CERTIFICATE])}."
    signer = store.secret(authority)
    if signer is None and current is not None:
        return (
            f"The certificate in the Secret {name} ends on {_end(current[CERTIFICATE])} and cannot be renewed: the "
            f"Secret {authority} is not there. Put a new certificate into {name} before that day."
        )
    if signer is None:
        signer = _authority(now)
        if not store.make_secret(authority, signer):  # somebody else was first: one authority is enough
            signer = store.secret(authority) or signer
    made = _certificate(signer, now)
    if current is not None:
        store.write_secret(name, made)
        return f"The certificate in the Secret {name} was renewed, it ends on {_end(made[CERTIFICATE])}."
    if not store.make_secret(name, made):
        return f"The certificate in the Secret {name} is kept."
    return f"The Secret {name} was made, its certificate ends on {_end(made[CERTIFICATE])}."


def _wears_out(pem: bytes, now: datetime) -> bool:
    found = x509.load_pem_x509_certificate(pem)
    begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    return end - now < (end - begin) / 3


def _end(pem: bytes) -> str:
    return f"{x509.load_pem_x509_certificate(pem).not_valid_after_utc:%Y-%m-%d}"


def _authority(now: datetime) -> dict[str, bytes]:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("glusterfs CA")
    usage = _usage("key_cert_sign", "crl_sign")
    builder = _builder(name, name, key, now, AUTHORITY_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    found = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    return {CERTIFICATE: found.public_bytes(serialization.Encoding.PEM), KEY: _pem(key)}


def _certificate(authority: Pems, now: datetime) -> dict[str, bytes]:
    issuer = x509.load_pem_x509_certificate(authority[CERTIFICATE])
    signer = serialization.load_pem_private_key(authority[KEY], None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name("glusterfs"), issuer.subject, key, now, CERTIFICATE_YEARS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage("digital_signature"), critical=True)
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    found = builder.add_extension(both, critical=False).sign(signer, hashes.SHA256())
    return {
        CERTIFICATE: found.public_bytes(serialization.Encoding.PEM),
        KEY: _pem(key),
        AUTHORITY: authority[CERTIFICATE],
    }


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, years: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(hours=1))  # nodes whose clocks are behind
        .not_valid_after(now.astimezone(UTC) + timedelta(days=365 * years))
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(*allowed: str) -> x509.KeyUsage:
    """A certificate's key usage: of _USES those that are `allowed`."""
    return x509.KeyUsage(**{use: use in allowed for use in _USES})


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, pkcs8, plain)
