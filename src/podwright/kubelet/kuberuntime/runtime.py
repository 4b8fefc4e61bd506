"""The door of this folder: `interfaces.PodRuntime` on a CRI runtime.

Called by the kubelet's Pod workers, pleg and the status. What it does is in the modules beside it; this one only puts
them together.
Page: https://kubernetes.io/docs/concepts/containers/cri/
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping

from podwright.api.objects import Object
from podwright.cri.containerd_events import ContainerdEvents
from podwright.kubelet.interfaces import MountedVolumes, SyncResult
from podwright.kubelet.kuberuntime.adoption import Adoption
from podwright.kubelet.kuberuntime.collaborators import Collaborators
from podwright.kubelet.kuberuntime.garbage import Garbage
from podwright.kubelet.kuberuntime.killing import Killer
from podwright.kubelet.kuberuntime.observe import Observer
from podwright.kubelet.kuberuntime.runtime_events import RuntimeEvents
from podwright.kubelet.kuberuntime.sync_pod import PodSync
from podwright.kubelet.restart_backoff import RestartBackoff
from podwright.kubelet.runtime_state import PodRuntimeStatus, PodSummary


class KubeRuntime:
    """Changes and reads the runtime, Pod by Pod. One pass over a Pod at a time; different Pods side by side.

    `containerd` is the runtime's own event stream for a containerd without GetContainerEvents, None for none.
    """

    def __init__(
        self, with_: Collaborators, backoff: RestartBackoff, containerd: ContainerdEvents | None = None
    ) -> None:
        self._observer = Observer(with_.runtime, with_.cgroups)
        self._sync = PodSync(with_, self._observer, Killer(with_), backoff)
        self._garbage = Garbage(with_, self._observer)
        self._adoption = Adoption(with_, self._observer)
        self._events = RuntimeEvents(with_.runtime, containerd, self._observer)

    async def adopt(self, pod: Object, status: PodRuntimeStatus, told: Collection[str]) -> PodRuntimeStatus:
        """Forget the containers whose start an earlier kubelet did not finish; returns what the Pod has then.

        `told`: ids of the containers whose end its status tells. Raises CriError, OSError.
        """
        return await self._adoption.adopt(pod, status, told)

    async def sync_pod(self, pod: Object, status: PodRuntimeStatus, volumes: MountedVolumes) -> SyncResult:
        """Make the runtime have what the Pod asks for, one pass. Raises TerminalError."""
        return await self._sync.sync(pod, status, volumes)

    async def kill_pod(
        self, pod: Object | None, status: PodRuntimeStatus, grace: int | None, *, resumed: bool = False
    ) -> None:
        """Stop every container (hooks, grace seconds; None: as spec and annotations say), then the sandboxes.

        `resumed`: an earlier kubelet may have been killed in the middle of it.
        Raises the first CriError after everything was tried, with an event FailedKillPod on the Pod.
        """
        for error in await self._sync.kill_pod(pod, status, grace, resumed=resumed):
            raise error

    async def remove_pod(self, status: PodRuntimeStatus) -> None:
        """Remove containers, sandboxes, logs, message files and cgroup. Raises CriError, OSError; safe to repeat."""
        await self._garbage.remove_pod(status)
        self._sync.forget(status.uid)

    async def collect_garbage(self, pod: Object, status: PodRuntimeStatus) -> None:
        """Remove dead containers and sandboxes that `pod` no longer needs. Raises CriError, OSError."""
        await self._garbage.collect(status)

    async def pod_status(self, uid: str) -> PodRuntimeStatus:
        """Everything the runtime has of this Pod. Raises CriError."""
        return await self._observer.pod_status(uid)

    async def first_status(self, before: PodRuntimeStatus) -> PodRuntimeStatus:
        """What a Pod has after its first pass, which found nothing of it and went well. Raises CriError."""
        return await self._observer.first_status(before)

    async def list_pods(self) -> Mapping[str, PodSummary]:
        """Every Pod the runtime has, by UID. Raises CriError."""
        return await self._observer.list_pods()

    def events(self) -> AsyncIterator[str]:
        """UIDs of Pods in which something has changed; "" means: relist all. Ends where there is no event stream."""
        return self._events.stream()
