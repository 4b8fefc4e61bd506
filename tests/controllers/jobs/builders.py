"""Jobs and their Pods for the tables of these tests."""

from __future__ import annotations

import datetime
from typing import Any

from podwright.api.objects import Object, rfc3339
from podwright.controllers.jobs.labels import FINALIZER, INDEX, INDEX_FAILURES

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
START = rfc3339(NOW - datetime.timedelta(minutes=5))
OWNER = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "job-uid", "controller": True}


def ago(seconds: float) -> str:
    """A time before now, as the API writes it."""
    return rfc3339(NOW - datetime.timedelta(seconds=seconds))


def job(status: dict[str, Any] | None = None, **spec: Any) -> Object:
    """A Job as the server keeps it, begun five minutes ago."""
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c"}]}}
    whole: dict[str, Any] = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed"}
    whole["selector"] = {"matchLabels": {"a": "b"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j", "namespace": "ns", "uid": "job-uid"},
        "spec": {**whole, "template": template, "podReplacementPolicy": "TerminatingOrFailed", **spec},
        "status": {"startTime": START, **(status or {})},
    }


def indexed(status: dict[str, Any] | None = None, **spec: Any) -> Object:
    """An indexed one."""
    return job(status, **{"completionMode": "Indexed", **spec})


def pod(
    name: str,
    phase: str = "Running",
    *,
    index: int | None = None,
    counted: bool = False,
    deleted: bool = False,
    failures: int | None = None,
    ended: float = 3600,
    exit_code: int | None = None,
    **status: Any,
) -> Object:
    """A Pod of the Job whose uid is its name; `counted`: without the finalizer; `ended`: seconds ago."""
    meta: dict[str, Any] = {
        "name": name,
        "namespace": "ns",
        "uid": name,
        "creationTimestamp": START,
        "ownerReferences": [dict(OWNER)],
        "annotations": {},
        "labels": {"a": "b"},
    }
    if not counted:
        meta["finalizers"] = [FINALIZER]
    if deleted:
        meta |= {"deletionTimestamp": ago(-25), "deletionGracePeriodSeconds": 30}
    if index is not None:
        meta["annotations"][INDEX] = str(index)
    if failures is not None:
        meta["annotations"][INDEX_FAILURES] = str(failures)
    if phase in ("Succeeded", "Failed"):
        code = exit_code if exit_code is not None else int(phase == "Failed")
        state = {"terminated": {"exitCode": code, "finishedAt": ago(ended)}}
        status.setdefault("containerStatuses", [{"name": "c", "state": state}])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"nodeName": "n"},
        "status": {"phase": phase, **status},
    }
