"""How far a pull is, out of what containerd notes about blobs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from podwright.cri.generated import containerd_pb2 as pb
from podwright.kubelet.images.pull_progress import Layer, PullProgress, PullWatch, progress_of, source_label

MANIFEST = {"layers": [{"digest": "sha256:a", "size": 100}, {"digest": "sha256:b", "size": 300}]}


def test_what_is_here_counts_whole_and_what_comes_in_part() -> None:
    progress = progress_of(MANIFEST, {"sha256:a"}, {"sha256:b": (120, 0)})
    assert progress == PullProgress([Layer("sha256:a", 100, 100), Layer("sha256:b", 120, 300)])
    assert (progress.done, progress.total, progress.layers_done) == (220, 400, 1)
    # a layer is never more than whole, and one that waits is not there
    assert progress_of(MANIFEST, set(), {"sha256:a": (101, 0)}).layers == [
        Layer("sha256:a", 100, 100),
        Layer("sha256:b", 0, 300),
    ]


@pytest.mark.parametrize(
    ("registry", "host"),
    [
        pytest.param("docker.io", "docker.io", id="a host"),
        pytest.param("127.0.0.1:5000", "127.0.0.1", id="a port falls away"),
        pytest.param("[::1]:5000", "::1", id="and so do brackets"),
    ],
)
def test_the_label_of_a_registry(registry: str, host: str) -> None:
    assert source_label(registry) == f"containerd.io/distribution.source.{host}"


class Content:
    def __init__(self) -> None:
        self.on_its_way: dict[str, tuple[int, int]] = {"sha256:b": (150, 300)}
        self.infos = [
            self.manifest("sha256:m", "team/app,team/other", "sha256:a", "sha256:b"),
            self.manifest("sha256:old", "team/app", "sha256:a"),
            self.manifest("sha256:theirs", "else/where", "sha256:b"),
            pb.ContentInfo(digest="sha256:a", size=100),
        ]

    @staticmethod
    def manifest(digest: str, repositories: str, *layers: str) -> pb.ContentInfo:
        children = {f"containerd.io/gc.ref.content.l.{number}": layer for number, layer in enumerate(layers)}
        return pb.ContentInfo(digest=digest, labels={source_label("r.io:5000"): repositories, **children})

    async def downloads(self) -> Mapping[str, tuple[int, int]]:
        return self.on_its_way

    async def blobs(self, *filters: str) -> Sequence[pb.ContentInfo]:
        wanted = [one.removeprefix("digest==") for one in filters if one.startswith("digest==")]
        if wanted:
            return [info for info in self.infos if info.digest in wanted]
        assert filters == (f'labels."{source_label("r.io:5000")}"',)
        return self.infos

    async def read(self, digest: str) -> bytes:
        assert digest in ("sha256:m", "sha256:theirs")
        return json.dumps(MANIFEST).encode()


async def test_an_image_is_known_by_the_repository_that_its_manifest_came_from() -> None:
    content = Content()
    watch = PullWatch(content)
    progress = await watch.progress("r.io:5000/team/app:2")
    assert progress == PullProgress([Layer("sha256:a", 100, 100), Layer("sha256:b", 150, 300)])
    assert await watch.progress("r.io:5000/nobody/s:1") is None
    content.on_its_way = {}
    assert await watch.progress("r.io:5000/team/app:2") is None
