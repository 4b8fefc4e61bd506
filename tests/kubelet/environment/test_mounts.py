"""Mounts of a container, and sub-paths that must stay in their volume."""

import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from podwright.kubelet.environment.mounts import carry_out, plan_mounts
from podwright.kubelet.errors import ContainerConfigError, ImageError
from podwright.kubelet.interfaces import Mount, MountedVolumes
from podwright.kubelet.volumes import mounts as mount_calls
from podwright.kubelet.volumes import pod_directory

VOLUMES = MountedVolumes(
    paths={"v": "/pods/v", "files": "/pods/files"}, images={"i": "sha256:1"}, read_only=frozenset({"files"})
)


def plan(*entries: dict, rro: bool = False, **variables: str) -> list[Mount]:
    container = {"name": "c", "volumeMounts": list(entries)}
    return [p.mount for p in plan_mounts(container, VOLUMES, variables, rro)]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param({"mountPath": "/a"}, Mount("/a", "/pods/v"), id="plain"),
        pytest.param({"mountPath": "a"}, Mount("/a", "/pods/v"), id="a path without a slash"),
        pytest.param({"mountPath": "/a", "readOnly": True}, Mount("/a", "/pods/v", read_only=True), id="read-only"),
        pytest.param(
            {"name": "files", "mountPath": "/a"},
            Mount("/a", "/pods/files", read_only=True),
            id="a volume that nobody writes to",
        ),
        pytest.param(
            {"mountPath": "/a", "mountPropagation": "Bidirectional"},
            Mount("/a", "/pods/v", propagation="Bidirectional"),
            id="propagation",
        ),
        pytest.param(
            {"mountPath": "/a", "readOnly": True, "recursiveReadOnly": "IfPossible"},
            Mount("/a", "/pods/v", read_only=True),
            id="recursively read-only if possible, and it is not",
        ),
        pytest.param(
            {"name": "i", "mountPath": "/a", "subPath": "bin"},
            Mount("/a", image="sha256:1", image_sub_path="bin", read_only=True),
            id="an image",
        ),
    ],
)
def test_mounts(entry: dict, expected: Mount) -> None:
    assert plan({"name": "v", **entry}) == [expected]


def test_recursively_read_only_where_the_runtime_can() -> None:
    for mode in ("IfPossible", "Enabled"):
        (mount,) = plan({"name": "v", "mountPath": "/a", "readOnly": True, "recursiveReadOnly": mode}, rro=True)
        assert mount.recursive_read_only


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        pytest.param({"name": "x"}, 'cannot find volume "x" to mount into container "c"', id="no such volume"),
        pytest.param({"subPath": "/etc"}, "error SubPath `/etc` must not be an absolute path", id="absolute"),
        pytest.param({"subPath": "a/../b"}, "unable to provision SubPath `a/../b`: must not contain '..'", id="back"),
        pytest.param({"subPathExpr": "$(A)/$(B)"}, "missing value for A, B", id="variables that are not there"),
        pytest.param(
            {"readOnly": True, "recursiveReadOnly": "Enabled"},
            'volume "v" requested recursive read-only mode, but it is not supported by the runtime',
            id="the runtime cannot",
        ),
        pytest.param(
            {"recursiveReadOnly": "Enabled"},
            'volume "v" requested recursive read-only mode, but it is not read-only',
            id="not read-only",
        ),
    ],
)
def test_refused(entry: dict, text: str) -> None:
    with pytest.raises(ContainerConfigError) as caught:
        plan({"name": "v", "mountPath": "/a", **entry})
    assert caught.value.message == text


def test_an_image_that_is_not_there_holds_back_who_mounts_it() -> None:
    volumes = MountedVolumes(image_errors={"i": ImageError("ErrImagePull", "no")})
    with pytest.raises(ImageError, match="no"):
        plan_mounts({"name": "c", "volumeMounts": [{"name": "i", "mountPath": "/a"}]}, volumes, {}, False)
    assert plan_mounts({"name": "d"}, volumes, {}, False) == []


def test_mounts_that_are_to_pass_need_a_mount_that_lets_them(tmp_path: Path) -> None:
    """The words name the mount and what to do about it."""

    def carried_out(wanted: str) -> Mount:
        entry = {"name": "v", "mountPath": "/a", "mountPropagation": wanted}
        planned = plan_mounts({"name": "c", "volumeMounts": [entry]}, MountedVolumes({"v": str(tmp_path)}), {}, False)
        (made,) = carry_out(planned, tmp_path / "volume-subpaths", "c")
        return made

    mount_calls.mount_tmpfs(tmp_path, 0o700)
    try:
        mount_calls.mount("", str(tmp_path), flags=mount_calls.PRIVATE)
        carried_out("None")
        for wanted in ("HostToContainer", "Bidirectional"):
            text = (
                f'volumeMount "v" of container "c" asks for mountPropagation {wanted}, but {tmp_path} lies on the '
                f"private mount {tmp_path}; make it shared first: mount --make-rshared {tmp_path}"
            )
            with pytest.raises(ContainerConfigError, match=re.escape(text)):
                carried_out(wanted)
        mount_calls.make_shared(tmp_path)
        assert carried_out("Bidirectional").propagation == "Bidirectional"
    finally:
        while mount_calls.unmount(str(tmp_path)):
            pass


class TestSubPaths:
    """Real bind mounts below a directory of the test."""

    @pytest.fixture
    def pod_dir(self, tmp_path: Path) -> Iterator[Path]:
        (tmp_path / "pod").mkdir()
        yield tmp_path / "pod"
        pod_directory.remove(tmp_path / "pod")

    @pytest.fixture
    def volume(self, tmp_path: Path) -> Path:
        (tmp_path / "volume").mkdir(mode=0o750)
        return tmp_path / "volume"

    def mount(self, pod_dir: Path, volume: Path, sub_path: str, **variables: str) -> Path:
        entry = {"name": "v", "mountPath": "/a", "subPathExpr": sub_path}
        planned = plan_mounts(
            {"name": "c", "volumeMounts": [entry]}, MountedVolumes({"v": str(volume)}), variables, False
        )
        (made,) = carry_out(planned, pod_dir / "volume-subpaths", "c")
        return Path(made.host_path)

    def test_a_directory_that_is_missing_is_made_like_its_parent(self, pod_dir: Path, volume: Path) -> None:
        where = self.mount(pod_dir, volume, "logs/$(NAME)", NAME="web")
        (where / "x").write_text("1")
        assert (volume / "logs" / "web" / "x").read_text() == "1"
        assert (volume / "logs" / "web").stat().st_mode & 0o777 == 0o750
        assert where == pod_dir / "volume-subpaths" / "v" / "c" / "0"

    def test_a_file(self, pod_dir: Path, volume: Path) -> None:
        (volume / "f").write_text("1")
        assert self.mount(pod_dir, volume, "f").read_text() == "1"

    def test_again_in_place_of_the_old_one(self, pod_dir: Path, volume: Path) -> None:
        (volume / "f").write_text("1")
        self.mount(pod_dir, volume, "f")
        (volume / "f").unlink()
        (volume / "f").mkdir()
        where = self.mount(pod_dir, volume, "f")
        assert where.is_dir()
        assert len(mount_calls.mounted_below(pod_dir)) == 1

    def test_a_link_inside_the_volume_is_followed(self, pod_dir: Path, volume: Path) -> None:
        (volume / "real").mkdir()
        (volume / "real" / "x").write_text("1")
        (volume / "link").symlink_to("real")
        assert (self.mount(pod_dir, volume, "link") / "x").read_text() == "1"

    @pytest.mark.parametrize(
        "target", ["/etc", "../../../../../../../../etc", "../outside", "/proc/self/root/etc", "up/up2"]
    )
    def test_a_link_out_of_the_volume_is_refused(self, pod_dir: Path, volume: Path, target: str) -> None:
        (volume.parent / "outside").mkdir()
        (volume / "up").symlink_to("..")
        (volume / "evil").symlink_to(target)
        for path in ("evil", "evil/new", "up/outside"):
            with pytest.raises(ContainerConfigError, match="failed to prepare subPath for volumeMount"):
                self.mount(pod_dir, volume, path)
        assert mount_calls.mounted_below(pod_dir) == []
        assert list((volume.parent / "outside").iterdir()) == []

    def test_a_link_that_is_planted_during_the_mount_never_gets_out(self, pod_dir: Path, volume: Path) -> None:
        """A container swaps a directory for a link to the host, over and over, while the kubelet mounts it."""
        secret = volume.parent / "secret"
        secret.mkdir()
        (secret / "host").write_text("host")
        target, away, link = volume / "target", volume / "away", volume / "link"
        target.mkdir()
        link.symlink_to(secret)
        stop = threading.Event()

        def swap() -> None:
            while not stop.is_set():
                for old, new in ((target, away), (link, target), (target, link), (away, target)):
                    with contextlib.suppress(OSError):
                        old.rename(new)

        thread = threading.Thread(target=swap)
        thread.start()
        mounted = tries = 0
        try:
            while tries < 300 or (not mounted and tries < 30_000):
                tries += 1
                with contextlib.suppress(ContainerConfigError):
                    assert not (self.mount(pod_dir, volume, "target") / "host").exists()
                    mounted += 1
        finally:
            stop.set()
            thread.join()
        assert mounted
        assert [p.name for p in secret.iterdir()] == ["host"]
