"""The phase of a Pod, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.status.phase import pod_phase

Status = dict[str, Any]


def running(name: str, *, started: bool = True) -> Status:
    return {"name": name, "state": {"running": {}}, "lastState": {}, "started": started}


def waiting(name: str, *, last_exit: int | None = None) -> Status:
    last = {} if last_exit is None else {"terminated": {"exitCode": last_exit}}
    return {"name": name, "state": {"waiting": {"reason": "x"}}, "lastState": last}


def exited(name: str, code: int = 0) -> Status:
    return {"name": name, "state": {"terminated": {"exitCode": code}}, "lastState": {}}


def pod(policy: str = "Always", apps: str = "a", inits: str = "", sidecars: str = "", **app_fields: Any) -> Status:
    init_list: list[Status] = [{"name": n} for n in inits.split()]
    init_list += [{"name": n, "restartPolicy": "Always"} for n in sidecars.split()]
    return {
        "spec": {
            "restartPolicy": policy,
            "initContainers": init_list,
            "containers": [{"name": n, **app_fields} for n in apps.split()],
        }
    }


CASES = {
    "nothing known yet is pending": (pod(), [], "Pending"),
    "a container that waits is pending": (pod(), [waiting("a")], "Pending"),
    "a running container is running": (pod(), [running("a")], "Running"),
    "one running and one never started is pending": (pod(apps="a b"), [running("a"), waiting("b")], "Pending"),
    "one running and one that crashed is running": (
        pod(apps="a b"),
        [running("a"), waiting("b", last_exit=1)],
        "Running",
    ),
    "a crashed container that restarts is running": (pod(), [exited("a", 1)], "Running"),
    "a container that ended well and restarts is running": (pod(), [exited("a", 0)], "Running"),
    "OnFailure ended well has succeeded": (pod("OnFailure"), [exited("a", 0)], "Succeeded"),
    "OnFailure ended badly restarts": (pod("OnFailure"), [exited("a", 1)], "Running"),
    "Never ended well has succeeded": (pod("Never"), [exited("a", 0)], "Succeeded"),
    "Never ended badly has failed": (pod("Never"), [exited("a", 1)], "Failed"),
    "Never with one good and one bad end has failed": (pod("Never", "a b"), [exited("a"), exited("b", 2)], "Failed"),
    "Never with one still running is running": (pod("Never", "a b"), [exited("a", 1), running("b")], "Running"),
    "an init container that runs is pending": (pod(inits="i"), [running("i"), waiting("a")], "Pending"),
    "an init container that has not begun is pending": (pod(inits="i"), [waiting("i"), waiting("a")], "Pending"),
    "a failed init container under Never has failed": (
        pod("Never", inits="i"),
        [exited("i", 1), waiting("a")],
        "Failed",
    ),
    "a failed init container under Always is tried again": (
        pod(inits="i"),
        [waiting("i", last_exit=1), waiting("a")],
        "Pending",
    ),
    "a finished init container and a running app are running": (
        pod(inits="i"),
        [exited("i"), running("a")],
        "Running",
    ),
    "a sidecar that runs and an app that waits are pending": (
        pod(sidecars="s"),
        [running("s"), waiting("a")],
        "Pending",
    ),
    "a sidecar not yet started holds the Pod pending": (
        pod(sidecars="s"),
        [running("s", started=False), waiting("a")],
        "Pending",
    ),
    "a sidecar that restarts after the app ran stays running": (
        pod(sidecars="s"),
        [running("s", started=False), running("a")],
        "Running",
    ),
    "a Job's Pod is running while its sidecar is": (
        pod("Never", sidecars="s"),
        [running("s"), exited("a")],
        "Running",
    ),
    "a Job's Pod succeeds when its sidecar has ended, however": (
        pod("Never", sidecars="s"),
        [exited("s", 137), exited("a")],
        "Succeeded",
    ),
    "a container's own Never is not restarted under the Pod's Always": (
        pod(restartPolicy="Never"),
        [exited("a", 3)],
        "Failed",
    ),
    "a rule restarts the exit code it names": (
        pod(
            restartPolicy="Never",
            restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
        ),
        [exited("a", 42)],
        "Running",
    ),
    "a rule leaves other exit codes to the policy": (
        pod(
            restartPolicy="Never",
            restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
        ),
        [exited("a", 1)],
        "Failed",
    ),
    "a NotIn rule restarts all others": (
        pod(
            restartPolicy="Never",
            restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [42]}}],
        ),
        [exited("a", 1)],
        "Running",
    ),
}


@pytest.mark.parametrize(("spec", "statuses", "phase"), CASES.values(), ids=CASES.keys())
def test_phase(spec: Status, statuses: list[Status], phase: str) -> None:
    assert pod_phase(spec, statuses) == phase


RESET = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}]


def reset_by_sidecar() -> Status:
    ruled = pod("Never", sidecars="s")
    ruled["spec"]["initContainers"][0]["restartPolicyRules"] = RESET
    return ruled


@pytest.mark.parametrize(
    ("sidecar", "stopping", "stands", "phase"),
    [
        pytest.param(exited("s", 42), False, True, "Running", id="all run again"),
        pytest.param(waiting("s", last_exit=42), False, True, "Running", id="all run again, soon"),
        pytest.param(exited("s", 1), False, True, "Failed", id="another exit code"),
        pytest.param(exited("s", 42), True, True, "Failed", id="nothing is started again"),
        pytest.param(exited("s", 42), False, False, "Failed", id="it was ended with the Pod's sandbox"),
    ],
)
def test_the_end_of_a_sidecar_may_have_all_run_again(sidecar: Status, stopping: bool, stands: bool, phase: str) -> None:
    shown = [sidecar, exited("a", 137)]
    assert pod_phase(reset_by_sidecar(), shown, stopping=stopping, sandbox_stands=stands) == phase


STOPPING = {
    "stopped after a good end has succeeded, even under Always": (pod(), [exited("a")], "Succeeded"),
    "stopped after a bad end has failed, even under Always": (pod(), [exited("a", 143)], "Failed"),
    "stopped while one still runs is running": (pod(apps="a b"), [exited("a"), running("b")], "Running"),
    "stopped before anything began stays pending": (pod(), [waiting("a")], "Pending"),
    "stopped in a failed init container has failed": (pod(inits="i"), [exited("i", 1), waiting("a")], "Failed"),
}


@pytest.mark.parametrize(("spec", "statuses", "phase"), STOPPING.values(), ids=STOPPING.keys())
def test_phase_when_nothing_is_started_again(spec: Status, statuses: list[Status], phase: str) -> None:
    assert pod_phase(spec, statuses, stopping=True) == phase
