"""What the Node says of its runtime."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from podwright.cri.client import RuntimeClient
from podwright.cri.generated import cri_pb2 as pb
from podwright.cri.image_client import ImageClient
from podwright.kubelet.node.runtime_info import CriRuntimeInfo, Handler, NodeImage, RuntimeCondition, handlers_of

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
        self.verbose: list[bool] = []

    async def version(self) -> pb.VersionResponse:
        return pb.VersionResponse(runtime_name="containerd", runtime_version="v1.6.20")

    async def status(self, *, verbose: bool = False) -> pb.StatusResponse:
        self.verbose.append(verbose)
        bad = pb.RuntimeCondition(type="NetworkReady", status=False, reason="R", message="M")
        good = pb.RuntimeCondition(type="RuntimeReady", status=True)
        return pb.StatusResponse(status=pb.RuntimeStatus(conditions=[good, bad]), info={"config": OLD})

    async def list_images(self) -> Any:
        small = SimpleNamespace(repo_digests=["a@1"], repo_tags=["a:1"], size=1)
        large = SimpleNamespace(repo_digests=[], repo_tags=[f"b:{n}" for n in range(9)], size=2)
        unnamed = SimpleNamespace(repo_digests=[], repo_tags=[], size=3)
        return SimpleNamespace(images=[small, large, unnamed])


async def test_state_and_images() -> None:
    cri = Cri()
    info = CriRuntimeInfo(cast(RuntimeClient, cri), cast(ImageClient, cri))
    state = await info.state()
    assert (state.name, state.version, state.ready) == ("containerd", "1.6.20", False)
    assert state.network == RuntimeCondition(False, "R", "M")
    await info.state()
    assert cri.verbose == [True, False]
    assert await info.images() == [
        NodeImage(("b:0", "b:1", "b:2", "b:3", "b:4"), 2),
        NodeImage(("a@1", "a:1"), 1),
    ]
