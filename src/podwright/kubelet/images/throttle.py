"""registryPullQPS and registryBurst: how long the next pull waits for its turn. Pure: the time is an argument.

Used by the puller. The kubelet fails a pull that finds no token; here it waits.
Page: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from __future__ import annotations


class Throttle:
    """A bucket of `burst` tokens, refilled with `qps` a second; qps 0: no limit."""

    def __init__(self, qps: float, burst: int) -> None:
        self._qps = qps
        self._burst = float(max(burst, 1))
        self._tokens = self._burst
        self._at: float | None = None

    def reserve(self, now: float) -> float:
        """Take a token and return the seconds to wait before it may be used. Reservations keep their order."""
        if self._qps <= 0:
            return 0.0
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._qps)
        self._at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._qps)
