"""The templates that a StatefulSet or DaemonSet has had, kept as ControllerRevisions.

    template not there yet      -> a new revision, the newest
    template as an earlier one  -> that revision, made the newest (a rollback)
    more than the limit         -> the oldest that no Pod is of go

`kubectl rollout history` and `undo` read them; their data is the patch that brings the template back.
Used by `stateful_set` and `daemon_set`.
Page: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/controller-revision-v1/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podwright.api.errors import AlreadyExists, NotFound
from podwright.api.objects import Object, copy_object, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import CONTROLLER_REVISIONS, Resource
from podwright.api.selectors import LabelSelector
from podwright.client.informers import OWNER, UNCONTROLLED, Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.controllers.owned import claimed, controller_reference, controller_uid
from podwright.controllers.pod_templates import same_template, template_hash

REVISION_LABEL = "controller-revision-hash"
"""On Pods: which revision they are of."""
_LONGEST_PREFIX = 223
_PATCH = "$patch"


def template_in(revision: Object) -> Mapping[str, Any]:
    """The Pod template that a revision keeps."""
    template = ((revision.get("data") or {}).get("spec") or {}).get("template") or {}
    return {k: v for k, v in template.items() if k != _PATCH}


def in_order(revisions: Collection[Object]) -> list[Object]:
    """The oldest first."""
    return sorted(
        revisions, key=lambda r: (r.get("revision") or 0, metadata(r).get("creationTimestamp") or "", name_of(r))
    )


def surplus(revisions: Sequence[Object], live: Collection[str], limit: int) -> list[Object]:
    """Revisions (oldest first) that go: of those whose names are not `live`, all but the newest `limit`."""
    history = [one for one in revisions if name_of(one) not in live]
    return history[: max(0, len(history) - limit)]


@dataclass(frozen=True, slots=True)
class Newest:
    """The revision of an owner's template as it is now."""

    revision: Object
    collisions: int
    """How often a name was found taken by another template."""


class Revisions:
    """The revisions of all owners of one kind."""

    def __init__(self, client: Client, informers: Informers, kind: Resource, hash_label: str) -> None:
        """`hash_label`: the label in which a revision has its hash."""
        self.known = informers.of(CONTROLLER_REVISIONS)
        self._client = client
        self._kind = kind
        self._hash_label = hash_label

    async def of(self, owner: Object, selector: LabelSelector) -> list[Object]:
        """The owner's revisions, the oldest first, those adopted that nobody has."""
        found = {uid_of(one): one for one in self.known.by_index(OWNER, uid_of(owner))}
        for one in self.known.by_index(UNCONTROLLED, namespace_of(owner)):
            if selector.matches(metadata(one).get("labels")):
                found[uid_of(one)] = one
        mine = await claimed(
            self._client, self._kind, owner, CONTROLLER_REVISIONS, found.values(), selected=lambda one: True
        )
        return in_order(mine)

    async def newest(self, owner: Object, revisions: Sequence[Object]) -> Newest:
        """The revision of the owner's template: found, made the newest, or made."""
        template = (owner.get("spec") or {}).get("template") or {}
        collisions: int = (owner.get("status") or {}).get("collisionCount") or 0
        number = (revisions[-1].get("revision") or 0) + 1 if revisions else 1
        equal = [one for one in revisions if same_template(template_in(one), template)]
        if equal and equal[-1] is revisions[-1]:
            return Newest(equal[-1], collisions)
        if equal:
            return Newest(
                await self._client.update(CONTROLLER_REVISIONS, {**equal[-1], "revision": number}), collisions
            )
        while True:
            body = self._body(owner, template, number, collisions)
            try:
                return Newest(await self._client.create(CONTROLLER_REVISIONS, body, namespace_of(owner)), collisions)
            except AlreadyExists:
                there = await self._client.get(CONTROLLER_REVISIONS, name_of(body), namespace_of(owner))
                if controller_uid(there) == uid_of(owner) and same_template(template_in(there), template):
                    return Newest(there, collisions)
                collisions += 1

    def _body(self, owner: Object, template: Mapping[str, Any], number: int, collisions: int) -> Object:
        stamp = template_hash(template, collisions)
        meta: dict[str, Any] = {
            "name": f"{name_of(owner)[:_LONGEST_PREFIX]}-{stamp}",
            "namespace": namespace_of(owner),
            "labels": {**((template.get("metadata") or {}).get("labels") or {}), self._hash_label: stamp},
            "ownerReferences": [controller_reference(owner, self._kind)],
        }
        if metadata(owner).get("annotations"):
            meta["annotations"] = dict(metadata(owner)["annotations"])
        return {
            "apiVersion": CONTROLLER_REVISIONS.api_version,
            "kind": CONTROLLER_REVISIONS.kind,
            "metadata": meta,
            "data": {"spec": {"template": {**copy_object(dict(template)), _PATCH: "replace"}}},
            "revision": number,
        }

    async def forget(self, revisions: Sequence[Object]) -> None:
        """Delete these."""
        for one in revisions:
            try:
                await self._client.delete(
                    CONTROLLER_REVISIONS, name_of(one), namespace_of(one), DeleteOptions(uid=uid_of(one))
                )
            except NotFound:
                continue
