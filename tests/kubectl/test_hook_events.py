"""What `kubectl describe pod` says of hooks that fail: the events that the page on hooks names, and no output."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.kubectl.tool import SLEEP, Kubectl

SECRET = "what-the-hook-said"


class _Answers(BaseHTTPRequestHandler):
    """/500 fails, /redirect leads to another host, everything else is well."""

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/elsewhere")
        else:
            self.send_response(500 if self.path == "/500" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    """Where the hooks' requests go: a server beside the node."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield server.server_address[1]
    server.shutdown()
    serving.join()
    server.server_close()


def pods(hook: dict[str, dict[str, Any]]) -> str:
    """A list of Pods, by name, with a postStart hook each."""
    items = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {
                "terminationGracePeriodSeconds": 2,
                "containers": [
                    {
                        "name": "main",
                        "image": "podwright/busybox:1",
                        "command": ["sh", "-c", SLEEP],
                        "lifecycle": {"postStart": handler},
                    }
                ],
            },
        }
        for name, handler in hook.items()
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def events(kubectl: Kubectl, name: str) -> list[tuple[str, str, str, str]]:
    """(type, reason, from, message) of each event that `describe` prints, in its order."""
    _, _, table = kubectl("describe", "pod", name).partition("Events:\n")
    rows = [re.split(r" {2,}", line.strip()) for line in table.splitlines()[2:]]
    return [(row[0], row[1], row[3], row[4]) for row in rows]


def test_hooks_that_fail_are_described_as_the_page_says(kubectl: Kubectl) -> None:
    closed = {"host": "127.0.0.1", "port": 1}
    hooks: dict[str, dict[str, Any]] = {
        "bad-command": {"exec": {"command": ["badcommand"]}},
        "missing-binary": {"exec": {"command": ["/no/such/program"]}},
        "non-zero": {"exec": {"command": ["sh", "-c", f"echo {SECRET}; echo {SECRET} >&2; exit 3"]}},
        "refused": {"httpGet": closed},
        "refused-tls": {"httpGet": {**closed, "scheme": "HTTPS"}},
        "refused-tcp": {"tcpSocket": closed},
    }
    kubectl("apply", "-f", "-", stdin=pods(hooks))
    for name in hooks:
        kubectl("wait", f"pod/{name}", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout=60s")
        # The last of them; events are written in order, a moment after what they tell of.
        kubectl.until("Killing", "describe", "pod", name)
        found = events(kubectl, name)
        node = kubectl("get", "pod", name, "-o", "jsonpath={.spec.nodeName} {.metadata.namespace}").split()
        begun = [
            ("Normal", "Scheduled", "default-scheduler", f"Successfully assigned {node[1]}/{name} to {node[0]}"),
            (
                "Normal",
                "Pulled",
                "kubelet",
                'Container image "podwright/busybox:1" already present on machine and can be accessed by the pod',
            ),
            ("Normal", "Created", "kubelet", "Container created"),
            ("Normal", "Started", "kubelet", "Container started"),
            ("Warning", "FailedPostStartHook", "kubelet", "PostStartHook failed"),
            ("Normal", "Killing", "kubelet", "FailedPostStartHook"),
        ]
        assert set(begun) <= set(found), name
        assert {event[1] for event in found} <= {event[1] for event in begun} | {"BackOff"}, name
        assert SECRET not in kubectl("describe", "pod", name).partition("Events:\n")[2]
    kubectl("delete", "pod", *hooks, "--wait=false")


def test_hooks_whose_answer_is_odd_succeed_and_say_so(kubectl: Kubectl, port: int) -> None:
    here = {"host": "127.0.0.1", "port": port}
    hooks: dict[str, dict[str, Any]] = {
        "well": {"httpGet": here},
        "error-500": {"httpGet": {**here, "path": "/500"}},
        "redirected": {"httpGet": {**here, "path": "/redirect"}},
        "no-tls-there": {"httpGet": {**here, "scheme": "HTTPS"}},
    }
    kubectl("apply", "-f", "-", stdin=pods(hooks))
    kubectl("wait", "pod", *hooks, "--for=condition=Ready", "--timeout=60s")
    said = {name: [event for event in events(kubectl, name) if event[0] == "Warning"] for name in hooks}
    assert said["well"] == said["redirected"] == []
    ((_, _, _, told),) = said["error-500"]
    assert "500" in told
    fell_back = f"request to HTTPS lifecycle hook 127.0.0.1:{port} got HTTP response, retry with HTTP succeeded"
    assert said["no-tls-there"] == [("Warning", "LifecycleHTTPFallback", "kubelet", fell_back)]
    kubectl("delete", "pod", *hooks, "--wait=false")
