"""A node whose administrator has told PodSecurity what namespaces ask for by default, and who is exempt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.kubectl.people import await_account
from tests.kubectl.tool import Kubectl, manifest
from tests.node.running_node import RunningNode

ADMISSION = """
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: baseline, enforce-version: latest}
    exemptions: {usernames: [olga], namespaces: [machines]}
"""


@pytest.fixture
def told(node_folder: Path, newest_kubectl: Kubectl) -> Iterator[Kubectl]:
    """kubectl of a node with this configuration."""
    file = node_folder / "admission.yaml"
    file.write_text(ADMISSION)
    running = RunningNode.below(node_folder, "told")
    running.up("--admission-control-config-file", str(file))
    try:
        yield replace(newest_kubectl, kubeconfig=running.kubeconfig, home=node_folder / "told-home")
    finally:
        running.down(purge=True)


def test_defaults_and_exemptions(told: Kubectl) -> None:
    pod = json.loads(manifest("p", "true"))
    pod["spec"]["hostPID"] = True
    wanted = json.dumps(pod)
    await_account(told)
    assert 'violates PodSecurity "baseline:latest": host namespaces (hostPID=true)' in told.refused(
        "create", "-f", "-", stdin=wanted
    )
    told("create", "clusterrolebinding", "olga", "--clusterrole=edit", "--user=olga")
    told("create", "-f", "-", "--as=olga", stdin=wanted)
    told("create", "namespace", "machines")
    machines = replace(told, namespace="machines")
    await_account(machines)
    machines("create", "-f", "-", stdin=wanted)
    said = told.run("label", "namespace", "machines", "pod-security.kubernetes.io/enforce=restricted").stderr
    assert said == (
        'Warning: namespace "machines" is exempt from Pod Security, and the policy (enforce=restricted:latest) '
        "will be ignored\n"
    )
    told("create", "namespace", "free")
    told("label", "namespace", "free", "pod-security.kubernetes.io/enforce=privileged")
    free = replace(told, namespace="free")
    await_account(free)
    free("create", "-f", "-", stdin=wanted)
