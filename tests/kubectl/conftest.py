"""kubectl against the shared node, in a namespace of the test's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.kubectl.tool import Kubectl, found_kubectls
from tests.node.running_node import RunningNode

from podwright.cli.health import OLDEST_KUBECTL_MINOR

_KUBECTLS = found_kubectls()
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def newest_kubectl(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    if not _KUBECTLS:
        pytest.fail("kubectl is not on PATH")
    return Kubectl(_KUBECTLS[-1], node.kubeconfig, tmp_path_factory.mktemp("home"))


def _in_new_namespace(kubectl: Kubectl) -> Iterator[Kubectl]:
    name = f"test-{next(_numbers)}"
    kubectl("create", "namespace", name)
    yield replace(kubectl, namespace=name)
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def kubectl(newest_kubectl: Kubectl) -> Iterator[Kubectl]:
    """The newest version, in a namespace of its own; one that is older than what is supported can't show much."""
    newest_kubectl.wants(OLDEST_KUBECTL_MINOR, "this test")
    yield from _in_new_namespace(newest_kubectl)


@pytest.fixture(params=_KUBECTLS or [Path("kubectl")], ids=lambda path: path.name)
def every_kubectl(request: pytest.FixtureRequest, newest_kubectl: Kubectl, tmp_path: Path) -> Iterator[Kubectl]:
    """Each version there is, in a namespace of its own."""
    yield from _in_new_namespace(replace(newest_kubectl, program=request.param, home=tmp_path))


@pytest.fixture
def every_supported_kubectl(every_kubectl: Kubectl) -> Kubectl:
    """Each version there is; one that is older than what is supported can't show much."""
    every_kubectl.wants(OLDEST_KUBECTL_MINOR, "this test")
    return every_kubectl
