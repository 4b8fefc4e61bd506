"""`--container-runtime-endpoint`: a containerd that somebody else set up, as the page on RuntimeClass describes it."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.fakes.waiting import eventually
from tests.node.own_containerd import OwnContainerd
from tests.node.pods import SLEEP, Pods, container, job, pod, status_of
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.objects import Object
from podwright.api.resources import NODES, RUNTIME_CLASSES, SERVICES
from podwright.client.http import HttpClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
WEB = "mkdir /tmp/w; echo web > /tmp/w/name; httpd -f -p 8080 -h /tmp/w & trap 'exit 0' TERM; wait"


@pytest.fixture(scope="module")
def own(node_folder: Path) -> Iterator[OwnContainerd]:
    made = OwnContainerd(node_folder / "own")
    made.start()
    yield made
    made.clear()


@pytest.fixture(scope="module")
def there(node_folder: Path, own: OwnContainerd) -> Iterator[RunningNode]:
    running = RunningNode.below(node_folder, "there")
    config = node_folder / "there.yaml"
    config.write_text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nnodeStatusUpdateFrequency: 1s\n"
    )
    running.up("--container-runtime-endpoint", own.endpoint, "--config", str(config))
    yield running
    running.down(purge=True)
    assert own.sandboxes() == []
    assert running.leftovers() == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pods(there: RunningNode) -> AsyncIterator[Pods]:
    async with HttpClient.from_kubeconfig(there.kubeconfig) as client:
        for name, handler in (("with-runc", "runc"), ("myclass", "myconfiguration"), ("lost", "no-such")):
            made: dict[str, Any] = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "handler": handler}
            await client.create(RUNTIME_CLASSES, {**made, "metadata": {"name": name}})
        yield await Pods.in_new_namespace(client)


def _id(one: Object) -> str:
    return str(status_of(one)["containerID"]).removeprefix("containerd://")


async def test_classes_name_its_handlers_and_services_lead_to_its_pods(own: OwnContainerd, pods: Pods) -> None:
    web = pod("web", container(WEB, ports=[{"containerPort": 8080}]), runtimeClassName="myclass")
    web["metadata"]["labels"] = {"app": "web"}
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
    address = (await pods.client.create(SERVICES, service, pods.namespace))["spec"]["clusterIP"]
    for one in (web, pod("by-class", runtimeClassName="with-runc"), pod("by-default")):
        await pods.create(one)
    runtimes = {name: own.runtime_of(_id(await pods.ready(name))) for name in ("web", "by-class", "by-default")}
    assert runtimes == {"web": "myconfiguration", "by-class": "runc", "by-default": "runc"}
    ask = f"printf 'GET /name HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80 | tail -n 1"
    script = f"until {ask} | grep web > /dev/termination-log; do usleep 100000; done"
    assert await pods.message(job("asks", script)) == "web\n"


async def test_a_handler_that_it_does_not_know_fails_the_pod(pods: Pods) -> None:
    await pods.create(pod("lost", runtimeClassName="lost"))
    failed = await pods.ended("lost")
    assert failed["status"]["reason"] == "RuntimeHandlerNotFound"
    assert 'no runtime for "no-such" is configured' in failed["status"]["message"]
    await pods.until_told("lost", "FailedCreatePodSandBox")


async def test_status_tells_of_a_runtime_that_is_not_ours(there: RunningNode, pods: Pods) -> None:
    told = subprocess.run(
        [PODWRIGHT, "status", "--data-dir", there.data_dir], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    assert "not managed by podwright" in told
    assert "myconfiguration, runc" in told


async def test_restarted_with_a_handler_less_its_pods_live_on_and_new_ones_say_what_is_wrong(
    own: OwnContainerd, there: RunningNode, pods: Pods
) -> None:
    await pods.create(pod("before", container(SLEEP), runtimeClassName="myclass"))
    before = await pods.ready("before")
    own.stop()
    await pods.create(pod("meanwhile", runtimeClassName="with-runc"))
    del own.handlers["myconfiguration"]
    own.start()
    await pods.ready("meanwhile")
    await pods.create(pod("late", runtimeClassName="myclass"))
    failed = await pods.ended("late")
    assert failed["status"]["reason"] == "RuntimeHandlerNotFound"
    after = await pods.get("before")
    assert (_id(after), status_of(after)["restartCount"]) == (_id(before), 0)
    assert "running" in status_of(after)["state"]

    async def forgotten() -> bool:
        node = await pods.client.get(NODES, there.name)
        return "myconfiguration" not in {one["name"] for one in node["status"]["runtimeHandlers"]}

    await eventually(forgotten, 30)
    await pods.delete("before")
    await pods.gone("before")
