"""Volumes under hard conditions: changes while they are read, planted links, mounts that pass, and an image's ENV."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

from tests.fakes.waiting import eventually
from tests.node.observed import slack
from tests.node.pods import SLEEP, Pods, container, pod, status_of, waiting_reason
from tests.node.running_node import RunningNode

from podwright.api.objects import Object
from podwright.api.resources import CONFIG_MAPS
from podwright.client.interface import PatchType
from podwright.containerd.example_image import busybox_image
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import Image, archive
from podwright.kubelet.volumes import mounts

LAST = "/dev/termination-log"


def root_of(one: Object) -> Path:
    """The file system of a Pod's running container, as it sees it."""
    identity = status_of(one)["containerID"].removeprefix("containerd://")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if identity in (process / "cgroup").read_text():
                return process / "root"
        except OSError:
            continue  # it has ended meanwhile
    raise AssertionError(f"no process of {identity}")


class Reader(threading.Thread):
    """Reads two files of one volume again and again, as fast as it can, and keeps every pair that it saw first."""

    def __init__(self, volume: Path) -> None:
        super().__init__(daemon=True)
        self._volume = volume
        self.pairs: dict[tuple[bytes, bytes], float] = {}
        self.reads = 0
        self.done = threading.Event()
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.done.is_set():
                self._read()
        except BaseException as error:
            self.failed = error
            raise

    def _read(self) -> None:
        try:
            pair = self._pair()
        except FileNotFoundError:
            return  # the version that it was about to read was taken away: the next look finds the new one
        self.reads += 1
        self.pairs.setdefault(pair, time.monotonic())

    def _pair(self) -> tuple[bytes, bytes]:
        data = os.open(self._volume / "..data", os.O_RDONLY | os.O_DIRECTORY)
        try:
            return self._file(data, "a"), self._file(data, "b")
        finally:
            os.close(data)

    def _file(self, directory: int, name: str) -> bytes:
        with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=directory), "rb") as file:
            return file.read()


async def test_a_changed_config_map_is_there_within_seconds_and_never_half(pods: Pods) -> None:
    size = 200_000

    def data(i: int) -> dict[str, str]:
        return {"a": f"{i:04}" * (size // 4), "b": f"{i:04}" * (size // 4)}

    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data(0)}
    await pods.client.create(CONFIG_MAPS, made, pods.namespace)
    given = container(volumeMounts=[{"name": "v", "mountPath": "/v"}])
    await pods.create(pod("p", given, volumes=[{"name": "v", "configMap": {"name": "c"}}]))
    reader = Reader(root_of(await pods.ready("p")) / "v")
    reader.start()
    try:
        changed = {}
        for i in range(1, 13):
            await pods.client.patch(CONFIG_MAPS, "c", {"data": data(i)}, pods.namespace, patch_type=PatchType.MERGE)
            changed[i] = time.monotonic()
            newest = data(i)["a"].encode()
            await eventually(lambda newest=newest: (newest, newest) in reader.pairs, 20)  # type: ignore[misc]
    finally:
        reader.done.set()
        await asyncio.to_thread(reader.join)
    assert reader.failed is None and reader.reads > 100
    for a, b in reader.pairs:
        assert a == b == a[:4] * (size // 4)
    seen = {int(a[:4]): at for (a, _), at in reader.pairs.items()}
    assert max(seen[i] - changed[i] for i in changed) < slack(5)


async def test_links_that_a_pod_plants_lead_it_nowhere(pods: Pods, tmp_path: Path) -> None:
    """A sub-path is resolved inside its volume, whatever the Pod has put there."""
    (tmp_path / "secret").write_text("of the host")
    planted = {"file": tmp_path / "secret", "folder": tmp_path, "up": "../../../../../../../../../../" + str(tmp_path)}
    links = "; ".join(f"ln -s {target} /v/{name}" for name, target in planted.items())
    links += "; mkdir /v/inside; echo mine > /v/inside/file; ln -s inside /v/good"
    volume = {"name": "v", "mountPath": "/v"}
    plants = [{**container(links, "plants"), "volumeMounts": [volume]}]
    takes = {name: container(SLEEP, name, volumeMounts=[{**volume, "subPath": name}]) for name in planted}
    good = container(f"cat /v/file > {LAST}; {SLEEP}", "good", volumeMounts=[{**volume, "subPath": "good"}])
    one = pod("p", *takes.values(), good, initContainers=plants, volumes=[{"name": "v", "emptyDir": {}}])
    await pods.create(one)
    seen = await pods.until(
        "p", lambda one: all(waiting_reason(one, name) == "CreateContainerConfigError" for name in takes)
    )
    for name in takes:
        assert status_of(seen, name)["state"]["waiting"]["message"] == (
            f'failed to prepare subPath for volumeMount "v" of container "{name}": `{name}` leads out of the volume'
        )
    running = await pods.until("p", lambda one: "running" in ((status_of(one, "good") or {}).get("state") or {}))
    assert status_of(running, "good")["started"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["secret"]


async def test_mounts_pass_between_containers_and_say_why_where_they_cannot(pods: Pods, tmp_path: Path) -> None:
    def mounting(name: str, script: str, propagation: str) -> Object:
        mount = {"name": "v", "mountPath": "/v", "mountPropagation": propagation}
        return container(script, name, securityContext={"privileged": True}, volumeMounts=[mount])

    mounts_it = f"mkdir /v/m && mount -t tmpfs none /v/m && echo here > /v/m/file; {SLEEP}"
    sees_it = f"until cat /v/m/file > {LAST}; do usleep 50000; done 2>/dev/null"
    gives, takes = mounting("gives", mounts_it, "Bidirectional"), mounting("takes", sees_it, "HostToContainer")
    await pods.create(pod("passes", gives, takes, restartPolicy="Never", volumes=[{"name": "v", "emptyDir": {}}]))
    host: dict[str, Any] = {"name": "v", "hostPath": {"path": str(tmp_path)}}
    await pods.create(pod("host", mounting("main", SLEEP, "Bidirectional"), volumes=[host]))

    seen = await pods.until("passes", lambda one: "terminated" in ((status_of(one, "takes") or {}).get("state") or {}))
    assert status_of(seen, "takes")["state"]["terminated"]["message"] == "here\n"
    below = mounts.propagation(tmp_path)
    if below.shared:
        await pods.ready("host")
    else:
        waits = await pods.until("host", lambda one: waiting_reason(one) == "CreateContainerConfigError")
        said = status_of(waits)["state"]["waiting"]["message"]
        assert said.endswith(
            f"lies on the private mount {below.point}; make it shared first: mount --make-rshared {below.point}"
        )
    await pods.delete("passes")
    await pods.gone("passes")


async def test_variables_of_the_image_are_seen_beside_the_pods_own(node: RunningNode, pods: Pods) -> None:
    image = busybox_image(Path("/bin/busybox"))
    environment = ["PATH=/usr/bin:/bin", "OF_IMAGE=image", "OF_BOTH=image"]
    named = Image(layers=image.layers, config={**image.config, "Env": environment})
    reference = "docker.io/podwright/with-env:1"
    await ManagedContainerd(node.data_dir).import_image(archive({reference: named}))
    env = [{"name": "OF_BOTH", "value": "pod"}, {"name": "OF_POD", "value": "$(OF_IMAGE)"}]
    # what the image sets is not expanded: only the runtime knows of it
    probe = {"exec": {"command": ["sh", "-c", f"env > {LAST}"]}, "periodSeconds": 1}
    given = {**container(f"env > /tmp/main; {SLEEP}", env=env, readinessProbe=probe), "image": reference}
    ready = await pods.create(pod("p", given)) and await pods.ready("p")
    root = root_of(ready)
    for found in ((root / "tmp/main").read_text(), (root / LAST.lstrip("/")).read_text()):
        seen = dict(line.split("=", 1) for line in found.splitlines())
        wanted = {"OF_IMAGE": "image", "OF_BOTH": "pod", "OF_POD": "$(OF_IMAGE)", "HOSTNAME": "p"}
        assert wanted.items() <= seen.items()
