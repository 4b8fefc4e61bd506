"""Keeps the Pods and claims of all StatefulSets. Run by `manager`.

Names are given once, so a round that was broken off, or a cache that is late, at most tries to create what is there;
Pods are deleted by their uid.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from podwright.api.errors import AlreadyExists, Conflict, NotFound, StatusError, Unavailable
from podwright.api.objects import Key, Object, key_of, metadata, name_of, namespace_of, uid_of
from podwright.api.resources import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS
from podwright.api.selectors import LabelSelector, label_selector_from
from podwright.client.events import EventRecorder
from podwright.client.informers import Informers
from podwright.client.interface import Client, DeleteOptions, PatchType
from podwright.client.work_queue import WorkQueue
from podwright.controllers.owned import claimed, is_going
from podwright.controllers.owned_pods import OwnedPods
from podwright.controllers.pod_control import Failure, is_terminating_namespace, slowly
from podwright.controllers.pod_health import next_available_in
from podwright.controllers.revisions import Revisions, surplus, template_in
from podwright.controllers.stateful_set.claims import changed_references, is_stale, wanted_claims
from podwright.controllers.stateful_set.decision import Plan, decide, of_old_revision, places
from podwright.controllers.stateful_set.identity import identity_labels, new_pod, ordinal_of, revision_of
from podwright.controllers.stateful_set.status import status

COMPONENT = "statefulset-controller"
_HASH_LABEL = "controller.kubernetes.io/hash"
_NO_CLAIMS = "this server has no persistentvolumeclaims"


def _selector_of(owner: Object) -> LabelSelector:
    return label_selector_from((owner.get("spec") or {}).get("selector"))


class StatefulSets:
    """The controller of StatefulSets."""

    def __init__(
        self,
        client: Client,
        informers: Informers,
        recorder: EventRecorder,
        clock: Callable[[], datetime.datetime],
        *,
        has_claims: bool = True,
    ) -> None:
        """`has_claims`: whether the API serves PersistentVolumeClaims."""
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._queue: WorkQueue[Key] = WorkQueue()
        self._owned = OwnedPods(informers, STATEFUL_SETS, _selector_of, self._queue)
        self._revisions = Revisions(client, informers, STATEFUL_SETS, _HASH_LABEL)
        self._claims = informers.of(PERSISTENT_VOLUME_CLAIMS) if has_claims else None

    async def run(self) -> None:
        """Keep them until cancelled."""
        await self._revisions.known.wait_synced()
        await self._owned.follow()
        if self._claims is not None:
            await self._claims.wait_synced()
            self._claims.add_handler(self._claim_changed)
        await self._queue.run(self._sync, workers=4)

    def _claim_changed(self, old: Object | None, new: Object | None) -> None:
        """A Pod may have waited for a claim to go, and another may miss it."""
        if new is not None or old is None:
            return
        for owner in self._owned.owners.items():
            if namespace_of(owner) == namespace_of(old) and (owner.get("spec") or {}).get("volumeClaimTemplates"):
                self._queue.add(key_of(owner))

    async def _sync(self, key: Key) -> None:
        owner = self._owned.owners.by_key(key)
        if owner is None:
            return
        selector = _selector_of(owner)
        revisions = await self._revisions.of(owner, selector)
        pods = await claimed(
            self._client,
            STATEFUL_SETS,
            owner,
            PODS,
            self._owned.candidates(owner, selector),
            selected=lambda p: ordinal_of(owner, p) is not None and selector.matches(metadata(p).get("labels")),
        )
        newest = await self._revisions.newest(owner, revisions)
        update = newest.revision
        named = (owner.get("status") or {}).get("currentRevision")
        current = next((one for one in revisions if name_of(one) == named), update)
        plan = decide(owner, pods, name_of(update), self._clock())
        refusal: Failure | None = None
        try:
            await self._carry_out(owner, plan, pods, current, update)
        except (StatusError, OSError) as error:
            # However far it went: what is there is told.
            refusal = error
        now = self._clock()
        names = {"current": name_of(current), "update": name_of(update)}
        made = status(owner, pods, now, **names, collisions=newest.collisions)
        if made != owner.get("status"):
            await self._client.update(STATEFUL_SETS, {**owner, "status": made}, subresource="status")
        if refusal is not None:
            raise refusal
        live = {name_of(current), name_of(update), *map(revision_of, pods)}
        limit = (owner.get("spec") or {}).get("revisionHistoryLimit")
        await self._revisions.forget(surplus(revisions, live, 10 if limit is None else limit))
        waits = [plan.look_again, next_available_in(pods, (owner.get("spec") or {}).get("minReadySeconds") or 0, now)]
        if soonest := min((wait for wait in waits if wait), default=None):
            self._queue.add_after(key, soonest)

    async def _carry_out(
        self, owner: Object, plan: Plan, pods: Sequence[Object], current: Object, update: Object
    ) -> None:
        """Raises what the API answered to the first step that failed."""
        for pod in plan.relabel:
            labels = identity_labels(name_of(pod), ordinal_of(owner, pod) or 0)
            change = {"metadata": {"uid": uid_of(pod), "labels": labels}}
            await self._client.patch(PODS, name_of(pod), change, namespace_of(pod), patch_type=PatchType.MERGE)
        if not is_going(owner):
            beyond = places(owner, pods).condemned
            for pod in pods:
                await self._keep_claims(owner, pod, condemned=pod in beyond)
        works: list[Callable[[], Awaitable[None]]] = []
        for ordinal in plan.create:
            revision = current if of_old_revision(owner, ordinal) else update
            pod = new_pod(owner, template_in(revision), name_of(revision), ordinal)
            works.append(partial(self._create, owner, pod))
        works += [partial(self._delete, owner, pod) for pod in plan.delete]
        outcome = await slowly(works)
        if outcome.error is not None:
            raise outcome.error

    # Pods

    async def _create(self, owner: Object, pod: Object) -> None:
        try:
            if not await self._make_claims(owner, name_of(pod)):
                return
            self._owned.pods.wrote(await self._client.create(PODS, pod, namespace_of(owner)))
        except AlreadyExists:
            # Made a moment ago, or by somebody else; the next look tells which.
            raise
        except (StatusError, OSError) as error:
            if is_terminating_namespace(error):
                return
            self._tell(owner, "create", pod, error)
            raise
        self._tell(owner, "create", pod)

    async def _delete(self, owner: Object, pod: Object) -> None:
        try:
            left = await self._client.delete(PODS, name_of(pod), namespace_of(pod), DeleteOptions(uid=uid_of(pod)))
        except (NotFound, Conflict):
            self._owned.pods.deleted(pod)
            return
        except (StatusError, OSError) as error:
            self._tell(owner, "delete", pod, error)
            raise
        self._owned.pods.deleted(pod, left)
        self._tell(owner, "delete", pod)

    def _tell(self, owner: Object, verb: str, pod: Object, error: Exception | None = None) -> None:
        text = f"{verb} Pod {name_of(pod)} in StatefulSet {name_of(owner)}"
        if error is None:
            self._recorder.event(owner, "Normal", f"Successful{verb.title()}", f"{text} successful")
        else:
            self._recorder.event(owner, "Warning", f"Failed{verb.title()}", f"{text} failed error: {error}")

    # claims

    async def _make_claims(self, owner: Object, pod_name: str) -> bool:
        """Create the claims that a Pod needs; False when one is still to go with an earlier Pod of the name."""
        for claim in wanted_claims(owner, pod_name):
            if self._claims is None:
                refusal = Unavailable(_NO_CLAIMS)
                self._tell_claim(owner, claim, pod_name, refusal)
                raise refusal
            there = self._claims.get(name_of(claim), namespace_of(owner))
            if there is not None:
                if is_stale(there, pod_name):
                    return False
                if is_going(there):
                    raise Unavailable(f"pvc {name_of(claim)} is being deleted")
                continue
            try:
                await self._client.create(PERSISTENT_VOLUME_CLAIMS, claim, namespace_of(owner))
            except AlreadyExists:
                continue
            except (StatusError, OSError) as error:
                if is_terminating_namespace(error):
                    return False
                self._tell_claim(owner, claim, pod_name, error)
                raise
            self._tell_claim(owner, claim, pod_name)
        return True

    def _tell_claim(self, owner: Object, claim: Object, pod_name: str, error: Exception | None = None) -> None:
        what, where = f"create Claim {name_of(claim)}", f"Pod {pod_name} in StatefulSet {name_of(owner)}"
        if error is None:
            self._recorder.event(owner, "Normal", "SuccessfulCreate", f"{what} {where} success")
        else:
            text = f"{what} for {where} failed error: {error}"
            self._recorder.event(owner, "Warning", "FailedCreate", text)

    async def _keep_claims(self, owner: Object, pod: Object, *, condemned: bool) -> None:
        """A Pod that waits for a claim which was deleted gets it again; claims go with whom the policy says."""
        if self._claims is None:
            return
        waits = (pod.get("status") or {}).get("phase") == "Pending" and not is_going(pod)
        for claim in wanted_claims(owner, name_of(pod)):
            there = self._claims.get(name_of(claim), namespace_of(owner))
            if there is None:
                if waits:
                    await self._make_claims(owner, name_of(pod))
                continue
            references = changed_references(there, owner, pod, condemned=condemned)
            if references is None or is_going(there):
                continue
            meta = {"resourceVersion": metadata(there).get("resourceVersion"), "ownerReferences": references or None}
            await self._client.patch(
                PERSISTENT_VOLUME_CLAIMS,
                name_of(there),
                {"metadata": meta},
                namespace_of(there),
                patch_type=PatchType.MERGE,
            )
