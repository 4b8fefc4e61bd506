from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.fakes.requests import signing_request

from podwright.apiserver.registry.certificate_signing_request import CertificateSigningRequestStrategy

STRATEGY = CertificateSigningRequestStrategy()
GOOD = signing_request("jane")


def request(*conditions: dict[str, str], certificate: str = "", **spec: Any) -> dict[str, Any]:
    fields = {"request": GOOD, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"], **spec}
    made: dict[str, Any] = {"metadata": {"name": "jane"}, "spec": fields}
    status = {"conditions": list(conditions)} if conditions else {}
    status |= {"certificate": certificate} if certificate else {}
    return made | ({"status": status} if status else {})


def condition(kind: str, status: str = "True") -> dict[str, str]:
    return {"type": kind, "status": status}


def texts(errors: list[Any]) -> list[str]:
    return [str(error) for error in errors]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({}, [], id="a good request"),
        pytest.param({"request": ""}, ["spec.request: Required value"], id="none"),
        pytest.param({"usages": []}, ["spec.usages: Required value"], id="for nothing"),
        pytest.param(
            {"usages": ["client auth", "client auth"]},
            ['spec.usages[1]: Duplicate value: "client auth"'],
            id="for the same twice",
        ),
        pytest.param({"signerName": ""}, ["spec.signerName: Required value"], id="of nobody"),
        pytest.param({"signerName": "example.com/my.signer"}, [], id="of somebody else"),
        pytest.param(
            {"signerName": "kubernetes.io/legacy-unknown"},
            [
                'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed '
                "via this API version"
            ],
            id="of the signer of old",
        ),
        pytest.param(
            {"expirationSeconds": 599},
            [
                "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds "
                "(10 minutes)"
            ],
            id="for a moment",
        ),
    ],
)
def test_what_is_wrong_with_a_request(spec: dict[str, Any], wrong: list[str]) -> None:
    assert texts(STRATEGY.validate(request(**spec))) == wrong


def test_a_request_whose_signature_does_not_hold() -> None:
    text = bytearray(base64.b64decode(GOOD))
    text[120] ^= 1
    (error,) = STRATEGY.validate(request(request=base64.b64encode(text).decode()))
    assert str(error).startswith("spec.request: Invalid value:")


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        pytest.param([], [condition("Approved")], [], id="an approval"),
        pytest.param([], [condition("Denied", "False")], [
            'status.conditions[0].status: Unsupported value: "False": supported values: "True"'
        ], id="a denial that is none"),
        pytest.param([condition("Denied")], [], [
            'status.conditions: Forbidden: updates may not remove a condition of type "Denied"'
        ], id="a verdict stands"),
        pytest.param([condition("Other", "False")], [], [], id="other words do not"),
        pytest.param([], [condition("Approved"), condition("Approved")], [
            'status.conditions[1].type: Duplicate value: "Approved"'
        ], id="twice"),
        pytest.param([], [condition("Other", "")], ["status.conditions[0].status: Required value"], id="half of one"),
    ],
)  # fmt: skip
def test_verdicts(old: list[Any], new: list[Any], wrong: list[str]) -> None:
    assert texts(STRATEGY.validate_update(request(*new), request(*old), "approval")) == wrong


def test_nobody_is_approved_and_denied() -> None:
    both = request(condition("Approved"), condition("Denied"))
    (error,) = STRATEGY.validate_update(both, request(condition("Approved")), "approval")
    assert str(error).endswith("Approved and Denied conditions are mutually exclusive")


def test_a_certificate_is_one_and_stays() -> None:
    issued = request(condition("Approved"), certificate="YQ==")
    (error,) = STRATEGY.validate_update(issued, request(condition("Approved")), "status")
    assert str(error).startswith("status.certificate: Invalid value")
    (error,) = STRATEGY.validate_update(request(condition("Approved"), certificate="Yg=="), issued, "status")
    assert str(error) == "status.certificate: Forbidden: updates may not modify existing certificate content"


def changed(subresource: str, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    STRATEGY.prepare_for_update(new, old, subresource)
    return new


def test_conditions_keep_the_order_in_which_they_were_written() -> None:
    old = request(condition("Approved"))
    new = request(condition("Approved", "False"), condition("StatusUpdate"))
    STRATEGY.prepare_for_update(new, old, "status")
    assert new["status"]["conditions"] == [condition("Approved"), condition("StatusUpdate")]


def test_who_writes_what() -> None:
    old = request(condition("Approved"), username="jane")
    new = request(condition("Approved"), condition("Denied"), certificate="YQ==", username="eve", usages=["any"])
    assert changed("", {**new}, old) == old
    approval = changed("approval", {**new}, old)
    assert approval["spec"] == old["spec"]
    assert approval["status"] == {"conditions": [condition("Approved"), condition("Denied")]}
    status = changed("status", {**new}, old)
    assert status["spec"] == old["spec"]
    assert status["status"] == {"certificate": "YQ==", "conditions": [condition("Approved")]}
    failed = request(condition("Failed"))
    assert changed("approval", request(condition("Approved")), failed)["status"]["conditions"] == [
        condition("Approved"),
        condition("Failed"),
    ]


@pytest.mark.parametrize(
    ("obj", "word"),
    [
        pytest.param(request(), "Pending", id="nobody looked"),
        pytest.param(request(condition("Denied")), "Denied", id="denied"),
        pytest.param(request(condition("Approved"), condition("Failed")), "Approved,Failed", id="not signed"),
        pytest.param(request(condition("Approved"), certificate="YQ=="), "Approved,Issued", id="signed"),
    ],
)
def test_the_column_condition(obj: dict[str, Any], word: str) -> None:
    assert STRATEGY.columns[-1].cell(obj, 0) == word


def test_the_column_duration() -> None:
    cell = STRATEGY.columns[-2].cell
    assert (cell(request(), 0), cell(request(expirationSeconds=86400), 0)) == ("<none>", "24h")
