"""containerd's own event stream: which container's process has just started, ended or gone.

Called by kuberuntime's event source where the runtime is a containerd without GetContainerEvents (1.6): the stream is
on the same socket. What an event says is only "look at this container": state is always read from CRI.
Source: https://github.com/containerd/containerd/blob/main/docs/getting-started.md (events), api/services/events.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from podwright.cri.channel import Channel
from podwright.cri.generated import containerd_pb2 as pb

NAMESPACE: Final = "k8s.io"
"""where containerd's CRI plugin keeps everything of Kubernetes"""

METADATA: Final = (("containerd-namespace", NAMESPACE),)

TOPICS: Final = ("/tasks/start", "/tasks/exit", "/tasks/delete", "/containers/delete")


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One event. A sandbox is a container too: `container_id` may be a sandbox's id."""

    topic: str
    container_id: str


def filters(topics: tuple[str, ...] = TOPICS) -> list[str]:
    """containerd's filter expressions: any of these topics, in the CRI namespace only."""
    return [f'namespace=="{NAMESPACE}",topic=="{topic}"' for topic in topics]


def decode(envelope: pb.Envelope) -> TaskEvent | None:
    """What is told to the caller; None for the end of a command inside a container (exec)."""
    if envelope.topic == "/tasks/exit":
        ended = pb.TaskExit.FromString(envelope.event.value)
        if ended.id != ended.container_id:
            return None
        return TaskEvent(envelope.topic, ended.container_id)
    return TaskEvent(envelope.topic, pb.Subject.FromString(envelope.event.value).container_id)


class ContainerdEvents:
    """The stream of one containerd."""

    def __init__(self, endpoint: str) -> None:
        self._channel = Channel(endpoint)

    async def close(self) -> None:
        """End the connection and every running iterator."""
        await self._channel.close()

    async def events(self) -> AsyncGenerator[TaskEvent, None]:
        """Events from now on. Raises CriError when the stream breaks (Unimplemented: not a containerd)."""
        stream = self._channel.stream(
            "/containerd.services.events.v1.Events/Subscribe",
            pb.SubscribeRequest(filters=filters()),
            pb.Envelope,
            METADATA,
        )
        async for envelope in stream:
            event = decode(envelope)
            if event is not None:
                yield event
