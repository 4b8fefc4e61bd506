"""What is done to the machine: finding our process, mounts, rules; and undone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from podwright.containerd import crun_wrapper, host_ports, network, process, programs, purge
from podwright.containerd.layout import Layout
from podwright.containerd.programs import MissingProgramError

MOUNTINFO = r"""22 1 0:20 / / rw - ext4 /dev/a rw
30 22 0:31 / /data rw - tmpfs t rw
31 30 0:32 / /data/pods/a\040b rw - tmpfs t rw
33 31 0:34 / /data/pods/a\040b/deep rw - tmpfs t rw
32 22 0:33 / /database rw - tmpfs t rw
"""


def test_mounts_are_found_innermost_first_names_are_whole_and_the_owner_s_disk_stays() -> None:
    assert purge.mount_points([Path("/data")], MOUNTINFO) == ["/data/pods/a b/deep", "/data/pods/a b"]


def mounted(*points: Path) -> str:
    return "".join(f"{at} 1 0:20 / {point} rw - ext4 /dev/a rw\n" for at, point in enumerate(points))


@pytest.mark.parametrize(
    ("point", "strange"),
    [
        pytest.param("/data", False, id="the directory is a disk"),
        pytest.param("/data/containerd", False, id="images have a disk"),
        pytest.param("/data/containerd/root/overlay/1/merged", False, id="a container's files"),
        pytest.param("/data/pods/u/volumes/a", False, id="a volume of a Pod"),
        pytest.param("/data/volumes", False, id="what claims hold has a disk"),
        pytest.param("/data/volumes/pv/more", True, id="somebody's files in there"),
        pytest.param("/database/a/b", False, id="somewhere else"),
    ],
)
def test_mounts_that_a_purge_does_not_touch(point: str, strange: bool) -> None:
    assert purge.strange_mounts(Path("/data"), mounted(Path("/"), Path(point))) == ([point] if strange else [])


def fill(data: Path) -> None:
    for name in ("state.db", "lost+found/x", "pods/u/etc", "pods/lost+found/x", "volumes/pv/file"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).touch()
    (data / "link").symlink_to("/")


@pytest.mark.parametrize(
    ("disks", "left"),
    [
        pytest.param([], None, id="none: it goes"),
        pytest.param([""], ["lost+found"], id="the directory itself"),
        pytest.param(["pods"], ["pods"], id="one in it"),
        pytest.param(["", "pods", "volumes"], ["lost+found", "pods", "volumes"], id="all"),
        pytest.param(["state.db"], ["state.db"], id="a file"),
    ],
)
def test_disks_are_emptied_and_stay_where_they_are(tmp_path: Path, disks: list[str], left: list[str] | None) -> None:
    data = tmp_path / "data"
    fill(data)
    stays = purge.remove_tree(data, mounted(*(data / disk for disk in disks)))
    assert sorted(stays) == sorted(data / disk for disk in disks)
    assert (sorted(one.name for one in data.iterdir()) if data.exists() else None) == left
    for disk in filter(Path.is_dir, stays):
        assert {one.name for one in disk.iterdir()} <= {"lost+found", "pods", "volumes"}


SAVED = r"""*nat
:PREROUTING ACCEPT [0:0]
:CNI-DN-aa - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
:CNI-HOSTPORT-SETMARK - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "CNI portfwd" -j CNI-HOSTPORT-MASQ
-A CNI-DN-aa -p tcp --dport 1 -j CNI-HOSTPORT-SETMARK
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"podwright-1\" id: \"c\"" -j CNI-DN-aa
-A CNI-HOSTPORT-MASQ -j MASQUERADE
"""
OTHER = r"""-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"podwright-12\" id: \"c\"" -j CNI-DN-bb
"""


def test_only_host_ports_of_our_own_network_are_removed() -> None:
    assert host_ports.removals(SAVED + OTHER, "podwright-1") == [
        [r'-D CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \"podwright-1\" id: \"c\"" -j CNI-DN-aa'],
        ["-F CNI-DN-aa"],
        ["-X CNI-DN-aa"],
    ]


def test_the_shared_chains_go_with_the_last_network() -> None:
    chains = ["CNI-DN-aa", "CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"]
    assert host_ports.removals(SAVED, "podwright-1") == [
        [
            "-D PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
            '-D POSTROUTING -m comment --comment "CNI portfwd" -j CNI-HOSTPORT-MASQ',
        ],
        [f"-F {chain}" for chain in chains],
        [f"-X {chain}" for chain in chains],
    ]


@pytest.mark.parametrize(
    ("saved", "wanted"),
    [("", False), ("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n", False), (SAVED, True), (":MINE - [0:0]\n", True)],
)
def test_an_empty_table_is_told_from_one_in_use(saved: str, wanted: bool) -> None:
    assert host_ports.has_rules(saved) is wanted


def test_a_process_is_known_by_its_start_time_too() -> None:
    started = process.start_time(os.getpid())
    assert started is not None
    assert process.Process(os.getpid(), started).alive
    assert not process.Process(os.getpid(), started + 1).alive


async def test_the_end_of_a_process_is_seen_and_a_dead_one_is_not_waited_for() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    started = process.start_time(child.pid)
    assert started is not None
    one = process.Process(child.pid, started)
    await process.stop(one)
    await process.wait_ended(one)
    assert not one.alive
    assert child.stdin
    child.stdin.close()
    child.wait()


async def test_a_program_that_ends_at_once_is_a_start_error_with_its_last_words(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", run_dir=tmp_path / "run")
    layout.home.mkdir(parents=True)
    layout.state.mkdir(parents=True)
    program = tmp_path / "containerd"
    program.write_text("#!/bin/sh\necho cannot go on >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(process.StartError, match="cannot go on"):
        await process.start(program, layout)


def test_a_cgroup_that_still_has_processes_stays(tmp_path: Path) -> None:
    (tmp_path / "memory/mine/pod/container").mkdir(parents=True)
    (tmp_path / "cpu/mine/busy").mkdir(parents=True)
    (tmp_path / "cpu/mine/busy/cgroup.procs").write_text("1")  # a plain file keeps its folder, as processes do
    (tmp_path / "memory/other").mkdir()
    purge.remove_cgroups(["/mine"], tmp_path)
    assert not (tmp_path / "memory/mine").exists()
    assert (tmp_path / "cpu/mine/busy").exists()
    assert (tmp_path / "memory/other").exists()


def test_nothing_is_removed_for_the_root_itself(tmp_path: Path) -> None:
    (tmp_path / "memory/a").mkdir(parents=True)
    purge.remove_cgroups(["/", ""], tmp_path)
    assert (tmp_path / "memory/a").exists()


@pytest.mark.parametrize(("content", "wanted"), [("hugetlb\n", True), ("\n", False), (None, False)])
def test_crun_is_wrapped_only_beside_version_2_controllers(tmp_path: Path, content: str | None, wanted: bool) -> None:
    if content is not None:
        (tmp_path / "cgroup.controllers").write_text(content)
    assert crun_wrapper.needed(tmp_path) is wanted


def test_missing_programs_are_named_with_what_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(programs, "SEARCH_PATH", "/nonexistent")
    with pytest.raises(MissingProgramError, match=r"containerd, .*apt-get install .*catatonit"):
        programs.find_programs()


def test_a_sysctl_is_recorded_once_and_put_back(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "data", run_dir=tmp_path)
    for name in network.SYSCTLS:
        (tmp_path / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sys" / name).write_text("0\n")
    network.record_file(layout).write_text('{"sysctls": {}, "natTable": true}')
    for _ in range(2):
        network.set_sysctls(layout, tmp_path / "sys")
    assert {(tmp_path / "sys" / name).read_text() for name in network.SYSCTLS} == {"1"}
    network.restore_sysctls(layout, tmp_path / "sys")
    assert {(tmp_path / "sys" / name).read_text() for name in network.SYSCTLS} == {"0"}
