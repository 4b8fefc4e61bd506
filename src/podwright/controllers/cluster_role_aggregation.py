"""ClusterRoles with an aggregationRule have the rules of all ClusterRoles that they select.

Run by `manager`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles
"""

from __future__ import annotations

from podwright.api.objects import Object, name_of
from podwright.api.rbac import aggregated_rules
from podwright.api.resources import CLUSTER_ROLES
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue


class ClusterRoleAggregation:
    """Keeps the rules of aggregated ClusterRoles."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._roles = informers.of(CLUSTER_ROLES)
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Keep it so until cancelled."""
        # Before all are known every aggregated role would lose what is only not known yet.
        await self._roles.wait_synced()
        self._roles.add_handler(self._changed)
        await self._queue.run(self._aggregate)

    def _changed(self, _old: Object | None, _new: Object | None) -> None:
        for role in self._roles.items():
            if role.get("aggregationRule"):
                self._queue.add(name_of(role))

    async def _aggregate(self, name: str) -> None:
        role = self._roles.get(name)
        if role is None or not role.get("aggregationRule"):
            return
        rules = aggregated_rules(role, self._roles.items())
        if rules != (role.get("rules") or []):
            await self._client.update(CLUSTER_ROLES, {**role, "rules": rules})
