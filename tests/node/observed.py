"""A namespace of a real node, observed: every state its Pods went through, their events, and what containers tell.

Containers tell by appending lines to a file on the node, each with the machine's uptime; tests read the same clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podwright.api.errors import NotFound
from podwright.api.objects import Object, name_of
from podwright.api.resources import EVENTS, NAMESPACES, PODS
from podwright.client.http import HttpClient
from podwright.client.interface import DeleteOptions
from podwright.containerd.example_image import EXAMPLE_IMAGE

TELL = 'tell() { echo "$(cut -d" " -f1 /proc/uptime) $*" >>/story/$HOSTNAME; }\n'
FOREVER = "while :; do sleep 1000 & wait $!; done\n"
"""Waits in a way that a trap interrupts."""


def now() -> float:
    """Seconds of uptime, as containers tell them (to 0.01 s)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def slack(seconds: float) -> float:
    """How late something may be that is meant to be exact within `seconds`: more on a machine that has much to do."""
    return seconds * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def assert_at(actual: float, planned: float, *, early: float = 0.05) -> None:
    """It happened when planned, within 0.3 s; `early`: seconds that what was told of it may be older than it."""
    assert planned - early <= actual <= planned + slack(0.3)


def shell(script: str) -> list[str]:
    """A command that may `tell`."""
    return ["/bin/sh", "-c", TELL + script]


def container(script: str = FOREVER, name: str = "main", **fields: Any) -> Object:
    """One container of the example image that runs `script`, with the Pod's story mounted."""
    return {
        "name": name,
        "image": EXAMPLE_IMAGE,
        "command": shell(script),
        "volumeMounts": [{"name": "story", "mountPath": "/story"}],
        **fields,
    }


def spec(*containers: Object, **fields: Any) -> Object:
    """A Pod's spec with a grace of one second; one idle container when none is given."""
    return {"containers": list(containers) or [container()], "terminationGracePeriodSeconds": 1, **fields}


@dataclass(frozen=True)
class State:
    """A Pod as the API told it, and when that was heard."""

    at: float
    pod: Object
    gone: bool = False

    @property
    def status(self) -> Object:
        """`status`, never None."""
        return self.pod.get("status") or {}

    @property
    def phase(self) -> str:
        """`status.phase`."""
        return self.status.get("phase") or ""

    @property
    def ready(self) -> bool:
        """The Pod's Ready condition."""
        return self.condition("Ready") == "True"

    def condition(self, kind: str) -> str:
        """The status of a condition, "" without it."""
        return next((one["status"] for one in self.status.get("conditions") or () if one["type"] == kind), "")

    def container(self, name: str = "main") -> Object:
        """The status of a container of any kind, empty while there is none."""
        kinds = ("containerStatuses", "initContainerStatuses")
        return next((one for kind in kinds for one in self.status.get(kind) or () if one["name"] == name), {})

    def state(self, name: str = "main") -> tuple[str, Object]:
        """(`waiting` | `running` | `terminated` | "", its fields)."""
        return next(iter((self.container(name).get("state") or {}).items()), ("", {}))

    def is_running(self, name: str = "main") -> bool:
        """Whether a container's state is `running`."""
        return self.state(name)[0] == "running"

    def waits_for(self, reason: str, name: str = "main") -> bool:
        """Whether a container waits with this reason."""
        kind, details = self.state(name)
        return kind == "waiting" and details.get("reason") == reason

    def restarts(self, name: str = "main") -> int:
        """`restartCount`."""
        count: int = self.container(name).get("restartCount") or 0
        return count


@dataclass
class Observed:
    """One namespace. Use `observed`."""

    client: HttpClient
    namespace: str
    stories: Path
    history: dict[str, list[State]] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def create(self, pods: Mapping[str, Object], annotations: Mapping[str, str] | None = None) -> None:
        """Create Pods, by name, side by side; each has its story mounted at /story."""
        await asyncio.gather(*(self._create(name, spec, dict(annotations or {})) for name, spec in pods.items()))

    async def _create(self, name: str, spec: Object, annotations: dict[str, str]) -> None:
        volume = {"name": "story", "hostPath": {"path": str(self.stories), "type": "DirectoryOrCreate"}}
        await self.client.create(
            PODS,
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "labels": {"name": name}, "annotations": annotations},
                "spec": {**spec, "volumes": [volume, *spec.get("volumes", ())]},
            },
            self.namespace,
        )

    async def delete(self, name: str, grace: int | None = None) -> float:
        """Ask for a Pod's end; when that was."""
        asked = now()
        await self.client.delete(PODS, name, self.namespace, DeleteOptions(grace_period_seconds=grace))
        return asked

    async def until(self, name: str, wanted: Callable[[State], bool], within: float = 40.0) -> State:
        """The first state the Pod has been in that is wanted, waited for if need be."""
        seen = 0
        try:
            async with asyncio.timeout(within), self._changed:
                while True:
                    states = self.history.get(name, [])
                    for state in states[seen:]:
                        if wanted(state):
                            return state
                    seen = len(states)
                    await self._changed.wait()
        except TimeoutError:
            last = self.history.get(name, [])[-1:]
            status = last[0].status if last else None
            told = self.story(name)
            raise AssertionError(
                f"{name} not as wanted within {within} s: {status}; {await self.events(name)}; {told}"
            ) from None

    async def until_running(self, name: str, within: float = 40.0) -> State:
        """Its phase is Running."""
        return await self.until(name, lambda state: state.phase == "Running", within)

    async def until_gone(self, name: str, within: float = 40.0) -> State:
        """The API has it no more."""
        return await self.until(name, lambda state: state.gone, within)

    async def events(self, name: str) -> list[tuple[str, str, str]]:
        """(type, reason, message) of each event about the Pod, oldest first."""
        found = await self.client.list(EVENTS, self.namespace, field_selector=f"involvedObject.name={name}")
        ordered = sorted(found.items, key=lambda one: int(one["metadata"]["resourceVersion"]))
        return [(one["type"], one["reason"], one["message"]) for one in ordered]

    async def until_told_why(self, name: str, reason: str, within: float = 40.0) -> set[str]:
        """The messages of the events about the Pod with that reason, once there is one."""
        deadline = now() + within
        while not (found := {message for _, one, message in await self.events(name) if one == reason}):
            assert now() < deadline, f"no {reason} about {name}"
            await asyncio.sleep(0.1)
        return found

    async def until_event(self, name: str, wanted: tuple[str, str, str], within: float = 40.0) -> None:
        """An event about the Pod is there; events are written a moment after what they tell of."""
        deadline = now() + within
        while wanted not in (found := await self.events(name)):
            assert now() < deadline, f"no {wanted} about {name}, but {found}"
            await asyncio.sleep(0.1)

    def story(self, name: str) -> list[tuple[float, str]]:
        """(uptime, words) of each line its containers told."""
        path = self.stories / name
        if not path.exists():
            return []
        lines = [line.partition(" ") for line in path.read_text().splitlines()]
        return [(float(at), words) for at, _, words in lines]

    def told(self, name: str) -> list[str]:
        """Only the words."""
        return [words for _, words in self.story(name)]

    def time_of(self, name: str, words: str) -> float:
        """When it was first told."""
        return next(at for at, told in self.story(name) if told == words)

    async def until_told(self, name: str, words: str, times: int = 1, within: float = 40.0) -> float:
        """Wait until a container told it so often; when it was told the last time. Files have no watch: looks often."""
        deadline = now() + within
        while len(found := [at for at, told in self.story(name) if told == words]) < times:
            assert now() < deadline, f"{name} did not tell {words!r} {times} times but {self.told(name)}"
            await asyncio.sleep(0.05)
        return found[times - 1]

    async def follow(self) -> None:
        """Note every change of a Pod until cancelled; over a node's restart, too."""
        version = ""
        while True:
            try:
                if not version:
                    listed = await self.client.list(PODS, self.namespace)
                    version = listed.resource_version
                    await self._note(State(now(), pod) for pod in listed.items)
                async with self.client.watch(PODS, self.namespace, resource_version=version) as events:
                    async for event in events:
                        version = event.object["metadata"]["resourceVersion"]
                        if event.type != "BOOKMARK":
                            await self._note([State(now(), event.object, event.type == "DELETED")])
            except OSError:
                await asyncio.sleep(0.1)  # the server is not there just now

    async def _note(self, states: Iterable[State]) -> None:
        async with self._changed:
            for state in states:
                self.history.setdefault(name_of(state.pod), []).append(state)
            self._changed.notify_all()


@contextlib.asynccontextmanager
async def observed(kubeconfig: Path, namespace: str, stories: Path) -> AsyncIterator[Observed]:
    """A new namespace; its Pods are killed in the end."""
    stories.mkdir(parents=True, exist_ok=True)
    async with HttpClient.from_kubeconfig(kubeconfig) as client, asyncio.TaskGroup() as tasks:
        await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        here = Observed(client, namespace, stories)
        following = tasks.create_task(here.follow())
        try:
            yield here
        finally:
            # Before the last requests: a TLS connection ends only while the loop still turns.
            following.cancel()
            left = await client.list(PODS, namespace)
            await asyncio.gather(*(_end(here, name_of(pod)) for pod in left.items))
            await client.delete(NAMESPACES, namespace)


async def _end(here: Observed, name: str) -> None:
    with contextlib.suppress(NotFound):
        await here.delete(name, grace=0)
