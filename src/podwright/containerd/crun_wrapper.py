"""Lets crun run where cgroup v1 is in use but cgroup v2 still has a controller of its own.

crun refuses such a machine ("cgroups in hybrid mode not supported, drop all controllers from cgroupv2"); runc takes the
version 1 hierarchies and goes on. crun does the same when it can't see the version 2 mount, so there it is started
through a small script that hides that mount from crun alone: in a mount namespace of its own, from which nothing
spreads back. Used by `managed` when it writes the handlers' configuration.
Source: https://github.com/containers/crun/blob/main/crun.1.md
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

UNIFIED: Final = Path("/sys/fs/cgroup/unified")


def needed(unified: Path = UNIFIED) -> bool:
    """Whether this machine is one that crun refuses."""
    try:
        return (unified / "cgroup.controllers").read_text(encoding="ascii").strip() != ""
    except OSError:
        return False


def script(crun: Path, unified: Path = UNIFIED) -> str:
    """The script: crun's arguments are its own, its pid stays the one that the shim started."""
    inner = f'umount {shlex.quote(str(unified))} && exec "$0" "$@"'
    return (
        "#!/bin/sh\n"
        "# Made by Podwright: crun does not run beside a cgroup v2 mount that has controllers.\n"
        f'exec unshare --mount --propagation slave /bin/sh -c {shlex.quote(inner)} {shlex.quote(str(crun))} "$@"\n'
    )
