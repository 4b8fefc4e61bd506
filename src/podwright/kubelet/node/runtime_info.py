"""What the Node says of its container runtime and its images, asked over CRI.

Called by `manager`. The values are plain, so that `node_object` and `conditions` stay pure.
Page: https://kubernetes.io/docs/concepts/architecture/cri/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from podwright.api.objects import Object
from podwright.cri.client import RuntimeClient
from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.images.node_images import NodeImages


@dataclass(frozen=True, slots=True)
class RuntimeCondition:
    """RuntimeReady or NetworkReady."""

    ok: bool
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Handler:
    """A runtime handler that a RuntimeClass may name."""

    name: str
    recursive_read_only_mounts: bool = False
    user_namespaces: bool = False


@dataclass(frozen=True, slots=True)
class RuntimeState:
    """The runtime at one moment."""

    name: str
    version: str
    runtime: RuntimeCondition
    network: RuntimeCondition
    handlers: Sequence[Handler] = ()
    supplemental_groups_policy: bool = False

    @property
    def ready(self) -> bool:
        """Whether Pods can be run."""
        return self.runtime.ok and self.network.ok


class RuntimeInfo(Protocol):
    """What the node asks of its runtime. Both raise CriError."""

    async def state(self) -> RuntimeState:
        """The runtime now."""
        ...

    async def images(self) -> Sequence[Object]:
        """Its images as `status.images` shows them; cheap to repeat."""
        ...


class CriRuntimeInfo:
    """`RuntimeInfo` over CRI."""

    def __init__(self, runtime: RuntimeClient, images: NodeImages) -> None:
        self._runtime = runtime
        self._images = images
        self._version: pb.VersionResponse | None = None
        self._configuration = ""
        self._handlers: Sequence[Handler] = ()

    @property
    def handlers(self) -> Sequence[Handler]:
        """The handlers as the runtime last told them."""
        return self._handlers

    async def state(self) -> RuntimeState:
        """The runtime now. Raises CriError."""
        try:
            if self._version is None:
                self._version = await self._runtime.version()
            answer = await self._runtime.status(verbose=True)
        except CriError:
            self._version = None  # another one may come in its place
            raise
        # Somebody else's runtime may be configured anew at any time; the text is large and mostly stays.
        configuration = answer.info.get("config") or ""
        if answer.runtime_handlers or configuration != self._configuration:
            self._configuration, self._handlers = configuration, handlers_of(answer)
        conditions = {c.type: RuntimeCondition(c.status, c.reason, c.message) for c in answer.status.conditions}
        missing = RuntimeCondition(False, "Unknown", "the runtime does not say")
        return RuntimeState(
            name=self._version.runtime_name,
            version=self._version.runtime_version.removeprefix("v"),
            runtime=conditions.get("RuntimeReady", missing),
            network=conditions.get("NetworkReady", missing),
            handlers=self._handlers,
            supplemental_groups_policy=answer.features.supplemental_groups_policy,
        )

    async def images(self) -> Sequence[Object]:
        """Its images as `status.images` shows them. Raises CriError."""
        return await self._images.list()


def handlers_of(answer: pb.StatusResponse) -> Sequence[Handler]:
    """The handlers that a (verbose) Status names; before 2.0 containerd shows them in its configuration only."""
    if answer.runtime_handlers:
        return [
            Handler(h.name, h.features.recursive_read_only_mounts, h.features.user_namespaces)
            for h in answer.runtime_handlers
        ]
    try:
        runtimes = json.loads(answer.info.get("config") or "{}")["containerd"]["runtimes"]
    except (ValueError, KeyError, TypeError):
        return []
    return [Handler(""), *(Handler(name) for name in sorted(runtimes or {}))]
