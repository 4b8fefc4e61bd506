"""Why a Pod is as it is."""

from __future__ import annotations

import datetime

import pytest
from tests.cli.pods import event, pod, running, terminated, waiting

from podwright.api.objects import Object
from podwright.cli.explain import explain
from podwright.kubelet.lifecycle.hook_log import HookRun

NOW = datetime.datetime(2026, 1, 1, 0, 0, 20, tzinfo=datetime.UTC)


def told(seen: Object, *events: Object) -> str:
    findings = explain(seen, events, (), NOW)
    return "\n".join(line for f in findings for line in (f.what, *f.details, f"-> {f.advice}"))


@pytest.mark.parametrize(
    ("seen", "events", "parts"),
    [
        pytest.param(pod(), (), ["container app waits: nothing said yet"], id="a container without a status waits"),
        pytest.param(
            pod({"a": terminated(0)}, phase="Succeeded", policy="Never"),
            (),
            ["all its containers ended with exit code 0"],
            id="nothing is wrong with a Pod that ended well",
        ),
        pytest.param(
            pod(node=""),
            (event("FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu."),),
            ["no node takes it", "Insufficient cpu", "-> lower resources.requests"],
            id="too big for the node",
        ),
        pytest.param(
            pod({"a": waiting("ImagePullBackOff", "Back-off")}),
            (event("Failed", 'Failed to pull image "example/app:1": refused', count=2),),
            ["ImagePullBackOff", "tried twice, last 10s ago; the next try in about 10s", "-> check the image's name"],
            id="a pull that is tried again is told with its next time",
        ),
        pytest.param(
            pod({"a": waiting("ImagePullBackOff", "Back-off; next attempt at T")}),
            (event("Failed", 'Failed to pull image "example/app:1": refused'),),
            ["next attempt at T", "tried once, last 10s ago\n"],
            id="where the node tells the next time nothing is reckoned",
        ),
        pytest.param(
            pod({"a": waiting("CrashLoopBackOff")}, restarts=3, last=terminated(127)),
            (),
            ["(3 times restarted)", "exit code 127", "is it in the image", "--previous"],
            id="a crash loop tells how the last run ended",
        ),
        pytest.param(
            pod(
                {"a": waiting("CrashLoopBackOff")},
                restarts=1,
                last=terminated(128, "StartError", message="no such file"),
            ),
            (),
            ["no such file", "-> correct `command`"],
            id="a program that can't be started has no log to read",
        ),
        pytest.param(
            pod({"a": terminated(137, "OOMKilled")}, phase="Failed", policy="Never"),
            (),
            ["exit code 137 (OOMKilled)", "resources.limits.memory"],
            id="out of memory",
        ),
        pytest.param(
            pod(),
            (event("FailedMount", 'configmap "x" not found', count=4),),
            ["a volume can't be mounted (tried 4 times)", 'configmap "x" not found'],
            id="a volume that is not there",
        ),
        pytest.param(
            pod({"a": running()}, phase="Running"),
            (event("Unhealthy", "Readiness probe failed: refused"),),
            ["runs and is not ready", "refused", "-> its probe must succeed"],
            id="a probe that fails",
        ),
        pytest.param(
            pod(phase="Failed", reason="Evicted", message="The node was low on disk"),
            (),
            ["Failed: Evicted", "low on disk"],
            id="evicted",
        ),
    ],
)
def test_what_is_told(seen: Object, events: tuple[Object, ...], parts: list[str]) -> None:
    text = told(seen, *events)
    assert [part for part in parts if part not in text] == [], text


def test_a_deleted_pod_tells_who_holds_it() -> None:
    seen = pod({"a": running()}, phase="Running")
    seen["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:15Z", "finalizers": ["example.org/keep"]}
    assert "its grace period ended 5s ago\nfinalizers: example.org/keep" in told(seen)


def test_only_the_last_run_of_a_hook_counts() -> None:
    runs = [
        HookRun("t", "a", "id", "postStart", "exec", result, 0.1, output="said") for result in ("Succeeded", "Failed")
    ]
    texts = [finding.what for finding in explain(pod({"a": running()}), (), runs, NOW)]
    assert "postStart hook (exec) of a: Failed" in texts
    assert not any("hook" in f.what for f in explain(pod({"a": running()}), (), runs[::-1], NOW))
