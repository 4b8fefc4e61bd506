"""What work has left behind is given back once there is rest: nothing was done for a while.

What the start of the node needs, and that of Pods (the library that signs their tokens above all), is not needed while
they run, and would stay resident all the same. Called by `app.py`; see docs/adr/0010.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

QUIET: Final = 10.0
"""Seconds: Pods that are made one after another are one piece of work."""


class Rest:
    """Waits for rest after work; all methods belong to the event loop's thread."""

    def __init__(self, give_back: Callable[[], None], *, quiet: float = QUIET) -> None:
        """`give_back` is called in a thread; `quiet`: seconds without work."""
        self._give_back = give_back
        self._quiet = quiet
        self._worked = asyncio.Event()
        self._last = 0.0

    def worked(self) -> None:
        """Something was done just now."""
        self._last = asyncio.get_running_loop().time()
        self._worked.set()

    async def run(self) -> None:
        """Give back once after each piece of work, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._worked.wait()
            wait = self._last + self._quiet - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            self._worked.clear()
            await asyncio.to_thread(self._give_back)
