"""The ClusterRoles of upstream's controllers, each bound to a service account of kube-system.

Here the controllers run in one process with rights of their own; the roles are for who runs one of them, or a fork
of one, in a Pod. Called by `reconcile.py`.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.authorization.words import CORE, READ, DefaultBinding, DefaultRole, events, rule

_PREFIX = "system:controller:"
_APPS, _STORAGE, _CERTIFICATES = "apps extensions", "storage.k8s.io", "certificates.k8s.io"
_DEVICES, _NETWORKING = "resource.k8s.io", "networking.k8s.io"
_PODS_MADE = rule("create delete list patch watch", CORE, "pods")
_SIGNERS = (
    "kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving "
    "kubernetes.io/legacy-unknown"
)

_RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "attachdetach-controller": (
        rule("list watch", CORE, "persistentvolumeclaims persistentvolumes"),
        rule(READ, CORE, "nodes"),
        rule("patch update", CORE, "nodes/status"),
        rule("list watch", CORE, "pods"),
        events(),
        rule("create delete get list watch", _STORAGE, "volumeattachments"),
        rule(READ, _STORAGE, "csidrivers"),
        rule(READ, _STORAGE, "csinodes"),
    ),
    "certificate-controller": (
        rule("delete get list watch", _CERTIFICATES, "certificatesigningrequests"),
        rule("update", _CERTIFICATES, "certificatesigningrequests/approval certificatesigningrequests/status"),
        rule("approve", _CERTIFICATES, "signers", "kubernetes.io/kube-apiserver-client-kubelet"),
        rule("sign", _CERTIFICATES, "signers", _SIGNERS),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
        events(),
    ),
    "clusterrole-aggregation-controller": (
        rule("escalate get list patch update watch", "rbac.authorization.k8s.io", "clusterroles"),
    ),
    "cronjob-controller": (
        rule("get list update watch", "batch", "cronjobs"),
        rule("create delete get list patch update watch", "batch", "jobs"),
        rule("update", "batch", "cronjobs/status"),
        rule("update", "batch", "cronjobs/finalizers"),
        rule("delete list watch", CORE, "pods"),
        events(),
    ),
    "daemon-set-controller": (
        rule(READ, _APPS, "daemonsets"),
        rule("update", _APPS, "daemonsets/status"),
        rule("update", _APPS, "daemonsets/finalizers"),
        rule("list watch", CORE, "nodes"),
        _PODS_MADE,
        rule("create", CORE, "pods/binding"),
        rule("create delete get list patch update watch", "apps", "controllerrevisions"),
        events(),
    ),
    "deployment-controller": (
        rule("get list update watch", _APPS, "deployments"),
        rule("update", _APPS, "deployments/status"),
        rule("update", _APPS, "deployments/finalizers"),
        rule("create delete get list patch update watch", _APPS, "replicasets"),
        rule("get list update watch", CORE, "pods"),
        events(),
    ),
    "device-taint-eviction-controller": (
        rule("delete get list watch", CORE, "pods"),
        rule("patch update", CORE, "pods/status"),
        rule(READ, _DEVICES, "resourceclaims"),
        rule(READ, _DEVICES, "resourceslices"),
        rule(READ, _DEVICES, "deviceclasses"),
        events(),
    ),
    "disruption-controller": (
        rule(READ, _APPS, "deployments"),
        rule(READ, _APPS, "replicasets"),
        rule(READ, CORE, "replicationcontrollers"),
        rule(READ, "policy", "poddisruptionbudgets"),
        rule(READ, "apps", "statefulsets"),
        rule("update", "policy", "poddisruptionbudgets/status"),
        rule("patch update", CORE, "pods/status"),
        rule("get", "*", "*/scale"),
        events(),
    ),
    "endpoint-controller": (
        rule(READ, CORE, "pods services"),
        rule("create delete get list update watch", CORE, "endpoints"),
        rule("create", CORE, "endpoints/restricted"),
        events(),
    ),
    "endpointslice-controller": (
        rule(READ, CORE, "nodes pods services"),
        rule("update", CORE, "services/finalizers"),
        rule("create delete get list update watch", "discovery.k8s.io", "endpointslices"),
        events(),
    ),
    "endpointslicemirroring-controller": (
        rule(READ, CORE, "endpoints services"),
        rule("update", CORE, "services/finalizers"),
        rule("update", CORE, "endpoints/finalizers"),
        rule("create delete get list update watch", "discovery.k8s.io", "endpointslices"),
        events(),
    ),
    "ephemeral-volume-controller": (
        rule(READ, CORE, "pods"),
        rule("update", CORE, "pods/finalizers"),
        rule("create get list watch", CORE, "persistentvolumeclaims"),
        events(),
    ),
    "expand-controller": (
        rule("get list patch update watch", CORE, "persistentvolumes"),
        rule("patch update", CORE, "persistentvolumeclaims/status"),
        rule(READ, CORE, "persistentvolumeclaims"),
        events(),
    ),
    "generic-garbage-collector": (rule("delete get list patch update watch", "*", "*"), events()),
    "horizontal-pod-autoscaler": (
        rule(READ, "autoscaling", "horizontalpodautoscalers"),
        rule("update", "autoscaling", "horizontalpodautoscalers/status"),
        rule("get update", "*", "*/scale"),
        rule("list watch", CORE, "pods"),
        rule("list watch", "metrics.k8s.io", "pods"),
        rule(READ, "custom.metrics.k8s.io", "*"),
        rule(READ, "external.metrics.k8s.io", "*"),
        events(),
    ),
    "job-controller": (
        rule("get list patch update watch", "batch", "jobs"),
        rule("update", "batch", "jobs/status"),
        rule("update", "batch", "jobs/finalizers"),
        _PODS_MADE,
        events(),
    ),
    "legacy-service-account-token-cleaner": (
        rule("get", CORE, "configmaps", "kube-apiserver-legacy-service-account-token-tracking"),
        rule("delete patch", CORE, "secrets"),
    ),
    "namespace-controller": (
        rule("delete get list watch", CORE, "namespaces"),
        rule("update", CORE, "namespaces/finalize namespaces/status"),
        rule("delete deletecollection get list watch", "*", "*"),
    ),
    "node-controller": (
        rule("delete get list patch update watch", CORE, "nodes"),
        rule("patch update", CORE, "nodes/status"),
        rule("patch update", CORE, "pods/status"),
        rule("delete get list watch", CORE, "pods"),
        events(),
    ),
    "persistent-volume-binder": (
        rule("create delete get list update watch", CORE, "persistentvolumes"),
        rule("update", CORE, "persistentvolumes/status"),
        rule("get list update watch", CORE, "persistentvolumeclaims"),
        rule("update", CORE, "persistentvolumeclaims/status"),
        rule("create delete get list watch", CORE, "pods"),
        rule(READ, _STORAGE, "storageclasses"),
        rule("list watch", CORE, "nodes"),
        events(),
        rule("watch", CORE, "events"),
    ),
    "pod-garbage-collector": (
        rule("delete list watch", CORE, "pods"),
        rule(READ, CORE, "nodes"),
        rule("patch", CORE, "pods/status"),
    ),
    "pv-protection-controller": (rule("get list update watch", CORE, "persistentvolumes"), events()),
    "pvc-protection-controller": (
        rule("get list update watch", CORE, "persistentvolumeclaims"),
        rule(READ, CORE, "pods"),
        events(),
    ),
    "replicaset-controller": (
        rule("get list update watch", _APPS, "replicasets"),
        rule("update", _APPS, "replicasets/status"),
        rule("update", _APPS, "replicasets/finalizers"),
        _PODS_MADE,
        events(),
    ),
    "replication-controller": (
        rule("get list update watch", CORE, "replicationcontrollers"),
        rule("update", CORE, "replicationcontrollers/status"),
        rule("update", CORE, "replicationcontrollers/finalizers"),
        _PODS_MADE,
        events(),
    ),
    "resource-claim-controller": (
        rule(READ, CORE, "pods"),
        rule("update", CORE, "pods/finalizers"),
        rule("create delete get list watch", _DEVICES, "resourceclaims"),
        rule("patch update", _DEVICES, "resourceclaims resourceclaims/status"),
        rule("patch update", _DEVICES, "resourceclaims/binding"),
        rule("patch update", CORE, "pods/status"),
        events(),
    ),
    "resourcequota-controller": (
        rule("list watch", "*", "*"),
        rule("update", CORE, "resourcequotas/status"),
        events(),
    ),
    "root-ca-cert-publisher": (rule("create update", CORE, "configmaps"), events()),
    "route-controller": (rule("list watch", CORE, "nodes"), rule("patch", CORE, "nodes/status"), events()),
    "selinux-warning-controller": (
        events(),
        rule(READ, CORE, "persistentvolumes"),
        rule(READ, CORE, "persistentvolumeclaims"),
        rule(READ, CORE, "pods"),
        rule(READ, _STORAGE, "csidrivers"),
    ),
    "service-account-controller": (rule("create", CORE, "serviceaccounts"), events()),
    "service-cidrs-controller": (
        rule("get list patch update watch", _NETWORKING, "servicecidrs"),
        rule("patch update", _NETWORKING, "servicecidrs/finalizers"),
        rule("patch update", _NETWORKING, "servicecidrs/status"),
        rule(READ, _NETWORKING, "ipaddresses"),
        events(),
    ),
    "service-controller": (
        rule(READ, CORE, "services"),
        rule("patch update", CORE, "services/status"),
        rule("list watch", CORE, "nodes"),
        events(),
    ),
    "statefulset-controller": (
        rule("list watch", CORE, "pods"),
        rule(READ, "apps", "statefulsets"),
        rule("update", "apps", "statefulsets/status"),
        rule("update", "apps", "statefulsets/finalizers"),
        rule("create delete get patch update", CORE, "pods"),
        rule("create delete get list patch update watch", "apps", "controllerrevisions"),
        rule("create get list watch", CORE, "persistentvolumeclaims"),
        rule("delete update", CORE, "persistentvolumeclaims"),
        rule("update", CORE, "pods/finalizers"),
        events(),
    ),
    "ttl-after-finished-controller": (rule("delete get list watch", "batch", "jobs"), events()),
    "ttl-controller": (rule("list patch update watch", CORE, "nodes"), events()),
    "validatingadmissionpolicy-status-controller": (
        rule(READ, "admissionregistration.k8s.io", "validatingadmissionpolicies"),
        rule("get patch update", "admissionregistration.k8s.io", "validatingadmissionpolicies/status"),
        events(),
    ),
    "volumeattributesclass-protection-controller": (
        rule(READ, CORE, "persistentvolumeclaims"),
        rule(READ, CORE, "persistentvolumes"),
        rule("get list update watch", _STORAGE, "volumeattributesclasses"),
        events(),
    ),
}

CONTROLLER_ROLES: Final[Sequence[DefaultRole]] = [DefaultRole(_PREFIX + name, rules) for name, rules in _RULES.items()]
CONTROLLER_BINDINGS: Final[Sequence[DefaultBinding]] = [
    DefaultBinding(_PREFIX + name, _PREFIX + name, accounts=(name,)) for name in _RULES
]
