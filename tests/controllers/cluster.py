"""A cluster in one process, without containers: the real API over a store in memory, and nodes that only say so.

Pods are bound at once and become what `Nodes` is told to make of them; what is deleted is gone when its node says so.
Controllers that are given share informers as in the program, and can be killed and started again.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.fakes.waiting import eventually, running

from podwright.admission.interface import User
from podwright.api.errors import NotFound, StatusError
from podwright.api.objects import Object, metadata, name_of, namespace_of, rfc3339
from podwright.api.resources import EVENTS, NODES, PODS, Resource
from podwright.api.schema import Schema
from podwright.apiserver.config import ApiServerConfig
from podwright.apiserver.server import ApiServer
from podwright.client.events import EventRecorder
from podwright.client.informer import Informer
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions, PatchType
from podwright.storage.memory import MemoryStore


class Controller(Protocol):
    async def run(self) -> None: ...


Make = Callable[[Client, Informers, EventRecorder, Callable[[], datetime.datetime]], Controller]
_SCHEMA = Schema.load()


class Cluster:
    """Use `cluster`."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ahead = datetime.timedelta()
        """How far the controllers' clock is ahead of the real one."""
        self.healthy: Callable[[Object], bool] = lambda pod: True
        """Which Pods become ready."""
        self.ends_pods = True
        """Whether Pods that are deleted go."""
        self.starts_pods = True
        """Whether new Pods are bound and become Running."""
        self.ever: list[Object] = []
        """Every Pod that there ever was, as it was first seen."""

    def now(self) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC) + self.ahead

    async def make(self, resource: Resource, name: str, **fields: Any) -> Object:
        meta = {"name": name, **fields.pop("metadata", {})}
        return await self.client.create(resource, {"metadata": meta, **fields}, "ns" if resource.namespaced else "")

    async def get(self, resource: Resource, name: str) -> Object:
        return await self.client.get(resource, name, "ns" if resource.namespaced else "")

    async def change(self, resource: Resource, name: str, change: Any, subresource: str = "") -> Object:
        return await self.client.patch(
            resource, name, change, "ns", patch_type=PatchType.MERGE, subresource=subresource
        )

    async def list(self, resource: Resource, **labels: str) -> list[Object]:
        selector = ",".join(f"{k}={v}" for k, v in labels.items())
        return list((await self.client.list(resource, "ns", label_selector=selector)).items)

    async def pods(self) -> list[Object]:
        """Those that are not being deleted, by name."""
        found = [pod for pod in await self.list(PODS) if not metadata(pod).get("deletionTimestamp")]
        return sorted(found, key=name_of)

    async def delete(self, resource: Resource, name: str, **options: Any) -> None:
        await self.client.delete(resource, name, "ns", DeleteOptions(**options))

    async def told(self, at_least: int = 0, reason: str = "") -> list[tuple[str, str]]:
        """(reason, message) of all events, or of those of one `reason`, in order, once there are so many."""

        async def enough() -> list[tuple[str, str]] | None:
            events = [event for event in await self.list(EVENTS) if reason in ("", event["reason"])]
            events.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
            found = [(event["reason"], event["message"]) for event in events]
            return found if len(found) >= at_least else None

        told: list[tuple[str, str]] = await self.until(enough) if at_least else await enough() or []
        return told

    async def until(self, condition: Callable[[], Any], within: float = 30.0) -> Any:
        return await eventually(condition, within)

    @asynccontextmanager
    async def controlled(self, *makes: Make, client: Any = None) -> AsyncIterator[None]:
        """Controllers that run until the block ends, and are then gone at once; `client`: theirs, if it is another."""
        client = client or self.client
        informers = Informers(client)
        recorder = EventRecorder(client, "test", "", self.now)
        controllers = [make(client, informers, recorder, self.now) for make in makes]
        async with running(recorder.run(), informers.run(), *(one.run() for one in controllers)):
            yield

    async def be_nodes(self) -> None:
        """What kubelets would tell of Pods, until cancelled."""
        pods = Informer(self.client, PODS)
        queue: asyncio.Queue[Object] = asyncio.Queue()

        def seen(old: Object | None, new: Object | None) -> None:
            if new is not None:
                queue.put_nowait(new)
                if old is None:
                    self.ever.append(new)

        pods.add_handler(seen)
        async with running(pods.run()):
            while True:
                pod = await queue.get()
                try:
                    await self._look_after(pod)
                except StatusError:
                    continue

    async def _look_after(self, pod: Object) -> None:
        status = pod.get("status") or {}
        if metadata(pod).get("deletionTimestamp"):
            if self.ends_pods:
                options = DeleteOptions(grace_period_seconds=0, uid=metadata(pod)["uid"])
                await self.client.delete(PODS, name_of(pod), namespace_of(pod), options)
            return
        if not self.starts_pods:
            return
        if not pod["spec"].get("nodeName"):
            node = _wanted_node(pod) or "n"
            binding = {"target": {"kind": "Node", "name": node}, "metadata": {"name": name_of(pod)}}
            await self.client.create(PODS, binding, namespace_of(pod), name=name_of(pod), subresource="binding")
            return
        if status.get("phase") == "Pending":
            await self.tell(pod, "Running", ready=self.healthy(pod))

    async def end_pods(self) -> None:
        """All Pods that are being deleted are gone."""
        for pod in await self.list(PODS):
            if metadata(pod).get("deletionTimestamp"):
                await self._look_after(pod)

    async def tell(self, pod: Object, phase: str, *, ready: bool) -> None:
        """Set a Pod's status as its kubelet would."""
        condition = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": rfc3339(datetime.datetime.now(datetime.UTC)),
        }
        change = {"status": {"phase": phase, "conditions": [condition]}}
        try:
            await self.client.patch(
                PODS, name_of(pod), change, namespace_of(pod), patch_type=PatchType.STRATEGIC, subresource="status"
            )
        except NotFound:
            return


def _wanted_node(pod: Object) -> str:
    affinity = ((pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    for term in affinity.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            return str(field["values"][0])
    return ""


@asynccontextmanager
async def cluster(folder: Path, nodes: Sequence[str] = ("n",)) -> AsyncIterator[Cluster]:
    """A cluster with these nodes and the namespace `ns`."""
    store = MemoryStore()
    server = ApiServer(ApiServerConfig(folder, port=0), store, _SCHEMA)
    made = Cluster(server.local_client(User("admin", ("system:masters",))))
    try:
        for name in nodes:
            await made.make(NODES, name, status={"conditions": [{"type": "Ready", "status": "True"}]})
        async with running(made.be_nodes()):
            yield made
    finally:
        await store.close()


def template(image: str = "app:1", **spec: Any) -> Object:
    """A Pod template with the label app=a."""
    return {
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "app", "image": image}], "terminationGracePeriodSeconds": 1, **spec},
    }


SELECTOR = {"matchLabels": {"app": "a"}}
