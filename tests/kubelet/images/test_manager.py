"""What a container start comes to: ids, waiting reasons, events, in the kubelet's words."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.kubelet.images.fakes import FakeCredentials, FakeImages, FakeRecorder, FakeRegistry, failing

from podwright.cri.errors import CriError
from podwright.kubelet.credentials.keyring import Credential, Source
from podwright.kubelet.credentials.lookup import Found
from podwright.kubelet.errors import ImageError
from podwright.kubelet.images.manager import ImageManager
from podwright.kubelet.images.pull_records import PullRecords
from podwright.kubelet.images.puller import Puller, PullLimits
from podwright.kubelet.interfaces import ContainerKind, ContainerRef


class World:
    def __init__(
        self, path: Path, present: dict[str, str] | None = None, credentials: Any = None, *, per_class: bool = False
    ) -> None:
        self.images = FakeImages(present)
        self.recorder = FakeRecorder()
        self.credentials = credentials or FakeCredentials()
        self.records = PullRecords(path, now=lambda: datetime.datetime.now(datetime.UTC))
        self.clock = 1000.0
        self.manager = ImageManager(
            self.images,
            Puller(self.images, PullLimits(serialize_image_pulls=False, registry_pull_qps=0)),
            self.credentials,
            self.records,
            self.recorder,
            registry=FakeRegistry(),
            per_runtime_class=per_class,
            now=lambda: self.clock,
            monotonic=lambda: self.clock,
        )

    def ref(self, name: str = "p", annotations: dict[str, str] | None = None) -> ContainerRef:
        pod = {"metadata": {"name": name, "namespace": "ns", "uid": f"uid-{name}", "annotations": annotations or {}}}
        return ContainerRef(pod, "web", ContainerKind.APP)

    async def ensure(self, image: str, policy: str, pod: str = "p", **annotations: str) -> str:
        return await self.manager.ensure(self.ref(pod, annotations), image, policy, "")

    async def fails(self, image: str, policy: str, pod: str = "p", **annotations: str) -> ImageError:
        with pytest.raises(ImageError) as caught:
            await self.ensure(image, policy, pod, **annotations)
        return caught.value


async def test_a_present_image_is_used(tmp_path: Path) -> None:
    world = World(tmp_path, {"busybox:1": "sha256:b"})
    assert await world.ensure("busybox:1", "IfNotPresent") == "sha256:b"
    assert world.recorder.events == [
        (
            "Normal",
            "Pulled",
            'Container image "busybox:1" already present on machine and can be accessed by the pod',
            "spec.containers{web}",
        )
    ]
    assert world.images.pulls == []
    assert world.credentials.lookups == 0


async def test_a_missing_image_is_pulled(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert await world.ensure("busybox", "IfNotPresent") == "sha256:busybox:latest"
    assert [event[:3] for event in world.recorder.events] == [
        ("Normal", "Pulling", 'Pulling image "busybox"'),
        (
            "Normal",
            "Pulled",
            'Successfully pulled image "busybox" in 0s (0s including waiting). Image size: 1234 bytes.',
        ),
    ]


async def test_always_asks_the_registry_each_time(tmp_path: Path) -> None:
    world = World(tmp_path, {"busybox:1": "sha256:old"})
    assert await world.ensure("busybox:1", "Always") == "sha256:busybox:1"
    await world.ensure("busybox:1", "Always")
    assert len(world.images.pulls) == 2


@pytest.mark.parametrize(
    ("per_class", "handler"),
    [
        pytest.param(True, "kata", id="with the gate every call names it"),
        pytest.param(False, "", id="without the gate none does"),
    ],
)
async def test_the_handler_of_the_class_goes_to_the_runtime(tmp_path: Path, per_class: bool, handler: str) -> None:
    world = World(tmp_path, per_class=per_class)
    await world.manager.ensure(world.ref(), "busybox:1", "IfNotPresent", "kata")
    assert world.images.pulls == [("busybox:1", "")]
    assert set(world.images.handlers) == {handler}


async def test_never_without_the_image_and_then_with_it(tmp_path: Path) -> None:
    world = World(tmp_path)
    error = await world.fails("busybox:1", "Never")
    text = 'Container image "busybox:1" is not present with pull policy of Never'
    assert (error.reason, error.message) == ("ErrImageNeverPull", text)
    assert [event[:3] for event in world.recorder.events] == [
        ("Warning", "ErrImageNeverPull", text),
        ("Warning", "Failed", "Error: ErrImageNeverPull"),
    ]
    world.images.present["busybox:1"] = "sha256:b"
    assert await world.ensure("busybox:1", "Never") == "sha256:b"


async def test_an_invalid_name_says_which_rule_it_breaks(tmp_path: Path) -> None:
    world = World(tmp_path)
    error = await world.fails("Bad Name", "IfNotPresent")
    assert error.reason == "InvalidImageName"
    assert error.message.startswith(
        'Failed to apply default image tag "Bad Name": couldn\'t parse image name "Bad Name": '
        "invalid reference format: "
    )
    assert world.recorder.reasons == ["InspectFailed", "Failed"]


async def test_a_runtime_that_can_not_inspect(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.inspect_error = CriError("Unknown", "boom")
    error = await world.fails("busybox:1", "IfNotPresent")
    assert (error.reason, error.message) == (
        "ImageInspectError",
        'Failed to inspect image "busybox:1": rpc error: code = Unknown desc = boom',
    )


async def test_a_failed_pull_then_back_off_then_another_attempt(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.on_pull = failing('failed to resolve reference "docker.io/library/nope:1": nope:1: not found')
    error = await world.fails("nope:1", "IfNotPresent")
    assert error.reason == "ErrImagePull"
    assert error.message.startswith('failed to resolve reference "docker.io/library/nope:1": nope:1: not found; ')
    assert "docker.io has no such name or tag in docker.io/library/nope" in error.message
    assert error.retry_after == 1
    assert world.recorder.reasons == ["Pulling", "Failed", "Failed"]
    assert world.recorder.events[1][2] == f'Failed to pull image "nope:1": {error.message}'
    assert world.recorder.events[2][2] == "Error: ErrImagePull"
    world.clock += 4
    waiting = await world.fails("nope:1", "IfNotPresent")
    assert waiting.reason == "ImagePullBackOff"
    assert waiting.message == (
        f'Back-off pulling image "nope:1": ErrImagePull: {error.message}; next attempt at 1970-01-01T00:16:50Z'
    )
    assert waiting.retry_after == 6
    assert world.recorder.events[3][:3] == ("Normal", "BackOff", 'Back-off pulling image "nope:1"')
    world.clock += 6
    world.images.on_pull = None
    assert await world.ensure("nope:1", "IfNotPresent") == "sha256:nope:1"


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        pytest.param("x:1: not found", True, id="a name or tag that is not there"),
        pytest.param("authorization failed: 401 Unauthorized", True, id="credentials that are not accepted"),
        pytest.param("dial tcp 127.0.0.1:1: connect: connection refused", False, id="a registry that is away"),
        pytest.param("write /x: no space left on device", False, id="a full disk"),
    ],
)
async def test_what_does_not_pass_by_itself_is_told_so(tmp_path: Path, text: str, stays: bool) -> None:
    world = World(tmp_path)
    world.images.on_pull = failing(text)
    assert ("this does not pass by itself" in (await world.fails("x:1", "IfNotPresent")).message) is stays


async def test_an_image_that_arrives_during_back_off_is_used(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.on_pull = failing("boom")
    await world.fails("late:1", "IfNotPresent")
    world.images.present["late:1"] = "sha256:l"
    assert await world.ensure("late:1", "IfNotPresent") == "sha256:l"


async def test_a_user_may_ask_for_the_next_attempt_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.on_pull = failing("boom")
    await world.fails("x:1", "IfNotPresent")
    asked = {"podwright.dev/retry-pull": "now"}
    assert (await world.fails("x:1", "IfNotPresent", **asked)).reason == "ErrImagePull"
    waiting = await world.fails("x:1", "IfNotPresent", **asked)
    assert waiting.reason == "ImagePullBackOff"
    # the delay begins anew
    assert waiting.retry_after == 10


async def test_missing_secrets_and_failed_providers_are_events_of_the_pod(tmp_path: Path) -> None:
    found = FakeCredentials(missing_secrets=["a", "b"], provider_failures=["ecr: timed out"])
    world = World(tmp_path, credentials=found)
    await world.ensure("busybox", "IfNotPresent")
    assert world.recorder.message("FailedToRetrieveImagePullSecret") == (
        "Unable to retrieve some image pull secrets (a, b); attempting to pull the image may not succeed."
    )
    assert world.recorder.message("FailedCredentialProvider") == "ecr: timed out"
    assert [event[3] for event in world.recorder.events] == ["spec.containers{web}", "", "", "spec.containers{web}"]


async def test_a_broken_secret_is_named_when_the_pull_fails(tmp_path: Path) -> None:
    world = World(tmp_path, credentials=FakeCredentials(problems=["secret ns/s: entry 'r.io': expected an object"]))
    world.images.on_pull = failing("401 Unauthorized")
    error = await world.fails("r.io/x:1", "IfNotPresent")
    assert error.reason == "ErrImagePull"
    assert "secret ns/s: entry 'r.io'" in error.message


async def test_never_two_pulls_at_once_for_one_pod_and_no_second_one_for_the_same_image(tmp_path: Path) -> None:
    world = World(tmp_path)
    await asyncio.gather(*(world.ensure(image, "IfNotPresent") for image in ("a:1", "b:1", "a:1")))
    assert world.images.most_at_once == 1
    assert sorted(world.images.pulls) == [("a:1", ""), ("b:1", "")]


async def test_a_present_image_does_not_wait_for_the_pod_s_other_pull(tmp_path: Path) -> None:
    world, hanging = World(tmp_path, {"here:1": "sha256:h"}), asyncio.Event()

    async def hang(_image: str, _user: str) -> None:
        hanging.set()
        await asyncio.Event().wait()

    world.images.on_pull = hang
    slow = asyncio.create_task(world.ensure("slow:1", "IfNotPresent"))
    await hanging.wait()
    assert await world.ensure("here:1", "IfNotPresent") == "sha256:h"
    slow.cancel()
    await asyncio.gather(slow, return_exceptions=True)


async def test_always_may_fall_back_to_the_local_image_when_the_pod_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, {"x:1": "sha256:local"})
    world.images.on_pull = failing("dial tcp: lookup r: no such host")
    annotation = {"podwright.dev/registry-unreachable": "use-local"}
    assert await world.ensure("x:1", "Always", **annotation) == "sha256:local"
    assert "sha256:local" in world.recorder.events[-1][2]
    error = await world.fails("x:1", "Always", pod="q")
    assert "imagePullPolicy Always asks the registry" in error.message
    world.images.on_pull = failing("x:1: not found")
    assert (await world.fails("x:1", "Always", pod="r", **annotation)).reason == "ErrImagePull"


def secret_of(tenant: str, password: str = "p") -> Found:
    source = Source(f"secret {tenant}/s", secret=(f"uid-{tenant}", tenant, "s"))
    return Found([Credential(tenant, password, source=source)])


async def test_a_tenant_without_the_right_credential_can_not_use_what_another_pulled(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.credentials.by_pod = {"alice": secret_of("alice"), "eve": secret_of("eve")}

    async def alice_only(_image: str, user: str) -> None:
        if user != "alice":
            raise CriError("Unknown", "403 Forbidden")

    world.images.on_pull = alice_only
    await world.ensure("r.io/private:1", "IfNotPresent", "alice")
    assert (await world.fails("r.io/private:1", "IfNotPresent", "eve")).reason == "ErrImagePull"
    assert (await world.fails("r.io/private:1", "Never", "eve")).reason == "ErrImageNeverPull"
    pulls = len(world.images.pulls)
    await world.ensure("r.io/private:1", "IfNotPresent", "alice")
    await world.ensure("r.io/private:1", "Never", "alice")
    assert len(world.images.pulls) == pulls


async def test_events_of_an_image_volume_carry_no_container(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert await world.manager.ensure_for_volume(world.ref().pod, "v:1", "IfNotPresent", "") == "sha256:v:1"
    assert {event[3] for event in world.recorder.events} == {""}


async def test_a_disk_that_takes_no_record_ends_the_attempt_before_anything_is_pulled(tmp_path: Path) -> None:
    (tmp_path / "image_manager").write_text("a file where the folder should be")
    world = World(tmp_path)
    error = await world.fails("x:1", "IfNotPresent")
    assert error.reason == "ErrImagePull"
    assert error.message.startswith("cannot record who may use the image: ")
    assert world.images.pulls == []
