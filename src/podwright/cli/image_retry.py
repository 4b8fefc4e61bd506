"""`podwright image retry`: the pull that a Pod waits for is tried now.

It is asked through the API, by an annotation: whoever may change the Pod may ask, and `kubectl annotate` does as well.
Page: https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
"""

from __future__ import annotations

from pathlib import Path

import click

from podwright.api.clock import utc_now
from podwright.cli import connection


async def ask(data_dir: Path, namespace: str, pod: str) -> str:
    """What was done, in words. Raises ClickException, StatusError."""
    from podwright.api.objects import rfc3339_micro
    from podwright.api.pods import is_mirror
    from podwright.api.resources import PODS
    from podwright.cli.images_of_pod import failed_images
    from podwright.kubelet.images.manager import RETRY_ANNOTATION

    async with connection.connect(data_dir) as client:
        found = await client.get(PODS, pod, namespace)
        if is_mirror(found):
            raise click.ClickException(f"{pod} is a static Pod: its manifest alone can be changed")
        waiting = failed_images(found)
        if not waiting:
            raise click.ClickException(f"{pod} waits for no image")
        now = rfc3339_micro(utc_now())
        annotated = {"metadata": {"annotations": {RETRY_ANNOTATION: now}}}
        await client.patch(PODS, pod, annotated, namespace)
    return f"{', '.join(waiting)}: tried now; `podwright why {pod}` tells what comes of it"
