"""securityContext, as the processes in the container see it."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.node.pods import Pods, container, job, pod, status_of, waiting_reason


def constrained(name: str, script: str, context: dict[str, Any], **spec: Any) -> Any:
    """A Pod whose one container has this securityContext and leaves its output as last words."""
    one = container(f"({script}) > /dev/termination-log 2>&1", securityContext=context)
    return pod(name, one, restartPolicy="Never", **spec)


async def test_what_processes_may_and_are(pods: Pods) -> None:
    caps = "sed -n 's/^CapEff:.//p' /proc/self/status"
    flags = "sed -n 's/^NoNewPrivs:.//p' /proc/self/status"
    seccomp = "sed -n 's/^Seccomp:.//p' /proc/self/status"
    groups = {"fsGroup": 3000, "supplementalGroups": [4000], "runAsUser": 1000, "runAsGroup": 2000}
    said = await asyncio.gather(
        pods.message(constrained("user", "id -u; id -g", {"runAsUser": 1234, "runAsGroup": 5678})),
        pods.message(job("groups", "id -u; id -g; id -G > /dev/stdout; id > /dev/termination-log",
                         securityContext=groups)),
        pods.message(constrained("read-only", "touch /x || echo refused", {"readOnlyRootFilesystem": True})),
        pods.message(constrained("dropped", caps, {"capabilities": {"drop": ["ALL"]}})),
        pods.message(constrained("one", caps, {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}})),
        pods.message(constrained("no-more", flags, {"allowPrivilegeEscalation": False})),
        pods.message(constrained("filtered", seccomp, {"seccompProfile": {"type": "RuntimeDefault"}})),
        pods.message(constrained("unconfined", seccomp, {"seccompProfile": {"type": "Unconfined"}})),
        pods.message(constrained("privileged", "ls /dev/kmsg /dev/loop-control; test -w /sys && echo writable",
                                 {"privileged": True})),
    )  # fmt: skip
    user, known, read_only, dropped, single, no_more, filtered, unconfined, privileged = said
    assert user.split() == ["1234", "5678"]
    assert known.strip() == "uid=1000 gid=2000 groups=2000,3000,4000"
    assert "Read-only file system" in read_only and "refused" in read_only
    assert (int(dropped, 16), int(single, 16)) == (0, 1 << 10)
    assert (no_more.strip(), filtered.strip(), unconfined.strip()) == ("1", "2", "0")
    assert "/dev/kmsg" in privileged


async def test_run_as_non_root_refuses_an_image_whose_user_is_root(pods: Pods) -> None:
    one = container(securityContext={"runAsNonRoot": True})
    await pods.create(pod("p", one))
    seen = await pods.until("p", lambda one: waiting_reason(one) == "CreateContainerConfigError")
    message = status_of(seen)["state"]["waiting"]["message"]
    assert message.startswith("container has runAsNonRoot and image will run as root")


async def test_sysctls_of_the_pod(pods: Pods) -> None:
    safe = {"sysctls": [{"name": "net.ipv4.ip_local_port_range", "value": "40000 40099"}]}
    script = "cat /proc/sys/net/ipv4/ip_local_port_range > /dev/termination-log"
    assert (await pods.message(job("p", script, securityContext=safe))).split() == ["40000", "40099"]
