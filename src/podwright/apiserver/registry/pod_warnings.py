"""What to tell the author of a Pod in `Warning:` headers: fields that nothing acts on, and likely mistakes.

Called by `pod.py`. No field is silently lost: what is accepted without effect is named here, one row each, until
the part that acts on it lands. Source of the mistakes: pkg/api/pod/warnings.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from podwright.api.objects import Object
from podwright.api.pods import containers
from podwright.api.quantity import parse_quantity

_SPEC_IGNORED: Mapping[str, str] = {
    "topologySpreadConstraints": "the scheduler does not spread Pods",
    "resourceClaims": "dynamic resource allocation is not there",
    "workloadRef": "gang scheduling is not there",
    "schedulingGroup": "gang scheduling is not there",
}
_AFFINITY_IGNORED: Mapping[str, str] = {
    "podAffinity": "the scheduler does not look at other Pods",
    "podAntiAffinity": "the scheduler does not look at other Pods",
}
_SECURITY_IGNORED: Mapping[str, str] = {
    "appArmorProfile": "AppArmor profiles are not applied",
    "seLinuxOptions": "SELinux labels are not applied",
    "windowsOptions": "there are no Windows nodes",
    "seLinuxChangePolicy": "SELinux labels are not applied",
}
_CONTAINER_IGNORED: Mapping[str, str] = {
    "volumeDevices": "block volumes are not there",
}
_VOLUMES_ACTED_ON = frozenset({
    "name", "emptyDir", "hostPath", "projected", "secret", "configMap", "downwardAPI", "image",
    "persistentVolumeClaim", "ephemeral",
})  # fmt: skip
_OLD_LABELS: Mapping[str, tuple[str, str]] = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
}
_UNSET: tuple[Any, ...] = (None, "", [], {})


def pod_warnings(pod: Object, old: Object | None) -> list[str]:
    """The warnings for a Pod; on an update (`old`) only those that its old form did not cause."""
    if old is not None and pod.get("spec") == old.get("spec"):
        return []
    said = list(dict.fromkeys(_warnings(pod.get("spec") or {})))
    before = set(_warnings(old.get("spec") or {})) if old is not None else set()
    return [text for text in said if text not in before]


def template_warnings(path: str, template: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[str]:
    """The same for a Pod template at `path` (`spec.template`)."""
    before = {"spec": old.get("spec") or {}} if old is not None else None
    return [f"{path}.{text}" for text in pod_warnings({"spec": template.get("spec") or {}}, before)]


def _warnings(spec: Mapping[str, Any]) -> Iterator[str]:
    yield from _ignored("spec", spec, _SPEC_IGNORED)
    if spec.get("hostUsers") is False:
        yield "spec.hostUsers: accepted, but user namespaces are not set up; the Pod will not start"
    yield from _ignored("spec.affinity", spec.get("affinity") or {}, _AFFINITY_IGNORED)
    yield from _ignored("spec.securityContext", spec.get("securityContext") or {}, _SECURITY_IGNORED)
    if (spec.get("os") or {}).get("name") == "windows":
        yield "spec.os.name: no node runs Windows, the Pod will not start"
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        yield "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
    for label in sorted(set(spec.get("nodeSelector") or {}) & set(_OLD_LABELS)):
        version, newer = _OLD_LABELS[label]
        yield f'spec.nodeSelector[{label}]: deprecated since {version}; use "{newer}" instead'
    for position, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            yield f'spec.imagePullSecrets[{position}].name: invalid empty name ""'
    for position, volume in enumerate(spec.get("volumes") or ()):
        for kind in sorted(set(volume) - _VOLUMES_ACTED_ON):
            yield f"spec.volumes[{position}].{kind}: accepted, but no driver for it is there; the Pod will not start"
    for at in containers(spec):
        yield from _container(f"spec.{at.field}[{at.position}]", at.container)


def _container(path: str, container: Mapping[str, Any]) -> Iterator[str]:
    yield from _ignored(path, container, _CONTAINER_IGNORED)
    yield from _ignored(f"{path}.securityContext", container.get("securityContext") or {}, _SECURITY_IGNORED)
    seen: set[str] = set()
    for position, variable in enumerate(container.get("env") or ()):
        name = variable.get("name") or ""
        if name in seen:
            hidden = f'hides previous definition of "{name}", which may be dropped when using apply'
            yield f"{path}.env[{position}]: {hidden}"
        seen.add(name)
    resources = container.get("resources") or {}
    for kind in ("limits", "requests"):
        value = (resources.get(kind) or {}).get("memory")
        if value is not None and _fractional(value):
            yield f'{path}.resources.{kind}[memory]: fractional byte value "{value}" is invalid, must be an integer'
    if resources.get("claims"):
        yield f"{path}.resources.claims: accepted but not acted on: dynamic resource allocation is not there"


def _fractional(value: Any) -> bool:
    try:
        amount = parse_quantity(value)
    except ValueError:
        return False  # validation names it
    return amount != amount.to_integral_value()


def _ignored(path: str, holder: Mapping[str, Any], ignored: Mapping[str, str]) -> Iterator[str]:
    if holder.keys().isdisjoint(ignored):
        return
    for field, why in ignored.items():
        value = holder.get(field)
        if value not in _UNSET:
            yield f"{path}.{field}: accepted but not acted on: {why}"
