"""The table of the resources that are served: one row each; what is special stands in the row's strategy.

The server builds its routes, discovery and storage from `ROWS`; a resource without a row does not exist.
Page: https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from collections.abc import Sequence

from podwright.api import resources
from podwright.apiserver.registry.certificate_signing_request import CertificateSigningRequestStrategy
from podwright.apiserver.registry.config_map import ConfigMapStrategy
from podwright.apiserver.registry.controller_revision import ControllerRevisionStrategy
from podwright.apiserver.registry.cron_job import CronJobStrategy
from podwright.apiserver.registry.daemon_set import DaemonSetStrategy
from podwright.apiserver.registry.deployment import DeploymentStrategy
from podwright.apiserver.registry.endpoint_slice import EndpointSliceStrategy
from podwright.apiserver.registry.endpoints import EndpointsStrategy
from podwright.apiserver.registry.event import EventStrategy, EventV1Strategy
from podwright.apiserver.registry.ingress import IngressStrategy
from podwright.apiserver.registry.ingress_class import IngressClassStrategy
from podwright.apiserver.registry.job import JobStrategy
from podwright.apiserver.registry.lease import LeaseStrategy
from podwright.apiserver.registry.limit_range import LimitRangeStrategy
from podwright.apiserver.registry.namespace import NamespaceStrategy
from podwright.apiserver.registry.node import NodeStrategy
from podwright.apiserver.registry.persistent_volume import PersistentVolumeStrategy
from podwright.apiserver.registry.persistent_volume_claim import PersistentVolumeClaimStrategy
from podwright.apiserver.registry.pod import PodStrategy
from podwright.apiserver.registry.pod_disruption_budget import PodDisruptionBudgetStrategy
from podwright.apiserver.registry.pod_template_objects import PodTemplateStrategy
from podwright.apiserver.registry.priority_class import PriorityClassStrategy
from podwright.apiserver.registry.replica_set import ReplicaSetStrategy, ReplicationControllerStrategy
from podwright.apiserver.registry.resource_quota import ResourceQuotaStrategy
from podwright.apiserver.registry.role import ClusterRoleStrategy, RoleStrategy
from podwright.apiserver.registry.role_binding import ClusterRoleBindingStrategy, RoleBindingStrategy
from podwright.apiserver.registry.runtime_class import RuntimeClassStrategy
from podwright.apiserver.registry.secret import SecretStrategy
from podwright.apiserver.registry.service import ServiceStrategy
from podwright.apiserver.registry.service_account import ServiceAccountStrategy
from podwright.apiserver.registry.stateful_set import StatefulSetStrategy
from podwright.apiserver.registry.storage_class import StorageClassStrategy
from podwright.apiserver.registry.strategy import Row
from podwright.apiserver.registry.webhook_configuration import WebhookConfigurationStrategy

_CORE = "io.k8s.api.core.v1."
_RBAC = "io.k8s.api.rbac.v1."
_APPS = "io.k8s.api.apps.v1."

ROWS: Sequence[Row] = (
    Row(
        resources.NAMESPACES,
        NamespaceStrategy(),
        _CORE + "Namespace",
        singular="namespace",
        short_names=("ns",),
        subresources=("status", "finalize"),
    ),
    Row(
        resources.PODS,
        PodStrategy(),
        _CORE + "Pod",
        singular="pod",
        short_names=("po",),
        categories=("all",),
        subresources=("status",),
    ),
    Row(
        resources.NODES,
        NodeStrategy(),
        _CORE + "Node",
        singular="node",
        short_names=("no",),
        subresources=("status",),
    ),
    Row(resources.SECRETS, SecretStrategy(), _CORE + "Secret", singular="secret"),
    Row(resources.CONFIG_MAPS, ConfigMapStrategy(), _CORE + "ConfigMap", singular="configmap", short_names=("cm",)),
    Row(
        resources.SERVICE_ACCOUNTS,
        ServiceAccountStrategy(),
        _CORE + "ServiceAccount",
        singular="serviceaccount",
        short_names=("sa",),
    ),
    Row(
        resources.SERVICES,
        ServiceStrategy(),
        _CORE + "Service",
        singular="service",
        short_names=("svc",),
        categories=("all",),
        subresources=("status",),
    ),
    Row(resources.POD_TEMPLATES, PodTemplateStrategy(), _CORE + "PodTemplate", singular="podtemplate"),
    Row(
        resources.REPLICATION_CONTROLLERS,
        ReplicationControllerStrategy(),
        _CORE + "ReplicationController",
        singular="replicationcontroller",
        short_names=("rc",),
        categories=("all",),
        subresources=("status", "scale"),
    ),
    Row(
        resources.DEPLOYMENTS,
        DeploymentStrategy(),
        _APPS + "Deployment",
        singular="deployment",
        short_names=("deploy",),
        categories=("all",),
        subresources=("status", "scale"),
    ),
    Row(
        resources.REPLICA_SETS,
        ReplicaSetStrategy(),
        _APPS + "ReplicaSet",
        singular="replicaset",
        short_names=("rs",),
        categories=("all",),
        subresources=("status", "scale"),
    ),
    Row(
        resources.STATEFUL_SETS,
        StatefulSetStrategy(),
        _APPS + "StatefulSet",
        singular="statefulset",
        short_names=("sts",),
        categories=("all",),
        subresources=("status", "scale"),
    ),
    Row(
        resources.DAEMON_SETS,
        DaemonSetStrategy(),
        _APPS + "DaemonSet",
        singular="daemonset",
        short_names=("ds",),
        categories=("all",),
        subresources=("status",),
    ),
    Row(
        resources.CONTROLLER_REVISIONS,
        ControllerRevisionStrategy(),
        _APPS + "ControllerRevision",
        singular="controllerrevision",
    ),
    Row(
        resources.ENDPOINTS,
        EndpointsStrategy(),
        _CORE + "Endpoints",
        singular="endpoints",
        short_names=("ep",),
        deprecated="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    ),
    Row(
        resources.ENDPOINT_SLICES,
        EndpointSliceStrategy(),
        "io.k8s.api.discovery.v1.EndpointSlice",
        singular="endpointslice",
    ),
    Row(resources.EVENTS, EventStrategy(), _CORE + "Event", singular="event", short_names=("ev",)),
    Row(
        resources.EVENTS_V1,
        EventV1Strategy(),
        "io.k8s.api.events.v1.Event",
        singular="event",
        short_names=("ev",),
        same_storage_as=resources.EVENTS,
    ),
    Row(resources.LEASES, LeaseStrategy(), "io.k8s.api.coordination.v1.Lease", singular="lease"),
    Row(
        resources.PERSISTENT_VOLUMES,
        PersistentVolumeStrategy(),
        _CORE + "PersistentVolume",
        singular="persistentvolume",
        short_names=("pv",),
        subresources=("status",),
    ),
    Row(
        resources.PERSISTENT_VOLUME_CLAIMS,
        PersistentVolumeClaimStrategy(),
        _CORE + "PersistentVolumeClaim",
        singular="persistentvolumeclaim",
        short_names=("pvc",),
        subresources=("status",),
    ),
    Row(
        resources.STORAGE_CLASSES,
        StorageClassStrategy(),
        "io.k8s.api.storage.v1.StorageClass",
        singular="storageclass",
        short_names=("sc",),
    ),
    Row(
        resources.RUNTIME_CLASSES,
        RuntimeClassStrategy(),
        "io.k8s.api.node.v1.RuntimeClass",
        singular="runtimeclass",
    ),
    Row(
        resources.PRIORITY_CLASSES,
        PriorityClassStrategy(),
        "io.k8s.api.scheduling.v1.PriorityClass",
        singular="priorityclass",
        short_names=("pc",),
    ),
    Row(
        resources.MUTATING_WEBHOOKS,
        WebhookConfigurationStrategy(mutating=True),
        "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
        singular="mutatingwebhookconfiguration",
        categories=("api-extensions",),
    ),
    Row(
        resources.VALIDATING_WEBHOOKS,
        WebhookConfigurationStrategy(mutating=False),
        "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration",
        singular="validatingwebhookconfiguration",
        categories=("api-extensions",),
    ),
    Row(resources.ROLES, RoleStrategy(), _RBAC + "Role", singular="role"),
    Row(resources.CLUSTER_ROLES, ClusterRoleStrategy(), _RBAC + "ClusterRole", singular="clusterrole"),
    Row(resources.ROLE_BINDINGS, RoleBindingStrategy(), _RBAC + "RoleBinding", singular="rolebinding"),
    Row(
        resources.CLUSTER_ROLE_BINDINGS,
        ClusterRoleBindingStrategy(),
        _RBAC + "ClusterRoleBinding",
        singular="clusterrolebinding",
    ),
    Row(
        resources.CERTIFICATE_SIGNING_REQUESTS,
        CertificateSigningRequestStrategy(),
        "io.k8s.api.certificates.v1.CertificateSigningRequest",
        singular="certificatesigningrequest",
        short_names=("csr",),
        subresources=("approval", "status"),
    ),
    Row(
        resources.JOBS,
        JobStrategy(),
        "io.k8s.api.batch.v1.Job",
        singular="job",
        categories=("all",),
        subresources=("status",),
    ),
    Row(
        resources.CRON_JOBS,
        CronJobStrategy(),
        "io.k8s.api.batch.v1.CronJob",
        singular="cronjob",
        short_names=("cj",),
        categories=("all",),
        subresources=("status",),
    ),
    Row(
        resources.POD_DISRUPTION_BUDGETS,
        PodDisruptionBudgetStrategy(),
        "io.k8s.api.policy.v1.PodDisruptionBudget",
        singular="poddisruptionbudget",
        short_names=("pdb",),
        subresources=("status",),
    ),
    Row(
        resources.INGRESSES,
        IngressStrategy(),
        "io.k8s.api.networking.v1.Ingress",
        singular="ingress",
        short_names=("ing",),
        subresources=("status",),
    ),
    Row(
        resources.INGRESS_CLASSES,
        IngressClassStrategy(),
        "io.k8s.api.networking.v1.IngressClass",
        singular="ingressclass",
    ),
    Row(
        resources.LIMIT_RANGES,
        LimitRangeStrategy(),
        _CORE + "LimitRange",
        singular="limitrange",
        short_names=("limits",),
    ),
    Row(
        resources.RESOURCE_QUOTAS,
        ResourceQuotaStrategy(),
        _CORE + "ResourceQuota",
        singular="resourcequota",
        short_names=("quota",),
        subresources=("status",),
    ),
)
