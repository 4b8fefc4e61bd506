"""What stands in a Pod's /etc/resolv.conf: from dnsPolicy, dnsConfig, the cluster's DNS and the node's own file.

`form_dns` is pure. `PodDns` reads the node's file and writes the events; `environment.py` calls it once per sandbox.
Page: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podwright.api.objects import Object, metadata
from podwright.api.reasons import EventReason
from podwright.kubelet.interfaces import DnsConfig, EventWriter

MAX_NAMESERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_CHARACTERS = 2048
MAX_SEARCH_LENGTH = 255
"""glibc before 2.29 aborts on a longer one."""
CLUSTER_OPTIONS = ("ndots:5",)
MISSING_CLUSTER_DNS = "MissingClusterDNS"


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """A resolv.conf, parsed."""

    servers: Sequence[str] = ()
    searches: Sequence[str] = ()
    options: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FormedDns:
    """The configuration, and (reason, message) of each thing that had to be left out."""

    config: DnsConfig
    warnings: Sequence[tuple[str, str]] = ()


def parse_resolv_conf(text: str) -> ResolvConf:
    """The file as resolvers read it: every nameserver, the last search line, the last options line."""
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if not words or line[0] in "#;":
            continue
        if words[0] == "nameserver" and len(words) > 1:
            servers.append(words[1])
        elif words[0] == "search":
            searches = [w if w == "." else w.rstrip(".") for w in words[1:]]
        elif words[0] == "options":
            options = words[1:]
    return ResolvConf(servers, searches, options)


def form_dns(pod: Object, host: ResolvConf, cluster_dns: Sequence[str], cluster_domain: str) -> FormedDns:
    """The Pod's configuration: its policy's, with dnsConfig merged in, cut to what resolvers take."""
    spec = pod.get("spec") or {}
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    warnings: list[tuple[str, str]] = []
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        policy = "Default"
    if policy in ("ClusterFirst", "ClusterFirstWithHostNet") and not cluster_dns:
        meta = metadata(pod)
        name = f"{meta.get('name') or ''}_{meta.get('namespace') or ''}({meta.get('uid') or ''})"
        text = (
            "kubelet does not have ClusterDNS IP configured and cannot create Pod using "
            '"ClusterFirst" policy. Falling back to "Default" policy.'
        )
        warnings.append((MISSING_CLUSTER_DNS, f'pod: "{name}". {text}'))
        policy = "Default"
    if policy == "None":
        formed = ResolvConf()
    elif policy == "Default":
        formed = host
    else:
        namespace = metadata(pod).get("namespace") or ""
        own = [f"{namespace}.svc.{cluster_domain}", f"svc.{cluster_domain}", cluster_domain] if cluster_domain else []
        formed = ResolvConf(cluster_dns, _unique([*own, *host.searches]), CLUSTER_OPTIONS)
    formed = _merged(formed, spec.get("dnsConfig") or {})
    servers = formed.servers
    if len(servers) > MAX_NAMESERVERS:
        servers = servers[:MAX_NAMESERVERS]
        warnings.append(
            (
                EventReason.DNS_CONFIG_FORMING,
                "Nameserver limits were exceeded, some nameservers have been omitted, "
                f"the applied nameserver line is: {' '.join(servers)}",
            )
        )
    searches = _fitting(formed.searches)
    if len(searches) < len(formed.searches):
        warnings.append(
            (
                EventReason.DNS_CONFIG_FORMING,
                "Search Line limits were exceeded, some search paths have been omitted, "
                f"the applied search line is: {' '.join(searches)}",
            )
        )
    return FormedDns(DnsConfig(tuple(servers), tuple(searches), tuple(formed.options)), warnings)


def _unique(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _merged(base: ResolvConf, own: Object) -> ResolvConf:
    """`base` with the Pod's dnsConfig behind it; an option of the Pod takes the place of one with the same name."""
    options = {word.partition(":")[0]: word for word in base.options}
    for option in own.get("options") or ():
        value = option.get("value")
        options[option["name"]] = f"{option['name']}:{value}" if value else option["name"]
    return ResolvConf(
        _unique([*base.servers, *(own.get("nameservers") or ())]),
        _unique([*base.searches, *(own.get("searches") or ())]),
        list(options.values()),
    )


def _fitting(searches: Sequence[str]) -> list[str]:
    kept = [s for s in searches[:MAX_SEARCHES] if len(s) <= MAX_SEARCH_LENGTH]
    while len(" ".join(kept)) > MAX_SEARCH_CHARACTERS:
        kept.pop()
    return kept


class PodDns:
    """Gives each Pod its DNS configuration.

    `resolv_conf` is the node's file (None: the node has none to give, as with --resolv-conf="").
    """

    def __init__(
        self, cluster_dns: Sequence[str], cluster_domain: str, resolv_conf: Path | None, events: EventWriter
    ) -> None:
        self._cluster_dns = cluster_dns
        self._cluster_domain = cluster_domain
        self._resolv_conf = resolv_conf
        self._events = events

    def of(self, pod: Object) -> DnsConfig:
        """The configuration for `pod`; what had to be left out becomes events of it."""
        formed = form_dns(pod, self._host(), self._cluster_dns, self._cluster_domain)
        for reason, message in formed.warnings:
            self._events.event(pod, "Warning", reason, message)
        return formed.config

    def _host(self) -> ResolvConf:
        # Read anew each time: DHCP and VPNs change it. It is some hundred bytes of cached file, so no thread for it.
        if self._resolv_conf is None:
            return ResolvConf(["127.0.0.1"], ["."])
        try:
            return parse_resolv_conf(self._resolv_conf.read_text())
        except (OSError, UnicodeDecodeError):
            return ResolvConf()
