"""What the runtime is asked to create for a Pod's sandbox.

What it decides: the CRI PodSandboxConfig from the Pod, its hostname, DNS settings and cgroup. Pure; called by `sandbox`
and, because every container is created with its sandbox's configuration, by `container`.
Page: https://kubernetes.io/docs/concepts/workloads/pods/#pod-networking
"""

from __future__ import annotations

from dataclasses import dataclass

from podwright.api.objects import Object, name_of, namespace_of, uid_of
from podwright.api.pods import limits, requests
from podwright.api.quantity import parse_quantity
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.errors import SandboxError
from podwright.kubelet.interfaces import DnsConfig
from podwright.kubelet.kuberuntime.labels import pod_annotations, pod_labels
from podwright.kubelet.kuberuntime.node_facts import NodeFacts
from podwright.kubelet.kuberuntime.pod_containers import app_containers, init_containers, pod_spec
from podwright.kubelet.kuberuntime.resources import summed
from podwright.kubelet.kuberuntime.security import pod_context, sandbox_security
from podwright.kubelet.sysctls import dotted

_PROTOCOLS = {"TCP": pb.Protocol.TCP, "UDP": pb.Protocol.UDP, "SCTP": pb.Protocol.SCTP}


@dataclass(frozen=True, slots=True)
class SandboxInput:
    """What is known of a Pod when its sandbox is created."""

    pod: Object
    attempt: int
    hostname: str
    dns: DnsConfig
    log_directory: str
    cgroup_parent: str


def sandbox_config(given: SandboxInput, facts: NodeFacts) -> pb.PodSandboxConfig:
    """Raises SandboxError for what a Pod may ask for and this node cannot do."""
    pod = given.pod
    if pod_spec(pod).get("hostUsers") is False:
        raise SandboxError("can't set `spec.hostUsers: false`, user namespaces are not supported by this node")
    config = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(
            name=name_of(pod), namespace=namespace_of(pod), uid=uid_of(pod), attempt=given.attempt
        ),
        hostname=given.hostname,
        log_directory=given.log_directory,
        port_mappings=[] if pod_spec(pod).get("hostNetwork") else port_mappings(pod),
        labels=pod_labels(pod),
        annotations=pod_annotations(pod),
        linux=pb.LinuxPodSandboxConfig(
            cgroup_parent=given.cgroup_parent,
            security_context=sandbox_security(pod, facts),
            sysctls={dotted(s["name"]): s["value"] for s in pod_context(pod).get("sysctls") or ()},
        ),
    )
    dns = given.dns
    if dns.servers or dns.searches or dns.options:
        config.dns_config.CopyFrom(pb.DNSConfig(servers=dns.servers, searches=dns.searches, options=dns.options))
    try:
        config.linux.resources.CopyFrom(summed(requests(pod, overhead=False), limits(pod, overhead=False), facts))
        overhead = {name: parse_quantity(value) for name, value in (pod_spec(pod).get("overhead") or {}).items()}
        if overhead:
            config.linux.overhead.CopyFrom(summed(overhead, overhead, facts))
    except ValueError as error:
        raise SandboxError(f"resources of the pod: {error}") from error
    return config


def port_mappings(pod: Object) -> list[pb.PortMapping]:
    """The ports of the node that lead into the Pod, each (protocol, address, port) once."""
    mapped: dict[tuple[str, str, int], pb.PortMapping] = {}
    # A plain init container is gone before anything could be asked of its ports; a sidecar stays.
    holders = [*(m for m in init_containers(pod) if m.is_sidecar), *app_containers(pod)]
    for port in (port for m in holders for port in m.spec.get("ports") or ()):
        host_port = int(port.get("hostPort") or 0)
        if not host_port:
            continue
        protocol, address = port.get("protocol") or "TCP", port.get("hostIP") or ""
        mapped[protocol, address, host_port] = pb.PortMapping(
            protocol=_PROTOCOLS[protocol],
            container_port=int(port["containerPort"]),
            host_port=host_port,
            host_ip=address,
        )
    return list(mapped.values())
