"""Events in both their views."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.api.objects import Object
from podwright.apiserver.registry.event import EventStrategy, EventV1Strategy
from podwright.apiserver.registry.event_views import to_core, to_events_v1

CORE: Object = {
    "apiVersion": "v1",
    "kind": "Event",
    "metadata": {"name": "p.1", "namespace": "default"},
    "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p", "fieldPath": "spec.containers{app}"},
    "reason": "Pulled",
    "message": "Container image is there\n",
    "type": "Normal",
    "source": {"component": "kubelet", "host": "n"},
    "firstTimestamp": "1970-01-01T00:00:00Z",
    "lastTimestamp": "1970-01-01T00:01:00Z",
    "count": 3,
}
NEWER: Object = {
    "metadata": {"name": "p.2", "namespace": "default"},
    "regarding": {"kind": "Pod", "namespace": "default", "name": "p"},
    "eventTime": "1970-01-01T00:00:00.000000Z",
    "reportingController": "example.com/c",
    "reportingInstance": "c-1",
    "action": "Pull",
    "reason": "Pulled",
    "type": "Normal",
}


def test_the_other_view_renames() -> None:
    seen = to_events_v1(CORE)
    assert (seen["apiVersion"], seen["regarding"]["name"], seen["note"]) == (
        "events.k8s.io/v1",
        "p",
        CORE["message"],
    )
    assert (seen["deprecatedCount"], seen["deprecatedSource"]["host"]) == (3, "n")


FIELDS = st.fixed_dictionaries(
    {"involvedObject": st.just({"name": "a"})},
    optional={f: st.text() for f in ("message", "reason", "reportingComponent", "action", "firstTimestamp", "type")}
    | {"count": st.integers(), "series": st.just({"count": 2}), "related": st.just({"name": "b"})},
)


@given(FIELDS)
def test_there_and_back_loses_nothing(event: dict[str, Any]) -> None:
    assert to_core(to_events_v1(event)) == {**event, "apiVersion": "v1", "kind": "Event"}


@pytest.mark.parametrize(
    ("edits", "errors"),
    [
        pytest.param({}, [], id="the older form says little"),
        pytest.param(
            {"metadata": {"name": "x", "namespace": "other"}},
            ['involvedObject.namespace: Invalid value: "default": does not match event.namespace'],
            id="an event lies beside its object",
        ),
        pytest.param({"involvedObject": {"kind": "Node", "name": "n"}}, [], id="an event of a node lies in default"),
    ],
)
def test_older_form(edits: Object, errors: list[str]) -> None:
    assert [str(e) for e in EventStrategy().validate({**CORE, **edits})] == errors


@pytest.mark.parametrize(
    ("edits", "errors"),
    [
        pytest.param({}, [], id="whole"),
        pytest.param({"eventTime": None}, ["eventTime: Required value"], id="it has a time"),
        pytest.param({"action": ""}, ["action: Required value"], id="it has an action"),
        pytest.param(
            {"note": "x" * 1025},
            ['message: Invalid value: "": can have at most 1024 characters'],
            id="its note is short",
        ),
        pytest.param(
            {"type": "Odd"}, ['type: Invalid value: "": has invalid value: Odd'], id="it is normal or a warning"
        ),
        pytest.param(
            {"series": {"count": 1, "lastObservedTime": "x"}},
            ['series.count: Invalid value: "": should be at least 2'],
            id="a series is more than one",
        ),
    ],
)
def test_newer_form(edits: Object, errors: list[str]) -> None:
    assert [str(e) for e in EventV1Strategy().validate({**NEWER, **edits})] == errors


def test_a_report_stays() -> None:
    wrong = EventV1Strategy().validate_update({**NEWER, "reason": "Other"}, NEWER)
    assert [str(e) for e in wrong] == ['reason: Invalid value: "Other": field is immutable']


def test_an_older_report_may_be_counted_up_through_the_newer_view() -> None:
    old = to_events_v1(CORE)
    assert EventV1Strategy().validate_update({**old, "deprecatedCount": 4}, old) == []


@pytest.mark.parametrize(
    ("strategy", "event"), [(EventStrategy(), CORE), (EventV1Strategy(), to_events_v1(CORE))], ids=["core", "newer"]
)
def test_both_views_print_the_same(strategy: EventStrategy, event: Object) -> None:
    cells = {c.name: c.cell(event, 120.0) for c in strategy.columns}
    assert cells == {
        "Last Seen": "60s",
        "Type": "Normal",
        "Reason": "Pulled",
        "Object": "pod/p",
        "Subobject": "spec.containers{app}",
        "Source": "kubelet, n",
        "Message": "Container image is there",
        "First Seen": "2m",
        "Count": 3,
        "Name": "p.1",
    }


def test_fields_to_select_by() -> None:
    core = EventStrategy().selectable_fields(CORE)
    assert (core["involvedObject.name"], core["source"], core["reason"]) == ("p", "kubelet", "Pulled")
    newer = EventV1Strategy().selectable_fields(NEWER)
    assert (newer["regarding.name"], newer["reportingController"]) == ("p", "example.com/c")


@pytest.mark.parametrize(
    ("name", "wrong"), [("p.17a", False), ("A b", False), ("a/b", True), ("..", True)], ids=lambda v: str(v)
)
def test_names_are_parts_of_paths(name: str, wrong: bool) -> None:
    assert bool(EventStrategy().name_errors(name, prefix=False)) is wrong
