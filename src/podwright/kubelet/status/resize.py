"""How far a change of a Pod's resources is, and the conditions that say so.

Pure; called by `generate`. Two conditions, each there only while it is true: PodResizePending (the node has not given
what the spec asks for) and PodResizeInProgress (it has, and the containers do not have it yet).
Page: https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/#pod-resize-status
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PENDING, IN_PROGRESS = "PodResizePending", "PodResizeInProgress"
CONDITIONS = (PENDING, IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Pending:
    """Why the node has not given what the spec asks for."""

    reason: str
    """Infeasible (it never can) or Deferred (it cannot now)"""
    message: str


@dataclass(frozen=True, slots=True)
class Resize:
    """How far a change of a Pod's resources is."""

    pending: Pending | None = None
    in_progress: bool = False
    error: str = ""
    """why the last attempt to carry it out failed"""
    generation: int = 0
    """of the spec that was granted last"""


SETTLED = Resize()
"""It has what it asks for."""


def resize_conditions(state: Resize) -> list[dict[str, Any]]:
    """The conditions to show, without their times."""
    conditions: list[dict[str, Any]] = []
    if state.pending is not None:
        pending = {"reason": state.pending.reason, "message": state.pending.message}
        conditions.append({"type": PENDING, "status": "True", **pending})
    if state.in_progress:
        failed = {"reason": "Error", "message": state.error} if state.error else {}
        conditions.append({"type": IN_PROGRESS, "status": "True", **failed})
    return conditions
