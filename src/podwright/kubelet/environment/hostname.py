"""What a Pod is called inside: its host name and its domain.

Pure. The sandbox is made with the host name, the hosts file and setHostnameAsFQDN use both.
Page: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-hostname-and-subdomain-fields
"""

from __future__ import annotations

from dataclasses import dataclass

from podwright.api.objects import Object, metadata

LABEL_LIMIT = 63
FQDN_LIMIT = 64
"""The longest host name that Linux takes."""


@dataclass(frozen=True, slots=True)
class PodName:
    """The host name and the domain ("" for none) of a Pod."""

    host: str
    domain: str = ""

    @property
    def fqdn(self) -> str:
        """Both, joined."""
        return f"{self.host}.{self.domain}" if self.domain else self.host


def pod_name(pod: Object, cluster_domain: str) -> PodName:
    """The name by which the Pod knows itself; a domain only where it sets a subdomain."""
    spec, meta = pod.get("spec") or {}, metadata(pod)
    if override := spec.get("hostnameOverride"):
        return PodName(override)
    host = str(spec.get("hostname") or meta.get("name") or "")
    if len(host) > LABEL_LIMIT:
        host = host[:LABEL_LIMIT].rstrip("-.")
    subdomain = spec.get("subdomain") or ""
    domain = f"{subdomain}.{meta.get('namespace') or ''}.svc.{cluster_domain}" if subdomain else ""
    return PodName(host, domain)


def kernel_hostname(pod: Object, cluster_domain: str) -> str:
    """What the sandbox is to be called; "" on the host's network, where the node's own name applies.

    Raises ValueError when setHostnameAsFQDN gives a name that Linux cannot take.
    """
    spec = pod.get("spec") or {}
    if spec.get("hostNetwork") and not spec.get("hostnameOverride"):
        return ""
    name = pod_name(pod, cluster_domain)
    if not spec.get("setHostnameAsFQDN"):
        return name.host
    if len(name.fqdn) > FQDN_LIMIT:
        raise ValueError(
            f"failed to construct FQDN from pod hostname and cluster domain, FQDN {name.fqdn} is too long "
            f"({FQDN_LIMIT} characters is the max, {len(name.fqdn)} characters requested)"
        )
    return name.fqdn
