"""A chart of twenty objects as `helm template` prints one: a small shop, in three revisions."""

from __future__ import annotations

from typing import Any

import yaml

from podwright.api.objects import Object

INSTANCE = "app.kubernetes.io/instance"
IMAGE = "podwright/busybox:1"
SERVE = (
    'mkdir -p /tmp/w; echo "$GREETING" >/tmp/w/greeting; httpd -f -p 8080 -h /tmp/w & trap "exit 0" TERM; wait'
)  # fmt: skip
STAY = 'trap "exit 0" TERM; sleep 1000 & wait'
PRUNED = ("configmap/flags", "cronjob.batch/report", "deployment.apps/worker", "service/worker")
"""What the third revision has no longer."""


def chart(namespace: str, revision: int) -> str:
    """The whole chart, as one stream."""
    objects = _about(namespace, revision) + _workloads(revision) + _batch(revision)
    gone = PRUNED if revision == 3 else ()
    kept = [one for one in objects if reference(one) not in gone]
    return "---\n".join(yaml.safe_dump(_released(namespace, one), sort_keys=False) for one in kept)


def reference(one: Object) -> str:
    """An object as kubectl names it."""
    group = one["apiVersion"].rpartition("/")[0]
    kind = one["kind"].lower()
    return f"{kind}.{group}/{one['metadata']['name']}" if group else f"{kind}/{one['metadata']['name']}"


def _object(api_version: str, kind: str, name: str, **fields: Any) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def _released(namespace: str, one: Object) -> Object:
    """With the labels that Helm's charts give everything, in the release's namespace."""
    labels = {INSTANCE: namespace, "app.kubernetes.io/managed-by": "Helm"}
    meta = {**one["metadata"], "labels": labels}
    if one["kind"] not in ("Namespace", "PriorityClass"):
        meta["namespace"] = namespace
    return {**one, "metadata": meta}


def _about(namespace: str, revision: int) -> list[Object]:
    """What Pods find around them."""
    rbac = "rbac.authorization.k8s.io"
    reader = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}]
    role = {"apiGroup": rbac, "kind": "Role", "name": "reader"}
    account = {"kind": "ServiceAccount", "name": "shop", "namespace": namespace}
    defaults = {"type": "Container", "default": {"memory": "64Mi"}, "defaultRequest": {"cpu": "10m", "memory": "16Mi"}}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    greeting = "good day" if revision == 1 else "good evening"
    return [
        _object("v1", "Namespace", namespace),
        _object("scheduling.k8s.io/v1", "PriorityClass", f"{namespace}-first", value=1000),
        _object("v1", "LimitRange", "defaults", spec={"limits": [defaults]}),
        _object("v1", "ResourceQuota", "share", spec={"hard": {"requests.cpu": "2", "pods": "20"}}),
        _object("v1", "ServiceAccount", "shop"),
        _object(f"{rbac}/v1", "Role", "reader", rules=reader),
        _object(f"{rbac}/v1", "RoleBinding", "reader", roleRef=role, subjects=[account]),
        _object("v1", "ConfigMap", "greeting", data={"GREETING": greeting}),
        _object("v1", "ConfigMap", "flags", data={"beta": "off"}),
        _object("v1", "Secret", "door", data={"code": "NDcxMQ=="}),
        _object("v1", "PersistentVolumeClaim", "attic", spec=claim),
    ]


def _template(app: str, script: str, **spec: Any) -> Object:
    container = {"name": "main", "image": IMAGE, "command": ["sh", "-c", script], **spec.pop("container", {})}
    whole = {"terminationGracePeriodSeconds": 2, "containers": [container], **spec}
    return {"metadata": {"labels": {"app": app}}, "spec": whole}


def _kept(app: str, template: Object, **spec: Any) -> Object:
    return {"selector": {"matchLabels": {"app": app}}, "template": template, **spec}


def _workloads(revision: int) -> list[Object]:
    probe = {"httpGet": {"path": "/greeting", "port": 8080}, "periodSeconds": 1}
    serving = {
        "envFrom": [{"configMapRef": {"name": "greeting"}}],
        "env": [{"name": "REVISION", "value": str(min(revision, 2))}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": probe,
    }
    web = _template("web", SERVE, container=serving, serviceAccountName="shop")
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    return [
        _object("v1", "Service", "web", spec={"selector": {"app": "web"}, "ports": ports}),
        _object("v1", "Service", "worker", spec={"selector": {"app": "worker"}, "clusterIP": "None"}),
        _object("policy/v1", "PodDisruptionBudget", "web", spec=budget),
        _object("apps/v1", "Deployment", "web", spec=_kept("web", web, replicas=1 if revision == 1 else 2)),
        _object("apps/v1", "Deployment", "worker", spec=_kept("worker", _template("worker", STAY))),
        _object("apps/v1", "StatefulSet", "db", spec=_kept("db", _template("db", STAY), serviceName="db")),
        _object("apps/v1", "DaemonSet", "agent", spec=_kept("agent", _template("agent", STAY))),
    ]


def _batch(revision: int) -> list[Object]:
    once = _template("migrate", "true", restartPolicy="Never")
    monthly = {"schedule": "0 0 1 * *" if revision == 1 else "0 0 2 * *", "jobTemplate": {"spec": {"template": once}}}
    return [
        _object("batch/v1", "Job", "migrate", spec={"template": once, "backoffLimit": 1}),
        _object("batch/v1", "CronJob", "report", spec=monthly),
    ]
