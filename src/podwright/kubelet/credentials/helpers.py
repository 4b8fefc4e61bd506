"""Docker's credential helpers (docker-credential-*): asked for one server, by config.json.

Called by the credential look-up for `credHelpers` and `credsStore`, and by `podwright registry`. What a helper prints
is kept out of every message: it may be the secret.
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


class HelperError(Exception):
    """A helper could not do what it was asked; the text has nothing of what it printed."""


async def ask(helper: str, server: str, *, named_by: Source | None = None, timeout: float = TIMEOUT) -> Sequence[Entry]:
    """What the helper has for the server; empty when it has nothing, fails, or takes longer than `timeout` seconds.

    `named_by` is the file that names the helper, where that is not for every Pod of the node.
    """
    try:
        code, stdout = await _run(helper, "get", server, timeout)
    except HelperError as error:
        log.warning("%s", error)
        return ()
    if code:
        return ()  # "credentials not found" is the usual reason
    try:
        answer = json.loads(stdout)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        log.warning("credential helper %s: its answer is not the expected JSON", _program(helper))
        return ()
    source = Source(f"helper {_program(helper)}", secret=named_by.secret if named_by else None)
    if username == "<token>":
        return [Entry(server, Credential(identity_token=secret, source=source))]
    return [Entry(server, Credential(username, secret, source=source))]


async def store(helper: str, server: str, username: str, secret: str) -> None:
    """Have the helper keep these; they go to it by its standard input. Raises HelperError."""
    document = json.dumps({"ServerURL": server, "Username": username, "Secret": secret})
    code, _ = await _run(helper, "store", document, TIMEOUT)
    if code:
        raise HelperError(f"credential helper {_program(helper)} did not store it (exit status {code})")


async def erase(helper: str, server: str) -> None:
    """Have the helper forget the server. Raises HelperError."""
    code, _ = await _run(helper, "erase", server, TIMEOUT)
    if code:
        raise HelperError(f"credential helper {_program(helper)} did not erase it (exit status {code})")


def _program(helper: str) -> str:
    return f"docker-credential-{helper}"


async def _run(helper: str, verb: str, stdin: str, timeout: float) -> tuple[int, bytes]:
    """(exit status, what it printed). Raises HelperError when it can't be run or does not end in time."""
    if not _NAME.fullmatch(helper):
        raise HelperError(f"credential helper {helper!r}: not a program's name")
    try:
        process = await asyncio.create_subprocess_exec(
            _program(helper),
            verb,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise HelperError(f"credential helper {_program(helper)}: {error.strerror}") from None
    try:
        stdout, _ = await asyncio.wait_for(process.communicate(stdin.encode()), timeout)
    except TimeoutError:
        raise HelperError(f"credential helper {_program(helper)}: no answer within {timeout:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, stdout
