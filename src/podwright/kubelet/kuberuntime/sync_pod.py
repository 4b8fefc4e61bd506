"""One pass over a Pod: decides with `actions`, then carries it out in numbered steps.

1. decide  2. kill  3. sandbox  4. start. Images of all containers to start are got ready while the sandbox is made;
containers are then started one after the other, because one's postStart hook holds back the next. A container that
cannot be started does not keep its neighbours from starting. Called by `runtime.KubeRuntime`.
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from podwright.api.objects import Object, uid_of
from podwright.api.reasons import EventReason
from podwright.cri.errors import CriError
from podwright.kubelet.cgroups.limits import pod_limits
from podwright.kubelet.errors import CrashLoopError, SandboxError, TerminalError, WaitingError
from podwright.kubelet.interfaces import ContainerRef, MountedVolumes, ProbeState, SyncResult
from podwright.kubelet.kuberuntime.actions import Actions, compute_actions
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.container import Start, Starter
from podwright.kubelet.kuberuntime.killing import Killer, Target
from podwright.kubelet.kuberuntime.kills import Kill
from podwright.kubelet.kuberuntime.observe import Observer
from podwright.kubelet.kuberuntime.pod_containers import Member, app_containers, describe_pod, init_containers, members
from podwright.kubelet.kuberuntime.removal import Removal
from podwright.kubelet.kuberuntime.resize import Resizing, below_usage, limits_of, resizings
from podwright.kubelet.kuberuntime.resources import container_resources
from podwright.kubelet.kuberuntime.sandbox import Sandbox, Sandboxes
from podwright.kubelet.kuberuntime.together import all_of
from podwright.kubelet.restart_backoff import RestartBackoff, go_duration
from podwright.kubelet.runtime_state import ContainerState, PodRuntimeStatus

RETRY = 10.0
"""seconds until a failed step is tried again"""


@dataclass(frozen=True, slots=True)
class PodProbes:
    """`kills.Probes` of one Pod."""

    uid: str
    state: ProbeState

    def is_started(self, container: str, container_id: str) -> bool | None:
        """Result of the startup probe; None: there is none."""
        return self.state.is_started(self.uid, container, container_id)

    def must_restart(self, container: str, container_id: str) -> str:
        """Empty, "liveness" or "startup"."""
        return self.state.must_restart(self.uid, container, container_id)


class PodSync:
    """Makes the runtime have what a Pod asks for."""

    def __init__(self, with_: Collaborators, observer: Observer, killer: Killer, backoff: RestartBackoff) -> None:
        self._with = with_
        self._killer = killer
        self._observer = observer
        self._backoff = backoff
        self._sandboxes = Sandboxes(with_, observer)
        self._removal = Removal(with_)
        self._starter = Starter(with_, observer, killer)
        self._of_pods: dict[str, Object] = {}
        """what the cgroup of a Pod was made or changed for, by UID: the resources of the Pod as a whole"""

    async def sync(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
        """One pass. Raises TerminalError."""
        failures = await self._redeliver(pod, status)
        if failures:
            return sync_result(failures, changed=True)
        # 1. decide
        resizing = resizings(pod, status, self._with.facts)
        whole = self._of_pods.get(uid_of(pod), {}) != (pod["spec"].get("resources") or {})
        refused = await self._refusal(pod, resizing, whole=whole) if resizing or whole else ""
        outgrown = {one.container_id for one in resizing if one.restart and not refused}
        actions = compute_actions(pod, status, PodProbes(uid_of(pod), self._with.probes), outgrown)
        if actions.create_sandbox is not None:
            self._remember(pod)
        if not (resizing or whole) or actions.kill_pod or actions.create_sandbox is not None:
            return await self._carry_out(pod, status, volumes, actions, failures)
        # Room first, then the containers, and what the Pod no longer needs last.
        error = refused or await self._resize(self._with.cgroups.grow(pod), *self._resizes(pod, resizing))
        result = await self._carry_out(pod, status, volumes, actions, failures)
        error = error or await self._resize(self._with.cgroups.create(pod))
        if not error:
            self._remember(pod)
        retry = min(RETRY, result.retry_after or RETRY) if error else result.retry_after
        return replace(result, changed=True, resize_error=error, retry_after=retry)

    def _remember(self, pod: Object) -> None:
        of_pod = pod["spec"].get("resources")
        if of_pod:
            self._of_pods[uid_of(pod)] = of_pod
        else:
            self._of_pods.pop(uid_of(pod), None)

    async def _refusal(self, pod: Object, resizing: Sequence[Resizing], *, whole: bool) -> str:
        """Why nothing is resized, the Pod as a whole or containers; "": nothing stands against it."""
        usage = self._with.cgroups.usage
        complaints = []
        try:
            for one in resizing:
                if one.shrinks and not one.restart and (used := await usage(pod, one.container_id)) is not None:
                    what = f'container "{one.member.name}"'
                    complaints.append(below_usage(what, one.sizes.memory or 0, used.working_set_bytes))
            limit = pod_limits(pod).memory
            if whole and limit is not None and (used := await usage(pod)) is not None:
                complaints.append(below_usage("pod", limit, used.working_set_bytes))
        except (OSError, ValueError) as error:
            return str(error)
        return "; ".join(filter(None, complaints))

    def _resizes(self, pod: Object, resizing: Sequence[Resizing]) -> Iterator[Coroutine[Any, Any, None]]:
        for one in resizing:
            if not one.restart:
                yield self._resize_one(pod, one)

    async def _resize_one(self, pod: Object, one: Resizing) -> None:
        given = container_resources(pod, one.member, self._with.facts)
        await self._with.runtime.update_container_resources(one.container_id, limits_of(one.sizes, given))
        self._observer.sized(one.container_id, one.sizes)

    async def _resize(self, *steps: Coroutine[Any, Any, None]) -> str:
        """Why not everything could be resized; "": it was."""
        errors = []
        for step in steps:
            try:
                await step
            except (CriError, OSError) as error:
                errors.append(str(error))
        return "; ".join(errors)

    async def _carry_out(
        self,
        pod: Object,
        status: PodRuntimeStatus,
        volumes: MountedVolumes,
        actions: Actions,
        failures: dict[str, WaitingError],
    ) -> SyncResult:
        if actions.is_nothing:
            return SyncResult()
        if actions.reset is not None:
            return await self._reset(pod, status, actions.reset)
        # 2. kill
        killed, errors = await self._kill(pod, status, actions)
        if errors:
            return SyncResult(retry_after=RETRY, changed=True)
        if not actions.starts:
            return SyncResult(changed=killed)
        # 3. sandbox, images beside it; 4. start
        try:
            handler = await self._handler(pod, status, actions)
            ready = self._past_backoff(pod, status, actions.starts, failures)
            if not ready and actions.create_sandbox is None:
                return sync_result(failures, changed=killed)
            async with self._images(pod, ready, handler) as images:
                sandbox = await self._sandbox(pod, status, actions, handler)
                failures.update(await self._start(pod, status, volumes, sandbox, images))
        except SandboxError as error:
            return SyncResult(failures, f"Failed to create pod sandbox: {error}", RETRY, changed=True)
        return sync_result(failures, changed=True)

    async def _redeliver(self, pod: Object, status: PodRuntimeStatus) -> dict[str, WaitingError]:
        """postStart hooks that were cut short when we were stopped."""
        failures: dict[str, WaitingError] = {}
        for member in members(pod):
            instance = status.newest(member.name)
            if instance is not None and instance.state is ContainerState.RUNNING:
                try:
                    await self._starter.redeliver(pod, member, instance.id, status.ips)
                except WaitingError as error:
                    failures[member.name] = error
        return failures

    def forget(self, uid: str) -> None:
        """The Pod is gone."""
        self._backoff.forget(uid)
        self._starter.forget(uid)
        self._of_pods.pop(uid, None)

    async def _kill(self, pod: Object, status: PodRuntimeStatus, actions: Actions) -> tuple[bool, list[Exception]]:
        """Whether anything was killed, and what went wrong."""
        if not actions.kill_pod:
            errors = await all_of(self._kill_one(pod, status, kill) for kill in actions.kill)
            for error in errors:
                text = f"error killing container: {error}"
                self._with.recorder.event(pod, "Warning", EventReason.FAILED_SYNC, text)
            return bool(actions.kill), errors
        if actions.create_sandbox is not None:
            text = "Pod sandbox changed, it will be killed and re-created."
            self._with.recorder.event(pod, "Normal", EventReason.SANDBOX_CHANGED, text)
        elif not any(s.ready for s in status.sandboxes) and not any(status.running()):
            return False, []
        return True, await self.kill_pod(pod, status, None)

    async def _reset(self, pod: Object, status: PodRuntimeStatus, source: Member) -> SyncResult:
        """End every container at once and forget it, so that the next pass starts from the first one."""
        waiting = self._crash_loop(pod, status, source)
        if waiting is not None:
            return sync_result({source.name: waiting}, changed=False)
        if any(status.running()):
            # How they ended is told before they are forgotten.
            errors = await self._killer.kill_all(pod, status, 0)
            return SyncResult(retry_after=RETRY if errors else 0.0, changed=True)
        own = {member.name for member in (*init_containers(pod), *app_containers(pod))}
        gone = [container for container in status.containers if container.name in own]
        if await all_of(self._forget_container(container.id) for container in gone):
            return SyncResult(retry_after=RETRY, changed=True)
        if (ended := last_end(status, source.name)) is not None:
            self._backoff.restarted(_backoff_key(pod, source), ended, self._with.now())
        return SyncResult(retry_after=0.0, changed=True)

    async def _forget_container(self, container_id: str) -> None:
        await self._removal.remove(container_id)
        self._observer.removed(container_id)

    async def _kill_one(self, pod: Object, status: PodRuntimeStatus, kill: Kill) -> None:
        target = Target(kill.member.ref(pod), kill.member.spec, kill.container_id)
        await self._killer.kill(target, status.ips, kill.message, probe=kill.probe)

    async def kill_pod(
        self, pod: Object | None, status: PodRuntimeStatus, grace: int | None, *, resumed: bool = False
    ) -> list[Exception]:
        """Stop every container, then every sandbox; what went wrong is told as an event and returned.

        `resumed`: an earlier kubelet may have been killed in the middle of it.
        """
        errors = await self._killer.kill_all(pod, status, grace, resumed=resumed)
        errors += await all_of(self._sandboxes.stop(sandbox.id) for sandbox in status.sandboxes)
        if errors and pod is not None:
            text = "error killing pod: " + "; ".join(str(error) for error in errors)
            self._with.recorder.event(pod, "Warning", EventReason.FAILED_KILL_POD, text)
        return errors

    async def _handler(self, pod: Object, status: PodRuntimeStatus, actions: Actions) -> str:
        if actions.create_sandbox is None and status.sandbox is not None:
            return status.sandbox.runtime_handler
        try:
            return await self._with.handlers.handler(pod)
        except (SandboxError, TerminalError) as error:
            self._sandboxes.failed(pod, error)
            raise

    def _past_backoff(
        self, pod: Object, status: PodRuntimeStatus, starts: Sequence[Member], failures: dict[str, WaitingError]
    ) -> Sequence[Member]:
        """The containers that may start now; why the others wait goes to `failures`."""
        ready: list[Member] = []
        for member in starts:
            waiting = self._crash_loop(pod, status, member)
            if waiting is None:
                ready.append(member)
            else:
                failures[member.name] = waiting
        return ready

    def _crash_loop(self, pod: Object, status: PodRuntimeStatus, member: Member) -> CrashLoopError | None:
        ended = last_end(status, member.name)
        if ended is None:
            return None
        wait = self._backoff.check(_backoff_key(pod, member), ended, self._with.now())
        if wait is None:
            return None
        where = describe_pod(pod)
        text = f"Back-off restarting failed container {member.name} in pod {where}"
        self._with.recorder.event(pod, "Warning", EventReason.BACK_OFF, text, member.ref(pod).field_path)
        window = go_duration(wait.window)
        return CrashLoopError(f"back-off {window} restarting failed container={member.name} pod={where}", wait.left)

    async def _sandbox(self, pod: Object, status: PodRuntimeStatus, actions: Actions, handler: str) -> Sandbox:
        if actions.create_sandbox is None and status.sandbox is not None:
            return self._sandboxes.existing(pod, status.sandbox)
        return await self._sandboxes.create(pod, actions.sandbox_attempt, handler)

    @asynccontextmanager
    async def _images(
        self, pod: Object, starts: Sequence[Member], handler: str
    ) -> AsyncIterator[Mapping[str, asyncio.Task[str]]]:
        """The images of `starts` by container, being got ready; what is not waited for at the end is cancelled."""
        tasks: dict[str, asyncio.Task[str]] = {}
        for member in starts:
            image, policy = member.spec.get("image") or "", member.spec.get("imagePullPolicy") or "IfNotPresent"
            tasks[member.name] = asyncio.create_task(self._image(member.ref(pod), image, policy, handler))
        try:
            yield tasks
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _image(self, ref: ContainerRef, image: str, policy: str, handler: str) -> str:
        return await self._with.images.ensure(ref, image, policy, handler)

    async def _start(
        self,
        pod: Object,
        status: PodRuntimeStatus,
        volumes: MountedVolumes,
        sandbox: Sandbox,
        images: Mapping[str, asyncio.Task[str]],
    ) -> Mapping[str, WaitingError]:
        failures: dict[str, WaitingError] = {}
        for member in (m for m in members(pod) if m.name in images):
            ended = last_end(status, member.name)
            if ended is not None:
                self._backoff.restarted(_backoff_key(pod, member), ended, self._with.now())
            start = Start(pod, member, sandbox, status, volumes, sandbox.status.ips)
            try:
                await self._starter.start(start, images[member.name])
            except WaitingError as error:
                failures[member.name] = error
        return failures


def last_end(status: PodRuntimeStatus, container: str) -> float | None:
    """When the newest ended instance of a container ended, in seconds since the epoch; None: none has."""
    for instance in status.containers:
        if instance.name == container and instance.state is ContainerState.EXITED:
            return instance.finished_at.timestamp() if instance.finished_at else 0.0
    return None


def sync_result(failures: Mapping[str, WaitingError], *, changed: bool) -> SyncResult:
    """A pass that ended: it is repeated when the first of the containers that wait may be tried again."""
    delays = [RETRY if error.retry_after is None else error.retry_after for error in failures.values()]
    return SyncResult(failures, retry_after=min(delays, default=None), changed=changed)


def _backoff_key(pod: Object, member: Member) -> tuple[str, ...]:
    resources = json.dumps(member.spec.get("resources") or {}, sort_keys=True)
    return (uid_of(pod), member.name, member.spec.get("image") or "", resources)
