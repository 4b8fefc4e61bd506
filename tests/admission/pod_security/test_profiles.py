"""Each check with what it lets pass and what it says; which checks a profile has in which version."""

from __future__ import annotations

from typing import Any

import pytest

from podwright.admission.pod_security.levels import LEVELS, Level, Profile
from podwright.admission.pod_security.profiles import LATEST, RULES, checks_of, details, reasons, violations
from podwright.admission.pod_security.violation import PodParts

BASELINE, RESTRICTED = Profile(Level.BASELINE), Profile(Level.RESTRICTED)
HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(
    context: dict[str, Any] | None = None,
    *,
    of_pod: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    container: dict[str, Any] | None = None,
    **spec: Any,
) -> PodParts:
    """A Pod of one container `a`."""
    app = {"name": "a", **(container or {})}
    if context is not None:
        app["securityContext"] = context
    whole = {"containers": [app], **spec}
    if of_pod is not None:
        whole["securityContext"] = of_pod
    return PodParts(annotations or {}, whole)


def hardened(of_pod: dict[str, Any] | None = None, **more: Any) -> PodParts:
    """A Pod that "restricted" lets pass, but for `more` of its container's context."""
    return pod({**HARDENED, **more}, of_pod=of_pod)


APPARMOR = "container.apparmor.security.beta.kubernetes.io/a"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        pytest.param(pod(), "", id="a plain Pod"),
        pytest.param(pod({"appArmorProfile": {"type": "RuntimeDefault"}}), "", id="the runtime's AppArmor profile"),
        pytest.param(
            pod({"appArmorProfile": {"type": "Unconfined"}}, of_pod={"appArmorProfile": {"type": "Unconfined"}}),
            'forbidden AppArmor profile (pod and container "a" must not set AppArmor profile type to "Unconfined")',
            id="no AppArmor",
        ),
        pytest.param(pod(annotations={APPARMOR: "localhost/mine"}), "", id="a profile of this machine by annotation"),
        pytest.param(
            pod(annotations={APPARMOR: "unconfined"}),
            f'forbidden AppArmor profile (annotation must not set AppArmor profile type to "{APPARMOR}="unconfined"")',
            id="no AppArmor by annotation",
        ),
        pytest.param(pod({"capabilities": {"add": ["CHOWN"]}}), "", id="a capability of the default set"),
        pytest.param(
            pod({"capabilities": {"add": ["SYS_ADMIN", "NET_RAW", "CHOWN"]}}),
            'non-default capabilities (container "a" must not include "NET_RAW", "SYS_ADMIN" in '
            "securityContext.capabilities.add)",
            id="other capabilities",
        ),
        pytest.param(
            pod(hostNetwork=True, hostPID=True, hostIPC=False),
            "host namespaces (hostNetwork=true, hostPID=true)",
            id="namespaces of the node",
        ),
        pytest.param(
            pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}, {"name": "w", "hostPath": {}}, {"name": "x"}]),
            'hostPath volumes (volumes "v", "w")',
            id="folders of the node",
        ),
        pytest.param(
            pod(container={"ports": [{"hostPort": 80}, {"hostPort": 443}, {"containerPort": 1}]}),
            'hostPort (container "a" uses hostPorts 443, 80)',
            id="ports of the node",
        ),
        pytest.param(
            pod(container={"livenessProbe": {"httpGet": {"host": "h"}}, "lifecycle": {"preStop": {"exec": {}}}}),
            'probe or lifecycle host (container "a" uses probe or lifecycle host "h")',
            id="a probe of another host",
        ),
        pytest.param(
            pod(container={"lifecycle": {"postStart": {"tcpSocket": {"host": "h"}}, "preStop": {"httpGet": {}}}}),
            'probe or lifecycle host (container "a" uses probe or lifecycle host "h")',
            id="a hook to another host",
        ),
        pytest.param(
            pod({"privileged": True}, initContainers=[{"name": "i", "securityContext": {"privileged": True}}]),
            'privileged (containers "i", "a" must not set securityContext.privileged=true)',
            id="privileged containers",
        ),
        pytest.param(
            pod({"procMount": "Unmasked"}),
            'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
            id="/proc as it is",
        ),
        pytest.param(pod({"procMount": "Unmasked"}, hostUsers=False), "", id="/proc in an own user namespace"),
        pytest.param(pod({"seLinuxOptions": {"type": "container_engine_t"}}), "", id="SELinux type of engines"),
        pytest.param(
            pod({"seLinuxOptions": {"type": "spc_t", "user": "u"}}, of_pod={"seLinuxOptions": {"role": "r"}}),
            'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; '
            "user may not be set; role may not be set)",
            id="SELinux options",
        ),
        pytest.param(
            pod({"seccompProfile": {"type": "Unconfined"}}),
            'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
            id="no seccomp",
        ),
        pytest.param(pod(of_pod={"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}), "", id="a sysctl of the Pod's own"),
        pytest.param(
            pod(of_pod={"sysctls": [{"name": "kernel.msgmax"}, {"name": "fs.x"}]}),
            "forbidden sysctls (kernel.msgmax, fs.x)",
            id="sysctls of the node",
        ),
        pytest.param(
            pod({"windowsOptions": {"hostProcess": True}}),
            'hostProcess (container "a" must not set securityContext.windowsOptions.hostProcess=true)',
            id="a process of a Windows host",
        ),
    ],
)
def test_baseline(parts: PodParts, text: str) -> None:
    assert details(violations(BASELINE, parts)) == text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        pytest.param(hardened(), "", id="a hardened Pod"),
        pytest.param(
            pod(),
            'allowPrivilegeEscalation != false (container "a" must set '
            "securityContext.allowPrivilegeEscalation=false), "
            'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), '
            'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), '
            'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
            '"Localhost")',
            id="a plain Pod",
        ),
        pytest.param(
            hardened(capabilities={"drop": ["NET_RAW"], "add": ["SYS_TIME", "NET_BIND_SERVICE"]}),
            'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; '
            'container "a" must not include "SYS_TIME" in securityContext.capabilities.add)',
            id="capabilities kept and added",
        ),
        pytest.param(hardened(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}), "", id="low ports"),
        pytest.param(
            hardened({"runAsNonRoot": False}),
            "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
            id="a Pod that says root",
        ),
        pytest.param(hardened({"runAsNonRoot": True}, runAsNonRoot=None), "", id="what the Pod says counts"),
        pytest.param(
            hardened({"runAsNonRoot": True}, runAsNonRoot=False),
            'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
            id="a container that says root",
        ),
        pytest.param(
            hardened({"runAsUser": 0}, runAsUser=0),
            'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
            id="user 0",
        ),
        pytest.param(
            hardened({"seccompProfile": {"type": "Unconfined"}}, seccompProfile=None),
            'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
            id="no seccomp",
        ),
        pytest.param(
            hardened({"seccompProfile": {"type": "Localhost"}}, seccompProfile=None), "", id="seccomp of the Pod"
        ),
        pytest.param(
            hardened(procMount="Unmasked"),
            'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
            id="/proc as it is, even in a user namespace",
        ),
    ],
)
def test_restricted(parts: PodParts, text: str) -> None:
    assert details(violations(RESTRICTED, parts)) == text


def test_volumes_of_restricted() -> None:
    sources: list[dict[str, Any]] = [
        {"emptyDir": {}}, {"secret": {}}, {"nfs": {}}, {"hostPath": {}}, {"image": {}}, {"iscsi": {}},
    ]  # fmt: skip
    volumes = [{"name": f"v{i}", **source} for i, source in enumerate(sources)]
    parts = PodParts({}, {**hardened().spec, "volumes": volumes})
    # hostPath is told once: by the stricter rule
    assert details(violations(RESTRICTED, parts)) == (
        'restricted volume types (volumes "v2", "v3", "v5" use restricted volume types "hostPath", "iscsi", "nfs")'
    )
    assert reasons(violations(RESTRICTED, parts)) == "restricted volume types"


def test_a_user_namespace_of_its_own() -> None:
    parts = PodParts({}, {**hardened(runAsNonRoot=None, runAsUser=0).spec, "hostUsers": False})
    assert violations(RESTRICTED, parts) == []
    assert reasons(violations(Profile(Level.RESTRICTED, 34), parts)) == "runAsNonRoot != true, runAsUser=0"


def test_windows() -> None:
    parts = pod({"runAsNonRoot": True}, os={"name": "windows"})
    assert violations(RESTRICTED, parts) == []
    assert len(violations(Profile(Level.RESTRICTED, 24), parts)) == 3


def test_seccomp_of_old_versions_is_an_annotation() -> None:
    key = "seccomp.security.alpha.kubernetes.io/pod"
    parts = pod(annotations={key: "unconfined", "container.seccomp.security.alpha.kubernetes.io/a": "docker/default"})
    assert details(violations(Profile(Level.BASELINE, 18), parts)) == (
        f'seccompProfile (forbidden annotation {key}="unconfined")'
    )
    assert violations(Profile(Level.BASELINE, 19), parts) == []


@pytest.mark.parametrize(
    ("minor", "baseline", "restricted"),
    [
        pytest.param(0, 11, 12, id="the first version"),
        pytest.param(22, 11, 13, id="capabilities have to be dropped"),
        pytest.param(23, 11, 14, id="user 0 is named"),
        pytest.param(34, 12, 15, id="hosts of probes"),
        pytest.param(35, 12, 15, id="proc is judged anew, in place of the rule before"),
        pytest.param(LATEST + 20, 12, 15, id="the future is as today"),
        pytest.param(None, 12, 15, id="latest"),
    ],
)
def test_how_many_checks(minor: int | None, baseline: int, restricted: int) -> None:
    counts = [len(checks_of(Profile(level, minor))) for level in LEVELS.values()]
    assert counts == [0, baseline, restricted]


def test_rules_are_named_once_and_replace_what_there_is() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {r.instead_of for r in RULES if r.instead_of} <= {r.name for r in RULES if r.level is Level.BASELINE}
