"""An admission webhook in a Pod of this node: the example that pins image digests, at work, gone, and done without."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.waiting import eventually
from tests.node.pods import Pods
from tests.node.pulling import runnable
from tests.node.registry import registry
from tests.node.running_node import RunningNode

from podwright.api.errors import InternalError, NotFound, StatusError
from podwright.api.objects import Object
from podwright.api.resources import (
    CONFIG_MAPS,
    CRON_JOBS,
    DEPLOYMENTS,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    PODS,
    SECRETS,
    SERVICES,
    VALIDATING_WEBHOOKS,
    Resource,
)
from podwright.client.http import HttpClient
from podwright.client.interface import DeleteOptions, PatchType
from podwright.containerd.network import gateway

EXAMPLE = Path(__file__).parents[2] / "examples" / "08-pin-digests.yaml"


def certificate(folder: Path) -> tuple[bytes, bytes]:
    """Certificate and key, made as the example says."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-subj", "/CN=pin-digests"]
    command += ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    command += ["-addext", "subjectAltName=DNS:pin-digests.default.svc"]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / "tls.crt").read_bytes(), (folder / "tls.key").read_bytes()


def objects(ca: bytes) -> list[Object]:
    """Those of the example, for the Python that runs the tests: not every machine has it where Debian does."""
    text = EXAMPLE.read_text().replace("CA_BUNDLE", base64.b64encode(ca).decode())
    made: list[Object] = list(yaml.safe_load_all(text))
    spec = next(one for one in made if one["kind"] == "Pod")["spec"]
    (server,) = spec["containers"]
    program = Path(sys.executable).resolve()
    server["command"][0] = str(program)
    if not program.is_relative_to("/usr"):
        spec["volumes"].append({"name": "python", "hostPath": {"path": sys.base_prefix}})
        server["volumeMounts"].append({"name": "python", "mountPath": sys.base_prefix, "readOnly": True})
    for name in ("lib", "lib64"):
        if not Path(f"/{name}").exists():
            spec["volumes"] = [volume for volume in spec["volumes"] if volume["name"] != name]
            server["volumeMounts"] = [mount for mount in server["volumeMounts"] if mount["name"] != name]
    return made


@asynccontextmanager
async def passed_on(host: str, address: str) -> AsyncIterator[None]:
    """What listens at `address` on the loopback is reached at `host`, too: by Pods."""
    port = int(address.rpartition(":")[2])
    streams: set[asyncio.Task[Any]] = set()

    async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def both(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        streams.add(task)
        there, here = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(one_way(reader, here), one_way(there, writer))
        finally:
            streams.discard(task)

    server = await asyncio.start_server(both, host, port)
    try:
        yield
    finally:
        server.close()
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)


def template(image: str) -> Object:
    """What Pods of a workload are made from."""
    spec = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "main", "image": image}]}
    return {"metadata": {"labels": {"app": "pinned"}}, "spec": spec}


def images(one: Object) -> list[str]:
    """Every container's image, wherever it stands."""
    if isinstance(one, list):
        return [image for item in one for image in images(item)]
    if not isinstance(one, dict):
        return []
    own = [container["image"] for container in one.get("containers") or () if "image" in container]
    return own + [image for key, value in one.items() if key != "status" for image in images(value)]


KINDS = {"ConfigMap": CONFIG_MAPS, "Service": SERVICES, "Pod": PODS, "MutatingWebhookConfiguration": MUTATING_WEBHOOKS}


@asynccontextmanager
async def applied(client: HttpClient, wanted: Sequence[Object]) -> AsyncIterator[None]:
    """The objects, in the namespace `default` where they are in one, until the block ends."""
    made: list[tuple[Resource, str]] = []
    try:
        for one in wanted:
            resource = {**KINDS, "Secret": SECRETS}[one["kind"]]
            await client.create(resource, one, "default" if resource.namespaced else "")
            made.append((resource, one["metadata"]["name"]))
        yield
    finally:
        for resource, name in reversed(made):
            with contextlib.suppress(NotFound):
                namespace = "default" if resource.namespaced else ""
                await client.delete(resource, name, namespace, DeleteOptions(grace_period_seconds=0))


async def test_a_webhook_in_a_pod_pins_digests(
    node: RunningNode, client: HttpClient, pods: Pods, tmp_path: Path
) -> None:
    ca, key = await asyncio.to_thread(certificate, tmp_path)
    example = objects(ca)
    server = next(one for one in example if one["kind"] == "Pod")["spec"]["containers"][0]
    bridge = gateway(node.pod_cidr)
    server["env"] = [{"name": "NODE", "value": bridge}]
    data = {"tls.crt": base64.b64encode(ca).decode(), "tls.key": base64.b64encode(key).decode()}
    secret = {"kind": "Secret", "metadata": {"name": "pin-digests"}, "type": "kubernetes.io/tls", "data": data}
    labels = {"metadata": {"labels": {"pin-digests": "yes"}}}
    await client.patch(NAMESPACES, pods.namespace, labels, patch_type=PatchType.MERGE)
    async with (
        registry(tmp_path / "registry") as store,
        passed_on(bridge, store.address),
        applied(client, [secret, *example]),
    ):
        image = await store.push("team/app:1", runnable("one"))
        at_home = Pods(client, "default")
        await at_home.ready("pin-digests")
        await eventually(lambda: _answers(pods, image), within=30)

        pinned = await _pins_all(client, pods, image)
        running = await pods.ready("pinned")
        assert running["status"]["containerStatuses"][0]["imageID"].endswith(pinned.rpartition("@")[2])
        # The tag moves on; who is pinned does not, and who comes now is pinned to what it is now
        await store.push("team/app:1", runnable("two"))
        (later,) = images(await client.create(PODS, _pod("later", image), pods.namespace, dry_run=True))
        assert later.startswith(f"{image}@sha256:")
        assert later != pinned
        with pytest.raises(StatusError) as refused:
            await pods.create(_pod("nowhere", f"{store.address}/team/none:1"))
        assert refused.value.message.startswith(
            'admission webhook "pin-digests.example.com" denied the request: no digest to be had: HTTP Error 404'
        )
        # Elsewhere nobody is asked
        assert images(await client.create(PODS, _pod("other", image), "default", dry_run=True)) == [image]

        await at_home.delete("pin-digests")
        await at_home.gone("pin-digests")
        with pytest.raises(InternalError) as failed:
            await pods.create(_pod("refused", image))
        assert failed.value.message.startswith(
            'Internal error occurred: failed calling webhook "pin-digests.example.com": failed to call webhook: Post '
            '"https://pin-digests.default.svc:443/?timeout=10s": '
        )
        ignore = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
        await client.patch(MUTATING_WEBHOOKS, "pin-digests", ignore, patch_type=PatchType.JSON)
        await eventually(lambda: _lets_pass(pods, image), within=30)
        assert images(await pods.create(_pod("unpinned", image))) == [image]


DEAD = {
    "name": "dead.example.com",
    "clientConfig": {"url": "https://127.0.0.1:9/nobody"},
    "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}


async def test_a_webhook_that_never_answers_keeps_no_node_from_starting_and_can_be_taken_away(
    node_folder: Path,
) -> None:
    running = RunningNode.below(node_folder, "guarded")
    await asyncio.to_thread(running.up)
    try:
        async with HttpClient.from_kubeconfig(running.kubeconfig) as client:
            await client.create(VALIDATING_WEBHOOKS, {"metadata": {"name": "dead"}, "webhooks": [DEAD]})
            await eventually(lambda: _is_refused(client), within=30)
        await asyncio.to_thread(running.kill)
        await asyncio.to_thread(running.up)
        await asyncio.to_thread(running.down)
        await asyncio.to_thread(running.up)
        async with HttpClient.from_kubeconfig(running.kubeconfig) as client:
            assert await _is_refused(client)
            await client.delete(VALIDATING_WEBHOOKS, "dead")
            await eventually(lambda: _is_taken(client), within=30)
    finally:
        await asyncio.to_thread(running.down, purge=True)
    assert running.leftovers() == []


async def _is_taken(client: HttpClient) -> bool:
    return not await _is_refused(client)


async def _is_refused(client: HttpClient) -> bool:
    made = {"metadata": {"name": "tried"}}
    try:
        await client.create(CONFIG_MAPS, made, "default", dry_run=True)
    except InternalError as error:
        return "failed calling webhook" in error.message
    return False


def _pod(name: str, image: str) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": template(image)["spec"]}


async def _pins_all(client: HttpClient, pods: Pods, image: str) -> str:
    """The digest that a Pod, a Deployment and a CronJob get alike."""
    made = template(image)
    once = {**made, "spec": {**made["spec"], "restartPolicy": "Never"}}
    selector = {"matchLabels": {"app": "pinned"}}
    deployment = {"metadata": {"name": "pinned"}, "spec": {"replicas": 0, "selector": selector, "template": made}}
    schedule = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": once}}}
    written = [
        await pods.create(_pod("pinned", image)),
        await client.create(DEPLOYMENTS, deployment, pods.namespace),
        await client.create(CRON_JOBS, {"metadata": {"name": "pinned"}, "spec": schedule}, pods.namespace),
    ]
    (found,) = {name for one in written for name in images(one)}
    assert found.startswith(f"{image}@sha256:")
    return found


async def _answers(pods: Pods, image: str) -> bool:
    """Whether the webhook is asked and answers: its endpoint follows its Pod's readiness."""
    try:
        made = await pods.client.create(PODS, _pod("asked", image), pods.namespace, dry_run=True)
    except InternalError:
        return False
    return images(made) != [image]


async def _lets_pass(pods: Pods, image: str) -> bool:
    try:
        await pods.client.create(PODS, _pod("asked", image), pods.namespace, dry_run=True)
    except InternalError:
        return False
    return True
