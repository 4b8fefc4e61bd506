"""Which digest a tag stands for at the registry, asked with the credentials that a Pod's pull would use.

Handed by `app` to the ImageDigest admission plugin.
Page: https://kubernetes.io/docs/concepts/containers/images/#image-names
"""

from __future__ import annotations

from typing import Protocol

from podwright.api.errors import StatusError
from podwright.api.objects import Object, namespace_of
from podwright.api.resources import SERVICE_ACCOUNTS
from podwright.client.interface import Client
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

    def __init__(self, client: Client, credentials: CredentialSources, registry: RegistryClient) -> None:
        self._client = client
        self._credentials = credentials
        self._registry = registry

    async def resolve(self, image: str, pod: Object) -> str:
        """`sha256:...`. Raises ValueError for a name that is none, OSError when no registry gives an answer."""
        repository = reference.parse(image).repository
        found = await self._credentials.find(await self._with_secrets(pod), repository)
        try:
            return (await self._registry.manifest(image, found.credentials)).digest
        except RegistryError as error:
            raise OSError(str(error)) from error

    async def _with_secrets(self, pod: Object) -> Object:
        """A template's Pods will have the secrets of their service account, as a Pod has them already."""
        spec, namespace = pod.get("spec") or {}, namespace_of(pod)
        if spec.get("imagePullSecrets") or not namespace:
            return pod
        try:
            account = await self._client.get(SERVICE_ACCOUNTS, spec.get("serviceAccountName") or "default", namespace)
        except StatusError:
            return pod
        return {**pod, "spec": {**spec, "imagePullSecrets": account.get("imagePullSecrets") or []}}
