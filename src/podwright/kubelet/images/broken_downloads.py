"""Throws away what a failed pull has left in containerd, where that would spoil the next one.

containerd keeps what has arrived of a blob, to go on with it. A blob that is whole and wrong it only compares again,
and fails again, without fetching anything; and on a full disk what is kept is what fills it.
Called by the puller after such failures. Other runtimes have nothing like it.
Source: https://github.com/containerd/containerd, core/remotes/handlers.go
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from podwright.cri.errors import CriError
from podwright.cri.generated import containerd_pb2 as pb
from podwright.kubelet.images import reference
from podwright.kubelet.images.pull_progress import children, is_from, source_label

log = logging.getLogger(__name__)

_NAMED: Final = re.compile(r'on ref \\?"[a-z]+-(sha256:[0-9a-f]{64})')


class Content(Protocol):
    """cri.containerd_content.ContainerdContent."""

    async def downloads(self) -> Mapping[str, tuple[int, int]]:
        """What is not whole, by digest."""
        ...

    async def blobs(self, *filters: str) -> Sequence[pb.ContentInfo]:
        """What is whole."""
        ...

    async def abort(self, digests: Sequence[str]) -> None:
        """Throw away."""
        ...


def named(text: str) -> Sequence[str]:
    """The digests of blobs that a runtime's error speaks of."""
    return _NAMED.findall(text)


class BrokenDownloads:
    """Those of one containerd."""

    def __init__(self, content: Content) -> None:
        self._content = content

    async def discard(self, image: str, text: str) -> None:
        """Throw away what there is of the image's blobs that are not whole. `text`: the runtime's error."""
        try:
            unfinished = await self._content.downloads()
            if not unfinished:
                return
            name = reference.parse(image)
            ours = set(named(text))
            for info in await self._content.blobs(f'labels."{source_label(name.registry)}"'):
                if is_from(info.labels, name.registry, name.path):
                    ours.update(children(info.labels))
            if broken := sorted(ours & unfinished.keys()):
                await self._content.abort(broken)
                log.info("%s: threw away what had arrived of %s", image, ", ".join(broken))
        except CriError as error:
            if error.code != "Unimplemented":
                log.warning("%s: what has arrived of it could not be thrown away: %s", image, error)
