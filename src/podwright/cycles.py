"""When Python searches for reference cycles: seldom, and not again and again through what lives on.

Its own rhythm would have every write to a full API wait for searches of the whole heap, 130 ms each, which find next to
nothing: JSON has no cycles. So young objects are looked through once, when there are 50,000 more of them than before;
what is left of them is set aside. All that is set aside is searched when it has grown by twenty such rounds, and not
oftener than once a minute.
Called by `app.py`. Source: https://docs.python.org/3/library/gc.html
"""

from __future__ import annotations

import asyncio
import gc
from typing import Final, Literal

_NEVER: Final = 2**31 - 1


class CycleSearch:
    """The collector of this process, from `begin` to `end`."""

    def __init__(self, *, young: int = 50_000, rounds: int = 20, pause: float = 60.0) -> None:
        """`young`: objects more than before, after which the young ones are searched; `rounds`: of these searches,
        after which everything is; `pause`: seconds between two looks at whether it should be.
        """
        self._young = young
        self._rounds = rounds
        self._pause = pause
        self._passed = 0
        self._before = gc.get_threshold()

    def begin(self) -> None:
        """Take the rhythm over."""
        self._before = gc.get_threshold()
        gc.set_threshold(self._young, _NEVER, _NEVER)
        gc.callbacks.append(self._searched)

    def end(self) -> None:
        """Leave the collector as it was."""
        gc.callbacks.remove(self._searched)
        gc.set_threshold(*self._before)
        gc.unfreeze()

    def set_aside(self) -> None:
        """What is there now stays, as modules and the schema do: searches of the young pass it over."""
        gc.freeze()

    async def run(self) -> None:
        """Search everything when there is reason to, until cancelled."""
        while True:
            await asyncio.sleep(self._pause)
            if self._passed >= self._rounds:
                self.search_all()

    def search_all(self) -> None:
        """Search everything, set aside or not; takes 0.1 s for a million objects, in which nothing else runs."""
        self._passed = 0
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    def _searched(self, phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        if phase == "stop" and info["generation"] == 0:
            self._passed += 1
            gc.freeze()
