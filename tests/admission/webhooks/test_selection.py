"""Selectors of namespaces and of objects."""

from __future__ import annotations

import pytest
from tests.admission.requests import ALICE, write

from podwright.admission.interface import Attributes, Operation
from podwright.admission.webhooks.selection import namespace_matches, namespace_to_read, object_matches
from podwright.api.objects import Object
from podwright.api.resources import NAMESPACES, NODES
from podwright.api.selectors import LabelSelector, selector_of_labels

A, ALL = selector_of_labels({"a": "1"}), LabelSelector()


def labelled(**labels: str) -> Object:
    return {"metadata": {"name": "x", "labels": labels}}


def of_namespace(operation: Operation, obj: Object | None = None, subresource: str = "") -> Attributes:
    return Attributes(operation, NAMESPACES, ALICE, "", "x", subresource, obj)


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        pytest.param(write(labelled()), "default", id="an object's"),
        pytest.param(write(labelled(), resource=NODES), "", id="none for what is in none"),
        pytest.param(of_namespace(Operation.CREATE, labelled()), "", id="a new namespace brings its labels"),
        pytest.param(of_namespace(Operation.DELETE), "x", id="one that goes has them"),
        pytest.param(of_namespace(Operation.UPDATE, labelled(), "status"), "x", id="one whose status changes has them"),
    ],
)
def test_which_namespace_to_read(attributes: Attributes, name: str) -> None:
    assert namespace_to_read(attributes) == name


@pytest.mark.parametrize(
    ("attributes", "namespace", "selected"),
    [
        pytest.param(write(labelled()), labelled(a="1"), True, id="its labels fit"),
        pytest.param(write(labelled(a="1")), labelled(), False, id="only the object's would"),
        pytest.param(write(labelled(), resource=NODES), None, True, id="in no namespace"),
        pytest.param(of_namespace(Operation.CREATE, labelled(a="1")), None, True, id="a new namespace that fits"),
        pytest.param(of_namespace(Operation.CREATE, labelled()), None, False, id="a new namespace that does not"),
        pytest.param(of_namespace(Operation.DELETE), labelled(a="1"), True, id="a namespace that goes"),
    ],
)
def test_namespace_selectors(attributes: Attributes, namespace: Object | None, selected: bool) -> None:
    assert namespace_matches(A, attributes, namespace) is selected
    assert namespace_matches(ALL, attributes, namespace) is True


@pytest.mark.parametrize(
    ("attributes", "selected"),
    [
        pytest.param(write(labelled(a="1")), True, id="the object fits"),
        pytest.param(write(labelled(), Operation.UPDATE, old=labelled(a="1")), True, id="it did fit"),
        pytest.param(write(None, Operation.DELETE, old=labelled(a="1")), True, id="what goes fits"),
        pytest.param(write(labelled(a="2")), False, id="another value"),
        pytest.param(write({"kind": "PodExecOptions"}, Operation.CONNECT), False, id="no labels at all"),
    ],
)
def test_object_selectors(attributes: Attributes, selected: bool) -> None:
    assert object_matches(A, attributes) is selected
    assert object_matches(ALL, attributes) is True
