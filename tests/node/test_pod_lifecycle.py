"""How containers end and start again, and what a Pod's status says about it."""

from __future__ import annotations

import asyncio

import pytest
from tests.node.pods import Pods, container, job, pod, status_of, waiting_reason

from podwright.api.pods import condition_is_true


async def test_each_end_has_its_reason_and_exit_code(pods: Pods) -> None:
    scripts = {"well": "exit 0", "badly": "exit 7"}
    await asyncio.gather(*(pods.create(job(name, script)) for name, script in scripts.items()))
    ended = dict(zip(scripts, await asyncio.gather(*map(pods.ended, scripts)), strict=True))
    found = {}
    for name, one in ended.items():
        terminated = status_of(one)["state"]["terminated"]
        found[name] = (one["status"]["phase"], terminated["reason"], terminated["exitCode"])
        assert terminated["containerID"].startswith("containerd://")
        assert terminated["startedAt"] <= terminated["finishedAt"]
    assert found["well"] == ("Succeeded", "Completed", 0)
    assert found["badly"] == ("Failed", "Error", 7)
    conditions = {one["type"]: one for one in ended["well"]["status"]["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("False", "PodCompleted")


async def test_one_that_takes_more_memory_than_its_limit_is_oom_killed(pods: Pods) -> None:
    greedy = container("tail /dev/zero", resources={"limits": {"memory": "16Mi"}})
    await pods.create(pod("greedy", greedy, restartPolicy="Never"))
    terminated = status_of(await pods.ended("greedy"))["state"]["terminated"]
    assert (terminated["reason"], terminated["exitCode"]) == ("OOMKilled", 137)


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [
        pytest.param("Never", 1, "Failed", id="Never leaves a failed container alone"),
        pytest.param("OnFailure", 0, "Succeeded", id="OnFailure leaves one alone that went well"),
    ],
)
async def test_containers_that_stay_ended(pods: Pods, policy: str, code: int, phase: str) -> None:
    await pods.create(pod("p", container(f"exit {code}"), restartPolicy=policy))
    one = await pods.ended("p")
    assert (one["status"]["phase"], status_of(one)["restartCount"]) == (phase, 0)


@pytest.mark.parametrize(("policy", "code"), [("Always", 0), ("Always", 1), ("OnFailure", 1)])
async def test_containers_that_start_again_do_so_less_and_less(pods: Pods, policy: str, code: int) -> None:
    await pods.create(pod("p", container(f"exit {code}"), restartPolicy=policy))

    one = await pods.until("p", lambda one: waiting_reason(one) == "CrashLoopBackOff")
    status = status_of(one)
    # The first restart comes at once, the second is put off.
    assert status["restartCount"] == 1
    assert status["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=main pod=p_")
    assert status["lastState"]["terminated"]["exitCode"] == code
    assert one["status"]["phase"] == "Running"
    await pods.until_told("p", "BackOff")


async def test_init_containers_run_one_after_the_other_before_the_rest(pods: Pods) -> None:
    shared = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
    inits = [container(f"echo {name} >> /shared/order", name, **shared) for name in ("first", "second")]
    last = container("echo last >> /shared/order; cat /shared/order > /dev/termination-log", **shared)
    one = pod("p", last, initContainers=inits, restartPolicy="Never", volumes=[{"name": "shared", "emptyDir": {}}])
    assert (await pods.message(one)).split() == ["first", "second", "last"]


async def test_an_init_container_that_fails_keeps_the_rest_from_starting(pods: Pods) -> None:
    await pods.create(pod("p", initContainers=[container("exit 3", "init")], restartPolicy="Never"))
    one = await pods.ended("p")
    assert one["status"]["phase"] == "Failed"
    assert status_of(one, "init")["state"]["terminated"]["exitCode"] == 3
    assert status_of(one)["state"]["waiting"]["reason"] == "PodInitializing"


async def test_a_sidecar_starts_before_and_ends_after_the_rest(pods: Pods) -> None:
    side = container("trap 'exit 0' TERM; touch /shared/up; sleep 1000 & wait", "side", restartPolicy="Always",
                     volumeMounts=[{"name": "shared", "mountPath": "/shared"}])  # fmt: skip
    side["startupProbe"] = {"exec": {"command": ["test", "-e", "/shared/up"]}, "periodSeconds": 1}
    main = container("ls /shared > /dev/termination-log", volumeMounts=side["volumeMounts"])
    one = pod("p", main, initContainers=[side], restartPolicy="Never", volumes=[{"name": "shared", "emptyDir": {}}])
    assert await pods.message(one) == "up\n"
    assert (await pods.ended("p"))["status"]["phase"] == "Succeeded"


async def test_the_last_words_of_a_container(pods: Pods) -> None:
    custom = container("echo here > /last", terminationMessagePath="/last")
    logs = container("echo a line; exit 1", terminationMessagePolicy="FallbackToLogsOnError")
    said = await asyncio.gather(
        pods.message(job("file", "printf words > /dev/termination-log")),
        pods.message(pod("custom", custom, restartPolicy="Never")),
        pods.message(pod("logs", logs, restartPolicy="Never")),
        pods.message(job("long", "yes | head -c 9000 > /dev/termination-log")),
    )
    assert said == ["words", "here\n", "a line\n", ("y\n" * 4500)[:4096]]


async def test_an_active_deadline_ends_the_pod(pods: Pods) -> None:
    await pods.create(pod("p", activeDeadlineSeconds=1))
    one = await pods.ended("p")
    assert (one["status"]["phase"], one["status"]["reason"]) == ("Failed", "DeadlineExceeded")


async def test_an_image_that_cannot_be_had(pods: Pods) -> None:
    absent, never = container(), container()
    absent["image"] = "127.0.0.1:1/absent:1"
    never |= {"image": "podwright/absent:1", "imagePullPolicy": "Never"}
    wanted = {"absent": "ImagePullBackOff", "never": "ErrImageNeverPull"}
    await asyncio.gather(pods.create(pod("absent", absent)), pods.create(pod("never", never)))
    await asyncio.gather(
        *(pods.until(name, lambda one, reason=reason: waiting_reason(one) == reason) for name, reason in wanted.items())
    )


async def test_a_pod_that_fits_nowhere_says_why(pods: Pods) -> None:
    await pods.create(pod("p", container(resources={"requests": {"cpu": "1000"}})))
    one = await pods.until("p", lambda one: one["status"].get("conditions"))
    (condition,) = (c for c in one["status"]["conditions"] if c["type"] == "PodScheduled")
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert "0/1 nodes are available: 1 Insufficient cpu" in condition["message"]


async def test_what_happens_during_a_long_end_is_told_before_it_is_over(pods: Pods) -> None:
    slow = container("sleep 1000", "slow", lifecycle={"preStop": {"sleep": {"seconds": 600}}})
    await pods.create(pod("p", container(), slow, terminationGracePeriodSeconds=600))
    await pods.ready("p")
    await pods.delete("p")
    one = await pods.until("p", lambda one: "terminated" in status_of(one)["state"])
    assert status_of(one)["state"]["terminated"]["exitCode"] == 0
    assert "running" in status_of(one, "slow")["state"]
    assert (one["status"]["phase"], condition_is_true(one, "Ready")) == ("Running", False)
    await pods.delete("p", grace=1)
    await pods.gone("p")
