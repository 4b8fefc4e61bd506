"""What may change in a Pod that is there: little, since a Pod is replaced rather than edited.

Called by `pod.py`. Page: https://kubernetes.io/docs/concepts/workloads/pods/#pod-update-and-replacement
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from podwright.api.field import FieldError, Path, forbidden, invalid
from podwright.api.objects import Object, copy_object, metadata
from podwright.api.pods import MIRROR_ANNOTATION, is_mirror
from podwright.apiserver.registry.container_validation import validate_ephemeral_containers

_SPEC = Path("spec")
_MAX = 2**31 - 1
_ONLY = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def validate_pod_update(pod: Object, old: Object) -> list[FieldError]:
    """Errors of a change through the main resource."""
    errors = _mirror(pod, old)
    new_spec, old_spec = pod.get("spec") or {}, old.get("spec") or {}
    if new_spec == old_spec:
        return errors
    for field in ("containers", "initContainers"):
        if len(new_spec.get(field) or ()) != len(old_spec.get(field) or ()):
            return [*errors, forbidden(_SPEC.child(field), "pod updates may not add or remove containers")]
    deadline = _deadline(new_spec.get("activeDeadlineSeconds"), old_spec.get("activeDeadlineSeconds"))
    if deadline:
        return errors + deadline
    errors += _tolerations(new_spec.get("tolerations") or [], old_spec.get("tolerations") or [])
    errors += _gates(new_spec.get("schedulingGates") or [], old_spec.get("schedulingGates") or [])
    masked = _mask(new_spec, old_spec)
    if old_spec.get("schedulingGates"):
        errors += _gated_selection(new_spec, old_spec, masked)
    if masked != old_spec:
        errors.append(forbidden(_SPEC, f"{_ONLY}\n{diff(old_spec, masked)}"))
    return errors


def validate_ephemeral_update(pod: Object, old: Object) -> list[FieldError]:
    """Errors of a change through `ephemeralcontainers`: containers come, and stay as they came."""
    if is_mirror(pod):
        return [forbidden(Path(""), "static pods do not support ephemeral containers")]
    path = _SPEC.child("ephemeralContainers")
    errors = validate_ephemeral_containers(path, pod["spec"])
    new = {c.get("name"): c for c in pod["spec"].get("ephemeralContainers") or ()}
    for container in (old.get("spec") or {}).get("ephemeralContainers") or ():
        name = container.get("name")
        if name not in new:
            errors.append(forbidden(path, f"existing ephemeral containers {json.dumps(name)} may not be removed\n"))
        elif new[name] != container:
            errors.append(forbidden(path, f"existing ephemeral containers {json.dumps(name)} may not be changed\n"))
    return errors


def validate_status_update(pod: Object, old: Object) -> list[FieldError]:
    """Errors of a change through `status`."""
    path = Path("status").child("qosClass")
    new, was = ((p.get("status") or {}).get("qosClass") for p in (pod, old))
    return [invalid(path, new, "field is immutable")] if was and new != was else []


def diff(old: Any, new: Any) -> str:
    """The leaves that differ, one line each way, with their place in the spec."""
    return "\n".join(_differences("spec", old, new))


def _differences(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _differences(f"{path}.{key}", old.get(key), new.get(key))
        return
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for position, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}[{position}]", before, after)
        return
    for sign, value in (("-", old), ("+", new)):
        if value is not None:
            yield f"{sign} {path}: {json.dumps(value, ensure_ascii=False)}"


def _mask(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The new spec with what may change put back: what then still differs may not."""
    masked: dict[str, Any] = copy_object(dict(new))
    for field in ("containers", "initContainers"):
        for container, before in zip(masked.get(field) or (), old.get(field) or (), strict=True):
            if container.get("image") != before.get("image") and container.get("imagePullPolicy") == "Always":
                # AlwaysPullImages came after the Pod: its next image is pulled under the new rule.
                _put_back(container, before, "imagePullPolicy")
            container["image"] = before.get("image")
    for field in ("activeDeadlineSeconds", "tolerations", "schedulingGates"):
        _put_back(masked, old, field)
    if (old.get("terminationGracePeriodSeconds") or 0) < 0 and new.get("terminationGracePeriodSeconds") == 1:
        _put_back(masked, old, "terminationGracePeriodSeconds")
    return masked


def _put_back(masked: dict[str, Any], old: Mapping[str, Any], field: str) -> None:
    if field in old:
        masked[field] = old[field]
    else:
        masked.pop(field, None)


def _deadline(new: int | None, old: int | None) -> list[FieldError]:
    path = _SPEC.child("activeDeadlineSeconds")
    if new is None:
        return [] if old is None else [invalid(path, new, "must not update from a positive integer to nil value")]
    if not 0 <= new <= _MAX:
        return [invalid(path, new, f"must be between 0 and {_MAX}, inclusive")]
    return [invalid(path, new, "must be less than or equal to previous value")] if old is not None and new > old else []


def _tolerations(new: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    kept = [_without_seconds(t) for t in new]
    if all(_without_seconds(t) in kept for t in old):
        return []
    text = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden(_SPEC.child("tolerations"), text)]


def _without_seconds(toleration: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in toleration.items() if k != "tolerationSeconds"}


def _gates(new: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    known = {g.get("name") for g in old}
    path = _SPEC.child("schedulingGates")
    return [
        forbidden(path.index(position), f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'")
        for position, gate in enumerate(new)
        if gate.get("name") not in known
    ]


def _gated_selection(new: Mapping[str, Any], old: Mapping[str, Any], masked: dict[str, Any]) -> list[FieldError]:
    """While it waits at a gate a Pod's choice of nodes may be narrowed."""
    errors: list[FieldError] = []
    before, after = old.get("nodeSelector") or {}, new.get("nodeSelector") or {}
    if before.items() <= after.items():
        _put_back(masked, old, "nodeSelector")
    else:
        text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
        errors.append(invalid(_SPEC.child("nodeSelector"), dict(after), text))
        _put_back(masked, old, "nodeSelector")
    if _narrowed(_required_terms(new), _required_terms(old)):
        affinity = copy_object(masked.get("affinity") or {})
        node = (old.get("affinity") or {}).get("nodeAffinity")
        if node is None:
            affinity.pop("nodeAffinity", None)
        else:
            affinity["nodeAffinity"] = node
        if affinity or "affinity" in old:
            masked["affinity"] = affinity
        else:
            masked.pop("affinity", None)
    return errors


def _required_terms(spec: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    node = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return (node.get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms") or ()


def _narrowed(new: Sequence[Mapping[str, Any]], old: Sequence[Mapping[str, Any]]) -> bool:
    """Whether each term of `new` asks for all that the same term of `old` asks for; no terms ask for nothing."""
    if not old:
        return True
    return len(new) == len(old) and all(
        list(after.get(field) or ())[: len(before.get(field) or ())] == list(before.get(field) or ())
        for before, after in zip(old, new, strict=True)
        for field in ("matchExpressions", "matchFields")
    )


def _mirror(pod: Object, old: Object) -> list[FieldError]:
    """The mark of a mirror Pod comes and goes with the Pod."""
    path = Path("metadata").child("annotations").key(MIRROR_ANNOTATION)
    new, was = ((metadata(p).get("annotations") or {}).get(MIRROR_ANNOTATION) for p in (pod, old))
    if new == was:
        return []
    verb = "add" if was is None else "remove or update"
    return [forbidden(path, f"may not {verb} mirror pod annotation")]
