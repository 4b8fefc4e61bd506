"""containerd's own view of a container's process: its task, which CRI may have lost sight of.

Called by `kuberuntime/removal`: a start that was broken off can leave a task that no call of CRI removes, and with it a
container that can not be removed either. On the socket of any containerd; others answer Unimplemented.
Source: https://github.com/containerd/containerd, api/services/tasks, services/tasks/local.go (Create).
"""

from __future__ import annotations

import signal
from contextlib import suppress
from typing import Final

from google.protobuf.message import Message

from podwright.cri.channel import Channel
from podwright.cri.containerd_events import METADATA
from podwright.cri.errors import NotFound
from podwright.cri.generated import containerd_pb2 as pb

_TIMEOUT: Final = 10.0
_TASKS: Final = "/containerd.services.tasks.v1.Tasks/"


class ContainerdTasks:
    """The tasks of one containerd."""

    def __init__(self, endpoint: str) -> None:
        self._channel = Channel(endpoint)

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()

    async def end(self, container_id: str) -> None:
        """Kill what is left of a container and delete its task; nothing happens without one. Raises CriError."""
        with suppress(NotFound):  # its process has ended, or there is no task
            await self._call("Kill", pb.KillRequest(container_id=container_id, signal=signal.SIGKILL, all=True))
        with suppress(NotFound):
            await self._call("Wait", pb.Subject(container_id=container_id))
            await self._call("Delete", pb.Subject(container_id=container_id))

    async def _call(self, name: str, request: Message) -> None:
        await self._channel.call(f"{_TASKS}{name}", request, pb.Nothing, _TIMEOUT, metadata=METADATA)
