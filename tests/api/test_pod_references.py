from __future__ import annotations

from typing import Any

import pytest

from podwright.api.pod_references import references


def container(**fields: Any) -> dict[str, Any]:
    return {"name": "c", **fields}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"serviceAccountName": "sa"}, ["serviceaccounts/sa"], id="its account"),
        pytest.param({"imagePullSecrets": [{"name": "a"}, {}]}, ["secrets/a"], id="pull secrets"),
        pytest.param({"volumes": [{"name": "v", "secret": {"secretName": "a"}}]}, ["secrets/a"], id="a secret volume"),
        pytest.param({"volumes": [{"name": "v", "configMap": {"name": "a"}}]}, ["configmaps/a"], id="a map volume"),
        pytest.param(
            {"volumes": [{"projected": {"sources": [{"secret": {"name": "a"}}, {"configMap": {"name": "b"}}]}}]},
            ["secrets/a", "configmaps/b"],
            id="projections",
        ),
        pytest.param(
            {"volumes": [{"persistentVolumeClaim": {"claimName": "a"}}, {"name": "w", "ephemeral": {"x": 1}}]},
            ["persistentvolumeclaims/a", "persistentvolumeclaims/p-w"],
            id="claims, those that are made for the Pod included",
        ),
        pytest.param(
            {
                "containers": [container(envFrom=[{"secretRef": {"name": "a"}}])],
                "initContainers": [container(envFrom=[{"configMapRef": {"name": "b"}}])],
                "ephemeralContainers": [container(env=[{"valueFrom": {"secretKeyRef": {"name": "c"}}}])],
            },
            ["secrets/a", "configmaps/b", "secrets/c"],
            id="variables of every kind of container",
        ),
        pytest.param(
            {"containers": [container(env=[{"value": "1"}, {"valueFrom": {"configMapKeyRef": {"name": "d"}}}])]},
            ["configmaps/d"],
            id="a variable out of a map",
        ),
    ],
)  # fmt: skip
def test_references(spec: dict[str, Any], found: list[str]) -> None:
    pod = {"metadata": {"name": "p", "namespace": "ns"}, "spec": spec}
    assert {f"{plural}/{name}" for plural, namespace, name in references(pod) if namespace == "ns"} == set(found)
