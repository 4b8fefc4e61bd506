"""The text for `nft -f`: the whole table, that table over an older one, or what leads from one state to the next. Pure.

Either is one transaction: the kernel takes all of it or nothing, and no packet meets half of it. Called by `proxy`.
Source: https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-nftables
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podwright.api.objects import Key
from podwright.proxy.backends import Target
from podwright.proxy.rules import MASQUERADE_MARK, REFUSE, ServiceRules

_FRONTEND = "ipv4_addr . inet_proto . inet_service : verdict"
_NODE_PORT = "inet_proto . inet_service : verdict"
_DECLARED = re.compile(r"^[ \t]+(chain|set|map) (\S+) \{", re.MULTILINE)


EMPTY = ServiceRules()


@dataclass(frozen=True, slots=True)
class Present:
    """The names of what a table was found to have."""

    chains: frozenset[str]
    maps: frozenset[str]
    sets: frozenset[str]


def parse_table(listing: str) -> Present:
    """What there is, from what `nft -t list table` prints."""
    found = _DECLARED.findall(listing)
    chains, maps, sets = (frozenset(n for kind, n in found if kind == wanted) for wanted in ("chain", "map", "set"))
    return Present(chains, maps, sets)


def contents(rules: Mapping[Key, ServiceRules]) -> ServiceRules:
    """All Services in one table. Of two that claim the same external address and port, the first by name has it."""
    chains: dict[str, tuple[str, ...]] = {}
    services: dict[str, str] = {}
    node_ports: dict[str, str] = {}
    no_endpoints: dict[str, str] = {}
    no_node_port_endpoints: dict[str, str] = {}
    udp: dict[tuple[str, int], frozenset[Target]] = {}
    for key in sorted(rules, reverse=True):
        own = rules[key]
        chains.update(own.chains)
        services.update(own.services)
        node_ports.update(own.node_ports)
        no_endpoints.update(own.no_endpoints)
        no_node_port_endpoints.update(own.no_node_port_endpoints)
        udp.update(own.udp)
    return ServiceRules(
        chains,
        services,
        node_ports,
        no_endpoints,
        no_node_port_endpoints,
        frozenset().union(*(own.cluster_ips for own in rules.values())),
        frozenset().union(*(own.hairpins for own in rules.values())),
        frozenset().union(*(own.sticky for own in rules.values())),
        udp,
    )


def removal(table: str) -> str:
    """The text that takes the table away; `add` first makes it right when there is none."""
    return f"add table ip {table}\ndelete table ip {table}\n"


def whole(table: str, wanted: ServiceRules) -> str:
    """The text that makes the table anew, whatever was there."""
    return removal(table) + _frame(table) + changes(table, EMPTY, wanted)


def renewed(table: str, present: Present, wanted: ServiceRules) -> str:
    """The text that makes the table what is wanted, whatever it holds, without taking it out of the packets' way.

    The chains that the kernel calls stay where they are: with chains in their place, a packet could pass one hook
    before the change and miss the other after it. The clients that sets with affinity remember are kept.
    """
    frame = parse_table(_frame(table))
    empty = [f"flush chain ip {table} {name}" for name in sorted(present.chains & frame.chains)]
    empty += [f"flush map ip {table} {name}" for name in sorted(present.maps & frame.maps)]
    empty += [f"flush set ip {table} {name}" for name in sorted(present.sets & frame.sets)]
    unknown = dict.fromkeys(sorted(present.chains - frame.chains), ("",))
    before = ServiceRules(chains=unknown, sticky=present.sets - frame.sets)
    return "\n".join([*empty, ""]) + _frame(table) + changes(table, before, wanted)


def changes(table: str, before: ServiceRules, wanted: ServiceRules) -> str:
    """The text that leads from `before` to `wanted`; "" when that is the same."""
    lines = [
        f"add set ip {table} {name} {{ type ipv4_addr; flags dynamic,timeout; size 65535; }}"
        for name in sorted(wanted.sticky - before.sticky)
    ]
    new = [name for name in wanted.chains if name not in before.chains]
    changed = [name for name, rules in wanted.chains.items() if before.chains.get(name, rules) != rules]
    # every chain has to be there before a rule or an element names it
    lines += [f"add chain ip {table} {name}" for name in new]
    lines += [f"flush chain ip {table} {name}" for name in changed]
    for name in (*new, *changed):
        lines += [f"add rule ip {table} {name} {rule}" for rule in wanted.chains[name]]
    for name, old_map, new_map in (
        ("services", before.services, wanted.services),
        ("node_ports", before.node_ports, wanted.node_ports),
        ("no_endpoints", before.no_endpoints, wanted.no_endpoints),
        ("no_node_port_endpoints", before.no_node_port_endpoints, wanted.no_node_port_endpoints),
    ):
        gone = {k: v for k, v in old_map.items() if new_map.get(k) != v}
        come = {k: v for k, v in new_map.items() if old_map.get(k) != v}
        lines += _elements("delete", table, name, (f"{k} : {v}" for k, v in gone.items()))
        lines += _elements("add", table, name, (f"{k} : {v}" for k, v in come.items()))
    for name, old_set, new_set in (
        ("cluster_ips", before.cluster_ips, wanted.cluster_ips),
        ("hairpins", before.hairpins, wanted.hairpins),
    ):
        lines += _elements("delete", table, name, sorted(old_set - new_set))
        lines += _elements("add", table, name, sorted(new_set - old_set))
    left = [name for name in before.chains if name not in wanted.chains]
    # chains may name each other, so they are all emptied before the first one goes
    lines += [f"flush chain ip {table} {name}" for name in left]
    lines += [f"delete chain ip {table} {name}" for name in left]
    lines += [f"delete set ip {table} {name}" for name in sorted(before.sticky - wanted.sticky)]
    return "\n".join([*lines, ""]) if lines else ""


def _elements(verb: str, table: str, name: str, elements: Iterable[str]) -> list[str]:
    joined = ", ".join(elements)
    return [f"{verb} element ip {table} {name} {{ {joined} }}"] if joined else []


def _frame(table: str) -> str:
    """The part that is the same for all Services.

    Refusing stands behind the translation of addresses: what by then is still on its way to a cluster IP has no
    endpoint, or asks for a port that the Service has not. To 127.0.0.0/8 only this machine itself may ask.
    """
    return f"""table ip {table} {{
  map services {{
    type {_FRONTEND}
  }}
  map node_ports {{
    type {_NODE_PORT}
  }}
  map no_endpoints {{
    type {_FRONTEND}
  }}
  map no_node_port_endpoints {{
    type {_NODE_PORT}
  }}
  set cluster_ips {{
    type ipv4_addr
  }}
  set hairpins {{
    type ipv4_addr . ipv4_addr
  }}
  chain refuse {{
    meta l4proto tcp reject with tcp reset
    reject with icmp type port-unreachable
  }}
  chain translate {{
    ip daddr . meta l4proto . th dport vmap @services
    ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @node_ports
  }}
  chain turn_down {{
    ip daddr . meta l4proto . th dport vmap @no_endpoints
    ip daddr @cluster_ips {REFUSE}
    ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @no_node_port_endpoints
  }}
  chain nat_prerouting {{
    type nat hook prerouting priority dstnat; policy accept;
    goto translate
  }}
  chain nat_output {{
    type nat hook output priority -100; policy accept;
    ip daddr 127.0.0.0/8 meta l4proto . th dport vmap @node_ports
    goto translate
  }}
  chain nat_postrouting {{
    type nat hook postrouting priority srcnat - 5; policy accept;
    meta mark & {MASQUERADE_MARK} == {MASQUERADE_MARK} goto masquerade_marked
    ct status dnat ip saddr . ip daddr @hairpins masquerade
  }}
  chain masquerade_marked {{
    meta mark set meta mark ^ {MASQUERADE_MARK}
    masquerade
  }}
  chain filter_prerouting {{
    type filter hook prerouting priority dstnat + 10; policy accept;
    ct state new jump turn_down
  }}
  chain filter_output {{
    type filter hook output priority 0; policy accept;
    ct state new ip daddr 127.0.0.0/8 meta l4proto . th dport vmap @no_node_port_endpoints
    ct state new jump turn_down
  }}
}}
"""
