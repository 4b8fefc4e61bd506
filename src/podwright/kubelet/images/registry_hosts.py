"""Where a registry is asked: containerd's hosts.toml files, read as containerd reads them. Pure but for reading.

Called by the registry client, which must ask the same hosts as the runtime does.
Page: https://github.com/containerd/containerd/blob/main/docs/hosts.md
"""

from __future__ import annotations

import ipaddress
import logging
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

log = logging.getLogger(__name__)

_HUB: Final = "docker.io"
_HUB_SERVER: Final = "https://registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One host that serves a registry's images."""

    url: str
    """scheme, host and port; no `/` at its end"""
    ca: Sequence[Path] = ()
    """certificates of authorities that are trusted beside the system's"""
    verify: bool = True


def default_endpoint(registry: str) -> Endpoint:
    """Where a registry is asked when no file says otherwise: loopback by plain HTTP, as containerd does."""
    if registry == _HUB:
        return Endpoint(_HUB_SERVER)
    host = registry.rpartition(":")[0] if registry.rpartition(":")[2].isdigit() else registry
    return Endpoint(f"{'http' if _is_loopback(host.strip('[]')) else 'https'}://{registry}")


def endpoints(document: Mapping[str, Any], folder: Path, registry: str) -> Sequence[Endpoint]:
    """The hosts of one hosts.toml that tags may be asked of, in order; the registry's own server last."""
    found = []
    for url, host in (document.get("host") or {}).items():
        if "resolve" not in host.get("capabilities", ["resolve"]):
            continue
        named = host.get("ca") or []
        ca = [folder / name for name in ([named] if isinstance(named, str) else named)]
        found.append(Endpoint(url.rstrip("/"), ca, not host.get("skip_verify", False)))
    server = document.get("server")
    last = Endpoint(str(server).rstrip("/")) if server else default_endpoint(registry)
    return [*found, last] if last.url not in {one.url for one in found} else found


def read(hosts_dir: Path, registry: str) -> Sequence[Endpoint]:
    """The hosts for a registry. A file that can't be read counts as none. Reads files: call it in a thread."""
    for folder in (hosts_dir / registry, hosts_dir / "_default"):
        try:
            document = tomllib.loads((folder / "hosts.toml").read_text(encoding="utf-8"))
            return endpoints(document, folder, registry)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError, TypeError) as error:
            log.warning("%s/hosts.toml: %s", folder, error)
    return [default_endpoint(registry)]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
