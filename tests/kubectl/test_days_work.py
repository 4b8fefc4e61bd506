"""One day's work with every version of kubectl: a Pod from its manifest to its end."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path

from tests.kubectl.tool import Kubectl, columns, manifest

# Serves /www, prints a line for every line in the file, and ends when told to.
WEB = """
mkdir /www && echo hello from $HOSTNAME > /www/index.html
httpd -p 8080 -h /www
echo ready
trap 'exit 0' TERM
sleep 1000 & wait
"""


def test_a_days_work(every_kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl = every_kubectl
    assert "containerd://" in kubectl("get", "nodes", "-o", "wide")
    assert kubectl("apply", "-f", "-", stdin=manifest("web", WEB)) == "pod/web created\n"
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    (row,) = columns(kubectl("get", "pods", "-o", "wide"))
    assert (row["NAME"], row["READY"], row["STATUS"], row["RESTARTS"]) == ("web", "1/1", "Running", "0")
    assert re.fullmatch(r"10\.\d+\.\d+\.\d+", row["IP"])
    kubectl.until("Container created", "describe", "pod", "web")
    assert "QoS Class" in kubectl("describe", "pod", "web")

    with kubectl.talk("get", "pods", "-w") as watch, kubectl.talk("logs", "-f", "web") as logs:
        watch.until(r"^web +1/1 +Running")
        logs.until("^ready$")
        assert kubectl("exec", "-i", "web", "--", "sh", "-c", "tr a-z A-Z", stdin="piped\n") == "PIPED\n"
        _shell_at_a_terminal(kubectl)
        _copy_there_and_back(kubectl, tmp_path)
        _ask_through_a_forwarded_port(kubectl)
        kubectl("label", "pod", "web", "tier=front")
        kubectl("annotate", "pod", "web", "note=seen")
        kubectl("patch", "pod", "web", "-p", '{"metadata":{"labels":{"tier":"back"}}}')
        assert [row["NAME"] for row in columns(kubectl("get", "pods", "-l", "tier=back"))] == ["web"]
        assert kubectl("apply", "-f", "-", stdin=manifest("web", WEB, labels={"v": "2"})) == "pod/web configured\n"
        for reason in ("Scheduled", "Started"):
            kubectl.until(f" {reason} ", "get", "events")
        assert "lifecycle" in kubectl("explain", "--recursive", "pod")
        kubectl("delete", "pod", "web")
        watch.until(r"^web +\d/1 +(Terminating|Completed)")
        assert logs.end() == 0
    assert "No resources found" in kubectl.run("get", "pods").stderr


def _shell_at_a_terminal(kubectl: Kubectl) -> None:
    with kubectl.terminal("exec", "-it", "web", "--", "sh", rows=41, columns=101) as shell:
        shell.until("# ")
        shell.say("stty size; tty\n")
        shell.until("41 101")
        shell.until("/dev/pts/0")
        shell.say("exit 7\n")
        assert shell.end() == 7


def _copy_there_and_back(kubectl: Kubectl, folder: Path) -> None:
    sent, back = folder / "sent", folder / "back"
    sent.write_bytes(bytes(range(256)) * 512)
    kubectl("cp", sent, "web:/tmp/there")
    kubectl("cp", "web:/tmp/there", back)
    assert back.read_bytes() == sent.read_bytes()


def _ask_through_a_forwarded_port(kubectl: Kubectl) -> None:
    with kubectl.talk("port-forward", "pod/web", ":8080") as forward:
        port = forward.until(r"Forwarding from 127\.0\.0\.1:(\d+) -> 8080")[1]
        for _ in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                assert answer.read() == b"hello from web\n"
