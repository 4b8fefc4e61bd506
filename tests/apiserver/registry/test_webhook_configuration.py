"""Defaults and checks of webhook configurations."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object
from podwright.apiserver.registry.webhook_configuration import NO_CEL, WebhookConfigurationStrategy

MUTATING, VALIDATING = WebhookConfigurationStrategy(mutating=True), WebhookConfigurationStrategy(mutating=False)
RULE = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}


def webhook(**fields: Any) -> Object:
    """A webhook with what it must have, and `fields` (None: without)."""
    whole = {
        "name": "a.b.c",
        "clientConfig": {"url": "https://h/p"},
        "rules": [RULE],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **fields,
    }
    return {key: value for key, value in whole.items() if value is not None}


def service(**fields: Any) -> Object:
    return {"service": {"name": "s", "namespace": "n", "port": 443, **fields}}


def errors(*webhooks: Object, strategy: WebhookConfigurationStrategy = MUTATING) -> list[str]:
    return [str(e) for e in strategy.validate({"metadata": {"name": "x"}, "webhooks": list(webhooks)})]


def test_defaults() -> None:
    obj: Object = {"webhooks": [webhook(clientConfig={"service": {"name": "s", "namespace": "n"}}, rules=[{}])]}
    MUTATING.default(obj)
    made = obj["webhooks"][0]
    assert made["clientConfig"]["service"]["port"] == 443
    assert made["rules"] == [{"scope": "*"}]
    names = ("failurePolicy", "matchPolicy", "timeoutSeconds", "namespaceSelector", "objectSelector")
    assert [made[name] for name in names] == ["Fail", "Equivalent", 10, {}, {}]
    assert made["reinvocationPolicy"] == "Never"
    obj = {"webhooks": [webhook()]}
    VALIDATING.default(obj)
    assert "reinvocationPolicy" not in obj["webhooks"][0]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        pytest.param({}, [], id="what it must have is enough"),
        pytest.param({"name": ""}, ["name: Required value"], id="no name"),
        pytest.param(
            {"name": "a.b"},
            ['name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
            id="a short name",
        ),
        pytest.param(
            {"failurePolicy": "x", "matchPolicy": "y", "reinvocationPolicy": "z"},
            [
                'failurePolicy: Unsupported value: "x": supported values: "Fail", "Ignore"',
                'matchPolicy: Unsupported value: "y": supported values: "Equivalent", "Exact"',
                'reinvocationPolicy: Unsupported value: "z": supported values: "IfNeeded", "Never"',
            ],
            id="words that are none",
        ),
        pytest.param(
            {"sideEffects": None},
            ["sideEffects: Required value: must specify one of None, NoneOnDryRun"],
            id="nothing said of side effects",
        ),
        pytest.param(
            {"sideEffects": "Some"},
            ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
            id="side effects",
        ),
        pytest.param(
            {"timeoutSeconds": 31},
            ["timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds"],
            id="a long timeout",
        ),
        pytest.param(
            {"admissionReviewVersions": None},
            ["admissionReviewVersions: Required value: must specify one of v1, v1beta1"],
            id="no versions",
        ),
        pytest.param(
            {"admissionReviewVersions": ["v2", "v2"]},
            [
                'admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
                'admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
            ],
            id="no version that is spoken here",
        ),
        pytest.param(
            {"matchConditions": [{"name": "x", "expression": "true"}]},
            [f"matchConditions: Forbidden: {NO_CEL}"],
            id="conditions that nobody evaluates",
        ),
        pytest.param(
            {"namespaceSelector": {"matchLabels": {"a b": "c"}}},
            None,
            id="a selector that cannot be",
        ),
        pytest.param(
            {"clientConfig": {}},
            ["clientConfig: Required value: exactly one of url or service is required"],
            id="no place",
        ),
        pytest.param(
            {"clientConfig": {"url": "https://h", **service()}},
            ["clientConfig: Required value: exactly one of url or service is required"],
            id="two places",
        ),
        pytest.param(
            {"clientConfig": {"url": "http://u:secret@h/p?q=1#f"}},
            [
                "clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: "
                "https://host[/path]",
                'clientConfig.url: Invalid value: "u": user information is not permitted in the URL',
                'clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
                'clientConfig.url: Invalid value: "q=1": query parameters are not permitted in the URL',
            ],
            id="what a URL may not have",
        ),
        pytest.param(
            {"clientConfig": {"url": "https:///p"}},
            [
                'clientConfig.url: Invalid value: "": host must be specified; desired format: https://host[/path]',
            ],
            id="no host",
        ),
        pytest.param({"clientConfig": service(path="/a/b.c/")}, [], id="a Service's path"),
        pytest.param(
            {"clientConfig": service(name="", namespace="", port=0, path="aa//B")},
            [
                "clientConfig.service.name: Required value: service name is required",
                "clientConfig.service.namespace: Required value: service namespace is required",
                "clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535",
                "clientConfig.service.path: Invalid value: \"aa//B\": must start with a '/'",
                'clientConfig.service.path: Invalid value: "aa//B": segment[1] may not be empty',
                'clientConfig.service.path: Invalid value: "aa//B": segment[2]',
            ],
            id="a Service that cannot be",
        ),
    ],
)
def test_one_webhook(fields: dict[str, Any], wrong: list[str] | None) -> None:
    found = errors(webhook(**fields))
    if wrong is None:
        assert found
        return
    assert len(found) == len(wrong)
    for text, expected in zip(found, wrong, strict=True):
        assert text.startswith(f"webhooks[0].{expected}")


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        pytest.param(RULE, [], id="a rule"),
        pytest.param({**RULE, "resources": ["pods", "*/scale", "deployments/*"]}, [], id="with subresources"),
        pytest.param(
            {},
            [
                "operations: Required value", "apiGroups: Required value", "apiVersions: Required value",
                "resources: Required value",
            ],
            id="an empty rule",
        ),
        pytest.param(
            {
                "operations": ["*", "READ"], "apiGroups": ["*", "a"], "apiVersions": ["*", ""],
                "resources": ["pods", ""], "scope": "x",
            },
            [
                'operations: Invalid value: ["*","READ"]: if \'*\' is present, must not specify other operations',
                'operations[1]: Unsupported value: "READ": supported values: "*", "CONNECT", "CREATE", "DELETE", '
                '"UPDATE"',
                'apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other API groups',
                'apiVersions: Invalid value: ["*",""]: if \'*\' is present, must not specify other API versions',
                "apiVersions[1]: Required value",
                "resources[1]: Required value",
                'scope: Unsupported value: "x": supported values: "*", "Cluster", "Namespaced"',
            ],
            id="words that do not go together",
        ),
        pytest.param(
            {**RULE, "resources": ["*", "pods", "a/*", "a/b", "*/c", "d/c", "*/*"]},
            [
                "resources[3]: Invalid value: \"a/b\": if 'a/*' is present, must not specify a/b",
                "resources[5]: Invalid value: \"d/c\": if '*/c' is present, must not specify d/c",
                'resources: Invalid value: ["*","pods","a/*","a/b","*/c","d/c","*/*"]: if \'*/*\' is present, must not '
                "specify other resources",
                'resources: Invalid value: ["*","pods","a/*","a/b","*/c","d/c","*/*"]: if \'*\' is present, must not '
                "specify other resources without subresources",
            ],
            id="resources within others",
        ),
    ],
)  # fmt: skip
def test_one_rule(rule: Object, wrong: list[str]) -> None:
    assert errors(webhook(rules=[rule])) == [f"webhooks[0].rules[0].{text}" for text in wrong]


def test_names_stand_once() -> None:
    assert errors(webhook(), webhook(), strategy=VALIDATING) == ['webhooks[1].name: Duplicate value: "a.b.c"']
