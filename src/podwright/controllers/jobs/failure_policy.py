"""What a Job's podFailurePolicy says of a Pod that has failed: the first rule that matches decides.

Called by the decisions of this folder.
Page: https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podwright.api.objects import Object, name_of, namespace_of

FAIL_JOB, FAIL_INDEX, IGNORE, COUNT = "FailJob", "FailIndex", "Ignore", "Count"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of a failed Pod."""

    counts: bool = True
    """Whether it counts towards the limits of failures."""
    action: str = ""
    """The matching rule's; "" when none matches."""
    job_fails: str = ""
    """Why the whole Job fails; "" when it does not."""


def rule_on(policy: Mapping[str, Any] | None, pod: Object) -> Ruling:
    """The ruling of a podFailurePolicy (None: every failure counts)."""
    for position, rule in enumerate((policy or {}).get("rules") or ()):
        action = rule.get("action") or COUNT
        if rule.get("onExitCodes") is not None:
            told = _by_exit_code(rule["onExitCodes"], pod)
        else:
            told = _by_condition(rule.get("onPodConditions") or (), pod)
        if told:
            why = f"{told} matching {action} rule at index {position}" if action == FAIL_JOB else ""
            return Ruling(action != IGNORE, action, why)
    return Ruling()


def _by_exit_code(requirement: Mapping[str, Any], pod: Object) -> str:
    """The container whose exit code is meant, in words; "" when there is none."""
    status = pod.get("status") or {}
    wanted, name = requirement.get("values") or (), requirement.get("containerName")
    statuses = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    for container in statuses:
        ended = (container.get("state") or {}).get("terminated")
        code = (ended or {}).get("exitCode") or 0
        if ended is None or code == 0 or (name is not None and container.get("name") != name):
            continue
        if (code in wanted) == (requirement.get("operator") == "In"):
            where = f"{namespace_of(pod)}/{name_of(pod)}"
            return f"Container {container.get('name')} for pod {where} failed with exit code {code}"
    return ""


def _by_condition(patterns: Any, pod: Object) -> str:
    """The condition that is meant, in words; "" when the Pod has none such."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    for condition in conditions:
        for pattern in patterns:
            status = pattern.get("status") or "True"
            if condition.get("type") == pattern.get("type") and condition.get("status") == status:
                return f"Pod {namespace_of(pod)}/{name_of(pod)} has condition {condition['type']}"
    return ""
