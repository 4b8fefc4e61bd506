"""Whose an object is: the one owner that controls it, and what a controller does with what its selector finds.

    controlled by another            -> left alone
    controlled by us, selected       -> ours
    controlled by us, not selected   -> let go (unless we are being deleted)
    controlled by nobody, selected   -> adopted (unless it or we are being deleted)

`verdict` is pure; `claimed` carries it out. Called by every controller that keeps objects by selector.
Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/ and
https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#non-template-pod-acquisitions
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from podwright.api.errors import Conflict, NotFound
from podwright.api.objects import Object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import Resource
from podwright.client.interface import Client, PatchType


class Verdict(enum.Enum):
    """What a controller does with one object."""

    OURS = "ours"
    ADOPT = "adopt"
    LET_GO = "let go"
    LEAVE = "leave"


def controller_of(obj: Object) -> Mapping[str, Any] | None:
    """The owner reference of the one owner that controls an object, None when nobody does."""
    for reference in metadata(obj).get("ownerReferences") or ():
        if reference.get("controller"):
            found: Mapping[str, Any] = reference
            return found
    return None


def controller_uid(obj: Object) -> str:
    """The uid of the controlling owner, "" when there is none."""
    reference = controller_of(obj)
    return (reference.get("uid") or "") if reference else ""


def is_controlled_by(obj: Object, resource: Resource) -> bool:
    """Whether the controlling owner is of this kind."""
    reference = controller_of(obj)
    return reference is not None and (reference.get("kind"), reference.get("apiVersion")) == (
        resource.kind,
        resource.api_version,
    )


def controller_reference(owner: Object, resource: Resource) -> dict[str, Any]:
    """The reference that says `owner` controls what it is put into."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_going(obj: Object) -> bool:
    """Whether an object is being deleted."""
    return bool(metadata(obj).get("deletionTimestamp"))


def verdict(obj: Object, owner: Object, *, selected: bool) -> Verdict:
    """What `owner` does with `obj`, which its selector finds or does not."""
    holder = controller_uid(obj)
    if holder:
        if holder != uid_of(owner):
            return Verdict.LEAVE
        if selected:
            return Verdict.OURS
        return Verdict.LEAVE if is_going(owner) else Verdict.LET_GO
    if not selected or is_going(owner) or is_going(obj):
        return Verdict.LEAVE
    return Verdict.ADOPT


async def claimed(
    client: Client,
    kind: Resource,
    owner: Object,
    resource: Resource,
    candidates: Iterable[Object],
    *,
    selected: Callable[[Object], bool],
    finalizers: Sequence[str] = (),
) -> list[Object]:
    """The candidates (of `resource`) that are the owner's (of `kind`), after adopting and letting go.

    `finalizers` are given to what is adopted.
    Raises StatusError where the API refused; NotFound when the owner has been deleted or replaced meanwhile.
    """
    ours: list[Object] = []
    confirmed = False
    for obj in list(candidates):
        match verdict(obj, owner, selected=selected(obj)):
            case Verdict.OURS:
                ours.append(obj)
            case Verdict.LET_GO:
                await _let_go(client, resource, obj, owner)
            case Verdict.ADOPT:
                if not confirmed:
                    # A cache may be late: nothing is adopted by an owner that is gone.
                    await _confirm(client, kind, owner)
                    confirmed = True
                adopted = await _adopt(client, resource, obj, controller_reference(owner, kind), finalizers)
                if adopted is not None:
                    ours.append(adopted)
            case Verdict.LEAVE:
                continue
    return ours


async def _confirm(client: Client, kind: Resource, owner: Object) -> None:
    fresh = await client.get(kind, name_of(owner), namespace_of(owner))
    if uid_of(fresh) != uid_of(owner) or is_going(fresh):
        raise NotFound.of(kind.plural, name_of(owner), group=kind.group)


async def _adopt(
    client: Client, resource: Resource, obj: Object, reference: Mapping[str, Any], finalizers: Sequence[str]
) -> Object | None:
    change = {"metadata": {"uid": uid_of(obj), "ownerReferences": [dict(reference)]}}
    if finalizers:
        change["metadata"]["finalizers"] = list(finalizers)
    try:
        return await client.patch(resource, name_of(obj), change, namespace_of(obj), patch_type=PatchType.STRATEGIC)
    except (NotFound, Conflict):
        # It is gone, or another object has its name now.
        return None


async def _let_go(client: Client, resource: Resource, obj: Object, owner: Object) -> None:
    kept = [r for r in metadata(obj).get("ownerReferences") or () if r.get("uid") != uid_of(owner)]
    change = {
        "metadata": {
            "uid": uid_of(obj),
            "resourceVersion": metadata(obj).get("resourceVersion"),
            "ownerReferences": kept or None,
        }
    }
    try:
        await client.patch(resource, name_of(obj), change, namespace_of(obj), patch_type=PatchType.MERGE)
    except NotFound:
        return
