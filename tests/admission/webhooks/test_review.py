"""The question as it is sent, and which answers count."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tests.admission.requests import pod, write

from podwright.admission.interface import Attributes, Operation, User
from podwright.admission.webhooks.review import BadAnswer, answer_of, review_of, shortened
from podwright.api.objects import Object
from podwright.api.resources import NAMESPACES, PODS

PATCH = base64.b64encode(b"[]").decode()


def test_a_create() -> None:
    attributes = write(pod())
    attributes.user = User("alice", ("a", "b"), "7", {"k": ("v",)})
    attributes.options = {"fieldManager": "kubectl"}
    review = review_of(attributes, "u", "v1")
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    assert review == {
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u",
            "kind": kind,
            "resource": resource,
            "requestKind": kind,
            "requestResource": resource,
            "name": "p",
            "namespace": "default",
            "operation": "CREATE",
            "userInfo": {"username": "alice", "uid": "7", "groups": ["a", "b"], "extra": {"k": ["v"]}},
            "object": pod(),
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl"},
        },
    }


def test_a_delete_shows_what_is_lost() -> None:
    attributes = write(None, Operation.DELETE, old=pod())
    attributes.options, attributes.dry_run = {"gracePeriodSeconds": 0}, True
    request = review_of(attributes, "u", "v1")["request"]
    assert (request["object"], request["oldObject"], request["dryRun"]) == (None, pod(), True)
    assert request["options"] == {
        "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1", "gracePeriodSeconds": 0, "dryRun": ["All"],
    }  # fmt: skip


def test_a_subresource_has_a_kind_of_its_own() -> None:
    binding: Object = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}}
    request = review_of(write(binding, subresource="binding"), "u", "v1")["request"]
    assert request["kind"] == {"group": "", "version": "v1", "kind": "Binding"}
    assert (request["resource"]["resource"], request["subResource"]) == ("pods", "binding")
    eviction: Object = {"apiVersion": "policy/v1", "kind": "Eviction"}
    request = review_of(write(eviction, subresource="eviction"), "u", "v1")["request"]
    assert request["kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}


def test_a_connection_has_no_options() -> None:
    options: Object = {"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"]}
    attributes = Attributes(Operation.CONNECT, PODS, User("a"), "default", "p", "exec", options)
    request = review_of(attributes, "u", "v1")["request"]
    assert (request["object"], request["options"], request["operation"]) == (options, None, "CONNECT")


def test_a_namespace_is_in_itself() -> None:
    attributes = Attributes(Operation.CREATE, NAMESPACES, User("a"), "", "n", "", {"metadata": {"name": "n"}})
    assert review_of(attributes, "u", "v1")["request"]["namespace"] == "n"


def answered(api_version: str = "admission.k8s.io/v1", kind: str = "AdmissionReview", **response: Any) -> Any:
    return {"apiVersion": api_version, "kind": kind, "response": {"uid": "u", "allowed": True, **response}}


@pytest.mark.parametrize(
    ("value", "mutating", "words"),
    [
        pytest.param([], True, "json parse error", id="no object"),
        pytest.param({"apiVersion": "x"}, True, "webhook response was absent", id="no response"),
        pytest.param(answered(uid="v"), True, 'expected response.uid="u", got "v"', id="another's answer"),
        pytest.param(
            answered("admission.k8s.io/v1beta1"),
            True,
            "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v1beta1, "
            "Kind=AdmissionReview",
            id="another version",
        ),
        pytest.param(
            answered(patch=PATCH), True, "webhook returned response.patch but not response.patchType", id="patch alone"
        ),
        pytest.param(
            answered(patchType="JSONPatch"),
            True,
            "webhook returned response.patchType but not response.patch",
            id="type alone",
        ),
        pytest.param(answered(patch="?", patchType="JSONPatch"), True, "response.patch is not base64", id="no base64"),
        pytest.param(
            answered(patch=PATCH, patchType=""), True, 'webhook returned invalid response.patchType of ""', id="no type"
        ),
        pytest.param(
            answered(patch=PATCH), False, "validating webhook may not return response.patch", id="a judge that changes"
        ),
        pytest.param(
            answered(patchType="JSONPatch"),
            False,
            "validating webhook may not return response.patchType",
            id="a judge that could change",
        ),
        pytest.param(answered(allowed="yes"), True, "of another type", id="allowed is a word"),
        pytest.param(answered(warnings={"a": "b"}), True, "of another type", id="warnings are no list"),
    ],
)
def test_answers_that_do_not_count(value: Any, mutating: bool, words: str) -> None:
    with pytest.raises(BadAnswer, match=words.replace("[", r"\[")):
        answer_of(value, "u", "v1", mutating=mutating)


def test_an_answer() -> None:
    value = answered(
        patch=PATCH, patchType="JSONPatch", warnings=["w"], auditAnnotations={"k": "v"}, status={"code": 200}
    )
    answer = answer_of(value, "u", "v1", mutating=True)
    assert (answer.allowed, answer.patch, answer.patch_type) == (True, b"[]", "JSONPatch")
    assert (answer.warnings, answer.audit_annotations) == (("w",), {"k": "v"})


def test_v1beta1_asks_for_less() -> None:
    value = {"response": {"allowed": True, "patch": PATCH}}
    answer = answer_of(value, "u", "v1beta1", mutating=True)
    assert (answer.patch, answer.patch_type) == (b"[]", "JSONPatch")
    assert answer_of(value, "u", "v1beta1", mutating=False).patch == b""


@pytest.mark.parametrize(
    ("warnings", "kept"),
    [
        pytest.param(["a" * 4000], [4000], id="a long one"),
        pytest.param(["a" * 4000, "b" * 97], [256, 97], id="more than fits"),
        pytest.param(["a" * 1000] * 40, [256] * 16, id="far more than fits"),
    ],
)
def test_warnings_fit_into_headers(warnings: list[str], kept: list[int]) -> None:
    assert [len(text) for text in shortened(warnings)] == kept
