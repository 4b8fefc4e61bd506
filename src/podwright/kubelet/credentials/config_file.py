"""Writes credentials into a config.json: readable by its owner alone, whole or not at all, the rest of it untouched.

Called by `podwright registry login|logout`. Where the file names a credential helper for a server, the helper keeps
the secret and the file only has the server's name, as Docker leaves it.
Page: https://kubernetes.io/docs/concepts/containers/images/#config-json
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from podwright.kubelet.credentials.docker_config import DockerConfigError
from podwright.kubelet.credentials.keyring import index_key

HUB: Final = "https://index.docker.io/v1/"
_HUB_NAMES: Final = ("docker.io", "index.docker.io", "registry-1.docker.io")

Document = Mapping[str, Any]


def server_key(written: str) -> str:
    """The key for a server as a user writes it: host, port and path; the Docker Hub by the name that Docker gives it.

    Raises ValueError for what can't be a server.
    """
    key = index_key(written)
    if key is None:
        raise ValueError(f"{written!r} is not HOST[:PORT][/PATH]")
    return HUB if key in _HUB_NAMES else key


def with_login(document: Document, server: str, username: str, password: str) -> Document:
    """The document with these for the server, in place of what it had for it; the password "" leaves none in it."""
    entry = {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()} if password else {}
    return {**document, "auths": {**_auths(document), server: entry}}


def without(document: Document, server: str) -> Document:
    """The document with nothing for the server."""
    return {**document, "auths": {key: entry for key, entry in _auths(document).items() if key != server}}


def read(path: Path) -> Document:
    """The file's content, empty when there is none. Raises DockerConfigError, OSError."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise DockerConfigError("not JSON") from None
    if not isinstance(document, dict):
        raise DockerConfigError("expected a JSON object")
    _auths(document)
    return document


def write(path: Path, document: Document) -> None:
    """Put it in the file's place, mode 0600. Raises OSError."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)  # one that a crash left may have another mode
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _auths(document: Document) -> Mapping[str, Any]:
    auths = document.get("auths") or {}
    if not isinstance(auths, dict):
        raise DockerConfigError("auths: expected an object")
    return auths
