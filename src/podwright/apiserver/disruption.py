"""Whether a Pod may be evicted now: what the PodDisruptionBudgets that are about it say.

`ruling` is pure; `take` writes one disruption down in the budget before the Pod goes, so that evictions at the same
time cannot be more than it allows. Called by the eviction subresource.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from podwright.admission.interface import User
from podwright.api.errors import Conflict, Forbidden, InternalError, TooManyRequests
from podwright.api.objects import Object, copy_object, metadata, name_of, rfc3339
from podwright.api.pods import condition_is_true, is_terminal
from podwright.api.resources import POD_DISRUPTION_BUDGETS
from podwright.api.selectors import label_selector_from
from podwright.apiserver.context import Call, Context
from podwright.apiserver.handlers.change import commit
from podwright.storage.interface import KeyMissing, RevisionConflict

_TRIES = 20
_MOST_UNCONFIRMED = 2000
_VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
_SECONDS_TO_WAIT = 10


def needs_no_budget(pod: Object) -> bool:
    """Whether nobody misses the Pod: it is over, has not begun, or goes already."""
    phase = (pod.get("status") or {}).get("phase")
    return is_terminal(pod) or phase == "Pending" or bool(metadata(pod).get("deletionTimestamp"))


def budgets_of(pod: Object, budgets: Sequence[Object]) -> Sequence[Object]:
    """Those of the Pod's namespace that are about it; one without a selector is about none."""
    labels = metadata(pod).get("labels") or {}
    return [
        budget
        for budget in budgets
        if (selector := (budget.get("spec") or {}).get("selector")) is not None
        and label_selector_from(selector).matches(labels)
    ]


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether an eviction goes on, and whether it costs one of the disruptions that the budget allows."""

    costs: bool


def ruling(pod: Object, budget: Object) -> Ruling:
    """What a budget says of evicting a Pod of its own. Raises TooManyRequests, Forbidden."""
    spec, status = budget.get("spec") or {}, budget.get("status") or {}
    healthy, desired = status.get("currentHealthy") or 0, status.get("desiredHealthy") or 0
    if not condition_is_true(pod, "Ready"):
        # A Pod that does no work is not missed; by default only while the others are enough.
        always = spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
        if always or (healthy >= desired > 0):
            return Ruling(costs=False)
    name = name_of(budget)
    if (status.get("observedGeneration") or 0) < (metadata(budget).get("generation") or 0):
        why = f"The disruption budget {name} is still being processed by the server."
        raise _too_many(why, _SECONDS_TO_WAIT)
    allowed = status.get("disruptionsAllowed") or 0
    group, plural = POD_DISRUPTION_BUDGETS.group, POD_DISRUPTION_BUDGETS.plural
    if allowed < 0:
        raise Forbidden.of(plural, name, "pdb disruptions allowed is negative", group=group)
    if len(status.get("disruptedPods") or ()) > _MOST_UNCONFIRMED:
        text = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise Forbidden.of(plural, name, text, group=group)
    if allowed == 0:
        raise _too_many(f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
    return Ruling(costs=True)


def _too_many(why: str, seconds: int = 0) -> TooManyRequests:
    details: dict[str, object] = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    if seconds:
        details["retryAfterSeconds"] = seconds
    return TooManyRequests(_VIOLATES, details)


def with_one_less(budget: Object, pod_name: str, now: datetime.datetime) -> Object:
    """The budget once the Pod's eviction is written down in it."""
    new = copy_object(budget)
    status = new["status"]
    status["disruptionsAllowed"] -= 1
    status["disruptedPods"] = {**(status.get("disruptedPods") or {}), pod_name: rfc3339(now)}
    if status["disruptionsAllowed"] == 0:
        status["conditions"] = [
            {
                **c,
                "status": "False",
                "reason": "InsufficientPods",
                "lastTransitionTime": rfc3339(now) if c.get("status") != "False" else c.get("lastTransitionTime"),
            }
            if c.get("type") == "DisruptionAllowed"
            else c
            for c in status.get("conditions") or ()
        ]
    return new


async def take(context: Context, pod: Object, user: User, *, dry_run: bool) -> None:
    """Have the Pod's budget allow its eviction. Raises TooManyRequests, Forbidden, InternalError, Conflict."""
    row = context.rows.get(POD_DISRUPTION_BUDGETS)
    if row is None or needs_no_budget(pod):
        return
    namespace = metadata(pod)["namespace"]
    for _ in range(_TRIES):
        entries = context.store.list(context.root(row, namespace)).entries
        about = [(entry, budget) for entry in entries if budgets_of(pod, [budget := context.read(row, entry)])]
        if not about:
            return
        if len(about) > 1:
            raise InternalError(_SEVERAL)
        entry, budget = about[0]
        if not ruling(pod, budget).costs:
            return
        call = Call(row, user, namespace, name_of(budget), "status", dry_run=dry_run)
        try:
            await commit(context, call, entry, budget, with_one_less(budget, name_of(pod), context.now()))
        except (RevisionConflict, KeyMissing):
            continue
        return
    raise Conflict.of(row.resource.plural, name_of(about[0][1]), group=row.resource.group)
