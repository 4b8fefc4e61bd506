"""What `podwright why` adds about a Pod's images: pulls under way, and for failed ones who is let in by the registry.

Called by `pod_report`; the platform of an image that has several is told, too.
Page: https://kubernetes.io/docs/concepts/containers/images/
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from podwright.api.objects import Object
from podwright.api.reasons import Waiting
from podwright.cli import connection, pulls
from podwright.cli.containers import container_states
from podwright.cli.instance import find

if TYPE_CHECKING:
    from podwright.client.http import HttpClient
    from podwright.kubelet.images.platforms import ImagePlatforms

_FAILED = (
    Waiting.ERR_IMAGE_PULL,
    Waiting.IMAGE_PULL_BACK_OFF,
    Waiting.REGISTRY_UNAVAILABLE,
    Waiting.ERR_IMAGE_NEVER_PULL,
)


def failed_images(pod: Object) -> list[str]:
    """Images, as written, that containers wait for in vain."""
    waiting = (state for state in container_states(pod) if state.state == "waiting" and state.reason in _FAILED)
    return list(dict.fromkeys(state.image for state in waiting if state.image))


async def lines(client: HttpClient, data_dir: Path, pod: Object, events: Sequence[Object]) -> list[str]:
    """Nothing where there is nothing to say."""
    instance = find(data_dir)
    if instance is None:
        return []
    endpoint = connection.runtime_endpoint(data_dir, instance)
    under_way = pulls.being_pulled(pod, events)

    async def weight(image: str) -> int:
        return await pulls.weigh(client, data_dir, pod, image)

    return [
        *(f"  {line}" for line in (await pulls.lines(endpoint, under_way, weight) if under_way else ())),
        *(await _several_platforms(endpoint, pod)),
        *(await _access(client, data_dir, pod)),
    ]


async def _access(client: HttpClient, data_dir: Path, pod: Object) -> list[str]:
    images = failed_images(pod)
    if not images:
        return []
    from podwright.cli import as_the_node
    from podwright.kubelet.images import access_check
    from podwright.kubelet.images.reference import InvalidReferenceError
    from podwright.kubelet.images.registry_client import RegistryClient

    lookup, registry = as_the_node.lookup(client, data_dir), RegistryClient(data_dir / "registries")
    found: list[str] = []
    for image in images:
        try:
            found += access_check.lines(await access_check.check(lookup, registry, pod, image))
        except InvalidReferenceError:
            continue  # the message of the container says so
    return found


async def _several_platforms(endpoint: str, pod: Object) -> list[str]:
    """The variant that runs, of images that have several."""
    from podwright.cri.errors import CriError

    started = {state.image for state in container_states(pod) if state.container_id and state.image}
    found = []
    try:
        async with platform_source(endpoint) as source:
            for image in sorted(started):
                made_for = await source.of(image)
                if len(made_for.offered) > 1:
                    found.append(f"  image {image} is made for {made_for.text()}")
    except CriError:
        return []
    return found


@asynccontextmanager
async def platform_source(endpoint: str) -> AsyncIterator[ImagePlatforms]:
    """Asks the runtime there. What is done within raises CriError."""
    from podwright.cri.containerd_content import ContainerdContent
    from podwright.cri.image_client import ImageClient
    from podwright.kubelet.images.platforms import ImagePlatforms

    images, content = ImageClient(endpoint), ContainerdContent(endpoint)
    try:
        yield ImagePlatforms(images, content)
    finally:
        await images.close()
        await content.close()
