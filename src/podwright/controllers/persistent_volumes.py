"""The binder: brings claims and volumes together, has volumes made and taken away.

One worker, so that no volume is promised twice. What to do is decided in `volume_decision`; a binding is four writes,
each of which is left out when it is there already, so that one that was interrupted is finished.

    volume.spec.claimRef -> volume.status Bound -> claim.spec.volumeName -> claim.status Bound

Run by `manager`. Page: https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from podwright.api.errors import AlreadyExists, NotFound
from podwright.api.objects import Key, Object, copy_object, key_of, metadata, name_of, namespace_of, rfc3339, uid_of
from podwright.api.resources import (
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
    Resource,
)
from podwright.api.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    PROVISIONED_BY,
    PV_CONTROLLER,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    annotation,
    capacity,
    default_class,
    is_bound,
    requested,
    spec_of,
)
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions
from podwright.client.work_queue import WorkQueue
from podwright.controllers import local_provisioner
from podwright.controllers.local_provisioner import PROVISIONER, LocalStorage, ProvisioningError
from podwright.controllers.volume_decision import (
    ClaimDecision,
    Cluster,
    Do,
    Reclaim,
    VolumeDecision,
    decide_claim,
    decide_volume,
)

log = logging.getLogger(__name__)

_COMPONENT = "persistentvolume-controller"
_RETRY_SECONDS = 15.0
_OURS = frozenset({"phase", "accessModes", "capacity", "message"})
"""Fields of a status that the binder writes."""


class _Item(NamedTuple):
    resource: Resource
    key: Key


class PersistentVolumes:
    """Follows claims, volumes and classes; makes volumes in `storage` (None: nowhere)."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        clock: Callable[[], datetime.datetime],
        storage: LocalStorage | None = None,
    ) -> None:
        self._client = client
        self._claims = informers.of(PERSISTENT_VOLUME_CLAIMS)
        self._volumes = informers.of(PERSISTENT_VOLUMES)
        self._classes = informers.of(STORAGE_CLASSES)
        self._nodes = informers.of(NODES)
        self._storage = storage
        self._clock = clock
        self._recorder = EventRecorder(client, _COMPONENT, "", clock)
        self._queue: WorkQueue[_Item] = WorkQueue()
        self._told: dict[_Item, str] = {}

    async def run(self) -> None:
        """Bind, make and reclaim until cancelled."""
        for informer in (self._claims, self._volumes, self._classes, self._nodes):
            await informer.wait_synced()
        if self._storage is not None and self._classes.get(local_provisioner.CLASS) is None:
            await self._ensure_class()
        self._classes.add_handler(self._class_changed)
        self._volumes.add_handler(self._volume_changed)
        self._claims.add_handler(self._claim_changed)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._recorder.run())
            group.create_task(self._queue.run(self._attend))

    async def _ensure_class(self) -> None:
        try:
            await self._client.create(STORAGE_CLASSES, local_provisioner.storage_class())
        except AlreadyExists:
            return

    # what has changed

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        claim = new or old or {}
        item = _Item(PERSISTENT_VOLUME_CLAIMS, key_of(claim))
        if new is None:
            self._told.pop(item, None)
            for volume in self._volumes.items():
                if (spec_of(volume).get("claimRef") or {}).get("uid") == uid_of(claim):
                    self._queue.add(_Item(PERSISTENT_VOLUMES, key_of(volume)))
        else:
            self._queue.add(item)
            if name := spec_of(new).get("volumeName"):
                self._queue.add(_Item(PERSISTENT_VOLUMES, Key("", name)))

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        volume = new or old or {}
        item = _Item(PERSISTENT_VOLUMES, key_of(volume))
        if new is None:
            self._told.pop(item, None)
        else:
            self._queue.add(item)
        if reference := spec_of(volume).get("claimRef"):
            key = Key(reference.get("namespace") or "", reference.get("name") or "")
            self._queue.add(_Item(PERSISTENT_VOLUME_CLAIMS, key))
        else:
            self._look_at_open_claims()

    def _class_changed(self, old: Object | None, new: Object | None) -> None:
        self._look_at_open_claims()

    def _look_at_open_claims(self) -> None:
        for claim in self._claims.items():
            if not is_bound(claim):
                self._queue.add(_Item(PERSISTENT_VOLUME_CLAIMS, key_of(claim)))

    async def _attend(self, item: _Item) -> None:
        try:
            if item.resource is PERSISTENT_VOLUMES:
                await self._attend_volume(item)
            else:
                await self._attend_claim(item)
        except NotFound as error:
            log.debug("%s: %s", item.key, error)  # gone meanwhile, of which the watch tells

    # claims

    async def _attend_claim(self, item: _Item) -> None:
        claim = self._claims.by_key(item.key)
        if claim is None or metadata(claim).get("deletionTimestamp"):
            return
        if is_bound(claim) and claim.get("status", {}).get("phase") == "Bound":
            volume = self._volumes.get(spec_of(claim)["volumeName"])
            if volume is not None and (spec_of(volume).get("claimRef") or {}).get("uid") == uid_of(claim):
                await self._grow(claim, volume)
                return
        decision = decide_claim(claim, self._cluster())
        match decision.do:
            case Do.BIND if decision.volume is not None:
                await self._bind(claim, decision.volume)
            case Do.PROVISION if decision.storage_class is not None:
                await self._provision(item, claim, decision.storage_class)
            case Do.GIVE_CLASS if decision.storage_class is not None:
                new = copy_object(claim)
                new["spec"]["storageClassName"] = name_of(decision.storage_class)
                await self._client.update(PERSISTENT_VOLUME_CLAIMS, new)
            case Do.DESELECT:
                new = copy_object(claim)
                new["metadata"]["annotations"].pop(SELECTED_NODE, None)
                await self._client.update(PERSISTENT_VOLUME_CLAIMS, new)
            case Do.LOSE if await self._is_lost(claim):
                await self._set_status(PERSISTENT_VOLUME_CLAIMS, claim, {"phase": "Lost"})
                self._tell(item, claim, decision)
            case Do.WAIT:
                self._tell(item, claim, decision)

    def _cluster(self) -> Cluster:
        return Cluster(
            {name_of(v): v for v in self._volumes.items()},
            {name_of(c): c for c in self._classes.items()},
            default_class(self._classes.items()),
            {name_of(n): metadata(n).get("labels") or {} for n in self._nodes.items()},
        )

    async def _is_lost(self, claim: Object) -> bool:
        """Whether the volume is gone indeed, and not only not seen yet."""
        try:
            volume = await self._client.get(PERSISTENT_VOLUMES, spec_of(claim)["volumeName"])
        except NotFound:
            return True
        return (spec_of(volume).get("claimRef") or {}).get("uid") not in (None, "", uid_of(claim))

    async def _bind(self, claim: Object, volume: Object) -> None:
        """Raises Conflict when one of them has changed meanwhile."""
        reference = spec_of(volume).get("claimRef") or {}
        if reference.get("uid") != uid_of(claim):
            new = copy_object(volume)
            new["spec"]["claimRef"] = {
                **reference,
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace_of(claim),
                "name": name_of(claim),
                "uid": uid_of(claim),
                "resourceVersion": metadata(claim).get("resourceVersion"),
            }
            if not reference:
                new["metadata"].setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
            volume = await self._client.update(PERSISTENT_VOLUMES, new)
        if (volume.get("status") or {}).get("phase") != "Bound":
            volume = await self._set_status(PERSISTENT_VOLUMES, volume, {"phase": "Bound"})
        if not is_bound(claim):
            new = copy_object(claim)
            annotations = new["metadata"].setdefault("annotations", {})
            annotations[BIND_COMPLETED] = "yes"
            if not new["spec"].get("volumeName"):
                annotations[BOUND_BY_CONTROLLER] = "yes"
                new["spec"]["volumeName"] = name_of(volume)
            claim = await self._client.update(PERSISTENT_VOLUME_CLAIMS, new)
        given = {
            "phase": "Bound",
            "accessModes": list(spec_of(volume).get("accessModes") or ()),
            "capacity": {"storage": spec_of(volume)["capacity"]["storage"]},
        }
        if {field: (claim.get("status") or {}).get(field) for field in given} != given:
            await self._set_status(PERSISTENT_VOLUME_CLAIMS, claim, given)

    async def _provision(self, item: _Item, claim: Object, storage_class: Object) -> None:
        provisioner = storage_class.get("provisioner") or ""
        if provisioner != PROVISIONER or self._storage is None:
            await self._leave_to(provisioner, item, claim)
            return
        labels = metadata(self._nodes.get(self._storage.node_name) or {}).get("labels") or {}
        try:
            volume = local_provisioner.volume_for(claim, storage_class, self._storage, labels)
            await local_provisioner.make_folder(volume)
        except (ProvisioningError, OSError) as error:
            text = f'failed to provision volume with StorageClass "{name_of(storage_class)}": {error}'
            self._tell(item, claim, ClaimDecision(Do.WAIT, reason="ProvisioningFailed", message=text, warns=True))
            if isinstance(error, OSError):
                self._queue.add_after(item, _RETRY_SECONDS)
            return
        try:
            made = await self._client.create(PERSISTENT_VOLUMES, volume)
        except AlreadyExists:
            return  # the watch is on its way to tell of it
        text = f"Successfully provisioned volume {name_of(made)}"
        self._tell(item, claim, ClaimDecision(Do.WAIT, reason="ProvisioningSucceeded", message=text))
        await self._bind(claim, made)

    async def _leave_to(self, provisioner: str, item: _Item, claim: Object) -> None:
        """Say, where it looks, that somebody else is to make the volume."""
        if annotation(claim, STORAGE_PROVISIONER) != provisioner:
            new = copy_object(claim)
            new["metadata"].setdefault("annotations", {})[STORAGE_PROVISIONER] = provisioner
            claim = await self._client.update(PERSISTENT_VOLUME_CLAIMS, new)
        text = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
            "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
            "correctly registered."
        )
        self._tell(item, claim, ClaimDecision(Do.WAIT, reason="ExternalProvisioning", message=text))

    async def _grow(self, claim: Object, volume: Object) -> None:
        """A claim that asks for more gets it at once where volumes are folders."""
        if annotation(volume, PROVISIONED_BY) != PROVISIONER:
            return
        if requested(claim) > capacity(volume):
            new = copy_object(volume)
            new["spec"]["capacity"]["storage"] = spec_of(claim)["resources"]["requests"]["storage"]
            volume = await self._client.update(PERSISTENT_VOLUMES, new)
        if (claim["status"].get("capacity") or {}).get("storage") != spec_of(volume)["capacity"]["storage"]:
            status = {**claim["status"], "capacity": {"storage": spec_of(volume)["capacity"]["storage"]}}
            await self._set_status(PERSISTENT_VOLUME_CLAIMS, claim, status)

    # volumes

    async def _attend_volume(self, item: _Item) -> None:
        volume = self._volumes.by_key(item.key)
        if volume is None:
            return
        decision = decide_volume(volume, await self._claim_of(volume), PROVISIONER)
        if decision.look_at_claim:
            reference = spec_of(volume)["claimRef"]
            self._queue.add(_Item(PERSISTENT_VOLUME_CLAIMS, Key(reference["namespace"], reference["name"])))
        if decision.forget_claim:
            new = copy_object(volume)
            del new["spec"]["claimRef"]
            new["metadata"].get("annotations", {}).pop(BOUND_BY_CONTROLLER, None)
            volume = await self._client.update(PERSISTENT_VOLUMES, new)
        failed = decision.reclaim is Reclaim.REFUSE
        status = {"phase": decision.phase} | ({"message": decision.message} if failed else {})
        # A volume that could not be reclaimed stays Failed until it could.
        keeps = decision.reclaim is Reclaim.DELETE and (volume.get("status") or {}).get("phase") == "Failed"
        if decision.phase and not keeps and (volume.get("status") or {}).get("phase") != decision.phase:
            volume = await self._set_status(PERSISTENT_VOLUMES, volume, status)
        if failed:
            self._tell(item, volume, decision)
        elif decision.reclaim is Reclaim.DELETE:
            await self._delete(item, volume)
        elif metadata(volume).get("deletionTimestamp") and decision.phase != "Bound":
            await self._let_go(volume)

    async def _claim_of(self, volume: Object) -> Object | None:
        """The claim that a volume's claimRef means; that one is gone is asked of the API, not of a cache."""
        reference = spec_of(volume).get("claimRef") or {}
        uid, name, namespace = (reference.get(field) or "" for field in ("uid", "name", "namespace"))
        if not name:
            return None
        claim = self._claims.get(name, namespace)
        if claim is None or uid not in ("", uid_of(claim)):
            try:
                claim = await self._client.get(PERSISTENT_VOLUME_CLAIMS, name, namespace)
            except NotFound:
                return None
        return claim if uid in ("", uid_of(claim)) else None

    async def _delete(self, item: _Item, volume: Object) -> None:
        if self._storage is None:
            return
        try:
            await local_provisioner.remove_folder(volume, self._storage)
        except (ProvisioningError, OSError) as error:
            status = {"phase": "Failed", "message": str(error)}
            if {field: (volume.get("status") or {}).get(field) for field in status} != status:
                await self._set_status(PERSISTENT_VOLUMES, volume, status)
            self._tell(item, volume, VolumeDecision(reason="VolumeFailedDelete", message=str(error)))
            self._queue.add_after(item, _RETRY_SECONDS)
            return
        volume = await self._let_go(volume)
        if not metadata(volume).get("deletionTimestamp"):
            await self._client.delete(PERSISTENT_VOLUMES, name_of(volume), options=DeleteOptions(uid=uid_of(volume)))

    async def _let_go(self, volume: Object) -> Object:
        """Nothing is left to be done for the volume; somebody may have asked for its deletion before."""
        if PV_CONTROLLER not in (metadata(volume).get("finalizers") or ()):
            return volume
        new = copy_object(volume)
        new["metadata"]["finalizers"].remove(PV_CONTROLLER)
        return await self._client.update(PERSISTENT_VOLUMES, new)

    # writing

    async def _set_status(self, resource: Resource, obj: Object, said: dict[str, Any]) -> Object:
        """Say what is ours to say, and nothing else of that; what others say (conditions, reasons) stays."""
        was = obj.get("status") or {}
        status = {field: value for field, value in was.items() if field not in _OURS} | said
        if resource == PERSISTENT_VOLUMES and said["phase"] != was.get("phase"):
            status["lastPhaseTransitionTime"] = rfc3339(self._clock())
        return await self._client.update(resource, {**obj, "status": status}, subresource="status")

    def _tell(self, item: _Item, obj: Object, decision: ClaimDecision | VolumeDecision) -> None:
        """An event, once for as long as it stays true."""
        said = f"{uid_of(obj)} {decision.message}"
        if self._told.get(item) != said:
            self._told[item] = said
            warns = isinstance(decision, VolumeDecision) or decision.warns
            self._recorder.event(obj, "Warning" if warns else "Normal", decision.reason, decision.message)
