"""Which Services a container hears of through its variables, and what those variables are.

Pure. `environment.py` calls it when a container is created; what changes later does not change a running container.
Page: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
"""

from __future__ import annotations

from collections.abc import Iterable

from podwright.api.objects import Object, metadata

MASTER = ("default", "kubernetes")
"""The Service of the API server; every container hears of it."""


def linked_services(services: Iterable[Object], namespace: str, enabled: bool) -> list[Object]:
    """The Services that a Pod of `namespace` is told of, the API server's first, then by name.

    `enabled` is enableServiceLinks. Services without an address (headless, ExternalName) are left out. A Service
    `kubernetes` in the Pod's own namespace takes the place of the API server's.
    """
    chosen: dict[str, Object] = {}
    master: Object | None = None
    for service in services:
        meta = metadata(service)
        where = (meta.get("namespace") or "", meta.get("name") or "")
        if not _address(service):
            continue
        if where == MASTER:
            master = service
        if enabled and where[0] == namespace:
            chosen[where[1]] = service
    if master is not None:
        chosen.setdefault(MASTER[1], master)
    return [chosen[name] for name in sorted(chosen, key=lambda name: (name != MASTER[1], name))]


def service_variables(services: Iterable[Object]) -> list[tuple[str, str]]:
    """The variables of `services`, in their order: host, ports, and the set that docker links made."""
    variables: list[tuple[str, str]] = []
    for service in services:
        variables += _variables(service)
    return variables


def mangle(name: str) -> str:
    """A Service or port name as it stands in a variable: upper case, `-` as `_`, nothing else."""
    return name.upper().replace("-", "_")


def _address(service: Object) -> str:
    spec = service.get("spec") or {}
    address = spec.get("clusterIP") or ""
    return "" if address == "None" or spec.get("type") == "ExternalName" else address


def _variables(service: Object) -> list[tuple[str, str]]:
    ports = (service.get("spec") or {}).get("ports") or []
    if not ports:
        return []
    name, address = mangle(metadata(service).get("name") or ""), _address(service)
    in_url = f"[{address}]" if ":" in address else address
    variables = [(f"{name}_SERVICE_HOST", address), (f"{name}_SERVICE_PORT", str(ports[0]["port"]))]
    variables += [(f"{name}_SERVICE_PORT_{mangle(p['name'])}", str(p["port"])) for p in ports if p.get("name")]
    for position, port in enumerate(ports):
        protocol, number = (port.get("protocol") or "TCP").upper(), port["port"]
        url = f"{protocol.lower()}://{in_url}:{number}"
        prefix = f"{name}_PORT_{number}_{protocol}"
        if position == 0:
            variables.append((f"{name}_PORT", url))
        variables += [
            (prefix, url),
            (f"{prefix}_PROTO", protocol.lower()),
            (f"{prefix}_PORT", str(number)),
            (f"{prefix}_ADDR", address),
        ]
    return variables
