"""What `status` says of the runtime's handlers."""

from __future__ import annotations

import pytest

from podwright.api.objects import Object
from podwright.cli.status import how_to_try

CRUN = {"metadata": {"name": "small"}, "handler": "crun"}


@pytest.mark.parametrize(
    ("handler", "classes", "line"),
    [
        pytest.param("crun", [CRUN], "try crun: in a Pod's spec, runtimeClassName: small", id="there is a class"),
        pytest.param(
            "runc",
            [CRUN],
            "try runc: echo '{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: runc}, handler: runc}' "
            "| kubectl apply -f -, then in a Pod's spec, runtimeClassName: runc",
            id="there is none yet",
        ),
    ],
)
def test_how_to_try_a_handler(handler: str, classes: list[Object], line: str) -> None:
    assert how_to_try(handler, classes) == line
