"""A runtime's images, a recorder and credentials, as a test needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.credentials.lookup import Found


class FakeImages:
    """Images by name; `on_pull` decides what a pull comes to."""

    def __init__(self, present: Mapping[str, str] | None = None) -> None:
        self.present = dict(present or {})
        self.pulls: list[tuple[str, str]] = []
        self.handlers: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.inspect_error: CriError | None = None
        self.on_pull: Callable[[str, str], Awaitable[None]] | None = None

    async def image_status(
        self, image: str, *, runtime_handler: str = "", verbose: bool = False
    ) -> pb.ImageStatusResponse:
        self.handlers.append(runtime_handler)
        if self.inspect_error is not None:
            raise self.inspect_error
        image_id = self.present.get(image) or (image if image in self.present.values() else "")
        return pb.ImageStatusResponse(image=pb.Image(id=image_id, size=1234) if image_id else None)

    async def pull_image(
        self,
        image: str,
        *,
        auth: pb.AuthConfig | None = None,
        annotations: Mapping[str, str] | None = None,
        runtime_handler: str = "",
    ) -> pb.PullImageResponse:
        user = auth.username if auth else ""
        self.pulls.append((image, user))
        self.handlers.append(runtime_handler)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.on_pull is not None:
                await self.on_pull(image, user)
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        self.present[image] = f"sha256:{image}"
        return pb.PullImageResponse(image_ref=self.present[image])


class FakeRegistry:
    """Says what it is told to say of every index."""

    def __init__(self) -> None:
        self.made_for: Sequence[str] = ()

    async def platforms(self, image: str, credentials: Sequence[Credential]) -> Sequence[str]:
        return self.made_for


class FakeRecorder:
    """(type, reason, message, field path) of every event."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str, str]] = []

    def event(self, obj: Any, type: str, reason: str, message: str, field_path: str = "") -> None:
        self.events.append((type, str(reason), message, field_path))

    @property
    def reasons(self) -> list[str]:
        return [event[1] for event in self.events]

    def message(self, reason: str) -> str:
        return next(event[2] for event in self.events if event[1] == reason)


class FakeCredentials:
    """The same credentials for every Pod, unless a test says otherwise."""

    def __init__(self, credentials: Sequence[Credential] = (), **found: Any) -> None:
        self.found = Found(credentials, **found)
        self.by_pod: dict[str, Found] = {}
        self.lookups = 0
        self.rejections: list[Credential] = []

    async def find(self, pod: Any, repository: str) -> Found:
        self.lookups += 1
        return self.by_pod.get(pod["metadata"]["name"], self.found)

    def rejected(self, credential: Credential) -> None:
        self.rejections.append(credential)


def failing(*texts: str) -> Callable[[str, str], Awaitable[None]]:
    """Pulls that fail with these texts, one after the other, the last one for ever."""
    left = list(texts)

    async def fail(_image: str, _user: str) -> None:
        raise CriError("Unknown", left.pop(0) if len(left) > 1 else left[0])

    return fail
