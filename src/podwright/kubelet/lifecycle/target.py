"""Where an httpGet or tcpSocket handler of a hook or a probe points to.

Pure. Page: https://kubernetes.io/docs/concepts/workloads/pods/probes/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object

_DEFAULT_ACCEPT = "*/*"


class TargetError(ValueError):
    """The handler points nowhere."""


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """A GET request: where to, and with which headers in which order."""

    url: str
    headers: Sequence[tuple[str, str]]


def resolve_port(port: int | str, container: Object) -> int:
    """A port number, a declared port's name or a number as text, as a number. Raises TargetError."""
    if isinstance(port, str):
        named = next((p for p in container.get("ports") or () if p.get("name") == port), None)
        if named is not None:
            port = int(named["containerPort"])
        else:
            try:
                port = int(port)
            except ValueError:
                raise TargetError(f'strconv.Atoi: parsing "{port}": invalid syntax') from None
    if not 0 < port < 65536:
        raise TargetError(f"invalid port number: {port}")
    return port


def join_host_port(host: str, port: int) -> str:
    """`10.0.0.1:80`, `[fd00::1]:80`"""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def http_target(action: Mapping[str, Any], container: Object, address: str, user_agent: str) -> HttpTarget:
    """The request of an httpGet action; `address` is taken where the action names no host. Raises TargetError."""
    host = action.get("host") or address
    port = resolve_port(action["port"], container)
    path = str(action.get("path") or "/")
    path = path if path.startswith("/") else f"/{path}"
    scheme = str(action.get("scheme") or "HTTP").lower()
    given = [(h["name"], h.get("value") or "") for h in action.get("httpHeaders") or ()]
    names = {name.lower() for name, _ in given}
    # An empty Accept is how one asks for none at all.
    headers = [(name, value) for name, value in given if value or name.lower() != "accept"]
    if "user-agent" not in names:
        headers.append(("User-Agent", user_agent))
    if "accept" not in names:
        headers.append(("Accept", _DEFAULT_ACCEPT))
    return HttpTarget(f"{scheme}://{join_host_port(host, port)}{path}", headers)
