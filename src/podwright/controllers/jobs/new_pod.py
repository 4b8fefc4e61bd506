"""The Pod that a Job makes, from its template.

Called by `controller`. Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode
"""

from __future__ import annotations

from typing import Any

from podwright.api.objects import Object, copy_object, name_of, namespace_of
from podwright.api.resources import JOBS
from podwright.controllers.jobs.labels import FINALIZER, INDEX, INDEX_FAILURES, INDEX_IGNORED
from podwright.controllers.jobs.manage import NewPod
from podwright.controllers.owned import controller_reference

_VARIABLE = "JOB_COMPLETION_INDEX"
_LONGEST_PREFIX = 57
"""What the server leaves of a generateName before the five letters that it adds."""


def new_pod(job: Object, wanted: NewPod) -> Object:
    """The Pod, without a name of its own yet."""
    template = copy_object(job["spec"].get("template") or {})
    given, spec = template.get("metadata") or {}, template.get("spec") or {}
    meta: dict[str, Any] = {
        "generateName": f"{name_of(job)}-",
        "namespace": namespace_of(job),
        "ownerReferences": [controller_reference(job, JOBS)],
        "finalizers": [*(f for f in given.get("finalizers") or () if f != FINALIZER), FINALIZER],
    }
    for kind in ("labels", "annotations"):
        if given.get(kind):
            meta[kind] = given[kind]
    if wanted.index is not None:
        _index(job, meta, spec, wanted.index)
    if wanted.failures is not None:
        meta["annotations"][INDEX_FAILURES] = str(wanted.failures)
        if wanted.ignored:
            meta["annotations"][INDEX_IGNORED] = str(wanted.ignored)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def _index(job: Object, meta: dict[str, Any], spec: dict[str, Any], index: int) -> None:
    """Tell the Pod its index: by annotation, label, host name, name and environment."""
    meta["annotations"] = {**meta.get("annotations", {}), INDEX: str(index)}
    meta["labels"] = {**meta.get("labels", {}), INDEX: str(index)}
    suffix = f"-{index}-"
    meta["generateName"] = name_of(job)[: _LONGEST_PREFIX - len(suffix)] + suffix
    spec["hostname"] = f"{name_of(job)}-{index}"
    source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        variables = container.get("env") or []
        if all(variable.get("name") != _VARIABLE for variable in variables):
            container["env"] = [*variables, {"name": _VARIABLE, "valueFrom": copy_object(source)}]
