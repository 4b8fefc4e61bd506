"""Changing the resources of a running Pod: what the subresource `resize` takes from a request, and what it refuses.

Called by `pod.py`. Only CPU and memory change, of containers and of the Pod as a whole; the QoS class, which says in
which cgroup the Pod lies, stays. Whether the node has room for it is the kubelet's to say.
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
_KINDS = ("limits", "requests")

Holder = Mapping[str, Any]
"""A container, or a Pod's spec: what has `resources`."""


def keep_all_but_resources(obj: Object, old: Object) -> None:
    """Make `obj` what `old` is, in place, but for the resources of its containers and its own."""
    asked = {field: spec_of(obj).get(field) or [] for field in _FIELDS}
    of_pod, version = spec_of(obj).get("resources"), metadata(obj).get("resourceVersion")
    kept = copy_object(old)
    for field in _FIELDS:
        own = kept["spec"].get(field) or []
        if _names(asked[field]) != _names(own):
            kept["spec"][field] = asked[field]  # for validation to refuse
            continue
        for container, wanted in zip(own, asked[field], strict=True):
            for name in _CHANGEABLE:
                container.pop(name, None)
                if name in wanted:
                    container[name] = wanted[name]
    kept["spec"].pop("resources", None)
    if of_pod:
        kept["spec"]["resources"] = of_pod
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
    errors += _pod_level(masked, spec_of(old))
    moved = [e for field in _FIELDS for e in _moved(field, masked.get(field) or [], spec_of(old).get(field) or [])]
    if moved:
        return errors + moved
    for field in _FIELDS:
        new, was = masked.get(field) or [], spec_of(old).get(field) or []
        errors += _containers(field, new, was)
        for container, before in zip(new, was, strict=True):
            _put_back(container, before)
    if masked != spec_of(old):
        text = f"only cpu and memory resources are mutable\n{diff(spec_of(old), masked)}"
        errors.append(forbidden(_SPEC, text))
    return errors


def _names(containers: Sequence[Holder]) -> list[Any]:
    return [container.get("name") for container in containers]


def _moved(field: str, new: Sequence[Holder], old: Sequence[Holder]) -> list[FieldError]:
    """Errors of a list of containers that are not the same ones in the same order."""
    path = _SPEC.child(field)
    if len(new) != len(old):
        return [forbidden(path, f"{field} may not be added or removed on resize")]
    text = f"{field} may not be renamed or reordered on resize"
    pairs = enumerate(zip(_names(new), _names(old), strict=True))
    return [forbidden(path.index(i).child("name"), text) for i, (name, before) in pairs if name != before]


def _pod_level(masked: dict[str, Any], old: Holder) -> list[FieldError]:
    """Errors of the resources of the whole Pod; `masked` then has those of `old`, but for what may not change."""
    if not masked.get("resources"):
        if not old.get("resources"):
            return []
        masked["resources"] = old["resources"]
        return [forbidden(_SPEC.child("resources"), "pod-level resources cannot be removed")]
    errors = _removed(_SPEC.child("resources"), masked, old, "pod-level resource")
    _put_back(masked, old)
    return errors


def _containers(field: str, new: Sequence[Holder], old: Sequence[Holder]) -> list[FieldError]:
    errors: list[FieldError] = []
    for position, (container, before) in enumerate(zip(new, old, strict=True)):
        if (container.get("resources") or {}) == (before.get("resources") or {}):
            continue
        where = _SPEC.child(field).index(position)
        anew = any(policy.get("restartPolicy") == "RestartContainer" for policy in before.get("resizePolicy") or ())
        if field == "initContainers" and not is_sidecar(before) and anew:
            # It would begin again in the middle of what it does, while others wait for its end.
            text = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized"
            errors.append(forbidden(where, text))
        errors += _removed(where.child("resources"), container, before, "resource")
    return errors


def _removed(path: Path, new: Holder, old: Holder, what: str) -> list[FieldError]:
    """Errors of CPU and memory that were given and are no longer asked for."""
    resources, was = new.get("resources") or {}, old.get("resources") or {}
    gone = (set(was.get(kind) or {}) - set(resources.get(kind) or {}) for kind in _KINDS)
    return [
        forbidden(path.child(kind), f"{what} {kind} cannot be removed")
        for kind, names in zip(_KINDS, gone, strict=True)
        if not names.isdisjoint(_RESOURCES)
    ]


def _put_back(holder: dict[str, Any], before: Holder) -> None:
    """The CPU and memory that it had: what then still differs may not change."""
    resources = copy_object(holder.get("resources") or {})
    for kind in _KINDS:
        amounts = {k: v for k, v in (resources.pop(kind, None) or {}).items() if k not in _RESOURCES}
        was = (before.get("resources") or {}).get(kind) or {}
        amounts |= {name: was[name] for name in _RESOURCES if name in was}
        if amounts or kind in (before.get("resources") or {}):
            resources[kind] = amounts
    if resources or "resources" in before:
        holder["resources"] = resources
    else:
        holder.pop("resources", None)
