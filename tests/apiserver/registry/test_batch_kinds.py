"""Jobs and CronJobs: what is filled in, what is wrong, what may change, what is shown."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from tests.apiserver.registry.builders import GONE, set_at

from podwright.api.objects import Object, copy_object
from podwright.apiserver.handlers.delete import Step, decide
from podwright.apiserver.registry.cron_job import CronJobStrategy
from podwright.apiserver.registry.job import JobStrategy
from podwright.apiserver.registry.rows import ROWS
from podwright.client.interface import DeleteOptions

JOBS, CRON_JOBS = JobStrategy(), CronJobStrategy()


def raw_job(edits: dict[str, Any] | None = None) -> Object:
    container = {"name": "c", "image": "example.com/app"}
    made: Object = {
        "metadata": {"name": "j", "namespace": "ns", "uid": "u-1"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
    for path, value in (edits or {}).items():
        set_at(made, path, value)
    return made


def job(edits: dict[str, Any] | None = None) -> Object:
    made = raw_job(edits)
    JOBS.default(made)
    JOBS.prepare_for_create(made)
    return made


def cron_job(edits: dict[str, Any] | None = None) -> Object:
    made: Object = {
        "metadata": {"name": "c", "namespace": "ns"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": raw_job()["spec"]}},
    }
    for path, value in (edits or {}).items():
        set_at(made, path, value)
    CRON_JOBS.default(made)
    return made


def test_what_a_job_is_given() -> None:
    made = job({"spec.template.metadata.labels": {"a": "b"}})
    spec = made["spec"]
    given = {k: v for k, v in spec.items() if k not in ("template", "selector")}
    assert given == {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    assert spec["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "u-1"}}
    assert spec["template"]["metadata"]["labels"] == {
        "a": "b",
        "batch.kubernetes.io/controller-uid": "u-1",
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": "u-1",
        "job-name": "j",
    }
    assert made["metadata"]["labels"] == {"a": "b"}
    assert spec["template"]["spec"]["containers"][0]["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    ("edits", "field", "value"),
    [
        pytest.param({"spec.parallelism": 3}, "completions", None, id="parallelism alone: a work queue"),
        pytest.param({"spec.completions": 3}, "parallelism", 1, id="completions alone: one after the other"),
        pytest.param(
            {"spec.backoffLimitPerIndex": 1}, "backoffLimit", 2**31 - 1, id="a limit per index takes the other's place"
        ),
        pytest.param(
            {"spec.podFailurePolicy": {"rules": []}},
            "podReplacementPolicy",
            "Failed",
            id="a policy looks at ended Pods",
        ),
    ],
)
def test_defaults(edits: dict[str, Any], field: str, value: Any) -> None:
    assert job(edits)["spec"].get(field) == value


RULE = "spec.podFailurePolicy.rules[0]"
IN_42 = {"operator": "In", "values": [42]}


@pytest.mark.parametrize(
    ("edits", "errors"),
    [
        pytest.param({}, [], id="a good one"),
        pytest.param(
            {"spec.template.spec.restartPolicy": GONE},
            ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
            id="Pods that end",
        ),
        pytest.param(
            {"spec.backoffLimit": -1},
            ["spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"],
            id="a negative limit",
        ),
        pytest.param(
            {"spec.completionMode": "Indexed", "spec.parallelism": 1},
            ["spec.completions: Required value: when completion mode is Indexed"],
            id="indexes need a number",
        ),
        pytest.param(
            {"spec.completionMode": "Random"},
            ['spec.completionMode: Unsupported value: "Random": supported values: "Indexed", "NonIndexed"'],
            id="no such mode",
        ),
        pytest.param(
            {"spec.backoffLimitPerIndex": 1},
            ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
            id="a limit per index without indexes",
        ),
        pytest.param(
            {"spec.selector": {"matchLabels": {"a": "b"}}},
            [
                "spec.template.metadata.labels: Invalid value: "
                '{"job-name":"j","batch.kubernetes.io/job-name":"j","controller-uid":"u-1",'
                '"batch.kubernetes.io/controller-uid":"u-1"}: `selector` does not match template `labels`',
                'spec.selector: Invalid value: {"matchLabels":{"a":"b","batch.kubernetes.io/controller-uid":"u-1"}}: '
                "`selector` not auto-generated",
            ],
            id="a selector that nobody asked for",
        ),
        pytest.param(
            {"spec.podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": IN_42}]}}, [], id="a policy"
        ),
        pytest.param(
            {
                "spec.podFailurePolicy": {"rules": [{"action": "Ignore", "onExitCodes": IN_42}]},
                "spec.template.spec.restartPolicy": "OnFailure",
            },
            [
                'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when '
                "podFailurePolicy is specified"
            ],
            id="a policy for Pods that restart by themselves",
        ),
        pytest.param(
            {
                "spec.podFailurePolicy": {
                    "rules": [
                        {
                            "action": "FailIndex",
                            "onExitCodes": {"operator": "In", "values": [2, 0, 2], "containerName": "x"},
                        }
                    ]
                }
            },
            [
                f'{RULE}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
                f'{RULE}.onExitCodes.containerName: Invalid value: "x": '
                "must be one of the container or initContainer names in the pod template",
                f"{RULE}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered",
                f"{RULE}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
                f"{RULE}.onExitCodes.values[2]: Duplicate value: 2",
            ],
            id="a rule that is wrong in every way",
        ),
        pytest.param(
            {"spec.podFailurePolicy": {"rules": [{"action": "Count"}]}},
            [
                'spec.podFailurePolicy.rules[0]: Invalid value: {"action":"Count"}: specifying one of OnExitCodes and '
                "OnPodConditions is required"
            ],
            id="a rule that matches nothing",
        ),
        pytest.param(
            {
                "spec.completionMode": "Indexed",
                "spec.completions": 5,
                "spec.successPolicy": {"rules": [{"succeededIndexes": "0-2,4", "succeededCount": 5}]},
            },
            [
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 5: must be less than or equal to 4 (the "
                "number of indexes in the specified succeededIndexes field)"
            ],
            id="more successes than indexes",
        ),
        pytest.param(
            {
                "metadata.name": "j" * 62,
                "spec.completionMode": "Indexed",
                "spec.completions": 11,
            },
            [
                f'metadata.name: Invalid value: "{"j" * 62}": will not able to create pod with invalid DNS label: '
                f"{'j' * 62}-10"
            ],
            id="a name too long for its host names",
        ),
    ],
)
def test_job_errors(edits: dict[str, Any], errors: list[str]) -> None:
    assert [str(e) for e in JOBS.validate(job(edits))] == errors


@pytest.mark.parametrize(
    ("edits", "fields"),
    [
        pytest.param({"spec.parallelism": 7, "spec.suspend": True, "spec.backoffLimit": 1}, [], id="what may change"),
        pytest.param({"spec.completions": 2}, ["spec.completions"], id="completions"),
        pytest.param({"spec.template.spec.nodeSelector": {"a": "b"}}, ["spec.template"], id="the template"),
        pytest.param({"spec.completionMode": "Indexed"}, ["spec.completionMode"], id="the mode"),
        pytest.param({"spec.managedBy": "acme.io/foo"}, ["spec.managedBy"], id="the controller"),
    ],
)
def test_job_changes(edits: dict[str, Any], fields: list[str]) -> None:
    old = job()
    new = copy_object(old)
    for path, value in edits.items():
        set_at(new, path, value)
    assert [str(e.path) for e in JOBS.validate_update(new, old)] == fields


SUSPENDED = {"conditions": [{"type": "Suspended", "status": "True"}]}


@pytest.mark.parametrize(
    ("path", "value", "status", "may"),
    [
        pytest.param("nodeSelector", {"a": "b"}, {}, True, id="elsewhere, before it began"),
        pytest.param("nodeSelector", {"a": "b"}, {"startTime": "2026-01-01T00:00:00Z"}, False, id="its Pods still end"),
        pytest.param("nodeSelector", {"a": "b"}, {"startTime": "2026-01-01T00:00:00Z", **SUSPENDED}, True, id="told"),
        pytest.param("nodeSelector", {"a": "b"}, {"active": 1, **SUSPENDED}, False, id="a Pod runs"),
        pytest.param("affinity", {"nodeAffinity": {"x": "y"}}, SUSPENDED, True, id="other nodes"),
        pytest.param("affinity", {"podAffinity": {"x": "y"}}, SUSPENDED, False, id="beside other Pods"),
        pytest.param("affinity", {}, SUSPENDED, True, id="no affinity in so many words"),
        pytest.param("containers.0.resources", {"requests": {"cpu": "1"}}, SUSPENDED, True, id="more resources"),
        pytest.param("containers.0.image", "example.com/other", SUSPENDED, False, id="another image"),
    ],
)
def test_what_of_a_suspended_job_s_template_may_change(path: str, value: Any, status: Object, may: bool) -> None:
    old = {**job({"spec.suspend": True}), "status": status}
    new = copy_object(old)
    *way, last = path.split(".")
    at: Any = new["spec"]["template"]["spec"]
    for step in way:
        at = at[int(step) if step.isdecimal() else step]
    at[last] = value
    found = [e for e in JOBS.validate_update(new, old) if str(e.path) == "spec.template"]
    assert bool(found) is not may


def test_a_suspended_job_s_affinity_to_nodes_may_go() -> None:
    old = {**job({"spec.suspend": True}), "status": SUSPENDED}
    old["spec"]["template"]["spec"]["affinity"] = {"nodeAffinity": {"x": "y"}}
    new = copy_object(old)
    del new["spec"]["template"]["spec"]["affinity"]
    assert not [e for e in JOBS.validate_update(new, old) if str(e.path) == "spec.template"]


def test_an_indexed_job_grows_with_its_parallelism() -> None:
    old = job({"spec.completionMode": "Indexed", "spec.completions": 2, "spec.parallelism": 2})
    new = copy_object(old)
    new["spec"] |= {"completions": 4, "parallelism": 4}
    assert not JOBS.validate_update(new, old)
    new["spec"]["parallelism"] = 3
    assert [str(e) for e in JOBS.validate_update(new, old)] == [
        "spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"
    ]


def test_a_job_that_was_over_stays_so() -> None:
    over = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    assert JOBS.validate_update({"status": {}}, over, "status")
    assert not JOBS.validate_update(over, over, "status")


@pytest.mark.parametrize(
    ("edits", "cells"),
    [
        pytest.param({}, ["j", "Running", "0/1", "", "<unknown>", "c", "example.com/app"], id="new"),
        pytest.param(
            {
                "status.startTime": "1970-01-01T00:00:10Z",
                "status.completionTime": "1970-01-01T00:01:15Z",
                "status.succeeded": 1,
                "status.conditions": [{"type": "Complete", "status": "True"}],
            },
            ["j", "Complete", "1/1", "65s", "<unknown>", "c", "example.com/app"],
            id="complete",
        ),
        pytest.param(
            {"spec.completions": None, "spec.parallelism": 4, "status.startTime": "1970-01-01T00:00:10Z"},
            ["j", "Running", "0/1 of 4", "90s", "<unknown>", "c", "example.com/app"],
            id="a work queue",
        ),
    ],
)
def test_job_columns(edits: dict[str, Any], cells: list[str]) -> None:
    made = job()
    for path, value in edits.items():
        set_at(made, path, value)
    assert [c.cell(made, 100.0) for c in JOBS.columns][:-1] == cells


def test_a_delete_that_says_nothing_of_the_pods_is_warned_of() -> None:
    assert JOBS.orphans_by_default
    assert JOBS.deletion_warnings("")
    assert not JOBS.deletion_warnings("Orphan")


def test_what_a_cron_job_is_given() -> None:
    spec = cron_job()["spec"]
    assert {k: v for k, v in spec.items() if k not in ("jobTemplate", "schedule")} == {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
    }
    assert "backoffLimit" not in spec["jobTemplate"]["spec"]
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    ("edits", "errors"),
    [
        pytest.param({}, [], id="a good one"),
        pytest.param({"spec.timeZone": "Europe/Berlin"}, [], id="with a time zone"),
        pytest.param({"spec.schedule": ""}, ["spec.schedule: Required value"], id="no schedule"),
        pytest.param(
            {"spec.schedule": "* * *"},
            ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]'],
            id="half a schedule",
        ),
        pytest.param(
            {"spec.schedule": "TZ=UTC 0 * * * *"},
            [
                'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone '
                "field instead"
            ],
            id="a time zone within the schedule",
        ),
        pytest.param(
            {"spec.timeZone": "Nowhere"},
            ['spec.timeZone: Invalid value: "Nowhere": unknown time zone Nowhere'],
            id="no such time zone",
        ),
        pytest.param(
            {"spec.jobTemplate.spec.selector": {"matchLabels": {"a": "b"}}},
            [
                'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be '
                "auto-generated"
            ],
            id="a selector of its own",
        ),
        pytest.param(
            {"spec.concurrencyPolicy": "Queue"},
            ['spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"'],
            id="no such policy",
        ),
        pytest.param(
            {"metadata.name": "c" * 53},
            [f'metadata.name: Invalid value: "{"c" * 53}": must be no more than 52 characters'],
            id="a name too long for its Jobs'",
        ),
        pytest.param(
            {"spec.jobTemplate.spec.template.spec.restartPolicy": "Always"},
            ['spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
            id="the Job's own errors",
        ),
    ],
)
def test_cron_job_errors(edits: dict[str, Any], errors: list[str]) -> None:
    assert [str(e) for e in CRON_JOBS.validate(cron_job(edits))] == errors


def test_cron_job_columns() -> None:
    made = cron_job({"status.lastScheduleTime": "1970-01-01T00:00:10Z", "status.active": [{}]})
    assert [c.cell(made, 100.0) for c in CRON_JOBS.columns] == [
        "c", "* * * * *", "<none>", "False", 1, "90s", "<unknown>", "c", "example.com/app", "<none>",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "before", "after"),
    [
        pytest.param("", [], ["orphan"], id="Pods stay unless something else is said"),
        pytest.param("Background", [], [], id="Pods go when that is said"),
        pytest.param("", ["foregroundDeletion"], ["foregroundDeletion"], id="what was said before holds"),
    ],
)
def test_what_becomes_of_the_pods_of_a_deleted_job(policy: str, before: list[str], after: list[str]) -> None:
    row = next(row for row in ROWS if isinstance(row.strategy, JobStrategy))
    made = {**raw_job(), "metadata": {"name": "j", "namespace": "ns", "uid": "u", "finalizers": before}}
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    decision = decide(made, row, DeleteOptions(propagation_policy=policy), now)
    assert (decision.obj["metadata"].get("finalizers") or []) == after
    assert (decision.step is Step.REMOVE) == (not after)
