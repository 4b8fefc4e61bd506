"""Server-side apply: the scenarios of its documentation page."""

from __future__ import annotations

import copy
import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwright.api.errors import ApplyConflict
from podwright.api.schema import Schema
from podwright.apiserver.patch.apply import apply, merge
from podwright.apiserver.patch.errors import PatchError
from podwright.apiserver.patch.managed_fields import record_update

POD = "io.k8s.api.core.v1.Pod"
CONFIG_MAP = "io.k8s.api.core.v1.ConfigMap"
SERVICE = "io.k8s.api.core.v1.Service"
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load([POD, CONFIG_MAP, SERVICE])


class Cluster:
    """One object, written by several, a second apart."""

    def __init__(self, schema: Schema, key: str = CONFIG_MAP) -> None:
        self.schema, self.key, self.second = schema, key, 0
        self.live: Any = None

    def _options(self) -> dict[str, Any]:
        self.second += 1
        now = START + datetime.timedelta(seconds=self.second)
        return {"api_version": "v1", "now": now, "schema": self.schema, "key": self.key}

    def apply(self, manager: str, config: dict[str, Any], *, force: bool = False, **more: Any) -> Any:
        before = copy.deepcopy((self.live, config))
        whole = {"apiVersion": "v1", "kind": self.key.rpartition(".")[2], **config}
        whole["metadata"] = {"name": "n", **whole.get("metadata", {})}
        result = apply(self.live, whole, manager, force, **self._options(), **more)
        assert (self.live, config) == before, "what is given is never changed"
        self.live = result
        return result

    def update(self, manager: str, obj: dict[str, Any], **more: Any) -> None:
        new = copy.deepcopy(obj)
        meta = new.setdefault("metadata", {"name": "n"})
        if self.live:
            meta.setdefault("managedFields", self.live["metadata"].get("managedFields"))
        record_update(self.live, new, manager, **self._options(), **more)
        self.live = new

    def owners(self) -> dict[str, Any]:
        return {e["manager"]: e["fieldsV1"] for e in self.live["metadata"].get("managedFields", [])}


def test_the_first_apply_creates_and_owns_what_it_says(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.apply("a", {"metadata": {"labels": {"l": "1"}}, "data": {"key": "v"}})
    assert cluster.live["data"] == {"key": "v"}
    assert cluster.live["metadata"]["managedFields"] == [
        {
            "manager": "a",
            "operation": "Apply",
            "apiVersion": "v1",
            "time": "2026-01-01T00:00:01Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:key": {}}, "f:metadata": {"f:labels": {"f:l": {}}}},
        }
    ]


def test_applying_the_same_again_changes_nothing(schema: Schema) -> None:
    cluster = Cluster(schema)
    first = cluster.apply("a", {"data": {"key": "v"}})
    assert cluster.apply("a", {"data": {"key": "v"}}) == first


def test_a_field_of_another_is_a_conflict(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.update("kubectl-client-side-apply", {"data": {"key": "old", "x": "1"}})
    with pytest.raises(ApplyConflict) as raised:
        cluster.apply("me", {"data": {"key": "new"}})
    assert raised.value.message == (
        'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.key'
    )
    assert raised.value.details == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "kubectl-client-side-apply" using v1',
                "field": ".data.key",
            }
        ]
    }


def test_several_conflicts_are_listed_by_manager(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.apply("a", {"data": {"x": "1", "y": "1"}})
    cluster.update("b", {"data": {"x": "1", "y": "1", "z": "1"}}, subresource="status")
    with pytest.raises(ApplyConflict) as raised:
        cluster.apply("me", {"data": {"x": "2", "y": "2", "z": "2"}})
    assert raised.value.message == (
        'Apply failed with 3 conflicts: conflicts with "a":\n- .data.x\n- .data.y\n'
        'conflicts with "b" with subresource "status" using v1:\n- .data.z'
    )


def test_force_takes_the_field(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.apply("a", {"data": {"x": "1", "y": "1"}})
    cluster.apply("b", {"data": {"x": "2"}}, force=True)
    assert cluster.live["data"] == {"x": "2", "y": "1"}
    assert cluster.owners() == {"a": {"f:data": {"f:y": {}}}, "b": {"f:data": {"f:x": {}}}}


def test_the_same_value_is_shared_and_stays_until_both_give_it_up(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.apply("a", {"data": {"x": "1", "y": "1"}})
    cluster.apply("b", {"data": {"x": "1"}})
    cluster.apply("a", {"data": {"y": "1"}})
    assert cluster.live["data"] == {"x": "1", "y": "1"}
    cluster.apply("b", {})
    assert cluster.live["data"] == {"y": "1"}
    assert list(cluster.owners()) == ["a"]


def test_giving_up_a_field_that_an_updater_owns_leaves_it(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.apply("a", {"data": {"x": "1"}})
    live = copy.deepcopy(cluster.live)
    live["data"]["x"] = "2"
    cluster.update("controller", live)
    cluster.apply("a", {})
    assert cluster.live["data"] == {"x": "2"}


def test_the_last_owner_takes_the_whole_map_along(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.apply("a", {"data": {"x": "1"}, "metadata": {"annotations": {"p": "q"}}})
    cluster.apply("a", {"data": {"x": "1"}})
    assert "annotations" not in cluster.live["metadata"]
    assert cluster.live["metadata"]["name"] == "n"


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "i", **more}


def test_elements_of_lists_with_keys_are_merged_and_removed(schema: Schema) -> None:
    cluster = Cluster(schema, POD)
    cluster.apply(
        "a", {"spec": {"containers": [container("one"), container("two", env=[{"name": "E", "value": "1"}])]}}
    )
    cluster.apply("b", {"spec": {"containers": [{"name": "side", "image": "j"}]}})
    assert [c["name"] for c in cluster.live["spec"]["containers"]] == ["side", "one", "two"]
    cluster.apply("a", {"spec": {"containers": [container("two")]}})
    assert cluster.live["spec"]["containers"] == [{"name": "side", "image": "j"}, container("two")]


def test_defaults_below_a_struct_go_with_it(schema: Schema) -> None:
    cluster = Cluster(schema, POD)
    cluster.apply("a", {"spec": {"containers": [container("c", livenessProbe={"httpGet": {"port": 1}})]}})
    cluster.live["spec"]["containers"][0]["livenessProbe"]["timeoutSeconds"] = 1
    cluster.apply("a", {"spec": {"containers": [container("c")]}})
    assert cluster.live["spec"]["containers"] == [container("c")]


def test_a_port_without_protocol_is_the_tcp_port(schema: Schema) -> None:
    cluster = Cluster(schema, SERVICE)
    cluster.apply("a", {"spec": {"ports": [{"port": 80, "targetPort": 1}]}})
    cluster.live["spec"]["ports"][0]["protocol"] = "TCP"
    cluster.apply("a", {"spec": {"ports": [{"port": 80, "targetPort": 2}, {"port": 80, "protocol": "UDP"}]}})
    assert cluster.live["spec"]["ports"] == [
        {"port": 80, "targetPort": 2, "protocol": "TCP"},
        {"port": 80, "protocol": "UDP"},
    ]


def test_sets_are_united_and_atomic_parts_are_replaced(schema: Schema) -> None:
    cluster = Cluster(schema, POD)
    cluster.apply("a", {"metadata": {"finalizers": ["f/a"]}, "spec": {"nodeSelector": {"a": "1"}, "containers": []}})
    cluster.apply("b", {"metadata": {"finalizers": ["f/b"]}})
    assert cluster.live["metadata"]["finalizers"] == ["f/b", "f/a"]
    cluster.apply("a", {"metadata": {"finalizers": ["f/a"]}, "spec": {"nodeSelector": {"b": "2"}, "containers": []}})
    assert cluster.live["spec"]["nodeSelector"] == {"b": "2"}
    with pytest.raises(ApplyConflict, match=r"\.spec\.nodeSelector"):
        cluster.apply("b", {"spec": {"nodeSelector": {"c": "3"}}})


def test_what_was_there_before_the_first_apply_has_an_owner(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.live = {"metadata": {"name": "n"}, "data": {"x": "1"}}
    with pytest.raises(ApplyConflict, match=r'conflict with "before-first-apply" using v1: \.data\.x'):
        cluster.apply("a", {"data": {"x": "2"}})
    cluster.apply("a", {"data": {"y": "2"}})
    assert cluster.owners() == {
        "a": {"f:data": {"f:y": {}}},
        "before-first-apply": {"f:data": {".": {}, "f:x": {}}},
    }


def test_once_all_owners_are_forgotten_the_first_apply_overwrites_nothing_unasked(schema: Schema) -> None:
    cluster = Cluster(schema)
    cluster.update("a", {"data": {"x": "1", "y": "1"}})
    cluster.update("a", {"metadata": {"name": "n", "managedFields": [{}]}, "data": {"x": "1", "y": "1"}})
    cluster.update("b", {"data": {"x": "1", "y": "2"}})
    with pytest.raises(ApplyConflict) as raised:
        cluster.apply("c", {"data": {"x": "2"}})
    assert 'conflict with "before-first-apply" using v1: .data.x' in str(raised.value)


def test_kubectl_may_go_over_from_client_side_apply(schema: Schema) -> None:
    cluster = Cluster(schema)
    name = "kubectl.kubernetes.io/last-applied-configuration"
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n"}, "data": {"x": "1"}}
    cluster.update(
        "kubectl-client-side-apply",
        {**applied, "metadata": {"name": "n", "annotations": {name: json.dumps(applied)}}},
    )
    cluster.apply("kubectl", {"data": {"x": "2"}})
    assert cluster.live["data"] == {"x": "2"}
    assert json.loads(cluster.live["metadata"]["annotations"][name])["data"] == {"x": "2"}


def test_fields_that_the_endpoint_resets_are_not_owned(schema: Schema) -> None:
    cluster = Cluster(schema, POD)
    cluster.apply("a", {"spec": {"hostname": "h"}, "status": {"phase": "x"}}, ignored={"f:status": {}})
    assert cluster.owners() == {"a": {"f:spec": {"f:hostname": {}}}}
    assert "status" not in cluster.live
    cluster.update("b", {**cluster.live, "status": {"phase": "y"}}, subresource="status")
    cluster.apply("a", {"spec": {"hostname": "h"}, "status": {"phase": "x"}}, ignored={"f:status": {}})
    assert cluster.live["status"] == {"phase": "y"}, "what is reset is no conflict either"


def test_who_owned_what_the_endpoint_resets_takes_nothing_away(schema: Schema) -> None:
    cluster = Cluster(schema, POD)
    cluster.apply("a", {"spec": {"hostname": "h"}, "status": {"phase": "x"}})
    cluster.apply("a", {"spec": {"hostname": "h"}}, ignored={"f:status": {}})
    assert cluster.live["status"] == {"phase": "x"}
    assert cluster.owners() == {"a": {"f:spec": {"f:hostname": {}}}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param(
            {"spec": {"nope": 1}},
            "failed to create typed patch object (/n; /v1, Kind=Pod): errors:\n"
            "  .spec.nope: field not declared in schema",
            id="an unknown field",
        ),
        pytest.param({"spec": {"hostname": 1}}, ".spec.hostname: Invalid value: 1", id="a wrong type"),
        pytest.param(
            {"spec": {"containers": [container("a"), container("a")]}},
            'errors:\n  .spec.containers: duplicate entries for key [name="a"]',
            id="two elements with one key",
        ),
        pytest.param(
            {"metadata": {"managedFields": [{"manager": "x"}]}},
            "metadata.managedFields must be nil",
            id="managed fields",
        ),
    ],
)
def test_a_configuration_that_does_not_fit(schema: Schema, config: Any, message: str) -> None:
    with pytest.raises(PatchError) as raised:
        Cluster(schema, POD).apply("a", config)
    assert message in raised.value.message


@pytest.mark.parametrize(
    ("live", "config", "names"),
    [
        (["a", "b"], ["b", "a"], ["b", "a"]),
        (["a", "b", "c"], ["c"], ["a", "b", "c"]),
        (["a", "b", "c"], ["n", "c"], ["n", "a", "b", "c"]),
        (["a", "b", "c"], ["b", "n"], ["a", "b", "n", "c"]),
        ([], ["a"], ["a"]),
        (["a"], [], ["a"]),
    ],
)
def test_the_order_of_merged_elements(schema: Schema, live: list[str], config: list[str], names: list[str]) -> None:
    node = schema.node(POD).fields["spec"].fields["containers"]
    merged = merge([{"name": n} for n in live], [{"name": n} for n in config], node)
    assert [element["name"] for element in merged] == names


NAMES = st.sampled_from("abc")
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(NAMES, NAMES, max_size=2),
                "finalizers": st.lists(NAMES, unique=True, max_size=2),
            },
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": st.lists(NAMES, unique=True, max_size=3).flatmap(
                    lambda names: st.tuples(
                        *(st.fixed_dictionaries({"name": st.just(n)}, optional={"image": NAMES}) for n in names)
                    ).map(list)
                ),
                "nodeSelector": st.dictionaries(NAMES, NAMES, max_size=2),
                "securityContext": st.fixed_dictionaries({}, optional={"runAsUser": st.integers(0, 2)}),
            },
        ),
    },
)


def content(obj: Any) -> Any:
    """What is in an object, whatever empty places and whatever order it has."""
    if isinstance(obj, dict):
        parts = {k: content(v) for k, v in obj.items() if k not in ("managedFields", "apiVersion", "kind")}
        return {k: v for k, v in parts.items() if v not in ({}, [])}
    if isinstance(obj, list):
        return sorted((content(element) for element in obj), key=lambda part: json.dumps(part, sort_keys=True))
    return obj


@given(st.lists(CONFIGS, min_size=2, max_size=4))
def test_what_one_owner_applied_before_leaves_no_trace(schema: Schema, configs: list[Any]) -> None:
    cluster, fresh = Cluster(schema, POD), Cluster(schema, POD)
    for config in configs:
        cluster.apply("a", config)
    assert content(cluster.live) == content(fresh.apply("a", configs[-1]))
    assert cluster.owners() == fresh.owners()


@given(CONFIGS, CONFIGS)
def test_what_is_applied_by_force_is_there_and_another_can_take_it_back(schema: Schema, one: Any, two: Any) -> None:
    cluster, fresh = Cluster(schema, POD), Cluster(schema, POD)
    cluster.apply("a", one)
    cluster.apply("b", two, force=True)
    cluster.apply("a", one, force=True)
    cluster.apply("b", {})
    assert content(cluster.live) == content(fresh.apply("a", one))


KEYS = st.sampled_from(["metadata", "labels", "finalizers", "spec", "containers", "name", "env", "nodeSelector"])
VALUES = st.recursive(
    st.none() | st.integers(0, 2) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4), st.booleans())
def test_no_configuration_breaks_the_server(schema: Schema, live: Any, config: Any, force: bool) -> None:
    checked = schema.check(live, POD)
    cluster = Cluster(schema, POD)
    if not checked.errors:
        cluster.live = checked.obj
    try:
        result = cluster.apply("a", {**config, "metadata": {}}, force=force)
    except (PatchError, ApplyConflict):
        return
    assert not schema.check(result, POD).errors
