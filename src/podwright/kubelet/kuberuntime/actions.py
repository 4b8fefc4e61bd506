"""What must be done in the runtime for one Pod, as a value.

What it decides: from the Pod and what the runtime has of it, whether the Pod's sandbox must be made (again) or
everything be killed, which containers to kill and why, and which to start. It only looks: `sync_pod` carries the
answer out, and asks the crash back-off before each start. No clock, no I/O.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ and .../init-containers/
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from podwright.api.objects import Object, metadata
from podwright.kubelet.kuberuntime.init_actions import InitProgress, init_progress
from podwright.kubelet.kuberuntime.kills import Kill, Probes, kill_running, kill_unknown
from podwright.kubelet.kuberuntime.pod_containers import (
    Member,
    app_containers,
    ephemeral_containers,
    init_containers,
    pod_spec,
    restarts_all,
    should_restart,
)
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus, SandboxStatus


class SandboxChange(enum.Enum):
    """Why a sandbox is made."""

    FIRST = "first"
    DEAD = "dead"
    SEVERAL = "several are ready"
    NETWORK = "hostNetwork has changed"
    NO_ADDRESS = "it has no address"


@dataclass(frozen=True, slots=True)
class Actions:
    """One pass over a Pod, in this order: kill, sandbox, starts."""

    kill_pod: bool = False
    """stop every container and every sandbox of the Pod"""
    reset: Member | None = None
    """its end has every container end at once and run again, the init containers first, in the same sandbox"""
    create_sandbox: SandboxChange | None = None
    sandbox_attempt: int = 0
    kill: Sequence[Kill] = ()
    start_ephemeral: Sequence[Member] = ()
    start_init: Sequence[Member] = ()
    start_app: Sequence[Member] = ()

    @property
    def starts(self) -> Sequence[Member]:
        """Everything to start, in order."""
        return (*self.start_ephemeral, *self.start_init, *self.start_app)

    @property
    def is_nothing(self) -> bool:
        """Whether the runtime has what the Pod asks for."""
        return not (self.kill_pod or self.reset or self.create_sandbox or self.kill or self.starts)


def compute_actions(pod: Object, status: PodRuntimeStatus, probes: Probes, outgrown: Collection[str] = ()) -> Actions:
    """The whole decision. `probes` answers what the probes of a container instance have said; `outgrown` are the ids
    of containers whose new resources take a new container."""
    change = sandbox_change(pod, status)
    if change is not None:
        return _with_new_sandbox(pod, status, change)
    deleted = _is_deleted(pod)
    sandbox = status.sandboxes[0]
    source = None if deleted else _restart_source(pod, status)
    if source is not None:
        return Actions(reset=source)
    ephemeral = tuple(m for m in ephemeral_containers(pod) if not deleted and status.newest(m.name) is None)
    init = init_progress(pod, status, sandbox.id, probes, outgrown)
    if init.failed:
        return Actions(kill_pod=True)
    if not init.done:
        return Actions(kill=init.kill, start_ephemeral=ephemeral, start_init=() if deleted else init.start)
    return _with_apps(pod, status, _AppPlan(deleted, probes, outgrown), init, ephemeral)


def _restart_source(pod: Object, status: PodRuntimeStatus) -> Member | None:
    """The container whose end makes all of them run again."""
    for member in (*init_containers(pod), *app_containers(pod)):
        last = status.newest(member.name)
        if last is not None and last.state is ContainerState.EXITED and restarts_all(member, last.exit_code):
            return member
    return None


def sandbox_change(pod: Object, status: PodRuntimeStatus) -> SandboxChange | None:
    """Why the Pod needs another sandbox than those it has; None: the newest one serves."""
    newest = status.sandbox
    if newest is None:
        return SandboxChange.FIRST
    if sum(s.ready for s in status.sandboxes) > 1:
        return SandboxChange.SEVERAL
    if not newest.ready:
        return SandboxChange.DEAD
    wants_host = bool(pod_spec(pod).get("hostNetwork"))
    if newest.host_network != wants_host:
        return SandboxChange.NETWORK
    if not wants_host and not newest.ips:
        return SandboxChange.NO_ADDRESS
    return None


def _is_deleted(pod: Object) -> bool:
    return metadata(pod).get("deletionTimestamp") is not None


def _next_attempt(sandboxes: Iterable[SandboxStatus]) -> int:
    return max((s.attempt + 1 for s in sandboxes), default=0)


def _with_new_sandbox(pod: Object, status: PodRuntimeStatus, change: SandboxChange) -> Actions:
    kill_pod = not status.is_empty
    apps = tuple(m for m in app_containers(pod) if _wants_run_in_new_sandbox(m, status.newest(m.name)))
    ever_ran = any(c.state is not ContainerState.CREATED for c in status.containers)
    init = init_containers(pod)
    never = pod_spec(pod).get("restartPolicy") == "Never" and not _has_own_policy(pod)
    if _is_deleted(pod) or (never and ever_ran) or (not apps and _any_app_ran(pod, status)):
        return Actions(kill_pod=kill_pod)
    if init and _init_gave_up(init, status):
        return Actions(kill_pod=kill_pod)
    ephemeral = tuple(m for m in ephemeral_containers(pod) if status.newest(m.name) is None)
    # Init containers run again from the first one: what they prepared in the old sandbox's namespaces is gone.
    return Actions(
        kill_pod=kill_pod,
        create_sandbox=change,
        sandbox_attempt=_next_attempt(status.sandboxes),
        start_ephemeral=ephemeral,
        start_init=init[:1],
        start_app=() if init else apps,
    )


def _has_own_policy(pod: Object) -> bool:
    return any(m.spec.get("restartPolicy") in ("Always", "OnFailure") for m in app_containers(pod))


def _any_app_ran(pod: Object, status: PodRuntimeStatus) -> bool:
    return any(status.newest(m.name) for m in app_containers(pod))


def _wants_run_in_new_sandbox(member: Member, status: ContainerStatus | None) -> bool:
    if status is None or status.state is not ContainerState.EXITED:
        return True
    return should_restart(member, status.exit_code)


def _init_gave_up(init: Sequence[Member], status: PodRuntimeStatus) -> bool:
    """Whether an init container failed for good: then nothing of the Pod ever starts again."""
    for member in init:
        last = status.newest(member.name)
        if (
            last is not None
            and last.state is ContainerState.EXITED
            and last.exit_code != 0
            and not member.is_sidecar
            and not should_restart(member, last.exit_code)
        ):
            return True
    return False


def _with_apps(
    pod: Object, status: PodRuntimeStatus, plan: _AppPlan, init: InitProgress, ephemeral: Sequence[Member]
) -> Actions:
    for member in app_containers(pod):
        plan.add(member, status.newest(member.name))
    # Ephemeral containers and sidecars do not keep a Pod alive whose own containers are all done.
    if not (plan.keep or plan.start or plan.kill):
        return Actions(kill_pod=True)
    return Actions(
        kill=(*init.kill, *plan.kill),
        start_ephemeral=ephemeral,
        start_init=() if plan.deleted else init.start,
        start_app=tuple(plan.start),
    )


@dataclass(slots=True)
class _AppPlan:
    deleted: bool
    probes: Probes
    outgrown: Collection[str]
    keep: int = 0
    start: list[Member] = field(default_factory=list)
    kill: list[Kill] = field(default_factory=list)

    def add(self, member: Member, status: ContainerStatus | None) -> None:
        if status is None or status.state is ContainerState.CREATED:
            self._start(member)
        elif status.state is ContainerState.RUNNING:
            kill = kill_running(member, status, self.probes, self.outgrown)
            if kill is None:
                self.keep += 1
                return
            self.kill.append(kill)
            if kill.restart:
                self._start(member)
        elif status.state is ContainerState.UNKNOWN:
            # Its process may still live; two of one container must never run.
            self.kill.append(kill_unknown(member, status))
            self._start(member)
        elif should_restart(member, status.exit_code):
            self._start(member)

    def _start(self, member: Member) -> None:
        if not self.deleted:
            self.start.append(member)
