"""What a kubeconfig file says about reaching a server: address, trust, identity.

Called by `client.http`; a file is read once, keys stay in memory.
Source: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class KubeconfigError(ValueError):
    """The file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Access:
    """One context of a kubeconfig. PEM texts as bytes; b"" and "" where there is none."""

    server: str
    ca: bytes = b""
    verify: bool = True
    server_name: str = ""
    certificate: bytes = b""
    key: bytes = b""
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Access(server={self.server!r})"


def read_kubeconfig(path: Path, context: str = "") -> Access:
    """The access that a context (default: the current one) describes.

    Raises KubeconfigError; OSError when a file cannot be read.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as error:
        raise KubeconfigError(f"{path}: {error}") from error
    if not isinstance(document, dict):
        raise KubeconfigError(f"{path}: not a kubeconfig")
    name = context or document.get("current-context") or ""
    chosen = _named(document, "contexts", name, path).get("context") or {}
    cluster = _named(document, "clusters", chosen.get("cluster") or "", path).get("cluster") or {}
    user = _named(document, "users", chosen.get("user") or "", path).get("user") or {} if chosen.get("user") else {}
    if "exec" in user or "auth-provider" in user:
        raise KubeconfigError(
            f'{path}: user "{chosen["user"]}" takes its credentials from a program, which is not supported'
        )
    if not cluster.get("server"):
        raise KubeconfigError(f'{path}: cluster "{chosen.get("cluster")}" has no server')
    certificate, key = _pem(user, "client-certificate", path), _pem(user, "client-key", path)
    if bool(certificate) != bool(key):
        raise KubeconfigError(f'{path}: user "{chosen["user"]}" needs both a client certificate and its key')
    return Access(
        server=str(cluster["server"]).rstrip("/"),
        ca=_pem(cluster, "certificate-authority", path),
        verify=not cluster.get("insecure-skip-tls-verify"),
        server_name=cluster.get("tls-server-name") or "",
        certificate=certificate,
        key=key,
        token=user.get("token") or "",
        token_file=str(path.parent / user["tokenFile"]) if user.get("tokenFile") else "",
        username=user.get("username") or "",
        password=user.get("password") or "",
    )


def _named(document: Mapping[str, Any], part: str, name: str, path: Path) -> Mapping[str, Any]:
    for element in document.get(part) or ():
        if isinstance(element, dict) and element.get("name") == name:
            return element
    raise KubeconfigError(f'{path}: there is no "{name}" in {part}')


def _pem(section: Mapping[str, Any], name: str, path: Path) -> bytes:
    """Data in the file itself goes before the name of a file, as in kubectl; names are relative to the kubeconfig."""
    if data := section.get(f"{name}-data"):
        try:
            return base64.b64decode(data, validate=True)
        except (binascii.Error, TypeError) as error:
            raise KubeconfigError(f"{path}: {name}-data is not base64") from error
    return (path.parent / section[name]).read_bytes() if section.get(name) else b""
