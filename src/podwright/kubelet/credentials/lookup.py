"""All credentials for one image of one Pod, from every source, in the order in which they are tried.

Called by the image manager, at most once for a decision and only when a registry will be asked. The order: the Pod's
secrets, its namespace's file, the node's file, exec providers.
Page: https://kubernetes.io/docs/concepts/containers/images/#using-a-private-registry
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from podwright.api.objects import Object, namespace_of
from podwright.client.interface import Client
from podwright.kubelet.credentials import helpers, keyring, pull_secrets
from podwright.kubelet.credentials.docker_config import DockerConfig
from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.credentials.node_config import ConfigFiles


@dataclass(frozen=True, slots=True)
class Considered:
    """One source that was looked at, for `podwright why`."""

    source: str
    matched: int
    """how many of its credentials are for the image"""
    note: str = ""
    """what is to be said of it beside that: that it is not there, that it failed"""


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """What the exec providers came to."""

    credentials: Sequence[Credential] = ()
    considered: Sequence[Considered] = ()
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
            considered += _of_secrets(pod, secrets, found)
        for file in await asyncio.to_thread(self._files.all_for, namespace_of(pod)):
            found = await self._from_file(file.source, file.config, repository)
            credentials += found
            note = "" if file.there else "not there"
            considered.append(Considered(file.source.text, len(found), "; ".join(file.config.problems) or note))
        answer = ProviderAnswer()
        if self._providers is not None:
            answer = await self._providers.credentials(pod, repository)
            credentials += answer.credentials
            considered += answer.considered
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


def _of_secrets(pod: Object, secrets: pull_secrets.PullSecrets, found: Sequence[Credential]) -> Iterator[Considered]:
    for name in pull_secrets.secret_names(pod):
        text = f"secret {namespace_of(pod)}/{name}"
        matched = sum(1 for credential in found if credential.source.text == text)
        problems = [problem.removeprefix(f"{text}: ") for problem in secrets.problems if problem.startswith(f"{text}:")]
        yield Considered(text, matched, "not there" if name in secrets.missing else "; ".join(problems))
