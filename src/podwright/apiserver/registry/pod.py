"""What is special about Pods: their defaults, what a client may set and change, how they are deleted.

Called by the generic handlers through `rows.py`; the rules stand in the `pod_*` modules beside this one.
Page: https://kubernetes.io/docs/concepts/workloads/pods/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from podwright.api.field import FieldError, Path, forbidden, invalid
from podwright.api.objects import Object, copy_object, metadata
from podwright.api.pods import MIRROR_ANNOTATION, is_mirror, is_terminal, qos_class, spec_of
from podwright.apiserver.alike import Alike
from podwright.apiserver.registry.image_policy import keep_pull_policies
from podwright.apiserver.registry.pod_columns import COLUMNS
from podwright.apiserver.registry.pod_defaults import default_pod
from podwright.apiserver.registry.pod_resize import keep_all_but_resources, validate_resize
from podwright.apiserver.registry.pod_spec_validation import Spec, validate_pod_spec
from podwright.apiserver.registry.pod_update import (
    validate_ephemeral_update,
    validate_pod_update,
    validate_status_update,
)
from podwright.apiserver.registry.pod_warnings import pod_warnings
from podwright.apiserver.registry.strategy import Deletion, Strategy

_SPEC = Path("spec")
_decode = msgspec.json.Decoder().decode
_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}


class _Judged(NamedTuple):
    """What there is to say of a spec."""

    errors: Sequence[FieldError]
    warnings: Sequence[str]


class PodStrategy(Strategy):
    """Pods, with the subresources status, ephemeralcontainers and resize."""

    columns = COLUMNS
    status_subresource = True
    has_generation = True
    returns_deleted = True
    made_from_templates = True

    def __init__(self) -> None:
        self._filled: Alike[bytes] = Alike()
        """specs with their defaults, as JSON"""
        self._judged: Alike[_Judged] = Alike()

    def default(self, obj: Object) -> None:
        """As kube-apiserver 1.36; imagePullPolicy is decided here and nowhere else."""
        obj["spec"] = _decode(self._filled.of(obj.get("spec") or {}, partial(_filled, obj)))

    def carry_over(self, obj: Object, old: Object) -> None:
        """The pull policy is decided once, at creation."""
        keep_pull_policies(spec_of(obj), spec_of(old))

    def prepare_for_create(self, obj: Object) -> None:
        """A new Pod is Pending, whatever status was sent with it."""
        obj["status"] = {"phase": "Pending"}
        _positive_grace(spec_of(obj))
        try:
            obj["status"]["qosClass"] = qos_class(obj)
        except ValueError:
            return  # a quantity that is none; validation refuses the Pod and names the field
        if spec_of(obj).get("schedulingGates"):
            obj["status"]["conditions"] = [dict(_GATED)]

    def prepare_for_update(self, obj: Object, old: Object, subresource: str = "") -> None:
        """Each endpoint changes its own part only."""
        if subresource == "ephemeralcontainers":
            added = spec_of(obj).get("ephemeralContainers") or []
            version = metadata(obj).get("resourceVersion")
            kept = copy_object(old)
            if added or spec_of(old).get("ephemeralContainers"):
                kept["spec"]["ephemeralContainers"] = added
            if version:
                kept["metadata"]["resourceVersion"] = version
            obj.clear()
            obj.update(kept)
            return
        if subresource == "resize":
            keep_all_but_resources(obj, old)
            return
        super().prepare_for_update(obj, old, subresource)
        if not subresource:
            _positive_grace(spec_of(obj))
        if subresource == "status":
            status, before = obj.setdefault("status", {}), old.get("status") or {}
            # Writers that never heard of it must not make the class disappear.
            if before.get("qosClass"):
                status.setdefault("qosClass", before["qosClass"])

    def validate(self, obj: Object) -> list[FieldError]:
        """A new Pod's errors."""
        errors = [*self._judge(spec_of(obj)).errors]
        if spec_of(obj).get("ephemeralContainers"):
            errors.append(forbidden(_SPEC.child("ephemeralContainers"), "cannot be set on create"))
        if is_mirror(obj) and not spec_of(obj).get("nodeName"):
            mark = metadata(obj)["annotations"][MIRROR_ANNOTATION]
            where = Path("metadata").child("annotations").key(MIRROR_ANNOTATION)
            errors.append(invalid(where, mark, "must set spec.nodeName if mirror pod annotation is set"))
        return errors

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """A changed Pod's errors, by the endpoint it was changed through."""
        if subresource == "status":
            return validate_status_update(obj, old)
        if subresource == "ephemeralcontainers":
            return validate_ephemeral_update(obj, old)
        if subresource == "resize":
            return validate_pod_spec(_SPEC, spec_of(obj)) + validate_resize(obj, old)
        # A spec that stays was judged when it was written; most updates change metadata.
        errors = () if spec_of(obj) == spec_of(old) else self._judge(spec_of(obj)).errors
        return [*errors, *validate_pod_update(obj, old)]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """Fields without effect, and likely mistakes."""
        return pod_warnings(obj, old) if old is not None else [*self._judge(spec_of(obj)).warnings]

    def _judge(self, spec: Spec) -> _Judged:
        def judged() -> _Judged:
            return _Judged(validate_pod_spec(_SPEC, spec), pod_warnings({"spec": spec}, None))

        # What is wrong with a spec holds parts of it, and does not come again and again.
        return self._judged.of(spec, judged, keep=lambda known: not known.errors)

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        """The field selectors that Pods know."""
        spec, status = spec_of(obj), obj.get("status") or {}
        return {
            "spec.nodeName": _text(spec.get("nodeName")),
            "spec.restartPolicy": _text(spec.get("restartPolicy")),
            "spec.schedulerName": _text(spec.get("schedulerName")),
            "spec.serviceAccountName": _text(spec.get("serviceAccountName")),
            "spec.hostNetwork": "true" if spec.get("hostNetwork") else "false",
            "status.phase": _text(status.get("phase")),
            "status.podIP": _text(status.get("podIP")),
            "status.nominatedNodeName": _text(status.get("nominatedNodeName")),
        }

    def deletion(self, obj: Object, requested_grace: int | None) -> Deletion:
        """Gracefully, with 0 seconds where no kubelet has to stop anything: not bound to a node, or over."""
        spec = spec_of(obj)
        grace = requested_grace if requested_grace is not None else spec.get("terminationGracePeriodSeconds") or 0
        if not spec.get("nodeName") or is_terminal(obj):
            grace = 0
        elif grace < 0:
            grace = 1
        return Deletion(graceful=True, grace_period_seconds=grace)


def _filled(obj: Object) -> bytes:
    default_pod(obj)
    return msgspec.json.encode(obj["spec"])


def _positive_grace(spec: dict[str, Any]) -> None:
    """A negative grace, which old versions took, is one second; the Pod says so itself."""
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1


def _text(value: Any) -> str:
    return "" if value is None else str(value)
