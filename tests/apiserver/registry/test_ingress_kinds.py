"""Ingresses and IngressClasses: checks, defaults, columns."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.api.objects import Object
from podwright.apiserver.registry.ingress import IngressStrategy
from podwright.apiserver.registry.ingress_class import IngressClassStrategy

SERVICE = {"service": {"name": "web", "port": {"number": 80}}}


def path(text: str = "/", kind: str | None = "Prefix", backend: Any = SERVICE) -> Object:
    return {"path": text, "backend": backend, **({"pathType": kind} if kind else {})}


def rules(*paths: Object, host: str = "a.example") -> Object:
    return {"rules": [{"host": host, "http": {"paths": list(paths)}}]}


def errors(spec: Object) -> list[str]:
    return [str(e) for e in IngressStrategy().validate({"spec": spec})]


RULE = "spec.rules[0]"
PATH = f"{RULE}.http.paths[0]"
BACKEND = "spec.defaultBackend"


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param(rules(path()), [], id="a host and a path"),
        pytest.param({"defaultBackend": SERVICE}, [], id="one backend for all"),
        pytest.param(rules(path(), host="*.a.example"), [], id="a wildcard"),
        pytest.param(
            {}, ["spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"], id="nothing"
        ),
        pytest.param(
            rules(path(), host="10.0.0.1"),
            [f'{RULE}.host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
            id="an address for a host",
        ),
        pytest.param(
            rules(path(), host="a.*.example"),
            [f"{RULE}.host: Invalid value: \"a.*.example\": a wildcard DNS-1123 subdomain must start with '*.', "
             "followed by a valid DNS subdomain"],
            id="a wildcard in the middle",
        ),
        pytest.param(rules(), [f"{RULE}.http.paths: Required value"], id="no paths"),
        pytest.param(
            rules(path(kind=None)), [f"{PATH}.pathType: Required value: pathType must be specified"], id="no type"
        ),
        pytest.param(
            rules(path(kind="Regex")),
            [f'{PATH}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", '
             '"Prefix"'],
            id="another type",
        ),
        pytest.param(
            rules(path("a//b/..")),
            [
                f'{PATH}.path: Invalid value: "a//b/..": must be an absolute path',
                f"{PATH}.path: Invalid value: \"a//b/..\": must not contain '//'",
                f"{PATH}.path: Invalid value: \"a//b/..\": cannot end with '/..'",
            ],
            id="a path that cannot be",
        ),
        pytest.param(rules(path("", kind="ImplementationSpecific")), [], id="whatever the controller makes of it"),
        pytest.param(
            {"defaultBackend": {}},
            [f'{BACKEND}: Invalid value: "": resource or service backend is required'],
            id="no backend",
        ),
        pytest.param(
            {"defaultBackend": {**SERVICE, "resource": {}}},
            [f'{BACKEND}: Invalid value: "": cannot set both resource and service backends'],
            id="two backends",
        ),
        pytest.param(
            {"defaultBackend": {"service": {"name": "web", "port": {}}}},
            [f"{BACKEND}: Required value: port name or number is required"],
            id="no port",
        ),
        pytest.param(
            {"defaultBackend": {"service": {"name": "web", "port": {"name": "http", "number": 80}}}},
            [f'{BACKEND}: Invalid value: "": cannot set both port name & port number'],
            id="two ports",
        ),
        pytest.param(
            {"defaultBackend": {"resource": {"name": "x"}}},
            [f"{BACKEND}.resource.kind: Required value"],
            id="a resource without a kind",
        ),
    ],
)  # fmt: skip
def test_ingress(spec: Object, wrong: list[str]) -> None:
    assert errors(spec) == wrong


def test_certificates_and_class() -> None:
    spec = {**rules(path()), "tls": [{"hosts": ["A"], "secretName": "b_"}], "ingressClassName": "c_"}
    assert [text.partition(":")[0] for text in errors(spec)] == [
        "spec.tls[0].hosts[0]",
        "spec.tls[0].secretName",
        "spec.ingressClassName",
    ]


def shown(strategy: IngressStrategy | IngressClassStrategy, obj: Object) -> list[Any]:
    return [column.cell(obj, 0.0) for column in strategy.columns][:-1]


def test_columns() -> None:
    spec = {"ingressClassName": "nginx", "rules": [{"host": f"{c}.example"} for c in "abcd"], "tls": [{}]}
    status = {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}, {"hostname": "h"}]}}
    ingress = {"metadata": {"name": "i"}, "spec": spec, "status": status}
    hosts = "a.example,b.example,c.example + 1 more..."
    assert shown(IngressStrategy(), ingress) == ["i", "nginx", hosts, "10.0.0.1,h", "80, 443"]
    assert shown(IngressStrategy(), {"metadata": {"name": "i"}}) == ["i", "<none>", "*", "", "80"]
    parameters = {"apiGroup": "k.example", "kind": "Config", "name": "n"}
    ingress_class = {"metadata": {"name": "c"}, "spec": {"controller": "k.example/c", "parameters": parameters}}
    assert shown(IngressClassStrategy(), ingress_class) == ["c", "k.example/c", "Config.k.example/n"]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({"controller": "k.example/c"}, [], id="a controller"),
        pytest.param(
            {"controller": "nginx"},
            ['spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")'],
            id="a controller of no domain",
        ),
        pytest.param(
            {"controller": "k.example/" + "c" * 250},
            ["spec.controller: Too long: may not be more than 250 bytes"],
            id="a long name",
        ),
        pytest.param(
            {"parameters": {"scope": "Namespace"}},
            [
                "spec.parameters.kind: Required value",
                "spec.parameters.name: Required value",
                "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
            ],
            id="parameters that are not said",
        ),
        pytest.param(
            {"parameters": {"kind": "k", "name": "n", "namespace": "x"}},
            ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
            id="a namespace of the cluster",
        ),
    ],
)
def test_ingress_class(spec: Object, wrong: list[str]) -> None:
    obj = {"spec": spec}
    IngressClassStrategy().default(obj)
    assert [str(e) for e in IngressClassStrategy().validate(obj)] == wrong


def test_a_class_keeps_its_controller() -> None:
    old, new = {"spec": {"controller": "k.example/a"}}, {"spec": {"controller": "k.example/b"}}
    (wrong,) = IngressClassStrategy().validate_update(new, old)
    assert str(wrong) == 'spec.controller: Invalid value: "k.example/b": field is immutable'
