"""Tells in which Pod something has just happened, from the runtime's own stream of events.

Called by pleg through `KubeRuntime.events`. CRI's GetContainerEvents where the runtime has it; containerd before 1.7
has its own stream, which says a little early that a process has ended: there the Pod is named once CRI shows it too.
Page: https://kubernetes.io/docs/tasks/administer-cluster/switch-to-evented-pleg/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from podwright.cri.client import RuntimeClient
from podwright.cri.containerd_events import ContainerdEvents
from podwright.cri.errors import CriError, NotFound, Unimplemented
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.kuberuntime import labels
from podwright.kubelet.kuberuntime.observe import Observer

RELIST = ""

_RECONNECT_PAUSE = 0.2
_RECONNECT_WITHIN = 60.0
_SETTLE_PAUSE, _SETTLE_PAUSE_MOST, _SETTLE_LIMIT = 0.001, 0.05, 5.0

_log = logging.getLogger(__name__)
_Queue = asyncio.Queue[str | None]


class RuntimeEvents:
    """The stream of UIDs of one runtime; `containerd` is its own event stream, None when it is no containerd."""

    def __init__(self, runtime: RuntimeClient, containerd: ContainerdEvents | None, observer: Observer) -> None:
        self._runtime = runtime
        self._containerd = containerd
        self._observer = observer

    async def stream(self) -> AsyncIterator[str]:
        """UIDs of Pods in which something has changed; "" after a gap. Ends where the runtime has no stream."""
        queue: _Queue = asyncio.Queue()
        pump = asyncio.create_task(self._pump(queue))
        try:
            while (uid := await queue.get()) is not None:
                yield uid
        finally:
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)

    async def _pump(self, queue: _Queue) -> None:
        source = self._from_cri
        try:
            while True:
                try:
                    await source(queue)
                except Unimplemented:
                    if source == self._from_containerd or self._containerd is None:
                        return
                    source = self._from_containerd
                    continue
                except CriError as error:
                    _log.info("the runtime's event stream broke: %s", error)
                await self._reconnect()
                queue.put_nowait(RELIST)
        finally:
            queue.put_nowait(None)

    async def _reconnect(self) -> None:
        while True:
            # A stream that ends as soon as it has begun must not be asked for in a tight loop.
            await asyncio.sleep(_RECONNECT_PAUSE)
            try:
                await self._runtime.wait_until_serving(_RECONNECT_WITHIN)
            except CriError as error:
                _log.warning("the runtime does not answer: %s", error)
            else:
                return

    async def _from_cri(self, queue: _Queue) -> None:
        async for event in self._runtime.get_container_events():
            uid = event.pod_sandbox_status.metadata.uid or self._observer.owner(event.container_id)
            if uid:
                queue.put_nowait(uid)

    async def _from_containerd(self, queue: _Queue) -> None:
        assert self._containerd is not None
        broken: CriError | None = None
        async with asyncio.TaskGroup() as settling:
            try:
                async for event in self._containerd.events():
                    if event.topic == "/tasks/exit":
                        settling.create_task(self._settle(event.container_id, queue))
                    elif event.topic == "/containers/delete" and (uid := self._observer.owner(event.container_id)):
                        queue.put_nowait(uid)
            except CriError as error:
                broken = error
        if broken is not None:
            raise broken

    async def _settle(self, id: str, queue: _Queue) -> None:
        """Name the Pod of a process that has ended as soon as CRI shows that it has."""
        pause = _SETTLE_PAUSE
        uid = self._observer.owner(id)
        try:
            async with asyncio.timeout(_SETTLE_LIMIT):
                while True:
                    owner, ended = await self._look(id)
                    uid = owner or uid
                    if ended:
                        break
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _SETTLE_PAUSE_MOST)
        except TimeoutError:
            _log.warning("the runtime still shows %s as running, although its process has ended", id)
        except CriError:
            uid = RELIST
        if uid is not None:
            queue.put_nowait(uid)

    async def _look(self, id: str) -> tuple[str | None, bool]:
        """Whose it is, and whether CRI shows that it has ended (or is gone)."""
        try:
            container = (await self._runtime.container_status(id)).status
        except NotFound:
            pass
        else:
            over = container.state not in (pb.ContainerState.CONTAINER_RUNNING, pb.ContainerState.CONTAINER_CREATED)
            return container.labels.get(labels.POD_UID), over
        try:
            sandbox = (await self._runtime.pod_sandbox_status(id)).status
        except NotFound:
            return None, True
        return sandbox.metadata.uid, sandbox.state != pb.PodSandboxState.SANDBOX_READY
