"""Reading this machine, and a made-up one."""

from __future__ import annotations

from pathlib import Path

from podwright.kubelet.node.machine import default_addresses, read_machine, read_usage


def test_this_machine(tmp_path: Path) -> None:
    machine = read_machine(tmp_path)
    assert machine.cpus >= 1
    assert machine.memory > 0
    assert machine.disk > 0
    assert machine.kernel
    assert machine.addresses


def test_addresses_that_were_given_are_used(tmp_path: Path) -> None:
    assert read_machine(tmp_path, ["192.0.2.7"]).addresses == ("192.0.2.7",)


def test_there_is_always_an_address() -> None:
    assert default_addresses()


def test_usage(tmp_path: Path) -> None:
    kernel = tmp_path / "sys/kernel"
    kernel.mkdir(parents=True)
    (kernel / "pid_max").write_text("32768\n")
    (kernel / "threads-max").write_text("1000\n")
    (tmp_path / "meminfo").write_text("MemTotal:  100 kB\nMemAvailable:  40 kB\nHugePages_Total: 0\n")
    (tmp_path / "loadavg").write_text("0.1 0.2 0.3 2/300 99\n")
    usage = read_usage(tmp_path, tmp_path)
    assert (usage.memory_available, usage.pids_available) == (40 * 1024, 700)
    assert usage.disk_available > 0
