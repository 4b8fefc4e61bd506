"""Where a Pod, or a template of Pods, stands in an object. Pure; called by `plugin`.

Source: https://kubernetes.io/docs/concepts/workloads/pods/#pod-templates
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from podwright.admission.pod_security.violation import PodParts
from podwright.api.objects import Object
from podwright.api.resources import PODS, Resource

_OF_SPEC: Final = ("spec", "template")
_PLACES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("", "pods"): (),
    ("", "podtemplates"): ("template",),
    ("", "replicationcontrollers"): _OF_SPEC,
    ("apps", "replicasets"): _OF_SPEC,
    ("apps", "deployments"): _OF_SPEC,
    ("apps", "statefulsets"): _OF_SPEC,
    ("apps", "daemonsets"): _OF_SPEC,
    ("batch", "jobs"): _OF_SPEC,
    ("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}


def has_template(resource: Resource) -> bool:
    """Whether objects of the resource make Pods."""
    return resource != PODS and (resource.group, resource.plural) in _PLACES


def pod_in(resource: Resource, obj: Object) -> Object | None:
    """The Pod, or template of Pods, in an object; None where it has none."""
    holder: Any = obj
    for name in _PLACES[(resource.group, resource.plural)]:
        holder = (holder or {}).get(name)
    found: Object | None = holder
    return found


def parts_of(resource: Resource, obj: Object) -> PodParts | None:
    """The Pod in an object, None where it has none."""
    holder = pod_in(resource, obj)
    if holder is None:
        return None
    return PodParts((holder.get("metadata") or {}).get("annotations") or {}, holder.get("spec") or {})


def is_significant(pod: Object, old: Object) -> bool:
    """Whether an update changes what a profile judges: containers that come or go, and images."""
    return any(
        [(c.get("name"), c.get("image")) for c in (pod.get("spec") or {}).get(field) or ()]
        != [(c.get("name"), c.get("image")) for c in (old.get("spec") or {}).get(field) or ()]
        for field in ("containers", "initContainers", "ephemeralContainers")
    )
