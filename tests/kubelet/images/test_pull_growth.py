"""How far a pull is, guessed from what images have grown by."""

from __future__ import annotations

from collections.abc import Sequence

from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.credentials.keyring import Credential
from podwright.kubelet.images.pull_growth import GrowthWatch, size_of, variant, weigh
from podwright.kubelet.images.registry_client import Manifest

IMAGE = {"layers": [{"size": 100}, {"size": 300}]}
INDEX = {
    "manifests": [
        {"digest": f"sha256:{'a' * 64}", "platform": {"os": "windows", "architecture": "amd64"}},
        {"digest": f"sha256:{'b' * 64}", "platform": {"os": "linux", "architecture": "amd64"}},
        {"digest": f"sha256:{'c' * 64}", "platform": {"os": "linux", "architecture": "arm64"}},
    ]
}


def test_the_variant_is_the_machine_s() -> None:
    assert variant(INDEX, "arm64") == f"sha256:{'c' * 64}"
    assert (variant(INDEX, "s390x"), variant(IMAGE, "amd64")) == ("", "")
    assert (size_of(IMAGE), size_of(INDEX)) == (400, 0)


class Registry:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def manifest(self, image: str, credentials: Sequence[Credential]) -> Manifest:
        self.asked.append(image)
        return Manifest("", IMAGE if "@" in image else INDEX)


async def test_an_image_weighs_what_its_variant_does() -> None:
    registry = Registry()
    assert await weigh(registry, "r.io/x:1", [], "arm64") == 400
    assert registry.asked == ["r.io/x:1", f"r.io/x@{variant(INDEX, 'arm64')}"]


class Disk:
    used = 1000

    async def image_fs_info(self) -> pb.ImageFsInfoResponse:
        return pb.ImageFsInfoResponse(
            image_filesystems=[pb.FilesystemUsage(used_bytes=pb.UInt64Value(value=self.used))]
        )


async def test_what_images_have_grown_by_counts_up_to_the_whole() -> None:
    disk, weighed = Disk(), []

    async def weight(image: str) -> int:
        weighed.append(image)
        return 400 if image == "x" else 0

    watch = GrowthWatch(disk, weight)
    done = []
    for used in (1000, 1150, 900, 2000):
        disk.used = used
        progress = await watch.progress("x")
        assert progress is not None
        assert (progress.total, progress.exact) == (400, False)
        done.append(progress.done)
    assert done == [0, 150, 0, 400]
    assert await watch.progress("unknown") is None
    assert weighed == ["x", "unknown"]
