"""Writes into a Pod's status why it has no node, and where room is made for it.

Called by `scheduler`. Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from typing import Any

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Object, key_of, metadata, rfc3339, uid_of
from podwright.api.resources import PODS
from podwright.client.interface import Client, PatchType

log = logging.getLogger(__name__)


class Conditions:
    """The PodScheduled condition of Pods that wait."""

    def __init__(self, client: Client, clock: Callable[[], datetime.datetime]) -> None:
        self._client = client
        self._clock = clock

    async def set(self, pod: Object, reason: str, message: str, nominated: str | None = None) -> None:
        """Say in the Pod's status why it has no node, once.

        `nominated`: the node on which room is made for it, "" for none any more; None leaves that as it is.
        """
        conditions = (pod.get("status") or {}).get("conditions") or ()
        current: dict[str, Any] = next((c for c in conditions if c.get("type") == "PodScheduled"), {})
        same = (current.get("status"), current.get("reason"), current.get("message")) == ("False", reason, message)
        if same and nominated is None:
            return
        since = current.get("lastTransitionTime") if current.get("status") == "False" else None
        condition: dict[str, Any] = {
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
            "lastProbeTime": None,
            "lastTransitionTime": since or rfc3339(self._clock()),
        }
        if generation := metadata(pod).get("generation"):
            condition["observedGeneration"] = generation
        key = key_of(pod)
        status: Object = {"conditions": [condition]}
        if nominated is not None:
            status["nominatedNodeName"] = nominated or None
        body = {"metadata": {"uid": uid_of(pod)}, "status": status}
        try:
            await self._client.patch(
                PODS, key.name, body, key.namespace, patch_type=PatchType.STRATEGIC, subresource="status"
            )
        except (NotFound, Conflict) as error:
            log.debug("pod %s: %s", key, error)
