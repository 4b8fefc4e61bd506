"""Pulls that are under way, as `podwright run` and `why` tell them: bytes here, in all, and how fast they come.

Which images a Pod waits for is read from its events; how far they are is asked of the runtime, if it is a containerd.
Page: https://kubernetes.io/docs/concepts/containers/images/
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from podwright.api.objects import Object, metadata
from podwright.api.pods import containers, spec_of
from podwright.api.reasons import EventReason
from podwright.cli.tables import size

if TYPE_CHECKING:
    from podwright.client.interface import Client
    from podwright.kubelet.images.pull_progress import PullProgress

Weight = Callable[[str], Awaitable[int]]
"""Bytes that an image (as written) weighs at its registry; 0 when that can't be found out."""

LOOK_EVERY = 1.0
"""seconds; containerd tells the state of a download only when asked"""
_SAMPLE = 0.5
"""seconds between two looks that tell a rate"""
_ENDS_A_PULL = (EventReason.PULLED, EventReason.FAILED)


def being_pulled(pod: Object, events: Iterable[Object]) -> list[str]:
    """The images, as written, that the node is pulling for a Pod: those whose last word is Pulling."""
    newest: dict[str, Object] = {}
    for event in sorted(events, key=_order):
        if event.get("reason") in (EventReason.PULLING, *_ENDS_A_PULL):
            path = str((event.get("involvedObject") or {}).get("fieldPath") or "")
            # what is about a volume of type image names the image alone
            named = re.search(r'image "([^"]*)"', str(event.get("message")))
            newest[path or (named[1] if named else "")] = event
    found: dict[str, None] = {}
    for at in containers(spec_of(pod)):
        last = newest.get(f"spec.{at.field}{{{at.container.get('name')}}}")
        if last is not None and last.get("reason") == EventReason.PULLING:
            found[str(at.container.get("image"))] = None
    for volume in spec_of(pod).get("volumes") or ():
        image = (volume.get("image") or {}).get("reference")
        if image and newest.get(image, {}).get("reason") == EventReason.PULLING:
            found[image] = None
    return list(found)


def _order(event: Object) -> tuple[str, int]:
    # times have whole seconds; the order of what was written in one of them is that of the store
    return str(event.get("lastTimestamp") or event.get("eventTime") or ""), int(
        metadata(event).get("resourceVersion") or 0
    )


def told(image: str, progress: PullProgress | None, rate: float | None) -> str:
    """One line; `rate` in bytes a second."""
    if progress is None:
        return f"pulling {image}: no layer is on its way (it waits for its turn or its registry, or is being unpacked)"
    speed = f", {size(int(rate))}/s" if rate is not None else ""
    if not progress.exact:
        return f"pulling {image}: about {size(progress.done)} of {size(progress.total)}{speed}"
    layers = f"{progress.layers_done} of {len(progress.layers)} layers"
    return f"pulling {image}: {size(progress.done)} of {size(progress.total)}, {layers}{speed}"


async def weigh(client: Client, data_dir: Path, pod: Object, image: str) -> int:
    """What an image that a Pod pulls weighs at its registry; 0 when the registry does not say."""
    from podwright.cli import as_the_node
    from podwright.containerd.oci_image import machine_architecture
    from podwright.kubelet.images import pull_growth, reference
    from podwright.kubelet.images.registry_client import RegistryClient, RegistryError

    found = await as_the_node.lookup(client, data_dir).find(pod, reference.parse(image).repository)
    try:
        registry = RegistryClient(data_dir / "registries")
        return await pull_growth.weigh(registry, image, found.credentials, machine_architecture())
    except RegistryError:
        return 0


@dataclass(slots=True)
class Rate:
    """How fast bytes come, from one look to the next."""

    _last: tuple[float, int] | None = None

    def seen(self, now: float, done: int) -> float | None:
        """Bytes a second since the look before; None at the first, and when less is there than before."""
        last, self._last = self._last, (now, done)
        if last is None or done < last[1] or now <= last[0]:
            return None
        return (done - last[1]) / (now - last[0])


class Watch(Protocol):
    """pull_progress.PullWatch, pull_growth.GrowthWatch."""

    async def progress(self, image: str) -> PullProgress | None:
        """How far the pull of an image is. Raises CriError."""
        ...


@asynccontextmanager
async def watch_of(endpoint: str, weight: Weight) -> AsyncIterator[Watch]:
    """What tells of pulls of the runtime there. `weight` is asked where the runtime is no containerd."""
    from podwright.cri.containerd_content import ContainerdContent
    from podwright.cri.errors import CriError
    from podwright.cri.image_client import ImageClient
    from podwright.kubelet.images.pull_growth import GrowthWatch
    from podwright.kubelet.images.pull_progress import PullWatch

    content, images = ContainerdContent(endpoint), ImageClient(endpoint)
    try:
        try:
            await content.downloads()
        except CriError as error:
            if error.code != "Unimplemented":
                raise
            yield GrowthWatch(images, weight)
        else:
            yield PullWatch(content)
    finally:
        await content.close()
        await images.close()


async def lines(endpoint: str, images: Sequence[str], weight: Weight) -> list[str]:
    """A line for each image, with the rate of the last half second. Empty for a runtime that does not answer."""
    from podwright.cri.errors import CriError

    rates = {image: Rate() for image in images}
    try:
        async with watch_of(endpoint, weight) as watch:
            for image in images:
                if (progress := await watch.progress(image)) is not None:
                    rates[image].seen(time.monotonic(), progress.done)
            await asyncio.sleep(_SAMPLE)
            found = []
            for image in images:
                progress = await watch.progress(image)
                rate = rates[image].seen(time.monotonic(), progress.done) if progress is not None else None
                found.append(told(image, progress, rate))
            return found
    except CriError:
        return []


@dataclass(slots=True)
class PullStory:
    """Tells how pulls get on until cancelled: a line for each whenever there is something new, at most every second.

    `images` says what is being pulled now; `wake()` that it may be something else.
    """

    endpoint: str
    images: Callable[[], Collection[str]]
    weight: Weight
    tell: Callable[[str], None]
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Look again."""
        self._changed.set()

    async def run(self) -> None:
        """Ends by itself when the runtime does not answer."""
        from podwright.cri.errors import CriError

        with suppress(CriError):
            async with watch_of(self.endpoint, self.weight) as watch:
                await self._follow(watch)

    async def _follow(self, watch: Watch) -> None:
        rates: dict[str, Rate] = {}
        before: dict[str, int] = {}
        while True:
            images = self.images()
            if not images:
                self._changed.clear()
                await self._changed.wait()
                continue
            # what is pulled in a moment needs no story
            await asyncio.sleep(LOOK_EVERY)
            for image in images:
                progress = await watch.progress(image)
                if progress is None or before.get(image) == progress.done:
                    continue
                rate = rates.setdefault(image, Rate()).seen(time.monotonic(), progress.done)
                before[image] = progress.done
                self.tell(told(image, progress, rate))
