"""What a Deployment's status says: counts, whether it is available, whether its roll gets on.

    Progressing: True ReplicaSetUpdated -> True NewReplicaSetAvailable (complete)
                 no progress for progressDeadlineSeconds -> False ProgressDeadlineExceeded
                 paused -> Unknown DeploymentPaused -> Unknown DeploymentResumed

Pure; called by `controller`. `kubectl rollout status` and `kubectl wait` read what is decided here.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from podwright.api.objects import Object, metadata, name_of, parse_time, rfc3339
from podwright.controllers.deployment.rollout import asked_for, available_of, limits
from podwright.controllers.deployment.sets import Sets

Condition = dict[str, Any]
Status = Mapping[str, Any]

AVAILABLE, PROGRESSING, FAILURE = "Available", "Progressing", "ReplicaFailure"
COMPLETE, UPDATED, TIMED_OUT = "NewReplicaSetAvailable", "ReplicaSetUpdated", "ProgressDeadlineExceeded"
PAUSED, RESUMED = "DeploymentPaused", "DeploymentResumed"
FOUND, CREATED, CREATE_FAILED = "FoundNewReplicaSet", "NewReplicaSetCreated", "ReplicaSetCreateError"
_NO_DEADLINE = 2**31 - 1


def made_condition(kind: str, value: str, reason: str, message: str, now: datetime.datetime) -> Condition:
    """A condition that has just become so."""
    moment = rfc3339(now)
    return {
        "type": kind,
        "status": value,
        "lastUpdateTime": moment,
        "lastTransitionTime": moment,
        "reason": reason,
        "message": message,
    }


def find(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of one type."""
    return next((c for c in conditions if c.get("type") == kind), None)


def without(conditions: Iterable[Condition], kind: str) -> list[Condition]:
    """The conditions of all other types."""
    return [c for c in conditions if c.get("type") != kind]


def with_condition(conditions: Sequence[Condition], new: Condition) -> list[Condition]:
    """`new` in place of the condition of its type, unless that says the same already."""
    current = find(conditions, new["type"])
    if current is not None and (current.get("status"), current.get("reason")) == (new["status"], new["reason"]):
        return list(conditions)
    if current is not None and current.get("status") == new["status"]:
        new = {**new, "lastTransitionTime": current.get("lastTransitionTime")}
    return [*without(conditions, new["type"]), new]


def has_deadline(spec: Mapping[str, Any]) -> bool:
    """Whether a lack of progress is told at all."""
    return spec.get("progressDeadlineSeconds") not in (None, _NO_DEADLINE)


def conditions_of(deployment: Object) -> list[Condition]:
    """The conditions as they are told now."""
    return [dict(c) for c in (deployment.get("status") or {}).get("conditions") or ()]


def after_pause(spec: Mapping[str, Any], conditions: Sequence[Condition], now: datetime.datetime) -> list[Condition]:
    """Said when a Deployment is paused, and when it goes on."""
    current = find(conditions, PROGRESSING)
    reason = current.get("reason") if current else ""
    if not has_deadline(spec) or reason == TIMED_OUT:
        return list(conditions)
    if spec.get("paused") and reason != PAUSED:
        new = made_condition(PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now)
    elif not spec.get("paused") and reason == PAUSED:
        new = made_condition(PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now)
    else:
        return list(conditions)
    return with_condition(conditions, new)


def counted(deployment: Object, sets: Sets, conditions: Sequence[Condition], now: datetime.datetime) -> dict[str, Any]:
    """The status with its counts and whether enough Pods are available; `conditions`: those that stand so far."""
    spec, old = deployment.get("spec") or {}, deployment.get("status") or {}
    there = [one.get("status") or {} for one in sets.all]
    newest = (sets.new.get("status") or {}) if sets.new is not None else {}
    available = sum(map(available_of, sets.all))
    counts = {
        "observedGeneration": metadata(deployment).get("generation") or 0,
        "replicas": sum(s.get("replicas") or 0 for s in there),
        "updatedReplicas": newest.get("replicas") or 0,
        "readyReplicas": sum(s.get("readyReplicas") or 0 for s in there),
        "availableReplicas": available,
        "unavailableReplicas": max(0, asked_for(sets.all) - available),
        "collisionCount": old.get("collisionCount") or 0,
    }
    made: dict[str, Any] = {name: value for name, value in counts.items() if value}
    if all("terminatingReplicas" in s for s in there):
        made["terminatingReplicas"] = sum(s["terminatingReplicas"] for s in there)
    if available >= (spec.get("replicas") or 0) - limits(spec).unavailable:
        enough = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        enough = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    made["conditions"] = with_condition(conditions, made_condition(AVAILABLE, *enough, now))
    return made


def is_complete(deployment: Object, status: Status) -> bool:
    """Whether all Pods are of the newest template and available, and no old one is left."""
    wanted = (deployment.get("spec") or {}).get("replicas") or 0
    counts = [status.get(n) or 0 for n in ("updatedReplicas", "replicas", "availableReplicas")]
    seen = (status.get("observedGeneration") or 0) >= (metadata(deployment).get("generation") or 0)
    return counts == [wanted] * 3 and seen


def with_progress(deployment: Object, sets: Sets, status: Mapping[str, Any], now: datetime.datetime) -> dict[str, Any]:
    """`status` (of `counted`) with what is to be said of the roll."""
    spec = deployment.get("spec") or {}
    conditions = list(status["conditions"])
    current = find(conditions, PROGRESSING)
    whole = (status.get("replicas") or 0) == (status.get("updatedReplicas") or 0)
    was_complete = whole and current is not None and current.get("reason") == COMPLETE
    if not has_deadline(spec):
        conditions = without(conditions, PROGRESSING)
    elif not was_complete:
        what = _subject(deployment, sets)
        if is_complete(deployment, status):
            said = f"{what} has successfully progressed."
            conditions = with_condition(conditions, made_condition(PROGRESSING, "True", COMPLETE, said, now))
        elif _has_moved(deployment.get("status") or {}, status):
            new = made_condition(PROGRESSING, "True", UPDATED, f"{what} is progressing.", now)
            if current is not None and current.get("status") == "True":
                new["lastTransitionTime"] = current.get("lastTransitionTime")
            # Replaced even where it says the same: its time is that of the last progress.
            conditions = [*without(conditions, PROGRESSING), new]
        elif seconds_to_deadline(spec, conditions, now) == 0:
            said = f"{what} has timed out progressing."
            conditions = with_condition(conditions, made_condition(PROGRESSING, "False", TIMED_OUT, said, now))
    conditions = _with_failures(conditions, sets)
    return {**status, "conditions": conditions}


def seconds_to_deadline(
    spec: Mapping[str, Any], conditions: Sequence[Condition], now: datetime.datetime
) -> float | None:
    """Seconds until the roll counts as stuck, 0 when it does; None when nothing is waited for."""
    current = find(conditions, PROGRESSING)
    if not has_deadline(spec) or current is None or current.get("reason") == COMPLETE:
        return None
    if current.get("reason") == TIMED_OUT:
        return 0.0
    since = parse_time(current["lastUpdateTime"]) if current.get("lastUpdateTime") else now
    deadline: int = spec["progressDeadlineSeconds"]
    return max(0.0, deadline - (now - since).total_seconds())


def _subject(deployment: Object, sets: Sets) -> str:
    if sets.new is not None:
        return f'ReplicaSet "{name_of(sets.new)}"'
    return f'Deployment "{name_of(deployment)}"'


def _has_moved(old: Status, new: Status) -> bool:
    def count(status: Status, name: str) -> int:
        return status.get(name) or 0

    def left(status: Status) -> int:
        return count(status, "replicas") - count(status, "updatedReplicas")

    more = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return any(count(new, name) > count(old, name) for name in more) or left(new) < left(old)


def _with_failures(conditions: Sequence[Condition], sets: Sets) -> list[Condition]:
    """The failure of the newest set to make Pods, else of any old one, as the Deployment's own."""
    for one in (*((sets.new,) if sets.new is not None else ()), *sets.old):
        failed = find((one.get("status") or {}).get("conditions") or (), FAILURE)
        if failed is not None:
            told = {**failed, "lastUpdateTime": failed.get("lastTransitionTime")}
            return with_condition(conditions, told)
    return without(conditions, FAILURE)
