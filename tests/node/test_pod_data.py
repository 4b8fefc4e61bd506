"""What a Pod is given: environment, ConfigMaps, Secrets, its own facts, directories, and a token for the API."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
import sys
from pathlib import Path

import aiohttp
from tests.node.pods import SLEEP, Pods, container, job, pod, status_of, waiting_reason
from tests.node.running_node import RunningNode

from podwright.api.resources import CONFIG_MAPS, SECRETS
from podwright.client.interface import PatchType

LAST = "/dev/termination-log"
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


async def with_data(pods: Pods) -> None:
    """A ConfigMap `c` and a Secret `s`."""
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "one", "b.txt": "two"}}
    await pods.client.create(CONFIG_MAPS, made, pods.namespace)
    hidden = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"word": "hush"}}
    await pods.client.create(SECRETS, hidden, pods.namespace)


async def test_environment_from_every_source(pods: Pods) -> None:
    await with_data(pods)
    env = [
        {"name": "PLAIN", "value": "x"},
        {"name": "EXPANDED", "value": "$(PLAIN)-$(NONE)-$$(PLAIN)"},
        {"name": "MAP", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "word"}}},
        {"name": "ABSENT", "valueFrom": {"secretKeyRef": {"name": "s", "key": "no", "optional": True}}},
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "MEMORY", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
    ]
    given = container(f"env > {LAST}", env=env, resources={"limits": {"memory": "32Mi"}},
                      envFrom=[{"prefix": "P_", "configMapRef": {"name": "c"}}])  # fmt: skip
    message = await pods.message(pod("p", given, restartPolicy="Never"))
    found = dict(line.split("=", 1) for line in message.splitlines())
    wanted = {"PLAIN": "x", "EXPANDED": "x-$(NONE)-$(PLAIN)", "MAP": "one", "SECRET": "hush", "NAME": "p",
              "MEMORY": "32", "P_a": "one"}  # fmt: skip
    assert wanted.items() <= found.items() and "ABSENT" not in found
    assert found["ADDRESS"].startswith("10.") and found["KUBERNETES_SERVICE_PORT"].isdigit()


async def test_a_missing_key_keeps_the_container_waiting_until_it_is_there(pods: Pods) -> None:
    env = [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "later", "key": "a"}}}]
    await pods.create(pod("p", container(f"echo $A > {LAST}", env=env), restartPolicy="Never"))
    seen = await pods.until("p", lambda one: waiting_reason(one) == "CreateContainerConfigError")
    assert status_of(seen)["state"]["waiting"]["message"] == 'configmap "later" not found'
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "later"}, "data": {"a": "here"}}
    await pods.client.create(CONFIG_MAPS, made, pods.namespace)
    assert status_of(await pods.ended("p"))["state"]["terminated"]["message"] == "here\n"


async def test_files_from_every_source(pods: Pods, tmp_path: Path) -> None:
    await with_data(pods)
    (tmp_path / "from-host").write_text("host")
    volumes = [
        {"name": "map", "configMap": {"name": "c", "items": [{"key": "b.txt", "path": "deep/b"}]}},
        {"name": "secret", "secret": {"secretName": "s", "defaultMode": 0o400}},
        {"name": "facts", "downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": "empty", "emptyDir": {}},
        {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "host", "hostPath": {"path": str(tmp_path), "type": "Directory"}},
    ]
    mounts = [{"name": volume["name"], "mountPath": f"/v/{volume['name']}"} for volume in volumes]
    mounts.append({"name": "map", "mountPath": "/v/one-file", "subPath": "deep/b"})
    script = (
        "cd /v; cat map/deep/b secret/word facts/n host/from-host one-file; stat -Lc %a secret/word;"
        "echo w > empty/w && cat empty/w; echo back > host/back; grep -c ' /v/memory tmpfs ' /proc/mounts"
    )
    given = container(f"({script}) > {LAST} 2>&1", volumeMounts=mounts)
    said = await pods.message(pod("p", given, restartPolicy="Never", volumes=volumes))
    assert said == "twohushphosttwo400\nw\n1\n"
    assert (tmp_path / "back").read_text() == "back\n"


async def test_a_changed_config_map_reaches_the_running_container(pods: Pods) -> None:
    await with_data(pods)
    script = f"until grep -q new /v/a; do usleep 20000; done; cat /v/a > {LAST}"
    given = container(script, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    await pods.create(pod("p", given, restartPolicy="Never", volumes=[{"name": "v", "configMap": {"name": "c"}}]))
    await pods.until("p", lambda one: one["status"].get("phase") == "Running")
    await pods.client.patch(CONFIG_MAPS, "c", {"data": {"a": "new"}}, pods.namespace, patch_type=PatchType.MERGE)
    assert status_of(await pods.ended("p"))["state"]["terminated"]["message"] == "new"


async def test_the_token_of_a_pod_opens_the_api_as_its_service_account(node: RunningNode, pods: Pods) -> None:
    said = await pods.message(job("p", f"cat {TOKEN}/token {TOKEN}/namespace > {LAST}; test -s {TOKEN}/ca.crt"))
    token = said.removesuffix(pods.namespace)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == f"system:serviceaccount:{pods.namespace}:default"
    assert claims["kubernetes.io"]["pod"]["name"] == "p"
    tls = ssl.create_default_context(cafile=node.data_dir / "pki" / "ca.crt")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session, session.post(
        f"https://127.0.0.1:{node.port}/apis/authentication.k8s.io/v1/selfsubjectreviews",
        json=review, headers={"Authorization": f"Bearer {token}"},
    ) as answer:  # fmt: skip
        assert answer.status == 201, await answer.text()
        assert (await answer.json())["status"]["userInfo"]["username"] == claims["sub"]


async def test_a_pod_reaches_the_api_by_its_service(node: RunningNode, pods: Pods) -> None:
    """busybox speaks no TLS that is good enough: this Python goes into the Pod's network with the Pod's own files."""
    script = f"(echo $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT; cat {TOKEN}/token {TOKEN}/ca.crt) > /out/given"
    given = container(
        f"umask 077; {script}; {SLEEP}",
        volumeMounts=[{"name": "out", "mountPath": "/out"}],
        readinessProbe={"exec": {"command": ["test", "-s", "/out/given"]}, "periodSeconds": 1},
    )
    made = await pods.create(pod("p", given, volumes=[{"name": "out", "emptyDir": {}}]))
    one = await pods.ready("p")
    folder = node.data_dir / "pods" / made["metadata"]["uid"] / "volumes" / "kubernetes.io~empty-dir" / "out"
    identity = status_of(one)["containerID"].removeprefix("containerd://")
    inside = next(int(p.parent.name) for p in Path("/proc").glob("[0-9]*/cgroup") if identity in _text(p))
    done = await asyncio.to_thread(
        subprocess.run, ["nsenter", f"--net=/proc/{inside}/ns/net", sys.executable, "-c", ASK, folder / "given"],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == f"system:serviceaccount:{pods.namespace}:default", done.stderr


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended meanwhile
        return ""


ASK = """
import json, ssl, sys, urllib.request
given = open(sys.argv[1]).read()
address, rest = given.split(chr(10), 1)
start = rest.index("-----BEGIN")
request = urllib.request.Request(
    f"https://{address}/apis/authentication.k8s.io/v1/selfsubjectreviews",
    json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).encode(),
    {"Authorization": f"Bearer {rest[:start]}", "Content-Type": "application/json"},
)
with urllib.request.urlopen(request, timeout=10, context=ssl.create_default_context(cadata=rest[start:])) as answer:
    print(json.load(answer)["status"]["userInfo"]["username"])
"""
