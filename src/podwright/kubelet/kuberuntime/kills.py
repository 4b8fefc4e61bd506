"""Why a container of a living Pod must be killed, and with which words.

What it decides: whether a running container has to go (its spec has changed, a probe gave up on it, its state is
unknown) and whether it comes back. Called by `actions` and `init_actions`; the texts are those of the Killing event.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from podwright.kubelet.interfaces import ContainerKind
from podwright.kubelet.kuberuntime.pod_containers import Member, container_hash
from podwright.kubelet.runtime_state import ContainerStatus


class Probes(Protocol):
    """What a decision asks of the probes (`interfaces.ProbeState` for one Pod)."""

    def is_started(self, container: str, container_id: str) -> bool | None:
        """Result of the startup probe; None: there is none."""
        ...

    def must_restart(self, container: str, container_id: str) -> str:
        """ "", "liveness" or "startup"."""
        ...


@dataclass(frozen=True, slots=True)
class Kill:
    """One container to kill while its Pod lives on."""

    member: Member
    container_id: str
    message: str
    """of the Killing event"""
    probe: str = ""
    """Either "liveness" or "startup" when that probe's own grace counts"""
    restart: bool = True


def kill_running(
    member: Member, status: ContainerStatus, probes: Probes, outgrown: Collection[str] = ()
) -> Kill | None:
    """Whether and why a running container has to go; None: it stays.

    `outgrown`: ids of containers whose new resources take a new container.
    """
    noun = "Init container" if member.kind is ContainerKind.INIT else "Container"
    probe, restart = "", member.restart_policy != "Never"
    if status.hash and status.hash != container_hash(member.spec):
        # What the user changed is wanted in its new form, whatever the restart policy says about endings.
        cause, restart = "definition changed", True
    elif probe := probes.must_restart(member.name, status.id):
        cause = f"failed {probe} probe"
    elif status.id in outgrown:
        return Kill(member, status.id, f"{noun} {member.name} resize requires restart")
    else:
        return None
    message = f"{noun} {member.name} {cause}" + (", will be restarted" if restart else "")
    return Kill(member, status.id, message, probe, restart)


def kill_unknown(member: Member, status: ContainerStatus) -> Kill:
    """Kill a container of which the runtime has lost track, before it is started again."""
    noun = "Init container" if member.kind is ContainerKind.INIT else "Container"
    return Kill(member, status.id, f'{noun} is in "unknown" state, try killing it before restart')
