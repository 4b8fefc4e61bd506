"""Which labels a kubelet may give its own node.

Pure; called by `podwright up` for its flag and by the admission plugin NodeRestriction.
Page: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""

from __future__ import annotations

_OWN_DOMAINS = ("kubernetes.io", "k8s.io")
_RESTRICTED_DOMAIN = "node-restriction.kubernetes.io"
KUBELET_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
KUBELET_LABELS = frozenset(
    (
        "kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os", "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
    )
)  # fmt: skip


def of_kubelets(label: str) -> bool:
    """Whether a kubelet may give its node a label: its own, and those that are nobody's in particular."""
    domain = label.rpartition("/")[0]

    def within(*domains: str) -> bool:
        return any(domain == d or domain.endswith(f".{d}") for d in domains)

    if within(_RESTRICTED_DOMAIN):
        return False
    return not within(*_OWN_DOMAINS) or label in KUBELET_LABELS or within(*KUBELET_DOMAINS)
