"""How far a Pod's init containers are, and what that asks for.

What it decides: which init container to start next, which sidecars (restartPolicy Always) to bring back, whether the
app containers may start, whether the Pod has failed for good. Called by `actions`.
Only the containers of the present sandbox count. Old init containers may have been removed meanwhile, so the search
goes from the last one back: the newest trace tells how far the Pod is, and before it only sidecars matter.
Page: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#detailed-behavior
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from podwright.api.objects import Object
from podwright.kubelet.kuberuntime.kills import Kill, Probes, kill_running, kill_unknown
from podwright.kubelet.kuberuntime.pod_containers import Member, app_containers, init_containers, should_restart
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus


@dataclass(frozen=True, slots=True)
class InitProgress:
    """Where the init containers stand."""

    done: bool
    """the app containers may run"""
    failed: bool = False
    """one failed and will not be tried again"""
    start: Sequence[Member] = ()
    kill: Sequence[Kill] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    """What the newest init container with a trace says."""

    passed: bool = False
    failed: bool = False
    again: bool = False
    kill: Kill | None = None


def init_progress(
    pod: Object, status: PodRuntimeStatus, sandbox_id: str, probes: Probes, outgrown: Collection[str] = ()
) -> InitProgress:
    """Look at every init container, last first; `outgrown` as of `kills.kill_running`."""
    containers = init_containers(pod)
    if not containers:
        return InitProgress(done=True)
    here = {c.name: c for c in reversed(status.containers) if c.sandbox_id == sandbox_id}
    found = any(m.name in here for m in app_containers(pod))
    done = found
    start: list[Member] = []
    kill: list[Kill] = []
    for member in reversed(containers):
        instance = here.get(member.name)
        if found:
            if member.is_sidecar:
                step = _Step(again=True) if instance is None else _sidecar(member, instance, probes, outgrown)
                _collect(step, member, start, kill)
            continue
        if instance is None:
            continue
        found = True
        step = _sidecar(member, instance, probes, outgrown) if member.is_sidecar else _plain(member, instance)
        if step.failed:
            return InitProgress(done=False, failed=True)
        if step.passed:
            if member.index + 1 < len(containers):
                start.append(containers[member.index + 1])
            else:
                done = True
        _collect(step, member, start, kill)
    if not found:
        start.append(containers[0])
    return InitProgress(done, start=tuple(sorted(start, key=lambda m: m.index)), kill=tuple(kill))


def _collect(step: _Step, member: Member, start: list[Member], kill: list[Kill]) -> None:
    if step.kill is not None:
        kill.append(step.kill)
    if step.again:
        start.append(member)


def _sidecar(member: Member, instance: ContainerStatus, probes: Probes, outgrown: Collection[str]) -> _Step:
    if instance.state is ContainerState.UNKNOWN:
        return _Step(again=True, kill=kill_unknown(member, instance))
    if instance.state is not ContainerState.RUNNING:
        return _Step(again=True)
    kill = kill_running(member, instance, probes, outgrown)
    if kill is not None:
        # A liveness failure does not hold back the containers after it: it had started once.
        return _Step(passed=kill.probe == "liveness" or instance.id in outgrown, again=kill.restart, kill=kill)
    return _Step(passed=probes.is_started(member.name, instance.id) is not False)


def _plain(member: Member, instance: ContainerStatus) -> _Step:
    if instance.state is ContainerState.RUNNING:
        return _Step()
    if instance.state is ContainerState.CREATED:
        return _Step(again=True)
    if instance.state is ContainerState.UNKNOWN:
        if not should_restart(member, 1):
            return _Step(failed=True)
        return _Step(again=True, kill=kill_unknown(member, instance))
    if instance.exit_code == 0:
        return _Step(passed=True)
    return _Step(again=True) if should_restart(member, instance.exit_code) else _Step(failed=True)
