"""A small image to try things with, made from the machine's busybox: a shell and the usual commands.

Used by `make demo`, the examples and the tests. Needs a static busybox (Debian: busybox-static).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from podwright.containerd.oci_image import File, Image

EXAMPLE_IMAGE = "docker.io/podwright/busybox:1"


def busybox_image(program: Path) -> Image:
    """The image, with a link in /bin for every applet that `program` has. Blocks for a moment: call it in a thread.

    Raises OSError and subprocess.CalledProcessError.
    """
    binary = program.read_bytes()
    applets = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout.split()
    files = {f"/bin/{applet}": File(link="busybox") for applet in applets if applet != "busybox"}
    files |= {
        "/bin/busybox": File(binary, mode=0o755),
        "/usr/bin/env": File(link="/bin/busybox"),
        "/etc/passwd": File(
            b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
        ),
        "/etc/group": File(b"root:x:0:\nnogroup:x:65534:\n"),
        "/root": File(mode=0o700),
        "/tmp": File(mode=0o1777),
        "/var/tmp": File(mode=0o1777),
    }
    environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    return Image(layers=[files], config={"Cmd": ["sh"], "Env": environment})
