"""What a failed pull leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from podwright.cri.errors import CriError
from podwright.cri.generated import containerd_pb2 as pb
from podwright.kubelet.images.broken_downloads import BrokenDownloads, named

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
TEXT = f'failed commit on ref "layer-{C}": unexpected commit digest {A}, expected {C}: failed precondition'


class Content:
    def __init__(self, error: str = "") -> None:
        self.aborted: list[str] = []
        self._error = error

    async def downloads(self) -> Mapping[str, tuple[int, int]]:
        if self._error:
            raise CriError(self._error, "x")
        return {B: (5, 10), C: (10, 10), f"sha256:{'d' * 64}": (1, 2)}

    async def blobs(self, *filters: str) -> Sequence[pb.ContentInfo]:
        source = "containerd.io/distribution.source.r.io"
        assert filters == (f'labels."{source}"',)
        layers = {"containerd.io/gc.ref.content.l.0": A, "containerd.io/gc.ref.content.l.1": B}
        return [
            pb.ContentInfo(digest="sha256:m", labels={source: "team/app", **layers}),
            pb.ContentInfo(digest="sha256:o", labels={source: "other", "containerd.io/gc.ref.content.l.0": "sha256:d"}),
        ]

    async def abort(self, digests: Sequence[str]) -> None:
        self.aborted += digests


async def test_what_has_arrived_of_the_image_goes_and_what_others_fetch_stays() -> None:
    content = Content()
    await BrokenDownloads(content).discard("r.io/team/app:1", TEXT)
    assert content.aborted == [B, C]


@pytest.mark.parametrize("code", ["Unimplemented", "Unavailable"])
async def test_a_runtime_that_does_not_help_stops_nothing(code: str) -> None:
    await BrokenDownloads(Content(code)).discard("r.io/team/app:1", TEXT)


def test_the_blob_is_named_by_the_error() -> None:
    assert named(TEXT) == [C]
    assert named("no space left on device") == []
