"""How disturbed the zones are that nodes are in, and how fast nodes of each may be given NoExecute taints.

    no node ready                                  full disruption      one node in ten seconds, unless all zones are
    three or more not ready, 55 % of the zone      partial disruption   one in a hundred in a large zone, else none
    otherwise                                      normal               one node in ten seconds

Where no zone has a node that is ready it is rather the control plane that does not hear them: nobody is driven away
then, so that a single node keeps its Pods. Pure; called by `controller`.
Page: https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from podwright.api.objects import Object, metadata
from podwright.controllers.nodes.health import is_ready

EVICTION_RATE = 0.1
"""Nodes a second (`--node-eviction-rate`)."""
SECONDARY_EVICTION_RATE = 0.01
"""... of a large zone that is partly disturbed (`--secondary-node-eviction-rate`)."""
UNHEALTHY_THRESHOLD = 0.55
"""The part of a zone's nodes that are not ready (`--unhealthy-zone-threshold`)."""
LARGE_ZONE = 50
"""A zone of more nodes is large (`--large-cluster-size-threshold`)."""
_EXCLUDED = "node.kubernetes.io/exclude-disruption"
_REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
_ZONE = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")

Zone = tuple[str, str]
"""Region and zone, each "" where a node's labels do not tell."""


class ZoneState(enum.Enum):
    """Named as kube-controller-manager names them."""

    NORMAL = "Normal"
    PARTIAL_DISRUPTION = "PartialDisruption"
    FULL_DISRUPTION = "FullDisruption"


@dataclass(frozen=True, slots=True)
class Disruption:
    """What is found of all zones at one moment."""

    rates: Mapping[Zone, float] = field(default_factory=dict)
    """Nodes a second that may be tainted in each zone."""
    everywhere: bool = False
    """Whether no zone has a node that is ready."""

    def rate(self, zone: Zone) -> float:
        """Nodes of a zone that may be tainted, a second; a zone whose nodes do not count is a normal one."""
        return self.rates.get(zone, EVICTION_RATE)


def zone_of(node: Object) -> Zone:
    """The zone that the node's labels tell."""
    labels = metadata(node).get("labels") or {}
    region, zone = (next((labels[key] for key in keys if labels.get(key)), "") for keys in (_REGION, _ZONE))
    return region, zone


def state_of(ready: int, unready: int) -> ZoneState:
    """The state of a zone with so many nodes."""
    if unready and not ready:
        return ZoneState.FULL_DISRUPTION
    if unready > 2 and unready / (ready + unready) >= UNHEALTHY_THRESHOLD:
        return ZoneState.PARTIAL_DISRUPTION
    return ZoneState.NORMAL


def disruption(nodes: Iterable[Object]) -> Disruption:
    """What these nodes amount to. Those that are labelled as excluded do not count."""
    ready: Counter[Zone] = Counter()
    unready: Counter[Zone] = Counter()
    for node in nodes:
        if _EXCLUDED not in (metadata(node).get("labels") or {}):
            (ready if is_ready(node) else unready)[zone_of(node)] += 1
    sizes = ready + unready
    states = {zone: state_of(ready[zone], unready[zone]) for zone in sizes}
    everywhere = bool(states) and set(states.values()) == {ZoneState.FULL_DISRUPTION}
    rates = {zone: 0.0 if everywhere else _rate(state, sizes[zone]) for zone, state in states.items()}
    return Disruption(rates, everywhere)


def _rate(state: ZoneState, size: int) -> float:
    if state is not ZoneState.PARTIAL_DISRUPTION:
        return EVICTION_RATE
    return SECONDARY_EVICTION_RATE if size > LARGE_ZONE else 0.0
