"""When a relist says enough."""

from __future__ import annotations

import pytest
from tests.kubelet.fake_runtime import NOW, container

from podwright.kubelet.runtime_state import (
    ContainerState,
    ContainerStatus,
    ContainerSummary,
    PodRuntimeStatus,
    PodSummary,
    SandboxStatus,
    still_true,
)

BOX = SandboxStatus("box", True, 0, NOW, ips=["10.0.0.9"])
A, B = container("a"), container("b")


def exited(of: ContainerStatus, state: ContainerState = ContainerState.EXITED) -> ContainerStatus:
    return ContainerStatus(of.id, of.name, state, of.attempt, of.image, of.image_ref)


def status(*containers: ContainerStatus, sandboxes: tuple[SandboxStatus, ...] = (BOX,)) -> PodRuntimeStatus:
    return PodRuntimeStatus("u", "p", "d", sandboxes, containers)


def shown(of: PodRuntimeStatus) -> PodSummary:
    """In another order, as lists of the runtime may be."""
    return PodSummary(
        of.uid,
        of.name,
        of.namespace,
        tuple((s.id, s.ready) for s in reversed(of.sandboxes)),
        tuple(ContainerSummary(c.id, c.name, c.state) for c in reversed(of.containers)),
    )


OLD_BOX = SandboxStatus("old", False, 0, NOW)


@pytest.mark.parametrize(
    ("known", "summary", "expected"),
    [
        pytest.param(status(A, B), shown(status(A, B)), True, id="everything as it was"),
        pytest.param(status(exited(A), B), shown(status(exited(A), B)), True, id="an ended container stays as it is"),
        pytest.param(
            status(A, sandboxes=(BOX, OLD_BOX)), shown(status(A, sandboxes=(BOX, OLD_BOX))), True, id="an old sandbox"
        ),
        pytest.param(
            status(A, sandboxes=(SandboxStatus("h", True, 0, NOW, host_network=True),)),
            shown(status(A, sandboxes=(SandboxStatus("h", True, 0, NOW, host_network=True),))),
            True,
            id="the host network has no addresses to wait for",
        ),
        pytest.param(status(A), None, False, id="no relist has shown the Pod"),
        pytest.param(status(A), shown(status(exited(A))), False, id="a container has ended"),
        pytest.param(status(A), shown(status(A, B)), False, id="a container has come"),
        pytest.param(status(A, B), shown(status(A)), False, id="a container has gone"),
        pytest.param(
            status(A), shown(status(A, sandboxes=(SandboxStatus("box", False, 0, NOW),))), False, id="the sandbox died"
        ),
        pytest.param(status(A), shown(status(A, sandboxes=(BOX, OLD_BOX))), False, id="another sandbox"),
        pytest.param(
            status(A, sandboxes=(SandboxStatus("box", True, 0, NOW),)),
            shown(status(A)),
            False,
            id="addresses may still come",
        ),
        pytest.param(status(A, sandboxes=(OLD_BOX,)), shown(status(A, sandboxes=(OLD_BOX,))), False, id="no sandbox"),
        pytest.param(status(), shown(status()), True, id="a sandbox alone"),
        pytest.param(
            status(exited(A, ContainerState.CREATED)),
            shown(status(exited(A, ContainerState.CREATED))),
            False,
            id="a container that was made says more each time",
        ),
        pytest.param(
            status(exited(A, ContainerState.UNKNOWN)),
            shown(status(exited(A, ContainerState.UNKNOWN))),
            False,
            id="of one in an unknown state nothing is known",
        ),
        pytest.param(PodRuntimeStatus("u"), PodSummary("u", "p", "d"), False, id="nothing at all"),
    ],
)
def test_still_true(known: PodRuntimeStatus, summary: PodSummary | None, expected: bool) -> None:
    assert still_true(known, summary) is expected
