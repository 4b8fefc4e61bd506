"""The labels and annotations that tie the runtime's sandboxes and containers to their Pod, written and read back.

What it decides: the keys (the kubelet's own, so that crictl and every log agent know them) and how a hook can be run
from them when the Pod object is gone. Called by `container_config`, `sandbox_config`, `observe` and `killing`.
Source: https://kubernetes.io/docs/reference/labels-annotations-taints/ and the kubelet's container labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.kubelet.interfaces import ContainerKind
from podwright.kubelet.kuberuntime.pod_containers import Member, container_hash, pod_spec

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"

HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
PRE_STOP = "io.kubernetes.container.preStopHandler"
PORTS = "io.kubernetes.container.ports"
GRACE = "io.kubernetes.pod.terminationGracePeriod"
DELETION_GRACE = "io.kubernetes.pod.deletionGracePeriod"
IMAGE = "podwright.dev/image"
"""the image as the user wrote it, which not every runtime keeps"""
KIND = "podwright.dev/container-kind"
"""the list of the spec that the container stood in"""


def pod_labels(pod: Object) -> dict[str, str]:
    """Labels of a sandbox: the Pod's own, and which Pod it is (which nobody's label can change)."""
    return {**(metadata(pod).get("labels") or {}), **_identity(pod)}


def pod_annotations(pod: Object) -> dict[str, str]:
    """Annotations of a sandbox: the Pod's."""
    return dict(metadata(pod).get("annotations") or {})


def container_labels(pod: Object, name: str) -> dict[str, str]:
    """Labels of a container."""
    return {**_identity(pod), CONTAINER_NAME: name}


def container_annotations(pod: Object, member: Member, restart_count: int) -> dict[str, str]:
    """What must be known of a container when only the runtime is left to ask."""
    container = member.spec
    notes = {
        HASH: container_hash(container),
        RESTART_COUNT: str(restart_count),
        MESSAGE_PATH: container.get("terminationMessagePath") or "",
        MESSAGE_POLICY: container.get("terminationMessagePolicy") or "File",
        IMAGE: container.get("image") or "",
        KIND: member.kind.value,
    }
    pre_stop = (container.get("lifecycle") or {}).get("preStop")
    if pre_stop:
        notes[PRE_STOP] = json.dumps(pre_stop, separators=(",", ":"))
    if container.get("ports"):
        notes[PORTS] = json.dumps(container["ports"], separators=(",", ":"))
    for key, value in (
        (GRACE, pod_spec(pod).get("terminationGracePeriodSeconds")),
        (DELETION_GRACE, metadata(pod).get("deletionGracePeriodSeconds")),
    ):
        if value is not None:
            notes[key] = str(value)
    return notes


def restore(name: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> tuple[Object, ContainerKind]:
    """A Pod with one container, enough to stop it properly, from what the runtime kept of it; and the container's kind.

    Parts that cannot be read are left out: a container must be stoppable whatever stands in its annotations.
    """
    container: Object = {"name": name, "image": annotations.get(IMAGE, "")}
    pre_stop, ports = _json(annotations.get(PRE_STOP)), _json(annotations.get(PORTS))
    if isinstance(pre_stop, dict):
        container["lifecycle"] = {"preStop": pre_stop}
    if isinstance(ports, list):
        container["ports"] = ports
    try:
        kind = ContainerKind(annotations.get(KIND, ""))
    except ValueError:
        kind = ContainerKind.APP
    meta: Object = {
        "name": labels.get(POD_NAME, ""),
        "namespace": labels.get(POD_NAMESPACE, ""),
        "uid": labels.get(POD_UID, ""),
    }
    spec: Object = {kind.value: [container]}
    if annotations.get(GRACE, "").isdecimal():
        spec["terminationGracePeriodSeconds"] = int(annotations[GRACE])
    if annotations.get(DELETION_GRACE, "").isdecimal():
        meta["deletionGracePeriodSeconds"] = int(annotations[DELETION_GRACE])
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}, kind


def _identity(pod: Object) -> dict[str, str]:
    return {POD_NAME: name_of(pod), POD_NAMESPACE: namespace_of(pod), POD_UID: uid_of(pod)}


def _json(text: str | None) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
