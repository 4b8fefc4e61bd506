"""containerd's own stores behind CRI: blobs, downloads, names of images, and images' files as snapshots.

Called by kubelet/images for what CRI does not tell (how far a pull is, which platforms an index has) and where CRI of
containerd 1.6 lacks a part (volumes of type image). On the socket of any containerd; others answer Unimplemented.
Every method raises `CriError`. Source: https://github.com/containerd/containerd, api/services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from google.protobuf.message import Message

from podwright.cri.channel import Channel
from podwright.cri.containerd_events import METADATA
from podwright.cri.errors import CriError
from podwright.cri.generated import containerd_pb2 as pb

_TIMEOUT: Final = 10.0
_CONTENT: Final = "/containerd.services.content.v1.Content/"
_SNAPSHOTS: Final = "/containerd.services.snapshots.v1.Snapshots/"
BLOB_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a manifest or index; nothing larger is read."""

R = TypeVar("R", bound=Message)


def digest_of(status: pb.IngestStatus) -> str:
    """What is being fetched: containerd names a download after its kind and digest, `layer-sha256:...`."""
    return status.expected or status.ref.partition("-")[2] or status.ref


class ContainerdContent:
    """One containerd."""

    def __init__(self, endpoint: str) -> None:
        self._channel = Channel(endpoint)

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()

    async def downloads(self) -> Mapping[str, tuple[int, int]]:
        """Bytes here and in total (0: unknown) of every blob that is being fetched, by digest."""
        answer = await self._call(f"{_CONTENT}ListStatuses", pb.ListStatusesRequest(), pb.ListStatusesResponse)
        return {digest_of(status): (status.offset, status.total) for status in answer.statuses}

    async def abort(self, digests: Sequence[str]) -> None:
        """Throw away what has arrived of these blobs."""
        answer = await self._call(f"{_CONTENT}ListStatuses", pb.ListStatusesRequest(), pb.ListStatusesResponse)
        for status in answer.statuses:
            if digest_of(status) in digests:
                await self._call(f"{_CONTENT}Abort", pb.AbortRequest(ref=status.ref), pb.Nothing)

    async def blobs(self, *filters: str) -> Sequence[pb.ContentInfo]:
        """What is here as a whole; several filters: what passes any of them."""
        stream = self._channel.stream(
            f"{_CONTENT}List", pb.ListContentRequest(filters=filters), pb.ListContentResponse, METADATA
        )
        return [info async for answer in stream for info in answer.info]

    async def read(self, digest: str) -> bytes:
        """A manifest or an index."""
        stream = self._channel.stream(
            f"{_CONTENT}Read", pb.ReadContentRequest(digest=digest, size=BLOB_LIMIT), pb.ReadContentResponse, METADATA
        )
        return b"".join([answer.data async for answer in stream])

    async def target(self, name: str) -> str:
        """The digest that a full name (`docker.io/library/busybox:1`) stands for; "" when it is not known."""
        try:
            answer = await self._call(
                "/containerd.services.images.v1.Images/Get", pb.GetImageRequest(name=name), pb.GetImageResponse
            )
        except CriError as error:
            if error.code == "NotFound":
                return ""
            raise
        return answer.image.target.digest

    async def view(self, key: str, chain_id: str, labels: Mapping[str, str], snapshotter: str) -> None:
        """Have the files of an unpacked image shown under a name of ours; nothing happens when they already are."""
        request = pb.ViewRequest(snapshotter=snapshotter, key=key, parent=chain_id, labels=labels)
        try:
            await self._call(f"{_SNAPSHOTS}View", request, pb.MountsResponse)
        except CriError as error:
            if error.code != "AlreadyExists":
                raise

    async def mounts(self, key: str, snapshotter: str) -> Sequence[pb.MountPart]:
        """How the files are mounted."""
        request = pb.SnapshotRequest(snapshotter=snapshotter, key=key)
        return list((await self._call(f"{_SNAPSHOTS}Mounts", request, pb.MountsResponse)).mounts)

    async def unview(self, key: str, snapshotter: str) -> None:
        """Show them no longer; nothing happens when they are not."""
        try:
            await self._call(f"{_SNAPSHOTS}Remove", pb.SnapshotRequest(snapshotter=snapshotter, key=key), pb.Nothing)
        except CriError as error:
            if error.code != "NotFound":
                raise

    async def _call(self, method: str, request: Message, response: type[R]) -> R:
        return await self._channel.call(method, request, response, _TIMEOUT, metadata=METADATA)
