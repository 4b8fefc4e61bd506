"""The nftables rules that one Service stands for. Pure; called by `proxy` for each Service that has changed.

    packet --services / node_ports--> chain of the Service's port --dnat--> endpoint
           --no_endpoints, or still on its way to a cluster IP--> refused

What is common to all Services stands in `table`, which also writes the text. A chain of a port is one of

- `cluster/...`: any endpoint; who is not a Pod gets this node's address, so that answers come back the same way;
- `local/...`: endpoints of this node, the client's address kept (internal or external traffic policy Local);
- `external/...`: decides between those two for traffic from outside with policy Local;
- `guarded/...`: lets only loadBalancerSourceRanges through to the balancer's addresses;
- `sticky/...`: one endpoint of a Service with session affinity, beside a set of the clients that belong to it.

Source: https://kubernetes.io/docs/reference/networking/virtual-ips/
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from podwright.api.objects import Object, key_of, metadata
from podwright.proxy.backends import Backends, Target, backends, ipv4

MASQUERADE_MARK: Final = "0x4000"
"""The packet mark that asks for this node's address; the bit that kube-proxy uses for the same."""
LEFT_ALONE_LABELS: Final = frozenset({"service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"})
"""Labels of Services that have another proxy, or none."""
DEFAULT_AFFINITY_SECONDS: Final = 10800
REFUSE: Final = "goto refuse"

_PLAIN_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})


@dataclass(frozen=True, slots=True)
class Node:
    """This node: its name in the API, and the range of its Pods ("": unknown, every client is masqueraded)."""

    name: str
    pod_cidr: str


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """What goes into the table for one Service. Elements are spelled as nft spells them."""

    chains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    """address . protocol . port -> verdict"""
    node_ports: Mapping[str, str] = field(default_factory=dict)
    """protocol . port -> verdict, for every address of this machine"""
    no_endpoints: Mapping[str, str] = field(default_factory=dict)
    no_node_port_endpoints: Mapping[str, str] = field(default_factory=dict)
    cluster_ips: frozenset[str] = frozenset()
    hairpins: frozenset[str] = frozenset()
    """address . address of every endpoint, which may be its own client"""
    sticky: frozenset[str] = frozenset()
    """Names of the sets that remember clients."""
    udp: Mapping[tuple[str, int], frozenset[Target]] = field(default_factory=dict)
    """Address ("" for a node port) and port of each way in over UDP, with where it may lead: see `stale`."""


@dataclass(slots=True)
class _Draft:
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    node_ports: dict[str, str] = field(default_factory=dict)
    no_endpoints: dict[str, str] = field(default_factory=dict)
    no_node_port_endpoints: dict[str, str] = field(default_factory=dict)
    hairpins: set[str] = field(default_factory=set)
    sticky: set[str] = field(default_factory=set)
    udp: dict[tuple[str, int], frozenset[Target]] = field(default_factory=dict)

    def finished(self, cluster_ips: Iterable[str]) -> ServiceRules:
        return ServiceRules(
            self.chains,
            self.services,
            self.node_ports,
            self.no_endpoints,
            self.no_node_port_endpoints,
            frozenset(cluster_ips),
            frozenset(self.hairpins),
            frozenset(self.sticky),
            self.udp,
        )


def service_rules(service: Object, slices: Iterable[Object], node: Node) -> ServiceRules:
    """The rules of one Service with its EndpointSlices; empty for one that has no virtual address (of IPv4).

    Raises ValueError for an object that the API server should not have let in: it names what is wrong.
    """
    spec = service.get("spec") or {}
    labels = metadata(service).get("labels") or {}
    if spec.get("type") == "ExternalName" or not LEFT_ALONE_LABELS.isdisjoint(labels):
        return ServiceRules()
    cluster_ips = [ipv4(ip) for ip in _cluster_ips(spec) if ip != "None" and ":" not in ip]
    if not cluster_ips:
        return ServiceRules()
    slices = list(slices)
    draft = _Draft()
    for port in spec.get("ports") or ():
        protocol = (port.get("protocol") or "TCP").lower()
        if protocol not in _PROTOCOLS:
            raise ValueError(f"protocol {protocol!r} is none of TCP, UDP, SCTP")
        found = backends(slices, port.get("name") or "", protocol, node.name)
        of_port = _PortRules(draft, service, node, protocol=protocol, port=int(port["port"]), found=found)
        of_port.add(cluster_ips, port.get("nodePort") or 0)
    return draft.finished(cluster_ips)


def _cluster_ips(spec: Mapping[str, Any]) -> list[str]:
    return list(spec.get("clusterIPs") or ([spec["clusterIP"]] if spec.get("clusterIP") else []))


class _PortRules:
    """One port of one Service on its way into the draft."""

    def __init__(
        self, draft: _Draft, service: Object, node: Node, *, protocol: str, port: int, found: Backends
    ) -> None:
        self.draft, self.node, self.protocol, self.port, self.found = draft, node, protocol, port, found
        self.spec = service.get("spec") or {}
        self.status = service.get("status") or {}
        key = key_of(service)
        self.name = f"{_chain_part(key.namespace)}/{_chain_part(key.name)}/{protocol}/{port}"

    def add(self, cluster_ips: Iterable[str], node_port: int) -> None:
        self.draft.hairpins.update(f"{t.ip} . {t.ip}" for t in self.found.everywhere)
        internal = self._internal()
        for ip in cluster_ips:
            # without endpoints it stays out of the map, and is refused for being a cluster IP still
            if internal != REFUSE:
                self.draft.services[self._at(ip)] = internal
            self._note_udp(ip, self.port)
        external = self._external()
        for ip in self.spec.get("externalIPs") or ():
            self._way_in(ip, external)
        guarded = self._guarded(external)
        for ingress in (self.status.get("loadBalancer") or {}).get("ingress") or ():
            if ingress.get("ip") and ingress.get("ipMode") != "Proxy":
                self._way_in(ingress["ip"], guarded)
        if node_port:
            refused = external == REFUSE
            elements = self.draft.no_node_port_endpoints if refused else self.draft.node_ports
            elements[f"{self.protocol} . {int(node_port)}"] = external
            self._note_udp("", int(node_port))

    def _way_in(self, address: str, verdict: str) -> None:
        if ":" in address:
            return
        ip = ipv4(address)
        elements = self.draft.no_endpoints if verdict == REFUSE else self.draft.services
        elements[self._at(ip)] = verdict
        self._note_udp(ip, self.port)

    def _at(self, ip: str) -> str:
        return f"{ip} . {self.protocol} . {self.port}"

    def _note_udp(self, ip: str, port: int) -> None:
        if self.protocol == "udp":
            self.draft.udp[ip, port] = frozenset(self.found.everywhere)

    def _internal(self) -> str:
        """The verdict on who asks for the cluster IP."""
        if self.spec.get("internalTrafficPolicy") != "Local":
            return self._cluster()
        if self.found.here:
            return self._local()
        return "drop" if self.found.everywhere else REFUSE

    def _external(self) -> str:
        """The verdict on who comes to a node port or an external address."""
        if self.spec.get("externalTrafficPolicy") != "Local":
            return self._cluster()
        if not self.found.everywhere:
            return REFUSE
        # The policy is about clients outside; Pods and this machine are inside and may go to any endpoint.
        inside = self._cluster()
        rules = [f"ip saddr {self.node.pod_cidr} {inside}"] if self.node.pod_cidr else []
        rules += [f"fib saddr type local {inside}", self._local() if self.found.here else "drop"]
        return self._chain("external", rules)

    def _guarded(self, verdict: str) -> str:
        ranges = [
            str(ipaddress.ip_network(r.strip(), strict=False)) for r in self.spec.get("loadBalancerSourceRanges") or ()
        ]
        ranges = [r for r in ranges if ":" not in r]
        if not ranges or verdict == REFUSE:
            return verdict
        return self._chain("guarded", [f"ip saddr != {{ {', '.join(sorted(set(ranges)))} }} drop", verdict])

    def _cluster(self) -> str:
        if not self.found.everywhere:
            return REFUSE
        outside = f"ip saddr != {self.node.pod_cidr} " if self.node.pod_cidr else ""
        mark = f"{outside}meta mark set meta mark | {MASQUERADE_MARK}"
        return self._chain("cluster", [mark, *self._pick(self.found.everywhere)])

    def _local(self) -> str:
        return self._chain("local", self._pick(self.found.here))

    def _chain(self, kind: str, rules: Iterable[str]) -> str:
        name = f"{kind}/{self.name}"
        self.draft.chains[name] = tuple(rules)
        return f"goto {name}"

    def _pick(self, targets: tuple[Target, ...]) -> list[str]:
        """Rules that send a new connection to one of the targets, with equal chances or where the client was before."""
        if self.spec.get("sessionAffinity") == "ClientIP":
            return self._pick_sticky(targets)
        return _one_of([self._dnat(target) for target in targets])

    def _dnat(self, target: Target) -> str:
        return f"meta l4proto {self.protocol} dnat to {target.ip}:{target.port}"

    def _pick_sticky(self, targets: tuple[Target, ...]) -> list[str]:
        config = (self.spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        seconds = int(config.get("timeoutSeconds") or DEFAULT_AFFINITY_SECONDS)
        names = []
        for target in targets:
            name = f"sticky/{self.name}/{target.ip}/{target.port}"
            # A new connection renews the time; the set outlives changes of the other endpoints.
            self.draft.chains[name] = (f"update @{name} {{ ip saddr timeout {seconds}s }}", self._dnat(target))
            self.draft.sticky.add(name)
            names.append(name)
        known = [f"ip saddr @{name} goto {name}" for name in names]
        return [*known, *_one_of([f"goto {name}" for name in names])]


def _one_of(verdicts: Sequence[str]) -> list[str]:
    """Rules that give each verdict the same chance.

    A map of the verdicts would be one rule, but of a map that is replaced a packet that is between the rules finds
    nothing any more (seen: one connection refused in some 1,000 changes). Rules it goes on to find as they were.
    """
    *others, last = verdicts
    left = range(len(verdicts), 1, -1)
    return [*(f"numgen random mod {n} 0 {verdict}" for n, verdict in zip(left, others, strict=True)), last]


def _chain_part(name: str) -> str:
    """A name as nft takes it within the name of a chain."""
    return name if _PLAIN_NAME.fullmatch(name) else hashlib.sha256(name.encode()).hexdigest()[:16]
