"""Strategic merge as kubectl and the kubelet use it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.api.schema import Schema
from podwright.apiserver.patch import strategic
from podwright.apiserver.patch.errors import PatchError, Unprocessable

POD = "io.k8s.api.core.v1.Pod"
DEPLOYMENT = "io.k8s.api.apps.v1.Deployment"


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load([POD, DEPLOYMENT])


def containers(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "image": "i", **more} for name in names]


@pytest.mark.parametrize(
    ("spec", "patch", "result"),
    [
        pytest.param(
            {"containers": containers("a", "b")},
            {"containers": [{"name": "b", "image": "j"}]},
            {"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "j"}]},
            id="an element is found by its merge key and stays where it is",
        ),
        pytest.param(
            {"containers": containers("a")},
            {"containers": [{"name": "n", "image": "j"}]},
            {"containers": [{"name": "n", "image": "j"}, {"name": "a", "image": "i"}]},
            id="a new element goes before those that only the server has",
        ),
        pytest.param(
            {"containers": containers("a")},
            {"containers": [{"name": "n"}], "$setElementOrder/containers": [{"name": "a"}, {"name": "n"}]},
            {"containers": [{"name": "a", "image": "i"}, {"name": "n"}]},
            id="setElementOrder puts the new element where kubectl apply has it",
        ),
        pytest.param(
            {"containers": containers("a", "b", "c")},
            {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]},
            {"containers": containers("b", "c", "a")},
            id="setElementOrder alone reorders, what it does not name stays before what stood after it",
        ),
        pytest.param(
            {"containers": containers("a", "b")},
            {
                "containers": [{"name": "a", "$patch": "delete"}],
                "$setElementOrder/containers": [{"name": "b"}],
            },
            {"containers": containers("b")},
            id="an element is deleted",
        ),
        pytest.param(
            {"containers": containers("a", "b")},
            {"containers": [{"name": "c"}, {"$patch": "replace"}]},
            {"containers": [{"name": "c"}]},
            id="a list is replaced by a replace element anywhere in it",
        ),
        pytest.param(
            {"volumes": [{"name": "v", "emptyDir": {}}]},
            {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/"}}]},
            {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
            id="retainKeys changes the member of a union",
        ),
        pytest.param(
            {"nodeSelector": {"a": "1", "b": "2"}},
            {"nodeSelector": {"a": None, "c": "3"}},
            {"nodeSelector": {"b": "2", "c": "3"}},
            id="maps are merged and null deletes",
        ),
        pytest.param(
            {"nodeSelector": {"a": "1"}},
            {"nodeSelector": {"$patch": "replace", "b": "2"}},
            {"nodeSelector": {"b": "2"}},
            id="a map is replaced",
        ),
        pytest.param(
            {"securityContext": {"runAsUser": 1}, "hostname": "h"},
            {"securityContext": {"$patch": "delete"}},
            {"securityContext": {}, "hostname": "h"},
            id="a map is emptied",
        ),
        pytest.param(
            {"tolerations": [{"key": "a"}]},
            {"tolerations": [{"key": "b"}]},
            {"tolerations": [{"key": "b"}]},
            id="a list without merge strategy is replaced",
        ),
        pytest.param(
            {"containers": [{"name": "a", "args": ["x"], "env": [{"name": "E", "value": "1"}]}]},
            {
                "containers": [
                    {"name": "a", "args": ["y"], "env": [{"name": "F", "value": "2"}, {"name": "E", "value": "3"}]}
                ]
            },
            {
                "containers": [
                    {"name": "a", "args": ["y"], "env": [{"name": "F", "value": "2"}, {"name": "E", "value": "3"}]}
                ]
            },
            id="lists within elements: by key, or whole",
        ),
        pytest.param(
            {},
            {
                "volumes": [
                    {
                        "name": "v",
                        "emptyDir": None,
                        "$patch": "merge",
                        "hostPath": {"$retainKeys": ["path"], "path": "/"},
                    }
                ]
            },
            {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
            id="what meets nothing loses its directives and nulls",
        ),
        pytest.param(
            {"hostname": "a"}, {"unknown": {"x": [1]}}, {"hostname": "a", "unknown": {"x": [1]}}, id="unknown fields"
        ),
        pytest.param({"hostname": "a"}, {"hostname": {"b": 1}}, {"hostname": {"b": 1}}, id="another type replaces"),
    ],
)
def test_specs(schema: Schema, spec: Any, patch: Any, result: Any) -> None:
    doc = {"spec": spec}
    before = copy.deepcopy((doc, patch))
    assert strategic.apply(doc, {"spec": patch}, schema.node(POD)) == {"spec": result}
    assert (doc, patch) == before, "what is given is never changed"


@pytest.mark.parametrize(
    ("given", "patch", "result"),
    [
        pytest.param(["a", "b"], {"finalizers": ["c", "a"]}, ["c", "a", "b"], id="plain values are united"),
        pytest.param(
            ["a", "b", "c"], {"$deleteFromPrimitiveList/finalizers": ["b"]}, ["a", "c"], id="deleted by value"
        ),
        pytest.param(
            ["a", "b"],
            {
                "finalizers": ["c"],
                "$deleteFromPrimitiveList/finalizers": ["a"],
                "$setElementOrder/finalizers": ["b", "c"],
            },
            ["b", "c"],
            id="all at once, as kubectl apply sends it",
        ),
        pytest.param(None, {"finalizers": ["a"]}, ["a"], id="a list that was not there"),
        pytest.param(["a"], {"finalizers": None}, None, id="null deletes the list"),
    ],
)
def test_lists_of_plain_values(schema: Schema, given: Any, patch: Any, result: Any) -> None:
    doc = {"metadata": {"finalizers": given} if given is not None else {}}
    merged = strategic.apply(doc, {"metadata": patch}, schema.node(POD))
    assert merged["metadata"].get("finalizers") == result


def test_kubelet_status_patch(schema: Schema) -> None:
    doc = {
        "status": {
            "phase": "Pending",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": "False", "reason": "x"},
            ],
            "podIPs": [{"ip": "1.1.1.1"}],
        }
    }
    patch = {
        "metadata": {"uid": "u"},
        "status": {
            "$setElementOrder/conditions": [{"type": "Ready"}, {"type": "PodScheduled"}],
            "conditions": [{"type": "Ready", "status": "True", "reason": None}],
            "phase": "Running",
        },
    }
    assert strategic.apply(doc, patch, schema.node(POD)) == {
        "metadata": {"uid": "u"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}],
            "podIPs": [{"ip": "1.1.1.1"}],
        },
    }


def test_a_strategy_changes_as_a_union(schema: Schema) -> None:
    doc = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic.apply(doc, patch, schema.node(DEPLOYMENT)) == {"spec": {"strategy": {"type": "Recreate"}}}


@pytest.mark.parametrize(
    ("patch", "error", "message"),
    [
        pytest.param([], PatchError, "an object is expected", id="not an object"),
        pytest.param(
            {"$patch": "grow"}, PatchError, "Invalid value for $patch directive: grow", id="unknown directive"
        ),
        pytest.param(
            {"$retainKeys": ["a"], "b": 1}, PatchError, "retainKeys", id="a key that retainKeys does not name"
        ),
        pytest.param(
            {"spec": {"containers": [{"image": "x"}]}},
            Unprocessable,
            "does not contain declared merge key: name",
            id="an element without its key",
        ),
        pytest.param({"spec": {"containers": ["x"]}}, Unprocessable, "different types", id="a string among objects"),
        pytest.param({"spec": {"containers": [[]]}}, Unprocessable, "lists of lists", id="a list in a list"),
        pytest.param(
            {"spec": {"containers": [{"name": "b"}], "$setElementOrder/containers": [{"name": "a"}]}},
            PatchError,
            "doesn't match $setElementOrder/containers list",
            id="an element that the order does not name",
        ),
        pytest.param(
            {"spec": {"$setElementOrder/containers": "a"}}, PatchError, "setElementOrder", id="an order that is no list"
        ),
        pytest.param(
            {"spec": {"$deleteFromPrimitiveList/containers": "a"}},
            PatchError,
            "primitive list",
            id="a deletion that is none",
        ),
    ],
)
def test_a_patch_that_cannot_be_applied(schema: Schema, patch: Any, error: type[PatchError], message: str) -> None:
    with pytest.raises(error) as raised:
        strategic.apply({"spec": {"containers": containers("a")}}, patch, schema.node(POD))
    assert message in raised.value.message


KEYS = st.sampled_from(
    [
        *("spec", "containers", "name", "volumes", "metadata", "finalizers", "$patch", "$retainKeys", "x", "labels"),
        *("$setElementOrder/containers", "$setElementOrder/finalizers", "$deleteFromPrimitiveList/finalizers"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["a", "b", "delete", "replace", "merge"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


@given(OBJECTS, OBJECTS)
def test_no_patch_breaks_the_server(schema: Schema, doc: Any, patch: Any) -> None:
    before = copy.deepcopy((doc, patch))
    try:
        result = strategic.apply(doc, patch, schema.node(POD))
    except PatchError:
        return
    assert isinstance(result, dict)
    assert (doc, patch) == before
