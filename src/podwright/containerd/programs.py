"""Which container programs this machine has, and what to install where one is missing.

Called at the start of the managed runtime and by `podwright doctor`. Only looks; nothing is run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""looked through after $PATH: a user's shell often lacks the sbin folders"""

CNI_DIRS: Final = (Path("/opt/cni/bin"), Path("/usr/lib/cni"), Path("/usr/libexec/cni"))
CNI_PLUGINS: Final = ("bridge", "host-local", "loopback", "portmap")

DEBIAN_PACKAGES: Final[Mapping[str, str]] = {
    "containerd": "containerd",
    "ctr": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "runc": "runc",
    "crun": "crun",
    "catatonit": "catatonit",
    "nft": "nftables",
    "ip": "iproute2",
    "iptables": "iptables",
    "CNI plugins": "containernetworking-plugins",
}


class MissingProgramError(Exception):
    """The managed runtime can't run without these; the text says what installs them."""

    def __init__(self, names: Sequence[str]) -> None:
        packages = sorted({DEBIAN_PACKAGES[name] for name in names})
        super().__init__(
            f"missing on this machine: {', '.join(names)}; on Debian and Ubuntu: apt-get install {' '.join(packages)}"
        )
        self.names = tuple(names)


@dataclass(frozen=True, slots=True)
class Programs:
    """Absolute paths. Runtimes that are not there are not in `runtimes`."""

    containerd: Path
    ctr: Path
    cni_dir: Path
    catatonit: Path
    nft: Path
    ip: Path
    iptables: Path | None
    """needed for host ports only"""
    runtimes: Mapping[str, Path]
    """handler name -> program (runc, crun, youki) or shim (runsc, kata)"""


def find_program(name: str) -> Path | None:
    """An executable by its name."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SEARCH_PATH}")
    return Path(found) if found else None


def find_cni_dir(candidates: Sequence[Path] = CNI_DIRS) -> Path | None:
    """The first folder that has every plugin that Podwright's network uses."""
    return next(
        (folder for folder in candidates if all(os.access(folder / name, os.X_OK) for name in CNI_PLUGINS)), None
    )


def find_runtimes() -> dict[str, Path]:
    """The OCI runtimes that are here, by the handler name they get."""
    found: dict[str, Path] = {}
    for handler, program in (("runc", "runc"), ("crun", "crun"), ("youki", "youki")):
        path = find_program(program)
        if path:
            found[handler] = path
    for handler, shim, needs in (
        ("runsc", "containerd-shim-runsc-v1", "runsc"),
        ("kata", "containerd-shim-kata-v2", "kata-runtime"),
    ):
        path = find_program(shim)
        if path and find_program(needs):
            found[handler] = path
    return found


def find_programs() -> Programs:
    """Everything the managed runtime needs. Raises MissingProgramError with all that is missing, at once."""
    needed = {name: find_program(name) for name in ("containerd", "ctr", "catatonit", "nft", "ip")}
    missing = [name for name, path in needed.items() if path is None]
    if find_program("containerd-shim-runc-v2") is None:
        missing.append("containerd-shim-runc-v2")
    cni_dir = find_cni_dir()
    if cni_dir is None:
        missing.append("CNI plugins")
    runtimes = find_runtimes()
    if not runtimes:
        missing.append("runc")
    if missing or cni_dir is None:
        raise MissingProgramError(missing)
    return Programs(
        **{name: path for name, path in needed.items() if path is not None},
        cni_dir=cni_dir,
        iptables=find_program("iptables"),
        runtimes=runtimes,
    )
