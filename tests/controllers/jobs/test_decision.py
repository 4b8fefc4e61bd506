"""What is to be done for a Job, one look at a time."""

from __future__ import annotations

from typing import Any

import pytest
from tests.controllers.jobs.builders import NOW, ago, indexed, job, pod

from podwright.api.objects import Object, copy_object, name_of
from podwright.controllers.jobs.decision import Plan, decide, is_finished
from podwright.controllers.jobs.manage import NewPod

RUNNING = {"active": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {}}


def names(pods: Any) -> list[str]:
    return sorted(name_of(p) for p in pods)


def look(made: Object, *pods: Object) -> Plan:
    before = copy_object([made, *pods])
    plan = decide(made, pods, NOW)
    assert [made, *pods] == before, "a decision changes nothing"
    return plan


def conditions(plan: Plan) -> list[tuple[str, str]]:
    return [(c["type"], c["reason"]) for c in plan.status.get("conditions") or () if c["status"] == "True"]


def announced(kind: str, reason: str = "r") -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": "True", "reason": reason, "message": "m"}]}


# which Pods it wants


@pytest.mark.parametrize(
    ("made", "pods", "indexes"),
    [
        pytest.param(job(), [], [None], id="the first Pod"),
        pytest.param(job(completions=5, parallelism=3), [], [None] * 3, id="no more at once than may be"),
        pytest.param(job({"succeeded": 4}, completions=5, parallelism=3), [], [None], id="no more than are missing"),
        pytest.param(job(parallelism=0), [], [], id="none when none may run"),
        pytest.param(job(completions=None, parallelism=2), [], [None] * 2, id="a work queue: all at once"),
        pytest.param(
            job({"succeeded": 1}, completions=None, parallelism=3), [pod("a")], [], id="a work queue that is empty"
        ),
        pytest.param(job(suspend=True), [], [], id="none while suspended"),
        pytest.param(job(), [pod("a", "Failed", counted=True, ended=4)], [], id="not yet after a failure"),
        pytest.param(
            job({"failed": 1}), [pod("a", "Failed", counted=True, ended=11)], [None], id="again after the back-off"
        ),
        pytest.param(job(), [pod("a", deleted=True)], [], id="a deleted Pod has failed: back-off counts from there"),
        pytest.param(job({"failed": 1}), [pod("a", deleted=True, counted=True)], [], id="... though it still runs"),
        pytest.param(
            job(podReplacementPolicy="Failed"), [pod("a", deleted=True)], [], id="replaced only once it has ended"
        ),
        pytest.param(indexed(completions=4, parallelism=2), [], [0, 1], id="the lowest indexes first"),
        pytest.param(
            indexed({"completedIndexes": "0,2", "succeeded": 2}, completions=5, parallelism=3),
            [pod("a", index=1)],
            [3, 4],
            id="indexes that are neither done nor under way",
        ),
    ],
)
def test_pods_to_make(made: Object, pods: list[Object], indexes: list[int | None]) -> None:
    plan = look(made, *pods)
    assert [one.index for one in plan.create] == indexes
    assert not plan.drop
    assert not plan.stop


@pytest.mark.parametrize(
    ("made", "pods", "gone"),
    [
        pytest.param(job(suspend=True), [pod("a"), pod("b", "Pending")], ["a", "b"], id="all of a suspended Job"),
        pytest.param(
            job(completions=3, parallelism=1), [pod("a"), pod("b", "Pending")], ["b"], id="that which is least far"
        ),
        pytest.param(
            job({"succeeded": 2}, completions=3, parallelism=3), [pod("a"), pod("b")], ["a"], id="more than are missing"
        ),
        pytest.param(
            indexed(completions=3, parallelism=3),
            [pod("a", index=0), pod("b", "Pending", index=0), pod("c", index=7)],
            ["b", "c"],
            id="a second one of an index, and one of an index that is not asked for",
        ),
    ],
)
def test_pods_too_many(made: Object, pods: list[Object], gone: list[str]) -> None:
    plan = look(made, *pods)
    assert names(plan.drop) == gone
    assert not plan.create
    assert "failed" not in plan.status.get("uncountedTerminatedPods", {})
    assert plan.status["terminating"] == len(gone)


# counting, and what was interrupted


@pytest.mark.parametrize(
    ("made", "pods", "status", "released"),
    [
        pytest.param(
            job(completions=2),
            [pod("a", "Succeeded")],
            {"uncountedTerminatedPods": {"succeeded": ["a"]}},
            ["a"],
            id="a success is noted before its finalizer goes",
        ),
        pytest.param(
            job({"uncountedTerminatedPods": {"succeeded": ["a"]}}, completions=2),
            [pod("a", "Succeeded")],
            {"uncountedTerminatedPods": {"succeeded": ["a"]}},
            ["a"],
            id="noted, then interrupted: the finalizer is what is left to do",
        ),
        pytest.param(
            job({"uncountedTerminatedPods": {"succeeded": ["a"]}}, completions=2),
            [pod("a", "Succeeded", counted=True)],
            {"uncountedTerminatedPods": {}, "succeeded": 1},
            [],
            id="without the finalizer it is counted",
        ),
        pytest.param(
            job({"uncountedTerminatedPods": {"failed": ["a"]}}, completions=2),
            [],
            {"uncountedTerminatedPods": {}, "failed": 1},
            [],
            id="one that has gone altogether is counted too",
        ),
        pytest.param(
            job({"succeeded": 1}, completions=2),
            [pod("a", "Succeeded", counted=True)],
            {"uncountedTerminatedPods": {}, "succeeded": 1},
            [],
            id="counted once",
        ),
        pytest.param(
            job(completions=2),
            [pod("a", "Failed")],
            {"uncountedTerminatedPods": {"failed": ["a"]}},
            ["a"],
            id="a failure",
        ),
        pytest.param(
            job(completions=2),
            [pod("a", deleted=True)],
            {"uncountedTerminatedPods": {"failed": ["a"]}, "terminating": 1},
            ["a"],
            id="a Pod that somebody deleted has failed",
        ),
        pytest.param(
            job(completions=2, podReplacementPolicy="Failed"),
            [pod("a", deleted=True)],
            {"uncountedTerminatedPods": {}, "terminating": 1},
            [],
            id="... not before it has ended, where only ended ones are replaced",
        ),
        pytest.param(
            indexed({"completedIndexes": "1", "succeeded": 1}, completions=4),
            [pod("a", "Succeeded", index=0), pod("b", "Succeeded", index=1)],
            {"uncountedTerminatedPods": {}, "completedIndexes": "0,1", "succeeded": 2},
            ["a", "b"],
            id="of an index it is the index that is noted",
        ),
        pytest.param(
            indexed(completions=2),
            [pod("a", "Succeeded", index=5), pod("b", "Succeeded")],
            {"uncountedTerminatedPods": {}},
            ["a", "b"],
            id="an index that is not asked for counts nothing",
        ),
    ],
)
def test_counting(made: Object, pods: list[Object], status: dict[str, Any], released: list[str]) -> None:
    plan = look(made, *pods)
    assert {name: plan.status.get(name) for name in status} == status
    assert names(plan.release) == released


# how it ends


@pytest.mark.parametrize(
    ("made", "pods", "condition"),
    [
        pytest.param(job(), [pod("a", "Succeeded")], ("SuccessCriteriaMet", "CompletionsReached"), id="all succeeded"),
        pytest.param(job(completions=0), [], ("SuccessCriteriaMet", "CompletionsReached"), id="none were wanted"),
        pytest.param(
            job({"failed": 6}),
            [pod("a", "Failed")],
            ("FailureTarget", "BackoffLimitExceeded"),
            id="one failure too many",
        ),
        pytest.param(
            job(
                template={"spec": {"restartPolicy": "OnFailure"}},
                backoffLimit=2,
            ),
            [pod("a", containerStatuses=[{"restartCount": 2}])],
            ("FailureTarget", "BackoffLimitExceeded"),
            id="restarts within the Pod count where Pods restart themselves",
        ),
        pytest.param(
            job(activeDeadlineSeconds=300), [pod("a")], ("FailureTarget", "DeadlineExceeded"), id="active for too long"
        ),
        pytest.param(
            job(podFailurePolicy={"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]}),
            [pod("a", "Failed", exit_code=42)],
            ("FailureTarget", "PodFailurePolicy"),
            id="a failure that its policy does not forgive",
        ),
        pytest.param(
            indexed(completions=2, backoffLimitPerIndex=0, backoffLimit=2**31 - 1),
            [pod("a", "Failed", index=0, failures=0), pod("b", "Succeeded", index=1)],
            ("FailureTarget", "FailedIndexes"),
            id="every index is over, and one has failed",
        ),
        pytest.param(
            indexed(completions=9, backoffLimitPerIndex=0, maxFailedIndexes=0, backoffLimit=2**31 - 1),
            [pod("a", "Failed", index=0, failures=0)],
            ("FailureTarget", "MaxFailedIndexesExceeded"),
            id="more failed indexes than may be",
        ),
        pytest.param(
            indexed(completions=9, successPolicy={"rules": [{"succeededIndexes": "0-2", "succeededCount": 1}]}),
            [pod("a", "Succeeded", index=1), pod("b", index=2)],
            ("SuccessCriteriaMet", "SuccessPolicy"),
            id="those that have to succeed have",
        ),
    ],
)
def test_an_end_is_announced_and_pods_are_stopped(made: Object, pods: list[Object], condition: tuple[str, str]) -> None:
    plan = look(made, *pods)
    assert conditions(plan) == [condition]
    assert names(plan.stop) == names(p for p in pods if p["status"]["phase"] == "Running")
    assert names(plan.release) == names(pods)
    assert not plan.create


@pytest.mark.parametrize(
    ("made", "pods", "ended"),
    [
        pytest.param(
            job({**announced("SuccessCriteriaMet"), "succeeded": 1}),
            [],
            ["SuccessCriteriaMet", "Complete"],
            id="announced, and nothing left",
        ),
        pytest.param(
            job({**announced("FailureTarget"), "failed": 7}),
            [pod("a", "Failed", counted=True)],
            ["FailureTarget", "Failed"],
            id="a failure, its Pods counted",
        ),
        pytest.param(
            job({**announced("FailureTarget")}),
            [pod("a", deleted=True, counted=True)],
            ["FailureTarget"],
            id="a Pod is still being stopped",
        ),
        pytest.param(
            job({**announced("FailureTarget"), "uncountedTerminatedPods": {"failed": ["a"]}}),
            [pod("a", "Failed")],
            ["FailureTarget"],
            id="a Pod is noted and not counted",
        ),
        pytest.param(job(announced("FailureTarget")), [pod("a")], ["FailureTarget"], id="a Pod has come late"),
        pytest.param(
            job({**announced("SuccessCriteriaMet"), "failed": 9}, backoffLimit=1),
            [],
            ["SuccessCriteriaMet", "Complete"],
            id="what was announced is kept to",
        ),
    ],
)
def test_the_end_comes_once_nothing_is_left(made: Object, pods: list[Object], ended: list[str]) -> None:
    plan = look(made, *pods)
    assert [kind for kind, _ in conditions(plan)] == ended
    assert is_finished({"status": plan.status}) == (len(ended) == 2)
    assert bool(plan.status.get("completionTime")) == (ended[-1] == "Complete")


def test_the_end_is_told() -> None:
    done = look(job({**announced("SuccessCriteriaMet"), "succeeded": 1}))
    assert [(e.type, e.reason, e.message) for e in done.events] == [("Normal", "Completed", "Job completed")]
    failed = look(job(announced("FailureTarget", "BackoffLimitExceeded")))
    assert [(e.type, e.reason, e.message) for e in failed.events] == [("Warning", "BackoffLimitExceeded", "m")]


def test_pods_that_run_when_a_job_fails_have_failed_with_it() -> None:
    plan = look(job({"failed": 6}, parallelism=2, completions=9), pod("a", "Failed"), pod("b"))
    assert plan.status["uncountedTerminatedPods"] == {"failed": ["a", "b"]}
    late = look(
        indexed(completions=2, successPolicy={"rules": [{"succeededCount": 1}]}),
        pod("a", "Succeeded", index=0),
        pod("b", index=1),
    )
    assert late.status["uncountedTerminatedPods"] == {}


# suspension, deadline


def test_a_job_is_suspended_and_resumed() -> None:
    plan = look(job(suspend=True), pod("a"))
    assert [(c["type"], c["status"]) for c in plan.status["conditions"]] == [("Suspended", "True")]
    assert [(e.reason, e.message) for e in plan.events] == [("Suspended", "Job suspended")]
    assert "startTime" not in plan.status
    assert not look({**job(suspend=True), "status": plan.status}, pod("a", deleted=True, counted=True)).events

    resumed = look({**job(), "status": plan.status})
    assert [(c["type"], c["status"], c["reason"]) for c in resumed.status["conditions"]] == [
        ("Suspended", "False", "JobResumed")
    ]
    assert resumed.status["startTime"] == ago(0), "the deadline begins anew"
    assert len(resumed.create) == 1


def test_a_job_that_ends_while_it_is_suspended_has_begun() -> None:
    made = job({"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}]}, suspend=True, completions=0)
    del made["status"]["startTime"]
    plan = look(made)
    assert plan.status["startTime"] == plan.status["completionTime"] == ago(0)


def test_a_job_that_begins_suspended_has_not_started() -> None:
    made = job(suspend=True, activeDeadlineSeconds=1)
    made["status"] = {}
    plan = look(made)
    assert "startTime" not in plan.status
    assert plan.again_after is None


def test_it_looks_again_when_the_deadline_or_the_back_off_is_over() -> None:
    assert look(job(activeDeadlineSeconds=310), pod("a")).again_after == pytest.approx(10)
    waiting = job({"failed": 1}, activeDeadlineSeconds=310)
    assert look(waiting, pod("a", "Failed", counted=True, ended=3)).again_after == pytest.approx(7)


# a limit per index


def test_the_next_pod_of_an_index_takes_over_its_count() -> None:
    made = indexed(completions=3, parallelism=3, backoffLimitPerIndex=3, backoffLimit=2**31 - 1)
    failed = pod("a", "Failed", index=0, failures=1, ended=3600)
    plan = look(made, failed, pod("b", index=1), pod("c", index=2))
    assert list(plan.create) == [NewPod(0, 2, 0)]
    assert not plan.release, "it is kept until its successor knows the count"
    after = look(made, failed, pod("b", index=1), pod("c", index=2), pod("d", index=0, failures=2))
    assert names(after.release) == ["a"]
    assert not after.create


@pytest.mark.parametrize("mode", ["Indexed", "NonIndexed"])
def test_a_pod_is_noted_once_though_it_succeeds_after_it_was_noted_as_failed(mode: str) -> None:
    made = job({"uncountedTerminatedPods": {"failed": ["a"]}}, completions=2, completionMode=mode)
    plan = look(made, pod("a", "Succeeded", deleted=True, index=0))
    assert plan.status["uncountedTerminatedPods"] == {"failed": ["a"]}
    assert not plan.status.get("succeeded") and not plan.status.get("completedIndexes")
    assert names(plan.release) == ["a"]


def test_an_index_of_which_a_pod_has_succeeded_has_not_failed() -> None:
    made = indexed(completions=2, parallelism=2, backoffLimitPerIndex=0, backoffLimit=2**31 - 1)
    plan = look(made, pod("a", "Failed", index=0), pod("b", "Succeeded", index=0), pod("c", index=1))
    assert (plan.status["completedIndexes"], plan.status["failedIndexes"]) == ("0", "")


def test_where_the_namespace_is_being_deleted_no_pod_has_a_successor_nor_waits_for_one() -> None:
    made = indexed(completions=3, parallelism=3, backoffLimitPerIndex=3, backoffLimit=2**31 - 1)
    failed = pod("a", "Failed", index=0, failures=1, deleted=True, ended=1)
    plan = decide(made, [failed, pod("b", index=1)], NOW, namespace_ends=True)
    assert not plan.create
    assert names(plan.release) == ["a", "b"]


def test_a_failure_that_is_ignored_counts_for_the_back_off_only() -> None:
    rules = [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
    made = indexed(completions=1, backoffLimitPerIndex=0, backoffLimit=2**31 - 1, podFailurePolicy={"rules": rules})
    disrupted = pod("a", "Failed", index=0, failures=0, conditions=[{"type": "DisruptionTarget", "status": "True"}])
    plan = look(made, disrupted)
    assert list(plan.create) == [NewPod(0, 0, 1)]
    assert plan.status["failedIndexes"] == ""


def test_an_index_fails_at_once_where_its_policy_says_so() -> None:
    rules = [{"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [1]}}]
    made = indexed(
        completions=2, parallelism=1, backoffLimitPerIndex=5, backoffLimit=99, podFailurePolicy={"rules": rules}
    )
    plan = look(made, pod("a", "Failed", index=0, failures=0, exit_code=3))
    assert plan.status["failedIndexes"] == "0"
    assert [one.index for one in plan.create] == [1]
    assert names(plan.release) == ["a"]


# a Job that is being deleted


def test_a_job_that_is_deleted_makes_no_pods_and_lets_its_own_go() -> None:
    made = job(completions=3, parallelism=2)
    made["metadata"]["deletionTimestamp"] = ago(1)
    plan = look(made, pod("a"))
    assert not plan.create
    assert names(plan.release) == ["a"]
