"""One object of each kind with as many of its fields as can be set."""

from __future__ import annotations

from typing import Any

from podwright.api import resources
from podwright.api.resources import Resource

SAMPLES: dict[Resource, Any] = {
    resources.SERVICES: {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {
            "ports": [{"port": 1, "name": "a", "targetPort": "x", "nodePort": 1}],
            "selector": {"a": "b"},
            "externalIPs": ["1.1.1.1"],
            "clusterIPs": ["10.0.0.1"],
            "clusterIP": "10.0.0.1",
            "ipFamilies": ["IPv4"],
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 1}},
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "x"}]}},
    },
    resources.SECRETS: {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "YQ=="},
        "stringData": {"b": "c"},
        "type": "kubernetes.io/dockerconfigjson",
    },
    resources.CONFIG_MAPS: {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "s"},
        "data": {"a": "YQ=="},
        "binaryData": {"b": "YQ=="},
    },
    resources.NODES: {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "s"},
        "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}], "podCIDRs": ["10.0.0.0/24"]},
        "status": {
            "capacity": {"cpu": "1"},
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "1"}],
            "nodeInfo": {},
        },
    },
    resources.NAMESPACES: {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "s"},
        "spec": {"finalizers": ["a/b"]},
    },
    resources.ENDPOINTS: {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "s"},
        "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}]}],
    },
    resources.ENDPOINT_SLICES: {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "s"},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "hostname": "a"}],
        "ports": [{"port": 1, "name": "a"}],
    },
    resources.EVENTS: {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "s", "namespace": "default"},
        "involvedObject": {"kind": "Pod", "namespace": "default"},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "series": {"count": 2},
        "source": {"component": "x"},
        "lastTimestamp": "2026-01-01T00:00:00Z",
    },
    resources.LEASES: {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "s"},
        "spec": {"holderIdentity": "a", "leaseTransitions": 1},
    },
    resources.RUNTIME_CLASSES: {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "s"},
        "handler": "a",
        "overhead": {"podFixed": {"cpu": "1"}},
        "scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "a"}]},
    },
    resources.SERVICE_ACCOUNTS: {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "s"},
        "secrets": [{"name": "a"}],
    },
    resources.PODS: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "annotations": {"a": "b"}, "labels": {"a": "b"}},
        "spec": {
            "containers": [
                {
                    "name": "a",
                    "image": "b:1",
                    "command": ["x"],
                    "ports": [{"containerPort": 80, "name": "w", "protocol": "TCP"}],
                    "env": [
                        {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
                        {"name": "C", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
                    ],
                    "envFrom": [{"configMapRef": {"name": "x"}}],
                    "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}, "claims": [{"name": "q"}]},
                    "livenessProbe": {"httpGet": {"port": "web", "httpHeaders": [{"name": "a", "value": "b"}]}},
                    "readinessProbe": {"grpc": {"port": 1}},
                    "lifecycle": {
                        "preStop": {"exec": {"command": ["a"]}},
                        "postStart": {"sleep": {"seconds": 1}},
                        "stopSignal": "SIGTERM",
                    },
                    "volumeMounts": [{"name": "v", "mountPath": "/a", "mountPropagation": "None"}],
                    "volumeDevices": [{"name": "v", "devicePath": "/dev/x"}],
                    "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
                    "securityContext": {
                        "capabilities": {"add": ["A"]},
                        "seccompProfile": {"type": "Localhost", "localhostProfile": "x"},
                        "windowsOptions": {"runAsUserName": "x"},
                    },
                }
            ],
            "initContainers": [{"name": "i", "image": "x", "restartPolicy": "Always"}],
            "ephemeralContainers": [{"name": "e", "image": "i"}],
            "volumes": [
                {"name": "v", "emptyDir": {"sizeLimit": "1Gi"}},
                {"name": "w", "hostPath": {"path": "/"}},
                {"name": "x", "secret": {"secretName": "s", "items": [{"key": "a", "path": "b", "mode": 1}]}},
                {
                    "name": "y",
                    "projected": {
                        "sources": [
                            {"serviceAccountToken": {"path": "t"}},
                            {
                                "downwardAPI": {
                                    "items": [
                                        {"path": "n", "fieldRef": {"fieldPath": "metadata.name"}},
                                        {
                                            "path": "n",
                                            "resourceFieldRef": {"containerName": "a", "resource": "limits.cpu"},
                                        },
                                    ]
                                }
                            },
                            {"configMap": {"name": "c", "items": [{"key": "k", "path": "p"}]}},
                        ]
                    },
                },
                {"name": "z", "image": {"reference": "r"}},
                {"name": "n", "nfs": {"server": "s", "path": "/p"}},
                {
                    "name": "d",
                    "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]},
                },
                {"name": "c", "configMap": {"name": "c"}},
            ],
            "tolerations": [{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 4}],
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {
                                "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                                "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}],
                            }
                        ]
                    },
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}
                    ],
                },
                "podAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "topologyKey": "a",
                            "labelSelector": {
                                "matchLabels": {"a": "b"},
                                "matchExpressions": [{"key": "a", "operator": "In", "values": ["x"]}],
                            },
                            "namespaces": ["a"],
                        }
                    ]
                },
            },
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
            ],
            "schedulingGates": [{"name": "g"}],
            "readinessGates": [{"conditionType": "a"}],
            "dnsConfig": {"nameservers": ["1.1.1.1"], "searches": ["a"], "options": [{"name": "x"}]},
            "hostAliases": [{"ip": "1.1.1.1", "hostnames": ["a"]}],
            "imagePullSecrets": [{"name": "x"}],
            "securityContext": {"sysctls": [{"name": "a", "value": "b"}], "supplementalGroups": [1]},
            "overhead": {"cpu": "1"},
            "os": {"name": "linux"},
            "resourceClaims": [{"name": "q"}],
            "nodeSelector": {"a": "b"},
            "resources": {"limits": {"cpu": "2"}},
            "activeDeadlineSeconds": 5,
            "hostNetwork": False,
        },
    },
    resources.MUTATING_WEBHOOKS: {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "w"},
        "webhooks": [
            {
                "name": "a.b.c",
                "clientConfig": {
                    "url": "https://h:1/p",
                    "caBundle": "YQ==",
                    "service": {"name": "s", "namespace": "n", "port": 1, "path": "/a"},
                },
                "rules": [
                    {
                        "operations": ["CREATE"],
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "resources": ["pods/*"],
                        "scope": "*",
                    }
                ],
                "failurePolicy": "Fail",
                "matchPolicy": "Exact",
                "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]},
                "objectSelector": {"matchLabels": {"a": "b"}},
                "sideEffects": "None",
                "timeoutSeconds": 1,
                "admissionReviewVersions": ["v1"],
                "reinvocationPolicy": "Never",
                "matchConditions": [{"name": "a", "expression": "true"}],
            }
        ],
    },
    resources.PERSISTENT_VOLUME_CLAIMS: {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "s", "annotations": {"volume.beta.kubernetes.io/storage-class": "a"}},
        "spec": {
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
            "resources": {"requests": {"storage": "1Gi"}, "limits": {"storage": "2Gi"}},
            "selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
            "storageClassName": "local",
            "volumeMode": "Filesystem",
            "volumeName": "v",
            "dataSource": {"kind": "PersistentVolumeClaim", "name": "x"},
        },
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]},
    },
    resources.PERSISTENT_VOLUMES: {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "s"},
        "spec": {
            "accessModes": ["ReadWriteOncePod"],
            "capacity": {"storage": "1Gi"},
            "claimRef": {"namespace": "a", "name": "b", "uid": "c"},
            "hostPath": {"path": "/a", "type": "Directory"},
            "local": {"path": "/a"},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                            "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}],
                        }
                    ]
                }
            },
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": "local",
            "volumeMode": "Filesystem",
            "mountOptions": ["ro"],
        },
        "status": {"phase": "Released", "reason": "x"},
    },
    resources.STORAGE_CLASSES: {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "s", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "a.b/c",
        "parameters": {"a": "b"},
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
        "allowVolumeExpansion": True,
        "allowedTopologies": [{"matchLabelExpressions": [{"key": "a", "values": ["b"]}]}],
        "mountOptions": ["ro"],
    },
}

_TEMPLATE: Any = {
    "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
    "spec": {
        "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 1}]}],
        "hostNetwork": True,
        "volumes": [{"name": "v", "image": {"reference": "i"}}],
        "nodeSelector": {"a": "b"},
    },
}
_SELECTOR: Any = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}


def _workload(kind: str, spec: dict[str, Any], status: dict[str, Any], selector: Any = None) -> Any:
    selected = {"selector": selector or _SELECTOR, "template": _TEMPLATE}
    return {"kind": kind, "metadata": {"name": "s"}, "spec": {**selected, **spec}, "status": status}


_REPLICAS = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "collisionCount": 1}
SAMPLES |= {
    resources.DEPLOYMENTS: _workload(
        "Deployment",
        {
            "replicas": 1,
            "minReadySeconds": 1,
            "progressDeadlineSeconds": 5,
            "revisionHistoryLimit": 1,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "1%", "maxUnavailable": 1}},
        },
        _REPLICAS,
    ),
    resources.REPLICA_SETS: _workload("ReplicaSet", {"replicas": 1, "minReadySeconds": 1}, _REPLICAS),
    resources.REPLICATION_CONTROLLERS: _workload(
        "ReplicationController", {"replicas": 1, "minReadySeconds": 1}, {"replicas": 1}, {"a": "b"}
    ),
    resources.STATEFUL_SETS: _workload(
        "StatefulSet",
        {
            "replicas": 1,
            "serviceName": "s",
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1, "maxUnavailable": "5%"}},
            "ordinals": {"start": 1},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
            "volumeClaimTemplates": [
                {"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}
            ],
        },
        _REPLICAS,
    ),
    resources.DAEMON_SETS: _workload(
        "DaemonSet",
        {
            "minReadySeconds": 1,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%", "maxSurge": 0}},
        },
        {"desiredNumberScheduled": 1, "numberReady": 1},
    ),
    resources.CONTROLLER_REVISIONS: {
        "metadata": {
            "name": "s",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "A", "name": "a", "uid": "u", "controller": True}],
        },
        "revision": 1,
        "data": {"spec": {"template": {"$patch": "replace"}}},
    },
    resources.POD_TEMPLATES: {"metadata": {"name": "s"}, "template": _TEMPLATE},
    resources.INGRESSES: {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "i"},
        "spec": {
            "ingressClassName": "c",
            "defaultBackend": {"resource": {"apiGroup": "a", "kind": "k", "name": "n"}},
            "rules": [
                {
                    "host": "a.example",
                    "http": {
                        "paths": [
                            {
                                "path": "/",
                                "pathType": "Prefix",
                                "backend": {"service": {"name": "web", "port": {"number": 80}}},
                            }
                        ]
                    },
                }
            ],
            "tls": [{"hosts": ["a.example"], "secretName": "s"}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
    },
    resources.INGRESS_CLASSES: {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "c"},
        "spec": {
            "controller": "a.b/c",
            "parameters": {"apiGroup": "a", "kind": "k", "name": "n", "scope": "Namespace", "namespace": "x"},
        },
    },
    resources.JOBS: {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "s", "uid": "u"},
        "spec": {
            "parallelism": 1,
            "completions": 5,
            "completionMode": "Indexed",
            "backoffLimitPerIndex": 1,
            "maxFailedIndexes": 2,
            "suspend": True,
            "managedBy": "acme.io/foo",
            "podFailurePolicy": {
                "rules": [
                    {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1, 2], "containerName": "c"}},
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "successPolicy": {"rules": [{"succeededIndexes": "0-2,4", "succeededCount": 2}]},
            "selector": {
                "matchLabels": {"a": "b"},
                "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
            },
            "template": {
                "metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}},
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "c", "image": "i"}],
                    "nodeSelector": {"a": "b"},
                },
            },
        },
        "status": {
            "startTime": "2026-01-01T00:00:00Z",
            "conditions": [{"type": "Complete", "status": "True"}],
            "succeeded": 1,
        },
    },
    resources.CRON_JOBS: {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "s"},
        "spec": {
            "schedule": "*/5 0-3,7 * JAN MON",
            "timeZone": "Europe/Berlin",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 5,
            "jobTemplate": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {
                    "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}},
                },
            },
        },
        "status": {"active": [{"name": "j"}], "lastScheduleTime": "2026-01-01T00:00:00Z"},
    },
    resources.POD_DISRUPTION_BUDGETS: {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "s"},
        "spec": {
            "minAvailable": "50%",
            "selector": {
                "matchLabels": {"a": "b"},
                "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
            },
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
        "status": {"disruptionsAllowed": 1, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1},
    },
    resources.LIMIT_RANGES: {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "s"},
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "max": {"cpu": "2"},
                    "min": {"cpu": "1"},
                    "default": {"cpu": "2"},
                    "defaultRequest": {"cpu": "1"},
                    "maxLimitRequestRatio": {"cpu": "2"},
                },
                {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
            ]
        },
    },
    resources.RESOURCE_QUOTAS: {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "s"},
        "spec": {
            "hard": {"pods": "1", "limits.cpu": "2"},
            "scopes": ["NotTerminating"],
            "scopeSelector": {
                "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["gold"]}],
            },
        },
        "status": {"hard": {"pods": "1", "limits.cpu": "2"}, "used": {"pods": "1"}},
    },
    resources.PRIORITY_CLASSES: {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "system-node-critical"},
        "value": 1,
        "globalDefault": True,
        "preemptionPolicy": "Never",
    },
}
