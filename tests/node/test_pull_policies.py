"""Pull policies on a whole node: what is set when an object is created, and what each does about a moved tag."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.node.observed import slack
from tests.node.pulling import Pods, container, pods_in, runnable, waiting
from tests.node.registry import registry
from tests.node.registry_proxy import RegistryProxy, proxied
from tests.node.running_node import RunningNode

from podwright.api.resources import PODS
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import File, archive, digest, layer_tar

_DIGEST = f"sha256:{'ab' * 32}"
_RULE = {
    "by-digest": (f"reg.example/team/app@{_DIGEST}", "IfNotPresent"),
    "latest-and-digest": (f"reg.example/team/app:latest@{_DIGEST}", "IfNotPresent"),
    "latest": ("reg.example/team/app:latest", "Always"),
    "no-tag": ("reg.example/team/app", "Always"),
    "other-tag": ("reg.example/team/app:v1.0", "IfNotPresent"),
}


@pytest.fixture
async def pods(node: RunningNode, request: pytest.FixtureRequest) -> AsyncIterator[Pods]:
    async with pods_in(node, f"policy-{abs(hash(request.node.name)) % 10**8}") as pods:
        yield pods


@pytest.fixture
async def proxy(tmp_path: Path) -> AsyncIterator[RegistryProxy]:
    async with registry(tmp_path / "registry") as source, proxied(source) as proxy:
        yield proxy


async def test_pods_get_the_documented_policy_when_they_are_created_and_keep_it(pods: Pods) -> None:
    made = []
    for name, (image, _) in _RULE.items():
        pod = pods.pod(name, image, nodeSelector={"nowhere": "at-all"})
        pod["spec"]["initContainers"] = [{"name": "first", "image": image}]
        pod["spec"]["volumes"] = [{"name": "files", "image": {"reference": image}}]
        made.append(pod)
    await pods.apply(*made, pods.pod("explicit", "reg.example/team/app", "Never", nodeSelector={"nowhere": "at-all"}))
    wanted = {name: {policy} for name, (_, policy) in _RULE.items()} | {"explicit": {"Never"}}
    assert await _policies(pods) == wanted
    # a new image changes nothing of the policy
    await pods.kubectl_("set", "image", "pod/other-tag", "main=reg.example/team/app:latest")
    await pods.kubectl_("set", "image", "pod/no-tag", f"main=reg.example/team/app@{_DIGEST}")
    assert await _policies(pods) == wanted


async def _policies(pods: Pods) -> dict[str, set[str]]:
    """Every policy in each Pod."""
    listed = json.loads(await pods.kubectl_("get", "pods", "-o", "json"))["items"]
    found: dict[str, set[str]] = {}
    for pod in listed:
        spec = pod["spec"]
        policies = [one["imagePullPolicy"] for one in (*spec["containers"], *spec.get("initContainers", ()))]
        volumes = [one["image"]["pullPolicy"] for one in spec.get("volumes", ()) if "image" in one]
        found[pod["metadata"]["name"]] = {*policies, *volumes}
    return found


async def test_a_moved_tag_is_followed_by_always_alone_and_layers_come_once(pods: Pods, proxy: RegistryProxy) -> None:
    base = {"/base": File(b"base" * 1000)}
    old, new = runnable("old", base), runnable("new", base)
    name = await proxy.push("team/app:1", old)
    await asyncio.gather(
        *(pods.create(f"first-{policy.lower()}", name, policy) for policy in ("Always", "IfNotPresent"))
    )
    first = await pods.running("first-always")
    pinned = f"{proxy.address}/team/app@{container(first)['imageID'].rpartition('@')[2]}"
    await proxy.push("team/app:1", new)
    await pods.create("stays", name, "IfNotPresent")
    await pods.create("pinned", pinned)
    await asyncio.gather(*map(pods.running, ("stays", "pinned")))
    assert await pods.version("stays") == "old"
    await pods.create("follows", name, "Always")
    moved = await pods.running("follows")
    assert await pods.version("follows") == "new"
    assert await pods.version("pinned") == "old"
    assert container(moved)["imageID"] != container(first)["imageID"]
    assert container(moved)["image"] == name
    assert proxy.layers_sent(digest(layer_tar(base))) == 1
    assert await pods.told("follows", "Pulling") == f'Pulling image "{name}"'
    assert (await pods.told("follows", "Pulled")).startswith(f'Successfully pulled image "{name}" in ')
    assert await pods.told("stays", "Pulled") == (
        f'Container image "{name}" already present on machine and can be accessed by the pod'
    )


async def test_always_asks_again_when_a_container_starts_again(
    pods: Pods, proxy: RegistryProxy, tmp_path: Path
) -> None:
    name = await proxy.push("team/again:1", runnable("before"))
    pod = pods.pod("again", name, "Always", volumes=[{"name": "go", "hostPath": {"path": str(tmp_path)}}])
    pod["spec"]["containers"][0] |= {
        "command": ["sh", "-c", "cat /version; until [ -e /go/on ]; do sleep 0.05; done; rm /go/on"],
        "volumeMounts": [{"name": "go", "mountPath": "/go"}],
    }
    await pods.client.create(PODS, pod, pods.namespace)
    before = container(await pods.running("again"))["imageID"]
    await proxy.push("team/again:1", runnable("after"))
    (tmp_path / "on").touch()
    restarted = await pods.until("again", lambda pod: container(pod).get("restartCount") == 1)
    assert container(restarted)["imageID"] != before
    assert await pods.version("again", 1) == "after"


async def test_never_waits_in_the_documented_words_and_starts_once_the_image_is_imported(pods: Pods) -> None:
    name = "docker.io/team/late:1"
    await pods.create("never", name, "Never")
    text = f'Container image "{name}" is not present with pull policy of Never'
    assert await pods.waits("never", "ErrImageNeverPull") == text
    assert await pods.told("never", "ErrImageNeverPull") == text
    await pods.until_told("never", ("Warning", "Failed", "Error: ErrImageNeverPull"))
    began = time.monotonic()
    await ManagedContainerd(pods.node.data_dir).import_image(archive({name: runnable("imported")}))
    await pods.running("never", within=40)
    assert await pods.version("never") == "imported"
    assert time.monotonic() - began < slack(17)
    await pods.create("at-once", name, "Never")
    await pods.running("at-once")


async def test_an_invalid_name_says_which_rule_it_breaks(pods: Pods) -> None:
    await pods.create("invalid", "Reg.example/UPPER/case:1", "IfNotPresent")
    message = await pods.waits("invalid", "InvalidImageName")
    assert message.startswith(
        'Failed to apply default image tag "Reg.example/UPPER/case:1": '
        'couldn\'t parse image name "Reg.example/UPPER/case:1": '
    )
    assert "lower" in message
    assert await pods.told("invalid", "InspectFailed") == message
    await pods.until_told("invalid", ("Warning", "Failed", "Error: InvalidImageName"))


async def test_a_failed_pull_is_tried_again_after_10_s_and_finds_the_tag_that_has_appeared(
    pods: Pods, proxy: RegistryProxy
) -> None:
    await proxy.push("team/other:1", runnable("other"))
    name = f"{proxy.address}/team/later:1"
    await pods.create("later", name)
    assert "has no such name or tag" in await pods.cannot_pull("later")
    backed_off = await pods.waits("later", "ImagePullBackOff")
    assert backed_off.startswith(f'Back-off pulling image "{name}": ErrImagePull: ')
    assert "next attempt at " in backed_off
    assert await pods.told("later", "BackOff") == f'Back-off pulling image "{name}"'
    await pods.until_told(
        "later",
        ("Normal", "BackOff", f'Back-off pulling image "{name}"'),
        ("Warning", "Failed", "Error: ErrImagePull"),
        ("Warning", "Failed", "Error: ImagePullBackOff"),
    )

    def attempts() -> list[float]:
        return [one.at for one in proxy.asked if one.method == "HEAD" and one.path.endswith("/team/later/manifests/1")]

    # a Pod made anew under the same name does not inherit the delay
    for round in range(2):
        await pods.create("anew", name)
        await pods.cannot_pull("anew")
        await pods.delete("anew")
        assert len(attempts()) == 2 + round
    await proxy.push("team/later:1", runnable("there"))
    await pods.running("later", within=30)
    assert 10 <= attempts()[-1] - attempts()[0] < 10 + slack(2)
    assert len(attempts()) == 4


async def test_an_unreachable_registry_is_told_and_the_annotation_lets_always_use_the_local_image(
    pods: Pods, proxy: RegistryProxy
) -> None:
    name = await proxy.push("team/edge:1", runnable("edge"))
    await pods.create("edge", name, "Always")
    pod = await pods.running("edge")
    await proxy.refuse()
    await pods.create("strict", name, "Always")
    message = await pods.cannot_pull("strict")
    assert f"nothing listens at {proxy.address}" in message
    assert "an image of this name is on this node" in message
    await pods.create("local", name, "Always", annotations={"podwright.dev/registry-unreachable": "use-local"})
    local = await pods.running("local")
    assert container(local)["imageID"] == container(pod)["imageID"]
    assert "out of reach; using the local image sha256:" in await pods.told("local", "Pulled")
    await proxy.accept()


async def test_an_index_without_this_machines_platform_lists_those_it_has(pods: Pods, proxy: RegistryProxy) -> None:
    name = await proxy.push(
        "team/foreign:1", [runnable("x", architecture="s390x"), runnable("x", architecture="riscv64")]
    )
    await pods.create("foreign", name)
    message = await pods.cannot_pull("foreign")
    assert "not made for this machine's platform" in message
    assert "it is made for linux/riscv64, linux/s390x" in message


async def test_several_containers_of_one_pod_share_the_first_ones_pull(pods: Pods, proxy: RegistryProxy) -> None:
    name = await proxy.push("team/twice:1", runnable("twice"))
    pod = pods.pod("twice", name)
    pod["spec"]["containers"].append({"name": "second", "image": name})
    await pods.client.create(PODS, pod, pods.namespace)
    await pods.until("twice", lambda pod: "running" in (container(pod, 1).get("state") or {}))
    manifests = [one for one in proxy.asked if one.path.endswith("/team/twice/manifests/1")]
    assert len(manifests) == 1
    assert waiting(await pods.get("twice")) == ("", "")
