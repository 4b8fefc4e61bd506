from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.requests import signing_request

from podwright.admission.certificates import CertificateApproval, CertificateSigning, CertificateSubjectRestriction
from podwright.admission.interface import Attributes, Operation, User
from podwright.api.errors import Forbidden
from podwright.api.resources import ACCESS_REVIEWS, CERTIFICATE_SIGNING_REQUESTS, Resource

JANE = User("jane", ("dev",))
CLIENT = "kubernetes.io/kube-apiserver-client"


class Judge:
    """An API that only answers access reviews: by verb and name."""

    def __init__(self, *allowed: tuple[str, str]) -> None:
        self._allowed = allowed
        self.asked: list[dict[str, Any]] = []

    async def create(self, resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
        assert resource == ACCESS_REVIEWS
        self.asked.append(obj["spec"])
        about = obj["spec"]["resourceAttributes"]
        assert (about["group"], about["resource"]) == ("certificates.k8s.io", "signers")
        return {"status": {"allowed": (about["verb"], about["name"]) in self._allowed}}


def write(subresource: str, before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> Attributes:
    spec = {"signerName": CLIENT}
    old, new = ({"metadata": {"name": "r"}, "spec": spec, "status": status or {}} for status in (before, after))
    return Attributes(Operation.UPDATE, CERTIFICATE_SIGNING_REQUESTS, JANE, "", "r", subresource, new, old)


@pytest.mark.parametrize("name", [CLIENT, "kubernetes.io/*"], ids=["of this signer", "of all of its domain"])
async def test_who_has_the_right_approves(name: str) -> None:
    judge: Any = Judge(("approve", name))
    await CertificateApproval(judge).validate(write("approval"))
    assert (judge.asked[0]["user"], judge.asked[0]["groups"]) == ("jane", ["dev"])


async def test_who_has_it_not_does_not() -> None:
    judge: Any = Judge(("sign", CLIENT), ("approve", "example.com/*"))
    with pytest.raises(Forbidden) as refused:
        await CertificateApproval(judge).validate(write("approval"))
    assert refused.value.message == (
        'certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to approve requests with '
        f'signerName "{CLIENT}"'
    )


async def test_to_sign_is_another_right() -> None:
    judge: Any = Judge(("approve", CLIENT))
    signed = write("status", None, {"certificate": "YQ=="})
    with pytest.raises(Forbidden, match="user not permitted to sign requests with signerName"):
        await CertificateSigning(judge).validate(signed)
    able: Any = Judge(("sign", CLIENT))
    await CertificateSigning(able).validate(signed)


async def test_what_changes_nothing_needs_no_right() -> None:
    judge: Any = Judge()
    await CertificateSigning(judge).validate(write("status", {"certificate": "YQ=="}, {"certificate": "YQ=="}))
    await CertificateSigning(judge).validate(write(""))
    await CertificateApproval(judge).validate(write("status"))
    assert judge.asked == []


def wish(*groups: str, signer: str = CLIENT) -> Attributes:
    obj = {"metadata": {"name": "r"}, "spec": {"signerName": signer, "request": signing_request("jane", *groups)}}
    return Attributes(Operation.CREATE, CERTIFICATE_SIGNING_REQUESTS, JANE, "", "r", "", obj)


async def test_nobody_becomes_an_administrator_by_certificate() -> None:
    plugin = CertificateSubjectRestriction()
    await plugin.validate(wish("dev"))
    await plugin.validate(wish("system:masters", signer="example.com/own"))
    with pytest.raises(Forbidden, match="kube-apiserver-client signer with system:masters group is not allowed"):
        await plugin.validate(wish("dev", "system:masters"))
