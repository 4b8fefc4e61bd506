"""What a Pod's fields become when nobody writes them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.apiserver.registry.builders import pod, raw_pod

from podwright.api.objects import copy_object
from podwright.apiserver.registry.pod import PodStrategy


def at(obj: Any, path: str) -> Any:
    for name in path.split("."):
        obj = obj[int(name)] if isinstance(obj, list) else obj.get(name)
    return obj


APP = "spec.containers.0"


@pytest.mark.parametrize(
    ("edits", "path", "value"),
    [
        pytest.param({}, "spec.restartPolicy", "Always", id="a Pod restarts its containers"),
        pytest.param({}, "spec.dnsPolicy", "ClusterFirst", id="names are looked up in the cluster first"),
        pytest.param({}, "spec.terminationGracePeriodSeconds", 30, id="containers have half a minute to end"),
        pytest.param(
            {"spec.terminationGracePeriodSeconds": 0}, "spec.terminationGracePeriodSeconds", 0, id="no grace stays"
        ),
        pytest.param({}, "spec.schedulerName", "default-scheduler", id="the scheduler has a name"),
        pytest.param({}, "spec.enableServiceLinks", True, id="services are shown in variables"),
        pytest.param({"spec.enableServiceLinks": False}, "spec.enableServiceLinks", False, id="unless they are not"),
        pytest.param({}, "spec.securityContext", {}, id="there is always a security context"),
        pytest.param({}, f"{APP}.imagePullPolicy", "IfNotPresent", id="the pull policy follows the tag"),
        pytest.param({f"{APP}.image": "app"}, f"{APP}.imagePullPolicy", "Always", id="no tag is pulled always"),
        pytest.param(
            {f"{APP}.image": "app", f"{APP}.imagePullPolicy": "Never"},
            f"{APP}.imagePullPolicy",
            "Never",
            id="a policy that is written stays",
        ),
        pytest.param({}, f"{APP}.terminationMessagePath", "/dev/termination-log", id="where the last message is"),
        pytest.param({}, f"{APP}.terminationMessagePolicy", "File", id="how the last message is read"),
        pytest.param({}, f"{APP}.resources", {}, id="resources are always there"),
        pytest.param({f"{APP}.ports": [{"containerPort": 80}]}, f"{APP}.ports.0.protocol", "TCP", id="ports are TCP"),
        pytest.param(
            {"spec.hostNetwork": True, f"{APP}.ports": [{"containerPort": 80}]},
            f"{APP}.ports.0.hostPort",
            80,
            id="on the host's network a port is the host's",
        ),
        pytest.param(
            {f"{APP}.resources": {"limits": {"cpu": "0.5", "memory": "1024Ki"}, "requests": {"cpu": "0.25"}}},
            f"{APP}.resources",
            {"limits": {"cpu": "500m", "memory": "1Mi"}, "requests": {"memory": "1Mi", "cpu": "250m"}},
            id="requests follow limits and quantities have one form",
        ),
        pytest.param(
            {f"{APP}.resources": {"limits": {"cpu": 2}}},
            f"{APP}.resources.requests.cpu",
            "2",
            id="a number is a quantity",
        ),
        pytest.param(
            {f"{APP}.livenessProbe": {"httpGet": {"port": 80}}},
            f"{APP}.livenessProbe",
            {
                "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                "timeoutSeconds": 1,
                "periodSeconds": 10,
                "successThreshold": 1,
                "failureThreshold": 3,
            },
            id="a probe's numbers",
        ),
        pytest.param(
            {f"{APP}.lifecycle": {"preStop": {"httpGet": {"port": 80}}}},
            f"{APP}.lifecycle.preStop.httpGet",
            {"port": 80, "path": "/", "scheme": "HTTP"},
            id="a hook's path and scheme",
        ),
        pytest.param(
            {f"{APP}.env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
            f"{APP}.env.0.valueFrom.fieldRef.apiVersion",
            "v1",
            id="a field reference's version",
        ),
        pytest.param(
            {f"{APP}.env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]},
            f"{APP}.env.0.valueFrom.resourceFieldRef.divisor",
            "0",
            id="a resource reference's divisor",
        ),
        pytest.param(
            {"spec.serviceAccount": "robot"}, "spec.serviceAccountName", "robot", id="the older account field"
        ),
        pytest.param(
            {"spec.serviceAccount": "old", "spec.serviceAccountName": "new"},
            "spec.serviceAccount",
            "new",
            id="the newer account field wins",
        ),
        pytest.param({"spec.runtimeClassName": ""}, "spec.runtimeClassName", None, id="an empty class is no class"),
        pytest.param({"spec.volumes": [{"name": "v"}]}, "spec.volumes.0.emptyDir", {}, id="a bare volume is empty"),
        pytest.param(
            {"spec.volumes": [{"name": "v", "hostPath": {"path": "/x"}}]},
            "spec.volumes.0.hostPath.type",
            "",
            id="a host path of any type",
        ),
        pytest.param(
            {"spec.volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            "spec.volumes.0.secret.defaultMode",
            0o644,
            id="files of a secret can be read",
        ),
        pytest.param(
            {"spec.volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "spec.volumes.0.projected.sources.0.serviceAccountToken.expirationSeconds",
            3600,
            id="a token lives for an hour",
        ),
        pytest.param(
            {"spec.volumes": [{"name": "v", "image": {"reference": "app:1"}}]},
            "spec.volumes.0.image.pullPolicy",
            "IfNotPresent",
            id="an image volume follows the same rule",
        ),
        pytest.param(
            {"spec.resources": {"limits": {"cpu": "2", "memory": "1Gi"}}, f"{APP}.resources.requests.cpu": "1"},
            "spec.resources.requests",
            {"cpu": "1", "memory": "1Gi"},
            id="what the whole Pod asks for",
        ),
        pytest.param(
            {
                "spec.resources": {"limits": {"cpu": "2"}},
                "spec.initContainers": [{"name": "i", "image": "i", "resources": {"requests": {"cpu": "1500m"}}}],
                f"{APP}.resources.requests.cpu": "0.5",
            },
            "spec.resources",
            {"limits": {"cpu": "2"}, "requests": {"cpu": "1500m"}},
            id="the whole Pod asks for what its start takes",
        ),
        pytest.param(
            {
                "spec.resources": {"limits": {"cpu": "1.0"}},
                f"{APP}.resources.limits": {"cpu": "1", "hugepages-2Mi": "4Mi"},
            },
            "spec.resources",
            {
                "limits": {"cpu": "1", "hugepages-2Mi": "4Mi"},
                "requests": {"cpu": "1", "hugepages-2Mi": "4Mi"},
            },
            id="the whole Pod has its containers' huge pages",
        ),
        pytest.param({"spec.nodeSelector": None}, "spec.nodeSelector", None, id="null is nothing"),
    ],
)
def test_default(edits: dict[str, Any], path: str, value: Any) -> None:
    assert at(pod(edits), path) == value


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "spec.hostNetwork",
                f"{APP}.ports",
                f"{APP}.resources",
                "spec.volumes",
                f"{APP}.livenessProbe",
                "spec.serviceAccount",
            ]
        ),
        st.none(),
    ).flatmap(
        lambda chosen: st.fixed_dictionaries(
            {
                key: {
                    "spec.hostNetwork": st.booleans(),
                    f"{APP}.ports": st.just([{"containerPort": 80}]),
                    f"{APP}.resources": st.sampled_from([{"limits": {"cpu": "x"}}, {"limits": {"cpu": "0.1"}}]),
                    "spec.volumes": st.sampled_from([[{"name": "v"}], [{"name": "v", "image": {}}]]),
                    f"{APP}.livenessProbe": st.sampled_from([{}, {"exec": {"command": ["a"]}, "periodSeconds": 0}]),
                    "spec.serviceAccount": st.sampled_from(["", "a"]),
                }[key]
                for key in chosen
            }
        )
    )
)
def test_defaulting_twice_changes_nothing(edits: dict[str, Any]) -> None:
    once = pod(copy_object(edits))
    twice = copy_object(once)
    PodStrategy().default(twice)
    assert twice == once


def test_a_pod_without_a_spec_gets_one() -> None:
    empty = raw_pod()
    del empty["spec"]
    PodStrategy().default(empty)
    assert empty["spec"]["restartPolicy"] == "Always"
