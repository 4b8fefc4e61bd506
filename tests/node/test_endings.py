"""How Pods and their containers end on a real node, and what is left to be read of it."""

from __future__ import annotations

import datetime
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.node.observed import FOREVER, Observed, State, container, now, observed, shell, slack, spec
from tests.node.running_node import RunningNode

from podwright.api.objects import Object, parse_time, uid_of
from podwright.api.resources import PODS
from podwright.client.interface import PatchType

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLITE = "trap 'tell {0} TERM; exit 0' TERM; tell {0}; " + FOREVER
SLOW = "trap 'tell {0} TERM; sleep 1; tell {0} stopped; exit 0' TERM; tell {0}; " + FOREVER
DEAF = "trap 'tell TERM; while :; do tell alive; sleep 0.1; done' TERM; " + FOREVER
NEVER = {"restartPolicy": "Never"}
ON_FAILURE = {"restartPolicy": "OnFailure"}
_PHASES = ("Pending", "Running", "Succeeded", "Failed")


def _sidecar(name: str, **fields: object) -> Object:
    return container(POLITE.format(name), name, restartPolicy="Always", **fields)


def _failing_first(code: int = 1) -> str:
    return f"tell run; [ $(grep -c run /story/$HOSTNAME) -gt 1 ] || exit {code}"


def _pods(own_name: str) -> dict[str, Object]:
    small = {"limits": {"memory": "24Mi"}}
    rule = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
    started = {"exec": {"command": shell("sleep 0.2; tell sidecar-2 started")}, "periodSeconds": 1}
    message = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    return {
        "deadline": spec(container(POLITE.format("main")), activeDeadlineSeconds=2),
        "crash": spec(container("tell run; exit 3")),
        "crash-well": spec(container("tell run; exit 0")),
        "oom": spec(container("exec dd if=/dev/zero of=/dev/null bs=64M count=1", resources=small), **NEVER),
        "well": spec(container("exit 0"), **NEVER),
        "ill": spec(container("echo the reason >/dev/termination-log; exit 4"), **NEVER),
        "ill-with-log": spec(container("echo last words; exit 5", **message), **NEVER),
        "one-of-two": spec(container("exit 6", "ill"), container("sleep 1", "well"), **NEVER),
        "second-try": spec(container(_failing_first()), **ON_FAILURE),
        "own-rule": spec(container(_failing_first(42), restartPolicy="Never", restartPolicyRules=[rule]), **NEVER),
        "no-rule": spec(container(_failing_first(41), restartPolicy="Never", restartPolicyRules=[rule]), **NEVER),
        "ordered": spec(
            container(SLOW.format("main")),
            initContainers=[
                container("sleep 0.5; tell init-1", "init-1"),
                _sidecar("sidecar-1"),
                container("sleep 0.5; tell init-2", "init-2"),
                _sidecar("sidecar-2", startupProbe=started),
            ],
            terminationGracePeriodSeconds=10,
        ),
        "job": spec(container("sleep 1; tell done"), initContainers=[_sidecar("sidecar")], **NEVER),
        "init-ill": spec(container("tell main"), initContainers=[container("exit 7", "init")], **NEVER),
        "init-again": spec(container("tell main"), initContainers=[container(_failing_first(), "init")], **ON_FAILURE),
        "evicted": spec(container(POLITE.format("main"))),
        "hurried": spec(container(DEAF), terminationGracePeriodSeconds=30),
        "forced": spec(container(DEAF), terminationGracePeriodSeconds=30),
        "debugged": spec(container("exec sleep 1000"), nodeName=own_name),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Observed]:
    """All Pods of this module, started side by side."""
    async with observed(node.kubeconfig, "endings", tmp_path_factory.mktemp("endings")) as here:
        await here.create(_pods(node.name))
        yield here


async def _ended(here: Observed, name: str) -> State:
    return await here.until(name, lambda state: state.phase in ("Succeeded", "Failed"))


async def test_a_pod_ends_with_its_deadline(here: Observed) -> None:
    failed = await _ended(here, "deadline")
    told = "Pod was active on the node longer than the specified deadline"
    assert (failed.phase, failed.status["reason"], failed.status["message"]) == ("Failed", "DeadlineExceeded", told)
    await here.until_told("deadline", "main TERM")
    started = parse_time(failed.status["startTime"]).timestamp() - (time.time() - now())
    # The deadline counts from startTime, of which the API tells whole seconds.
    assert started + 2 <= here.time_of("deadline", "main TERM") <= started + 3 + slack(5)
    await here.until("deadline", lambda state: state.state()[0] == "terminated")
    await here.until_event("deadline", ("Normal", "DeadlineExceeded", told))


async def test_a_container_that_crashes_starts_again_at_once_and_then_backs_off(here: Observed) -> None:
    crashed = await here.until("crash", lambda state: state.waits_for("CrashLoopBackOff"))
    name = f"crash_endings({uid_of(crashed.pod)})"
    assert crashed.restarts() == 1
    assert crashed.state()[1]["message"] == f"back-off 10s restarting failed container=main pod={name}"
    last = crashed.container()["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    assert (crashed.phase, crashed.condition("ContainersReady")) == ("Running", "False")
    said = f"Back-off restarting failed container main in pod {name}"
    await here.until_event("crash", ("Warning", "BackOff", said))


async def test_a_container_that_always_restarts_does_so_after_success_too(here: Observed) -> None:
    waiting = await here.until("crash-well", lambda state: state.waits_for("CrashLoopBackOff"))
    last = waiting.container()["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (0, "Completed")


async def test_a_container_that_took_too_much_memory_is_told_as_such(here: Observed) -> None:
    failed = await _ended(here, "oom")
    kind, details = failed.state()
    assert (failed.phase, kind, details["reason"], details["exitCode"]) == ("Failed", "terminated", "OOMKilled", 137)


@pytest.mark.parametrize(
    ("name", "phase", "end"),
    [
        ("well", "Succeeded", (0, "Completed", None)),
        ("ill", "Failed", (4, "Error", "the reason\n")),
        ("ill-with-log", "Failed", (5, "Error", "last words\n")),
    ],
)
async def test_the_end_of_a_container_is_the_end_of_its_pod(
    here: Observed, name: str, phase: str, end: tuple[int, str, str | None]
) -> None:
    ended = await _ended(here, name)
    details = ended.state()[1]
    assert (ended.phase, (details["exitCode"], details["reason"], details.get("message"))) == (phase, end)
    assert ended.restarts() == 0
    started, finished = (datetime.datetime.fromisoformat(details[key]) for key in ("startedAt", "finishedAt"))
    assert started <= finished


async def test_a_pod_has_failed_when_all_have_ended_and_one_has_failed(here: Observed) -> None:
    failed = await _ended(here, "one-of-two")
    assert failed.phase == "Failed"
    assert [failed.state(name)[1]["exitCode"] for name in ("ill", "well")] == [6, 0]


async def test_on_failure_restarts_until_success(here: Observed) -> None:
    ended = await _ended(here, "second-try")
    assert (ended.phase, ended.restarts(), here.told("second-try")) == ("Succeeded", 1, ["run", "run"])


async def test_a_containers_own_rules_decide_by_its_exit_code(here: Observed) -> None:
    again, not_again = await _ended(here, "own-rule"), await _ended(here, "no-rule")
    assert (again.phase, again.restarts()) == ("Succeeded", 1)
    assert (not_again.phase, not_again.restarts()) == ("Failed", 0)


async def test_init_containers_and_sidecars_start_in_order_and_sidecars_end_last_the_newest_first(
    here: Observed,
) -> None:
    await here.until_told("ordered", "main")
    assert here.told("ordered") == ["init-1", "sidecar-1", "init-2", "sidecar-2", "sidecar-2 started", "main"]
    await here.delete("ordered")
    await here.until_gone("ordered")
    assert here.told("ordered")[6:] == ["main TERM", "main stopped", "sidecar-2 TERM", "sidecar-1 TERM"]


async def test_a_job_with_a_sidecar_completes(here: Observed) -> None:
    ended = await _ended(here, "job")
    assert ended.phase == "Succeeded"
    await here.until_told("job", "sidecar TERM")
    assert here.told("job") == ["sidecar", "done", "sidecar TERM"]


async def test_a_failed_init_container_fails_the_pod_that_never_restarts(here: Observed) -> None:
    failed = await _ended(here, "init-ill")
    assert failed.phase == "Failed"
    assert failed.state("init")[1]["exitCode"] == 7
    assert failed.waits_for("PodInitializing")
    assert here.told("init-ill") == []


async def test_a_failed_init_container_is_tried_again(here: Observed) -> None:
    ended = await _ended(here, "init-again")
    assert (ended.phase, ended.restarts("init"), here.told("init-again")) == ("Succeeded", 1, ["run", "run", "main"])


async def test_an_eviction_ends_a_pod_in_order(here: Observed) -> None:
    await here.until_told("evicted", "main")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "evicted", "namespace": "endings"}}
    asked = now()
    await here.client.create(PODS, eviction, "endings", name="evicted", subresource="eviction")
    gone = await here.until_gone("evicted")
    assert here.told("evicted") == ["main", "main TERM"]
    assert gone.at < asked + 0.7 + slack(0.3)
    assert any(state.condition("DisruptionTarget") == "True" for state in here.history["evicted"])


async def test_a_second_delete_shortens_the_grace(here: Observed) -> None:
    await here.until("hurried", State.is_running)
    await here.delete("hurried")
    await here.until_told("hurried", "alive")
    asked = await here.delete("hurried", grace=1)
    gone = await here.until_gone("hurried")
    assert gone.at < asked + 2.7 + slack(0.3)


async def test_a_forced_delete_is_gone_at_once_and_its_container_soon(here: Observed) -> None:
    await here.until("forced", State.is_running)
    asked = await here.delete("forced", grace=0)
    assert (await here.until_gone("forced")).at < asked + 0.2 + slack(0.3)
    await here.until_told("forced", "TERM")
    deadline = asked + 4 + slack(1)
    while now() - here.story("forced")[-1][0] < 0.5:
        assert now() < deadline


async def test_an_ephemeral_container_sees_the_processes_of_its_target(here: Observed) -> None:
    await here.until("debugged", State.is_running)
    script = "grep -q sleep /proc/[0-9]*/comm && tell found"
    added = {**container(script, "debugger"), "targetContainerName": "main"}
    await here.client.patch(
        PODS,
        "debugged",
        {"spec": {"ephemeralContainers": [added]}},
        "endings",
        patch_type=PatchType.STRATEGIC,
        subresource="ephemeralcontainers",
    )
    await here.until_told("debugged", "found")


async def test_the_pause_between_restarts_is_ten_seconds(here: Observed) -> None:
    await here.until_told("crash", "run", times=3)
    _, second, third = (at for at, _ in here.story("crash")[:3])
    assert 10 <= third - second < 11 + slack(1)
    again = await here.until("crash", lambda state: state.waits_for("CrashLoopBackOff") and state.restarts() == 2)
    assert again.state()[1]["message"].startswith("back-off 20s restarting failed container=main")


async def test_phases_never_go_backwards(here: Observed) -> None:
    for name, states in here.history.items():
        phases = [_PHASES.index(state.phase) for state in states]
        assert phases == sorted(phases), name
