"""Containers get other limits while they run, or are started anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.kubelet.kuberuntime.pods import UID, container, pod
from tests.kubelet.kuberuntime.rig import Rig

from podwright.cri.errors import CriError
from podwright.kubelet.runtime_state import Sizes

RESTART = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def sized(cpu: str, memory: str, **more: Any) -> dict[str, Any]:
    amounts = {"cpu": cpu, "memory": memory}
    return pod(
        container("a", resources={"requests": dict(amounts), "limits": amounts}, **more.pop("fields", {})), **more
    )


async def test_limits_change_while_the_container_runs(rig: Rig) -> None:
    await rig.sync(sized("100m", "64Mi"))
    first = rig.cri.by_name("a").id
    result = await rig.sync(sized("200m", "128Mi"))
    one = rig.cri.by_name("a")
    assert (result.changed, result.resize_error, one.id) == (True, "", first)
    assert one.resources is not None
    given = (one.resources.cpu_shares, one.resources.cpu_quota, one.resources.memory_limit_in_bytes)
    assert given == (204, 20_000, 128 << 20)
    assert (rig.cgroups.grown, rig.cgroups.made) == ([UID], [UID, UID])
    assert not (await rig.sync(sized("200m", "128Mi"))).changed


@pytest.mark.parametrize(
    ("cpu", "memory", "spec", "restarted"),
    [
        pytest.param("100m", "128Mi", {}, True, id="memory, whose policy says so"),
        pytest.param("200m", "64Mi", {}, False, id="cpu, whose policy says nothing"),
        pytest.param("100m", "128Mi", {"restartPolicy": "Never"}, False, id="one that is never started again"),
    ],
)
async def test_a_policy_takes_a_new_container(
    rig: Rig, cpu: str, memory: str, spec: dict[str, Any], restarted: bool
) -> None:
    fields = {"resizePolicy": RESTART}
    await rig.sync(sized("100m", "64Mi", fields=fields, **spec))
    first = rig.cri.by_name("a")
    await rig.sync(sized(cpu, memory, fields=fields, **spec))
    assert (rig.cri.by_name("a").id != first.id) is restarted
    killed = [message for _, reason, message, _ in rig.events.written if reason == "Killing"]
    assert killed == (["Container a resize requires restart"] if restarted else [])


async def test_a_runtime_that_cannot_is_asked_again(rig: Rig) -> None:
    await rig.sync(sized("100m", "64Mi"))
    rig.cri.fail_next("UpdateContainerResources", CriError("Unknown", "device or resource busy"))
    result = await rig.sync(sized("100m", "32Mi"))
    assert "device or resource busy" in result.resize_error and result.retry_after is not None
    assert (await rig.sync(sized("100m", "32Mi"))).resize_error == ""


async def test_a_container_of_an_earlier_kubelet_is_measured(rig: Rig) -> None:
    await rig.sync(sized("100m", "64M"))
    # The kernel has kept whole pages of the 64,000,000 bytes.
    rig.cgroups.found[rig.cri.by_name("a").id] = Sizes(102, 10_000, 64_000_000 // 4096 * 4096)
    rig.runtime = rig.fresh()
    assert not (await rig.sync(sized("100m", "64M"))).changed
    assert (await rig.sync(sized("100m", "128Mi"))).changed
    assert rig.cri.called("UpdateContainerResources") == [("UpdateContainerResources", "a")]


async def test_a_sidecar_is_resized_too(rig: Rig) -> None:
    def with_sidecar(cpu: str) -> dict[str, Any]:
        return pod(init=[container("s", restartPolicy="Always", resources={"requests": {"cpu": cpu}})])

    for cpu in ("100m", "100m", "200m"):
        await rig.sync(with_sidecar(cpu))
    assert rig.cri.called("UpdateContainerResources") == [("UpdateContainerResources", "s")]


async def test_an_init_container_is_resized_while_it_runs_and_never_begins_again(rig: Rig) -> None:
    def with_init(memory: str) -> dict[str, Any]:
        limits = {"limits": {"memory": memory}}
        return pod(init=[container("i", resources=limits, resizePolicy=RESTART)], restartPolicy="Always")

    await rig.sync(with_init("64Mi"))
    first = rig.cri.by_name("i").id
    assert (await rig.sync(with_init("128Mi"))).resize_error == ""
    one = rig.cri.by_name("i")
    assert one.resources is not None
    assert (one.id, one.resources.memory_limit_in_bytes) == (first, 128 << 20)


def whole(cpu: str, memory: str) -> dict[str, Any]:
    return pod(container("a"), resources={"limits": {"cpu": cpu, "memory": memory}})


async def test_the_limits_of_a_whole_pod_change_with_those_of_its_containers(rig: Rig) -> None:
    await rig.sync(whole("100m", "64Mi"))
    assert not (await rig.sync(whole("100m", "64Mi"))).changed
    assert rig.cgroups.made == [UID]
    result = await rig.sync(whole("200m", "128Mi"))
    one = rig.cri.by_name("a")
    assert one.resources is not None
    assert (one.resources.cpu_quota, one.resources.memory_limit_in_bytes) == (20_000, 128 << 20)
    assert (result.resize_error, rig.cgroups.grown, rig.cgroups.made) == ("", [UID], [UID, UID])
    assert not (await rig.sync(whole("200m", "128Mi"))).changed


async def test_a_whole_pod_gets_limits_that_no_container_feels(rig: Rig) -> None:
    own = container("a", resources={"limits": {"cpu": "100m"}})
    await rig.sync(pod(own))
    await rig.sync(pod(own, resources={"limits": {"cpu": "1"}}))
    assert rig.cri.called("UpdateContainerResources") == []
    assert (rig.cgroups.grown, rig.cgroups.made) == ([UID], [UID, UID])


async def test_memory_is_not_limited_below_what_is_used(rig: Rig) -> None:
    await rig.sync(sized("100m", "64Mi"))
    first = rig.cri.by_name("a").id
    rig.cgroups.used[first] = 20 << 20
    result = await rig.sync(sized("200m", "16Mi"))
    text = 'attempting to set container "a" memory limit (16777216) below current usage (20971520)'
    assert (result.resize_error, result.retry_after) == (text, 10.0)
    assert rig.cri.called("UpdateContainerResources") == []
    assert rig.cgroups.made == [UID]
    assert (await rig.sync(sized("200m", "32Mi"))).resize_error == ""
    assert rig.cri.by_name("a").id == first


async def test_nor_is_that_of_a_whole_pod(rig: Rig) -> None:
    def limited(memory: str) -> dict[str, Any]:
        own = container("a", resources={"limits": {"memory": "8Mi"}})
        return pod(
            own, container("b", resources={"limits": {"memory": "8Mi"}}), resources={"limits": {"memory": memory}}
        )

    await rig.sync(limited("64Mi"))
    rig.cgroups.used[""] = 12 << 20
    result = await rig.sync(limited("10Mi"))
    assert result.resize_error == "attempting to set pod memory limit (10485760) below current usage (12582912)"
    rig.cgroups.used[""] = 1 << 20
    assert (await rig.sync(limited("10Mi"))).resize_error == ""


async def test_a_container_that_starts_anew_may_have_less_than_the_old_one_uses(rig: Rig) -> None:
    fields = {"resizePolicy": RESTART}
    await rig.sync(sized("100m", "64Mi", fields=fields))
    first = rig.cri.by_name("a").id
    rig.cgroups.used[first] = 20 << 20
    assert (await rig.sync(sized("100m", "16Mi", fields=fields))).resize_error == ""
    assert rig.cri.by_name("a").id != first
