"""Which kernel parameters a Pod may set."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.kubelet.sysctls import dotted, forbidden_sysctl, wrong_patterns


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("kernel.shm_rmid_forced", "kernel.shm_rmid_forced", id="dots"),
        pytest.param("kernel/shm_rmid_forced", "kernel.shm_rmid_forced", id="slashes"),
        pytest.param("net/ipv4/conf/eth0.1/mtu", "net.ipv4.conf.eth0/1.mtu", id="a dot within a name"),
        pytest.param("net.ipv4.conf.eth0/1.mtu", "net.ipv4.conf.eth0/1.mtu", id="that in its other form"),
        pytest.param("word", "word", id="neither"),
    ],
)
def test_dotted(name: str, form: str) -> None:
    assert dotted(name) == form


@pytest.mark.parametrize(
    ("name", "allowed", "spec", "why"),
    [
        pytest.param("kernel.shm_rmid_forced", (), {}, "", id="a safe one"),
        pytest.param("net/ipv4/tcp_rmem", (), {}, "", id="a safe one in its other form"),
        pytest.param("kernel.msgmax", (), {}, "not allowlisted", id="an unsafe one"),
        pytest.param("vm.swappiness", (), {}, "not allowlisted", id="one of the whole node"),
        pytest.param("kernel.msgmax", ("kernel.msgmax",), {}, "", id="an unsafe one that the node allows"),
        pytest.param("kernel.msgmnb", ("kernel/msg*",), {}, "", id="one of many that the node allows"),
        pytest.param("kernel.msgmnb", ("kernel.msgmax",), {}, "not allowlisted", id="another than the node allows"),
        pytest.param(
            "net.ipv4.tcp_syncookies", (), {"hostNetwork": True}, "not allowed with host net enabled", id="host network"
        ),
        pytest.param(
            "kernel.shm_rmid_forced", (), {"hostIPC": True}, "not allowed with host ipc enabled", id="host IPC"
        ),
    ],
)
def test_forbidden(name: str, allowed: tuple[str, ...], spec: dict[str, Any], why: str) -> None:
    pod = {"spec": {"securityContext": {"sysctls": [{"name": name, "value": "1"}]}, **spec}}
    verdict = forbidden_sysctl(pod, allowed)
    if not why:
        assert verdict is None
        return
    assert verdict is not None and verdict.reason == "SysctlForbidden"
    assert verdict.message == f'Pod was rejected: forbidden sysctl: "{name}" {why}'


def test_a_pod_that_sets_none() -> None:
    assert forbidden_sysctl({"spec": {}}, ()) is None


@pytest.mark.parametrize(
    ("pattern", "wrong"),
    [
        pytest.param("net.ipv4.route.min_pmtu", "", id="a name"),
        pytest.param("kernel.msg*", "", id="a beginning"),
        pytest.param("net.core.*", "", id="a folder"),
        pytest.param("net/core/*", "", id="a folder with slashes"),
        pytest.param("*", "is not known to be of a Pod's own", id="everything"),
        pytest.param("kernel.m*x", "is neither the name of a parameter", id="a star in the middle"),
        pytest.param("vm.swappiness", "is not known to be of a Pod's own", id="one of the whole node"),
    ],
)
def test_patterns(pattern: str, wrong: str) -> None:
    complaints = list(wrong_patterns([pattern]))
    assert len(complaints) == bool(wrong) and all(wrong in complaint for complaint in complaints)
