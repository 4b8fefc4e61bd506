"""What is special about PriorityClasses: a number that stays, and names that only the system may use.

Called by the generic handlers through `rows.py`; what a class does to a Pod stands in `admission/priority.py`.
Page: https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#priorityclass
"""

from __future__ import annotations

from podwright.api.field import FieldError, Path, forbidden
from podwright.api.objects import Object, name_of
from podwright.api.priorities import BUILT_IN, HIGHEST_USER_PRIORITY, SYSTEM_PREFIX
from podwright.apiserver.registry import field_checks as check
from podwright.apiserver.registry.columns import AGE, NAME, at
from podwright.apiserver.registry.strategy import Column, Strategy

_POLICIES = ("PreemptLowerPriority", "Never")


class PriorityClassStrategy(Strategy):
    """PriorityClasses."""

    allow_unconditional_update = True
    columns = (
        NAME,
        Column(
            "Value",
            lambda obj, now: obj.get("value") or 0,
            type="integer",
            description="The priority of Pods of this class.",
        ),
        Column(
            "Global-Default",
            lambda obj, now: bool(obj.get("globalDefault")),
            type="boolean",
            description="Whether it is the class of Pods that name none.",
        ),
        AGE,
        Column("PreemptionPolicy", at("preemptionPolicy"), description="Whether its Pods may push others out."),
    )

    def default(self, obj: Object) -> None:
        """A class preempts unless it says otherwise; a value that is left out is 0."""
        obj["value"] = obj.get("value") or 0
        obj["preemptionPolicy"] = obj.get("preemptionPolicy") or "PreemptLowerPriority"

    def validate(self, obj: Object) -> list[FieldError]:
        """Name, value and policy."""
        errors: list[FieldError] = []
        name, value = name_of(obj), obj.get("value") or 0
        if name.startswith(SYSTEM_PREFIX):
            if wrong := _not_built_in(obj):
                text = (
                    f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. "
                    f"error: {wrong}"
                )
                errors.append(forbidden(Path("metadata").child("name"), text))
        elif value > HIGHEST_USER_PRIORITY:
            text = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
            errors.append(forbidden(Path("value"), text))
        policy = obj.get("preemptionPolicy")
        return errors + check.optional_one_of(Path("preemptionPolicy"), policy, _POLICIES)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[FieldError]:
        """Value and policy stay: Pods have them by now."""
        errors: list[FieldError] = []
        if (obj.get("value") or 0) != (old.get("value") or 0):
            errors.append(forbidden(Path("value"), "may not be changed in an update."))
        return errors + check.unchanged(
            Path("preemptionPolicy"), obj.get("preemptionPolicy"), old.get("preemptionPolicy")
        )


def _not_built_in(obj: Object) -> str:
    """Why a class whose name is the system's is none of the system's; "" if it is one."""
    name = name_of(obj)
    value = BUILT_IN.get(name)
    if value is None:
        return f"{name} is not a known system priority class"
    if obj.get("value") != value:
        return f"value of {name} PriorityClass must be {value}"
    return f"globalDefault of {name} PriorityClass must be false" if obj.get("globalDefault") else ""
