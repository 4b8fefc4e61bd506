"""What who asks for something that is not served is told."""

from __future__ import annotations

import pytest

from podwright.apiserver.absent import NOT_FOUND, not_found
from podwright.apiserver.registry.rows import ROWS
from podwright.apiserver.routes import table_of

TABLE = table_of(ROWS)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param(
            ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
            ": custom resources are not served here yet; they come next",
            id="custom resources",
        ),
        pytest.param(("apiextensions.k8s.io",), ": custom resources are not served here yet", id="their group"),
        pytest.param(
            ("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies"),
            ": admission policies are not served here yet, since they need expressions (CEL)",
            id="admission policies",
        ),
        pytest.param(
            ("apiregistration.k8s.io", "v1", "apiservices"), ": API aggregation is not there yet", id="aggregation"
        ),
        pytest.param(
            ("autoscaling", "v2", "horizontalpodautoscalers"),
            ": HorizontalPodAutoscalers are not served here yet",
            id="autoscaling",
        ),
        pytest.param(
            ("networking.k8s.io", "v1", "networkpolicies"), ": network policies are not served, since", id="isolation"
        ),
        pytest.param(("metrics.k8s.io", "v1beta1", "pods"), ": there is no metrics API here", id="metrics"),
        pytest.param(
            ("extensions", "v1beta1", "deployments"), ": deployments are served in apps/v1", id="a group of the past"
        ),
        pytest.param(("", "v2", "pods"), ": pods are served in v1", id="a version that is none"),
        pytest.param(("", "v1", "nodes"), "", id="a path that cannot be"),
        pytest.param(("example.com", "v1", "widgets"), "", id="what nobody knows"),
        pytest.param(("example.com",), "", id="a group that nobody knows"),
    ],
)
def test_not_found(asked: tuple[str, ...], words: str) -> None:
    text = not_found(TABLE, *asked)
    assert text.startswith(NOT_FOUND + words)
    assert bool(words) is (text != NOT_FOUND)


@pytest.mark.parametrize(
    "group", ["apiextensions.k8s.io", "apiregistration.k8s.io", "autoscaling", "metrics.k8s.io", "extensions"]
)
def test_what_is_absent_is_in_no_row(group: str) -> None:
    assert not [row for row in ROWS if row.resource.group == group]
