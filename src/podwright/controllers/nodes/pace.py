"""When the next node may be given a NoExecute taint: one after another, at the rate of its zone.

Time is an argument everywhere, in seconds of a clock that never goes back. Called by `controller`.
Page: https://kubernetes.io/docs/concepts/architecture/nodes/#rate-limits-on-eviction
"""

from __future__ import annotations

from podwright.controllers.nodes.zones import Disruption, Zone

SETTLING_SECONDS = 5.0
"""How long a node has not been ready before its Pods are driven away: nodes that fail together are seen together
(kube-controller-manager looks every `--node-monitor-period`)."""
NEVER = float("inf")


class Pace:
    """Lets nodes be tainted in turn."""

    def __init__(self) -> None:
        self._found = Disruption()
        self._free: dict[Zone, float] = {}
        """From when on the next node of a zone may be tainted; a zone that is not here may at once"""
        self._unready: dict[str, float] = {}
        """Since when a node has not been ready"""
        self._let: set[str] = set()
        """Nodes whose turn it was: a taint that could not be written does not wait again"""

    def look(self, found: Disruption, now: float) -> bool:
        """Take note of how the zones are; whether that is news."""
        before, self._found = self._found, found
        if found == before:
            return False
        if found.everywhere:
            self._let.clear()
        for zone in {*before.rates, *found.rates}:
            rate, old = found.rate(zone), before.rate(zone)
            if rate not in (0.0, old):
                may_at_once = old and now >= self._free.get(zone, now)
                self._free[zone] = now if may_at_once else now + 1 / rate
        return True

    def wait(self, name: str, zone: Zone, now: float) -> float:
        """Seconds until a node that is not ready may be tainted: 0 it may (and the next one has to wait), NEVER as long
        as its zone is as it is."""
        since = self._unready.setdefault(name, now)
        if name in self._let:
            return 0.0
        rate = self._found.rate(zone)
        if not rate:
            return NEVER
        left = max(since + SETTLING_SECONDS, self._free.get(zone, now)) - now
        if left > 0:
            return left
        self._let.add(name)
        self._free[zone] = now + 1 / rate
        return 0.0

    def well(self, name: str) -> None:
        """A node is ready, or gone."""
        self._unready.pop(name, None)
        self._let.discard(name)
