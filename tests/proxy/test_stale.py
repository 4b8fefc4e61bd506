"""Which UDP flows have to choose anew."""

from __future__ import annotations

import pytest

from podwright.proxy.backends import Target
from podwright.proxy.stale import Flow, WaysIn, parse_flows, stale_flows

OLD, NEW, NODE = Target("10.88.0.2", 53), Target("10.88.0.3", 53), Target("192.0.2.1", 30053)
SERVICE, NODE_PORT = ("10.96.0.10", 53), ("", 30053)


def flow(destination: str, port: int, answers: Target) -> Flow:
    return Flow("10.88.0.9", 4000, destination, port, answers)


def test_flows_are_read_from_what_conntrack_prints() -> None:
    listing = (
        "udp      17 29 src=10.88.0.9 dst=10.96.0.10 sport=4000 dport=53 src=10.88.0.2 dst=10.88.0.9 sport=53"
        " dport=4000 [ASSURED] mark=0 use=1\n"
        "udp      17 29 src=10.88.0.9 dst=10.96.0.10 sport=4001 dport=53 [UNREPLIED] src=10.88.0.2 dst=10.88.0.9"
        " sport=53 dport=4001 mark=0 use=1\n"
        "something else\n\n"
    )
    assert list(parse_flows(listing)) == [
        Flow("10.88.0.9", 4000, "10.96.0.10", 53, OLD),
        Flow("10.88.0.9", 4001, "10.96.0.10", 53, OLD),
    ]


CASES: dict[str, tuple[Flow, WaysIn, WaysIn, bool]] = {
    "its endpoint has gone": (
        flow(*SERVICE, OLD),
        {SERVICE: frozenset({OLD})},
        {SERVICE: frozenset({NEW})},
        True,
    ),
    "its endpoint is still there": (
        flow(*SERVICE, OLD),
        {SERVICE: frozenset({OLD})},
        {SERVICE: frozenset({OLD, NEW})},
        False,
    ),
    "its service has gone": (flow(*SERVICE, OLD), {SERVICE: frozenset({OLD})}, {}, True),
    "it began before its service": (
        flow(*SERVICE, Target(*SERVICE)),
        {},
        {SERVICE: frozenset({NEW})},
        True,
    ),
    "its endpoint went while nobody looked": (flow(*SERVICE, OLD), {}, {SERVICE: frozenset({NEW})}, True),
    "it came by a node port and its endpoint has gone": (
        flow("192.0.2.1", 30053, OLD),
        {NODE_PORT: frozenset({OLD})},
        {NODE_PORT: frozenset({NEW})},
        True,
    ),
    "it came by a node port before that was one": (
        flow("192.0.2.1", 30053, NODE),
        {},
        {NODE_PORT: frozenset({NEW})},
        True,
    ),
    "it is no business of services": (
        flow("192.0.2.53", 53, Target("192.0.2.53", 53)),
        {SERVICE: frozenset({OLD})},
        {SERVICE: frozenset({NEW})},
        False,
    ),
}


@pytest.mark.parametrize(("one", "before", "now", "stale"), CASES.values(), ids=CASES.keys())
def test_a_flow_chooses_anew_when(one: Flow, before: WaysIn, now: WaysIn, stale: bool) -> None:
    assert stale_flows([one], before, now) == ([one] if stale else [])
