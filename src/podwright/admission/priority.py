"""Priority: the number behind a Pod's priorityClassName.

On by default. Only the two classes that every cluster has are known; PriorityClass objects are not served yet.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/
"""

from __future__ import annotations

from collections.abc import Mapping

from podwright.admission.interface import Attributes, Operation
from podwright.admission.pod_requests import refusal, written_pod

BUILT_IN: Mapping[str, int] = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
DEFAULT = 0
_POLICY = "PreemptLowerPriority"


class Priority:
    """Looks at Pods that are created or changed."""

    name = "Priority"

    async def admit(self, attributes: Attributes) -> None:
        """Raises Forbidden for a class that is not there, or a number that is not its own."""
        pod = written_pod(attributes, Operation.CREATE, Operation.UPDATE)
        if pod is None:
            return
        spec = pod["spec"]
        if attributes.operation is Operation.UPDATE:
            # A manifest that is applied again names neither: what was computed stays.
            before = (attributes.old or {}).get("spec") or {}
            for field in ("priority", "preemptionPolicy"):
                if spec.get(field) is None and before.get(field) is not None:
                    spec[field] = before[field]
            return
        name = spec.get("priorityClassName") or ""
        if name and name not in BUILT_IN:
            raise refusal(attributes, f"no PriorityClass with name {name} was found")
        priority = BUILT_IN.get(name, DEFAULT)
        computed = "from the given PriorityClass name"
        if spec.get("priority") is not None and spec["priority"] != priority:
            raise refusal(
                attributes,
                f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; "
                f"priority admission controller computed {priority} {computed}",
            )
        policy = spec.get("preemptionPolicy")
        if policy is not None and policy != _POLICY:
            raise refusal(
                attributes,
                f"the string value of PreemptionPolicy ({policy}) must not be provided in pod spec; "
                f"priority admission controller computed {_POLICY} {computed}",
            )
        spec["priority"], spec["preemptionPolicy"] = priority, _POLICY
