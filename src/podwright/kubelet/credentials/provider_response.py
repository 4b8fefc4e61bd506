"""What an exec provider is sent, and what of its answer is usable. Pure.

Called by provider_plugin. Nothing of an answer is ever quoted: it may hold secrets.
Page: https://kubernetes.io/docs/reference/config-api/kubelet-credentialprovider.v1/
"""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.kubelet.configuration_values import duration
from podwright.kubelet.credentials.keyring import Credential, Entry, Source
from podwright.kubelet.credentials.provider_config import Provider

_PAIR = ("username", "password")


class ProviderError(Exception):
    """A provider gave nothing usable; the text says how it failed, never what it printed."""


class CacheKeyType(enum.StrEnum):
    """For which images an answer may be used again."""

    IMAGE = "Image"
    REGISTRY = "Registry"
    GLOBAL = "Global"


@dataclass(frozen=True, slots=True)
class Answer:
    """A usable answer."""

    entries: Sequence[Entry]
    key_type: CacheKeyType
    keep_for: float
    """seconds; 0: not at all"""


def request(provider: Provider, repository: str, token: str, annotations: Mapping[str, str]) -> bytes:
    """The CredentialProviderRequest as JSON. `annotations`: the service account's."""
    document: dict[str, Any] = {
        "kind": "CredentialProviderRequest",
        "apiVersion": provider.api_version,
        "image": repository,
    }
    if provider.token is not None and token:
        wanted = {*provider.token.required_annotations, *provider.token.optional_annotations}
        document["serviceAccountToken"] = token
        document["serviceAccountAnnotations"] = {key: annotations[key] for key in sorted(wanted) if key in annotations}
    return json.dumps(document).encode()


def parse(provider: Provider, stdout: bytes, token: str, source: Source) -> Answer:
    """The answer that a provider printed. Raises ProviderError."""
    try:
        document = json.loads(stdout)
    except (ValueError, RecursionError):
        raise ProviderError("its answer is not JSON") from None
    if not isinstance(document, dict) or document.get("kind") != "CredentialProviderResponse":
        raise ProviderError("its answer is no CredentialProviderResponse")
    if document.get("apiVersion") != provider.api_version:
        raise ProviderError(f"its answer is not of apiVersion {provider.api_version}")
    try:
        key_type = CacheKeyType(str(document.get("cacheKeyType")))
    except ValueError:
        raise ProviderError("cacheKeyType of its answer is not Image, Registry or Global") from None
    keep_for = provider.default_cache_duration
    if document.get("cacheDuration") is not None:
        try:
            keep_for = duration(document["cacheDuration"])
        except ValueError:
            raise ProviderError("cacheDuration of its answer is no duration") from None
    auth = document.get("auth") or {}
    if not isinstance(auth, dict):
        raise ProviderError("auth of its answer is no object")
    entries = []
    for server, pair in auth.items():
        if not isinstance(pair, dict) or not all(isinstance(pair.get(name, ""), str) for name in _PAIR):
            raise ProviderError("auth of its answer has an entry without username and password")
        password = pair.get("password", "")
        # An account's own token as the password makes the answer that account's token: it must be cached as such.
        if token and password == token and provider.token is not None and provider.token.cache_type != "Token":
            raise ProviderError("it returned the service account token, but its cacheType is not Token")
        entries.append(Entry(server, Credential(pair.get("username", ""), password, source=source)))
    return Answer(entries, key_type, keep_for)
