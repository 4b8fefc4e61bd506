"""Keeps the node's Lease: the heartbeat that costs one small write every few seconds.

Run by `kubelet` once the node is registered. A lease of 40 seconds is renewed after 10, so that a few writes may fail.
Page: https://kubernetes.io/docs/concepts/architecture/leases/#node-heart-beats
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from podwright.api.errors import AlreadyExists, Conflict, NotFound, StatusError
from podwright.api.objects import Object, copy_object, rfc3339_micro
from podwright.api.resources import LEASES
from podwright.client.backoff import Backoff
from podwright.client.interface import Client
from podwright.kubelet.pod_lifecycle import Clock

log = logging.getLogger(__name__)

NAMESPACE = "kube-node-lease"
_RENEWED_WITHIN = 0.25
"""of the lease's duration"""
_BACKOFF = Backoff(base=0.2, cap=7.0)


class LeaseKeeper:
    """Holds the Lease of one node."""

    def __init__(
        self, client: Client, node_name: str, node_uid: Callable[[], str], *, duration: int, now: Clock
    ) -> None:
        """`duration`: seconds for which one renewal counts."""
        self._client = client
        self._node_name = node_name
        self._node_uid = node_uid
        self._duration = duration
        self._now = now
        self._lease: Object | None = None

    async def run(self) -> None:
        """Renew until cancelled."""
        failures = 0
        while True:
            try:
                await self.renew()
                failures = 0
            except (StatusError, OSError) as error:
                failures += 1
                log.warning("lease of node %s not renewed: %s", self._node_name, error)
            await asyncio.sleep(_BACKOFF.delay(failures) if failures else self._duration * _RENEWED_WITHIN)

    async def renew(self) -> None:
        """Write the Lease once. Raises StatusError, OSError."""
        if self._lease is None:
            try:
                self._lease = await self._client.create(LEASES, self._renewed({}), NAMESPACE)
                return
            except AlreadyExists:
                self._lease = await self._client.get(LEASES, self._node_name, NAMESPACE)
        try:
            self._lease = await self._client.update(LEASES, self._renewed(self._lease))
        except (Conflict, NotFound):
            # Somebody has changed or deleted it; the next attempt begins with what is there.
            self._lease = None
            raise

    def _renewed(self, lease: Object) -> Object:
        new = copy_object(lease) or {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {}}
        new["metadata"] |= {"name": self._node_name, "namespace": NAMESPACE}
        if self._node_uid():
            owner = {"apiVersion": "v1", "kind": "Node", "name": self._node_name, "uid": self._node_uid()}
            new["metadata"]["ownerReferences"] = [owner]
        new["spec"] = {
            **(new.get("spec") or {}),
            "holderIdentity": self._node_name,
            "leaseDurationSeconds": self._duration,
            "renewTime": rfc3339_micro(self._now()),
        }
        return new
