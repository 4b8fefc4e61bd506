"""`podwright doctor`: what is missing on this machine, and how to get it. Exit status 1 when no Pod could run."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from podwright.cli.health import (
    NEEDS,
    Facts,
    Finding,
    Level,
    Program,
    examine_kernel,
    examine_programs,
    healthy,
    install_command,
)
from podwright.cli.status import how_to_try

_CAP_SYS_RESOURCE = 24
_VERSION_FLAGS = {"ip": "-V", "kubectl": "version --client"}
_NO_VERSION = ("mount", "busybox", "containerd-shim-runc-v2")
_VERSION = re.compile(r"\bv?(\d+\.\d+(?:\.\d+)?[\w.+~-]*)")


@click.command()
def command() -> None:
    """Look for what Podwright needs on this machine."""
    facts = gather()
    programs, kernel = list(examine_programs(facts)), list(examine_kernel(facts))
    _print("programs", programs)
    _print("kernel and rights", kernel)
    _print_handlers(facts)
    for level, what in ((Level.MISSING, "install what is missing"), (Level.NOTE, "useful, not needed")):
        if install := install_command(programs, level):
            click.echo(f"{what}:  {install}")
    if not healthy([*programs, *kernel]):
        raise SystemExit(1)
    click.echo("this machine can run Pods: podwright up --detach")


def _print(title: str, findings: Sequence[Finding]) -> None:
    click.echo(title)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        install = f": apt-get install {finding.install}" if finding.install else ""
        click.echo(f"  {finding.level.value:8} {finding.name:{width}}  {finding.text}{install}")


def _print_handlers(facts: Facts) -> None:
    click.echo("runtime handlers")
    if not facts.handlers:
        click.echo("  none: install runc or crun")
    for name, program in facts.handlers.items():
        click.echo(f"  {name:8} {' '.join(filter(None, (program.path, program.version)))}")
        click.echo(f"           {how_to_try(name, ())}")


def gather() -> Facts:
    """Look at this machine. Runs each program that is found once, for its version."""
    from podwright.containerd.programs import find_cni_dir, find_program, find_runtimes
    from podwright.kubelet.cgroups.hierarchy import read_hierarchies
    from podwright.kubelet.volumes.mounts import propagation

    paths = {need.program: find_program(need.program) for need in NEEDS if need.program != "CNI plugins"}
    runtimes = find_runtimes()
    found = {name: path for name, path in paths.items() if path is not None}
    with ThreadPoolExecutor() as pool:
        told = dict(zip((*found, *runtimes), pool.map(_version, (*found.values(), *runtimes.values())), strict=True))
    programs = {name: Program(str(path), told[name]) for name, path in found.items()}
    cni = find_cni_dir()
    if cni is not None:
        programs["CNI plugins"] = Program(str(cni))
    hierarchies = read_hierarchies()
    kinds = [name for name, there in (("v1", hierarchies.v1), ("v2", hierarchies.unified)) if there]
    return Facts(
        programs=programs,
        handlers={name: Program(str(path), told[name]) for name, path in runtimes.items()},
        is_root=os.geteuid() == 0,
        sys_resource=_has_capability(_CAP_SYS_RESOURCE),
        cgroups=" and ".join(kinds),
        overlay="\toverlay\n" in Path("/proc/filesystems").read_text(encoding="utf-8"),
        ip_forward=_sysctl("net/ipv4/ip_forward") is True,
        root_shared=propagation(Path("/")).shared,
        bridge_netfilter=_sysctl("net/bridge/bridge-nf-call-iptables"),
    )


def _version(program: Path) -> str:
    if program.name in _NO_VERSION or program.name.startswith("containerd-shim"):
        return ""
    flags = _VERSION_FLAGS.get(program.name, "--version").split()
    try:
        ran = subprocess.run([program, *flags], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"(does not run: {error})"
    match = _VERSION.search(ran.stdout or ran.stderr)
    return match[1] if match else ""


def _has_capability(number: int) -> bool:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    return match is not None and bool(int(match[1], 16) >> number & 1)


def _sysctl(name: str) -> bool | None:
    """Whether a kernel setting is on; None when there is no such setting."""
    try:
        return Path("/proc/sys", name).read_text(encoding="utf-8").strip() not in ("", "0")
    except OSError:
        return None
