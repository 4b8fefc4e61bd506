"""Takes over the containers of a Pod from an earlier kubelet, but for those whose start nobody has finished.

What it decides: what becomes of a container that was made and, as the runtime tells it, never began. A kubelet that is
killed in the middle of StartContainer takes its start along: containerd undoes it and tells it as an end, `StartError`.
That is nobody's failure, so the restart policy must not be asked, and a Pod that says Never must not end Failed.

    created, its start perhaps being undone     forgotten once that is over: as if it had not been made
    its process was not made, or not let run    forgotten too; it can not have begun
    its process may have been let run           as the restart policy says; where that says no, started again all the
                                                same, which counts as a restart and is told as an event
    told as ended before we came                left alone: that was an error of its own

That one program is started twice may happen in Kubernetes too, with restartPolicy Never as well.
Called by `runtime`, once for each Pod that was there before us.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/#handling-pod-and-container-failures
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from podwright.api.objects import Object, uid_of
from podwright.api.reasons import EventReason
from podwright.cri.errors import DeadlineExceeded
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.garbage import remove_container_files
from podwright.kubelet.kuberuntime.observe import Observer
from podwright.kubelet.kuberuntime.pod_containers import Member, find_member, should_restart
from podwright.kubelet.kuberuntime.removal import PAUSE, PAUSE_MOST, STARTING_LIMIT, Removal
from podwright.kubelet.kuberuntime.together import together
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus

_log = logging.getLogger(__name__)

START_ERROR: Final = "StartError"
"""containerd's reason of a container whose start has failed, whyever"""
_LET_RUN: Final = "failed to start containerd task"
"""how containerd says that the process was made, and something went wrong from when it was to be let run"""


class Fate(enum.Enum):
    """What becomes of a container that an earlier kubelet has made."""

    KEPT = "it is what it seems"
    FORGOTTEN = "it never began: as if it had not been made"
    AGAIN = "it may have begun: another one is its restart"


def fate(container: ContainerStatus, member: Member | None, told: Collection[str]) -> Fate:
    """The decision. `told`: ids of the containers whose end the Pod's status tells; `member` None: not in its spec."""
    if container.state is ContainerState.CREATED:
        return Fate.FORGOTTEN
    undone = container.reason == START_ERROR and container.started_at is None
    if container.state is not ContainerState.EXITED or not undone or member is None or container.id in told:
        return Fate.KEPT
    if _LET_RUN not in container.message:
        return Fate.FORGOTTEN
    return Fate.KEPT if should_restart(member, container.exit_code) else Fate.AGAIN


def told_ended(status: Mapping[str, Any]) -> frozenset[str]:
    """Ids of the containers that a PodStatus tells the end of."""
    kinds = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    every = [one for kind in kinds for one in status.get(kind) or ()]
    ends = [(one.get(field) or {}).get("terminated") or {} for one in every for field in ("state", "lastState")]
    return frozenset(end["containerID"].partition("://")[2] for end in ends if end.get("containerID"))


class Adoption:
    """Looks at what an earlier kubelet has left of a Pod."""

    def __init__(self, with_: Collaborators, observer: Observer) -> None:
        self._with = with_
        self._observer = observer
        self._removal = Removal(with_)

    async def adopt(self, pod: Object, status: PodRuntimeStatus, told: Collection[str]) -> PodRuntimeStatus:
        """What is left of `status` when no start is under way any more. Raises CriError."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + STARTING_LIMIT, PAUSE
        while leaving := list(_leaving(pod, status, told)):
            over = await together(self._remove(pod, status, container, why) for container, why in leaving)
            if not all(over):
                if loop.time() > until:
                    text = f"a container's start was neither finished nor undone in {STARTING_LIMIT:g} s"
                    raise DeadlineExceeded("DeadlineExceeded", text)
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_MOST)
            # A start that was under way may have come to a good end meanwhile.
            status = await self._observer.pod_status(uid_of(pod))
        return status

    async def _remove(self, pod: Object, status: PodRuntimeStatus, container: ContainerStatus, why: Fate) -> bool:
        if not await self._removal.attempt(container.id):
            return False
        self._observer.removed(container.id)
        if why is Fate.FORGOTTEN:
            await asyncio.to_thread(remove_container_files, self._with.paths, status, container)
            _log.info(
                "container %s of pod %s/%s had not begun: made anew", container.name, status.namespace, status.name
            )
        else:
            # Its log stays: by that the next one knows that it is not the first.
            self._tell(pod, container)
        return True

    def _tell(self, pod: Object, container: ContainerStatus) -> None:
        member = find_member(pod, container.name)
        path = member.ref(pod).field_path if member else ""
        cause = container.message.replace(container.id, container.name)
        text = f"Error: the start was broken off when the kubelet ended, and is made again: {cause}"
        self._with.recorder.event(pod, "Warning", EventReason.FAILED, text, path)


def _leaving(pod: Object, status: PodRuntimeStatus, told: Collection[str]) -> Iterator[tuple[ContainerStatus, Fate]]:
    for container in status.containers:
        why = fate(container, find_member(pod, container.name), told)
        if why is not Fate.KEPT:
            yield container, why
