"""What a Job's status and its Pods say together: who has succeeded and failed, and what of that is counted already.

A Pod that ended is first noted (`status.uncountedTerminatedPods`, or `status.completedIndexes`), then loses its
finalizer, then is counted, so that it is counted once whatever is interrupted:

    tracked --noted in status--> noted --finalizer removed--> counted

Called by `decision`. Page:
https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-tracking-with-finalizers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from podwright.api.objects import Object, metadata, uid_of
from podwright.controllers.jobs import pods as of_pod
from podwright.controllers.jobs.failure_policy import FAIL_INDEX, Ruling, rule_on
from podwright.controllers.jobs.indexes import Indexes, parse_indexes


@dataclass(frozen=True)
class JobState:
    """One look at a Job and its Pods. Nothing is changed."""

    job: Object
    pods: Sequence[Object]
    namespace_ends: bool = False
    """Whether the Job's namespace is being deleted: its Pods go first, and get no successors"""

    @property
    def spec(self) -> dict[str, Any]:
        """`spec`."""
        return self.job.get("spec") or {}

    @property
    def status(self) -> dict[str, Any]:
        """`status`."""
        return self.job.get("status") or {}

    @property
    def completions(self) -> int | None:
        """How many Pods are to succeed; None: one of a work queue is enough."""
        found: int | None = self.spec.get("completions")
        return found

    @property
    def is_indexed(self) -> bool:
        """Whether each index has to succeed by itself."""
        return self.spec.get("completionMode") == "Indexed"

    @property
    def is_deleted(self) -> bool:
        """Whether the Job is being deleted, or is about to be."""
        return self.namespace_ends or bool(metadata(self.job).get("deletionTimestamp"))

    @property
    def is_suspended(self) -> bool:
        """`spec.suspend`."""
        return bool(self.spec.get("suspend"))

    @property
    def limit_per_index(self) -> int | None:
        """`spec.backoffLimitPerIndex`."""
        found: int | None = self.spec.get("backoffLimitPerIndex")
        return found

    @property
    def replaces_only_ended(self) -> bool:
        """Whether a Pod that is being deleted is replaced only once it has ended."""
        return self.spec.get("podReplacementPolicy") == "Failed" or self.spec.get("podFailurePolicy") is not None

    def condition(self, kind: str) -> dict[str, Any] | None:
        """The Job's condition of a type if its status is True."""
        found = (c for c in self.status.get("conditions") or () if c.get("type") == kind and c.get("status") == "True")
        return next(found, None)

    @cached_property
    def active(self) -> Sequence[Object]:
        """Pods that are on their way or run."""
        return [p for p in self.pods if of_pod.is_active(p)]

    @cached_property
    def terminating(self) -> Sequence[Object]:
        """Pods that are deleted and have not ended."""
        return [p for p in self.pods if of_pod.is_terminating(p)]

    @cached_property
    def tracked(self) -> Sequence[Object]:
        """Pods that still have the Job's finalizer."""
        return [p for p in self.pods if of_pod.is_tracked(p)]

    @cached_property
    def noted(self) -> dict[str, list[str]]:
        """Uids by outcome (`succeeded`, `failed`) that are in the status and not counted yet."""
        uncounted = self.status.get("uncountedTerminatedPods") or {}
        return {kind: list(uncounted.get(kind) or ()) for kind in ("succeeded", "failed")}

    def is_noted(self, pod: Object, kind: str) -> bool:
        """Whether the status has the Pod under `kind` already."""
        return uid_of(pod) in self.noted[kind]

    def has_succeeded(self, pod: Object) -> bool:
        """Whether the Pod counts as succeeded: one that was noted as failed when it was deleted does not any more."""
        return of_pod.has_succeeded(pod) and not self.is_noted(pod, "failed")

    def has_failed(self, pod: Object) -> bool:
        """Whether the Pod counts as failed for this Job, whatever its failure policy says."""
        return of_pod.has_failed(pod, only_when_ended=self.replaces_only_ended)

    def ruling(self, pod: Object) -> Ruling:
        """What the failure policy says of a failed Pod."""
        return rule_on(self.spec.get("podFailurePolicy"), pod)

    def is_valid(self, pod: Object) -> bool:
        """Whether the Pod counts at all: one of an indexed Job has an index that is asked for."""
        if not self.is_indexed:
            return True
        index = of_pod.index_of(pod)
        return index is not None and 0 <= index < (self.completions or 0)

    @cached_property
    def new_succeeded(self) -> Sequence[Object]:
        """Pods that have succeeded and are not noted."""
        return [
            p for p in self.tracked if self.has_succeeded(p) and self.is_valid(p) and not self.is_noted(p, "succeeded")
        ]

    @cached_property
    def new_failed(self) -> Sequence[Object]:
        """Pods whose failure counts and is not noted."""
        return [
            p
            for p in self.tracked
            if self.is_valid(p) and not self.is_noted(p, "failed") and self.has_failed(p) and self.ruling(p).counts
        ]

    @cached_property
    def failed(self) -> int:
        """How many have failed, noted and new ones included."""
        return (self.status.get("failed") or 0) + len(self.noted["failed"]) + len(self.new_failed)

    @cached_property
    def succeeded(self) -> int:
        """How many (indexes) have succeeded, noted and new ones included."""
        if self.is_indexed:
            return len(self.succeeded_indexes)
        return (self.status.get("succeeded") or 0) + len(self.noted["succeeded"]) + len(self.new_succeeded)

    @cached_property
    def succeeded_indexes(self) -> Indexes:
        """Indexes of which a Pod has succeeded."""
        if not self.is_indexed:
            return frozenset()
        before = parse_indexes(self.status.get("completedIndexes") or "", self.completions or 0)
        return before | {i for p in self.new_succeeded if (i := of_pod.index_of(p)) is not None}

    @cached_property
    def failed_indexes(self) -> Indexes:
        """Indexes that will not be tried again: one of which a Pod has succeeded after all is none."""
        if not self.is_indexed or self.limit_per_index is None:
            return frozenset()
        before = parse_indexes(self.status.get("failedIndexes") or "", self.completions or 0)
        new = {i for p in self.tracked if self._ends_index(p) and (i := of_pod.index_of(p)) is not None}
        return (before | new) - self.succeeded_indexes

    def _ends_index(self, pod: Object) -> bool:
        if not self.is_valid(pod) or not self.has_failed(pod):
            return False
        ruling = self.ruling(pod)
        if ruling.action == FAIL_INDEX:
            return True
        return ruling.counts and of_pod.index_failures(pod) >= (self.limit_per_index or 0)

    @cached_property
    def active_indexes(self) -> Indexes:
        """Indexes that have an active Pod."""
        return frozenset(i for p in self.active if (i := of_pod.index_of(p)) is not None)

    @cached_property
    def last_failed_by_index(self) -> dict[int, Object]:
        """With a limit per index: the failed Pod that an index's next one takes its counts from.

        It keeps its finalizer until then, so that the counts survive.
        """
        found: dict[int, Object] = {}
        if not self.is_indexed or self.limit_per_index is None:
            return found
        done = self.active_indexes | self.succeeded_indexes | self.failed_indexes
        for pod in self.tracked:
            index = of_pod.index_of(pod)
            if index is None or index in done or not self.is_valid(pod) or not self.has_failed(pod):
                continue
            other = found.get(index)
            if other is None or _failures(other) <= _failures(pod):
                found[index] = pod
        return found

    def holds_counts(self, pod: Object) -> bool:
        """Whether its index has no other Pod yet that knows how often it has failed."""
        index = of_pod.index_of(pod)
        last = self.last_failed_by_index.get(index) if index is not None else None
        return last is not None and uid_of(last) == uid_of(pod)


def _failures(pod: Object) -> int:
    return of_pod.index_failures(pod) + of_pod.index_ignored(pod)
