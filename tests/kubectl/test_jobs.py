"""Jobs and CronJobs on a real node, by kubectl."""

from __future__ import annotations

import json
import re

from tests.kubectl.tool import Kubectl, columns

IMAGE = "podwright/busybox:1"


def job(name: str, script: str, **spec: object) -> str:
    container = {"name": "main", "image": IMAGE, "command": ["sh", "-c", script]}
    pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
    return json.dumps(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {"template": {"spec": pod}, **spec},
        }
    )


def test_of_twenty_completions_every_third_fails(kubectl: Kubectl) -> None:
    thirds = 'test $((JOB_COMPLETION_INDEX % 3)) -ne 2 || exit 3; test "$(hostname)" = thirds-$JOB_COMPLETION_INDEX'
    counts = {"completions": 20, "parallelism": 10, "completionMode": "Indexed", "backoffLimitPerIndex": 0}
    kubectl("create", "-f", "-", stdin=job("thirds", thirds, **counts))
    # Beside it: the same with one limit for all, which ends early.
    kubectl("create", "-f", "-", stdin=job("early", thirds.replace("thirds", "early"), **{
        **counts, "backoffLimitPerIndex": None, "backoffLimit": 2}))  # fmt: skip
    kubectl.wait("condition=Failed", "job/thirds", "job/early")

    status = json.loads(kubectl("get", "job", "thirds", "-o", "json"))["status"]
    assert status["completedIndexes"] == "0,1,3,4,6,7,9,10,12,13,15,16,18,19"
    assert status["failedIndexes"] == "2,5,8,11,14,17"
    assert (status["succeeded"], status["failed"], status["uncountedTerminatedPods"]) == (14, 6, {})
    assert [(c["type"], c["reason"]) for c in status["conditions"]] == [
        ("FailureTarget", "FailedIndexes"),
        ("Failed", "FailedIndexes"),
    ]
    (row,) = columns(kubectl("get", "job", "thirds"))
    assert (row["STATUS"], row["COMPLETIONS"]) == ("Failed", "14/20")
    kubectl.until("Job has failed indexes", "describe", "job", "thirds")

    early = json.loads(kubectl("get", "job", "early", "-o", "json"))["status"]
    assert early["conditions"][-1]["message"] == "Job has reached the specified backoff limit"
    assert early["failed"] >= 3
    assert "active" not in early


def test_a_cron_job_makes_jobs_in_time_and_by_hand(kubectl: Kubectl) -> None:
    kubectl("create", "cronjob", "tick", f"--image={IMAGE}", "--schedule=@every 1s", "--", "true")
    kubectl.wait("jsonpath={.status.lastSuccessfulTime}", "cronjob/tick")
    kubectl("patch", "cronjob", "tick", "-p", '{"spec":{"suspend":true}}')
    kubectl("create", "job", "by-hand", "--from=cronjob/tick")
    kubectl.wait("condition=Complete", "job/by-hand")
    (row,) = columns(kubectl("get", "cronjob", "tick"))
    assert (row["SCHEDULE"], row["TIMEZONE"], row["SUSPEND"]) == ("@every 1s", "<none>", "True")
    jobs = kubectl("get", "jobs", "-o", "name").split()
    assert "job.batch/by-hand" in jobs
    assert any(re.fullmatch(r"job.batch/tick-\d+", name) for name in jobs)
    kubectl("delete", "cronjob", "tick", "--cascade=foreground")
    assert kubectl("get", "jobs,pods", "-o", "name") == ""


def test_a_job_that_is_told_to_goes_by_itself(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job("brief", "true", ttlSecondsAfterFinished=0, suspend=True))
    kubectl.wait("condition=Suspended", "job/brief")
    (row,) = columns(kubectl("get", "job", "brief"))
    assert (row["STATUS"], row["COMPLETIONS"]) == ("Suspended", "0/1")
    kubectl("patch", "job", "brief", "-p", '{"spec":{"suspend":false}}')
    kubectl.wait("delete", "job/brief")
