"""Resources of a running Pod, changed as its documentation does it."""

from __future__ import annotations

import json

from tests.kubectl.tool import SLEEP, Kubectl

RESIZE_SINCE = 32
"""kubectl 1.32 knows the subresource."""


def _patch(cpu: str) -> str:
    return json.dumps({"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": cpu}}}]}})


def test_a_running_pod_is_resized_and_a_wish_that_is_too_big_is_told(kubectl: Kubectl) -> None:
    kubectl.wants(RESIZE_SINCE, "--subresource resize")
    resources = {"requests": {"cpu": "10m"}, "limits": {"cpu": "90k"}}
    container = {"name": "main", "image": "podwright/busybox:1", "command": ["sh", "-c", SLEEP], "resources": resources}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    kubectl("wait", "pod/p", "--for=condition=Ready", "--timeout=30s")
    allocated = "jsonpath={.status.containerStatuses[0].allocatedResources.cpu}"
    kubectl("patch", "pod", "p", "--subresource", "resize", "--patch", _patch("20m"))
    kubectl("wait", "pod/p", f"--for={allocated}=20m", "--timeout=30s")
    kubectl("patch", "pod", "p", "--subresource", "resize", "--patch", _patch("80k"))
    kubectl("wait", "pod/p", "--for=condition=PodResizePending", "--timeout=30s")
    assert "PodResizePending" in kubectl("describe", "pod", "p")
    assert kubectl("get", "pod", "p", "-o", allocated) == "20m"
    assert kubectl("get", "pod", "p", "-o", "jsonpath={.status.containerStatuses[0].restartCount}") == "0"
    refused = kubectl.refused("patch", "pod", "p", "--patch", _patch("30m"))
    assert "pod updates may not change fields other than" in refused
    kubectl("delete", "pod", "p", "--wait=false", "--grace-period=1")
