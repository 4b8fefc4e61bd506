"""Lifecycle hooks and probes on real containers: when they run, and what follows from how they end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.node.pods import SLEEP, Pods, container, pod, status_of

from podwright.api.objects import Object
from podwright.api.pods import condition_is_true

WEB = f"mkdir /www; echo ok > /www/ok; httpd -p 8080 -h /www; {SLEEP}"
SHARED: dict[str, Any] = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
VOLUMES = [{"name": "shared", "emptyDir": {}}]


def executes(script: str) -> dict[str, Any]:
    """An exec handler."""
    return {"exec": {"command": ["sh", "-c", script]}}


async def test_post_start_ends_before_the_container_counts_as_running(pods: Pods) -> None:
    hook = {"postStart": executes("sleep 0.5; touch /shared/hooked")}
    given = container(SLEEP, lifecycle=hook, readinessProbe=executes("test -e /shared/hooked"), **SHARED)
    await pods.create(pod("p", given, volumes=VOLUMES))
    one = await pods.until("p", lambda one: "running" in (status_of(one) or {}).get("state", {}))
    started = status_of(one)["state"]["running"]["startedAt"]
    assert started and (await pods.ready("p"))["status"]["phase"] == "Running"


async def test_a_failed_post_start_kills_the_container_and_says_so(pods: Pods) -> None:
    given = container(
        "trap 'exit 5' TERM; sleep 1000 & wait", lifecycle={"postStart": executes("usleep 200000; exit 9")}
    )
    await pods.create(pod("p", given, restartPolicy="Never"))
    one = await pods.ended("p")
    assert status_of(one)["state"]["terminated"]["exitCode"] == 5
    await pods.until_told("p", "FailedPostStartHook")


async def test_pre_stop_runs_to_its_end_before_the_container_is_told(pods: Pods, tmp_path: Any) -> None:
    said = "trap 'echo told >> /shared/order; exit 0' TERM; sleep 1000 & wait"
    given = container(said, lifecycle={"preStop": executes("sleep 0.5; echo hook >> /shared/order")}, **SHARED)
    volumes = [{"name": "shared", "hostPath": {"path": str(tmp_path)}}]
    await pods.create(pod("p", given, volumes=volumes, terminationGracePeriodSeconds=10))
    await pods.ready("p")
    await pods.delete("p")
    await pods.gone("p")
    assert (tmp_path / "order").read_text().split() == ["hook", "told"]


async def test_http_hooks_and_sleep_reach_the_container(pods: Pods) -> None:
    hooks = {"preStop": {"httpGet": {"path": "/ok", "port": 8080}}}
    sleeps = {"preStop": {"sleep": {"seconds": 1}}}
    ready = {"httpGet": {"path": "/ok", "port": 8080}, "periodSeconds": 1}
    await asyncio.gather(
        pods.create(pod("http", container(WEB, lifecycle=hooks, readinessProbe=ready))),
        pods.create(pod("sleep", container(lifecycle=sleeps), terminationGracePeriodSeconds=10)),
    )
    await asyncio.gather(pods.ready("http"), pods.ready("sleep"))
    began = time.monotonic()
    await asyncio.gather(pods.delete("http"), pods.delete("sleep"))
    await pods.gone("http")
    await pods.gone("sleep")
    assert time.monotonic() - began >= 1
    assert "FailedPreStopHook" not in await pods.events("http")


async def test_readiness_comes_and_goes_with_its_probe(pods: Pods) -> None:
    probe = {**executes("test -e /shared/ready"), "periodSeconds": 1, "failureThreshold": 1}
    given = container(f"(sleep 1; touch /shared/ready; sleep 3; rm /shared/ready) & {SLEEP}", readinessProbe=probe,
                      **SHARED)  # fmt: skip
    await pods.create(pod("p", given, volumes=VOLUMES))
    running = await pods.until("p", lambda one: one["status"].get("phase") == "Running")
    assert not condition_is_true(running, "Ready")
    await pods.ready("p")
    await pods.until("p", lambda one: not condition_is_true(one, "Ready"))
    await pods.until_told("p", "Unhealthy")


async def test_a_failed_liveness_probe_restarts_the_container(pods: Pods) -> None:
    alive = {**executes("exit 1"), "periodSeconds": 1, "failureThreshold": 1}
    away = {"httpGet": {"path": "/missing", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    closed = {"tcpSocket": {"port": 9}, "periodSeconds": 1, "failureThreshold": 1}
    probes = {"exec": alive, "http": away, "tcp": closed}
    await asyncio.gather(*(pods.create(pod(name, container(WEB, livenessProbe=p))) for name, p in probes.items()))

    def restarted(one: Object) -> bool:
        return bool(status_of(one) and status_of(one)["restartCount"] >= 1)

    await asyncio.gather(*(pods.until(name, restarted) for name in probes))
    for name in probes:
        await pods.until_told(name, "Unhealthy", "Killing")


async def test_a_startup_probe_holds_back_the_others(pods: Pods) -> None:
    given = container(
        f"(sleep 1.5; touch /shared/up) & {SLEEP}",
        startupProbe={**executes("test -e /shared/up"), "periodSeconds": 1, "failureThreshold": 30},
        livenessProbe={**executes("test -e /shared/up"), "periodSeconds": 1, "failureThreshold": 1},
        **SHARED,
    )
    await pods.create(pod("p", given, volumes=VOLUMES))
    one = await pods.ready("p")
    assert (status_of(one)["started"], status_of(one)["restartCount"]) == (True, 0)
