"""Which Pods are behind a Service, at which ports, and in which condition. Pure.

Called by `endpoint_slice` and `endpoints`, which write the answer in their own form.
Source: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.api.reasons import Phase
from podwright.api.selectors import selector_of_labels


@dataclass(frozen=True, slots=True)
class Port:
    """A Service's port as one Pod serves it."""

    name: str
    protocol: str
    number: int
    app_protocol: str = ""


@dataclass(frozen=True, slots=True)
class Backend:
    """One Pod behind a Service. `serving`: it is ready; `terminating`: it is being deleted."""

    addresses: tuple[str, ...]
    ports: tuple[Port, ...]
    serving: bool
    terminating: bool
    hostname: str
    node: str
    namespace: str
    name: str
    uid: str

    def target(self) -> dict[str, str]:
        """A reference to the Pod."""
        return {"kind": "Pod", "namespace": self.namespace, "name": self.name, "uid": self.uid}

    def address_of(self, family: str) -> str:
        """Its address of an IP family (`IPv4`, `IPv6`), "" when it has none."""
        return next((a for a in self.addresses if family_of(a) == family), "")


def family_of(address: str) -> str:
    """`IPv4` or `IPv6`."""
    return f"IPv{ipaddress.ip_address(address).version}"


def is_selecting(service: Object) -> bool:
    """Whether it is Kubernetes that looks for the Service's Pods; without a selector its owner does."""
    spec = service.get("spec") or {}
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def is_headless(service: Object) -> bool:
    """Whether the Service has no address of its own."""
    return (service.get("spec") or {}).get("clusterIP") == "None"


def publishes_not_ready(service: Object) -> bool:
    """Whether Pods count as ready whatever their readiness says."""
    return bool((service.get("spec") or {}).get("publishNotReadyAddresses"))


def families_of(service: Object) -> list[str]:
    """The IP families that the Service serves."""
    return list((service.get("spec") or {}).get("ipFamilies") or ["IPv4"])


def selects(service: Object, pod: Object) -> bool:
    """Whether the Service's selector matches the Pod (of the same namespace)."""
    selector = (service.get("spec") or {}).get("selector") or {}
    return (
        is_selecting(service)
        and namespace_of(service) == namespace_of(pod)
        and selector_of_labels(selector).matches(metadata(pod).get("labels"))
    )


def backends(service: Object, pods: Iterable[Object]) -> list[Backend]:
    """The Pods that are behind the Service, by name: those it selects that have an address and have not ended."""
    return sorted((_backend(service, pod) for pod in pods if selects(service, pod) and _lives(pod)), key=_name)


def _name(backend: Backend) -> str:
    return backend.name


def _lives(pod: Object) -> bool:
    status = pod.get("status") or {}
    return bool(_addresses(status)) and status.get("phase") not in {Phase.SUCCEEDED, Phase.FAILED}


def _addresses(status: Mapping[str, Any]) -> tuple[str, ...]:
    found = [entry.get("ip") for entry in status.get("podIPs") or ()] or [status.get("podIP")]
    return tuple(address for address in found if address)


def _backend(service: Object, pod: Object) -> Backend:
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or ())
    known_as = spec.get("hostname") or ""
    return Backend(
        addresses=_addresses(status),
        ports=ports(service, pod),
        serving=ready,
        terminating=bool(metadata(pod).get("deletionTimestamp")),
        hostname=known_as if spec.get("subdomain") == name_of(service) else "",
        node=spec.get("nodeName") or "",
        namespace=namespace_of(pod),
        name=name_of(pod),
        uid=uid_of(pod),
    )


def ports(service: Object, pod: Object) -> tuple[Port, ...]:
    """The Service's ports as numbers of this Pod; a port that it does not name is left out."""
    found = []
    for port in (service.get("spec") or {}).get("ports") or ():
        protocol = port.get("protocol") or "TCP"
        number = _number(port, protocol, pod)
        if number:
            found.append(Port(port.get("name") or "", protocol, number, port.get("appProtocol") or ""))
    return tuple(found)


def _number(port: Mapping[str, Any], protocol: str, pod: Object) -> int:
    target = port.get("targetPort") or port.get("port") or 0
    if isinstance(target, int):
        return target
    spec = pod.get("spec") or {}
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    for container in [*(spec.get("containers") or ()), *sidecars]:
        for named in container.get("ports") or ():
            if named.get("name") == target and (named.get("protocol") or "TCP") == protocol:
                return int(named["containerPort"])
    return 0
