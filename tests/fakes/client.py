"""A small API server for the tests of rooms: `client.interface.Client` over the memory store.

It keeps what rooms rely on: uids, resourceVersion conflicts, generation, generateName, selectors, watches with
bookmarks, finalizers, graceful deletion of Pods, the binding and finalize subresources. It does not default, validate
or admit, so tests give whole objects. `calls` says what was asked, `fail_next` makes a call fail.
"""

from __future__ import annotations

import datetime
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from podwright.api import errors
from podwright.api.objects import Object, copy_object, rfc3339
from podwright.api.resources import Resource
from podwright.api.selectors import parse_field_selector, parse_label_selector
from podwright.client.interface import DeleteOptions, ObjectList, PatchType, WatchEvent
from podwright.storage.interface import Compacted, Entry, KeyExists, RevisionConflict, StoreEvent, WatcherTooSlow
from podwright.storage.memory import MemoryStore

MERGE_KEYS = {
    "conditions": "type",
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "volumeMounts": "mountPath",
    "ownerReferences": "uid",
    "hostAliases": "ip",
    "podIPs": "ip",
    "hostIPs": "ip",
    "addresses": "type",
    "taints": "key",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as it came in."""

    verb: str
    resource: Resource
    namespace: str
    name: str
    subresource: str = ""
    body: Any = None


class FakeClient:
    """The whole of `Client`; state is in `store`, which several clients may share."""

    def __init__(
        self,
        store: MemoryStore | None = None,
        clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self.store = store or MemoryStore()
        self.calls: list[Call] = []
        self._clock = clock
        self._failures: dict[tuple[str, str], list[Exception]] = defaultdict(list)

    def fail_next(self, verb: str, resource: Resource, *failures: Exception, subresource: str = "") -> None:
        """The next calls of this kind raise these, one each."""
        self._failures[verb, _path(resource.plural, subresource)].extend(failures)

    def called(self, verb: str, resource: Resource, subresource: str = "") -> list[Call]:
        """The calls of one kind, in order."""
        return [c for c in self.calls if (c.verb, c.resource, c.subresource) == (verb, resource, subresource)]

    def _note(self, call: Call) -> None:
        self.calls.append(call)
        if failures := self._failures[call.verb, _path(call.resource.plural, call.subresource)]:
            raise failures.pop(0)

    # reads

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        self._note(Call("get", resource, namespace, name))
        return _object(self._entry(resource, namespace, name))

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        self._note(Call("list", resource, namespace, ""))
        wanted = _filter(label_selector, field_selector)
        page = self.store.list(_prefix(resource, namespace), after=continue_token, limit=limit)
        items = [o for o in map(_object, page.entries) if wanted(o)]
        token = page.entries[-1].key if page.more else ""
        return ObjectList(items, str(page.revision), token, page.remaining if page.more else None)

    @asynccontextmanager
    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[AsyncIterator[WatchEvent]]:
        self._note(Call("watch", resource, namespace, "", "", resource_version))
        wanted = _filter(label_selector, field_selector)
        try:
            async with self.store.watch(_prefix(resource, namespace), int(resource_version or 0)) as batches:
                yield self._events(batches, wanted)
        except Compacted as error:
            raise errors.Expired(f"too old resource version: {error}") from error

    async def _events(self, batches: AsyncIterator[Any], wanted: Callable[[Object], bool]) -> AsyncIterator[WatchEvent]:
        try:
            async for batch in batches:
                for event in batch:
                    if (seen := _seen(event, wanted)) is not None:
                        yield seen
                if not batch:
                    yield WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": str(self.store.revision)}})
        except WatcherTooSlow:
            return

    # writes

    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str = "",
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        self._note(
            Call(
                "create",
                resource,
                namespace,
                name or (obj.get("metadata") or {}).get("name", ""),
                subresource,
                copy_object(obj),
            )
        )
        if subresource == "binding":
            return await self._bind(resource, name, namespace, obj)
        if subresource:
            return copy_object(obj)
        made = copy_object(obj)
        meta = made.setdefault("metadata", {})
        made.setdefault("apiVersion", resource.api_version)
        made.setdefault("kind", resource.kind)
        if resource.namespaced:
            meta.setdefault("namespace", namespace or "default")
        if not meta.get("name"):
            meta["name"] = f"{meta.get('generateName', '')}{uuid.uuid4().hex[:5]}"
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", rfc3339(self._clock()))
        meta.setdefault("generation", 1)
        if resource.plural == "namespaces":
            made.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
            made.setdefault("status", {}).setdefault("phase", "Active")
        if dry_run:
            return made
        key = _prefix(resource, meta.get("namespace", "")) + meta["name"]
        try:
            return _object(await self.store.create(key, _encoder(made)))
        except KeyExists:
            raise errors.AlreadyExists.of(resource.plural, meta["name"], group=resource.group) from None

    async def _bind(self, resource: Resource, name: str, namespace: str, binding: Object) -> Object:
        entry = self._entry(resource, namespace, name)
        pod = _object(entry)
        if pod.get("spec", {}).get("nodeName"):
            raise errors.Conflict.of(resource.plural, name, f"pod {name} is already assigned to node")
        pod.setdefault("spec", {})["nodeName"] = binding["target"]["name"]
        conditions = pod.setdefault("status", {}).setdefault("conditions", [])
        conditions[:] = [c for c in conditions if c.get("type") != "PodScheduled"]
        conditions.append({"type": "PodScheduled", "status": "True"})
        await self._replace(resource, entry, pod)
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}

    async def update(self, resource: Resource, obj: Object, *, subresource: str = "") -> Object:
        meta = obj["metadata"]
        self._note(Call("update", resource, meta.get("namespace", ""), meta["name"], subresource, copy_object(obj)))
        entry = self._entry(resource, meta.get("namespace", ""), meta["name"])
        version = meta.get("resourceVersion")
        if version and version != str(entry.revision):
            raise errors.Conflict.of(resource.plural, meta["name"], group=resource.group)
        return await self._replace(resource, entry, _merged_in(_object(entry), copy_object(obj), subresource))

    async def patch(
        self,
        resource: Resource,
        name: str,
        body: Any,
        namespace: str = "",
        *,
        patch_type: PatchType = PatchType.MERGE,
        subresource: str = "",
        field_manager: str = "",
        force: bool = False,
    ) -> Object:
        self._note(Call("patch", resource, namespace, name, subresource, copy_object(body)))
        try:
            entry = self._entry(resource, namespace, name)
        except errors.NotFound:
            if patch_type is not PatchType.APPLY:
                raise
            return await self.create(resource, {**body, "metadata": {**body["metadata"], "name": name}}, namespace)
        current = _object(entry)
        if patch_type is PatchType.JSON:
            raise NotImplementedError("the fake client takes no JSON patches")
        version = (body.get("metadata") or {}).get("resourceVersion")
        if version and version != str(entry.revision):
            raise errors.Conflict.of(resource.plural, name, group=resource.group)
        patched = _patched(copy_object(current), body, strategic=patch_type is not PatchType.MERGE)
        return await self._replace(resource, entry, _merged_in(current, patched, subresource))

    async def delete(
        self, resource: Resource, name: str, namespace: str = "", options: DeleteOptions | None = None
    ) -> Object:
        options = options or DeleteOptions()
        self._note(Call("delete", resource, namespace, name, "", options))
        entry = self._entry(resource, namespace, name)
        obj = _object(entry)
        meta = obj["metadata"]
        if options.uid and options.uid != meta["uid"]:
            why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {meta['uid']}"
            raise errors.Conflict.of(resource.plural, name, why, group=resource.group)
        if options.resource_version and options.resource_version != str(entry.revision):
            raise errors.Conflict.of(
                resource.plural, name, "Precondition failed: ResourceVersion", group=resource.group
            )
        holds = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(options.propagation_policy)
        if holds and holds not in meta.get("finalizers", []):
            meta.setdefault("finalizers", []).append(holds)
        grace = options.grace_period_seconds
        if grace is None:
            grace = obj.get("spec", {}).get("terminationGracePeriodSeconds", 30)
        waits = resource.plural == "pods" and grace > 0 and obj.get("spec", {}).get("nodeName")
        if obj.get("status", {}).get("phase") in {"Succeeded", "Failed"}:
            waits = False
        if waits or meta.get("finalizers") or (resource.plural == "namespaces" and obj["spec"].get("finalizers")):
            at = self._clock() + datetime.timedelta(seconds=grace if waits else 0)
            meta.setdefault("deletionTimestamp", rfc3339(at))
            meta["deletionGracePeriodSeconds"] = grace if waits else 0
            if resource.plural == "namespaces":
                obj["status"]["phase"] = "Terminating"
            return await self._replace(resource, entry, obj)
        return await self._remove(entry, obj)

    def _entry(self, resource: Resource, namespace: str, name: str) -> Entry:
        entry = self.store.get(_prefix(resource, namespace) + name)
        if entry is None:
            raise errors.NotFound.of(resource.plural, name, group=resource.group)
        return entry

    async def _replace(self, resource: Resource, entry: Entry, obj: Object) -> Object:
        before, meta = _object(entry), obj["metadata"]
        for kept in ("uid", "creationTimestamp"):
            meta[kept] = before["metadata"].get(kept)
        meta["generation"] = before["metadata"].get("generation", 1) + (before.get("spec") != obj.get("spec"))
        if meta.get("deletionTimestamp") and not meta.get("finalizers") and not obj.get("spec", {}).get("finalizers"):
            running = resource.plural == "pods" and meta.get("deletionGracePeriodSeconds")
            if not running:
                return await self._remove(entry, obj)
        meta["resourceVersion"] = before["metadata"]["resourceVersion"]
        if obj == before:
            return before
        try:
            return _object(await self.store.update(entry.key, entry.revision, _encoder(obj)))
        except RevisionConflict:
            raise errors.Conflict.of(resource.plural, meta["name"], group=resource.group) from None

    async def _remove(self, entry: Entry, obj: Object) -> Object:
        event = await self.store.delete(entry.key, entry.revision, _encoder(obj))
        decoded: Object = msgspec.json.decode(event.final or b"{}")
        return decoded


def _path(plural: str, subresource: str) -> str:
    return f"{plural}/{subresource}" if subresource else plural


def _prefix(resource: Resource, namespace: str) -> str:
    base = f"/{resource.group or 'core'}/{resource.plural}/"
    return f"{base}{namespace}/" if resource.namespaced and namespace else base


def _encoder(obj: Object) -> Callable[[int], bytes]:
    def encode(revision: int) -> bytes:
        return msgspec.json.encode({**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}})

    return encode


def _object(entry: Entry) -> Object:
    decoded: Object = msgspec.json.decode(entry.value)
    return decoded


def _filter(label_selector: str, field_selector: str) -> Callable[[Object], bool]:
    labels, fields = parse_label_selector(label_selector), parse_field_selector(field_selector)

    def wanted(obj: Object) -> bool:
        shown = {r.field: _field(obj, r.field) for r in fields.requirements}
        return labels.matches(obj.get("metadata", {}).get("labels")) and fields.matches(shown)

    return wanted


def _field(obj: Any, path: str) -> str:
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return "" if obj is None else str(obj)


def _seen(event: StoreEvent, wanted: Callable[[Object], bool]) -> WatchEvent | None:
    """What a watcher with a selector sees of a change: objects come and go as they begin and cease to match."""
    before = event.previous is not None and wanted(_object(event.previous))
    if event.entry is None:
        return WatchEvent("DELETED", msgspec.json.decode(event.final or b"{}")) if before else None
    obj = _object(event.entry)
    if wanted(obj):
        return WatchEvent("MODIFIED" if before else "ADDED", obj)
    return WatchEvent("DELETED", obj) if before else None


def _merged_in(current: Object, new: Object, subresource: str) -> Object:
    """What an update through a subresource leaves of the new object."""
    if subresource == "status":
        return {**current, "status": new.get("status", {}), "metadata": dict(current["metadata"])}
    if subresource == "finalize":
        return {**current, "spec": new.get("spec", {}), "metadata": dict(current["metadata"])}
    return new


def _patched(target: Any, patch: Any, *, strategic: bool) -> Any:
    if not isinstance(patch, dict) or not isinstance(target, dict):
        return copy_object(patch)
    for name, value in patch.items():
        if name.startswith("$deleteFromPrimitiveList/"):
            field = name.partition("/")[2]
            target[field] = [one for one in target.get(field) or () if one not in value]
            continue
        if name.startswith("$"):
            continue
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            below = target.get(name)
            target[name] = _patched(below if isinstance(below, dict) else {}, value, strategic=strategic)
        elif isinstance(value, list) and strategic and name in MERGE_KEYS:
            target[name] = _patched_list(target.get(name) or [], value, MERGE_KEYS[name])
        else:
            target[name] = copy_object(value)
    return target


def _patched_list(target: list[Any], patch: list[Any], merge_key: str) -> list[Any]:
    merged = {element.get(merge_key): element for element in target}
    for element in patch:
        if element.get("$patch") == "delete":
            merged.pop(element.get(merge_key), None)
        else:
            merged[element.get(merge_key)] = _patched(merged.get(element.get(merge_key), {}), element, strategic=True)
    return list(merged.values())
