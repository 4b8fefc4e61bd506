"""The Pods of a DaemonSet: made for one node, and found again by it.

Pure; called by `controller`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#how-daemon-pods-are-scheduled
"""

from __future__ import annotations

from collections.abc import Iterable

from podwright.api.objects import Object, metadata, name_of, namespace_of
from podwright.api.resources import DAEMON_SETS
from podwright.controllers.daemon_set.nodes import tolerations
from podwright.controllers.owned import controller_reference
from podwright.controllers.pod_templates import pod_from
from podwright.controllers.revisions import REVISION_LABEL

GENERATION_LABEL = "pod-template-generation"
_GENERATION = "deprecated.daemonset.template.generation"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def new_pod(owner: Object, stamp: str, node: str) -> Object:
    """The Pod, without its name, that the scheduler will bind to `node`; `stamp`: the hash of its revision."""
    pod = pod_from(
        (owner.get("spec") or {}).get("template") or {}, controller_reference(owner, DAEMON_SETS), namespace_of(owner)
    )
    meta, spec = pod["metadata"], pod["spec"]
    meta["generateName"] = f"{name_of(owner)}-"
    meta["labels"] = {**(meta.get("labels") or {}), REVISION_LABEL: stamp}
    if generation := template_generation(owner):
        meta["labels"][GENERATION_LABEL] = generation
    spec["tolerations"] = tolerations(spec)
    affinity = {**(spec.get("affinity") or {})}
    here = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    affinity["nodeAffinity"] = {**(affinity.get("nodeAffinity") or {}), _REQUIRED: {"nodeSelectorTerms": [here]}}
    spec["affinity"] = affinity
    return pod


def template_generation(owner: Object) -> str:
    """How often the template has changed, as the API server counts it."""
    return (metadata(owner).get("annotations") or {}).get(_GENERATION) or ""


def node_of(pod: Object) -> str:
    """The node that a Pod is on, or is meant for; "" when that cannot be told."""
    spec = pod.get("spec") or {}
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(_REQUIRED) or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            values = list(field.get("values") or ())
            if field.get("key") == "metadata.name" and field.get("operator") == "In" and len(values) == 1:
                return str(values[0])
    return ""


def by_node(pods: Iterable[Object]) -> dict[str, list[Object]]:
    """The Pods of each node, the oldest first."""
    found: dict[str, list[Object]] = {}
    for pod in sorted(pods, key=lambda p: (metadata(p).get("creationTimestamp") or "", name_of(p))):
        found.setdefault(node_of(pod), []).append(pod)
    return found


def is_updated(pod: Object, owner: Object, stamp: str) -> bool:
    """Whether a Pod is of the owner's template as it is now."""
    labels = metadata(pod).get("labels") or {}
    generation = template_generation(owner)
    return labels.get(REVISION_LABEL) == stamp or (bool(generation) and labels.get(GENERATION_LABEL) == generation)
