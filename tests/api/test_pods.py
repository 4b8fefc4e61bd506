"""What rooms ask of a Pod."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from podwright.api import pods

G = {"cpu": "1", "memory": "1Gi"}


def container(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, **more: Any) -> Any:
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}, **more}


def pod(*containers: Any, init: tuple[Any, ...] = (), **spec: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"containers": list(containers), "initContainers": list(init), **spec}}


@pytest.mark.parametrize(
    ("made", "cpu"),
    [
        pytest.param(pod(container()), None, id="nothing asked for"),
        pytest.param(pod(container({"cpu": "1"}), container({"cpu": "500m"})), "1.5", id="containers add up"),
        pytest.param(
            pod(container({"cpu": "1"}), init=(container({"cpu": "3"}), container({"cpu": "2"}))),
            "3",
            id="init containers come one after the other",
        ),
        pytest.param(
            pod(container({"cpu": "1"}), init=(container({"cpu": "1"}, restartPolicy="Always"),)),
            "2",
            id="a sidecar runs beside",
        ),
        pytest.param(
            pod(
                container({"cpu": "1"}),
                init=(container({"cpu": "1"}, restartPolicy="Always"), container({"cpu": "4"})),
            ),
            "5",
            id="an init container runs beside the sidecars before it",
        ),
        pytest.param(pod(container({"cpu": "1"}), overhead={"cpu": "250m"}), "1.25", id="overhead is added"),
        pytest.param(pod(container(), overhead={"cpu": "250m"}), "0.25", id="overhead alone"),
        pytest.param(
            pod(container({"cpu": "1"}), resources={"requests": {"cpu": "3"}}), "3", id="the Pod's own word counts"
        ),
    ],
)
def test_requests(made: dict[str, Any], cpu: str | None) -> None:
    assert pods.requests(made).get("cpu") == (Decimal(cpu) if cpu else None)


def test_overhead_raises_only_limits_that_are_there() -> None:
    made = pod(container(limits={"cpu": "1"}), overhead={"cpu": "1", "memory": "1Gi"})
    assert pods.limits(made) == {"cpu": Decimal(2)}
    assert pods.limits(made, overhead=False) == {"cpu": Decimal(1)}


@pytest.mark.parametrize(
    ("made", "quality"),
    [
        pytest.param(pod(container()), "BestEffort", id="nothing said"),
        pytest.param(pod(container({"cpu": "0"})), "BestEffort", id="zero is nothing"),
        pytest.param(pod(container(G, G)), "Guaranteed", id="requests are limits"),
        pytest.param(pod(container(G, G), container()), "Burstable", id="one container without"),
        pytest.param(pod(container(G, G), init=(container(),)), "Burstable", id="an init container without"),
        pytest.param(pod(container({"cpu": "1"}, {"cpu": "1"})), "Burstable", id="no memory"),
        pytest.param(pod(container({"cpu": "1"})), "Burstable", id="no limit"),
        pytest.param(pod(container({"example.com/x": "1"})), "BestEffort", id="other resources do not count"),
        pytest.param(pod(container(), resources={"requests": G, "limits": G}), "Guaranteed", id="for the whole Pod"),
    ],
)
def test_qos_class(made: dict[str, Any], quality: str) -> None:
    assert pods.qos_class(made) == quality


def test_containers_come_in_the_order_they_start() -> None:
    spec = {"containers": [{"name": "a"}], "initContainers": [{"name": "i"}], "ephemeralContainers": [{"name": "e"}]}
    assert [(c.field, c.container["name"]) for c in pods.containers(spec)] == [
        ("initContainers", "i"),
        ("containers", "a"),
        ("ephemeralContainers", "e"),
    ]


@pytest.mark.parametrize(
    ("annotations", "mirror", "static"),
    [
        pytest.param({}, False, False, id="a Pod of the API"),
        pytest.param({pods.SOURCE_ANNOTATION: "api"}, False, False, id="a Pod that says it is of the API"),
        pytest.param({pods.SOURCE_ANNOTATION: "file"}, False, True, id="a Pod of a file"),
        pytest.param(
            {pods.SOURCE_ANNOTATION: "file", pods.MIRROR_ANNOTATION: "x"}, True, True, id="what the API shows of it"
        ),
    ],
)
def test_origin(annotations: dict[str, str], mirror: bool, static: bool) -> None:
    made = {"metadata": {"annotations": annotations}}
    assert (pods.is_mirror(made), pods.is_static(made)) == (mirror, static)


def test_conditions() -> None:
    made = {"status": {"phase": "Failed", "conditions": [{"type": "Ready", "status": "True"}]}}
    assert pods.is_terminal(made)
    assert pods.condition_is_true(made, "Ready")
    assert not pods.condition_is_true(made, "Initialized")
    assert pods.condition(made, "Initialized") is None
