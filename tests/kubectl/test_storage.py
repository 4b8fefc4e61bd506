"""Claims as kubectl shows and changes them."""

from __future__ import annotations

import json
import time

from tests.kubectl.tool import Kubectl

IMMUTABLE = (
    'The PersistentVolumeClaim "data" is invalid: spec: Forbidden: spec is immutable after creation except '
    "resources.requests and volumeAttributesClassName for bound claims\n"
)


def rows(kubectl: Kubectl, *arguments: str) -> list[list[str]]:
    return [line.split() for line in kubectl("get", *arguments).splitlines()]


def test_a_claim_from_its_first_pod_to_its_end(kubectl: Kubectl) -> None:
    head, *classes = rows(kubectl, "sc")
    assert head == ["NAME", "PROVISIONER", "RECLAIMPOLICY", "VOLUMEBINDINGMODE", "ALLOWVOLUMEEXPANSION", "AGE"]
    assert ["local", "(default)", "podwright.dev/local", "Delete", "WaitForFirstConsumer", "true"] in [
        row[:-1] for row in classes
    ]
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
    kubectl("create", "-f", "-", stdin=json.dumps(claim))
    head, [name, status, cls, *_] = rows(kubectl, "pvc")
    assert head[:4] == ["NAME", "STATUS", "VOLUME", "CAPACITY"]
    assert (name, status, cls) == ("data", "Pending", "local")
    deadline = time.monotonic() + 30
    while "waiting for first consumer to be created before binding" not in kubectl("describe", "pvc", "data"):
        assert time.monotonic() < deadline

    container = {
        "name": "main",
        "image": "podwright/busybox:1",
        "command": ["sh", "-c", "echo kept > /data/file; sleep 1000"],
        "volumeMounts": [{"name": "v", "mountPath": "/data"}],
    }
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    pod_spec = {"terminationGracePeriodSeconds": 0, "containers": [container], "volumes": volumes}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod_spec}
    made = kubectl.run("create", "-f", "-", stdin=json.dumps(pod))
    assert (made.returncode, made.stderr) == (0, "")
    kubectl("wait", "pod/p", "--for=condition=Ready", "--timeout=60s")
    _, [name, status, volume, size, modes, cls, *_] = rows(kubectl, "pvc")
    assert (name, status, size, modes, cls) == ("data", "Bound", "1Gi", "RWO", "local")
    _, [name, size, modes, policy, status, of, *_] = rows(kubectl, "pv", volume)
    assert (name, size, modes, policy, status) == (volume, "1Gi", "RWO", "Delete", "Bound")
    assert of == f"{kubectl.namespace}/data"
    assert "Used By: p" in " ".join(kubectl("describe", "pvc", "data").split())

    change = '{"spec": {"accessModes": ["ReadWriteMany"]}}'
    assert kubectl.refused("patch", "pvc", "data", "--type=merge", "-p", change) == IMMUTABLE
    kubectl("patch", "pvc", "data", "--type=merge", "-p", '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}')
    kubectl("wait", "pvc/data", "--for=jsonpath={.status.capacity.storage}=2Gi", "--timeout=30s")
    kubectl("delete", "pvc", "data", "--wait=false")
    assert rows(kubectl, "pvc")[1][:2] == ["data", "Terminating"]
    assert kubectl("exec", "p", "--", "cat", "/data/file") == "kept\n"
    kubectl("delete", "pod", "p")
    kubectl("wait", "pvc/data", f"pv/{volume}", "--for=delete", "--timeout=30s")
