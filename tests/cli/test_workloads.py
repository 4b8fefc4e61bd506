"""How far a workload has come, as `podwright run` sees it, and how long it may wait."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cli.pods import pod, running, terminated, waiting

from podwright.api.objects import Object
from podwright.api.resources import (
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)
from podwright.cli.followed import PATIENCE, SETTLING, FollowedWorkload
from podwright.cli.outcome import Stage
from podwright.cli.workloads import Progress, Seen, current_pods, pods_at_once, progress_of

READY = {"Ready": "True"}
QUOTA = 'pods "web-1" is forbidden: exceeded quota: few'
MADE, NOT_MADE = "SuccessfulCreate", "FailedCreate"
REVISION = "deployment.kubernetes.io/revision"
GENERATION = "deprecated.daemonset.template.generation"


def workload(spec: dict[str, Any] | None = None, status: dict[str, Any] | None = None, **annotations: str) -> Object:
    """One of generation 2, which its controller has seen unless the status says otherwise."""
    meta = {"name": "web", "namespace": "default", "uid": "w", "generation": 2, "annotations": {REVISION: "2"}}
    meta["annotations"] = {REVISION: "2", **annotations}
    return {"metadata": meta, "spec": spec or {}, "status": {"observedGeneration": 2, **(status or {})}}


def replica_set(revision: str) -> Object:
    return {"metadata": {"name": f"web-{revision}", "uid": f"set{revision}", "annotations": {REVISION: revision}}}


def owned(
    one: Object, name: str = "web-1", owner: str = "set2", *, going: bool = False, labels: dict[str, str] | None = None
) -> Object:
    """A Pod as one of a workload."""
    meta = {**one["metadata"], "name": name, "uid": name, "labels": labels or {}}
    meta["ownerReferences"] = [{"uid": owner, "controller": True}]
    if going:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {**one, "metadata": meta}


def told(reason: str, version: int, message: str = QUOTA) -> Object:
    return {"metadata": {"resourceVersion": str(version)}, "reason": reason, "message": message}


def deployment(status: dict[str, Any], *pods: Object, spec: dict[str, Any] | None = None, **more: Any) -> Seen:
    made = workload(spec or {"replicas": 2}, status)
    return Seen(DEPLOYMENTS, made, pods, [replica_set("1"), replica_set("2")], **more)


def job(status: dict[str, Any], *pods: Object, **spec: Any) -> Seen:
    return Seen(JOBS, workload({"completions": 3, "parallelism": 2, **spec}, status), pods)


def ended(kind: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": message}]}


NEVER = pod({"a": waiting("ErrImageNeverPull")})
NO_PULL = pod({"a": waiting("ImagePullBackOff")})
NO_ROOM = pod(node="", conditions={"PodScheduled": "False"})
PROBED = pod({"a": running()}, conditions=READY)
PROBED["spec"]["containers"][0]["readinessProbe"] = {"exec": {"command": ["true"]}}
THERE = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
NONE_THERE = {"replicas": 2, "updatedReplicas": 2}
NONE = "0 of 2 Pods available"
REFUSED = (("", f"FailedCreate: {QUOTA}"),)


@pytest.mark.parametrize(
    ("seen", "progress"),
    [
        pytest.param(
            deployment({**THERE, "observedGeneration": 1}),
            Progress(Stage.WAITING, ""),
            id="what the status says of an older spec does not count",
        ),
        pytest.param(
            deployment(THERE), Progress(Stage.READY, "2 of 2 Pods available"), id="all there: it is rolled out"
        ),
        pytest.param(
            deployment({}, spec={"replicas": 0}),
            Progress(Stage.READY, "0 of 0 Pods available"),
            id="one without Pods is rolled out at once",
        ),
        pytest.param(
            deployment({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}),
            Progress(Stage.WAITING, "2 of 2 Pods available, 1 still to go"),
            id="an old Pod that is left is waited for",
        ),
        pytest.param(
            deployment({"replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}),
            Progress(Stage.WAITING, "2 of 2 Pods available, 1 of 2 updated, 2 still to go"),
            id="a roll in the middle",
        ),
        pytest.param(
            deployment(NONE_THERE, spec={"replicas": 2, "paused": True}),
            Progress(Stage.READY, "what is new waits until it is resumed"),
            id="a paused one is not waited for",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(pod({"a": running()}))),
            Progress(Stage.WAITING, NONE),
            id="Pods that are not yet Ready",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(NO_PULL), owned(NO_PULL, "web-2")),
            Progress(Stage.STUCK, NONE, stuck=(("web-1", "ImagePullBackOff"), ("web-2", "ImagePullBackOff"))),
            id="a pull that fails may succeed yet: stuck",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(pod({"a": waiting("ErrImagePull")}))),
            Progress(Stage.WAITING, NONE),
            id="one failed pull is no reason to worry",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(NEVER)),
            Progress(Stage.HOPELESS, NONE, 1, (("web-1", "ErrImageNeverPull"),)),
            id="an image that nobody pulls leads nowhere",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(NEVER, owner="set1"), owned(NEVER, "web-2", going=True)),
            Progress(Stage.WAITING, NONE),
            id="what an older template or a Pod that goes suffers from is over soon",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(pod({"a": waiting("CrashLoopBackOff")}, restarts=1))),
            Progress(Stage.STUCK, NONE, stuck=(("web-1", "CrashLoopBackOff"),)),
            id="a container that ended once more may have waited for another one",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(pod({"a": waiting("CrashLoopBackOff")}, restarts=2))),
            Progress(Stage.HOPELESS, NONE, 1, (("web-1", "CrashLoopBackOff"),)),
            id="one that ends again and again leads nowhere",
        ),
        pytest.param(
            deployment(
                {
                    "conditions": [
                        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA}
                    ]
                }
            ),
            Progress(Stage.STUCK, NONE + ", 0 of 2 updated", stuck=REFUSED),
            id="a quota that lets no Pod be made",
        ),
        pytest.param(
            deployment(
                {
                    "conditions": [
                        {
                            "type": "Progressing",
                            "status": "False",
                            "reason": "ProgressDeadlineExceeded",
                            "message": "timed out",
                        }
                    ],
                    **NONE_THERE,
                }
            ),
            Progress(Stage.HOPELESS, NONE, 1, (("", "ProgressDeadlineExceeded: timed out"),)),
            id="its own deadline has passed",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(NO_ROOM)),
            Progress(Stage.STUCK, NONE, stuck=(("web-1", "Unschedulable"),)),
            id="no node has room",
        ),
        pytest.param(
            deployment(NONE_THERE, owned(NO_ROOM), owned(pod(), "web-0", going=True)),
            Progress(Stage.WAITING, NONE),
            id="a Pod that goes makes room",
        ),
        pytest.param(
            Seen(REPLICA_SETS, workload({"replicas": 2}, {"replicas": 2, "availableReplicas": 2})),
            Progress(Stage.READY, "2 of 2 Pods available"),
            id="a ReplicaSet is there with its Pods",
        ),
        pytest.param(
            Seen(REPLICATION_CONTROLLERS, workload({"replicas": 1}, {"replicas": 2, "availableReplicas": 2})),
            Progress(Stage.WAITING, "1 of 1 Pods available, 1 still to go"),
            id="a ReplicationController with one Pod too many",
        ),
        pytest.param(
            Seen(STATEFUL_SETS, workload({"replicas": 2}, {"replicas": 1, "updatedReplicas": 1})),
            Progress(Stage.WAITING, "0 of 2 Pods available, 1 of 2 updated"),
            id="a StatefulSet makes one after another",
        ),
        pytest.param(
            Seen(
                STATEFUL_SETS,
                workload(
                    {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
                    {"replicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
                ),
            ),
            Progress(Stage.READY, "2 of 2 Pods available"),
            id="those below the partition stay as they are",
        ),
        pytest.param(
            Seen(STATEFUL_SETS, workload({"replicas": 1}), events=[told(MADE, 9), told(NOT_MADE, 10)]),
            Progress(Stage.STUCK, "0 of 1 Pods available, 0 of 1 updated", stuck=REFUSED),
            id="the newest event of a StatefulSet says that no Pod was made",
        ),
        pytest.param(
            Seen(STATEFUL_SETS, workload({"replicas": 1}), events=[told(NOT_MADE, 9), told(MADE, 10)]),
            Progress(Stage.WAITING, "0 of 1 Pods available, 0 of 1 updated"),
            id="a refusal that is over",
        ),
        pytest.param(
            Seen(DAEMON_SETS, workload({}, {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1})),
            Progress(Stage.WAITING, "0 of 1 Pods available"),
            id="a DaemonSet's Pod is not yet available",
        ),
        pytest.param(
            Seen(
                DAEMON_SETS,
                workload({"updateStrategy": {"type": "OnDelete"}}, {"desiredNumberScheduled": 1, "numberAvailable": 1}),
            ),
            Progress(Stage.READY, "1 of 1 Pods available"),
            id="Pods that are replaced when they are deleted are not waited for",
        ),
        pytest.param(job({}), Progress(Stage.WAITING, "0 of 3 completions"), id="a Job that has not begun"),
        pytest.param(
            job({}, owned(pod({"a": running()}, policy="Never")), owned(NO_ROOM, "web-2")),
            Progress(Stage.STARTED, "0 of 3 completions"),
            id="a Job's Pod waits for the room of another",
        ),
        pytest.param(
            job({"failed": 1}),
            Progress(Stage.STARTED, "0 of 3 completions, 1 failed"),
            id="between two tries a Job is at work",
        ),
        pytest.param(
            job({}, owned(pod({"a": waiting("CrashLoopBackOff")}, policy="OnFailure", restarts=3))),
            Progress(Stage.STARTED, "0 of 3 completions"),
            id="how often a container fails is the Job's affair",
        ),
        pytest.param(
            job({}, owned(NO_PULL)),
            Progress(Stage.STUCK, "0 of 3 completions", stuck=(("web-1", "ImagePullBackOff"),)),
            id="a Job whose image does not come",
        ),
        pytest.param(
            job({}, owned(pod({"a": waiting("InvalidImageName")}))),
            Progress(Stage.HOPELESS, "0 of 3 completions", 1, (("web-1", "InvalidImageName"),)),
            id="a Job whose image can't come",
        ),
        pytest.param(
            job({}, suspend=True),
            Progress(Stage.READY, "it is suspended until somebody resumes it"),
            id="a suspended Job is not waited for",
        ),
        pytest.param(
            job({"succeeded": 3, **ended("Complete")}),
            Progress(Stage.ENDED, "3 of 3 completions"),
            id="a Job that is complete",
        ),
        pytest.param(
            job({"succeeded": 3, **ended("Complete")}, owned(pod({"a": running()}, policy="Never"))),
            Progress(Stage.STARTED, "3 of 3 completions"),
            id="the end of its last Pod is seen a moment later",
        ),
        pytest.param(
            job({"succeeded": 1}, completions=None),
            Progress(Stage.WAITING, "1 Pods succeeded"),
            id="a Job that takes from a queue",
        ),
        pytest.param(
            job(
                {"failed": 1, **ended("Failed", "BackoffLimitExceeded", "too many")},
                owned(pod({"a": terminated(7)}, phase="Failed", policy="Never")),
            ),
            Progress(Stage.ENDED, "0 of 3 completions, 1 failed", 7, (("", "BackoffLimitExceeded: too many"),)),
            id="a Job that failed has the exit status of its first Pod that did",
        ),
    ],
)
def test_progress(seen: Seen, progress: Progress) -> None:
    assert progress_of(seen) == progress


def test_the_pods_of_the_newest_template_are_those_that_its_kind_marks() -> None:
    updated = workload({}, {"updateRevision": "web-b"}, **{GENERATION: "4"})
    by_revision = [owned(pod(), name, labels={"controller-revision-hash": name}) for name in ("web-a", "web-b")]
    assert current_pods(Seen(STATEFUL_SETS, updated, by_revision)) == by_revision[1:]
    by_generation = [owned(pod(), name, labels={"pod-template-generation": name}) for name in ("3", "4")]
    assert current_pods(Seen(DAEMON_SETS, updated, by_generation)) == by_generation[1:]
    assert current_pods(Seen(REPLICA_SETS, updated, by_revision)) == by_revision


@pytest.mark.parametrize(
    ("resource", "spec", "status", "number"),
    [
        (JOBS, {"completions": 1, "parallelism": 1}, {}, 1),
        (JOBS, {"completions": 4, "parallelism": 1}, {}, 4),
        (DEPLOYMENTS, {"replicas": 3}, {}, 3),
        (DAEMON_SETS, {}, {"desiredNumberScheduled": 1}, 1),
    ],
)
def test_how_many_pods_there_will_be(
    resource: Resource, spec: dict[str, Any], status: dict[str, Any], number: int
) -> None:
    assert pods_at_once(Seen(resource, workload(spec, status))) == number


# how long it may wait


def followed(seen: Seen, now: float = 0.0) -> FollowedWorkload:
    return FollowedWorkload.of("deployment/web", seen, now)


def test_what_gets_on_has_all_its_time_again() -> None:
    one = followed(deployment(NONE_THERE))
    assert one.deadline(120) == 120
    one.look(deployment(NONE_THERE), 50)
    assert one.deadline(120) == 120
    one.look(deployment({**NONE_THERE, "availableReplicas": 1}), 60)
    assert one.deadline(120) == 180
    one.look(deployment(THERE, owned(PROBED)), 70)
    assert (one.deadline(120), one.told()) == (None, "deployment/web is rolled out: 2 of 2 Pods available")


def test_what_nobody_probes_must_run_on_for_a_moment() -> None:
    there = deployment(THERE, owned(pod({"a": running()}, conditions=READY)))
    one = followed(there)
    assert (one.arrived, one.settles_at()) == (False, SETTLING)
    one.look(deployment(NONE_THERE, owned(pod({"a": waiting("CrashLoopBackOff")}))), 0.5)
    assert (one.arrived, one.settles_at()) == (False, None)
    one.look(there, 10)
    one.look(there, 10 + SETTLING)
    assert (one.arrived, one.settles_at()) == (True, None)


def test_what_is_stuck_is_given_up_sooner_and_between_two_tries_too() -> None:
    one = followed(deployment(NONE_THERE))
    one.look(deployment(NONE_THERE, owned(NO_PULL)), 10)
    one.look(deployment(NONE_THERE, owned(pod({"a": waiting("ErrImagePull")}))), 20)
    assert one.deadline(120) == 10 + PATIENCE
    assert one.deadline(5) == 5
    one.look(deployment(NONE_THERE, owned(NO_PULL), owned(NO_PULL, "web-2")), 21)
    assert one.reasons() == ["pod/web-1: ImagePullBackOff"]
    assert len(list(one.troubled())) == 1


def test_pods_must_be_ready_for_as_long_as_the_workload_says() -> None:
    assert followed(deployment(NONE_THERE, spec={"replicas": 2, "minReadySeconds": 300})).deadline(120) == 420


def test_a_job_at_work_may_take_its_time_and_what_comes_after_its_end_does_not_matter() -> None:
    one = followed(job({}))
    one.look(job({}, owned(pod({"a": running()}, policy="Never"))), 100)
    assert one.deadline(120) is None
    one.look(job({}), 1000)
    assert one.deadline(120) == 220
    one.look(job({"succeeded": 3, **ended("Complete")}), 2000)
    one.look(job({}), 3000)
    one.gone = True
    assert (one.told(), one.deadline(120)) == ("deployment/web is complete: 3 of 3 completions", None)


def test_one_that_was_deleted_is_told() -> None:
    one = followed(deployment(NONE_THERE))
    one.gone = True
    assert (one.told(), one.deadline(120)) == ("deployment/web was deleted", None)


def test_the_newest_pod_that_is_not_ready_is_the_one_to_tell_of() -> None:
    ready = owned(pod({"a": running()}, conditions=READY), "web-3")
    one = followed(deployment(NONE_THERE, owned(pod()), owned(pod(), "web-2"), ready))
    unready = one.unready()
    assert unready is not None and unready.pod["metadata"]["name"] == "web-2"
    assert followed(deployment(NONE_THERE, ready)).unready() is None
