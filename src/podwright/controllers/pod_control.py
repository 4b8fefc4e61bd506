"""Pods made and deleted for an owner, and said so on the owner.

Many at once start slowly: one, then two, then four; when the first is refused (a quota, a webhook that is down), the
rest is not even tried. Called by the controllers that keep Pods.
Source: pkg/controller/controller_utils.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from podwright.api.errors import Conflict, NotFound, StatusError
from podwright.api.objects import Object, name_of, namespace_of, uid_of
from podwright.api.resources import PODS
from podwright.client.events import EventRecorder
from podwright.client.interface import Client, DeleteOptions
from podwright.client.own_writes import OwnWrites

Failure = StatusError | OSError


def is_terminating_namespace(error: BaseException) -> bool:
    """Whether a create was refused because its namespace is being deleted: nothing to tell and nothing to retry."""
    causes = error.details.get("causes") if isinstance(error, StatusError) else None
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes or ())


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch went."""

    done: int
    error: Failure | None = None
    """The first that failed."""


async def all_at_once(works: Sequence[Callable[[], Awaitable[object]]]) -> Outcome:
    """Carry out all; one that fails does not stop the others. Anything but an API or network error is raised."""
    answers = await asyncio.gather(*(work() for work in works), return_exceptions=True)
    error: Failure | None = None
    failed = 0
    for answer in answers:
        if isinstance(answer, StatusError | OSError):
            failed += 1
            error = error or answer
        elif isinstance(answer, BaseException):
            raise answer
    return Outcome(len(works) - failed, error)


async def slowly(works: Sequence[Callable[[], Awaitable[object]]]) -> Outcome:
    """Carry out batches of one, two, four, ...; the batch in which one fails is the last."""
    done, size, left = 0, 1, list(works)
    while left:
        batch, left = left[:size], left[size:]
        outcome = await all_at_once(batch)
        done += outcome.done
        if outcome.error is not None:
            return Outcome(done, outcome.error)
        size *= 2
    return Outcome(done)


class PodControl:
    """Makes and deletes the Pods of one controller; `pods`, through which it looks at them, knows of it at once."""

    def __init__(self, client: Client, recorder: EventRecorder, pods: OwnWrites) -> None:
        self._client = client
        self._recorder = recorder
        self._pods = pods

    async def create(self, owner: Object, pod: Object) -> Object:
        """Create `pod` (with metadata.name or generateName) for `owner`. Raises what the API answered."""
        try:
            made = await self._client.create(PODS, pod, namespace_of(pod))
        except (StatusError, OSError) as error:
            if not is_terminating_namespace(error):
                self._recorder.event(owner, "Warning", "FailedCreate", f"Error creating: {error}")
            raise
        self._pods.wrote(made)
        self._recorder.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {name_of(made)}")
        return made

    async def delete(self, owner: Object, pod: Object) -> None:
        """Delete this very Pod, gracefully; one that is gone is none to delete. Raises what else the API answered."""
        try:
            left = await self._client.delete(PODS, name_of(pod), namespace_of(pod), DeleteOptions(uid=uid_of(pod)))
        except (NotFound, Conflict):
            self._pods.deleted(pod)
            return
        except (StatusError, OSError) as error:
            self._recorder.event(owner, "Warning", "FailedDelete", f"Error deleting: {error}")
            raise
        self._pods.deleted(pod, left)
        self._recorder.event(owner, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
