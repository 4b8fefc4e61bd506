"""Decides whether a container that is not running will be started again: restartPolicy and restart rules.

Pure. Called by `phase` (is the Pod at its end?) and `containers` (is a failed start worth showing?).
Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from podwright.api.objects import Object

_ALL = "RestartAllContainers"


def restarts_after(pod: Object, container: Mapping[str, Any], exit_code: int) -> bool:
    """Whether a container of `pod` that ended with `exit_code` is started again, deletion of the Pod left aside.

    A rule of the container comes first, then its own restartPolicy, then the Pod's.
    """
    if action := _action(container, exit_code):
        return action in ("Restart", _ALL)
    policy = container.get("restartPolicy") or pod["spec"].get("restartPolicy") or "Always"
    if policy == "OnFailure":
        return exit_code != 0
    return bool(policy == "Always")


def restarts_all_after(container: Mapping[str, Any], exit_code: int) -> bool:
    """Whether a container that ended with `exit_code` has every container of its Pod run again, itself included."""
    return _action(container, exit_code) == _ALL


def _action(container: Mapping[str, Any], exit_code: int) -> str:
    """What the first rule that matches says; "": none does."""
    rules = container.get("restartPolicyRules") or ()
    return next((str(rule.get("action")) for rule in rules if _matches(rule, exit_code)), "")


def _matches(rule: Mapping[str, Any], exit_code: int) -> bool:
    condition = rule.get("exitCodes") or {}
    listed = exit_code in (condition.get("values") or ())
    return listed if condition.get("operator") == "In" else condition.get("operator") == "NotIn" and not listed
