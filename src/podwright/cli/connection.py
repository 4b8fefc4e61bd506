"""How verbs reach the node that is up, and what they say when it is not.

Called by every verb but up, down and doctor.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from podwright.cli.instance import Instance, find

if TYPE_CHECKING:
    from podwright.client.http import HttpClient

T = TypeVar("T")


class NodeNotUpError(click.ClickException):
    """There is nobody to ask; exit status 3, as `systemctl status` has it for what does not run."""

    exit_code = 3

    def __init__(self, data_dir: Path, instance: Instance | None) -> None:
        if instance is None:
            text = f"the node is not up; `podwright up --detach --data-dir {data_dir}` starts it"
        else:
            text = (
                f"the node is starting (pid {instance.pid or 'not yet known'}) and not yet Ready; ask again in a moment"
            )
        super().__init__(text)


def require_up(data_dir: Path) -> Instance:
    """The instance that serves for this data directory. Raises NodeNotUpError."""
    try:
        instance = find(data_dir)
    except PermissionError:
        raise click.ClickException(f"{data_dir} belongs to root: run this with sudo") from None
    if instance is None or not instance.url:
        raise NodeNotUpError(data_dir, instance)
    return instance


def runtime_endpoint(data_dir: Path, instance: Instance) -> str:
    """Where the node's runtime is reached: its own containerd, or the one that it was given."""
    from podwright.containerd.layout import Layout

    return instance.endpoint or Layout(data_dir).endpoint


def connect(data_dir: Path) -> HttpClient:
    """A client with the rights of the node's administrator. Raises NodeNotUpError, ClickException."""
    require_up(data_dir)
    from podwright.client import http_library

    http_library.load()
    from podwright.client.http import HttpClient
    from podwright.client.kubeconfig import KubeconfigError

    path = data_dir / "kubeconfig"
    try:
        return HttpClient.from_kubeconfig(path)
    except (KubeconfigError, OSError) as error:
        raise click.ClickException(f"{path}: {error}") from None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; what the server or the runtime refuses is one line and exit status 1.

    Interrupted it is 130; 143 when the work was cancelled (by whoever handles SIGTERM).
    """
    from podwright.api.errors import StatusError

    try:
        return asyncio.run(work)
    except (StatusError, OSError) as error:
        raise click.ClickException(text_of(error)) from None
    except BaseExceptionGroup as group:
        raise click.ClickException("\n".join(_told(group))) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except asyncio.CancelledError:
        raise SystemExit(143) from None


def text_of(error: BaseException) -> str:
    """An error as a user reads it: a file's name first, no errno."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    return str(error)


def _told(group: BaseExceptionGroup[BaseException]) -> list[str]:
    """The texts of a group in which everything is something that a user can be told; others are raised."""
    from podwright.api.errors import StatusError

    known, fault = group.split((StatusError, OSError, click.ClickException))
    if fault is not None or known is None:
        raise group
    texts: list[str] = []
    for error in known.exceptions:
        if isinstance(error, BaseExceptionGroup):
            texts += _told(error)
        else:
            texts.append(text_of(error))
    return list(dict.fromkeys(texts))
