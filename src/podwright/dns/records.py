"""What a name of the cluster means. Pure: a question and the directory in, records out. Called by `server`.

    <service>.<namespace>.svc.<domain>             A, SRV of all named ports; CNAME for an ExternalName
    <endpoint>.<service>.<namespace>.svc.<domain>  A: hostname, or the address with dashes
    _<port>._<protocol>.<service>...               SRV
    <a-b-c-d>.<namespace>.pod.<domain>             A
    dns-version.<domain>                           TXT
    <d.c.b.a>.in-addr.arpa                         PTR

A name that exists but has no record of the type asked for is not the same as a name that does not exist: resolvers
go on through their search path only after the latter.
Source: https://github.com/kubernetes/dns/blob/master/docs/specification.md
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from podwright.api.objects import Object
from podwright.dns.directory import Directory, Endpoint, cluster_ip_of, ports_of
from podwright.dns.wire import Name, Rcode, Record, Type, a, cname, name_of, ptr, soa, srv, txt

SCHEMA_VERSION: Final = "1.1.0"
SHORT_TTL: Final = 5
"""Seconds, for what comes and goes with Pods, and for what is not there yet."""
LONG_TTL: Final = 30
"""Seconds, for what lasts as long as a Service."""
_REVERSE: Final = ("in-addr", "arpa")


@dataclass(frozen=True, slots=True)
class Answer:
    """`exists`: whether the name is there at all. `follow`: the name at which the answer goes on elsewhere."""

    exists: bool
    records: Sequence[Record] = ()
    additional: Sequence[Record] = ()
    follow: Name | None = None

    @property
    def rcode(self) -> Rcode:
        """The outcome as DNS says it."""
        return Rcode.OK if self.exists else Rcode.NO_SUCH_NAME


_NOTHING = Answer(exists=False)
_NO_DATA = Answer(exists=True)


@dataclass(frozen=True, slots=True)
class Zone:
    """The names this server answers for: the cluster's domain, and addresses of its own ranges backwards."""

    domain: Name
    ranges: Sequence[ipaddress.IPv4Network] = ()

    def contains(self, name: Name) -> bool:
        """Whether a name ends in the cluster's domain."""
        return name[-len(self.domain) :] == self.domain

    def negative(self) -> Record:
        """What says how long "no" holds."""
        return soa(self.domain, SHORT_TTL)


def answer(zone: Zone, name: Name, type_: int, directory: Directory) -> Answer | None:
    """What a question is answered with; None when it is none of the cluster's and belongs to others."""
    if zone.contains(name):
        return _in_domain(zone, name, type_, directory)
    if name[-2:] == _REVERSE:
        return _reverse(zone, name, type_, directory)
    return None


def _in_domain(zone: Zone, name: Name, type_: int, directory: Directory) -> Answer:
    match name[: -len(zone.domain)]:
        case ():
            return _of_type(type_, [zone.negative()])
        case ("dns-version",):
            return _of_type(type_, [txt(name, SCHEMA_VERSION, LONG_TTL)])
        case ("svc",) | ("pod",):
            return _NO_DATA
        case (namespace, "svc" | "pod"):
            return _NO_DATA if directory.has_namespace(namespace) else _NOTHING
        case (dashed, namespace, "pod"):
            return _pod(name, dashed, namespace, type_, directory)
        case (*within, service, namespace, "svc"):
            found = directory.service(namespace, service)
            return _service(name, within, service=found, type_=type_, directory=directory)
    return _NOTHING


def _of_type(type_: int, records: Sequence[Record]) -> Answer:
    return Answer(True, [r for r in records if type_ in (r.type, Type.ANY)])


def _pod(name: Name, dashed: str, namespace: str, type_: int, directory: Directory) -> Answer:
    ip = dashed.replace("-", ".")
    if not directory.has_namespace(namespace) or not _is_ipv4(ip):
        return _NOTHING
    return _of_type(type_, [a(name, ip, LONG_TTL)])


def _service(name: Name, within: Sequence[str], *, service: Object | None, type_: int, directory: Directory) -> Answer:
    if service is None:
        return _NOTHING
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return _external(name, spec.get("externalName") or "") if not within else _NOTHING
    own_name = name[len(within) :]
    ip = cluster_ip_of(service)
    if ip and not within and type_ != Type.SRV:
        return _of_type(type_, [a(name, ip, LONG_TTL)])
    endpoints = directory.endpoints(own_name[1], own_name[0])
    if not ip and not endpoints:
        return _NOTHING
    if not within and type_ == Type.SRV:
        return _srv(name, own_name, service, endpoints, port="", protocol="")
    if not within:
        return _of_type(type_, [a(name, e.ip, SHORT_TTL) for e in _by_address(endpoints)])
    if len(within) == 1 and not within[0].startswith("_"):
        found = [a(name, e.ip, SHORT_TTL) for e in _by_address(endpoints) if e.label == within[0]]
        return _of_type(type_, found) if found else _NOTHING
    if all(label.startswith("_") for label in within) and len(within) <= 2:
        port = within[0][1:] if len(within) == 2 else ""
        found_srv = _srv(name, own_name, service, endpoints, port=port, protocol=within[-1][1:])
        if not found_srv.records:
            return _NOTHING
        return found_srv if type_ in (Type.SRV, Type.ANY) and port else _NO_DATA
    return _NOTHING


def _by_address(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Each address once; several slices may have it with different ports."""
    return list({(e.ip, e.label): e for e in endpoints}.values())


def _srv(
    name: Name, own_name: Name, service: Object, endpoints: Sequence[Endpoint], *, port: str, protocol: str
) -> Answer:
    """The SRV records of one port, or of all for ""."""
    if ip := cluster_ip_of(service):
        wanted = [p for p in ports_of((service.get("spec") or {}).get("ports") or ()) if _is(p.name, port)]
        records = [srv(name, p.number, own_name, LONG_TTL) for p in wanted if _is(p.protocol, protocol)]
        return Answer(True, records, [a(own_name, ip, LONG_TTL)] if records else [])
    records, hosts = [], {}
    for endpoint in endpoints:
        host = (endpoint.label, *own_name)
        for p in endpoint.ports:
            if _is(p.name, port) and _is(p.protocol, protocol):
                records.append(srv(name, p.number, host, SHORT_TTL))
                hosts[endpoint.ip, endpoint.label] = a(host, endpoint.ip, SHORT_TTL)
    return Answer(True, records, list(hosts.values()))


def _is(value: str, wanted: str) -> bool:
    return wanted in ("", value)


def _external(name: Name, target: str) -> Answer:
    try:
        alias = cname(name, name_of(target), LONG_TTL)
    except ValueError:
        return _NO_DATA
    return Answer(True, [alias], follow=name_of(target))


def _reverse(zone: Zone, name: Name, type_: int, directory: Directory) -> Answer | None:
    ip = ".".join(reversed(name[:-2]))
    if not _is_ipv4(ip):
        return None
    records = []
    for key in directory.services_at(ip):
        service = directory.service(key.namespace, key.name)
        own_name = (key.name, key.namespace, "svc", *zone.domain)
        if service is None:
            continue
        if ip == cluster_ip_of(service):
            records.append(ptr(name, own_name, LONG_TTL))
        elif not cluster_ip_of(service):
            labels = [e.label for e in directory.endpoints(key.namespace, key.name) if e.ip == ip]
            records += [ptr(name, (label, *own_name), SHORT_TTL) for label in dict.fromkeys(labels)]
    if records:
        return _of_type(type_, records)
    # An address of our own that has no name: nobody outside knows better, and asking them would take long.
    return _NOTHING if any(ipaddress.IPv4Address(ip) in r for r in zone.ranges) else None


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
