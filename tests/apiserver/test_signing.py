"""Certificates that the cluster's authority signs for users and nodes."""

from __future__ import annotations

import base64
import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.fakes.requests import signing_request

from podwright.apiserver import pki
from podwright.apiserver.signing import Authority

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    folder: Path = tmp_path_factory.mktemp("pki")
    return pki.ensure(folder, [pki.Order("ca", "test-ca", authority=True)], NOW)


def signed(files: pki.Pki, request: str, *usages: str, seconds: int | None = None) -> x509.Certificate:
    pem = Authority(files, lambda: NOW).sign(base64.b64decode(request), usages, seconds)
    made = x509.load_pem_x509_certificate(pem)
    made.verify_directly_issued_by(x509.load_pem_x509_certificate(files.ca.read_bytes()))
    return made


def test_a_users_certificate_is_a_users_and_no_authority(files: pki.Pki) -> None:
    made = signed(files, signing_request("jane", "dev"), "client auth", "digital signature")
    assert made.subject.rfc4514_string() == "CN=jane,O=dev"
    extensions = made.extensions
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign, usage.key_encipherment) == (True, False, False)


def test_no_usage_of_the_key_means_any(files: pki.Pki) -> None:
    made = signed(files, signing_request("jane"), "client auth")
    with pytest.raises(x509.ExtensionNotFound):
        made.extensions.get_extension_for_class(x509.KeyUsage)


def test_a_server_keeps_its_names(files: pki.Pki) -> None:
    request = signing_request("system:node:n", "system:nodes", dns=["n"], addresses=["10.0.0.1"])
    made = signed(files, request, "server auth", "digital signature")
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["n"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1"]


@pytest.mark.parametrize(
    ("seconds", "ends"),
    [
        pytest.param(None, NOW + pki.LIFE, id="a year when nothing is said"),
        pytest.param(3600, NOW + HOUR, id="as long as is asked for"),
        pytest.param(1, NOW + HOUR / 6, id="ten minutes at least"),
        pytest.param(10**9, NOW + pki.LIFE, id="a year at most"),
    ],
)
def test_how_long_it_lasts(files: pki.Pki, seconds: int | None, ends: datetime.datetime) -> None:
    made = signed(files, signing_request("jane"), "client auth", seconds=seconds)
    assert made.not_valid_after_utc == ends
    assert made.not_valid_before_utc < NOW


def test_it_never_outlives_its_authority(files: pki.Pki) -> None:
    late = NOW + pki.CA_LIFE - HOUR
    pem = Authority(files, lambda: late).sign(base64.b64decode(signing_request("jane")), ["client auth"], None)
    assert x509.load_pem_x509_certificate(pem).not_valid_after_utc == NOW + pki.CA_LIFE


def test_what_is_not_signed_here(files: pki.Pki) -> None:
    with pytest.raises(ValueError, match="usages are not signed here: code signing"):
        signed(files, signing_request("jane"), "client auth", "code signing")
