"""Docker's credential helpers (docker-credential-*): asked for one server, by config.json.

Called by the credential look-up for `credHelpers` and `credsStore`. What a helper prints is kept out of every message:
it may be the secret.
Source: https://github.com/docker/docker-credential-helpers
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import Sequence
from typing import Final

from podwright.kubelet.credentials.docker_config import DockerConfig
from podwright.kubelet.credentials.keyring import Credential, Entry, Source, index_key, matches

log = logging.getLogger(__name__)

HUB_SERVER: Final = "https://index.docker.io/v1/"
TIMEOUT: Final = 10.0
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def helper_for(config: DockerConfig, repository: str) -> tuple[str, str] | None:
    """(helper, server) to ask for a repository; None: no helper is set for it."""
    for server, helper in config.helpers.items():
        key = index_key(server)
        if key is not None and (matches(key, repository) or _is_hub(key, repository)):
            return helper, server
    if config.store:
        registry = repository.partition("/")[0]
        return config.store, HUB_SERVER if registry == "docker.io" else registry
    return None


def _is_hub(key: str, repository: str) -> bool:
    return key == "index.docker.io" and repository.startswith("docker.io/")


async def ask(helper: str, server: str, *, named_by: Source | None = None, timeout: float = TIMEOUT) -> Sequence[Entry]:
    """What the helper has for the server; empty when it has nothing, fails, or takes longer than `timeout` seconds.

    `named_by` is the file that names the helper, where that is not for every Pod of the node.
    """
    if not _NAME.fullmatch(helper):
        log.warning("credential helper %r: not a program's name", helper)
        return ()
    program = f"docker-credential-{helper}"
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        log.warning("credential helper %s: %s", program, error.strerror)
        return ()
    try:
        stdout, _ = await asyncio.wait_for(process.communicate(server.encode()), timeout)
    except TimeoutError:
        log.warning("credential helper %s: no answer within %g s", program, timeout)
        return ()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        return ()  # "credentials not found" is the usual reason
    try:
        answer = json.loads(stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        log.warning("credential helper %s: its answer is not the expected JSON", program)
        return ()
    source = Source(f"helper {program}", secret=named_by.secret if named_by else None)
    if username == "<token>":
        return [Entry(server, Credential(identity_token=secret, source=source))]
    return [Entry(server, Credential(username, secret, source=source))]
