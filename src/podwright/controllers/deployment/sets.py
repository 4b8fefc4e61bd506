"""The ReplicaSets of a Deployment: which is the newest, which revision each is, which old ones go.

    template changed -> no set has it -> a new set, revision n+1
    template as once -> that set again, now revision n+1 (a rollback); n is kept in its revision history

Pure; called by `controller`.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-a-deployment
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, copy_object, metadata, name_of, namespace_of
from podwright.api.resources import DEPLOYMENTS, REPLICA_SETS
from podwright.controllers.deployment.rollout import limits, replicas_of
from podwright.controllers.owned import controller_reference, is_going
from podwright.controllers.pod_templates import POD_TEMPLATE_HASH, same_template, template_hash

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        HISTORY,
        DESIRED,
        MAXIMUM,
        "deprecated.deployment.rollback.to",
    }
)
_LONGEST_HISTORY = 2000
"""Characters."""
_KEEP_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Sets:
    """The ReplicaSets of one Deployment."""

    new: Object | None
    """The one with the Deployment's template."""
    old: tuple[Object, ...]
    """All others, the oldest first."""

    @property
    def all(self) -> tuple[Object, ...]:
        """Every set."""
        return (*self.old, self.new) if self.new is not None else self.old

    def with_sizes(self, changed: Mapping[str, Object]) -> Sets:
        """The same sets, those in `changed` (by name) replaced."""
        new = changed.get(name_of(self.new), self.new) if self.new is not None else None
        return Sets(new, tuple(changed.get(name_of(one), one) for one in self.old))


def template_of(obj: Object) -> Mapping[str, Any]:
    """spec.template"""
    return (obj.get("spec") or {}).get("template") or {}


def sorted_sets(deployment: Object, sets: Iterable[Object]) -> Sets:
    """The newest set is the oldest of those with the Deployment's template."""
    by_age = sorted(sets, key=lambda one: (metadata(one).get("creationTimestamp") or "", name_of(one)))
    template = template_of(deployment)
    new = next((one for one in by_age if same_template(template_of(one), template)), None)
    return Sets(new, tuple(one for one in by_age if one is not new))


def revision_of(obj: Object) -> int:
    """The revision in the annotation, 0 without."""
    text = (metadata(obj).get("annotations") or {}).get(REVISION) or "0"
    return int(text) if text.isdecimal() else 0


def next_revision(sets: Sets) -> int:
    """One more than the old sets have."""
    return max((revision_of(one) for one in sets.old), default=0) + 1


def annotations_for(deployment: Object, existing: Object | None, revision: int) -> dict[str, str]:
    """The annotations of the newest set, `existing` if it is there: the Deployment's, its revision, its history."""
    had: Mapping[str, str] = (metadata(existing).get("annotations") or {}) if existing is not None else {}
    own: Mapping[str, str] = metadata(deployment).get("annotations") or {}
    made = {**had, **{name: value for name, value in own.items() if name not in _NOT_COPIED}}
    before = had.get(REVISION) or ""
    if (int(before) if before.isdecimal() else 0) < revision:
        made[REVISION] = str(revision)
        if before:
            made[HISTORY] = _longer(had.get(HISTORY) or "", before)
    if existing is None:
        made |= size_annotations(deployment)
    return made


def size_annotations(deployment: Object) -> dict[str, str]:
    """What each active set remembers of the Deployment's size, by which a later change of it is shared out."""
    spec = deployment.get("spec") or {}
    wanted = spec.get("replicas") or 0
    return {DESIRED: str(wanted), MAXIMUM: str(wanted + limits(spec).surge)}


def _longer(history: str, revision: str) -> str:
    revisions = [r for r in history.split(",") if r]
    if revisions and revisions[-1] == revision:
        return history
    revisions.append(revision)
    while len(",".join(revisions)) > _LONGEST_HISTORY:
        del revisions[0]
    return ",".join(revisions)


def new_set(deployment: Object, revision: int, replicas: int, collisions: int | None) -> Object:
    """The ReplicaSet for the Deployment's template."""
    spec = deployment.get("spec") or {}
    template = copy_object(dict(template_of(deployment)))
    stamp = template_hash(template, collisions)
    meta = template["metadata"] = dict(template.get("metadata") or {})
    labels = meta["labels"] = {**(meta.get("labels") or {}), POD_TEMPLATE_HASH: stamp}
    selector = copy_object(spec.get("selector") or {})
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), POD_TEMPLATE_HASH: stamp}
    made: Object = {
        "apiVersion": REPLICA_SETS.api_version,
        "kind": REPLICA_SETS.kind,
        "metadata": {
            "name": f"{name_of(deployment)}-{stamp}",
            "namespace": namespace_of(deployment),
            "labels": dict(labels),
            "annotations": annotations_for(deployment, None, revision),
            "ownerReferences": [controller_reference(deployment, DEPLOYMENTS)],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    }
    if spec.get("minReadySeconds"):
        made["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    return made


def refreshed(deployment: Object, existing: Object, revision: int) -> Object | None:
    """The newest set as it is to be, None when it is so already."""
    annotations = annotations_for(deployment, existing, revision)
    least = (deployment.get("spec") or {}).get("minReadySeconds") or 0
    same_least = ((existing.get("spec") or {}).get("minReadySeconds") or 0) == least
    if same_least and annotations == (metadata(existing).get("annotations") or {}):
        return None
    made = {**existing, "metadata": {**existing["metadata"], "annotations": annotations}}
    made["spec"] = {k: v for k, v in existing["spec"].items() if k != "minReadySeconds"}
    if least:
        made["spec"]["minReadySeconds"] = least
    return made


def is_scaling(deployment: Object, sets: Iterable[Object]) -> bool:
    """Whether the Deployment's size has changed since a set with Pods was last sized."""
    wanted = str((deployment.get("spec") or {}).get("replicas") or 0)
    noted = ((metadata(one).get("annotations") or {}).get(DESIRED) for one in sets if replicas_of(one) > 0)
    return any(note is not None and note != wanted for note in noted)


def surplus_history(deployment: Object, old: Sequence[Object]) -> list[Object]:
    """Old sets without Pods that are more than are to be kept, the lowest revision first."""
    limit = (deployment.get("spec") or {}).get("revisionHistoryLimit")
    if limit is None or limit == _KEEP_ALL:
        return []
    there = [one for one in old if not is_going(one)]
    surplus = len(there) - limit
    if surplus <= 0:
        return []
    by_revision = sorted(there, key=lambda one: (revision_of(one), metadata(one).get("creationTimestamp") or ""))
    return [one for one in by_revision[:surplus] if _is_empty(one)]


def _is_empty(one: Object) -> bool:
    status, meta = one.get("status") or {}, metadata(one)
    seen = (status.get("observedGeneration") or 0) >= (meta.get("generation") or 0)
    return seen and not replicas_of(one) and not status.get("replicas")
