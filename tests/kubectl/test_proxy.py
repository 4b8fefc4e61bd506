"""A Pod's own server, asked through the API server."""

from __future__ import annotations

import json

from tests.kubectl.tool import Kubectl

_WEB = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "main",
                "image": "podwright/busybox:1",
                "command": ["sh", "-c", "mkdir /www && echo hello >/www/a.txt && exec httpd -f -p 8080 -h /www"],
                "ports": [{"containerPort": 8080, "name": "http"}],
                "readinessProbe": {"httpGet": {"port": "http", "path": "/a.txt"}, "periodSeconds": 1},
            }
        ],
    },
}


def test_pods_and_services_answer_through_the_api_server(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps(_WEB))
    kubectl("expose", "pod", "web", "--port=80", "--target-port=http")
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    base = f"/api/v1/namespaces/{kubectl.namespace}"
    assert kubectl("get", "--raw", f"{base}/pods/web/proxy/a.txt") == "hello\n"
    assert kubectl("get", "--raw", f"{base}/pods/http:web:8080/proxy/a.txt") == "hello\n"
    kubectl("wait", "--for=jsonpath={.subsets[0].addresses[0].ip}", "endpoints/web", "--timeout=30s")
    assert kubectl("get", "--raw", f"{base}/services/web:80/proxy/a.txt") == "hello\n"
    assert "error trying to reach service" in kubectl.refused("get", "--raw", f"{base}/pods/web:1/proxy/")
    assert 'no service port "x" found' in kubectl.refused("get", "--raw", f"{base}/services/web:x/proxy/")
