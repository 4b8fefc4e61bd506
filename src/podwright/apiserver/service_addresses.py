"""Cluster IPs and node ports: which Service has which, and free ones for those that ask for none.

Kept in memory, from the Services that are stored, in the only process that writes them. Called by the create,
change and delete handlers as `context.Allocator`.
Page: https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from podwright.api.errors import InternalError, Invalid
from podwright.api.field import FieldError, Path, invalid
from podwright.api.objects import Object, name_of

_WITH_CLUSTER_IP = ("ClusterIP", "NodePort", "LoadBalancer")
_WITH_NODE_PORTS = ("NodePort", "LoadBalancer")
_TAKEN = "provided port is already allocated"
PortKey = tuple[str, int]
"""Protocol and port: UDP and TCP may share a number."""


def ips_of(service: Object) -> set[str]:
    """The cluster IPs that a Service has."""
    spec = service.get("spec") or {}
    given = [spec.get("clusterIP") or "", *(spec.get("clusterIPs") or ())]
    return {ip for ip in given if ip not in ("", "None")}


def ports_of(service: Object) -> set[PortKey]:
    """The node ports that a Service has, its health check's included."""
    spec = service.get("spec") or {}
    ports = {(p.get("protocol") or "TCP", p["nodePort"]) for p in spec.get("ports") or () if p.get("nodePort")}
    if spec.get("healthCheckNodePort"):
        ports.add(("TCP", spec["healthCheckNodePort"]))
    return ports


@dataclass(slots=True)
class _Held:
    """What one write takes, and what it will set free."""

    owner: ServiceAddresses
    new_ips: set[str] = field(default_factory=set)
    new_ports: set[PortKey] = field(default_factory=set)
    old_ips: set[str] = field(default_factory=set)
    old_ports: set[PortKey] = field(default_factory=set)

    def commit(self) -> None:
        """The write was made."""
        self.owner.give_back(self.old_ips, self.old_ports)

    def release(self) -> None:
        """The write was not made."""
        self.owner.give_back(self.new_ips, self.new_ports)


class ServiceAddresses:
    """The addresses of one service range and one range of node ports (first and last)."""

    def __init__(self, cidr: str, node_ports: tuple[int, int]) -> None:
        self._network = ipaddress.ip_network(cidr)
        self._node_ports = node_ports
        self._ips: set[str] = set()
        self._ports: set[PortKey] = set()

    def load(self, services: Iterable[Object]) -> None:
        """Take in the Services that are stored."""
        for service in services:
            self._ips |= ips_of(service)
            self._ports |= ports_of(service)

    def give_back(self, ips: set[str], ports: set[PortKey]) -> None:
        """These are free again."""
        self._ips -= ips
        self._ports -= ports

    def forget(self, obj: Object) -> None:
        """The Service is gone."""
        self.give_back(ips_of(obj), ports_of(obj))

    def claim(self, obj: Object, old: Object | None) -> _Held:
        """Give `obj` (changed in place) the addresses it needs. Raises Invalid, InternalError when none is left."""
        spec: dict[str, Any] = obj.setdefault("spec", {})
        kind = spec.get("type") or "ClusterIP"
        held = _Held(self)
        had_ips, had_ports = (ips_of(old), ports_of(old)) if old else (set(), set())
        errors: list[FieldError] = []
        try:
            if kind in _WITH_CLUSTER_IP:
                errors += self._families(spec, (old or {}).get("spec") or {})
                self._claim_ip(spec, held, had_ips, errors)
            if kind in _WITH_NODE_PORTS and (
                kind == "NodePort" or spec.get("allocateLoadBalancerNodePorts") is not False
            ):
                self._claim_ports(spec, held, had_ports, errors, fill=True)
            else:
                self._claim_ports(spec, held, had_ports, errors, fill=False)
            if kind == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
                self._claim_health_port(spec, held, had_ports, errors)
            if errors:
                raise Invalid.of("Service", name_of(obj), errors)
        except Exception:
            held.release()
            raise
        held.old_ips = had_ips - ips_of(obj)
        held.old_ports = had_ports - ports_of(obj)
        return held

    def _families(self, spec: Mapping[str, Any], was: Mapping[str, Any]) -> list[FieldError]:
        """Of new wishes for families that there are no addresses of; where nobody is selected, none are needed."""
        asked, policy = spec.get("ipFamilies") or [], spec.get("ipFamilyPolicy")
        if spec.get("clusterIP") == "None" and not spec.get("selector"):
            return []
        errors: list[FieldError] = []
        if policy == "RequireDualStack" and was.get("ipFamilyPolicy") != policy:
            text = "this cluster is not configured for dual-stack services"
            errors.append(invalid(Path("spec.ipFamilyPolicy"), policy, text))
        if asked != was.get("ipFamilies"):
            path, own = Path("spec.ipFamilies"), f"IPv{self._network.version}"
            text = "not configured on this cluster"
            errors += [invalid(path.index(i), family, text) for i, family in enumerate(asked) if family != own]
        return errors

    def _claim_ip(self, spec: dict[str, Any], held: _Held, had: set[str], errors: list[FieldError]) -> None:
        wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
        if wanted == "None":
            spec["clusterIP"], spec["clusterIPs"] = "None", ["None"]
            spec.setdefault("ipFamilies", [f"IPv{self._network.version}"])
            spec.setdefault("ipFamilyPolicy", "SingleStack")
            return
        if not wanted:
            wanted = self._free_ip(held)
        elif wanted not in had:
            problem = self._problem(wanted)
            if problem:
                errors.append(invalid(Path("spec.clusterIPs"), [wanted], problem))
                return
            self._take_ip(wanted, held)
        spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]
        spec.setdefault("ipFamilies", [f"IPv{self._network.version}"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")

    def _problem(self, ip: str) -> str:
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        if address not in self._network:
            return (
                "failed to allocate IP " + ip + ": the provided IP (" + ip + ") is not in the valid range. "
                f"The range of valid IPs is {self._network}"
            )
        if ip in self._ips:
            return f"failed to allocate IP {ip}: provided IP is already allocated"
        return ""

    def _take_ip(self, ip: str, held: _Held) -> None:
        self._ips.add(ip)
        held.new_ips.add(ip)

    def _free_ip(self, held: _Held) -> str:
        # The first addresses of the range are left to those that ask for one by name (kubernetes, kube-dns).
        size = self._network.num_addresses
        reserved = min(max(16, size // 16), 256) if size > 64 else 1
        for low, high in ((reserved + 1, size - 1), (1, reserved + 1)):
            if high <= low:
                continue
            start = random.randrange(low, high)
            for offset in range(min(high - low, 1 << 16)):
                ip = str(self._network[low + (start - low + offset) % (high - low)])
                if ip not in self._ips:
                    self._take_ip(ip, held)
                    return ip
        raise InternalError("failed to allocate a serviceIP: range is full")

    def _claim_ports(
        self, spec: dict[str, Any], held: _Held, had: set[PortKey], errors: list[FieldError], *, fill: bool
    ) -> None:
        ports = spec.get("ports") or ()
        # one number for a port in all its protocols, where it can be had
        numbers = {p.get("port"): p["nodePort"] for p in reversed(ports) if p.get("nodePort")}
        for position, port in enumerate(ports):
            protocol, wanted = port.get("protocol") or "TCP", port.get("nodePort")
            at = Path("spec.ports").index(position).child("nodePort")
            if wanted:
                if (protocol, wanted) not in held.new_ports:
                    errors += self._take_port(at, (protocol, wanted), held, had)
            elif fill:
                port["nodePort"] = self._free_port(protocol, held, numbers.get(port.get("port")))
                numbers.setdefault(port.get("port"), port["nodePort"])

    def _claim_health_port(
        self, spec: dict[str, Any], held: _Held, had: set[PortKey], errors: list[FieldError]
    ) -> None:
        if wanted := spec.get("healthCheckNodePort"):
            errors += self._take_port(Path("spec.healthCheckNodePort"), ("TCP", wanted), held, had)
        else:
            spec["healthCheckNodePort"] = self._free_port("TCP", held, None)

    def _take_port(self, at: Path, key: PortKey, held: _Held, had: set[PortKey]) -> list[FieldError]:
        """The port that is asked for by number; what is wrong with it."""
        first, last = self._node_ports
        if key in had:
            return []
        if not first <= key[1] <= last:
            why = f"provided port is not in the valid range. The range of valid ports is {first}-{last}"
            return [invalid(at, key[1], why)]
        if key in self._ports:
            return [invalid(at, key[1], _TAKEN)]
        self._ports.add(key)
        held.new_ports.add(key)
        return []

    def _free_port(self, protocol: str, held: _Held, best: int | None) -> int:
        first, last = self._node_ports
        count = last - first + 1
        start = best - first if best and first <= best <= last else random.randrange(count)
        for offset in range(count):
            key = (protocol, first + (start + offset) % count)
            if key not in self._ports:
                self._ports.add(key)
                held.new_ports.add(key)
                return key[1]
        raise InternalError("failed to allocate a nodePort: range is full")
