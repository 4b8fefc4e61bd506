"""The recorder through which rooms tell users what happens: core/v1 Events.

`event` never waits and never fails; a task (`run`) writes what is queued. Which events are written, and which only
counted up, is decided in `client.correlation`.
Source: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any, Literal

from podwright.api.errors import NotFound, StatusError, TooManyRequests, Unavailable
from podwright.api.objects import Object, rfc3339
from podwright.api.resources import EVENTS
from podwright.client.backoff import Backoff
from podwright.client.correlation import Correlator, Occurrence, Verdict
from podwright.client.interface import Client, PatchType

log = logging.getLogger(__name__)

EventType = Literal["Normal", "Warning"]
Clock = Callable[[], datetime.datetime]

REST = 0.02
"""Seconds that the first event after a quiet time waits: what it tells of is being done now, and goes first."""
_QUEUED = 1000
_TRIES = 12
_BACKOFF = Backoff(base=0.1, cap=10.0)


def reference(obj: Mapping[str, Any], field_path: str = "") -> dict[str, str]:
    """An ObjectReference to an object, or the one that `obj` already is; with the path of a field of it."""
    meta = obj.get("metadata")
    made = {
        "apiVersion": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        **{name: (meta or obj).get(name) for name in ("namespace", "name", "uid", "resourceVersion")},
        "fieldPath": field_path or obj.get("fieldPath"),
    }
    return {name: value for name, value in made.items() if value}


class EventRecorder:
    """Records events of one component on one host; `run` must be running for them to be written."""

    def __init__(self, client: Client, component: str, host: str, clock: Clock) -> None:
        self._client = client
        self._component = component
        self._host = host
        self._clock = clock
        self._correlator = Correlator()
        self._queue: asyncio.Queue[Object] = asyncio.Queue(_QUEUED)
        self._recorded = asyncio.Event()

    def event(self, obj: Mapping[str, Any], type: EventType, reason: str, message: str, field_path: str = "") -> None:
        """Note what happened to an object (or what an ObjectReference points to); may be dropped when too much happens.

        `field_path` names a part of it, as `spec.containers{app}`.
        """
        about = reference(obj, field_path)
        now = self._clock()
        key = tuple(about.get(part, "") for part in ("apiVersion", "kind", "namespace", "name", "uid", "fieldPath"))
        verdict = self._correlator.judge(
            Occurrence(key, type, reason, message),
            now.timestamp(),
            lambda: f"{about.get('name', '')}.{int(now.timestamp() * 1e9):x}{random.getrandbits(16):04x}",
        )
        if verdict is None:
            return
        try:
            self._queue.put_nowait(self._made(about, type, reason, verdict, now))
        except asyncio.QueueFull:
            log.warning("too many events are waiting to be written; dropped: %s %s", reason, message)
        self._recorded.set()

    def _made(
        self, about: dict[str, str], type: EventType, reason: str, verdict: Verdict, now: datetime.datetime
    ) -> Object:
        first = datetime.datetime.fromtimestamp(verdict.first_seen, datetime.UTC)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": verdict.name, "namespace": about.get("namespace", "default")},
            "involvedObject": about,
            "reason": reason,
            "message": verdict.message,
            "type": type,
            "count": verdict.count,
            "firstTimestamp": rfc3339(first),
            "lastTimestamp": rfc3339(now),
            "source": {k: v for k, v in (("component", self._component), ("host", self._host)) if v},
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }

    async def run(self) -> None:
        """Write queued events, in order, until cancelled."""
        while True:
            await self._recorded.wait()
            self._recorded.clear()
            await asyncio.sleep(REST)
            while not self._queue.empty():
                event = self._queue.get_nowait()
                try:
                    await self._write(event)
                finally:
                    self._queue.task_done()

    async def flush(self) -> None:
        """Return once everything recorded so far was written or given up; `run` must be running."""
        await self._queue.join()

    async def _write(self, event: Object) -> None:
        for failures in range(1, _TRIES + 1):
            try:
                await self._send(event)
            except (OSError, TooManyRequests, Unavailable) as error:
                if failures == _TRIES:
                    log.warning("an event could not be written: %s: %s", event["message"], error)
                    return
                await asyncio.sleep(_BACKOFF.delay(failures, random.random()))
            except StatusError as error:
                # Its namespace is going away, or the server does not like it: trying again changes nothing.
                log.info("the server refused an event: %s: %s", event["message"], error)
                return
            else:
                return

    async def _send(self, event: Object) -> None:
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        if event["count"] > 1:
            change = {part: event[part] for part in ("count", "lastTimestamp", "message")}
            try:
                await self._client.patch(EVENTS, name, change, namespace, patch_type=PatchType.MERGE)
            except NotFound:
                log.debug("event %s is gone; it is written anew", name)
            else:
                return
        await self._client.create(EVENTS, event, namespace)
