"""The image service as a client: one method for each call.

Called by kubelet/images only: the puller changes images, everything else reads them.
Every method raises `CriError`. Page: https://kubernetes.io/docs/concepts/architecture/cri/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from google.protobuf.message import Message

from podwright.cri.channel import Channel
from podwright.cri.generated import cri_pb2 as pb

CALL_TIMEOUT: Final = 120.0

R = TypeVar("R", bound=Message)


class ImageClient:
    """`runtime.v1.ImageService` on a socket. Connects at the first call and again when the runtime returns."""

    def __init__(self, endpoint: str, *, call_timeout: float = CALL_TIMEOUT) -> None:
        self._channel = Channel(endpoint)
        self._timeout = call_timeout

    async def close(self) -> None:
        """End the connection and every running call."""
        await self._channel.close()

    async def _call(self, name: str, request: Message, response: type[R], timeout: float | None = -1) -> R:
        limit = self._timeout if timeout == -1 else timeout
        return await self._channel.call(f"/runtime.v1.ImageService/{name}", request, response, limit)

    async def list_images(self, *, image: str = "") -> pb.ListImagesResponse:
        """Every image, or the one with that name."""
        filter = pb.ImageFilter(image=pb.ImageSpec(image=image)) if image else None
        return await self._call("ListImages", pb.ListImagesRequest(filter=filter), pb.ListImagesResponse)

    async def image_status(
        self, image: str, *, runtime_handler: str = "", verbose: bool = False
    ) -> pb.ImageStatusResponse:
        """The image of a name or id; `HasField("image")` is false when there is none."""
        spec = pb.ImageSpec(image=image, runtime_handler=runtime_handler)
        return await self._call(
            "ImageStatus", pb.ImageStatusRequest(image=spec, verbose=verbose), pb.ImageStatusResponse
        )

    async def pull_image(
        self,
        image: str,
        *,
        auth: pb.AuthConfig | None = None,
        sandbox_config: pb.PodSandboxConfig | None = None,
        annotations: Mapping[str, str] | None = None,
        runtime_handler: str = "",
    ) -> pb.PullImageResponse:
        """Get an image from its registry; no time limit. Cancelling the task cancels the pull."""
        spec = pb.ImageSpec(image=image, annotations=annotations, runtime_handler=runtime_handler)
        request = pb.PullImageRequest(image=spec, auth=auth, sandbox_config=sandbox_config)
        return await self._call("PullImage", request, pb.PullImageResponse, None)

    async def remove_image(self, image: str, *, runtime_handler: str = "") -> pb.RemoveImageResponse:
        """Remove an image with all its names. Safe to repeat."""
        spec = pb.ImageSpec(image=image, runtime_handler=runtime_handler)
        return await self._call("RemoveImage", pb.RemoveImageRequest(image=spec), pb.RemoveImageResponse)

    async def image_fs_info(self) -> pb.ImageFsInfoResponse:
        """What images use, and on which file system they lie."""
        return await self._call("ImageFsInfo", pb.ImageFsInfoRequest(), pb.ImageFsInfoResponse)
