"""Writes Pod statuses to the API: one patch per change, the newest status wins, none is lost.

Called by `pod_sync` (a new status), by `config`'s consumer (`observe`: what the API has now) and awaited before a
Pod is deleted (`flushed`). A status that comes while one is being written waits for it and is then written against
the answer; failures are tried again. Nothing is kept on disk: after a restart the statuses are made again from what
the runtime has.

    set ──> desired ──(differs from base)──> patch ──> answer becomes base ──> desired again?
                                               └── failed: wait, again ──┘      gone or other UID: dropped

Page: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podwright.api.errors import Conflict, NotFound, StatusError
from podwright.api.objects import Key, Object, key_of, resource_version_of, uid_of
from podwright.api.resources import PODS
from podwright.client.interface import Client, PatchType
from podwright.kubelet.status.conditions import OWNED, PASSING
from podwright.kubelet.status.patch import status_patch

log = logging.getLogger(__name__)

FIRST_RETRY = 0.2
LAST_RETRY = 10.0
"""Seconds between attempts, doubling from the first to the last."""


@dataclass(slots=True)
class _Entry:
    """What is known and wanted of one Pod."""

    target: Key | None = None
    """The API object to write to; None while a static Pod has no mirror."""
    target_uid: str = ""
    base: Mapping[str, Any] = field(default_factory=dict)
    """The status that the API has, as far as known."""
    base_version: int = -1
    desired: Object | None = None
    writing: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there is nothing to write."""


class StatusManager:
    """The only writer of pods/status on this node."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._entries: dict[str, _Entry] = {}
        self._to_write: set[str] = set()
        self._work = asyncio.Event()

    async def run(self) -> None:
        """Write until cancelled."""
        async with asyncio.TaskGroup() as writers:
            while True:
                await self._work.wait()
                self._work.clear()
                for uid in self._to_write:
                    entry = self._entries.get(uid)
                    if entry is not None and not entry.writing:
                        entry.writing = True
                        writers.create_task(self._write(uid, entry), name=f"status of pod {uid}")
                self._to_write.clear()

    def observe(self, uid: str, api_pod: Object) -> None:
        """Take note of the Pod as the API has it now: the Pod itself or, for a static Pod's `uid`, its mirror.

        A status that somebody else has changed is written again.
        """
        entry = self._entries.setdefault(uid, _Entry())
        version = _version(api_pod)
        if uid_of(api_pod) == entry.target_uid and version <= entry.base_version:
            return
        entry.target, entry.target_uid = key_of(api_pod), uid_of(api_pod)
        entry.base, entry.base_version = api_pod.get("status") or {}, version
        self._schedule(uid, entry)

    def set(self, uid: str, status: Object, *, within: float = 0) -> None:
        """The status of the Pod with that UID shall be this; it must not be changed afterwards.

        `within`: seconds that it may wait for something newer, while what matters more is done.
        """
        entry = self._entries.setdefault(uid, _Entry())
        entry.desired = status
        if within:
            entry.settled.clear()
            asyncio.get_running_loop().call_later(within, self._schedule, uid, entry)
        else:
            self._schedule(uid, entry)

    def latest(self, uid: str) -> Mapping[str, Any]:
        """The newest status known, written or not; empty when there is none."""
        entry = self._entries.get(uid)
        if entry is None:
            return {}
        if entry.desired is None:
            return entry.base
        return _with_foreign_conditions(entry.desired, entry.base)

    async def flushed(self, uid: str) -> None:
        """Wait until the newest status of that Pod is written (or cannot be, since the Pod is gone)."""
        entry = self._entries.get(uid)
        if entry is not None and entry.target is not None:
            await entry.settled.wait()

    def forget(self, uid: str) -> None:
        """The Pod is gone."""
        entry = self._entries.pop(uid, None)
        if entry is not None:
            entry.desired = None
            entry.settled.set()

    def _patch(self, entry: _Entry) -> dict[str, Any] | None:
        if entry.desired is None or entry.target is None:
            return None
        return status_patch(entry.base, entry.desired, entry.target_uid)

    def _schedule(self, uid: str, entry: _Entry) -> None:
        if self._patch(entry) is None:
            if not entry.writing:
                entry.settled.set()
            return
        entry.settled.clear()
        self._to_write.add(uid)
        self._work.set()

    async def _write(self, uid: str, entry: _Entry) -> None:
        """Write until nothing differs."""
        delay = FIRST_RETRY
        try:
            while (body := self._patch(entry)) is not None and entry.target is not None:
                target, target_uid = entry.target, entry.target_uid
                try:
                    answer = await self._client.patch(
                        PODS,
                        target.name,
                        body,
                        target.namespace,
                        patch_type=PatchType.STRATEGIC,
                        subresource="status",
                        field_manager="kubelet",
                    )
                except NotFound as error:
                    self._give_up(entry, target_uid, error)
                except Conflict as error:
                    # Another Pod of that name by now, or somebody else wrote this one at the same moment.
                    log.debug("status of pod %s not written: %s", target, error)
                    if await self._is_another(entry, target, target_uid):
                        self._give_up(entry, target_uid, error)
                    else:
                        await asyncio.sleep(delay)
                        delay = min(delay * 2, LAST_RETRY)
                except (StatusError, OSError) as error:
                    log.warning("status of pod %s not written, again in %.1f s: %s", target, delay, error)
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, LAST_RETRY)
                else:
                    delay = FIRST_RETRY
                    if uid_of(answer) == entry.target_uid and _version(answer) > entry.base_version:
                        entry.base, entry.base_version = answer.get("status") or {}, _version(answer)
                    if self._patch(entry) == body:
                        # The server has its own idea of this field; writing it for ever would not change that.
                        log.warning("the API server took the status of pod %s but kept it otherwise: %s", target, body)
                        break
        finally:
            entry.writing = False
            entry.settled.set()

    def _give_up(self, entry: _Entry, uid: str, why: StatusError) -> None:
        """That Pod is gone; whoever comes next, and perhaps came meanwhile, is told by the informer."""
        log.debug("status of pod %s not written: %s", entry.target, why)
        if entry.target_uid == uid:
            entry.target = None

    async def _is_another(self, entry: _Entry, target: Key, uid: str) -> bool:
        """Whether the name belongs to another Pod than that with `uid`, or to none; if not, it is read anew."""
        try:
            pod = await self._client.get(PODS, target.name, target.namespace)
        except NotFound:
            return True
        except (StatusError, OSError):
            # Nothing is known; the patch is tried again and will tell.
            return False
        if uid_of(pod) == uid and uid == entry.target_uid and _version(pod) > entry.base_version:
            entry.base, entry.base_version = pod.get("status") or {}, _version(pod)
        return uid_of(pod) != uid


def _version(obj: Object) -> int:
    text = resource_version_of(obj)
    return int(text) if text.isdecimal() else 0


def _with_foreign_conditions(desired: Object, base: Mapping[str, Any]) -> Object:
    """`desired` with the conditions that others have written since it was made."""
    own = (*OWNED, *PASSING)
    mine = {c["type"] for c in desired.get("conditions") or ()}
    newer = {c["type"]: c for c in base.get("conditions") or ()}
    merged = [
        newer[c["type"]] if c["type"] not in own and c["type"] in newer else c for c in desired.get("conditions") or ()
    ]
    merged += [c for kind, c in newer.items() if kind not in mine and kind not in own]
    return {**desired, "conditions": merged}
