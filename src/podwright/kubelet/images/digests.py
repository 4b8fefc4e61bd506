"""Which digest a tag stands for at the registry, asked with the credentials that a Pod's pull would use.

Handed by `app` to the ImageDigest admission plugin.
Page: https://kubernetes.io/docs/concepts/containers/images/#image-names
"""

from __future__ import annotations

from typing import Protocol

from podwright.api.objects import Object
from podwright.kubelet.credentials.lookup import Found
from podwright.kubelet.images import reference
from podwright.kubelet.images.registry_client import RegistryClient, RegistryError


class CredentialSources(Protocol):
    """credentials/lookup."""

    async def find(self, pod: Object, repository: str) -> Found:
        """Credentials of every source, in the order to try."""
        ...


class Digests:
    """Asks registries."""

    def __init__(self, credentials: CredentialSources, registry: RegistryClient) -> None:
        self._credentials = credentials
        self._registry = registry

    async def resolve(self, image: str, pod: Object) -> str:
        """`sha256:...`. Raises ValueError for a name that is none, OSError when no registry gives an answer."""
        repository = reference.parse(image).repository
        found = await self._credentials.find(pod, repository)
        try:
            return (await self._registry.manifest(image, found.credentials)).digest
        except RegistryError as error:
            raise OSError(str(error)) from error
