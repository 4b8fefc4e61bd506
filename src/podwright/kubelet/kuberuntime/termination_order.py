"""In which order the containers of a Pod get their stop signal.

What it decides: a sidecar outlives the containers that may need it: it waits for all app containers and for the
sidecars that started after it. Everything else ends at once, side by side. Pure; called by `killing`.
Page: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#sidecar-containers-and-pod-lifecycle
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from podwright.api.objects import Object
from podwright.kubelet.kuberuntime.pod_containers import app_containers, init_containers


def waits_for(pod: Object, running: Collection[str]) -> Mapping[str, frozenset[str]]:
    """For each running container the running ones that must have ended before its stop signal."""
    order: dict[str, frozenset[str]] = dict.fromkeys(running, frozenset())
    before = {m.name for m in app_containers(pod)} & set(running)
    for member in reversed(init_containers(pod)):
        if member.is_sidecar and member.name in order:
            order[member.name] = frozenset(before)
            before.add(member.name)
    return order
