"""The Node's conditions from what was measured and what the runtime says."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest

from podwright.kubelet.configuration_values import Threshold
from podwright.kubelet.node.conditions import network_error, node_conditions, not_ready, pressures, transitions
from podwright.kubelet.node.machine import Machine, Usage
from podwright.kubelet.node.runtime_info import RuntimeCondition, RuntimeState

T0 = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
MACHINE = Machine(cpus=4, memory=1000, disk=1000, pids=100)
PLENTY = Usage(memory_available=900, disk_available=900, disk_inodes=100, disk_inodes_free=90, pids_available=90)
LIMITS = {
    "memory.available": Threshold(amount=Decimal(100)),
    "nodefs.available": Threshold(share=0.1),
    "nodefs.inodesFree": Threshold(share=0.05),
    "pid.available": Threshold(amount=Decimal(10)),
}


@pytest.mark.parametrize(
    ("usage", "held"),
    [
        pytest.param(PLENTY, set(), id="plenty of everything"),
        pytest.param(replace(PLENTY, memory_available=99), {"MemoryPressure"}, id="little memory"),
        pytest.param(replace(PLENTY, memory_available=100), set(), id="just enough memory"),
        pytest.param(replace(PLENTY, disk_available=99), {"DiskPressure"}, id="little disk"),
        pytest.param(replace(PLENTY, disk_inodes_free=4), {"DiskPressure"}, id="few inodes"),
        pytest.param(replace(PLENTY, disk_inodes=0, disk_inodes_free=0), set(), id="inodes that are not counted"),
        pytest.param(replace(PLENTY, pids_available=9), {"PIDPressure"}, id="few process ids"),
    ],
)
def test_pressures(usage: Usage, held: set[str]) -> None:
    assert pressures(MACHINE, usage, LIMITS) == held


def test_without_thresholds_there_is_no_pressure() -> None:
    assert pressures(MACHINE, Usage(0, 0, 1, 0, 0), {}) == frozenset()


FINE = RuntimeState("containerd", "1", RuntimeCondition(True), RuntimeCondition(True))
NO_NET = replace(
    FINE,
    network=RuntimeCondition(
        False, "NetworkPluginNotReady", "Network plugin returns error: cni plugin not initialized"
    ),
)
NO_RUNTIME = replace(FINE, runtime=RuntimeCondition(False, "Broken", "no shim"))
NETWORK_TEXT = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


@pytest.mark.parametrize(
    ("state", "error", "shutting_down", "text"),
    [
        pytest.param(FINE, "", False, "", id="ready"),
        pytest.param(NO_NET, "", False, NETWORK_TEXT, id="no network"),
        pytest.param(
            NO_RUNTIME,
            "",
            False,
            "container runtime not ready: RuntimeReady=false reason:Broken message:no shim",
            id="the runtime says no",
        ),
        pytest.param(FINE, "refused", False, "container runtime is down: refused", id="the runtime does not answer"),
        pytest.param(FINE, "", True, "node is shutting down", id="shutting down"),
        pytest.param(NO_NET, "", True, f"[node is shutting down, {NETWORK_TEXT}]", id="two reasons"),
    ],
)
def test_not_ready(state: RuntimeState | None, error: str, shutting_down: bool, text: str) -> None:
    assert not_ready(state, runtime_error=error, shutting_down=shutting_down) == text


def test_before_the_runtime_was_asked() -> None:
    assert not_ready(None) == "container runtime status check may not have completed yet"
    assert network_error(None) == "container runtime status check may not have completed yet"


def test_conditions_of_a_ready_node() -> None:
    conditions = node_conditions(frozenset(), "", [], T0)
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in conditions] == [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]


def test_transition_times_are_kept_and_changes_are_named() -> None:
    before = node_conditions(frozenset(), "", [], T0)
    later = T0 + datetime.timedelta(hours=1)
    after = node_conditions(frozenset({"DiskPressure"}), "no", before, later)
    times = {c["type"]: c["lastTransitionTime"] for c in after}
    assert times["MemoryPressure"] == "2026-01-02T00:00:00Z"
    assert times["Ready"] == times["DiskPressure"] == "2026-01-02T01:00:00Z"
    assert {c["lastHeartbeatTime"] for c in after} == {"2026-01-02T01:00:00Z"}
    assert transitions(before, after) == ["NodeHasDiskPressure", "NodeNotReady"]
    assert transitions(after, after) == []
