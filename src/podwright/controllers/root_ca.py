"""Every namespace has the ConfigMap `kube-root-ca.crt`, with which Pods verify the API server.

It is mounted with the service account token. Run by `manager`.
Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-token-volume
"""

from __future__ import annotations

from podwright.api.errors import AlreadyExists
from podwright.api.objects import Object, metadata, name_of, namespace_of
from podwright.api.resources import CONFIG_MAPS, NAMESPACES
from podwright.client.informers import Informers
from podwright.client.interface import Client
from podwright.client.work_queue import WorkQueue

NAME = "kube-root-ca.crt"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class RootCa:
    """Makes the ConfigMap where it is missing and puts its data right where it is not."""

    def __init__(self, client: Client, informers: Informers, pem: str) -> None:
        """`pem`: the certificates that the API server's is verified with."""
        self._client = client
        self._namespaces = informers.of(NAMESPACES)
        self._config_maps = informers.of(CONFIG_MAPS)
        self._data = {"ca.crt": pem}
        self._queue: WorkQueue[str] = WorkQueue()

    async def run(self) -> None:
        """Keep it so until cancelled."""
        await self._config_maps.wait_synced()
        self._config_maps.add_handler(self._config_map_changed)
        self._namespaces.add_handler(self._namespace_changed)
        await self._queue.run(self._ensure, workers=4)

    def _namespace_changed(self, _old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._queue.add(name_of(new))

    def _config_map_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new or old or {}
        if name_of(changed) == NAME:
            self._queue.add(namespace_of(changed))

    async def _ensure(self, namespace: str) -> None:
        found = self._namespaces.get(namespace)
        if found is None or metadata(found).get("deletionTimestamp"):
            return
        current = self._config_maps.get(NAME, namespace)
        if current is None:
            await self._create(namespace)
        elif current.get("data") != self._data:
            await self._client.update(CONFIG_MAPS, {**current, "data": self._data})

    async def _create(self, namespace: str) -> None:
        config_map = {
            "apiVersion": CONFIG_MAPS.api_version,
            "kind": CONFIG_MAPS.kind,
            "metadata": {
                "name": NAME,
                "namespace": namespace,
                "annotations": {"kubernetes.io/description": _DESCRIPTION},
            },
            "data": self._data,
        }
        try:
            await self._client.create(CONFIG_MAPS, config_map, namespace)
        except AlreadyExists:
            return
