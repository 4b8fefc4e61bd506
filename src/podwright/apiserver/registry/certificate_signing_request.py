"""What is special about CertificateSigningRequests: who wrote what part, and that verdicts stand.

The request is written once; `approval` writes the verdict, `status` the certificate. Who asked is noted by
`apiserver/guards.py`. Called by the generic handlers through `rows.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api import names
from podwright.api.certificates import APPROVED, DENIED, FAILED, LEGACY_UNKNOWN, RequestError, requested
from podwright.api.field import FieldError, Path, duplicate, forbidden, invalid, not_supported, required
from podwright.api.objects import Object
from podwright.apiserver.registry.columns import AGE, NAME, NONE, at
from podwright.apiserver.registry.field_checks import repeated
from podwright.apiserver.registry.strategy import Column, Strategy

_VERDICTS = (APPROVED, DENIED, FAILED)
_SHORTEST = 600
_SPEC, _STATUS = Path("spec"), Path("status")
USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
_SIGNER_PATH = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def _condition(obj: Object, now: float) -> str:
    status = obj.get("status") or {}
    types = {c.get("type") for c in status.get("conditions") or ()}
    words = ["Denied" if DENIED in types else "Approved" if APPROVED in types else "Pending"]
    if FAILED in types:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    return ",".join(words)


def _duration(obj: Object, now: float) -> str:
    from podwright.apiserver.table import human_duration

    seconds = (obj.get("spec") or {}).get("expirationSeconds")
    return human_duration(seconds) if seconds is not None else NONE


class CertificateSigningRequestStrategy(Strategy):
    """CertificateSigningRequests."""

    status_subresource = True
    columns = (
        NAME,
        AGE,
        Column("SignerName", at("spec", "signerName"), description="Who is to sign it."),
        Column("Requestor", at("spec", "username"), description="Who asked for it."),
        Column("RequestedDuration", _duration, description="How long it is to be valid."),
        Column("Condition", _condition, description="What has become of it."),
    )

    def prepare_for_update(self, obj: Object, old: Object, subresource: str = "") -> None:
        """The request stays as it is; each subresource writes its part of the status."""
        status, new_meta = obj.get("status") or {}, obj["metadata"]
        before: Mapping[str, Any] = old.get("status") or {}
        kept = {key: value for key, value in old.items() if key != "status"}
        obj.clear()
        obj.update(kept, metadata=new_meta)
        after = dict(before)
        if subresource == "approval":
            # A failure is told by who signs, and stays.
            after["conditions"] = _replaced(before, status, other=(FAILED,))
        elif subresource == "status":
            after = {**status, "conditions": _replaced(before, status, other=(APPROVED, DENIED))}
        if not after.get("conditions"):
            after.pop("conditions", None)
        if after:
            obj["status"] = after

    def validate(self, obj: Object) -> list[FieldError]:
        """The request and what it is for."""
        spec = obj.get("spec") or {}
        errors = request_errors(spec.get("request"))
        usages = spec.get("usages") or ()
        where = _SPEC.child("usages")
        if not usages:
            errors.append(required(where))
        errors += [
            not_supported(where.index(i), usage, USAGES) for i, usage in enumerate(usages) if usage not in USAGES
        ]
        errors += [duplicate(where.index(i), usage) for i, usage in repeated(usages)]
        errors += signer_errors(spec.get("signerName") or "")
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < _SHORTEST:
            text = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.append(invalid(_SPEC.child("expirationSeconds"), seconds, text))
        return errors + condition_errors((obj.get("status") or {}).get("conditions") or ())

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Verdicts stand, and a certificate that was issued stays the same."""
        after, before = obj.get("status") or {}, old.get("status") or {}
        where = _STATUS.child("conditions")
        errors = condition_errors(after.get("conditions") or ())
        there = {c.get("type") for c in after.get("conditions") or ()}
        for condition in before.get("conditions") or ():
            kind = condition.get("type")
            if kind in _VERDICTS and kind not in there:
                errors.append(forbidden(where, f'updates may not remove a condition of type "{kind}"'))
        certificate = after.get("certificate")
        if certificate != before.get("certificate"):
            at_certificate = _STATUS.child("certificate")
            if before.get("certificate"):
                text = "updates may not modify existing certificate content"
                return [*errors, forbidden(at_certificate, text)]
            errors += certificate_errors(certificate or "")
        return errors

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """The signer."""
        return {"spec.signerName": (obj.get("spec") or {}).get("signerName") or ""}


def _replaced(before: Mapping[str, Any], after: Mapping[str, Any], *, other: Sequence[str]) -> list[Any]:
    """The new conditions in their order, but those of `other` types as they were."""
    kept = {c.get("type"): c for c in before.get("conditions") or () if c.get("type") in other}
    new = [kept.pop(c.get("type"), None) if c.get("type") in other else c for c in after.get("conditions") or ()]
    return [c for c in new if c is not None] + list(kept.values())


def request_errors(request: Any) -> list[FieldError]:
    """What is wrong with spec.request."""
    where = _SPEC.child("request")
    if not request:
        return [required(where)]
    try:
        requested(request)
    except RequestError as error:
        return [invalid(where, request, str(error))]
    return []


def signer_errors(signer: str) -> list[FieldError]:
    """What is wrong with spec.signerName: `domain/path`."""
    where = _SPEC.child("signerName")
    if not signer:
        return [required(where)]
    if signer == LEGACY_UNKNOWN:
        return [invalid(where, signer, "the legacy signerName is not allowed via this API version")]
    domain, slash, path = signer.partition("/")
    if not slash or "/" in path or not path:
        return [
            invalid(where, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        ]
    errors = [invalid(where, domain, text) for text in names.dns_subdomain(domain)]
    if "." not in domain:
        errors.append(invalid(where, domain, "should be a domain with at least two segments separated by dots"))
    if not _SIGNER_PATH.fullmatch(path):
        errors.append(invalid(where, path, "it must consist of lower case labels separated by dots"))
    return errors


def condition_errors(conditions: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """What is wrong with status.conditions."""
    where = _STATUS.child("conditions")
    errors: list[FieldError] = []
    for position, condition in enumerate(conditions):
        here, kind, status = where.index(position), condition.get("type"), condition.get("status") or ""
        if not kind:
            errors.append(required(here.child("type")))
        allowed = ("True",) if kind in _VERDICTS else ("True", "False", "Unknown")
        if not status:
            errors.append(required(here.child("status")))
        elif status not in allowed:
            errors.append(not_supported(here.child("status"), status, allowed))
    errors += [duplicate(where.index(i).child("type"), kind) for i, kind in repeated(c.get("type") for c in conditions)]
    if {APPROVED, DENIED} <= {c.get("type") for c in conditions}:
        errors.append(invalid(where, list(conditions), "Approved and Denied conditions are mutually exclusive"))
    return errors


def certificate_errors(certificate: str) -> list[FieldError]:
    """What is wrong with status.certificate: PEM blocks of certificates, base64."""
    from cryptography import x509

    try:
        x509.load_pem_x509_certificates(base64.b64decode(certificate, validate=True))
    except (binascii.Error, ValueError) as error:
        return [invalid(_STATUS.child("certificate"), "<certificate data>", str(error))]
    return []
