"""Certificates that users and nodes ask for, signed by the cluster's authority.

`app.py` hands `Authority.sign` to the signing controller.
Page: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from podwright.apiserver.pki import LIFE, Pki

if TYPE_CHECKING:
    from cryptography.x509 import KeyUsage, ObjectIdentifier

_BACKDATED: Final = datetime.timedelta(minutes=5)
"""Clocks of those who verify run a little behind."""
_SHORTEST: Final = datetime.timedelta(minutes=10)
_KEY_USAGES: Final = {
    "signing": "digital_signature",
    "digital signature": "digital_signature",
    "content commitment": "content_commitment",
    "key encipherment": "key_encipherment",
    "key agreement": "key_agreement",
    "data encipherment": "data_encipherment",
}


class Authority:
    """Signs with the key of the cluster's authority, which is read for each signature."""

    def __init__(self, pki: Pki, now: Callable[[], datetime.datetime]) -> None:
        self._pki = pki
        self._now = now

    def sign(self, request: bytes, usages: Sequence[str], seconds: int | None) -> bytes:
        """A certificate (PEM) with the request's (PEM) subject, names and key, for `seconds` (a year at most).

        Blocking. Raises ValueError for a usage that no certificate of this authority has, OSError.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

        asked = x509.load_pem_x509_csr(request)
        authority = x509.load_pem_x509_certificate(self._pki.ca.read_bytes())
        key = load_pem_private_key(self._pki.key("ca").read_bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)  # pki made it so
        issuer_key = key.public_key()
        named = set(usages)
        kinds, extended = {_KEY_USAGES[u] for u in named if u in _KEY_USAGES}, _extended_usages(named)
        now = self._now()
        life = LIFE if seconds is None else max(min(datetime.timedelta(seconds=seconds), LIFE), _SHORTEST)
        builder = (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(authority.subject)
            .public_key(asked.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(min(now + life, authority.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(extended), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        )
        if kinds:
            # An extension that names no use would forbid them all.
            builder = builder.add_extension(_key_usage(kinds), critical=True)
        try:
            names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            pass  # a client's: it has no names
        else:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def _key_usage(kinds: set[str]) -> KeyUsage:
    from cryptography.x509 import KeyUsage

    return KeyUsage(
        digital_signature="digital_signature" in kinds,
        content_commitment="content_commitment" in kinds,
        key_encipherment="key_encipherment" in kinds,
        key_agreement="key_agreement" in kinds,
        data_encipherment="data_encipherment" in kinds,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _extended_usages(usages: set[str]) -> list[ObjectIdentifier]:
    from cryptography.x509.oid import ExtendedKeyUsageOID

    known = {"client auth": ExtendedKeyUsageOID.CLIENT_AUTH, "server auth": ExtendedKeyUsageOID.SERVER_AUTH}
    strange = sorted(usages - known.keys() - _KEY_USAGES.keys())
    if strange:
        raise ValueError(f"usages are not signed here: {', '.join(strange)}")
    return [known[usage] for usage in sorted(usages & known.keys())]
