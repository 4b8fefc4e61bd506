"""Which credentials are for an image: servers, ports, globs and path prefixes. Pure.

Called by the credential look-up with the entries of each source. Where Kubernetes' code is surprising, Podwright
differs: a path prefix ends at a `/`, and a broad glob does not hide the Docker Hub entry.
Page: https://kubernetes.io/docs/concepts/containers/images/#config-json
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

DOCKER_HUB_KEY: Final = "index.docker.io"
_HUB_REGISTRIES: Final = ("docker.io", "index.docker.io")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a credential was found. What is shown to users; never has a secret in it."""

    text: str
    """`secret default/regcred`, `/var/lib/podwright/config.json`, `provider ecr`"""
    secret: tuple[str, str, str] | None = None
    """(uid, namespace, name) of the pull secret"""
    service_account: tuple[str, str, str] | None = None
    """(uid, namespace, name) of the account whose token got it from a provider"""

    @property
    def for_whole_node(self) -> bool:
        """Whether every Pod of the node may use what this credential pulled."""
        return self.secret is None and self.service_account is None


@dataclass(frozen=True, slots=True)
class Credential:
    """What is offered to a registry. Secrets stay out of its repr."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    source: Source = Source("")

    @property
    def hash(self) -> str:
        """sha256 of what is offered, to recognise it again without keeping it."""
        offered = [self.username, self.password, self.identity_token, self.registry_token]
        return hashlib.sha256(json.dumps(offered).encode()).hexdigest()

    def describe(self) -> str:
        """For messages: where it comes from and for whom, without its secret."""
        return f"{self.source.text} as {self.username}" if self.username else self.source.text


@dataclass(frozen=True, slots=True)
class Entry:
    """A credential and the server (host, port, path; globs in the host) that it is for, as written."""

    server: str
    credential: Credential


def index_key(server: str) -> str | None:
    """Host, port and path of a server as it is compared; None when it can't be a URL.

    Scheme and API version (`https://index.docker.io/v1/`) fall away.
    """
    text = server if "://" in server else f"https://{server}"
    rest = text.partition("://")[2]
    if not rest or re.search(r"[\s\[\]?#%]", rest):
        return None
    host, slash, path = rest.partition("/")
    if not host or host.count(":") > 1:
        return None
    path = slash + path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host if path in ("", "/") else host + path


def matches(key: str, repository: str) -> bool:
    """Whether a key covers a normalized repository (`docker.io/library/busybox`)."""
    key_host, _, key_path = key.partition("/")
    host, _, path = repository.partition("/")
    key_name, _, key_port = key_host.partition(":")
    name, _, port = host.partition(":")
    key_labels, labels = key_name.split("."), name.split(".")
    return (
        key_port == port
        and len(key_labels) == len(labels)
        and all(_label_matches(pattern, label) for pattern, label in zip(key_labels, labels, strict=True))
        and _below(key_path, path)
    )


def _label_matches(pattern: str, label: str) -> bool:
    if "*" not in pattern:
        return pattern == label
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), label) is not None


def _below(prefix: str, path: str) -> bool:
    if not prefix or path == prefix:
        return True
    return path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def lookup(entries: Iterable[Entry], repository: str) -> Sequence[Credential]:
    """Every credential of one source that is for the repository, the most specific first."""
    keyed: list[tuple[str, Credential]] = []
    for entry in entries:
        key = index_key(entry.server)
        if key is not None:
            keyed.append((key, entry.credential))
    # reverse order of bytes: longer paths before shorter ones, letters before a star; entries of one key as they came
    ordered = sorted(keyed, key=lambda item: item[0].encode(), reverse=True)
    found = [credential for key, credential in ordered if matches(key, repository)]
    if repository.partition("/")[0] in _HUB_REGISTRIES:
        found += [credential for key, credential in ordered if key == DOCKER_HUB_KEY and credential not in found]
    return found
