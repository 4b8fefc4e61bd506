"""How far a workload has come, as `podwright run` sees it: on its way, in need of help, rolled out, ended. Pure.

    WAITING -> READY           rolled out, as `kubectl rollout status` understands it; a Job instead STARTED -> ENDED
            -> STUCK           a Pod, or the making of one, waits for somebody to do something
            -> HOPELESS        waiting longer leads nowhere

Read by `followed_workloads`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from podwright.api.objects import Object, metadata, name_of, resource_version_of, uid_of
from podwright.api.pods import containers, is_terminal, spec_of
from podwright.api.reasons import Waiting
from podwright.api.resources import (
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
    Resource,
)
from podwright.cli.containers import container_states
from podwright.cli.outcome import Outcome, Stage, outcome_of

FOLLOWED: Final = frozenset(
    {DEPLOYMENTS, REPLICA_SETS, REPLICATION_CONTROLLERS, STATEFUL_SETS, DAEMON_SETS, JOBS},
)
"""Kinds that are waited for. A CronJob is not: it is there once it is kept."""

UNSCHEDULABLE: Final = "Unschedulable"
FAILED_CREATE: Final = "FailedCreate"
_SUCCESSFUL_CREATE: Final = "SuccessfulCreate"
_TIMED_OUT: Final = "ProgressDeadlineExceeded"
_REVISION: Final = "deployment.kubernetes.io/revision"
_REVISION_HASH: Final = "controller-revision-hash"
_TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"
_GENERATION_LABEL: Final = "pod-template-generation"
_CRASHES: Final = 2
"""Restarts after which a container that keeps ending is given up; once it may have waited for another workload."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known about one workload."""

    resource: Resource
    object: Object
    pods: Sequence[Object] = ()
    """all that it has, by way of its ReplicaSets too"""
    sets: Sequence[Object] = ()
    """a Deployment's ReplicaSets"""
    events: Sequence[Object] = ()
    """about itself and its ReplicaSets"""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where it is."""

    stage: Stage
    told: str
    """how far it is, in numbers: what has not changed in this has not got on; "" before its controller has looked"""
    exit_code: int = 0
    stuck: tuple[tuple[str, str], ...] = ()
    """names of Pods and what each is stuck in; "" names the workload itself, which can't make one"""


@dataclass(frozen=True, slots=True)
class _Counts:
    """What every kind that serves has in its status, under names of its own."""

    wanted: int
    available: int
    updated: int
    to_update: int
    """how many are to be of the newest template"""
    old: int
    """Pods beyond those that are wanted, or of an older template, that are still to go"""

    @property
    def there(self) -> bool:
        return self.available >= self.wanted and self.updated >= self.to_update and not self.old

    def told(self) -> str:
        parts = [f"{min(self.available, self.wanted)} of {self.wanted} Pods available"]
        if self.updated < self.to_update:
            parts.append(f"{self.updated} of {self.to_update} updated")
        if self.old:
            parts.append(f"{self.old} still to go")
        return ", ".join(parts)


def progress_of(seen: Seen) -> Progress:
    """Where this workload is."""
    spec, status = seen.object.get("spec") or {}, seen.object.get("status") or {}
    if seen.resource == JOBS:
        return _of_job(seen, spec, status)
    if (status.get("observedGeneration") or 0) < (metadata(seen.object).get("generation") or 0):
        return Progress(Stage.WAITING, "")
    if spec.get("paused"):
        return Progress(Stage.READY, "what is new waits until it is resumed")
    counts = _counts(seen.resource, spec, status)
    if counts.there:
        return Progress(Stage.READY, counts.told())
    stuck = _stuck(seen)
    if any(_waits_in_vain(outcome) or _keeps_ending(pod) for pod, outcome in _outcomes(seen)):
        return Progress(Stage.HOPELESS, counts.told(), 1, stuck)
    timed_out = _condition(status, "Progressing")
    if timed_out.get("status") == "False" and timed_out.get("reason") == _TIMED_OUT:
        reasons = stuck or (("", f"{_TIMED_OUT}: {timed_out.get('message')}"),)
        return Progress(Stage.HOPELESS, counts.told(), 1, reasons)
    return Progress(Stage.STUCK if stuck else Stage.WAITING, counts.told(), stuck=stuck)


def least_seconds(workload: Object) -> int:
    """Seconds for which a Pod must be Ready before it counts as available."""
    return int((workload.get("spec") or {}).get("minReadySeconds") or 0)


def may_end_at_once(seen: Seen) -> bool:
    """Whether a Pod may be Ready only because a container has no readinessProbe that says otherwise."""
    apps = (at.container for pod in current_pods(seen) for at in containers(spec_of(pod), ("containers",)))
    return any(not container.get("readinessProbe") for container in apps)


def pods_at_once(seen: Seen) -> int:
    """How many Pods it has when it is there, or a Job all in all, as far as that is known."""
    spec, status = seen.object.get("spec") or {}, seen.object.get("status") or {}
    if seen.resource == JOBS:
        return max(spec.get("parallelism") or 1, spec.get("completions") or 1)
    if seen.resource == DAEMON_SETS:
        return int(status.get("desiredNumberScheduled") or 1)
    return int(spec.get("replicas") or 1)


def current_pods(seen: Seen) -> list[Object]:
    """The Pods of the newest template that are to stay: what is wrong with others goes with them."""
    staying = [pod for pod in seen.pods if not _is_going(pod)]
    if seen.resource == DEPLOYMENTS:
        newest = {uid_of(one) for one in seen.sets if _revision(one) == _revision(seen.object)}
        return [pod for pod in staying if newest.intersection(_owners(pod))]
    if seen.resource == STATEFUL_SETS:
        label, value = _REVISION_HASH, (seen.object.get("status") or {}).get("updateRevision")
    elif seen.resource == DAEMON_SETS:
        label, value = _GENERATION_LABEL, (metadata(seen.object).get("annotations") or {}).get(_TEMPLATE_GENERATION)
    else:
        return staying
    return [pod for pod in staying if (metadata(pod).get("labels") or {}).get(label) == value]


def refusal_of(seen: Seen) -> str:
    """Why no Pod could be made the last time, in the API's words; "" when nothing was refused."""
    failure = _condition(seen.object.get("status") or {}, "ReplicaFailure")
    if failure.get("status") == "True" and failure.get("reason") == FAILED_CREATE:
        return str(failure.get("message") or FAILED_CREATE)
    told = [one for one in seen.events if one.get("reason") in (FAILED_CREATE, _SUCCESSFUL_CREATE)]
    last = max(told, key=lambda event: int(resource_version_of(event) or 0), default={})
    return str(last.get("message")) if last.get("reason") == FAILED_CREATE else ""


def _of_job(seen: Seen, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Progress:
    wanted, succeeded = spec.get("completions"), status.get("succeeded") or 0
    told = f"{succeeded} of {wanted} completions" if wanted is not None else f"{succeeded} Pods succeeded"
    if status.get("failed"):
        told += f", {status['failed']} failed"
    complete, failed = _condition(status, "Complete"), _condition(status, "Failed")
    if "True" in (complete.get("status"), failed.get("status")) and not all(map(is_terminal, current_pods(seen))):
        # Both watches tell it, this one a moment earlier; how the last Pods ended is to be known.
        return Progress(Stage.STARTED, told)
    if complete.get("status") == "True":
        return Progress(Stage.ENDED, told)
    if failed.get("status") == "True":
        ends = (outcome_of(pod).exit_code for pod in seen.pods if is_terminal(pod))
        reason = f"{failed.get('reason')}: {failed.get('message')}"
        return Progress(Stage.ENDED, told, next((code for code in ends if code), 1), (("", reason),))
    if spec.get("suspend"):
        return Progress(Stage.READY, "it is suspended until somebody resumes it")
    outcomes = _outcomes(seen)
    stuck = tuple(one for one in _stuck(seen) if one[1] != Waiting.CRASH_LOOP_BACK_OFF)
    if any(_waits_in_vain(outcome) for _, outcome in outcomes):
        return Progress(Stage.HOPELESS, told, 1, stuck)
    # One that waits for room has it when another of the Job has ended.
    if any(outcome.stage is Stage.STARTED for _, outcome in outcomes):
        return Progress(Stage.STARTED, told)
    if stuck:
        return Progress(Stage.STUCK, told, stuck=stuck)
    # How often Pods and containers that fail are tried again is the Job's affair, and when.
    tries = status.get("failed") or any(outcome.stuck for _, outcome in outcomes)
    return Progress(Stage.STARTED if tries else Stage.WAITING, told)


def _counts(resource: Resource, spec: Mapping[str, Any], status: Mapping[str, Any]) -> _Counts:
    def count(name: str) -> int:
        return int(status.get(name) or 0)

    strategy = spec.get("updateStrategy") or {}
    if resource == DAEMON_SETS:
        wanted = count("desiredNumberScheduled")
        to_update = 0 if strategy.get("type") == "OnDelete" else wanted
        return _Counts(wanted, count("numberAvailable"), count("updatedNumberScheduled"), to_update, 0)
    replicas = spec.get("replicas")
    wanted = 1 if replicas is None else int(replicas)
    there, available, updated = count("replicas"), count("availableReplicas"), count("updatedReplicas")
    if resource == DEPLOYMENTS:
        return _Counts(wanted, available, updated, wanted, max(0, there - min(updated, wanted)))
    surplus = max(0, there - wanted)
    if resource == STATEFUL_SETS:
        kept = (strategy.get("rollingUpdate") or {}).get("partition") or 0
        to_update = 0 if strategy.get("type") == "OnDelete" else max(0, wanted - int(kept))
        return _Counts(wanted, available, updated, to_update, surplus)
    return _Counts(wanted, available, wanted, wanted, surplus)


def _outcomes(seen: Seen) -> list[tuple[Object, Outcome]]:
    return [(pod, outcome_of(pod)) for pod in current_pods(seen)]


def _stuck(seen: Seen) -> tuple[tuple[str, str], ...]:
    found = [
        (name_of(pod), reason)
        for pod, outcome in _outcomes(seen)
        for reason in dict.fromkeys(reason for _, reason in outcome.stuck)
    ]
    if any(_is_going(pod) for pod in seen.pods):
        # Those that go make room, on the node and within quotas.
        return tuple(one for one in found if one[1] != UNSCHEDULABLE)
    if refusal := refusal_of(seen):
        found.append(("", f"{FAILED_CREATE}: {refusal}"))
    return tuple(found)


def _waits_in_vain(outcome: Outcome) -> bool:
    return outcome.stage is Stage.HOPELESS or any(why == Waiting.ERR_IMAGE_NEVER_PULL for _, why in outcome.stuck)


def _keeps_ending(pod: Object) -> bool:
    return any(
        state.state == "waiting" and state.reason == Waiting.CRASH_LOOP_BACK_OFF and state.restarts >= _CRASHES
        for state in container_states(pod)
    )


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    found: Iterable[Mapping[str, Any]] = status.get("conditions") or ()
    return next((one for one in found if one.get("type") == kind), {})


def _revision(obj: Object) -> str:
    return str((metadata(obj).get("annotations") or {}).get(_REVISION) or "")


def _owners(obj: Object) -> Iterable[str]:
    return [reference.get("uid") or "" for reference in metadata(obj).get("ownerReferences") or ()]


def _is_going(pod: Object) -> bool:
    return bool(metadata(pod).get("deletionTimestamp"))
