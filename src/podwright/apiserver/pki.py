"""The cluster's own certificate authority, certificates and keys, made once and renewed when they must be.

Everything lies in one directory, each file with mode 0600. `ensure` decides by a small inventory (what each
certificate was made for, until when) whether anything must be made: then nothing is parsed, and a start is fast.
Called by `server.py` before it listens, in a thread; `app.py` hands the files to the kubelet.
Page: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, DNSName, IPAddress

CA_LIFE = datetime.timedelta(days=3650)
LIFE = datetime.timedelta(days=365)
_RENEW_BEFORE = datetime.timedelta(days=30)
KUBELET_CLIENT = "kube-apiserver-kubelet-client"
"""Who the API server is for a kubelet's server."""


@dataclass(frozen=True, slots=True)
class Order:
    """One certificate that must be there."""

    name: str
    """File name without suffix."""
    common_name: str
    organizations: Sequence[str] = ()
    sans: Sequence[str] = ()
    """Names and IP addresses; a certificate that has any serves, one without is a client's."""
    authority: bool = False

    def purpose(self) -> str:
        """Text that changes when the certificate must be made anew."""
        return "|".join((self.common_name, ",".join(self.organizations), ",".join(sorted(self.sans))))


class _Made(msgspec.Struct):
    purpose: str
    not_after: datetime.datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class Pki:
    """Where the files are."""

    directory: Path

    def cert(self, name: str) -> Path:
        """A certificate, PEM: `ca`, `apiserver`, `admin`, `kubelet-client`, `kubelet`, `apiserver-kubelet-client`."""
        return self.directory / f"{name}.crt"

    def key(self, name: str) -> Path:
        """A private key, PEM (PKCS #8): those of `cert`, and `sa`, which signs service account tokens."""
        return self.directory / f"{name}.key"

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.cert("ca")


def orders(server_sans: Sequence[str], node_name: str, node_sans: Sequence[str]) -> Sequence[Order]:
    """The certificates of one server with one node of its own."""
    return (
        Order("ca", "podwright-ca", authority=True),
        Order("apiserver", "kube-apiserver", sans=tuple(server_sans)),
        Order("admin", "kubernetes-admin", ("system:masters",)),
        Order("kubelet-client", f"system:node:{node_name}", ("system:nodes",)),
        Order("kubelet", f"system:node:{node_name}", ("system:nodes",), tuple(node_sans)),
        Order("apiserver-kubelet-client", KUBELET_CLIENT, ("system:masters",)),
    )


def ensure(directory: Path, wanted: Sequence[Order], now: datetime.datetime) -> Pki:
    """Make what is missing, about to expire or no longer right; all of it when the authority is. Raises OSError."""
    pki = Pki(directory)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    inventory = _inventory(directory)
    ca_is_new = False
    for order in wanted:
        made = inventory.get(order.name)
        if not (ca_is_new and not order.authority) and made and _stands(pki, order, made, now):
            continue
        inventory[order.name] = _make(pki, order, now)
        ca_is_new = ca_is_new or order.authority
    if not pki.key("sa").exists():
        _write(pki.key("sa"), _pem(_new_key()))
    _write(directory / "inventory.json", msgspec.json.encode(inventory))
    return pki


def stands(directory: Path, wanted: Sequence[Order], now: datetime.datetime) -> bool:
    """Whether `ensure` would find nothing to make."""
    pki, inventory = Pki(directory), _inventory(directory)
    return pki.key("sa").exists() and all(
        order.name in inventory and _stands(pki, order, inventory[order.name], now) for order in wanted
    )


def _inventory(directory: Path) -> dict[str, _Made]:
    try:
        return msgspec.json.decode((directory / "inventory.json").read_bytes(), type=dict[str, _Made])
    except (FileNotFoundError, msgspec.MsgspecError):
        return {}


def _stands(pki: Pki, order: Order, made: _Made, now: datetime.datetime) -> bool:
    if made.purpose != order.purpose() or made.not_after - _RENEW_BEFORE < now:
        return False
    try:
        there = hashlib.sha256(pki.cert(order.name).read_bytes()).hexdigest()
    except FileNotFoundError:
        return False
    return there == made.sha256 and pki.key(order.name).exists()


def _make(pki: Pki, order: Order, now: datetime.datetime) -> _Made:
    key = _new_key()
    not_after = now + (CA_LIFE if order.authority else LIFE)
    certificate = _certificate(pki, order, key, now, not_after)
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = certificate.public_bytes(Encoding.PEM)
    _write(pki.key(order.name), _pem(key))
    _write(pki.cert(order.name), pem)
    return _Made(order.purpose(), not_after, hashlib.sha256(pem).hexdigest())


def _certificate(
    pki: Pki, order: Order, key: EllipticCurvePrivateKey, now: datetime.datetime, not_after: datetime.datetime
) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, o) for o in order.organizations]
        + [x509.NameAttribute(NameOID.COMMON_NAME, order.common_name)]
    )
    signer, issuer = key, subject
    authority_key = key.public_key()
    if not order.authority:
        loaded = load_pem_private_key(pki.key("ca").read_bytes(), None)
        assert isinstance(loaded, type(key))  # the authority's key was made by _new_key
        signer, authority_key = loaded, loaded.public_key()
        issuer = x509.load_pem_x509_certificate(pki.ca.read_bytes()).subject
    usage = ExtendedKeyUsageOID.SERVER_AUTH if order.sans else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks of clients that run a little behind
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=order.authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=order.authority,
                crl_sign=order.authority,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key), critical=False)
    )
    if not order.authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if order.sans:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(san) for san in order.sans]), critical=False
        )
    return builder.sign(signer, SHA256())


def _general_name(text: str) -> DNSName | IPAddress:
    from cryptography.x509 import DNSName, IPAddress

    try:
        return IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return DNSName(text)


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole, never readable by others, never half there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 from the start
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_kubeconfig(path: Path, pki: Pki, server: str, *, cert: str = "admin") -> None:
    """A kubeconfig with everything in it, mode 0600, as a whole or not at all. `server` is the URL."""
    import base64

    def data(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    # JSON is YAML: kubectl reads it, and no YAML library is loaded for it.
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "podwright",
        "preferences": {},
        "clusters": [{"name": "podwright", "cluster": {"server": server, "certificate-authority-data": data(pki.ca)}}],
        "contexts": [{"name": "podwright", "context": {"cluster": "podwright", "user": cert, "namespace": "default"}}],
        "users": [
            {
                "name": cert,
                "user": {
                    "client-certificate-data": data(pki.cert(cert)),
                    "client-key-data": data(pki.key(cert)),
                },
            }
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")
