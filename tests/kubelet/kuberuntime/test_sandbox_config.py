from __future__ import annotations

from typing import Any

import pytest
from tests.kubelet.kuberuntime.pods import UID, container, pod

from podwright.api.objects import Object
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.errors import SandboxError
from podwright.kubelet.interfaces import DnsConfig
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.sandbox_config import SandboxInput, port_mappings, sandbox_config


def made(obj: Object, dns: DnsConfig | None = None) -> Any:
    given = SandboxInput(obj, 3, "web", dns or DnsConfig(), "/logs/x", "/pw/kubepods/podx")
    return sandbox_config(given, NodeFacts(8 << 30))


def test_what_the_sandbox_is_told() -> None:
    obj = pod(
        container("a", resources={"requests": {"cpu": "1"}, "limits": {"memory": "64Mi"}}),
        container("b", securityContext={"privileged": True}, resources={"requests": {"cpu": "500m"}}),
        meta={"labels": {"app": "x", "io.kubernetes.pod.uid": "forged"}, "annotations": {"note": "y"}},
        overhead={"cpu": "250m", "memory": "16Mi"},
        securityContext={
            "sysctls": [{"name": "kernel/shm_rmid_forced", "value": "1"}],
            "fsGroup": 5,
            "runAsUser": 7,
            "runAsGroup": 8,
        },
    )
    config = made(obj, DnsConfig(["10.0.0.10"], ["local"], ["ndots:5"]))
    meta = config.metadata
    assert (meta.name, meta.namespace, meta.uid, meta.attempt) == ("web", "shop", UID, 3)
    assert (config.hostname, config.log_directory) == ("web", "/logs/x")
    assert dict(config.labels) == {
        "app": "x",
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.pod.uid": UID,
    }
    assert dict(config.annotations) == {"note": "y"}
    dns = config.dns_config
    assert (list(dns.servers), list(dns.searches), list(dns.options)) == (["10.0.0.10"], ["local"], ["ndots:5"])
    linux = config.linux
    assert linux.cgroup_parent == "/pw/kubepods/podx"
    assert dict(linux.sysctls) == {"kernel.shm_rmid_forced": "1"}
    assert (linux.resources.cpu_shares, linux.resources.memory_limit_in_bytes) == (1536, 64 << 20)
    assert (linux.overhead.cpu_quota, linux.overhead.memory_limit_in_bytes) == (25000, 16 << 20)
    security = linux.security_context
    assert security.privileged and list(security.supplemental_groups) == [5]
    assert (security.run_as_user.value, security.run_as_group.value) == (7, 8)
    assert security.seccomp.profile_type == pb.SecurityProfile.Unconfined


CONFINED = {"seccompProfile": {"type": "RuntimeDefault"}}


@pytest.mark.parametrize(
    ("obj", "default", "confined"),
    [
        pytest.param(pod(), False, False, id="no container has a filter to get around"),
        pytest.param(pod(), True, True, id="the node's default is to filter"),
        pytest.param(
            pod(container("a"), container("b", securityContext=CONFINED)), False, True, id="one container has"
        ),
        pytest.param(pod(securityContext=CONFINED), False, True, id="the Pod has"),
        pytest.param(
            pod(securityContext={"seccompProfile": {"type": "Unconfined"}}), True, False, id="the Pod has none"
        ),
    ],
)
def test_the_sandbox_is_confined_when_a_container_is(obj: Object, default: bool, confined: bool) -> None:
    given = SandboxInput(obj, 0, "web", DnsConfig(), "/logs", "/pw")
    got = sandbox_config(given, NodeFacts(8 << 30, seccomp_default=default)).linux.security_context.seccomp
    assert got.profile_type == (pb.SecurityProfile.RuntimeDefault if confined else pb.SecurityProfile.Unconfined)


def test_without_dns_the_runtime_copies_the_host_s_file() -> None:
    assert not made(pod()).HasField("dns_config")


def test_a_group_without_a_user_is_not_for_the_sandbox() -> None:
    assert not made(pod(securityContext={"runAsGroup": 8})).linux.security_context.HasField("run_as_group")


def test_user_namespaces_are_refused() -> None:
    with pytest.raises(SandboxError, match="hostUsers"):
        made(pod(hostUsers=False))


def test_a_quantity_that_is_none_is_told() -> None:
    with pytest.raises(SandboxError, match="resources of the pod"):
        made(pod(overhead={"cpu": "much"}))


PORT = {"containerPort": 80, "hostPort": 8080}


def test_host_ports() -> None:
    obj = pod(
        container("a", ports=[PORT, {"containerPort": 81}, {**PORT, "protocol": "UDP", "hostIP": "127.0.0.1"}, PORT]),
        init=[
            container("i", ports=[{"containerPort": 1, "hostPort": 1}]),
            container("s", restartPolicy="Always", ports=[{"containerPort": 2, "hostPort": 2, "protocol": "SCTP"}]),
        ],
    )
    got = [(pb.Protocol.Name(p.protocol), p.container_port, p.host_port, p.host_ip) for p in port_mappings(obj)]
    assert got == [("SCTP", 2, 2, ""), ("TCP", 80, 8080, ""), ("UDP", 80, 8080, "127.0.0.1")]


def test_a_pod_on_the_host_network_maps_no_ports() -> None:
    assert not made(pod(container("a", ports=[PORT]), hostNetwork=True)).port_mappings
