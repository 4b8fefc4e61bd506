"""For which machines an image is made."""

from __future__ import annotations

import json

from podwright.cri.errors import CriError
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.images.platforms import ImagePlatforms, Platforms, of_config

INFO = {"info": json.dumps({"imageSpec": {"os": "linux", "architecture": "arm64", "variant": "v8"}})}
INDEX = {"manifests": [{"platform": {"os": "linux", "architecture": name}} for name in ("s390x", "arm64")]}


class Runtime:
    def __init__(self, target: str = "sha256:i", error: str = "") -> None:
        self._target = target
        self._error = error

    async def image_status(
        self, image: str, *, runtime_handler: str = "", verbose: bool = False
    ) -> pb.ImageStatusResponse:
        assert verbose
        return pb.ImageStatusResponse(info=INFO)

    async def target(self, name: str) -> str:
        if self._error:
            raise CriError(self._error, "x")
        return self._target

    async def read(self, digest: str) -> bytes:
        return json.dumps(INDEX).encode()


async def test_the_index_tells_what_else_there_is_where_the_runtime_kept_it() -> None:
    both = await ImagePlatforms(Runtime(), Runtime()).of("r.io/x:1")
    assert both == Platforms("linux/arm64/v8", ["linux/arm64", "linux/s390x"])
    assert both.text() == "linux/arm64/v8 of linux/arm64, linux/s390x"
    for runtime in (Runtime(target=""), Runtime(error="Unimplemented")):
        assert (await ImagePlatforms(runtime, runtime).of("r.io/x:1")).text() == "linux/arm64/v8"


def test_a_runtime_that_says_nothing_says_nothing() -> None:
    assert [of_config(info) for info in ({}, {"info": "{"}, {"info": "{}"}, {"info": "[]"})] == ["", "", "", ""]
    assert Platforms("").text() == "?"
