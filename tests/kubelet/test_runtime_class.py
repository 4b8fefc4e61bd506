from __future__ import annotations

from typing import Any, cast

import pytest

from podwright.api.errors import NotFound
from podwright.api.objects import Object
from podwright.client.interface import Client
from podwright.kubelet.errors import SandboxError, TerminalError
from podwright.kubelet.runtime_class import RuntimeClasses


class Api:
    def __init__(self, answer: Object | Exception) -> None:
        self.answer, self.asked = answer, 0

    async def get(self, resource: Any, name: str, namespace: str = "") -> Object:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def pod(name: str | None) -> Object:
    return {"spec": {} if name is None else {"runtimeClassName": name}}


def classes(answer: Object | Exception | None, cached: Object | None = None) -> tuple[RuntimeClasses, Api]:
    api = Api(answer if answer is not None else {})
    return RuntimeClasses(None if answer is None else cast(Client, api), lambda name: cached), api


@pytest.mark.parametrize("name", [None, ""])
async def test_no_class_is_the_default_handler(name: str | None) -> None:
    assert await classes(None)[0].handler(pod(name)) == ""


async def test_a_known_class_needs_no_call() -> None:
    lookup, api = classes({"handler": "live"}, {"handler": "cached"})
    assert (await lookup.handler(pod("x")), api.asked) == ("cached", 0)


async def test_a_class_the_cache_lacks_is_looked_up_live() -> None:
    assert await classes({"handler": "live"})[0].handler(pod("x")) == "live"


async def test_a_missing_class_is_final() -> None:
    with pytest.raises(TerminalError) as caught:
        await classes(NotFound.of("runtimeclasses", "x", group="node.k8s.io"))[0].handler(pod("x"))
    assert (caught.value.reason, caught.value.message) == (
        "RuntimeClassNotFound",
        'runtimeclass.node.k8s.io "x" not found',
    )


async def test_an_api_out_of_reach_is_not() -> None:
    with pytest.raises(SandboxError, match="cannot be looked up: refused"):
        await classes(ConnectionRefusedError("refused"))[0].handler(pod("x"))


async def test_a_static_pod_without_an_api_is_refused_with_the_reason() -> None:
    with pytest.raises(TerminalError, match='runtimeClassName "x" cannot be honoured'):
        await classes(None)[0].handler(pod("x"))


@pytest.mark.parametrize(
    ("name", "cached", "handler"),
    [
        pytest.param(None, {"handler": "crun"}, "", id="no class"),
        pytest.param("", {"handler": "crun"}, "", id="an empty class"),
        pytest.param("a", {"handler": "crun"}, "crun", id="a class"),
        pytest.param("a", None, "", id="a class that is not known (any more)"),
    ],
)
def test_what_is_known_of_a_pod_that_has_its_sandbox(name: str | None, cached: Object | None, handler: str) -> None:
    known, api = classes({}, cached)
    assert known.known(pod(name)) == handler
    assert api.asked == 0
