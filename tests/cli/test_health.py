"""What a machine has and lacks."""

from __future__ import annotations

import pytest

from podwright.cli.health import (
    NEEDS,
    Facts,
    Level,
    Program,
    examine_kernel,
    examine_programs,
    healthy,
    install_command,
)

ALL = {need.program: Program(f"/usr/bin/{need.program}") for need in NEEDS}
RUNC = {"runc": Program("/usr/sbin/runc", "1.1.5")}


def without(*names: str) -> dict[str, Program]:
    return {name: program for name, program in ALL.items() if name not in names}


@pytest.mark.parametrize(
    ("facts", "well", "install"),
    [
        pytest.param(Facts(ALL, RUNC), True, "", id="one runtime is enough"),
        pytest.param(Facts(ALL, {"crun": Program("/usr/bin/crun")}), True, "", id="any runtime will do"),
        pytest.param(Facts(ALL, {}), False, "apt-get install runc", id="no runtime at all"),
        pytest.param(
            Facts(without("containerd", "ctr", "nft"), RUNC),
            False,
            "apt-get install containerd nftables",
            id="one command installs all, each package once",
        ),
        pytest.param(
            Facts(without("kubectl", "busybox", "iptables"), RUNC), True, "", id="what is only useful may lack"
        ),
    ],
)
def test_programs(facts: Facts, well: bool, install: str) -> None:
    findings = list(examine_programs(facts))
    assert (healthy(findings), install_command(findings, Level.MISSING)) == (well, install)


@pytest.mark.parametrize(
    ("version", "level"),
    [
        pytest.param("1.20.5", Level.NOTE, id="older than what is tried"),
        pytest.param("v1.27.0", Level.OK, id="the oldest that is tried"),
        pytest.param("", Level.OK, id="one that does not tell"),
    ],
)
def test_an_old_kubectl_is_told(version: str, level: Level) -> None:
    programs = {**ALL, "kubectl": Program("/usr/bin/kubectl", version)}
    (found,) = [one for one in examine_programs(Facts(programs, RUNC)) if one.name == "kubectl"]
    assert found.level is level


@pytest.mark.parametrize(
    ("facts", "name", "level"),
    [
        pytest.param(Facts(cgroups="v2"), "cgroups", Level.OK, id="cgroup v2"),
        pytest.param(Facts(cgroups=""), "cgroups", Level.MISSING, id="no cgroups at all"),
        pytest.param(Facts(is_root=False), "root", Level.NOTE, id="a user who is not root"),
        pytest.param(Facts(overlay=False), "overlayfs", Level.NOTE, id="no overlayfs"),
        pytest.param(Facts(ip_forward=False), "ip_forward", Level.NOTE, id="forwarding is off"),
        pytest.param(Facts(bridge_netfilter=None), "bridge-nf-call-iptables", Level.NOTE, id="no br_netfilter"),
        pytest.param(Facts(bridge_netfilter=False), "bridge-nf-call-iptables", Level.NOTE, id="br_netfilter is off"),
        pytest.param(Facts(sys_resource=False), "CAP_SYS_RESOURCE", Level.NOTE, id="a capability is lacking"),
    ],
)
def test_kernel(facts: Facts, name: str, level: Level) -> None:
    assert {finding.name: finding.level for finding in examine_kernel(facts)}[name] is level
