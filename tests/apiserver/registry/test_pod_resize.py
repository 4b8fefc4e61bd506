"""What the subresource `resize` takes and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.registry.builders import pod, set_at

from podwright.api.objects import Object, copy_object
from podwright.apiserver.registry.pod import PodStrategy

APP = "spec.containers.0"
REQUESTS, LIMITS = f"{APP}.resources.requests", f"{APP}.resources.limits"
BURSTABLE = {REQUESTS: {"cpu": "100m", "memory": "64Mi"}, LIMITS: {"cpu": "200m", "memory": "128Mi"}}
POD = "spec.resources"
WHOLE = {POD: {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}}}
ANEW = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
INIT = {"name": "i", "image": "i:1", "resources": {"requests": {"cpu": "100m"}}}
STRATEGY = PodStrategy()


def resized(start: dict[str, Any], edits: dict[str, Any]) -> tuple[Object, Object]:
    old = pod(start)
    STRATEGY.prepare_for_create(old)
    old["metadata"]["resourceVersion"] = "5"
    new = copy_object(old)
    for path, value in edits.items():
        set_at(new, path, value)
    STRATEGY.default(new)
    STRATEGY.prepare_for_update(new, old, "resize")
    STRATEGY.default(new)
    return new, old


@pytest.mark.parametrize(
    ("start", "edits", "errors"),
    [
        pytest.param(
            BURSTABLE, {f"{REQUESTS}.cpu": "150m", f"{LIMITS}.memory": "256Mi"}, [], id="cpu and memory change"
        ),
        pytest.param({REQUESTS: {"cpu": "100m"}}, {LIMITS: {"cpu": "1"}}, [], id="a limit may be added"),
        pytest.param(
            BURSTABLE,
            {LIMITS: {"cpu": "200m"}},
            ["spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"],
            id="a limit cannot go",
        ),
        pytest.param(
            {REQUESTS: {"cpu": "100m", "memory": "64Mi"}},
            {REQUESTS: {"cpu": "100m"}},
            ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"],
            id="a request cannot go",
        ),
        pytest.param(
            BURSTABLE,
            {REQUESTS: {"cpu": "200m", "memory": "128Mi"}},
            ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'],
            id="the QoS class stays",
        ),
        pytest.param(
            BURSTABLE,
            {f"{REQUESTS}.cpu": "300m"},
            [
                'spec.containers[0].resources.requests: Invalid value: "300m": '
                "must be less than or equal to cpu limit of 200m"
            ],
            id="a request above its limit is refused, as in a new pod",
        ),
        pytest.param(
            BURSTABLE,
            {f"{LIMITS}.ephemeral-storage": "1Gi"},
            [
                "spec: Forbidden: only cpu and memory resources are mutable\n"
                '+ spec.containers[0].resources.limits.ephemeral-storage: "1Gi"\n'
                '+ spec.containers[0].resources.requests.ephemeral-storage: "1Gi"'
            ],
            id="other resources stay",
        ),
        pytest.param(
            BURSTABLE,
            {f"{APP}.name": "other"},
            ["spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize"],
            id="containers keep their names",
        ),
        pytest.param(
            BURSTABLE,
            {"spec.containers.1": {"name": "more", "image": "i"}},
            ["spec.containers: Forbidden: containers may not be added or removed on resize"],
            id="containers stay",
        ),
        pytest.param(
            {"spec.initContainers": [INIT]},
            {"spec.initContainers.0.resources.requests.cpu": "1"},
            [],
            id="an init container may change",
        ),
        pytest.param(
            {"spec.initContainers": [{**INIT, "resizePolicy": ANEW}]},
            {"spec.initContainers.0.resources.requests.cpu": "1"},
            [
                "spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of "
                "RestartContainer cannot be resized"
            ],
            id="an init container does not begin again",
        ),
        pytest.param(WHOLE, {f"{POD}.limits": {"cpu": "3", "memory": "2Gi"}}, [], id="the whole pod's may change"),
        pytest.param(BURSTABLE, {POD: {"requests": {"cpu": "1"}}}, [], id="the whole pod may get its own"),
        pytest.param(
            {**WHOLE, REQUESTS: {"cpu": "1"}},
            {POD: None},
            ["spec.resources: Forbidden: pod-level resources cannot be removed"],
            id="the whole pod's cannot go",
        ),
        pytest.param(
            WHOLE,
            {POD: {"requests": {"cpu": "1", "memory": "1Gi"}}},
            ["spec.resources.limits: Forbidden: pod-level resource limits cannot be removed"],
            id="a limit of the whole pod cannot go",
        ),
        pytest.param(
            WHOLE,
            {f"{POD}.limits.hugepages-2Mi": "2Mi"},
            [
                "spec: Forbidden: only cpu and memory resources are mutable\n"
                '+ spec.resources.limits.hugepages-2Mi: "2Mi"\n'
                '+ spec.resources.requests.hugepages-2Mi: "2Mi"'
            ],
            id="other resources of the whole pod stay",
        ),
        pytest.param(
            {**WHOLE, REQUESTS: {"cpu": "1"}},
            {f"{REQUESTS}.cpu": "2"},
            [
                'spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate '
                "container requests of 2"
            ],
            id="containers fit into their pod, as in a new one",
        ),
        pytest.param(
            {"spec.initContainers": [{**INIT, "restartPolicy": "Always"}]},
            {"spec.initContainers.0.resources.requests.cpu": "1"},
            [],
            id="a sidecar may change",
        ),
        pytest.param(
            {**BURSTABLE, "metadata.annotations": {"kubernetes.io/config.mirror": "x"}, "spec.nodeName": "n"},
            {f"{REQUESTS}.cpu": "150m"},
            ["<nil>: Forbidden: static pods cannot be resized"],
            id="a static pod is its manifest's",
        ),
    ],
)
def test_resize(start: dict[str, Any], edits: dict[str, Any], errors: list[str]) -> None:
    new, old = resized(start, edits)
    assert [str(error) for error in STRATEGY.validate_update(new, old, "resize")] == errors


def test_everything_but_resources_stays_as_it_was() -> None:
    edits = {f"{APP}.image": "b:2", "metadata.labels": {"a": "b"}, "status.phase": "Running", f"{REQUESTS}.cpu": "150m"}
    new, old = resized(BURSTABLE, edits)
    assert new["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "150m"
    new["spec"]["containers"][0]["resources"] = old["spec"]["containers"][0]["resources"]
    assert new == old
