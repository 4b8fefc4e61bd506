"""The one word that sums a Pod up, its ready count and its restarts."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object
from podwright.apiserver.registry.pod_columns import COLUMNS, summarize

WAITING = {"waiting": {"reason": "ContainerCreating"}}
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def status(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "app", "state": state, **fields}


def ended(code: int = 0, **fields: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, **fields}}


def made(
    phase: str,
    *containers: dict[str, Any],
    init: tuple[dict[str, Any], ...] = (),
    inits: tuple[dict[str, Any], ...] = (),
    conditions: dict[str, str] | None = None,
    deleted: bool = False,
    **fields: Any,
) -> Object:
    return {
        "metadata": {"name": "p", **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleted else {})},
        "spec": {"containers": [{"name": "app"}], "initContainers": list(inits)},
        "status": {
            "phase": phase,
            "containerStatuses": list(containers),
            "initContainerStatuses": list(init),
            "conditions": [{"type": k, "status": v} for k, v in (conditions or {}).items()],
            **fields,
        },
    }


INIT = ({"name": "i"}, {"name": "j"})
SIDECAR = ({"name": "i", "restartPolicy": "Always"},)


@pytest.mark.parametrize(
    ("pod", "word", "ready"),
    [
        pytest.param(made("Pending"), "Pending", "0/1", id="nothing yet"),
        pytest.param(made("Pending", status(WAITING)), "ContainerCreating", "0/1", id="being made"),
        pytest.param(made("Running", status(RUNNING, ready=True)), "Running", "1/1", id="running"),
        pytest.param(
            made("Running", status({"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=2)),
            "CrashLoopBackOff",
            "0/1",
            id="waiting after a crash",
        ),
        pytest.param(made("Succeeded", status(ended(reason="Completed"))), "Completed", "0/1", id="done"),
        pytest.param(made("Failed", status(ended(3, reason="Error"))), "Error", "0/1", id="failed"),
        pytest.param(made("Failed", status(ended(3))), "ExitCode:3", "0/1", id="failed without a reason"),
        pytest.param(made("Failed", status(ended(137, signal=9))), "Signal:9", "0/1", id="killed"),
        pytest.param(made("Failed", reason="Evicted"), "Evicted", "0/1", id="the Pod's own reason"),
        pytest.param(
            made("Pending", init=(status(RUNNING), status(WAITING)), inits=INIT),
            "Init:0/2",
            "0/1",
            id="the first init container runs",
        ),
        pytest.param(
            made("Pending", init=(status(ended()), status({"waiting": {"reason": "PodInitializing"}})), inits=INIT),
            "Init:1/2",
            "0/1",
            id="the first init container is through",
        ),
        pytest.param(
            made("Pending", init=(status(ended(1)),), inits=INIT),
            "Init:ExitCode:1",
            "0/1",
            id="an init container failed",
        ),
        pytest.param(
            made("Pending", init=(status({"waiting": {"reason": "ErrImagePull"}}),), inits=INIT),
            "Init:ErrImagePull",
            "0/1",
            id="an init container's image",
        ),
        pytest.param(
            made(
                "Running",
                status(RUNNING, ready=True),
                init=({"name": "i", "state": RUNNING, "started": True, "ready": True},),
                inits=SIDECAR,
            ),
            "Running",
            "2/2",
            id="a sidecar counts",
        ),
        pytest.param(
            made(
                "Running",
                status(ended(reason="Completed")),
                status(RUNNING, ready=True),
                conditions={"Ready": "False"},
            ),
            "NotReady",
            "1/1",
            id="one is done, one runs, the Pod is not ready",
        ),
        pytest.param(made("Running", status(RUNNING, ready=True), deleted=True), "Terminating", "1/1", id="on its way"),
        pytest.param(made("Succeeded", status(ended()), deleted=True), "ExitCode:0", "0/1", id="over and deleted"),
        pytest.param(made("Running", reason="NodeLost", deleted=True), "Unknown", "0/1", id="its node is lost"),
        pytest.param(
            {**made("Pending"), "status": {"conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}},
            "SchedulingGated",
            "0/1",
            id="at a gate",
        ),
    ],
)
def test_word(pod: Object, word: str, ready: str) -> None:
    summary = summarize(pod)
    assert (summary.word, f"{summary.ready}/{summary.total}") == (word, ready)


def cell(name: str, pod: Object, now: float = 0.0) -> Any:
    return next(c for c in COLUMNS if c.name == name).cell(pod, now)


def test_restarts_tell_when_the_last_one_was() -> None:
    last = {"terminated": {"finishedAt": "2026-01-01T00:00:00Z"}}
    pod = made("Running", status(RUNNING, ready=True, restartCount=2, lastState=last))
    assert cell("Restarts", pod, 1767225600 + 300) == "2 (5m ago)"
    assert cell("Restarts", made("Running", status(RUNNING))) == "0"


def test_restarts_of_init_containers_that_are_through_do_not_count() -> None:
    pod = made("Running", status(RUNNING, restartCount=1), init=(status(ended(), restartCount=7),), inits=INIT)
    assert summarize(pod).restarts == 1


def test_wide_columns_say_none() -> None:
    pod = made("Pending")
    assert [cell(n, pod) for n in ("IP", "Node", "Nominated Node", "Readiness Gates")] == ["<none>"] * 4
    pod["spec"]["readinessGates"] = [{"conditionType": "a"}, {"conditionType": "b"}]
    pod["status"]["conditions"] = [{"type": "a", "status": "True"}]
    assert cell("Readiness Gates", pod) == "1/2"


def test_the_order_is_kubectls() -> None:
    assert [c.name for c in COLUMNS if not c.priority] == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert [c.name for c in COLUMNS if c.priority] == ["IP", "Node", "Nominated Node", "Readiness Gates"]
