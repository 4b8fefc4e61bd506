"""Volumes of Pods, with real files and mounts; the API is a fake."""

import base64
import datetime
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.client import FakeClient
from tests.fakes.kubelet import FakeImages
from tests.fakes.waiting import eventually, running

from podwright.api.errors import Unavailable
from podwright.api.objects import Object, copy_object, rfc3339
from podwright.api.resources import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    SECRETS,
    SERVICE_ACCOUNTS,
    Resource,
)
from podwright.kubelet.environment.downward_api import NodeFacts
from podwright.kubelet.errors import ImageError
from podwright.kubelet.images.image_files import ImageFilesError
from podwright.kubelet.interfaces import MountedVolumes, VolumeError
from podwright.kubelet.volumes import mounts, pod_directory
from podwright.kubelet.volumes.manager import VolumeManager

START = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
LIFE = datetime.timedelta(hours=1)


class TokenClient(FakeClient):
    """A fake API that also gives tokens: token-1, token-2, ..."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock=clock)
        self.tokens = 0

    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str = "",
        *,
        name: str = "",
        subresource: str = "",
        dry_run: bool = False,
    ) -> Object:
        made = await super().create(resource, obj, namespace, name=name, subresource=subresource, dry_run=dry_run)
        if subresource == "token":
            self.tokens += 1
            made["status"] = {"token": f"token-{self.tokens}", "expirationTimestamp": rfc3339(self._clock() + LIFE)}
        return made


class FakeFiles:
    """Images mounted by the runtime, or (`ours`) by a folder that stands for a mount."""

    def __init__(self) -> None:
        self.ours = False
        self.shown: dict[str, str] = {}
        self.failure = ""

    async def by_runtime(self) -> bool:
        if self.failure:
            raise ImageFilesError(self.failure)
        return not self.ours

    async def mount(self, key: str, image_ref: str, target: Path) -> None:
        target.mkdir(parents=True, exist_ok=True)
        self.shown[key] = image_ref

    async def release(self, keys: Sequence[str]) -> None:
        if self.failure:
            raise ImageFilesError(self.failure)
        for key in keys:
            del self.shown[key]


class Bench:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.now = START
        self.client = TokenClient(lambda: self.now)
        self.images = FakeImages()
        self.files = FakeFiles()
        self.changed: list[str] = []
        self.manager = self.build()

    def build(self) -> VolumeManager:
        return VolumeManager(
            self.client,
            self.images,
            self.files,
            self.directory / "pods",
            node=lambda: NodeFacts("node-1", allocatable={"memory": "1Gi", "cpu": "2"}),
            on_change=self.changed.append,
            clock=lambda: self.now,
        )

    async def mount(self, *volumes: dict, **spec: Any) -> MountedVolumes:
        return await self.manager.mount(pod(*volumes, **spec))

    async def config_map(self, name: str = "cm", **data: str) -> Object:
        return await self.client.create(CONFIG_MAPS, {"metadata": {"name": name}, "data": data}, "shop")

    async def change(self, name: str = "cm", **data: str) -> None:
        obj = copy_object(await self.client.get(CONFIG_MAPS, name, "shop"))
        obj["data"] = data
        await self.client.update(CONFIG_MAPS, obj)


def pod(*volumes: dict, labels: dict | None = None, **spec: Any) -> dict:
    meta = {"name": "web", "namespace": "shop", "uid": "u1", "labels": labels or {"app": "x"}}
    return {"metadata": meta, "spec": {"containers": [{"name": "c"}], "volumes": list(volumes), **spec}}


def content(mounted: MountedVolumes, name: str = "v") -> dict[str, str]:
    root = Path(mounted.paths[name])
    return {p.name: p.read_text() for p in root.iterdir() if not p.name.startswith("..") and p.is_file()}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    async with running(bench.manager.run()):
        yield bench
    for uid in pod_directory.uids(tmp_path / "pods"):
        pod_directory.remove(tmp_path / "pods" / uid)
    assert mounts.mounted_below(tmp_path) == []


CM = {"name": "v", "configMap": {"name": "cm"}}
TOKEN = {
    "name": "v",
    "projected": {
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ]
    },
}


class TestDirectories:
    async def test_an_empty_dir(self, bench: Bench, tmp_path: Path) -> None:
        mounted = await bench.mount({"name": "v", "emptyDir": {}})
        path = Path(mounted.paths["v"])
        assert path == tmp_path / "pods/u1/volumes/kubernetes.io~empty-dir/v"
        assert path.stat().st_mode & 0o7777 == 0o777

    async def test_its_content_stays_through_restarts(self, bench: Bench) -> None:
        volume = {"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
        path = Path((await bench.mount(volume, securityContext={"fsGroup": 77})).paths["v"])
        (path / "x").write_text("1")
        path.chmod(0o2700)
        again = await bench.build().mount(pod(volume, securityContext={"fsGroup": 77}))
        assert (Path(again.paths["v"]) / "x").read_text() == "1"
        assert path.stat().st_mode & 0o7777 == 0o2700
        assert path.stat().st_gid == 77

    async def test_in_memory_the_limit_is_held(self, bench: Bench) -> None:
        mounted = await bench.mount({"name": "v", "emptyDir": {"medium": "Memory", "sizeLimit": "64Ki"}})
        with pytest.raises(OSError, match="No space left"):
            (Path(mounted.paths["v"]) / "x").write_bytes(b"x" * 100_000)

    async def test_mounts_pass_where_a_container_wants_it(self, bench: Bench) -> None:
        containers = [
            {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/a", "mountPropagation": "Bidirectional"}]}
        ]
        for _ in range(2):
            mounted = await bench.build().mount(pod({"name": "v", "emptyDir": {}}, containers=containers))
        assert len(mounts.mounted_below(Path(mounted.paths["v"]))) == 1
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        (line,) = [line for line in lines if line.split()[4] == mounted.paths["v"]]
        assert "shared:" in line

    async def test_a_host_path(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "data"
        mounted = await bench.mount({"name": "v", "hostPath": {"path": str(path), "type": "DirectoryOrCreate"}})
        assert mounted.paths == {"v": str(path)}
        (path / "keep").touch()
        await bench.manager.unmount("u1")
        assert (path / "keep").exists()

    async def test_a_host_path_of_the_wrong_type(self, bench: Bench) -> None:
        with pytest.raises(VolumeError) as caught:
            await bench.mount({"name": "v", "hostPath": {"path": "/dev/null", "type": "File"}})
        assert str(caught.value) == (
            'MountVolume.SetUp failed for volume "v" : hostPath type check failed: /dev/null is not a file'
        )

    @pytest.mark.parametrize("kind", ["nfs", "csi", "gitRepo"])
    async def test_what_is_not_supported_is_named(self, bench: Bench, kind: str) -> None:
        with pytest.raises(VolumeError, match=f'volume "v" : volumes of type {kind} are not supported here'):
            await bench.mount({"name": "v", kind: {}})


class TestFiles:
    async def test_a_config_map(self, bench: Bench) -> None:
        obj = {"metadata": {"name": "cm"}, "data": {"a": "1"}, "binaryData": {"b": base64.b64encode(b"2").decode()}}
        await bench.client.create(CONFIG_MAPS, obj, "shop")
        mounted = await bench.mount(CM)
        assert content(mounted) == {"a": "1", "b": "2"}
        assert (Path(mounted.paths["v"]) / "a").stat().st_mode & 0o777 == 0o644

    async def test_items_and_modes(self, bench: Bench) -> None:
        await bench.config_map(a="1", b="2", c="3")
        items = [{"key": "a", "path": "d/x"}, {"key": "b", "path": "y", "mode": 0o400}]
        source = {"name": "cm", "items": items, "defaultMode": 0o640}
        root = Path((await bench.mount({"name": "v", "configMap": source})).paths["v"])
        assert (root / "d/x").read_text() == "1"
        assert (root / "d/x").stat().st_mode & 0o777 == 0o640
        assert (root / "y").stat().st_mode & 0o777 == 0o400
        assert not (root / "c").exists()

    async def test_a_secret_lies_in_memory(self, bench: Bench) -> None:
        data = {"p": base64.b64encode(b"\xff\x00").decode()}
        await bench.client.create(SECRETS, {"metadata": {"name": "s"}, "data": data}, "shop")
        root = Path((await bench.mount({"name": "v", "secret": {"secretName": "s"}})).paths["v"])
        assert (root / "p").read_bytes() == b"\xff\x00"
        assert mounts.is_mount_point(root)

    async def test_nobody_but_root_gets_to_the_files(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "pods" / "u1" / "containers").mkdir(parents=True)
        await bench.config_map(a="1")
        await bench.mount(CM)
        assert (tmp_path / "pods" / "u1").stat().st_mode & 0o777 == 0o750

    async def test_the_group_of_the_pod_owns_the_files(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        root = Path((await bench.mount(CM, securityContext={"fsGroup": 77})).paths["v"])
        assert (root / "a").stat().st_gid == 77
        assert (root / "a").stat().st_mode & 0o777 == 0o644

    @pytest.mark.parametrize(
        ("source", "text"),
        [
            pytest.param({"configMap": {"name": "no"}}, 'configmap "no" not found', id="no such ConfigMap"),
            pytest.param({"secret": {"secretName": "no"}}, 'secret "no" not found', id="no such Secret"),
            pytest.param(
                {"configMap": {"name": "cm", "items": [{"key": "no", "path": "x"}]}},
                "configmap references non-existent config key: no",
                id="no such key",
            ),
            pytest.param(
                {"projected": {"sources": [{"clusterTrustBundle": {"name": "x", "path": "y"}}]}},
                "a projected source of clusterTrustBundle is not supported here; "
                "use serviceAccountToken, configMap, secret or downwardAPI",
                id="a source that there is not",
            ),
            pytest.param(
                {"configMap": {"name": "cm", "items": [{"key": "a", "path": "../x"}]}},
                "invalid path: must not contain '..': ../x",
                id="a path that may not be",
            ),
        ],
    )
    async def test_what_is_wrong_is_named(self, bench: Bench, source: dict, text: str) -> None:
        await bench.config_map(a="1")
        with pytest.raises(VolumeError) as caught:
            await bench.mount({"name": "v", **source})
        assert str(caught.value) == f'MountVolume.SetUp failed for volume "v" : {text}'

    async def test_what_is_optional_may_be_missing(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        items = [{"key": "no", "path": "x"}]
        mounted = await bench.mount(
            {"name": "v", "configMap": {"name": "no", "optional": True}},
            {"name": "w", "configMap": {"name": "cm", "optional": True, "items": items}},
        )
        assert content(mounted) == content(mounted, "w") == {}

    async def test_the_downward_api_follows_the_pod(self, bench: Bench) -> None:
        items = [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
            {"path": "cpu", "resourceFieldRef": {"containerName": "c", "resource": "limits.cpu"}, "mode": 0o400},
        ]
        volume = {"name": "v", "downwardAPI": {"items": items}}
        mounted = await bench.mount(volume)
        assert content(mounted) == {"labels": 'app="x"', "cpu": "2"}
        assert await bench.mount(volume, labels={"app": "y"}) == mounted
        assert content(mounted)["labels"] == 'app="y"'


class TestChanges:
    async def test_a_changed_object_shows_in_every_volume_of_it(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        mounted = await bench.mount(CM, {"name": "w", "projected": {"sources": [{"configMap": {"name": "cm"}}]}})
        await bench.change(a="2", b="3")
        await eventually(lambda: content(mounted) == content(mounted, "w") == {"a": "2", "b": "3"})
        await bench.change(b="3")
        await eventually(lambda: content(mounted) == {"b": "3"})

    async def test_an_optional_object_that_appears(self, bench: Bench) -> None:
        mounted = await bench.mount({"name": "v", "configMap": {"name": "cm", "optional": True}})
        await bench.config_map(a="1")
        await eventually(lambda: content(mounted) == {"a": "1"})

    async def test_one_missing_object_does_not_hide_changes_of_another(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        await bench.config_map("other", a="1")
        volumes = ({"name": "w", "configMap": {"name": "other"}}, CM)
        mounted = await bench.mount(*volumes)
        await eventually(lambda: len(bench.client.called("watch", CONFIG_MAPS)) == 2)
        await bench.client.delete(CONFIG_MAPS, "other", "shop")
        await eventually(lambda: len(bench.client.called("get", CONFIG_MAPS)) >= 3)
        await bench.config_map("other", a="2")
        await bench.change(a="2")
        await eventually(lambda: content(mounted) == content(mounted, "w") == {"a": "2"})

    async def test_an_object_that_was_waited_for_brings_the_pod_back_at_once(self, bench: Bench) -> None:
        with pytest.raises(VolumeError):
            await bench.mount(CM)
        await bench.config_map(a="1")
        await eventually(lambda: bench.changed == ["u1"])
        assert content(await bench.mount(CM)) == {"a": "1"}

    async def test_a_deleted_object_leaves_what_it_was(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        mounted = await bench.mount(CM)
        await bench.client.delete(CONFIG_MAPS, "cm", "shop")
        await bench.config_map(a="2")
        await eventually(lambda: content(mounted) == {"a": "2"})

    async def test_an_immutable_object_is_not_watched(self, bench: Bench) -> None:
        obj = {"metadata": {"name": "cm"}, "data": {"a": "1"}, "immutable": True}
        await bench.client.create(CONFIG_MAPS, obj, "shop")
        await bench.config_map("other", a="1")
        await bench.mount(CM, {"name": "w", "configMap": {"name": "other"}})
        await eventually(lambda: bench.client.called("watch", CONFIG_MAPS))
        assert len(bench.client.called("watch", CONFIG_MAPS)) == 1

    async def test_a_watch_ends_with_the_last_pod(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        await bench.mount(CM)
        other = pod(CM)
        other["metadata"]["uid"] = "u2"
        await bench.manager.mount(other)
        await eventually(lambda: bench.client.called("watch", CONFIG_MAPS))
        assert len(bench.client.called("watch", CONFIG_MAPS)) == 1
        await bench.manager.unmount("u1")
        await bench.change(a="2")
        await eventually(lambda: (bench.directory / "pods/u2/volumes/kubernetes.io~configmap/v/a").read_text() == "2")
        await bench.manager.unmount("u2")
        reads = len(bench.client.called("get", CONFIG_MAPS))
        await bench.change(a="3")
        await bench.config_map("sentinel")
        with pytest.raises(VolumeError):
            await bench.mount({"name": "v", "configMap": {"name": "late"}})
        await bench.config_map("late")
        await eventually(lambda: bench.changed)
        names = [call.name for call in bench.client.called("get", CONFIG_MAPS)[reads:]]
        assert names == ["cm", "late"]

    async def test_a_pod_that_comes_with_a_change_does_not_hide_it_from_the_others(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        mounted = await bench.mount(CM)
        await eventually(lambda: bench.client.called("watch", CONFIG_MAPS))
        other = pod(CM)
        other["metadata"]["uid"] = "u2"
        await bench.change(a="2")
        assert content(await bench.manager.mount(other)) == {"a": "2"}
        await eventually(lambda: content(mounted) == {"a": "2"})

    async def test_a_second_mount_of_the_same_asks_nothing(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        first = await bench.mount(CM)
        assert await bench.mount(CM) is first
        assert len(bench.client.called("get", CONFIG_MAPS)) == 1


class TestTokens:
    async def test_the_account_of_a_pod(self, bench: Bench) -> None:
        await bench.config_map("kube-root-ca.crt", **{"ca.crt": "CA"})
        mounted = await bench.mount(TOKEN, serviceAccountName="robot")
        assert content(mounted) == {"token": "token-1", "ca.crt": "CA", "namespace": "shop"}
        (call,) = bench.client.called("create", SERVICE_ACCOUNTS, "token")
        assert (call.name, call.namespace, call.body["spec"]["expirationSeconds"]) == ("robot", "shop", 3607)
        assert mounts.is_mount_point(Path(mounted.paths["v"]))
        assert (Path(mounted.paths["v"]) / "token").stat().st_mode & 0o777 == 0o644

    async def test_it_belongs_to_the_user_of_the_containers(self, bench: Bench) -> None:
        await bench.config_map("kube-root-ca.crt", **{"ca.crt": "CA"})
        root = Path((await bench.mount(TOKEN, securityContext={"runAsUser": 1000})).paths["v"])
        stat = (root / "token").stat()
        assert (stat.st_uid, stat.st_mode & 0o777) == (1000, 0o600)

    async def test_it_is_renewed_in_time_and_not_before(self, bench: Bench) -> None:
        await bench.config_map("kube-root-ca.crt", **{"ca.crt": "CA"})
        mounted = await bench.mount(TOKEN)
        await bench.change("kube-root-ca.crt", **{"ca.crt": "CA2"})
        await eventually(lambda: content(mounted)["ca.crt"] == "CA2")
        assert content(mounted)["token"] == "token-1"
        bench.now = START + 0.81 * LIFE
        await self.look_at_the_time(bench)
        await eventually(lambda: content(mounted)["token"] == "token-2")

    async def test_a_renewal_that_fails_leaves_the_old_one(self, bench: Bench) -> None:
        await bench.config_map("kube-root-ca.crt", **{"ca.crt": "CA"})
        mounted = await bench.mount(TOKEN)
        bench.now = START + 0.81 * LIFE
        bench.client.fail_next("create", SERVICE_ACCOUNTS, Unavailable("down"), subresource="token")
        await self.look_at_the_time(bench)
        await eventually(lambda: len(bench.client.called("create", SERVICE_ACCOUNTS, "token")) == 2)
        assert content(mounted) == {"token": "token-1", "ca.crt": "CA", "namespace": "shop"}
        bench.now += datetime.timedelta(seconds=11)
        await self.look_at_the_time(bench)
        await eventually(lambda: content(mounted)["token"] == "token-2")

    async def look_at_the_time(self, bench: Bench) -> None:
        """Anything that makes the manager do so: here another Pod."""
        other = pod({"name": "v", "projected": {"sources": []}})
        other["metadata"]["uid"] = f"at-{bench.now.timestamp()}"
        await bench.manager.mount(other)

    async def test_no_token_no_volume(self, bench: Bench) -> None:
        bench.client.fail_next("create", SERVICE_ACCOUNTS, Unavailable("down"), subresource="token")
        with pytest.raises(VolumeError) as caught:
            await bench.mount(TOKEN)
        assert str(caught.value) == 'MountVolume.SetUp failed for volume "v" : failed to fetch token: down'


class TestImages:
    async def test_an_image_is_pulled_once(self, bench: Bench) -> None:
        volume = {"name": "v", "image": {"reference": "busybox", "pullPolicy": "Always"}}
        for _ in range(2):
            mounted = await bench.mount(volume)
        assert mounted == MountedVolumes(images={"v": "sha256:busybox"})
        assert bench.images.asked == [("", "busybox", "Always")]

    async def test_one_that_is_not_there_is_tried_again(self, bench: Bench) -> None:
        bench.images.failure = ImageError("ErrImagePull", "no")
        volume = {"name": "v", "image": {"reference": "busybox"}}
        mounted = await bench.mount(volume)
        assert mounted.image_errors == {"v": bench.images.failure}
        bench.images.failure = None
        assert (await bench.mount(volume)).images == {"v": "sha256:busybox"}

    async def test_where_the_runtime_can_not_its_files_are_a_folder_that_nobody_writes_to(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        bench.files.ours = True
        volume = {"name": "v", "image": {"reference": "busybox"}}
        for _ in range(2):
            mounted = await bench.mount(volume, {"name": "e", "emptyDir": {}})
        path = str(tmp_path / "pods" / "u1" / "volumes" / "kubernetes.io~image" / "v")
        assert (mounted.paths["v"], mounted.images, mounted.read_only) == (path, {}, {"v"})
        assert len(bench.images.asked) == 1
        assert bench.files.shown == {"podwright-u1-v": "sha256:busybox"}
        # what is shown is released, also by a manager that has not mounted it
        bench.files.failure = "the runtime does not answer"
        with pytest.raises(VolumeError, match="the runtime does not answer"):
            await bench.build().unmount("u1")
        bench.files.failure = ""
        await bench.build().unmount("u1")
        assert bench.files.shown == {}

    async def test_what_nobody_can_mount_is_told_with_what_is_needed(self, bench: Bench) -> None:
        bench.files.failure = "volumes of type image need cri-o 1.31 or newer; this node has 1.24.6"
        with pytest.raises(VolumeError) as caught:
            await bench.mount({"name": "v", "image": {"reference": "busybox"}})
        assert str(caught.value) == f'MountVolume.SetUp failed for volume "v" : {bench.files.failure}'


class TestUnmount:
    async def test_nothing_is_left(self, bench: Bench, tmp_path: Path) -> None:
        await bench.config_map("kube-root-ca.crt", **{"ca.crt": "CA"})
        await bench.mount(TOKEN, {"name": "m", "emptyDir": {"medium": "Memory"}}, {"name": "d", "emptyDir": {}})
        assert await bench.manager.left_behind() == ["u1"]
        await bench.manager.unmount("u1")
        assert mounts.mounted_below(tmp_path) == []
        assert await bench.manager.left_behind() == []
        await bench.manager.unmount("u1")

    async def test_a_new_process_unmounts_what_an_old_one_mounted(self, bench: Bench, tmp_path: Path) -> None:
        await bench.mount({"name": "m", "emptyDir": {"medium": "Memory"}})
        await bench.build().unmount("u1")
        assert mounts.mounted_below(tmp_path) == []
        assert await bench.manager.left_behind() == []

    async def test_what_a_container_linked_to_is_not_touched(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "host").mkdir()
        (tmp_path / "host" / "keep").touch()
        root = Path((await bench.mount({"name": "d", "emptyDir": {}})).paths["d"])
        (root / "link").symlink_to(tmp_path / "host")
        os.link(tmp_path / "host" / "keep", root / "hard")
        await bench.manager.unmount("u1")
        assert (tmp_path / "host" / "keep").exists()

    async def test_strange_names_are_unmounted_too(self, bench: Bench, tmp_path: Path) -> None:
        root = Path((await bench.mount({"name": "d", "emptyDir": {}})).paths["d"])
        strange = root / "a b\t\\c\nd"
        strange.mkdir()
        mounts.mount_tmpfs(strange, 0o700)
        assert mounts.mounted_below(tmp_path) == [str(strange)]
        await bench.manager.unmount("u1")
        assert mounts.mounted_below(tmp_path) == []


PVC = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}


class TestClaims:
    async def claim(self, bench: Bench, phase: str = "Bound", **meta: Any) -> Object:
        made = {
            "metadata": {"name": "c", **meta},
            "spec": {"volumeName": "pv"} if phase == "Bound" else {},
            "status": {"phase": phase},
        }
        return await bench.client.create(PERSISTENT_VOLUME_CLAIMS, made, "shop")

    async def volume(self, bench: Bench, claim: Object, **spec: Any) -> None:
        reference = {"namespace": "shop", "name": "c", "uid": claim["metadata"]["uid"]}
        made = {"metadata": {"name": "pv"}, "spec": {"claimRef": reference, **spec}}
        await bench.client.create(PERSISTENT_VOLUMES, made)

    async def test_the_folder_of_its_volume_is_what_the_pod_gets(self, bench: Bench) -> None:
        folder = bench.directory / "data"
        folder.mkdir()
        await self.volume(bench, await self.claim(bench), hostPath={"path": str(folder), "type": "Directory"})
        mounted = await bench.mount(PVC)
        assert (mounted.paths, mounted.read_only) == ({"v": str(folder)}, frozenset())
        await bench.manager.unmount("u1")
        assert folder.is_dir()

    async def test_a_local_one_must_be_there(self, bench: Bench) -> None:
        folder = bench.directory / "data"
        await self.volume(bench, await self.claim(bench), local={"path": str(folder)})
        with pytest.raises(VolumeError, match=f'volume "v" : path "{folder}" does not exist'):
            await bench.mount(PVC)
        folder.mkdir()
        assert (await bench.mount(PVC)).paths == {"v": str(folder)}

    async def test_one_that_is_asked_for_read_only_is(self, bench: Bench) -> None:
        await self.volume(bench, await self.claim(bench), hostPath={"path": "/", "type": ""})
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c", "readOnly": True}}
        assert (await bench.mount(volume)).read_only == {"v"}

    async def test_the_pod_is_woken_when_its_claim_is_bound(self, bench: Bench) -> None:
        with pytest.raises(VolumeError, match='error processing PVC shop/c: persistentvolumeclaim "c" not found'):
            await bench.mount(PVC)
        claim = await self.claim(bench, "Pending")
        await eventually(lambda: bench.changed)
        with pytest.raises(VolumeError, match="error processing PVC shop/c: PVC is not bound"):
            await bench.mount(PVC)
        bench.changed.clear()
        bound = copy_object(await bench.client.get(PERSISTENT_VOLUME_CLAIMS, "c", "shop"))
        bound |= {"spec": {"volumeName": "pv"}, "status": {"phase": "Bound"}}
        await bench.client.update(PERSISTENT_VOLUME_CLAIMS, bound)
        await self.volume(bench, claim, hostPath={"path": "/", "type": ""})
        await eventually(lambda: bench.changed)
        assert (await bench.mount(PVC)).paths == {"v": "/"}

    @pytest.mark.parametrize(
        ("spec", "why"),
        [
            pytest.param({"csi": {"driver": "x"}}, "PVs of type csi are not supported here", id="another type"),
            pytest.param(
                {"hostPath": {"path": "/"}, "volumeMode": "Block"}, "volumeMode Block is not supported", id="a device"
            ),
            pytest.param(
                {"hostPath": {"path": "/"}, "claimRef": {"uid": "other"}},
                "PV pv is bound to another claim",
                id="another's",
            ),
        ],
    )
    async def test_a_volume_that_cannot_be_had(self, bench: Bench, spec: Any, why: str) -> None:
        await self.volume(bench, await self.claim(bench), **spec)
        with pytest.raises(VolumeError, match=f"error processing PVC shop/c: {why}"):
            await bench.mount(PVC)

    async def test_a_claim_that_goes_is_for_those_who_have_it(self, bench: Bench) -> None:
        claim = await self.claim(bench, deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["x"])
        await self.volume(bench, claim, hostPath={"path": "/", "type": ""})
        with pytest.raises(VolumeError, match="PVC is being deleted"):
            await bench.mount(PVC)
        runs = pod(PVC) | {"status": {"phase": "Running"}}
        assert (await bench.manager.mount(runs)).paths == {"v": "/"}
        assert (await bench.mount(PVC, {"name": "more", "emptyDir": {}})).paths["v"] == "/"

    async def test_files_are_not_for_containers_to_change(self, bench: Bench) -> None:
        await bench.config_map(a="1")
        assert (await bench.mount(CM)).read_only == {"v"}
