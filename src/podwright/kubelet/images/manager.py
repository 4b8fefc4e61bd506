"""Makes the image of a container present, as its pull policy says, and tells the Pod's events what happens.

Called by kuberuntime before it creates a container, and by the volumes of type image. Decisions are elsewhere (policy,
back-off, records, failure); this carries them out in the order that the kubelet has.
Page: https://kubernetes.io/docs/concepts/containers/images/#updating-images
"""

from __future__ import annotations

import asyncio
import datetime
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from podwright.api.objects import Object, metadata, rfc3339, uid_of
from podwright.api.reasons import EventReason, Waiting
from podwright.client.events import EventType
from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.credentials.lookup import Found
from podwright.kubelet.errors import ImageError
from podwright.kubelet.images import pull_policy, reference
from podwright.kubelet.images.pull_backoff import PullBackOff
from podwright.kubelet.images.pull_failure import FailureKind, advice, waiting_reason
from podwright.kubelet.images.pull_policy import Decision
from podwright.kubelet.images.pull_records import PullRecords
from podwright.kubelet.images.puller import Puller, PullError
from podwright.kubelet.interfaces import ContainerRef, EventWriter

USE_LOCAL_ANNOTATION = "podwright.dev/registry-unreachable"
"""`use-local`: with policy Always, fall back to the image that is here when the registry gives no answer"""

RETRY_ANNOTATION = "podwright.dev/retry-pull"
"""Any new value: the Pod's next attempt is made at once; `podwright image retry` sets it"""

SHOW_BACK_OFF_AFTER = 1.0
"""Seconds after which a failed attempt's reason gives way to ImagePullBackOff, with the next attempt's time"""


class ImageLook(Protocol):
    """What the manager needs of `cri.client.ImageClient`."""

    async def image_status(
        self, image: str, *, runtime_handler: str = "", verbose: bool = False
    ) -> pb.ImageStatusResponse:
        """Raises CriError."""
        ...


class Credentials(Protocol):
    """credentials/lookup."""

    async def find(self, pod: Object, repository: str) -> Found:
        """Credentials of every source, in the order to try."""
        ...

    def rejected(self, credential: Credential) -> None:
        """A registry did not accept it."""
        ...


class Platforms(Protocol):
    """What the manager needs of `registry_client.RegistryClient`."""

    async def platforms(self, image: str, credentials: Sequence[Credential]) -> Sequence[str]:
        """`os/architecture` of each image of an index, empty when that cannot be found out."""
        ...


@dataclass(slots=True)
class _Request:
    """One image that one Pod needs, and its credentials, looked up when first asked for."""

    pod: Object
    field_path: str
    image: str
    """as written"""
    wanted: str
    """as the runtime is asked"""
    policy: str
    handler: str
    found: Found | None = None

    @property
    def uid(self) -> str:
        """The Pod's."""
        return uid_of(self.pod)

    @property
    def retry(self) -> str:
        """What the Pod says about trying again."""
        return str((metadata(self.pod).get("annotations") or {}).get(RETRY_ANNOTATION) or "")


@dataclass(slots=True)
class _PodTurn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class ImageManager:
    """Implements `kubelet.interfaces.Images`."""

    def __init__(
        self,
        images: ImageLook,
        puller: Puller,
        credentials: Credentials,
        records: PullRecords,
        recorder: EventWriter,
        *,
        registry: Platforms,
        per_runtime_class: bool = False,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._images = images
        self._puller = puller
        self._credentials = credentials
        self._records = records
        self._recorder = recorder
        self._registry = registry
        self._per_runtime_class = per_runtime_class
        """feature gate RuntimeClassInImageCriApi"""
        self._now = now
        self._monotonic = monotonic
        self._backoff = PullBackOff()
        self._turns: dict[str, _PodTurn] = {}

    async def ensure(self, ref: ContainerRef, image: str, policy: str, runtime_handler: str) -> str:
        """The runtime's id of the image to create the container from. Writes the events. Raises ImageError."""
        return await self._ensure(ref.pod, ref.field_path, image, policy, runtime_handler)

    async def ensure_for_volume(self, pod: Object, image: str, policy: str, runtime_handler: str) -> str:
        """The same for a volume of type image: its events carry no container. Raises ImageError."""
        return await self._ensure(pod, "", image, policy, runtime_handler)

    async def _ensure(self, pod: Object, field_path: str, image: str, policy: str, runtime_handler: str) -> str:
        try:
            wanted = reference.with_default_tag(image)
        except reference.InvalidReferenceError as error:
            message = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": {error}'
            self._event(pod, field_path, "Warning", EventReason.INSPECT_FAILED, message)
            raise self._error(pod, field_path, Waiting.INVALID_IMAGE_NAME, message) from None
        handler = runtime_handler if self._per_runtime_class else ""
        request = _Request(pod, field_path, image, wanted, policy, handler)
        if (image_ref := await self._usable(request)) is not None:
            return image_ref
        async with self._turn(request.uid):
            # another container of this Pod may have brought it meanwhile
            if (image_ref := await self._usable(request)) is not None:
                return image_ref
            return await self._pull(request)

    async def _usable(self, request: _Request) -> str | None:
        """The id of the image that is here and may be used; None: pull. Raises ImageError."""
        present = pb.Image()
        if pull_policy.needs_local_image(request.policy):
            present = await self._present(request)
        may_use = bool(present.id) and await self._may_use(request, present)
        decision = pull_policy.decide(request.policy, bool(present.id), may_use)
        if decision is Decision.USE_LOCAL:
            text = f'Container image "{request.image}" already present on machine and can be accessed by the pod'
            self._tell(request, "Normal", EventReason.PULLED, text)
            return present.id
        if decision is Decision.REFUSE:
            text = f'Container image "{request.image}" is not present with pull policy of Never'
            self._tell(request, "Warning", EventReason.ERR_IMAGE_NEVER_PULL, text)
            raise self._error(request.pod, request.field_path, Waiting.ERR_IMAGE_NEVER_PULL, text)
        return None

    async def _present(self, request: _Request) -> pb.Image:
        """The image that is here; an empty one: none is."""
        try:
            answer = await self._images.image_status(request.wanted, runtime_handler=request.handler)
        except CriError as error:
            text = f'Failed to inspect image "{request.image}": {error}'
            self._tell(request, "Warning", EventReason.INSPECT_FAILED, text)
            raise self._error(request.pod, request.field_path, Waiting.IMAGE_INSPECT_ERROR, text) from error
        return answer.image

    async def _may_use(self, request: _Request, image: pb.Image) -> bool:
        names = (*image.repo_tags, *image.repo_digests)
        if self._records.may_use_without_proof(request.wanted, image.id, names):
            return True
        found = await self._find(request)
        return await self._records.may_use(request.wanted, image.id, found.credentials)

    async def _find(self, request: _Request) -> Found:
        if request.found is None:
            repository = reference.parse(request.wanted).repository
            request.found = found = await self._credentials.find(request.pod, repository)
            if found.missing_secrets:
                text = (
                    f"Unable to retrieve some image pull secrets ({', '.join(found.missing_secrets)}); "
                    "attempting to pull the image may not succeed."
                )
                self._event(request.pod, "", "Warning", EventReason.FAILED_TO_RETRIEVE_IMAGE_PULL_SECRET, text)
            for text in found.provider_failures:
                self._event(request.pod, "", "Warning", EventReason.FAILED_CREDENTIAL_PROVIDER, text)
        return request.found

    async def _pull(self, request: _Request) -> str:
        remaining = self._backoff.remaining(request.uid, request.image, self._monotonic(), request.retry)
        if remaining:
            raise self._waits(request, remaining)
        began = self._monotonic()
        self._tell(request, "Normal", EventReason.PULLING, f'Pulling image "{request.image}"')
        found = await self._find(request)
        await self._record(request, self._records.intend(request.wanted))
        try:
            pulled = await self._puller.pull(
                request.wanted,
                found.credentials,
                runtime_handler=request.handler,
                annotations=metadata(request.pod).get("annotations"),
            )
        except PullError as error:
            await self._records.failed(request.wanted)
            return await self._after_failure(request, found, error)
        except asyncio.CancelledError:
            self._records.given_up(request.wanted)
            raise
        await self._record(request, self._records.pulled(request.wanted, pulled.image_ref, pulled.credential))
        waited = self._monotonic() - began
        size = await self._size(request, pulled.image_ref)
        text = (
            f'Successfully pulled image "{request.image}" in {duration(pulled.seconds)} '
            f"({duration(waited)} including waiting). Image size: {size} bytes."
        )
        self._tell(request, "Normal", EventReason.PULLED, text)
        self._backoff.expire(self._monotonic())
        return pulled.image_ref

    async def _record(self, request: _Request, writing: Awaitable[None]) -> None:
        """Without its record an image would be free for all, so a disk that takes none ends the attempt."""
        try:
            await writing
        except OSError as error:
            message = f"cannot record who may use the image: {error}"
            raise self._failed(request, Waiting.ERR_IMAGE_PULL, message) from error

    async def _after_failure(self, request: _Request, found: Found, error: PullError) -> str:
        for attempt in error.attempts:
            if attempt.credential is not None and attempt.failure.kind is FailureKind.UNAUTHORIZED:
                self._credentials.rejected(attempt.credential)
        local = await self._local_for_always(request)
        if local and error.failure.out_of_reach and self._wants_local(request.pod):
            text = f'Registry of image "{request.image}" is out of reach; using the local image {local}'
            self._tell(request, "Warning", EventReason.PULLED, text)
            return local
        name = reference.parse(request.wanted)
        reason, message = waiting_reason(error.failure, request.image)
        if reason is Waiting.ERR_IMAGE_PULL:
            message = str(error)
        hints = [advice(error.failure.kind, name.registry, name.repository, error.tried), *found.problems]
        if error.failure.permanent:
            hints.append("this does not pass by itself")
        if error.failure.kind is FailureKind.NO_PLATFORM:
            made_for = await self._registry.platforms(request.wanted, found.credentials)
            hints.append(f"it is made for {', '.join(made_for)}" if made_for else "")
        if local:
            hints.append(
                "an image of this name is on this node, but imagePullPolicy Always asks the registry; "
                "IfNotPresent or Never would use it"
            )
        message = "; ".join([message, *filter(None, hints)])
        raise self._failed(request, reason, message)

    def _failed(self, request: _Request, reason: Waiting, message: str) -> ImageError:
        self._backoff.failed(request.uid, request.image, self._monotonic(), f"{reason}: {message}", request.retry)
        self._tell(request, "Warning", EventReason.FAILED, f'Failed to pull image "{request.image}": {message}')
        return self._error(request.pod, request.field_path, reason, message, SHOW_BACK_OFF_AFTER)

    def _waits(self, request: _Request, remaining: float) -> ImageError:
        text = f'Back-off pulling image "{request.image}"'
        self._tell(request, "Normal", EventReason.BACK_OFF, text)
        last = self._backoff.last_error(request.uid, request.image)
        next_attempt = datetime.datetime.fromtimestamp(self._now() + remaining, datetime.UTC)
        message = f"{text}: {last}; next attempt at {rfc3339(next_attempt)}"
        return self._error(request.pod, request.field_path, Waiting.IMAGE_PULL_BACK_OFF, message, remaining)

    async def _local_for_always(self, request: _Request) -> str:
        """The image that Always would not use although it is here and this Pod may use it."""
        if pull_policy.needs_local_image(request.policy):
            return ""
        try:
            answer = await self._images.image_status(request.wanted, runtime_handler=request.handler)
        except CriError:
            return ""
        return answer.image.id if answer.image.id and await self._may_use(request, answer.image) else ""

    @staticmethod
    def _wants_local(pod: Object) -> bool:
        return (metadata(pod).get("annotations") or {}).get(USE_LOCAL_ANNOTATION) == "use-local"

    async def _size(self, request: _Request, image_ref: str) -> int:
        try:
            answer = await self._images.image_status(image_ref, runtime_handler=request.handler)
        except CriError:
            return 0  # removed again already; the pull itself has worked
        return answer.image.size

    @asynccontextmanager
    async def _turn(self, uid: str) -> AsyncIterator[None]:
        """Never two pulls at once for one Pod."""
        turn = self._turns.setdefault(uid, _PodTurn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                self._turns.pop(uid, None)

    def _tell(self, request: _Request, type: EventType, reason: EventReason, message: str) -> None:
        self._event(request.pod, request.field_path, type, reason, message)

    def _event(self, pod: Object, field_path: str, type: EventType, reason: EventReason, message: str) -> None:
        self._recorder.event(pod, type, reason, message, field_path)

    def _error(
        self, pod: Object, field_path: str, reason: Waiting, message: str, retry_after: float | None = None
    ) -> ImageError:
        self._event(pod, field_path, "Warning", EventReason.FAILED, f"Error: {reason}")
        return ImageError(reason, message, retry_after)


def duration(seconds: float) -> str:
    """As Go prints a duration, cut to milliseconds: `1.234s`, `345ms`, `1m2.5s`, `0s`."""
    milliseconds = int(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
