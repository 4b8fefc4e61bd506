"""Removes a container from the runtime, also one whose start was broken off.

What it decides: what a refusal to remove a container asks for. containerd undoes a start when its caller goes away (we
were killed, or the Pod is being deleted). That takes it up to some seconds, in which nobody may touch the container;
and when the caller goes right after the process was made, before it is let run, containerd forgets that it has made
one, and refuses from then on to remove the container, because it has.
Called by everything that removes containers. Source: containerd, services/tasks/local.go and pkg/cri/server.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from typing import Final

from podwright.cri.errors import CriError, DeadlineExceeded, NotFound, Unimplemented
from podwright.kubelet.kuberuntime.collaborators import Collaborators

STARTING_LIMIT: Final = 10.0
"""Seconds that the runtime may take to undo a start; containerd 1.6 takes 2.2."""
PAUSE, PAUSE_MOST = 0.02, 0.2
"""Seconds between looks at a start that is being undone: of its end nothing tells."""


class Hindrance(enum.Enum):
    """Why a container can't be removed just now."""

    STARTING = "its start is under way, or being undone"
    LEFT_TASK = "a start that was broken off has left its process"
    OTHER = "something that the caller must hear of"


def hindrance(error: CriError) -> Hindrance:
    """What a refused RemoveContainer means."""
    if error.code == "FailedPrecondition":
        return Hindrance.LEFT_TASK
    return Hindrance.STARTING if "in starting state" in error.message else Hindrance.OTHER


class Removal:
    """Removes containers."""

    def __init__(self, with_: Collaborators) -> None:
        self._runtime = with_.runtime
        self._tasks = with_.tasks

    async def remove(self, container_id: str) -> None:
        """Remove it, after its start if that is under way. Safe to repeat. Raises CriError."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + STARTING_LIMIT, PAUSE
        while not await self.attempt(container_id):
            if loop.time() > until:
                text = f"the start of container {container_id} was neither finished nor undone in {STARTING_LIMIT:g} s"
                raise DeadlineExceeded("DeadlineExceeded", text)
            await asyncio.sleep(pause)
            pause = min(2 * pause, PAUSE_MOST)

    async def attempt(self, container_id: str) -> bool:
        """Remove it; False when its start is under way. Raises CriError."""
        try:
            with contextlib.suppress(NotFound):
                await self._runtime.remove_container(container_id)
        except CriError as error:
            match hindrance(error):
                case Hindrance.STARTING:
                    return False
                case Hindrance.LEFT_TASK if self._tasks is not None:
                    with contextlib.suppress(Unimplemented):  # no containerd: what it says now is said to the caller
                        await self._tasks.end(container_id)
                    with contextlib.suppress(NotFound):
                        await self._runtime.remove_container(container_id)
                case _:
                    raise
        return True
