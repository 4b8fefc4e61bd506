from __future__ import annotations

from typing import Any

import pytest
from tests.kubelet.kuberuntime.pods import UID, container, pod

from podwright.api.objects import Object
from podwright.cri.generated import cri_pb2 as pb
from podwright.kubelet.errors import ContainerConfigError
from podwright.kubelet.interfaces import ContainerKind, Mount, RunOptions
from podwright.kubelet.kuberuntime import labels
from podwright.kubelet.kuberuntime.container_config import ContainerInput, container_config, stop_signal
from podwright.kubelet.kuberuntime.node_facts import NodeFacts, minimum_oom_score_adj
from podwright.kubelet.kuberuntime.pod_containers import container_hash, find_member
from podwright.kubelet.kuberuntime.resources import page_size
from podwright.kubelet.kuberuntime.security import MASKED_PATHS, READONLY_PATHS, ImageUser, needs_image_user

FACTS = NodeFacts(memory_bytes=8 << 30, hugepage_sizes=("2MB",))
WHERE = f'(pod: "web_shop({UID})", container: app)'


def made(obj: Object, name: str = "app", facts: NodeFacts = FACTS, **given: Any) -> pb.ContainerConfig:
    member = find_member(obj, name)
    assert member is not None
    return container_config(ContainerInput(obj, member, 2, "sha256:1", **{"options": RunOptions(), **given}), facts)


def security(pod_context: Object | None = None, image: ImageUser | None = None, **own: Any) -> Any:
    obj = pod(container("app", securityContext=own), **({"securityContext": pod_context} if pod_context else {}))
    return made(obj, image_user=image).linux.security_context


def resources(requests: Object | None = None, limits: Object | None = None, facts: NodeFacts = FACTS) -> Any:
    own = {**({"requests": requests} if requests else {}), **({"limits": limits} if limits else {})}
    return made(pod(container("app", resources=own)), facts=facts).linux.resources


def test_what_the_container_is_told() -> None:
    obj = pod(
        container(
            "app",
            workingDir="/w",
            tty=True,
            stdin=True,
            stdinOnce=True,
            ports=[{"containerPort": 80}],
            terminationMessagePath="/dev/t",
            terminationMessagePolicy="FallbackToLogsOnError",
            lifecycle={"preStop": {"sleep": {"seconds": 3}}, "stopSignal": "SIGRTMIN+3"},
        ),
        terminationGracePeriodSeconds=40,
        meta={"deletionGracePeriodSeconds": 9, "labels": {"not": "mine"}},
    )
    options = RunOptions(
        env=[("A", "ü")],
        command=["run"],
        args=["fast"],
        mounts=[
            Mount("/data", "/host/data", read_only=True, propagation="HostToContainer"),
            Mount("/img", image="sha256:9", image_sub_path="x"),
        ],
    )
    config = made(obj, options=options, message_file="/host/t")
    assert (config.metadata.name, config.metadata.attempt, config.log_path) == ("app", 2, "app/2.log")
    assert (config.image.image, config.image.user_specified_image) == ("sha256:1", "app:1")
    assert (list(config.command), list(config.args), config.working_dir) == (["run"], ["fast"], "/w")
    assert [(e.key, e.value) for e in config.envs] == [("A", "ü".encode())]
    assert (config.tty, config.stdin, config.stdin_once) == (True, True, True)
    assert [(m.container_path, m.host_path, m.readonly, m.propagation) for m in config.mounts] == [
        ("/data", "/host/data", True, pb.MountPropagation.PROPAGATION_HOST_TO_CONTAINER),
        ("/img", "", False, pb.MountPropagation.PROPAGATION_PRIVATE),
        ("/dev/t", "/host/t", False, pb.MountPropagation.PROPAGATION_PRIVATE),
    ]
    assert (config.mounts[1].image.image, config.mounts[1].image_sub_path) == ("sha256:9", "x")
    assert pb.Signal.Name(config.stop_signal) == "SIGNAL_SIGRTMINPLUS3"
    assert dict(config.labels) == {
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.pod.uid": UID,
        "io.kubernetes.container.name": "app",
    }
    assert dict(config.annotations) == {
        "io.kubernetes.container.hash": container_hash(obj["spec"]["containers"][0]),
        "io.kubernetes.container.restartCount": "2",
        "io.kubernetes.container.terminationMessagePath": "/dev/t",
        "io.kubernetes.container.terminationMessagePolicy": "FallbackToLogsOnError",
        "io.kubernetes.container.preStopHandler": '{"sleep":{"seconds":3}}',
        "io.kubernetes.container.ports": '[{"containerPort":80}]',
        "io.kubernetes.pod.terminationGracePeriod": "40",
        "io.kubernetes.pod.deletionGracePeriod": "9",
        "podwright.dev/image": "app:1",
        "podwright.dev/container-kind": "containers",
    }
    restored, kind = labels.restore("app", config.labels, config.annotations)
    assert kind is ContainerKind.APP
    assert restored["metadata"] == {"name": "web", "namespace": "shop", "uid": UID, "deletionGracePeriodSeconds": 9}
    assert restored["spec"] == {
        "terminationGracePeriodSeconds": 40,
        "containers": [
            {
                "name": "app",
                "image": "app:1",
                "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
                "ports": [{"containerPort": 80}],
            }
        ],
    }


def test_annotations_that_cannot_be_read_do_not_keep_a_container_alive() -> None:
    broken = {labels.PRE_STOP: "{", labels.PORTS: "7", labels.GRACE: "soon", labels.KIND: "?"}
    restored, kind = labels.restore("app", {}, broken)
    assert (restored["spec"], kind) == ({"containers": [{"name": "app", "image": ""}]}, ContainerKind.APP)


def test_the_hash_is_of_name_and_image_alone() -> None:
    assert container_hash(container("a", env=[1])) == container_hash(container("a"))
    assert container_hash(container("a")) != container_hash({**container("a"), "image": "other"})


@pytest.mark.parametrize(
    ("name", "want"), [("SIGTERM", "SIGNAL_SIGTERM"), ("SIGRTMAX-2", "SIGNAL_SIGRTMAXMINUS2"), ("SIGODD", None)]
)
def test_stop_signals(name: str, want: str | None) -> None:
    if want is None:
        with pytest.raises(ContainerConfigError, match="unknown stop signal 'SIGODD'"):
            stop_signal(name)
    else:
        assert pb.Signal.Name(stop_signal(name)) == want


# ---- security


def test_without_a_security_context() -> None:
    got = security()
    assert not got.privileged and not got.readonly_rootfs and not got.no_new_privs
    assert not got.HasField("run_as_user") and not got.HasField("run_as_group") and not got.HasField("capabilities")
    assert got.seccomp.profile_type == pb.SecurityProfile.Unconfined
    assert (tuple(got.masked_paths), tuple(got.readonly_paths)) == (MASKED_PATHS, READONLY_PATHS)


def test_the_container_s_own_context_comes_before_the_pod_s() -> None:
    got = security(
        {
            "runAsUser": 1,
            "runAsGroup": 2,
            "fsGroup": 5,
            "supplementalGroups": [6],
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        runAsUser=7,
        privileged=True,
        readOnlyRootFilesystem=True,
        allowPrivilegeEscalation=False,
        capabilities={"add": ["NET_ADMIN"], "drop": ["ALL"]},
        procMount="Unmasked",
        seLinuxOptions={"level": "s0"},
        appArmorProfile={"type": "Localhost", "localhostProfile": "mine"},
    )
    assert (got.run_as_user.value, got.run_as_group.value, list(got.supplemental_groups)) == (7, 2, [5, 6])
    assert got.privileged and got.readonly_rootfs and got.no_new_privs
    assert (list(got.capabilities.add_capabilities), list(got.capabilities.drop_capabilities)) == (
        ["NET_ADMIN"],
        ["ALL"],
    )
    assert not got.masked_paths and not got.readonly_paths
    assert got.selinux_options.level == "s0"
    assert (got.apparmor.profile_type, got.apparmor.localhost_ref) == (pb.SecurityProfile.Localhost, "mine")
    assert got.seccomp.profile_type == pb.SecurityProfile.RuntimeDefault


@pytest.mark.parametrize("name", ["../x", "/etc/x", ""])
def test_a_seccomp_profile_lies_below_its_directory(name: str) -> None:
    with pytest.raises(ContainerConfigError, match="must name a file below"):
        security(seccompProfile={"type": "Localhost", "localhostProfile": name})


def test_a_seccomp_profile_of_the_node() -> None:
    got = security(seccompProfile={"type": "Localhost", "localhostProfile": "a/b.json"})
    assert got.seccomp.localhost_ref == "/var/lib/kubelet/seccomp/a/b.json"


NON_ROOT = {"runAsNonRoot": True}


@pytest.mark.parametrize(
    ("own", "image", "error"),
    [
        pytest.param(
            {"runAsUser": 0}, None, f"container's runAsUser breaks non-root policy {WHERE}", id="asks for root"
        ),
        pytest.param({"runAsUser": 5}, None, None, id="asks for another user"),
        pytest.param(
            {},
            ImageUser(),
            f"container has runAsNonRoot and image will run as root {WHERE}",
            id="the image says nothing",
        ),
        pytest.param(
            {}, ImageUser(0), f"container has runAsNonRoot and image will run as root {WHERE}", id="the image says root"
        ),
        pytest.param({}, ImageUser(9), None, id="the image says another user"),
        pytest.param(
            {},
            ImageUser(None, "www"),
            f"container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root {WHERE}",
            id="the image says a name",
        ),
    ],
)
def test_run_as_non_root(own: Object, image: ImageUser | None, error: str | None) -> None:
    if error is None:
        security(NON_ROOT, image, **own)
        return
    with pytest.raises(ContainerConfigError) as caught:
        security(NON_ROOT, image, **own)
    assert caught.value.message == error


@pytest.mark.parametrize(
    ("own", "want"),
    [
        pytest.param({}, False, id="nothing asked: the runtime takes the image's user by itself"),
        pytest.param({"runAsNonRoot": True}, True, id="non-root must be verified"),
        pytest.param({"runAsNonRoot": True, "runAsUser": 4}, False, id="unless the user is given"),
        pytest.param({"runAsGroup": 4}, True, id="a group needs a user"),
    ],
)
def test_when_the_image_s_user_must_be_known(own: Object, want: bool) -> None:
    assert needs_image_user(pod(), container("app", securityContext=own)) is want


def test_a_group_alone_goes_with_the_image_s_user() -> None:
    assert security({"runAsGroup": 4}, ImageUser(None, "www")).run_as_username == "www"
    assert security({"runAsGroup": 4}, ImageUser(8)).run_as_user.value == 8
    assert security({"runAsGroup": 4}, ImageUser()).HasField("run_as_user")


MODES = pb.NamespaceMode


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({}, (MODES.POD, MODES.CONTAINER, MODES.POD), id="its own processes, the Pod's network"),
        pytest.param({"hostNetwork": True}, (MODES.NODE, MODES.CONTAINER, MODES.POD), id="the node's network"),
        pytest.param({"hostPID": True}, (MODES.POD, MODES.NODE, MODES.POD), id="the node's processes"),
        pytest.param({"hostIPC": True}, (MODES.POD, MODES.CONTAINER, MODES.NODE), id="the node's IPC"),
        pytest.param({"shareProcessNamespace": True}, (MODES.POD, MODES.POD, MODES.POD), id="shared processes"),
    ],
)
def test_namespaces(spec: Object, want: tuple[int, int, int]) -> None:
    got = made(pod(**spec)).linux.security_context.namespace_options
    assert (got.network, got.pid, got.ipc) == want


def test_an_ephemeral_container_joins_its_target() -> None:
    got = made(pod(), target_id="c1").linux.security_context.namespace_options
    assert (got.pid, got.target_id) == (MODES.TARGET, "c1")


# ---- resources


@pytest.mark.parametrize(
    ("requests", "limits", "want"),
    [
        pytest.param({}, {}, (2, 0, 0, 0), id="none: the least share, no limit"),
        pytest.param({"cpu": "250m"}, {}, (256, 0, 0, 0), id="a share"),
        pytest.param({}, {"cpu": "1500m"}, (1536, 150000, 100000, 0), id="a limit is a request too"),
        pytest.param({"cpu": "1"}, {"cpu": "5m"}, (1024, 1000, 100000, 0), id="no quota below a millisecond"),
        pytest.param({}, {"memory": "64Mi"}, (2, 0, 0, 64 << 20), id="memory"),
        pytest.param({"cpu": "1000"}, {}, (262144, 0, 0, 0), id="the most of shares"),
    ],
)
def test_cpu_and_memory(requests: Object, limits: Object, want: tuple[int, int, int, int]) -> None:
    got = resources(requests, limits)
    assert (got.cpu_shares, got.cpu_quota, got.cpu_period, got.memory_limit_in_bytes) == want


@pytest.mark.parametrize(
    ("own", "want"),
    [
        pytest.param({}, (1024, 100000, 128 << 20), id="a container without limits has the Pod's"),
        pytest.param({"requests": {"cpu": "250m"}}, (256, 100000, 128 << 20), id="and keeps its own share"),
        pytest.param({"limits": {"cpu": "500m", "memory": "64Mi"}}, (512, 50000, 64 << 20), id="its own limits stay"),
        pytest.param({"limits": {"memory": "0"}}, (1024, 100000, 128 << 20), id="no limit is none of its own"),
    ],
)
def test_the_limits_of_the_whole_pod(own: Object, want: tuple[int, int, int]) -> None:
    whole = {"limits": {"cpu": "1", "memory": "128Mi"}, "requests": {"cpu": "500m"}}
    got = made(pod(container("app", resources=own), resources=whole)).linux.resources
    assert (got.cpu_shares, got.cpu_quota, got.memory_limit_in_bytes) == want


def test_quota_can_be_switched_off() -> None:
    assert resources({}, {"cpu": "1"}, NodeFacts(8 << 30, cpu_cfs_quota=False)).cpu_quota == 0


def test_cgroup_v2_ends_all_processes_of_a_container_together() -> None:
    assert dict(resources(facts=NodeFacts(8 << 30, cgroup_v2=True)).unified) == {"memory.oom.group": "1"}
    assert not resources().unified


def test_hugepages_that_were_not_asked_for_are_limited_to_none() -> None:
    assert [(h.page_size, h.limit) for h in resources().hugepage_limits] == [("2MB", 0)]
    got = resources({}, {"hugepages-2Mi": "4Mi", "memory": "1Gi"}).hugepage_limits
    assert [(h.page_size, h.limit) for h in got] == [("2MB", 4 << 20)]


@pytest.mark.parametrize(
    ("name", "size"), [("hugepages-2Mi", "2MB"), ("hugepages-1Gi", "1GB"), ("hugepages-64Ki", "64KB")]
)
def test_page_sizes(name: str, size: str) -> None:
    assert page_size(name) == size


BOTH = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("own", "spec", "least", "want"),
    [
        pytest.param({}, {}, -1000, 1000, id="best effort goes first"),
        pytest.param({"limits": BOTH, "requests": BOTH}, {}, -1000, -997, id="guaranteed goes last"),
        pytest.param({"requests": {"memory": "4Gi"}}, {}, -1000, 500, id="burstable by its share of memory"),
        pytest.param({"requests": {"memory": "1Mi"}}, {}, -1000, 999, id="but never like best effort"),
        pytest.param({"requests": {"memory": "8Gi"}}, {}, -1000, 3, id="nor like guaranteed"),
        pytest.param({}, {"priority": 2_000_000_000}, -1000, -997, id="critical Pods go last"),
        pytest.param({"limits": BOTH, "requests": BOTH}, {}, 0, 0, id="never lower than we may go"),
    ],
)
def test_oom_score(own: Object, spec: Object, least: int, want: int) -> None:
    facts = NodeFacts(8 << 30, minimum_oom_score_adj=least)
    assert made(pod(container("app", resources=own), **spec), facts=facts).linux.resources.oom_score_adj == want


def test_a_sidecar_s_oom_score_is_the_best_of_the_apps() -> None:
    app = container("app", resources={"requests": {"memory": "4Gi"}})
    obj = pod(app, init=[container("side", restartPolicy="Always")])
    assert made(obj, "side").linux.resources.oom_score_adj == 500


@pytest.mark.parametrize(
    ("name", "want"),
    [
        pytest.param("app", 1000 - 250, id="an app container: its own, and its share of what is left"),
        pytest.param("other", 1000 - 125, id="one without its own: its share"),
        pytest.param("side", 1000 - 250, id="a sidecar: as the apps that need it"),
    ],
)
def test_what_the_whole_pod_asks_for_beyond_its_containers_is_shared_out(name: str, want: int) -> None:
    app = container("app", resources={"requests": {"memory": "1Gi"}})
    side, other = container("side", restartPolicy="Always"), container("other")
    obj = pod(app, other, init=[side, container("once")], resources={"requests": {"memory": "5Gi"}})
    assert made(obj, name).linux.resources.oom_score_adj == want


@pytest.mark.parametrize(
    ("status", "own", "want"),
    [
        pytest.param("CapEff:\t000001fffeffffff\n", 0, 0, id="without CAP_SYS_RESOURCE our own score is the least"),
        pytest.param("CapEff:\t000001ffffffffff\n", 0, -1000, id="with it everything goes"),
        pytest.param("", 100, 100, id="unknown is without"),
    ],
)
def test_the_least_oom_score(status: str, own: int, want: int) -> None:
    assert minimum_oom_score_adj(status, own) == want


def test_a_quantity_that_is_none_is_told() -> None:
    with pytest.raises(ContainerConfigError, match="resources of container app: "):
        resources({}, {"memory": "lots"})
