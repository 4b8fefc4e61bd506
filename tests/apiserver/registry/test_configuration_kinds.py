"""Secrets, ConfigMaps, Namespaces, Leases and RuntimeClasses: what is filled in, what is wrong."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from podwright.api.objects import Object, copy_object
from podwright.apiserver.registry.config_map import ConfigMapStrategy
from podwright.apiserver.registry.lease import LeaseStrategy
from podwright.apiserver.registry.namespace import NamespaceStrategy
from podwright.apiserver.registry.priority_class import PriorityClassStrategy
from podwright.apiserver.registry.runtime_class import RuntimeClassStrategy
from podwright.apiserver.registry.secret import SecretStrategy

CONFIG_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(kind: str = "Opaque", **data: str) -> Object:
    return {"metadata": {"name": "s"}, "type": kind, "data": {k.replace("__", "."): b64(v) for k, v in data.items()}}


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        pytest.param(secret(a="1"), [], id="any data"),
        pytest.param(
            {"data": {"a b": ""}}, [f'data[a b]: Invalid value: "a b": {CONFIG_KEY}'], id="a key can be a file name"
        ),
        pytest.param(
            {"data": {"a": "secret!"}},
            ['data[a]: Invalid value: "<secret contents redacted>": must be base64 text'],
            id="values are base64, and never shown",
        ),
        pytest.param(
            secret(a="x" * (1024 * 1024 + 1)),
            ["data: Too long: may not be more than 1048576 bytes"],
            id="no more than a mebibyte",
        ),
        pytest.param(
            secret("kubernetes.io/tls", tls__crt=""), ["data[tls.key]: Required value"], id="TLS needs both files"
        ),
        pytest.param(
            secret("kubernetes.io/basic-auth"),
            ["data[username]: Required value", "data[password]: Required value"],
            id="basic authentication needs something",
        ),
        pytest.param(secret("kubernetes.io/basic-auth", password="x"), [], id="basic authentication needs one thing"),
        pytest.param(secret("kubernetes.io/ssh-auth"), ["data[ssh-privatekey]: Required value"], id="SSH needs a key"),
        pytest.param(
            secret("kubernetes.io/dockerconfigjson"),
            ["data[.dockerconfigjson]: Required value"],
            id="registry credentials need their file",
        ),
        pytest.param(
            secret("kubernetes.io/dockerconfigjson", __dockerconfigjson='{"password": hunter2'),
            ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": invalid JSON: Expecting value'],
            id="broken registry credentials are not shown",
        ),
        pytest.param(
            secret("kubernetes.io/dockercfg", __dockercfg="[]"),
            ['data[.dockercfg]: Invalid value: "<secret contents redacted>": must be a JSON object'],
            id="registry credentials are an object",
        ),
        pytest.param(
            secret("kubernetes.io/service-account-token"),
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
            id="a token names its account",
        ),
    ],
)
def test_secret(made: Object, errors: list[str]) -> None:
    assert [str(e) for e in SecretStrategy().validate(made)] == errors


def test_plain_data_is_encoded_and_not_kept() -> None:
    made: Object = {"data": {"a": b64("old"), "b": b64("b")}, "stringData": {"a": "new"}}
    SecretStrategy().default(made)
    assert made == {"type": "Opaque", "data": {"a": b64("new"), "b": b64("b")}}


@pytest.mark.parametrize(
    ("old", "edits", "errors"),
    [
        pytest.param({}, {"data": {"a": ""}}, [], id="data may change"),
        pytest.param({}, {"type": "x"}, ['type: Invalid value: "x": field is immutable'], id="the type stays"),
        pytest.param(
            {"immutable": True},
            {"data": {"a": ""}},
            ["data: Forbidden: field is immutable when `immutable` is set"],
            id="an immutable secret's data stays",
        ),
        pytest.param(
            {"immutable": True},
            {"immutable": False},
            ["immutable: Forbidden: field is immutable when `immutable` is set"],
            id="an immutable secret stays one",
        ),
    ],
)
def test_secret_update(old: Object, edits: Object, errors: list[str]) -> None:
    before = {**secret(), **old}
    assert [str(e) for e in SecretStrategy().validate_update({**before, **edits}, before)] == errors


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        pytest.param({"data": {"a": "1"}, "binaryData": {"b": b64("1")}}, [], id="text and bytes"),
        pytest.param(
            {"data": {"a": ""}, "binaryData": {"a": ""}},
            ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
            id="a key stands once",
        ),
        pytest.param(
            {"data": {"..": ""}}, ["data[..]: Invalid value: \"..\": must not be '..'"], id="a key is no way up"
        ),
        pytest.param(
            {"data": {"a": "ä" * 600_000}},
            ["<nil>: Too long: may not be more than 1048576 bytes"],
            id="bytes are counted",
        ),
    ],
)
def test_config_map(made: Object, errors: list[str]) -> None:
    assert [str(e) for e in ConfigMapStrategy().validate(made)] == errors


def test_an_immutable_config_map_stays() -> None:
    old: Object = {"immutable": True, "data": {"a": "1"}}
    assert [str(e) for e in ConfigMapStrategy().validate_update({**old, "data": {}}, old)] == [
        "data: Forbidden: field is immutable when `immutable` is set"
    ]


def test_a_new_namespace() -> None:
    strategy, made = NamespaceStrategy(), {"metadata": {"name": "n", "labels": {"a": "b"}}}
    strategy.default(made)
    strategy.prepare_for_create(made)
    assert made == {
        "metadata": {"name": "n", "labels": {"a": "b", "kubernetes.io/metadata.name": "n"}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
    assert strategy.holds_removal(made)
    strategy.mark_deleted(made)
    assert made["status"] == {"phase": "Terminating"}


def test_finalizers_change_through_finalize_alone() -> None:
    strategy = NamespaceStrategy()
    old: Object = {"metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    new = copy_object(old)
    new["spec"]["finalizers"] = []
    through_main = copy_object(new)
    strategy.prepare_for_update(through_main, old)
    assert through_main["spec"]["finalizers"] == ["kubernetes"]
    new["status"] = {}
    strategy.prepare_for_update(new, old, "finalize")
    assert new == {**old, "spec": {"finalizers": []}}


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        pytest.param({"spec": {"finalizers": ["kubernetes", "example.com/x"]}}, [], id="known finalizers"),
        pytest.param(
            {"spec": {"finalizers": ["mine"]}},
            [
                'spec.finalizers[0]: Invalid value: "mine": '
                "name is neither a standard finalizer name nor is it fully qualified"
            ],
            id="a finalizer belongs to somebody",
        ),
    ],
)
def test_namespace(made: Object, errors: list[str]) -> None:
    assert [str(e) for e in NamespaceStrategy().validate(made)] == errors


def test_the_phase_follows_the_deletion() -> None:
    made: Object = {"metadata": {"deletionTimestamp": "x"}, "status": {"phase": "Active"}}
    assert [str(e) for e in NamespaceStrategy().validate_update(made, made, "status")] == [
        "status.phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"
    ]


@pytest.mark.parametrize(
    ("made", "errors"),
    [
        pytest.param({"handler": "runc"}, [], id="a handler is enough"),
        pytest.param({}, ["handler: Required value"], id="a handler is needed"),
        pytest.param({"handler": "a.b"}, ['handler: Invalid value: "a.b": must not contain dots'], id="it is a label"),
        pytest.param(
            {"handler": "a", "overhead": {"podFixed": {"cpu": "-1"}}},
            ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
            id="overhead costs something",
        ),
        pytest.param(
            {"handler": "a", "scheduling": {"tolerations": [{"operator": "Exists", "value": "x"}]}},
            [
                'scheduling.tolerations[0].operator: Invalid value: {"operator":"Exists","value":"x"}: '
                "value must be empty when `operator` is 'Exists'"
            ],
            id="tolerations are as a Pod's",
        ),
    ],
)
def test_runtime_class(made: Object, errors: list[str]) -> None:
    assert [str(e) for e in RuntimeClassStrategy().validate(made)] == errors


@pytest.mark.parametrize(
    ("name", "good"),
    [
        pytest.param("myclass", True, id="a word"),
        pytest.param("my.class-2", True, id="dots and dashes"),
        pytest.param("MyClass", False, id="capitals"),
        pytest.param("my_class", False, id="an underscore"),
    ],
)
def test_the_name_of_a_class_is_a_dns_subdomain(name: str, good: bool) -> None:
    assert (not RuntimeClassStrategy().name_errors(name, prefix=False)) is good


def test_a_handler_stays() -> None:
    wrong = RuntimeClassStrategy().validate_update({"handler": "b"}, {"handler": "a"})
    assert [str(e) for e in wrong] == ['handler: Invalid value: "b": field is immutable']


@pytest.mark.parametrize(
    ("spec", "errors"),
    [
        pytest.param({"holderIdentity": "a", "leaseDurationSeconds": 40}, [], id="a node's lease"),
        pytest.param(
            {"leaseDurationSeconds": 0},
            ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"],
            id="a lease lasts",
        ),
        pytest.param(
            {"leaseTransitions": -1},
            ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"],
            id="holders are counted up",
        ),
    ],
)
def test_lease(spec: dict[str, Any], errors: list[str]) -> None:
    assert [str(e) for e in LeaseStrategy().validate({"spec": spec})] == errors


RESERVED = (
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: "
)


@pytest.mark.parametrize(
    ("name", "fields", "errors"),
    [
        pytest.param("gold", {"value": 1_000_000_000}, [], id="the highest of users"),
        pytest.param(
            "gold",
            {"value": 1_000_000_001},
            ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"],
            id="higher than users may",
        ),
        pytest.param("system-node-critical", {"value": 2_000_001_000}, [], id="the system's own"),
        pytest.param(
            "system-node-critical",
            {"value": 1},
            [RESERVED + "value of system-node-critical PriorityClass must be 2000001000"],
            id="the system's with another value",
        ),
        pytest.param(
            "system-mine",
            {"value": 1},
            [RESERVED + "system-mine is not a known system priority class"],
            id="a name of the system's",
        ),
        pytest.param(
            "gold",
            {"preemptionPolicy": "Always"},
            [
                'preemptionPolicy: Unsupported value: "Always": supported values: "PreemptLowerPriority", "Never"',
            ],
            id="a policy that there is not",
        ),
    ],
)
def test_priority_class(name: str, fields: dict[str, Any], errors: list[str]) -> None:
    made, strategy = {"metadata": {"name": name}, **fields}, PriorityClassStrategy()
    strategy.default(made)
    assert [str(e) for e in strategy.validate(made)] == errors
    if not errors:
        changed = {**made, "value": 7, "preemptionPolicy": "Never"}
        assert [str(e) for e in strategy.validate_update(changed, made)] == [
            "value: Forbidden: may not be changed in an update.",
            'preemptionPolicy: Invalid value: "Never": field is immutable',
        ]
