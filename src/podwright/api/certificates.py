"""What a certificate signing request asks for, read out of spec.request of a CertificateSigningRequest.

Called by the API server's validation, admission plugins and the signing controllers. cryptography is loaded on first
use. Page: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

API_SERVER_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"
APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"
_PEM_TYPE = "CERTIFICATE REQUEST"


class RequestError(ValueError):
    """The bytes are no signing request; the message says why."""


@dataclass(frozen=True, slots=True)
class Requested:
    """Whom a certificate is to be for."""

    common_name: str
    organizations: Sequence[str] = ()
    dns_names: Sequence[str] = ()
    ip_addresses: Sequence[str] = ()
    other_names: Sequence[str] = ()
    """E-mail addresses and URIs."""


def pem_of(request: str) -> bytes:
    """The PEM text of spec.request. Raises RequestError."""
    try:
        text = base64.b64decode(request, validate=True)
    except (binascii.Error, ValueError):
        raise RequestError("it is no base64 text") from None
    begin, _, _ = text.strip().partition(b"\n")
    if begin.strip() != f"-----BEGIN {_PEM_TYPE}-----".encode():
        raise RequestError(f"PEM block type must be {_PEM_TYPE}")
    return text


def requested(request: str) -> Requested:
    """What spec.request asks for, its signature checked. Raises RequestError."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509.oid import NameOID

    try:
        found = x509.load_pem_x509_csr(pem_of(request))
        good = found.is_signature_valid
    except RequestError:
        raise
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RequestError(str(error)) from None
    if not good:
        raise RequestError("its signature does not hold")

    def words(oid: x509.ObjectIdentifier) -> list[str]:
        return [str(attribute.value) for attribute in found.subject.get_attributes_for_oid(oid)]

    names = words(NameOID.COMMON_NAME)
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Requested(names[0] if names else "", words(NameOID.ORGANIZATION_NAME))
    except ValueError as error:
        raise RequestError(str(error)) from None
    return Requested(
        names[0] if names else "",
        words(NameOID.ORGANIZATION_NAME),
        alternatives.get_values_for_type(x509.DNSName),
        [str(address) for address in alternatives.get_values_for_type(x509.IPAddress)],
        [
            *alternatives.get_values_for_type(x509.RFC822Name),
            *alternatives.get_values_for_type(x509.UniformResourceIdentifier),
        ],
    )
