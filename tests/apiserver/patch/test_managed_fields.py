"""Who owns what after which write."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest

from podwright.api.schema import Schema
from podwright.apiserver.patch.managed_fields import record_update

POD = "io.k8s.api.core.v1.Pod"
CONFIG_MAP = "io.k8s.api.core.v1.ConfigMap"
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema.load([POD, CONFIG_MAP])


class Writer:
    """Writes versions of one object, a second apart."""

    def __init__(self, schema: Schema, key: str) -> None:
        self.schema, self.key, self.obj, self.second = schema, key, None, 0

    def write(self, obj: dict[str, Any], manager: str = "m", **options: Any) -> dict[str, Any]:
        """The owners after this write, by manager."""
        new = copy.deepcopy(obj)
        if self.obj and "managedFields" not in new.get("metadata", {}):
            new.setdefault("metadata", {})["managedFields"] = self.obj["metadata"].get("managedFields")
        now = START + datetime.timedelta(seconds=self.second)
        self.second += 1
        options = {"api_version": "v1", "now": now, "schema": self.schema, "key": self.key, **options}
        record_update(self.obj, new, manager, **options)
        self.obj = new
        return {entry["manager"]: entry["fieldsV1"] for entry in new["metadata"].get("managedFields", [])}


def test_creating_a_pod_owns_what_kubernetes_says_it_owns(schema: Schema) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "uid": "u", "creationTimestamp": "x", "labels": {"run": "nginx"}},
        "spec": {
            "containers": [
                {
                    "name": "nginx",
                    "image": "nginx",
                    "resources": {},
                    "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "livenessProbe": {"httpGet": {"port": 80}},
                }
            ],
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
        },
        "status": {},
    }
    writer = Writer(schema, POD)
    assert writer.write(pod, "kubectl-run") == {
        "kubectl-run": {
            "f:metadata": {"f:labels": {".": {}, "f:run": {}}},
            "f:spec": {
                "f:containers": {
                    'k:{"name":"nginx"}': {
                        ".": {},
                        "f:image": {},
                        "f:livenessProbe": {".": {}, "f:httpGet": {".": {}, "f:port": {}}},
                        "f:name": {},
                        "f:ports": {
                            ".": {},
                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                                "f:protocol": {},
                            },
                        },
                        "f:resources": {},
                    }
                },
                "f:dnsPolicy": {},
                "f:securityContext": {},
            },
        }
    }
    assert writer.obj is not None
    (entry,) = writer.obj["metadata"]["managedFields"]
    assert list(entry) == ["manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"]
    assert entry["time"] == "2026-01-01T00:00:00Z"


def test_a_changed_value_changes_hands(schema: Schema) -> None:
    writer = Writer(schema, CONFIG_MAP)
    writer.write({"data": {"a": "1", "b": "1"}}, "one")
    assert writer.write({"data": {"a": "2", "b": "1"}}, "two") == {
        "one": {"f:data": {".": {}, "f:b": {}}},
        "two": {"f:data": {"f:a": {}}},
    }


def test_a_removed_field_is_nobodys(schema: Schema) -> None:
    writer = Writer(schema, CONFIG_MAP)
    writer.write({"data": {"a": "1"}}, "one")
    writer.write({"data": {"a": "1", "b": "1"}}, "two")
    assert writer.write({"data": {"a": "1"}}, "three") == {"one": {"f:data": {".": {}, "f:a": {}}}}


def test_nothing_changed_changes_nothing(schema: Schema) -> None:
    writer = Writer(schema, CONFIG_MAP)
    writer.write({"data": {"a": "1"}}, "one")
    assert writer.obj is not None
    before = writer.obj["metadata"]["managedFields"]
    writer.write({"data": {"a": "1"}}, "two")
    assert writer.obj["metadata"]["managedFields"] == before


def test_a_subresource_is_another_manager(schema: Schema) -> None:
    writer = Writer(schema, POD)
    writer.write({"spec": {"hostname": "a"}}, "kubelet")
    writer.write({"spec": {"hostname": "a"}, "status": {"phase": "Running"}}, "kubelet", subresource="status")
    assert writer.obj is not None
    assert [(e["manager"], e.get("subresource"), e["fieldsV1"]) for e in writer.obj["metadata"]["managedFields"]] == [
        ("kubelet", None, {"f:spec": {"f:hostname": {}}}),
        ("kubelet", "status", {"f:status": {"f:phase": {}}}),
    ]


def test_only_what_differs_in_a_list_with_keys_is_owned(schema: Schema) -> None:
    ready = {"type": "Ready", "status": "False", "reason": "x"}
    writer = Writer(schema, POD)
    writer.write({"status": {"conditions": [ready]}}, "a")
    owners = writer.write(
        {"status": {"conditions": [{**ready, "status": "True"}, {"type": "New", "status": "True"}]}}, "b"
    )
    assert owners["b"] == {
        "f:status": {
            "f:conditions": {
                'k:{"type":"New"}': {".": {}, "f:status": {}, "f:type": {}},
                'k:{"type":"Ready"}': {"f:status": {}},
            }
        }
    }


def test_updaters_are_put_together_beyond_ten(schema: Schema) -> None:
    writer = Writer(schema, CONFIG_MAP)
    data: dict[str, str] = {}
    for i in range(13):
        data[f"k{i:02}"] = "v"
        owners = writer.write({"data": data}, f"m{i:02}")
    assert list(owners) == ["ancient-changes", *(f"m{i:02}" for i in range(4, 13))]
    assert owners["ancient-changes"] == {"f:data": {".": {}, **{f"f:k{i:02}": {} for i in range(4)}}}


def test_an_empty_entry_forgets_all_owners(schema: Schema) -> None:
    writer = Writer(schema, CONFIG_MAP)
    writer.write({"data": {"a": "1"}}, "one")
    assert writer.write({"metadata": {"managedFields": [{}]}, "data": {"a": "1"}}, "two") == {}
    assert writer.write({"data": {"a": "2"}}, "three") == {}, "not one owner among many who are not known any more"


def test_a_subresource_forgets_nobody(schema: Schema) -> None:
    writer = Writer(schema, POD)
    writer.write({"spec": {"hostname": "a"}}, "one")
    given = {"metadata": {"managedFields": [{}]}, "spec": {"hostname": "a"}, "status": {"phase": "Running"}}
    assert writer.write(given, "two", subresource="status") == {
        "one": {"f:spec": {"f:hostname": {}}},
        "two": {"f:status": {"f:phase": {}}},
    }


def test_owners_that_a_client_writes_are_built_upon(schema: Schema) -> None:
    writer = Writer(schema, CONFIG_MAP)
    writer.write({"data": {"a": "1"}}, "one")
    entry = {
        "manager": "x",
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:a": {}}},
    }
    assert writer.write({"metadata": {"managedFields": [entry]}, "data": {"a": "1", "b": "2"}}, "two") == {
        "x": {"f:data": {"f:a": {}}},
        "two": {"f:data": {"f:b": {}}},
    }


def test_an_update_takes_from_those_who_apply(schema: Schema) -> None:
    writer = Writer(schema, CONFIG_MAP)
    writer.write({"data": {"a": "1", "b": "1"}}, "applier", operation="Apply")
    owners = writer.write({"data": {"a": "2", "b": "1"}}, "editor")
    assert owners == {"applier": {"f:data": {".": {}, "f:b": {}}}, "editor": {"f:data": {"f:a": {}}}}


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"f:data": 1}, id="a number below a field"),
        pytest.param({"data": {}}, id="a field without its mark"),
        pytest.param({"k:nope": {}}, id="keys that are no JSON"),
        pytest.param({"k:[]": {}}, id="keys that are no object"),
        pytest.param({"f:data": {".": {"f:a": {}}}}, id="something below the dot"),
    ],
)
def test_owners_that_make_no_sense_are_not_heard(schema: Schema, fields: Any) -> None:
    writer = Writer(schema, CONFIG_MAP)
    writer.write({"data": {"a": "1"}}, "one")
    entry = {"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields}
    owners = writer.write({"metadata": {"managedFields": [entry]}, "data": {"a": "2"}}, "two")
    assert owners == {"one": {"f:data": {}}, "two": {"f:data": {"f:a": {}}}}
