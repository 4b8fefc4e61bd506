"""Everything that a container sees, put together; the API is a fake, files and mounts are real."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.kubelet import FakeEvents
from tests.fakes.waiting import running

from podwright.api.errors import Forbidden
from podwright.api.resources import CONFIG_MAPS, SECRETS, SERVICES
from podwright.kubelet.environment.dns_config import PodDns
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.environment.environment import ContainerEnvironment, service_informer
from podwright.kubelet.errors import ContainerConfigError, SandboxError
from podwright.kubelet.interfaces import Mount, MountedVolumes, RunOptions

NODE = NodeFacts("node-1", ["192.0.2.1"], {"cpu": "4", "memory": "8Gi"})


class Bench:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.client = FakeClient()
        self.services = service_informer(self.client)
        (directory / "node-hosts").write_text("127.0.0.1 node\n")
        (directory / "resolv.conf").write_text("nameserver 192.0.2.53\n")
        self.environment = ContainerEnvironment(
            self.client,
            self.services,
            PodDns(["10.96.0.10"], "cluster.local", directory / "resolv.conf", FakeEvents()),
            pods_dir=directory / "pods",
            cluster_domain="cluster.local",
            node=lambda: NODE,
            recursive_read_only=lambda pod: False,
            node_hosts=directory / "node-hosts",
        )
        self.pod: dict = {
            "metadata": {"name": "web", "namespace": "shop", "uid": "u1", "labels": {"app": "x"}},
            "spec": {"enableServiceLinks": True, "volumes": [{"name": "e", "emptyDir": {}}]},
        }
        self.volumes = MountedVolumes({"e": str(directory / "e")})
        (directory / "e").mkdir()

    async def options(self, **container: object) -> RunOptions:
        container = {"name": "c", **container}
        return await self.environment.run_options(self.pod, container, self.volumes, ["10.1.0.5"])

    async def variables(self, *env: dict, env_from: list | None = None) -> dict[str, str]:
        options = await self.options(env=list(env), envFrom=env_from or [])
        return {k: v for k, v in options.env if not k.startswith("KUBERNETES_")}

    async def refused(self, *env: dict, env_from: list | None = None) -> str:
        with pytest.raises(ContainerConfigError) as caught:
            await self.variables(*env, env_from=env_from)
        assert caught.value.reason == "CreateContainerConfigError"
        return caught.value.message


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    client = bench.client
    spec = {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "protocol": "TCP"}]}
    await client.create(SERVICES, {"metadata": {"name": "kubernetes"}, "spec": spec}, "default")
    data = {"A": "from-map", "my.key": "dotted"}
    await client.create(CONFIG_MAPS, {"metadata": {"name": "cm"}, "data": data}, "shop")
    secret = {"A": base64.b64encode(b"from-secret").decode(), "bin": base64.b64encode(b"\xff\xfe").decode()}
    await client.create(SECRETS, {"metadata": {"name": "s"}, "data": secret}, "shop")
    only_text = {"P": base64.b64encode(b"pw").decode()}
    await client.create(SECRETS, {"metadata": {"name": "text"}, "data": only_text}, "shop")
    async with running(bench.services.run()):
        await bench.services.wait_synced()
        yield bench


def key(kind: str, name: str, key: str, **more: object) -> dict:
    return {"name": "V", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **more}}}


class TestVariables:
    async def test_precedence_from_services_to_env(self, bench: Bench) -> None:
        options = await bench.options(
            envFrom=[{"configMapRef": {"name": "cm"}}, {"secretRef": {"name": "text"}}],
            env=[
                {"name": "A", "value": "1"},
                {"name": "B", "value": "$(A) $(my.key) $(P) $(KUBERNETES_SERVICE_HOST) $(LATER)"},
                {"name": "A", "value": "2"},
                {"name": "KUBERNETES_SERVICE_HOST", "value": "mine"},
            ],
        )
        env = dict(options.env)
        assert env["A"] == "2"
        assert env["B"] == "1 dotted pw 10.96.0.1 $(LATER)"
        assert env["KUBERNETES_SERVICE_HOST"] == "mine"
        assert env["KUBERNETES_PORT_443_TCP"] == "tcp://10.96.0.1:443"
        assert len(env) == len(options.env)

    async def test_a_later_source_wins(self, bench: Bench) -> None:
        await bench.client.create(CONFIG_MAPS, {"metadata": {"name": "two"}, "data": {"A": "second"}}, "shop")
        sources = [{"configMapRef": {"name": "cm"}}, {"configMapRef": {"name": "two"}}]
        assert (await bench.variables(env_from=sources))["A"] == "second"

    async def test_a_prefix(self, bench: Bench) -> None:
        sources = [{"prefix": "CM_", "configMapRef": {"name": "cm"}}]
        assert await bench.variables(env_from=sources) == {"CM_A": "from-map", "CM_my.key": "dotted"}

    @pytest.mark.parametrize(
        ("entry", "value"),
        [
            pytest.param(key("configMap", "cm", "A"), "from-map", id="a key of a ConfigMap"),
            pytest.param(key("secret", "s", "A"), "from-secret", id="a key of a Secret"),
            pytest.param(
                {"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}, "10.1.0.5", id="a field"
            ),
            pytest.param(
                {"name": "V", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
                "4000",
                id="a resource",
            ),
        ],
    )
    async def test_sources(self, bench: Bench, entry: dict, value: str) -> None:
        assert await bench.variables(entry) == {"V": value}

    @pytest.mark.parametrize(
        ("entry", "text"),
        [
            pytest.param(key("configMap", "no", "A"), 'configmap "no" not found', id="no such ConfigMap"),
            pytest.param(key("secret", "no", "A"), 'secret "no" not found', id="no such Secret"),
            pytest.param(
                key("configMap", "cm", "no"), "couldn't find key no in ConfigMap shop/cm", id="no such key in a map"
            ),
            pytest.param(
                key("secret", "s", "no"), "couldn't find key no in Secret shop/s", id="no such key in a Secret"
            ),
            pytest.param(
                key("secret", "s", "bin"),
                "key bin in Secret shop/s is not text and cannot be a variable; mount it as a file",
                id="bytes that are no text",
            ),
            pytest.param(
                {"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}},
                "error converting fieldPath: field label not supported: spec.x",
                id="no such field",
            ),
        ],
    )
    async def test_what_is_missing_is_named(self, bench: Bench, entry: dict, text: str) -> None:
        assert await bench.refused(entry) == text

    async def test_whole_sources_that_are_missing(self, bench: Bench) -> None:
        assert await bench.refused(env_from=[{"secretRef": {"name": "no"}}]) == 'secret "no" not found'
        optional = [{"secretRef": {"name": "no", "optional": True}}, {"configMapRef": {"name": "x", "optional": True}}]
        assert await bench.variables(env_from=optional) == {}

    async def test_what_is_optional_is_left_out(self, bench: Bench) -> None:
        entries = [key("configMap", "no", "A", optional=True), key("secret", "s", "no", optional=True)]
        assert await bench.variables(*entries) == {}

    async def test_a_refusal_of_the_api_is_told(self, bench: Bench) -> None:
        bench.client.fail_next("get", SECRETS, Forbidden.of("secrets", "s", "no"))
        text = await bench.refused(key("secret", "s", "A"))
        assert text == """couldn't get Secret shop/s: secrets "s" is forbidden: no"""

    async def test_it_starts_once_the_key_appears(self, bench: Bench) -> None:
        await bench.refused(key("configMap", "late", "A"))
        await bench.client.create(CONFIG_MAPS, {"metadata": {"name": "late"}, "data": {"A": "now"}}, "shop")
        assert await bench.variables(key("configMap", "late", "A")) == {"V": "now"}


class TestFiles:
    def entry(self, volume: str = "e", path: str = "f", name: str = "K", **more: object) -> dict:
        return {"name": "V", "valueFrom": {"fileKeyRef": {"volumeName": volume, "path": path, "key": name, **more}}}

    async def test_a_variable_out_of_a_file(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "e" / "f").write_text("K='v'\n")
        assert await bench.variables(self.entry()) == {"V": "v"}

    async def test_what_is_missing(self, bench: Bench, tmp_path: Path) -> None:
        assert await bench.refused(self.entry("no")) == 'cannot find the volume "no" referenced by FileKeyRef'
        missing = 'environment variable key "K" not found in file "f"'
        assert await bench.refused(self.entry()) == missing
        (tmp_path / "e" / "f").write_text("A='v'\n")
        assert await bench.refused(self.entry()) == missing
        assert await bench.variables(self.entry(optional=True)) == {}

    async def test_a_file_that_cannot_be_read(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "e" / "f").write_text("K=v\n")
        assert (await bench.refused(self.entry())).startswith("couldn't parse env file")

    async def test_a_link_to_a_file_of_the_host_is_not_read(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "host").write_text("K='host'\n")
        (tmp_path / "e" / "f").symlink_to(tmp_path / "host")
        assert "leads out of the volume" in await bench.refused(self.entry())


class TestServices:
    async def test_without_links_only_the_api(self, bench: Bench) -> None:
        bench.pod["spec"]["enableServiceLinks"] = False
        names = {name for name, _ in (await bench.options()).env}
        assert names == {
            "KUBERNETES_SERVICE_HOST",
            "KUBERNETES_SERVICE_PORT",
            "KUBERNETES_SERVICE_PORT_HTTPS",
            "KUBERNETES_PORT",
            "KUBERNETES_PORT_443_TCP",
            "KUBERNETES_PORT_443_TCP_PROTO",
            "KUBERNETES_PORT_443_TCP_PORT",
            "KUBERNETES_PORT_443_TCP_ADDR",
        }

    async def test_before_the_first_list(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "fresh").mkdir()
        fresh = Bench(tmp_path / "fresh")
        text = "services have not yet been read at least once, cannot construct envvars"
        assert await fresh.refused() == text
        fresh.pod["metadata"]["annotations"] = {"kubernetes.io/config.source": "file"}
        assert await fresh.variables() == {}

    async def test_a_pod_that_was_not_defaulted(self, bench: Bench) -> None:
        del bench.pod["spec"]["enableServiceLinks"]
        assert await bench.refused() == "nil pod.spec.enableServiceLinks encountered, cannot construct envvars"


class TestTheRest:
    async def test_command_and_arguments_are_expanded(self, bench: Bench) -> None:
        options = await bench.options(
            command=["run", "$(A)"], args=["--x=$(A)", "$(NO)", "$$(A)"], env=[{"name": "A", "value": "1"}]
        )
        assert list(options.command) == ["run", "1"]
        assert list(options.args) == ["--x=1", "$(NO)", "$(A)"]

    async def test_the_hosts_file(self, bench: Bench, tmp_path: Path) -> None:
        (mount,) = (await bench.options()).mounts
        assert mount == Mount("/etc/hosts", str(tmp_path / "pods" / "u1" / "etc-hosts"))
        text = Path(mount.host_path).read_text()
        assert text.startswith("# Kubernetes-managed hosts file.\n")
        assert text.endswith("10.1.0.5\tweb\n")
        assert Path(mount.host_path).stat().st_mode & 0o777 == 0o644

    async def test_the_hosts_file_keeps_its_inode(self, bench: Bench) -> None:
        (mount,) = (await bench.options()).mounts
        before = Path(mount.host_path).stat().st_ino
        await bench.options()
        assert Path(mount.host_path).stat().st_ino == before

    async def test_a_container_with_a_hosts_file_of_its_own(self, bench: Bench) -> None:
        mounts = (await bench.options(volumeMounts=[{"name": "e", "mountPath": "/etc/hosts"}])).mounts
        assert [m.container_path for m in mounts] == ["/etc/hosts"]

    async def test_without_an_address_there_is_none(self, bench: Bench) -> None:
        options = await bench.environment.run_options(bench.pod, {"name": "c"}, bench.volumes, [])
        assert list(options.mounts) == []

    async def test_on_the_host_network_it_is_the_nodes(self, bench: Bench) -> None:
        bench.pod["spec"]["hostNetwork"] = True
        options = await bench.environment.run_options(bench.pod, {"name": "c"}, bench.volumes, [])
        assert "127.0.0.1 node" in Path(options.mounts[0].host_path).read_text()
        assert bench.environment.hostname(bench.pod) == ""

    def test_names_and_dns(self, tmp_path: Path) -> None:
        bench = Bench(tmp_path)
        assert bench.environment.hostname(bench.pod) == "web"
        assert bench.environment.dns(bench.pod).servers == ("10.96.0.10",)
        bench.pod["spec"] |= {"setHostnameAsFQDN": True, "subdomain": "s" * 60}
        with pytest.raises(SandboxError, match="is too long"):
            bench.environment.hostname(bench.pod)
