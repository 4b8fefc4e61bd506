"""Exec credential providers: asked for an image's credentials, at most once at a time for each key, and remembered.

Called by the credential look-up. A provider that is slow, crashes or prints nonsense costs its own time limit and one
event; the pull goes on with what the other sources have.
Page: https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from podwright.api.errors import StatusError
from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import SERVICE_ACCOUNTS
from podwright.client.interface import Client
from podwright.kubelet.credentials import keyring, provider_response
from podwright.kubelet.credentials.keyring import Credential, Entry, Source
from podwright.kubelet.credentials.lookup import Considered, ProviderAnswer
from podwright.kubelet.credentials.provider_config import Provider
from podwright.kubelet.credentials.provider_files import Configured
from podwright.kubelet.credentials.provider_response import CacheKeyType, ProviderError

log = logging.getLogger(__name__)

TIMEOUT: Final = 60.0
"""seconds that one run may take"""

_CacheKey = tuple[str, CacheKeyType, str, str]
"""provider, key type, image or registry, whose (the service account's part, "" without)"""


@dataclass(frozen=True, slots=True)
class _Account:
    """What a provider with tokenAttributes is run for."""

    token: str = ""
    coordinates: tuple[str, str, str] | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    cache_part: str = ""


@dataclass(frozen=True, slots=True)
class _Cached:
    entries: Sequence[Entry]
    until: float


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class ProviderPlugins:
    """The configured providers. `client` is needed by those with tokenAttributes.

    `configured` is called in a thread at each look-up: providers come, change and go while the node runs.
    """

    def __init__(
        self,
        configured: Callable[[], Configured],
        bin_dir: Path,
        client: Client | None,
        *,
        timeout: float = TIMEOUT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = configured
        self._known: dict[str, Provider] = {}
        self._bin_dir = bin_dir
        self._client = client
        self._timeout = timeout
        self._monotonic = monotonic
        self._cache: dict[_CacheKey, _Cached] = {}
        self._turns: dict[tuple[str, str, str], _Turn] = {}

    async def credentials(self, pod: Object, repository: str) -> ProviderAnswer:
        """What those whose matchImages cover the repository have for it; failures are in the answer."""
        configured = await asyncio.to_thread(self._configured)
        self._forget_changed(configured.providers)
        asked = [
            provider
            for provider in configured.providers
            if any(
                (key := keyring.index_key(pattern)) is not None and keyring.matches(key, repository)
                for pattern in provider.match_images
            )
        ]
        entries: list[Entry] = []
        failures: list[str] = [configured.problem] if configured.problem else []
        considered: dict[str, Considered] = {
            provider.name: Considered(f"provider {provider.name}", 0, "its matchImages are for other images")
            for provider in configured.providers
        }
        results = await asyncio.gather(*(self._ask(provider, pod, repository) for provider in asked))
        for provider, result in zip(asked, results, strict=True):
            text = f"provider {provider.name}"
            if isinstance(result, str):
                failures.append(result)
                considered[provider.name] = Considered(text, 0, result.partition(": ")[2])
            else:
                entries += result
                considered[provider.name] = Considered(text, len(keyring.lookup(result, repository)))
        return ProviderAnswer(keyring.lookup(entries, repository), list(considered.values()), failures)

    def rejected(self, credential: Credential) -> None:
        """A registry did not accept it: it is not used again from the cache."""
        for key in [key for key, kept in self._cache.items() if any(e.credential == credential for e in kept.entries)]:
            del self._cache[key]

    def _forget_changed(self, providers: Sequence[Provider]) -> None:
        """What a provider answered before it was configured otherwise is not used any more."""
        now = {provider.name: provider for provider in providers}
        changed = {name for name, provider in self._known.items() if now.get(name) != provider}
        for key in [key for key in self._cache if key[0] in changed]:
            del self._cache[key]
        self._known = now

    async def _ask(self, provider: Provider, pod: Object, repository: str) -> Sequence[Entry] | str:
        try:
            account = await self._account(provider, pod)
            async with self._turn((provider.name, repository, account.cache_part)):
                cached = self._from_cache(provider, repository, account)
                return cached if cached is not None else await self._run(provider, repository, account)
        except ProviderError as error:
            text = f"credential provider {provider.name}: {error}"
            log.warning("%s", text)
            return text

    def _from_cache(self, provider: Provider, repository: str, account: _Account) -> Sequence[Entry] | None:
        now = self._monotonic()
        for key in [key for key, kept in self._cache.items() if kept.until <= now]:
            del self._cache[key]
        for kind in CacheKeyType:
            kept = self._cache.get((provider.name, kind, _cache_key(kind, repository), account.cache_part))
            if kept is not None:
                return kept.entries
        return None

    async def _run(self, provider: Provider, repository: str, account: _Account) -> Sequence[Entry]:
        stdin = provider_response.request(provider, repository, account.token, account.annotations)
        stdout = await self._execute(provider, stdin)
        source = Source(f"provider {provider.name}", service_account=account.coordinates)
        answer = provider_response.parse(provider, stdout, account.token, source)
        if answer.keep_for > 0:
            key = _cache_key(answer.key_type, repository)
            until = self._monotonic() + answer.keep_for
            self._cache[provider.name, answer.key_type, key, account.cache_part] = _Cached(answer.entries, until)
        return answer.entries

    async def _execute(self, provider: Provider, stdin: bytes) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(
                self._bin_dir / provider.name,
                *provider.args,
                env={**os.environ, **provider.env},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise ProviderError(f"cannot be run: {error.strerror}") from None
        try:
            stdout, _ = await asyncio.wait_for(process.communicate(stdin), self._timeout)
        except TimeoutError:
            raise ProviderError(f"no answer within {self._timeout:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise ProviderError(f"ended with exit status {process.returncode}")
        return stdout

    async def _account(self, provider: Provider, pod: Object) -> _Account:
        attributes = provider.token
        if attributes is None:
            return _Account()
        name = (pod.get("spec") or {}).get("serviceAccountName") or ""
        if not name or self._client is None:
            if attributes.require_service_account:
                raise ProviderError("needs a service account, and the Pod has none")
            return _Account()
        namespace = namespace_of(pod)
        try:
            account = await self._client.get(SERVICE_ACCOUNTS, name, namespace)
            annotations = metadata(account).get("annotations") or {}
            missing = [key for key in attributes.required_annotations if key not in annotations]
            if missing:
                raise ProviderError(f"service account {name} lacks the annotation {', '.join(missing)}")
            wanted: Object = {"audiences": [attributes.audience]}
            if uid_of(pod):  # a dry run has no Pod that a token could be bound to
                bound = {"kind": "Pod", "apiVersion": "v1", "name": name_of(pod), "uid": uid_of(pod)}
                wanted["boundObjectRef"] = bound
            review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wanted}
            answer = await self._client.create(SERVICE_ACCOUNTS, review, namespace, name=name, subresource="token")
            token = answer["status"]["token"]
        except (StatusError, OSError, KeyError) as error:
            raise ProviderError(f"no token for service account {name}: {error}") from None
        uid = uid_of(account)
        used = {
            key: annotations[key]
            for key in (*attributes.required_annotations, *attributes.optional_annotations)
            if key in annotations
        }
        part = json.dumps([namespace, name, uid, used], sort_keys=True)
        if attributes.cache_type == "Token":
            part += hashlib.sha256(token.encode()).hexdigest()
        return _Account(token, (uid, namespace, name), annotations, part)

    @contextlib.asynccontextmanager
    async def _turn(self, key: tuple[str, str, str]) -> AsyncIterator[None]:
        turn = self._turns.setdefault(key, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                self._turns.pop(key, None)


def _cache_key(kind: CacheKeyType, repository: str) -> str:
    match kind:
        case CacheKeyType.IMAGE:
            return repository
        case CacheKeyType.REGISTRY:
            return repository.partition("/")[0]
        case CacheKeyType.GLOBAL:
            return "global"
