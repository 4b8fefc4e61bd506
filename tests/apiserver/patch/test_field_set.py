"""The algebra of field sets, held against sets of paths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.api.schema import Schema
from podwright.apiserver.patch import field_set as fs
from podwright.apiserver.patch.errors import PatchError

POD = "io.k8s.api.core.v1.Pod"


def built(paths: set[tuple[str, ...]]) -> fs.FieldSet:
    """The set that holds exactly these paths."""
    whole: dict[str, Any] = {}
    for path in sorted(paths):
        whole = fs.union(whole, nested(path))
    return whole


def nested(path: tuple[str, ...]) -> fs.FieldSet:
    return {f"f:{path[0]}": nested(path[1:]) if len(path) > 1 else {}}


def names(fields: fs.FieldSet) -> set[str]:
    return set(fs.paths(fields))


def texts(paths: set[tuple[str, ...]]) -> set[str]:
    return {"." + ".".join(path) for path in paths}


PATHS = st.sets(st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple), max_size=8)


@given(PATHS, PATHS)
def test_operations_are_those_of_sets(a: set[Any], b: set[Any]) -> None:
    assert names(fs.union(built(a), built(b))) == texts(a | b)
    assert names(fs.intersection(built(a), built(b))) == texts(a & b)
    assert names(fs.difference(built(a), built(b))) == texts(a - b)
    below = {p for p in a if any(p[: len(q)] == q for q in b)}
    assert names(fs.recursive_difference(built(a), built(b))) == texts(a - below)


@given(PATHS, PATHS)
def test_equal_sets_have_one_form(a: set[Any], b: set[Any]) -> None:
    assert fs.union(fs.difference(built(a), built(b)), fs.intersection(built(a), built(b))) == built(a)


def test_paths_are_named_as_conflicts_name_them() -> None:
    fields = {
        "f:metadata": {"f:finalizers": {".": {}, 'v:"x/y"': {}}},
        "f:spec": {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:hostPort": {}}}},
    }
    assert list(fs.paths(fields)) == [
        ".metadata.finalizers",
        '.metadata.finalizers[="x/y"]',
        '.spec.ports[containerPort=80,protocol="TCP"]',
        '.spec.ports[containerPort=80,protocol="TCP"].hostPort',
    ]


def test_what_applying_a_pod_takes() -> None:
    node = Schema.load([POD]).node(POD)
    pod = {
        "metadata": {"labels": {"a": "1"}, "finalizers": ["x"], "annotations": {}},
        "spec": {
            "containers": [{"name": "c", "args": ["1"], "ports": [{"containerPort": 80}], "securityContext": {}}],
            "nodeSelector": {"k": "v"},
            "volumes": [],
        },
    }
    assert fs.applied_set(pod, node) == {
        "f:metadata": {"f:annotations": {}, "f:finalizers": {'v:"x"': {}}, "f:labels": {"f:a": {}}},
        "f:spec": {
            "f:containers": {
                'k:{"name":"c"}': {
                    ".": {},
                    "f:args": {},
                    "f:name": {},
                    "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    "f:securityContext": {},
                }
            },
            "f:nodeSelector": {},
            "f:volumes": {},
        },
    }


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        pytest.param(
            {"containers": [{"name": "a"}, {"name": "a"}]},
            '.spec.containers: duplicate entries for key [name="a"]',
            id="two elements with one key",
        ),
        pytest.param(
            {"containers": [{"image": "a"}]},
            ".spec.containers: element 0: associative list with keys has an element that omits key field",
            id="an element without its key",
        ),
    ],
)
def test_elements_must_be_told_apart(spec: Any, message: str) -> None:
    node = Schema.load([POD]).node(POD)
    with pytest.raises(PatchError) as raised:
        fs.applied_set({"spec": spec}, node)
    assert message in raised.value.message
