"""Tells which Pods have changed in the runtime: its own events where it has them, a relist where it has not.

Run by `kubelet`; only reads. With a healthy stream a relist is a safety net, twice a minute. Without one it comes
fast after something has happened, and ever more slowly while nothing does. What the last one showed is kept: a Pod of
which the kubelet has seen as much already is neither woken for it nor asked for again when it is merely looked after.
Page: https://kubernetes.io/docs/tasks/administer-cluster/switch-to-evented-pleg/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from podwright.client.backoff import Backoff
from podwright.cri.errors import CriError
from podwright.kubelet.interfaces import PodRuntime
from podwright.kubelet.runtime_state import PodSummary

log = logging.getLogger(__name__)

WITH_EVENTS = 30.0
"""Seconds between relists while events come."""
FASTEST, SLOWEST = 0.2, 2.0
"""Seconds between relists without events."""
TRUSTED = 1.5 * WITH_EVENTS
"""Seconds for which a relist says how things are; the next one has come by then, unless the runtime does not answer."""
CHECK_AFTER = 2.0
"""Seconds after a Pod's end until a relist makes sure that a call which was broken off has left nothing."""
_STREAM = Backoff(base=1.0, cap=60.0)

Summaries = Mapping[str, PodSummary]


def relist_after(*, streaming: bool, quiet: float) -> float:
    """Seconds until the next relist; `quiet`: seconds for which nothing has happened."""
    return WITH_EVENTS if streaming else min(SLOWEST, max(FASTEST, quiet / 5))


def changed(old: Summaries, new: Summaries) -> set[str]:
    """UIDs of Pods that two relists show differently."""
    return {uid for uid in old.keys() | new.keys() if old.get(uid) != new.get(uid)}


class Pleg:
    """The generator of Pod lifecycle events."""

    def __init__(
        self,
        runtime: PodRuntime,
        on_change: Callable[[str], object],
        on_relist: Callable[[Summaries], None],
        knows: Callable[[PodSummary], bool] = lambda _: False,
    ) -> None:
        """`on_change` is given UIDs, `on_relist` everything that a relist showed.

        `knows` says whether all that a relist shows of a Pod has been seen and acted on.
        """
        self._runtime = runtime
        self._on_change = on_change
        self._on_relist = on_relist
        self._knows = knows
        self._known: Summaries = {}
        self._listed_at = -TRUSTED
        self._streaming = False
        self._active_at = 0.0
        self._hurry = asyncio.Event()
        self._check: asyncio.TimerHandle | None = None

    def last_seen(self, uid: str) -> PodSummary | None:
        """The Pod as the last relist showed it; None: it did not, or was too long ago."""
        recent = asyncio.get_running_loop().time() - self._listed_at < TRUSTED
        return self._known.get(uid) if recent else None

    def expect(self) -> None:
        """The kubelet itself is at work on something: look sooner."""
        self._active_at = asyncio.get_running_loop().time()
        if not self._streaming:
            self._hurry.set()

    def check_later(self) -> None:
        """A Pod has ended, perhaps in the middle of being made: see in a moment that nothing of it has come after."""
        if self._check is None:
            self._check = asyncio.get_running_loop().call_later(CHECK_AFTER, self._check_now)

    def _check_now(self) -> None:
        self._check = None
        self._hurry.set()

    async def run(self) -> None:
        """Follow the runtime until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow_events(), name="runtime events")
                group.create_task(self._relist_now_and_then(), name="runtime relist")
        finally:
            if self._check is not None:
                self._check.cancel()

    async def relist(self) -> None:
        """Compare everything with the last time. Raises CriError."""
        began = asyncio.get_running_loop().time()
        new = await self._runtime.list_pods()
        uids = changed(self._known, new)
        self._known, self._listed_at = new, began
        if uids:
            self._active_at = asyncio.get_running_loop().time()
        for uid in uids:
            if uid not in new or not self._knows(new[uid]):
                self._on_change(uid)
        self._on_relist(new)

    async def _follow_events(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._streaming = True
            try:
                async for uid in self._runtime.events():
                    if uid:
                        self._on_change(uid)
                    else:
                        self._hurry.set()
            except CriError as error:
                log.warning("the runtime's events broke off: %s", error)
            self._streaming = False
            # What happened while nobody listened shows in a relist.
            self._hurry.set()
            failures = 1 if loop.time() - began > _STREAM.cap else failures + 1
            await asyncio.sleep(_STREAM.delay(failures))

    async def _relist_now_and_then(self) -> None:
        loop = asyncio.get_running_loop()
        self._active_at = loop.time()
        while True:
            self._hurry.clear()
            try:
                await self.relist()
            except CriError as error:
                log.warning("relist failed: %s", error)
            pause = relist_after(streaming=self._streaming, quiet=loop.time() - self._active_at)
            try:
                async with asyncio.timeout(pause):
                    await self._hurry.wait()
            except TimeoutError:
                continue
            # Many changes at once are one relist.
            await asyncio.sleep(0 if self._streaming else FASTEST)
