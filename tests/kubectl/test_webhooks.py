"""What kubectl shows of admission by webhooks and of pod security."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.admission.webhooks.answering import Answering, answering, identity
from tests.kubectl.tool import SLEEP, Kubectl

GUARD = "guard.example.com"


def configuration(name: str, hook: Answering, namespace: str) -> str:
    """A webhook of a URL that judges connections and ConfigMaps in one namespace."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"]}
    rules = [
        {**rule, "operations": ["CONNECT"], "resources": ["pods/exec"]},
        {**rule, "operations": ["CREATE", "DELETE"], "resources": ["configmaps"]},
    ]
    webhook = {
        "name": GUARD,
        "clientConfig": {"url": hook.url, "caBundle": hook.identity.ca_bundle},
        "rules": rules,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 30,
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    return json.dumps({**kind, "metadata": {"name": name}, "webhooks": [webhook]})


def judged(request: Any) -> Any:
    """Nobody enters a Pod, and what is created is remarked upon."""
    if request["operation"] == "CONNECT":
        return {"allowed": False, "status": {"message": f"nobody enters {request['name']}", "code": 403}}
    return {"allowed": True, "warnings": [f"somebody wants to {request['operation']} {request['name']}"]}


async def test_refusals_and_warnings(kubectl: Kubectl, tmp_path: Path) -> None:
    name = f"guard-{kubectl.namespace}"
    await asyncio.to_thread(kubectl.pod, "app", SLEEP)
    async with answering(identity(tmp_path)) as hook:
        hook.reply = judged
        manifest = configuration(name, hook, kubectl.namespace)
        await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=manifest)
        try:
            told = await asyncio.to_thread(kubectl.refused, "exec", "app", "--", "true")
            assert f'admission webhook "{GUARD}" denied the request: nobody enters app' in told
            made = await asyncio.to_thread(kubectl.run, "create", "configmap", "m", "--dry-run=server")
            assert (made.returncode, made.stdout) == (0, "configmap/m created (server dry run)\n")
            assert made.stderr == "Warning: somebody wants to CREATE m\n"
            table = await asyncio.to_thread(kubectl, "get", "validatingwebhookconfigurations", name)
            assert table.splitlines()[0].split() == ["NAME", "WEBHOOKS", "AGE"]
            assert table.splitlines()[1].split()[:2] == [name, "1"]
        finally:
            await asyncio.to_thread(kubectl, "delete", "validatingwebhookconfiguration", name)
        await asyncio.to_thread(kubectl, "exec", "app", "--", "true")
        connect, create = hook.asked[0], hook.asked[-1]  # kubectl tries WebSocket and SPDY
        assert connect["object"]["kind"] == "PodExecOptions"
        assert connect["object"]["command"] == ["true"]
        assert create["dryRun"] is True


def test_a_namespace_that_restricts_its_pods(kubectl: Kubectl) -> None:
    label = "pod-security.kubernetes.io/enforce"
    kubectl("label", "namespace", kubectl.namespace, f"{label}=baseline")
    override = json.dumps({"spec": {"hostNetwork": True}})
    told = kubectl.refused("run", "host", "--image=podwright/busybox:1", f"--overrides={override}")
    assert (
        'pods "host" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)' in told
    )
    command = ("create", "deployment", "plain", "--image=podwright/busybox:1", "--replicas=0")
    assert kubectl.run(*command).stderr == ""
    kubectl("label", "namespace", kubectl.namespace, "--overwrite", f"{label}=restricted")
    made = kubectl.run(*command[:2], "warned", *command[3:])
    assert made.returncode == 0
    assert made.stderr.startswith('Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation')
    wrong = kubectl.refused("label", "namespace", kubectl.namespace, "--overwrite", f"{label}=strict")
    assert "must be one of privileged, baseline, restricted" in wrong
