"""Carries out what a Pod's state asks for: one pass to make it run, its termination, and the cleaning up after it.

Called by `pod_workers`. Each step reads the runtime, decides with the pure functions of `status/`, asks volumes and
the runtime to act, and tells `status.manager` what has become of the Pod.

    sync       read -> status -> volumes -> runtime -> read -> status
    terminate  read -> status -> stop -> read -> final status
               (in both, what happens while the runtime is at work is told in the middle of it: `meanwhile`)
    finish     volumes away, everything else away, final status written -> object deleted

Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Object, metadata, name_of, namespace_of, parse_time, uid_of
from podwright.api.pods import is_static
from podwright.api.reasons import EventReason
from podwright.api.resources import PODS
from podwright.client.backoff import Backoff
from podwright.client.interface import Client, DeleteOptions
from podwright.kubelet.allocation import Allocations
from podwright.kubelet.errors import TerminalError, WaitingError
from podwright.kubelet.interfaces import EventWriter, PodRuntime, ProbeState, SyncResult, VolumeError, Volumes
from podwright.kubelet.kuberuntime.adoption import told_ended
from podwright.kubelet.kuberuntime.pod_containers import app_containers, init_containers
from podwright.kubelet.kuberuntime.together import all_of
from podwright.kubelet.meanwhile import Meanwhile
from podwright.kubelet.pod_state import PodState
from podwright.kubelet.pod_workers import Outcome, StillRunning
from podwright.kubelet.runtime_state import ContainerState, PodRuntimeStatus, PodSummary, still_true
from podwright.kubelet.status.containers import ProbeResult, Seen
from podwright.kubelet.status.generate import HostFacts, Stage, Verdict, pod_status, refused_status
from podwright.kubelet.status.manager import StatusManager
from podwright.kubelet.status.phase import TERMINAL
from podwright.kubelet.status.resize_events import resize_event

MOUNT_RETRY = 2.0
"""Seconds until volumes that could not be put in place are tried again."""
SANDBOX_RETRY = Backoff(base=0.5, cap=10.0)
"""Seconds until a sandbox that could not be made is tried again."""
NETWORK_RETRY = 1.0
"""Seconds until a Pod is tried again that waits for the runtime's network."""
STATUS_REST = 0.02
"""Seconds that the status at the beginning of a pass may wait, while the runtime gets its work."""

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


Clock = Callable[[], datetime.datetime]
"""Tells the time, with a zone."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Everything that a Pod's life needs."""

    client: Client
    runtime: PodRuntime
    volumes: Volumes
    probes: ProbeState
    statuses: StatusManager
    recorder: EventWriter
    host: Callable[[], HostFacts]
    network_error: Callable[[], str]
    """why the runtime cannot give a Pod a network now; "": it can"""
    now: Clock
    allocations: Allocations
    last_seen: Callable[[str], PodSummary | None]
    """a Pod as a relist of late has shown it, by its UID"""
    meanwhile: Meanwhile = field(default_factory=Meanwhile)


class PodLifecycle:
    """The handlers of `pod_workers`."""

    def __init__(self, with_: Collaborators) -> None:
        self._with = with_
        self._failures: dict[str, Mapping[str, WaitingError]] = {}
        self._untouched: set[str] = set()
        self._ours: set[str] = set()
        """Pods of which nothing is left as an earlier kubelet had it"""
        self._stopped: dict[str, PodRuntimeStatus] = {}
        self._sandbox_failures: dict[str, int] = {}
        self._acted_on: dict[str, PodRuntimeStatus] = {}
        """what the runtime had at the end of the last pass that left nothing to do"""

    def untouched(self, uid: str) -> None:
        """The runtime has nothing of this new Pod yet, so its first pass need not ask."""
        self._untouched.add(uid)
        self._ours.add(uid)

    def happened(self, uid: str) -> None:
        """Something changed about the Pod: told now if it would have to wait for what is being done."""
        self._with.meanwhile.happened(uid)

    def refuse(self, pod: Object, verdict: Verdict) -> None:
        """The node does not take this Pod: its status and an event say so."""
        self._with.recorder.event(pod, "Warning", verdict.reason, verdict.message.removeprefix("Pod was rejected: "))
        self._with.statuses.set(uid_of(pod), refused_status(pod, verdict, self._with.now()))

    def knows(self, summary: PodSummary) -> bool:
        """Whether the last pass has seen all that a relist shows of the Pod."""
        status = self._acted_on.get(summary.uid)
        return status is not None and still_true(status, summary)

    async def sync(self, pod: Object, *, routine: bool = False) -> Outcome:
        """One pass to make the Pod run. `routine`: nothing is known to have happened since the last one."""
        uid = uid_of(pod)
        known = self._acted_on.pop(uid, None)
        if uid in self._untouched:
            self._untouched.discard(uid)
            before = PodRuntimeStatus(uid, name_of(pod), namespace_of(pod))
        elif routine and known is not None and still_true(known, self._with.last_seen(uid)):
            before = known
        else:
            before = await self._adopted(pod, await self._with.runtime.pod_status(uid))
        status = self._status(pod, before)
        if status["phase"] in TERMINAL:
            self._with.statuses.set(uid, status)
            return Outcome(ended=True)
        if not self._may_owe_post_start(pod):
            self._with.statuses.set(uid, status, within=STATUS_REST)
        left = deadline_left(pod, status, self._with.now())
        if left is not None and left <= 0:
            self._with.recorder.event(pod, "Normal", EventReason.DEADLINE_EXCEEDED, DEADLINE_MESSAGE)
            return Outcome(verdict=Verdict(str(EventReason.DEADLINE_EXCEEDED), DEADLINE_MESSAGE))
        outcome = await self._make_run(pod, before)
        return outcome if left is None else _no_later_than(outcome, left)

    async def _adopted(self, pod: Object, status: PodRuntimeStatus) -> PodRuntimeStatus:
        """What the runtime has of the Pod, without what an earlier kubelet left half done."""
        uid = uid_of(pod)
        if uid not in self._ours:
            told = told_ended(self._with.statuses.latest(uid) or pod.get("status") or {})
            status = await self._with.runtime.adopt(pod, status, told)
            self._ours.add(uid)
        return status

    async def _make_run(self, pod: Object, before: PodRuntimeStatus) -> Outcome:
        uid = uid_of(pod)
        problem = "" if pod["spec"].get("hostNetwork") else self._with.network_error()
        if problem:
            self._with.recorder.event(pod, "Warning", EventReason.NETWORK_NOT_READY, f"network is not ready: {problem}")
            return Outcome(retry_after=NETWORK_RETRY)
        try:
            volumes = await self._with.volumes.mount(pod)
        except VolumeError as error:
            self._with.recorder.event(pod, "Warning", EventReason.FAILED_MOUNT, str(error))
            return Outcome(retry_after=MOUNT_RETRY)
        self._with.probes.add_pod(pod)

        async def tell() -> None:
            # What the probes say of it now; what the pass itself does is told when it is over.
            if not self._may_owe_post_start(pod):
                self._publish(pod, before)

        try:
            async with self._with.meanwhile.telling(uid, tell):
                result = await self._with.runtime.sync_pod(pod, before, volumes)
        except TerminalError as error:
            return Outcome(verdict=Verdict(error.reason, error.message))
        retry_after = result.retry_after
        if result.sandbox_failure:
            # Often it is over in a moment: a name that a call which was broken off still holds, a network that comes.
            failed = self._sandbox_failures[uid] = self._sandbox_failures.get(uid, 0) + 1
            retry_after = min(SANDBOX_RETRY.delay(failed), retry_after or SANDBOX_RETRY.cap)
        else:
            self._failures[uid] = result.failures
            self._sandbox_failures.pop(uid, None)
            self._carried_out(pod, result.resize_error)
        seen_at = asyncio.get_running_loop().time()
        after = await self._after(before, result)
        self._publish(pod, after)
        if result.changed:
            await self._with.runtime.collect_garbage(pod, after)
        again = result.changed and bool(_passed(pod, after) - _passed(pod, before))
        if retry_after is None and not again:
            self._acted_on[uid] = after
        return Outcome(
            retry_after=retry_after,
            # What was read before the pass says nothing of the time during it.
            seen_at=seen_at if result.changed else None,
            again=again,
        )

    def _carried_out(self, pod: Object, error: str) -> None:
        allocations, uid = self._with.allocations, uid_of(pod)
        before = allocations.state(uid)
        allocations.carried_out(uid, error)
        told = resize_event(pod, before, allocations.state(uid))
        if told is not None:
            self._with.recorder.event(pod, told.type, told.reason, told.message)

    async def _after(self, before: PodRuntimeStatus, result: SyncResult) -> PodRuntimeStatus:
        if not result.changed:
            return before
        went_well = not result.failures and not result.sandbox_failure
        if went_well and before.is_empty:
            return await self._with.runtime.first_status(before)
        return await self._with.runtime.pod_status(before.uid)

    async def terminate(self, uid: str, pod: Object | None, state: PodState) -> None:
        """Stop every container and sandbox. Raises StillRunning when some are left, and what the runtime raises."""
        self._untouched.discard(uid)
        self._acted_on.pop(uid, None)
        self._failures.pop(uid, None)
        self._sandbox_failures.pop(uid, None)

        async def tell() -> None:
            await self._tell_end(uid, pod, state)

        runtime = await self._tell_end(uid, pod, state)
        self._with.probes.stop_liveness_and_startup(uid)
        if not runtime.is_empty:
            async with self._with.meanwhile.telling(uid, tell):
                # One that we never made run was found like this: perhaps in the middle of its end.
                await self._with.runtime.kill_pod(pod, runtime, state.grace, resumed=uid not in self._ours)
            runtime = await self._with.runtime.pod_status(uid)
        left = [c.name for c in runtime.running()]
        if left:
            raise StillRunning(f"containers still running: {', '.join(left)}")
        if pod is not None and state.wanted:
            self._publish(pod, runtime, Stage(stopping=True, finished=True, verdict=state.verdict))
        self._with.probes.remove_pod(uid)
        self._stopped[uid] = runtime

    async def _tell_end(self, uid: str, pod: Object | None, state: PodState) -> PodRuntimeStatus:
        """How far the end has come; returns what the runtime has."""
        runtime = await self._with.runtime.pod_status(uid)
        if pod is not None and state.wanted:
            self._publish(pod, runtime, Stage(stopping=True, verdict=state.verdict))
        return runtime

    async def finish(self, uid: str, pod: Object | None, state: PodState) -> None:
        """Clean up; when `state.remove`, leave nothing, and delete the object that waits for that.

        Raises the first error after everything was tried.
        """
        steps = [self._with.volumes.unmount(uid)]
        if state.remove:
            steps.append(self._remove_from_runtime(uid, pod))
        if pod is not None and state.wanted:
            steps.append(self._with.statuses.flushed(uid))
        for error in await all_of(steps):
            raise error
        if state.deleted and state.wanted and pod is not None and not is_static(pod):
            await self._delete(pod)
        self._stopped.pop(uid, None)
        self._ours.discard(uid)
        if state.remove:
            self._with.statuses.forget(uid)

    async def _remove_from_runtime(self, uid: str, pod: Object | None) -> None:
        # Right after the end nothing can have changed; later (a finished Pod is deleted) it is read again.
        status = self._stopped.pop(uid, None) or await self._with.runtime.pod_status(uid)
        if pod is not None and not status.name:
            # The runtime has nothing to take the names of the log folder from.
            status = replace(status, name=name_of(pod), namespace=namespace_of(pod))
        await self._with.runtime.remove_pod(status)

    async def _delete(self, pod: Object) -> None:
        options = DeleteOptions(grace_period_seconds=0, uid=uid_of(pod))
        try:
            await self._with.client.delete(PODS, name_of(pod), namespace_of(pod), options)
        except (NotFound, Conflict):
            # Gone already, or the name belongs to another Pod by now: either way there is nothing left to delete.
            return

    def _may_owe_post_start(self, pod: Object) -> bool:
        """Whether an earlier run of ours may have died during a postStart hook: until it is over nothing is Running."""
        members = (*init_containers(pod), *app_containers(pod))
        return uid_of(pod) not in self._failures and any(
            (member.spec.get("lifecycle") or {}).get("postStart") for member in members
        )

    def _publish(self, pod: Object, runtime: PodRuntimeStatus, stage: Stage | None = None) -> Object:
        status = self._status(pod, runtime, stage)
        self._with.statuses.set(uid_of(pod), status)
        return status

    def _status(self, pod: Object, runtime: PodRuntimeStatus, stage: Stage | None = None) -> Object:
        uid = uid_of(pod)
        probes = self._with.probes
        probes.observe(runtime)
        results = {
            c.name: ProbeResult(probes.is_ready(uid, c.name, c.id), probes.is_started(uid, c.name, c.id))
            for c in runtime.containers
            if c.state is ContainerState.RUNNING
        }
        return pod_status(
            pod,
            Seen(runtime, self._failures.get(uid, {}), results),
            self._with.host(),
            previous=self._with.statuses.latest(uid) or pod.get("status") or {},
            now=self._with.now(),
            stage=stage or Stage(),
            resize=self._with.allocations.state(uid),
        )


def deadline_left(pod: Object, status: Object, now: datetime.datetime) -> float | None:
    """Seconds that activeDeadlineSeconds leaves the Pod, counted from its start; None: it has no deadline."""
    limit = pod["spec"].get("activeDeadlineSeconds")
    started = status.get("startTime")
    if limit is None or not started or metadata(pod).get("deletionTimestamp"):
        return None
    return float(limit) - (now - parse_time(started)).total_seconds()


def _no_later_than(outcome: Outcome, left: float) -> Outcome:
    after = left if outcome.retry_after is None else min(left, outcome.retry_after)
    return replace(outcome, retry_after=max(after, 0.0))


def _passed(pod: Object, status: PodRuntimeStatus) -> set[str]:
    """What others may have waited for: containers that have ended, sandboxes not ready, sidecars that run."""
    sidecars = {member.name for member in init_containers(pod) if member.is_sidecar}
    passed = {
        c.id
        for c in status.containers
        if c.state is ContainerState.EXITED or (c.state is ContainerState.RUNNING and c.name in sidecars)
    }
    return passed | {s.id for s in status.sandboxes if not s.ready}
