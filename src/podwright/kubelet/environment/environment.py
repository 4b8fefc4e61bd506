"""What a container sees, put together: variables, expanded command and arguments, mounts with the hosts file.

`kuberuntime` calls `run_options` before each container creation, `hostname` and `dns` before each sandbox. The
decisions stand in the modules beside this one; here they get their inputs and their order.
Page: https://kubernetes.io/docs/concepts/containers/container-environment/
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from podwright.api.objects import Object, metadata, namespace_of, uid_of
from podwright.api.resources import SERVICES
from podwright.client.informer import Informer
from podwright.client.interface import Client
from podwright.kubelet.environment import hosts_file
from podwright.kubelet.environment.dns_config import PodDns
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.environment.expansion import expand_all
from podwright.kubelet.environment.hostname import kernel_hostname, pod_name
from podwright.kubelet.environment.mounts import PlannedMount, carry_out, plan_mounts
from podwright.kubelet.environment.service_links import MASTER, linked_services, service_variables
from podwright.kubelet.environment.sources import Sources, Subject
from podwright.kubelet.errors import ContainerConfigError, SandboxError
from podwright.kubelet.interfaces import DnsConfig, Mount, MountedVolumes, RunOptions
from podwright.kubelet.volumes.in_thread import in_thread
from podwright.kubelet.volumes.pod_directory import make_private

_SOURCE = "kubernetes.io/config.source"
_NAMESPACE = "namespace"


def service_informer(client: Client) -> Informer:
    """The Services that containers hear of; the kubelet runs it and gives it to ContainerEnvironment."""
    return Informer(client, SERVICES, indexers={_NAMESPACE: lambda service: [namespace_of(service)]})


class ContainerEnvironment:
    """Implements interfaces.Environment.

    `node` gives what is known of the node at the time of the call; `recursive_read_only` says whether the runtime
    that a Pod will use can make mounts read-only all the way down; `node_hosts` is the node's hosts file.
    """

    def __init__(
        self,
        client: Client,
        services: Informer,
        dns: PodDns,
        *,
        pods_dir: Path,
        cluster_domain: str,
        node: Callable[[], NodeFacts],
        recursive_read_only: Callable[[Object], bool],
        node_hosts: Path = Path(hosts_file.PATH),
    ) -> None:
        self._client = client
        self._services = services
        self._dns = dns
        self._pods_dir = pods_dir
        self._cluster_domain = cluster_domain
        self._node = node
        self._recursive_read_only = recursive_read_only
        self._node_hosts = node_hosts

    async def run_options(
        self, pod: Object, container: Object, volumes: MountedVolumes, pod_ips: Sequence[str]
    ) -> RunOptions:
        """Everything that the container will see beside its image. Raises ContainerConfigError (or an ImageError)."""
        subject = Subject(pod, container, pod_ips, self._node(), volumes.paths)
        variables = await Sources(self._client, subject).variables(self._service_variables(pod))
        plans = plan_mounts(container, volumes, variables, self._recursive_read_only(pod))
        mounts = await in_thread(self._put_in_place, pod, container, plans, pod_ips)
        return RunOptions(
            env=tuple(variables.items()),
            command=expand_all(container.get("command") or (), variables),
            args=expand_all(container.get("args") or (), variables),
            mounts=mounts,
        )

    def hostname(self, pod: Object) -> str:
        """The sandbox's host name ("" for the host's network). Raises SandboxError when it is too long."""
        try:
            return kernel_hostname(pod, self._cluster_domain)
        except ValueError as error:
            raise SandboxError(str(error)) from None

    def dns(self, pod: Object) -> DnsConfig:
        """From dnsPolicy and dnsConfig."""
        return self._dns.of(pod)

    def _service_variables(self, pod: Object) -> list[tuple[str, str]]:
        if not self._services.synced:
            # A Pod from a file may be what the API server itself needs to come up.
            if (metadata(pod).get("annotations") or {}).get(_SOURCE, "api") != "api":
                return []
            raise ContainerConfigError("services have not yet been read at least once, cannot construct envvars")
        enabled = (pod.get("spec") or {}).get("enableServiceLinks")
        if enabled is None:
            raise ContainerConfigError("nil pod.spec.enableServiceLinks encountered, cannot construct envvars")
        namespace = namespace_of(pod)
        known = list(self._services.by_index(_NAMESPACE, namespace))
        if (api := self._services.get(MASTER[1], MASTER[0])) is not None:
            known.append(api)
        return service_variables(linked_services(known, namespace, enabled))

    def _put_in_place(
        self, pod: Object, container: Object, plans: Sequence[PlannedMount], pod_ips: Sequence[str]
    ) -> list[Mount]:
        """The file work of one container, in one thread."""
        directory = self._pods_dir / uid_of(pod)
        mounts = carry_out(plans, directory / "volume-subpaths", container["name"])
        on_host = bool((pod.get("spec") or {}).get("hostNetwork"))
        taken = any(mount.container_path.rstrip("/") == hosts_file.PATH for mount in mounts)
        if taken or not (pod_ips or on_host):
            return mounts
        try:
            path = self._write_hosts(pod, directory / "etc-hosts", pod_ips, on_host)
        except OSError as error:
            raise ContainerConfigError(f"the hosts file could not be written: {error}") from None
        return [*mounts, Mount(container_path=hosts_file.PATH, host_path=str(path))]

    def _write_hosts(self, pod: Object, path: Path, pod_ips: Sequence[str], on_host: bool) -> Path:
        aliases = (pod.get("spec") or {}).get("hostAliases") or ()
        if on_host:
            text = hosts_file.host_network_hosts(self._node_hosts.read_text(), aliases)
        else:
            text = hosts_file.pod_hosts(pod_ips, pod_name(pod, self._cluster_domain), aliases)
        make_private(path.parent)
        # Written in place, not renamed: other containers of the Pod have this very file mounted.
        path.write_text(text)
        path.chmod(0o644)
        return path
