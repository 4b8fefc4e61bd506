"""RuntimeClasses on a node of their own: which runtime runs a Pod, what that costs, and what is said when it cannot."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.node.observed import FOREVER, Observed, State, container, observed, spec
from tests.node.running_node import PODWRIGHT, RunningNode

from podwright.api.errors import Forbidden
from podwright.api.objects import Object, uid_of
from podwright.api.resources import NODES, RUNTIME_CLASSES
from podwright.containerd.example_image import EXAMPLE_IMAGE

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXAMPLES = Path(__file__).parents[2] / "examples"
BROKEN = 'runtime_type = "io.containerd.runc.v2"\n[options]\nBinaryName = "/no/such/runc"\n'
MOUNT_OF_KEYS = "tell $(sed -n 's,.* /proc/keys .* - ,,p' /proc/self/mountinfo); tell mounted\n"
"""Each runtime hides /proc/keys in its own way: runc behind the container's /dev/null, crun behind the machine's."""
PRIVILEGED = {"securityContext": {"privileged": True}}
OVERHEAD = {"cpu": "100m", "memory": "64Mi"}


def _class(name: str, handler: str, **fields: Any) -> Object:
    meta = {"name": name}
    return {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": meta, "handler": handler, **fields}


CLASSES = [
    _class("with-runc", "runc"),
    _class("with-crun", "crun"),
    _class("few-devices", "few-devices"),
    _class("broken", "broken"),
    _class("paid", "crun", overhead={"podFixed": OVERHEAD}),
    _class("huge", "runc", overhead={"podFixed": {"cpu": "1000"}}),
    _class(
        "placed",
        "runc",
        scheduling={"nodeSelector": {"disk": "fast"}, "tolerations": [{"key": "only", "operator": "Exists"}]},
    ),
    _class("deleted", "runc", scheduling={"nodeSelector": {"disk": "fast"}}),
]


@pytest.fixture(scope="module")
def own(node_folder: Path) -> Iterator[RunningNode]:
    """Its containerd has two more handlers, and is killed and reconfigured."""
    running = RunningNode.below(node_folder, "classes")
    manifests = _manifests(running)
    manifests.mkdir()
    config = node_folder / "kubelet.json"
    kind = {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"}
    config.write_text(json.dumps({**kind, "staticPodPath": str(manifests)}))
    running.up("--config", str(config))
    try:
        running.import_example_image()
        shutil.copy(EXAMPLES / "runtimes.d" / "few-devices.toml", running.layout.runtimes_dir)
        (running.layout.runtimes_dir / "broken.toml").write_text(BROKEN)
        running.kill()
        running.up("--config", str(config))
        yield running
    finally:
        running.down(purge=True)
    assert running.leftovers() == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def here(own: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Observed]:
    """All Pods of this module, started side by side."""
    tell_devices = "test -e /dev/kmsg && tell devices || tell none; " + FOREVER
    few = {"requests": {"cpu": "200m", "memory": "64Mi"}, "limits": {"cpu": "400m", "memory": "128Mi"}}
    pods = {
        "by-default": spec(container(MOUNT_OF_KEYS + FOREVER)),
        "by-runc": spec(container(MOUNT_OF_KEYS + FOREVER), runtimeClassName="with-runc"),
        "by-crun": spec(container(MOUNT_OF_KEYS + FOREVER), runtimeClassName="with-crun"),
        "by-empty": spec(container(MOUNT_OF_KEYS + FOREVER), runtimeClassName=""),
        "all-devices": spec(container(tell_devices, **PRIVILEGED), runtimeClassName="with-runc"),
        "few-devices": spec(container(tell_devices, **PRIVILEGED), runtimeClassName="few-devices"),
        "paid": spec(container(resources=few), runtimeClassName="paid"),
        "too-dear": spec(runtimeClassName="huge"),
        "too-dear-here": spec(runtimeClassName="huge", nodeName=own.name),
        "placed": spec(runtimeClassName="placed", tolerations=[{"key": "mine", "operator": "Exists"}]),
        "class-deleted": spec(runtimeClassName="deleted"),
        "handler-unknown": spec(runtimeClassName="unknown"),
        "handler-broken": spec(runtimeClassName="broken"),
    }
    async with observed(own.kubeconfig, "classes", tmp_path_factory.mktemp("classes")) as here:
        for one in [*CLASSES, _class("unknown", "nobody-has-it")]:
            await here.client.create(RUNTIME_CLASSES, one)
        _write_static_pod(own, "static", "with-crun")
        _write_static_pod(own, "static-lost", "none")
        await here.create(pods)
        yield here


def _write_static_pod(own: RunningNode, name: str, chosen: str) -> None:
    containers = [{"name": "main", "image": EXAMPLE_IMAGE, "command": ["sleep", "1000"]}]
    grace = {"terminationGracePeriodSeconds": 1}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "classes"}}
    text = json.dumps({**pod, "spec": {"runtimeClassName": chosen, "containers": containers, **grace}})
    (_manifests(own) / f"{name}.json").write_text(text)


def _manifests(own: RunningNode) -> Path:
    return own.data_dir.with_name("manifests")


def _id(state: State) -> str:
    return str(state.container()["containerID"]).removeprefix("containerd://")


async def test_the_node_tells_its_handlers(own: RunningNode, here: Observed) -> None:
    node = await here.client.get(NODES, own.name)
    names = {handler["name"] for handler in node["status"]["runtimeHandlers"]}
    assert {"", "runc", "crun", "few-devices", "broken"} <= names


async def test_runc_and_crun_run_pods_at_once_as_seen_from_inside(here: Observed) -> None:
    names = ("by-default", "by-runc", "by-crun", "by-empty")
    for name in names:
        await here.until_told(name, "mounted")
    kinds = [here.told(name)[0].split()[0] for name in names]
    assert kinds == ["tmpfs", "tmpfs", "devtmpfs", "tmpfs"]


@pytest.mark.parametrize("runtime", ["runc", "crun"])
async def test_each_runtime_knows_its_container(own: RunningNode, here: Observed, runtime: str) -> None:
    running = await here.until(f"by-{runtime}", State.is_running)
    root = own.layout.state / "oci" / runtime / "k8s.io"
    program = own.layout.crun_wrapper if runtime == "crun" and own.layout.crun_wrapper.exists() else runtime
    asked = [program, "--root", root, "state", _id(running)]
    told = await asyncio.to_thread(subprocess.run, asked, capture_output=True, text=True, check=True)
    state = json.loads(told.stdout)
    assert (state["id"], state["status"]) == (_id(running), "running")
    assert state["ociVersion"].startswith("1.")


async def test_one_runtime_with_two_settings_is_two_handlers(here: Observed) -> None:
    await asyncio.gather(here.until_told("all-devices", "devices"), here.until_told("few-devices", "none"))


async def test_the_example_of_one_runtime_with_two_settings(own: RunningNode, here: Observed) -> None:
    words = [PODWRIGHT, "run", "--data-dir", own.data_dir, "--rm", EXAMPLES / "09-one-runtime-two-settings.yaml"]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "[all-devices] the devices of the node" in done.stdout
    assert "[few-devices] a few devices" in done.stdout


async def test_overhead_is_set_and_paid(here: Observed) -> None:
    running = await here.until("paid", State.is_running)
    assert running.pod["spec"]["overhead"] == OVERHEAD
    files = _pod_cgroup_files(uid_of(running.pod))
    if "cpu.max" in files:
        wanted = {"cpu.max": "50000 100000", "memory.max": str(192 << 20)}
    else:
        wanted = {"cpu.shares": "307", "cpu.cfs_quota_us": "50000", "memory.limit_in_bytes": str(192 << 20)}
    assert {name: files[name] for name in wanted} == wanted


def _pod_cgroup_files(uid: str) -> dict[str, str]:
    folders = [Path(folder) for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(f"pod{uid}")]
    names = ("cpu.max", "memory.max", "cpu.shares", "cpu.cfs_quota_us", "memory.limit_in_bytes")
    return {
        name: (folder / name).read_text().strip() for folder in folders for name in names if (folder / name).exists()
    }


async def test_a_pod_that_does_not_fit_with_its_overhead_is_not_scheduled(here: Observed) -> None:
    await here.until("too-dear", lambda state: state.condition("PodScheduled") == "False")
    [message] = await here.until_told_why("too-dear", "FailedScheduling")
    assert message.startswith("0/1 nodes are available: 1 Insufficient cpu.")


async def test_a_node_that_was_named_refuses_it_too(here: Observed) -> None:
    failed = await here.until("too-dear-here", lambda state: state.phase == "Failed")
    assert failed.status["reason"] == "OutOfcpu"
    assert "requested: 1000000" in failed.status["message"]


async def test_a_class_brings_its_node_selector_and_tolerations(here: Observed) -> None:
    pending = await here.until("placed", lambda state: state.condition("PodScheduled") == "False")
    assert pending.pod["spec"]["nodeSelector"] == {"disk": "fast"}
    keys = [one["key"] for one in pending.pod["spec"]["tolerations"]]
    assert keys[:2] == ["mine", "only"] or {"mine", "only"} <= set(keys)
    [message] = await here.until_told_why("placed", "FailedScheduling")
    assert message.startswith("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"runtimeClassName": "none"}, 'pod rejected: RuntimeClass "none" not found', id="no such class"),
        pytest.param(
            {"runtimeClassName": "paid", "overhead": {"cpu": "200m"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
            id="another overhead",
        ),
        pytest.param(
            {"runtimeClassName": "with-runc", "overhead": {"cpu": "200m"}},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            id="an overhead that the class does not have",
        ),
        pytest.param(
            {"overhead": {"cpu": "200m"}},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
            id="an overhead without a class",
        ),
        pytest.param(
            {"runtimeClassName": "placed", "nodeSelector": {"disk": "slow"}},
            "conflict: runtimeClass.scheduling.nodeSelector[disk] = fast; pod.spec.nodeSelector[disk] = slow",
            id="another node selector",
        ),
    ],
)
async def test_a_pod_that_contradicts_its_class_is_refused(here: Observed, fields: Object, said: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await here.create({"refused": spec(**fields)})
    assert str(refused.value) == f'pods "refused" is forbidden: {said}'


async def test_a_handler_that_the_runtime_does_not_know_fails_the_pod(here: Observed) -> None:
    failed = await here.until("handler-unknown", lambda state: state.phase == "Failed")
    assert failed.status["reason"] == "RuntimeHandlerNotFound"
    assert 'no runtime for "nobody-has-it" is configured' in failed.status["message"]
    said = f"Failed to create pod sandbox: {failed.status['message']}"
    await here.until_event("handler-unknown", ("Warning", "FailedCreatePodSandBox", said))
    await here.delete("handler-unknown")
    await here.until_gone("handler-unknown")


async def test_static_pods_have_classes_too_and_one_whose_class_is_missing_does_not_run(
    own: RunningNode, here: Observed
) -> None:
    running = await here.until(f"static-{own.name}", State.is_running)
    assert (own.layout.state / "oci" / "crun" / "k8s.io" / _id(running)).exists()
    said = 'Failed to create pod sandbox: runtimeclass.node.k8s.io "none" not found'
    await here.until_event(f"static-lost-{own.name}", ("Warning", "FailedCreatePodSandBox", said))
    assert not [pod for pod in (await own.sandboxes()).ready if "static-lost" in pod]


async def test_a_class_that_went_after_admission_fails_the_pod_and_placed_pods_find_their_node(
    own: RunningNode, here: Observed
) -> None:
    await here.until("class-deleted", lambda state: state.condition("PodScheduled") == "False")
    await here.client.delete(RUNTIME_CLASSES, "deleted")
    await here.client.patch(NODES, own.name, {"metadata": {"labels": {"disk": "fast"}}})
    failed = await here.until("class-deleted", lambda state: state.phase == "Failed")
    assert failed.status["reason"] == "RuntimeClassNotFound"
    said = 'Failed to create pod sandbox: runtimeclass.node.k8s.io "deleted" not found'
    await here.until_event("class-deleted", ("Warning", "FailedCreatePodSandBox", said))
    await here.until("placed", State.is_running)
    await here.delete("class-deleted")
    await here.until_gone("class-deleted")


async def test_a_handler_that_breaks_at_start_leaves_the_pod_waiting_and_deletable(here: Observed) -> None:
    await here.until("handler-broken", lambda state: bool(state.container()))
    await here.until_told_why("handler-broken", "FailedCreatePodSandBox")
    assert here.history["handler-broken"][-1].phase == "Pending"
    await here.delete("handler-broken")
    await here.until_gone("handler-broken")


def _posted(own: RunningNode, path: str, body: Object) -> tuple[int, list[str]]:
    """The status and the `Warning:` headers of a POST."""
    pki = own.data_dir / "pki"
    tls = ssl.create_default_context(cafile=pki / "ca.crt")
    tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    connection = http.client.HTTPSConnection("127.0.0.1", own.port, context=tls, timeout=10)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers.get_all("Warning") or []
    finally:
        connection.close()


async def test_who_names_a_handler_that_no_ready_node_has_is_told_at_once(own: RunningNode, here: Observed) -> None:
    classes, pods = "/apis/node.k8s.io/v1/runtimeclasses", "/api/v1/namespaces/classes/pods?dryRun=All"
    said = (
        '299 - "RuntimeClass \\"{}\\": no ready node offers the handler \\"nobody-has-it\\"; '
        'handlers there are: broken, crun, few-devices, runc"'
    )
    made = await asyncio.to_thread(_posted, own, f"{classes}?dryRun=All", _class("told", "nobody-has-it"))
    assert made == (201, [said.format("told")])
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "told"}, "spec": spec(runtimeClassName="unknown")}
    pod["spec"]["containers"][0].pop("volumeMounts")
    assert await asyncio.to_thread(_posted, own, pods, pod) == (201, [said.format("unknown")])
    assert await asyncio.to_thread(_posted, own, f"{classes}?dryRun=All", _class("fine", "crun")) == (201, [])


async def _assert_lives_on(here: Observed, name: str, before: State) -> None:
    last = here.history[name][-1]
    assert (_id(last), last.restarts(), last.phase, last.is_running()) == (_id(before), 0, "Running", True)


def _containerd(own: RunningNode) -> int:
    pid: int = json.loads(own.layout.process_record.read_text())["pid"]
    return pid


async def test_pods_live_on_while_the_runtime_stands_still_and_while_it_is_killed(
    own: RunningNode, here: Observed
) -> None:
    names = ("by-runc", "by-crun")
    before = [await here.until(name, State.is_running) for name in names]
    first = _containerd(own)
    os.kill(first, signal.SIGSTOP)
    await here.create({"during-pause": spec(runtimeClassName="with-crun")})
    await asyncio.sleep(1.5)  # the length of the pause, not a wait for something
    os.kill(first, signal.SIGCONT)
    await here.until("during-pause", State.is_running)
    os.kill(first, signal.SIGKILL)
    await here.create({"after-kill": spec(runtimeClassName="with-crun")})
    await here.until("after-kill", State.is_running)
    assert _containerd(own) != first
    for name, state in zip(names, before, strict=True):
        await _assert_lives_on(here, name, state)
    await here.delete("by-crun")
    await here.until_gone("by-crun")


async def test_a_reconfiguration_with_a_handler_less_spares_running_pods_and_new_ones_say_what_is_wrong(
    own: RunningNode, here: Observed
) -> None:
    before = await here.until("few-devices", State.is_running)
    (own.layout.runtimes_dir / "few-devices.toml").unlink()
    await asyncio.to_thread(own.kill)
    await asyncio.to_thread(own.up)
    await here.create({"late": spec(runtimeClassName="few-devices")})
    failed = await here.until("late", lambda state: state.phase == "Failed")
    assert failed.status["reason"] == "RuntimeHandlerNotFound"
    await _assert_lives_on(here, "few-devices", before)
    await here.delete("few-devices")
    await here.until_gone("few-devices")
