"""Which webhooks a kind of request concerns."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.admission.interface import Operation
from podwright.admission.webhooks.index import Index, Kind
from podwright.admission.webhooks.webhook import webhooks_of
from podwright.api.objects import Object
from podwright.api.resources import (
    DEPLOYMENTS,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    NODES,
    PODS,
    VALIDATING_WEBHOOKS,
    Resource,
)

ALL = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"], "scope": "*"}


def configuration(name: str, *rules: dict[str, Any], webhooks: tuple[str, ...] = ("a.b.c",)) -> Object:
    return {
        "metadata": {"name": name, "uid": f"uid of {name}"},
        "webhooks": [{"name": webhook, "rules": list(rules)} for webhook in webhooks],
    }


@pytest.mark.parametrize(
    ("rule", "kind", "concerned"),
    [
        pytest.param({}, (Operation.CREATE, PODS), True, id="everything"),
        pytest.param({}, (Operation.CONNECT, PODS, "exec"), True, id="everything has subresources"),
        pytest.param({"resources": ["*"]}, (Operation.UPDATE, PODS, "status"), False, id="all but subresources"),
        pytest.param({"resources": ["pods"]}, (Operation.CREATE, PODS), True, id="one resource"),
        pytest.param({"resources": ["pods"]}, (Operation.CREATE, DEPLOYMENTS), False, id="another resource"),
        pytest.param({"resources": ["pods"]}, (Operation.UPDATE, PODS, "status"), False, id="not its subresources"),
        pytest.param({"resources": ["pods/*"]}, (Operation.UPDATE, PODS, "status"), True, id="its subresources"),
        pytest.param({"resources": ["pods/*"]}, (Operation.UPDATE, PODS), True, id="its subresources and itself"),
        pytest.param({"resources": ["*/scale"]}, (Operation.UPDATE, DEPLOYMENTS, "scale"), True, id="one subresource"),
        pytest.param({"resources": ["*/scale"]}, (Operation.UPDATE, DEPLOYMENTS), False, id="only the subresource"),
        pytest.param({"operations": ["CREATE", "DELETE"]}, (Operation.DELETE, PODS), True, id="an operation"),
        pytest.param({"operations": ["CREATE"]}, (Operation.UPDATE, PODS), False, id="another operation"),
        pytest.param({"apiGroups": [""]}, (Operation.CREATE, PODS), True, id="the core group"),
        pytest.param({"apiGroups": [""]}, (Operation.CREATE, DEPLOYMENTS), False, id="another group"),
        pytest.param({"apiVersions": ["v1beta1"]}, (Operation.CREATE, PODS), False, id="another version"),
        pytest.param({"scope": "Namespaced"}, (Operation.CREATE, PODS), True, id="within namespaces"),
        pytest.param({"scope": "Namespaced"}, (Operation.CREATE, NAMESPACES), False, id="a namespace is in none"),
        pytest.param({"scope": "Cluster"}, (Operation.CREATE, NAMESPACES), True, id="a namespace is of the cluster"),
        pytest.param({"scope": "Cluster"}, (Operation.CREATE, NODES), True, id="a node is of the cluster"),
        pytest.param({"scope": "Cluster"}, (Operation.CREATE, PODS), False, id="a Pod is not of the cluster"),
    ],
)
def test_rules(rule: dict[str, Any], kind: tuple[Any, ...], concerned: bool) -> None:
    index = Index(webhooks_of([configuration("x", {**ALL, **rule})]))
    assert bool(index.concerned(Kind(*kind))) is concerned
    assert bool(index.concerned(Kind(*kind))) is concerned


@pytest.mark.parametrize("resource", [MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS], ids=lambda r: r.kind)
def test_configurations_are_never_shown_to_webhooks(resource: Resource) -> None:
    assert Index(webhooks_of([configuration("x", ALL)])).concerned(Kind(Operation.CREATE, resource)) == ()


def test_the_order_is_that_of_names_then_as_written() -> None:
    index = Index(
        webhooks_of([
            configuration("b", ALL, webhooks=("z.b.c", "a.b.c")),
            configuration("a", ALL),
            configuration("c", {**ALL, "operations": ["DELETE"]}),
        ])
    )  # fmt: skip
    found = index.concerned(Kind(Operation.CREATE, PODS))
    assert [(w.configuration, w.name) for w in found] == [("a", "a.b.c"), ("b", "z.b.c"), ("b", "a.b.c")]
    assert len({w.key for w in found}) == 3


def test_an_index_of_nothing_is_false() -> None:
    assert not Index()
    assert Index().concerned(Kind(Operation.CREATE, PODS)) == ()
