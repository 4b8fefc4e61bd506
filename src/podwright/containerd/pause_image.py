"""The sandbox image: one static program that waits and reaps, Debian's catatonit.

Made at the first start, so that no registry is needed. Its name carries the digest of the program: a newer catatonit
is another image.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from podwright.containerd.oci_image import File, Image


def sandbox_image(program: Path) -> tuple[str, Image]:
    """Full name and image of the sandbox made from `program`. Raises OSError."""
    binary = program.read_bytes()
    name = f"docker.io/podwright/pause:{hashlib.sha256(binary).hexdigest()[:12]}"
    image = Image(layers=[{"/catatonit": File(binary, mode=0o755)}], config={"Entrypoint": ["/catatonit", "-P"]})
    return name, image
