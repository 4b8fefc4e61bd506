"""Ends the Pods that `preemption` has chosen: told why, and with their hooks and their grace.

Called by `scheduler`. Source: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Object, key_of, metadata, rfc3339, uid_of
from podwright.api.reasons import EventReason
from podwright.api.resources import PODS
from podwright.client.events import EventRecorder
from podwright.client.interface import Client, DeleteOptions, PatchType
from podwright.client.together import together
from podwright.scheduler.preemption import CONDITION, Preemption

log = logging.getLogger(__name__)


class Preemptor:
    """Makes room on a node."""

    def __init__(self, client: Client, recorder: EventRecorder, clock: Callable[[], datetime.datetime]) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock

    async def make_room(self, pod: Object, choice: Preemption) -> None:
        """Delete the victims. Raises StatusError, OSError."""

        async def end(victim: Object) -> None:
            await self._end(victim, f"Preempted by pod {uid_of(pod)} on node {choice.node}")

        await together(choice.victims, end)

    async def _end(self, victim: Object, text: str) -> None:
        key, uid = key_of(victim), uid_of(victim)
        if metadata(victim).get("deletionTimestamp"):
            return
        condition = {**CONDITION, "lastProbeTime": None, "lastTransitionTime": rfc3339(self._clock())}
        body = {"metadata": {"uid": uid}, "status": {"conditions": [condition]}}
        try:
            await self._client.patch(
                PODS, key.name, body, key.namespace, patch_type=PatchType.STRATEGIC, subresource="status"
            )
            await self._client.delete(PODS, key.name, key.namespace, DeleteOptions(uid=uid))
        except (NotFound, Conflict) as error:
            log.debug("pod %s: %s", key, error)
            return
        self._recorder.event(victim, "Normal", EventReason.PREEMPTED, text)
