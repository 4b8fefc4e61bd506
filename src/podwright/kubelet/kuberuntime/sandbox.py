"""Makes a Pod's sandbox, and removes it.

Carries out the sandbox part of `actions`. What can be got ready at the same time is: the runtime handler, the Pod's
cgroup, the log directory. Called by `sync_pod` and `garbage`.
Page: https://kubernetes.io/docs/concepts/containers/runtime-class/
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object, uid_of
from podwright.api.reasons import EventReason
from podwright.cri.errors import CriError, NotFound
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.errors import SandboxError, TerminalError
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.observe import Observer
from podwright.kubelet.kuberuntime.sandbox_config import SandboxInput, sandbox_config
from podwright.kubelet.kuberuntime.together import beside
from podwright.kubelet.runtime_state import SandboxStatus

HANDLER_NOT_FOUND = "RuntimeHandlerNotFound"
"""status.reason of a Pod whose class names a handler that the runtime has not"""

_UNKNOWN_HANDLER = ("no runtime for", "failed to find runtime handler")
"""how containerd and CRI-O say that they know no such handler"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that containers can be created in."""

    status: SandboxStatus
    config: pb.PodSandboxConfig

    @property
    def id(self) -> str:
        """The runtime's id of it."""
        return self.status.id


class Sandboxes:
    """Sandboxes in the runtime."""

    def __init__(self, with_: Collaborators, observer: Observer) -> None:
        self._with = with_
        self._observer = observer

    async def create(self, pod: Object, attempt: int, handler: str) -> Sandbox:
        """Make and start a sandbox. Raises SandboxError, or TerminalError when no runtime here can ever run it.

        Both are told as an event FailedCreatePodSandBox.
        """
        try:
            return await self._create(pod, attempt, handler)
        except (SandboxError, TerminalError) as error:
            self.failed(pod, error)
            raise

    def failed(self, pod: Object, error: Exception) -> None:
        """Tell that no sandbox could be made."""
        text = f"Failed to create pod sandbox: {error}"
        self._with.recorder.event(pod, "Warning", EventReason.FAILED_CREATE_POD_SANDBOX, text)

    async def _create(self, pod: Object, attempt: int, handler: str) -> Sandbox:
        with_ = self._with
        config = self.config(pod, attempt)
        try:
            async with beside(with_.cgroups.create(pod)) as cgroup:
                await asyncio.to_thread(_make_directory, Path(config.log_directory))
                await cgroup
        except OSError as error:
            raise SandboxError(f"prepare pod: {error}") from error
        try:
            made = await with_.runtime.run_pod_sandbox(config, runtime_handler=handler)
        except CriError as error:
            if handler and any(text in error.message for text in _UNKNOWN_HANDLER):
                raise TerminalError(HANDLER_NOT_FOUND, str(error)) from error
            raise SandboxError(str(error)) from error
        self._observer.created(made.pod_sandbox_id, uid_of(pod))
        try:
            answer = await with_.runtime.pod_sandbox_status(made.pod_sandbox_id)
        except CriError as error:
            raise SandboxError(f"status of the new sandbox: {error}") from error
        return Sandbox(self._observer.remember(answer.status), config)

    def existing(self, pod: Object, status: SandboxStatus) -> Sandbox:
        """A sandbox that is there already. Raises SandboxError."""
        return Sandbox(status, self.config(pod, status.attempt))

    def config(self, pod: Object, attempt: int) -> pb.PodSandboxConfig:
        """What the sandbox is created from. Raises SandboxError."""
        with_ = self._with
        try:
            cgroup_parent = with_.cgroups.parent(pod)
        except ValueError as error:
            raise SandboxError(f"resources of the pod: {error}") from error
        given = SandboxInput(
            pod=pod,
            attempt=attempt,
            hostname=with_.environment.hostname(pod),
            dns=with_.environment.dns(pod),
            log_directory=str(with_.paths.pod_log_directory(pod)),
            cgroup_parent=cgroup_parent,
        )
        return sandbox_config(given, with_.facts)

    async def stop(self, sandbox_id: str) -> None:
        """Stop it and take its network down. Raises CriError."""
        if self._observer.is_stopped(sandbox_id):
            return
        with contextlib.suppress(NotFound):
            await self._with.runtime.stop_pod_sandbox(sandbox_id)
        self._observer.stopped(sandbox_id)

    async def remove(self, sandbox_id: str) -> None:
        """Stop and remove it. Raises CriError."""
        await self.stop(sandbox_id)
        with contextlib.suppress(NotFound):
            await self._with.runtime.remove_pod_sandbox(sandbox_id)
        self._observer.removed(sandbox_id)


def _make_directory(path: Path) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o755)
