"""All credentials for one image of one Pod, from every source, in the order in which they are tried.

Called by the image manager, at most once for a decision and only when a registry will be asked. The order: the Pod's
secrets, its namespace's file, the node's file, exec providers.
Page: https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from podwright.api.objects import Object, namespace_of
from podwright.client.interface import Client
from podwright.kubelet.credentials import helpers, keyring, pull_secrets
from podwright.kubelet.credentials.docker_config import DockerConfig
from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.credentials.node_config import ConfigFiles, namespace_source


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the exec providers came to."""

    credentials: Sequence[Credential] = ()
    considered: Sequence[str] = ()
    failures: Sequence[str] = ()
    """one text for each provider that failed; no output of it"""


class Providers(Protocol):
    """provider_plugin: exec credential providers."""

    async def credentials(self, pod: Object, repository: str) -> ProviderAnswer:
        """Ask those whose matchImages cover the repository. Never raises for a provider's failure."""
        ...

    def rejected(self, credential: Credential) -> None:
        """A registry did not accept it."""
        ...


@dataclass(frozen=True, slots=True)
class Considered:
    """One source that was looked at, for `podwright why`."""

    source: str
    matched: int
    """how many of its credentials are for the image"""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a look-up."""

    credentials: Sequence[Credential] = ()
    considered: Sequence[Considered] = ()
    missing_secrets: Sequence[str] = ()
    problems: Sequence[str] = ()
    provider_failures: Sequence[str] = ()


class CredentialLookup:
    """`client` is None where there is no API (no secrets then); `providers` None: none are configured."""

    def __init__(self, client: Client | None, files: ConfigFiles, providers: Providers | None = None) -> None:
        self._client = client
        self._files = files
        self._providers = providers

    async def find(self, pod: Object, repository: str) -> Found:
        """Credentials for a normalized repository."""
        credentials: list[Credential] = []
        considered: list[Considered] = []
        secrets = pull_secrets.PullSecrets()
        if self._client is not None and pull_secrets.secret_names(pod):
            secrets = await pull_secrets.read(self._client, pod)
            found = keyring.lookup(secrets.entries, repository)
            credentials += found
            considered.append(Considered(f"secrets {', '.join(pull_secrets.secret_names(pod))}", len(found)))
        namespace = namespace_of(pod)
        files = [(Source("node's config.json"), await asyncio.to_thread(self._files.node))]
        if namespace:
            config = await asyncio.to_thread(self._files.namespace, namespace)
            files.insert(0, (namespace_source(namespace), config))
        for source, config in files:
            found = await self._from_file(source, config, repository)
            credentials += found
            considered.append(Considered(source.text, len(found)))
        answer = ProviderAnswer()
        if self._providers is not None:
            answer = await self._providers.credentials(pod, repository)
            credentials += answer.credentials
            considered += [Considered(text, 0) for text in answer.considered]
        return Found(credentials, considered, secrets.missing, secrets.problems, answer.failures)

    def rejected(self, credential: Credential) -> None:
        """A registry did not accept it: what is remembered of it is dropped."""
        if self._providers is not None:
            self._providers.rejected(credential)

    async def _from_file(self, source: Source, config: DockerConfig, repository: str) -> list[Credential]:
        found = list(keyring.lookup(config.entries, repository))
        asked = helpers.helper_for(config, repository)
        if asked is not None:
            found += [entry.credential for entry in await helpers.ask(*asked, named_by=source)]
        return found
