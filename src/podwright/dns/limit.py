"""How many questions one client may ask: a token bucket each. Time is an argument. Called by `server`.

A Pod that floods the server must not keep the rest of this process from its work.
Source: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
"""

from __future__ import annotations


class Limiter:
    """`rate` questions a second for each client, `burst` at once; remembers at most `clients` of them."""

    def __init__(self, rate: float, burst: float, clients: int) -> None:
        self._rate = rate
        self._burst = burst
        self._clients = clients
        self._buckets: dict[str, tuple[float, float]] = {}
        """Tokens left, and when that was; the client heard of longest ago comes first."""

    def allows(self, client: str, now: float) -> bool:
        """Whether `client` may ask at `now` (seconds, never going back)."""
        left, since = self._buckets.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        allowed = left >= 1
        self._buckets[client] = (left - 1 if allowed else left, now)
        if len(self._buckets) > self._clients:
            del self._buckets[next(iter(self._buckets))]
        return allowed
