"""What a Pod's spec says of each of its containers: kind, order, restart policy, and the hash that a change breaks.

Pure functions over the Pod's JSON, used by every decision of this folder.
Page: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, name_of, namespace_of, uid_of
from podwright.kubelet.interfaces import ContainerKind, ContainerRef

RESTART_ALL = "RestartAllContainers"


@dataclass(frozen=True, slots=True)
class Member:
    """One container of a Pod's spec."""

    spec: Object
    kind: ContainerKind
    index: int
    """within its list"""
    restart_policy: str
    """Always, OnFailure or Never; the container's own where it has one"""

    @property
    def name(self) -> str:
        """The container's name, unique in its Pod."""
        name: str = self.spec["name"]
        return name

    @property
    def is_sidecar(self) -> bool:
        """An init container that keeps running (restartPolicy Always)."""
        return self.kind is ContainerKind.INIT and self.spec.get("restartPolicy") == "Always"

    def ref(self, pod: Object) -> ContainerRef:
        """The container as images, hooks and events name it."""
        return ContainerRef(pod, self.name, self.kind)


def pod_spec(pod: Object) -> Mapping[str, Any]:
    """The Pod's spec, empty when there is none."""
    return pod.get("spec") or {}


def init_containers(pod: Object) -> Sequence[Member]:
    """Init containers in their order; one that has no policy of its own is tried again unless the Pod says Never."""
    return [_member(pod, c, ContainerKind.INIT, i) for i, c in enumerate(pod_spec(pod).get("initContainers") or ())]


def app_containers(pod: Object) -> Sequence[Member]:
    """The Pod's containers in their order."""
    return [_member(pod, c, ContainerKind.APP, i) for i, c in enumerate(pod_spec(pod).get("containers") or ())]


def ephemeral_containers(pod: Object) -> Sequence[Member]:
    """Containers that were added for debugging; never restarted."""
    return [
        Member(c, ContainerKind.EPHEMERAL, i, "Never")
        for i, c in enumerate(pod_spec(pod).get("ephemeralContainers") or ())
    ]


def members(pod: Object) -> Iterator[Member]:
    """Every container of the Pod: init, app, ephemeral."""
    yield from init_containers(pod)
    yield from app_containers(pod)
    yield from ephemeral_containers(pod)


def find_member(pod: Object, name: str) -> Member | None:
    """The container of that name, None when the spec has none."""
    return next((m for m in members(pod) if m.name == name), None)


def _member(pod: Object, container: Object, kind: ContainerKind, index: int) -> Member:
    policy = container.get("restartPolicy") or pod_spec(pod).get("restartPolicy") or "Always"
    if kind is ContainerKind.INIT and not container.get("restartPolicy") and policy == "Always":
        # An init container runs to completion; the Pod's Always means for it: again until it succeeds.
        policy = "OnFailure"
    return Member(container, kind, index, policy)


def should_restart(member: Member, exit_code: int) -> bool:
    """Whether a container that ended with `exit_code` runs again: its first matching rule, else its policy."""
    for rule in member.spec.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        listed = exit_code in (codes.get("values") or ())
        if listed == (codes.get("operator") == "In"):
            return rule.get("action") in ("Restart", RESTART_ALL)
    if member.restart_policy == "OnFailure":
        return exit_code != 0
    return member.restart_policy == "Always"


def restarts_all(member: Member, exit_code: int) -> bool:
    """Whether its end with `exit_code` has every container of the Pod run again: the first matching rule says so."""
    for rule in member.spec.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        listed = exit_code in (codes.get("values") or ())
        if listed == (codes.get("operator") == "In"):
            return bool(rule.get("action") == RESTART_ALL)
    return False


def container_hash(container: Object) -> str:
    """Of what restarts a running container when it changes: its name and its image."""
    text = json.dumps([container.get("name"), container.get("image")])
    return hashlib.blake2s(text.encode(), digest_size=4).hexdigest()


def describe_pod(pod: Object) -> str:
    """`web_default(1234-...)`, as the kubelet's texts name a Pod."""
    return f"{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
