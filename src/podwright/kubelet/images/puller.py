"""Pulls: how many at once, who shares one, which credential is tried next, and when one is given up.

Called by the image manager; the only part that has the runtime fetch images. Pods that ask for one image with the same
credentials share one pull; it is cancelled when the last of them no longer waits.
Page: https://kubernetes.io/docs/concepts/containers/images/#serial-and-parallel-image-pulls
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.images.pull_failure import FailureKind, PullFailure, classify
from podwright.kubelet.images.throttle import Throttle


class ImagePull(Protocol):
    """What the puller needs of `cri.client.ImageClient`."""

    async def pull_image(
        self,
        image: str,
        *,
        auth: pb.AuthConfig | None = None,
        annotations: Mapping[str, str] | None = None,
        runtime_handler: str = "",
    ) -> pb.PullImageResponse:
        """Raises CriError."""
        ...


class Leftovers(Protocol):
    """broken_downloads.BrokenDownloads."""

    async def discard(self, image: str, text: str) -> None:
        """Throw away what a failed pull left that would spoil the next. Never raises for the runtime's failure."""
        ...


@dataclass(frozen=True, slots=True)
class PullLimits:
    """KubeletConfiguration's fields of these names. Raises ValueError for values that exclude each other."""

    serialize_image_pulls: bool = True
    max_parallel_image_pulls: int | None = None
    registry_pull_qps: float = 5
    registry_burst: int = 10

    def __post_init__(self) -> None:
        most = self.max_parallel_image_pulls
        if most is not None and most < 1:
            raise ValueError("invalid configuration: maxParallelImagePulls must be a positive number")
        if most is not None and most > 1 and self.serialize_image_pulls:
            raise ValueError(
                "invalid configuration: maxParallelImagePulls cannot be larger than 1 "
                "unless SerializeImagePulls (--serialize-image-pulls) is set to false"
            )


@dataclass(frozen=True, slots=True)
class Pulled:
    """A pull that worked."""

    image_ref: str
    """the runtime's id of the image"""
    credential: Credential | None
    """None: the registry asked for none"""
    seconds: float
    """in the runtime, waiting for a turn not counted"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One credential (None: none at all) and what came of it."""

    credential: Credential | None
    failure: PullFailure


class PullError(Exception):
    """No attempt worked; the text is the runtime's, several in brackets as the kubelet writes them."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        texts = list(dict.fromkeys(attempt.failure.text for attempt in attempts))
        super().__init__(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")
        self.attempts = tuple(attempts)

    @property
    def failure(self) -> PullFailure:
        """The most telling attempt: the first, made with the credential that fits best."""
        return self.attempts[0].failure

    @property
    def tried(self) -> str:
        """What was offered, without secrets."""
        offered = [attempt.credential.describe() for attempt in self.attempts if attempt.credential is not None]
        return f"credentials tried: {', '.join(offered)}" if offered else "no credentials for it were found"


def runtime_text(error: CriError) -> str:
    """The text of a pull's error: the status code only where it says something."""
    return error.message if error.code == "Unknown" else str(error)


def auth_config(credential: Credential | None) -> pb.AuthConfig | None:
    """A credential as CRI wants it."""
    if credential is None:
        return None
    return pb.AuthConfig(
        username=credential.username,
        password=credential.password,
        identity_token=credential.identity_token,
        registry_token=credential.registry_token,
    )


@dataclass(slots=True)
class _Shared:
    task: asyncio.Task[Pulled]
    waiters: int = 0


class Puller:
    """Owns every running pull until close()."""

    def __init__(
        self,
        client: ImagePull,
        limits: PullLimits,
        leftovers: Leftovers | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._leftovers = leftovers
        self._monotonic = monotonic
        self._throttle = Throttle(limits.registry_pull_qps, limits.registry_burst)
        most = 1 if limits.serialize_image_pulls else limits.max_parallel_image_pulls
        self._slots: AbstractAsyncContextManager[None] = nullcontext() if most is None else asyncio.Semaphore(most)
        self._running: dict[object, _Shared] = {}

    async def pull(
        self,
        image: str,
        credentials: Sequence[Credential],
        *,
        runtime_handler: str = "",
        annotations: Mapping[str, str] | None = None,
    ) -> Pulled:
        """Fetch an image; `credentials` in the order to try, then none at all. Raises PullError."""
        key = (image, runtime_handler, tuple(credential.hash for credential in credentials))
        shared = self._running.get(key)
        if shared is None:
            task = asyncio.create_task(self._pull(image, credentials, runtime_handler, annotations))
            shared = self._running[key] = _Shared(task)
        shared.waiters += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiters -= 1
            if not shared.waiters:
                if self._running.get(key) is shared:
                    del self._running[key]
                if not shared.task.done():
                    shared.task.cancel()
                    await asyncio.gather(shared.task, return_exceptions=True)

    async def close(self) -> None:
        """Cancel what still runs."""
        tasks = [shared.task for shared in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def running(self) -> int:
        """Pulls that run or wait for a turn."""
        return len(self._running)

    async def _pull(
        self,
        image: str,
        credentials: Sequence[Credential],
        runtime_handler: str,
        annotations: Mapping[str, str] | None,
    ) -> Pulled:
        async with self._slots:
            wait = self._throttle.reserve(self._monotonic())
            if wait:
                await asyncio.sleep(wait)
            began = self._monotonic()
            attempts: list[Attempt] = []
            distinct: dict[str, Credential] = {}
            for one in credentials:
                distinct.setdefault(one.hash, one)
            for credential in (*distinct.values(), None):
                try:
                    answer = await self._client.pull_image(
                        image, auth=auth_config(credential), annotations=annotations, runtime_handler=runtime_handler
                    )
                except CriError as error:
                    failure = classify(runtime_text(error))
                    attempts.append(Attempt(credential, failure))
                    if failure.kind in (FailureKind.CORRUPT, FailureKind.NO_SPACE) and self._leftovers is not None:
                        await self._leftovers.discard(image, failure.text)
                    if not failure.another_credential_may_help:
                        break
                else:
                    return Pulled(answer.image_ref, credential, self._monotonic() - began)
            raise PullError(attempts)
