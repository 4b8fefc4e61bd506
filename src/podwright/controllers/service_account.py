"""Every namespace has a service account `default`, from the moment it is there.

Pods cannot be created without one, so nothing here waits for a timer. Run by `manager`.
Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-controller
"""

from __future__ import annotations

from podwright.api.errors import AlreadyExists
from podwright.api.objects import Object, metadata, name_of, namespace_of
from podwright.api.resources import NAMESPACES, SERVICE_ACCOUNTS
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue

DEFAULT = "default"


class ServiceAccounts:
    """Makes `default` where it is missing."""

    def __init__(self, client: Client, informers: Informers) -> None:
        self._client = client
        self._namespaces = informers.of(NAMESPACES)
        self._accounts = informers.of(SERVICE_ACCOUNTS)
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Keep it so until cancelled."""
        await self._accounts.wait_synced()
        self._accounts.add_handler(self._account_changed)
        self._namespaces.add_handler(self._namespace_changed)
        await self._queue.run(self._ensure, workers=4)

    def _namespace_changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and name_of(old) == DEFAULT:
            self._queue.add(namespace_of(old))

    async def _ensure(self, namespace: str) -> None:
        found = self._namespaces.get(namespace)
        if found is None or metadata(found).get("deletionTimestamp"):
            return
        if self._accounts.get(DEFAULT, namespace) is not None:
            return
        account = {
            "apiVersion": SERVICE_ACCOUNTS.api_version,
            "kind": SERVICE_ACCOUNTS.kind,
            "metadata": {"name": DEFAULT, "namespace": namespace},
        }
        try:
            await self._client.create(SERVICE_ACCOUNTS, account, namespace)
        except AlreadyExists:
            return
