"""The whole PodStatus from runtime, failures, probes and what was known before."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from podwright.kubelet.errors import CrashLoopError, ImageError, WaitingError
from podwright.kubelet.runtime_state import ContainerState, ContainerStatus, PodRuntimeStatus, SandboxStatus
from podwright.kubelet.status.containers import ProbeResult, Seen
from podwright.kubelet.status.generate import HostFacts, Stage, Verdict, pod_status, refused_status
from podwright.kubelet.status.resize import Resize

T0 = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
T1 = T0 + datetime.timedelta(minutes=1)
NODE = HostFacts(host_ips=["192.0.2.1"])
SANDBOX = SandboxStatus(id="sb", ready=True, attempt=0, created_at=T0, ips=["10.0.0.7"])
Object = dict[str, Any]


def pod(policy: str = "Always", apps: str = "a", inits: str = "", **spec: Any) -> Object:
    return {
        "metadata": {"name": "p", "namespace": "d", "uid": "u", "generation": 3},
        "spec": {
            "restartPolicy": policy,
            "containers": [{"name": n, "image": f"{n}:1"} for n in apps.split()],
            **({"initContainers": [{"name": n, "image": f"{n}:1"} for n in inits.split()]} if inits else {}),
            **spec,
        },
    }


def container(name: str = "a", state: str = "running", attempt: int = 0, exit_code: int = 0, **more: Any) -> Any:
    return ContainerStatus(
        id=f"{name}-{attempt}",
        name=name,
        state=ContainerState(state),
        attempt=attempt,
        image=f"{name}:1",
        image_ref=f"reg/{name}@sha256:1",
        started_at=T0,
        finished_at=T1 if state == "exited" else None,
        exit_code=exit_code,
        **more,
    )


def runtime(*containers: Any, sandbox: SandboxStatus | None = SANDBOX) -> PodRuntimeStatus:
    return PodRuntimeStatus(uid="u", sandboxes=[sandbox] if sandbox else [], containers=containers)


def status(
    spec: Object,
    state: PodRuntimeStatus,
    *,
    failures: dict[str, WaitingError] | None = None,
    probes: dict[str, ProbeResult] | None = None,
    previous: Object | None = None,
    now: datetime.datetime = T0,
    stage: Stage | None = None,
) -> Object:
    seen = Seen(state, failures or {}, probes or {})
    return pod_status(spec, seen, NODE, previous=previous or {}, now=now, stage=stage or Stage())


def condition(given: Object, kind: str) -> Object:
    return next(c for c in given["conditions"] if c["type"] == kind)


def test_a_pod_that_runs_says_everything_about_itself() -> None:
    answer = status(pod(), runtime(container()))
    assert answer["phase"] == "Running"
    assert answer["observedGeneration"] == 3
    assert (answer["podIP"], answer["podIPs"]) == ("10.0.0.7", [{"ip": "10.0.0.7"}])
    assert (answer["hostIP"], answer["hostIPs"]) == ("192.0.2.1", [{"ip": "192.0.2.1"}])
    assert answer["startTime"] == "2026-01-02T03:04:05Z"
    assert answer["qosClass"] == "BestEffort"
    assert answer["containerStatuses"] == [
        {
            "name": "a",
            "state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}},
            "lastState": {},
            "ready": True,
            "started": True,
            "restartCount": 0,
            "image": "a:1",
            "imageID": "reg/a@sha256:1",
            "containerID": "containerd://a-0",
            "resources": {},
        }
    ]
    assert {c["type"]: c["status"] for c in answer["conditions"]} == dict.fromkeys(
        ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"), "True"
    )
    assert {c["observedGeneration"] for c in answer["conditions"]} == {3}


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param(pod(), "ContainerCreating", id="a Pod without init containers creates"),
        pytest.param(pod(inits="i"), "PodInitializing", id="a Pod with init containers initializes"),
    ],
)
def test_before_the_first_start(spec: Object, reason: str) -> None:
    answer = status(spec, runtime(sandbox=None))
    assert answer["phase"] == "Pending"
    assert answer["containerStatuses"][0]["state"] == {"waiting": {"reason": reason}}
    assert condition(answer, "PodReadyToStartContainers")["status"] == "False"
    assert "podIP" not in answer


def test_statuses_stand_in_the_order_of_the_spec() -> None:
    answer = status(pod(apps="z a m"), runtime(container("a"), container("m"), container("z")))
    assert [c["name"] for c in answer["containerStatuses"]] == ["z", "a", "m"]


def test_a_failed_start_is_why_the_container_waits() -> None:
    failure = ImageError("ErrImagePull", "no such image")
    answer = status(pod(), runtime(), failures={"a": failure})
    waiting = answer["containerStatuses"][0]["state"]
    assert waiting == {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    assert condition(answer, "Ready")["message"] == "containers with unready status: [a]"
    assert condition(answer, "Ready")["reason"] == "ContainersNotReady"


def test_a_crash_loop_keeps_how_it_ended_as_last_state() -> None:
    answer = status(
        pod(), runtime(container(state="exited", exit_code=1, attempt=4)), failures={"a": CrashLoopError("wait", 10.0)}
    )
    shown = answer["containerStatuses"][0]
    assert shown["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "wait"}}
    assert shown["lastState"]["terminated"]["exitCode"] == 1
    assert shown["restartCount"] == 4
    assert answer["phase"] == "Running"


def test_a_failure_of_a_container_that_runs_by_now_is_not_shown() -> None:
    answer = status(pod(), runtime(container()), failures={"a": CrashLoopError("wait", 10.0)})
    assert "running" in answer["containerStatuses"][0]["state"]


def test_a_deleted_pod_shows_no_failed_start() -> None:
    spec = pod()
    spec["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    answer = status(spec, runtime(container(state="exited", exit_code=1)), failures={"a": CrashLoopError("x", 1)})
    assert answer["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 1


@pytest.mark.parametrize(
    ("code", "given", "reason"),
    [
        pytest.param(0, "", "Completed", id="exit 0 without a reason is Completed"),
        pytest.param(3, "", "Error", id="another exit without a reason is Error"),
        pytest.param(137, "OOMKilled", "OOMKilled", id="the runtime's reason stands"),
    ],
)
def test_terminated_reason(code: int, given: str, reason: str) -> None:
    answer = status(pod("Never"), runtime(container(state="exited", exit_code=code, reason=given, message="bye")))
    assert answer["containerStatuses"][0]["state"]["terminated"] == {
        "exitCode": code,
        "reason": reason,
        "message": "bye",
        "startedAt": "2026-01-02T03:04:05Z",
        "finishedAt": "2026-01-02T03:05:05Z",
        "containerID": "containerd://a-0",
    }


def test_two_instances_make_state_and_last_state() -> None:
    answer = status(pod(), runtime(container(attempt=1), container(state="exited", exit_code=2)))
    shown = answer["containerStatuses"][0]
    assert "running" in shown["state"]
    assert shown["lastState"]["terminated"]["exitCode"] == 2
    assert shown["restartCount"] == 1


def test_the_last_state_survives_when_the_runtime_has_forgotten_it() -> None:
    first = status(pod(), runtime(container(state="exited", exit_code=2)))
    second = status(pod(), runtime(container(attempt=1)), previous=first)
    third = status(pod(), runtime(container(attempt=1)), previous=second)
    for answer in (second, third):
        assert answer["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 2


def test_a_running_container_that_vanished_ended_unknown_and_counts_as_a_restart() -> None:
    before = status(pod(), runtime(container()))
    shown = status(pod(), runtime(), previous=before)["containerStatuses"][0]
    assert shown["lastState"]["terminated"] == {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was deleted.  The container used to be Running",
        "containerID": "containerd://a-0",
    }
    assert shown["restartCount"] == 1


def test_a_container_that_ended_and_was_removed_keeps_its_end() -> None:
    before = status(pod("Never"), runtime(container(state="exited", exit_code=5)))
    answer = status(pod("Never"), runtime(sandbox=None), previous=before)
    assert answer["containerStatuses"] == before["containerStatuses"]
    assert answer["phase"] == "Failed"


@pytest.mark.parametrize(
    ("probe", "started", "ready"),
    [
        pytest.param(ProbeResult(), True, True, id="without probes a running container is ready"),
        pytest.param(ProbeResult(ready=False), True, False, id="readiness not yet known or failed is not ready"),
        pytest.param(ProbeResult(ready=True), True, True, id="readiness passed is ready"),
        pytest.param(ProbeResult(started=False, ready=True), False, False, id="not started is not ready"),
        pytest.param(ProbeResult(started=True, ready=True), True, True, id="started and ready"),
    ],
)
def test_probes(probe: ProbeResult, started: bool, ready: bool) -> None:
    answer = status(pod(), runtime(container()), probes={"a": probe})
    shown = answer["containerStatuses"][0]
    assert (shown["started"], shown["ready"]) == (started, ready)
    assert condition(answer, "Ready")["status"] == str(ready)


def test_init_containers_are_ready_when_they_ended_well() -> None:
    answer = status(pod(inits="i"), runtime(container("a"), container("i", state="exited")))
    shown = answer["initContainerStatuses"][0]
    assert (shown["ready"], shown["started"]) == (True, False)
    assert condition(answer, "Initialized")["status"] == "True"


def test_an_init_container_has_started_while_it_runs() -> None:
    answer = status(pod(inits="i"), runtime(container("i")))
    shown = answer["initContainerStatuses"][0]
    assert (shown["ready"], shown["started"]) == (False, True)


def test_init_containers_that_are_not_done_are_named() -> None:
    answer = status(pod(inits="i j"), runtime(container("i", state="exited"), container("j")))
    assert condition(answer, "Initialized")["message"] == "containers with incomplete status: [j]"
    assert condition(answer, "Initialized")["reason"] == "ContainersNotInitialized"


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        pytest.param(
            [], 'corresponding condition of pod readiness gate "x/y" does not exist.', id="a gate nobody has set"
        ),
        pytest.param(
            [{"type": "x/y", "status": "False"}],
            'the status of pod readiness gate "x/y" is not "True", but False',
            id="a gate that is closed",
        ),
        pytest.param([{"type": "x/y", "status": "True"}], None, id="a gate that is open"),
    ],
)
def test_readiness_gates(gate: list[Object], message: str | None) -> None:
    spec = pod(readinessGates=[{"conditionType": "x/y"}])
    answer = status(spec, runtime(container()), previous={"conditions": gate})
    assert condition(answer, "Ready").get("message") == message
    assert condition(answer, "ContainersReady")["status"] == "True"
    assert [c for c in answer["conditions"] if c["type"] == "x/y"] == gate


def test_transition_times_change_only_with_the_status() -> None:
    first = status(pod(), runtime(sandbox=SANDBOX), now=T0)
    second = status(pod(), runtime(container()), previous=first, now=T1)
    assert condition(second, "Ready")["lastTransitionTime"] == "2026-01-02T03:05:05Z"
    assert condition(second, "PodScheduled")["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert second["startTime"] == first["startTime"]


@pytest.mark.parametrize(
    ("old", "state", "phase"),
    [
        pytest.param("Failed", runtime(container()), "Failed", id="Failed is never left"),
        pytest.param("Succeeded", runtime(sandbox=None), "Succeeded", id="Succeeded is never left"),
        pytest.param("Running", runtime(sandbox=None), "Running", id="Running does not become Pending again"),
    ],
)
def test_phases_never_go_backwards(old: str, state: PodRuntimeStatus, phase: str) -> None:
    assert status(pod(), state, previous={"phase": old})["phase"] == phase


def test_a_verdict_waits_until_nothing_runs() -> None:
    stage = Stage(stopping=True, verdict=Verdict("Evicted", "too much"))
    still = status(pod(), runtime(container()), previous={"phase": "Running"}, stage=stage)
    assert (still["phase"], still.get("reason")) == ("Running", None)
    over = status(pod(), runtime(container(state="exited")), previous=still, stage=stage)
    assert (over["phase"], over["reason"], over["message"]) == ("Failed", "Evicted", "too much")
    later = status(pod(), runtime(sandbox=None), previous=over, stage=Stage(stopping=True, finished=True))
    assert (later["phase"], later["reason"], later["message"]) == ("Failed", "Evicted", "too much")


def test_a_verdict_brings_its_conditions() -> None:
    disruption = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
    stage = Stage(verdict=Verdict("Evicted", "too much", [disruption]))
    answer = status(pod(), runtime(), stage=stage)
    assert condition(answer, "DisruptionTarget")["reason"] == "TerminationByKubelet"


@pytest.mark.parametrize(
    ("given", "phase", "state"),
    [
        pytest.param(runtime(sandbox=None), "Failed", "waiting", id="one that never began waits for ever"),
        pytest.param(runtime(container(state="exited")), "Succeeded", "terminated", id="one that ended well has"),
    ],
)
def test_a_finished_pod(given: PodRuntimeStatus, phase: str, state: str) -> None:
    before = {"phase": "Running"} if given.containers else {}
    answer = status(pod(), given, previous=before, stage=Stage(stopping=True, finished=True))
    assert answer["phase"] == phase
    assert state in answer["containerStatuses"][0]["state"]


def test_a_finished_pod_whose_containers_are_lost_says_so() -> None:
    before = status(pod(), runtime(container()))
    answer = status(pod("Never"), runtime(sandbox=None), previous=before, stage=Stage(stopping=True, finished=True))
    terminated = answer["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (137, "ContainerStatusUnknown")
    assert answer["phase"] == "Failed"


def test_host_network_has_the_addresses_of_the_host() -> None:
    sandbox = SandboxStatus(id="sb", ready=True, attempt=0, created_at=T0, host_network=True)
    answer = status(pod(hostNetwork=True), runtime(container(), sandbox=sandbox))
    assert answer["podIP"] == "192.0.2.1"
    assert condition(answer, "PodReadyToStartContainers")["status"] == "True"


def test_a_pod_that_ended_keeps_its_address() -> None:
    before = status(pod("Never"), runtime(container()))
    answer = status(pod("Never"), runtime(container(state="exited"), sandbox=None), previous=before)
    assert answer["podIP"] == "10.0.0.7"


@pytest.mark.parametrize(
    ("code", "reason", "init_reason"),
    [
        pytest.param(0, "PodCompleted", "PodCompleted", id="succeeded"),
        pytest.param(1, "PodFailed", None, id="failed"),
    ],
)
def test_conditions_of_a_pod_at_its_end(code: int, reason: str, init_reason: str | None) -> None:
    answer = status(pod("Never"), runtime(container(state="exited", exit_code=code)))
    assert condition(answer, "Ready") | {"status": "False", "reason": reason} == condition(answer, "Ready")
    assert condition(answer, "ContainersReady")["reason"] == reason
    assert condition(answer, "Initialized").get("reason") == init_reason


def test_a_refused_pod_is_failed_and_says_why() -> None:
    answer = refused_status(pod(), Verdict("OutOfcpu", "Pod was rejected: no"), T0)
    assert (answer["phase"], answer["reason"]) == ("Failed", "OutOfcpu")
    assert "containerStatuses" not in answer


SMALL = {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}
LARGE = {"requests": {"cpu": "200m"}, "limits": {"cpu": "2"}}


def test_what_the_containers_were_given_together() -> None:
    spec = pod(apps="a b", inits="i")
    for one, cpu in zip(
        [*spec["spec"]["containers"], *spec["spec"]["initContainers"]], ("100m", "0.2", "250m"), strict=True
    ):
        one["resources"] = {"requests": {"cpu": cpu}}
    answer = status(spec, runtime())
    assert answer["allocatedResources"] == {"cpu": "300m"}
    assert "resources" not in answer
    assert "allocatedResources" not in status(pod(), runtime())


def test_what_the_whole_pod_was_given_and_has() -> None:
    before = status(pod(resources=SMALL), runtime(container()))
    assert (before["allocatedResources"], before["resources"]) == (SMALL["requests"], SMALL)
    seen = Seen(runtime(container()), {}, {})
    for resize, has in ((Resize(in_progress=True), SMALL), (Resize(), LARGE)):
        answer = pod_status(pod(resources=LARGE), seen, NODE, previous=before, now=T0, resize=resize)
        assert (answer["allocatedResources"], answer["resources"]) == (LARGE["requests"], has)


def test_a_container_that_has_ended_tells_what_it_had() -> None:
    spec = pod("Never")
    spec["spec"]["containers"][0]["resources"] = SMALL
    told = status(spec, runtime(container(state="exited")))["containerStatuses"][0]
    assert (told["resources"], told["allocatedResources"]) == (SMALL, SMALL["requests"])
