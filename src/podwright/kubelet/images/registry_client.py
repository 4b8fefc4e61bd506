"""Asks a registry what a name stands for: its manifest or index, its digest, the platforms it is made for.

Called where the runtime does not tell: after a pull that found no platform. The runtime alone fetches images; this
reads one small document, with the same hosts and credentials.
Page: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')


class RegistryError(Exception):
    """No answer that can be used; the text has no secret in it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a name stands for now."""

    digest: str
    document: Mapping[str, Any]


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
        name = reference.parse(image)
        problems: list[str] = []
        for endpoint in await asyncio.to_thread(registry_hosts.read, self._hosts_dir, name.registry):
            try:
                async with asyncio.timeout(TIMEOUT):
                    return await self._ask(endpoint, name, credentials)
            except RegistryError as error:
                problems.append(f"{endpoint.url}: {error}")
            except TimeoutError:
                problems.append(f"{endpoint.url}: no answer within {TIMEOUT:g} s")
        raise RegistryError("; ".join(problems))

    async def _ask(self, endpoint: Endpoint, name: Reference, credentials: Sequence[Credential]) -> Manifest:
        import aiohttp

        connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(_trust, endpoint))
        async with aiohttp.ClientSession(connector=connector) as session:
            status = 0
            try:
                for credential in (*credentials, None):
                    answer = await self._get(session, endpoint, name, credential)
                    if isinstance(answer, Manifest):
                        return answer
                    status = answer
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise RegistryError(type(error).__name__) from error
        raise RegistryError(f"answers {status}")

    async def _get(
        self, session: aiohttp.ClientSession, endpoint: Endpoint, name: Reference, credential: Credential | None
    ) -> Manifest | int:
        """The manifest, or the status that refused it."""
        base = endpoint.url if endpoint.url.endswith("/v2") else f"{endpoint.url}/v2"
        url = f"{base}/{name.path}/manifests/{name.digest or name.tag}"
        headers = {"Accept": ", ".join(_TYPES)}
        for attempt in range(2):
            async with session.get(url, headers=headers) as answer:
                if answer.status == 401 and not attempt:
                    scheme, asked = challenge(answer.headers.get("WWW-Authenticate", ""))
                    shown = await self._authorization(session, scheme, asked, name, credential)
                    if not shown:
                        return answer.status
                    headers["Authorization"] = shown
                    continue
                if answer.status != 200:
                    return answer.status
                body = await answer.content.read(_LIMIT)
                document = json.loads(body)
                if not isinstance(document, dict):
                    raise ValueError("not a manifest")
                return Manifest(f"sha256:{hashlib.sha256(body).hexdigest()}", document)
        return 401

    async def _authorization(
        self,
        session: aiohttp.ClientSession,
        scheme: str,
        asked: Mapping[str, str],
        name: Reference,
        credential: Credential | None,
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
        parameters = {"service": asked.get("service", ""), "scope": f"repository:{name.path}:pull"}
        if credential is not None and credential.identity_token:
            form = {**parameters, "grant_type": "refresh_token", "refresh_token": credential.identity_token,
                    "client_id": "podwright"}  # fmt: skip
            request = session.post(realm, data=form)
        else:
            request = session.get(realm, params=parameters, headers={"Authorization": basic} if basic else {})
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
