"""Which UDP flows the kernel still sends to an endpoint that is no longer one. Pure; called by `proxy`.

UDP has no end of a connection: as long as the client keeps sending, the kernel keeps to the first decision. TCP
connections are left alone, they break off by themselves or finish in peace.
Source: https://kubernetes.io/docs/reference/networking/virtual-ips/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from podwright.proxy.backends import Target

WaysIn = Mapping[tuple[str, int], frozenset[Target]]
"""Address ("" for a node port) and port, with the endpoints behind it."""


class Flow(NamedTuple):
    """A flow as its client sees it: from where to where; and who answers."""

    source: str
    source_port: int
    destination: str
    destination_port: int
    answers: Target


def parse_flows(listing: str) -> Iterator[Flow]:
    """The flows in what `conntrack -L -p udp` prints; lines of another form are passed over."""
    for line in listing.splitlines():
        words = [word.partition("=") for word in line.split() if "=" in word]
        said = [(name, value) for name, _, value in words if name in ("src", "dst", "sport", "dport")]
        # src dst sport dport of the question, then of the answer
        if [name for name, _ in said] != ["src", "dst", "sport", "dport"] * 2:
            continue
        values = [value for _, value in said]
        yield Flow(values[0], int(values[2]), values[1], int(values[3]), Target(values[4], int(values[6])))


def stale_flows(flows: Iterable[Flow], before: WaysIn, now: WaysIn) -> list[Flow]:
    """Those that came in by one of our ways and are answered by somebody who is not behind it now."""
    found = []
    for flow in flows:
        for way in ((flow.destination, flow.destination_port), ("", flow.destination_port)):
            if way in now or way in before:
                if flow.answers not in now.get(way, frozenset()):
                    found.append(flow)
                break
    return found
