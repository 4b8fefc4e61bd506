from __future__ import annotations

import datetime
import time

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.waiting import running

from podwright.api.errors import Forbidden
from podwright.api.objects import Object
from podwright.api.resources import EVENTS
from podwright.client import events
from podwright.client.correlation import Correlator, Occurrence
from podwright.client.events import EventRecorder, reference

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "ns", "uid": "u", "resourceVersion": "7"},
}
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


class Judged:
    def __init__(self) -> None:
        self.correlator = Correlator()
        self.names = iter(range(10_000))

    def __call__(self, message: str, now: float, uid: str = "u", path: str = "") -> tuple[str, int] | None:
        what = Occurrence(("v1", "Pod", "ns", "p", uid, path), "Warning", "BackOff", message)
        verdict = self.correlator.judge(what, now, lambda: str(next(self.names)))
        return verdict and (verdict.message, verdict.count)


def test_the_same_again_is_counted() -> None:
    judge = Judged()
    assert [judge("x", t) for t in (0, 1, 2)] == [("x", 1), ("x", 2), ("x", 3)]
    assert judge("x", 3, path="spec.containers{b}") == ("x", 1)


def test_from_the_tenth_different_message_on_they_are_folded() -> None:
    judge = Judged()
    assert [judge(f"m{n}", n) for n in range(9)] == [(f"m{n}", 1) for n in range(9)]
    assert judge("m9", 9) == ("(combined from similar events): m9", 1)
    assert judge("m10", 10) == ("(combined from similar events): m10", 2)
    assert judge("m11", 1000) == ("m11", 1)


def test_an_object_may_cause_25_events_and_then_one_in_five_minutes() -> None:
    judge = Judged()
    assert [judge("x", 0) is None for _ in range(30)] == [False] * 25 + [True] * 5
    assert judge("x", 0, uid="other") == ("x", 1)
    assert judge("x", 299) is None
    assert judge("x", 301) == ("x", 26)
    assert judge("x", 301) is None


async def test_an_event_is_written_and_then_counted_up() -> None:
    client, now = FakeClient(), [NOON]
    recorder = EventRecorder(client, "kubelet", "node-1", lambda: now[0])
    recorder.event(POD, "Normal", "Pulled", "it is here", "spec.containers{app}")
    now[0] += datetime.timedelta(minutes=1)
    recorder.event(POD, "Normal", "Pulled", "it is here", "spec.containers{app}")
    async with running(recorder.run()):
        await recorder.flush()
    (event,) = (await client.list(EVENTS, "ns")).items
    assert event["metadata"]["name"].startswith("p.")
    assert event["involvedObject"] == {
        "apiVersion": "v1", "kind": "Pod", "namespace": "ns", "name": "p", "uid": "u", "resourceVersion": "7",
        "fieldPath": "spec.containers{app}",
    }  # fmt: skip
    assert (event["type"], event["reason"], event["message"], event["count"]) == ("Normal", "Pulled", "it is here", 2)
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2026-01-01T12:00:00Z", "2026-01-01T12:01:00Z")
    assert event["source"] == {"component": "kubelet", "host": "node-1"}
    assert (event["reportingComponent"], event["reportingInstance"]) == ("kubelet", "node-1")


async def test_an_event_that_is_gone_is_written_anew_and_a_refused_one_stops_nobody() -> None:
    client = FakeClient()
    recorder = EventRecorder(client, "kubelet", "node-1", lambda: NOON)
    async with running(recorder.run()):
        recorder.event(POD, "Normal", "Pulled", "one")
        await recorder.flush()
        (event,) = (await client.list(EVENTS)).items
        await client.delete(EVENTS, event["metadata"]["name"], "ns")
        recorder.event(POD, "Normal", "Pulled", "one")
        client.fail_next("create", EVENTS, ConnectionError("nobody there"))
        await recorder.flush()
        client.fail_next("create", EVENTS, Forbidden("being terminated"))
        recorder.event(POD, "Normal", "Pulled", "two")
        recorder.event(POD, "Normal", "Pulled", "three")
        await recorder.flush()
    messages = {e["message"]: e["count"] for e in (await client.list(EVENTS)).items}
    assert messages == {"one": 2, "three": 1}


async def test_only_the_first_after_a_quiet_time_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "REST", 0.1)
    client = FakeClient()
    recorder = EventRecorder(client, "kubelet", "node-1", lambda: NOON)
    async with running(recorder.run()):
        began = time.monotonic()
        for number in range(20):
            recorder.event(POD, "Normal", f"Reason{number}", "b")
        await recorder.flush()
        took = time.monotonic() - began
    assert 0.1 <= took < 1.5
    assert [call.body["reason"] for call in client.called("create", EVENTS)] == [
        f"Reason{number}" for number in range(20)
    ]


async def test_events_of_cluster_scoped_objects_are_in_default() -> None:
    client = FakeClient()
    recorder = EventRecorder(client, "kubelet", "node-1", lambda: NOON)
    recorder.event(reference({"kind": "Node", "metadata": {"name": "n"}}), "Normal", "NodeReady", "ready")
    async with running(recorder.run()):
        await recorder.flush()
    (event,) = (await client.list(EVENTS)).items
    assert event["metadata"]["namespace"] == "default"
    assert event["involvedObject"] == {"kind": "Node", "name": "n"}


async def test_too_many_waiting_events_are_dropped_without_a_fuss() -> None:
    recorder = EventRecorder(FakeClient(), "kubelet", "node-1", lambda: NOON)
    for number in range(1100):
        recorder.event({"kind": "Pod", "metadata": {"name": f"p{number}"}}, "Normal", "A", "b")
    assert recorder._queue.qsize() == 1000
