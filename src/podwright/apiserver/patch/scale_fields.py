"""Owners of a workload's replicas, as they are seen through its subresource scale and back.

A Scale is not stored: who owns its `spec.replicas` is who owns that field of the workload. Pure; called by
`handlers/scale.py` for server-side apply.
Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from typing import Final

from podwright.apiserver.patch.field_set import FieldSet, difference, intersection
from podwright.apiserver.patch.managed_fields import Managers, Ownership

REPLICAS: Final[FieldSet] = {"f:spec": {"f:replicas": {}}}
"""The field, in a Scale as in all workloads that have one."""


def of_scale(managers: Managers, api_version: str) -> Managers:
    """The owners of the Scale, in its own version, of a workload with these owners."""
    return {
        manager._replace(api_version=api_version): Ownership(REPLICAS, owned.time)
        for manager, owned in managers.items()
        if intersection(owned.fields, REPLICAS)
    }


def of_workload(managers: Managers, scale: Managers, api_version: str) -> Managers:
    """The owners of a workload, in its own version, after its Scale came to have the owners `scale`.

    Who owned the replicas and is not among these owns the rest that it had.
    """
    left = {
        manager._replace(api_version=api_version): owned.time
        for manager, owned in scale.items()
        if intersection(owned.fields, REPLICAS)
    }
    made: Managers = {}
    for manager, owned in managers.items():
        if not intersection(owned.fields, REPLICAS):
            made[manager] = owned
        elif manager in left:
            made[manager] = Ownership(owned.fields, left.pop(manager))
        elif fields := difference(owned.fields, REPLICAS):
            made[manager] = Ownership(fields, owned.time)
    return made | {manager: Ownership(REPLICAS, time) for manager, time in left.items()}
