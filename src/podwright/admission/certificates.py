"""CertificateApproval, CertificateSigning, CertificateSubjectRestriction: who may have which certificates made.

To approve or sign a request takes a right to its signer, beside the right to write the request's subresource.
On by default.
Page: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization
"""

from __future__ import annotations

from podwright.admission.interface import Attributes, Operation, User
from podwright.admission.pod_requests import refusal
from podwright.api.certificates import API_SERVER_CLIENT, RequestError, requested
from podwright.api.objects import Object
from podwright.api.resources import ACCESS_REVIEWS, CERTIFICATE_SIGNING_REQUESTS
from podwright.client.interface import Client

_MASTERS = "system:masters"


def _signer(obj: Object | None) -> str:
    return str(((obj or {}).get("spec") or {}).get("signerName") or "")


async def may(client: Client, user: User, verb: str, signer: str) -> bool:
    """Whether a user has a right to a signer: by its name, or to all of its domain."""
    domain = signer.partition("/")[0]
    for name in (signer, f"{domain}/*"):
        about = {"group": "certificates.k8s.io", "resource": "signers", "verb": verb, "name": name, "version": "*"}
        review = {
            "apiVersion": ACCESS_REVIEWS.api_version,
            "kind": ACCESS_REVIEWS.kind,
            "spec": {
                "user": user.name,
                "groups": list(user.groups),
                "uid": user.uid,
                "extra": {key: list(values) for key, values in user.extra.items()},
                "resourceAttributes": about,
            },
        }
        if (await client.create(ACCESS_REVIEWS, review))["status"]["allowed"]:
            return True
    return False


class CertificateApproval:
    """Looks at approvals and denials."""

    name = "CertificateApproval"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for who may not approve what the signer signs."""
        if attributes.resource != CERTIFICATE_SIGNING_REQUESTS or attributes.subresource != "approval":
            return
        signer = _signer(attributes.old)
        if not await may(self._client, attributes.user, "approve", signer):
            raise refusal(attributes, f'user not permitted to approve requests with signerName "{signer}"')


class CertificateSigning:
    """Looks at certificates that are issued."""

    name = "CertificateSigning"

    def __init__(self, client: Client) -> None:
        self._client = client

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for who may not sign in the signer's place."""
        if attributes.resource != CERTIFICATE_SIGNING_REQUESTS or attributes.subresource != "status":
            return
        if _result(attributes.obj) == _result(attributes.old):
            return
        signer = _signer(attributes.old)
        if not await may(self._client, attributes.user, "sign", signer):
            raise refusal(attributes, f'user not permitted to sign requests with signerName "{signer}"')


class CertificateSubjectRestriction:
    """Looks at new requests."""

    name = "CertificateSubjectRestriction"

    async def validate(self, attributes: Attributes) -> None:
        """Raises Forbidden for a client certificate of the administrators' group: it could not be taken back."""
        if attributes.resource != CERTIFICATE_SIGNING_REQUESTS or attributes.operation is not Operation.CREATE:
            return
        spec = (attributes.obj or {}).get("spec") or {}
        if attributes.subresource or spec.get("signerName") != API_SERVER_CLIENT:
            return
        try:
            organizations = requested(spec.get("request") or "").organizations
        except RequestError as error:
            raise refusal(attributes, f"could not parse CSR: {error}") from None
        if _MASTERS in organizations:
            raise refusal(attributes, f"use of {API_SERVER_CLIENT} signer with {_MASTERS} group is not allowed")


def _result(obj: Object | None) -> tuple[object, object]:
    status = (obj or {}).get("status") or {}
    return status.get("certificate"), status.get("conditions") or []
