"""Templates: filled in as Pods are, and named by where they stand."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.registry.builders import set_at

from podwright.api.field import Path
from podwright.api.objects import copy_object
from podwright.apiserver.registry.pod_template import default_template, validate_template


def template(edits: dict[str, Any] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"spec": {"containers": [{"name": "app", "image": "example.com/app"}]}}
    for path, value in (edits or {}).items():
        set_at(made, path, value)
    default_template(made)
    return made


def test_a_template_gets_its_pull_policy_and_nothing_that_only_pods_have() -> None:
    made = template({"spec.containers.0.resources": {"limits": {"cpu": "1"}}})
    assert made["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}
    assert "enableServiceLinks" not in made["spec"]
    again = copy_object(made)
    default_template(again)
    assert again == made


@pytest.mark.parametrize(
    ("edits", "error"),
    [
        pytest.param({}, None, id="a good one"),
        pytest.param({"spec.containers": []}, "spec.template.spec.containers: Required value", id="no container"),
        pytest.param(
            {"spec.ephemeralContainers": [{"name": "e", "image": "e", "terminationMessagePolicy": "File"}]},
            "spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template",
            id="ephemeral containers",
        ),
        pytest.param({"metadata.labels": {"a": "b c"}}, "spec.template.labels: Invalid value", id="labels"),
        pytest.param({"metadata.annotations": {"a b": ""}}, "spec.template.annotations: Invalid", id="annotations"),
    ],
)
def test_validate_template(edits: dict[str, Any], error: str | None) -> None:
    errors = [str(e) for e in validate_template(Path("spec.template"), template(edits))]
    assert errors[0].startswith(error) if error else errors == []
