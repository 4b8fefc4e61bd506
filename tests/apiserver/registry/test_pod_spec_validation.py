"""What is wrong with a Pod, in kube-apiserver's words: one row a rule."""

from __future__ import annotations

from typing import Any

import pytest
from tests.apiserver.registry.builders import GONE, pod

from podwright.apiserver.registry.pod import PodStrategy

C = "spec.containers[0]"
APP = "spec.containers.0"
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
RANGE = "must be between 1 and 65535, inclusive"
IDS = "must be between 0 and 2147483647, inclusive"


def mount(**fields: Any) -> dict[str, Any]:
    return {"name": "v", "mountPath": "/v", **fields}


def with_mount(**fields: Any) -> dict[str, Any]:
    return {"spec.volumes": [{"name": "v", "emptyDir": {}}], f"{APP}.volumeMounts": [mount(**fields)]}


def volume(**source: Any) -> dict[str, Any]:
    return {"spec.volumes": [{"name": "v", **source}]}


def toleration(**fields: Any) -> dict[str, Any]:
    return {"spec.tolerations": [fields]}


def required_terms(terms: Any) -> dict[str, Any]:
    return {
        "spec.affinity": {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        }
    }


TERM = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"
SIDE = {"name": "side", "image": "i", "restartPolicy": "Always"}

CASES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("a small Pod is good", {}, []),
    ("a Pod needs containers", {"spec.containers": []}, ["spec.containers: Required value"]),
    ("a container needs a name", {f"{APP}.name": ""}, [f"{C}.name: Required value"]),
    ("a container's name is a label", {f"{APP}.name": "A"}, [f'{C}.name: Invalid value: "A": {LABEL}']),
    (
        "containers have different names",
        {"spec.containers.1": {"name": "app", "image": "i"}},
        ['spec.containers[1].name: Duplicate value: "app"'],
    ),
    (
        "init containers share the names",
        {"spec.initContainers": [{"name": "app", "image": "i"}]},
        ['spec.initContainers[0].name: Duplicate value: "app"'],
    ),
    ("an image is needed", {f"{APP}.image": GONE}, [f"{C}.image: Required value"]),
    (
        "an image is not padded with blanks",
        {f"{APP}.image": " a "},
        [f'{C}.image: Invalid value: " a ": must not have leading or trailing whitespace'],
    ),
    (
        "a pull policy is one of three",
        {f"{APP}.imagePullPolicy": "always"},
        [f'{C}.imagePullPolicy: Unsupported value: "always": supported values: "Always", "IfNotPresent", "Never"'],
    ),
    (
        "a termination message policy is one of two",
        {f"{APP}.terminationMessagePolicy": "Log"},
        [f'{C}.terminationMessagePolicy: Unsupported value: "Log": supported values: "FallbackToLogsOnError", "File"'],
    ),
    # resources
    (
        "a request stays below its limit",
        {f"{APP}.resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}},
        [f'{C}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    ),
    (
        "an amount is not negative",
        {f"{APP}.resources": {"requests": {"cpu": "-1"}}},
        [f'{C}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ),
    (
        "an amount is a quantity",
        {f"{APP}.resources": {"requests": {"cpu": "lots"}}},
        [
            f'{C}.resources.requests[cpu]: Invalid value: "lots": quantities must match the regular expression '
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ],
    ),
    (
        "a resource has a known name",
        {f"{APP}.resources": {"requests": {"gold": "1"}}},
        [
            f'{C}.resources.requests[gold]: Invalid value: "gold": must be a standard resource type or fully qualified',
            f'{C}.resources.requests[gold]: Invalid value: "gold": must be a standard resource for containers',
        ],
    ),
    (
        "an extended resource needs a limit",
        {f"{APP}.resources": {"requests": {"example.com/gpu": "1"}}},
        [f"{C}.resources.limits: Required value: Limit must be set for non overcommitable resources"],
    ),
    (
        "an extended resource comes in whole pieces",
        {f"{APP}.resources": {"limits": {"example.com/gpu": "500m"}}},
        [
            f'{C}.resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer',
            f'{C}.resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer',
        ],
    ),
    (
        "huge pages need something else",
        {f"{APP}.resources": {"limits": {"hugepages-2Mi": "2Mi"}}},
        [f"{C}.resources: Forbidden: HugePages require cpu or memory"],
    ),
    # ports
    ("a port has a number", {f"{APP}.ports": [{"name": "a"}]}, [f"{C}.ports[0].containerPort: Required value"]),
    (
        "a port has a possible number",
        {f"{APP}.ports": [{"containerPort": 70000}]},
        [f"{C}.ports[0].containerPort: Invalid value: 70000: {RANGE}"],
    ),
    (
        "ports have different names",
        {f"{APP}.ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]},
        [f'{C}.ports[1].name: Duplicate value: "a"'],
    ),
    (
        "host ports are taken once",
        {f"{APP}.ports": [{"containerPort": 1, "hostPort": 5}, {"containerPort": 2, "hostPort": 5}]},
        [f'{C}.ports[1].hostPort: Duplicate value: "TCP//5"'],
    ),
    (
        "on the host's network both ports are one",
        {"spec.hostNetwork": True, f"{APP}.ports": [{"containerPort": 1, "hostPort": 5}]},
        [f"{C}.ports[0].containerPort: Invalid value: 1: must match `hostPort` when `hostNetwork` is true"],
    ),
    (
        "a protocol is one of three",
        {f"{APP}.ports": [{"containerPort": 1, "protocol": "ICMP"}]},
        [f'{C}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ),
    # environment
    ("a variable has a name", {f"{APP}.env": [{"name": ""}]}, [f"{C}.env[0].name: Required value"]),
    (
        "a variable's name has no equals sign",
        {f"{APP}.env": [{"name": "a=b"}]},
        [
            f'{C}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable '
            "ASCII characters other than '='"
        ],
    ),
    (
        "a variable has one origin",
        {f"{APP}.env": [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
        [f'{C}.env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    ),
    (
        "a source is named",
        {f"{APP}.env": [{"name": "A", "valueFrom": {}}]},
        [
            f'{C}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, '
            "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        ],
    ),
    (
        "a source is one",
        {
            f"{APP}.env": [
                {
                    "name": "A",
                    "valueFrom": {
                        "secretKeyRef": {"name": "s", "key": "k"},
                        "configMapKeyRef": {"name": "s", "key": "k"},
                    },
                }
            ]
        },
        [f'{C}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time'],
    ),
    (
        "a field that nobody knows",
        {f"{APP}.env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.colour"}}}]},
        [
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.colour": '
            "error converting fieldPath: field label not supported: spec.colour"
        ],
    ),
    (
        "one label can be shown",
        {f"{APP}.env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}}]},
        [],
    ),
    (
        "all labels together cannot be a variable",
        {f"{APP}.env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]},
        [
            f'{C}.env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: '
            '"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", '
            '"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"'
        ],
    ),
    (
        "a divisor fits its resource",
        {
            f"{APP}.env": [
                {"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1Mi"}}}
            ]
        },
        [
            f'{C}.env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": '
            "only divisor's values 1m and 1 are supported with the cpu resource"
        ],
    ),
    (
        "a file of variables lies in an emptyDir of the Pod",
        {f"{APP}.env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "f", "key": "A"}}}]},
        [f'{C}.env[0].valueFrom.fileKeyRef.volumeName: Not found: "v"'],
    ),
    (
        "envFrom names a source",
        {f"{APP}.envFrom": [{"prefix": "P_"}]},
        [f'{C}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
    ),
    # mounts
    ("a mount names a volume", with_mount(name="w"), [f'{C}.volumeMounts[0].name: Not found: "w"']),
    ("a mount has a path", with_mount(mountPath=""), [f"{C}.volumeMounts[0].mountPath: Required value"]),
    (
        "mounts have different paths",
        {"spec.volumes": [{"name": "v", "emptyDir": {}}], f"{APP}.volumeMounts": [mount(), mount()]},
        [f'{C}.volumeMounts[1].mountPath: Invalid value: "/v": must be unique'],
    ),
    (
        "a subPath stays inside",
        with_mount(subPath="a/../b"),
        [f"{C}.volumeMounts[0].subPath: Invalid value: \"a/../b\": must not contain '..'"],
    ),
    (
        "a subPath is relative",
        with_mount(subPath="/a"),
        [f'{C}.volumeMounts[0].subPath: Invalid value: "/a": must be a relative path'],
    ),
    (
        "mounts to the host are for the privileged",
        with_mount(mountPropagation="Bidirectional"),
        [
            f"{C}.volumeMounts[0].mountPropagation: Forbidden: "
            "Bidirectional mount propagation is available only to privileged containers"
        ],
    ),
    # probes and hooks
    (
        "a probe needs a handler",
        {f"{APP}.livenessProbe": {}},
        [f"{C}.livenessProbe: Required value: must specify a handler type"],
    ),
    (
        "a liveness probe succeeds once",
        {f"{APP}.livenessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2}},
        [f"{C}.livenessProbe.successThreshold: Invalid value: 2: must be 1"],
    ),
    (
        "a probe's times are not negative",
        {f"{APP}.readinessProbe": {"exec": {"command": ["a"]}, "periodSeconds": -1}},
        [f"{C}.readinessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"],
    ),
    (
        "a readiness probe ends nothing",
        {f"{APP}.readinessProbe": {"exec": {"command": ["a"]}, "terminationGracePeriodSeconds": 1}},
        [f"{C}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes"],
    ),
    (
        "a hook needs a handler",
        {f"{APP}.lifecycle": {"preStop": {}}},
        [f"{C}.lifecycle.preStop: Required value: must specify a handler type"],
    ),
    (
        "gRPC is no hook",
        {f"{APP}.lifecycle": {"preStop": {"grpc": {"port": 1}}}},
        [f"{C}.lifecycle.preStop: Required value: must specify a handler type"],
    ),
    (
        "a hook has one handler",
        {f"{APP}.lifecycle": {"preStop": {"exec": {"command": ["a"]}, "sleep": {"seconds": 1}}}},
        [f"{C}.lifecycle.preStop.sleep: Forbidden: may not specify more than 1 handler type"],
    ),
    (
        "an exec hook has a command",
        {f"{APP}.lifecycle": {"postStart": {"exec": {}}}},
        [f"{C}.lifecycle.postStart.exec.command: Required value"],
    ),
    (
        "an httpGet hook may name a port that the container does not",
        {f"{APP}.lifecycle": {"postStart": {"httpGet": {"port": "web"}}}},
        [],
    ),
    (
        "an httpGet hook has a possible port",
        {f"{APP}.lifecycle": {"postStart": {"httpGet": {"port": 0}}}},
        [f"{C}.lifecycle.postStart.httpGet.port: Invalid value: 0: {RANGE}"],
    ),
    (
        "an httpGet hook speaks HTTP",
        {f"{APP}.lifecycle": {"postStart": {"httpGet": {"port": 1, "scheme": "FTP"}}}},
        [f'{C}.lifecycle.postStart.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"'],
    ),
    (
        "a header has a possible name",
        {f"{APP}.lifecycle": {"postStart": {"httpGet": {"port": 1, "httpHeaders": [{"name": "a:b"}]}}}},
        [
            f'{C}.lifecycle.postStart.httpGet.httpHeaders: Invalid value: "a:b": a valid HTTP header must consist of '
            "alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
        ],
    ),
    ("a tcpSocket hook is good", {f"{APP}.lifecycle": {"preStop": {"tcpSocket": {"port": 1}}}}, []),
    ("a sleep may last the whole grace period", {f"{APP}.lifecycle": {"preStop": {"sleep": {"seconds": 30}}}}, []),
    (
        "a sleep ends within the grace period",
        {f"{APP}.lifecycle": {"preStop": {"sleep": {"seconds": 31}}}},
        [
            f"{C}.lifecycle.preStop.sleep: Invalid value: 31: "
            "must be non-negative and less than terminationGracePeriodSeconds (30)"
        ],
    ),
    # init containers
    (
        "an init container has no hooks",
        {"spec.initContainers": [{"name": "i", "image": "i", "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}]},
        [
            "spec.initContainers[0].lifecycle: Forbidden: "
            "may not be set for init containers without restartPolicy=Always"
        ],
    ),
    (
        "a sidecar has hooks",
        {"spec.initContainers": [{**SIDE, "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}]},
        [],
    ),
    # security
    (
        "a user has a possible number",
        {f"{APP}.securityContext": {"runAsUser": -1}},
        [f"{C}.securityContext.runAsUser: Invalid value: -1: {IDS}"],
    ),
    (
        "a group has a possible number",
        {"spec.securityContext": {"fsGroup": 1 << 40}},
        [f"spec.securityContext.fsGroup: Invalid value: {1 << 40}: {IDS}"],
    ),
    (
        "the privileged can gain nothing more",
        {f"{APP}.securityContext": {"privileged": True, "allowPrivilegeEscalation": False}},
        [
            f'{C}.securityContext: Invalid value: {{"privileged":true,"allowPrivilegeEscalation":false}}: '
            "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        ],
    ),
    (
        "a local profile is named",
        {"spec.securityContext": {"seccompProfile": {"type": "Localhost"}}},
        [
            "spec.securityContext.seccompProfile.localhostProfile: Required value: "
            "must be set when seccomp type is Localhost"
        ],
    ),
    (
        "a sysctl has a possible name",
        {"spec.securityContext": {"sysctls": [{"name": "a b", "value": "1"}]}},
        [
            'spec.securityContext.sysctls[0].name: Invalid value: "a b": must have at most 253 characters and match '
            r"regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
        ],
    ),
    (
        "the host's network keeps its settings",
        {"spec.hostNetwork": True, "spec.securityContext": {"sysctls": [{"name": "net.ipv4.x", "value": "1"}]}},
        [
            'spec.securityContext.sysctls[0].name: Invalid value: "net.ipv4.x": '
            "may not be specified when 'hostNetwork' is true"
        ],
    ),
    (
        "processes are shared with one side only",
        {"spec.hostPID": True, "spec.shareProcessNamespace": True},
        ["spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled"],
    ),
    (
        "own users and the host's network exclude each other",
        {"spec.hostUsers": False, "spec.hostNetwork": True},
        ["spec.hostNetwork: Forbidden: when `hostUsers` is false"],
    ),
    (
        "Windows options are not for Linux",
        {"spec.os": {"name": "linux"}, "spec.securityContext": {"windowsOptions": {}}},
        ["spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod"],
    ),
    # volumes
    (
        "a volume has one source",
        volume(emptyDir={}, hostPath={"path": "/x"}),
        ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    ),
    (
        "volumes have different names",
        {"spec.volumes": [{"name": "v"}, {"name": "v"}]},
        ['spec.volumes[1].name: Duplicate value: "v"'],
    ),
    ("a host path has a path", volume(hostPath={}), ["spec.volumes[0].hostPath.path: Required value"]),
    (
        "a host path does not climb",
        volume(hostPath={"path": "/a/../b"}),
        ["spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
    ),
    (
        "a host path's type is known",
        volume(hostPath={"path": "/a", "type": "Pipe"}),
        [
            'spec.volumes[0].hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", '
            '"CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"'
        ],
    ),
    ("a secret volume names a secret", volume(secret={}), ["spec.volumes[0].secret.secretName: Required value"]),
    (
        "a mode is one",
        volume(configMap={"name": "c", "defaultMode": 0o1000}),
        [
            "spec.volumes[0].configMap.defaultMode: Invalid value: 512: "
            "must be a number between 0 and 0777 (octal), both inclusive"
        ],
    ),
    (
        "a file stays inside the volume",
        volume(configMap={"name": "c", "items": [{"key": "k", "path": "../x"}]}),
        ["spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'"],
    ),
    (
        "a file does not look like the writer's own",
        volume(configMap={"name": "c", "items": [{"key": "k", "path": "..data"}]}),
        ["spec.volumes[0].configMap.items[0].path: Invalid value: \"..data\": must not start with '..'"],
    ),
    (
        "a token lives ten minutes at least",
        volume(projected={"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 60}}]}),
        [
            "spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 60: "
            "may not specify a duration less than 10 minutes"
        ],
    ),
    (
        "two sources do not write one file",
        volume(
            projected={
                "sources": [
                    {"serviceAccountToken": {"path": "t"}},
                    {"configMap": {"name": "c", "items": [{"key": "k", "path": "t"}]}},
                ]
            }
        ),
        ['spec.volumes[0].projected: Invalid value: "t": conflicting duplicate paths'],
    ),
    ("an image volume names an image", volume(image={}), ["spec.volumes[0].image.reference: Required value"]),
    (
        "a downward file shows one thing",
        volume(downwardAPI={"items": [{"path": "a"}]}),
        ["spec.volumes[0].downwardAPI[0]: Required value: one of fieldRef and resourceFieldRef is required"],
    ),
    # DNS and hosts
    (
        "no policy means own settings",
        {"spec.dnsPolicy": "None"},
        ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    ),
    (
        "three name servers are enough",
        {"spec.dnsConfig": {"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}},
        [
            'spec.dnsConfig.nameservers: Invalid value: ["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]: '
            "must not have more than 3 nameservers"
        ],
    ),
    ("a search path may hold an underscore", {"spec.dnsConfig": {"searches": ["_tcp.example.com.", "."]}}, []),
    (
        "the containers' requests fit into the whole Pod's",
        {
            "spec.resources": {"requests": {"cpu": "1"}},
            f"{APP}.resources": {"requests": {"cpu": "600m"}},
            "spec.containers.1": {"name": "b", "image": "i", "resources": {"requests": {"cpu": "600m"}}},
        },
        [
            'spec.resources.requests[cpu]: Invalid value: "1": '
            "must be greater than or equal to aggregate container requests of 1200m"
        ],
    ),
    (
        "no container has a higher limit than the whole Pod",
        {
            "spec.resources": {"limits": {"memory": "1Gi"}},
            f"{APP}.resources": {"limits": {"memory": "2Gi"}, "requests": {"memory": "1Gi"}},
        },
        [f'{C}.resources.limits[memory]: Invalid value: "2Gi": must be less than or equal to pod limits of 1Gi'],
    ),
    (
        "the containers' huge pages fit into the whole Pod's",
        {
            "spec.resources": {"limits": {"cpu": "1", "hugepages-2Mi": "2Mi"}},
            f"{APP}.resources": {"limits": {"cpu": "1", "hugepages-2Mi": "2Mi"}},
            "spec.containers.1": {
                "name": "b",
                "image": "i",
                "resources": {"limits": {"hugepages-2Mi": "2Mi"}, "requests": {"cpu": "0"}},
            },
        },
        [
            f'spec.resources.{kind}[hugepages-2Mi]: Invalid value: "2Mi": '
            f"must be greater than or equal to aggregate container {kind} of 4Mi"
            for kind in ("requests", "limits")
        ],
    ),
    (
        "a whole Pod has CPU, memory and huge pages only",
        {"spec.resources": {"limits": {"ephemeral-storage": "1Gi", "example.com/gpu": "1"}}},
        [
            f'spec.resources.{kind}[{name}]: Unsupported value: "{name}": '
            'supported values: "cpu", "memory", "hugepages-"'
            for kind in ("limits", "requests")
            for name in ("ephemeral-storage", "example.com/gpu")
        ],
    ),
    (
        "a whole Pod claims no devices",
        {"spec.resources": {"claims": [{"name": "gpu"}]}},
        ["spec.resources.claims: Forbidden: claims are not supported for pod-level resources"],
    ),
    (
        "a Pod for Windows has no resources as a whole",
        {"spec.os": {"name": "windows"}, "spec.resources": {"limits": {"cpu": "1"}}},
        ["spec.resources: Forbidden: may not be set for a windows pod"],
    ),
    (
        "what is never started again is not started anew for a resize either",
        {
            "spec.restartPolicy": "Never",
            f"{APP}.resizePolicy": [{"resourceName": "memory", "restartPolicy": "RestartContainer"}],
        },
        [
            f'{C}.resizePolicy: Invalid value: "RestartContainer": '
            "must be 'NotRequired' when `restartPolicy` is 'Never'"
        ],
    ),
    ("the whole name of a Pod may have dots", {"spec.hostnameOverride": "web.example.com"}, []),
    (
        "the whole name of a Pod is a name of the DNS",
        {"spec.hostnameOverride": "Web"},
        [f'spec.hostnameOverride: Invalid value: "Web": {SUBDOMAIN}'],
    ),
    (
        "the whole name of a Pod is no longer than Linux takes",
        {"spec.hostnameOverride": "a" * 65},
        ["spec.hostnameOverride: Too long: may not be more than 64 bytes"],
    ),
    (
        "nothing else has a say in the whole name of a Pod",
        {"spec.hostnameOverride": "web", "spec.hostNetwork": True, "spec.setHostnameAsFQDN": True},
        [
            "spec.hostnameOverride: Forbidden: may not be specified when `hostNetwork` is true",
            "spec.hostnameOverride: Forbidden: may not be specified when `setHostnameAsFQDN` is true",
        ],
    ),
    (
        "a host alias has an address",
        {"spec.hostAliases": [{"ip": "here", "hostnames": ["a"]}]},
        [
            'spec.hostAliases[0].ip: Invalid value: "here": '
            "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        ],
    ),
    # scheduling
    (
        "a toleration without a key tolerates all",
        toleration(effect="NoSchedule"),
        [
            'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, '
            'which means "match all values and all keys"'
        ],
    ),
    (
        "seconds are for NoExecute",
        toleration(key="a", operator="Exists", effect="NoSchedule", tolerationSeconds=1),
        [
            'spec.tolerations[0].effect: Invalid value: "NoSchedule": '
            "effect must be 'NoExecute' when `tolerationSeconds` is set"
        ],
    ),
    (
        "an operator is one of two",
        toleration(key="a", operator="Like"),
        ['spec.tolerations[0].operator: Unsupported value: "Like": supported values: "Equal", "Exists"'],
    ),
    (
        "a node selection has a term",
        required_terms([]),
        [f"{TERM}: Required value: must have at least one node selector term"],
    ),
    (
        "In needs values",
        required_terms([{"matchExpressions": [{"key": "a", "operator": "In"}]}]),
        [f"{TERM}[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
    ),
    (
        "Gt needs one value",
        required_terms([{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1", "2"]}]}]),
        [
            f"{TERM}[0].matchExpressions[0].values: Required value: "
            "must be specified single value when `operator` is 'Lt' or 'Gt'"
        ],
    ),
    (
        "a field that can be matched is the name",
        required_terms([{"matchFields": [{"key": "spec.x", "operator": "In", "values": ["1"]}]}]),
        [f'{TERM}[0].matchFields[0].key: Invalid value: "spec.x": not a valid field selector key'],
    ),
    (
        "a Pod at a gate has no node",
        {"spec.schedulingGates": [{"name": "g"}], "spec.nodeName": "n"},
        ["spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"],
    ),
    (
        "gates have different names",
        {"spec.schedulingGates": [{"name": "g"}, {"name": "g"}]},
        ['spec.schedulingGates[1]: Duplicate value: "g"'],
    ),
    (
        "a spread has a skew",
        {
            "spec.topologySpreadConstraints": [
                {"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
            ]
        },
        ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"],
    ),
    # more of security
    (
        "proc is unmasked for own users only",
        {f"{APP}.securityContext": {"procMount": "Unmasked"}},
        [f'{C}.securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`'],
    ),
    (
        "an administrator's capability can gain something",
        {f"{APP}.securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}},
        [
            f'{C}.securityContext: Invalid value: {{"allowPrivilegeEscalation":false,"capabilities":'
            '{"add":["CAP_SYS_ADMIN"]}}: '
            "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        ],
    ),
    (
        "a profile has a type",
        {"spec.securityContext": {"seccompProfile": {}}},
        ["spec.securityContext.seccompProfile.type: Required value: type is required when seccompProfile is set"],
    ),
    (
        "a profile's type is one of three",
        {"spec.securityContext": {"appArmorProfile": {"type": "Best"}}},
        [
            'spec.securityContext.appArmorProfile.type: Unsupported value: "Best": '
            'supported values: "Localhost", "RuntimeDefault", "Unconfined"'
        ],
    ),
    (
        "a profile that is not local has no file",
        {"spec.securityContext": {"seccompProfile": {"type": "Unconfined", "localhostProfile": "x"}}},
        [
            'spec.securityContext.seccompProfile.localhostProfile: Invalid value: "x": '
            "can only be set when seccomp type is Localhost"
        ],
    ),
    (
        "a profile's file stays inside its folder",
        {"spec.securityContext": {"seccompProfile": {"type": "Localhost", "localhostProfile": "../x"}}},
        ["spec.securityContext.seccompProfile.localhostProfile: Invalid value: \"../x\": must not contain '..'"],
    ),
    (
        "a profile's name has no blanks around",
        {"spec.securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": " x"}}},
        [
            'spec.securityContext.appArmorProfile.localhostProfile: Invalid value: " x": '
            "must not be padded with whitespace"
        ],
    ),
    (
        "a sysctl stands once",
        {"spec.securityContext": {"sysctls": [{"name": "kernel.x"}, {"name": "kernel.x"}, {}]}},
        [
            'spec.securityContext.sysctls[1].name: Duplicate value: "kernel.x"',
            "spec.securityContext.sysctls[2].name: Required value",
        ],
    ),
    (
        "the host's IPC keeps its settings",
        {"spec.hostIPC": True, "spec.securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced"}]}},
        [
            'spec.securityContext.sysctls[0].name: Invalid value: "kernel.shm_rmid_forced": '
            "may not be specified when 'hostIPC' is true"
        ],
    ),
    (
        "an additional group has a possible number",
        {"spec.securityContext": {"supplementalGroups": [1, -1]}},
        [f"spec.securityContext.supplementalGroups[1]: Invalid value: -1: {IDS}"],
    ),
    (
        "Windows host processes use the host's network",
        {
            "spec.os": {"name": "windows"},
            "spec.securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": ""}},
        },
        [
            'spec.securityContext.windowsOptions.runAsUserName: Invalid value: "": '
            "runAsUserName cannot be an empty string",
            "spec.securityContext.windowsOptions.hostProcess: Invalid value: true: "
            "hostNetwork must be true if pod is configured to run hostProcess containers",
        ],
    ),
    # more of mounts
    (
        "two ways to a subPath exclude each other",
        with_mount(subPath="a", subPathExpr="b"),
        [f'{C}.volumeMounts[0].subPathExpr: Invalid value: "b": subPathExpr and subPath are mutually exclusive'],
    ),
    (
        "read-only all the way down is read-only",
        with_mount(recursiveReadOnly="Enabled"),
        [f"{C}.volumeMounts[0].recursiveReadOnly: Forbidden: may only be specified when readOnly is true"],
    ),
    (
        "a block device is a claim",
        {
            "spec.volumes": [{"name": "v", "emptyDir": {}}],
            f"{APP}.volumeDevices": [{"name": "v", "devicePath": "/dev/x"}],
        },
        [
            f'{C}.volumeDevices[0].name: Invalid value: "v": '
            "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        ],
    ),
    # more of scheduling
    (
        "a weight is between 1 and 100",
        {
            "spec.affinity": {
                "nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {}}]}
            }
        },
        [
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
            "Invalid value: 0: must be in the range 1-100"
        ],
    ),
    (
        "Pods are near each other in something",
        {"spec.affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}},
        [
            "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: "
            "Required value: can not be empty"
        ],
    ),
    (
        "Exists has no values",
        required_terms([{"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["1"]}]}]),
        [
            f"{TERM}[0].matchExpressions[0].values: Forbidden: "
            "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
        ],
    ),
    (
        "an effect is one of three",
        toleration(key="a", effect="Maybe"),
        [
            'spec.tolerations[0].effect: Unsupported value: "Maybe": '
            'supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"'
        ],
    ),
    (
        "domains are counted where they are needed",
        {
            "spec.topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2}
            ]
        },
        [
            "spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: "
            "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
        ],
    ),
    # the rest
    (
        "a deadline is in the future",
        {"spec.activeDeadlineSeconds": 0},
        ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    ),
    (
        "overhead is told as limits",
        {"spec.overhead": {"cpu": "-1"}},
        ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    ),
    (
        "a restart policy is one of three",
        {"spec.restartPolicy": "Sometimes"},
        ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ),
    (
        "ephemeral containers come later",
        {"spec.ephemeralContainers": [{"name": "d", "image": "i"}]},
        ["spec.ephemeralContainers: Forbidden: cannot be set on create"],
    ),
    (
        "a mirror Pod has a node",
        {"metadata.annotations": {"kubernetes.io/config.mirror": "x"}},
        [
            'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": '
            "must set spec.nodeName if mirror pod annotation is set"
        ],
    ),
    (
        "claims have different names",
        {"spec.resourceClaims": [{"name": "c", "resourceClaimName": "a"}, {"name": "c", "resourceClaimName": "a"}]},
        ['spec.resourceClaims[1].name: Duplicate value: "c"'],
    ),
    (
        "a container's claim is the Pod's",
        {f"{APP}.resources": {"claims": [{"name": "c"}]}},
        [f'{C}.resources.claims[0].name: Not found: "c"'],
    ),
    (
        "a claim has one origin",
        {"spec.resourceClaims": [{"name": "c"}]},
        [
            'spec.resourceClaims[0]: Invalid value: {"name":"c"}: '
            "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
        ],
    ),
    (
        "own rules of restarting need an own policy",
        {f"{APP}.restartPolicyRules": [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}]},
        [f"{C}.restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
    ),
    ("a pull secret without a name is taken", {"spec.imagePullSecrets": [{"name": ""}]}, []),
]


@pytest.mark.parametrize(("edits", "errors"), [pytest.param(e, x, id=i) for i, e, x in CASES])
def test_new_pod(edits: dict[str, Any], errors: list[str]) -> None:
    assert [str(e) for e in PodStrategy().validate(pod(edits))] == errors
