"""The pull secrets that a Pod names: read at each attempt, from the Pod's own namespace.

Called by the credential look-up. A secret that is missing or of another type never stops a pull; one broken entry
leaves the others usable.
Page: https://kubernetes.io/docs/concepts/containers/images/#specifying-imagepullsecrets-on-a-pod
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from podwright.api.errors import StatusError
from podwright.api.objects import Object, name_of, namespace_of, uid_of
from podwright.api.resources import SECRETS
from podwright.client.interface import Client
from podwright.kubelet.credentials.docker_config import (
    DockerConfig,
    DockerConfigError,
    parse_config_json,
    parse_dockercfg,
)
from podwright.kubelet.credentials.keyring import Entry, Source

_READERS = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson", parse_config_json),
    "kubernetes.io/dockercfg": (".dockercfg", parse_dockercfg),
}


@dataclass(frozen=True, slots=True)
class PullSecrets:
    """Everything that a Pod's secrets came to."""

    entries: Sequence[Entry] = ()
    missing: Sequence[str] = ()
    """names of secrets that could not be read"""
    problems: Sequence[str] = ()
    """secrets and entries that can't be used, without their content"""


def secret_names(pod: Object) -> list[str]:
    """Names in spec.imagePullSecrets; an empty one is skipped, as the kubelet does."""
    references = (pod.get("spec") or {}).get("imagePullSecrets") or []
    return [name for reference in references if (name := (reference or {}).get("name"))]


def parse_secret(secret: Object) -> DockerConfig:
    """The credentials in one secret; none when it is of another type."""
    namespace, name = namespace_of(secret), name_of(secret)
    text = f"secret {namespace}/{name}"
    reader = _READERS.get(secret.get("type") or "")
    if reader is None:
        return DockerConfig()
    key, parse = reader
    data = (secret.get("data") or {}).get(key)
    if data is None:
        return DockerConfig()
    try:
        return parse(base64.b64decode(data), Source(text, secret=(uid_of(secret), namespace, name)))
    except (binascii.Error, DockerConfigError) as error:
        return DockerConfig(problems=[str(error) if isinstance(error, DockerConfigError) else "not base64"])


async def read(client: Client, pod: Object) -> PullSecrets:
    """Read and parse the secrets that the Pod names, in their order."""
    namespace = namespace_of(pod)
    entries: list[Entry] = []
    missing: list[str] = []
    problems: list[str] = []
    for name in secret_names(pod):
        try:
            secret = await client.get(SECRETS, name, namespace)
        except (StatusError, OSError):
            missing.append(name)
            continue
        config = parse_secret(secret)
        entries += config.entries
        problems += [f"secret {namespace}/{name}: {problem}" for problem in config.problems]
    return PullSecrets(entries, missing, problems)
