"""Who may what, end to end: tenants, service accounts, users that were made by a certificate."""

from __future__ import annotations

import base64
import json
import site
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.kubectl.people import Applicant, await_account, printed, with_account, with_user
from tests.kubectl.tool import SLEEP, Kubectl, columns, manifest

CLASS = "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: mine}\nhandler: runc\n"


def forbidden(kubectl: Kubectl, *arguments: str | Path, stdin: str = "") -> str:
    """What the API said when it refused."""
    return kubectl.refused(*arguments, stdin=stdin).partition("(Forbidden): ")[2].strip()


def test_a_tenant_edits_one_namespace_and_touches_nothing_else(kubectl: Kubectl, tmp_path: Path) -> None:
    applicant = Applicant(f"jane-{kubectl.namespace}", "dev")
    kubectl("create", "-f", "-", stdin=applicant.request(expirationSeconds=3600))
    (pending,) = columns(kubectl("get", "csr", applicant.name))
    assert pending["REQUESTOR"] == "kubernetes-admin"
    assert (pending["REQUESTEDDURATION"], pending["CONDITION"]) == ("60m", "Pending")
    kubectl("certificate", "approve", applicant.name)
    jane = applicant.with_certificate(kubectl, tmp_path)
    (issued,) = columns(kubectl("get", "csr", applicant.name))
    assert issued["CONDITION"] == "Approved,Issued"
    said = jane("auth", "whoami", "-o", "json")
    assert json.loads(said)["status"]["userInfo"]["groups"] == ["dev", "system:authenticated"]

    who = f'User "{applicant.name}"'
    assert forbidden(jane, "get", "pods") == (
        f'pods is forbidden: {who} cannot list resource "pods" in API group "" in the namespace "{kubectl.namespace}"'
    )
    kubectl("create", "rolebinding", "tenants", "--clusterrole=edit", "--group=dev")
    (bound,) = columns(kubectl("get", "rolebinding", "tenants", "-o", "wide"))
    assert (bound["ROLE"], bound["GROUPS"]) == ("ClusterRole/edit", "dev")

    jane.pod("mine", f"echo started; {SLEEP}")
    assert jane("logs", "mine") == "started\n"
    assert jane("exec", "mine", "--", "echo", "hello") == "hello\n"
    jane("create", "configmap", "settings", "--from-literal=a=b")
    jane("create", "secret", "generic", "password", "--from-literal=a=b")
    assert jane("get", "secret", "password", "-o", "jsonpath={.data.a}") == "Yg=="
    jane("create", "service", "clusterip", "front", "--tcp=80")
    jane("create", "serviceaccount", "worker")
    assert jane("create", "token", "worker").count(".") == 2
    jane("label", "pod", "mine", "tier=front")
    jane("get", "namespace", kubectl.namespace)
    jane("delete", "pod", "mine", "--wait=false")

    assert forbidden(jane, "get", "pods", "-n", "default") == (
        f'pods is forbidden: {who} cannot list resource "pods" in API group "" in the namespace "default"'
    )
    assert forbidden(jane, "get", "pods", "-A") == (
        f'pods is forbidden: {who} cannot list resource "pods" in API group "" at the cluster scope'
    )
    assert forbidden(jane, "create", "-f", "-", stdin=CLASS).endswith(
        f'runtimeclasses.node.k8s.io is forbidden: {who} cannot create resource "runtimeclasses" '
        'in API group "node.k8s.io" at the cluster scope'
    )
    assert forbidden(jane, "get", "nodes").endswith('cannot list resource "nodes" in API group "" at the cluster scope')
    assert forbidden(jane, "delete", "namespace", kubectl.namespace).startswith(f'namespaces "{kubectl.namespace}"')
    assert f'{who} cannot create resource "roles" in API group "rbac.authorization.k8s.io"' in forbidden(
        jane, "create", "role", "more", "--verb=get", "--resource=pods"
    )
    assert forbidden(jane, "get", "pods", "--as=somebody") == (
        f'users "somebody" is forbidden: {who} cannot impersonate resource "users" in API group "" at the cluster scope'
    )
    kubectl("delete", "csr", applicant.name)


def test_edit_is_what_it_is_upstream(kubectl: Kubectl) -> None:
    kubectl("create", "rolebinding", "tenants", "--clusterrole=edit", "--user=tess")
    may = ("create pods/eviction", "create serviceaccounts/token", "get secrets", "patch deployments.apps/scale")
    may_not = ("update endpoints", "create endpointslices", "patch pods/resize", "create resourcequotas")
    for said in (*may, *may_not):
        verb, _, what = said.partition(" ")
        resource, _, subresource = what.partition("/")
        answer = kubectl.run("auth", "can-i", verb, resource, f"--subresource={subresource}", "--as=tess").stdout
        assert answer == ("yes\n" if said in may else "no\n"), said


def test_the_default_account_may_nothing(kubectl: Kubectl, tmp_path: Path) -> None:
    account = with_account(kubectl, tmp_path)
    name = f"system:serviceaccount:{kubectl.namespace}:default"
    assert json.loads(account("auth", "whoami", "-o", "json"))["status"]["userInfo"]["username"] == name
    for resource in ("pods", "secrets", "configmaps", "serviceaccounts", "services"):
        assert forbidden(account, "get", resource) == (
            f'{resource} is forbidden: User "{name}" cannot list resource "{resource}" in API group "" '
            f'in the namespace "{kubectl.namespace}"'
        )
    assert "pods is forbidden" in forbidden(account, "create", "-f", "-", stdin=manifest("p", SLEEP))
    assert account.run("auth", "can-i", "get", "pods").stdout == "no\n"
    listed = account("auth", "can-i", "--list", "--no-headers")
    assert {line.split()[0] for line in listed.splitlines() if not line.startswith(" ")} == {
        "selfsubjectreviews.authentication.k8s.io",
        "selfsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectrulesreviews.authorization.k8s.io",
    }


def test_nobody_grants_what_he_has_not(kubectl: Kubectl) -> None:
    kubectl("create", "rolebinding", "owners", "--clusterrole=admin", "--user=ann")
    ann = "--as=ann"
    kubectl("create", "role", "readers", "--verb=get,list", "--resource=pods,secrets", ann)
    kubectl("create", "rolebinding", "readers", "--role=readers", "--user=bob", ann)
    assert kubectl("auth", "can-i", "list", "secrets", "--as=bob") == "yes\n"
    refused = forbidden(kubectl, "create", "role", "more", "--verb=get,list", "--resource=nodes,pods", ann)
    assert refused == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "ann" (groups=["system:authenticated"]) is '
        "attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["nodes"], Verbs:["get" "list"]}'
    )
    refused = kubectl.refused("create", "rolebinding", "more", "--clusterrole=cluster-admin", "--user=ann", ann)
    assert '{NonResourceURLs:["*"], Verbs:["*"]}' in refused
    assert "not found" in kubectl.refused("create", "rolebinding", "more", "--role=lost", "--user=ann", ann)
    kubectl("create", "rolebinding", "lost", "--role=lost", "--user=carl")  # the administrator may
    assert 'RBAC: role.rbac.authorization.k8s.io "lost" not found' in kubectl.refused("get", "pods", "--as=carl")

    kubectl("create", "role", "binders", "--verb=bind", "--resource=clusterroles", "--resource-name=cluster-admin")
    kubectl("create", "rolebinding", "binders", "--role=binders", "--user=ann")
    kubectl("create", "rolebinding", "more", "--clusterrole=cluster-admin", "--user=ann", ann)
    assert kubectl("auth", "can-i", "delete", "resourcequotas", ann) == "yes\n"
    change = {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}}
    refused = kubectl.refused("patch", "rolebinding", "more", "--type=merge", "-p", json.dumps(change))
    assert "roleRef: Invalid value:" in refused and "cannot change roleRef" in refused


def test_what_each_kubectl_has_for_access(every_supported_kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl = every_supported_kubectl
    kubectl("create", "serviceaccount", "robot")
    kubectl("create", "role", "readers", "--verb=get,list,watch", "--resource=pods,pods/log")
    kubectl("create", "rolebinding", "readers", "--role=readers", f"--serviceaccount={kubectl.namespace}:robot")
    robot = with_account(kubectl, tmp_path, "robot")
    assert robot("auth", "can-i", "list", "pods") == "yes\n"
    assert "pods/log" in robot("auth", "can-i", "--list")
    assert robot("get", "pods", "-o", "name") == ""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    wanted = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "readers", "namespace": kubectl.namespace},
        "rules": rules,
    }
    assert "reconciled" in kubectl("auth", "reconcile", "-f", "-", stdin=json.dumps(wanted))
    assert robot("auth", "can-i", "get", "configmaps") == "yes\n"
    assert robot("auth", "can-i", "list", "pods") == "yes\n"
    applicant = Applicant(f"{kubectl.program.name}-{kubectl.namespace}")
    kubectl("create", "-f", "-", stdin=applicant.request())
    assert "denied" in kubectl("certificate", "deny", applicant.name)
    (row,) = columns(kubectl("get", "csr", applicant.name))
    assert row["CONDITION"] == "Denied"
    kubectl("delete", "csr", applicant.name)


def test_aggregated_roles_grow_with_what_they_select(kubectl: Kubectl) -> None:
    name = f"widgets-{kubectl.namespace}"
    kubectl("create", "clusterrolebinding", name, "--clusterrole=view", "--user=vera")
    (bound,) = columns(kubectl("get", "clusterrolebinding", name, "-o", "wide"))
    assert (bound["ROLE"], bound["USERS"]) == ("ClusterRole/view", "vera")
    assert kubectl("auth", "can-i", "list", "pods", "-A", "--as=vera") == "yes\n"
    assert kubectl.run("auth", "can-i", "get", "nodes", "--as=vera").stdout == "no\n"
    kubectl("create", "clusterrole", name, "--verb=get,list", "--resource=pods/widgets")
    kubectl("label", "clusterrole", name, "rbac.authorization.k8s.io/aggregate-to-view=true")
    grown = 'jsonpath={.rules[?(@.resources[0]=="pods/widgets")].verbs[0]}'
    assert printed(kubectl, "get", "clusterrole", "admin", "-o", grown) == "get"
    assert kubectl("auth", "can-i", "list", "pods", "--subresource=widgets", "--as=vera") == "yes\n"
    kubectl("delete", "clusterrole,clusterrolebinding", name)


def in_cluster_script(namespace: str) -> str:
    return f"""
import json
import kubernetes.client
import kubernetes.config
kubernetes.config.load_incluster_config()
try:
    found = kubernetes.client.CoreV1Api().list_namespaced_pod({namespace!r})
    print("pods:", *sorted(pod.metadata.name for pod in found.items))
except kubernetes.client.ApiException as error:
    print(error.status, json.loads(error.body)["message"])
"""


def pod_with_our_python(name: str) -> str:
    """A Pod in which this Python runs: the machine's own, with the libraries that the tests use."""
    folders = dict.fromkeys(
        str(Path(folder))
        for folder in ("/usr", "/lib", "/lib64", sys.base_prefix, sys.prefix, *site.getsitepackages())
        if Path(folder).exists()
    )
    outermost = [f for f in folders if not any(Path(other) in Path(f).parents for other in folders)]
    mounts: list[dict[str, Any]] = []
    volumes: list[dict[str, Any]] = []
    for number, folder in enumerate(outermost):
        volumes.append({"name": f"v{number}", "hostPath": {"path": str(Path(folder).resolve()), "type": "Directory"}})
        mounts.append({"name": f"v{number}", "mountPath": folder, "readOnly": True})
    pod = json.loads(manifest(name, SLEEP, volumes=volumes))
    pod["spec"]["containers"][0]["volumeMounts"] = mounts
    return json.dumps(pod)


def test_the_python_client_in_a_pod_uses_its_own_account(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=pod_with_our_python("p"))
    kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=30s")

    def ask() -> str:
        return kubectl("exec", "p", "--", sys.executable, "-c", in_cluster_script(kubectl.namespace)).strip()

    refused = (
        f'403 pods is forbidden: User "system:serviceaccount:{kubectl.namespace}:default" cannot list resource "pods" '
        f'in API group "" in the namespace "{kubectl.namespace}"'
    )
    assert ask() == refused
    kubectl("create", "rolebinding", "look", "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:default")
    assert ask() == "pods: p"
    kubectl("delete", "rolebinding", "look")
    assert ask() == refused


def test_a_token_that_is_kept_in_a_secret_goes_with_it(kubectl: Kubectl, tmp_path: Path) -> None:
    await_account(kubectl)
    meta = {"name": "kept", "annotations": {"kubernetes.io/service-account.name": "default"}}
    kept = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/service-account-token"}
    kubectl("create", "-f", "-", stdin=json.dumps(kept))
    token = printed(kubectl, "get", "secret", "kept", "-o", "jsonpath={.data.token}")
    account = with_user(kubectl, tmp_path, token=base64.b64decode(token).decode())
    assert "pods is forbidden" in account.refused("get", "pods")
    kubectl("delete", "secret", "kept")
    assert "Unauthorized" in account.refused("get", "pods")


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        pytest.param({"usages": []}, "spec.usages: Required value", id="no usage"),
        pytest.param({"usages": ["magic"]}, 'spec.usages[0]: Unsupported value: "magic"', id="a usage that is none"),
        pytest.param({"signerName": "me"}, 'spec.signerName: Invalid value: "me"', id="a signer without a domain"),
        pytest.param({"expirationSeconds": 60}, "may not specify a duration less than 600 seconds", id="too short"),
        pytest.param({"request": "bm90IGE="}, "spec.request: Invalid value", id="no request at all"),
    ],
)
def test_requests_that_nobody_can_sign(newest_kubectl: Kubectl, spec: dict[str, Any], wrong: str) -> None:
    request = Applicant("nobody").request(**spec)
    assert wrong in newest_kubectl.refused("create", "-f", "-", stdin=request)
