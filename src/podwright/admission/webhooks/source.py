"""The webhook configurations as they are now, as an index.

Fed by an informer; nothing is read for a request, but before the informer has its first list.
Made by the plugins. Page: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from __future__ import annotations

from podwright.admission.webhooks.index import Index
from podwright.admission.webhooks.webhook import webhooks_of
from podwright.api.errors import NotFound
from podwright.api.objects import Object
from podwright.api.resources import Resource
from podwright.client.informer import Informer
from podwright.client.interface import Client


class Source:
    """The configurations of one of the two kinds."""

    def __init__(self, client: Client, resource: Resource) -> None:
        self._client = client
        self._resource = resource
        self._informer = Informer(client, resource)
        self._informer.add_handler(self._changed)
        self._index: Index | None = None

    async def run(self) -> None:
        """Follow the configurations until cancelled."""
        await self._informer.run()

    async def index(self) -> Index:
        """The index of this moment."""
        if self._index is None:
            if not self._informer.synced:
                return Index(webhooks_of(await self._listed()))
            self._index = Index(webhooks_of(self._informer.items()))
        return self._index

    async def _listed(self) -> list[Object]:
        try:
            return list((await self._client.list(self._resource)).items)
        except NotFound:  # a server that does not serve configurations has none
            return []

    def _changed(self, old: Object | None, new: Object | None) -> None:
        self._index = None
