"""The pool's certificates: who makes them, who keeps them, and that they are what TLS wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hooks.run.certificates import CERTIFICATE_YEARS, provide

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LATE = NOW + timedelta(days=365 * CERTIFICATE_YEARS * 0.7)


@dataclass
class Secrets:
    """Secrets in memory; `first` are those that somebody else makes just before us."""

    data: dict[str, dict[str, bytes]] = field(default_factory=dict)
    first: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def secret(self, name: str) -> dict[str, bytes] | None:
        return self.data.get(name)

    def make_secret(self, name: str, data: Mapping[str, bytes]) -> bool:
        if name in self.first:
            self.data[name] = self.first.pop(name)
        if name in self.data:
            return False
        self.data[name] = dict(data)
        return True

    def write_secret(self, name: str, data: Mapping[str, bytes]) -> None:
        assert name in self.data
        self.data[name] = dict(data)


def made() -> Secrets:
    secrets = Secrets()
    provide(secrets, "gluster-tls", NOW)
    return secrets


def certificate(secrets: Secrets) -> x509.Certificate:
    return x509.load_pem_x509_certificate(secrets.data["gluster-tls"]["tls.crt"])


def test_a_certificate_of_an_authority_of_its_own() -> None:
    secrets = Secrets()
    said = provide(secrets, "gluster-tls", NOW)
    assert said == "The Secret gluster-tls was made, its certificate ends on 2036-11-21."
    pair, authority = secrets.data["gluster-tls"], secrets.data["gluster-tls-ca"]
    assert pair["ca.crt"] == authority["tls.crt"]
    assert authority["tls.key"] not in pair.values(), "who has the certificate can make no others"
    found, signer = certificate(secrets), x509.load_pem_x509_certificate(authority["tls.crt"])
    found.verify_directly_issued_by(signer)
    assert load_pem_private_key(pair["tls.key"], None).public_key() == found.public_key()
    assert [name.value for name in found.subject] == ["glusterfs"]
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate(made()) != found, "no two pools have the same"


def test_what_is_there_is_kept() -> None:
    secrets = made()
    before = {name: dict(data) for name, data in secrets.data.items()}
    said = provide(secrets, "gluster-tls", NOW + timedelta(days=365))
    assert said == "The certificate in the Secret gluster-tls is kept, it ends on 2036-11-21."
    assert secrets.data == before


def test_in_the_last_third_it_is_renewed_by_the_same_authority() -> None:
    secrets = made()
    authority, before = secrets.data["gluster-tls-ca"], certificate(secrets)
    assert "was renewed, it ends on" in provide(secrets, "gluster-tls", LATE)
    assert secrets.data["gluster-tls-ca"] == authority
    renewed = certificate(secrets)
    renewed.verify_directly_issued_by(x509.load_pem_x509_certificate(authority["tls.crt"]))
    assert renewed.not_valid_after_utc > before.not_valid_after_utc


def test_without_its_authority_it_is_kept_and_said_so() -> None:
    secrets = made()
    del secrets.data["gluster-tls-ca"]
    before = secrets.data["gluster-tls"]
    assert "cannot be renewed: the Secret gluster-tls-ca is not there" in provide(secrets, "gluster-tls", LATE)
    assert secrets.data == {"gluster-tls": before}


@pytest.mark.parametrize("names", [["gluster-tls-ca"], ["gluster-tls-ca", "gluster-tls"]])
def test_of_two_hooks_the_first_one_counts(names: list[str]) -> None:
    theirs = made()
    secrets = Secrets(first={name: theirs.data[name] for name in names})
    provide(secrets, "gluster-tls", NOW)
    assert {name: secrets.data[name] for name in names} == {name: theirs.data[name] for name in names}
    found = certificate(secrets)
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(theirs.data["gluster-tls-ca"]["tls.crt"]))


def test_a_hook_that_was_killed_between_the_two() -> None:
    secrets = made()
    del secrets.data["gluster-tls"]
    authority = secrets.data["gluster-tls-ca"]
    provide(secrets, "gluster-tls", NOW)
    assert secrets.data["gluster-tls"]["ca.crt"] == authority["tls.crt"]
