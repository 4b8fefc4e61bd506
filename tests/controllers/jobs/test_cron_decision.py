"""What is to be done for a CronJob."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from tests.controllers.jobs.builders import NOW, ago

from podwright.api.cron import parse_cron
from podwright.api.objects import Object, copy_object, name_of, rfc3339
from podwright.controllers.jobs.cron_decision import CronPlan, decide, missed
from podwright.controllers.jobs.labels import CRON_TIMESTAMP

MINUTE = int(NOW.timestamp()) // 60


def cron_job(status: dict[str, Any] | None = None, **spec: Any) -> Object:
    """One that is due every minute, last made a minute ago."""
    return {
        "metadata": {"name": "c", "namespace": "ns", "uid": "cron-uid", "creationTimestamp": ago(7200)},
        "spec": {
            "schedule": "* * * * *",
            "concurrencyPolicy": "Allow",
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {}}},
            **spec,
        },
        "status": {"lastScheduleTime": ago(60), **(status or {})},
    }


def made(name: str, end: str = "", started: float = 100, ours: bool = True) -> Object:
    status: dict[str, Any] = {"startTime": ago(started)}
    if end:
        status["conditions"] = [{"type": end, "status": "True"}]
    if end == "Complete":
        status["completionTime"] = ago(started - 1)
    annotations = {CRON_TIMESTAMP: ago(60)} if ours else {}
    return {"metadata": {"name": name, "namespace": "ns", "uid": name, "annotations": annotations}, "status": status}


def active(*names: str) -> dict[str, Any]:
    return {"active": [{"name": name, "uid": name} for name in names]}


def look(cron: Object, *jobs: Object, now: datetime.datetime = NOW) -> CronPlan:
    before = copy_object([cron, *jobs])
    plan = decide(cron, jobs, now)
    assert [cron, *jobs] == before, "a decision changes nothing"
    return plan


def test_a_job_is_made_when_it_is_time() -> None:
    plan = look(cron_job())
    assert plan.create is not None
    meta = plan.create["metadata"]
    assert meta["name"] == f"c-{MINUTE}"
    assert meta["labels"] == {"a": "b"}
    assert meta["annotations"] == {CRON_TIMESTAMP: rfc3339(NOW)}
    assert meta["ownerReferences"][0]["controller"] is True
    assert plan.scheduled == NOW
    assert plan.again_after == pytest.approx(60.1)


@pytest.mark.parametrize(
    ("cron", "jobs", "reasons"),
    [
        pytest.param(cron_job({"lastScheduleTime": rfc3339(NOW)}), [], [], id="made already"),
        pytest.param(cron_job(suspend=True), [], [], id="suspended"),
        pytest.param(
            cron_job(active("x"), concurrencyPolicy="Forbid"),
            [made("x")],
            ["JobAlreadyActive"],
            id="the last one still runs, and only one may",
        ),
        pytest.param(
            cron_job(schedule="0 11 * * *", startingDeadlineSeconds=60), [], [], id="too late: its deadline is past"
        ),
        pytest.param(cron_job(schedule="* * *"), [], ["UnparseableSchedule"], id="no schedule"),
        pytest.param(cron_job(timeZone="Nowhere"), [], ["UnparseableSchedule"], id="no time zone"),
        pytest.param(cron_job(), [made(f"c-{MINUTE}")], [], id="made, then interrupted"),
    ],
)
def test_no_job_is_made(cron: Object, jobs: list[Object], reasons: list[str]) -> None:
    plan = look(cron, *jobs)
    assert plan.create is None
    assert [e.reason for e in plan.events] == reasons


def test_what_was_interrupted_is_written_down() -> None:
    plan = look(cron_job(), made(f"c-{MINUTE}"))
    assert plan.status["lastScheduleTime"] == rfc3339(NOW)
    assert [r["name"] for r in plan.status["active"]] == [f"c-{MINUTE}"]


def test_a_job_replaces_those_that_run() -> None:
    plan = look(cron_job(active("x"), concurrencyPolicy="Replace"), made("x"))
    assert plan.create is not None
    assert [name_of(job) for job in plan.delete] == ["x"]
    assert "active" not in plan.status


@pytest.mark.parametrize(
    ("cron", "jobs", "left", "told"),
    [
        pytest.param(
            cron_job(active("x", "y")),
            [made("x", "Complete"), made("y")],
            ["y"],
            [("Normal", "SawCompletedJob", "Saw completed job: x, condition: Complete")],
            id="one is over",
        ),
        pytest.param(
            cron_job(active("x")),
            [],
            [],
            [("Normal", "MissingJob", "Active job went missing: x")],
            id="one is gone",
        ),
        pytest.param(
            cron_job(),
            [made("by-hand", ours=False)],
            [],
            [("Warning", "UnexpectedJob", "Saw a job that the controller did not create or forgot: by-hand")],
            id="one that somebody made by hand",
        ),
    ],
)
def test_active_jobs(cron: Object, jobs: list[Object], left: list[str], told: list[tuple[str, ...]]) -> None:
    plan = look(cron, *jobs)
    assert [r["name"] for r in plan.status.get("active", [])] == left
    assert [(e.type, e.reason, e.message) for e in plan.events] == told


def test_history_is_bounded() -> None:
    jobs = [made(f"s{n}", "Complete", started=500 - n) for n in range(5)]
    jobs += [made(f"f{n}", "Failed", started=500 - n) for n in range(3)]
    plan = look(cron_job({"lastScheduleTime": rfc3339(NOW)}), *jobs)
    assert [name_of(job) for job in plan.delete] == ["s0", "s1", "f0", "f1"]
    assert plan.status["lastSuccessfulTime"] == ago(495)
    assert not look(cron_job(successfulJobsHistoryLimit=None, failedJobsHistoryLimit=None), *jobs).delete


def test_of_many_missed_times_only_the_last_counts() -> None:
    plan = look(cron_job({"lastScheduleTime": ago(86400 * 400)}))
    assert plan.scheduled == NOW
    assert [e.reason for e in plan.events] == ["TooManyMissedTimes"]


@pytest.mark.parametrize(
    ("schedule", "seconds", "latest", "many"),
    [
        pytest.param("* * * * *", 59, 0, False, id="the very minute"),
        pytest.param("0 12 * * *", 60, 0, False, id="noon"),
        pytest.param("30 * * * *", 3600, 1800, False, id="half an hour ago"),
        pytest.param("1 12 * * *", 60, None, False, id="not yet"),
        pytest.param("* 3 * * *", 86400 * 90, 8 * 3600 + 60, True, id="in the night"),
        pytest.param("@every 50s", 120, 20, False, id="every fifty seconds"),
        pytest.param("@every 1s", 3600, 0, True, id="every second"),
    ],
)
def test_missed(schedule: str, seconds: int, latest: int | None, many: bool) -> None:
    found = missed(parse_cron(schedule), NOW - datetime.timedelta(seconds=seconds), NOW)
    assert (rfc3339(found.latest) if found.latest else None) == (None if latest is None else ago(latest))
    assert found.many == many
