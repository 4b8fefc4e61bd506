"""What the default roles allow, told by verb and resource as `kubectl auth can-i` asks."""

from __future__ import annotations

import pytest
from tests.apiserver.authorization.judged import binding, default_policies, jane, user

from podwright.api.resources import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES, Resource
from podwright.apiserver.authorization.rbac import Rbac
from podwright.apiserver.authorization.reconcile import defaults
from podwright.apiserver.routes import Asked

DEFAULTS = defaults()
READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")


def allowed(role: str, verb: str, resource: str) -> bool:
    """Whether a ClusterRole that is bound in namespace `ns` allows a verb there on `pods`, `pods/log`, `jobs.batch`."""
    policies = default_policies()
    policies.put_binding("ns", "tenants", binding("ClusterRole", role, jane()))
    name, _, subresource = resource.partition("/")
    plural, _, group = name.partition(".")
    what = Asked(verb, "/", group=group, version="v1", plural=plural, namespace="ns", name="a", subresource=subresource)
    return Rbac(policies).allowed(user("jane"), what)


@pytest.mark.parametrize(
    ("resource", "view", "edit", "admin"),
    [
        pytest.param("pods", READ, READ + WRITE, READ + WRITE, id="Pods are seen, and changed by who edits"),
        pytest.param("pods/log", READ, READ, READ, id="logs are read by all"),
        pytest.param("pods/status", READ, READ, READ, id="no tenant says how a Pod is"),
        pytest.param("pods/exec", (), READ + WRITE, READ + WRITE, id="commands run, not for who looks only"),
        pytest.param("pods/eviction", (), ("create",), ("create",), id="evictions are made"),
        pytest.param("pods/resize", (), (), (), id="resizing takes a role of its own"),
        pytest.param("pods/ephemeralcontainers", (), (), (), id="debug containers take a role of their own"),
        pytest.param("pods/binding", (), (), (), id="binding is the scheduler's"),
        pytest.param("endpoints", READ, READ, READ, id="Endpoints are written by no tenant, since 1.22"),
        pytest.param("endpointslices.discovery.k8s.io", READ, READ, READ, id="nor are EndpointSlices"),
        pytest.param("secrets", (), READ + WRITE, READ + WRITE, id="Secrets are nothing for who looks only"),
        pytest.param("configmaps", READ, READ + WRITE, READ + WRITE, id="ConfigMaps are"),
        pytest.param("serviceaccounts", READ, READ + WRITE, READ + WRITE, id="service accounts are made"),
        pytest.param("serviceaccounts/token", (), ("create",), ("create",), id="and tokens for them"),
        pytest.param("events", READ, READ + WRITE, READ + WRITE, id="Events are written in the core group"),
        pytest.param("events.events.k8s.io", (), (), (), id="and not in the other one"),
        pytest.param("limitranges", READ, READ, READ, id="no tenant sets its own limits"),
        pytest.param("resourcequotas", READ, READ, READ, id="nor its own quota"),
        pytest.param("namespaces", READ, READ, READ, id="the namespace itself is only seen"),
        pytest.param("deployments.apps", READ, READ + WRITE, READ + WRITE, id="Deployments"),
        pytest.param("deployments.apps/scale", READ, READ + WRITE, READ + WRITE, id="are scaled"),
        pytest.param("daemonsets.apps/status", READ, READ, READ, id="statuses are read"),
        pytest.param("controllerrevisions.apps", READ, READ, READ, id="revisions are read"),
        pytest.param("cronjobs.batch", READ, READ + WRITE, READ + WRITE, id="CronJobs"),
        pytest.param("leases.coordination.k8s.io", (), READ + WRITE, READ + WRITE, id="Leases, for who edits"),
        pytest.param(
            "networkpolicies.networking.k8s.io", READ, READ + WRITE, READ + WRITE, id="what is not served, too"
        ),
        pytest.param("resourceclaims.resource.k8s.io", READ, READ + WRITE, READ + WRITE, id="devices are claimed"),
        pytest.param("resourceclaims.resource.k8s.io/status", READ, READ, READ, id="how a claim is, is read"),
        pytest.param("deviceclasses.resource.k8s.io", (), (), (), id="classes of devices are the cluster's"),
        pytest.param("roles.rbac.authorization.k8s.io", (), (), READ + WRITE, id="roles are the admin's"),
        pytest.param("rolebindings.rbac.authorization.k8s.io", (), (), READ + WRITE, id="bindings too"),
        pytest.param("localsubjectaccessreviews.authorization.k8s.io", (), (), ("create",), id="who asks for others"),
        pytest.param("nodes", (), (), (), id="nothing of the cluster"),
        pytest.param("persistentvolumes", (), (), (), id="no volume of the cluster"),
    ],
)
def test_tenants(resource: str, view: tuple[str, ...], edit: tuple[str, ...], admin: tuple[str, ...]) -> None:
    for role, verbs in (("view", view), ("edit", edit), ("admin", admin)):
        may = {verb for verb in READ + WRITE if allowed(role, verb, resource)}
        assert may == set(verbs), role


def test_impersonating_service_accounts_comes_with_edit() -> None:
    assert [allowed(role, "impersonate", "serviceaccounts") for role in ("view", "edit", "admin")] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        pytest.param(
            "system:node-proxier",
            ("list services", "watch endpointslices.discovery.k8s.io", "list servicecidrs.networking.k8s.io"),
            ("get services", "list pods"),
            id="a proxy follows Services",
        ),
        pytest.param(
            "system:kube-scheduler",
            ("create pods/binding", "delete pods", "update leases.coordination.k8s.io",
             "patch resourceclaims.resource.k8s.io/binding", "create leasecandidates.coordination.k8s.io"),
            ("list leases.coordination.k8s.io", "create pods", "get secrets"),
            id="a scheduler binds, and renews its own Lease",
        ),
        pytest.param(
            "system:kubelet-api-admin",
            ("get nodes/configz", "create nodes/proxy", "get nodes/pods"),
            ("get nodes/spec", "update nodes"),
            id="the kubelet's API, by each of its parts",
        ),
        pytest.param(
            "system:auth-delegator",
            ("create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io"),
            ("create localsubjectaccessreviews.authorization.k8s.io",),
            id="who delegates asks about others",
        ),
        pytest.param(
            "system:kube-dns", ("list services", "watch endpoints"), ("list endpointslices.discovery.k8s.io",),
            id="kube-dns as it once was",
        ),
        pytest.param(
            "system:controller:horizontal-pod-autoscaler",
            ("update deployments.apps/scale", "get widgets.example.com/scale", "list pods.metrics.k8s.io"),
            ("update deployments.apps",),
            id="an autoscaler writes scales only",
        ),
    ],
)  # fmt: skip
def test_components(role: str, may: tuple[str, ...], may_not: tuple[str, ...]) -> None:
    def allows(said: str) -> bool:
        verb, _, resource = said.partition(" ")
        name = {"leases.coordination.k8s.io": "kube-scheduler"}.get(resource, "a") if verb == "update" else ""
        plural, _, subresource = resource.partition("/")
        plural, _, group = plural.partition(".")
        asked = Asked(verb, "/", group=group, version="v1", plural=plural, name=name, subresource=subresource)
        policies = default_policies()
        policies.put_binding("", "bound", binding("ClusterRole", role, jane()))
        return Rbac(policies).allowed(user("jane"), asked)

    assert [said for said in may if not allows(said)] == []
    assert [said for said in may_not if allows(said)] == []


def test_who_monitors_reads_each_page_of_a_component() -> None:
    policies = default_policies()
    monitor = user("prometheus", "system:monitoring")
    for path in ("/metrics", "/livez/ping", "/statusz", "/flagz"):
        assert Rbac(policies).allowed(monitor, Asked("get", path)), path
    assert not Rbac(policies).allowed(monitor, Asked("get", "/debug/pprof/"))


_NAMES = """
admin cluster-admin edit view
system:aggregate-to-admin system:aggregate-to-edit system:aggregate-to-view system:auth-delegator system:basic-user
system:discovery system:heapster system:kube-aggregator system:kube-controller-manager system:kube-dns
system:kube-scheduler system:kubelet-api-admin system:monitoring system:node system:node-bootstrapper
system:node-problem-detector system:node-proxier system:persistent-volume-provisioner system:public-info-viewer
system:service-account-issuer-discovery system:volume-scheduler
system:certificates.k8s.io:certificatesigningrequests:nodeclient
system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
system:certificates.k8s.io:kube-apiserver-client-approver
system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
system:certificates.k8s.io:kubelet-serving-approver system:certificates.k8s.io:legacy-unknown-approver
"""
_CONTROLLERS = """
attachdetach-controller certificate-controller clusterrole-aggregation-controller cronjob-controller
daemon-set-controller deployment-controller device-taint-eviction-controller disruption-controller endpoint-controller
endpointslice-controller endpointslicemirroring-controller ephemeral-volume-controller expand-controller
generic-garbage-collector horizontal-pod-autoscaler job-controller legacy-service-account-token-cleaner
namespace-controller node-controller persistent-volume-binder pod-garbage-collector pv-protection-controller
pvc-protection-controller replicaset-controller replication-controller resource-claim-controller
resourcequota-controller root-ca-cert-publisher route-controller selinux-warning-controller service-account-controller
service-cidrs-controller service-controller statefulset-controller ttl-after-finished-controller ttl-controller
validatingadmissionpolicy-status-controller volumeattributesclass-protection-controller
"""


def test_every_role_that_upstream_has_is_there() -> None:
    """Charts bind to these names. Roles of feature gates that are off in 1.36 are not among them."""
    wanted = {*_NAMES.split(), *(f"system:controller:{name}" for name in _CONTROLLERS.split())}
    assert {role["metadata"]["name"] for role in DEFAULTS[CLUSTER_ROLES]} == wanted


@pytest.mark.parametrize(
    ("roles", "bindings"),
    [(CLUSTER_ROLES, CLUSTER_ROLE_BINDINGS), (ROLES, ROLE_BINDINGS)],
    ids=["cluster", "namespace"],
)
def test_every_binding_is_of_a_role_that_is_there(roles: Resource, bindings: Resource) -> None:
    there = {(role["metadata"].get("namespace"), role["metadata"]["name"]) for role in DEFAULTS[roles]}
    for bound in DEFAULTS[bindings]:
        assert (bound["metadata"].get("namespace"), bound["roleRef"]["name"]) in there
