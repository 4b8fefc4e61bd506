"""How long to wait after the n-th failure in a row: exponential, capped, jittered. Pure; randomness is an argument."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """`base` seconds after the first failure, twice as long after each further one, `cap` seconds at most."""

    base: float
    cap: float

    def delay(self, failures: int, random: float = 0.0) -> float:
        """Seconds to wait after `failures` failures (at least one); up to half as long again for `random` in [0, 1)."""
        # 2**60 times any base is above every cap; larger powers would only overflow.
        return min(self.cap, self.base * 2.0 ** min(failures - 1, 60)) * (1 + random / 2)
