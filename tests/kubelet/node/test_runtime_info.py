"""What the Node says of its runtime."""

from __future__ import annotations

import json
from typing import cast

import pytest

from podwright.cri.client import RuntimeClient
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.images.node_images import NodeImages
from podwright.kubelet.node.runtime_info import CriRuntimeInfo, Handler, RuntimeCondition, handlers_of

OLD = json.dumps({"containerd": {"runtimes": {"runc": {}, "crun": {}}}})
NEW = pb.RuntimeHandler(name="runc", features=pb.RuntimeHandlerFeatures(recursive_read_only_mounts=True))


@pytest.mark.parametrize(
    ("answer", "handlers"),
    [
        pytest.param(pb.StatusResponse(), [], id="none named"),
        pytest.param(
            pb.StatusResponse(info={"config": OLD}),
            [Handler(""), Handler("crun"), Handler("runc")],
            id="an old containerd's configuration",
        ),
        pytest.param(pb.StatusResponse(info={"config": "{"}), [], id="a configuration that is no JSON"),
        pytest.param(pb.StatusResponse(runtime_handlers=[NEW]), [Handler("runc", True)], id="named by the runtime"),
    ],
)
def test_handlers(answer: pb.StatusResponse, handlers: list[Handler]) -> None:
    assert handlers_of(answer) == handlers


class Cri:
    """Answers like a containerd."""

    def __init__(self) -> None:
        self.configuration = OLD

    async def version(self) -> pb.VersionResponse:
        return pb.VersionResponse(runtime_name="containerd", runtime_version="v1.6.20")

    async def status(self, *, verbose: bool = False) -> pb.StatusResponse:
        assert verbose
        bad = pb.RuntimeCondition(type="NetworkReady", status=False, reason="R", message="M")
        good = pb.RuntimeCondition(type="RuntimeReady", status=True)
        return pb.StatusResponse(status=pb.RuntimeStatus(conditions=[good, bad]), info={"config": self.configuration})

    async def list_images(self, *, image: str = "") -> pb.ListImagesResponse:
        return pb.ListImagesResponse(images=[pb.Image(id="1", repo_tags=["a:1"], size=1)])


async def test_state_and_images() -> None:
    cri = Cri()
    info = CriRuntimeInfo(cast(RuntimeClient, cri), NodeImages(cri))
    state = await info.state()
    assert (state.name, state.version, state.ready) == ("containerd", "1.6.20", False)
    assert state.network == RuntimeCondition(False, "R", "M")
    assert await info.images() == [{"names": ["a:1"], "sizeBytes": 1}]


async def test_a_runtime_that_is_configured_anew_has_its_new_handlers() -> None:
    cri = Cri()
    info = CriRuntimeInfo(cast(RuntimeClient, cri), NodeImages(cri))
    first = await info.state()
    assert (await info.state()).handlers is first.handlers
    cri.configuration = '{"containerd": {"runtimes": {"runc": {}}}}'
    assert (await info.state()).handlers == [Handler(""), Handler("runc")]
