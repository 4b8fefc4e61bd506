"""What admission is shown of connections and of posts to subresources."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import MultiDict

from podwright.admission.interface import Attributes, Operation, User
from podwright.api.errors import Forbidden
from podwright.api.resources import NAMESPACES, PODS
from podwright.api.schema import Schema
from podwright.apiserver.context import Call, Context
from podwright.apiserver.handlers.connect import admit_connection, options_of
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.subresources import Subresources
from podwright.apiserver.tokens import Tokens
from podwright.storage.memory import MemoryStore


class Noting:
    """An admission chain that notes what it is shown, and lets only what it is told pass."""

    def __init__(self, *refused: str) -> None:
        self.seen: list[Attributes] = []
        self._refused = refused

    async def admit(self, attributes: Attributes) -> None:
        self.seen.append(attributes)

    async def validate(self, attributes: Attributes) -> None:
        if attributes.subresource in self._refused:
            raise Forbidden("not here")


@pytest.mark.parametrize(
    ("plural", "subresource", "query", "options"),
    [
        pytest.param(
            "pods",
            "exec",
            [("command", "ls"), ("command", "/"), ("stdout", "true"), ("tty", "0"), ("container", "c")],
            {"kind": "PodExecOptions", "stdout": True, "container": "c", "command": ["ls", "/"]},
            id="exec",
        ),
        pytest.param("pods", "attach", [("stdin", "1")], {"kind": "PodAttachOptions", "stdin": True}, id="attach"),
        pytest.param(
            "pods",
            "portforward",
            [("ports", "80,443"), ("ports", "x")],
            {"kind": "PodPortForwardOptions", "ports": [80, 443]},
            id="port-forward",
        ),
        pytest.param("services", "proxy", [], {"kind": "ServiceProxyOptions", "path": "/metrics"}, id="a Service's"),
        pytest.param("nodes", "proxy", [], {"kind": "NodeProxyOptions", "path": "/metrics"}, id="a node's proxy"),
        pytest.param("pods", "log", [], None, id="logs are only read"),
    ],
)
def test_options_of(plural: str, subresource: str, query: list[tuple[str, str]], options: Any) -> None:
    expected = options and {"apiVersion": "v1", **options}
    assert options_of(plural, subresource, "metrics", MultiDict(query)) == expected


def made(admission: Noting, resource: Any = PODS, subresource: str = "") -> tuple[Context, Call]:
    schema = Schema.load(["io.k8s.api.core.v1.Pod"])
    context = Context(MemoryStore(), ROWS, schema, admission=admission)
    row = context.rows[resource]
    return context, Call(row, User("alice"), "default" if resource.namespaced else "", "p", subresource)


async def test_a_connection_is_admitted_or_not() -> None:
    admission = Noting("exec")
    context, call = made(admission, subresource="exec")
    with pytest.raises(Forbidden):
        await admit_connection(context, call, {"kind": "PodExecOptions"})
    (seen,) = admission.seen
    assert (seen.operation, seen.namespace, seen.name, seen.subresource) == (
        Operation.CONNECT, "default", "p", "exec",
    )  # fmt: skip


@pytest.mark.parametrize("subresource", ["binding", "eviction", "token"])
async def test_posts_to_subresources_are_creations(tmp_path: Any, subresource: str) -> None:
    admission = Noting(subresource)
    context, call = made(admission, subresource=subresource)
    subresources = Subresources(context, Tokens(tmp_path / "key", "issuer"))
    with pytest.raises(Forbidden, match="not here"):
        await subresources.post(call, subresource, {})
    (seen,) = admission.seen
    assert (seen.operation, seen.subresource) == (Operation.CREATE, subresource)
    assert seen.obj is not None
    assert seen.obj["kind"] in {"Binding", "Eviction", "TokenRequest"}


async def test_finalizing_a_namespace_is_no_creation(tmp_path: Any) -> None:
    admission = Noting()
    context, call = made(admission, NAMESPACES, "finalize")
    await context.store.create(
        context.key(call.row, "", "p"), context.encoder({"metadata": {"name": "p"}, "spec": {"finalizers": ["a/b"]}})
    )
    await Subresources(context, Tokens(tmp_path / "key", "issuer")).post(call, "finalize", {"spec": {}})
    assert admission.seen == []
