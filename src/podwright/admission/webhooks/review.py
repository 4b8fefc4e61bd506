"""AdmissionReview: the question that a webhook is asked, and what its answer has to be like. Pure.

Called by `dispatch`. Page:
https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from podwright.admission.interface import Attributes, Operation, User
from podwright.api.resources import NAMESPACES

_GROUP: Final = "admission.k8s.io"
_MOST_WARNING, _SHORT_WARNING = 4096, 256
"""Characters of all warnings, and of each where those are more."""
_OPTIONS: Final = {
    Operation.CREATE: "CreateOptions",
    Operation.UPDATE: "UpdateOptions",
    Operation.DELETE: "DeleteOptions",
}


class BadAnswer(ValueError):
    """What came back is no answer to the question; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook says."""

    allowed: bool
    status: Mapping[str, Any]
    patch: bytes = b""
    """JSON, not decoded"""
    patch_type: str = ""
    warnings: tuple[str, ...] = ()
    audit_annotations: Mapping[str, str] = field(default_factory=dict)
    operations: Sequence[Mapping[str, Any]] = ()
    """The steps of the patch."""


def review_of(attributes: Attributes, uid: str, version: str) -> dict[str, Any]:
    """The AdmissionReview about a request."""
    resource = attributes.resource
    kind = _kind(attributes)
    what = {"group": resource.group, "version": resource.version, "resource": resource.plural}
    # The namespace of a Namespace is itself.
    namespace = attributes.name if resource == NAMESPACES else attributes.namespace
    request: dict[str, Any] = {
        "uid": uid,
        "kind": kind,
        "resource": what,
        **({"subResource": attributes.subresource} if attributes.subresource else {}),
        "requestKind": kind,
        "requestResource": what,
        **({"requestSubResource": attributes.subresource} if attributes.subresource else {}),
        **({"name": attributes.name} if attributes.name else {}),
        **({"namespace": namespace} if namespace else {}),
        "operation": attributes.operation.value,
        "userInfo": _user(attributes.user),
        "object": None if attributes.operation is Operation.DELETE else attributes.obj,
        "oldObject": attributes.old,
        "dryRun": attributes.dry_run,
        "options": _options(attributes),
    }
    return {"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": request}


def _kind(attributes: Attributes) -> dict[str, str]:
    """The kind of what is sent: that of a subresource's own object, if it has one."""
    resource, sent = attributes.resource, attributes.obj or attributes.old or {}
    group, _, version = (sent.get("apiVersion") or resource.api_version).rpartition("/")
    return {"group": group, "version": version, "kind": sent.get("kind") or resource.kind}


def _user(user: User) -> dict[str, Any]:
    info: dict[str, Any] = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    if user.groups:
        info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra.items()}
    return info


def _options(attributes: Attributes) -> dict[str, Any] | None:
    kind = _OPTIONS.get(attributes.operation)
    if kind is None:
        return None
    given = {key: value for key, value in attributes.options.items() if value not in (None, "")}
    dry_run = {"dryRun": ["All"]} if attributes.dry_run else {}
    return {"kind": kind, "apiVersion": "meta.k8s.io/v1", **given, **dry_run}


def answer_of(value: Any, uid: str, version: str, *, mutating: bool) -> Answer:
    """The answer in a decoded body. Raises BadAnswer."""
    if not isinstance(value, dict):
        raise BadAnswer("couldn't get version/kind; json parse error: the response is no object")
    response = value.get("response")
    if not isinstance(response, dict):
        raise BadAnswer("webhook response was absent")
    if version == "v1":
        if response.get("uid") != uid:
            raise BadAnswer(f'expected response.uid="{uid}", got "{response.get("uid") or ""}"')
        wanted, got = (f"{_GROUP}/v1", "AdmissionReview"), (value.get("apiVersion") or "", value.get("kind") or "")
        if got != wanted:
            raise BadAnswer(f"expected webhook response of {_spelled(*wanted)}, got {_spelled(*got)}")
    patch, patch_type = _patch(response, mutating=mutating, lenient=version != "v1")
    status = response.get("status") or {}
    warnings, annotations = response.get("warnings") or [], response.get("auditAnnotations") or {}
    allowed = response.get("allowed", False)
    right = isinstance(allowed, bool) and isinstance(status, dict) and isinstance(annotations, dict)
    if not right or not isinstance(warnings, list):
        raise BadAnswer("the response's allowed, status, warnings or auditAnnotations is of another type")
    said = {str(key): str(text) for key, text in annotations.items()}
    return Answer(allowed, status, patch, patch_type, shortened([str(w) for w in warnings]), said)


def shortened(warnings: Sequence[str]) -> tuple[str, ...]:
    """The warnings of one answer as headers can carry them: where they are long, the beginning of each."""
    if sum(map(len, warnings)) <= _MOST_WARNING:
        return tuple(warnings)
    return tuple(w[:_SHORT_WARNING] for w in warnings[: _MOST_WARNING // _SHORT_WARNING])


def _spelled(api_version: str, kind: str) -> str:
    return f"{api_version}, Kind={kind}"


def _patch(response: Mapping[str, Any], *, mutating: bool, lenient: bool) -> tuple[bytes, str]:
    """The patch and its type; `lenient`: v1beta1 says nothing of types, and only JSON patches were ever known."""
    patch, kind = response.get("patch") or "", response.get("patchType")
    if not mutating:
        if lenient:
            return b"", ""
        if patch:
            raise BadAnswer("validating webhook may not return response.patch")
        if kind is not None:
            raise BadAnswer("validating webhook may not return response.patchType")
        return b"", ""
    if not lenient:
        if patch and kind is None:
            raise BadAnswer("webhook returned response.patch but not response.patchType")
        if not patch and kind is not None:
            raise BadAnswer("webhook returned response.patchType but not response.patch")
    try:
        decoded = binascii.a2b_base64(patch.encode(), strict_mode=True)
    except (AttributeError, ValueError) as error:
        raise BadAnswer(f"response.patch is not base64: {error}") from None
    if decoded and lenient:
        return decoded, "JSONPatch"
    if kind is not None and kind == "":
        raise BadAnswer('webhook returned invalid response.patchType of ""')
    return decoded, str(kind or "")


def operations_of(patch: bytes) -> list[dict[str, Any]]:
    """The steps of a JSON patch. Raises BadAnswer."""
    try:
        steps = msgspec.json.decode(patch)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadAnswer(str(error)) from None
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise BadAnswer("a JSON patch is a list of objects")
    return steps
