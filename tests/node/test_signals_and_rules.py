"""Stop signals of images and Pods, and restart rules, on real containers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.node.observed import FOREVER, container, observed, shell, spec
from tests.node.running_node import RunningNode

from podwright.containerd.example_image import busybox_image
from podwright.containerd.managed import ManagedContainerd
from podwright.containerd.oci_image import archive

IMAGE = "podwright/signalled:1"
TRAPS = "trap 'tell TERM; exit 0' TERM; trap 'tell USR1; exit 0' USR1; trap 'tell USR2; exit 0' USR2; tell up; "
RULES = [{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}]


async def signalled_image(node: RunningNode) -> None:
    """The example image with a STOPSIGNAL."""
    image = await asyncio.to_thread(busybox_image, Path("/bin/busybox"))
    signalled = replace(image, config={**image.config, "StopSignal": "SIGUSR1"})
    await ManagedContainerd(node.data_dir).import_image(archive({IMAGE: signalled}))


async def test_the_signal_is_the_pods_or_the_images(node: RunningNode, tmp_path: Path) -> None:
    await signalled_image(node)
    own = {"lifecycle": {"stopSignal": "SIGUSR2"}}
    grace = {"terminationGracePeriodSeconds": 10, "os": {"name": "linux"}}
    pods = {
        "plain": spec(container(TRAPS + FOREVER), **grace),
        "image": spec({**container(TRAPS + FOREVER), "image": IMAGE}, **grace),
        "own": spec({**container(TRAPS + FOREVER, **own), "image": IMAGE}, **grace),
    }
    async with observed(node.kubeconfig, "signals", tmp_path) as here:
        await here.create(pods)
        for name in pods:
            await here.until_told(name, "up")
        for name in pods:
            await here.until(name, lambda state: state.is_running())
        assert here.history["own"][-1].container()["stopSignal"] == "SIGUSR2"
        await asyncio.gather(*(here.delete(name) for name in pods))
        await asyncio.gather(*(here.until_gone(name) for name in pods))
        assert {name: here.told(name)[-1] for name in pods} == {"plain": "TERM", "image": "USR1", "own": "USR2"}


async def test_one_containers_end_has_all_of_them_run_again(node: RunningNode, tmp_path: Path) -> None:
    once = "tell main; if [ ! -e /story/went ]; then touch /story/went; sleep 1; exit 42; fi; " + FOREVER
    main = container(once, restartPolicy="Never", restartPolicyRules=RULES)
    hook = {"preStop": {"exec": {"command": shell("tell pre-stop")}}}
    other = container("tell other; " + FOREVER, name="other", lifecycle=hook)
    init = container("tell init", name="init")
    async with observed(node.kubeconfig, "rules", tmp_path) as here:
        await here.create({"p": spec(main, other, initContainers=[init], restartPolicy="Never")})
        await here.until_told("p", "other", times=2)
        again = await here.until("p", lambda state: state.restarts() == 1 and state.is_running() and state.ready)
        assert again.container("other")["restartCount"] == 1
        told = here.told("p")
        assert [told[0], told[3]] == ["init", "init"] and set(told[1:3]) == set(told[4:]) == {"main", "other"}
        ips = {state.status["podIP"] for state in here.history["p"] if "podIP" in state.status}
        assert len(ips) == 1 and all(state.phase != "Failed" for state in here.history["p"])
