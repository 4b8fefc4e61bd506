"""No Pod runs an image that its own credentials could not pull."""

from __future__ import annotations

from typing import Any

import pytest
from tests.admission.requests import pod, write

from podwright.admission.always_pull_images import AlwaysPullImages
from podwright.admission.interface import Attributes, Operation
from podwright.api.errors import Forbidden
from podwright.api.objects import Object, copy_object
from podwright.api.resources import SECRETS


def container(image: str = "app:1", name: str = "app") -> dict[str, Any]:
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}


def policies(made: Object) -> list[str]:
    spec = made["spec"]
    listed = [c for f in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(f) or ()]
    return [c["imagePullPolicy"] for c in listed] + [v["image"]["pullPolicy"] for v in spec.get("volumes") or ()]


async def test_a_new_pod_pulls_every_image() -> None:
    made = pod(
        initContainers=[container(name="i")],
        volumes=[{"name": "v", "image": {"reference": "data:1", "pullPolicy": "Never"}}],
    )
    await AlwaysPullImages().admit(write(made))
    assert policies(made) == ["Always"] * 3


@pytest.mark.parametrize(
    ("old", "new", "subresource", "expected"),
    [
        pytest.param([container()], [container()], "", ["IfNotPresent"], id="no new image"),
        pytest.param([container()], [container("app:2")], "", ["Always"], id="a new image is pulled"),
        pytest.param(
            [container(), container("b:1", "b")],
            [container("app:2"), container("b:1", "b")],
            "",
            ["Always", "IfNotPresent"],
            id="a container that keeps its image keeps its policy",
        ),
        pytest.param([container()], [container("app:2")], "status", ["IfNotPresent"], id="status brings no image"),
    ],
)
async def test_update(old: list[Any], new: list[Any], subresource: str, expected: list[str]) -> None:
    made = pod(containers=new)
    await AlwaysPullImages().admit(write(made, Operation.UPDATE, old=pod(containers=old), subresource=subresource))
    assert policies(made) == expected


async def test_an_ephemeral_container_is_pulled() -> None:
    old, made = pod(), pod(ephemeralContainers=[container("debug:1", "debug")])
    await AlwaysPullImages().admit(write(made, Operation.UPDATE, old=old, subresource="ephemeralcontainers"))
    assert policies(made) == ["IfNotPresent", "Always"]


async def test_a_policy_that_was_changed_back_is_refused() -> None:
    with pytest.raises(Forbidden) as refused:
        await AlwaysPullImages().validate(write(pod()))
    assert refused.value.message == (
        'pods "p" is forbidden: spec.containers[0].imagePullPolicy: '
        'Unsupported value: "IfNotPresent": supported values: "Always"'
    )


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param(write({"data": {}}, resource=SECRETS), id="another resource"),
        pytest.param(write(None, Operation.DELETE, old=pod()), id="a deletion"),
    ],
)
async def test_other_requests_pass(attributes: Attributes) -> None:
    before = copy_object(attributes.obj)
    await AlwaysPullImages().admit(attributes)
    await AlwaysPullImages().validate(attributes)
    assert attributes.obj == before
