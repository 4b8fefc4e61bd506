"""kubectl from 1.31 asks for WebSockets first: it gets them where the runtime can, and falls back where it cannot."""

from __future__ import annotations

from tests.kubectl.tool import SLEEP, Kubectl

WEBSOCKETS_SINCE = 31


def test_exec_by_websocket_and_by_what_came_before(kubectl: Kubectl) -> None:
    kubectl.wants(WEBSOCKETS_SINCE, "exec by WebSocket")
    kubectl.pod("p", SLEEP)
    large = kubectl("exec", "p", "--", "seq", "1", "100000")
    assert large.split() == [str(number) for number in range(1, 100_001)]
    said = kubectl.run("-v=6", "exec", "p", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (said.returncode, said.stdout) == (3, "out\n")
    assert "err\n" in said.stderr and "fallback" not in said.stderr
    said = kubectl.run("-v=6", "exec", "-i", "p", "--", "cat", stdin="one\ntwo\n")
    assert (said.returncode, said.stdout) == (0, "one\ntwo\n")
    assert "fallback" in said.stderr
