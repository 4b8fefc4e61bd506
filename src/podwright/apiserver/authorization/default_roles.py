"""The ClusterRoles, Roles and bindings that every cluster has from its first moment.

Names, rules and subjects are upstream's (Kubernetes 1.36, with the feature gates that are on there), also for what is
not served here, since charts bind to them. Those for controllers stand in `controller_roles.py`. Called by
`reconcile.py`; the node authorizer uses the node's rules as they stand here.
Page: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from podwright.apiserver.authorization.rule import Rule
from podwright.apiserver.authorization.words import (
    CORE,
    READ,
    READ_UPDATE,
    READ_WRITE,
    WRITE,
    DefaultBinding,
    DefaultRole,
    events,
    rule,
)

_AUTHN, _AUTHZ, _RBAC = "authentication.k8s.io", "authorization.k8s.io", "rbac.authorization.k8s.io"
_CERTIFICATES, _STORAGE, _LEASES = "certificates.k8s.io", "storage.k8s.io", "coordination.k8s.io"
_DISCOVERY, _NETWORKING, _DEVICES = "discovery.k8s.io", "networking.k8s.io", "resource.k8s.io"
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_HEALTH = ("/healthz", "/livez", "/readyz")
_VERSION = ("/version", "/version/")
_TOKEN_REVIEWS = rule("create", _AUTHN, "tokenreviews")
_ACCESS_REVIEWS = rule("create", _AUTHZ, "subjectaccessreviews")
_SIGNING_REQUESTS = rule("create get list watch", _CERTIFICATES, "certificatesigningrequests")

NODE_RULES: Final[Sequence[Rule]] = (
    _TOKEN_REVIEWS,
    rule("create", _AUTHZ, "localsubjectaccessreviews subjectaccessreviews"),
    rule(READ, CORE, "services"),
    rule("create get list watch", CORE, "nodes"),
    rule("patch update", CORE, "nodes/status"),
    rule("patch update", CORE, "nodes"),
    rule("create patch update", CORE, "events"),
    rule(READ, CORE, "pods"),
    rule("create delete", CORE, "pods"),
    rule("patch update", CORE, "pods/status"),
    rule("create", CORE, "pods/eviction"),
    rule(READ, CORE, "configmaps secrets"),
    rule("get", CORE, "persistentvolumeclaims persistentvolumes"),
    rule("get", CORE, "endpoints"),
    _SIGNING_REQUESTS,
    rule("create delete get patch update", _LEASES, "leases"),
    rule("get", _STORAGE, "volumeattachments"),
    rule("get patch update", CORE, "persistentvolumeclaims/status"),
    rule("create", CORE, "serviceaccounts/token"),
    rule(READ, _STORAGE, "csidrivers"),
    rule("create delete get patch update", _STORAGE, "csinodes"),
    rule(READ, "node.k8s.io", "runtimeclasses"),
    rule("get", _DEVICES, "resourceclaims"),
    rule("deletecollection", _DEVICES, "resourceslices"),
    rule("get", CORE, "serviceaccounts"),
)
"""What kubelets may; the node authorizer narrows it down to their own node and Pods."""

_EXTENSIONS_WRITTEN = (
    "daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets "
    "replicasets/scale replicationcontrollers/scale"
)
_EDIT = (
    rule(READ, CORE, "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    rule("impersonate", CORE, "serviceaccounts"),
    rule(WRITE, CORE, "pods pods/attach pods/exec pods/portforward pods/proxy"),
    rule("create", CORE, "pods/eviction"),
    rule(
        WRITE,
        CORE,
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets "
        "serviceaccounts services services/proxy",
    ),
    rule("create", CORE, "serviceaccounts/token"),
    rule(
        WRITE,
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets "
        "statefulsets/scale",
    ),
    rule(WRITE, "autoscaling", "horizontalpodautoscalers"),
    rule(WRITE, "batch", "cronjobs jobs"),
    rule(WRITE, "extensions", _EXTENSIONS_WRITTEN),
    rule(WRITE, "policy", "poddisruptionbudgets"),
    rule(WRITE, _NETWORKING, "ingresses networkpolicies"),
    rule(READ_WRITE, _LEASES, "leases"),
    rule(WRITE, _DEVICES, "resourceclaims resourceclaimtemplates"),
)
_VIEW = (
    rule(
        READ,
        CORE,
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers "
        "replicationcontrollers/scale serviceaccounts services services/status",
    ),
    rule(
        READ,
        CORE,
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status",
    ),
    rule(READ, CORE, "namespaces"),
    rule(READ, _DISCOVERY, "endpointslices"),
    rule(
        READ,
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status "
        "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status",
    ),
    rule(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    rule(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    rule(
        READ,
        "extensions",
        "daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status "
        "networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale",
    ),
    rule(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    rule(READ, _NETWORKING, "ingresses ingresses/status networkpolicies"),
    rule(READ, _DEVICES, "resourceclaims resourceclaims/status resourceclaimtemplates"),
)
_SCHEDULER = (
    events(),
    rule("create", _LEASES, "leases"),
    rule("get list update watch", _LEASES, "leases", "kube-scheduler"),
    rule(READ_WRITE, _LEASES, "leasecandidates"),
    rule(READ, CORE, "nodes"),
    rule("delete get list watch", CORE, "pods"),
    rule("create", CORE, "bindings pods/binding"),
    rule("patch update", CORE, "pods/status"),
    rule(READ, CORE, "replicationcontrollers services"),
    rule(READ, "apps extensions", "replicasets"),
    rule(READ, "apps", "statefulsets"),
    rule(READ, "policy", "poddisruptionbudgets"),
    rule(READ, CORE, "persistentvolumeclaims persistentvolumes"),
    _TOKEN_REVIEWS,
    _ACCESS_REVIEWS,
    rule(READ, _STORAGE, "csinodes"),
    rule(READ, CORE, "namespaces"),
    rule(READ, _STORAGE, "csidrivers"),
    rule(READ, _STORAGE, "csistoragecapacities"),
    rule(READ, _STORAGE, "volumeattachments"),
    rule(READ, _DEVICES, "deviceclasses"),
    rule(READ_UPDATE, _DEVICES, "resourceclaims"),
    rule(READ_UPDATE, _DEVICES, "resourceclaims/status"),
    rule("patch update", _DEVICES, "resourceclaims/binding"),
    rule(READ_UPDATE, CORE, "pods/finalizers"),
    rule(READ, _DEVICES, "resourceslices"),
)
_CONTROLLER_MANAGER = (
    events(),
    rule("create", _LEASES, "leases"),
    rule("get update", _LEASES, "leases", "kube-controller-manager"),
    rule("create", CORE, "secrets serviceaccounts"),
    rule("delete", CORE, "secrets"),
    rule("get", CORE, "configmaps namespaces secrets serviceaccounts"),
    rule("update", CORE, "secrets serviceaccounts"),
    _TOKEN_REVIEWS,
    _ACCESS_REVIEWS,
    rule("list watch", "*", "*"),
    rule("create", CORE, "serviceaccounts/token"),
)


def _approver(signer: str) -> DefaultRole:
    name = f"system:certificates.k8s.io:{signer}-approver"
    return DefaultRole(name, (rule("approve", _CERTIFICATES, "signers", f"kubernetes.io/{signer}"),))


CLUSTER_ROLES: Final[Sequence[DefaultRole]] = (
    DefaultRole("cluster-admin", (rule("*", "*", "*"), Rule(("*",), paths=("*",)))),
    DefaultRole(
        "system:discovery",
        (Rule(("get",), paths=("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_HEALTH, *_VERSION)),),
    ),
    DefaultRole(
        "system:monitoring",
        (
            Rule(("get",), paths=("/metrics", "/metrics/slis", *_HEALTH, *(f"{path}/*" for path in _HEALTH))),
            Rule(("get",), paths=("/flagz",)),
            Rule(("get",), paths=("/statusz",)),
        ),
    ),
    DefaultRole(
        "system:basic-user",
        (
            rule("create", _AUTHZ, "selfsubjectaccessreviews selfsubjectrulesreviews"),
            rule("create", _AUTHN, "selfsubjectreviews"),
        ),
    ),
    DefaultRole("system:public-info-viewer", (Rule(("get",), paths=(*_HEALTH, *_VERSION)),)),
    DefaultRole("admin", aggregates=f"{_AGGREGATE}admin"),
    DefaultRole("edit", labels=(f"{_AGGREGATE}admin",), aggregates=f"{_AGGREGATE}edit"),
    DefaultRole("view", labels=(f"{_AGGREGATE}edit",), aggregates=f"{_AGGREGATE}view"),
    DefaultRole(
        "system:aggregate-to-admin",
        (rule("create", _AUTHZ, "localsubjectaccessreviews"), rule(READ_WRITE, _RBAC, "rolebindings roles")),
        (f"{_AGGREGATE}admin",),
    ),
    DefaultRole("system:aggregate-to-edit", _EDIT, (f"{_AGGREGATE}edit",)),
    DefaultRole("system:aggregate-to-view", _VIEW, (f"{_AGGREGATE}view",)),
    DefaultRole("system:node", NODE_RULES),
    DefaultRole(
        "system:node-problem-detector",
        (rule("get", CORE, "nodes"), rule("patch", CORE, "nodes/status"), events()),
    ),
    DefaultRole(
        "system:kubelet-api-admin",
        (
            rule(READ, CORE, "nodes"),
            rule("proxy", CORE, "nodes"),
            rule("*", CORE, "nodes/log nodes/metrics nodes/proxy nodes/stats"),
            rule("*", CORE, "nodes/configz nodes/healthz nodes/pods"),
        ),
    ),
    DefaultRole("system:node-bootstrapper", (_SIGNING_REQUESTS,)),
    DefaultRole("system:auth-delegator", (_TOKEN_REVIEWS, _ACCESS_REVIEWS)),
    DefaultRole("system:kube-aggregator", (rule(READ, CORE, "endpoints services"),)),
    DefaultRole("system:kube-controller-manager", _CONTROLLER_MANAGER),
    DefaultRole("system:kube-dns", (rule("list watch", CORE, "endpoints services"),)),
    DefaultRole(
        "system:heapster",
        (rule(READ, CORE, "events namespaces nodes pods"), rule(READ, "extensions", "deployments")),
    ),
    DefaultRole(
        "system:persistent-volume-provisioner",
        (
            rule("create delete get list watch", CORE, "persistentvolumes"),
            rule("get list update watch", CORE, "persistentvolumeclaims"),
            rule(READ, _STORAGE, "storageclasses"),
            rule("watch", CORE, "events"),
            events(),
        ),
    ),
    DefaultRole(
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        (rule("create", _CERTIFICATES, "certificatesigningrequests/nodeclient"),),
    ),
    DefaultRole(
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        (rule("create", _CERTIFICATES, "certificatesigningrequests/selfnodeclient"),),
    ),
    DefaultRole(
        "system:volume-scheduler",
        (
            rule("get list patch update watch", CORE, "persistentvolumes"),
            rule(READ, _STORAGE, "storageclasses"),
            rule("get list patch update watch", CORE, "persistentvolumeclaims"),
        ),
    ),
    _approver("legacy-unknown"),
    _approver("kubelet-serving"),
    _approver("kube-apiserver-client"),
    _approver("kube-apiserver-client-kubelet"),
    DefaultRole(
        "system:service-account-issuer-discovery",
        (Rule(("get",), paths=("/.well-known/openid-configuration", "/.well-known/openid-configuration/",
                               "/openid/v1/jwks", "/openid/v1/jwks/")),),
    ),
    DefaultRole(
        "system:node-proxier",
        (
            rule("list watch", CORE, "endpoints services"),
            rule(READ, CORE, "nodes"),
            events(),
            rule("list watch", _NETWORKING, "servicecidrs"),
            rule("list watch", _DISCOVERY, "endpointslices"),
        ),
    ),
    DefaultRole("system:kube-scheduler", _SCHEDULER),
)  # fmt: skip

_AUTHENTICATED, _UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"


def _to_users(role: str, *users: str) -> DefaultBinding:
    return DefaultBinding(role, role, users=users)


def _to_groups(role: str, *groups: str) -> DefaultBinding:
    return DefaultBinding(role, role, groups=groups)


CLUSTER_ROLE_BINDINGS: Final[Sequence[DefaultBinding]] = (
    _to_groups("cluster-admin", "system:masters"),
    _to_groups("system:monitoring", "system:monitoring"),
    _to_groups("system:discovery", _AUTHENTICATED),
    _to_groups("system:basic-user", _AUTHENTICATED),
    _to_groups("system:public-info-viewer", _AUTHENTICATED, _UNAUTHENTICATED),
    _to_users("system:node-proxier", "system:kube-proxy"),
    _to_users("system:kube-controller-manager", "system:kube-controller-manager"),
    DefaultBinding("system:kube-dns", "system:kube-dns", accounts=("kube-dns",)),
    _to_users("system:kube-scheduler", "system:kube-scheduler"),
    _to_users("system:volume-scheduler", "system:kube-scheduler"),
    # Kubelets are judged by the node authorizer; the binding stands, and binds nobody.
    DefaultBinding("system:node", "system:node"),
    _to_groups("system:service-account-issuer-discovery", "system:serviceaccounts"),
    # As cluster installers have it: nodes renew their own certificates.
    DefaultBinding(
        "podwright:node-autoapprove-certificate-rotation",
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        groups=("system:nodes",),
    ),
)

_SYSTEM, _PUBLIC = "kube-system", "kube-public"
_READER = "extension-apiserver-authentication-reader"
_MANAGER_LOCK = "system::leader-locking-kube-controller-manager"
_SCHEDULER_LOCK = "system::leader-locking-kube-scheduler"
_SIGNER, _CLEANER = "system:controller:bootstrap-signer", "system:controller:token-cleaner"
_CLOUD = "system:controller:cloud-provider"
_LOCKING = (
    rule("create get list update watch", _LEASES, "leases"),
    rule("create get list update watch", _LEASES, "leasecandidates"),
)

ROLES: Final[Sequence[DefaultRole]] = (
    DefaultRole(_READER, (rule(READ, CORE, "configmaps", "extension-apiserver-authentication"),), namespace=_SYSTEM),
    DefaultRole(_MANAGER_LOCK, _LOCKING, namespace=_SYSTEM),
    DefaultRole(_SCHEDULER_LOCK, _LOCKING, namespace=_SYSTEM),
    DefaultRole(_SIGNER, (rule(READ, CORE, "secrets"),), namespace=_SYSTEM),
    DefaultRole(_CLOUD, (rule("create get list watch", CORE, "configmaps"),), namespace=_SYSTEM),
    DefaultRole(_CLEANER, (rule("delete get list watch", CORE, "secrets"), events()), namespace=_SYSTEM),
    DefaultRole(
        _SIGNER,
        (rule(READ, CORE, "configmaps"), rule("update", CORE, "configmaps", "cluster-info"), events()),
        namespace=_PUBLIC,
    ),
)
ROLE_BINDINGS: Final[Sequence[DefaultBinding]] = (
    DefaultBinding(
        f"system::{_READER}",
        _READER,
        users=("system:kube-controller-manager", "system:kube-scheduler"),
        namespace=_SYSTEM,
    ),
    DefaultBinding(
        _MANAGER_LOCK,
        _MANAGER_LOCK,
        users=("system:kube-controller-manager",),
        accounts=("kube-controller-manager", "leader-election-controller"),
        namespace=_SYSTEM,
    ),
    DefaultBinding(
        _SCHEDULER_LOCK,
        _SCHEDULER_LOCK,
        users=("system:kube-scheduler",),
        accounts=("kube-scheduler",),
        namespace=_SYSTEM,
    ),
    DefaultBinding(_SIGNER, _SIGNER, accounts=("bootstrap-signer",), namespace=_SYSTEM),
    DefaultBinding(_CLOUD, _CLOUD, accounts=("cloud-provider",), namespace=_SYSTEM),
    DefaultBinding(_CLEANER, _CLEANER, accounts=("token-cleaner",), namespace=_SYSTEM),
    DefaultBinding(_SIGNER, _SIGNER, accounts=("bootstrap-signer",), namespace=_PUBLIC),
)
