"""Changing the resources of a running Pod: what the subresource `resize` takes from a request, and what it refuses.

Called by `pod.py`. Only CPU and memory of app containers and sidecars change; the QoS class, which says in which cgroup
the Pod lies, stays. Whether the node has room for it is the kubelet's to say.
Page: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from podwright.api.field import FieldError, Path, forbidden, invalid
from podwright.api.objects import Object, copy_object, metadata
from podwright.api.pods import is_mirror, is_sidecar, qos_class, spec_of
from podwright.apiserver.registry.pod_update import diff

_SPEC = Path("spec")
_FIELDS = ("initContainers", "containers")
_CHANGEABLE = ("resources", "resizePolicy")
_RESOURCES = ("cpu", "memory")


def keep_all_but_resources(obj: Object, old: Object) -> None:
    """Make `obj` what `old` is, in place, but for its containers' resources."""
    asked = {field: spec_of(obj).get(field) or [] for field in _FIELDS}
    version = metadata(obj).get("resourceVersion")
    kept = copy_object(old)
    for field in _FIELDS:
        own = kept["spec"].get(field) or []
        if [c.get("name") for c in asked[field]] != [c.get("name") for c in own]:
            kept["spec"][field] = asked[field]  # for validation to refuse
            continue
        for container, wanted in zip(own, asked[field], strict=True):
            for name in _CHANGEABLE:
                container.pop(name, None)
                if name in wanted:
                    container[name] = wanted[name]
    if version:
        kept["metadata"]["resourceVersion"] = version
    obj.clear()
    obj.update(kept)


def validate_resize(pod: Object, old: Object) -> list[FieldError]:
    """Errors of a change through `resize`, beside those that a new Pod with such a spec would have."""
    if is_mirror(old):
        return [forbidden(Path(""), "static pods cannot be resized")]
    if (spec_of(old).get("os") or {}).get("name") == "windows":
        return [forbidden(Path(""), "windows pods cannot be resized")]
    errors: list[FieldError] = []
    qos = qos_class(pod)
    if qos != ((old.get("status") or {}).get("qosClass") or qos_class(old)):
        errors.append(invalid(_SPEC, qos, "Pod QOS Class may not change as a result of resizing"))
    masked = copy_object(spec_of(pod))
    for field in _FIELDS:
        path = _SPEC.child(field)
        new, was = masked.get(field) or [], spec_of(old).get(field) or []
        if [c.get("name") for c in new] != [c.get("name") for c in was]:
            return [*errors, forbidden(path, "containers may not be renamed or reordered on resize")]
        errors += _containers(path, new, was)
        for container, before in zip(new, was, strict=True):
            _put_back(container, before)
    if masked != spec_of(old):
        text = f"only cpu and memory resources are mutable\n{diff(spec_of(old), masked)}"
        errors.append(forbidden(_SPEC, text))
    return errors


def _containers(path: Path, new: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, (container, before) in enumerate(zip(new, old, strict=True)):
        resources, was = container.get("resources") or {}, before.get("resources") or {}
        if resources == was:
            continue
        where = path.index(position).child("resources")
        if str(path).endswith("initContainers") and not is_sidecar(before):
            errors.append(forbidden(where, "resources for non-sidecar init containers are immutable"))
            continue
        for kind in ("limits", "requests"):
            gone = set(was.get(kind) or {}) - set(resources.get(kind) or {})
            if gone & set(_RESOURCES):
                errors.append(forbidden(where.child(kind), f"resource {kind} cannot be removed"))
    return errors


def _put_back(container: dict[str, Any], before: Mapping[str, Any]) -> None:
    """The CPU and memory that it had: what then still differs may not change."""
    resources = copy_object(container.get("resources") or {})
    for kind in ("limits", "requests"):
        amounts = {k: v for k, v in (resources.pop(kind, None) or {}).items() if k not in _RESOURCES}
        was = (before.get("resources") or {}).get(kind) or {}
        amounts |= {name: was[name] for name in _RESOURCES if name in was}
        if amounts or kind in (before.get("resources") or {}):
            resources[kind] = amounts
    if resources or "resources" in before:
        container["resources"] = resources
    else:
        container.pop("resources", None)
