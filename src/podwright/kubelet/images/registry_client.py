"""Asks a registry what a name stands for: its manifest or index, its digest, the platforms it is made for.

Called where the runtime does not tell: after a pull that found no platform, and to say whom a registry lets in. The
runtime alone fetches images; this reads one small document, with the same hosts and credentials.
Page: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.images import reference, registry_hosts
from podwright.kubelet.images.reference import Reference
from podwright.kubelet.images.registry_hosts import Endpoint

if TYPE_CHECKING:
    import aiohttp

TIMEOUT: Final = 10.0
"""seconds for everything that one question takes"""
_LIMIT: Final = 4 * 1024 * 1024
_TYPES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_MEANINGS: Final = {
    200: "let in",
    401: "not let in",
    403: "forbidden",
    404: "no such name or tag, or it is not shown",
    429: "asked too often",
}
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(Exception):
    """No answer that can be used; the text has no secret in it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a name stands for now."""

    digest: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one host of a registry says to one credential."""

    host: str
    """as a URL"""
    status: int = 0
    """HTTP's; 0: there was no answer"""
    problem: str = ""
    """why there was none"""

    @property
    def lets_in(self) -> bool:
        """Whether the credential is good for what was asked."""
        return self.status == 200

    def text(self) -> str:
        """In words, without the host."""
        if not self.status:
            return self.problem
        meaning = _MEANINGS.get(self.status, "")
        return f"{self.status}, {meaning}" if meaning else f"answers {self.status}"


def problem_of(error: Exception) -> str:
    """Why there was no answer, in words; the library's own texts name ports and flags that nobody asked for."""
    import aiohttp

    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ServerFingerprintMismatch):
        return "its certificate is not trusted, or it speaks no TLS"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.os_error.errno).lower() if error.os_error.errno else "cannot be reached"
    if isinstance(error, ValueError | aiohttp.ClientPayloadError):
        return "its answer is not a registry's"
    return type(error).__name__


def platforms(document: Mapping[str, Any]) -> Sequence[str]:
    """`os/architecture[/variant]` of each image of an index, sorted; none for what is no index."""
    found = set()
    for entry in document.get("manifests") or ():
        platform = entry.get("platform") or {}
        parts = [platform.get(key) for key in ("os", "architecture", "variant")]
        if parts[0] and parts[1] and parts[0] != "unknown":
            found.add("/".join(filter(None, parts)))
    return sorted(found)


def challenge(header: str) -> tuple[str, Mapping[str, str]]:
    """Scheme (in small letters) and parameters of a WWW-Authenticate header."""
    scheme, _, rest = header.partition(" ")
    return scheme.lower(), dict(_PARAMETER.findall(rest))


class RegistryClient:
    """`hosts_dir`: the folder of hosts.toml folders. Holds no connection between two questions."""

    def __init__(self, hosts_dir: Path) -> None:
        self._hosts_dir = hosts_dir

    async def platforms(self, image: str, credentials: Sequence[Credential]) -> Sequence[str]:
        """The platforms that an index lists; empty for a single image, and when the registry does not say."""
        try:
            return platforms((await self.manifest(image, credentials)).document)
        except RegistryError:
            return ()

    async def manifest(self, image: str, credentials: Sequence[Credential]) -> Manifest:
        """The manifest of a name, asked for with each credential in turn, then with none. Raises RegistryError."""
        problems: list[str] = []
        for endpoint, name in await self._endpoints(image):
            async with _Session(endpoint) as session:
                status = 0
                try:
                    async with asyncio.timeout(TIMEOUT):
                        for credential in (*credentials, None):
                            answer = await session.manifest(name, credential)
                            if isinstance(answer, Manifest):
                                return answer
                            status = answer
                except _failures() as error:
                    problems.append(f"{endpoint.url}: {problem_of(error)}")
                else:
                    problems.append(f"{endpoint.url}: answers {status}")
        raise RegistryError("; ".join(problems))

    async def ask(self, image: str, credential: Credential | None) -> Answer:
        """What the registry says to one credential (None: to nobody): the first host that lets it in, else the last.

        Only asks whether the manifest is there: registries that limit pulls don't count that.
        """
        answer = Answer("")
        for endpoint, name in await self._endpoints(image):
            async with _Session(endpoint) as session:
                try:
                    async with asyncio.timeout(TIMEOUT):
                        answer = Answer(endpoint.url, await session.would_give(name, credential))
                except _failures() as error:
                    answer = Answer(endpoint.url, problem=problem_of(error))
            if answer.lets_in:
                break
        return answer

    async def log_in(self, registry: str, credential: Credential) -> Answer:
        """Whether a registry knows these, without asking for any image."""
        hosts = await asyncio.to_thread(registry_hosts.read, self._hosts_dir, registry)
        # a password is for the registry itself, not for its mirrors
        endpoint = next((host for host in hosts if urlsplit(host.url).netloc == registry), hosts[-1])
        async with _Session(endpoint) as session:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return Answer(endpoint.url, await session.log_in(credential))
            except _failures() as error:
                return Answer(endpoint.url, problem=problem_of(error))

    async def _endpoints(self, image: str) -> Sequence[tuple[Endpoint, Reference]]:
        name = reference.parse(image)
        hosts = await asyncio.to_thread(registry_hosts.read, self._hosts_dir, name.registry)
        return [(host, name) for host in hosts]


def _failures() -> tuple[type[Exception], ...]:
    import aiohttp

    return (aiohttp.ClientError, OSError, ValueError)


class _Session:
    """Connections to one host. Its methods raise aiohttp.ClientError, OSError, ValueError."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._base = endpoint.url if endpoint.url.endswith("/v2") else f"{endpoint.url}/v2"

    async def __aenter__(self) -> Self:
        import aiohttp

        connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(_trust, self._endpoint))
        self._http = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def manifest(self, name: Reference, credential: Credential | None) -> Manifest | int:
        """The manifest, or the status that refused it."""
        async with self._ask("GET", *self._place(name), credential) as answer:
            if answer.status != 200:
                return answer.status
            body = await answer.content.read(_LIMIT)
        document = json.loads(body)
        if not isinstance(document, dict):
            raise ValueError("not a manifest")
        return Manifest(f"sha256:{hashlib.sha256(body).hexdigest()}", document)

    async def would_give(self, name: Reference, credential: Credential | None) -> int:
        """The status with which a manifest would come."""
        async with self._ask("HEAD", *self._place(name), credential) as answer:
            return answer.status

    def _place(self, name: Reference) -> tuple[str, str]:
        """(URL, scope of the right to read it)"""
        url = f"{self._base}/{name.path}/manifests/{name.digest or name.tag}"
        return url, f"repository:{name.path}:pull"

    async def log_in(self, credential: Credential) -> int:
        """The status with which the registry receives who asks for nothing in particular."""
        async with self._ask("GET", f"{self._base}/", "", credential) as answer:
            return answer.status

    @asynccontextmanager
    async def _ask(
        self, method: str, url: str, scope: str, credential: Credential | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One document, asked for again when the registry wants to know by whom."""
        headers = {"Accept": ", ".join(_TYPES)}
        async with self._http.request(method, url, headers=headers) as answer:
            shown = ""
            if answer.status == 401:
                scheme, asked = challenge(answer.headers.get("WWW-Authenticate", ""))
                shown = await self._authorization(scheme, asked, scope, credential)
            if not shown:
                yield answer
                return
        async with self._http.request(method, url, headers=headers | {"Authorization": shown}) as answer:
            yield answer

    async def _authorization(
        self, scheme: str, asked: Mapping[str, str], scope: str, credential: Credential | None
    ) -> str:
        """The header's value; "" when there is nothing to show."""
        import aiohttp

        basic = ""
        if credential is not None and credential.registry_token:
            return f"Bearer {credential.registry_token}"
        if credential is not None and credential.username:
            basic = aiohttp.encode_basic_auth(credential.username, credential.password)
        if scheme != "bearer":
            return basic
        realm = asked.get("realm", "")
        parameters = {"service": asked.get("service", ""), **({"scope": scope} if scope else {})}
        if credential is not None and credential.identity_token:
            form = {**parameters, "grant_type": "refresh_token", "refresh_token": credential.identity_token,
                    "client_id": "podwright"}  # fmt: skip
            request = self._http.post(realm, data=form)
        else:
            request = self._http.get(realm, params=parameters, headers={"Authorization": basic} if basic else {})
        async with request as answer:
            if answer.status != 200:
                return ""
            document = await answer.json(content_type=None)
        token = document.get("token") or document.get("access_token") if isinstance(document, dict) else ""
        return f"Bearer {token}" if token else ""


def _trust(endpoint: Endpoint) -> Any:
    """What aiohttp takes: a context with the endpoint's authorities, True for the system's, False for any."""
    if not endpoint.verify:
        return False
    if not endpoint.ca:
        return True
    import ssl

    context = ssl.create_default_context()
    for file in endpoint.ca:
        context.load_verify_locations(file)
    return context
