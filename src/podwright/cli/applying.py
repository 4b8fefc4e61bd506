"""Brings objects to the API server as `kubectl apply --server-side` does, and takes them away again. Called by `run`.

Page: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podwright.api.errors import NotFound
from podwright.api.objects import Object, copy_object, name_of, namespace_of, uid_of
from podwright.api.pods import is_terminal
from podwright.api.resources import CRON_JOBS, JOBS, PODS, Resource
from podwright.cli.workloads import FOLLOWED
from podwright.client.interface import DeleteOptions, PatchType

if TYPE_CHECKING:
    from podwright.client.http import HttpClient

FIELD_MANAGER = "podwright-run"


class UnknownKindError(Exception):
    """The API server does not serve such objects."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object of a file, and the resource it belongs to; its namespace is filled in."""

    resource: Resource
    object: Object

    @property
    def title(self) -> str:
        """`pod/web`"""
        return f"{self.resource.kind.lower()}/{name_of(self.object)}"


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of it. `created`: it was not there before, or had ended and was replaced."""

    wanted: Wanted
    object: Object
    created: bool


async def resolve(client: HttpClient, objects: Sequence[Object], namespace: str) -> list[Wanted]:
    """Find out what each object is, and give those without a namespace this one. Raises UnknownKindError."""
    served: dict[str, dict[str, Resource]] = {}
    found = []
    for obj in objects:
        version = obj["apiVersion"]
        if version not in served:
            served[version] = await _discover(client, version)
        resource = served[version].get(obj["kind"])
        if resource is None:
            raise UnknownKindError(
                f"{name_of(obj)}: this node does not serve {obj['kind']} of {version} "
                "(`kubectl api-resources` lists what it does)"
            )
        placed = copy_object(obj)
        if resource.namespaced and not namespace_of(placed):
            placed["metadata"]["namespace"] = namespace
        found.append(Wanted(resource, placed))
    return found


async def _discover(client: HttpClient, api_version: str) -> dict[str, Resource]:
    """The resources of one group and version, by kind."""
    group, _, version = api_version.rpartition("/")
    try:
        answer = await client.read_path(f"/apis/{api_version}" if group else f"/api/{api_version}")
    except NotFound:
        return {}
    return {
        entry["kind"]: Resource(group, version, entry["name"], entry["kind"], bool(entry.get("namespaced")))
        for entry in answer.get("resources") or ()
        if "/" not in entry["name"] and "patch" in entry["verbs"]
    }


async def apply(client: HttpClient, wanted: Wanted) -> Applied:
    """Apply one object. A Pod or Job that has ended never runs again, so it makes room for the new one.

    Raises a StatusError (Conflict where another manager owns a field) or OSError.
    """
    resource, name, namespace = wanted.resource, name_of(wanted.object), namespace_of(wanted.object)
    try:
        before = await client.get(resource, name, namespace)
    except NotFound:
        before = None
    replaced = before is not None and _has_ended(resource, before)
    if before is not None and replaced:
        await delete_and_wait(client, resource, before)
    applied = await client.patch(
        resource,
        name,
        wanted.object,
        namespace,
        patch_type=PatchType.APPLY,
        field_manager=FIELD_MANAGER,
        field_validation="Strict",
    )
    return Applied(wanted, applied, before is None or replaced)


async def delete_and_wait(client: HttpClient, resource: Resource, obj: Object) -> None:
    """Delete this very object, and return when it is gone, and a workload's Pods with it."""
    name, namespace, uid = name_of(obj), namespace_of(obj), uid_of(obj)
    # Whoever waits for the end of a workload means that of its Pods.
    policy = "Foreground" if resource in FOLLOWED or resource == CRON_JOBS else "Background"
    try:
        await client.delete(resource, name, namespace, DeleteOptions(uid=uid, propagation_policy=policy))
    except NotFound:
        return
    while True:
        listed = await client.list(resource, namespace, field_selector=f"metadata.name={name}")
        if all(uid_of(item) != uid for item in listed.items):
            return
        watch = client.watch(
            resource, namespace, resource_version=listed.resource_version, field_selector=f"metadata.name={name}"
        )
        async with watch as events:
            async for event in events:
                if event.type == "DELETED" and uid_of(event.object) == uid:
                    return


def _has_ended(resource: Resource, obj: Object) -> bool:
    if resource == PODS:
        return is_terminal(obj)
    conditions = (obj.get("status") or {}).get("conditions") or ()
    ends = (one for one in conditions if one.get("type") in ("Complete", "Failed"))
    return resource == JOBS and any(one.get("status") == "True" for one in ends)
